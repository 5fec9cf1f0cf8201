"""What will customers spend who order like clockwork?

BG/NBD and Pareto/NBD take times between orders to be exponential: an order that is due tomorrow and
one that was placed yesterday are the same to them. Here a customer's gaps are gamma distributed,
with his own mean and regularity. Gaps are read off the earlier origins: between two of them a
customer had so many order days, and his last one moved by so many days. The expected orders of the
next quarter follow from the days since the last order (renewal theory); who is silent for much
longer than his rhythm allows has probably left. Others are forecast as the models do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import gammainc, gammaincc

from analysis.customers.growth_origins import Origin

_FEWEST_GAPS = 4
_FEWEST_BLOCKS = 3
_PRIOR_BLOCKS = 2.0  # that the regularity of all customers counts as much as
_MOST_VARIATION = 0.4  # squared deviation of gaps over their mean; 1 is pure chance
_LEAST_VARIATION = 0.01
_LEAVING = (0.005, 0.3)  # bounds of the chance to leave after an order
_MANY = 20  # orders in a quarter, from where on a limit theorem does
_LEAST = 1e-9

Floats = np.ndarray


@dataclass(frozen=True)
class Rhythm:
    """Expected sales of the next quarter where orders are regular, and who that is."""

    sales: Floats  # for all, those of the models where they are not regular
    is_regular: Floats


@dataclass(frozen=True)
class Gaps:
    """Order days between two consecutive origins: a row per customer and origin, oldest first."""

    customers: pd.Index
    customer: Floats  # a place in `customers`
    known_on: Floats
    count: Floats
    days: Floats


def gaps_between(origins: Sequence[Origin]) -> Gaps:
    """Return how many gaps ended between origins, and how long they were together."""
    by_end = {origin.ends_on: origin.table for origin in origins}
    ends = sorted(by_end)
    customers = pd.Index(np.unique(np.concatenate([by_end[e]["customer_id"] for e in ends])))
    parts = [
        (
            customers.get_indexer(by_end[end]["customer_id"]),
            np.full(len(by_end[end]), np.datetime64(end, "D")),
            by_end[end]["order_day_count"].to_numpy(float),
            by_end[end]["last_order_on"].to_numpy("datetime64[D]").astype(float),
            by_end[end]["first_order_on"].to_numpy("datetime64[D]").astype(float),
        )
        for end in ends
    ]
    customer, known_on, orders, last, first = (np.concatenate(c) for c in zip(*parts, strict=True))
    order = np.argsort(customer, kind="stable")
    customer, known_on = customer[order], known_on[order]
    orders, last, first = orders[order], last[order], first[order]
    is_first = np.diff(customer, prepend=-1) != 0
    count = orders - np.where(is_first, 1, np.roll(orders, 1))
    days = last - np.where(is_first, first, np.roll(last, 1))
    usable = (count > 0) & (days > 0)
    return Gaps(customers, customer[usable], known_on[usable], count[usable], days[usable])


def rhythm(gaps: Gaps, now: Origin) -> Rhythm:
    """Return what regular customers are expected to spend, by the gaps known at the origin."""
    count, mean, spread, freedom = _regularity(gaps, now)
    is_regular = (count >= _FEWEST_GAPS) & (freedom >= _FEWEST_BLOCKS - 1)
    usual = min(float(spread.sum() / max(freedom.sum(), 1)), 1.0)
    variation = (spread + _PRIOR_BLOCKS * usual) / (freedom + _PRIOR_BLOCKS)
    is_regular &= variation <= _MOST_VARIATION
    sales = now.base.copy()
    if not is_regular.any():
        return Rhythm(sales, is_regular)
    count, mean, variation = (column[is_regular] for column in (count, mean, variation))
    variation = np.maximum(variation, _LEAST_VARIATION)
    # A mean of few gaps is drawn to that of other regular customers.
    mean = (mean * count + variation * np.median(mean)) / (count + variation)
    silent = now.table["recency_days"].to_numpy(float)[is_regular]
    orders = expected_orders(mean, variation, silent, now.horizon_days, _leaving(now))
    sales[is_regular] = np.maximum(orders, _LEAST) * now.value[is_regular]
    return Rhythm(sales, is_regular)


def _regularity(gaps: Gaps, now: Origin) -> tuple[Floats, Floats, Floats, Floats]:
    """Return of each customer: gaps, their mean, and how much they varied in so many comparisons.

    Over so many comparisons the third is their number where orders come by chance, 0 for a clock.
    """
    known = gaps.known_on <= np.datetime64(now.ends_on, "D")
    customer, counts, days = gaps.customer[known], gaps.count[known], gaps.days[known]
    size = len(gaps.customers)
    blocks = np.bincount(customer, minlength=size)
    count = np.bincount(customer, counts, size)
    mean = np.bincount(customer, days, size) / np.maximum(count, 1)
    squares = np.bincount(customer, days**2 / counts, size)
    # Of sums of so many gaps, what they vary by over what their mean allows.
    spread = np.maximum(squares / np.maximum(mean, _LEAST) ** 2 - count, 0.0)
    place = gaps.customers.get_indexer(now.table["customer_id"])
    return count[place], mean[place], spread[place], np.maximum(blocks - 1, 0)[place]


def _leaving(now: Origin) -> float:
    model = now.models[0]
    return float(np.clip(model.a / (model.a + model.b), *_LEAVING))


def expected_orders(
    mean: Floats, variation: Floats, silent: Floats, horizon: float, leaving: float
) -> Floats:
    """Return order days expected within the horizon, given the days since the last one.

    Gaps are gamma distributed with that mean and squared variation; after each order a customer
    leaves with the chance `leaving`. The time to the next order is that of a gap that has already
    lasted `silent` days; sums of it and further gaps are taken as gamma distributed.
    """
    shape = 1 / variation
    passed = shape * silent / mean
    still = np.maximum(gammaincc(shape, passed), 1e-12)
    rest = mean * gammaincc(shape + 1, passed) / still - silent
    rest = np.maximum(rest, 0.01 * mean)
    square = mean**2 * (1 + variation) * gammaincc(shape + 2, passed) / still
    varied = np.maximum(square - (rest + silent) ** 2, (0.01 * mean) ** 2)
    active = (1 - leaving) * still / ((1 - leaving) * still + leaving)
    orders = np.zeros(len(mean))
    for number in range(int(1.5 * _MANY) + 3):
        away = rest + number * mean
        spread = varied + number * variation * mean**2
        chance = gammainc(away**2 / spread, away * horizon / spread)
        orders += (1 - leaving) ** number * chance
    many = np.maximum((horizon - rest) / mean + 1 + (variation - 1) / 2, 0)
    stays = (1 - (1 - leaving) ** many) / (leaving * np.maximum(many, _LEAST))
    return active * np.where(horizon / mean > _MANY, many * stays, orders)
