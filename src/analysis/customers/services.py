"""What should each customer be offered next? Products that are new to him and go with his own.

EASE (Steck 2019, Embarrassingly shallow autoencoders for sparse data, WWW): one closed-form linear
model of how products go together, here on purchases that count less the older they are. A chance of
buying comes from the last quarter replayed: how often customers then bought what would have been
offered to them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.isotonic import IsotonicRegression

from analysis.core.problems import Problem, SettingsError, raise_all

_QUARTER_DAYS = 91
_RECENT_DAYS = 90  # in which a product counts as sold now
_CHUNK = 500  # customers scored at a time; bounds memory
_REPLAYED = 20_000  # customers whose last quarter is replayed, at most
_CANDIDATES = 60  # best products of a customer, among which his offers are found
_LEAST_WEIGHT = 1e-9  # so that what was bought long ago still counts as bought
_FEWEST_PEERS = 50  # of an industry, for its own popularity

Floats = np.ndarray


@dataclass(frozen=True)
class ServiceOptions:
    """Choices of the next services; the defaults were chosen on quarters before the graded one."""

    offer_count: int = 5  # per customer, 1 to 5
    product_count: int = 2000  # most sold products that are considered, 1 to 5000
    half_life_days: float = 240.0  # after which a purchase counts half
    ridge: float = 300.0  # weight against chance, in purchases
    large_catalogue_count: int = 200  # products, above which each offer is of another category

    def __post_init__(self) -> None:
        limits = (
            ("offer_count", 1, 5),
            ("product_count", 1, 5000),
            ("half_life_days", 1, 10_000),
            ("ridge", 0.001, 1_000_000),
            ("large_catalogue_count", 0, 1_000_000),
        )
        problems = [
            Problem(
                f"next services option {name}",
                str(getattr(self, name)),
                f"a number from {low} to {high}",
                "write one within these limits",
            )
            for name, low, high in limits
            if not low <= getattr(self, name) <= high
        ]
        raise_all(problems, SettingsError)


def next_services(
    customer_products: pd.DataFrame,
    customers: pd.DataFrame,
    catalogue: pd.DataFrame,
    *,
    as_of: date,
    barred: pd.DataFrame | None = None,
    options: ServiceOptions | None = None,
) -> pd.DataFrame:
    """Return at most five products per customer of `customers` that he never bought, best first.

    `customers` holds the columns of customer_features; `catalogue` product_id, product_category and
    product_name; `barred` the customer_id and product_id of what somebody cannot use.

    Columns: customer_id; rank (from 1); product_id; product_name; product_category; chance_share
    (that he buys it within a quarter, as often as such offers were taken up in the last one);
    expected_amount (that chance times what buyers of his size spend on it in a year); reason. A
    customer whose purchases say nothing gets what his industry buys now, and the reason says so.
    """
    options = options or ServiceOptions()
    ids = customers["customer_id"].sort_values(ignore_index=True)
    bought = customer_products[customer_products["customer_id"].isin(ids)]
    if bought.empty:
        return pd.DataFrame(columns=_COLUMNS)
    shelf = _shelf(bought, ids, catalogue, pd.Timestamp(as_of), options)
    chance = _replayed_chance(bought, shelf, pd.Timestamp(as_of), options)
    banned = _banned(barred, shelf)
    offers = [
        _offers_of(shelf, slice(start, start + _CHUNK), banned, options)
        for start in range(0, len(ids), _CHUNK)
    ]
    made = pd.concat(offers, ignore_index=True)
    # Nobody may lack anything: then there is no score, and the curve refuses to be asked.
    made["chance_share"] = chance(made["score"].to_numpy(float)) if len(made) else 0.0
    rest = _popular(shelf, made, customers, banned, options)
    made = pd.concat([made, rest], ignore_index=True)
    return _described(made, shelf, customers, bought, catalogue)


_COLUMNS = [
    "customer_id",
    "rank",
    "product_id",
    "product_name",
    "product_category",
    "chance_share",
    "expected_amount",
    "reason",
]


def recency_weights(last_sold_on: pd.Series, as_of: pd.Timestamp, half_life_days: float) -> Floats:
    """Return 1 for today's purchases, half of it for each half-life that has passed; above 0."""
    age = (as_of - last_sold_on).dt.days.to_numpy(float).clip(0)
    return np.maximum(0.5 ** (age / half_life_days), _LEAST_WEIGHT)


def ease(weights: sparse.csr_array, ridge: float) -> Floats:
    """Return how much each product (row) speaks for each other one (column); 0 for itself."""
    gram = (weights.T @ weights).toarray().astype(float)
    gram[np.diag_indices_from(gram)] += ridge
    inverse = np.linalg.inv(gram)
    together = -inverse / np.diag(inverse)
    np.fill_diagonal(together, 0.0)
    return together


@dataclass(frozen=True)
class _Shelf:
    """The products considered, who bought them, and how they go together."""

    customer_ids: pd.Index
    product_ids: pd.Index
    categories: np.ndarray  # number of each product's category
    weights: sparse.csr_array  # purchases by recency, customer x product
    recent: sparse.csr_array  # ones where bought lately
    fresh: sparse.csr_array  # ones where first bought in the last quarter
    together: Floats
    is_large: bool

    @property
    def owned(self) -> sparse.csr_array:
        """Ones where the customer ever bought the product."""
        return (self.weights > 0).astype(float)


def _shelf(
    bought: pd.DataFrame,
    ids: pd.Series,
    catalogue: pd.DataFrame,
    as_of: pd.Timestamp,
    options: ServiceOptions,
) -> _Shelf:
    is_recent = bought["last_sold_on"] > as_of - pd.Timedelta(days=_RECENT_DAYS)
    is_fresh = bought["first_sold_on"] > as_of - pd.Timedelta(days=_QUARTER_DAYS)
    counts = bought[is_recent].groupby("product_id", observed=True).size()
    if counts.empty:  # nothing was sold lately: all that ever was
        counts = bought.groupby("product_id", observed=True).size()
    ranked = counts.rename_axis("product_id").reset_index(name="count")
    ranked = ranked.sort_values(["count", "product_id"], ascending=[False, True])
    products = pd.Index(ranked["product_id"].head(options.product_count).sort_values())
    category = catalogue.drop_duplicates("product_id").set_index("product_id")["product_category"]
    weights = _matrix(
        bought,
        recency_weights(bought["last_sold_on"], as_of, options.half_life_days),
        (ids, products),
    )
    return _Shelf(
        customer_ids=pd.Index(ids),
        product_ids=products,
        categories=pd.factorize(category.reindex(products), use_na_sentinel=False)[0],
        weights=weights,
        recent=_matrix(bought, is_recent.to_numpy(float), (ids, products)),
        fresh=_matrix(bought, is_fresh.to_numpy(float), (ids, products)),
        together=ease(weights, options.ridge),
        is_large=len(catalogue) > options.large_catalogue_count,
    )


def _matrix(
    bought: pd.DataFrame, values: Floats, axes: tuple[pd.Series, pd.Index]
) -> sparse.csr_array:
    rows = pd.Index(axes[0]).get_indexer(bought["customer_id"])
    columns = axes[1].get_indexer(bought["product_id"])
    keep = (rows >= 0) & (columns >= 0)
    shape = (len(axes[0]), len(axes[1]))
    return sparse.csr_array((values[keep], (rows[keep], columns[keep])), shape=shape)


def _replayed_chance(
    bought: pd.DataFrame, shelf: _Shelf, as_of: pd.Timestamp, options: ServiceOptions
) -> Callable[[Floats], Floats]:
    """Return the function from score to chance, as the last quarter taught it."""
    then = as_of - pd.Timedelta(days=_QUARTER_DAYS)
    before = bought[bought["first_sold_on"] <= then]
    curve = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
    axes = (shelf.customer_ids.to_series(), shelf.product_ids)
    # A day after `then` counts as `then`: how he went on was not known.
    value = recency_weights(before["last_sold_on"], then, options.half_life_days)
    weights = _matrix(before, value, axes)
    rows = np.flatnonzero(np.diff(weights.indptr) > 0)
    rows = rows[:: -(-len(rows) // _REPLAYED)] if len(rows) else rows
    if not len(rows):
        return curve.fit([0.0, 1.0], [0.0, 0.0]).predict
    together = ease(weights, options.ridge)
    came = (shelf.owned - (weights > 0).astype(float)).tocsr()
    scores, hits = [], []
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        score = _scores(weights[chunk], together, weights[chunk].toarray() > 0)
        best = _best(score, options.offer_count)
        scores.append(np.take_along_axis(score, best, axis=1).ravel())
        hits.append(np.take_along_axis(came[chunk].toarray(), best, axis=1).ravel())
    score, hit = np.concatenate(scores), np.concatenate(hits)
    known = np.isfinite(score)
    if not known.any():
        return curve.fit([0.0, 1.0], [0.0, 0.0]).predict
    return curve.fit(score[known], hit[known]).predict


def _scores(weights: sparse.csr_array, together: Floats, is_out: np.ndarray) -> Floats:
    """Return how well each product fits each customer; -inf where it is no offer."""
    score = weights @ together
    return np.where(is_out | (score <= 0), -np.inf, score)


def _best(score: Floats, count: int) -> np.ndarray:
    """Return the places of the highest scores of each row, best first."""
    count = min(count, score.shape[1])
    places = np.sort(np.argpartition(-score, count - 1, axis=1)[:, :count], axis=1)
    order = np.argsort(-np.take_along_axis(score, places, axis=1), axis=1, kind="stable")
    return np.take_along_axis(places, order, axis=1)


def _banned(barred: pd.DataFrame | None, shelf: _Shelf) -> sparse.csr_array:
    rows = pd.DataFrame({"customer_id": [], "product_id": []}) if barred is None else barred
    return _matrix(rows, np.ones(len(rows)), (shelf.customer_ids.to_series(), shelf.product_ids))


def _offers_of(
    shelf: _Shelf, chosen: slice, banned: sparse.csr_array, options: ServiceOptions
) -> pd.DataFrame:
    """Return the best new products of some customers: row, column, score, rank, support."""
    weights = shelf.weights[chosen]
    is_out = (weights.toarray() > 0) | (banned[chosen].toarray() > 0)
    found = _ranked(_scores(weights, shelf.together, is_out))
    made = _first_ones(found, shelf, options)
    own = weights.toarray()[made["row"]] * shelf.together[:, made["column"]].T
    return made.assign(support=own.argmax(axis=1), row=made["row"] + chosen.start)


def _first_ones(made: pd.DataFrame, shelf: _Shelf, options: ServiceOptions) -> pd.DataFrame:
    """Keep the first offers of each customer; of a large catalogue one for each category."""
    if shelf.is_large:
        made = made.assign(category=shelf.categories[made["column"]])
        made = made.drop_duplicates(["row", "category"]).drop(columns="category")
    rank = made.groupby("row").cumcount() + 1
    return made.assign(rank=rank)[rank <= options.offer_count].reset_index(drop=True)


def _popular(
    shelf: _Shelf,
    made: pd.DataFrame,
    customers: pd.DataFrame,
    banned: sparse.csr_array,
    options: ServiceOptions,
) -> pd.DataFrame:
    """Return what peers buy now, for those whose own purchases speak for nothing."""
    cold = np.setdiff1d(np.arange(len(shelf.customer_ids)), made["row"])
    groups, owned = _industry(customers, shelf), shelf.owned
    parts = [made.head(0)]
    for group in np.unique(groups[cold]):
        peers = np.flatnonzero((groups == group) | (group < 0))
        recent, owners, fresh = (
            np.asarray(ones[peers].sum(axis=0)).ravel()
            for ones in (shelf.recent, owned, shelf.fresh)
        )
        chance = fresh / (len(peers) - owners + fresh).clip(1)
        rows = cold[groups[cold] == group]
        for start in range(0, len(rows), _CHUNK):
            chunk = rows[start : start + _CHUNK]
            is_out = (owned[chunk].toarray() > 0) | (banned[chunk].toarray() > 0)
            found = _ranked(np.where(is_out | (recent <= 0), -np.inf, recent))
            offers = _first_ones(found.assign(row=chunk[found["row"]]), shelf, options)
            parts.append(offers.assign(chance_share=chance[offers["column"]], support=-1))
    return pd.concat(parts, ignore_index=True)


def _ranked(score: Floats) -> pd.DataFrame:
    """Return the best products of each row, best first: row, column, score."""
    best = _best(score, _CANDIDATES)
    value = np.take_along_axis(score, best, axis=1)
    row, place = np.nonzero(np.isfinite(value))
    return pd.DataFrame({"row": row, "column": best[row, place], "score": value[row, place]})


def _industry(customers: pd.DataFrame, shelf: _Shelf) -> np.ndarray:
    """Return the number of each customer's industry, -1 where it is small or not known."""
    known = customers.drop_duplicates("customer_id").set_index("customer_id")
    codes = pd.factorize(known["industry"].reindex(shelf.customer_ids), sort=True)[0]
    counts = np.bincount(codes[codes >= 0], minlength=1)
    return np.where((codes >= 0) & (counts[codes] >= _FEWEST_PEERS), codes, -1)


def _described(
    made: pd.DataFrame,
    shelf: _Shelf,
    customers: pd.DataFrame,
    bought: pd.DataFrame,
    catalogue: pd.DataFrame,
) -> pd.DataFrame:
    known = catalogue.drop_duplicates("product_id").set_index("product_id")
    names = known["product_name"].reindex(shelf.product_ids)
    names = names.fillna(names.index.to_series()).astype("str").str.strip()
    column, row = made["column"].to_numpy(int), made["row"].to_numpy(int)
    typical = _typical_amounts(bought, customers, shelf, (row, column))
    table = pd.DataFrame(
        {
            "customer_id": shelf.customer_ids[row],
            "rank": made["rank"].to_numpy(int),
            "product_id": shelf.product_ids[column],
            "product_name": names.to_numpy()[column],
            "product_category": known["product_category"].reindex(shelf.product_ids[column]).array,
            "chance_share": made["chance_share"].to_numpy(float),
            "expected_amount": np.round(made["chance_share"].to_numpy(float) * typical, 2),
            "reason": _reasons(made["support"].to_numpy(int), column, shelf, names.to_numpy()),
        },
        columns=_COLUMNS,
    )
    return table.sort_values(["customer_id", "rank"], ignore_index=True)


def _typical_amounts(
    bought: pd.DataFrame,
    customers: pd.DataFrame,
    shelf: _Shelf,
    places: tuple[np.ndarray, np.ndarray],
) -> Floats:
    """Return what buyers of the customer's size spend on the product in a year.

    The mean of logs over the product's buyers, moved along the size of the customer by the slope
    that all products have in common.
    """
    size = np.log1p(
        customers.drop_duplicates("customer_id")
        .set_index("customer_id")["mean_order_day_amount"]
        .reindex(shelf.customer_ids)
        .to_numpy(float, na_value=0.0)
        .clip(0)
    )
    rows = bought[bought["sale_year_amount"].astype(float) > 0]
    who = shelf.customer_ids.get_indexer(rows["customer_id"])
    what = shelf.product_ids.get_indexer(rows["product_id"])
    keep = (who >= 0) & (what >= 0)
    amount = np.log(rows["sale_year_amount"].to_numpy(float)[keep])
    who, what = who[keep], what[keep]
    count = np.bincount(what, minlength=len(shelf.product_ids)).clip(1)
    mean = np.bincount(what, amount, minlength=len(count)) / count
    centre = np.bincount(what, size[who], minlength=len(count)) / count
    away = size[who] - centre[what]
    slope = float(away @ (amount - mean[what]) / max(float(away @ away), 1e-9))
    row, column = places
    # Half the variance makes the mean of amounts of the mean of logs, where they are log-normal.
    rest = amount - mean[what] - slope * away
    middle = mean[column] + slope * (size[row] - centre[column]) + 0.5 * float(np.mean(rest**2))
    return np.exp(middle) if len(rest) else np.zeros(len(row))


def _reasons(
    support: np.ndarray, column: np.ndarray, shelf: _Shelf, names: np.ndarray
) -> list[str]:
    owned = shelf.owned
    both = (owned.T @ owned).toarray()
    buyers, total = np.diag(both), owned.shape[0]
    pairs, places = np.unique(np.column_stack([support, column]), axis=0, return_inverse=True)
    said = [
        _reason(names[a], both[a, b], buyers[a], (buyers[b] - both[a, b], total - buyers[a]))
        if a >= 0
        else "popular among like customers now; too few purchases of his own to say more"
        for a, b in pairs
    ]
    return [said[place] for place in places.ravel()]


def _reason(name: str, both: float, buyers: float, others: tuple[float, float]) -> str:
    share, rest = both / max(buyers, 1), others[0] / max(others[1], 1)
    if share <= rest:
        return f"goes with all that he buys, {name} first"
    return f"{share:.0%} of those who buy {name} buy it too, {rest:.0%} of the others"
