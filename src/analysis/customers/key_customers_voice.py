"""Whom have we heard, who looks after him, and when did we last talk? As known at the period's end.

Who never answered is counted and shown; nothing is said of him. A score is one of those who
answered.
"""

import numpy as np
import pandas as pd

from analysis.core.scope import Scope
from analysis.customers.key_customers_options import KeyCustomersOptions
from analysis.customers.profitability_hours import done_activities

FRESH, OLD, NEVER = "fresh", "old", "never"
LISTED, DEALT, NOT_KNOWN = "the customer list", "who dealt with him", "nobody knows"
_NO_CONTACT = ("task", "admin", "internal")
_ANSWER_COLUMNS = ["customer_id", "feedback_id", "given_on", "topic", "score"]
_BEST_SCORE = 10.0
_FAR_PAST = pd.Timestamp("1900-01-01")


def answers_as_of(feedback: pd.DataFrame | None, scope: Scope) -> pd.DataFrame:
    """Return the answers given by the period's end, latest of a customer first."""
    if feedback is None:
        return pd.DataFrame(columns=_ANSWER_COLUMNS).astype({"given_on": "datetime64[s]"})
    known = feedback[feedback["given_on"] <= pd.Timestamp(scope.as_of)]
    known = known[known["customer_id"].notna()].reindex(columns=_ANSWER_COLUMNS)
    order = ["customer_id", "given_on", "feedback_id"]
    return known.sort_values(order, ascending=[True, False, False], ignore_index=True)


def last_answers(
    answers: pd.DataFrame, customer_ids: pd.Series, scope: Scope, options: KeyCustomersOptions
) -> pd.DataFrame:
    """Return one row per customer, indexed by customer_id.

    Columns: feedback_on, feedback_days (since then), feedback_topic, feedback_score, feedback
    ("fresh", "old" or "never").
    """
    last = answers.drop_duplicates("customer_id").set_index("customer_id")
    table = last.reindex(pd.Index(customer_ids, name="customer_id"))
    days = (pd.Timestamp(scope.as_of) - table["given_on"]).dt.days
    state = np.select([days <= options.fresh_days, days.notna()], [FRESH, OLD], NEVER)
    return pd.DataFrame(
        {
            "feedback_on": table["given_on"],
            "feedback_days": days.astype("float64"),
            "feedback_topic": table["topic"],
            "feedback_score": table["score"].astype("float64"),
            "feedback": pd.Series(state, index=table.index, dtype="str"),
        }
    )


def coverage_table(
    base: pd.DataFrame,
    key_ids: pd.Series,
    answers: pd.DataFrame,
    scope: Scope,
    options: KeyCustomersOptions,
) -> pd.DataFrame:
    """Return how many were heard: a row for key customers and one for all who bought in the year.

    Columns: customers; customer_count; fresh_count, old_count, never_count; fresh_share;
    fresh_amount_share (of their money); scored_count (fresh, with a score); mean_score (of those
    only; missing under `fewest_answers`); lowest_score and highest_score (the mean of all of them,
    were everybody who is silent at 0 or at 10).
    """
    active = base[(base["year_amount"] > 0) | base["customer_id"].isin(key_ids)]
    groups = [("key customers", active[active["customer_id"].isin(key_ids)])]
    groups.append(("the others who bought", active[~active["customer_id"].isin(key_ids)]))
    rows = []
    for name, members in groups:
        if members.empty:
            continue
        heard = last_answers(answers, members["customer_id"], scope, options)
        rows.append({"customers": name} | _coverage(members, heard, options))
    return pd.DataFrame(rows)


def _coverage(
    members: pd.DataFrame, heard: pd.DataFrame, options: KeyCustomersOptions
) -> dict[str, float]:
    state = heard["feedback"]
    is_fresh = state == FRESH
    amounts = members.set_index("customer_id")["year_amount"].clip(lower=0)
    scores = heard.loc[is_fresh, "feedback_score"].dropna()
    silent = len(heard) - len(scores)
    return {
        "customer_count": len(heard),
        "fresh_count": int(is_fresh.sum()),
        "old_count": int((state == OLD).sum()),
        "never_count": int((state == NEVER).sum()),
        "fresh_share": float(is_fresh.mean()),
        "fresh_amount_share": float(amounts[is_fresh].sum() / max(amounts.sum(), 1e-9)),
        "scored_count": len(scores),
        "mean_score": float(scores.mean()) if len(scores) >= options.fewest_answers else np.nan,
        "lowest_score": float(scores.sum() / len(heard)),
        "highest_score": float((scores.sum() + _BEST_SCORE * silent) / len(heard)),
    }


def topic_table(
    answers: pd.DataFrame, key_ids: pd.Series, scope: Scope, options: KeyCustomersOptions
) -> pd.DataFrame:
    """Return what key customers spoke of in fresh answers, most answers first.

    Columns: topic, answer_count, customer_count, low_count (scores up to `low_score`), mean_score
    (of those who answered; missing under `fewest_answers`).
    """
    first = pd.Timestamp(scope.as_of) - pd.Timedelta(days=options.fresh_days)
    fresh = answers[answers["customer_id"].isin(key_ids) & (answers["given_on"] >= first)]
    if fresh.empty:
        return pd.DataFrame()
    table = fresh.assign(
        topic=fresh["topic"].astype("object").fillna("not said"),
        is_low=(fresh["score"] <= options.low_score).astype(int),
    )
    rows = table.groupby("topic", as_index=False).agg(
        answer_count=("feedback_id", "size"),
        customer_count=("customer_id", "nunique"),
        low_count=("is_low", "sum"),
        scored_count=("score", "count"),
        mean_score=("score", "mean"),
    )
    few = rows["scored_count"] < options.fewest_answers
    rows = rows.assign(mean_score=rows["mean_score"].mask(few)).drop(columns="scored_count")
    return rows.sort_values(["answer_count", "topic"], ascending=[False, True], ignore_index=True)


def last_contacts(
    activities: pd.DataFrame | None, inbound_contacts: pd.DataFrame | None, scope: Scope
) -> pd.Series | None:
    """Return the day of each customer's last contact; None where contacts are not recorded.

    A contact is a finished call, message, meeting or proposal by a person, logged with the
    customer, or his own message once a person had answered it.
    """
    end = pd.Timestamp(scope.period.ends_before)
    parts = []
    if activities is not None and len(activities):
        done = done_activities(activities, (_FAR_PAST, end))
        done = done[~done["activity_type"].astype("str").isin(_NO_CONTACT)]
        parts.append(done[["customer_id", "completed_at"]].set_axis(["customer_id", "at"], axis=1))
    if inbound_contacts is not None and len(inbound_contacts):
        answered = inbound_contacts[inbound_contacts["first_response_at"] < end]
        named = answered[answered["customer_id"].notna()]
        names = ["customer_id", "at"]
        parts.append(named[["customer_id", "first_response_at"]].set_axis(names, axis=1))
    if not parts:
        return None
    return pd.concat(parts).groupby("customer_id")["at"].max().dt.normalize()


def owners(
    base: pd.DataFrame,
    customers: pd.DataFrame | None,
    reps: pd.DataFrame | None,
    latest: pd.Series,
    dealt: pd.DataFrame,
    scope: Scope,
) -> pd.DataFrame:
    """Return who looks after each customer, indexed by customer_id.

    Columns: owner_id, owner (name; with "has left" where he had by then), has_no_owner (missing
    where nobody knows), owner_from, listed_has_left (whom the customer list names had left). It is
    who sold the customer most in the year, or had his latest deal then (`latest`). Where that
    person has left, it is who is here and dealt with him last in the year (`dealt`). The customer
    list, which names the owner of the day it was written, counts only where nobody dealt with him.
    """
    ids = pd.Index(base["customer_id"], name="customer_id")
    gone, names = _gone(reps, scope), _names(reps)
    here = dealt[~dealt["rep_id"].isin(gone)].sort_values(["customer_id", "at", "rep_id"])
    last = here.drop_duplicates("customer_id", keep="last").set_index("customer_id")["rep_id"]
    by_here, listed = _by_id(ids, last), _by_id(ids, _listed(customers))
    found = base.set_index("customer_id")["rep_id"].astype("object")
    found = found.where(found.notna(), _by_id(ids, latest))
    found = found.mask((found.isna() | found.isin(gone)) & by_here.notna(), by_here)
    is_listed = found.isna() & listed.notna()
    found = found.where(~is_listed, listed)
    has_left = found.isin(gone)
    label = found.map(names).astype("object").where(found.map(names).notna(), found)
    label = label.where(~has_left, label.astype("str") + " (has left)")
    missing = found.isna() | has_left if found.notna().any() else pd.NA
    return pd.DataFrame(
        {
            "owner_id": found,
            "owner": label,
            "has_no_owner": pd.Series(missing, index=ids, dtype="boolean"),
            "owner_from": np.select([is_listed, found.notna()], [LISTED, DEALT], NOT_KNOWN),
            "listed_has_left": listed.isin(gone),
        }
    )


def dealings(
    deals: pd.DataFrame | None, activities: pd.DataFrame | None, scope: Scope, days: int
) -> pd.DataFrame:
    """Return customer_id, rep_id, at: deals opened and contacts made in the days before the end."""
    end = pd.Timestamp(scope.period.ends_before)
    window, names = (end - pd.Timedelta(days=days), end), ["customer_id", "rep_id", "at"]
    parts = [pd.DataFrame(columns=names).astype({"at": "datetime64[us]"})]
    if deals is not None:
        inside = deals["created_at"].between(*window, inclusive="left")
        parts.append(deals.loc[inside, [*names[:2], "created_at"]].set_axis(names, axis=1))
    if activities is not None and len(activities) and "rep_id" in activities:
        done = done_activities(activities, window)
        done = done[~done["activity_type"].astype("str").isin(_NO_CONTACT)]
        parts.append(done[[*names[:2], "completed_at"]].set_axis(names, axis=1))
    table = pd.concat([one for one in parts if len(one)] or parts)
    return table.dropna(ignore_index=True)


def _by_id(ids: pd.Index, known: pd.Series) -> pd.Series:
    return pd.Series(ids.map(known), index=ids, dtype="object")


def _listed(customers: pd.DataFrame | None) -> pd.Series:
    if customers is None or "rep_id" not in customers:
        return pd.Series(dtype="object")
    return customers.drop_duplicates("customer_id").set_index("customer_id")["rep_id"]


def _gone(reps: pd.DataFrame | None, scope: Scope) -> list[str]:
    if reps is None or "left_on" not in reps:
        return []
    left = pd.to_datetime(reps["left_on"])
    return reps.loc[left <= pd.Timestamp(scope.as_of), "rep_id"].tolist()


def _names(reps: pd.DataFrame | None) -> dict[str, str]:
    if reps is None or "rep_name" not in reps:
        return {}
    named = reps.dropna(subset=["rep_name"]).drop_duplicates("rep_id")
    is_twin = named["rep_name"].duplicated(keep=False)
    shown = named["rep_name"].where(~is_twin, named["rep_name"] + " (" + named["rep_id"] + ")")
    return dict(zip(named["rep_id"], shown, strict=True))
