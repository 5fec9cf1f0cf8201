"""Who is worth a contact next quarter, why, with which offer, and who is contacted anyway?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.problems import InputError, Problem, raise_all
from analysis.core.scope import Scope
from analysis.customers.contact_list_options import ContactListOptions

_YEAR_QUARTERS = 4
_LARGEST_SHARE = 10  # one of so many customers, at most, counts as one of the largest
_WHERE = "overrides of customers/contact_list"
_COLUMNS = ("customer_id", "action", "author", "until_on", "note")
CONTACT, LEAVE_OUT = "contact", "leave out"
_DAY = pd.Timedelta(days=1)

OPEN_DEAL = "an open deal"
LARGEST = "one of the largest"
ASKED = "set by hand"
HELD_BEFORE = "held out last quarter"


@dataclass(frozen=True)
class Beside:
    """What else is known of the customers; None where a source has no such table.

    `customer_features`, `backtest_origins` and `customer_periods` are derived tables; `reps`,
    `opportunities` and `activities` are the sources'; `overrides` is an analyst's own file;
    `frozen` is the ledger of what earlier reports forecast.
    """

    customer_features: pd.DataFrame | None = None
    customer_periods: pd.DataFrame | None = None
    backtest_origins: pd.DataFrame | None = None
    reps: pd.DataFrame | None = None
    opportunities: pd.DataFrame | None = None
    activities: pd.DataFrame | None = None
    overrides: pd.DataFrame | None = None
    frozen: pd.DataFrame | None = None


def expected_gain(customer_growth: pd.DataFrame, reach_share: float) -> pd.Series:
    """Return what a contact is assumed to add to the next quarter, for each row.

    `reach_share` of the gap to similar customers, a quarter of a year of it, times the chance that
    the customer still buys. Where no gap is known of anybody, `reach_share` of the forecast.
    """
    gap = customer_growth["gap_year_amount"].astype(float)
    if gap.notna().any():
        chance = customer_growth["active_share"].astype(float).clip(0, 1)
        gain = chance * gap.clip(lower=0) / _YEAR_QUARTERS * reach_share
    else:
        gain = customer_growth["forecast_quarter_amount"].astype(float).clip(lower=0) * reach_share
    return gain.fillna(0.0).round(2)


def candidates(
    customer_growth: pd.DataFrame, beside: Beside, scope: Scope, options: ContactListOptions
) -> pd.DataFrame:
    """Return everybody with a forecast, greatest expected gain first.

    Columns: customer_id; forecast_amount (of the next quarter); expected_gain_amount; reason;
    offer; rep_id (who sold most to him in the last year; missing when nobody did).
    """
    table = pd.DataFrame(
        {
            "customer_id": customer_growth["customer_id"].astype("str"),
            "forecast_amount": customer_growth["forecast_quarter_amount"]
            .astype(float)
            .clip(lower=0)
            .round(2),
            "expected_gain_amount": expected_gain(customer_growth, options.reach_share),
            "reason": customer_growth["reason"].astype("str"),
            "offer": [
                _offer(products, reason)
                for products, reason in zip(
                    customer_growth["next_products"], customer_growth["reason"], strict=True
                )
            ],
            "rep_id": _reps(customer_growth["customer_id"], beside, scope),
        }
    )
    keys = ["expected_gain_amount", "customer_id"]
    return table.sort_values(keys, ascending=[False, True], ignore_index=True)


def _offer(products: object, reason: object) -> str:
    names = [str(name) for name in (products if products is not None else [])]
    first = f"Offer {names[0]}" if names else "Ask what else is needed"
    second = f", or {names[1]}" if len(names) > 1 else ""
    ask = "Ask why nothing was ordered lately. " if str(reason).startswith("late") else ""
    return f"{ask}{first}{second}."


def _reps(customer_ids: pd.Series, beside: Beside, scope: Scope) -> pd.Series:
    """Who sold most to each customer, as far as the person is still here."""
    features = beside.customer_features
    if features is None or "rep_id" not in features:
        return pd.Series(None, index=customer_ids.index, dtype="object")
    known = features.drop_duplicates("customer_id").set_index("customer_id")["rep_id"]
    found = customer_ids.map(known).astype("object")
    if beside.reps is not None and "left_on" in beside.reps:
        left = pd.to_datetime(beside.reps["left_on"]) <= pd.Timestamp(scope.as_of) + _DAY
        found = found.mask(found.isin(beside.reps.loc[left, "rep_id"]))
    return found.where(found.notna(), None)


def largest(beside: Beside, count: int) -> list[str]:
    """Return the customers with most revenue in the last four quarters, a tenth of all at most."""
    features = beside.customer_features
    if features is None or "revenue_year_amount" not in features:
        return []
    year = features[["customer_id", "revenue_year_amount"]].astype({"revenue_year_amount": float})
    bought = year[year["revenue_year_amount"] > 0]
    order = ["revenue_year_amount", "customer_id"]
    ranked = bought.sort_values(order, ascending=[False, True])["customer_id"].astype("str")
    return ranked.head(min(count, len(ranked) // _LARGEST_SHARE)).tolist()


def contacted_anyway(
    beside: Beside, held_before: pd.Index, scope: Scope, options: ContactListOptions
) -> pd.Series:
    """Return why a customer is contacted without a draw, by customer_id.

    In this order: an analyst said so, a deal with him was open at the period's end, he is one of
    the largest, whom the chapters on key customers and people name, or he was held out in the list
    before.
    """
    listed = read_overrides(beside.overrides, scope)
    asked = listed.loc[listed["action"] == CONTACT]
    texts = [f"{ASKED}{f': {note}' if note else ''}" for note in asked["note"]]
    found = dict.fromkeys(held_before, HELD_BEFORE)
    found |= dict.fromkeys(largest(beside, options.never_hold_out_count), LARGEST)
    found |= dict.fromkeys(_with_open_deals(beside.opportunities, scope), OPEN_DEAL)
    found |= dict(zip(asked["customer_id"], texts, strict=True))
    return pd.Series(found, dtype="str")


def left_out(beside: Beside, scope: Scope) -> set[str]:
    """Return the customers whom an analyst wants contacted by nobody."""
    listed = read_overrides(beside.overrides, scope)
    return set(listed.loc[listed["action"] == LEAVE_OUT, "customer_id"])


def _with_open_deals(opportunities: pd.DataFrame | None, scope: Scope) -> list[str]:
    if opportunities is None:
        return []
    end = pd.Timestamp(scope.as_of) + _DAY
    closed = pd.to_datetime(opportunities["closed_at"])
    # Closed at an unknown time is closed; what was closed later was open then.
    is_closed = (closed < end) | (closed.isna() & opportunities["is_closed"].fillna(False))
    is_open = (pd.to_datetime(opportunities["created_at"]) < end) & ~is_closed.astype(bool)
    return sorted(opportunities.loc[is_open, "customer_id"].dropna().astype("str").unique())


def read_overrides(overrides: pd.DataFrame | None, scope: Scope) -> pd.DataFrame:
    """Return the rows that hold at the period's end; InputError when the file cannot be read.

    Columns: customer_id; action ("contact" or "leave out"); note. A row holds to `until_on`, that
    day included, or without end.
    """
    if overrides is None or overrides.empty:
        return pd.DataFrame({name: pd.Series(dtype="str") for name in ("customer_id", *_COLUMNS)})
    unknown = sorted(set(overrides.columns) - set(_COLUMNS))
    missing = sorted({"customer_id", "action"} - set(overrides.columns))
    expected = f"columns {', '.join(_COLUMNS)}"
    problems = [Problem(_WHERE, f"column {n}", expected, "rename it") for n in unknown]
    problems += [Problem(_WHERE, f"no column {n}", expected, "add it") for n in missing]
    raise_all(problems, InputError)
    table = overrides.reindex(columns=list(_COLUMNS)).astype("object").fillna("").astype("str")
    raise_all(_row_problems(table), InputError)
    until = pd.to_datetime(table["until_on"].where(table["until_on"] != ""), format="%Y-%m-%d")
    holds = until.isna() | (until >= pd.Timestamp(scope.as_of))
    return table[holds].sort_values("customer_id", ignore_index=True)


def _row_problems(table: pd.DataFrame) -> list[Problem]:
    wrong = sorted(set(table["action"]) - {CONTACT, LEAVE_OUT})
    allowed = f"{CONTACT}, or {LEAVE_OUT}"
    problems = [Problem(f"{_WHERE}, action", repr(a), allowed, "mend it") for a in wrong]
    twice = sorted(table.loc[table["customer_id"].duplicated(), "customer_id"].unique())
    problems += [
        Problem(_WHERE, f"more than one row for {name}", "one row per customer", "leave one")
        for name in twice[:3]
    ]
    texts = table["until_on"]
    days = pd.to_datetime(texts.where(texts != ""), format="%Y-%m-%d", errors="coerce")
    for text in texts[days.isna() & (texts != "")].head(3):
        mend = "write a day like 2026-09-30, or nothing"
        problems.append(Problem(f"{_WHERE}, until_on", repr(text), "a day", mend))
    return problems


def chosen(
    people: pd.DataFrame, anyway: pd.Series, options: ContactListOptions
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return who is drawn for, and who has as much to gain but is contacted anyway (`why`).

    The list takes the greatest expected gains, at least `least_gain_amount`, to `list_size`
    customers and `list_share` of all.
    """
    most = min(options.list_size, int(np.ceil(options.list_share * len(people))))
    worth = people[people["expected_gain_amount"] >= max(options.least_gain_amount, 0.01)]
    is_anyway = worth["customer_id"].isin(anyway.index)
    listed = worth[~is_anyway].head(most)
    least = listed["expected_gain_amount"].min() if len(listed) == most else 0.0
    beside = worth[is_anyway & (worth["expected_gain_amount"] >= least)]
    return listed, beside.assign(why=beside["customer_id"].map(anyway))
