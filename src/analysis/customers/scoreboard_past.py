"""What was forecast and what came: each frozen forecast beside the revenue of its time."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd

from analysis.core.periods import Period
from analysis.core.scope import Scope
from analysis.customers.growth_others import KNOWN, NOBODY, PART, TO_COME, WHOLE

Floats = np.ndarray

_QUARTERS = {"quarter": 1, "year": 4}
_PER_UNIT = 10_000  # amounts have four decimals, so sums of whole ten-thousandths are exact

FORECAST_PART = "customers with a forecast"
JOINED_PART = "customers who joined after the forecast"
WITHOUT_FORECAST_PART = "other customers without a forecast"
NO_CUSTOMER_PART = "revenue without a customer"
COMPANY_PART = "company"
# Growth's totals of the time to come, by level and its id -> the part that they are a forecast of.
_FORECAST_OF = {
    ("company", ""): FORECAST_PART,
    (PART, KNOWN): FORECAST_PART,
    (PART, TO_COME): JOINED_PART,
    (PART, NOBODY): NO_CUSTOMER_PART,
    (WHOLE, ""): COMPANY_PART,
}


@dataclass(frozen=True)
class Total:
    """A frozen total with its 80 % interval, NaN where there was none, and what came of it."""

    forecast: float
    low: float
    high: float
    actual: float


@dataclass(frozen=True)
class Past:
    """One frozen forecast whose time is over.

    `customers` has a row for each customer with a forecast: customer_id, segment_name, forecast,
    low, high, target, actual, last_quarter and mean_quarters (the simple rules); `parts` says what
    the company's revenue of the time consisted of, and what had been forecast of each part.
    """

    origin: str
    period: str
    horizon: str
    is_replay: bool  # computed when its time was over, from what was known before it
    customers: pd.DataFrame
    parts: pd.DataFrame

    @property
    def total(self) -> Total:
        """The frozen total of the customers with a forecast."""
        return self.part(FORECAST_PART)

    def part(self, name: str) -> Total:
        """Return what was forecast of a part of the company's revenue, and what came."""
        names = ["forecast_amount", "forecast_low_amount", "forecast_high_amount", "actual_amount"]
        return Total(*self.parts.set_index("part")[names].loc[name])

    def column(self, name: str) -> Floats:
        """Return a column of `customers` as numbers."""
        return self.customers[name].to_numpy(float)


def past_forecasts(
    frozen: pd.DataFrame, customer_periods: pd.DataFrame, company_days: pd.DataFrame, scope: Scope
) -> list[Past]:
    """Return the frozen forecasts of revenue whose time is over, by horizon, oldest first."""
    known = frozen[pd.to_datetime(frozen["ends_on"]) <= pd.Timestamp(scope.as_of)]
    known = known[known["measure"].isin(["revenue", "target"])]
    return list(_past(known, customer_periods, company_days, scope))


def _past(
    known: pd.DataFrame, customer_periods: pd.DataFrame, company_days: pd.DataFrame, scope: Scope
) -> Iterator[Past]:
    for horizon in _QUARTERS:
        rows = known[known["horizon"] == horizon]
        for _, own in sorted(rows.groupby(["starts_on", "origin"], observed=True), key=_first):
            if ((own["scope"] == "customer") & (own["measure"] == "revenue")).any():
                yield _one(own, customer_periods, company_days, scope)


def _first(group: tuple[object, pd.DataFrame]) -> object:
    return group[0]


def _one(
    rows: pd.DataFrame, customer_periods: pd.DataFrame, company_days: pd.DataFrame, scope: Scope
) -> Past:
    row = rows.iloc[0]
    within = (row["starts_on"], row["ends_on"])
    origin = scope.calendar.parse(row["origin"])
    is_over = pd.Timestamp(row["made_at"]).normalize() > within[1]
    came = customer_periods[customer_periods["starts_on"].between(*within)]
    customers = _customers(rows, came, customer_periods, origin, scope)
    parts = _parts(customers, came, customer_periods, company_days, within)
    names = (row["origin"], row["period"], row["horizon"])
    said = _with_forecasts(parts, rows, customers)
    return Past(*map(str, names), bool(is_over), customers, said)


def _customers(
    rows: pd.DataFrame,
    came: pd.DataFrame,
    customer_periods: pd.DataFrame,
    origin: Period,
    scope: Scope,
) -> pd.DataFrame:
    own = rows[rows["scope"] == "customer"]
    revenue = own[own["measure"] == "revenue"]
    wide = {
        {"point": "forecast"}.get(str(name), str(name)): part.set_index("scope_id")["value_amount"]
        for name, part in revenue.groupby("statistic", observed=True)
    }
    targets = own[(own["measure"] == "target") & (own["statistic"] == "point")]
    segments = revenue[revenue["statistic"] == "point"].set_index("scope_id")["segment_name"]
    quarters = _QUARTERS[str(rows["horizon"].iloc[0])]
    four = [scope.calendar.shift(origin, -back).name for back in range(4)]
    year = customer_periods[customer_periods["period"].isin(four)]
    last = year[year["period"] == four[0]]
    columns = wide | {
        "target": targets.set_index("scope_id")["value_amount"],
        "actual": _sums(came),
        "last_quarter": _sums(last) * quarters,
        "mean_quarters": _sums(year) * quarters / len(four),
    }
    table = pd.DataFrame({"customer_id": np.sort(wide["forecast"].index.to_numpy(dtype=object))})
    found = {name: table["customer_id"].map(values) for name, values in columns.items()}
    simple = ("actual", "last_quarter", "mean_quarters")
    found |= {name: found[name].fillna(0.0) for name in simple}
    found |= {name: np.nan for name in ("low", "high") if name not in found}
    names = table["customer_id"].map(segments.astype(object))
    return table.assign(segment_name=names, **found)


def _sums(periods: pd.DataFrame) -> pd.Series:
    return _whole(periods).groupby(periods["customer_id"]).sum() / _PER_UNIT


def _whole(periods: pd.DataFrame) -> pd.Series:
    amounts = periods["revenue_amount"].astype(float)
    return (amounts * _PER_UNIT).round().astype("int64")


def _parts(
    customers: pd.DataFrame,
    came: pd.DataFrame,
    customer_periods: pd.DataFrame,
    company_days: pd.DataFrame,
    within: tuple[pd.Timestamp, pd.Timestamp],
) -> pd.DataFrame:
    """Return what the revenue of the time consisted of; the parts equal the company exactly.

    Columns: part, customer_count (with a line in the time), actual_amount.
    """
    earliest = customer_periods.groupby("customer_id")["starts_on"].min()
    is_forecast = came["customer_id"].isin(customers["customer_id"])
    has_joined = ~is_forecast & (came["customer_id"].map(earliest) >= within[0])
    kinds = {
        FORECAST_PART: is_forecast,
        JOINED_PART: has_joined,
        WITHOUT_FORECAST_PART: ~is_forecast & ~has_joined,
    }
    rows: list[tuple[str, int | None, float]] = [
        (part, came.loc[rows, "customer_id"].nunique(), _whole(came[rows]).sum() / _PER_UNIT)
        for part, rows in kinds.items()
    ]
    days = company_days[company_days["day"].between(*within) & company_days["is_revenue"]]
    nobody = days[~days["has_customer"].astype(bool)]
    rows += [(NO_CUSTOMER_PART, None, _exact(nobody)), (COMPANY_PART, None, _exact(days))]
    table = pd.DataFrame(rows, columns=["part", "customer_count", "actual_amount"])
    return table.astype({"customer_count": "Int64"})


def _exact(days: pd.DataFrame) -> float:
    return float(sum((Decimal(str(amount)) for amount in days["amount"]), Decimal(0)))


def _with_forecasts(
    parts: pd.DataFrame, rows: pd.DataFrame, customers: pd.DataFrame
) -> pd.DataFrame:
    """Add what had been forecast of each part: forecast_amount, its low and its high end.

    Without a frozen total, the customers' own forecasts are summed.
    """
    revenue = rows[(rows["measure"] == "revenue") & (rows["scope"] != "customer")]
    said = {(FORECAST_PART, "point"): round(float(customers["forecast"].sum()), 2)}
    for row in revenue.itertuples():
        part = _FORECAST_OF.get((str(row.scope), str(row.scope_id)))
        if part is not None:
            said[part, str(row.statistic)] = float(row.value_amount)
    names = {"forecast": "point", "forecast_low": "low", "forecast_high": "high"}
    return parts.assign(
        **{
            f"{name}_amount": [said.get((part, end), np.nan) for part in parts["part"]]
            for name, end in names.items()
        }
    )
