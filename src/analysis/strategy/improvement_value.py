"""What an improvement is worth before it is made: driver tree, ranges, payback, interactions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
from scipy.stats import norm

from analysis.core.decomposition import shapley

Floats = np.ndarray
_Z90 = float(norm.ppf(0.9))
_MONTHS = 12

# Driver -> how its relative change acts on a year's money; see `Base`.
MARGIN_DRIVERS = ("order_amount", "orders_per_customer", "retention_share")
STREAMS = ("sales", "deals", "hours")
MOST_TOGETHER = 12  # improvements of one stream of money whose interactions are shared out exactly
DEAL_DRIVERS = ("win_share", "leads", "convert_share")


@dataclass(frozen=True)
class Base:
    """A year as it is: what drivers act on. Amounts in company currency; NaN where unknown."""

    margin_amount: float  # of all sales
    deal_margin_amount: float  # of deals won: what win share, passing stages and leads act on
    revenue_amount: float = float("nan")  # what a margin share acts on
    hours: Mapping[str, float] = field(default_factory=dict)  # a year's worked, by category
    hour_amount: float = 45.0  # cost of one hour
    used_share: float = 0.5  # of freed hours that are put to use; the rest is not money
    response_elasticity: float = -0.1  # relative change of deals won per relative change of hours


def driver_effect(driver: str, base: Base) -> tuple[str, float]:
    """Return which money a driver acts on, and what a relative change of +1 brings a year.

    Drivers: order_amount, orders_per_customer, retention_share (margin of all sales); win_share,
    leads, convert_share and any `..._pass_share` (margin of deals); response_hours (deals, by the
    assumed elasticity); margin_share (revenue x present margin share); any `..._time_share` (hours
    of that kind: freed hours at their cost, as far as used). Missing for any other.
    """
    if driver in MARGIN_DRIVERS:
        return "sales", base.margin_amount
    if driver in DEAL_DRIVERS or driver.endswith("_pass_share"):
        return "deals", base.deal_margin_amount
    if driver == "response_hours":
        return "deals", base.response_elasticity * base.deal_margin_amount
    if driver == "margin_share":
        return "sales", base.margin_amount
    if driver.endswith("_time_share"):
        hours = base.hours.get(driver.removesuffix("_time_share"), float("nan"))
        return "hours", -hours * base.hour_amount * base.used_share
    return "", float("nan")


def drawn_effects(improvements: pd.DataFrame, draws: int, seed: int) -> Floats:
    """Draw each improvement's promised relative effect from its 10, 50 and 90 % points.

    Two-piece normal; one row per improvement, in the order given.
    """
    generator = np.random.default_rng(seed)
    low, mid, high = (
        improvements[f"effect_{part}"].astype(float).to_numpy()[:, None]
        for part in ("low", "mid", "high")
    )
    z = generator.standard_normal((len(improvements), draws))
    return mid + np.where(z < 0, (mid - low) / _Z90, (high - mid) / _Z90) * z


def value_table(
    improvements: pd.DataFrame, base: Base, draws: int, seed: int, spread_years: int = 3
) -> pd.DataFrame:
    """Return one row per improvement, the one worth most a year after its costs first.

    Columns: improvement_id; name; kind; driver; acts_on; value_low_amount, _mid, _high (a year,
    before its cost; 10, 50 and 90 %); year_cost_amount (running); cost_once_amount; net_mid_amount
    (a year, one-time cost spread over `spread_years`); payback_months (of the middle; missing when
    it never pays back); loss_share (chance that the first year's value is below all its cost);
    together_amount (its part when all are made at once: Shapley; see `joint_value`); best_share
    (chance that it is worth most of all); knowing_amount (what it is worth a year to know its
    effect before choosing one, or none: see `knowing_amounts`). Improvements whose driver is not
    known here have no value and say so in acts_on.
    """
    table = improvements.sort_values("improvement_id", ignore_index=True)
    effects = drawn_effects(table, draws, seed)
    acts = [driver_effect(driver, base) for driver in table["driver"]]
    unit = np.array([worth for _, worth in acts])
    values = effects * unit[:, None]
    year_cost = table["cost_month_amount"].astype(float).fillna(0.0) * _MONTHS
    once = table["cost_once_amount"].astype(float).fillna(0.0)
    cost = (year_cost + once / spread_years).to_numpy()
    low, mid, high = np.quantile(values, [0.1, 0.5, 0.9], axis=1)
    monthly = (mid - year_cost) / _MONTHS
    first_year = (year_cost + once).to_numpy()
    loss = np.where(np.isfinite(unit), (values < first_year[:, None]).mean(axis=1), np.nan)
    found = table[["improvement_id", "name", "kind", "driver"]].assign(
        acts_on=[stream or "not known: no value can be given" for stream, _ in acts],
        value_low_amount=low,
        value_mid_amount=mid,
        value_high_amount=high,
        year_cost_amount=year_cost,
        cost_once_amount=once,
        net_mid_amount=mid - cost,
        payback_months=np.where(monthly > 0, once / monthly.where(monthly > 0), np.nan),
        loss_share=loss,
        together_amount=_together(table, effects.mean(axis=1), acts),
        best_share=_best_shares(values - cost[:, None]),
        knowing_amount=knowing_amounts(values - cost[:, None]),
    )
    order = ["net_mid_amount", "improvement_id"]
    return found.sort_values(order, ascending=[False, True], ignore_index=True)


def _together(table: pd.DataFrame, effects: Floats, acts: list[tuple[str, float]]) -> list[float]:
    """Each improvement's part of what all bring together; they sum to it.

    Streams of money add up, so each is shared out by itself; missing where one has too many.
    """
    names = list(table["improvement_id"])
    each = zip(names, acts, effects, table["driver"], strict=True)
    known = {name: (*act, float(e), driver) for name, act, e, driver in each if np.isfinite(act[1])}
    parts: dict[str, float] = {}
    for stream in STREAMS:
        mine = {name: one for name, one in known.items() if one[0] == stream}
        if 0 < len(mine) <= MOST_TOGETHER:
            parts |= shapley(sorted(mine), partial(joint_value, known=mine))
    return [parts.get(name, float("nan")) for name in names]


def joint_value(chosen: frozenset[str], known: dict[str, tuple[str, float, float, str]]) -> float:
    """Return what these improvements bring in a year when they are all made.

    `known` says of each: stream of money, what a relative change of +1 brings, its effect, its
    driver. Effects on one stream of money multiply. Hours that are cut once cannot be cut again,
    so cuts of one kind of hours multiply what is left of it; kinds of hours add up.
    """
    total = 0.0
    for stream in STREAMS:
        mine = [known[n] for n in sorted(chosen) if n in known and known[n][0] == stream]
        if stream == "hours":
            total += _freed(mine)
            continue
        scale = max((abs(worth) for _, worth, _, _ in mine), default=0.0)
        if scale:
            grown = np.prod([1 + worth * effect / scale for _, worth, effect, _ in mine])
            total += scale * (float(grown) - 1)
    return total


def _freed(mine: list[tuple[str, float, float, str]]) -> float:
    total = 0.0
    for kind in sorted({driver for *_, driver in mine}):
        own = [(worth, effect) for _, worth, effect, driver in mine if driver == kind]
        left = float(np.prod([max(1 + effect, 0.0) for _, effect in own]))
        total += own[0][0] * (left - 1)
    return total


def _best_shares(net: Floats) -> list[float]:
    known = np.isfinite(net).all(axis=1)
    if known.sum() < 2:
        return [float("nan")] * len(net)
    best = np.argmax(np.where(known[:, None], net, -np.inf), axis=0)
    return [
        float((best == place).mean()) if is_known else float("nan")
        for place, is_known in enumerate(known)
    ]


def knowing_amounts(net: Floats) -> list[float]:
    """Return by how much the choice gets better when one improvement's worth is known for sure.

    `net` has a row per improvement, a column per draw: worth a year after costs. The choice is of
    the one that is worth most in the mean, or of none; effects are independent (expected value of
    perfect information on one input, Raiffa and Schlaifer 1961).
    """
    known = np.isfinite(net).all(axis=1)
    means = np.where(known, net.mean(axis=1), 0.0)
    now = max(0.0, float(means.max(initial=0.0)))
    found = []
    for place, is_known in enumerate(known):
        others = max(0.0, float(np.delete(means, place).max(initial=0.0)))
        better = float(np.maximum(net[place], others).mean()) - now
        found.append(max(0.0, better) if is_known else float("nan"))
    return found
