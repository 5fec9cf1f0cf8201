"""What to do with a flag: reasons to check, whom to learn from, by when, and what to expect."""

from datetime import timedelta

import pandas as pd

from analysis.core.scope import Scope

CHECKS = {
    "days": "absence, part-time, other duties",
    "leads": "how deals are given out; own prospecting",
    "pace": "deals that wait: next steps without a date, approvals",
    "mix": "which kinds of deals are given to whom",
    "conversion": "listen to three calls, read three lost offers, observe a working day",
    "size": "what is offered beside the first product; discounts given",
    "deadlines": "tasks that wait for others; deals at a time; deadlines that nobody can keep",
    "target": "time present; whether the work given can bring the target; deals in hand",
}
_LOOK_DAYS = 14
_PROPOSED = "sales director"


def playbook(flags: pd.DataFrame, bridge: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    """Return one row per flagged seller who is behind: what to check and do, and what to expect.

    `flags` has rep_id, seller, rate, expected_next_rate (the rate drawn to the team's: what the
    next period would bring if nothing were done), leader, and expected_text where the rate is no
    number a month; `bridge` the parts of the difference.
    Columns: rep_id; seller; cause; part_amount; check; learn_from (who has the best part of this
    cause); action; owner; due_on; expected_next_rate; follow_up.
    """
    rows = [_row(flag, bridge, flags, scope) for flag in flags.itertuples()]
    columns = ["rep_id", "seller", "cause", "part_amount", "check", "learn_from", "action"]
    columns += ["owner", "due_on", "expected_next_rate", "follow_up"]
    return pd.DataFrame([row for row in rows if row is not None], columns=columns)


def _row(flag: tuple, bridge: pd.DataFrame, flags: pd.DataFrame, scope: Scope) -> tuple | None:
    mine = bridge[bridge["rep_id"] == flag.rep_id]
    if mine.empty or mine["part_amount"].min() >= 0:
        return None
    worst = mine.loc[mine["part_amount"].idxmin()]
    same = bridge[(bridge["cause"] == worst["cause"]) & (bridge["rep_id"] != flag.rep_id)]
    best = same.loc[same["part_amount"].idxmax(), "seller"] if len(same) else ""
    check = CHECKS[worst["cause"]]
    expected = getattr(flag, "expected_text", "")
    expected = expected or f"{scope.display.number(flag.expected_next_rate)} a month"
    follow_up = (
        f"Measure again after {scope.next_period}. Expect {expected} even if nothing is "
        "done: part of a low number is bad luck that passes. Only more than that is gain."
    )
    return (
        flag.rep_id,
        flag.seller,
        worst["cause"],
        worst["part_amount"],
        check,
        best,
        f"Check {check}; agree on one change and try it for a month.",
        flag.leader if isinstance(flag.leader, str) and flag.leader else _PROPOSED,
        scope.as_of + timedelta(days=_LOOK_DAYS),
        flag.expected_next_rate,
        follow_up,
    )
