"""How much do similar customers buy in a year? What is above a customer's forecast is untapped.

A high quantile of what customers of like order size, rhythm, tenure, region and industry bought
(Perlich, Rosset, Lawrence, Zadrozny 2007, High-quantile modeling for customer wallet estimation,
KDD). How recently somebody bought is left out on purpose: a customer who fell silent is held
against like customers who did not.

Size and trees put customers in order by what their like buy; then a rising curve says what the
share of them stays below. Trees that fit the quantile itself do not keep to the order: a larger
customer could be told less; and trees alone know nobody larger than the largest. Cross-fitted: one
third of the customers grow the trees, the second draws the curve, and only the last third, which
had a part in neither, is measured by them.
"""

from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.isotonic import IsotonicRegression

from analysis.core.threads import one_thread

_FOLDS = 3
_FEWEST_PEERS = 300
_MOST_PEERS = 200_000
_MOST_GROUPS = 50  # regions or industries; the rest are one group
_YEAR_DAYS = 365
_BIN_PEERS = 25  # peers behind each point of a curve, at least
_MOST_BINS = 200
# Sales rise with order size x rate to this power before the trees correct it; 0.4 to 1 were tried
# on Online Retail II, see docs/potential.md.
_SIZE_POWER = 0.7
_WORTH_NAMING = 0.1  # of a customer's gap, for a category to be counted in the reason
_BEYOND = 20.0  # the curve goes on this far (log) above the largest peers, in proportion

Floats = np.ndarray


def peer_sales(table: pd.DataFrame, rate: Floats, quantile_share: float) -> Floats | None:
    """Return the sales of a year that this share of similar customers stay below.

    `table` holds the columns of customer_features, sorted by customer; `rate` is how often each
    would buy if he is still active. Never falls when the order size or the rate rises. None with
    too few customers.
    """
    sales = table["sale_year_amount"].to_numpy(dtype=float, na_value=0.0).clip(0)
    peers = _peers(table, rate, sales)
    return None if peers is None else _reached(peers, sales, quantile_share)


def potential_by_category(
    table: pd.DataFrame,
    rate: Floats,
    customer_categories: pd.DataFrame,
    totals: pd.DataFrame,
    *,
    quantile_share: float,
    barred: pd.DataFrame | None = None,
) -> pd.DataFrame | None:
    """Return one row per customer and category that he or his peers buy.

    `table` and `rate` as in `peer_sales`; `totals` holds customer_id, forecast_year_amount,
    potential_year_amount and net_share (revenue per sale); `barred` the customer_id and
    product_category of what somebody cannot use. None with too few customers.

    Columns: customer_id; product_category; sale_year_amount (his own, last four quarters);
    peer_amount (revenue that the share of similar customers stay below; of his industry where that
    has enough customers); forecast_year_amount (the customer's forecast, split as he bought);
    potential_year_amount (never below the forecast); gap_year_amount (their difference; the gaps of
    a customer never sum to more than his own gap, 0 where he buys what peers buy); is_new (nothing
    bought in the last eight quarters).
    """
    sales = table["sale_year_amount"].to_numpy(dtype=float, na_value=0.0).clip(0)
    peers = _peers(table, rate, sales)
    if peers is None:
        return None
    groups = _large_groups(table["industry"], peers.is_peer)
    shares = _own_shares(customer_categories)
    parts = []
    for category, own in shares.groupby("product_category", sort=True, observed=True):
        place = table["customer_id"].map(own.set_index("customer_id")["sale_year_amount"])
        bought = place.fillna(0.0).to_numpy(float).clip(0)
        usable = _usable(table["customer_id"], barred, str(category))
        reached = _reached_in_groups(peers, bought, groups, quantile_share, usable)
        part = pd.DataFrame(
            {"customer_id": table["customer_id"], "product_category": category, "reached": reached}
        )
        is_own = table["customer_id"].isin(own["customer_id"]).to_numpy()
        parts.append(part[is_own | (reached > 0)])
    if not parts:
        return pd.DataFrame(columns=_CATEGORY_COLUMNS)
    rows = pd.concat(parts, ignore_index=True)
    return _gaps(rows.merge(shares, on=["customer_id", "product_category"], how="left"), totals)


def potential_reasons(by_category: pd.DataFrame) -> pd.Series:
    """Return in words what each customer leaves untapped, indexed by customer_id.

    New categories are counted that hold a tenth of the customer's gap or more.
    """
    has_gap = by_category["gap_year_amount"] > 0
    rows = by_category[has_gap].sort_values(
        ["customer_id", "gap_year_amount", "product_category"], ascending=[True, False, True]
    )
    whole = rows.groupby("customer_id")["gap_year_amount"].transform("sum")
    is_worth = rows["gap_year_amount"] >= _WORTH_NAMING * whole
    new = rows[rows["is_new"] & is_worth].groupby("customer_id", sort=True)
    first, count = new["product_category"].first(), new["product_category"].size()
    words = pd.Series(
        "expected to buy as much as peers of this size",
        index=pd.Index(sorted(by_category["customer_id"].unique()), name="customer_id"),
    )
    largest = rows.groupby("customer_id", sort=True)["product_category"].first()
    words.loc[largest.index] = "buys the categories of peers, less of them; mostly " + largest
    words.loc[count.index] = [
        _new_categories(number, name)
        for number, name in zip(count.tolist(), first.tolist(), strict=True)
    ]
    return words


def _new_categories(number: int, largest: str) -> str:
    if number == 1:
        return f"peers of this size buy 1 more category: {largest}"
    return f"peers of this size buy {number} more categories; {largest} is the largest"


_CATEGORY_COLUMNS = [
    "customer_id",
    "product_category",
    "gap_year_amount",  # first, so that a report shows the largest gaps
    "sale_year_amount",
    "peer_amount",
    "forecast_year_amount",
    "potential_year_amount",
    "is_new",
]


@dataclass(frozen=True)
class _Peers:
    """Who is a yardstick, the third that each belongs to, and the order that each third sees."""

    is_peer: np.ndarray
    fold: np.ndarray
    scores: list[Floats]  # one per third, that grew the trees


def _peers(table: pd.DataFrame, rate: Floats, sales: Floats) -> _Peers | None:
    if len(sales) < _FEWEST_PEERS:
        return None
    has_year = table["tenure_days"].to_numpy(dtype=float) >= _YEAR_DAYS
    # Somebody new has not had a year to buy in, so he is no yardstick while others are enough.
    is_peer = has_year if has_year.sum() >= _FEWEST_PEERS else np.ones(len(sales), dtype=bool)
    inputs, categories = _inputs(table, rate)
    expected = _SIZE_POWER * np.log1p(np.expm1(inputs[:, 0]) * rate * _YEAR_DAYS)
    fold = np.random.default_rng(0).integers(0, _FOLDS, len(sales))
    scores = []
    for number in range(_FOLDS):
        chosen = np.flatnonzero(is_peer & (fold == number))[:: -(-len(sales) // _MOST_PEERS)]
        trees = HistGradientBoostingRegressor(
            learning_rate=0.1,
            max_iter=60,
            max_bins=63,
            max_leaf_nodes=8,
            min_samples_leaf=20,
            categorical_features=categories,
            monotonic_cst=[1, 1, 0, 0, 0, 0],  # order size and rate
            early_stopping=False,
            random_state=0,
        )
        with one_thread():
            trees.fit(inputs[chosen], np.log1p(sales[chosen]) - expected[chosen])
            scores.append(expected + trees.predict(inputs))
    return _Peers(is_peer, fold, scores)


def _reached(
    peers: _Peers, amounts: Floats, quantile_share: float, chosen: np.ndarray | None = None
) -> Floats:
    """Return what this share of the chosen peers stay below, for every customer."""
    is_peer = peers.is_peer if chosen is None else peers.is_peer & chosen
    reached = np.zeros(len(amounts))
    for target, grower, drawer in permutations(range(_FOLDS)):
        score, drawn = peers.scores[grower], is_peer & (peers.fold == drawer)
        rows = peers.fold == target
        curve = _curve(score[drawn], amounts[drawn], quantile_share)
        reached[rows] += np.interp(score[rows], *curve) / 2  # of two ways to share the roles
    return np.expm1(reached).clip(0)


def _curve(score: Floats, amounts: Floats, quantile_share: float) -> tuple[Floats, Floats]:
    """Return points of a rising curve: the quantile (log) of amounts by score."""
    order = np.argsort(score, kind="stable")
    count = int(np.clip(len(order) // _BIN_PEERS, 1, _MOST_BINS))
    bins = np.array_split(order, count)
    x = np.array([score[rows].mean() for rows in bins])
    y = np.array([np.log1p(np.quantile(amounts[rows], quantile_share)) for rows in bins])
    y = IsotonicRegression().fit_transform(x, y)
    rise = _BEYOND if y[-1] > 0 else 0.0
    return np.append(x, x[-1] + _BEYOND), np.append(y, y[-1] + rise)


def _reached_in_groups(
    peers: _Peers, amounts: Floats, groups: np.ndarray, share: float, usable: np.ndarray
) -> Floats:
    """Return the same among peers of the own group; who cannot use it is no peer and has 0."""
    reached = _reached(peers, amounts, share, usable) if _enough(peers, usable) else 0 * amounts
    for group in np.unique(groups[groups >= 0]):
        chosen = usable & (groups == group)
        if _enough(peers, chosen):
            reached = np.where(groups == group, _reached(peers, amounts, share, chosen), reached)
    return np.where(usable, reached, 0.0)


def _enough(peers: _Peers, chosen: np.ndarray) -> bool:
    return int((peers.is_peer & chosen).sum()) >= _FEWEST_PEERS


def _large_groups(column: pd.Series, is_peer: np.ndarray) -> np.ndarray:
    """Return a number per group with enough peers, -1 for all others."""
    codes, names = pd.factorize(column.astype("string"), sort=True)
    counts = np.bincount(codes[is_peer & (codes >= 0)], minlength=len(names))
    return np.where((codes >= 0) & (np.append(counts, 0)[codes] >= _FEWEST_PEERS), codes, -1)


def _usable(customer_ids: pd.Series, barred: pd.DataFrame | None, category: str) -> np.ndarray:
    if barred is None:
        return np.ones(len(customer_ids), dtype=bool)
    names = barred.loc[barred["product_category"] == category, "customer_id"]
    return ~customer_ids.isin(names).to_numpy()


def _own_shares(customer_categories: pd.DataFrame) -> pd.DataFrame:
    """Add each category's share of a customer's sales: this year's, else those of the last."""
    columns = ["sale_year_amount", "sale_year_before_amount"]
    rows = customer_categories[["customer_id", "product_category", *columns]]
    clean = rows.assign(**{name: rows[name].astype(float).clip(lower=0) for name in columns})
    sums = clean.groupby("customer_id", observed=True)[columns].transform("sum")
    this, before = (clean[name] / sums[name].where(sums[name] > 0) for name in columns)
    is_new = (clean[columns] <= 0).all(axis=1)
    return clean.assign(own_share=this.fillna(before).fillna(0.0), has_bought=~is_new)


def _gaps(rows: pd.DataFrame, totals: pd.DataFrame) -> pd.DataFrame:
    known = totals.set_index("customer_id")
    of = {name: rows["customer_id"].map(known[name]).astype(float) for name in known.columns}
    forecast = of["forecast_year_amount"] * rows["own_share"].fillna(0.0)
    peer = rows["reached"] * of["net_share"]
    gap = (peer - forecast).clip(lower=0)
    limit = (of["potential_year_amount"] - of["forecast_year_amount"]).clip(lower=0)
    asked = gap.groupby(rows["customer_id"]).transform("sum")
    gap = gap * (limit / asked.where(asked > 0)).clip(upper=1).fillna(0.0)
    made = rows.assign(
        sale_year_amount=rows["sale_year_amount"].fillna(0.0),
        peer_amount=peer,
        forecast_year_amount=forecast,
        potential_year_amount=forecast + gap,
        gap_year_amount=gap,
        is_new=~rows["has_bought"].astype("boolean").fillna(False).astype(bool),
    )
    return made.sort_values(["customer_id", "product_category"], ignore_index=True)[
        _CATEGORY_COLUMNS
    ]


def _inputs(table: pd.DataFrame, rate: Floats) -> tuple[Floats, list[int]]:
    size = table["mean_order_day_amount"].to_numpy(dtype=float, na_value=0.0).clip(0)
    # Beyond a year, so that a new customer is like others and not like none.
    tenure = np.maximum(table["tenure_days"].to_numpy(dtype=float), _YEAR_DAYS)
    groups = [_group_codes(table[c]) for c in ("region_id", "industry", "business_model")]
    return np.column_stack([np.log1p(size), np.log(rate), tenure, *groups]), [3, 4, 5]


def _group_codes(column: pd.Series) -> Floats:
    """Return a number per frequent value, largest group first; missing is a group of its own."""
    text = column.astype("string").fillna("")
    counts = text.value_counts().rename_axis("group").reset_index(name="count")
    ranked = counts.sort_values(["count", "group"], ascending=[False, True])["group"]
    codes = {group: code for code, group in enumerate(ranked[: _MOST_GROUPS - 1])}
    return text.map(codes).fillna(_MOST_GROUPS - 1).to_numpy(dtype=float)
