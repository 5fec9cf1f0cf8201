"""Today's forecast in its layers, and deal by deal."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.sales.pipeline_backtest import MODELS
from analysis.sales.pipeline_origins import Forecast
from analysis.sales.rep_names import rep_labels

Floats = np.ndarray

TOGETHER = "together"
OPENED = "deals open now, won in time"
NEW = "deals not opened yet"


def layer_table(forecasts: Sequence[Forecast]) -> pd.DataFrame:
    """Return the layers of each time ahead, the CRM's own sums first.

    Columns: period; layer; deal_count (expected to be won; of the CRM's sums the open deals);
    forecast_amount (expected) with low and high (80 %: P10 and P90); median_amount (P50). The CRM's
    sums have no range: a CRM gives none.
    """
    rows = []
    for one in forecasts:
        for name in ("stage_due", "stage_all"):
            value = one.simple[name]
            row = (one.ahead.name, MODELS[name], np.nan, value, np.nan, np.nan, np.nan)
            rows.append(row)
        parts = {
            OPENED: (one.opened.chances.sum(), one.draws.opened),
            NEW: (one.new.expected_count, one.draws.new),
            TOGETHER: (one.expected_count, one.draws.total),
        }
        for name, (count, draws) in parts.items():
            ends = np.quantile(draws, [0.1, 0.9, 0.5])
            rows.append((one.ahead.name, name, float(count), float(draws.mean()), *ends))
    columns = ["period", "layer", "expected_won_number", "forecast_amount", "forecast_low_amount"]
    return pd.DataFrame(rows, columns=[*columns, "forecast_high_amount", "median_amount"])


def deal_table(one: Forecast, reps: pd.DataFrame | None) -> pd.DataFrame:
    """Return the open deals, most expected value first.

    Columns: opportunity_id; owner; stage_name; value_amount; win_share and lost_share (within the
    time ahead); stage_share (the CRM's chance); forecast_amount; age_days; stage_age_days;
    push_count; quiet_days; expected_close_on.
    """
    deals = one.deals
    table = pd.DataFrame(
        {
            "opportunity_id": deals["opportunity_id"],
            "owner": rep_labels(reps, deals["rep_id"]),
            "stage_name": deals["stage_name"],
            "value_amount": deals["value_amount"],
            "win_share": deals["win_share"],
            "lost_share": deals["lost_share"],
            "stage_share": deals["stage_share"],
            "forecast_amount": np.round(one.opened.expected_amounts, 2),
            "age_days": deals["age_days"].round(),
            "stage_age_days": deals["stage_age_days"].round(),
            "push_count": deals["push_count"],
            "quiet_days": deals["quiet_days"].round(),
            "expected_close_on": deals["expected_close_on"],
        }
    )
    order = ["forecast_amount", "opportunity_id"]
    return table.sort_values(order, ascending=[False, True], ignore_index=True)
