"""The pictures of the chapter on channels: what a lead brings, what a new customer is worth."""

import pandas as pd

from analysis.core.figures import ACCENT, RULE, SERIES, SOFT, Chart, chart, new_axes
from analysis.core.scope import Scope
from analysis.sales.channels_options import ChannelsOptions
from analysis.sales.channels_told import Lifetime

_ROW_HEIGHT = 0.34  # inches per group
_MOST_ROWS = 24


def lead_chart(groups: pd.DataFrame, horizon_days: float, scope: Scope) -> Chart:
    """Draw what a lead of each channel brings, with its range; those that differ are coloured."""
    shown = groups[(groups["kind"] == "channel") & groups["lead_amount"].notna()]
    shown = shown.rename(columns={"lead_amount": "amount"})
    ends = shown[["lead_low_amount", "lead_high_amount"]]
    labels = [f"{row.value} ({scope.display.count(row.lead_count)})" for row in shown.itertuples()]
    table = shown.assign(label=labels, low=ends.iloc[:, 0], high=ends.iloc[:, 1])
    average = float((shown["amount"] * shown["mature_count"]).sum() / shown["mature_count"].sum())
    return _ranges(
        table,
        average,
        "channels-leads",
        "What a lead brings, by channel (number of leads)",
        f"Won per lead within {horizon_days:.0f} days; bar: 80 % range, dashed: all leads",
        scope,
    )


def lifetime_chart(lifetime: Lifetime, options: ChannelsOptions, scope: Scope) -> Chart:
    """Draw what a new customer of each group is worth, with its range."""
    table = lifetime.table
    labels = [
        f"{row.kind}: {row.value} ({scope.display.count(row.customer_count)})"
        for row in table.itertuples()
    ]
    names = {"lifetime_low_amount": "low", "lifetime_high_amount": "high"}
    shown = table.rename(columns=names | {"lifetime_amount": "amount"}).assign(label=labels)
    average = lifetime.profile.value if lifetime.profile else float("nan")
    return _ranges(
        shown,
        average,
        "channels-lifetime",
        "What a new customer is worth (number of new customers)",
        f"{lifetime.worth.capitalize()} of {options.horizon_years} years, discounted; "
        "bar: 80 % range, dashed: all",
        scope,
    )


def _ranges(
    table: pd.DataFrame, average: float, name: str, title: str, axis: str, scope: Scope
) -> Chart:
    shown = table.head(_MOST_ROWS).iloc[::-1].reset_index(drop=True)
    figure, axes = new_axes(height=1.0 + _ROW_HEIGHT * max(len(shown), 1))
    axes.axvline(average, color=SOFT, linewidth=1, linestyle=(0, (4, 3)))
    for place, row in shown.iterrows():
        colour = ACCENT if not row["is_different"] else SERIES[1 if row["amount"] > average else 4]
        axes.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=3, alpha=0.35)
        axes.plot(row["amount"], place, "o", color=colour, markersize=6)
    axes.set_yticks(range(len(shown)), shown["label"])
    money = scope.display.amount
    axes.xaxis.set_major_formatter(lambda value, _: money(value))
    axes.xaxis.get_major_locator().set_params(nbins=6)
    axes.set_xlabel(axis)
    axes.grid(visible=True, axis="x", color=RULE, linewidth=0.6)
    axes.tick_params(axis="y", length=0)
    texts = [
        f"{row.label}: {money(row.amount)} ({money(row.low)} to {money(row.high)})"
        for row in shown.iloc[::-1].itertuples()
    ]
    return chart(figure, name, title=title, alternative_text="; ".join(texts))
