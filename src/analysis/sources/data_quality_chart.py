"""The picture of the data-quality chapter."""

import pandas as pd
from matplotlib.ticker import FuncFormatter

from analysis.core.figures import ACCENT, RULE, SOFT, Chart, chart, new_axes
from analysis.core.scope import Scope

_MOST_LABELS = 8


def customer_chart(quarters: pd.DataFrame, scope: Scope) -> Chart:
    """Draw the shares of revenue and of lines without a customer by fiscal quarter."""
    figure, axes = new_axes(height=2.6)
    names = list(quarters["period"])
    places = range(len(names))
    lines = (("no_customer_revenue_share", ACCENT, "of revenue"),)
    lines += (("no_customer_line_share", SOFT, "of lines"),)
    for column, colour, label in lines:
        axes.plot(places, quarters[column], color=colour, linewidth=2, marker="o", markersize=3.5)
        last = quarters[column].last_valid_index()
        if last is not None:
            axes.annotate(
                f"{scope.display.share(quarters[column][last])} {label}",
                (last, quarters[column][last]),
                xytext=(7, 0),
                textcoords="offset points",
                color=colour,
                va="center",
            )
    step = -(-len(names) // _MOST_LABELS)
    axes.set_xticks(list(places)[::step], names[::step])
    axes.margins(x=0.04)
    axes.set_xlim(right=(len(names) - 1) * 1.25 + 0.3)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: scope.display.share(value, 0)))
    axes.grid(axis="y", color=RULE)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
    now = quarters.iloc[-1]
    return chart(
        figure,
        "data-quality-quarters",
        title="Share of revenue and of lines that name no customer, by quarter",
        alternative_text=f"Two lines over {len(names)} quarters from {names[0]} to {names[-1]}; in "
        f"the last, {scope.display.share(now['no_customer_revenue_share'])} of revenue and "
        f"{scope.display.share(now['no_customer_line_share'])} of lines name no customer.",
    )
