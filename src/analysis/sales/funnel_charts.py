"""The pictures of the funnel chapter: who converts how often, and where deals are lost."""

import numpy as np
import pandas as pd

from analysis.core.figures import ACCENT, FAN, INK, RULE, SERIES, SOFT, Chart, chart, new_axes
from analysis.core.scope import Scope
from analysis.sales.funnel_sellers import ABOVE, BELOW, TOO_FEW

_ROW_HEIGHT = 0.34  # inches per seller
_MOST_ROWS = 25


def seller_chart(sellers: pd.DataFrame, horizon_days: float, scope: Scope) -> Chart:
    """Draw each seller's win share for equal work, its range, and the team's share."""
    shown = sellers[sellers["verdict"] != TOO_FEW].dropna(subset=["standardised_share"])
    shown = shown.sort_values(["standardised_share", "seller"], ignore_index=True)
    shown = shown.tail(_MOST_ROWS).reset_index(drop=True)
    team = float(sellers["common_share"].max())
    figure, axes = new_axes(height=1.0 + _ROW_HEIGHT * max(len(shown), 1))
    axes.axvline(team, color=SOFT, linewidth=1, linestyle=(0, (4, 3)))
    for place, row in shown.iterrows():
        colour = {BELOW: SERIES[4], ABOVE: SERIES[1]}.get(row["verdict"], ACCENT)
        ends = [row["standardised_low_share"], row["standardised_high_share"]]
        axes.plot(ends, [place, place], color=colour, linewidth=3, alpha=0.35)
        axes.plot(row["standardised_share"], place, "o", color=colour, markersize=6)
        axes.plot(row["closed_share"], place, "|", color=SOFT, markersize=8)
    labels = [f"{row.seller} ({row.mature_count})" for row in shown.itertuples()]
    axes.set_yticks(range(len(shown)), labels)
    axes.set_ylim(-0.7, len(shown) - 0.3 + 0.4)
    share = scope.display.share
    axes.text(team, len(shown) - 0.25, f" team {share(team, 0)}", color=SOFT, fontsize=8.5)
    axes.xaxis.set_major_formatter(lambda value, _: share(value, 0))
    axes.set_xlabel(
        f"Won within {horizon_days:.0f} days, for equal work; bar: 80 % range, tick: won of closed"
    )
    axes.grid(visible=True, axis="x", color=RULE, linewidth=0.6)
    axes.tick_params(axis="y", length=0)
    texts = [
        f"{row.seller}: {share(row.standardised_share, 0)} "
        f"({share(row.standardised_low_share, 0)} to {share(row.standardised_high_share, 0)}), "
        f"{row.verdict}"
        for row in shown.itertuples()
    ]
    return chart(
        figure,
        "funnel-sellers",
        title="Deals won by seller, had all been given the same work (number of deals)",
        alternative_text=f"Team {share(team, 0)}. "
        + "; ".join(texts or ["nobody has enough deals"]),
    )


def stage_chart(stages: pd.DataFrame, deal_count: int, scope: Scope) -> Chart:
    """Draw which share of all deals comes to each stage, and how many pass it."""
    share = scope.display.share
    figure, axes = new_axes(height=0.8 + 0.46 * len(stages))
    places = np.arange(len(stages))[::-1]
    axes.barh(places, stages["reach_share"], height=0.62, color=FAN)
    for place, row in zip(places, stages.itertuples(), strict=True):
        passed = f"{share(row.reach_share, 0)} come here, {share(row.pass_share, 0)} of them pass"
        days = (
            "" if np.isnan(row.median_days) else f"; half leave within {row.median_days:.0f} days"
        )
        axes.text(0.01, place, passed + days, va="center", color=INK, fontsize=9)
    axes.set_yticks(places, stages["stage_name"])
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(lambda value, _: share(value, 0))
    axes.set_xlabel("Share of all deals opened")
    axes.tick_params(axis="y", length=0)
    texts = [
        f"{row.stage_name}: {share(row.reach_share, 0)} of deals come here, "
        f"{share(row.pass_share, 0)} pass ({share(row.pass_low_share, 0)} to "
        f"{share(row.pass_high_share, 0)})"
        for row in stages.itertuples()
    ]
    return chart(
        figure,
        "funnel-stages",
        title=f"From opening to contract: {scope.display.count(deal_count)} deals",
        alternative_text="; ".join(texts),
    )
