"""What is known in advance of a customer's next quarter: open deals, contracts, price changes?

Every fact is taken as it stood at the origin. A deal counts from its creation to its close. Its
value and its expected close are overwritten as time goes by, so they come from the last stage event
before the origin, and are left out where no such event was recorded. A contract or a price change
counts from the moment that it was known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.customers.growth_origins import Origin

_MOST_BINS = 8  # of what is there; nothing is a bin of its own
_DAY = pd.Timedelta(days=1)

Floats = np.ndarray
Facts = Mapping[str, Floats]


@dataclass(frozen=True)
class Beside:
    """Tables beside the features of customers; None where a source has none.

    `customer_periods` is derived and tells margins; `opportunities`, `stage_events` and
    `known_ahead` are the sources', with what is known in advance.
    """

    customer_periods: pd.DataFrame | None = None
    opportunities: pd.DataFrame | None = None
    stage_events: pd.DataFrame | None = None
    known_ahead: pd.DataFrame | None = None


def known_facts(origins: Sequence[Origin], beside: Beside) -> dict[str, Floats]:
    """Return a column per kind of fact for each origin by name, in the order of its table.

    Columns, 0 where there is nothing: open deals; sums of the logs of their values, and of those
    expected to close in the next quarter; log of what contracts bring in it; change of price in it.
    """
    deals = _deals(beside)
    ahead = _ahead(beside.known_ahead)
    if deals is None and ahead is None:
        return {}
    found = {}
    for origin in origins:
        customers, columns = origin.table["customer_id"], np.zeros((len(origin.table), 5))
        if deals is not None:
            columns[:, :3] = _deal_columns(deals, origin, customers)
        if ahead is not None:
            columns[:, 3:] = _ahead_columns(ahead, origin, customers)
        found[origin.name] = columns
    return found


def fact_bins(learnt: Floats, asked: Floats) -> tuple[Floats, Floats]:
    """Return both tables with the numbers of bins, without columns that teach nothing."""
    learnt_bins, asked_bins = [np.empty((len(learnt), 0))], [np.empty((len(asked), 0))]
    shares = np.linspace(0, 1, _MOST_BINS + 1)[1:-1]
    for column, own in zip(learnt.T, asked.T, strict=True):
        there = column[column != 0]
        if not len(there) or len(np.unique(column)) < 2:
            continue
        edges = np.unique(np.append(np.quantile(there, shares), [-1e-9, 1e-9]))
        learnt_bins.append(np.searchsorted(edges, column)[:, None])
        asked_bins.append(np.searchsorted(edges, own)[:, None])
    return np.hstack(learnt_bins), np.hstack(asked_bins)


@dataclass(frozen=True)
class _Deals:
    """Deals with their stays in time order, as columns; `buyer` is a place in `buyers`."""

    buyers: pd.Index
    buyer: Floats
    created: Floats
    closed: Floats
    stay_deal: Floats  # a place among the deals
    entered: Floats
    value: Floats
    closes_on: Floats


def _deals(beside: Beside) -> _Deals | None:
    """Return deals whose times are known; one closed at an unknown time tells nothing."""
    table = beside.opportunities
    if table is None:
        return None
    is_timed = table["created_at"].notna() & table["customer_id"].notna()
    is_timed &= table["closed_at"].notna() | ~table["is_closed"].fillna(False).astype(bool)
    deals = table[is_timed].sort_values("opportunity_id")
    if deals.empty:
        return None
    stays = _stays(beside.stage_events)
    place = pd.Index(deals["opportunity_id"]).get_indexer(stays["opportunity_id"])
    stays, place = stays[place >= 0], place[place >= 0]
    buyer, buyers = pd.factorize(deals["customer_id"], sort=True)
    return _Deals(
        buyers=pd.Index(buyers),
        buyer=buyer,
        created=_moments(deals["created_at"]),
        closed=_moments(deals["closed_at"]),
        stay_deal=place,
        entered=_moments(stays["entered_at"]),
        value=stays["value_amount"].astype(float).fillna(0).clip(lower=0).to_numpy(),
        closes_on=_moments(stays["expected_close_on"]),
    )


def _stays(events: pd.DataFrame | None) -> pd.DataFrame:
    """Return stays in stages in order of time; inferred ones may know what came later."""
    columns = ["opportunity_id", "event_no", "entered_at", "value_amount", "expected_close_on"]
    if events is None:
        return pd.DataFrame(columns=columns)
    recorded = events[~events["is_reconstructed"].fillna(False).astype(bool)]
    return recorded[columns].sort_values(["entered_at", "opportunity_id", "event_no"])


def _moments(column: pd.Series) -> Floats:
    return pd.to_datetime(column).to_numpy("datetime64[us]")


def _deal_columns(deals: _Deals, origin: Origin, customers: pd.Series) -> Floats:
    until = np.datetime64(origin.ends_on + _DAY, "us")
    is_open = (deals.created < until) & ~(deals.closed < until)
    last = np.full(len(deals.buyer), -1)
    known = np.flatnonzero(deals.entered < until)
    last[deals.stay_deal[known]] = known  # in order of time, so the latest stays
    value = np.where(last >= 0, np.append(deals.value, 0.0)[last], 0.0)
    never = np.datetime64("NaT", "us")
    closes_on = np.where(last >= 0, np.append(deals.closes_on, never)[last], never)
    is_soon = closes_on <= np.datetime64(origin.known_on, "us")  # what is past is due as well
    sums = [
        np.bincount(deals.buyer[is_open], amounts[is_open], len(deals.buyers))
        for amounts in (np.ones(len(value)), np.log1p(value), np.log1p(value * is_soon))
    ]
    place = deals.buyers.get_indexer(customers)
    return np.where(place[:, None] >= 0, np.column_stack(sums)[place], 0.0)


def _ahead(known_ahead: pd.DataFrame | None) -> pd.DataFrame | None:
    if known_ahead is None or known_ahead.empty:
        return None
    days = {name: pd.to_datetime(known_ahead[name]) for name in ("starts_on", "ends_on")}
    amounts = {
        name: known_ahead[name].astype(float).fillna(0.0) for name in ("amount", "change_share")
    }
    columns = ["customer_id", "kind", "known_at", *days, *amounts]
    table = known_ahead.assign(**days, **amounts)[columns]
    return table.sort_values(columns[:4], ignore_index=True)


def _ahead_columns(ahead: pd.DataFrame, origin: Origin, customers: pd.Series) -> Floats:
    """Return what contracts bring in the next quarter, and by how much prices change in it.

    A contract's amount is spread over its days; one without an end runs through the quarter, and
    its amount is of a quarter. A price that changed before the origin is in the history already.
    """
    known = ahead[ahead["known_at"] < origin.ends_on + _DAY]
    first = known["starts_on"].clip(lower=origin.ends_on + _DAY)
    last = known["ends_on"].fillna(origin.known_on).clip(upper=origin.known_on)
    days = ((last - first).dt.days + 1).clip(lower=0)
    length = (known["ends_on"] - known["starts_on"]).dt.days + 1
    share = days / length.fillna(origin.horizon_days).clip(lower=1)
    contracts = (known["kind"] == "contract") * known["amount"] * share
    is_new = (known["kind"] == "price_change") & (known["starts_on"] > origin.ends_on)
    prices = is_new * known["change_share"] * days / origin.horizon_days
    sums = pd.DataFrame({"contracts": contracts, "prices": prices}).groupby(known["customer_id"])
    found = sums.sum().reindex(customers).fillna(0.0)
    return np.column_stack([np.log1p(found["contracts"].clip(lower=0)), found["prices"]])
