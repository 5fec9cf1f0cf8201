"""Which customers earn money, which lose it, and do those who earned most go on to do so?"""

import pandas as pd

from analysis.core.result import Number, Result
from analysis.core.scope import Scope
from analysis.customers.profitability_charts import later_chart, whale_chart
from analysis.customers.profitability_customers import (
    REASONS,
    customer_profit,
    exact_sum,
    usual_margin_share,
)
from analysis.customers.profitability_findings import Profit, caveats, decisions, findings
from analysis.customers.profitability_groups import (
    balance_table,
    group_table,
    ranked_groups,
    whale_points,
)
from analysis.customers.profitability_hours import served_hours
from analysis.customers.profitability_later import judged_later, later_table
from analysis.customers.profitability_options import ProfitabilityOptions

__all__ = ["ProfitabilityOptions", "profitability"]

NAME = "profitability"
TITLE = "Which customers earn money"
_YEAR = 4
_PARTS = {"usual_amount": "sales at the usual margin"} | REASONS


def profitability(
    customer_kinds: pd.DataFrame,
    company_kinds: pd.DataFrame,
    customer_periods: pd.DataFrame,
    customer_features: pd.DataFrame,
    segments: pd.DataFrame | None = None,
    work: tuple[pd.DataFrame | None, pd.DataFrame | None] = (None, None),
    *,
    scope: Scope,
    options: ProfitabilityOptions | None = None,
) -> Result:
    """Say what each customer, class and segment earned in the last four quarters.

    Profit is margin less the cost of logged hours and of handling orders; where too few hours are
    logged they are not charged, and profit is margin. A customer with a line without cost is not
    known: he is counted, never as 0. `work` is the tables `activities` and `time_records`.

    Tables: `class_profit` and `segment_profit` (see `group_table`), `profit_groups` (tenths),
    `losing_customers` (profit below 0, worst first), `below_usual` (customers who earn least
    against the usual margin on their sales), `profit_parts`, `top_group_later`, `margin_balance`,
    `whale_curve`, `customer_profit` (everybody).
    """
    options = options or ProfitabilityOptions()
    if pd.isna(usual_margin_share(customer_kinds)):
        if company_kinds.empty:
            sentence = "No invoice lines are loaded, so who earns money cannot be said."
            return Result.nothing(NAME, TITLE, scope.period, sentence)
        sentence = (
            "No sale of the last four quarters has a cost, so who earns money cannot be said. "
            "Add cost_amount to the invoice lines."
        )
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    window, year = _window(company_kinds, scope)
    active = customer_features.loc[customer_features["order_year_count"] > 0, "customer_id"]
    hours = served_hours(*work, active, window)
    named = _named(customer_features, segments)
    customers = customer_profit(customer_kinds, named, hours, options)
    later = judged_later(customer_periods, scope, options.top_share)
    balance = balance_table(customers, year)
    profit = Profit(customers, balance, hours, later, options)
    points = whale_points(customers)
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=_headline(profit),
        findings=findings(profit, scope),
        decisions=decisions(profit, scope),
        tables=_tables(profit, points),
        charts=({"whale_curve": whale_chart(points, profit, scope)} if len(points) else {})
        | ({"top_group_later": later_chart(later, options.top_share, scope)} if later else {}),
        caveats=caveats(profit, scope),
        definitions=_definitions(profit, scope),
    )


def _window(
    company_kinds: pd.DataFrame, scope: Scope
) -> tuple[tuple[pd.Timestamp, pd.Timestamp], pd.DataFrame]:
    """Return the first day and the day after the last of the four quarters, and their rows."""
    last = scope.calendar.containing(scope.as_of, "quarterly")
    first = scope.calendar.shift(last, 1 - _YEAR)
    begin, end = pd.Timestamp(first.starts_on), pd.Timestamp(scope.period.ends_before)
    starts = company_kinds["starts_on"]
    within = (starts >= begin) & (starts < end)
    data_begin = starts.min()
    return (max(begin, data_begin), end), company_kinds[within]


def _named(customer_features: pd.DataFrame, segments: pd.DataFrame | None) -> pd.DataFrame:
    named = customer_features[["customer_id", "customer_name", "order_year_count"]]
    named = named.rename(columns={"order_year_count": "order_count"})
    if segments is None:
        return named.assign(prospect_class=None, segment_name=None)
    kept = segments[["customer_id", "prospect_class", "segment_name"]]
    return named.merge(kept, on="customer_id", how="left", validate="1:1")


def _tables(profit: Profit, points: pd.DataFrame) -> dict[str, pd.DataFrame]:
    customers = profit.customers
    tables = {}
    if customers["prospect_class"].notna().any():
        for name, by in (("class_profit", "prospect_class"), ("segment_profit", "segment_name")):
            tables[name] = _shown(group_table(customers, by), profit)
    tables["profit_groups"] = ranked_groups(customers)
    tables["losing_customers"] = _listed(profit.losers, profit).reset_index(drop=True)
    tables["below_usual"] = _below_usual(profit)
    tables["profit_parts"] = _part_table(customers)
    if profit.later:
        tables["top_group_later"] = later_table(profit.later)
    return tables | {
        "margin_balance": profit.balance,
        "whale_curve": points,
        "customer_profit": customers,
    }


def _shown(table: pd.DataFrame, profit: Profit) -> pd.DataFrame:
    """Leave profit out where it is margin, so that no two columns say the same."""
    if profit.is_more_than_margin:
        return table
    share = {"profit_share": "share_of_margin_share"}
    names = {name: name.replace("_profit_", "_margin_") for name in table if "_profit_" in name}
    return table.drop(columns="profit_amount").rename(columns=names | share)


def _listed(rows: pd.DataFrame, profit: Profit) -> pd.DataFrame:
    """Return the losing customers; a loss is written as a positive amount, the largest first."""
    names = ["customer_id", "lost_amount", "revenue_amount", "reason", *REASONS]
    rows = rows.sort_values(["profit_amount", "customer_id"]).assign(
        lost_amount=-rows["profit_amount"]
    )
    empty = [name for name in REASONS if not rows[name].fillna(0.0).any()]
    return rows[[*names, "order_count", "prospect_class"]].drop(columns=empty)


def _below_usual(profit: Profit) -> pd.DataFrame:
    """Return who earns less than the usual margin on his sales, by how much, the most first."""
    missed = (profit.customers["usual_amount"] - profit.customers["profit_amount"]).round(2)
    rows = profit.customers.assign(below_usual_amount=missed)
    rows = rows[rows["below_usual_amount"] > 0]
    names = ["customer_id", "below_usual_amount", "profit_amount", "revenue_amount", "reason"]
    ordered = rows.sort_values(
        ["below_usual_amount", "customer_id"], ascending=[False, True], ignore_index=True
    )
    return ordered[[*names, "prospect_class"]]


def _part_table(customers: pd.DataFrame) -> pd.DataFrame:
    """Return what profit is made of; the parts sum to the last row."""
    known = customers[customers["profit_amount"].notna()]
    sums = {name: exact_sum(known[name]) for name in _PARTS}
    if abs(sums["price_amount"]) < 1:  # with all customers known, cents of rounding alone
        sums["usual_amount"] = round(sums["usual_amount"] + sums.pop("price_amount"), 4)
    rows = [(_PARTS[name], amount) for name, amount in sums.items() if amount]
    rows = [(words[:1].upper() + words[1:], amount) for words, amount in rows]
    rows.append(("Profit of customers with every cost known", exact_sum(known["profit_amount"])))
    return pd.DataFrame(rows, columns=["part", "amount"])


def _headline(profit: Profit) -> dict[str, Number]:
    balance, later = profit.balance.iloc[-1], profit.later
    numbers = {
        "margin": Number("Margin of the last four quarters", balance["margin_amount"], "amount"),
        "known_cost": Number(
            "Revenue with a known cost", _share(balance, "with_cost_amount"), "share"
        ),
        "top_profit_share": Number(
            f"{profit.word.capitalize()} from {profit.top_words}",
            profit.top_share_of_profit,
            "share",
        ),
        "losing_customers": Number("Customers who lose money", float(len(profit.losers)), "count"),
    }
    if later:
        numbers["top_group_later"] = Number(
            f"Margin from the top of {later.chosen_on} afterwards",
            later.after_share,
            "share",
            later.after_low_share,
            later.after_high_share,
            note=f"of all, in {later.judged_on}; it was {100 * later.before_share:.0f} % in the "
            "time that chose them",
        )
    return numbers


def _share(row: pd.Series, name: str) -> float | None:
    return float(row[name] / row["revenue_amount"]) if row["revenue_amount"] else None


def _definitions(profit: Profit, scope: Scope) -> dict[str, str]:
    rate = scope.display.exact_amount(profit.options.cost_per_hour_amount, 2)
    terms = {
        "Margin": "revenue less cost of the lines, last four quarters; a customer with a line "
        "without cost is not known, and never counted as 0",
        "Usual margin": "the margin of all sales over their revenue; a customer's sales at that "
        "rate are what he would earn at everybody's prices and products",
        "Whale curve": "profit added up from the most to the least profitable customer; it rises "
        "above the total and falls back by what the losing customers take away",
        "Top group": f"{profit.top_words} by margin; customers of equal margin are not split",
    }
    if profit.is_charged:
        terms["Contribution"] = f"margin less logged hours at {rate} each and handling of orders"
    return terms
