"""Where an analyst knows better: overrides of segment or class, applied, listed, never lost."""

from datetime import date

import pandas as pd

from analysis.core.problems import InputError, Problem, raise_all
from analysis.customers.prospects import PROSPECT_CLASSES

_WHERE = "overrides of customers/segmentation"
_COLUMNS = ("customer_id", "segment_name", "prospect_class", "author", "set_on", "until_on", "note")
# An override that nobody limited is asked about after a year.
_OLD_DAYS = 365
APPLIED, EXPIRED, NOT_YET = "applied", "expired", "set after this period"
UNKNOWN_CUSTOMER, UNKNOWN_NAME = "customer is not known", "no segment or class of this name"


def read_overrides(
    overrides: pd.DataFrame | None,
    customer_ids: pd.Series,
    names: dict[str, str],
    as_of: date,
) -> pd.DataFrame:
    """Return one row per override with its `state`; InputError when the table cannot be read.

    An override holds to `until_on`, that day included. One whose customer or name does not exist
    is not applied, and says so: a refit may have changed the names.
    """
    if overrides is None or overrides.empty:
        return pd.DataFrame(columns=[*_COLUMNS, "state"], dtype="str")
    _check(overrides)
    table = overrides.astype("str").reindex(columns=list(_COLUMNS)).astype("object").fillna("")
    table = table.astype("str").apply(lambda column: column.str.strip())
    table = table.assign(prospect_class=table["prospect_class"].str.lower())
    until, set_on = _days(table, "until_on"), _days(table, "set_on")
    known = set(names.values()) | {""}
    is_named = table["segment_name"].isin(known) & table["prospect_class"].isin(
        [*PROSPECT_CLASSES, ""]
    )
    state = pd.Series(APPLIED, index=table.index, dtype="str")
    state = state.mask(~is_named, UNKNOWN_NAME)
    state = state.mask(~table["customer_id"].isin(customer_ids), UNKNOWN_CUSTOMER)
    state = state.mask(until < pd.Timestamp(as_of), EXPIRED)
    state = state.mask(set_on > pd.Timestamp(as_of), NOT_YET)
    return table.assign(state=state).sort_values("customer_id", ignore_index=True)


def warn_of_stale(
    overrides: pd.DataFrame, ruled: pd.DataFrame, fitted_on: date, as_of: date
) -> pd.DataFrame:
    """Return the overrides with `warning`: why somebody should look at one again, or nothing.

    Stale is one that is not applied, that the rule by now agrees with, that named a segment before
    the segments were made, or that has no end and is older than a year.
    """
    set_on, until = _days(overrides, "set_on"), _days(overrides, "until_on")
    named, classed = overrides["segment_name"], overrides["prospect_class"]
    rule = ruled.set_index("customer_id").reindex(overrides["customer_id"]).reset_index()
    agrees = ((named == "") | (named == rule["segment_name"])) & (
        (classed == "") | (classed == rule["prospect_class"])
    )
    is_old = until.isna() & (set_on < pd.Timestamp(as_of) - pd.Timedelta(days=_OLD_DAYS))
    warning = pd.Series("", index=overrides.index, dtype="str")
    warning = warning.mask(is_old, "older than a year, without an end")
    is_before = (named != "") & (set_on < pd.Timestamp(fitted_on))
    warning = warning.mask(is_before, "set before these segments were made")
    warning = warning.mask(agrees, "the rule says the same by now")
    return overrides.assign(warning=warning.mask(overrides["state"] != APPLIED, overrides["state"]))


def apply_overrides(
    segments: pd.DataFrame, overrides: pd.DataFrame, names: dict[str, str]
) -> pd.DataFrame:
    """Return segments with the applied overrides in place, their reasons saying who set them."""
    active = overrides[overrides["state"] == APPLIED].set_index("customer_id")
    mine = segments["customer_id"].isin(active.index)
    if not mine.any():
        return segments
    ids = {name: segment_id for segment_id, name in names.items()}
    rows = segments[mine].copy()
    told = active.loc[rows["customer_id"]]
    reasons = []
    for (index, row), (_, override) in zip(rows.iterrows(), told.iterrows(), strict=True):
        reasons.append(_reason(row, override))
        if override["segment_name"]:
            rows.loc[index, "segment_id"] = ids[override["segment_name"]]
            rows.loc[index, "segment_name"] = override["segment_name"]
        if override["prospect_class"]:
            rows.loc[index, "prospect_class"] = override["prospect_class"]
    rows = rows.assign(reason=pd.Series(reasons, rows.index, dtype="str"), is_override=True)
    return pd.concat([segments[~mine], rows]).sort_index()


def _reason(row: pd.Series, override: pd.Series) -> str:
    author = override["author"] or "an analyst"
    note = f" ({override['note']})" if override["note"] else ""
    rule = f"the rule says “{row['segment_name']}”, {row['prospect_class']}"
    return f"Set by {author}{note}; {rule}: {row['reason']}"


def _check(overrides: pd.DataFrame) -> None:
    unknown = sorted(set(overrides.columns) - set(_COLUMNS))
    expected = f"columns {', '.join(_COLUMNS)}"
    problems = []
    if unknown:
        problems.append(Problem(_WHERE, f"columns {', '.join(unknown)}", expected, "rename them"))
    if "customer_id" not in overrides:
        problems.append(Problem(_WHERE, "no column customer_id", expected, "add it"))
    raise_all(problems, InputError)
    ids = overrides["customer_id"].astype("str").str.strip()
    twice = sorted(set(ids[ids.duplicated()]))
    if twice:
        found = f"more than one row for {', '.join(twice[:3])}"
        raise InputError(Problem(_WHERE, found, "one row per customer", "leave one of them"))


def _days(table: pd.DataFrame, name: str) -> pd.Series:
    texts = table[name]
    days = pd.to_datetime(texts.mask(texts == ""), format="%Y-%m-%d", errors="coerce")
    wrong = texts[days.isna() & (texts != "")]
    if not wrong.empty:
        where = f"{_WHERE}, column {name}"
        found = ", ".join(map(repr, wrong.head(3)))
        raise InputError(Problem(where, found, "a day like 2026-09-30, or nothing", "mend it"))
    return days
