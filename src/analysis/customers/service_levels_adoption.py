"""How many services should a customer of each class have, and which? What like customers reached.

A young customer has not had the time to buy everything (his adoption is censored on the right), so
that the mean or a quantile of all customers is too low. Peers are therefore the customers of the
class who have been customers long enough; a class with too few of them borrows those of the next
better one. The number is an upper quantile of theirs, not the highest: a maximum grows with the
size of the group.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.statistics import wilson_interval
from analysis.customers.prospects import PROSPECT_CLASSES
from analysis.customers.service_levels_options import ServiceLevelOptions

_INTERVAL = (0.1, 0.9)  # ends of an 80 % interval
_Z = 1.2816


@dataclass(frozen=True)
class Adoption:
    """Who has which service: customers sorted by id, services by name."""

    customers: pd.DataFrame  # customer_id, prospect_class, tenure_days
    services: list[str]
    owned: np.ndarray  # customers x services, True where bought at least once and usable
    usable: np.ndarray  # False where the company says that the customer cannot use it
    year_amount: np.ndarray  # sales of the last four quarters

    @property
    def counts(self) -> np.ndarray:
        """Services of each customer."""
        return self.owned.sum(axis=1)

    def is_class(self, names: tuple[str, ...]) -> np.ndarray:
        """Whether each customer is of one of these classes."""
        return self.customers["prospect_class"].isin(names).to_numpy()


def adoption(
    customers: pd.DataFrame, bought: pd.DataFrame, barred: pd.DataFrame, services: list[str]
) -> Adoption:
    """Return who has what; `bought` and `barred` name customer_id and service.

    What a customer cannot use does not count, whether he bought it or not.
    """
    table = customers.sort_values("customer_id", ignore_index=True)
    ids, names = pd.Index(table["customer_id"]), pd.Index(sorted(services))
    shape = (len(ids), len(names))
    owned, usable, amount = np.zeros(shape, bool), np.ones(shape, bool), np.zeros(shape)
    for frame, target, value in ((bought, owned, True), (barred, usable, False)):
        row, column, _ = _places(frame, ids, names)
        target[row, column] = value
    row, column, keep = _places(bought, ids, names)
    amount[row, column] = bought["sale_year_amount"].to_numpy(float)[keep]
    return Adoption(table, list(names), owned & usable, usable, amount)


def _places(
    frame: pd.DataFrame, ids: pd.Index, names: pd.Index
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    row, column = ids.get_indexer(frame["customer_id"]), names.get_indexer(frame["service"])
    keep = (row >= 0) & (column >= 0)
    return row[keep], column[keep], keep


def tenure_asked(tenure_days: pd.Series, options: ServiceLevelOptions) -> int | None:
    """Return the days as a customer that make a peer: the option's, or half; None if too few."""
    for days in (options.fewest_tenure_days, options.fewest_tenure_days // 2):
        if (tenure_days >= days).sum() >= options.fewest_peers:
            return days
    return None


def class_levels(found: Adoption, tenure_days: int, options: ServiceLevelOptions) -> pd.DataFrame:
    """Return one row per class that has customers: services now, and the number to reach.

    Columns: prospect_class; customer_count; services_now (mean of all) with its 80 % interval;
    target_services_count (quantile of the peers) with its 80 % bootstrap interval; peers_count;
    peers_from (the classes that they are of); services_of_peers (mean); target_of_all_count (what
    the quantile would be with customers who are too new: biased low); missing_services_count (that
    the class's customers lack to the target, never more than they can use); below_share (customers
    below the target).
    """
    rng = np.random.default_rng(options.seed)
    is_tenured = (found.customers["tenure_days"] >= tenure_days).to_numpy()
    rows = []
    for name in PROSPECT_CLASSES:
        own = found.is_class((name,))
        if own.any():
            rows.append(_class_row(found, name, is_tenured, rng, options))
    return pd.DataFrame(rows)


def _class_row(
    found: Adoption,
    name: str,
    is_tenured: np.ndarray,
    rng: np.random.Generator,
    options: ServiceLevelOptions,
) -> dict[str, object]:
    own, counts = found.is_class((name,)), found.counts
    classes = peer_classes(found, name, is_tenured, options.fewest_peers)
    peers = counts[found.is_class(classes) & is_tenured]
    target = quantile_of_counts(np.bincount(peers), options.quantile_share)
    low, high = _bootstrap(peers, rng, options)
    reach = np.minimum(target, found.usable[own].sum(axis=1))
    missing = np.maximum(reach - counts[own], 0)
    half = _Z * counts[own].std(ddof=1) / np.sqrt(own.sum()) if own.sum() > 1 else np.nan
    mean = float(counts[own].mean())
    return {
        "prospect_class": name,
        "customer_count": int(own.sum()),
        "services_now": mean,
        "services_now_low": max(0.0, mean - half),
        "services_now_high": mean + half,
        "target_services_count": int(target),
        "target_services_low_count": int(low),
        "target_services_high_count": int(high),
        "peers_count": len(peers),
        "peers_from": ", ".join(classes),
        "services_of_peers": float(peers.mean()),
        "target_of_all_count": int(
            quantile_of_counts(np.bincount(counts[own]), options.quantile_share)
        ),
        "missing_services_count": int(missing.sum()),
        "below_share": float((missing > 0).mean()),
    }


def peer_classes(
    found: Adoption, name: str, is_tenured: np.ndarray, fewest: int
) -> tuple[str, ...]:
    """Return the class and as many better ones as give enough tenured customers.

    Classes stand in order, the best first; when all better ones are too few the next lower join.
    """
    place = PROSPECT_CLASSES.index(name)
    ordered = PROSPECT_CLASSES[place::-1] + PROSPECT_CLASSES[place + 1 :]
    # A class without customers lends nothing, and is not named.
    chain = tuple(n for n in ordered if n == name or found.is_class((n,)).any())
    for length in range(1, len(chain) + 1):
        if (found.is_class(chain[:length]) & is_tenured).sum() >= fewest:
            return chain[:length]
    return chain


def quantile_of_counts(histogram: np.ndarray, share: float) -> np.ndarray:
    """Return the least number that this share does not exceed; histograms in the last axis."""
    total = histogram.sum(axis=-1, keepdims=True)
    below = np.cumsum(histogram, axis=-1) >= share * total - 1e-9
    return below.argmax(axis=-1)


def _bootstrap(
    peers: np.ndarray, rng: np.random.Generator, options: ServiceLevelOptions
) -> np.ndarray:
    """Return the ends of the quantile's interval: histograms are drawn, never customers."""
    histogram = np.bincount(peers)
    drawn = rng.multinomial(len(peers), histogram / len(peers), size=options.resamples)
    quantiles = quantile_of_counts(drawn, options.quantile_share)
    return np.quantile(quantiles, _INTERVAL, method="inverted_cdf")


def class_services(
    found: Adoption, levels: pd.DataFrame, tenure_days: int, options: ServiceLevelOptions
) -> pd.DataFrame:
    """Return one row per class and service, the peers' most common first.

    Columns: prospect_class; service; rank; is_in_catalogue (among the first so many as the class's
    target); peers_share (of tenured peers who can use it, who have it) with its 80 % interval;
    now_share (of all of the class who can use it); lacking_count (who can use it and have it not);
    typical_year_amount (median of the last four quarters, of peers who bought it then).
    """
    is_tenured = (found.customers["tenure_days"] >= tenure_days).to_numpy()
    parts = []
    for row in levels.itertuples():
        classes = tuple(row.peers_from.split(", "))
        peers = found.is_class(classes) & is_tenured
        table = _shares(found, found.is_class((row.prospect_class,)), peers)
        table = table.sort_values(["peers_share", "service"], ascending=[False, True])
        rank = np.arange(1, len(table) + 1)
        table = table.assign(rank=rank, is_in_catalogue=rank <= row.target_services_count)
        table.insert(0, "prospect_class", row.prospect_class)
        parts.append(table)
    columns = ["prospect_class", "service", "rank", "is_in_catalogue", "peers_share"]
    columns += ["peers_low_share", "peers_high_share", "now_share", "lacking_count"]
    return pd.concat(parts, ignore_index=True)[[*columns, "typical_year_amount"]]


def _shares(found: Adoption, own: np.ndarray, peers: np.ndarray) -> pd.DataFrame:
    can, have = found.usable[peers].sum(axis=0), found.owned[peers].sum(axis=0)
    can_own, have_own = found.usable[own].sum(axis=0), found.owned[own].sum(axis=0)
    ends = [wilson_interval(int(k), int(n)) for k, n in zip(have, can, strict=True)]
    paid = np.where(found.year_amount[peers] > 0, found.year_amount[peers], np.nan)
    return pd.DataFrame(
        {
            "service": found.services,
            "peers_share": have / np.maximum(can, 1),
            "peers_low_share": [end[0] for end in ends],
            "peers_high_share": [end[1] for end in ends],
            "now_share": have_own / np.maximum(can_own, 1),
            "lacking_count": can_own - have_own,
            "typical_year_amount": pd.DataFrame(paid).median().round(2).to_numpy(),
        }
    )
