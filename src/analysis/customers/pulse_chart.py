"""The picture of the pulse: the latest days or fortnights, and the usual range of the last one."""

import matplotlib.dates as mdates
import pandas as pd
import seaborn as sns
from matplotlib.ticker import FuncFormatter

from analysis.core.figures import ACCENT, FAN, INK, RULE, Chart, chart, new_axes
from analysis.core.scope import Scope


def pulse_chart(periods: pd.DataFrame, usual: tuple[float, float] | None, scope: Scope) -> Chart:
    """Draw revenue by day or fortnight; the last one is a dot in its usual range."""
    figure, axes = new_axes(height=2.6)
    sns.lineplot(periods, x="starts_on", y="revenue_amount", color=ACCENT, linewidth=1.6, ax=axes)
    last = periods.iloc[-1]
    if usual is not None:
        axes.vlines(last["starts_on"], *usual, color=FAN, linewidth=9)
    axes.plot([last["starts_on"]], [last["revenue_amount"]], "o", color=INK, markersize=5)
    axes.set_ylim(bottom=min(0.0, float(periods["revenue_amount"].min())))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: scope.display.amount(value)))
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(axes.xaxis.get_major_locator()))
    axes.set(xlabel="", ylabel="")
    axes.grid(axis="y", color=RULE)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
    amount = scope.display.amount
    band = f"; usual is {amount(usual[0])} to {amount(usual[1])}" if usual else ""
    return chart(
        figure,
        "pulse-revenue",
        title=f"Revenue by {scope.unit} ({scope.display.currency}); the bar is the usual range",
        alternative_text=f"Line of revenue of the last {len(periods)} {scope.unit}s; "
        f"{scope.period} brought {amount(last['revenue_amount'])}{band}.",
    )
