"""Margins in tables and sentences: per customer, of groups, and how good they would have been."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from analysis.core.result import Finding, Number, Result
from analysis.core.scope import Scope
from analysis.core.statistics import normalised_gini
from analysis.customers.growth_grades import interval_errors
from analysis.customers.growth_margin import Margins
from analysis.customers.growth_margin_ranges import (
    MarginExperience,
    independent_interval,
    margin_deviation,
    margin_interval,
    margin_total,
)

OUR_MARGIN = "this margin forecast"
COMPANY_SHARE = "company's margin share x our revenue"
LAST_MARGIN = "last quarter's margin again"
MEAN_MARGIN = "mean margin of four quarters"
KNOWN_COSTS = "customers of known cost"
_LEVELS = {"region": "region_id", "industry": "industry", "business_model": "business_model"}
_FEW_QUARTERS = 4

Floats = np.ndarray


@dataclass(frozen=True)
class Revenues:
    """Forecasts of revenue: now with 80 % ranges and shocks of totals, and at earlier quarters."""

    quarter: Floats
    quarter_ends: tuple[Floats, Floats]
    year: Floats
    year_ends: tuple[Floats, Floats]
    shock: float
    past: Sequence[Floats] = ()
    past_shocks: Sequence[float] = ()


@dataclass(frozen=True)
class MarginTables:
    """What growth adds where costs are known: columns of customer_growth, tables, sentences."""

    columns: pd.DataFrame
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    headline: dict[str, Number] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    caveats: tuple[str, ...] = ()
    definitions: dict[str, str] = field(default_factory=dict)


MARGIN_COLUMNS = tuple(
    f"forecast_{span}_margin{end}_amount"
    for span in ("quarter", "year")
    for end in ("", "_low", "_high")
)


def margin_tables(
    margins: Margins | None,
    table: pd.DataFrame,
    revenues: Revenues,
    periods: tuple[Sequence[str], Sequence[str]],
    scope: Scope,
) -> MarginTables:
    """Return the margins of the customers in `table`; missing columns where no cost is known.

    `periods` are the names of earlier quarter ends and of the quarters forecast at them. Tables:
    `margin_totals` (see `_totals`) and `margin_backtest` (see `_backtest`).
    """
    if margins is None:
        empty = pd.DataFrame(np.nan, index=range(len(table)), columns=list(MARGIN_COLUMNS))
        return MarginTables(empty)
    columns = _columns(margins, revenues)
    totals = _totals(margins, columns, table, revenues)
    backtest = _backtest(margins, revenues, periods)
    return MarginTables(
        columns,
        {"margin_totals": totals, "margin_backtest": backtest},
        _headline(totals, scope),
        (*_forecast_finding(totals, scope), *grades_finding(backtest, scope)),
        _caveats(margins, columns, scope),
        {
            "Margin": "revenue less cost, forecast as forecast revenue times the share that is "
            "margin: the customer's own of four quarters, drawn to that of his industry, business "
            "model and the company by as much as erred least before; missing where a cost is",
        },
    )


def with_margins(result: Result, margins: MarginTables) -> Result:
    """Return the chapter with its margins, after what it says of revenue."""
    return replace(
        result,
        headline={**result.headline, **margins.headline},
        findings=(*result.findings, *margins.findings),
        caveats=(*result.caveats, *margins.caveats),
        definitions={**result.definitions, **margins.definitions},
    )


def _columns(margins: Margins, revenues: Revenues) -> pd.DataFrame:
    found: dict[str, Floats] = {}
    for span, revenue, ends, past in (
        ("quarter", revenues.quarter, revenues.quarter_ends, margins.quarters),
        ("year", revenues.year, revenues.year_ends, margins.years),
    ):
        low, high = _interval(past, revenue, ends, margins.shares, revenues.shock)
        values = (margins.shares * revenue, low, high)
        names = (f"forecast_{span}_margin{end}_amount" for end in ("", "_low", "_high"))
        found |= dict(zip(names, values, strict=True))
    table = pd.DataFrame(found)
    return table.where(np.tile(margins.now.is_known[:, None], table.shape[1])).round(2)


def _interval(
    past: MarginExperience,
    revenue: Floats,
    ends: tuple[Floats, Floats],
    share: Floats,
    shock: float,
) -> tuple[Floats, Floats]:
    if past.is_enough:
        return margin_interval(past, revenue, share, shock)
    return independent_interval(revenue, ends, share)


def _totals(
    margins: Margins, columns: pd.DataFrame, table: pd.DataFrame, revenues: Revenues
) -> pd.DataFrame:
    """Return margins of groups with 80 % ranges of the sums, company first.

    Columns: level and level_id as in `totals`; customer_count; unknown_count (customers with a line
    of unknown cost, whose group has no margin); the margins of `customer_growth`, to the cent. A
    company with unknown costs has a second line, of the customers whose costs are known.
    """
    is_known = margins.now.is_known
    groups = [("company", "", np.ones(len(table), bool))]
    if not is_known.all():
        groups.append(("company", KNOWN_COSTS, is_known))
    for level, column in _LEVELS.items():
        names = table[column].astype("string").fillna("").to_numpy(dtype=str)
        if (names != "").any():
            groups += [(level, name, names == name) for name in sorted(set(names))]
    rows = [
        {
            "level": level,
            "level_id": name,
            "customer_count": int(inside.sum()),
            "unknown_count": int((inside & ~is_known).sum()),
        }
        | _sums(margins, columns, revenues, inside)
        for level, name, inside in groups
    ]
    return pd.DataFrame(rows)


def _sums(
    margins: Margins, columns: pd.DataFrame, revenues: Revenues, inside: Floats
) -> dict[str, float]:
    if not margins.now.is_known[inside].all():
        return dict.fromkeys(MARGIN_COLUMNS, np.nan)
    found: dict[str, float] = {}
    quarter, share = revenues.quarter[inside], margins.shares[inside]
    deviation = margin_deviation(margins.quarters, quarter, share)
    # Four quarters vary twice as much as one, where they are independent.
    to_year = revenues.year[inside] / np.maximum(quarter, 0.01) / 2
    for span, revenue, spread in (
        ("quarter", quarter, deviation),
        ("year", revenues.year[inside], deviation * to_year),
    ):
        amounts = columns.loc[inside, f"forecast_{span}_margin_amount"].to_numpy(float)
        ends = margin_total(amounts, revenue, spread, revenues.shock, margins.quarters.drift)
        cents = np.rint(amounts * 100).astype(np.int64).sum()
        values = (float(cents) / 100, *(round(end, 2) for end in ends))
        names = (f"forecast_{span}_margin{end}_amount" for end in ("", "_low", "_high"))
        found |= dict(zip(names, values, strict=True))
    return found


def _backtest(
    margins: Margins, revenues: Revenues, periods: tuple[Sequence[str], Sequence[str]]
) -> pd.DataFrame:
    """Return one row per earlier quarter end and model, of customers whose costs are all known.

    Columns: origin; period; model; customer_count; actual_amount; forecast_amount;
    total_error_share (of the total that came, without its sign); normalised_gini; rmse_amount;
    interval_share with its lowest and highest tenth of customers, and interval_score_amount (this
    forecast only). Amounts are margins. The first origin is missing: nothing had been learnt.
    """
    rows = []
    for number in range(1, len(margins.past)):
        known, revenue = margins.past[number], revenues.past[number]
        has = known.is_known & ~np.isnan(known.came) & ~np.isnan(known.quarter)
        if not has.any():
            continue
        share, actual = margins.past_shares[number], known.came[has]
        models = {
            OUR_MARGIN: share * revenue,
            COMPANY_SHARE: known.company_share * revenue,
            LAST_MARGIN: known.quarter,
            MEAN_MARGIN: known.margin / known.own_quarters,
        }
        for model, margin in models.items():
            row = {"origin": periods[0][number], "period": periods[1][number], "model": model}
            row |= _errors(actual, margin[has])
            past = margins.quarters_before[number]
            if model == OUR_MARGIN and past.is_enough:
                shock = revenues.past_shocks[number]
                ends = margin_interval(past, revenue[has], share[has], shock)
                row |= interval_errors(actual, margin[has], *ends)
            rows.append(row)
    return pd.DataFrame(rows, columns=_BACKTEST_COLUMNS)


def _errors(actual: Floats, forecast: Floats) -> dict[str, float]:
    total = actual.sum()
    error = (forecast.sum() - total) / abs(total) if total else np.nan
    return {
        "customer_count": len(actual),
        "actual_amount": total,
        "forecast_amount": forecast.sum(),
        "total_error_share": error,
        "normalised_gini": normalised_gini(np.maximum(actual, 0), forecast),
        "rmse_amount": float(np.sqrt(np.mean((actual - forecast) ** 2))),
    }


_BACKTEST_COLUMNS = [
    "origin",
    "period",
    "model",
    "customer_count",
    "actual_amount",
    "forecast_amount",
    "total_error_share",
    "normalised_gini",
    "rmse_amount",
    "interval_share",
    "lowest_decile_interval_share",
    "highest_decile_interval_share",
    "interval_score_amount",
]


def _headline(totals: pd.DataFrame, scope: Scope) -> dict[str, Number]:
    company = totals.iloc[0]
    if np.isnan(company["forecast_quarter_margin_amount"]):
        return {}
    ends = (float(company[f"forecast_quarter_margin{e}_amount"]) for e in ("", "_low", "_high"))
    value, low, high = ends
    label = f"Margin forecast for {scope.next_period}, customers known today"
    return {"forecast_quarter_margin": Number(label, value, "amount", low, high)}


def _forecast_finding(totals: pd.DataFrame, scope: Scope) -> tuple[Finding, ...]:
    known = totals[
        totals["forecast_quarter_margin_amount"].notna() & (totals["level"] == "company")
    ]
    if known.empty:
        return ()
    row, amount = known.iloc[0], scope.display.amount
    value, low, high = (
        float(row[f"forecast_quarter_margin{end}_amount"]) for end in ("", "_low", "_high")
    )
    who = "Customers known today" if row["level_id"] == "" else "The customers of known cost"
    sign = " Whether they leave or cost money cannot be concluded." if low < 0 < high else ""
    return (
        Finding(
            f"{who} will leave a margin of about {amount(value)} in {scope.next_period}.",
            f"80 % range {amount(low)} to {amount(high)}.{sign}",
            metric="forecast_quarter_margin",
            value=value,
            low=low,
            high=high,
        ),
    )


def grades_finding(backtest: pd.DataFrame, scope: Scope) -> tuple[Finding, ...]:
    """Say whether margins were forecast better than by the simplest rules."""
    if backtest.empty:
        return ()
    best = backtest.loc[backtest.groupby("origin")["rmse_amount"].idxmin(), "model"]
    quarters, wins = len(best), int((best == OUR_MARGIN).sum())
    means = backtest.groupby("model", sort=False)["rmse_amount"].mean()
    error = backtest[backtest["model"] == OUR_MARGIN]["total_error_share"]
    change = scope.display.change
    few = " Too few quarters to rely on." if quarters < _FEW_QUARTERS else ""
    winner = str(means.idxmin())
    verdict = (
        f"this forecast was the closest to single customers on average, and in {wins} of them"
        if winner == OUR_MARGIN
        else f"{winner} was closer to single customers than this forecast, which won {wins} of them"
    )
    missed = f"{change(error.min(), 0)} to {change(error.max(), 0)}"
    return (
        Finding(
            f"Margins replayed at {quarters} earlier quarter ends: {verdict}.",
            f"Total margin was missed by {missed}.{few}",
            metric="margin_total_error",
            value=float(error.iloc[-1]),
        ),
    )


def _caveats(margins: Margins, columns: pd.DataFrame, scope: Scope) -> tuple[str, ...]:
    said, count = [], scope.display.count
    unknown = int((~margins.now.is_known).sum())
    if unknown:
        said.append(
            f"{count(unknown)} customers have a line of unknown cost in the last four quarters: no "
            "margin is forecast for them, nor for a group that they are in."
        )
    negative = int((columns["forecast_quarter_margin_amount"] < 0).sum())
    if negative:
        said.append(
            f"{count(negative)} customers are forecast to cost more than they bring, because they "
            "or customers like them did; a range that reaches above 0 leaves it open."
        )
    return tuple(said)
