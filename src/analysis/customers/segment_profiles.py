"""What every segment is like: size, money, typical customer, rule, action, and one sentence."""

import numpy as np
import pandas as pd

from analysis.core.display import Display
from analysis.customers.behaviour_features import FEATURES
from analysis.customers.prospects import year_rate
from analysis.customers.segment_actions import segment_actions
from analysis.customers.segment_anchor import LARGER_ID, NEW_ID, SILENT_ID, SMALLER_ID, Anchor
from analysis.customers.segment_rules import apply_rules, rule_texts
from analysis.customers.segment_words import customers_text, top_features, value_text
from analysis.customers.segment_worth import WORTH_COLUMNS, Worth, known_margin, worth_by_group

_RULE_ACTIONS = {
    NEW_ID: "Welcome: a second order soon says more than the first.",
    SILENT_ID: "Ask once why; then only what costs nothing.",
    LARGER_ID: "Protect: one contact person, and delivery on time.",
    SMALLER_ID: "Serve lightly: let them order by themselves, at low cost.",
}


def profile_table(
    customers: pd.DataFrame,
    features: pd.DataFrame,
    anchor: Anchor,
    rules: pd.DataFrame,
    worth: Worth,
    display: Display,
) -> pd.DataFrame:
    """Return one row per segment in canonical order; rule-made ones only where somebody is in them.

    `rule` is what to go by, as text; `rule_fidelity_share` how many of the segment's customers it
    finds (missing where the rule is the definition). `margin_share` is margin over revenue of the
    customers whose cost is known; `growth_ahead_ratio` the forecast of the year over the last four
    quarters at a year's rate, less 1; forecasts, room and lifetime value as in `worth_by_group`.
    `median_` columns are the typical customer's behaviour. Shares are of all customers and of all
    their revenue of the last four quarters.
    """
    texts = rule_texts(rules, anchor, display)
    actions = _RULE_ACTIONS | _actions(anchor)
    ahead = worth_by_group(customers, "segment_id", worth)
    customers = customers.assign(
        year_rate_amount=year_rate(customers), rule_finds=_found(customers, features, rules)
    )
    rows = []
    for segment_id, name in anchor.names.items():
        mine = customers["segment_id"] == segment_id
        if mine.any() or segment_id not in (NEW_ID, SILENT_ID):
            row = {"segment_id": segment_id, "segment_name": name, "rule": texts[segment_id]}
            row |= {"what_to_do": actions[segment_id]} | _sums(customers[mine])
            row |= {f"median_{n}": features.loc[mine, n].median() for n in FEATURES}
            rows.append(row | _ahead(ahead, segment_id))
    table = pd.DataFrame(rows).astype({name: "str" for name in _TEXTS})
    revenue = customers["revenue_year_amount"].sum()
    rate = table["year_rate_amount"]
    table = table.assign(
        customer_share=table["customer_count"] / len(customers),
        revenue_share=table["revenue_year_amount"] / revenue if revenue > 0 else np.nan,
        growth_ahead_ratio=table["forecast_year_amount"] / rate.where(rate > 0) - 1,
    )
    sentences = [_sentence(row, anchor, display) for row in table.to_dict("records")]
    return table.assign(sentence=pd.Series(sentences, dtype="str"))[_order(table)]


_TEXTS = ("segment_id", "segment_name", "rule", "what_to_do")


def _actions(anchor: Anchor) -> dict[str, str]:
    said = segment_actions(anchor.centres, anchor.transform.features)
    return dict(zip(anchor.cluster_ids, said, strict=True))


def _found(customers: pd.DataFrame, features: pd.DataFrame, rules: pd.DataFrame) -> pd.Series:
    """Does the rule put the customer where he is? Missing where nobody needs to be told."""
    if rules.empty:
        return pd.Series(np.nan, index=customers.index)
    found = pd.Series(apply_rules(rules, features), index=customers.index)
    is_right = (found == customers["segment_id"]).astype(float)
    return is_right.where(customers["segment_id"].isin(rules["segment_id"]))


def _sums(mine: pd.DataFrame) -> dict[str, float]:
    return {
        "customer_count": len(mine),
        "revenue_year_amount": round(float(mine["revenue_year_amount"].sum()), 2),
        "year_rate_amount": round(float(mine["year_rate_amount"].sum()), 2),
        "rule_fidelity_share": float(mine["rule_finds"].mean()),
    } | known_margin(mine)


def _ahead(ahead: pd.DataFrame, segment_id: str) -> dict[str, float]:
    if segment_id not in ahead.index:
        return dict.fromkeys(WORTH_COLUMNS, np.nan) | {"forecast_quarter_amount": 0.0}
    return ahead.loc[segment_id].to_dict()


def _order(table: pd.DataFrame) -> list[str]:
    first = [
        "segment_id",
        "segment_name",
        "sentence",
        "rule",
        "rule_fidelity_share",
        "what_to_do",
        "customer_count",
        "customer_share",
        "revenue_year_amount",
        "revenue_share",
        "margin_year_amount",
        "margin_share",
        "growth_ahead_ratio",
        *WORTH_COLUMNS,
    ]
    return first + [name for name in table.columns if name not in first]


def _sentence(row: dict, anchor: Anchor, display: Display) -> str:
    count, amount = row["customer_count"], display.amount(row["revenue_year_amount"])
    if not count:
        return "Nobody at present."
    who = customers_text(count, display)
    they = "it" if count == 1 else "they"
    brought = f"brought {amount}, {display.share(row['revenue_share'])} of the last four quarters"
    brought += f"{_expected(row, display)}."
    segment_id = row["segment_id"]
    if segment_id == NEW_ID:
        return f"{who} whose first order lies within the last quarter; {they} {brought}"
    if segment_id == SILENT_ID:
        return f"{who} without an order in the last four quarters{_expected(row, display)}."
    if not anchor.has_clusters:
        side = "at least" if segment_id == LARGER_ID else "less than"
        limit = display.amount(anchor.larger_amount) + ("" if count == 1 else " each")
        return f"{who} with {side} {limit}; {they} {brought}"
    centre = anchor.centres[anchor.cluster_ids.index(segment_id)]
    said = [
        value_text(name, row[f"median_{name}"], display)
        for name in top_features(centre, anchor.transform.features)
    ]
    one = "it" if count == 1 else "the typical one"
    return f"{who}; {one} {' and '.join(said)}; {they} {brought}"


def _expected(row: dict, display: Display) -> str:
    amount, low, high = (row[f"forecast_year{end}_amount"] for end in ("", "_low", "_high"))
    if pd.isna(amount):
        return ""
    text = f", with {display.amount(amount)} expected in the next four"
    if pd.isna(low):
        return text
    return f"{text} ({display.amount(low)} to {display.amount(high)})"
