"""The picture of the scoreboard: what was forecast, with its range, and what came."""

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import FuncFormatter

from analysis.core.figures import ACCENT, FAN, INK, RULE, SERIES, SOFT, Chart, chart, new_axes
from analysis.core.scope import Scope
from analysis.customers.scoreboard_past import Past

_MOST_QUARTERS = 12


def graded_chart(quarters: Sequence[Past], scope: Scope) -> Chart:
    """Draw the frozen total of every graded quarter with its 80 % range, and what came."""
    shown = list(quarters)[-_MOST_QUARTERS:]
    places = np.arange(len(shown))
    low, high, forecast, actual = (
        np.array([getattr(one.total, name) for one in shown], dtype=float)
        for name in ("low", "high", "forecast", "actual")
    )
    simple = np.array([one.customers["mean_quarters"].sum() for one in shown])
    figure, axes = new_axes(height=2.9)
    axes.bar(places, high - low, bottom=low, width=0.35, color=FAN, label="80 % range")
    axes.plot(places, forecast, "o", color=ACCENT, markersize=7, label="forecast")
    axes.plot(places, simple, "_", color=SERIES[4], markersize=14, label="mean of four quarters")
    axes.plot(places, actual, color=INK, linewidth=2, marker="D", markersize=5, label="came")
    axes.set_xticks(places, [one.period for one in shown])
    axes.set_xlim(-0.7, len(shown) - 0.3)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: scope.display.amount(value)))
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.grid(axis="y", color=RULE)
    axes.set_axisbelow(True)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0, colors=SOFT)
    figure.legend(loc="outside upper right", ncols=4, frameon=False)
    return chart(
        figure,
        "scoreboard-graded",
        title=f"Frozen forecasts and what came ({scope.display.currency})",
        alternative_text=f"{'; '.join(_in_words(one, scope) for one in shown)}.",
    )


def _in_words(one: Past, scope: Scope) -> str:
    amount, total = scope.display.amount, one.total
    held = (
        f", 80 % range {amount(total.low)} to {amount(total.high)}"
        if total.low == total.low
        else ""
    )
    return f"{one.period}: forecast {amount(total.forecast)}{held}, came {amount(total.actual)}"
