"""What became of leads: an opportunity, a won deal, money; by channel and campaign."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import fisher_exact

from analysis.core.shrinkage import shrunk_shares
from analysis.core.statistics import false_discovery_levels
from analysis.core.survival import aalen_johansen
from analysis.sales.channels_options import ChannelsOptions

_DAY = pd.Timedelta(days=1)
_LATE_SHARE = 0.95  # of those that got there took no longer than the horizon
_DRAWS = 400
_LAG_DAYS = (1, 3, 7, 14, 30, 60, 90, 180, 365)
KINDS = ("channel", "campaign")
NOT_KNOWN, NO_CAMPAIGN = "not known", "no campaign"


@dataclass(frozen=True)
class LeadCases:
    """Leads of the window as known at the end: one row per lead.

    `cases`: lead_id, channel, campaign, created_at, has_owner, is_converted, convert_days (to the
    opportunity, or as long as known), outcome of its deal ("won", "lost", "" while neither),
    deal_days (lead to the deal's end, or as long as known), won_amount (0 unless won),
    is_mature (known for the whole horizon).
    """

    cases: pd.DataFrame
    convert_days: float  # by then 19 in 20 of those that convert have
    horizon_days: float  # the same from lead to won

    @property
    def mature(self) -> pd.DataFrame:
        """Leads known for the whole horizon, with is_won_in_time and won_in_time_amount."""
        cases = self.cases[self.cases["is_mature"]]
        in_time = (cases["outcome"] == "won") & (cases["deal_days"] <= self.horizon_days)
        amount = cases["won_amount"].where(in_time, 0.0)
        return cases.assign(is_won_in_time=in_time, won_in_time_amount=amount)


def lead_cases(
    leads: pd.DataFrame, deals: pd.DataFrame, end: pd.Timestamp, options: ChannelsOptions
) -> LeadCases:
    """Return the leads that came within the window; `deals` is `deals_as_of` of the same day."""
    starts = end - options.window_days * _DAY
    known = leads[(leads["created_at"] >= starts) & (leads["created_at"] < end)]
    known = known.sort_values("lead_id", ignore_index=True)
    own = deals[["opportunity_id", "created_at", "outcome", "ended_at", "value_amount"]]
    own = own.rename(columns={"created_at": "opened_at"})
    table = known.merge(own, how="left", on="opportunity_id")
    converted = table["converted_at"].fillna(table["opened_at"])
    is_converted = converted < end
    ended = table["ended_at"].where(is_converted)
    is_won = (table["outcome"] == "won") & ended.notna()
    outcome = np.select([is_won, (table["outcome"] == "lost") & ended.notna()], ["won", "lost"], "")
    cases = pd.DataFrame(
        {
            "lead_id": table["lead_id"],
            "channel": table["channel"].astype(object).fillna(NOT_KNOWN),
            "campaign": table["campaign"].astype(object).fillna(NO_CAMPAIGN),
            "created_at": table["created_at"],
            "has_owner": table["rep_id"].notna(),
            "is_converted": is_converted,
            "convert_days": _days(table["created_at"], converted.where(is_converted), end),
            "outcome": outcome,
            "deal_days": _days(table["created_at"], ended, end),
            "won_amount": table["value_amount"].astype(float).where(is_won, 0.0).fillna(0.0),
        }
    )
    convert_days = _late(cases.loc[cases["is_converted"], "convert_days"])
    horizon = options.horizon_days or _late(cases.loc[cases["outcome"] == "won", "deal_days"])
    is_mature = (end - cases["created_at"]) / _DAY >= horizon
    return LeadCases(cases.assign(is_mature=is_mature), convert_days, float(horizon))


def _days(start: pd.Series, until: pd.Series, end: pd.Timestamp) -> pd.Series:
    # A deal may have been entered before its lead; that is no time at all.
    return ((until.fillna(end) - start) / _DAY).clip(lower=0).astype(float)


def _late(days: pd.Series) -> float:
    return float(np.ceil(days.quantile(_LATE_SHARE))) if len(days) else 0.0


def group_table(found: LeadCases, options: ChannelsOptions) -> pd.DataFrame:
    """Return what became of leads by channel and by campaign, most leads first.

    Columns: kind; value; lead_count; converted_count; converted_share with low and high (within
    `convert_days`, young leads censored, 80 %); lag_days (median, of converted); won_count;
    won_share with low and high (within the horizon, open ones censored); shrunk_share (drawn to all
    of its kind, leads known for the whole horizon); won_amount (so far); lead_amount with low and
    high (won per lead known for the whole horizon); ownerless_count (not converted although there
    was time, and nobody's); p_value; discovery_level; is_different (won share, against all others
    of the kind; false discoveries controlled). Rates of fewer than `least_shown` are missing.
    """
    return pd.concat([_kind_rows(found, kind, options) for kind in KINDS], ignore_index=True)


def _kind_rows(found: LeadCases, kind: str, options: ChannelsOptions) -> pd.DataFrame:
    cases, mature = found.cases, found.mature
    order = cases[kind].value_counts().rename_axis("value").reset_index(name="lead_count")
    order = order.sort_values(["lead_count", "value"], ascending=[False, True])
    rows = []
    for value in order["value"]:
        own = _row(cases[cases[kind] == value], found, options)
        own |= _money_row(mature[mature[kind] == value], options)
        own["p_value"] = _against_others(mature, mature[kind] == value, options)
        rows.append({"kind": kind, "value": value} | own)
    table = pd.DataFrame(rows)
    counts = mature.groupby(kind)["is_won_in_time"].agg(["sum", "size"])
    counts = counts.reindex(table["value"]).fillna(0)
    drawn = shrunk_shares(counts["sum"], counts["size"])["share"].to_numpy()
    levels = false_discovery_levels(table["p_value"])
    is_different = levels <= options.false_discovery_share
    return table.assign(shrunk_share=drawn, discovery_level=levels, is_different=is_different)


def _row(cases: pd.DataFrame, found: LeadCases, options: ChannelsOptions) -> dict[str, float]:
    has_time = cases["convert_days"] > found.convert_days
    lag = cases.loc[cases["is_converted"], "convert_days"].median()
    is_shown = len(cases) >= options.least_shown
    converted = _incidence(
        cases["convert_days"],
        np.where(cases["is_converted"], "converted", ""),
        (found.convert_days, "converted"),
    )
    won = _incidence(cases["deal_days"], cases["outcome"], (found.horizon_days, "won"))
    missing = (np.nan,) * 3
    names = ("", "_low", "_high")
    shares = {
        f"converted{n}_share": v
        for n, v in zip(names, converted if is_shown else missing, strict=True)
    }
    shares |= {f"won{n}_share": v for n, v in zip(names, won if is_shown else missing, strict=True)}
    return {
        "lead_count": len(cases),
        "converted_count": int(cases["is_converted"].sum()),
        "lag_days": float(lag),
        "won_count": int((cases["outcome"] == "won").sum()),
        "won_amount": round(float(cases["won_amount"].sum()), 2),
        "ownerless_count": int((~cases["has_owner"] & ~cases["is_converted"] & has_time).sum()),
    } | shares


def _incidence(days: pd.Series, causes: object, asked: tuple[float, str]) -> tuple[float, ...]:
    time, cause = asked
    found = aalen_johansen(days, causes)
    if cause not in found.shares:
        return 0.0, 0.0, np.nan
    return found.at(time, cause), *found.interval(time, cause)


def _money_row(mature: pd.DataFrame, options: ChannelsOptions) -> dict[str, float]:
    """Won per lead: the mean, and its range by drawing won deals again and again."""
    count = len(mature)
    if count < options.least_shown:
        return {
            "lead_amount": np.nan,
            "lead_low_amount": np.nan,
            "lead_high_amount": np.nan,
            "mature_count": count,
        }
    amounts = mature["won_in_time_amount"].to_numpy()
    amounts = amounts[amounts != 0]
    draw = np.random.default_rng(options.seed)
    sums = np.array([draw.poisson(1, len(amounts)) @ amounts for _ in range(_DRAWS)]) / count
    low, high = np.quantile(sums, [0.1, 0.9])
    return {
        "lead_amount": float(amounts.sum() / count),
        "lead_low_amount": float(low),
        "lead_high_amount": float(high),
        "mature_count": count,
    }


def _against_others(mature: pd.DataFrame, is_own: pd.Series, options: ChannelsOptions) -> float:
    own, others = mature.loc[is_own, "is_won_in_time"], mature.loc[~is_own, "is_won_in_time"]
    if min(len(own), len(others)) < options.least_compared:
        return np.nan
    counts = [[int(part.sum()), int((~part).sum())] for part in (own, others)]
    return float(fisher_exact(counts).pvalue)


def lag_table(found: LeadCases) -> pd.DataFrame:
    """Return how many leads have become an opportunity, and a won deal, by days since they came.

    Columns: days; converted_share; won_share (of all leads of the window, young ones censored).
    """
    cases = found.cases
    converted = aalen_johansen(
        cases["convert_days"], np.where(cases["is_converted"], "converted", "")
    )
    won = aalen_johansen(cases["deal_days"], cases["outcome"])
    days = [day for day in _LAG_DAYS if day <= max(found.horizon_days, _LAG_DAYS[0])]
    rows = [
        (
            day,
            converted.at(day, "converted") if converted.shares else 0.0,
            won.at(day, "won") if "won" in won.shares else 0.0,
        )
        for day in days
    ]
    return pd.DataFrame(rows, columns=["days", "converted_share", "won_share"])
