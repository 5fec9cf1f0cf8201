"""Are targets met alike, whoever the customer is? The bands that fairness is judged by.

A band must be known when the target is set. Sizes are ranks among all customers of that day, so
that bands of different quarters compare.
"""

import numpy as np
import pandas as pd

from analysis.core.statistics import wilson_interval

Floats = np.ndarray

SIZES = ("lower half", "third quarter", "below the top tenth", "top tenth")
TENURES = ("under half a year", "half a year to one", "one year to two", "two years and more")
LUCKS = ("too new for a level", "below own level", "near own level", "above own level")
RHYTHMS = ("bought just now", "within usual gap", "late", "very late")
GAPS = ("small gap", "medium gap", "large gap")

_SIZE_RANKS = (0.5, 0.75, 0.9)
_TENURE_DAYS = (183, 366, 731)
_LUCK_LOGS = (-0.35, 0.35)  # 30 % below and 40 % above the own level
_LATENESS = (0.5, 1.0, 2.0)  # days of silence over the usual gap
_GAP_RATIOS = (0.5, 1.5)  # gap of a quarter over its forecast
_QUARTER_DAYS = 91.25
_QUARTERS = 4
_SHRINKAGE = 0.25  # of the level and of one order, added to both sides of the luck
_OPTIONAL = {"region": "region_id", "rep": "rep_id"}

_SUMS = ["target_amount", "actual_amount", "stretch_amount"]
COLUMNS = [
    "band_kind",
    "band",
    "customer_count",
    "attained_count",
    "attained_share",
    "attained_low_share",
    "attained_high_share",
    "target_amount",
    "actual_amount",
    "stretch_attained_share",
]


def bands(forecasts: pd.DataFrame) -> pd.DataFrame:
    """Return the bands of each customer: customer_id, size, tenure, luck, rhythm, gap.

    `size` ranks revenue of the last four quarters; `luck` sets the last quarter against the level
    of up to three quarters before it, both drawn together by a part of one order; `gap` is a
    quarter of the year's gap over the quarter's forecast. Also region and rep, where `region_id`
    and `rep_id` name any.
    """
    tenure = floats(forecasts["tenure_days"])
    luck = luck_of(forecasts)
    luck_codes = np.where(np.isnan(luck), 0, np.digitize(luck, _LUCK_LOGS) + 1)
    year = pd.Series(floats(forecasts["revenue_year_amount"]))
    quarter_gap = np.nan_to_num(floats(forecasts["gap_year_amount"])) / _QUARTERS
    ratio = quarter_gap / np.maximum(floats(forecasts["forecast_quarter_amount"]), 0.01)
    table = pd.DataFrame(
        {
            "customer_id": forecasts["customer_id"].to_numpy(),
            "size": _named(SIZES, np.digitize(year.rank(pct=True), _SIZE_RANKS)),
            "tenure": _named(TENURES, np.digitize(tenure, _TENURE_DAYS)),
            "luck": _named(LUCKS, luck_codes),
            "rhythm": _named(RHYTHMS, np.digitize(_lateness(forecasts), _LATENESS)),
            "gap": _named(GAPS, np.digitize(ratio, _GAP_RATIOS)),
        }
    )
    for name, column in _OPTIONAL.items():
        if column in forecasts and forecasts[column].notna().any():
            text = forecasts[column].astype("string").fillna("none")
            table = table.assign(**{name: text.to_numpy(dtype=object)})
    return table


def luck_of(forecasts: pd.DataFrame) -> Floats:
    """Return the log of the last quarter's revenue over the customer's own level before it.

    Missing in the first half year, when there is no level yet.
    """
    tenure = floats(forecasts["tenure_days"])
    quarter = floats(forecasts["revenue_quarter_amount"])
    before = np.maximum(floats(forecasts["revenue_year_amount"]) - quarter, 0)
    level = before / np.clip(tenure / _QUARTER_DAYS - 1, 1, _QUARTERS - 1)
    order = np.maximum(np.nan_to_num(floats(forecasts["mean_order_day_amount"])), 1.0)
    drawn = _SHRINKAGE * (level + order)
    luck = np.log((quarter.clip(0) + drawn) / (level + drawn))
    return np.where(tenure < _TENURE_DAYS[0], np.nan, luck)


def attainment(targets: pd.DataFrame, actual: pd.DataFrame, bands: pd.DataFrame) -> pd.DataFrame:
    """Grade targets: how many were met, all together, by band, and pools as one each.

    `targets` as of `draft_targets`; `actual` has customer_id and actual_amount, and who is missing
    there bought nothing; `bands` as of `bands`. Returns one row per band_kind ("all", each column
    of `bands`, "pool") and band. Customers are counted whose own target is above zero; a zero
    target would always be met. `attained_low_share` and `attained_high_share` are an 80 % Wilson
    interval, which takes customers as independent: within one quarter they are not.
    `stretch_attained_share` is how many reached the stretch_amount, missing without one.
    """
    joined = targets.merge(bands, on="customer_id", how="left", validate="one_to_one")
    joined = joined.merge(actual[["customer_id", "actual_amount"]], on="customer_id", how="left")
    joined = joined.assign(actual_amount=joined["actual_amount"].astype(float).fillna(0.0))
    if "stretch_amount" not in joined:
        joined = joined.assign(stretch_amount=np.nan)
    own = joined[(joined["target_amount"] > 0) & ~joined["is_pooled"]]
    rows = [_grade("all", "", own)]
    for kind in [name for name in bands.columns if name != "customer_id"]:
        rows += [
            _grade(kind, str(band), part)
            for band, part in own.groupby(kind, sort=True, observed=True)
        ]
    pools = joined[joined["is_pooled"]].groupby("pool_id")[_SUMS].sum(min_count=1)
    rows += [_grade("pool", "", pools[pools["target_amount"] > 0].round(2))]
    return pd.DataFrame(rows, columns=COLUMNS)


def floats(column: pd.Series) -> Floats:
    """Return the column as floats, missing as NaN."""
    return column.to_numpy(dtype=float, na_value=np.nan)


def _grade(kind: str, band: str, part: pd.DataFrame) -> tuple[object, ...]:
    attained = int((part["actual_amount"] >= part["target_amount"]).sum())
    count = len(part)
    share = attained / count if count else float("nan")
    low, high = wilson_interval(attained, count)
    sums = (float(part["target_amount"].sum()), float(part["actual_amount"].sum()))
    stretch = part["stretch_amount"].dropna()
    reached = (part.loc[stretch.index, "actual_amount"] >= stretch).mean()
    return kind, band, count, attained, share, low, high, *sums, float(reached)


def _lateness(forecasts: pd.DataFrame) -> Floats:
    gap, tenure = floats(forecasts["median_gap_days"]), floats(forecasts["tenure_days"])
    # A week of grace, so that who orders daily is not late after two days.
    return floats(forecasts["recency_days"]) / (np.where(np.isnan(gap), tenure, gap) + 7)


def _named(names: tuple[str, ...], codes: np.ndarray) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, categories=list(names), ordered=True)
