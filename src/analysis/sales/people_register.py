"""The register of what was tried: what, on whom, from when, promising what, and what came of it."""

import numpy as np
import pandas as pd

from analysis.sales.people_inputs import Records, Work

NOT_MEASURED, NOT_BEGUN = "not measured", "not begun"
_COLUMNS = ["improvement_id", "name", "kind", "driver", "promised_share", "promised_low_share"]
_COLUMNS += ["promised_high_share", "unit", "with_count", "without_count", "begins_on", "ends_on"]
_COLUMNS += ["owner", "measured_share", "measured_low_share", "measured_high_share", "verdict"]
_PLAN = {
    "name": "name",
    "kind": "kind",
    "driver": "driver",
    "effect_mid": "promised_share",
    "effect_low": "promised_low_share",
    "effect_high": "promised_high_share",
    "owner": "owner",
}
_MEASURED = {
    "effect_share": "measured_share",
    "effect_low_share": "measured_low_share",
    "effect_high_share": "measured_high_share",
    "verdict": "verdict",
}


def register_table(work: Work, records: Records, reps: pd.DataFrame | None) -> pd.DataFrame:
    """Return every experiment and change of process known at the period's end, first one first.

    Columns: improvement_id; name; kind; driver and promised_share with low and high (the
    hypothesis: relative change of that number); unit (seller, team, region ...; a row of each);
    with_count and without_count (units that had it and those that did not; sellers of the window,
    teams of `reps`, else those that the measurement compared with; or missing); begins_on; ends_on
    (missing while it lasts); owner; measured_share with low and high and verdict (as the chapter on
    improvements has measured them, `records.measured`; "not measured" or "not begun" where it has
    not).
    """
    plans = _plans(records, work.ends)
    given = records.improvement_assignments
    known = set(plans["improvement_id"])
    if given is not None:
        begun = given[given["treated_from_on"] < work.ends]
        more = sorted(set(begun["improvement_id"]) - known) if records.improvements is None else []
        plans = pd.concat([plans, pd.DataFrame({"improvement_id": more, "name": more})])
    rows = [
        {"improvement_id": plan.improvement_id, "planned_on": plan.effective_on} | units
        for plan in plans.itertuples()
        for units in _units(plan.improvement_id, given, work, reps)
    ]
    table = pd.DataFrame(rows, columns=["improvement_id", "planned_on", *_COLUMNS[7:12]])
    table = table.merge(plans[["improvement_id", *_PLAN]].rename(columns=_PLAN), how="left")
    table = table.assign(begins_on=table["begins_on"].fillna(table["planned_on"]))
    found = _with_verdict(table, records.measured, work.ends)
    order = ["begins_on", "improvement_id", "unit"]
    table = found.assign(**{name: _plain(found[name]) for name in ("kind", "driver", "unit")})
    return table[_COLUMNS].sort_values(order, ignore_index=True)


def _plain(words: pd.Series) -> pd.Series:
    """As people say it; the other chapters on selling call a rep a seller."""
    plain = words.astype(object).str.replace("_", " ").replace("rep", "seller")
    return plain.where(words.notna(), None)


def _plans(records: Records, ends: pd.Timestamp) -> pd.DataFrame:
    columns = ["improvement_id", "effective_on", *_PLAN]
    if records.improvements is None:
        return pd.DataFrame(columns=columns)
    plans = records.improvements
    is_known = plans["starts_on"].isna() | (plans["starts_on"] < ends)
    return plans.loc[is_known].reindex(columns=columns)


def _units(
    key: str, given: pd.DataFrame | None, work: Work, reps: pd.DataFrame | None
) -> list[dict[str, object]]:
    """One row per kind of unit that it was given to; one that says that nobody is named."""
    names = _COLUMNS[7:12]
    mine = None if given is None else given[given["improvement_id"] == key]
    if mine is None or mine.empty:
        return [dict(zip(names, ("nobody named", np.nan, np.nan, pd.NaT, pd.NaT), strict=True))]
    rows = []
    for unit, part in mine.groupby("unit_type"):
        begun = part[part["treated_from_on"] < work.ends]
        having = set(begun["unit_id"].astype(str))
        every = _every(str(unit), work, reps)
        without = np.nan if every is None else len(every - having)
        lasting = "treated_to_on" not in part or part["treated_to_on"].isna().any()
        until = pd.NaT if lasting else part["treated_to_on"].max()
        row = (str(unit), len(having), without, part["treated_from_on"].min(), until)
        rows.append(dict(zip(names, row, strict=True)))
    return rows


def _every(unit: str, work: Work, reps: pd.DataFrame | None) -> set[str] | None:
    if unit == "rep":
        return set(work.present.index[work.present > 0])
    if unit == "team" and reps is not None and "team_id" in reps:
        return set(reps["team_id"].dropna().astype(str))
    return None


def _with_verdict(
    table: pd.DataFrame, measured: pd.DataFrame | None, ends: pd.Timestamp
) -> pd.DataFrame:
    known = pd.DataFrame(columns=["improvement_id", *_MEASURED]) if measured is None else measured
    known = known.drop_duplicates("improvement_id").set_index("improvement_id")
    found = {new: table["improvement_id"].map(known[old]) for old, new in _MEASURED.items()}
    is_ahead = table["begins_on"] >= ends
    otherwise = pd.Series(np.where(is_ahead, NOT_BEGUN, NOT_MEASURED), index=table.index)
    verdict = found.pop("verdict").astype(object)
    if "control_count" in known:
        compared = table["improvement_id"].map(known["control_count"])
        table = table.assign(without_count=table["without_count"].astype(float).fillna(compared))
    numbers = {name: column.astype(float) for name, column in found.items()}
    return table.assign(**numbers, verdict=verdict.where(verdict.notna(), otherwise))
