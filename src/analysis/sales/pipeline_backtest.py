"""How good would the forecast have been? Earlier quarters, each from what was known before it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import t

from analysis.core.statistics import false_discovery_levels, wilson_interval
from analysis.sales.pipeline_origins import Forecast

Floats = np.ndarray

OURS = "this forecast"
MODELS = {
    "stage_due": "stage-weighted, due in the period",
    "stage_all": "stage-weighted, all open deals",
    "last": "last quarter's won value",
    "year_before": "same quarter last year",
    "mean": "mean of four quarters",
}
LAST_YEAR = "won value of the last four quarters"
_LEVELS = (0.5, 0.8, 0.95)
_FEWEST_QUARTERS = 4  # for a range of a difference
_FALSE_SHARE = 0.1  # of the differences called real, at most so many by chance
_BINS = (0.0, 0.05, 0.15, 0.3, 0.5, 0.7, 1.0)


def crps(draws: Floats, actual: float) -> float:
    """Return the continuous ranked probability score of draws; of one number its absolute error.

    E|X - y| - E|X - X'| / 2 (Gneiting and Raftery 2007), in the unit of the draws; lower is better.
    """
    ordered = np.sort(np.asarray(draws, float))
    count = len(ordered)
    weights = 2 * np.arange(1, count + 1) - count - 1
    return float(np.abs(ordered - actual).mean() - (weights * ordered).sum() / count**2)


def past_table(past: Sequence[Forecast]) -> pd.DataFrame:
    """Return one row per earlier quarter.

    Columns: period; origin (last day known); forecast_amount with low and high (80 %) and median;
    actual_amount; is_inside; pit_share (share of the draws below what came; even over 0 to 1 when
    ranges are honest); crps_amount; open_forecast_amount and new_forecast_amount (layers); one
    column per simple rule; won_count and expected_won_count.
    """
    return pd.DataFrame([_past_row(one) for one in past if one.actual is not None])


def _past_row(one: Forecast) -> dict[str, object]:
    draws, actual = one.draws.total, float(one.actual or 0.0)
    low, median, high = np.quantile(draws, [0.1, 0.5, 0.9])
    row = {
        "period": one.ahead.name,
        "origin": pd.Timestamp(one.origin),
        "forecast_amount": float(draws.mean()),
        "forecast_low_amount": low,
        "forecast_high_amount": high,
        "median_amount": median,
        "actual_amount": actual,
        "is_inside": bool(low <= actual <= high),
        "pit_share": float((draws < actual).mean() + (draws == actual).mean() / 2),
        "crps_amount": crps(draws, actual),
        "open_forecast_amount": float(one.draws.opened.mean()),
        "new_forecast_amount": float(one.draws.new.mean()),
    }
    for level in _LEVELS:
        ends = np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2])
        row[f"is_inside_{round(100 * level)}"] = bool(ends[0] <= actual <= ends[1])
    simple = {f"{name}_amount": value for name, value in one.simple.items()}
    return row | simple | {"won_count": one.won_count, "expected_won_count": one.expected_count}


def score_table(past: pd.DataFrame) -> pd.DataFrame:
    """Return one row per model over the earlier quarters that all models can say something of.

    Columns: model; quarter_count; error_share (WAPE: sum of absolute errors over what came);
    bias_share (sum of forecasts / sum of what came - 1); crps_amount (of a rule without a range its
    absolute error); skill_share (1 - our CRPS / the rule's: above 0 ours is better), with its 80 %
    range over quarters; is_beyond_chance (more than chance explains, all rules looked at). A rule
    with nothing to say of any quarter is left out.
    """
    if past.empty:
        return pd.DataFrame()
    names = [n for n in MODELS if past[f"{n}_amount"].notna().any()]
    kept = past.dropna(subset=[f"{n}_amount" for n in names])
    if kept.empty:
        return pd.DataFrame()
    ours = kept["crps_amount"].to_numpy(float)
    rows = [_score(OURS, kept["forecast_amount"], kept, ours, ours)]
    for name in names:
        forecast = kept[f"{name}_amount"]
        errors = (forecast - kept["actual_amount"]).abs().to_numpy(float)
        rows.append(_score(MODELS[name], forecast, kept, errors, ours))
    table = pd.DataFrame(rows)
    levels = false_discovery_levels(table["p_value"])
    is_sure = pd.Series(levels <= _FALSE_SHARE, dtype="boolean").mask(table["model"] == OURS)
    return table.assign(is_beyond_chance=is_sure).drop(columns="p_value")


def _score(
    model: str, forecast: pd.Series, kept: pd.DataFrame, scores: Floats, ours: Floats
) -> dict[str, object]:
    actual = kept["actual_amount"]
    total = float(actual.sum())
    row = {
        "model": model,
        "quarter_count": len(kept),
        "error_share": float((forecast - actual).abs().sum()) / total if total else np.nan,
        "bias_share": float(forecast.sum()) / total - 1 if total else np.nan,
        "crps_amount": float(scores.mean()),
    }
    found = (np.nan,) * 4 if model == OURS else _skill(scores, ours)
    names = ("skill_share", "skill_low_share", "skill_high_share", "p_value")
    return row | dict(zip(names, found, strict=True))


def _skill(scores: Floats, ours: Floats) -> tuple[float, float, float, float]:
    """Our gain over a rule as share of its score, its 80 % range over quarters, and a p-value."""
    level = scores.mean()
    if level <= 0:
        return (np.nan,) * 4
    gains = (scores - ours) / level
    skill, count = float(gains.mean()), len(gains)
    deviation = float(gains.std(ddof=1) / np.sqrt(count)) if count >= _FEWEST_QUARTERS else 0.0
    if not deviation:
        return skill, np.nan, np.nan, np.nan
    half = float(t.ppf(0.9, count - 1)) * deviation
    return skill, skill - half, skill + half, float(2 * t.sf(abs(skill) / deviation, count - 1))


def coverage_table(past: pd.DataFrame) -> pd.DataFrame:
    """Return how often ranges held what came: level_share, inside_share with range, quarters."""
    rows = []
    for level in _LEVELS if len(past) else ():
        inside, count = int(past[f"is_inside_{round(100 * level)}"].sum()), len(past)
        rows.append((level, inside, count, inside / count, *wilson_interval(inside, count)))
    columns = ["level_share", "inside_count", "quarter_count", "inside_share"]
    return pd.DataFrame(rows, columns=[*columns, "inside_low_share", "inside_high_share"])


def deal_results(past: Sequence[Forecast]) -> pd.DataFrame:
    """Return each open deal of each earlier quarter end: what was said of it and what it became.

    Columns: period, opportunity_id, win_share, stage_share, base_share, is_won (in the period).
    """
    parts = [
        pd.DataFrame(
            {
                "period": one.ahead.name,
                "opportunity_id": one.deals["opportunity_id"],
                "win_share": one.deals["win_share"].to_numpy(float),
                "stage_share": one.deals["stage_share"].to_numpy(float),
                "base_share": one.model.base_share,
                "is_won": one.deals["opportunity_id"].isin(one.came["opportunity_id"]).to_numpy(),
            }
        )
        for one in past
        if one.came is not None
    ]
    columns = ["period", "opportunity_id", "win_share", "stage_share", "base_share", "is_won"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def reliability_table(results: pd.DataFrame) -> pd.DataFrame:
    """Return whether deals were won as often as was said, by what was said.

    Columns: said_from_share and said_to_share (bin); deal_count (a deal counts once per quarter end
    that it was open on); said_share (mean); won_share with its 80 % range.
    """
    columns = ["said_from_share", "said_to_share", "deal_count", "said_share"]
    columns += ["won_share", "won_low_share", "won_high_share"]
    places = np.clip(np.searchsorted(_BINS, results["win_share"], side="right") - 1, 0, None)
    places = np.minimum(places, len(_BINS) - 2)
    rows = []
    for place in sorted(set(places)):
        inside = results[places == place]
        won = int(inside["is_won"].sum())
        said, came = float(inside["win_share"].mean()), won / len(inside)
        ends = wilson_interval(won, len(inside))
        rows.append((_BINS[place], _BINS[place + 1], len(inside), said, came, *ends))
    return pd.DataFrame(rows, columns=columns)


def brier_table(results: pd.DataFrame) -> pd.DataFrame:
    """Return the mean squared error of chances: model, deal_count, brier_score, skill_share.

    Skill is against giving every deal the same chance, that of earlier quarters. The CRM's chances
    are of winning at all, not within the period; they are what a CRM has to offer.
    """
    names = {"win_share": OURS, "stage_share": "the CRM's chance", "base_share": "one for all"}
    kept = (
        results[results[list(names)[1]].notna()]
        if results["stage_share"].notna().any()
        else results
    )
    came = kept["is_won"].to_numpy(float)
    rows = []
    for name, model in names.items():
        said = kept[name].to_numpy(float)
        if len(kept) and np.isfinite(said).all():
            rows.append((model, len(kept), float(((said - came) ** 2).mean())))
    table = pd.DataFrame(rows, columns=["model", "deal_count", "brier_score"])
    base = table.loc[table["model"] == names["base_share"], "brier_score"]
    skill = 1 - table["brier_score"] / float(base.iloc[0]) if len(base) else np.nan
    return table.assign(skill_share=skill)
