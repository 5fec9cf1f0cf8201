"""Pictures of one customer's page: what he bought, what is to come, where he could buy more."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from analysis.core.figures import ACCENT, FAN, RULE, SERIES, SOFT, Chart, chart, new_axes
from analysis.core.scope import Scope

MOST_QUARTERS = 16  # of history in the picture
_MOST_CATEGORIES = 8
_QUARTERS = 4

Ranged = tuple[float, float, float]  # a forecast, and the ends of its 80 % range


def customer_charts(
    history: pd.DataFrame,
    quarter: Ranged,
    year: Ranged,
    potential: float,
    categories: pd.DataFrame,
    scope: Scope,
) -> dict[str, Chart]:
    """Draw the quarters with the forecast fan, the year beside its potential, and the categories.

    `history` and `categories` are tables of the page; potential may be NaN, categories empty.
    """
    last_year = float(history["revenue_amount"].tail(_QUARTERS).sum())
    found = {
        "history": _history_chart(history, quarter, scope),
        "year": _year_chart(last_year, year, potential, scope),
    }
    return found | ({"categories": _categories_chart(categories, scope)} if len(categories) else {})


def _history_chart(history: pd.DataFrame, quarter: Ranged, scope: Scope) -> Chart:
    shown = history.tail(MOST_QUARTERS)
    forecast, low, high = quarter
    figure, axes = new_axes(height=2.9)
    count, amounts = len(shown), shown["revenue_amount"].to_numpy(float)
    axes.bar(np.arange(count), amounts, width=0.6, color=SERIES[3])
    # The fan opens at the last bar and holds four of five outcomes where it ends.
    beside = [count - 0.7, count]
    axes.fill_between(beside, [amounts[-1], low], [amounts[-1], high], color=FAN, linewidth=0)
    axes.plot(beside, [amounts[-1], forecast], color=ACCENT, linewidth=1.5)
    axes.plot([count, count], [low, high], color=FAN, linewidth=9, solid_capstyle="butt")
    axes.plot([count], [forecast], "o", color=ACCENT, markersize=7)
    step = -(-(count + 1) // 10)  # labels that do not overlap
    names = [*shown["period"], scope.next_period.name]
    ticks = list(range(count, -1, -step))
    axes.set_xticks(ticks, [names[tick] for tick in ticks])
    axes.set_xlim(-0.7, count + 0.7)
    _money_axis(axes, scope)
    amount = scope.display.amount
    listed = "; ".join(f"{r.period} {amount(r.revenue_amount)}" for r in shown.itertuples())
    return chart(
        figure,
        "one-customer-history",
        title=f"Revenue by quarter, and what is forecast ({scope.display.currency})",
        alternative_text=f"{listed}; {scope.next_period} forecast {amount(forecast)}, 80 % range "
        f"{amount(low)} to {amount(high)}.",
    )


def _year_chart(last: float, year: Ranged, potential: float, scope: Scope) -> Chart:
    forecast, low, high = year
    figure, axes = new_axes(height=2.6)
    axes.bar([0], [last], width=0.5, color=SERIES[3])
    axes.bar([1], [high - low], bottom=[low], width=0.35, color=FAN)
    axes.plot([1], [forecast], "o", color=ACCENT, markersize=7)
    names, amount = ["last four quarters", "next four, 80 % range"], scope.display.amount
    words = f"last four quarters {amount(last)}; next four {amount(forecast)}, 80 % range "
    words += f"{amount(low)} to {amount(high)}"
    if potential == potential:
        axes.bar([2], [potential], width=0.5, color=SERIES[1])
        names, words = [*names, "potential"], f"{words}; potential {amount(potential)}"
    axes.set_xticks(range(len(names)), names)
    _money_axis(axes, scope)
    title = f"A year: what was, what is forecast, what is possible ({scope.display.currency})"
    return chart(figure, "one-customer-year", title=title, alternative_text=f"{words}.")


def _categories_chart(categories: pd.DataFrame, scope: Scope) -> Chart:
    """Draw forecast and potential of the categories with the largest gaps, largest on top."""
    shown = categories.head(_MOST_CATEGORIES)
    figure, axes = new_axes(height=0.8 + 0.35 * len(shown))
    places = np.arange(len(shown))
    axes.barh(places, shown["potential_year_amount"].astype(float), height=0.7, color=FAN)
    axes.barh(places, shown["forecast_year_amount"].astype(float), height=0.3, color=ACCENT)
    axes.set_yticks(places, shown["product_category"].astype(str))
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: scope.display.amount(value)))
    axes.set_xlabel("Wide bar: potential of a year; narrow bar: forecast")
    axes.grid(axis="x", color=RULE)
    axes.set_axisbelow(True)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0, colors=SOFT)
    amount = scope.display.amount
    listed = "; ".join(
        f"{r.product_category}: forecast {amount(r.forecast_year_amount)}, potential "
        f"{amount(r.potential_year_amount)}"
        for r in shown.itertuples()
    )
    title = f"Potential of a year by product category ({scope.display.currency})"
    return chart(figure, "one-customer-categories", title=title, alternative_text=f"{listed}.")


def _money_axis(axes: Axes, scope: Scope) -> None:
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: scope.display.amount(value)))
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.grid(axis="y", color=RULE)
    axes.set_axisbelow(True)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0, colors=SOFT)
