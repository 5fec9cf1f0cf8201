"""What is each improvement worth, and did it bring what was promised?"""

from dataclasses import dataclass

import pandas as pd
from pandas.api.typing import SeriesGroupBy

from analysis.core.problems import Problem, SettingsError, raise_all
from analysis.core.result import Number, Result
from analysis.core.scope import Scope
from analysis.strategy.effect import EFFECT
from analysis.strategy.improvement_effects import effect_tables
from analysis.strategy.improvement_findings import DEFINITIONS, caveats, decisions, findings
from analysis.strategy.improvement_inputs import input_table
from analysis.strategy.improvement_ledger import calibration_table, ledger_table
from analysis.strategy.improvement_panels import Measured
from analysis.strategy.improvement_value import Base, value_table
from analysis.strategy.improvements_chart import course_chart, promise_chart

NAME = "improvements"
TITLE = "What improvements are worth, and what they brought"
_WORKING_DAYS = 220  # of a person in a year
_ABSENT = "absent"
_DAY = ("rep_id", "worked_on", "category", "worked_hours")


@dataclass(frozen=True)
class ImprovementsOptions:
    """Choices of the chapter on improvements."""

    draws: int = 4000  # of promised effects
    hour_amount: float = 45.0  # cost of one working hour, company currency
    used_share: float = 0.5  # of freed hours that are put to use
    response_elasticity: float = -0.1  # change of deals won per change of hours to an answer
    seed: int = 0  # of draws
    spread_years: int = 3  # over which one-time costs are spread when improvements are ranked

    def __post_init__(self) -> None:
        ranges = {
            "draws": (200, 100_000),
            "hour_amount": (0, 10_000),
            "used_share": (0, 1),
            "response_elasticity": (-5, 0),
            "seed": (0, 2**32 - 1),
            "spread_years": (1, 30),
        }
        problems = [
            Problem(f"improvements option {n}", repr(v), f"{low} to {high}", "mend the value")
            for n, (low, high) in ranges.items()
            if not low <= (v := getattr(self, n)) <= high
        ]
        raise_all(problems, SettingsError)


def improvements(
    plans: pd.DataFrame | None,
    assignments: pd.DataFrame | None,
    measured: Measured,
    *,
    scope: Scope,
    options: ImprovementsOptions | None = None,
) -> Result:
    """Value every improvement of the table before, and measure those that have begun after.

    Tables of the Result: `before` (see `value_table`), `inputs` (see `input_table`), `after` and
    `courses` (see `effect_tables`), `ledger` (promised against realised, a line each) and
    `calibration` (all of them together). An improvement whose plan was not known at the period's
    end is not seen. A year is measured by its quarters, like a quarter.
    """
    options = options or ImprovementsOptions()
    if plans is None or plans.empty:
        sentence = "No improvement is planned: a table improvements names them with their promise."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    known = plans[plans["starts_on"].isna() | (plans["starts_on"] <= pd.Timestamp(scope.as_of))]
    if known.empty:
        sentence = f"No improvement had been planned by the end of {scope.period}."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    tables = _tables(known, assignments, measured, scope.closing_quarter, options)
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=_headline(tables["before"], tables["after"]),
        findings=findings(tables, scope),
        decisions=decisions(tables),
        tables=tables,
        charts={
            "promises": promise_chart(tables["ledger"], scope),
            "courses": course_chart(tables["courses"], scope),
        },
        caveats=caveats(tables, scope, options),
        definitions=DEFINITIONS,
    )


def _tables(
    known: pd.DataFrame,
    assignments: pd.DataFrame | None,
    measured: Measured,
    scope: Scope,
    options: ImprovementsOptions,
) -> dict[str, pd.DataFrame]:
    base = base_of(measured, scope, options)
    before = value_table(known, base, options.draws, options.seed, options.spread_years)
    after, courses = effect_tables(known, assignments, measured, scope, options.seed)
    ledger = ledger_table(known, after)
    return {
        "before": before,
        "inputs": input_table(known, base, before, options.spread_years),
        "after": after,
        "courses": courses,
        "ledger": ledger,
        "calibration": calibration_table(ledger),
    }


def base_of(measured: Measured, scope: Scope, options: ImprovementsOptions) -> Base:
    """Return the money of the last four quarters that drivers act on."""
    margin = revenue = deals = float("nan")
    hours: dict[str, float] = {}
    if measured.customer_periods is not None:
        names = sorted(
            n for n in measured.customer_periods["period"].unique() if n <= scope.period.name
        )
        year = measured.customer_periods[measured.customer_periods["period"].isin(names[-4:])]
        known = year["margin_amount"].astype(float)
        revenue = float(year["revenue_amount"].astype(float).sum())
        margin = float(known.sum()) if known.notna().all() else float("nan")
    if measured.opportunities is not None:
        table = measured.opportunities
        end = pd.Timestamp(scope.as_of) + pd.Timedelta(days=1)
        is_year = (table["closed_at"] < end) & (table["closed_at"] >= end - pd.Timedelta(days=365))
        won = table[table["is_won"].astype(bool) & is_year]["value_amount"].astype(float).sum()
        share = margin / revenue if revenue else float("nan")
        deals = float(won) * share
    if measured.time_records is not None:
        hours = _yearly_hours(measured.time_records, measured.reps, scope)
    return Base(
        margin, deals, revenue, hours, options.hour_amount, options.used_share,
        options.response_elasticity,
    )  # fmt: skip


def _yearly_hours(
    records: pd.DataFrame, reps: pd.DataFrame | None, scope: Scope
) -> dict[str, float]:
    """A year's worked hours by category: each person's mean day times the days it was there."""
    end = pd.Timestamp(scope.as_of) + pd.Timedelta(days=1)
    start = end - pd.Timedelta(days=365)
    is_year = (records["worked_on"] < end) & (records["worked_on"] >= start)
    year = records[is_year & (records["category"] != _ABSENT)].sort_values(list(_DAY))
    if year.empty:
        return {}
    days = year.drop_duplicates(["rep_id", "worked_on"]).groupby("rep_id")["worked_on"]
    present = _present_shares(days, reps, start, end)
    scale = year["rep_id"].map(_WORKING_DAYS * present / days.size())
    return (year["worked_hours"].astype(float) * scale).groupby(year["category"]).sum().to_dict()


def _present_shares(
    days: SeriesGroupBy, reps: pd.DataFrame | None, start: pd.Timestamp, end: pd.Timestamp
) -> pd.Series:
    """How much of the year each person was there: as employed, else as recorded."""
    first, last, count = days.min(), days.max(), days.size()
    steps = int((count - 1).sum())
    gap = (last - first).sum() / steps if steps else end - start  # usual time between two days
    spans = (last - first + gap) / (end - start)
    if reps is not None:
        known = reps.drop_duplicates("rep_id").set_index("rep_id").reindex(spans.index)
        begun = pd.to_datetime(known["hired_on"])
        left = pd.to_datetime(known["left_on"]).fillna(end - pd.Timedelta(days=1))
        until = (left + pd.Timedelta(days=1)).clip(upper=end)
        employed = (until - begun.clip(lower=start)) / (end - start)
        spans = employed.where(begun.notna() & (employed > 0), spans)
    return spans.clip(upper=1.0)


def _headline(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, Number]:
    together = before["together_amount"].sum(min_count=1)
    return {
        "count": Number("Improvements", float(len(before)), "count"),
        "promised": Number("Promised together, a year", float(together), "amount"),
        "shown": Number(
            "Shown to work, each by itself at 1 in 20",
            float((after["verdict"] == EFFECT).sum()),
            "count",
        ),
    }
