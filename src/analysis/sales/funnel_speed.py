"""What was won per day, beside what the usual formula says, and why the two differ."""

import numpy as np
import pandas as pd

from analysis.core.decomposition import product_parts
from analysis.core.result import Finding
from analysis.core.scope import Scope
from analysis.sales.funnel_cohort import Cohort, win_incidence
from analysis.sales.presence import window_start
from analysis.sales.throughput_capacity import littles_law

_DAY = pd.Timedelta(days=1)
_WINDOW_DAYS = 365
_COLUMNS = ["factor", "formula_number", "happened_number", "part_amount"]
_OPEN, _SHARE, _VALUE, _PACE = "open deals", "share won", "value of a deal won", "days in hand"
TOTAL = "won per day"


def speed_table(cohort: Cohort) -> pd.DataFrame:
    """Return the factors of money won per day: as the usual formula has them, and as they were.

    The formula: open deals now x share won of those opened / median days to win x mean value. What
    was won per day in the last 365 days (or since the first deal) is the same product with the mean
    number of open deals, the share won of deals that ended, the mean value of those won, and mean
    open deals / deals ended per day as days in hand (Little 1961), exactly.
    Columns: factor, last "won per day"; formula_number; happened_number; part_amount (formula less
    actual per day; the parts sum to the last row's). Empty where nothing with a value was won.
    """
    deals = cohort.known
    starts = window_start(cohort.end, _WINDOW_DAYS, deals["created_at"])
    ended = deals[deals["ended_at"] >= starts]
    formula, actual = _formula(cohort), _actual(deals, ended, starts, cohort.end)
    both = np.array([*formula.values(), *actual.values()])
    if not np.isfinite(both).all() or min(actual.values()) <= 0:
        return pd.DataFrame(columns=_COLUMNS)
    parts = product_parts(_per_day(actual), _per_day(formula))
    rows = [(name, formula[name], actual[name], parts[name]) for name in formula]
    said, was = (float(np.prod([*_per_day(one).values()])) for one in (formula, actual))
    return pd.DataFrame([*rows, (TOTAL, said, was, said - was)], columns=_COLUMNS)


def _per_day(factors: dict[str, float]) -> dict[str, float]:
    return {**factors, _PACE: 1 / factors[_PACE]}


def _formula(cohort: Cohort) -> dict[str, float]:
    deals = cohort.deals
    won = deals[deals["outcome"] == "won"]
    found = win_incidence(deals)
    is_told = "won" in found.shares
    return {
        _OPEN: float((deals["outcome"] == "open").sum()),
        _SHARE: found.at(cohort.horizon_days, "won") if is_told else np.nan,
        _VALUE: float(won["value_amount"].mean()),
        _PACE: max(float(won["age_days"].median()), 1.0),
    }


def _actual(
    deals: pd.DataFrame, ended: pd.DataFrame, starts: pd.Timestamp, end: pd.Timestamp
) -> dict[str, float]:
    won = ended[ended["outcome"] == "won"]
    count = max(len(ended), 1)
    flow = littles_law(deals, starts, end)
    return {
        _OPEN: flow["wip_count"],
        _SHARE: len(won) / count,
        _VALUE: float(won["value_amount"].sum()) / max(len(won), 1),
        _PACE: flow["wip_count"] / count * ((end - starts) / _DAY),
    }


def speed_finding(
    table: pd.DataFrame, velocity: tuple[float, float, float], scope: Scope
) -> Finding | None:
    """Say what was won per day, and why the usual formula says something else."""
    if table.empty:
        return None
    amount = scope.display.amount
    rows = table.set_index("factor")
    total = rows.loc[TOTAL]
    value, low, high = velocity
    ends = f" (80 % range {amount(low)} to {amount(high)})" if np.isfinite(low) else ""
    parts = rows.drop(index=TOTAL)
    parts = parts.reindex(parts["part_amount"].abs().sort_values(ascending=False).index)
    texts = "; ".join(_part(row, scope) for row in parts.itertuples() if _is_seen(row, scope))
    return Finding(
        f"{amount(total['happened_number'])} a day was won in the last year (or since the first "
        "deal).",
        f"The usual formula, open deals x share won x value / median days to win, says "
        f"{amount(value)}{ends}: it takes the deals open now to go on as deals did. The difference "
        f"of {_signed(total['part_amount'], scope)} splits exactly into: {texts}.",
        metric="won_per_day_amount",
        value=float(total["happened_number"]),
    )


def _is_seen(row: tuple, scope: Scope) -> bool:
    """Whether a part is more than nothing when rounded as it is shown."""
    return any(digit in scope.display.amount(row.part_amount) for digit in "123456789")


def _part(row: tuple, scope: Scope) -> str:
    texts = [_shown(row.Index, value, scope) for value in (row.formula_number, row.happened_number)]
    return f"{row.Index} {texts[0]}, not {texts[1]}: {_signed(row.part_amount, scope)}"


def _shown(factor: str, value: float, scope: Scope) -> str:
    if factor == _VALUE:
        return scope.display.amount(value)
    return scope.display.share(value, 0) if factor == _SHARE else scope.display.number(value)


def _signed(value: float, scope: Scope) -> str:
    return f"{'+' if value > 0 else ''}{scope.display.amount(value)}"
