"""What is known of one customer: history, forecast, potential, what to offer next, target?"""

import difflib

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from analysis.core.figures import ACCENT, FAN, RULE, SERIES, SOFT, Chart, chart, new_axes
from analysis.core.problems import Problem, SettingsError
from analysis.core.result import Finding, Number, Result
from analysis.core.scope import Scope

NAME = "one_customer"
TITLE = "One customer"
_MOST_QUARTERS = 16  # of history in the picture
_LIKELY_GONE = 0.5
_NAMES_SHOWN = 5
_MOST_CATEGORIES = 8  # in the picture
_OFFER_COLUMNS = {
    "rank": "place",
    "product_id": "product",
    "product_category": "product_category",
    "chance_share": "chance_share",
    "expected_amount": "expected_amount",
    "reason": "reason",
}
_CATEGORY_COLUMNS = (
    "product_category",
    "sale_year_amount",
    "forecast_year_amount",
    "potential_year_amount",
    "gap_year_amount",
    "is_new",
)


def one_customer(
    customer_id: str,
    customer_periods: pd.DataFrame,
    customer_features: pd.DataFrame,
    customer_growth: pd.DataFrame | None,
    categories: pd.DataFrame | None = None,
    services: pd.DataFrame | None = None,
    *,
    scope: Scope,
) -> Result:
    """Tell what is known of one customer at the period's end.

    An empty `customer_id` is the customer with the largest gap. SettingsError when there is no
    customer of this id who has ordered, with ids like it. `categories` is what growth says of
    potential by product category (see `growth_potential.potential_by_category`), `services` what
    it offers to each customer next (see `services.next_services`); without the latter the offers
    are the names in `customer_growth`.

    Tables of the Result: `history` (every fiscal quarter since the first line: period,
    revenue_amount, return_amount, margin_amount, order_count, product_count), `outlook` (what is
    expected: what, amount, low_amount, high_amount), `categories` (largest gap first) and
    `next_products` (best first). Tables without a row are left out.
    """
    if customer_growth is None or customer_growth.empty:
        sentence = "There is no forecast of customers; the chapter on growth says why."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    chosen = customer_id or _largest_gap(customer_growth)
    row = _row(customer_growth, chosen)
    known = _row(customer_features, chosen)
    history = _history(customer_periods, chosen, scope)
    offers = _offers(row, services)
    wallet = _categories(categories, chosen)
    tables = {
        "history": history,
        "outlook": _outlook(row, known, scope),
        "categories": wallet,
        "next_products": offers,
    }
    charts = {
        "history": _history_chart(history, row, scope),
        "year": _year_chart(row, known, scope),
        "categories": _categories_chart(wallet, scope) if len(wallet) else None,
    }
    return Result(
        name=NAME,
        title=f"{TITLE}: {_title(known)}",
        period=scope.period.name,
        as_of=scope.as_of,
        headline=_headline(row, history, scope),
        findings=_findings(row, known, offers, scope),
        tables={name: table for name, table in tables.items() if len(table)},
        charts={name: picture for name, picture in charts.items() if picture is not None},
        caveats=_caveats(row, offers),
        definitions={
            "80 % range": "should hold what comes four times in five",
            "Potential": "what similar customers reach in a year; not what a visit will bring",
            "Gap": "potential less forecast of the year",
            "Target": "a fair amount to ask for in the next quarter; rare buyers share a pool's",
        },
    )


def _largest_gap(customer_growth: pd.DataFrame) -> str:
    gap = customer_growth["gap_year_amount"].astype(float)
    by = "gap_year_amount" if gap.notna().any() else "forecast_year_amount"
    # Sorted by id first, so that of two alike it is always the same one.
    ordered = customer_growth.sort_values("customer_id", ignore_index=True)
    return str(ordered.loc[ordered[by].astype(float).idxmax(), "customer_id"])


def _row(table: pd.DataFrame, customer_id: str) -> pd.Series:
    found = table[table["customer_id"] == customer_id]
    if len(found):
        return found.iloc[0]
    ids = table["customer_id"].astype(str).tolist()
    near = difflib.get_close_matches(customer_id, ids, _NAMES_SHOWN) or sorted(ids)[:_NAMES_SHOWN]
    raise SettingsError(
        Problem(
            "customer_id",
            repr(customer_id),
            f"one of {len(ids)} customers who have ordered, for example {', '.join(near)}",
            "correct the id, or leave it empty for the customer with the largest gap",
        )
    )


def _title(known: pd.Series) -> str:
    name = known.get("customer_name")
    identity = str(known["customer_id"])
    return identity if name is None or pd.isna(name) else f"{name} ({identity})"


def _history(customer_periods: pd.DataFrame, customer_id: str, scope: Scope) -> pd.DataFrame:
    """Return the customer's quarters, those without a line as zeros."""
    own = customer_periods[customer_periods["customer_id"] == customer_id]
    first = pd.to_datetime(own["starts_on"]).min()
    begin = scope.period.starts_on if pd.isna(first) else first.date()
    names = [period.name for period in scope.calendar.between(begin, scope.as_of, "quarterly")]
    sums = ["revenue_amount", "return_amount", "order_count", "product_count"]
    wide = own.set_index("period").reindex(names)
    table = wide[sums].astype(float).fillna(0.0)
    table = table.astype({"order_count": "int64", "product_count": "int64"})
    table.insert(2, "margin_amount", wide["margin_amount"].astype(float))
    return table.rename_axis("period").reset_index()


def _own_target(row: pd.Series) -> float | None:
    """The customer's target; None for one who shares a pool's."""
    return _number(row["target_quarter_amount"]) if pd.isna(row["target_pool_id"]) else None


def _outlook(row: pd.Series, known: pd.Series, scope: Scope) -> pd.DataFrame:
    kinds = {
        "the last four quarters": (known["revenue_year_amount"], None, None),
        f"forecast of {scope.next_period}": _ranged(row, "forecast_quarter"),
        "forecast of the next four quarters": _ranged(row, "forecast_year"),
        "potential of a year": (row["potential_year_amount"], None, None),
        "gap of a year": (row["gap_year_amount"], None, None),
        f"target of {scope.next_period}": (row["target_quarter_amount"], None, None),
    }
    rows = [(what, *(_number(value) for value in values)) for what, values in kinds.items()]
    return pd.DataFrame(rows, columns=["what", "amount", "low_amount", "high_amount"])


def _ranged(row: pd.Series, stem: str) -> tuple[float, float, float]:
    return row[f"{stem}_amount"], row[f"{stem}_low_amount"], row[f"{stem}_high_amount"]


def _number(value: float | None) -> float:
    return float("nan") if value is None or pd.isna(value) else float(value)


def _offers(row: pd.Series, services: pd.DataFrame | None) -> pd.DataFrame:
    if services is not None:
        own = services[services["customer_id"] == row["customer_id"]].sort_values("rank")
        named = own["product_name"].fillna(own["product_id"]).astype("str")
        table = own[list(_OFFER_COLUMNS)].rename(columns=_OFFER_COLUMNS)
        return table.assign(product=named).reset_index(drop=True)
    products = [str(product) for product in row["next_products"]]
    places = np.arange(1, len(products) + 1)
    return pd.DataFrame({"place": places, "product": pd.Series(products, dtype="str")})


def _categories(categories: pd.DataFrame | None, customer_id: str) -> pd.DataFrame:
    if categories is None:
        return pd.DataFrame()
    own = categories[categories["customer_id"] == customer_id]
    by = ["gap_year_amount", "potential_year_amount", "product_category"]
    ordered = own.sort_values(by, ascending=[False, False, True], ignore_index=True)
    return ordered[list(_CATEGORY_COLUMNS)]


def _headline(row: pd.Series, history: pd.DataFrame, scope: Scope) -> dict[str, Number]:
    quarter, year = _ranged(row, "forecast_quarter"), _ranged(row, "forecast_year")
    course = tuple(history["revenue_amount"].tail(_MOST_QUARTERS))
    numbers = {
        "forecast_quarter": Number(
            f"Forecast of {scope.next_period}", *_ends(quarter, "amount"), history=course
        ),
        "forecast_year": Number("Forecast of the next four quarters", *_ends(year, "amount")),
        "active": Number("Chance that he still buys", _number(row["active_share"]), "share"),
        "gap": Number("Untapped in a year", _number(row["gap_year_amount"]), "amount"),
        "target": Number(f"Target of {scope.next_period}", _own_target(row), "amount"),
    }
    return {name: n for name, n in numbers.items() if n.value is not None and n.value == n.value}


def _ends(ranged: tuple[float, float, float], kind: str) -> tuple:
    value, low, high = (float(amount) for amount in ranged)
    return value, kind, low, high


def _findings(
    row: pd.Series, known: pd.Series, offers: pd.DataFrame, scope: Scope
) -> tuple[Finding, ...]:
    amount = scope.display.amount
    forecast, low, high = _ranged(row, "forecast_quarter")
    reason = str(row["reason"])
    found = [
        Finding(
            f"About {amount(forecast)} in {scope.next_period}, 80 % range {amount(low)} to "
            f"{amount(high)}.",
            f"{reason[:1].upper()}{reason[1:].rstrip('.')}.",
            metric="forecast_quarter",
            value=float(forecast),
            low=float(low),
            high=float(high),
        ),
        _active_finding(row, known, scope),
    ]
    gap = _number(row["gap_year_amount"])
    if gap > 0:
        text = f"Similar customers reach {amount(row['potential_year_amount'])} in a year"
        found.append(Finding(f"{text}, {amount(gap)} more than forecast.", metric="gap", value=gap))
    if len(offers):
        products = ", ".join(offers["product"])
        found.append(Finding(f"To offer next, best first: {products}."))
    return tuple(found)


def _active_finding(row: pd.Series, known: pd.Series, scope: Scope) -> Finding:
    chance = _number(row["active_share"])
    verdict = "Has probably left" if chance < _LIKELY_GONE else "Probably still buys"
    return Finding(
        f"{verdict}: a chance of {scope.display.share(chance, 0)}.",
        f"First order {scope.display.day(known['first_order_on'].date())}, last one "
        f"{scope.display.day(known['last_order_on'].date())}, "
        f"{scope.display.count(known['order_count'])} in all.",
        metric="active_share",
        value=chance,
    )


def _caveats(row: pd.Series, offers: pd.DataFrame) -> tuple[str, ...]:
    said = ["A single customer is hard to foresee: plan with the range, not with the number."]
    if pd.isna(row["potential_year_amount"]):
        said.append("There are too few similar customers to say what is untapped.")
    if pd.notna(row["target_pool_id"]):
        said.append(
            "The customer buys too rarely for a fair target of its own: the amount is its share of "
            "a pool's, and only the pool is judged by it."
        )
    if offers.empty:
        said.append("There is nothing to offer next that similar customers would speak for.")
    return tuple(said)


def _history_chart(history: pd.DataFrame, row: pd.Series, scope: Scope) -> Chart:
    shown = history.tail(_MOST_QUARTERS)
    forecast, low, high = (float(value) for value in _ranged(row, "forecast_quarter"))
    figure, axes = new_axes(height=2.9)
    places = np.arange(len(shown))
    axes.bar(places, shown["revenue_amount"], width=0.6, color=SERIES[3])
    axes.bar(len(shown), high - low, bottom=low, width=0.35, color=FAN)
    axes.plot([len(shown)], [forecast], "o", color=ACCENT, markersize=7)
    step = -(-(len(shown) + 1) // 10)  # labels that do not overlap
    names = [*shown["period"], scope.next_period.name]
    ticks = list(range(len(shown), -1, -step))
    axes.set_xticks(ticks, [names[tick] for tick in ticks])
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


def _year_chart(row: pd.Series, known: pd.Series, scope: Scope) -> Chart:
    forecast, low, high = (float(value) for value in _ranged(row, "forecast_year"))
    last, potential = float(known["revenue_year_amount"]), _number(row["potential_year_amount"])
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
