"""The same numbers for each way of selling, where deals say in which way they are sold."""

import numpy as np
import pandas as pd

from analysis.core.shrinkage import shrunk_shares
from analysis.sales.pipeline_options import PipelineOptions
from analysis.sales.pipeline_origins import Forecast
from analysis.sales.pipeline_simulation import NewDeals, OpenDeals, simulate
from analysis.sales.throughput_norms import MONTH_DAYS

LEAST_DEALS = 20  # of one way of selling, for a rate of its own
NOT_KNOWN = "not known"
_PACE_COLUMNS = ["selling_model", "given_count", "ended_count", "month_rate", "cycle_days"]
_PACE_COLUMNS += ["won_share", "won_low_share", "won_high_share"]
_AHEAD_COLUMNS = ["selling_model", "open_count", "open_amount", "win_share", "forecast_amount"]
_AHEAD_COLUMNS += ["forecast_low_amount", "forecast_high_amount"]


def pace_by_model(window: pd.DataFrame, present: pd.Series) -> pd.DataFrame:
    """Return what gets done in each way of selling, by name; those not told come last.

    `window` as `throughput` makes it, `present` full-time days by rep_id. Columns: selling_model;
    given_count; ended_count; month_rate (deals ended per full-time month, all sellers together; the
    rates of all ways sum to that of all deals); cycle_days (median, of deals ended); won_share (of
    ended ones, drawn to that of all) with low and high (80 %). Missing where fewer than 20 deals
    ended. Empty where no deal tells its way.
    """
    if window["selling_model"].isna().all():
        return pd.DataFrame(columns=_PACE_COLUMNS)
    told = window.assign(selling_model=_told(window))
    ended = told[told["is_ended"]]
    names = _in_order(told["selling_model"])
    by_name = ended.groupby("selling_model")
    counts = by_name.size().reindex(names).fillna(0)
    won = by_name["is_won"].sum().reindex(names).fillna(0)
    drawn = shrunk_shares(won, counts)
    table = pd.DataFrame(
        {
            "selling_model": names,
            "given_count": told.groupby("selling_model")["is_given"].sum().reindex(names),
            "ended_count": counts.astype(int),
            "month_rate": counts / (present.sum() / MONTH_DAYS),
            "cycle_days": by_name["age_days"].median().reindex(names),
            "won_share": drawn["share"].to_numpy(),
            "won_low_share": drawn["low"].to_numpy(),
            "won_high_share": drawn["high"].to_numpy(),
        }
    ).reset_index(drop=True)
    rates = _PACE_COLUMNS[3:]
    return table.assign(**table[rates].where(table["ended_count"] >= LEAST_DEALS))


def forecast_by_model(one: Forecast, options: PipelineOptions) -> pd.DataFrame:
    """Return what open deals are expected to bring in the time ahead, by way of selling.

    Columns: selling_model; open_count; open_amount; win_share (mean chance of its deals to be won
    in time; missing below 20 deals); forecast_amount with low and high (80 %). The amounts sum to
    the layer of open deals, the ranges do not: not all ways fare badly at once. Empty where no open
    deal tells its way.
    """
    if one.deals.empty or one.deals["selling_model"].isna().all():
        return pd.DataFrame(columns=_AHEAD_COLUMNS)
    told = _told(one.deals).reset_index(drop=True)
    total = float(one.opened.expected_amounts.sum())
    scale = float(one.draws.opened.mean()) / total if total else 0.0
    rows = []
    for name in _in_order(told):
        part = _part(one.opened, np.flatnonzero(told == name))
        nothing_new = NewDeals(0, 1.0, 0.0, np.zeros(0))
        draws = simulate(part, nothing_new, one.weights, options.draw_count, options.seed).opened
        count = len(part.chances)
        chance = float(part.chances.mean()) if count >= LEAST_DEALS else np.nan
        worth = float(one.deals["value_amount"].to_numpy(float)[told == name].sum())
        expected = float(part.expected_amounts.sum()) * scale
        rows.append((name, count, worth, chance, expected, *np.quantile(draws, [0.1, 0.9])))
    return pd.DataFrame(rows, columns=_AHEAD_COLUMNS)


def _told(deals: pd.DataFrame) -> pd.Series:
    return deals["selling_model"].astype(object).fillna(NOT_KNOWN).astype("str")


def _in_order(told: pd.Series) -> list[str]:
    return sorted(told.unique(), key=lambda name: (name == NOT_KNOWN, name))


def _part(opened: OpenDeals, places: np.ndarray) -> OpenDeals:
    columns = (opened.chances, opened.amounts, opened.ratio_means, opened.ratio_deviations)
    return OpenDeals(*(column[places] for column in columns))
