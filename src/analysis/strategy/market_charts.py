"""The picture of the market chapter: potential against our part of it, by region."""

import pandas as pd

from analysis.core.figures import ACCENT, FAN, RULE, SOFT, Chart, chart, new_axes
from analysis.core.scope import Scope

_MOST_ROWS = 20
_ROW_HEIGHT = 0.42


def penetration_chart(table: pd.DataFrame, scope: Scope) -> Chart:
    """Draw each region's market with its range, our revenue in it, and the share."""
    shown = table.head(_MOST_ROWS).iloc[::-1].reset_index(drop=True)
    amount, share = scope.display.amount, scope.display.share
    figure, axes = new_axes(height=0.9 + _ROW_HEIGHT * len(shown))
    places = range(len(shown))
    axes.barh(places, shown["potential_mid_amount"], height=0.6, color=FAN)
    axes.barh(places, shown["revenue_year_amount"], height=0.6, color=ACCENT)
    for place, row in shown.iterrows():
        ends = [row["potential_low_amount"], row["potential_high_amount"]]
        axes.plot(ends, [place, place], color=SOFT, linewidth=1)
        text = f" {share(row['penetration_mid_share'], 0)} ours"
        axes.text(row["potential_high_amount"], place, text, va="center", color=SOFT, fontsize=8.5)
    axes.set_yticks(places, shown["region_name"])
    axes.set_xlim(0, float(shown["potential_high_amount"].max()) * 1.18)
    axes.xaxis.set_major_formatter(lambda value, _: amount(value))
    axes.set_xlabel("Spend of regular buyers in a year; line: 80 % range; dark: our revenue")
    axes.grid(visible=True, axis="x", color=RULE, linewidth=0.6)
    axes.tick_params(axis="y", length=0)
    texts = [
        f"{row.region_name}: market {amount(row.potential_mid_amount)} "
        f"({amount(row.potential_low_amount)} to {amount(row.potential_high_amount)}), ours "
        f"{share(row.penetration_mid_share, 0)}"
        for row in shown.iloc[::-1].itertuples()
    ]
    return chart(
        figure,
        "market-penetration",
        title="Market and our part of it, most untapped region first",
        alternative_text="; ".join(texts) + ".",
    )
