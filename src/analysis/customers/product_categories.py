"""Which products belong together? The source says it, or it is learned from who buys what.

Products are compared by who buys them: how much more often two of them have the same buyers than
chance gives (positive pointwise mutual information), reduced to a few dimensions, and grouped by
k-means. The same data always give the same categories.
"""

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.linalg import eigsh
from sklearn.cluster import KMeans

OTHER = "Other products"
_MOST_PRODUCTS = 2000  # that categories are learned from; the others join the nearest one
_FEWEST_BUYERS = 5  # below them nothing can be said of a product
_DIMENSIONS = 16
_FEWEST_PRODUCTS = 30  # below them each product is a category of its own

Floats = np.ndarray


def product_catalogue(
    customer_products: pd.DataFrame, products: pd.DataFrame | None = None, *, count: int = 12
) -> pd.DataFrame:
    """Return product_id, product_category and product_name of every product sold to a customer.

    The categories are the source's where it has any (a product without one is in `OTHER`), else
    they are learned: `count` of them. A product without a name is called by its id.
    """
    names = _names(customer_products, products).sort_index()
    if products is not None and products["product_category"].notna().any():
        known = products.set_index("product_id")["product_category"].reindex(names.index)
        categories = known.fillna(OTHER)
    else:
        learned = learn_categories(customer_products, products, count=count)
        categories = learned.set_index("product_id")["product_category"].reindex(names.index)
    return pd.DataFrame(
        {
            "product_id": names.index,
            "product_category": categories.array,
            "product_name": names.array,
        }
    )


def learn_categories(
    customer_products: pd.DataFrame, products: pd.DataFrame | None = None, *, count: int = 12
) -> pd.DataFrame:
    """Return product_id and product_category, learned from who buys what.

    A category is called after its most sold product. Products with too few buyers are in `OTHER`.
    A catalogue of few products is not grouped: each is a category of its own.
    """
    names = _names(customer_products, products)
    matrix, product_ids = buyers(customer_products)
    bought_by = np.asarray(matrix.sum(axis=0)).ravel()
    frequent = np.flatnonzero(bought_by >= _FEWEST_BUYERS)
    if len(frequent) < max(_FEWEST_PRODUCTS, 2 * count):
        return pd.DataFrame({"product_id": product_ids, "product_category": names[product_ids]})
    top = np.sort(frequent[np.argsort(-bought_by[frequent], kind="stable")[:_MOST_PRODUCTS]])
    place = _places(matrix, frequent, top, bought_by)
    groups = KMeans(count, n_init=10, random_state=0)
    groups.fit(place[np.searchsorted(frequent, top)], sample_weight=bought_by[top])
    labels = pd.Series(-1, index=product_ids)
    labels.iloc[frequent] = groups.predict(place)
    return pd.DataFrame(
        {"product_id": product_ids, "product_category": _called(labels, customer_products, names)}
    )


def category_sales(customer_products: pd.DataFrame, categories: pd.DataFrame) -> pd.DataFrame:
    """Return customer_products summed by category: the columns of customer_categories."""
    rows = customer_products.merge(categories, on="product_id")
    keys = ["customer_id", "product_category"]
    sums = {name: (name, "sum") for name in _SUMS}
    days = {"first_sold_on": ("first_sold_on", "min"), "last_sold_on": ("last_sold_on", "max")}
    return rows.groupby(keys, sort=True, observed=True).agg(**sums, **days).reset_index()


def buyers(customer_products: pd.DataFrame) -> tuple[sparse.csr_array, pd.Index]:
    """Return who (row) ever bought what (column, sorted by product_id) as ones."""
    rows = pd.factorize(customer_products["customer_id"], sort=True)[0]
    columns, product_ids = pd.factorize(customer_products["product_id"], sort=True)
    ones = np.ones(len(rows), dtype=np.float64)
    shape = (int(rows.max(initial=-1)) + 1, len(product_ids))
    return sparse.csr_array((ones, (rows, columns)), shape=shape), pd.Index(product_ids)


_SUMS = ("sale_year_amount", "sale_year_before_amount", "line_year_count", "line_count")


def _places(
    matrix: sparse.csr_array, frequent: np.ndarray, top: np.ndarray, bought_by: Floats
) -> Floats:
    """Return each frequent product as a direction: alike where the same customers buy both."""
    shared = (matrix[:, frequent].T @ matrix[:, top]).toarray()
    shared[frequent[:, None] == top[None, :]] = 0
    chance = np.outer(bought_by[frequent], bought_by[top]) / matrix.shape[0]
    with np.errstate(divide="ignore"):
        surprise = np.log(shared / chance).clip(0)
    square = surprise[np.searchsorted(frequent, top)]
    size = min(_DIMENSIONS, len(top) - 1)
    _, directions = eigsh((square + square.T) / 2, k=size, v0=np.ones(len(top)))
    place = surprise @ directions
    length = np.linalg.norm(place, axis=1, keepdims=True)
    return place / np.where(length > 0, length, 1)


def _names(customer_products: pd.DataFrame, products: pd.DataFrame | None) -> pd.Series:
    """Return what people call each product, indexed by product_id; its id where it has no name."""
    ids = pd.Index(customer_products["product_id"].unique())
    names = pd.Series(ids, index=ids)
    if products is None:
        return names
    known = products.set_index("product_id")["product_name"].reindex(ids)
    return known.fillna(names).astype("str").str.strip()


def _called(labels: pd.Series, customer_products: pd.DataFrame, names: pd.Series) -> np.ndarray:
    sold = customer_products.groupby("product_id")["sale_year_amount"].sum().reindex(labels.index)
    order = pd.DataFrame({"label": labels, "sold": sold}).rename_axis("product_id").reset_index()
    order = order.sort_values(["sold", "product_id"], ascending=[False, True])
    first = order.drop_duplicates("label").set_index("label")["product_id"]
    called = first.map(names)
    twice = called.duplicated(keep=False)
    called[twice] = called[twice] + " (" + first[twice] + ")"
    called[-1] = OTHER
    return labels.map(called + pd.Series(" and alike", called.index).where(called != OTHER, ""))
