"""Who is a key customer: a rule that is printed with its numbers, and the project's own list."""

from dataclasses import dataclass

import pandas as pd

from analysis.core.problems import InputError, Problem, raise_all
from analysis.core.scope import Scope
from analysis.customers.key_customers_options import KeyCustomersOptions
from analysis.customers.segment_overrides import APPLIED, EXPIRED, NOT_YET, UNKNOWN_CUSTOMER

BY_REVENUE, BY_GROWTH, BY_LIST = "revenue", "growth ahead", "your own list"
_WHERE = "overrides of customers/key_customers"
_COLUMNS = ("customer_id", "is_key", "author", "set_on", "until_on", "note")
_ANSWERS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


@dataclass(frozen=True)
class KeyList:
    """Who is key, and the rule that says so.

    `customers`: customer_id and why, by amount. `needed_count`: customers who would bring the
    share, were there no least or most. `year_ago_ids`: those whom the same rule would have picked
    by the amount of the year before. `overrides`: the own list, each row with its state.
    `words`: the rule with its numbers.
    """

    customers: pd.DataFrame
    needed_count: int
    year_ago_ids: tuple[str, ...]
    overrides: pd.DataFrame
    words: str


def key_list(
    base: pd.DataFrame,
    growth: pd.DataFrame | None,
    overrides: pd.DataFrame | None,
    *,
    scope: Scope,
    options: KeyCustomersOptions,
    measure: str = "revenue",
) -> KeyList:
    """Return the key customers of `base` (customer_id, year_amount, year_before_amount)."""
    own = read_own_list(overrides, base["customer_id"], scope)
    by_rule = options.rule == "revenue"
    first = fewest_for_share(base, "year_amount", options) if by_rule else []
    why = dict.fromkeys(first, BY_REVENUE)
    if by_rule:
        why |= dict.fromkeys(_with_gap(growth, base, set(first), options), BY_GROWTH)
    applied = own[own["state"] == APPLIED]
    for row in applied.itertuples():
        if not row.is_key:
            why.pop(row.customer_id, None)
        else:
            why.setdefault(row.customer_id, BY_LIST)
    amounts = base.set_index("customer_id")["year_amount"]
    names = sorted(why, key=lambda name: (-amounts[name], name))
    table = pd.DataFrame({"customer_id": names, "why": [why[name] for name in names]}, dtype="str")
    needed = customers_needed(base, "year_amount", options) if by_rule else 0
    year_ago = tuple(fewest_for_share(base, "year_before_amount", options)) if by_rule else ()
    return KeyList(table, needed, year_ago, own, _words(applied, growth, scope, options, measure))


def fewest_for_share(base: pd.DataFrame, column: str, options: KeyCustomersOptions) -> list[str]:
    """Return the fewest customers who bring the share, within the least and most, largest first.

    Customers with nothing or less are never among them, nor in what the share is of.
    """
    positive = base[base[column] > 0].sort_values([column, "customer_id"], ascending=[False, True])
    if positive.empty:
        return []
    needed = customers_needed(base, column, options)
    count = min(max(needed, options.fewest_customers), options.most_customers)
    return positive["customer_id"].head(count).tolist()


def customers_needed(base: pd.DataFrame, column: str, options: KeyCustomersOptions) -> int:
    """Return the number of customers who bring the share, largest first; 0 where none bring any."""
    amounts = base.loc[base[column] > 0, column].sort_values(ascending=False)
    share = amounts.cumsum() / amounts.sum()
    # Rounding of the sum may leave the last a hair below the share.
    below = int((share < options.revenue_share - 1e-9).sum())
    return min(below + 1, len(amounts))


def _with_gap(
    growth: pd.DataFrame | None, base: pd.DataFrame, taken: set[str], options: KeyCustomersOptions
) -> list[str]:
    if growth is None:
        return []
    known = growth[
        growth["customer_id"].isin(base["customer_id"]) & (growth["gap_year_amount"] > 0)
    ]
    others = known[~known["customer_id"].isin(taken)]
    ordered = others.sort_values(["gap_year_amount", "customer_id"], ascending=[False, True])
    return ordered["customer_id"].head(options.growth_customers).tolist()


def read_own_list(
    overrides: pd.DataFrame | None, customer_ids: pd.Series, scope: Scope
) -> pd.DataFrame:
    """Return the own list with `is_key` as a flag and each row's `state`; InputError if unreadable.

    A row holds from `set_on` to `until_on`, both days included; an empty day is no limit.
    """
    if overrides is None or overrides.empty:
        return pd.DataFrame(columns=[*_COLUMNS, "state"], dtype="str")
    _check(overrides)
    table = overrides.astype("str").reindex(columns=list(_COLUMNS)).astype("object").fillna("")
    table = table.astype("str").apply(lambda column: column.str.strip())
    until, set_on = _days(table, "until_on"), _days(table, "set_on")
    as_of = pd.Timestamp(scope.as_of)
    state = pd.Series(APPLIED, index=table.index, dtype="str")
    state = state.mask(~table["customer_id"].isin(customer_ids), UNKNOWN_CUSTOMER)
    state = state.mask(until < as_of, EXPIRED).mask(set_on > as_of, NOT_YET)
    table = table.assign(is_key=table["is_key"].str.lower().map(_ANSWERS), state=state)
    return table.sort_values("customer_id", ignore_index=True)


def _check(overrides: pd.DataFrame) -> None:
    expected = f"columns {', '.join(_COLUMNS)}"
    problems = []
    unknown = sorted(set(overrides.columns) - set(_COLUMNS))
    if unknown:
        problems.append(Problem(_WHERE, f"columns {', '.join(unknown)}", expected, "rename them"))
    missing = [name for name in ("customer_id", "is_key") if name not in overrides]
    problems += [Problem(_WHERE, f"no column {name}", expected, "add it") for name in missing]
    raise_all(problems, InputError)
    ids = overrides["customer_id"].astype("str").str.strip()
    twice = sorted(set(ids[ids.duplicated()]))
    if twice:
        found = f"more than one row for {', '.join(twice[:3])}"
        problems.append(Problem(_WHERE, found, "one row per customer", "leave one of them"))
    answers = overrides["is_key"].astype("str").str.strip()
    wrong = sorted(set(answers[~answers.str.lower().isin(_ANSWERS)]))
    if wrong:
        found = ", ".join(map(repr, wrong[:3]))
        problems.append(Problem(f"{_WHERE}, column is_key", found, "yes or no", "mend it"))
    raise_all(problems, InputError)


def _days(table: pd.DataFrame, name: str) -> pd.Series:
    texts = table[name]
    days = pd.to_datetime(texts.mask(texts == ""), format="%Y-%m-%d", errors="coerce")
    wrong = texts[days.isna() & (texts != "")]
    if not wrong.empty:
        found = ", ".join(map(repr, wrong.head(3)))
        expected = "a day like 2026-09-30, or nothing"
        raise InputError(Problem(f"{_WHERE}, column {name}", found, expected, "mend it"))
    return days


def _words(
    applied: pd.DataFrame,
    growth: pd.DataFrame | None,
    scope: Scope,
    options: KeyCustomersOptions,
    measure: str,
) -> str:
    """Say the rule with its numbers, as a reader can check it."""
    if options.rule == "list":
        return f"A key customer is one on your own list: {len(applied[applied['is_key'] == True])}."  # noqa: E712
    count = scope.display.count
    share = scope.display.share(options.revenue_share, 0)
    text = (
        f"The fewest customers who bring {share} of the {measure} of the last four quarters, but "
        f"at least {count(options.fewest_customers)} and at most {count(options.most_customers)}"
    )
    has_gaps = growth is not None and (growth["gap_year_amount"] > 0).any()
    if has_gaps and options.growth_customers:
        text += (
            f"; and the {count(options.growth_customers)} others with the greatest gap between "
            "what like customers buy in a year and what they are expected to buy"
        )
    added, removed = (int((applied["is_key"] == flag).sum()) for flag in (True, False))
    if added or removed:
        text += f". Your own list names {count(added)} as key and {count(removed)} as not key"
    return f"{text}."
