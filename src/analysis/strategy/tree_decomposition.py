"""What total revenue and margin are made of, and which part made them change: exact."""

import pandas as pd

from analysis.core.decomposition import product_parts

FACTORS = {
    "customers": "number of customers",
    "orders": "orders per customer",
    "value": "value per order",
    "margin": "margin share",
}
_YEAR_QUARTERS = 4


def year_sums(customer_periods: pd.DataFrame, names: list[str]) -> dict[str, float]:
    """Return customers with an order, orders, revenue and margin of the quarters named.

    Margin is missing (NaN) where the margin of any customer in these quarters is.
    """
    mine = customer_periods[customer_periods["period"].isin(names)]
    bought = mine[mine["order_count"] > 0]
    margin = mine["margin_amount"].astype(float)
    return {
        "customers": float(bought["customer_id"].nunique()),
        "orders": float(bought["order_count"].sum()),
        "revenue": float(mine["revenue_amount"].astype(float).sum()),
        "margin": float(margin.sum()) if margin.notna().all() else float("nan"),
    }


def factors_of(sums: dict[str, float]) -> dict[str, float]:
    """Return factors whose product is revenue, and with the last one margin.

    customers x orders per customer x value per order (x margin share). Without an order all are 0.
    """
    customers, orders, revenue = sums["customers"], sums["orders"], sums["revenue"]
    return {
        "customers": customers,
        "orders": orders / customers if customers else 0.0,
        "value": revenue / orders if orders else 0.0,
        "margin": sums["margin"] / revenue if revenue else 0.0,
    }


def tree_table(before: dict[str, float], now: dict[str, float]) -> pd.DataFrame:
    """Return one row per factor: its value in both years, and what its change made.

    Columns: factor; name; before; now; revenue_part_amount and margin_part_amount (Shapley values;
    they sum to the change of revenue of identified customers and of their margin, exactly; margin
    parts are missing where a margin is).
    """
    first, second = factors_of(before), factors_of(now)
    three = [name for name in FACTORS if name != "margin"]
    revenue = product_parts({n: first[n] for n in three}, {n: second[n] for n in three})
    is_known = before["margin"] == before["margin"] and now["margin"] == now["margin"]
    margin = product_parts(first, second) if is_known else dict.fromkeys(FACTORS, float("nan"))
    rows = [
        (name, FACTORS[name], first[name], second[name], revenue.get(name, 0.0), margin[name])
        for name in FACTORS
    ]
    columns = ["factor", "name", "before", "now", "revenue_part_amount", "margin_part_amount"]
    return pd.DataFrame(rows, columns=columns)


def year_names(customer_periods: pd.DataFrame, last: str) -> tuple[list[str], list[str]]:
    """Return the four quarters to `last`, and the four before them; empty where the data end."""
    names = sorted(name for name in customer_periods["period"].unique() if name <= last)
    both = names[-2 * _YEAR_QUARTERS :]
    if len(both) < 2 * _YEAR_QUARTERS:
        return [], names[-_YEAR_QUARTERS:]
    return both[:_YEAR_QUARTERS], both[_YEAR_QUARTERS:]


def price_volume_mix(before: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Share out the change of sales into volume, mix and price, by product.

    Both tables have product_id, quantity and amount (sales of a year). Columns: product_id;
    volume_amount (more or fewer units in all, at the old mix and prices); mix_amount (other
    products, at old prices; the whole of products that are new); price_amount (this year's units at
    the change of the mean price). All three sum to the change, exactly. A product without units in
    either year changes by mix only.
    """
    both = before.merge(now, on="product_id", how="outer", suffixes=("_0", "_1"))
    numbers = ["quantity_0", "amount_0", "quantity_1", "amount_1"]
    both[numbers] = both[numbers].astype(float).fillna(0.0)
    units_0, units_1 = both["quantity_0"].sum(), both["quantity_1"].sum()
    has_price = (both["quantity_0"] > 0) & (both["quantity_1"] > 0)
    old = (both["amount_0"] / both["quantity_0"]).where(both["quantity_0"] > 0, 0.0)
    new = (both["amount_1"] / both["quantity_1"]).where(both["quantity_1"] > 0, 0.0)
    growth = units_1 / units_0 - 1 if units_0 > 0 else 0.0
    volume = both["amount_0"] * growth
    price = ((new - old) * both["quantity_1"]).where(has_price, 0.0)
    mix = both["amount_1"] - both["amount_0"] - volume - price
    table = pd.DataFrame({"product_id": both["product_id"], "volume_amount": volume})
    table = table.assign(mix_amount=mix, price_amount=price)
    return table.sort_values("product_id", ignore_index=True)
