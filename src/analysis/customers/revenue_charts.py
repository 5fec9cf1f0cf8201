"""The pictures of the revenue chapter."""

import matplotlib.dates as mdates
import pandas as pd
import seaborn as sns
from matplotlib.ticker import FuncFormatter

from analysis.core.figures import ACCENT, INK, RULE, SERIES, SOFT, Chart, chart, new_axes
from analysis.core.scope import Scope


def month_chart(months: pd.DataFrame, scope: Scope) -> Chart:
    """Draw revenue by month as a line, the scope's quarter shaded."""
    figure, axes = new_axes(height=2.9)
    axes.axvspan(
        pd.Timestamp(scope.period.starts_on), pd.Timestamp(scope.period.last_day), color=RULE
    )
    sns.lineplot(months, x="month", y="revenue_amount", color=ACCENT, linewidth=2.2, ax=axes)
    axes.annotate(
        scope.period.name,
        (pd.Timestamp(scope.period.starts_on), 1),
        xycoords=("data", "axes fraction"),
        color=SOFT,
        va="bottom",
    )
    axes.set_ylim(bottom=min(0, months["revenue_amount"].min()))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: scope.display.amount(value)))
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(axes.xaxis.get_major_locator()))
    axes.set(xlabel="", ylabel="")
    axes.grid(axis="y", color=RULE)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
    first, last = months["month"].min(), months["month"].max()
    peak = months.loc[months["revenue_amount"].idxmax()]
    return chart(
        figure,
        "revenue-by-month",
        title=f"Revenue by month ({scope.display.currency}), {scope.period} shaded",
        alternative_text=f"Line of revenue by month from {first:%B %Y} to {last:%B %Y}; "
        f"the highest month is {peak['month']:%B %Y} with "
        f"{scope.display.amount(peak['revenue_amount'])}.",
    )


def bridge_chart(bridge: pd.DataFrame, base: str, scope: Scope) -> Chart:
    """Draw the parts of the change on `base` as bars to both sides of zero, with their amounts."""
    bridge = bridge[bridge["amount"] != 0].reset_index(drop=True)
    figure, axes = new_axes(height=0.6 + 0.42 * max(1, len(bridge)))
    amounts = bridge["amount"].astype(float)
    colours = {True: SERIES[1], False: SERIES[4]}
    bars = bridge.assign(amount=amounts, is_gain=amounts >= 0)
    sns.barplot(
        bars,
        x="amount",
        y="part",
        hue="is_gain",
        palette=colours,
        saturation=1,
        width=0.55,
        legend=False,
        ax=axes,
    )
    axes.set(xlabel="", ylabel="")
    axes.axvline(0, color=INK, linewidth=0.8)
    for position, amount in enumerate(amounts):
        sign = "+" if amount > 0 else ""
        axes.annotate(
            f" {sign}{scope.display.amount(amount)} ",
            (amount, position),
            va="center",
            ha="left" if amount >= 0 else "right",
        )
    axes.margins(x=0.18)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
    axes.xaxis.set_visible(False)
    listed = "; ".join(
        f"{part} {scope.display.amount(amount)}"
        for part, amount in zip(bridge["part"], amounts, strict=True)
    )
    return chart(
        figure,
        "revenue-bridge",
        title=f"What the change of revenue on {base} is made of ({scope.display.currency})",
        alternative_text=f"Bars of the parts of the change: {listed or 'none to compare with'}.",
    )
