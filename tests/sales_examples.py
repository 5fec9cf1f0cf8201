"""Small sales departments with a known truth, for the tests of the sales room."""

import numpy as np
import pandas as pd

from analysis.core.periods import FiscalCalendar
from analysis.core.scope import Scope

CALENDAR = FiscalCalendar()
SCOPE = Scope(CALENDAR.parse("2025Q4"), CALENDAR)
END = pd.Timestamp("2026-01-01")
_DAY = pd.Timedelta(days=1)


def stages(count: int) -> pd.DataFrame:
    """Open stages S1 to S<count>, then WON and LOST."""
    rows = [("main", f"S{n}", f"Stage {n}", n, "open") for n in range(1, count + 1)]
    rows += [("main", "WON", "Won", count + 1, "won"), ("main", "LOST", "Lost", count + 1, "lost")]
    columns = ["pipeline_id", "stage_id", "stage_name", "stage_order", "stage_category"]
    table = pd.DataFrame(rows, columns=columns).assign(valid_from_on=pd.Timestamp("2020-01-01"))
    return table.assign(sla_days=20.0, objective="go on", exit_criteria="agreed")


def department(
    deals: pd.DataFrame, pass_share: np.ndarray, stage_days: float, seed: int
) -> dict[str, pd.DataFrame]:
    """Opportunities and stage events of deals that pass stages by chance.

    `deals` has created_at, rep_id, product_id, channel and value_amount; `pass_share` the chance of
    each deal (row) to pass each stage (column). Stays are exponential with mean `stage_days`.
    """
    draw = np.random.default_rng(seed)
    count, steps = pass_share.shape
    passes = draw.random((count, steps)) < pass_share
    last = np.where(passes.all(axis=1), steps, passes.argmin(axis=1) + 1)  # stages that it was in
    stays = draw.exponential(stage_days, (count, steps)).clip(0.01)
    deal = np.repeat(np.arange(count), last + 1)
    step = np.concatenate([np.arange(n + 1) for n in last])
    starts = np.concatenate([np.zeros((count, 1)), stays.cumsum(axis=1)], axis=1)[deal, step]
    is_won = passes.all(axis=1)
    end_id = np.where(is_won, "WON", "LOST")
    names = np.array([f"S{n}" for n in range(1, steps + 1)])
    stage_id = np.where(step == last[deal], end_id[deal], names[np.minimum(step, steps - 1)])
    ids = np.array([f"D{n:05d}" for n in range(count)])
    events = pd.DataFrame(
        {
            "opportunity_id": ids[deal],
            "event_no": step + 1,
            "entered_at": deals["created_at"].to_numpy()[deal] + starts * _DAY.to_timedelta64(),
            "stage_id": stage_id,
            "rep_id": deals["rep_id"].to_numpy()[deal],
            "value_amount": deals["value_amount"].to_numpy()[deal],
            "expected_close_on": pd.Timestamp("2026-03-01"),
        }
    )
    left = events.groupby("opportunity_id")["entered_at"].shift(-1)
    events = events.assign(exited_at=left)
    closed_at = events.groupby("opportunity_id")["entered_at"].last().to_numpy()
    table = deals.reset_index(drop=True).assign(
        opportunity_id=ids,
        customer_id=[f"C{n}" for n in range(count)],
        pipeline_id="main",
        stage_id=end_id,
        closed_at=closed_at,
        expected_close_on=pd.Timestamp("2026-03-01"),
        is_closed=True,
        is_won=is_won,
        deal_type="new",
        selling_model="transactional",
        lost_reason=np.where(is_won, None, "no decision"),
    )
    return {"opportunities": table, "stage_events": events, "stages": stages(steps)}


def equal_deals(reps: int, each: int, seed: int, days: float = 700) -> pd.DataFrame:
    """Deals of sellers who were given the same work, opened over `days` before the end."""
    draw = np.random.default_rng(seed)
    count = reps * each
    created = END - draw.uniform(1, days, count) * _DAY.to_timedelta64()
    return pd.DataFrame(
        {
            "created_at": created,
            "rep_id": np.repeat([f"R{n}" for n in range(reps)], each),
            "product_id": "P",
            "channel": "web",
            "value_amount": 1000.0,
        }
    )
