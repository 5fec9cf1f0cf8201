"""Our part of each product category, in all and by region: where is most still untapped?"""

import numpy as np
import pandas as pd

from analysis.strategy.market_potential import KEYS, Potential, quantiles

Floats = np.ndarray


def own_sales(
    customer_categories: pd.DataFrame | None, customers: pd.DataFrame
) -> pd.DataFrame | None:
    """Return our sales of the last four quarters: region_id, product_category, sale_year_amount.

    Before returns. None where the source names no categories.
    """
    if customer_categories is None or customer_categories.empty:
        return None
    names = ["customer_id", "product_category", "sale_year_amount"]
    rows = customer_categories[names].astype({"product_category": object})
    rows = rows.assign(sale_year_amount=rows["sale_year_amount"].astype(float).clip(lower=0))
    both = rows.merge(customers[["customer_id", "region_id"]], on="customer_id")
    return both.groupby(KEYS, as_index=False, sort=True)["sale_year_amount"].sum()


def category_table(potential: Potential, sales: pd.DataFrame | None) -> pd.DataFrame:
    """Return one row per product category over all regions kept, most untapped first.

    Columns: product_category; regular_low_count, _mid, _high; potential_low_amount, _mid, _high;
    and where our own sales by category are known sale_year_amount, penetration_share and
    untapped_amount, with low and high; of regions with an estimate only.
    """
    rows = []
    for name, (customers, amount) in sorted(potential.by("product_category").items()):
        if name:
            row = {"product_category": name} | three("regular_{}_count", customers)
            row |= three("potential_{}_amount", amount)
            places = potential.keys["product_category"] == name
            row |= _part(potential.amount[places], sales, potential.keys[places])
            rows.append(row)
    return _ranked(pd.DataFrame(rows), ["product_category"])


def region_category_table(potential: Potential, sales: pd.DataFrame | None) -> pd.DataFrame:
    """Return the same for each region and category that has an estimate."""
    rows = []
    for place, key in enumerate(potential.keys.to_dict("records")):
        amount = potential.amount[place]
        row = key | three("potential_{}_amount", amount)
        rows.append(row | _part(potential.amount[[place]], sales, potential.keys.iloc[[place]]))
    return _ranked(pd.DataFrame(rows), KEYS)


def three(name: str, draws: Floats) -> dict[str, float]:
    """Return the 10, 50 and 90 % points under names made from `name`."""
    return {name.format(part): value for part, value in quantiles(draws).items()}


def _part(amounts: Floats, sales: pd.DataFrame | None, keys: pd.DataFrame) -> dict[str, float]:
    if sales is None:
        return {}
    each = keys.merge(sales, on=KEYS, how="left")["sale_year_amount"].fillna(0.0).to_numpy(float)
    ours = float(each.sum())
    # Nobody sells more than there is: a draw below our own sales is put right, region by region.
    whole = np.maximum(amounts, np.maximum(each, 1e-9)[:, None]).sum(axis=0)
    row = {"sale_year_amount": ours} | three("penetration_{}_share", ours / whole)
    return row | three("untapped_{}_amount", whole - ours)


def _ranked(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    first = "untapped_mid_amount" if "untapped_mid_amount" in table else "potential_mid_amount"
    order = [False, *(True for _ in keys)]
    return table.sort_values([first, *keys], ascending=order, ignore_index=True)
