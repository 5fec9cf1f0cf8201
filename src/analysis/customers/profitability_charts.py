"""The pictures of the profit chapter: the whale curve, and what became of a top group."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from analysis.core.figures import ACCENT, FAN, INK, RULE, SERIES, SOFT, Chart, chart, new_axes
from analysis.core.scope import Scope
from analysis.customers.profitability_findings import Profit
from analysis.customers.profitability_later import Later, later_table

_LOSS = SERIES[4]
_SEEN = 0.01  # of the total; a smaller loss is told in words only


def whale_chart(points: pd.DataFrame, profit: Profit, scope: Scope) -> Chart:
    """Draw profit added up over customers, from the most to the least profitable."""
    figure, axes = new_axes(height=3.4)
    y = points["profit_amount"].to_numpy()
    top = points[points["is_peak"]].iloc[0]
    total, peak = y[-1], top["profit_amount"]
    amount, share = scope.display.amount, scope.display.share
    lost, count = peak - total, scope.display.count(len(profit.losers))
    _draw_whale(axes, points, profit, scope)
    axes.set_ylim(min(0.0, y.min()), peak * 1.16 if peak > 0 else None)
    axes.set_xlim(0, 1.005)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: share(value, 0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: amount(value)))
    axes.set(xlabel="share of customers, the most profitable first", ylabel="")
    axes.grid(axis="y", color=RULE)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
    return chart(
        figure,
        "whale-curve",
        title=f"Whale curve: {profit.word} of the last four quarters, added up over customers",
        alternative_text=f"Line of {profit.word} added up from the most to the least profitable "
        f"customer. It peaks at {amount(peak)} after {share(top['customer_share'], 0)} of "
        f"customers and ends at {amount(total)}: {count} customers take {amount(lost)} away.",
    )


def _draw_whale(axes: Axes, points: pd.DataFrame, profit: Profit, scope: Scope) -> None:
    """Draw the curve, and write its peak, its end and the top group beside it."""
    x, y = points["customer_share"].to_numpy(), points["profit_amount"].to_numpy()
    top = points[points["is_peak"]].iloc[0]
    total, peak = y[-1], top["profit_amount"]
    amount, share = scope.display.amount, scope.display.share
    lost, count = peak - total, scope.display.count(len(profit.losers))
    falling = x >= top["customer_share"]
    spot = float(np.interp(profit.options.top_share, x, y))
    axes.fill_between(x, y, color=FAN, alpha=0.45, linewidth=0)
    axes.plot(x, y, color=ACCENT, linewidth=2.2)
    axes.plot(x[falling], y[falling], color=_LOSS, linewidth=2.6)
    axes.plot([0, 1], [total, total], color=SOFT, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.plot([profit.options.top_share], [spot], "o", color=ACCENT, markersize=6)
    text = f"{profit.top_words} of customers: {amount(spot)}"
    _label(axes, text, (profit.options.top_share, spot), (9, -5), color=INK, va="top")
    style = {"ha": "right", "va": "top", "fontweight": "bold"}
    _label(axes, f"all customers: {amount(total)}", (1, total), (0, -7), color=INK, **style)
    text = (
        f"peak {amount(peak)} at {share(top['customer_share'], 0)} of customers; "
        f"{count} who lose money take {amount(lost)} away"
    )
    side = "right" if top["customer_share"] > 0.5 else "left"
    colour = _LOSS if lost > _SEEN * abs(total) else SOFT
    _label(axes, text, (top["customer_share"], peak), (0, 8), color=colour, ha=side)


def _label(
    axes: Axes, text: str, spot: tuple[float, float], shift: tuple[float, float], **style: str
) -> None:
    axes.annotate(text, spot, xytext=shift, textcoords="offset points", **style)


def later_chart(later: Later, top_share: float, scope: Scope) -> Chart:
    """Draw the top group's share of margin before and after, and what luck alone would leave."""
    table = later_table(later).dropna(subset=["margin_share"])
    figure, axes = new_axes(height=0.7 + 0.46 * len(table))
    colours = [FAN, ACCENT, SOFT, SOFT]
    for place, row in enumerate(table.to_dict("records")):
        value, is_guess = row["margin_share"], place > 1
        bar = {"color": "none", "edgecolor": SOFT, "linestyle": "--"} if is_guess else {}
        axes.barh(place, value, height=0.55, **(bar or {"color": colours[place]}))
        end = value
        if not np.isnan(row["margin_high_share"]):
            ends = [row["margin_low_share"], row["margin_high_share"]]
            axes.plot(ends, [place, place], color=INK, linewidth=1.6)
            end = max(ends)
        text = scope.display.share(value, 0)
        axes.annotate(f"  {text}", (end, place), va="center", color=INK)
    axes.set_yticks(range(len(table)), table["top_group"])
    axes.set_ylim(len(table) - 0.5, -0.5)
    axes.set_xlim(0, max(1.0, later.before_share * 1.1))
    axes.xaxis.set_visible(False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
    words = "; ".join(
        f"{row.top_group}: {scope.display.share(row.margin_share, 0)}" for row in table.itertuples()
    )
    return chart(
        figure,
        "top-group-later",
        title=f"Share of all margin that a year's top {scope.display.share(top_share, 0)} of "
        "customers bring",
        alternative_text=f"Bars: {words}.",
    )
