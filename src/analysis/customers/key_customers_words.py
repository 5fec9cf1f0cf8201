"""What the chapter on key customers asks, limits and defines; and what its sentences stand on."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import pandas as pd

from analysis.core.result import Decision
from analysis.core.scope import Scope
from analysis.customers.key_customers_breadth import NOTHING, Breadth
from analysis.customers.key_customers_options import KeyCustomersOptions
from analysis.customers.key_customers_rule import KeyList
from analysis.customers.key_customers_voice import FRESH, NOT_KNOWN

_MOST_NAMED = 3
_CALL_DAYS, _OWNER_DAYS = 14, 30
_DIRECTOR = "sales director"


@dataclass(frozen=True)
class Told:
    """Everything that the sentences are made from."""

    customers: pd.DataFrame
    base: pd.DataFrame
    listed: KeyList
    measure: str
    covers_year_before: bool
    acceptance: pd.DataFrame
    overall: tuple[float, float, float, int]
    proposals: pd.DataFrame
    breadth: Breadth
    coverage: pd.DataFrame
    missing: tuple[str, ...]
    options: KeyCustomersOptions

    @property
    def amount(self) -> float:
        """Money of the key customers in the last four quarters."""
        return float(self.customers["year_amount"].sum())

    @property
    def without(self) -> tuple[str, ...]:
        """Which of feedback and contacts are not loaded."""
        texts = " ".join(self.missing)
        return tuple(
            name
            for name, words in (("feedback", "No feedback"), ("contacts", "No contacts"))
            if words in texts
        )

    @property
    def unheard(self) -> pd.DataFrame:
        """Key customers without fresh feedback."""
        return self.customers[self.customers["feedback"] != FRESH]

    @property
    def unhappy(self) -> pd.DataFrame:
        """Key customers whose fresh score is low."""
        is_fresh = self.customers["feedback"] == FRESH
        is_low = self.customers["feedback_score"] <= self.options.low_score
        return self.customers[is_fresh & is_low]

    @property
    def ownerless(self) -> pd.DataFrame:
        """Key customers whom nobody looks after."""
        return self.customers[self.customers["has_no_owner"].fillna(False).astype(bool)]

    @property
    def untouched(self) -> pd.DataFrame:
        """Key customers without a contact for too long, or ever."""
        days = self.customers["contact_days"]
        return self.customers[days.isna() | (days > self.options.contact_days)]


def named(table: pd.DataFrame) -> str:
    """Name the first customers of a table and say how many more there are."""
    name = table["customer_name"].astype("object")
    return some_of(name.where(name.notna(), table["customer_id"]).astype("str"))


def some_of(texts: Iterable[str]) -> str:
    """Return the first three of these texts in a row, and how many more there are."""
    shown = list(texts)
    more = len(shown) - _MOST_NAMED
    told = ", ".join(shown[:_MOST_NAMED])
    return f"{told} and {more} more" if more > 0 else told


def customers_words(count: int, scope: Scope) -> str:
    """Say a number of key customers."""
    return f"{scope.display.count(count)} key customer{'' if count == 1 else 's'}"


def decisions(told: Told, scope: Scope) -> tuple[Decision, ...]:
    """Return what leaders are asked, with owner and day; at most one of each kind."""
    asked = [
        _call(told, scope),
        _name_owner(told, scope),
        _ask_feedback(told, scope),
        _offer(told, scope),
    ]
    return tuple(decision for decision in asked if decision is not None)


def _next_quarter_end(scope: Scope) -> pd.Timestamp:
    return scope.closing_quarter.next_period.last_day


def _call(told: Told, scope: Scope) -> Decision | None:
    rows = told.unhappy
    if rows.empty:
        return None
    topics = rows["feedback_topic"].dropna()
    about = f" about {some_of(sorted(topics.unique()))}" if len(topics) else ""
    return Decision(
        f"Who calls {named(rows)}{about}? Their last answer was "
        f"{scope.display.number(told.options.low_score, 0)} or less.",
        worth_amount=round(float(rows["year_amount"].sum()), 2),
        owner=_owner_of(rows, told),
        due_on=scope.as_of + timedelta(days=_CALL_DAYS),
    )


def _name_owner(told: Told, scope: Scope) -> Decision | None:
    rows = told.ownerless
    if rows.empty:
        return None
    return Decision(
        f"Who looks after {named(rows)}? Nobody who is here has dealt with them in the last "
        f"{scope.display.count(told.options.dealt_days)} days.",
        worth_amount=round(float(rows["year_amount"].sum()), 2),
        owner=_DIRECTOR,
        due_on=scope.as_of + timedelta(days=_OWNER_DAYS),
        metric="ownerless_amount",
    )


def _ask_feedback(told: Told, scope: Scope) -> Decision | None:
    rows = told.unheard
    if rows.empty or "feedback" in told.without:
        return None
    fell = rows[rows["change_amount"] < 0].sort_values(["change_amount", "customer_id"])
    start = ""
    if told.covers_year_before and len(fell):
        start = f" Begin with those who buy less: {named(fell)}."
    return Decision(
        f"Ask {customers_words(len(rows), scope)} what they think and need?{start}",
        owner=_DIRECTOR,
        due_on=_next_quarter_end(scope),
        metric="key_customers_heard",
    )


def _offer(told: Told, scope: Scope) -> Decision | None:
    table = told.customers
    open_ = table[(table["gap_year_amount"] > 0) & table["offer_next"].notna()]
    if open_.empty:
        return None
    order = ["gap_year_amount", "customer_id"]
    first = open_.sort_values(order, ascending=[False, True]).head(1)
    row = first.iloc[0]
    return Decision(
        f"Offer {named(first)} “{row['offer_next']}” first? Like customers buy "
        f"{scope.display.amount(row['gap_year_amount'])} a year more than is expected of this one.",
        worth_amount=round(float(row["gap_year_amount"]), 2),
        owner=_owner_of(first, told),
        due_on=_next_quarter_end(scope),
    )


def _owner_of(rows: pd.DataFrame, told: Told) -> str:
    """The owner of one customer, or the director where several people would have to do it."""
    names = rows["owner"].dropna().unique()
    is_one = len(names) == 1 and not rows["has_no_owner"].fillna(True).any()
    return str(names[0]) if is_one else _DIRECTOR


def caveats(told: Told, scope: Scope) -> tuple[str, ...]:
    """Return the limits of what the chapter says."""
    texts = []
    if told.covers_year_before:
        texts.append(
            "Who is picked for a good year had, by chance alone, a worse one before and often "
            "after."
        )
    else:
        texts.append(
            "The data do not reach back two years: changes against the year before are out."
        )
    if "feedback" not in told.without:
        texts.append(
            "Scores are of those who answered; who is silent may think otherwise. Who was asked is "
            "not recorded, so silence and not being asked look alike."
        )
    if len(told.proposals):
        texts.append(
            "Lines of proposals bear no day: only those of deals won or lost by the period's end "
            "are counted, so proposals still open are missing."
        )
    if told.breadth.verdict != NOTHING:
        texts.append(
            "That broader proposals are won more or less often would not show that breadth does "
            "it: a buyer who is serious asks for more, and a deal's value is partly its lines. "
            "Only the size of the deal is held equal, not the seller, product or need."
        )
    texts += _of_owners(told, scope)
    stale = told.listed.overrides
    stale = stale[stale["state"] != "applied"]
    if len(stale):
        rows = [f"{row.customer_id} ({row.state})" for row in stale.itertuples()]
        texts.append(f"Rows of your own list that were not applied: {some_of(rows)}.")
    return tuple(texts)


def _of_owners(told: Told, scope: Scope) -> list[str]:
    """Say whence owners are known, and where the customer list is out of date."""
    table = told.customers
    if (table["owner_from"] == NOT_KNOWN).all():
        return ["Neither the customer list nor invoices or deals say who looks after whom."]
    texts = [
        "Who looks after a customer is who sold him most in the year or had his latest deal; who "
        "here dealt with him last, where that person has left; and the customer list's owner only "
        "where nobody dealt with him."
    ]
    stale = int(table["listed_has_left"].sum())
    if stale:
        texts.append(
            f"The customer list names people who left for {customers_words(stale, scope)}: bring "
            "it up to date."
        )
    return texts


def definitions(told: Told, scope: Scope) -> dict[str, str]:
    """Return what each term of the chapter means; the rule comes first."""
    options = told.options
    words = {"Key customer": told.listed.words}
    words["Heard"] = (
        f"the last answer is at most {scope.display.count(options.fresh_days)} days old; older "
        "ones are called old"
    )
    words["Lines taken"] = (
        "lines of proposals that the customer took, of those offered in deals won or lost in the "
        f"last {scope.display.count(options.proposal_quarters)} quarters; ranges (80 %) allow for "
        "lines of one customer going together. A customer's own rate is drawn to that of all key "
        f"customers and missing under {scope.display.count(options.fewest_lines)} lines"
    )
    words["At equal deal size"] = (
        "deals are compared along a smooth curve of their value; ranges (95 %) allow for deals of "
        "one customer being alike; the table in fifths of value shows nearly the same by hand"
    )
    words["Last contact"] = (
        "a finished call, message, meeting or proposal by a person, or an answered message of the "
        "customer"
    )
    return words
