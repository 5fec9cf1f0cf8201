"""What a published run keeps of its forecast, and what came of those that were kept earlier."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.sales.pipeline_backtest import LAST_YEAR, MODELS, OURS
from analysis.sales.pipeline_baselines import won_between
from analysis.sales.pipeline_origins import Forecast
from analysis.sales.pipeline_snapshots import DAY

SCOPE_ID = "pipeline"
MEASURE = "won"
_HORIZONS = {1: "quarter", 4: "year"}
_COLUMNS = ["scope", "scope_id", "measure", "horizon", "statistic", "value_amount", "period"]


def frozen_table(forecasts: Sequence[Forecast]) -> pd.DataFrame:
    """Return the numbers of today's forecasts as rows of the declared table `forecasts`.

    Scope is the company, scope_id "pipeline" for the forecast and "pipeline <rule>" for each simple
    rule that stood beside it; a point is the expected value, low and high its 80 % range.
    """
    rows: list[dict[str, object]] = []
    for one in forecasts:
        draws = one.draws.total
        low, high = np.quantile(draws, [0.1, 0.9])
        known = {"point": draws.mean(), "low": low, "high": high}
        said = {(SCOPE_ID, statistic): value for statistic, value in known.items()}
        said |= {(f"{SCOPE_ID} {name}", "point"): value for name, value in one.simple.items()}
        rows += [
            {
                "scope": "company",
                "scope_id": scope_id,
                "measure": MEASURE,
                "horizon": _HORIZONS[one.ahead.quarters],
                "statistic": statistic,
                "value_amount": round(float(value), 2),
                "period": one.ahead.name,
                "starts_on": one.ahead.starts,
                "ends_on": one.ahead.ends - DAY,
            }
            for (scope_id, statistic), value in said.items()
            if np.isfinite(value)
        ]
    return pd.DataFrame(rows, columns=[*_COLUMNS, "starts_on", "ends_on"])


def own_rows(frozen: pd.DataFrame | None) -> pd.DataFrame:
    """Return the rows of the ledger that are pipeline forecasts, as plain text and numbers."""
    if frozen is None or frozen.empty:
        return pd.DataFrame(columns=[*_COLUMNS, "origin", "starts_on", "ends_on"])
    texts = {n: frozen[n].astype(str) for n in [*_COLUMNS[:5], "period", "origin"]}
    table = frozen.assign(**texts)
    return table[(table["measure"] == MEASURE) & table["scope_id"].str.startswith(SCOPE_ID)]


def grade_table(frozen: pd.DataFrame, states: Mapping[object, pd.DataFrame]) -> pd.DataFrame:
    """Return one row per frozen forecast or rule whose time is over, oldest first, ours first.

    Columns: period; origin; horizon; model; forecast_amount with low and high; actual_amount (won
    value as known at the end of that time, whose state is in `states`); error_share; is_inside;
    is_closest (of its period and horizon).
    """
    rows = [
        _graded(key, part, states[pd.Timestamp(key[2]).date()])
        for key, part in frozen.groupby(["starts_on", "origin", "ends_on", "horizon", "scope_id"])
    ]
    if not rows:
        return pd.DataFrame()
    table = pd.DataFrame(rows)
    distance = (table["forecast_amount"] - table["actual_amount"]).abs()
    best = distance.groupby([table["origin"], table["horizon"]]).transform("min")
    return table.assign(is_closest=distance == best)


def _graded(key: tuple, part: pd.DataFrame, state: pd.DataFrame) -> dict[str, object]:
    starts, origin, ends, horizon, scope_id = key
    said = part.set_index("statistic")["value_amount"]
    won = won_between(state, pd.Timestamp(starts), pd.Timestamp(ends) + DAY)
    actual, forecast = float(won["value_amount"].sum()), float(said["point"])
    low, high = float(said.get("low", np.nan)), float(said.get("high", np.nan))
    rule = scope_id.removeprefix(SCOPE_ID).strip()
    names = MODELS if horizon == "quarter" else MODELS | {"last": LAST_YEAR}
    return {
        "period": part["period"].iloc[0],
        "origin": origin,
        "horizon": horizon,
        "model": names.get(rule, rule) if rule else OURS,
        "forecast_amount": forecast,
        "forecast_low_amount": low,
        "forecast_high_amount": high,
        "actual_amount": actual,
        "error_share": forecast / actual - 1 if actual else np.nan,
        "is_inside": low <= actual <= high if np.isfinite(low) else None,
    }
