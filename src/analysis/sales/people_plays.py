"""What to do with somebody who misses deadlines or a target: reasons to check, by whom, by when."""

import pandas as pd

from analysis.core.scope import Scope
from analysis.core.shrinkage import shrunk_shares
from analysis.sales.people_targets import MISSED, TARGET
from analysis.sales.people_tasks import BEHIND, TOO_FEW
from analysis.sales.playbook import playbook
from analysis.sales.rep_names import leader_labels

_BRIDGE = ["rep_id", "seller", "cause", "part_amount"]


def people_plays(
    compliance: pd.DataFrame, attainment: pd.DataFrame, reps: pd.DataFrame | None, scope: Scope
) -> pd.DataFrame:
    """Return what to do with each seller who misses deadlines or a target by more than chance.

    Columns of `playbook`, with gap_share (distance to the average of those compared, below 0) in
    place of part_amount. A target is a flag only where one was set; the average alone is none here,
    it has its chapter.
    """
    parts = [_late(compliance, reps, scope), _missed(attainment, reps, scope)]
    plays = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    return plays.rename(columns={"part_amount": "gap_share"})


def _late(compliance: pd.DataFrame, reps: pd.DataFrame | None, scope: Scope) -> pd.DataFrame:
    known = compliance[compliance["verdict"] != TOO_FEW].reset_index(drop=True)
    on_time = known["on_time_count"]
    drawn = (
        shrunk_shares(on_time, on_time + known["late_count"])
        if len(known)
        else pd.DataFrame({"share": []})
    )
    flags = known.assign(expected_next_rate=drawn["share"].to_numpy(dtype=float))
    average = known["on_time_share"].mean()
    bridge = known.assign(cause="deadlines", part_amount=known["on_time_share"] - average)
    flags = flags[flags["verdict"] == BEHIND]
    texts = [f"{scope.display.share(v, 0)} on time" for v in flags["expected_next_rate"]]
    flags = flags.assign(
        rate=flags["on_time_share"],
        expected_text=texts,
        leader=leader_labels(flags["rep_id"], reps),
    )
    return playbook(flags, bridge[_BRIDGE], scope)


def _missed(attainment: pd.DataFrame, reps: pd.DataFrame | None, scope: Scope) -> pd.DataFrame:
    asked = attainment[attainment["yardstick"] == TARGET]
    bridge = asked.assign(cause="target", part_amount=asked["attained_share"] - 1)
    flags = asked[asked["verdict"] == MISSED].drop_duplicates("rep_id")
    share = flags["expected_next_share"]
    texts = [f"{scope.display.share(v, 0)} of the target" for v in share]
    flags = flags.assign(
        rate=flags["attained_share"],
        expected_next_rate=share,
        expected_text=texts,
        leader=leader_labels(flags["rep_id"], reps),
    )
    return playbook(flags, bridge[_BRIDGE], scope)
