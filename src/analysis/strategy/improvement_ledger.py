"""Promised against realised, and how far promises could be trusted so far."""

import numpy as np
import pandas as pd

from analysis.core.scope import Scope
from analysis.core.statistics import wilson_interval
from analysis.strategy.effect import CANNOT, EFFECT

FEWEST_CASES = 10  # measured improvements below which nothing is said of promises
_PROMISED = 0.8  # of the outcomes are to lie between the promised ends
LEDGER_COLUMNS = (
    *("improvement_id", "name", "owner", "driver", "promised_low_share", "promised_mid_share"),
    *("promised_high_share", "realised_share", "realised_low_share", "realised_high_share"),
    *("verdict", "kept"),
)


def ledger_table(known: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return promised against realised: one row per improvement that took effect.

    LEDGER_COLUMNS; promises and what was realised are relative changes of the driver, realised with
    its 80 % range; kept says "kept", "not kept" or "cannot conclude": whether the range of what was
    realised reaches the middle of the promise.
    """
    promised = known.set_index("improvement_id")
    rows = []
    for row in after.itertuples():
        plan = promised.loc[row.improvement_id]
        points = [float(plan[f"effect_{part}"]) for part in ("low", "mid", "high")]
        rows.append(
            (row.improvement_id, row.name, plan["owner"], row.driver, *points, row.effect_share,
             row.effect_low_share, row.effect_high_share, row.verdict, _kept(row, points[1]))
        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(LEDGER_COLUMNS))


def _kept(row: tuple, promise: float) -> str:
    ends = (row.effect_low_share, row.effect_high_share)
    if row.verdict == CANNOT or not np.isfinite(ends).all():
        return CANNOT
    if not (ends[1] >= promise if promise > 0 else ends[0] <= promise):
        return "not kept"
    return "kept" if row.verdict == EFFECT else CANNOT


def calibration_table(ledger: pd.DataFrame) -> pd.DataFrame:
    """Return one row on all improvements of which something can be concluded.

    Columns: measured_count; inside_count (measured effect between the promised ends); inside_share
    with inside_low_share and inside_high_share (80 % interval); promised_share (how many were to
    be); reached_count (the range of the measured effect reaches the promised ends: what is left
    when measuring is rough); ratio (median of realised over promised). Shares and ratio are missing
    below FEWEST_CASES.
    """
    cases = ledger[(ledger["verdict"] != CANNOT) & ledger["realised_share"].notna()]
    low, high = cases["promised_low_share"], cases["promised_high_share"]
    count = len(cases)
    inside = int(cases["realised_share"].between(low, high).sum())
    reached = int(
        ((cases["realised_high_share"] >= low) & (cases["realised_low_share"] <= high)).sum()
    )
    is_enough = count >= FEWEST_CASES
    ends = wilson_interval(inside, count) if is_enough else (np.nan, np.nan)
    promised = cases["promised_mid_share"]
    ratios = (cases["realised_share"] / promised.where(promised != 0)).dropna()
    row = {
        "measured_count": count,
        "inside_count": inside,
        "inside_share": inside / count if is_enough else np.nan,
        "inside_low_share": ends[0],
        "inside_high_share": ends[1],
        "promised_share": _PROMISED,
        "reached_count": reached,
        "ratio": float(ratios.median()) if is_enough and len(ratios) else np.nan,
    }
    return pd.DataFrame([row])


def calibration_words(calibration: pd.DataFrame, scope: Scope) -> str:
    """Return in one sentence how far promises could be trusted so far."""
    row = calibration.iloc[0]
    count, share = scope.display.count, scope.display.share
    measured = int(row["measured_count"])
    if measured < FEWEST_CASES:
        return (
            f"Too few to say how far promises can be trusted: {count(measured)} measured, "
            f"{FEWEST_CASES} needed."
        )
    ends = [share(row[f"inside_{end}_share"], 0) for end in ("low", "high")]
    return (
        f"Of {count(measured)} improvements measured, {count(row['inside_count'])} brought what "
        f"was promised ({share(row['inside_share'], 0)}, 80 % interval {ends[0]} to {ends[1]}); "
        f"{share(row['promised_share'], 0)} were to."
    )
