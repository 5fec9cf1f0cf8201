"""The pictures of the throughput chapter: rates between their limits, and why one is behind."""

import pandas as pd

from analysis.core.figures import ACCENT, FAN, INK, RULE, SERIES, SOFT, Chart, chart, new_axes
from analysis.core.scope import Scope
from analysis.sales.throughput_bridge import CAUSES
from analysis.sales.throughput_options import ThroughputOptions

_ROW_HEIGHT = 0.34  # inches per seller
_MOST_ROWS = 25


def limit_chart(sellers: pd.DataFrame, options: ThroughputOptions, scope: Scope) -> Chart:
    """Draw each seller's rate, the limits of chance, and the band of the tolerance rule."""
    shown = sellers.sort_values(["month_rate", "seller"]).tail(_MOST_ROWS).reset_index(drop=True)
    figure, axes = new_axes(height=1.0 + _ROW_HEIGHT * max(len(shown), 1))
    average, tolerance = float(shown["average_rate"].iloc[0]), options.tolerance_share
    axes.axvspan(average * (1 - tolerance), average * (1 + tolerance), color=FAN, alpha=0.45)
    axes.axvline(average, color=SOFT, linewidth=1, linestyle=(0, (4, 3)))
    for place, row in shown.iterrows():
        ends = [row["limit_low_rate"], row["limit_high_rate"]]
        axes.plot(ends, [place, place], color=SOFT, linewidth=1)
        colour = SERIES[4] if row["is_different"] else ACCENT
        style = "D" if row["is_beyond"] else "o"
        axes.plot(row["month_rate"], place, style, color=colour, markersize=6)
    labels = [f"{row.seller} ({row.ended_count:.0f})" for row in shown.itertuples()]
    axes.set_yticks(range(len(shown)), labels)
    axes.set_ylim(-0.7, len(shown) - 0.3)
    axes.set_xlabel("Deals ended per full-time month; line: 95 % of sellers like the others")
    axes.grid(visible=True, axis="x", color=RULE, linewidth=0.6)
    axes.tick_params(axis="y", length=0)
    number, change = scope.display.number, scope.display.change
    texts = [
        f"{row.seller} {number(row.month_rate)} ({change(row.deviation_share, 0)})"
        for row in shown.itertuples()
    ]
    return chart(
        figure,
        "throughput-limits",
        title="Deals ended per full-time month (deals ended); band: within the tolerance rule",
        alternative_text=f"Average {number(average)}. " + "; ".join(texts) + ".",
    )


def _worst(bridge: pd.DataFrame, sellers: pd.DataFrame) -> str:
    """Of those with a low rate who were named, else of all who were there for half of the time."""
    is_low = sellers["month_rate"] < sellers["average_rate"]
    named = sellers.loc[is_low & (sellers["is_beyond"] | sellers["is_different"]), "rep_id"]
    days = sellers["full_time_days"]
    there = sellers.loc[days >= days.max() / 2, "rep_id"]
    mine = bridge[bridge["rep_id"].isin(named)]
    if mine.empty or mine["difference_amount"].min() >= 0:
        mine = bridge[bridge["rep_id"].isin(there)]
    return (
        (mine if len(mine) else bridge)
        .sort_values(["difference_amount", "rep_id"])
        .iloc[0]["rep_id"]
    )


def bridge_chart(bridge: pd.DataFrame, sellers: pd.DataFrame, scope: Scope) -> Chart:
    """Draw what makes the seller farthest behind bring less than the average of the others."""
    amount = scope.display.amount
    figure, axes = new_axes(height=2.7)
    if bridge.empty:
        axes.axis("off")
        return chart(figure, "throughput-bridge", title="Nobody to compare", alternative_text="")
    worst = _worst(bridge, sellers)
    mine = bridge[bridge["rep_id"] == worst].set_index("cause").loc[list(CAUSES)]
    name = str(mine["seller"].iloc[0])
    places = range(len(mine))[::-1]
    colours = [SERIES[4] if value < 0 else SERIES[1] for value in mine["part_amount"]]
    axes.barh(places, mine["part_amount"], color=colours, height=0.6)
    lows = mine["part_amount"] - mine["part_low_amount"]
    highs = mine["part_high_amount"] - mine["part_amount"]
    errors = [lows.clip(lower=0), highs.clip(lower=0)]
    axes.errorbar(mine["part_amount"], places, xerr=errors, fmt="none", ecolor=SOFT, elinewidth=1)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(places, [CAUSES[cause] for cause in mine.index])
    axes.xaxis.set_major_formatter(lambda value, _: amount(value))
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("Part of the difference in won revenue; line: 80 % range")
    total = amount(float(mine["difference_amount"].iloc[0]))
    texts = [f"{CAUSES[row.Index]} {amount(row.part_amount)}" for row in mine.itertuples()]
    return chart(
        figure,
        "throughput-bridge",
        title=f"{name} against the average of the others: {total}",
        alternative_text=f"{name}: {total} in all. " + "; ".join(texts) + ".",
    )
