"""How far do the errors of customers move together, and how wide is a sum of them therefore?

Errors that are shared do not average out: the level of the whole company, and the level of a group
(a region, a segment). How large they are is read off from earlier quarter ends: what came over what
was forecast, beyond what customers alone would have done.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

OUR_MODEL = "this forecast"
_GRID = np.concatenate([[0.0], np.geomspace(0.01, 1.0, 24)])
_SCALE = 0.5  # of a shared error, in logs, as others know it: half-Cauchy
_FEWEST_GROUPS = 3
_LEAST_AMOUNT = 0.01
_TAIL = 0.1  # below the low end, and above the high one
_STEPS = 40

Floats = np.ndarray


@dataclass(frozen=True)
class Shock:
    """What is believed of the size of a shared error (deviation of its log), with weights."""

    size: Floats
    weight: Floats
    times: int  # it could be seen; 0: assumed

    @property
    def usual(self) -> float:
        """Root of the mean square, 0.1 is 10 %."""
        return float(np.sqrt(self.weight @ self.size**2))


@dataclass(frozen=True)
class Spread:
    """What the interval of one sum is made of, in money.

    `own` is the deviation of what is each customer's own error, `company` the amount that the
    company's level moves, `group` the root of the sum of squares of the amounts that each group's
    level moves, `fixed` any further deviation shared by all.
    """

    own: float
    company: float
    group: float
    fixed: float = 0.0


def assumed_shock(size: float) -> Shock:
    """Return a shared error of which nothing has been seen: a bound, taken as it stands."""
    return Shock(np.array([size]), np.array([1.0]), 0)


def learn_shock(errors: Floats, own: Floats, assumed: float) -> Shock:
    """Return the size of a shared error from some totals that it moved.

    `errors` are logs of what came over what was expected, `own` the deviation that each would have
    if customers were independent. Nearly equal sizes stay possible where few totals are known, so
    the sums' ranges become wide by themselves; without any total `assumed` stands.
    """
    if not len(errors):
        return assumed_shock(assumed)
    spread = np.hypot(_GRID[:, None], own)
    logs = norm.logpdf(errors, 0, np.maximum(spread, 1e-6)).sum(axis=1)
    logs -= np.log1p((_GRID / _SCALE) ** 2)
    # Points of a geometric grid stand for as much as lies between them.
    width = np.gradient(_GRID)
    weight = np.exp(logs - logs.max()) * width
    return Shock(_GRID, weight / weight.sum(), len(errors))


def company_errors(backtest: pd.DataFrame | None) -> tuple[Floats, Floats]:
    """Return the error of each earlier total and what it would be were customers independent.

    From growth's `backtest`: this forecast's rows of revenue.
    """
    if backtest is None or backtest.empty:
        return np.empty(0), np.empty(0)
    mine = backtest[(backtest["model"] == OUR_MODEL) & (backtest["amount_kind"] == "revenue")]
    mine = mine[(mine["forecast_amount"] > 0) & (mine["actual_amount"] > 0)]
    forecast = mine["forecast_amount"].to_numpy(float)
    own = np.sqrt(mine["customer_count"].to_numpy(float)) * mine["rmse_amount"].to_numpy(float)
    return np.log(mine["actual_amount"].to_numpy(float) / forecast), own / forecast


def group_errors(
    backtest_origins: pd.DataFrame | None, column: str, fewest: int
) -> tuple[Floats, Floats]:
    """Return how far groups moved apart at earlier quarter ends, and what chance explains.

    Of each group of `fewest` customers or more: the log of the next quarter over a quarter of the
    year before, less that of all groups; beside its deviation were customers independent. Month
    ends, which overlap, are left out.
    """
    if backtest_origins is None or column not in backtest_origins:
        return np.empty(0), np.empty(0)
    rows = backtest_origins[backtest_origins["origin"].astype("string").str.contains("Q")]
    found = [
        _apart(part, column, fewest) for _, part in rows.groupby("origin", sort=True, observed=True)
    ]
    errors, own = (np.concatenate([np.empty(0), *(f[n] for f in found)]) for n in (0, 1))
    return errors, own


def _apart(table: pd.DataFrame, column: str, fewest: int) -> tuple[Floats, Floats]:
    known = table[table[column].notna()]
    before = known["revenue_year_amount"].to_numpy(float, na_value=0.0).clip(0) / 4
    came = known["next_quarter_amount"].to_numpy(float, na_value=0.0)
    if before.sum() <= 0 or came.sum() <= 0:
        return np.empty(0), np.empty(0)
    expected = before * came.sum() / before.sum()
    groups = known[column].astype(str).to_numpy()
    parts = pd.DataFrame({"expected": expected, "came": came}).groupby(groups, sort=True)
    # What a customer does beyond his group's level is his own.
    level = (parts["came"].transform("sum") / parts["expected"].transform("sum")).to_numpy()
    square = pd.Series((came - expected * level) ** 2).groupby(groups, sort=True).sum()
    sums, counts = parts.sum().assign(square=square), parts.size()
    kept = sums[(counts >= fewest) & (sums["came"] > 0) & (sums["expected"] > 0)]
    if len(kept) < _FEWEST_GROUPS:
        return np.empty(0), np.empty(0)
    errors = np.log(kept["came"] / kept["expected"]).to_numpy()
    return errors, (np.sqrt(kept["square"]) / kept["expected"]).to_numpy()


def sum_interval(value: float, spread: Spread, company: Shock, group: Shock) -> tuple[float, float]:
    """Return the 80 % interval of a sum, never below 0: own errors average out, shared ones do not.

    Sizes of the shared errors that remain possible are averaged over, so few earlier totals give a
    wide range.
    """
    sizes, moves = np.meshgrid(company.size, group.size)
    weights = np.outer(group.weight, company.weight)
    deviation = np.sqrt(
        spread.own**2
        + (sizes * spread.company) ** 2
        + (moves * spread.group) ** 2
        + spread.fixed**2
    ).ravel()
    half = _half_width(np.maximum(deviation, _LEAST_AMOUNT), weights.ravel())
    return max(0.0, value - half), value + half


def _half_width(deviation: Floats, weight: Floats) -> float:
    """Return where 10 % lie above 0: the quantile of a mixture of normals, by halving."""
    kept = weight > 1e-9
    deviation, weight = deviation[kept], weight[kept] / weight[kept].sum()
    low, high = 0.0, float(deviation.max()) * 10
    for _ in range(_STEPS):
        middle = (low + high) / 2
        is_inside = float(weight @ norm.sf(middle / deviation)) > _TAIL
        low, high = (middle, high) if is_inside else (low, middle)
    return (low + high) / 2
