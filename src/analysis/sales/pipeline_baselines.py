"""What a CRM itself would say of the pipeline, and sums of won deals."""

import numpy as np
import pandas as pd

from analysis.sales.funnel_cohort import Tables
from analysis.sales.pipeline_snapshots import Ahead

Floats = np.ndarray


def stage_weighted(
    deals: pd.DataFrame, tables: Tables, ahead: Ahead
) -> tuple[Floats, dict[str, float]]:
    """Return the CRM's chance of each open deal, and its sums: of all, and of those due in time.

    The chance is that of the stage (`default_win_share`); for a deal without events it is the one
    that the source states now. Sums are NaN where no chance is known.
    """
    chances = _stage_shares(deals, tables.stages, ahead.starts)
    if tables.stage_events is None or tables.stages is None:
        # What a deal's stage was on an earlier day nobody knows; its present chance tells the end.
        chances = np.full(len(deals), np.nan)
    values = deals["value_amount"].fillna(0.0).to_numpy(float)
    due = deals["expected_close_on"]
    is_due = ((due >= ahead.starts) & (due < ahead.ends)).to_numpy()
    weighted = chances * values
    is_known = np.isfinite(chances).any()
    return chances, {
        "stage_all": float(np.nansum(weighted)) if is_known else np.nan,
        "stage_due": float(np.nansum(weighted[is_due]))
        if is_known and due.notna().any()
        else np.nan,
    }


def _stage_shares(deals: pd.DataFrame, stages: pd.DataFrame | None, starts: pd.Timestamp) -> Floats:
    if stages is None or "default_win_share" not in stages:
        return np.full(len(deals), np.nan)
    keys = ["pipeline_id", "stage_id"]
    ordered = stages.sort_values([*keys, "valid_from_on"])
    valid = ordered[ordered["valid_from_on"] < starts].drop_duplicates(keys, keep="last")
    both = pd.concat([valid, ordered.drop_duplicates(keys)]).drop_duplicates(keys)
    shares = both.set_index(keys)["default_win_share"]
    return shares.reindex(pd.MultiIndex.from_frame(deals[keys])).to_numpy(float)


def won_between(state: pd.DataFrame, starts: pd.Timestamp, ends: pd.Timestamp) -> pd.DataFrame:
    """Return the deals that were won from `starts` on and before `ends`, as `state` knows them."""
    ended = state["ended_at"]
    return state[(state["outcome"] == "won") & (ended >= starts) & (ended < ends)]
