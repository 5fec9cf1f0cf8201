"""The pictures of the growth chapter."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from analysis.core.figures import ACCENT, FAN, INK, RULE, SERIES, SOFT, Chart, chart, new_axes
from analysis.core.scope import Scope
from analysis.customers.growth_backtest import OUR_MODEL


def history_chart(backtest: pd.DataFrame, totals: pd.DataFrame, scope: Scope) -> Chart:
    """Draw what came, what was forecast for it, and the next quarter with its range."""
    is_shown = (backtest["model"] == OUR_MODEL) & (backtest["amount_kind"] == "revenue")
    past, company = backtest[is_shown], totals.iloc[0]
    names = [*past["period"], scope.next_period.name]
    figure, axes = new_axes(height=2.9)
    places = np.arange(len(past))
    axes.plot(places, past["actual_amount"], color=INK, linewidth=2, marker="o", markersize=4)
    axes.plot(places, past["forecast_amount"], "o", color=SERIES[4], markersize=6)
    forecast, low, high = (
        float(company[f"forecast_quarter{end}_amount"]) for end in ("", "_low", "_high")
    )
    axes.bar(len(past), high - low, bottom=low, width=0.35, color=FAN)
    axes.plot([len(past)], [forecast], "o", color=ACCENT, markersize=7)
    if len(past):
        # Where the two lie farthest apart, the labels do not overlap each other or the line.
        apart = int((past["actual_amount"] - past["forecast_amount"]).abs().to_numpy().argmax())
        came, said = (float(past[f"{c}_amount"].iloc[apart]) for c in ("actual", "forecast"))
        side = 1 if said > came else -1
        _label(axes, apart, came, "came", INK, above=-13 * side)
        _label(axes, apart, said, "forecast", SERIES[4], above=13 * side)
    _label(axes, len(past) + 0.1, forecast, scope.display.amount(forecast), ACCENT)
    axes.set_xticks(range(len(names)), names)
    axes.set_xlim(-0.5, len(names))
    _money_axis(axes, scope)
    amount = scope.display.amount
    listed = "; ".join(
        f"{row.period} forecast {amount(row.forecast_amount)}, came {amount(row.actual_amount)}"
        for row in past.itertuples()
    )
    return chart(
        figure,
        "forecast-history",
        title=f"Revenue of customers known before the quarter ({scope.display.currency})",
        alternative_text=f"{listed or 'No earlier quarter'}; {scope.next_period} forecast "
        f"{amount(forecast)}, range {amount(low)} to {amount(high)}.",
    )


def decile_chart(deciles: pd.DataFrame, period: str, scope: Scope) -> Chart:
    """Draw forecast and actual of `period`, the last known quarter, by tenth of customers."""
    figure, axes = new_axes(height=2.9)
    places = deciles["decile"].astype(float)
    axes.bar(places, deciles["actual_amount"].astype(float), width=0.6, color=FAN)
    axes.plot(places, deciles["forecast_amount"].astype(float), "o", color=ACCENT, clip_on=False)
    axes.margins(y=0.08)
    axes.set_xticks(range(1, 11))
    axes.set_xlabel("Tenth of customers, lowest forecast first; bar: came, dot: forecast")
    _money_axis(axes, scope)
    amount = scope.display.amount
    listed = "; ".join(
        f"{row.decile}: forecast {amount(row.forecast_amount)}, came {amount(row.actual_amount)}"
        for row in deciles.itertuples()
    )
    return chart(
        figure,
        "forecast-deciles",
        title=f"{period} replayed: forecast and what came ({scope.display.currency})",
        alternative_text=f"By tenth of customers, {listed or 'no earlier quarter to replay'}.",
    )


def _label(axes: Axes, x: float, y: float, text: str, colour: str, above: int = 0) -> None:
    """Write beside a mark or, so many points above or below, centred on it."""
    offset, side = ((0, above), "center") if above else ((8, 0), "left")
    axes.annotate(
        text, (x, y), offset, textcoords="offset points", va="center", ha=side, color=colour
    )


def _money_axis(axes: Axes, scope: Scope) -> None:
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: scope.display.amount(value)))
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.grid(axis="y", color=RULE)
    axes.set_axisbelow(True)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0, colors=SOFT)
