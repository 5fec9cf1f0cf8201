"""How the pipeline went from one day to another, in parts that balance to the cent."""

import numpy as np
import pandas as pd

Floats = np.ndarray

START, NEW, MOVED_IN, UP = "start", "new", "moved_in", "increased"
DOWN, MOVED_OUT, WON, LOST, END = "decreased", "moved_out", "won", "lost", "end"
SIGNS = {START: 1, NEW: 1, MOVED_IN: 1, UP: 1, DOWN: -1, MOVED_OUT: -1, WON: -1, LOST: -1, END: 1}
STEPS = {
    START: "Open at the start",
    NEW: "New",
    MOVED_IN: "Moved in",
    UP: "Value raised",
    DOWN: "Value lowered",
    MOVED_OUT: "Moved out",
    WON: "Won",
    LOST: "Lost",
    END: "Open at the end",
}
_ENDS = ("won", "lost")


def waterfall(before: pd.DataFrame, now: pd.DataFrame, due_by: pd.Timestamp) -> pd.DataFrame:
    """Return the steps from the pipeline of one day to that of a later one.

    Both are tables of `deals_as_of`. The pipeline are the open deals that are expected to close
    before `due_by`, overdue ones included; where no deal has such a day, all open ones. Columns:
    step, step_name, deal_count, step_amount (to the cent, never negative). It holds exactly that
    start + new + moved in + increased - decreased - moved out - won - lost = end.

    A deal that was won or lost between the days counts as due, so that won and lost are all of the
    time. Deals come in and go out at their later value, and what their value changed by is a step
    of its own. A deal that was opened again comes back as moved in. No value counts as 0.
    """
    deals = now.sort_values("opportunity_id", ignore_index=True)
    ids = deals["opportunity_id"]
    known = before.set_index("opportunity_id").reindex(ids).reset_index(drop=True)
    is_dated = (before["expected_close_on"].notna().any(), now["expected_close_on"].notna().any())
    due = [_is_due(table, due_by, any(is_dated)) for table in (known, deals)]
    was_in = (known["outcome"] == "open").to_numpy() & due[0]
    is_in = (deals["outcome"] == "open").to_numpy() & due[1]
    has_ended = _has_ended(known, deals)
    old, new = _cents(known["value_amount"]), _cents(deals["value_amount"])
    is_there = ids.isin(before["opportunity_id"]).to_numpy(bool)
    passes = ~was_in & (is_in | has_ended)
    outcome = deals["outcome"].to_numpy()
    parts = {
        START: (was_in, old),
        NEW: (passes & ~is_there, new),
        MOVED_IN: (passes & is_there, new),
        UP: (was_in & (new > old), new - old),
        DOWN: (was_in & (new < old), old - new),
        MOVED_OUT: (was_in & ~is_in & ~has_ended, new),
        WON: (has_ended & (outcome == "won"), new),
        LOST: (has_ended & (outcome == "lost"), new),
        END: (is_in, new),
    }
    rows = [
        (step, STEPS[step], int(flag.sum()), int(cents[flag].sum()) / 100)
        for step, (flag, cents) in parts.items()
    ]
    return pd.DataFrame(rows, columns=["step", "step_name", "deal_count", "step_amount"])


def _is_due(deals: pd.DataFrame, due_by: pd.Timestamp, has_days: bool) -> Floats:
    if not has_days:
        return np.ones(len(deals), dtype=bool)
    return (pd.to_datetime(deals["expected_close_on"]) < due_by).to_numpy(bool)


def _has_ended(known: pd.DataFrame, deals: pd.DataFrame) -> Floats:
    """Whether a deal ended since: it was open, not there, or ended at another time or otherwise."""
    was_open = ~known["outcome"].isin(_ENDS)
    is_other = (known["ended_at"] != deals["ended_at"]) | (known["outcome"] != deals["outcome"])
    return (deals["outcome"].isin(_ENDS) & (was_open | is_other)).to_numpy(bool)


def _cents(amounts: pd.Series) -> Floats:
    return np.rint(amounts.fillna(0.0).to_numpy(float) * 100).astype(np.int64)
