"""One forecast as of one day, from what was known then; the same for today and for earlier ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import pandas as pd

from analysis.core.scope import Scope
from analysis.sales.funnel_cohort import Tables
from analysis.sales.pipeline_baselines import stage_weighted, won_between
from analysis.sales.pipeline_model import WinModel, fit
from analysis.sales.pipeline_options import PipelineOptions
from analysis.sales.pipeline_simulation import (
    Draws,
    NewDeals,
    OpenDeals,
    luck_weights,
    new_deals,
    priced,
    simulate,
)
from analysis.sales.pipeline_snapshots import (
    DAY,
    Ahead,
    ahead_of,
    month_ends,
    open_at,
    past_quarter_ends,
    states_at,
    with_activity,
    with_labels,
)

Floats = np.ndarray


@dataclass(frozen=True)
class History:
    """Deals as they were known: open ones at ends of months, all of them at ends of quarters."""

    open_deals: dict[date, pd.DataFrame]
    states: dict[date, pd.DataFrame]
    as_of: date

    @cached_property
    def pool(self) -> pd.DataFrame:
        """The open deals of all days, oldest day first."""
        return pd.concat(list(self.open_deals.values()), ignore_index=True)

    @property
    def first(self) -> pd.Timestamp:
        """When the first deal was opened."""
        return self.states[self.as_of]["created_at"].min()


@dataclass(frozen=True)
class Forecast:
    """What was said of a time ahead as of a day, layer by layer, and what came if it is over."""

    origin: date
    ahead: Ahead
    deals: pd.DataFrame  # open ones, with win_share, lost_share and stage_share (the CRM's own)
    model: WinModel
    opened: OpenDeals
    new: NewDeals
    weights: Floats  # of the deviations of the shared luck
    draws: Draws
    simple: dict[str, float]  # the CRM's own sums, and rules that anybody can use
    came: pd.DataFrame | None  # deals won in the time, where it is over

    @property
    def actual(self) -> float | None:
        """The won value of the time, where it is over."""
        return None if self.came is None else float(self.came["value_amount"].sum())

    @property
    def won_count(self) -> int | None:
        """Deals won in the time, opened before it or in it."""
        return None if self.came is None else len(self.came)

    @property
    def expected_count(self) -> float:
        """Deals that are expected to be won, open ones and new ones."""
        return float(self.opened.chances.sum()) + self.new.expected_count


def history_of(
    tables: Tables,
    activities: pd.DataFrame | None,
    more_days: Sequence[date],
    scope: Scope,
    options: PipelineOptions,
) -> History:
    """Return what was known at the ends of months and quarters, and on `more_days`."""
    created = tables.opportunities["created_at"].dropna()
    quarters = options.history_quarters + options.backtest_quarters
    oldest = pd.Timestamp(scope.as_of) - quarters * 91 * DAY
    first = max(created.min(), oldest)
    # A year more than is forecast again, for the rule of the same quarter a year before.
    most = options.backtest_quarters + 4
    days = {scope.as_of, *more_days, *past_quarter_ends(scope, created.min(), most)}
    months = set(month_ends(first, scope.as_of)) | {d for d in days if pd.Timestamp(d) >= first}
    found = open_at(tables, sorted(months))
    open_deals = {d: with_activity(deals, activities, d) for d, deals in found.items()}
    return History(open_deals, states_at(tables, sorted(days)), scope.as_of)


def forecasts(
    history: History, tables: Tables, quarters: int, scope: Scope, options: PipelineOptions
) -> list[Forecast]:
    """Return the forecasts of earlier quarter ends, oldest first, and last that of today.

    Each learns from what was known at its own end alone. Empty when even today's cannot be made.
    """
    made: list[Forecast] = []
    origins = past_quarter_ends(scope, history.first, options.backtest_quarters + quarters - 1)
    known = [
        day
        for day in origins
        if ahead_of(day, scope.calendar, quarters).ends <= pd.Timestamp(scope.as_of) + DAY
    ]
    latest = known[max(0, len(known) - options.backtest_quarters) :]
    for day in [*latest, scope.as_of]:
        ahead = ahead_of(day, scope.calendar, quarters)
        one = _forecast(history, tables, day, ahead, made, options)
        if one is not None:
            made.append(one)
    return made if made and made[-1].origin == scope.as_of else []


def _forecast(
    history: History,
    tables: Tables,
    day: date,
    ahead: Ahead,
    before: list[Forecast],
    options: PipelineOptions,
) -> Forecast | None:
    state, deals = history.states[day], history.open_deals.get(day)
    learnt = _learnt(history, state, ahead, options)
    is_closed = (state["outcome"] != "open").sum() >= options.least_deals
    if deals is None or learnt is None or not is_closed:
        return None
    model = fit(learnt, options)
    won, lost = model.chances(deals)
    new = new_deals(state, ahead, options)
    opened = priced(deals, won, learnt[learnt["result"] == "won"], new.amounts)
    weights = _luck(before, ahead, options)
    weighted, simple = stage_weighted(deals, tables, ahead)
    final = _state_after(history, ahead)
    came = None if final is None else won_between(final, ahead.starts, ahead.ends)
    return Forecast(
        origin=day,
        ahead=ahead,
        deals=deals.assign(win_share=won, lost_share=lost, stage_share=weighted),
        model=model,
        opened=opened,
        new=new,
        weights=weights,
        draws=simulate(opened, new, weights, options.draw_count, options.seed),
        simple=simple | _rules(history, state, ahead),
        came=came,
    )


def _learnt(
    history: History, state: pd.DataFrame, ahead: Ahead, options: PipelineOptions
) -> pd.DataFrame | None:
    """Open deals of earlier days whose time was over when `ahead` began, with what they became."""
    known_to = history.pool["known_to"]
    oldest = ahead.starts - options.history_quarters * 91 * DAY
    is_over = known_to <= ahead.starts - ahead.days * DAY
    known = history.pool[is_over & (known_to > oldest)].reset_index(drop=True)
    return with_labels(known, state, ahead.days) if len(known) else None


def _luck(before: list[Forecast], ahead: Ahead, options: PipelineOptions) -> Floats:
    known = [f for f in before if f.came is not None and f.ahead.ends <= ahead.starts]
    columns = [
        [
            f.opened.expected_amounts.sum() + f.new.expected_amount,
            f.opened.variance + f.new.variance,
            f.actual,
        ]
        for f in known
    ]
    expected, variances, came = np.array(columns, float).reshape(-1, 3).T
    return luck_weights(expected, variances, came, ahead.quarters, options.shock_share)


def _state_after(history: History, ahead: Ahead) -> pd.DataFrame | None:
    return history.states.get((ahead.ends - DAY).date())


def _rules(history: History, state: pd.DataFrame, ahead: Ahead) -> dict[str, float]:
    """Won value of times that are over, taken for that of the time ahead; NaN before the data."""
    edges = pd.DatetimeIndex([_back(ahead.starts, count) for count in (4, 3, 2, 1, 0)])
    won = won_between(state, edges[0], ahead.starts)
    place = edges.searchsorted(pd.DatetimeIndex(won["ended_at"]), side="right") - 1
    sums = np.bincount(place, won["value_amount"].fillna(0.0), minlength=4)
    is_known = edges[:4] >= history.first.normalize() - 31 * DAY
    sums = np.where(is_known, sums, np.nan)
    if ahead.quarters > 1:
        return {"last": float(sums.sum()), "year_before": np.nan, "mean": np.nan}
    return {"last": sums[3], "year_before": sums[0], "mean": float(sums.mean())}


def _back(moment: pd.Timestamp, quarters: int) -> pd.Timestamp:
    """The start of a quarter so many before; of 13 weeks where `moment` starts no month."""
    if moment.day == 1:
        return moment - pd.DateOffset(months=3 * quarters)
    return moment - 91 * quarters * DAY
