"""What the simulated customers buy: gamma rhythms, seasons, drift, returns, other lines.

Orders come from a renewal process with gamma gaps in operational time, mapped to days by each
customer's own cumulated intensity; so a clockwork customer stays regular within a season.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.tables_customers import CONTROL_TOTALS, INVOICE_LINES, LINE_KINDS
from analysis.sources.simulated.catalogue import (
    CATEGORY_SIZE,
    CATEGORY_START,
    COST_CENTS,
    IS_SERVICE,
    PRICE_CENTS,
    PRODUCT_CATEGORY,
    PRODUCT_COUNT,
    product_ids,
)
from analysis.sources.simulated.customers import (
    KEY,
    Population,
    customer_ids,
)
from analysis.sources.simulated.people import Staff, rep_ids
from analysis.sources.simulated.world import (
    QUARTER_DAYS,
    SOURCE_SYSTEM,
    World,
    choose,
    frame,
    money,
    number_ids,
    pick,
    rank_within,
)

# Documents of their own, beyond the numbers of orders and credit notes.
_FREE_DOCUMENTS = 10**12
# The company's season by month of the year, for goods and services alike.
_SEASON = np.array([0.95, 0.97, 1.06, 1.0, 1.03, 1.0, 0.92, 0.86, 1.06, 1.10, 1.09, 0.96])
_INFLATION = 0.006  # log price change per quarter
_ORDER_GROWTH_SHARE = 0.6  # of a customer's growth; the rest is growth of the order's amount
_RETURN_SHARE = 0.035  # of the lines with goods
_POSTAGE_CENTS, _FEE_CENTS = 690, 1500
_BREADTH = np.array([1.6, 0.7, 0.7, 0.7, 0.3, 0.6, 0.3])  # further lines on an order
_MOST_LINES = 6
# The delivery improvement raises the amount of orders in these regions from a day on.
DELIVERY_REGIONS = (0, 3, 6)
DELIVERY_EFFECT = 0.10
DELIVERY_AT_SHARE = 0.6  # of the time of the data


@dataclass
class Lines:
    """Invoice lines as arrays; `document` groups lines before invoices get their numbers."""

    document: np.ndarray
    customer: np.ndarray
    product: np.ndarray  # -1 for lines without a product
    day: np.ndarray
    quantity: np.ndarray
    cents: np.ndarray
    cost_cents: np.ndarray
    kind: np.ndarray  # index into LINE_KINDS

    def rows(self, chosen: np.ndarray) -> "Lines":
        return Lines(**{name: values[chosen] for name, values in vars(self).items()})


def delivery_day(world: World) -> int:
    """Day from which better delivery works, the first of a quarter."""
    quarter = int(DELIVERY_AT_SHARE * world.options.quarters)
    return int(world.quarter_edges[quarter])


def delivery_effect(world: World, region: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Relative change of an order's amount: known, and nothing without structure."""
    treated = np.isin(region, DELIVERY_REGIONS) & (day >= delivery_day(world))
    return np.where(treated & world.options.has_structure, DELIVERY_EFFECT, 0.0)


def invoice_lines(world: World, people: Population) -> Lines:
    """Return all lines of data and future, in the order of documents."""
    rng = world.stream("invoices")
    customer, day = _orders(world, people, rng)
    cents = _order_cents(world, people, customer, day, rng)
    sales = _sale_lines(world, people, customer, day, cents, rng)
    parts = [sales, _returns(world, sales, rng), *_extras(world, people, customer, day, rng)]
    documents = np.concatenate([part.document for part in parts])
    _, documents = np.unique(documents, return_inverse=True)
    lines = Lines(
        documents,
        *(np.concatenate([getattr(p, n) for p in parts]) for n in list(vars(sales))[1:]),
    )
    return lines.rows(np.lexsort((lines.kind, lines.document, lines.day)))


def expected_cents(world: World, people: Population) -> np.ndarray:
    """Return customer x quarter: expected sales, given that the customer buys throughout."""
    at = (world.month_edges[:-1] + world.month_edges[1:]) / 2
    log_cents = _log_cents(world, people, np.arange(people.size)[:, None], at[None, :])
    month = _intensity(world, people) * np.exp(log_cents + people.spread[:, None] ** 2 / 2)
    month *= 1 + delivery_effect(world, people.region[:, None], at[None, :])
    return month.reshape(people.size, -1, 3).sum(axis=2)


def _intensity(world: World, people: Population) -> np.ndarray:
    """Orders expected in each month, customer x month, while the customer buys."""
    at = (world.month_edges[:-1] + world.month_edges[1:])[None, :] / 2
    everyone = np.arange(people.size)[:, None]
    log_rate = _before_after(people.log_orders, people, everyone, at)
    log_rate = log_rate + _ORDER_GROWTH_SHARE * _drift(world, people, everyone, at)
    strength = _before_after(people.season, people, everyone, at)
    angle = 2 * np.pi * (world.month_numbers[None, :] - people.season_peak[:, None]) / 12
    # Divided by its mean over a year, so that the season moves orders but adds none.
    swing = np.exp(strength * np.cos(angle)) / np.i0(strength)
    return np.exp(log_rate) / 3 * swing * _SEASON[world.month_numbers]


def _before_after(
    pair: tuple[np.ndarray, np.ndarray], people: Population, customer: np.ndarray, at: np.ndarray
) -> np.ndarray:
    # NaN (never) compares as false, so those who never switch stay what they were.
    return np.where(at >= people.switch_day[customer], pair[1][customer], pair[0][customer])


def _drift(world: World, people: Population, customer: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Log growth since the middle of the data; after a switch the new drift begins at nothing."""
    since = (at - people.switch_day[customer]) / QUARTER_DAYS
    before = people.growth[0][customer] * world.elapsed(at)
    return np.where(since >= 0, people.growth[1][customer] * since, before)


def _log_cents(
    world: World, people: Population, customer: np.ndarray, at: np.ndarray
) -> np.ndarray:
    drift = (1 - _ORDER_GROWTH_SHARE) * _drift(world, people, customer, at)
    level = _before_after(people.log_cents, people, customer, at)
    return level + drift + _INFLATION * world.elapsed(at)


def _orders(
    world: World, people: Population, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return customer and day of every order."""
    months = _intensity(world, people)
    total = np.concatenate([np.zeros((people.size, 1)), np.cumsum(months, axis=1)], axis=1)
    owner, spot = _renewals(world, people, total, rng)
    day = _days_of(world, total, owner, spot)
    day = np.where(people.is_b2b[owner], world.workday(day), np.floor(day)).astype(int)
    kept = (day >= 0) & (day < world.horizon) & (day < people.churn_day[owner])
    # Whoever begins within the data does so with an order.
    new = np.flatnonzero(people.start_day >= 0)
    first = people.start_day[new]
    first = np.where(people.is_b2b[new], world.workday(first), first).astype(int)
    owner, day = np.concatenate([owner[kept], new]), np.concatenate([day[kept], first])
    # The books close with an order on the last day: the last quarter counts as complete.
    day[np.argmax(np.where(day < world.end, day, -1))] = world.end - 1
    return owner, day


def _renewals(
    world: World, people: Population, total: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return owner and operational time of each order but the first of a new customer."""
    is_new = people.start_day >= 0
    begin = np.where(is_new, _spot_of(world, total, people.start_day.clip(0)), 0.0)
    left = total[:, -1] - begin
    # Enough gaps to fill the time left but for a few in 10,000 customers.
    count = np.ceil(left + 4 * np.sqrt(left) + 4).astype(int)
    owner = np.repeat(np.arange(people.size), count)
    gaps = rng.gamma(people.rhythm_shape[owner]) / people.rhythm_shape[owner]
    # Whoever bought before the data begin is somewhere between two orders as they do.
    starts = np.cumsum(count) - count
    gaps[starts] *= np.where(is_new, 1.0, rng.random(people.size))
    summed = np.cumsum(gaps)
    spot = begin[owner] + summed - np.repeat(summed[starts] - gaps[starts], count)
    inside = spot < total[owner, -1]
    return owner[inside], spot[inside]


def _spot_of(world: World, total: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Operational time of one day of each customer."""
    months = total.shape[1] - 1
    place = np.interp(day, world.month_edges, np.arange(months + 1))
    whole = np.minimum(place.astype(int), months - 1)
    everyone = np.arange(len(day))
    low, high = total[everyone, whole], total[everyone, whole + 1]
    return low + (place - whole) * (high - low)


def _days_of(world: World, total: np.ndarray, owner: np.ndarray, spot: np.ndarray) -> np.ndarray:
    """Day of each spot in its owner's operational time."""
    # The operational times of all customers on one line, so that one search serves them all.
    apart = total[:, -1].max() + 1
    line = (total + apart * np.arange(len(total))[:, None]).ravel()
    edges = total.shape[1]
    month = np.searchsorted(line, spot + apart * owner, side="right") - 1 - owner * edges
    month = month.clip(0, edges - 2)
    low, high = total[owner, month], total[owner, month + 1]
    lengths = np.diff(world.month_edges)
    return world.month_edges[month] + (spot - low) / (high - low) * lengths[month]


def _order_cents(
    world: World,
    people: Population,
    customer: np.ndarray,
    day: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    noise = people.spread[customer] * rng.standard_normal(len(customer))
    amount = np.exp(_log_cents(world, people, customer, day) + noise)
    return amount * (1 + delivery_effect(world, people.region[customer], day))


def _sale_lines(
    world: World,
    people: Population,
    customer: np.ndarray,
    day: np.ndarray,
    cents: np.ndarray,
    rng: np.random.Generator,
) -> Lines:
    """Split orders into lines of the ranges that the customer has adopted by then."""
    breadth = _BREADTH[people.archetype[customer]]
    count = np.minimum(1 + rng.poisson(breadth), _MOST_LINES)
    order = np.repeat(np.arange(len(customer)), count)
    who, when = customer[order], day[order]
    part = rng.gamma(3.0, size=len(order))
    part /= np.bincount(order, part)[order]
    known = people.adopted_day[who] <= when[:, None] + 1
    weights = people.taste[who] * np.where(IS_SERVICE, 0.7, 1.0) * known
    # Nothing adopted yet: someone who takes services only still begins with the first goods.
    weights[:, 0] += np.where(known.any(axis=1), 0, 1)
    category = choose(weights, rng)
    favourite = (who * 7 + category * 3) % CATEGORY_SIZE[category]
    step = np.minimum(rng.geometric(0.6, len(order)) - 1, CATEGORY_SIZE[category] - 1)
    product = CATEGORY_START[category] + (favourite + step) % CATEGORY_SIZE[category]
    # A product stands once on an order, so that two equal lines are always a duplicate.
    both, same = np.unique(order * PRODUCT_COUNT + product, return_inverse=True)
    part = np.bincount(same, part)
    order, product = np.divmod(both, PRODUCT_COUNT)
    who, when = customer[order], day[order]
    price = PRICE_CENTS[product] * np.exp(_INFLATION * world.elapsed(when))
    price = np.round(price * (1 - _discount(people)[who]))
    quantity = np.maximum(1, np.round(cents[order] * part / price))
    cost = np.round(COST_CENTS[product] * np.exp(0.9 * _INFLATION * world.elapsed(when)))
    kind = np.full(len(order), LINE_KINDS.index("sale"))
    return Lines(order, who, product, when, quantity, quantity * price, quantity * cost, kind)


def _discount(people: Population) -> np.ndarray:
    """Key accounts get 12 % off the list price, other companies 0 to 8 %."""
    usual = np.where(people.is_b2b, 0.02 * (people.industry % 5), 0.0)
    return np.where(people.archetype == KEY, 0.12, usual)


def _returns(world: World, sales: Lines, rng: np.random.Generator) -> Lines:
    """Goods that come back 2 to 30 days later on a credit note of their own."""
    goods = ~IS_SERVICE[PRODUCT_CATEGORY[sales.product]]
    chosen = np.flatnonzero(goods & (rng.random(len(sales.day)) < _RETURN_SHARE))
    back = sales.rows(chosen)
    share = np.where(rng.random(len(chosen)) < 0.5, 1.0, rng.random(len(chosen)))
    quantity = np.maximum(1, np.round(back.quantity * share))
    each, each_cost = back.cents / back.quantity, back.cost_cents / back.quantity
    back.day = world.workday(back.day + rng.integers(3, 31, len(chosen)))
    back.document = sales.document.max(initial=0) + 1 + np.arange(len(chosen))
    back.quantity, back.cents = -quantity, -np.round(quantity * each)
    back.cost_cents = -np.round(quantity * each_cost)
    back.kind = np.full(len(chosen), LINE_KINDS.index("return"))
    return back.rows(back.day < world.horizon)


def _extras(
    world: World,
    people: Population,
    customer: np.ndarray,
    day: np.ndarray,
    rng: np.random.Generator,
) -> list[Lines]:
    """Postage and small-order fees on orders, bad debt of the gone, rebates of key accounts."""
    orders = np.arange(len(customer))
    drawn = rng.random(len(orders))
    posted = orders[drawn < np.where(people.is_b2b[customer], 0.03, 0.12)]
    charged = orders[drawn > 0.995]
    gone = np.flatnonzero((people.churn_day < world.horizon - 60) & (people.churn_day > 90))
    gone = gone[rng.random(len(gone)) < 0.04]
    debt = -np.round(np.exp(people.log_cents[1][gone]) * rng.uniform(0.3, 1.0, len(gone)))
    keys = np.flatnonzero(people.archetype == KEY)
    years = world.quarter_edges[4:-1:4]
    rebated, at = np.repeat(keys, len(years)), np.tile(years + 20, len(keys))
    held = (at < people.churn_day[rebated]) & (at > people.start_day[rebated] + 200)
    rebated, at = rebated[held], at[held]
    rebate = -np.round(np.exp(people.log_cents[0][rebated]) * rng.uniform(0.2, 0.5, len(rebated)))
    free = _FREE_DOCUMENTS + np.arange(len(gone) + len(rebated))
    gone_day = world.workday(people.churn_day[gone] + 45)
    return [
        _plain(posted, customer[posted], day[posted], np.full(len(posted), _POSTAGE_CENTS), 3),
        _plain(charged, customer[charged], day[charged], np.full(len(charged), _FEE_CENTS), 2),
        _plain(free[: len(gone)], gone, gone_day, debt, 5),
        _plain(free[len(gone) :], rebated, world.workday(at), rebate, 6),
    ]


def _plain(
    document: np.ndarray, customer: np.ndarray, day: np.ndarray, cents: np.ndarray, kind: int
) -> Lines:
    """Lines without a product: one piece, no cost."""
    one = np.ones(len(document))
    return Lines(
        document, customer, -one.astype(int), day, one, cents, 0 * one, one.astype(int) * kind
    )


def invoice_frame(world: World, lines: Lines, staff: Staff) -> pd.DataFrame:
    """Return the declared table; invoices are numbered in the order of their days."""
    changes = np.concatenate([[True], lines.document[1:] != lines.document[:-1]])
    invoice = np.cumsum(changes)
    counts = np.bincount(invoice - 1)
    ids = customer_ids(lines.customer)
    return frame(
        INVOICE_LINES,
        invoice_id=number_ids("", 200_000 + invoice),
        line_no=1 + rank_within(counts),
        customer_id=ids,
        product_id=product_ids(lines.product),
        invoiced_on=world.dates(lines.day),
        quantity=lines.quantity.astype(float),
        revenue_amount=money(lines.cents),
        cost_amount=money(lines.cost_cents),
        rep_id=rep_ids(staff.owner_on(lines.customer, lines.day)),
        currency="EUR",
        original_amount=money(lines.cents),
        kind=pick(LINE_KINDS, lines.kind),
        source_system=SOURCE_SYSTEM,
        source_id=ids.copy(),
    )


def control_totals(world: World, invoices: pd.DataFrame) -> pd.DataFrame:
    """Return what finance states for each quarter: the lines as issued, every kind, to the cent."""
    edges = np.array([np.datetime64(q.ends_before) for q in world.data_quarters])
    quarter = np.searchsorted(edges, invoices["invoiced_on"].to_numpy(), side="right")
    # Ten-thousandths, because an amount converted from another currency may have them.
    units = np.round(invoices["revenue_amount"].to_numpy() * 10_000).astype(np.int64)
    sums = np.zeros(len(edges), dtype=np.int64)
    np.add.at(sums, quarter, units)
    return frame(
        CONTROL_TOTALS,
        period=[q.name for q in world.data_quarters],
        measure="revenue_amount",
        value_amount=sums / 10_000,
        source="Ledger, revenue accounts",
    )


def future_truth(world: World, lines: Lines) -> pd.DataFrame:
    """Return what each customer really buys in each quarter after the data, returns included."""
    later = lines.rows((lines.day >= world.end) & (lines.day < world.horizon))
    table = pd.DataFrame(
        {
            "customer": later.customer,
            "quarter": world.quarter_of(later.day),
            "cents": later.cents,
        }
    )
    sums = table.groupby(["customer", "quarter"], as_index=False)["cents"].sum()
    return pd.DataFrame(
        {
            "customer_id": customer_ids(sums["customer"].to_numpy()),
            "period": pick([q.name for q in world.quarters], sums["quarter"].to_numpy()),
            "revenue_amount": money(sums["cents"].to_numpy()),
        }
    )
