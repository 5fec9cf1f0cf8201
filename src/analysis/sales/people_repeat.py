"""Is selling repeatable, beyond what chance makes differ, and has it changed?"""

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency, kruskal

from analysis.core.statistics import false_discovery_levels
from analysis.sales.people_inputs import DAY, LEAST_DAYS, Work
from analysis.sales.people_models import excess_variation
from analysis.sales.people_options import PeopleOptions

_MONTH_DAYS = 30.0
_QUARTER_DAYS = 91
_QUARTERS = 8
_FEWEST_CASES = 40
_TOP_WAYS = 3


def repeatability_table(work: Work) -> pd.DataFrame:
    """Return how much selling differs between months and sellers beyond chance, and by ways.

    Columns: what; case_count; value with value_low and value_high (80 %); chance_share (p-value of
    nothing beyond chance); note. The rows "months" and "sellers" give the variation of the true
    rate of deals ended beyond chance, as a share of its mean (`excess_variation`; raw variation
    would count chance as unsteadiness); "top ways" the share of ended deals that took one of the
    three most frequent ways through the stages, "ways" how many equally frequent ways would be as
    mixed (exp of the entropy). Rows that cannot be told are missing.
    """
    rows = [_months(work), _sellers(work), *_ways(work)]
    columns = ["what", "case_count", "value", "value_low", "value_high", "chance_share", "note"]
    return pd.DataFrame([row for row in rows if row is not None], columns=columns)


def drift_table(work: Work, options: PeopleOptions) -> pd.DataFrame:
    """Return whether selling has changed over the last eight quarters (of 91 days).

    Columns: measure; case_count; first_value and last_value (of the first and the last half);
    p_value (of no difference between quarters); discovery_level (all measures looked at together);
    has_changed. Measures: share won of ended deals, days from opening to the end, activities by
    type, deals opened per quarter. Says that something changed, not why.
    """
    rows = [_won_drift(work), _days_drift(work), _type_drift(work), _count_drift(work)]
    columns = ["measure", "case_count", "first_value", "last_value", "p_value"]
    table = pd.DataFrame([row for row in rows if row is not None], columns=columns)
    levels = false_discovery_levels(table["p_value"].astype(float))
    has_changed = levels <= options.false_discovery_share
    return table.assign(discovery_level=levels, has_changed=has_changed)


def version_table(
    stages: pd.DataFrame | None, process_steps: pd.DataFrame | None, ends: pd.Timestamp
) -> pd.DataFrame:
    """Return the versions of stages and of the process that are on record, in order.

    Columns: what ("stages", "process"); version (first day, or name); valid_from_on (missing for a
    process: its versions have names only); part_count (stages or steps); changed_count (new or
    defined differently than before).
    """
    rows = [*_stage_versions(stages, ends), *_process_versions(process_steps)]
    columns = ["what", "version", "valid_from_on", "part_count", "changed_count"]
    return pd.DataFrame(rows, columns=columns)


def _months(work: Work) -> tuple | None:
    ended = work.ended["ended_at"]
    count = int((work.ends - work.starts) / DAY / _MONTH_DAYS)
    number = ((work.ends - ended) / DAY // _MONTH_DAYS).astype(int)
    counts = np.bincount(number[number < count], minlength=count)
    if counts.sum() < _FEWEST_CASES or count < 3:
        return None
    note = f"{count} months of {_MONTH_DAYS:.0f} days"
    found = excess_variation(counts, np.full(count, counts.mean()))
    return "months", int(counts.sum()), *found, note


def _sellers(work: Work) -> tuple | None:
    days = work.present[work.present >= LEAST_DAYS]
    counts = work.ended.groupby("rep_id").size().reindex(days.index).fillna(0)
    if counts.sum() < _FEWEST_CASES or len(days) < 3:
        return None
    found = excess_variation(counts, counts.sum() / days.sum() * days)
    return "sellers", int(counts.sum()), *found, f"{len(days)} sellers, for equal time present"


def _ways(work: Work) -> list[tuple]:
    mine = work.stays[work.stays["opportunity_id"].isin(work.ended["opportunity_id"])]
    if mine.empty:
        return []
    ways = mine.groupby("opportunity_id")["stage_name"].agg(" > ".join).value_counts()
    share = (ways / ways.sum()).to_numpy()
    total, note = int(ways.sum()), f"{len(ways)} different ways"
    top = float(share[:_TOP_WAYS].sum())
    many = float(np.exp(-(share * np.log(share)).sum()))
    unknown = (np.nan, np.nan, np.nan)
    return [("top ways", total, top, *unknown, note), ("ways", total, many, *unknown, note)]


def _quarters(moments: pd.Series, work: Work) -> pd.Series:
    """The quarter of each moment, 0 the first of eight; below 0 before."""
    back = ((work.ends - moments) / DAY // _QUARTER_DAYS).astype(int)
    return _QUARTERS - 1 - back


def _ended_by_quarter(work: Work) -> pd.DataFrame:
    ended = work.deals[work.deals["outcome"] != "open"]
    ended = ended.assign(quarter=_quarters(ended["ended_at"], work))
    return ended[ended["quarter"] >= 0]


def _won_drift(work: Work) -> tuple | None:
    ended = _ended_by_quarter(work)
    is_won = ended["outcome"] == "won"
    if len(ended) < _FEWEST_CASES or is_won.nunique() < 2 or ended["quarter"].nunique() < 2:
        return None
    p_value = float(chi2_contingency(pd.crosstab(ended["quarter"], is_won)).pvalue)
    return "won of ended", len(ended), *_halves(is_won, ended["quarter"]), p_value


def _days_drift(work: Work) -> tuple | None:
    ended = _ended_by_quarter(work)
    parts = [part["age_days"].to_numpy() for _, part in ended.groupby("quarter") if len(part) >= 5]
    if len(ended) < _FEWEST_CASES or len(parts) < 2:
        return None
    p_value = float(kruskal(*parts).pvalue)
    return "days to the end", len(ended), *_halves(ended["age_days"], ended["quarter"]), p_value


def _type_drift(work: Work) -> tuple | None:
    done = work.tasks[work.tasks["completed_at"].notna() & work.tasks["activity_type"].notna()]
    done = done.assign(quarter=_quarters(done["completed_at"], work))
    done = done[done["quarter"] >= 0]
    counts = pd.crosstab(done["quarter"], done["activity_type"])
    if len(done) < _FEWEST_CASES or min(counts.shape) < 2:
        return None
    frequent = done["activity_type"].value_counts().sort_index().idxmax()
    is_frequent = done["activity_type"] == frequent
    halves = _halves(is_frequent, done["quarter"])
    return (
        f"activities that are a {frequent}",
        len(done),
        *halves,
        float(chi2_contingency(counts).pvalue),
    )


def _count_drift(work: Work) -> tuple | None:
    number = _quarters(work.deals["created_at"], work)
    if len(number) == 0 or number.min() > 0:
        return None  # the data do not reach back for eight quarters
    counts = np.bincount(number[number >= 0], minlength=_QUARTERS)
    if counts.sum() < _FEWEST_CASES:
        return None
    found = excess_variation(counts, np.full(_QUARTERS, counts.mean()))
    half = _QUARTERS // 2
    means = (float(counts[:half].mean()), float(counts[half:].mean()))
    return "deals opened per quarter", int(counts.sum()), *means, found[3]


def _halves(values: pd.Series, quarter: pd.Series) -> tuple[float, float]:
    is_late = quarter >= _QUARTERS // 2
    return float(values[~is_late].mean()), float(values[is_late].mean())


def _stage_versions(stages: pd.DataFrame | None, ends: pd.Timestamp) -> list[tuple]:
    if stages is None:
        return []
    rows, before = [], {}
    known = stages[stages["valid_from_on"] < ends].sort_values(
        ["valid_from_on", "pipeline_id", "stage_id"]
    )
    parts = ["stage_name", "stage_order", "stage_category", "exit_criteria", "sla_days"]
    parts = [name for name in parts if name in known]
    for day, part in known.groupby("valid_from_on"):
        named = zip(part["pipeline_id"], part["stage_id"], strict=True)
        defined = part[parts].astype(object).where(part[parts].notna(), None)
        now = dict(zip(named, defined.itertuples(index=False, name=None), strict=True))
        changed = sum(before.get(key) != parts_now for key, parts_now in now.items())
        before |= now
        rows.append(("stages", f"{day:%Y-%m-%d}", day, len(now), changed))
    return rows


def _process_versions(process_steps: pd.DataFrame | None) -> list[tuple]:
    if process_steps is None:
        return []
    rows, before = [], set()
    for name, part in process_steps.groupby("model_version"):
        now = set(zip(part["step_id"], part["step_name"], strict=True))
        rows.append(("process", str(name), pd.NaT, len(now), len(now - before)))
        before = now
    return rows
