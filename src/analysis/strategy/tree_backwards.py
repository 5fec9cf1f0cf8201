"""What a target takes, backwards through the funnel: deals, opportunities, leads, people."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

_DRAWS = 4000
_DAY = pd.Timedelta(days=1)
STEPS = {
    "revenue": "revenue to win",
    "won": "deals to win",
    "opened": "deals to open",
    "leads": "leads to get",
    "people": "full-time sellers for them",
}

Floats = np.ndarray


@dataclass(frozen=True)
class Selling:
    """What the last year of selling tells: counts behind each rate, and values of won deals."""

    won_count: int
    closed_count: int
    values: Floats  # of won deals
    lead_count: int  # old enough to have become a deal
    converted_count: int
    ended_count: int  # deals won or lost, by
    full_time_quarters: float  # quarters of full-time work


def selling_of(
    opportunities: pd.DataFrame,
    leads: pd.DataFrame | None,
    full_time_sellers: float,
    as_of: pd.Timestamp,
    settle_days: int = 90,
) -> Selling:
    """Count the year to `as_of`: deals closed in it, leads of it that had `settle_days` to convert.

    A deal closed later counts as open, a lead converted later as not converted.
    """
    end, start = as_of + _DAY, as_of + _DAY - 365 * _DAY
    closed = opportunities[
        opportunities["is_closed"].astype(bool)
        & (opportunities["closed_at"] >= start)
        & (opportunities["closed_at"] < end)
    ]
    won = closed[closed["is_won"].astype(bool)]
    old = converted = 0
    if leads is not None:
        settled = leads[(leads["created_at"] >= start - settle_days * _DAY)]
        settled = settled[settled["created_at"] < end - settle_days * _DAY]
        old = len(settled)
        converted = int((settled["converted_at"] < end).sum())
    values = won["value_amount"].dropna().astype(float).to_numpy()
    return Selling(
        len(won), len(closed), values, old, converted, len(closed), 4 * full_time_sellers
    )


def plain_need(amount: float, rates: dict[str, float]) -> dict[str, float]:
    """Return what `amount` takes at exact rates, step by step.

    `rates`: value (per won deal), win_share, convert_share (deals per lead), per_person (deals
    ended in a quarter). `plain_yield` of the leads gives the amount back.
    """
    won = amount / rates["value"]
    opened = won / rates["win_share"]
    return {
        "revenue": amount,
        "won": won,
        "opened": opened,
        "leads": opened / rates["convert_share"],
        "people": opened / rates["per_person"],
    }


def plain_yield(leads: float, rates: dict[str, float]) -> float:
    """Return the revenue of so many leads at exact rates: the way forward."""
    return leads * rates["convert_share"] * rates["win_share"] * rates["value"]


def need_table(amount: float, selling: Selling, seed: int) -> pd.DataFrame:
    """Return what it takes to win `amount`, with what is not known of the rates.

    Columns: step; name; plain (at the rates as counted); low, mid, high (10, 50 and 90 % of draws:
    win share and conversion from beta posteriors, mean value by drawing deals anew, throughput from
    a gamma posterior). Steps without data behind them are left out; empty below 5 won deals.
    """
    if selling.won_count < 5 or amount <= 0:
        return pd.DataFrame(columns=["step", "name", "plain", "low", "mid", "high"])
    generator = np.random.default_rng(seed)
    lost = selling.closed_count - selling.won_count
    drawn = generator.integers(0, len(selling.values), (_DRAWS, len(selling.values)))
    value = selling.values[drawn].mean(axis=1)
    win = generator.beta(selling.won_count + 0.5, lost + 0.5, _DRAWS)
    won = amount / value
    steps = {"revenue": np.full(_DRAWS, amount), "won": won, "opened": won / win}
    plain = {"revenue": amount, "won": amount / selling.values.mean()}
    plain["opened"] = plain["won"] * selling.closed_count / selling.won_count
    if selling.converted_count:
        missed = selling.lead_count - selling.converted_count
        convert = generator.beta(selling.converted_count + 0.5, missed + 0.5, _DRAWS)
        steps["leads"] = steps["opened"] / convert
        plain["leads"] = plain["opened"] * selling.lead_count / selling.converted_count
    if selling.full_time_quarters > 0:
        rate = generator.gamma(selling.ended_count + 0.5, 1 / selling.full_time_quarters, _DRAWS)
        steps["people"] = steps["opened"] / rate
        plain["people"] = plain["opened"] * selling.full_time_quarters / selling.ended_count
    rows = [
        (step, STEPS[step], plain[step], *np.quantile(draws, [0.1, 0.5, 0.9]))
        for step, draws in steps.items()
    ]
    return pd.DataFrame(rows, columns=["step", "name", "plain", "low", "mid", "high"])
