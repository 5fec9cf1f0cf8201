"""What the last two years were made of: factors, levers of one per cent, products, margins."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.strategy.tree_decomposition import FACTORS, factors_of, tree_table, year_sums
from analysis.strategy.tree_inputs import Business
from analysis.strategy.tree_products import Products, products_of

_NO_CUSTOMER = "without a customer"


@dataclass(frozen=True)
class Past:
    """Two years: their quarters, revenue and margin by quarter, and what the change is made of."""

    names: tuple[list[str], list[str]]
    quarters: pd.Series
    margins: pd.Series
    sums: tuple[dict[str, float], dict[str, float]]
    tree: pd.DataFrame
    products: Products | None

    @property
    def years(self) -> tuple[float, float]:
        """Revenue of the four quarters before, and of the last four."""
        return float(self.quarters.iloc[-8:-4].sum()), float(self.quarters.iloc[-4:].sum())

    @property
    def margin_share(self) -> float:
        """Margin of the company over its revenue, last four quarters; missing where a cost is."""
        margin, year = float(self.margins.iloc[-4:].sum(skipna=False)), self.years[1]
        return margin / year if year > 0 else float("nan")

    @property
    def customer_share(self) -> float:
        """Part of the last four quarters' revenue that has a customer."""
        year = self.years[1]
        return float(np.clip(self.sums[1]["revenue"] / year, 0, 1)) if year > 0 else 1.0


def past_of(business: Business, names: tuple[list[str], list[str]], quarters: pd.Series) -> Past:
    """Return what the two years named (four quarters each) were made of."""
    sums = tuple(year_sums(business.customer_periods, each) for each in names)
    margins = margin_quarters(business.company_kinds, quarters)
    tree = _with_rest(tree_table(*sums), sums, quarters)
    return Past(names, quarters, margins, sums, tree, _products(business, names, quarters, margins))


def margin_quarters(company_kinds: pd.DataFrame | None, quarters: pd.Series) -> pd.Series:
    """Return the company's margin by quarter; missing where a line lacks its cost."""
    if company_kinds is None or company_kinds.empty:
        return pd.Series(np.nan, index=quarters.index)
    columns = ["with_cost_amount", "cost_amount", "missing_cost_count"]
    sums = company_kinds.groupby("period")[columns].sum().astype(float)
    margin = (sums["with_cost_amount"] - sums["cost_amount"]).where(sums["missing_cost_count"] == 0)
    return margin.reindex(quarters.index)


def _products(
    business: Business,
    names: tuple[list[str], list[str]],
    quarters: pd.Series,
    margins: pd.Series,
) -> Products | None:
    if business.product_periods is None or business.product_periods.empty:
        return None
    changes = [
        float(series.iloc[-4:].sum(skipna=False)) - float(series.iloc[-8:-4].sum(skipna=False))
        for series in (quarters, margins)
    ]
    return products_of(business.product_periods, business.products, names, *changes)


def _with_rest(
    tree: pd.DataFrame, sums: tuple[dict[str, float], dict[str, float]], quarters: pd.Series
) -> pd.DataFrame:
    before, now = float(quarters.iloc[-8:-4].sum()), float(quarters.iloc[-4:].sum())
    rest = before - sums[0]["revenue"], now - sums[1]["revenue"]
    row = ("rest", _NO_CUSTOMER, *rest, rest[1] - rest[0], float("nan"))
    return pd.concat([tree, pd.DataFrame([row], columns=tree.columns)], ignore_index=True)


def lever_table(now: dict[str, float], share: float) -> pd.DataFrame:
    """Return what a change of one factor alone by `share` brings in a year.

    Columns: factor; name; change_share; revenue_amount; margin_amount (missing where a margin is).
    """
    factors, rows = factors_of(now), []
    for name in FACTORS:
        changed = factors | {name: factors[name] * (1 + share)}
        three = [n for n in FACTORS if n != "margin"]
        revenue = float(np.prod([changed[n] for n in three])) - now["revenue"]
        margin = float(np.prod([changed[n] for n in FACTORS])) - now["margin"]
        rows.append((name, FACTORS[name], share, round(revenue, 2), round(margin, 2)))
    columns = ["factor", "name", "change_share", "revenue_amount", "margin_amount"]
    return pd.DataFrame(rows, columns=columns)
