"""Which levers and means this company has, from its customers, its deals and other chapters."""

import numpy as np
import pandas as pd

from analysis.core.scope import Scope
from analysis.strategy.tree_bridge import Means, lever_of_driver
from analysis.strategy.tree_draws import Floats
from analysis.strategy.tree_inputs import Business, Chapters, Sales
from analysis.strategy.tree_levers import (
    DRAWS,
    Lever,
    count_series,
    customer_series,
    lever_of,
    share_series,
    win_lever,
)

_DAY = pd.Timedelta(days=1)
_SETTLE_DAYS = 30  # a lead that has become a deal did so within these
_LATE_DAYS = 7  # data that begin later in their first quarter do not hold it in whole
_YEAR_MONTHS = 12


def whole_quarters(company_days: pd.DataFrame, quarters: pd.Series, scope: Scope) -> list[str]:
    """Return the names of the quarters that the data hold in whole, in order."""
    names = [str(name) for name in quarters.index]
    first_day = pd.to_datetime(company_days["day"]).min()
    starts = pd.Timestamp(scope.calendar.parse(names[0]).starts_on)
    return names[1:] if (first_day - starts) > _LATE_DAYS * _DAY else names


def levers_of(
    business: Business, sales: Sales, chapters: Chapters, names: list[str], scope: Scope, seed: int
) -> tuple[list[Lever], float]:
    """Return the levers in the order of the bridge, and the part that customers kept bring."""
    series, composition = customer_series(business.customer_periods, names)
    levers = [_lever("keep", series, scope, seed)]
    if sales.opportunities is not None and sales.leads is not None:
        levers += _funnel_levers(sales, chapters, names, scope, seed)
    else:
        levers.append(_lever("won", series, scope, seed))
    levers += [_lever(name, series, scope, seed) for name in ("orders", "value")]
    return levers, composition.kept_share


def _lever(name: str, series: dict, scope: Scope, seed: int) -> Lever:
    return lever_of(name, series[name], scope, _generator(seed, name))


def _generator(seed: int, name: str) -> np.random.Generator:
    # A stream of its own for each, so that a lever more or less changes no other.
    return np.random.default_rng([seed, *name.encode()])


def _funnel_levers(
    sales: Sales, chapters: Chapters, names: list[str], scope: Scope, seed: int
) -> list[Lever]:
    end = pd.Timestamp(scope.as_of) + _DAY
    leads, deals = sales.leads, sales.opportunities
    leads = leads[leads["created_at"] < end]
    settled = leads[leads["created_at"] < end - _SETTLE_DAYS * _DAY]
    quickly = settled["converted_at"] - settled["created_at"] <= _SETTLE_DAYS * _DAY
    closed = deals[deals["is_closed"].astype(bool) & (deals["closed_at"] < end)]
    series = {"leads": count_series(leads["created_at"], names, scope)}
    series["convert"], _ = share_series(settled["created_at"], quickly, names, scope)
    is_won = closed["is_won"].astype(bool)
    series["win"], _ = share_series(closed["closed_at"], is_won, names, scope)
    found = [_lever(name, series, scope, seed) for name in ("leads", "convert", "win")]
    sellers = chapters.table("sales/funnel", "sellers", "managers")
    if sellers is not None:
        best = win_lever(sellers, found[-1].present, _generator(seed, "sellers"))
        found[-1] = found[-1] if best is None else best
    return found


def means_of(
    sales: Sales,
    chapters: Chapters,
    levers: list[Lever],
    margin_share: float,
    scope: Scope,
    seed: int,
) -> tuple[list[Means], tuple[str, ...]]:
    """Return what is planned and carries a part of a lever, and sentences on what is not counted.

    Offers: what the chapter on growth expects of the best offer to each customer in each category,
    for the period; they never bring more than more orders and value together. Improvements: only
    those that begin to work within the next period, as promised, their margin put back into
    revenue; those that work already are in the present rate.
    """
    found, said = [], []
    offers = chapters.table("customers/growth", "next_services")
    if offers is not None:
        found.append(_offers(offers, scope, seed))
    before = chapters.table("strategy/improvements", "before")
    if before is not None and sales.improvements is not None:
        table = _with_start(before, sales.improvements)
        coming, words = _improvements(table, levers, margin_share, scope, seed)
        found, said = found + coming, [*said, *words]
    return found, tuple(said)


def _months(scope: Scope) -> int:
    return _YEAR_MONTHS if scope.period.cadence == "annual" else 3


def _offers(offers: pd.DataFrame, scope: Scope, seed: int) -> Means:
    """Each offer is taken up with its chance; what it then brings in a year, by the period."""
    best = _best_offers(offers)
    chance = best["chance_share"].to_numpy(float).clip(1e-9, 1)
    expected = best["expected_amount"].to_numpy(float) * _months(scope) / _YEAR_MONTHS
    amount = float(expected.sum())
    variance = float((expected**2 * (1 - chance) / chance).sum())
    draws = np.full(DRAWS, amount)
    if variance > 0:  # never below 0, and in the mean what is expected
        shape, scale = amount**2 / variance, variance / amount
        draws = _generator(seed, "offers").gamma(shape, scale, DRAWS)
    count = scope.display.count(len(best))
    source = f"{count} offers of the chapter on growth, one for each customer and category; "
    source += "never more than orders and value bring"
    name = "Offers to customers we have"
    return Means("offers", name, ("orders", "value"), amount, draws, source, is_capped=True)


def _best_offers(offers: pd.DataFrame) -> pd.DataFrame:
    """One offer per customer and category: a second one would be sold instead of the first."""
    keys = ["customer_id", "product_category"]
    ordered = offers.sort_values(
        [*keys, "expected_amount", "chance_share"], ascending=[True, True, False, False]
    )
    return ordered.drop_duplicates(keys)


def _with_start(before: pd.DataFrame, plans: pd.DataFrame) -> pd.DataFrame:
    starts = plans.drop_duplicates("improvement_id").set_index("improvement_id")["effective_on"]
    return before.assign(effective_on=pd.to_datetime(before["improvement_id"].map(starts)))


def _improvements(
    table: pd.DataFrame, levers: list[Lever], margin_share: float, scope: Scope, seed: int
) -> tuple[list[Means], list[str]]:
    is_working = table["effective_on"] <= pd.Timestamp(scope.as_of)
    words, names = [], {lever.name for lever in levers}
    if is_working.any():
        count = scope.display.count(int(is_working.sum()))
        words.append(
            f"Improvements that work already ({count}) are in the present rate and no lever."
        )
    found, left_out = [], []
    is_next = ~is_working & (table["effective_on"] < pd.Timestamp(scope.next_period.ends_before))
    for row in table[is_next].sort_values("improvement_id").itertuples():
        lever = lever_of_driver(str(row.driver))
        lever = "won" if lever in ("leads", "convert", "win") and lever not in names else lever
        ends = row.value_low_amount, row.value_mid_amount, row.value_high_amount
        if not lever or not np.isfinite([*ends, margin_share]).all() or margin_share <= 0:
            left_out.append(str(row.name))
            continue
        found.append(_improvement(row, lever, np.array(ends) / margin_share, scope, seed))
    if left_out:
        listed = ", ".join(left_out)
        words.append(f"Improvements without a worth in revenue are no lever: {listed}.")
    return found, words


def _improvement(row: tuple, lever: str, year: Floats, scope: Scope, seed: int) -> Means:
    """As promised, from its first day; one that may lose is drawn with its losses."""
    coming = scope.next_period
    starts = max(row.effective_on.date(), coming.starts_on)
    part = (coming.ends_before - starts).days / coming.day_count * _months(scope) / _YEAR_MONTHS
    low, middle, high = year * part
    step = f"improvement {row.improvement_id}"
    z = _generator(seed, step).standard_normal(DRAWS)
    draws = middle + np.where(z < 0, middle - low, high - middle) / 1.2816 * z
    source = f"as promised from {scope.display.day(starts)} (improvements); not proved yet"
    name = f"Improvement: {row.name}"
    return Means(step, name, (lever,), middle, draws, source, is_capped=False)
