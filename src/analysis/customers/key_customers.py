"""Who are our key customers, what do they need, and do we know what they think?"""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from analysis.core.result import Number, Result
from analysis.core.scope import Scope
from analysis.customers.key_customers_breadth import breadth
from analysis.customers.key_customers_chart import key_chart
from analysis.customers.key_customers_deals import (
    decided_lines,
    first_day,
    latest_owner,
    open_deals,
    proposals,
    won_base,
)
from analysis.customers.key_customers_findings import findings, unknown
from analysis.customers.key_customers_lines import (
    acceptance_table,
    accepted_range,
    breadth_table,
    customer_acceptance,
)
from analysis.customers.key_customers_options import KeyCustomersOptions
from analysis.customers.key_customers_rule import KeyList, key_list
from analysis.customers.key_customers_voice import (
    FRESH,
    answers_as_of,
    coverage_table,
    dealings,
    last_answers,
    last_contacts,
    owners,
    topic_table,
)
from analysis.customers.key_customers_words import Told, caveats, decisions, definitions

__all__ = ["KeyCustomersOptions", "Known", "key_customers"]

NAME = "key_customers"
TITLE = "Key customers and what they need"
_YEAR = 4
_TAKEN = ["customer_id", "customer_name", "proposal_count", "offered_line_count"]
_TAKEN += ["accepted_line_count", "accepted_share", "accepted_low_share", "accepted_high_share"]
_LATE_DAYS = 31  # a first day later than this in a year does not cover it
_NOBODY = (
    "No customer is known of any revenue or deal won in the last four quarters, so nobody can be "
    "called key. Invoices, or deals won, with a customer_id are needed."
)


@dataclass(frozen=True)
class Known:
    """What else is known; a table that is missing leaves its part out, and a sentence says so.

    `deals` is the table of sales.deals.deals_as_of for the period's last day, `customer_growth`
    that of the chapter on growth. `overrides` is the project's own list of key customers.
    """

    customers: pd.DataFrame | None = None
    deals: pd.DataFrame | None = None
    opportunity_lines: pd.DataFrame | None = None
    products: pd.DataFrame | None = None
    feedback: pd.DataFrame | None = None
    activities: pd.DataFrame | None = None
    inbound_contacts: pd.DataFrame | None = None
    reps: pd.DataFrame | None = None
    customer_growth: pd.DataFrame | None = None
    overrides: pd.DataFrame | None = None


def key_customers(
    customer_features: pd.DataFrame | None,
    known: Known,
    *,
    scope: Scope,
    options: KeyCustomersOptions | None = None,
) -> Result:
    """Name the key customers by a printed rule and say what is known of each and of their needs.

    Tables of the Result, those that hold something: `customers` (see `customer_table`), `taken`
    (lines of those with a decided proposal), `acceptance` (lines by category), `breadth` (lines per
    proposal), `breadth_sizes` and `breadth_effect` (lines against winning), `coverage` and `topics`
    (feedback), `own_list` (overrides with their state). Without invoices money is the value of
    deals won. All is as it was known at the period's end.
    """
    options = options or KeyCustomersOptions()
    base, measure = base_table(customer_features, known, scope)
    listed = key_list(
        base, _growth(known), known.overrides, scope=scope, options=options, measure=measure
    )
    if listed.customers.empty:
        return Result.nothing(NAME, TITLE, scope.period, _nobody(options, base))
    covers = _covers(customer_features, known.deals, scope)
    told = _told(base, measure, covers, listed, known, scope=scope, options=options)
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=_headline(told),
        findings=findings(told, scope),
        decisions=decisions(told, scope),
        tables=_tables(told, answers_as_of(known.feedback, scope), scope),
        charts={"key_customers": key_chart(told, scope)},
        caveats=caveats(told, scope),
        definitions=definitions(told, scope),
        unknown=unknown(told, scope),
    )


def _told(
    base: pd.DataFrame,
    measure: str,
    covers: bool,
    listed: KeyList,
    known: Known,
    *,
    scope: Scope,
    options: KeyCustomersOptions,
) -> Told:
    """Put together what the sentences are made from."""
    lines = decided_lines(
        known.deals,
        known.opportunity_lines,
        known.products,
        scope=scope,
        quarters=options.proposal_quarters,
    )
    offered = proposals(lines, known.opportunity_lines, known.deals)
    answers, key_ids = answers_as_of(known.feedback, scope), listed.customers["customer_id"]
    return Told(
        customers=_comparable(
            customer_table(base, listed, lines, known, scope=scope, options=options), covers
        ),
        base=base,
        listed=listed,
        measure=measure,
        covers_year_before=covers,
        acceptance=acceptance_table(lines, key_ids, options),
        overall=_overall(lines),
        proposals=offered,
        breadth=breadth(offered, options),
        coverage=coverage_table(base, key_ids, answers, scope, options)
        if known.feedback is not None
        else pd.DataFrame(),
        missing=_missing(known, lines),
        options=options,
    )


def _tables(told: Told, answers: pd.DataFrame, scope: Scope) -> dict[str, pd.DataFrame]:
    """Return the tables that hold something: an empty one says nothing on a page."""
    key_ids = told.listed.customers["customer_id"]
    tables = {
        "customers": told.customers,
        "taken": told.customers.loc[told.customers["proposal_count"] > 0, _TAKEN],
        "acceptance": told.acceptance,
        "breadth": breadth_table(told.proposals),
        "breadth_sizes": told.breadth.sizes,
        "breadth_effect": told.breadth.effects,
        "coverage": told.coverage,
        "topics": topic_table(answers, key_ids, scope, told.options),
        "own_list": told.listed.overrides.astype("str"),
    }
    return {name: table for name, table in tables.items() if len(table)}


def _nobody(options: KeyCustomersOptions, base: pd.DataFrame) -> str:
    if options.rule == "list" and len(base):
        return (
            "Your own list is to name the key customers, and names none who is known: "
            "data/raw/overrides/key_customers.csv with customer_id and is_key gives it."
        )
    return _NOBODY


def base_table(
    customer_features: pd.DataFrame | None, known: Known, scope: Scope
) -> tuple[pd.DataFrame, str]:
    """Return each customer's money of the last four quarters and the four before, and its name.

    Columns: customer_id, customer_name, year_amount, year_before_amount, rep_id. Invoices if there
    are any, else deals won.
    """
    names = known.customers
    if customer_features is not None and len(customer_features):
        columns = {
            "customer_id": "customer_id",
            "customer_name": "customer_name",
            "revenue_year_amount": "year_amount",
            "revenue_year_before_amount": "year_before_amount",
            "rep_id": "rep_id",
        }
        table = customer_features.reindex(columns=list(columns)).rename(columns=columns)
        table = table.astype({"year_amount": "float64", "year_before_amount": "float64"})
        measure = "revenue"
    else:
        table, measure = won_base(known.deals, scope), "value of deals won"
    if names is not None and "customer_name" in names:
        said = names.drop_duplicates("customer_id").set_index("customer_id")["customer_name"]
        own = table["customer_name"].astype("object")
        table = table.assign(customer_name=own.where(own.notna(), table["customer_id"].map(said)))
    return table.sort_values("customer_id", ignore_index=True), measure


def _covers(
    customer_features: pd.DataFrame | None, deals: pd.DataFrame | None, scope: Scope
) -> bool:
    """Whether the data reach back far enough for the year before to be whole."""
    if customer_features is not None and len(customer_features):
        first = pd.to_datetime(customer_features["first_order_on"]).min()
    else:
        first = deals["ended_at"].min()
    return bool(first < first_day(scope, 2 * _YEAR) + timedelta(days=_LATE_DAYS))


def _growth(known: Known) -> pd.DataFrame | None:
    growth = known.customer_growth
    if growth is None or growth.empty:
        return None
    amounts = [name for name in growth if name.endswith("_amount")]
    return growth.astype(dict.fromkeys(amounts, "float64"))


def customer_table(
    base: pd.DataFrame,
    listed: KeyList,
    lines: pd.DataFrame,
    known: Known,
    *,
    scope: Scope,
    options: KeyCustomersOptions,
) -> pd.DataFrame:
    """Return one row per key customer, most money first.

    Columns: customer_id, customer_name, why; year_amount, year_before_amount, change_amount,
    change_share (missing where he bought nothing before); expected_year_amount with low and high,
    gap_year_amount and offer_next (from growth); the columns of `customer_acceptance`,
    `last_answers` and `owners`; open_deal_count, open_deal_amount; last_contact_on, contact_days.
    """
    ids = listed.customers["customer_id"]
    table = listed.customers.merge(base, on="customer_id").drop(columns="rep_id")
    before = table["year_before_amount"]
    table = table.assign(
        change_amount=table["year_amount"] - before,
        change_share=(table["year_amount"] / before.where(before > 0) - 1),
    )
    dealt = dealings(known.deals, known.activities, scope, options.dealt_days)
    mine = base[base["customer_id"].isin(ids)]
    parts = [
        _ahead(_growth(known), ids),
        customer_acceptance(lines, ids, options),
        open_deals(known.deals).reindex(ids),
        last_answers(answers_as_of(known.feedback, scope), ids, scope, options),
        owners(mine, known.customers, known.reps, latest_owner(known.deals), dealt, scope),
        _contact_columns(
            last_contacts(known.activities, known.inbound_contacts, scope), ids, scope
        ),
    ]
    for part in parts:
        table = table.merge(part, left_on="customer_id", right_index=True, how="left")
    if known.deals is not None:
        table = table.fillna({"open_deal_count": 0})
        has_none = table["open_deal_count"] == 0
        table = table.assign(open_deal_amount=table["open_deal_amount"].mask(has_none, 0.0))
    return table if known.feedback is not None else table.assign(feedback=None)


def _comparable(table: pd.DataFrame, covers_year_before: bool) -> pd.DataFrame:
    """Leave out a year before that the data do not hold whole."""
    if covers_year_before:
        return table
    return table.assign(year_before_amount=np.nan, change_amount=np.nan, change_share=np.nan)


def _ahead(growth: pd.DataFrame | None, ids: pd.Series) -> pd.DataFrame:
    index = pd.Index(ids, name="customer_id")
    columns = {
        "forecast_year_amount": "expected_year_amount",
        "forecast_year_low_amount": "expected_year_low_amount",
        "forecast_year_high_amount": "expected_year_high_amount",
        "gap_year_amount": "gap_year_amount",
    }
    if growth is None:
        empty = pd.DataFrame(np.nan, index=index, columns=list(columns.values()))
        return empty.assign(offer_next=None)
    mine = growth.set_index("customer_id").reindex(index)
    offers = [
        str(names[0]) if isinstance(names, (list, tuple, np.ndarray)) and len(names) else None
        for names in mine["next_products"]
    ]
    return (
        mine[list(columns)]
        .rename(columns=columns)
        .assign(offer_next=pd.Series(offers, index=index, dtype="object"))
    )


def _contact_columns(days: pd.Series | None, ids: pd.Series, scope: Scope) -> pd.DataFrame:
    index = pd.Index(ids, name="customer_id")
    if days is None:
        days = pd.Series(dtype="datetime64[us]")
    last = days.reindex(index)
    since = (pd.Timestamp(scope.as_of) - last).dt.days.astype("float64")
    return pd.DataFrame({"last_contact_on": last, "contact_days": since})


def _overall(lines: pd.DataFrame) -> tuple[float, float, float, int]:
    """Return the share of all decided lines that was taken, its 80 % interval, and their number."""
    known = lines[lines["is_accepted"].notna()]
    if known.empty:
        return np.nan, np.nan, np.nan, 0
    return (*accepted_range(known), len(known))


def _missing(known: Known, lines: pd.DataFrame) -> tuple[str, ...]:
    """Say what is not here because a table is missing, one plain sentence each."""
    texts = []
    if known.deals is None:
        texts.append("No deals are loaded: open deals and proposals cannot be shown.")
    elif known.opportunity_lines is None:
        texts.append(
            "No lines of proposals are loaded (opportunity_lines): what was offered and taken is "
            "not known."
        )
    elif lines.empty:
        texts.append("No proposal with lines was decided in the time that rates rest on.")
    if known.feedback is None:
        texts.append("No feedback is loaded: what key customers think is not known.")
    if _growth(known) is None:
        texts.append("The chapter on growth has no forecast: what may come is left out.")
    if known.activities is None and known.inbound_contacts is None:
        texts.append("No contacts are loaded: when we last talked to whom is not known.")
    return tuple(texts)


def _headline(told: Told) -> dict[str, Number]:
    table = told.customers
    amount, all_ = told.amount, told.base["year_amount"].clip(lower=0).sum()
    before = told.customers["year_before_amount"].sum() if told.covers_year_before else None
    noun = told.measure[:1].upper() + told.measure[1:]
    numbers = {
        "key_amount": Number(f"{noun} of key customers, a year", amount, "amount"),
        "key_share": Number(
            "Their part of all",
            float(amount / all_) if all_ > 0 else None,
            "share",
            note="of customers with a number",
        ),
        "key_count": Number("Key customers", float(len(table)), "count"),
    }
    if before is not None:
        numbers["before"] = Number("The same customers a year before", float(before), "amount")
    if "feedback" not in told.without:
        heard = float((table["feedback"] == FRESH).mean())
        note = f"within {told.options.fresh_days} days"
        numbers["key_customers_heard"] = Number("Key customers heard", heard, "share", note=note)
    if table["has_no_owner"].notna().any():
        label = "Key customers without an owner"
        number = Number(label, float(len(told.ownerless)), "count")
        numbers["key_customers_ownerless"] = number
    share, low, high, count = told.overall
    if count >= told.options.fewest_lines:
        numbers["accepted"] = Number("Lines taken of those offered", share, "share", low, high)
        lines = float(told.proposals["line_count"].mean())
        numbers["lines"] = Number("Lines per proposal", lines, "number")
    return numbers
