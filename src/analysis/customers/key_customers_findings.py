"""The sentences of the chapter on key customers, most money first; none says more than it knows."""

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.core.result import Finding
from analysis.core.scope import Scope
from analysis.customers.key_customers_breadth import (
    AS_IT_LOOKS,
    AT_EQUAL_SIZE,
    CANNOT,
    MORE,
    NOTHING,
)
from analysis.customers.key_customers_rule import BY_GROWTH, BY_LIST, BY_REVENUE
from analysis.customers.key_customers_voice import FRESH, NEVER
from analysis.customers.key_customers_words import Told, customers_words, named, some_of

Priced = tuple[float, Finding]


def findings(told: Told, scope: Scope) -> tuple[Finding, ...]:
    """Return who they are, then what stands out with most money first, then what is not known."""
    priced = [
        _change(told, scope),
        _less(told, scope),
        _ahead(told, scope),
        _heard(told, scope),
        _unhappy(told, scope),
        _ownerless(told, scope),
        _untouched(told, scope),
        _taken(told, scope),
        _breadth(told, scope),
    ]
    ordered = sorted((one for one in priced if one is not None), key=lambda one: -one[0])
    sentences = [_who(told, scope), *(finding for _, finding in ordered)]
    return (*sentences, *(Finding(text) for text in told.missing))


def unknown(told: Told, scope: Scope) -> tuple[str, ...]:
    """Return what a leader would ask next and nobody has answered."""
    if "feedback" in told.without:
        return ("What key customers think: no feedback is loaded.",)
    silent = told.customers[told.customers["feedback"] == NEVER]
    if silent.empty:
        return ()
    count = customers_words(len(silent), scope)
    return (f"What {count} think who never gave feedback.",)


def _who(told: Told, scope: Scope) -> Finding:
    amount = scope.display.amount
    whole = float(told.base["year_amount"].clip(lower=0).sum())
    verb = "bring" if len(told.customers) > 1 else "brings"
    count = customers_words(len(told.customers), scope)
    share = scope.display.share(told.amount / whole, 0) if whole > 0 else "none"
    counts = told.customers["why"].value_counts()
    order = [why for why in (BY_REVENUE, BY_GROWTH, BY_LIST) if why in counts]
    parts = ", ".join(f"{counts[why]} by {why}" for why in order)
    return Finding(
        f"{count} {verb} {share} of the {told.measure}: {amount(told.amount)} of {amount(whole)}.",
        f"The rule: {told.listed.words} Picked: {parts}.{_limit(told, scope)}",
        metric="key_customers_amount",
        value=told.amount,
    )


def _limit(told: Told, scope: Scope) -> str:
    """Say when the least or most number decides, not the share."""
    needed, options = told.listed.needed_count, told.options
    if options.rule != "revenue" or options.fewest_customers <= needed <= options.most_customers:
        return ""
    share, count = scope.display.share(options.revenue_share, 0), scope.display.count(needed)
    return f" {share} alone would take {count}."


def _change(told: Told, scope: Scope) -> Priced | None:
    """Speak of both picks: each is picked for one good year, so the truth lies between."""
    if not told.covers_year_before:
        return None
    base = told.base.set_index("customer_id")
    now = told.customers["year_amount"].sum()
    before = told.customers["year_before_amount"].sum()
    if before <= 0:
        return None
    then = base.loc[list(told.listed.year_ago_ids)]
    detail, old = "", then["year_before_amount"].sum()
    if old > 0:
        second = _more(then["year_amount"].sum() / old - 1, scope)
        gone = len(set(told.listed.year_ago_ids) - set(told.customers["customer_id"]))
        detail = (
            f"Those whom the same rule picks by the year before bought {second}. Each pick favours "
            f"its own year, so the truth lies between. {scope.display.count(gone)} of the "
            f"{scope.display.count(len(then))} of a year ago are key no more."
        )
    finding = Finding(
        f"The key customers of today bought {_more(now / before - 1, scope)}.",
        detail,
        metric="key_customers_change",
        value=float(now / before - 1),
    )
    return abs(float(now - before)), finding


def _more(change: float, scope: Scope) -> str:
    word = "more" if change >= 0 else "less"
    return f"{scope.display.share(abs(change))} {word} than the year before"


def _less(told: Told, scope: Scope) -> Priced | None:
    """Name those who buy less, those who are key no more for it included."""
    if not told.covers_year_before:
        return None
    ids = set(told.listed.year_ago_ids) | set(told.customers["customer_id"])
    rows = told.base[told.base["customer_id"].isin(ids)]
    rows = rows.assign(change_amount=rows["year_amount"] - rows["year_before_amount"])
    fell = rows[rows["change_amount"] < 0].sort_values(["change_amount", "customer_id"])
    if fell.empty:
        return None
    money = -float(fell["change_amount"].sum())
    worst = fell.head(3)
    texts = some_of(
        f"{named(worst.iloc[[place]])} {scope.display.amount(worst['change_amount'].iloc[place])}"
        for place in range(len(worst))
    )
    finding = Finding(
        f"{scope.display.count(len(fell))} of {scope.display.count(len(rows))} who are or were key "
        f"a year ago bought less than the year before, {scope.display.amount(money)} in all.",
        f"Most: {texts}. Some go down in any year; the chapter on growth says what to expect.",
        metric="key_customers_fall_amount",
        value=money,
    )
    return money, finding


def _ahead(told: Told, scope: Scope) -> Priced | None:
    table = told.customers
    known = table[table["expected_year_amount"].notna()]
    if known.empty:
        return None
    amount = scope.display.amount
    expected, now = float(known["expected_year_amount"].sum()), float(known["year_amount"].sum())
    gap = known.sort_values(["gap_year_amount", "customer_id"], ascending=[False, True]).head(1)
    offer = gap["offer_next"].iloc[0]
    first = f"; offer “{offer}” first" if pd.notna(offer) and offer else ""
    detail = (
        f"The furthest behind like customers is {named(gap)}: "
        f"{amount(gap['gap_year_amount'].iloc[0])} a year{first}. Each one's range stands in the "
        "table; a range of the sum is not known."
    )
    finding = Finding(
        f"Over the next four quarters key customers are expected to buy {amount(expected)}, after "
        f"{amount(now)} in the last four.",
        detail if gap["gap_year_amount"].iloc[0] > 0 else "",
        metric="key_customers_expected_amount",
        value=expected,
    )
    return abs(expected - now), finding


def _heard(told: Told, scope: Scope) -> Priced | None:
    if "feedback" in told.without or told.coverage.empty:
        return None
    row, count = told.coverage.iloc[0], scope.display.count
    silent = told.unheard["year_amount"].clip(lower=0).sum()
    texts = [f"{count(row['never_count'])} never answered, {count(row['old_count'])} longer ago."]
    if row["fresh_count"]:
        share = scope.display.share(row["fresh_amount_share"], 0)
        texts.append(f"Those heard bring {share} of the money of all key customers.")
    if not np.isnan(row["mean_score"]):
        number = scope.display.number
        texts.append(
            f"Mean score of the {count(row['scored_count'])} who answered: "
            f"{number(row['mean_score'])}. Of all it could be anything from "
            f"{number(row['lowest_score'])} to {number(row['highest_score'])}, as the silent ones "
            "think."
        )
    elif row["scored_count"]:
        texts.append("Too few scores for a mean.")
    if len(told.coverage) > 1:
        other = told.coverage.iloc[1]
        texts.append(f"Of the other customers: {scope.display.share(other['fresh_share'], 0)}.")
    finding = Finding(
        f"We have heard {count(row['fresh_count'])} of {count(row['customer_count'])} key "
        f"customers in the last {count(told.options.fresh_days)} days.",
        " ".join(texts),
        metric="key_customers_heard",
        value=float(row["fresh_share"]),
    )
    return float(silent), finding


def _unhappy(told: Told, scope: Scope) -> Priced | None:
    rows = told.unhappy
    if rows.empty:
        return None
    money = float(rows["year_amount"].sum())
    heard = int((told.customers["feedback"] == FRESH).sum())
    texts = some_of(
        f"{named(rows.iloc[[place]])} {scope.display.number(rows['feedback_score'].iloc[place], 0)}"
        f" ({_topic(rows['feedback_topic'].iloc[place])})"
        for place in range(len(rows))
    )
    score = scope.display.number(told.options.low_score, 0)
    bought = "it buys" if len(rows) == 1 else "they buy"
    return money, Finding(
        f"{scope.display.count(len(rows))} of the {scope.display.count(heard)} heard gave {score} "
        f"or less; {bought} for {scope.display.amount(money)} a year.",
        f"{texts}.",
    )


def _topic(topic: str) -> str:
    return str(topic) if pd.notna(topic) else "no topic"


def _ownerless(told: Told, scope: Scope) -> Priced | None:
    rows = told.ownerless
    if rows.empty:
        return None
    money = float(rows["year_amount"].sum())
    verb = "has" if len(rows) == 1 else "have"
    return money, Finding(
        f"{customers_words(len(rows), scope)} {verb} no owner; "
        f"{scope.display.amount(money)} a year.",
        f"{named(rows)}. Nobody is known, or who was has left and nobody here deals with them.",
        metric="ownerless_amount",
        value=money,
        rank=money,
    )


def _untouched(told: Told, scope: Scope) -> Priced | None:
    rows = told.untouched
    if rows.empty or "contacts" in told.without:
        return None
    money = float(rows["year_amount"].sum())
    verb = "has" if len(rows) == 1 else "have"
    return money, Finding(
        f"{customers_words(len(rows), scope)} {verb} no contact logged in the last "
        f"{scope.display.count(told.options.contact_days)} days.",
        f"{named(rows)}: {scope.display.amount(money)} a year. What nobody logged is missing.",
    )


def _taken(told: Told, scope: Scope) -> Priced | None:
    share, low, high, count = told.overall
    if count < told.options.fewest_lines:
        return None
    text = scope.display.share
    apart = told.acceptance[told.acceptance["is_beyond_chance"]]
    if apart.empty:
        detail = "No category can be told apart from the others."
    else:
        rows = apart.assign(size=(apart["accepted_share"] - apart["others_share"]).abs())
        rows = rows.sort_values(["size", "product_category"], ascending=[False, True])
        words = [
            f"{row.product_category} {text(row.accepted_share, 0)} against "
            f"{text(row.others_share, 0)} of the others"
            for row in rows.itertuples()
        ]
        detail = f"Beyond chance: {some_of(words)}."
    lines = scope.display.number(told.proposals["line_count"].mean())
    finding = Finding(
        f"Of the lines offered {text(share, 0)} are taken ({text(low, 0)} to {text(high, 0)}); a "
        f"proposal has {lines} lines.",
        f"{scope.display.count(count)} lines of {scope.display.count(len(told.proposals))} "
        f"proposals, to all customers. {detail}",
        metric="lines_accepted",
        value=share,
        low=low,
        high=high,
    )
    return 0.0, finding


def _breadth(told: Told, scope: Scope) -> Priced | None:
    found = told.breadth
    if not len(told.proposals):
        return None
    if found.verdict == NOTHING or found.effects.empty:
        return 0.0, Finding("Whether broader proposals are won more often is not known.", found.why)
    raw, equal = found.row(AS_IT_LOOKS), found.row(AT_EQUAL_SIZE)
    detail = (
        f"{scope.display.count(found.proposal_count)} proposals, 95 % ranges. Twice as many lines "
        f"go with {_points(equal, scope)} of the share won at equal deal size; as it looks, size "
        f"left out: {_points(raw, scope)}."
    )
    if found.verdict == CANNOT:
        text = "Whether broader proposals are won more often cannot be concluded."
        least = scope.display.points(found.detectable_share, 0).lstrip("+")
        detail += f" A difference of under {least} points would mostly not show."
    else:
        word = "more" if found.verdict == MORE else "less"
        text = f"Broader proposals are won {word} often, deals of equal size compared."
        detail += " That goes together; it does not show that one brings the other."
    finding = Finding(
        text,
        detail,
        metric="breadth_won_share",
        value=equal["won_difference_share"],
        low=equal["won_difference_low_share"],
        high=equal["won_difference_high_share"],
    )
    return 0.0, _plain(finding)


def _points(row: pd.Series, scope: Scope) -> str:
    points = scope.display.points
    return (
        f"{points(row['won_difference_share'])} points "
        f"({points(row['won_difference_low_share'])} to {points(row['won_difference_high_share'])})"
    )


def _plain(finding: Finding) -> Finding:
    """Numbers of a finding are Python's own, so that they can be written."""
    kept = {name: float(getattr(finding, name)) for name in ("value", "low", "high")}
    return replace(finding, **kept)
