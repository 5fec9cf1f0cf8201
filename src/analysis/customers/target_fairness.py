"""Are targets met alike by all kinds of customer, or do some differ by more than chance allows?

With many bands (58 reps) some look lucky by chance alone. So each band is held against all others,
and the share of false alarms among the bands that are named is limited (Benjamini, Hochberg 1995).
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import norm

from analysis.core.result import Finding
from analysis.core.scope import Scope
from analysis.core.statistics import false_discovery_levels

_FEWEST = 50  # targets of a band, below it nothing is said of the band alone
_FALSE_ALARMS = 0.05  # share of the named bands that may be named by chance
_CHANCE_SHARE = 0.95  # of the times all bands of a kind would lie within the range of chance
_MOST_BANDS = 12  # of a kind that stand in the table that is read; more stand in one of their own
_NAMED = 3

Floats = np.ndarray


def judged(graded: pd.DataFrame) -> pd.DataFrame:
    """Return grades of targets with is_beyond_chance: whether a band differs from all others.

    `graded` is as of `target_backtest`; judged are bands of all quarters together (origin empty)
    with at least 50 targets, all kinds in one go. Missing where a band is not judged.
    """
    places = np.flatnonzero(_is_asked(graded))
    levels = false_discovery_levels(_p_values(graded.iloc[places], _overall(graded)))
    beyond = pd.array([None] * len(graded), dtype="boolean")
    beyond[places] = levels <= _FALSE_ALARMS
    return graded.assign(is_beyond_chance=beyond)


def fairness_table(graded: pd.DataFrame) -> pd.DataFrame:
    """Return one row per kind of band: how far its bands lie apart, and how far by chance alone.

    Columns: band_kind; band_count (with at least 50 targets); small_band_count (with fewer);
    customer_count (targets of the first); lowest_share and highest_share (met); chance_low_share
    and chance_high_share (where all the bands would lie in 95 of 100 cases if all were alike);
    beyond_chance_count (bands that differ, at most 5 % of them by chance).
    """
    overall = _overall(graded)
    table = graded if "is_beyond_chance" in graded else judged(graded)
    every = table[(table["origin"] == "") & ~table["band_kind"].isin(["all", "pool"])]
    rows = []
    for kind, part in every.groupby("band_kind", sort=False):
        large = part[part["customer_count"] >= _FEWEST]
        if len(large) < 2:
            continue
        room = _room(_deviation(large, overall))
        share = large["attained_share"]
        rows.append(
            {
                "band_kind": kind,
                "band_count": len(large),
                "small_band_count": len(part) - len(large),
                "customer_count": int(large["customer_count"].sum()),
                "lowest_share": float(share.min()),
                "highest_share": float(share.max()),
                "chance_low_share": max(float(overall["attained_share"]) - room, 0.0),
                "chance_high_share": min(float(overall["attained_share"]) + room, 1.0),
                "beyond_chance_count": int(large["is_beyond_chance"].sum()),
            }
        )
    return pd.DataFrame(rows)


def fairness_tables(graded: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the tables of a report: kinds, bands, and apart from them bands of a kind with many.

    Of a kind with more than twelve bands (reps), `target_attainment` holds those that differ by
    more than chance allows; `target_attainment_many` holds all of them. Bands in which nobody had
    a target are in none.
    """
    is_told = (graded["customer_count"] > 0) | (graded["band_kind"] == "all")
    table = judged(graded[is_told].reset_index(drop=True))
    counts = table[table["origin"] == ""].groupby("band_kind")["band"].nunique()
    is_many = table["band_kind"].isin(counts.index[counts > _MOST_BANDS])
    is_shown = ~is_many | table["is_beyond_chance"].fillna(False).astype(bool)
    many = table[is_many & (table["origin"] == "")]
    made = {
        "target_fairness": fairness_table(table),
        "target_attainment": table[is_shown].reset_index(drop=True),
        "target_attainment_many": many.sort_values(
            ["band_kind", "attained_share", "band"], ignore_index=True
        ),
    }
    return {name: one for name, one in made.items() if len(one)}


def fairness_finding(tables: dict[str, pd.DataFrame], scope: Scope) -> Finding | None:
    """Say how often targets would have been met, and by whom more or less often than by others."""
    if "target_fairness" not in tables:
        return None
    graded, kinds, share = tables["target_attainment"], tables["target_fairness"], _whole(scope)
    overall = _overall(graded)
    met, designed = float(overall["attained_share"]), float(overall["design_share"])
    count = scope.display.count(int(overall["customer_count"]))
    text = f"Set in earlier quarters, {share(met)} of {count} targets would have been met"
    ranges = [_kind_words(row, scope) for row in kinds.itertuples()]
    most = kinds.loc[kinds["band_count"].idxmax()]
    spread = f"{share(most['chance_low_share'])} to {share(most['chance_high_share'])}"
    return Finding(
        f"{text} (meant: {share(designed)}){_differing(graded, scope)}.",
        f"Met by {', '.join(ranges)}. Chance alone would spread {most['band_count']} "
        f"{most['band_kind']} bands over {spread}.",
        metric="target_fairness",
        value=met,
        low=float(overall["attained_low_share"]),
        high=float(overall["attained_high_share"]),
    )


def _differing(graded: pd.DataFrame, scope: Scope) -> str:
    named = graded[graded["is_beyond_chance"].fillna(False).astype(bool)]
    if named.empty:
        return "; no kind of customer differs by more than chance explains"
    far = (named["attained_share"] - _overall(graded)["attained_share"]).abs()
    first = named.loc[far.sort_values(ascending=False, kind="stable").index[:_NAMED]]
    share = _whole(scope)
    words = [f"{r.band_kind} “{r.band}” {share(r.attained_share)}" for r in first.itertuples()]
    more = f" and {len(named) - len(first)} more" if len(named) > len(first) else ""
    return f"; more or less often than chance explains: {', '.join(words)}{more}"


def _kind_words(row: object, scope: Scope) -> str:
    share = _whole(scope)
    return f"{row.band_kind} {share(row.lowest_share)} to {share(row.highest_share)}"


def _whole(scope: Scope) -> Callable[[float], str]:
    return lambda value: scope.display.share(value, 0)


def _is_asked(graded: pd.DataFrame) -> pd.Series:
    is_band = (graded["origin"] == "") & ~graded["band_kind"].isin(["all", "pool"])
    return is_band & (graded["customer_count"] >= _FEWEST)


def _overall(graded: pd.DataFrame) -> pd.Series:
    return graded[(graded["origin"] == "") & (graded["band_kind"] == "all")].iloc[0]


def _deviation(bands: pd.DataFrame, overall: pd.Series) -> Floats:
    """Return how far each band's share lies by chance from that of all, which it is a part of."""
    share, count = float(overall["attained_share"]), bands["customer_count"].to_numpy(float)
    rest = 1 - count / max(float(overall["customer_count"]), 1.0)
    return np.sqrt(share * (1 - share) * np.maximum(rest, 0.0) / count)


def _p_values(bands: pd.DataFrame, overall: pd.Series) -> Floats:
    deviation = _deviation(bands, overall)
    off = np.abs(bands["attained_share"].to_numpy(float) - float(overall["attained_share"]))
    z = np.divide(off, deviation, out=np.zeros(len(off)), where=deviation > 0)
    return 2 * norm.sf(z)


def _room(deviations: Floats) -> float:
    """Return how far from the common share the farthest band lies by chance in 5 of 100 cases."""
    widest = float(deviations.max())
    if widest <= 0:
        return 0.0

    def excess(room: float) -> float:
        held = norm.cdf(room / np.maximum(deviations, widest * 1e-9))
        return float(np.log(np.maximum(2 * held - 1, 1e-300)).sum()) - np.log(_CHANCE_SHARE)

    return float(brentq(excess, widest * 1e-6, widest * 40))
