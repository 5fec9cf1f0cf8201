"""What is known of one customer: history, forecast, potential, what to offer next, target?"""

import difflib

import numpy as np
import pandas as pd

from analysis.core.problems import Problem, SettingsError
from analysis.core.result import Finding, Number, Result
from analysis.core.scope import Scope
from analysis.customers.one_customer_charts import MOST_QUARTERS, customer_charts

NAME = "one_customer"
TITLE = "One customer"
_LIKELY_GONE = 0.5
_NAMES_SHOWN = 5
_DEFINITIONS = {
    "80 % range": "should hold what comes four times in five",
    "Potential": "what similar customers reach in a year; not what a visit will bring",
    "Gap": "potential less forecast of the year",
    "Target": "a fair amount to ask for in the next quarter; rare buyers share a pool's",
    "Stretch": "an amount that one in five such customers would reach",
}
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
    row, known = _row(customer_growth, chosen), _row(customer_features, chosen)
    tables = {
        "history": _history(customer_periods, chosen, scope),
        "outlook": _outlook(row, known, scope),
        "categories": _categories(categories, chosen),
        "next_products": _offers(row, services),
    }
    charts = customer_charts(
        tables["history"],
        _ranged(row, "forecast_quarter"),
        _ranged(row, "forecast_year"),
        _number(row["potential_year_amount"]),
        tables["categories"],
        scope,
    )
    return Result(
        name=NAME,
        title=f"{TITLE}: {_title(known)}",
        period=scope.period.name,
        as_of=scope.as_of,
        headline=_headline(row, tables["history"], scope),
        findings=_findings(row, known, tables["next_products"], scope),
        tables={name: table for name, table in tables.items() if len(table)},
        charts=charts,
        caveats=_caveats(row, tables["next_products"]),
        definitions=_DEFINITIONS,
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
        f"{_target_name(row)} of {scope.next_period}": (row["target_quarter_amount"], None, None),
        f"stretch of {scope.next_period}": (row.get("stretch_quarter_amount"), None, None),
    }
    rows = [(what, *(_number(value) for value in values)) for what, values in kinds.items()]
    table = pd.DataFrame(rows, columns=["what", "amount", "low_amount", "high_amount"])
    return table.dropna(subset="amount", ignore_index=True)


def _target_name(row: pd.Series) -> str:
    return "target" if pd.isna(row["target_pool_id"]) else "share of a pool's target"


def _ranged(row: pd.Series, stem: str) -> tuple[float, float, float]:
    low, high = float(row[f"{stem}_low_amount"]), float(row[f"{stem}_high_amount"])
    return float(row[f"{stem}_amount"]), low, high


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
    course = tuple(history["revenue_amount"].tail(MOST_QUARTERS))
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
