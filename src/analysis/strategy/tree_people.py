"""How many people, of which role, does a target take, and are those who are there enough?"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from scipy.stats import binom, poisson

from analysis.strategy.tree_backwards import closed_within_year

Floats = np.ndarray
_DAY = pd.Timedelta(days=1)
_YEAR_DAYS, _QUARTER_MONTHS = 365, 3
_FEWEST_DEALS, _FEWEST_LEADS = 5, 20
_RAMPING_SHARE = 0.5  # of what others do, on average while learning, as in the chapter throughput
_MOST_EXTRA = 200
NO_ROLE = "role not known"
_COLUMNS = ["role", "work", "have_people", "year_count", "quarter_rate", "usual_count"]
_COLUMNS += ["wanted_low_count", "wanted_mid_count", "wanted_high_count", "plain_people"]
_COLUMNS += ["people_low", "people_mid", "people_high", "enough_share", "people_for_sure"]


@dataclass(frozen=True)
class Role:
    """People of one role and what they did in the last year."""

    name: str
    work: str  # deals or leads
    done_count: int  # in the year
    full_time_quarters: float  # worked in it
    have: float  # full-time people there now


@dataclass(frozen=True)
class Plan:
    """How long people learn, how many leave, how sure it is to be, and over how many months."""

    ramp_months: float
    leaving_share: float  # within a year
    sure_share: float
    months: int = _QUARTER_MONTHS


def roles_of(
    opportunities: pd.DataFrame,
    leads: pd.DataFrame | None,
    reps: pd.DataFrame,
    as_of: pd.Timestamp,
) -> tuple[Role, ...]:
    """Return the roles that closed deals in the year, and others that took on leads, by name.

    A role that closed 5 deals or more is measured by deals, else by leads (20 or more), else it is
    left out: nothing that it does can be counted here.
    """
    end, start = as_of + _DAY, as_of + _DAY - _YEAR_DAYS * _DAY
    people = reps.drop_duplicates("rep_id")
    role = people.set_index("rep_id")["role"].astype(object).where(lambda r: r.notna(), NO_ROLE)
    closed = closed_within_year(opportunities, as_of)["rep_id"].map(role).value_counts()
    taken = pd.Series(dtype=float)
    if leads is not None:
        mine = leads[(leads["created_at"] >= start) & (leads["created_at"] < end)]
        taken = mine["rep_id"].map(role).value_counts()
    found = []
    for name in sorted(role.unique()):
        deals, handed = int(closed.get(name, 0)), int(taken.get(name, 0))
        if deals < _FEWEST_DEALS and handed < _FEWEST_LEADS:
            continue
        work, done = ("deals", deals) if deals >= _FEWEST_DEALS else ("leads", handed)
        here = people[people["rep_id"].map(role) == name]
        found.append(Role(name, work, done, *_time(here, start, end)))
    return tuple(found)


def _time(people: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> tuple[float, float]:
    """Full-time quarters worked between two days, and full-time people there at the end."""
    share = people["fte_share"].astype(float).fillna(1.0)
    first = pd.to_datetime(people["hired_on"]).fillna(start).clip(lower=start, upper=end)
    last = pd.to_datetime(people["left_on"]).fillna(end).clip(lower=start, upper=end)
    days = ((last - first) / _DAY).clip(lower=0)
    is_here = (last >= end) & (first < end)
    return float((days * share).sum() / _YEAR_DAYS * 4), float(share[is_here].sum())


def people_table(
    roles: tuple[Role, ...], extra: dict[str, Floats], plan: Plan, seed: int
) -> pd.DataFrame:
    """Return one row per role: people that the usual work and the extra take.

    `extra` has draws of deals to open and leads to get beyond the usual in the period; each role
    gets the part that it did in the year. Columns: role; work (deals or leads); have_people
    (full-time); year_count (done); quarter_rate (per full-time person); usual_count; wanted counts
    low, mid, high (usual and extra in the period); plain_people (at the rate as counted);
    people_low, _mid, _high (80 %: the rate from a gamma posterior); enough_share (chance that
    those there do the work: leavers and luck drawn); people_for_sure (fewest newcomers with whom
    it is done with the wanted chance, though they learn first; missing beyond 200).
    """
    rows = []
    for place, role in enumerate(roles):
        generator = np.random.default_rng([seed, place])
        if role.full_time_quarters <= 0 or role.work not in extra:
            continue
        rows.append(_role_row(role, _part(role, roles), extra[role.work], plan, generator))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _part(role: Role, roles: tuple[Role, ...]) -> float:
    alike = sum(other.done_count for other in roles if other.work == role.work)
    return role.done_count / alike


def _role_row(
    role: Role, part: float, extra: Floats, plan: Plan, generator: np.random.Generator
) -> tuple:
    quarters = plan.months / _QUARTER_MONTHS
    usual = role.done_count / 4 * quarters
    wanted = usual + part * extra
    rate = role.done_count / role.full_time_quarters
    rates = generator.gamma(role.done_count + 0.5, 1 / role.full_time_quarters, len(extra))
    people = wanted / (rates * quarters)
    luck = generator.random((2, len(extra)))
    enough = partial(enough_share, role.have, wanted=wanted, rates=rates, plan=plan, luck=luck)
    return (
        role.name,
        role.work,
        role.have,
        role.done_count,
        rate,
        usual,
        *np.quantile(wanted, [0.1, 0.5, 0.9]),
        float(np.median(wanted)) / (rate * quarters),
        *np.quantile(people, [0.1, 0.5, 0.9]),
        enough(0),
        _for_sure(enough, plan.sure_share),
    )


def enough_share(
    have: float, newcomers: int, *, wanted: Floats, rates: Floats, plan: Plan, luck: Floats
) -> float:
    """Return the chance that `have` people and so many newcomers do what is wanted.

    Leavers go in the middle of the period on average; who replaces them, and newcomers, do half of
    what others do while they learn. `luck` has two rows of draws from 0 to 1: leavers, and work.
    """
    share = plan.leaving_share * plan.months / 12
    leavers = binom.ppf(luck[0], max(round(have), 0), share)
    learning = min(plan.ramp_months, plan.months) / plan.months * (1 - _RAMPING_SHARE)
    lost = leavers * min(plan.ramp_months, plan.months / 2) / plan.months * (1 - _RAMPING_SHARE)
    present = np.maximum(have - lost, 0) + newcomers * (1 - learning)
    done = poisson.ppf(luck[1], rates * present * plan.months / _QUARTER_MONTHS)
    return float((done >= wanted).mean())


def _for_sure(enough: Callable[[int], float], sure_share: float) -> float:
    """Fewest newcomers with which the work is done with the wanted chance."""
    if enough(_MOST_EXTRA) < sure_share:
        return float("nan")
    low, high = 0, _MOST_EXTRA
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) >= sure_share else (middle + 1, high)
    return float(low)
