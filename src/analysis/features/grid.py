"""The small tables of days and periods that the SQL joins."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import duckdb

from analysis.core.periods import CADENCES, FiscalCalendar, Period


def grid(
    calendar: FiscalCalendar, first_day: date, period: Period, months_later: int
) -> tuple[Period, ...]:
    """Return the quarters from the first day to the period's end.

    Quarters that begin 1 or 2 months later than the company's bear the name of their last day, a
    month end.
    """
    if not months_later:
        return calendar.between(first_day, period.last_day, "quarterly")
    shifted = replace(calendar, start_month=(calendar.start_month + months_later - 1) % 12 + 1)
    quarters = shifted.between(first_day, period.last_day, "quarterly")
    return tuple(replace(quarter, name=quarter.last_day.isoformat()) for quarter in quarters)


def register_grid(connection: duckdb.DuckDBPyConnection, quarters: Sequence[Period]) -> None:
    """Make the small tables that the SQL joins: periods and days."""
    connection.execute(
        "CREATE OR REPLACE TABLE periods (period_no INT, period TEXT, starts_on DATE)"
    )
    connection.execute("CREATE OR REPLACE TABLE days (day DATE, day_no INT, period_no INT)")
    for number, quarter in enumerate(quarters):
        connection.execute(
            "INSERT INTO periods VALUES (?, ?, ?)", [number, quarter.name, quarter.starts_on]
        )
        connection.execute(
            "INSERT INTO days SELECT CAST(day AS DATE), CAST(day AS DATE) - CAST(? AS DATE), ?"
            " FROM range(CAST(? AS TIMESTAMP), CAST(? AS TIMESTAMP), INTERVAL 1 DAY) AS t(day)",
            [quarters[0].starts_on, number, quarter.starts_on, quarter.ends_before],
        )


def register_cadences(
    connection: duckdb.DuckDBPyConnection, calendar: FiscalCalendar, first_day: date, period: Period
) -> None:
    """Make the table that says in which period of each cadence a day lies."""
    connection.execute(
        "CREATE TABLE cadence_days"
        " (day DATE, cadence TEXT, period TEXT, starts_on DATE, ends_before DATE)"
    )
    for cadence in CADENCES:
        spans = calendar.between(first_day, period.last_day, cadence)
        names, starts, ends = zip(
            *((s.name, s.starts_on, s.ends_before) for s in spans), strict=True
        )
        connection.execute(
            "INSERT INTO cadence_days"
            " SELECT days.day, ?, spans.name, spans.first_on, spans.end_on FROM days"
            " INNER JOIN (SELECT UNNEST(?) AS name, UNNEST(?) AS first_on, UNNEST(?) AS end_on)"
            " AS spans ON days.day >= spans.first_on AND days.day < spans.end_on",
            [cadence, list(names), list(starts), list(ends)],
        )
