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

    Columns: measured_count; of these reached_count (the range of the measured effect reaches the
    promised ends), above_count (all of it beyond the promise: it brought more) and below_count (it
    brought less); told_count (measured more finely than promised: only there it is seen whether the
    effect lies inside); of these inside_count and inside_share with inside_low_share and
    inside_high_share (80 % interval); promised_share (how many were to be); ratio (median of
    realised over promised). inside_share is missing below FEWEST_CASES told, ratio below
    FEWEST_CASES measured.
    """
    cases = ledger[(ledger["verdict"] != CANNOT) & ledger["realised_share"].notna()]
    promised = [cases[f"promised_{end}_share"] for end in ("low", "high")]
    low, high = _ends(cases, "promised")
    least, most = _ends(cases, "realised")
    is_told = (most - least) < (high - low)
    inside = int((is_told & cases["realised_share"].between(*promised)).sum())
    told, count = int(is_told.sum()), len(cases)
    is_enough = told >= FEWEST_CASES
    ends = wilson_interval(inside, told) if is_enough else (np.nan, np.nan)
    middle = cases["promised_mid_share"]
    ratios = (cases["realised_share"] / middle.where(middle != 0)).dropna()
    row = {
        "measured_count": count,
        "reached_count": int(((most >= low) & (least <= high)).sum()),
        "above_count": int((least > high).sum()),
        "below_count": int((most < low).sum()),
        "told_count": told,
        "inside_count": inside,
        "inside_share": inside / told if is_enough else np.nan,
        "inside_low_share": ends[0],
        "inside_high_share": ends[1],
        "promised_share": _PROMISED,
        "ratio": float(ratios.median()) if count >= FEWEST_CASES and len(ratios) else np.nan,
    }
    return pd.DataFrame([row])


def _ends(cases: pd.DataFrame, kind: str) -> tuple[pd.Series, pd.Series]:
    """Least and most in the promised direction: a promise of less counts the other way round."""
    is_fall = cases["promised_mid_share"] < 0
    low, high = cases[f"{kind}_low_share"], cases[f"{kind}_high_share"]
    return low.where(~is_fall, -high), high.where(~is_fall, -low)


def calibration_words(calibration: pd.DataFrame, scope: Scope) -> str:
    """Return in few sentences how far promises could be trusted so far."""
    row = calibration.iloc[0]
    count, share = scope.display.count, scope.display.share
    measured, told = int(row["measured_count"]), int(row["told_count"])
    if measured < FEWEST_CASES:
        return (
            f"Too few to say how far promises can be trusted: {count(measured)} measured, "
            f"{FEWEST_CASES} needed."
        )
    text = (
        f"Of {count(measured)} improvements measured, {count(row['reached_count'])} agree with "
        f"what was promised as far as measuring can tell, {count(row['above_count'])} brought "
        f"more, {count(row['below_count'])} brought less."
    )
    if told < FEWEST_CASES:
        return f"{text} Too few are measured finely enough to say how many kept their promise."
    ends = [share(row[f"inside_{end}_share"], 0) for end in ("low", "high")]
    return (
        f"{text} Of the {count(told)} measured more finely than promised, "
        f"{count(row['inside_count'])} lie within the promise ({share(row['inside_share'], 0)}, "
        f"80 % interval {ends[0]} to {ends[1]}); {share(row['promised_share'], 0)} were to."
    )
