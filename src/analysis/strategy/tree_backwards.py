"""What a target takes, backwards through the funnel: deals, stage by stage, and leads."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.stats import norm

Floats = np.ndarray
_DRAWS = 4000
_DAY = pd.Timedelta(days=1)
_FEWEST_WON = 5
_YEAR_QUARTERS = 4
STEPS = {"revenue": "revenue to win", "won": "deals to win", "opened": "deals to open"}
LEADS = "leads to get"
_COLUMNS = ["step", "name", "plain", "need_low", "need_mid", "need_high", "expected_need", "usual"]


@dataclass(frozen=True)
class Stage:
    """A stage of the funnel: how many of the deals that left it passed on."""

    name: str
    passed_count: int
    lost_count: int
    open_count: int = 0  # there now

    @property
    def pass_share(self) -> float:
        left = self.passed_count + self.lost_count
        return self.passed_count / left if left else float("nan")


@dataclass(frozen=True)
class Selling:
    """What the last year of selling tells: counts behind each rate, and values of won deals.

    `stages` are in the order of the funnel, without them deals go from opened to won in one step.
    """

    won_count: int
    closed_count: int
    values: Floats  # of won deals
    lead_count: int  # old enough to have become a deal
    converted_count: int
    stages: tuple[Stage, ...] = field(default=())

    @property
    def won_amount(self) -> float:
        return float(self.values.sum())


def selling_of(
    opportunities: pd.DataFrame,
    leads: pd.DataFrame | None,
    as_of: pd.Timestamp,
    stages: pd.DataFrame | None = None,
    settle_days: int = 90,
) -> Selling:
    """Count the year to `as_of`: deals closed in it, leads of it that had `settle_days` to convert.

    A deal closed later counts as open, a lead converted later as not converted. `stages` is the
    table of the chapter on the funnel.
    """
    closed = closed_within_year(opportunities, as_of)
    end, start = as_of + _DAY, as_of + _DAY - 365 * _DAY
    won = closed[closed["is_won"].astype(bool)]
    old = converted = 0
    if leads is not None:
        settled = leads[(leads["created_at"] >= start - settle_days * _DAY)]
        settled = settled[settled["created_at"] < end - settle_days * _DAY]
        old = len(settled)
        converted = int((settled["converted_at"] < end).sum())
    values = won["value_amount"].dropna().astype(float).to_numpy()
    return Selling(len(won), len(closed), np.sort(values), old, converted, stages_of(stages))


def closed_within_year(opportunities: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return the deals won or lost in the year to `as_of`."""
    end = as_of + _DAY
    closed_at = opportunities["closed_at"]
    is_mine = opportunities["is_closed"].astype(bool) & (closed_at >= end - 365 * _DAY)
    return opportunities[is_mine & (closed_at < end)]


def stages_of(table: pd.DataFrame | None) -> tuple[Stage, ...]:
    """Return the stages of the funnel's table in order; none when one of them was never passed."""
    if table is None or table.empty:
        return ()
    ordered = table.sort_values("stage_order")
    found = tuple(
        Stage(str(row.stage_name), int(row.passed_count), int(row.lost_count), int(row.open_count))
        for row in ordered.itertuples()
    )
    return found if all(stage.passed_count for stage in found) else ()


def plain_need(amount: float, rates: dict) -> dict[str, float]:
    """Return what `amount` takes at exact rates, step by step.

    `rates`: value (per won deal), stages (shares that pass, first stage first), convert_share
    (deals per lead). Keys: revenue, won, stage1, ... (deals that reach it), leads. `plain_yield`
    of the leads gives the amount back.
    """
    need = {"revenue": amount, "won": amount / rates["value"]}
    reached = need["won"]
    for place in range(len(rates["stages"]), 0, -1):
        reached = reached / rates["stages"][place - 1]
        need[f"stage{place}"] = reached
    return need | {"leads": reached / rates["convert_share"]}


def plain_yield(leads: float, rates: dict) -> float:
    """Return the revenue of so many leads at exact rates: the way forward."""
    return leads * rates["convert_share"] * float(np.prod(rates["stages"])) * rates["value"]


def need_draws(amount: float, selling: Selling, seed: int) -> dict[str, tuple[str, float, Floats]]:
    """Return for each step its name, the plain number, and draws with what is not known of rates.

    Mean value by drawing won deals anew, shares from beta posteriors. The same seed gives the same
    rates for any amount, so that more never takes less. None below 5 won deals, or for no amount.
    """
    if selling.won_count < _FEWEST_WON or not amount > 0 or not len(selling.values):
        return {}
    generator = np.random.default_rng(seed)
    drawn = generator.integers(0, len(selling.values), (_DRAWS, len(selling.values)))
    plain, reached = amount / selling.values.mean(), amount / selling.values[drawn].mean(axis=1)
    found = {"revenue": (STEPS["revenue"], amount, np.full(_DRAWS, amount))}
    found["won"] = (STEPS["won"], plain, reached)
    lost = selling.closed_count - selling.won_count
    way = selling.stages or (Stage("", selling.won_count, lost),)
    for place in range(len(way), 0, -1):
        stage = way[place - 1]
        share = generator.beta(stage.passed_count + 0.5, stage.lost_count + 0.5, _DRAWS)
        plain, reached = plain / stage.pass_share, reached / share
        opened = f"{STEPS['opened']} (to {stage.name})" if stage.name else STEPS["opened"]
        name = opened if place == 1 else f"deals to bring to {stage.name}"
        found["opened" if place == 1 else f"stage{place}"] = (name, plain, reached)
    if selling.converted_count:
        missed = selling.lead_count - selling.converted_count
        convert = generator.beta(selling.converted_count + 0.5, missed + 0.5, _DRAWS)
        plain = plain * selling.lead_count / selling.converted_count
        found["leads"] = (LEADS, plain, reached / convert)
    return found


def need_table(
    amount: float, selling: Selling, seed: int, expected_amount: float = 0.0
) -> pd.DataFrame:
    """Return what it takes to win `amount` on top of what is usual.

    Columns: step; name; plain (at the rates as counted); need_low, need_mid, need_high (10, 50,
    90 % of draws);
    expected_need (the middle for `expected_amount` alone, what is missing without wanting to be
    sure); usual (of a quarter, mean of the year; missing for single stages). Steps without data
    behind them are left out; empty below 5 won deals.
    """
    usual = {
        "revenue": selling.won_amount / _YEAR_QUARTERS,
        "won": selling.won_count / _YEAR_QUARTERS,
        "opened": selling.closed_count / _YEAR_QUARTERS,
        "leads": selling.lead_count / _YEAR_QUARTERS,
    }
    rows = []
    for step, (name, plain, draws) in need_draws(amount, selling, seed).items():
        low, mid, high = np.quantile(draws, [0.1, 0.5, 0.9])
        expected = mid * expected_amount / amount
        rows.append((step, name, plain, low, mid, high, expected, usual.get(step, float("nan"))))
    return pd.DataFrame(rows, columns=_COLUMNS)


def pipeline_enough(wanted: float, pipeline: dict[str, float] | None) -> float:
    """Return the chance that deals won of the pipeline reach `wanted`; missing without a forecast.

    `pipeline` has middle, low and high of what the chapter on the pipeline expects to be won in
    the period, open deals and those not yet opened together; two-piece normal.
    """
    if pipeline is None:
        return float("nan")
    middle, low, high = pipeline["middle"], pipeline["low"], pipeline["high"]
    side = high - middle if wanted >= middle else middle - low
    if not low <= middle <= high or side <= 0:
        return float("nan")
    return float(norm.sf((wanted - middle) / side * norm.ppf(0.9)))
