"""How good were the forecasts and targets that earlier reports published?"""

from dataclasses import dataclass

import pandas as pd

from analysis.core.problems import Problem, SettingsError
from analysis.core.result import Number, Result
from analysis.core.scope import Scope
from analysis.customers.scoreboard_chart import graded_chart
from analysis.customers.scoreboard_findings import caveats, definitions, findings
from analysis.customers.scoreboard_groups import group_names, groups_table, promises_table
from analysis.customers.scoreboard_measures import OUR_MODEL, deciles_table, grades_table
from analysis.customers.scoreboard_past import Past, past_forecasts

NAME = "scoreboard"
TITLE = "How good the forecasts were"
_PART_AMOUNTS = (
    "forecast_amount",
    "forecast_low_amount",
    "forecast_high_amount",
    "actual_amount",
)
_CUSTOMER_COLUMNS = {
    "customer_id": "customer_id",
    "forecast": "forecast_amount",
    "low": "forecast_low_amount",
    "high": "forecast_high_amount",
    "actual": "actual_amount",
    "target": "target_amount",
    "segment_name": "segment_name",
}


@dataclass(frozen=True)
class ScoreboardOptions:
    """Choices of the scoreboard."""

    attained_share: float = 0.5  # share of targets that were meant to be met, 0 to 1

    def __post_init__(self) -> None:
        if not 0 < self.attained_share < 1:
            where = "scoreboard option attained_share"
            mend = "write the share that growth sets its targets for"
            found = str(self.attained_share)
            raise SettingsError(Problem(where, found, "a number between 0 and 1", mend))


def scoreboard(
    frozen: pd.DataFrame,
    customer_periods: pd.DataFrame,
    company_days: pd.DataFrame,
    segments: pd.DataFrame | None = None,
    backtest_origins: pd.DataFrame | None = None,
    *,
    scope: Scope,
    options: ScoreboardOptions | None = None,
) -> Result:
    """Grade what earlier runs forecast of quarters and years that are over now.

    `frozen` are rows of the declared table `forecasts`, one version of each; rows whose time ends
    after the scope's period are left aside. `segments` (see its declaration) groups the customers
    by these segments instead of those that they were in when the forecast was frozen.
    `backtest_origins` tells the region, industry and rep of each customer at that time.

    Tables of the Result: `grades` (see `grades_table`: every frozen forecast beside the last
    quarter and the mean of four as they stood at its origin), `parts` (what the revenue of each
    graded time consisted of, equal to the company to the cent), and of the latest graded quarter
    `deciles`, `groups` and `promises` (by segment, region, industry and rep, as far as known) and
    `customers`.

    On a first run there is nothing to grade, and the Result says so.
    """
    options = options or ScoreboardOptions()
    past = past_forecasts(frozen, customer_periods, company_days, scope)
    quarters = [one for one in past if one.horizon == "quarter"]
    if not quarters:
        sentence = (
            "None frozen to grade yet: a forecast is graded when a later report is made and the "
            "quarter that it was for is over."
        )
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    grades, latest = grades_table(past), quarters[-1]
    names = group_names(latest, segments, backtest_origins)
    groups = groups_table(latest, names)
    tables = {
        "grades": grades,
        "parts": _parts_table(past),
        "deciles": deciles_table(latest),
        "groups": groups,
        "promises": promises_table(latest, names),
        "customers": _customers_table(latest),
    }
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=_headline(grades, latest, options),
        findings=findings(past, grades, groups, scope, options.attained_share),
        tables={name: table for name, table in tables.items() if len(table)},
        charts={"graded": graded_chart(quarters, scope)},
        caveats=caveats(past, grades, scope),
        definitions=definitions(options.attained_share, scope),
    )


def _parts_table(past: list[Past]) -> pd.DataFrame:
    """Return what the revenue of every graded time consisted of.

    Columns: period, horizon, part, customer_count (with a line in the time), forecast_amount with
    its 80 % interval (missing where nothing was forecast), actual_amount.
    """
    parts = [one.parts.assign(period=one.period, horizon=one.horizon) for one in past]
    table = pd.concat(parts, ignore_index=True)
    return table[["period", "horizon", "part", "customer_count", *_PART_AMOUNTS]]


def _customers_table(latest: Past) -> pd.DataFrame:
    """Return every customer with a forecast: what was forecast, what came, and the target."""
    table = latest.customers[list(_CUSTOMER_COLUMNS)].rename(columns=_CUSTOMER_COLUMNS)
    return table.dropna(axis="columns", how="all")


def _headline(grades: pd.DataFrame, latest: Past, options: ScoreboardOptions) -> dict[str, Number]:
    own = grades[(grades["model"] == OUR_MODEL) & (grades["horizon"] == "quarter")]
    row = own.iloc[-1]
    errors = own["total_error_share"].dropna()
    numbers = {
        "total_error": Number(
            f"Error of the forecast of {latest.period}",
            _value(row["total_error_share"]),
            "share",
            note=f"frozen at the end of {latest.origin}; below 0: too low",
            history=tuple(float(error) for error in errors),
        ),
        "inside_ranges": Number(
            "Customers inside their 80 % range", _value(row.get("interval_share")), "share"
        ),
        "targets_met": Number(
            "Targets above zero that were met",
            _value(row["target_attained_share"]),
            "share",
            note=f"designed for {options.attained_share:.0%}",
        ),
        "ranking": Number(
            "Ranking of customers (1 is perfect)", _value(row["normalised_gini"]), "number"
        ),
    }
    return {name: number for name, number in numbers.items() if number.value is not None}


def _value(value: float | None) -> float | None:
    return None if pd.isna(value) else float(value)
