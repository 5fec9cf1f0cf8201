"""Which customers cannot use a product or a whole category?"""

import pandas as pd


def barred_products(
    customers: pd.DataFrame, product_eligibility: pd.DataFrame | None
) -> pd.DataFrame:
    """Return customer_id and product_id of what the company says a customer cannot use.

    A rule is for one industry. What no rule names can be used by everybody; with no rules nothing
    is barred.
    """
    if product_eligibility is None or "industry" not in customers:
        return pd.DataFrame({"customer_id": [], "product_id": []}, dtype="str")
    return _joined(customers, _barred(product_eligibility), "product_id")


def barred_categories(
    customers: pd.DataFrame,
    product_eligibility: pd.DataFrame | None,
    categories: pd.DataFrame,
) -> pd.DataFrame:
    """Return customer_id and product_category where every product of the category is barred.

    `categories` names the product_category of each product_id.
    """
    if product_eligibility is None or "industry" not in customers:
        return pd.DataFrame({"customer_id": [], "product_category": []}, dtype="str")
    keys = ["segment", "product_category"]
    rules = _barred(product_eligibility).merge(categories, on="product_id")
    counts = rules.groupby(keys, observed=True)["product_id"].nunique().reset_index(name="barred")
    sizes = categories.groupby("product_category", observed=True)["product_id"].nunique()
    whole = counts[counts["barred"] >= counts["product_category"].map(sizes)]
    return _joined(customers, whole[keys], "product_category")


def _barred(product_eligibility: pd.DataFrame) -> pd.DataFrame:
    is_barred = ~product_eligibility["is_eligible"].astype("boolean").fillna(True).astype(bool)
    return product_eligibility.loc[is_barred, ["product_id", "segment"]]


def _joined(customers: pd.DataFrame, rules: pd.DataFrame, column: str) -> pd.DataFrame:
    known = customers[["customer_id", "industry"]].dropna()
    return known.merge(rules, left_on="industry", right_on="segment")[["customer_id", column]]
