"""Everything that the chapter on channels reckons, before it is put into words."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from analysis.core.scope import Scope
from analysis.sales.channels_buyers import Buyers, buyer_groups, with_worth
from analysis.sales.channels_holdout import holdout_table
from analysis.sales.channels_leads import LeadCases, group_table, lag_table, lead_cases
from analysis.sales.channels_lifetime import Profile, lifetime_table, profile_of, tenures
from analysis.sales.channels_options import ChannelsOptions
from analysis.sales.channels_response import Answers, response_table
from analysis.sales.deals import deals_as_of
from analysis.sales.funnel_cohort import Tables, category_of

_DAY = pd.Timedelta(days=1)
_NO_DEALS = ("opportunity_id", "customer_id", "product_id", "channel", "value_amount", "outcome")
_NO_LEADS = ("lead_id", "channel", "created_at", "is_converted")
_CONVERT_DAYS = 30.0  # that an enquiry is given to become a deal where no lead tells


@dataclass(frozen=True)
class Marketing:
    """Leads, and the tables that tell when somebody answered; None where there are none."""

    leads: pd.DataFrame | None = None
    answers: Answers = field(default_factory=Answers)


@dataclass(frozen=True)
class Lifetime:
    """Worth of a new customer; empty tables and None where too few can be followed."""

    table: pd.DataFrame
    holdout: pd.DataFrame
    profile: Profile | None
    worth: str  # "margin" or "revenue"
    new_count: int


@dataclass(frozen=True)
class Told:
    """What the chapter could reckon; tables are empty where the data do not suffice."""

    found: LeadCases | None
    groups: pd.DataFrame
    lag: pd.DataFrame
    response: pd.DataFrame
    lifetime: Lifetime
    other_count: int  # deals won in the window that came from no lead
    other_amount: float


def told(
    marketing: Marketing,
    tables: Tables | None,
    buyers: Buyers | None,
    scope: Scope,
    options: ChannelsOptions,
) -> Told:
    """Reckon what the tables allow, with what was known at the period's end."""
    end = pd.Timestamp(scope.as_of) + _DAY
    deals = _deals(tables, scope)
    leads = marketing.leads
    known = None if leads is None else leads[leads["created_at"] < end]
    cases = None if known is None else lead_cases(known, deals, end, options)
    found = cases if cases is not None and len(cases.cases) >= options.least_shown else None
    groups, lag = pd.DataFrame(), pd.DataFrame()
    if found is not None:
        groups, lag = group_table(found, options), lag_table(found)
    asked = found or LeadCases(pd.DataFrame(columns=list(_NO_LEADS)), _CONVERT_DAYS, 0.0)
    response = response_table(asked, marketing.answers, deals, end, options)
    category = category_of(deals, tables.products if tables else None)
    kinds = None if buyers is None else buyer_groups(buyers, deals, category, known)
    others = _others(deals, known, end, options)
    return Told(found, groups, lag, response, _lifetime(buyers, kinds, end, options), *others)


def _deals(tables: Tables | None, scope: Scope) -> pd.DataFrame:
    if tables is None:
        moments = {name: pd.Series(dtype="datetime64[us]") for name in ("created_at", "ended_at")}
        return pd.DataFrame(columns=list(_NO_DEALS)).assign(**moments)
    return deals_as_of(tables.opportunities, tables.stage_events, tables.stages, scope.as_of)


def _others(
    deals: pd.DataFrame, leads: pd.DataFrame | None, end: pd.Timestamp, options: ChannelsOptions
) -> tuple[int, float]:
    is_won = (deals["outcome"] == "won") & (deals["ended_at"] >= end - options.window_days * _DAY)
    has_lead = deals["opportunity_id"].isin([] if leads is None else leads["opportunity_id"])
    own = deals[is_won & ~has_lead]
    return len(own), float(own["value_amount"].astype(float).sum())


def _lifetime(
    buyers: Buyers | None,
    kinds: pd.DataFrame | None,
    end: pd.Timestamp,
    options: ChannelsOptions,
) -> Lifetime:
    nothing = Lifetime(pd.DataFrame(), pd.DataFrame(), None, "margin", 0)
    if buyers is None or kinds is None or buyers.customer_periods.empty:
        return nothing
    periods, worth = with_worth(buyers.customer_periods)
    history = tenures(periods, end, options)
    if history is None:
        return nothing
    profile = profile_of(history, np.ones(len(history.ids), dtype=bool), options)
    if profile is None:
        return Lifetime(pd.DataFrame(), pd.DataFrame(), None, worth, len(history.ids))
    table = lifetime_table(history, kinds, options)
    held = holdout_table(periods, kinds, end, options)
    return Lifetime(table, held, profile, worth, len(history.ids))
