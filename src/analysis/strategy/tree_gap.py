"""How far from the target: now, at the present rate, and with which chance it is reached."""

import pandas as pd

from analysis.core.scope import Scope
from analysis.core.statistics import chance_above

METRIC = "revenue_amount"


def company_targets(targets: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    """Return the company's revenue targets that were set by the period's end, by their start.

    Of several for the same days the one set last. Columns: starts_on, ends_on, low, value, high.
    """
    known = targets[
        (targets["level"] == "company")
        & (targets["metric"] == METRIC)
        & (targets["set_on"].isna() | (targets["set_on"] <= pd.Timestamp(scope.as_of)))
    ]
    ordered = known.sort_values(
        ["starts_on", "ends_on", "set_on", "target_id"], na_position="first"
    )
    latest = ordered.drop_duplicates(["starts_on", "ends_on"], keep="last")
    return latest[["starts_on", "ends_on", "low", "value", "high"]].reset_index(drop=True)


def gap_table(
    targets: pd.DataFrame, quarters: pd.Series, forecast: dict[str, float] | None, scope: Scope
) -> pd.DataFrame:
    """Return one row per quarterly target of the last year and the next quarter.

    `quarters` is revenue by quarter name (whole quarters to the period); `forecast` has middle, low
    and high of the next quarter's whole revenue, None without one. Columns: period; target_amount;
    actual_amount (missing when to come); attained_share; forecast_amount with low and high;
    rate_amount (present rate: the same quarter a year before x growth of the last four quarters on
    the four before); gap_amount (target less actual, or less forecast); rate_gap_amount (target
    less present rate); chance_share (that the target is reached; 0 or 1 when it is over).
    """
    rows = []
    growth = _growth(quarters)
    shown = [scope.calendar.shift(scope.period, step) for step in range(-3, 2)]
    for period in shown:
        mine = targets[
            (targets["starts_on"] == pd.Timestamp(period.starts_on))
            & (targets["ends_on"] == pd.Timestamp(period.last_day))
        ]
        if mine.empty:
            continue
        rows.append(
            _gap_row(period.name, float(mine["value"].iloc[0]), quarters, forecast, growth, scope)
        )
    columns = ["period", "target_amount", "actual_amount", "attained_share", "forecast_amount"]
    columns += ["forecast_low_amount", "forecast_high_amount", "rate_amount", "gap_amount"]
    return pd.DataFrame(rows, columns=[*columns, "rate_gap_amount", "chance_share"])


def _growth(quarters: pd.Series) -> float:
    if len(quarters) < 8:
        return float("nan")
    before = float(quarters.iloc[-8:-4].sum())
    return float(quarters.iloc[-4:].sum()) / before if before > 0 else float("nan")


def _gap_row(
    name: str,
    target: float,
    quarters: pd.Series,
    forecast: dict[str, float] | None,
    growth: float,
    scope: Scope,
) -> tuple:
    nothing = float("nan")
    if name in quarters.index:
        actual = float(quarters[name])
        share = actual / target if target else nothing
        return (
            name,
            target,
            actual,
            share,
            *[nothing] * 3,
            nothing,
            target - actual,
            nothing,
            float(actual >= target),
        )
    year_before = scope.calendar.shift(scope.calendar.parse(name), -4).name
    rate = float(quarters.get(year_before, nothing)) * growth
    if forecast is None:
        return name, target, nothing, nothing, *[nothing] * 3, rate, nothing, target - rate, nothing
    ends = (forecast["middle"], forecast["low"], forecast["high"])
    chance = chance_above(target, *ends)
    return name, target, nothing, nothing, *ends, rate, target - ends[0], target - rate, chance
