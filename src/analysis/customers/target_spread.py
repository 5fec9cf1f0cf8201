"""How does the company's target fall to single customers, to the cent, as each can bear it?

All amounts are whole cents inside, so sums are exact. What is missing between the drafted targets
and the demanded sum is given cent by cent, in proportion to each customer's range (a divisor
method, as seats of a parliament are given). The largest remainder would also sum exactly, but then
a higher demand can lower a customer (the Alabama paradox); here it never does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from analysis.core.periods import Period
from analysis.core.problems import Problem, SettingsError, raise_all

Cents = np.ndarray

METRIC = "revenue_amount"
LEVELS = ("company", "region", "customer")
_VALUES = ("low", "value", "high")
_COLUMNS = ["level", "level_id", *_VALUES]
_ROUNDED_SHARE = 0.001  # of the company's target, that rounded targets of regions may differ by


@dataclass(frozen=True)
class _Units:
    """Customers in order of id: drafts, bounds and weights, in cents."""

    customer_id: np.ndarray
    region_id: np.ndarray
    draft: Cents
    floor: Cents
    ceiling: Cents
    is_locked: np.ndarray
    up: np.ndarray  # weight of a raise
    down: np.ndarray  # weight of a cut


def demands(
    targets: pd.DataFrame | None,
    period: Period,
    *,
    as_of: date,
    company_amount: float | None = None,
    others_amount: float = 0.0,
) -> pd.DataFrame:
    """Return what is demanded of known customers in `period`: level, level_id, low, value, high.

    `targets` is the declared table; rows count whose metric is revenue_amount, whose days are those
    of the period, that were set by `as_of`, for the company, a region or a customer; the row set
    last counts. `company_amount` is project.toml's `targets.quarter_revenue_amount` for the period.
    `others_amount` is expected from customers yet to come and from lines without a customer: it is
    taken off the company's demand, and off regions' in proportion. Regions that sum to the company
    but for rounding (0.1 %) are made to sum to it, or the rest would fall on those without a
    region. SettingsError when both give the
    company another target, or two rows set on one day differ.
    """
    found = _declared(targets, period, as_of)
    if company_amount is not None:
        rows = found[found["level"] == "company"]
        if len(rows) and _cents(rows["value"])[0] != round(company_amount * 100):
            raise SettingsError(_two_targets(period, company_amount, float(rows["value"].iloc[0])))
        if rows.empty:
            given = {"level": "company", "level_id": "", "value": company_amount}
            found = pd.concat([pd.DataFrame([given]), found], ignore_index=True)
    return _without_others(found.reindex(columns=_COLUMNS), others_amount)


def reconcile(
    targets: pd.DataFrame,
    demanded: pd.DataFrame,
    *,
    floors: Mapping[str, float] | None = None,
    ceilings: Mapping[str, float] | None = None,
    locked: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Return targets that sum to what is demanded, to the cent, region by region and in all.

    `targets` has customer_id and target_amount; optional region_id, and
    forecast_quarter_low_amount and forecast_quarter_high_amount: a raise is shared by the room up
    to the high end, a cut by the room down to the low one, without them by the target. `demanded`
    is as of `demands`; a region without a row shares what the others leave. `floors`, `ceilings`
    and `locked` are amounts by customer_id; nobody falls below 0. A customer of `demanded` is
    locked.

    Returns, sorted by customer: customer_id, region_id (empty if none), drafted_amount,
    target_amount, is_locked. A higher demand never lowers anybody; order of rows does not matter.
    SettingsError, with the missing amount, when the demands cannot be met.
    """
    locks = {**_customer_locks(demanded), **(locked or {})}
    units = _units(targets, floors or {}, ceilings or {}, locks)
    goal = np.zeros(len(units.draft), dtype=np.int64)
    groups = _groups(units, demanded)
    raise_all([p for group in groups for p in _problems(units, *group)], SettingsError)
    for _, inside, total in groups:
        goal[inside] = _spread(units, inside, total)
    return pd.DataFrame(
        {
            "customer_id": units.customer_id,
            "region_id": units.region_id,
            "drafted_amount": units.draft / 100,
            "target_amount": goal / 100,
            "is_locked": units.is_locked,
        }
    )


def demand_table(reconciled: pd.DataFrame, demanded: pd.DataFrame) -> pd.DataFrame:
    """Return each demand of company and regions beside what customers sum to.

    Columns: level, level_id, low, value, high, drafted_amount (fair targets), target_amount
    (reconciled), change_share (what the demand adds to fair targets; missing if they are 0).
    """
    rows = []
    for demand in demanded[demanded["level"] != "customer"].itertuples(index=False):
        is_all = demand.level == "company"
        part = reconciled if is_all else reconciled[reconciled["region_id"] == demand.level_id]
        drafted, target = (
            int(_cents(part[name]).sum()) / 100 for name in ("drafted_amount", "target_amount")
        )
        change = target / drafted - 1 if drafted else float("nan")
        rows.append((*demand, drafted, target, change))
    columns = [*_COLUMNS, "drafted_amount", "target_amount", "change_share"]
    return pd.DataFrame(rows, columns=columns)


def split_cents(total: int, weights: np.ndarray) -> Cents:
    """Return `total` cents shared by weight; the largest remainders get the cents that are left."""
    whole = weights.sum()
    parts = total * (weights / whole if whole > 0 else np.full(len(weights), 1 / len(weights)))
    cents = np.floor(parts).astype(np.int64)
    order = np.argsort(cents - parts, kind="stable")
    cents[order[: total - int(cents.sum())]] += 1
    return cents


def _declared(targets: pd.DataFrame | None, period: Period, as_of: date) -> pd.DataFrame:
    if targets is None or targets.empty:
        return pd.DataFrame(columns=_COLUMNS)
    starts, ends, set_on = (pd.to_datetime(targets[c]) for c in ("starts_on", "ends_on", "set_on"))
    found = targets[
        (targets["metric"] == METRIC)
        & targets["level"].isin(LEVELS)
        & (starts == pd.Timestamp(period.starts_on))
        & (ends == pd.Timestamp(period.last_day))
        & ~(set_on > pd.Timestamp(as_of))
    ]
    amounts = {name: found[name].astype(float) for name in _VALUES}
    ids = found["level_id"].astype("string").fillna("").astype(object)
    found = found.assign(level_id=ids, set_on=set_on.reindex(found.index), **amounts)
    newest = found.groupby(["level", "level_id"])["set_on"].transform("max")
    last = found[(found["set_on"] == newest) | newest.isna()]
    last = last.drop_duplicates(_COLUMNS).sort_values(["level", "level_id"])
    twice = last[last.duplicated(["level", "level_id"])]
    raise_all([_set_twice(row, period) for row in twice.itertuples()], SettingsError)
    return last[_COLUMNS].reset_index(drop=True)


def _without_others(demanded: pd.DataFrame, others: float) -> pd.DataFrame:
    table = demanded.astype({name: float for name in _VALUES})
    company, regions = table["level"] == "company", table["level"] == "region"
    region_sum = float(table.loc[regions, "value"].sum())
    whole = float(table.loc[company, "value"].sum()) if company.any() else region_sum
    if whole <= 0:
        return table
    for name in _VALUES:
        table.loc[company, name] = (table.loc[company, name] - others).clip(lower=0).round(2)
        table.loc[regions, name] *= max(1 - others / whole, 0.0)
    if company.any() and regions.any() and abs(region_sum / whole - 1) <= _ROUNDED_SHARE:
        cents = int(_cents(table.loc[company, "value"])[0])
        table.loc[regions, "value"] = split_cents(cents, table.loc[regions, "value"].to_numpy())
        table.loc[regions, "value"] /= 100
    return table.round({name: 2 for name in _VALUES})


def _customer_locks(demanded: pd.DataFrame) -> dict[str, float]:
    rows = demanded[demanded["level"] == "customer"]
    return dict(zip(rows["level_id"], rows["value"].astype(float), strict=True))


def _units(
    targets: pd.DataFrame,
    floors: Mapping[str, float],
    ceilings: Mapping[str, float],
    locks: Mapping[str, float],
) -> _Units:
    table = targets.sort_values("customer_id", ignore_index=True)
    ids = table["customer_id"]
    raise_all(_unknown(set(ids), floors, ceilings, locks), SettingsError)
    draft = _cents(table["target_amount"].astype(float).fillna(0.0)).clip(0)
    most = np.iinfo(np.int64).max // max(2 * len(table), 1)  # so that sums do not overflow
    lock = ids.map(locks).astype(float)
    is_locked = lock.notna().to_numpy()
    floor = _cents(ids.map(floors).astype(float).fillna(0.0)).clip(0)
    ceiling = _bounded(ids.map(ceilings).astype(float), most)
    held = _cents(lock.fillna(0.0))
    raise_all(_contradictions(ids, floor, ceiling, held, is_locked), SettingsError)
    region = table["region_id"] if "region_id" in table else pd.Series("", index=table.index)
    up, down = _weights(table, draft)
    return _Units(
        customer_id=ids.to_numpy(),
        region_id=region.astype("string").fillna("").to_numpy(dtype=object),
        draft=draft,
        floor=np.where(is_locked, held, floor),
        ceiling=np.where(is_locked, held, ceiling),
        is_locked=is_locked,
        up=up,
        down=down,
    )


def _weights(table: pd.DataFrame, draft: Cents) -> tuple[np.ndarray, np.ndarray]:
    """Return the room up and down of each customer, at least one cent, so that all take part."""
    names = ("forecast_quarter_low_amount", "forecast_quarter_high_amount")
    if not set(names) <= set(table.columns):
        plain = np.maximum(draft, 1).astype(float)
        return plain, plain
    low, high = (_cents(table[name].astype(float).fillna(0.0)) for name in names)
    return np.maximum(high - draft, 1).astype(float), np.maximum(draft - low, 1).astype(float)


def _groups(units: _Units, demanded: pd.DataFrame) -> list[tuple[str, np.ndarray, int]]:
    """Return the groups that share one sum: its name, its rows, its cents."""
    groups, rest = [], np.ones(len(units.draft), dtype=bool)
    regions = demanded[demanded["level"] == "region"]
    for region, value in zip(regions["level_id"], _cents(regions["value"]), strict=True):
        inside = units.region_id == region
        rest &= ~inside
        groups.append((f"targets, region {region}", inside, int(value)))
    company = _cents(demanded.loc[demanded["level"] == "company", "value"])
    if len(company):
        left = int(company[0]) - sum(total for _, _, total in groups)
        name = "targets, company" + (", after its regions" if groups else "")
        groups.append((name, rest, left))
    else:
        kept = np.clip(units.draft[rest], units.floor[rest], units.ceiling[rest])
        groups.append(("targets, company", rest, int(kept.sum())))
    return groups


def _spread(units: _Units, inside: np.ndarray, total: int) -> Cents:
    floor, ceiling = units.floor[inside], units.ceiling[inside]
    base = np.clip(units.draft[inside], floor, ceiling)
    missing = total - int(base.sum())
    if missing >= 0:
        return base + _fill(units.up[inside], ceiling - base, missing)
    return base - _fill(units.down[inside], base - floor, -missing)


def _fill(weight: np.ndarray, room: Cents, total: int) -> Cents:
    """Return `total` cents given by weight within the room; more in all is never less for one.

    Everybody gets the whole cents of one common rate times his weight. Rates are raised until the
    next possible one would give too much; the cents that are left go to those whom that next rate
    would give another, in order of id.
    """
    if total == 0:
        return np.zeros(len(room), dtype=np.int64)
    low, high = 0.0, 1.0
    while _given(weight, room, high).sum() < total:
        low, high = high, high * 2
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if _given(weight, room, middle).sum() <= total else (low, middle)
    given = _given(weight, room, low)
    more = np.cumsum(_given(weight, room, high) - given)
    left = np.minimum(more, total - int(given.sum()))
    return given + np.diff(left, prepend=0)


def _given(weight: np.ndarray, room: Cents, rate: float) -> Cents:
    # Clipped before the cast, because floats go further than whole numbers.
    return np.minimum(np.floor(rate * weight).clip(max=2.0**62).astype(np.int64), room)


def _problems(units: _Units, where: str, inside: np.ndarray, total: int) -> list[Problem]:
    least, most = int(units.floor[inside].sum()), int(units.ceiling[inside].sum())
    if least <= total <= most:
        return []
    bound, word = (least, "at least") if total < least else (most, "at most")
    missing, mend = abs(total - bound) / 100, "raise" if total < least else "lower"
    bounds = "floors" if total < least else "ceilings"
    return [
        Problem(
            where,
            f"{total / 100:,.2f} demanded of {int(inside.sum()):,} customers",
            f"{word} {bound / 100:,.2f}, the sum of {bounds} and locked targets",
            f"{mend} this target by {missing:,.2f}, or mend {bounds}, locks or the targets of "
            "other regions by as much",
        )
    ]


def _unknown(ids: set[str], *amounts: Mapping[str, float]) -> list[Problem]:
    kinds = ("floors", "ceilings", "locked targets")
    return [
        Problem(f"targets, {kind}", str(name), "a customer of the report", "remove or correct it")
        for kind, given in zip(kinds, amounts, strict=True)
        for name in sorted(set(given) - ids)
    ]


def _contradictions(
    ids: pd.Series, floor: Cents, ceiling: Cents, held: Cents, is_locked: np.ndarray
) -> list[Problem]:
    value = np.where(is_locked, held, floor)
    wrong = (value > ceiling) | (is_locked & (held < floor))
    return [
        Problem(
            f"targets, customer {ids[row]}",
            f"{'locked at' if is_locked[row] else 'floor'} {value[row] / 100:,.2f}",
            f"from floor {floor[row] / 100:,.2f} to ceiling {ceiling[row] / 100:,.2f}",
            "mend the floor, the ceiling or the locked target",
        )
        for row in np.flatnonzero(wrong)
    ]


def _bounded(amounts: pd.Series, most: int) -> Cents:
    return np.where(amounts.isna(), most, _cents(amounts.fillna(0.0)))


def _cents(amounts: pd.Series) -> Cents:
    return np.rint(amounts.to_numpy(float) * 100).astype(np.int64)


def _set_twice(row: object, period: Period) -> Problem:
    name = f"{row.level} {row.level_id}".strip()
    return Problem(
        f"targets, {name}, {period}",
        "two targets set on the same day that differ",
        "one target for one quarter",
        "remove one, or correct set_on",
    )


def _two_targets(period: Period, setting: float, declared: float) -> Problem:
    return Problem(
        f"project.toml, targets.quarter_revenue_amount, {period}",
        f"{setting:,.2f}, while the table targets has {declared:,.2f}",
        "one target for the company",
        "remove one of them or make them equal",
    )
