"""Time and memory of the sales room on a million deals.

    python benchmarks/sales.py [deals] [step ...]

Deals pass five stages by chance and are six stage events each on average; 200 sellers, 4 channels,
20 products. Each step runs in a process of its own, so that its peak of memory is its own: deals
(what was known of each deal on a day), funnel, throughput.
"""

import json
import os
import resource
import subprocess
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the chapters use one thread in a run

import numpy as np
import pandas as pd

from analysis.core.periods import FiscalCalendar
from analysis.core.scope import Scope
from analysis.sales.deals import deals_as_of, stages_reached, stays_as_of
from analysis.sales.funnel import Tables, funnel
from analysis.sales.throughput import throughput

DEALS = 1_000_000
STAGES = 7
PASS_SHARES = np.array([0.93, 0.93, 0.9, 0.88, 0.85, 0.8, 0.6])
REPS, CHANNELS, PRODUCTS = 200, 4, 20
STEPS = ("deals", "funnel", "throughput")
DAY = np.timedelta64(1, "D")
MICRO = "datetime64[us]"
CALENDAR = FiscalCalendar()
SCOPE = Scope(CALENDAR.parse("2025Q4"), CALENDAR)


def made_tables(deals: int) -> Tables:
    """Deals of two years with their events, drawn at once."""
    draw = np.random.default_rng(1)
    start = np.datetime64("2023-12-01", "us")
    created = start + (draw.uniform(0, 760, deals) * 86_400e6).astype("timedelta64[us]")
    passes = draw.random((deals, STAGES)) < PASS_SHARES
    reached = np.where(passes.all(axis=1), STAGES, passes.argmin(axis=1) + 1)
    stays = draw.exponential(6.0, (deals, STAGES)).clip(0.01)
    deal = np.repeat(np.arange(deals), reached + 1)
    first = np.concatenate([[0], (reached + 1).cumsum()[:-1]])
    step = np.arange(len(deal)) - np.repeat(first, reached + 1)
    offsets = np.concatenate([np.zeros((deals, 1)), stays.cumsum(axis=1)], axis=1)[deal, step]
    entered = created[deal] + (offsets * 86_400e6).astype("timedelta64[us]")
    is_won = passes.all(axis=1)
    names = np.array([*(f"S{n + 1}" for n in range(STAGES)), "WON", "LOST"])
    end = np.where(is_won, STAGES, STAGES + 1)
    stage = np.where(step == reached[deal], end[deal], np.minimum(step, STAGES - 1))
    rep = draw.integers(0, REPS, deals)
    ids = pd.Series(np.arange(deals)).map("D{:07d}".format).to_numpy()
    rep_ids = np.array([f"R{n:03d}" for n in range(REPS)])
    value = draw.gamma(2, 2000, deals).round(2)
    events = pd.DataFrame(
        {
            "opportunity_id": pd.Series(ids[deal], dtype="str"),
            "event_no": step + 1,
            "entered_at": entered,
            "exited_at": pd.Series(entered)
            .shift(-1)
            .where(np.append(deal[1:] == deal[:-1], False)),
            "stage_id": pd.Series(names[stage], dtype="str"),
            "rep_id": pd.Series(rep_ids[rep[deal]], dtype="str"),
            "value_amount": value[deal],
            "expected_close_on": (created[deal] + 60 * DAY).astype("datetime64[D]").astype(MICRO),
        }
    )
    closed = created + (offsets[np.append(first[1:], len(deal)) - 1] * 86_400e6).astype(
        "timedelta64[us]"
    )
    opportunities = pd.DataFrame(
        {
            "opportunity_id": pd.Series(ids, dtype="str"),
            "customer_id": pd.Series(np.char.add("C", (np.arange(deals) % 50_000).astype(str))),
            "pipeline_id": "main",
            "stage_id": pd.Series(names[end], dtype="str"),
            "rep_id": pd.Series(rep_ids[rep], dtype="str"),
            "created_at": created,
            "closed_at": closed,
            "expected_close_on": (created + 60 * DAY).astype("datetime64[D]").astype(MICRO),
            "is_closed": True,
            "is_won": is_won,
            "value_amount": value,
            "deal_type": "new",
            "selling_model": "transactional",
            "channel": pd.Series(draw.integers(0, CHANNELS, deals)).map("channel {}".format),
            "product_id": pd.Series(draw.integers(0, PRODUCTS, deals)).map("P{:02d}".format),
            "lost_reason": pd.Series(np.where(is_won, None, "price"), dtype="str"),
        }
    )
    return Tables(opportunities, events, made_stages(), made_reps(rep_ids))


def made_stages() -> pd.DataFrame:
    """Open stages in order, then the two ends."""
    rows = [(f"S{n + 1}", f"Stage {n + 1}", n + 1, "open") for n in range(STAGES)]
    rows += [("WON", "Won", STAGES + 1, "won"), ("LOST", "Lost", STAGES + 1, "lost")]
    table = pd.DataFrame(rows, columns=["stage_id", "stage_name", "stage_order", "stage_category"])
    return table.assign(
        pipeline_id="main",
        valid_from_on=pd.Timestamp("2020-01-01"),
        sla_days=20.0,
        objective="go on",
        exit_criteria="agreed",
    )


def made_reps(rep_ids: np.ndarray) -> pd.DataFrame:
    """Everybody full-time, for years."""
    return pd.DataFrame({"rep_id": rep_ids}).assign(
        rep_name=pd.Series(rep_ids),
        team_id="T",
        role="hunter",
        leader_rep_id=None,
        hired_on=pd.Timestamp("2020-01-01"),
        left_on=pd.NaT,
        fte_share=1.0,
    )


def deals_of(tables: Tables) -> int:
    """The tables on which every chapter of the sales room stands."""
    known = (tables.opportunities, tables.stage_events, tables.stages, SCOPE.as_of)
    return len(stages_reached(stays_as_of(*known), deals_as_of(*known)))


def run_step(step: str, deals: int) -> None:
    tables = made_tables(deals)
    before = resource.getrusage(resource.RUSAGE_SELF)
    wall = time.perf_counter()
    if step == "deals":
        found = deals_of(tables)
    else:
        result = {"funnel": funnel, "throughput": throughput}[step](tables, scope=SCOPE)
        found = len(result.tables)
    after = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "step": step,
                "events": len(tables.stage_events),
                "cpu_seconds": round(
                    after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1
                ),
                "wall_seconds": round(time.perf_counter() - wall, 1),
                "tables_mb": round(before.ru_maxrss / 1024),
                "peak_mb": round(after.ru_maxrss / 1024),
                "found": found,
            }
        )
    )


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--step"]:
        run_step(arguments[1], int(arguments[2]))
        return
    deals = int(arguments[0]) if arguments else DEALS
    for step in arguments[1:] or STEPS:
        command = [sys.executable, __file__, "--step", step, str(deals)]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


if __name__ == "__main__":
    main(sys.argv[1:])
