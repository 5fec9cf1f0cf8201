"""How likely is an open deal to be won, or lost, within a time: competing risks on snapshots.

A logistic model of won, lost and still open where enough deals are known; else a table of stage and
age whose cells are drawn to their stage, and stages to all.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from analysis.core.threads import one_thread
from analysis.sales.pipeline_options import PipelineOptions

Floats = np.ndarray
Chances = tuple[Floats, Floats]  # of being won and of being lost, by deal

_AGES = (0.0, 30.0, 90.0, np.inf)
_KNOTS = (0.25, 0.5, 0.75)
_NUMBERS = ("stage_age_days", "age_days", "push_count", "value_amount", "quiet_days")
_BENT = ("stage_age_days", "age_days", "value_amount")
_KINDS = ("stage", "channel")
_MOST_ROWS = 60_000
_PENALTY = 1.0
_FEWEST_OF_KIND = 5  # snapshots, for a kind to have a coefficient of its own


@dataclass(frozen=True)
class WinModel:
    """Chances of open deals; `is_table` where the table of stage and age had to do."""

    chances: Callable[[pd.DataFrame], Chances]
    is_table: bool
    won_count: int
    lost_count: int
    base_share: float  # of snapshots, won within the time


def fit(snapshots: pd.DataFrame, options: PipelineOptions) -> WinModel:
    """Learn from open deals of earlier days with their `result` within the time.

    `snapshots` are rows of `deals_as_of` with quiet_days and result; a deal counts once for the
    least number of deals, however many days it was open on.
    """
    won, lost = (
        snapshots.loc[snapshots["result"] == result, "opportunity_id"].nunique()
        for result in ("won", "lost")
    )
    is_table = min(won, lost) < options.least_model_deals
    learn = _table if is_table else _logistic
    base = float((snapshots["result"] == "won").mean()) if len(snapshots) else 0.0
    return WinModel(learn(snapshots, options), is_table, won, lost, base)


def _stage_of(deals: pd.DataFrame) -> pd.Series:
    """Pipeline and stage; deals without events are one kind, for their stage then is not known."""
    named = deals["pipeline_id"].astype(str) + " " + deals["stage_id"].astype(str)
    return named.where(deals["has_events"].astype(bool), "not known")


def _table(snapshots: pd.DataFrame, options: PipelineOptions) -> Callable[[pd.DataFrame], Chances]:
    prior = options.prior_deals
    weights = _weights(snapshots, options)
    cells = _cells(snapshots).assign(
        count=weights,
        won=weights * (snapshots["result"] == "won").to_numpy(),
        lost=weights * (snapshots["result"] == "lost").to_numpy(),
    )
    ends = ["won", "lost"]
    everybody = (cells[ends].sum() + 0.5) / (cells["count"].sum() + 1.5)
    by_stage = _drawn(cells.groupby("stage").sum(numeric_only=True), everybody, prior)
    inner = cells.groupby(["stage", "band"]).sum(numeric_only=True)
    theirs = by_stage.reindex(inner.index.get_level_values("stage")).set_axis(inner.index)
    by_cell = _drawn(inner, theirs, prior)

    def chances(deals: pd.DataFrame) -> Chances:
        wanted = _cells(deals)
        found = by_cell.reindex(pd.MultiIndex.from_frame(wanted)).to_numpy()
        coarse = by_stage.reindex(wanted["stage"]).fillna(everybody).to_numpy()
        found = np.where(np.isnan(found), coarse, found)
        return found[:, 0], found[:, 1]

    return chances


def _drawn(
    sums: pd.DataFrame, expected: pd.DataFrame | pd.Series, prior_deals: float
) -> pd.DataFrame:
    """Shares of won and lost, drawn to `expected` as if it had been seen on so many deals."""
    ends = ["won", "lost"]
    return (sums[ends] + prior_deals * expected).div(sums["count"] + prior_deals, axis=0)


def _cells(deals: pd.DataFrame) -> pd.DataFrame:
    band = np.digitize(deals["age_days"].to_numpy(float), _AGES)
    return pd.DataFrame({"stage": _stage_of(deals).to_numpy(), "band": band})


def _logistic(
    snapshots: pd.DataFrame, options: PipelineOptions
) -> Callable[[pd.DataFrame], Chances]:
    step = -(-len(snapshots) // _MOST_ROWS)
    rows = snapshots.iloc[::step]
    design = _design(rows)
    model = LogisticRegression(C=_PENALTY, max_iter=300, tol=1e-3)
    results = rows["result"].to_numpy(dtype=object).astype(str)
    with one_thread():
        model.fit(design(rows), results, sample_weight=_weights(rows, options))
    places = {name: place for place, name in enumerate(model.classes_)}

    def chances(deals: pd.DataFrame) -> Chances:
        if deals.empty:
            return np.zeros(0), np.zeros(0)
        shares = model.predict_proba(design(deals))
        return shares[:, places["won"]], shares[:, places["lost"]]

    return chances


def _weights(rows: pd.DataFrame, options: PipelineOptions) -> Floats:
    """Weigh what is long ago less, for sellers, products and markets change."""
    days = ((rows["known_to"].max() - rows["known_to"]) / pd.Timedelta(days=1)).to_numpy(float)
    return 0.5 ** (days / options.half_life_days)


def _design(rows: pd.DataFrame) -> Callable[[pd.DataFrame], Floats]:
    """Return what turns deals into columns: kinds, and numbers with bends, scaled on `rows`."""
    kinds = {name: _common(_kind(rows, name)) for name in _KINDS}
    plain = {name: _number(rows, name) for name in _NUMBERS}
    plain = {n: v for n, v in plain.items() if np.isfinite(v).any() and np.nanstd(v) > 0}
    knots = {n: np.nanquantile(plain[n], _KNOTS) for n in _BENT if n in plain}
    scales = {n: (float(np.nanmean(v)), float(np.nanstd(v))) for n, v in plain.items()}

    def columns(deals: pd.DataFrame) -> Floats:
        parts = []
        for name, levels in kinds.items():
            values = _kind(deals, name).to_numpy(dtype=object)
            parts += [(values == level).astype(float) for level in levels]
        for name, (mean, deviation) in scales.items():
            values = _number(deals, name)
            values = np.where(np.isfinite(values), values, mean)
            parts.append((values - mean) / deviation)
            bends = knots.get(name, ())
            parts += [np.maximum(values - knot, 0) / deviation for knot in bends]
        return np.column_stack(parts)

    return columns


def _kind(deals: pd.DataFrame, name: str) -> pd.Series:
    if name == "stage":
        return _stage_of(deals)
    return deals[name].astype(object).fillna("not known")


def _common(values: pd.Series) -> list[str]:
    counts = values.value_counts()
    return sorted(counts.index[counts >= _FEWEST_OF_KIND].astype(str))


def _number(deals: pd.DataFrame, name: str) -> Floats:
    """Logs, for all of them are long-tailed; a present value of a deal without events is none."""
    values = np.log1p(deals[name].to_numpy(float).clip(min=0))
    if name in ("value_amount", "stage_age_days"):
        return np.where(deals["has_events"].to_numpy(bool), values, np.nan)
    return values
