"""What more could each customer buy: potential by category, and what to offer next?"""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd

from analysis.customers.eligibility import barred_categories, barred_products
from analysis.customers.growth_origins import Origin
from analysis.customers.growth_potential import potential_by_category, potential_reasons
from analysis.customers.product_categories import category_sales, product_catalogue
from analysis.customers.services import next_services


@dataclass(frozen=True)
class SoldProducts:
    """What was sold to whom.

    `customer_products` and `customer_categories` are derived tables (the second empty where the
    source has no categories: they are then learnt from what is bought by the same customers);
    `products` and `product_eligibility` are the sources', None where they have none.
    """

    customer_products: pd.DataFrame
    customer_categories: pd.DataFrame
    products: pd.DataFrame | None = None
    product_eligibility: pd.DataFrame | None = None


def offers(
    sold: SoldProducts | None,
    now: Origin,
    customers: pd.DataFrame,
    *,
    as_of: date,
    potential_share: float,
) -> dict[str, pd.DataFrame]:
    """Return the tables `potential_categories` and `next_services`, those that can be made.

    `customers` holds customer_id, forecast_year_amount and potential_year_amount, in the order of
    the origin. Nothing is returned for a source without products.
    """
    if sold is None or sold.customer_products.empty:
        return {}
    catalogue = product_catalogue(sold.customer_products, sold.products)
    categories = sold.customer_categories
    if categories.empty:
        categories = category_sales(sold.customer_products, catalogue)
    rules = sold.product_eligibility
    made = {
        "potential_categories": potential_by_category(
            now.table,
            now.rate,
            categories,
            customers.assign(net_share=now.net_share),
            quantile_share=potential_share,
            barred=barred_categories(now.table, rules, catalogue),
        ),
        "next_services": _worth_offering(
            next_services(
                sold.customer_products,
                now.table,
                catalogue,
                as_of=as_of,
                barred=barred_products(now.table, rules),
            )
        ),
    }
    return {name: table for name, table in made.items() if table is not None}


def _worth_offering(services: pd.DataFrame | None) -> pd.DataFrame | None:
    """Drop offers from which no money is expected; the ranks of the others close up."""
    if services is None:
        return None
    is_worth = (services["chance_share"] > 0) & (services["expected_amount"] > 0)
    kept = services[is_worth].reset_index(drop=True)
    if len(kept) == len(services):
        return services
    rank = kept.groupby("customer_id", sort=False)["rank"].rank(method="first")
    return kept.assign(rank=rank.astype(services["rank"].dtype))


def with_offers(customers: pd.DataFrame, made: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return customer_growth with next_products, and reasons that say what is untapped."""
    names = _names(made.get("next_services"))
    customers = customers.assign(
        next_products=[names.get(c, []) for c in customers["customer_id"].tolist()]
    )
    if "potential_categories" not in made:
        return customers
    words = potential_reasons(made["potential_categories"]).dropna().to_dict()
    said = zip(customers["customer_id"].tolist(), customers["reason"].tolist(), strict=True)
    return customers.assign(
        reason=[f"{reason}; {words[c]}" if c in words else reason for c, reason in said]
    )


def _names(services: pd.DataFrame | None) -> dict[str, list[str]]:
    if services is None or services.empty:
        return {}
    ranked = services.sort_values(["customer_id", "rank"])
    customers, names = ranked["customer_id"].tolist(), ranked["product_name"].tolist()
    starts = np.flatnonzero(~ranked["customer_id"].duplicated().to_numpy())
    ends = pairwise([*starts.tolist(), len(names)])
    return {customers[start]: names[start:end] for start, end in ends}
