"""Profit by class, segment and tenth of customers, and the whale curve; ties are never split."""

import numpy as np
import pandas as pd

from analysis.customers.profitability_customers import exact_sum

_FEWEST_FOR_TENTHS, _FEWEST_FOR_FIFTHS = 100, 20
_MOST_POINTS = 300  # of the whale curve that is drawn and kept
_Z = 1.2816  # of an 80 % interval
_FEWEST_FOR_INTERVAL = 5


def group_table(customers: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return one row per value of `by`, most profit first.

    Columns: the group; customer_count; revenue_amount; margin_amount, margin_share (of the revenue
    of known customers) with its 80 % interval; profit_amount; profit_share (of all profit);
    losing_customers_count; mean_profit_amount per known customer with its 80 % interval;
    known_customers_count (margin known). The intervals take the customers as a sample of such.
    """
    total = exact_sum(customers["profit_amount"])
    named = customers.assign(group=customers[by].astype("object").fillna("not in a class"))
    rows = [{by: name} | _group_row(rows, total) for name, rows in named.groupby("group")]
    table = pd.DataFrame(rows)
    return table.sort_values(["profit_amount", by], ascending=[False, True], ignore_index=True)


def _group_row(rows: pd.DataFrame, total: float) -> dict[str, object]:
    known = rows[rows["margin_amount"].notna()]
    revenue, margin = exact_sum(known["revenue_amount"]), exact_sum(known["margin_amount"])
    profit = exact_sum(known["profit_amount"])
    low, high = _ratio_interval(known["margin_amount"], known["revenue_amount"])
    mean = profit / len(known) if len(known) else np.nan
    half = _mean_half(known["profit_amount"])
    return {
        "customer_count": len(rows),
        "revenue_amount": exact_sum(rows["revenue_amount"]),
        "margin_amount": margin if len(known) else np.nan,
        "margin_share": margin / revenue if revenue > 0 else np.nan,
        "margin_low_share": low,
        "margin_high_share": high,
        "profit_amount": profit if len(known) else np.nan,
        "profit_share": profit / total if total > 0 else np.nan,
        "losing_customers_count": int((known["profit_amount"] < 0).sum()),
        "mean_profit_amount": mean,
        "mean_profit_low_amount": mean - half,
        "mean_profit_high_amount": mean + half,
        "known_customers_count": len(known),
    }


def _ratio_interval(top: pd.Series, bottom: pd.Series) -> tuple[float, float]:
    """Return the 80 % interval of a ratio of sums, linearised; missing for few customers."""
    total = bottom.sum()
    if len(top) < _FEWEST_FOR_INTERVAL or not total > 0:
        return np.nan, np.nan
    ratio = top.sum() / total
    rest = (top - ratio * bottom).to_numpy(float)
    half = _Z * np.sqrt(len(rest) / (len(rest) - 1) * (rest**2).sum()) / total
    return float(ratio - half), float(ratio + half)


def _mean_half(values: pd.Series) -> float:
    count = len(values)
    return _Z * values.std() / np.sqrt(count) if count >= _FEWEST_FOR_INTERVAL else np.nan


def ranked_groups(customers: pd.DataFrame) -> pd.DataFrame:
    """Return profit by tenth of known customers, the most profitable first.

    Fifths with under 100 customers; no rows with under 20. Customers of equal profit stay together,
    so that groups can differ in size. Columns: group (from 1); customer_count; profit_low_amount,
    profit_high_amount (of a customer in it); revenue_amount; profit_amount; profit_share;
    cumulative_profit_share.
    """
    known = customers[customers["profit_amount"].notna()]
    columns = ["group", "customer_count", "least_profit_amount", "most_profit_amount"]
    columns += ["revenue_amount", "profit_amount", "profit_share", "cumulative_profit_share"]
    if len(known) < _FEWEST_FOR_FIFTHS:
        return pd.DataFrame(columns=columns)
    count = 10 if len(known) >= _FEWEST_FOR_TENTHS else 5
    group = profit_group(known["profit_amount"], count)
    total = exact_sum(known["profit_amount"])
    rows = [
        {
            "group": int(number),
            "customer_count": len(part),
            "least_profit_amount": part["profit_amount"].min(),
            "most_profit_amount": part["profit_amount"].max(),
            "revenue_amount": exact_sum(part["revenue_amount"]),
            "profit_amount": exact_sum(part["profit_amount"]),
        }
        for number, part in known.groupby(group.to_numpy())
    ]
    table = pd.DataFrame(rows)
    share = table["profit_amount"] / total if total > 0 else np.nan
    table = table.assign(profit_share=share)
    return table.assign(cumulative_profit_share=table["profit_share"].cumsum())[columns]


def profit_group(profit: pd.Series, count: int) -> pd.Series:
    """Return 1 (most profit) to `count`; equal profits share the group of their middle place."""
    place = profit.rank(ascending=False, method="average")
    return np.ceil(place * count / len(profit)).clip(1, count).astype(int)


def whale_points(customers: pd.DataFrame) -> pd.DataFrame:
    """Return the whale curve: customer_share, profit_amount so far and its share of the total.

    Customers with a known profit from the most to the least profitable; at most some hundred
    points, the peak always among them. `is_peak` marks the last customer who earns money.
    """
    profit = np.sort(customers["profit_amount"].dropna().to_numpy(float))[::-1]
    if not len(profit):
        names = ["customer_share", "profit_amount", "total_share", "is_peak"]
        return pd.DataFrame(columns=names)
    whole = np.cumsum(np.round(np.concatenate([[0.0], profit]) * 10_000).astype(np.int64)) / 10_000
    peak = int((profit > 0).sum())
    spots = np.linspace(0, len(profit), min(_MOST_POINTS, len(profit) + 1)).round().astype(int)
    chosen = np.unique(np.append(spots, peak))
    total = whole[-1]
    return pd.DataFrame(
        {
            "customer_share": chosen / len(profit),
            "profit_amount": whole[chosen],
            "total_share": whole[chosen] / total if total > 0 else np.nan,
            "is_peak": chosen == peak,
        }
    )


def balance_table(customers: pd.DataFrame, company_year: pd.DataFrame) -> pd.DataFrame:
    """Return how the company's margin of the four quarters is made up; parts sum to the last row.

    `company_year` holds the rows of company_kinds of those quarters. Columns: part; revenue_amount;
    with_cost_amount (revenue that has a cost); margin_amount of it.
    """
    with_customer = company_year["has_customer"].astype(bool)
    margin = company_year["with_cost_amount"] - company_year["cost_amount"]
    year = company_year.assign(margin=margin.astype(float).round(4))
    known = customers[customers["margin_amount"].notna()]
    rows = [("Customers with every cost known", *_known_row(known))]
    named, nameless = (_sums(year[flag]) for flag in (with_customer, ~with_customer))
    gap = [round(a - b, 4) for a, b in zip(named, rows[0][1:], strict=True)]
    rows.append(("Customers with a cost missing (lines with cost only)", *gap))
    rows.append(("Lines without a customer", *nameless))
    rows.append(("Company, where cost is known", *_sums(year)))
    columns = ["part", "revenue_amount", "with_cost_amount", "margin_amount"]
    return pd.DataFrame(rows, columns=columns)


def _known_row(known: pd.DataFrame) -> tuple[float, float, float]:
    revenue = exact_sum(known["revenue_amount"])
    return revenue, revenue, exact_sum(known["margin_amount"])


def _sums(rows: pd.DataFrame) -> tuple[float, float, float]:
    names = ("revenue_amount", "with_cost_amount", "margin")
    return tuple(exact_sum(rows[name]) for name in names)
