"""Why sales differ from the year before: volume, mix, price and cost by product, to the cent."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.strategy.tree_decomposition import price_volume_mix

NO_CATEGORY = "without a category"
PARTS = {
    "volume": "volume: more or fewer units of a range",
    "mix": "mix: dearer or cheaper products of a range",
    "price": "price of the same product",
    "cost": "cost of the same product",
    "new": "new products",
    "gone": "products no longer sold",
    "untold": "sales without a product or a quantity",
    "other": "returns, fees, postage and other lines",
}
_SUMS = ["unit_number", "priced_amount", "sale_amount", "cost_amount"]
_COUNTS = ["missing_cost_count", "missing_quantity_count", "line_count"]
_MOST_PRODUCTS = 12


@dataclass(frozen=True)
class Products:
    """What the products say: parts of the change, by category, and the largest products.

    `untold_share` is the part of this year's sales without a product or a quantity.
    """

    parts: pd.DataFrame
    categories: pd.DataFrame
    largest: pd.DataFrame
    untold_share: float
    has_margin: bool


def products_of(
    product_periods: pd.DataFrame,
    products: pd.DataFrame | None,
    years: tuple[list[str], list[str]],
    revenue_change: float,
    margin_change: float,
) -> Products | None:
    """Split the change of the company's revenue and margin; None without a sale of a product.

    Parts have columns part; name; revenue_part_amount; margin_part_amount (missing where a cost
    is). Both sum to the company's change to the cent: what sales of products do not explain stands
    as other lines.
    """
    changes = change_table(*(_year(product_periods, names) for names in years), products)
    if changes.empty or not (changes["status"] != "untold").any():
        return None
    has_margin = bool(changes["margin_change_amount"].notna().all()) and np.isfinite(margin_change)
    now = float(changes["now_amount"].sum())
    largest = changes[changes["product_id"] != ""]
    order = largest["change_amount"].abs().sort_values(ascending=False, kind="stable").index
    return Products(
        _parts(changes, revenue_change, margin_change if has_margin else float("nan")),
        _by_category(changes),
        largest.loc[order].head(_MOST_PRODUCTS).reset_index(drop=True),
        float(changes["untold_now_amount"].sum()) / now if now else 0.0,
        has_margin,
    )


def _year(product_periods: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Sums of the quarters named, by product."""
    mine = product_periods[product_periods["period"].isin(names)]
    numbers = mine[["product_id", *_SUMS, *_COUNTS]].astype(dict.fromkeys(_SUMS, float))
    return numbers.groupby("product_id", as_index=False).sum()


def change_table(
    before: pd.DataFrame, now: pd.DataFrame, products: pd.DataFrame | None
) -> pd.DataFrame:
    """Return one row per product of either year, by product_id.

    `before` and `now` are sums of `product_periods` over a year, one row per product. Columns:
    product_id; product_name; product_category; status (kept, new, gone, untold); before_amount;
    now_amount; mean_price_before and mean_price (per unit); change_amount;
    volume_amount (units of the category, at the product's old sales), mix_amount, price_amount
    (this year's units at the change of the mean price), new_amount, gone_amount, untold_amount
    (lines without a product or quantity); they sum to change_amount. untold_now_amount.
    margin_change_amount and its parts margin_volume_amount, margin_mix_amount, cost_amount (this
    year's units at the change of the mean cost; the price part is that of revenue): missing where
    a cost or a quantity is.
    """
    both = before.merge(now, on="product_id", how="outer", suffixes=("_0", "_1"))
    filled = both.fillna({name: 0.0 for name in both if name != "product_id"})
    table = _named(filled.sort_values("product_id", ignore_index=True), products)
    table = table.assign(status=_status(table))
    kept = table[table["status"] == "kept"]
    split = [_split(part) for _, part in kept.groupby("product_category", sort=True)]
    columns = ["product_id", "volume_amount", "mix_amount", "price_amount"]
    columns += ["margin_volume_amount", "margin_mix_amount", "cost_amount"]
    empty = pd.DataFrame({name: pd.Series(dtype=float) for name in columns})
    joined = pd.concat(split) if split else empty.astype({"product_id": "str"})
    return _finished(table.merge(joined[columns], on="product_id", how="left"))


def _named(table: pd.DataFrame, products: pd.DataFrame | None) -> pd.DataFrame:
    if products is None:
        return table.assign(product_name=table["product_id"], product_category=NO_CATEGORY)
    known = products.drop_duplicates("product_id").set_index("product_id")
    names = table["product_id"].map(known["product_name"]).fillna(table["product_id"])
    category = table["product_id"].map(known["product_category"]).fillna(NO_CATEGORY)
    return table.assign(product_name=names, product_category=category.astype("str"))


def _status(table: pd.DataFrame) -> np.ndarray:
    was, is_now = table["unit_number_0"] > 0, table["unit_number_1"] > 0
    has_product = table["product_id"] != ""
    return np.select(
        [~has_product, was & is_now, is_now, was], ["untold", "kept", "new", "gone"], "untold"
    )


def _split(part: pd.DataFrame) -> pd.DataFrame:
    """Volume, mix and price of the products of one category that were sold in both years."""
    years = [
        pd.DataFrame(
            {
                "product_id": part["product_id"],
                "quantity": part[f"unit_number_{year}"],
                "amount": part[f"priced_amount_{year}"],
            }
        )
        for year in (0, 1)
    ]
    found = price_volume_mix(*years).round(2)
    mine = part.merge(found, on="product_id")
    change = (mine["priced_amount_1"] - mine["priced_amount_0"]).round(2)
    mix = (change - mine["volume_amount"] - mine["price_amount"]).round(2)
    growth = mine["unit_number_1"].sum() / mine["unit_number_0"].sum() - 1
    margin = mine["priced_amount_0"] - mine["cost_amount_0"]
    unit_costs = [mine[f"cost_amount_{year}"] / mine[f"unit_number_{year}"] for year in (0, 1)]
    cost = -(unit_costs[1] - unit_costs[0]) * mine["unit_number_1"]
    return mine.drop(columns="mix_amount").assign(
        mix_amount=mix,
        margin_volume_amount=(margin * growth).round(2),
        cost_amount=cost.round(2),
        margin_mix_amount=0.0,
    )


def _finished(table: pd.DataFrame) -> pd.DataFrame:
    status = table["status"]
    priced = (table["priced_amount_1"] - table["priced_amount_0"]).round(2)
    change = (table["sale_amount_1"] - table["sale_amount_0"]).round(2)
    filled = table.fillna(dict.fromkeys(["volume_amount", "mix_amount", "price_amount"], 0.0))
    untold = (change - priced.where(status != "untold", 0.0)).round(2)
    made = filled.assign(
        before_amount=table["sale_amount_0"].round(2),
        now_amount=table["sale_amount_1"].round(2),
        mean_price_before=_ratio(table["priced_amount_0"], table["unit_number_0"]),
        mean_price=_ratio(table["priced_amount_1"], table["unit_number_1"]),
        change_amount=change,
        new_amount=priced.where(status == "new", 0.0),
        gone_amount=priced.where(status == "gone", 0.0),
        untold_amount=untold,
        untold_now_amount=table["sale_amount_1"]
        - table["priced_amount_1"].where(status != "untold", 0.0),
    )
    made = _with_margin(made)
    first = ["product_id", "product_name", "product_category", "status"]
    first += ["before_amount", "now_amount", "mean_price_before", "mean_price"]
    first += ["change_amount", *(f"{p}_amount" for p in ("volume", "mix", "price", "new", "gone"))]
    first += ["untold_amount", "untold_now_amount", "margin_change_amount"]
    return made[[*first, "margin_volume_amount", "margin_mix_amount", "cost_amount"]]


def _with_margin(table: pd.DataFrame) -> pd.DataFrame:
    margins = [table[f"sale_amount_{y}"] - table[f"cost_amount_{y}"] for y in (0, 1)]
    missing = table["missing_cost_count_0"] + table["missing_cost_count_1"]
    unpriced = table["missing_quantity_count_0"] + table["missing_quantity_count_1"]
    is_kept = table["status"] == "kept"
    is_known = (missing == 0) & ((unpriced == 0) | ~is_kept)
    change = (margins[1] - margins[0]).round(2).where(is_known)
    parts = table["margin_volume_amount"] + table["price_amount"] + table["cost_amount"]
    names = ["margin_volume_amount", "cost_amount"]
    shown = {name: table[name].where(is_known & is_kept, 0.0).where(is_known) for name in names}
    mix = (change - parts).where(is_kept, 0.0).round(2)
    return table.assign(margin_change_amount=change, margin_mix_amount=mix, **shown)


def _ratio(amount: pd.Series, units: pd.Series) -> pd.Series:
    return (amount / units.where(units > 0)).round(4)


def _parts(changes: pd.DataFrame, revenue_change: float, margin_change: float) -> pd.DataFrame:
    status, margin = changes["status"], changes["margin_change_amount"]
    revenue = {p: float(changes[f"{p}_amount"].sum()) for p in ("volume", "mix", "price")}
    revenue |= {"cost": 0.0}
    revenue |= {p: float(changes[f"{p}_amount"].sum()) for p in ("new", "gone", "untold")}
    margins = {
        "volume": float(changes["margin_volume_amount"].sum()),
        "mix": float(changes["margin_mix_amount"].sum()),
        "price": revenue["price"],
        "cost": float(changes["cost_amount"].sum()),
        **{p: float(margin[status == p].sum()) for p in ("new", "gone", "untold")},
    }
    rows = []
    for total, parts in ((revenue_change, revenue), (margin_change, margins)):
        rounded = {name: round(value, 2) for name, value in parts.items()}
        rounded["other"] = round(total - sum(rounded.values()), 2)
        rows.append(rounded)
    has_margin = np.isfinite(margin_change)
    return pd.DataFrame(
        [(p, PARTS[p], rows[0][p], rows[1][p] if has_margin else float("nan")) for p in PARTS],
        columns=["part", "name", "revenue_part_amount", "margin_part_amount"],
    )


def _by_category(changes: pd.DataFrame) -> pd.DataFrame:
    """Parts by product category, largest change first; lines without a product apart."""
    named = changes.assign(
        product_category=changes["product_category"].where(
            changes["product_id"] != "", "no product"
        )
    )
    columns = ["before_amount", "now_amount", "change_amount", "volume_amount", "mix_amount"]
    columns += ["price_amount", "new_amount", "gone_amount", "untold_amount"]
    sums = named.groupby("product_category", as_index=False)[columns].sum().round(2)
    order = sums["change_amount"].abs().sort_values(ascending=False, kind="stable").index
    return sums.loc[order].reset_index(drop=True)
