"""Would targets have been met as often as designed, had they been set at earlier quarter ends?"""

import numpy as np
import pandas as pd

from analysis.customers.target_bands import attainment, bands
from analysis.customers.targets import TargetOptions, draft_targets, quarters_of

_KNOWN = (
    "customer_id",
    "revenue_quarter_amount",
    "revenue_year_amount",
    "tenure_days",
    "recency_days",
    "median_gap_days",
    "mean_order_day_amount",
    "region_id",
    "rep_id",
)


def target_inputs(
    features: pd.DataFrame,
    forecast_amount: np.ndarray,
    gap_amount: np.ndarray | None,
    active_share: np.ndarray,
) -> pd.DataFrame:
    """Return what targets are drafted from, made of customer features and a forecast of them.

    In the order of `features`: revenue forecast for the next quarter, gap of the next year (None
    without peers), chance to be active. An origin of the back-test is used for earlier quarters;
    its `origin` and `next_quarter_amount` (as `actual_amount`) come along.
    """
    kept = features[[name for name in _KNOWN if name in features]]
    table = kept.assign(
        forecast_quarter_amount=forecast_amount,
        gap_year_amount=np.nan if gap_amount is None else gap_amount,
        active_share=active_share,
    )
    if "next_quarter_amount" not in features:
        return table
    came = features["next_quarter_amount"].astype(float)
    return table.assign(origin=features["origin"].astype(str), actual_amount=came)


def target_backtest(past: pd.DataFrame, options: TargetOptions | None = None) -> pd.DataFrame:
    """Grade the targets that would have been set at earlier quarter ends, knowing only what was.

    One row per origin (empty: all of them), band_kind and band, as of `attainment`, with
    design_share. The first origins are missing: nothing had been learnt.
    """
    options = options or TargetOptions()
    parts = list(quarters_of(past))
    drafts, actuals, known = [], [], []
    for number in range(1, len(parts)):
        origin, now = parts[number]
        before = pd.concat([part for _, part in parts[:number]], ignore_index=True)
        # Ids of several quarters stay apart, so that all of them can be graded at once.
        now = now.assign(customer_id=origin + " " + now["customer_id"].astype(str))
        draft = draft_targets(now, before, options)
        drafts.append(draft.assign(pool_id=origin + " " + draft["pool_id"]))
        actuals.append(now[["customer_id", "actual_amount"]])
        known.append(bands(now))
    if not drafts:
        return pd.DataFrame()
    every = [pd.concat(tables, ignore_index=True) for tables in (drafts, actuals, known)]
    graded = [attainment(*every).assign(origin="")]
    for (origin, _), *tables in zip(parts[1:], drafts, actuals, known, strict=True):
        graded.append(attainment(*tables).assign(origin=origin))
    table = pd.concat(graded, ignore_index=True).assign(design_share=options.attained_share)
    return table[["origin", *[name for name in table.columns if name != "origin"]]]
