"""What do leads become, channel by channel, and which customers are worth most in the long run?"""

import numpy as np
import pandas as pd
from scipy.stats import norm

from analysis.core.figures import Chart
from analysis.core.result import Number, Result
from analysis.core.scope import Scope
from analysis.core.statistics import wilson_interval
from analysis.sales.channels_buyers import Buyers
from analysis.sales.channels_charts import lead_chart, lifetime_chart
from analysis.sales.channels_findings import caveats, decisions, definitions, findings
from analysis.sales.channels_options import ChannelsOptions
from analysis.sales.channels_response import EVERY_CHANNEL, Answers
from analysis.sales.channels_told import Marketing, Told, told
from analysis.sales.funnel_cohort import Tables

__all__ = ["Answers", "Buyers", "ChannelsOptions", "Marketing", "Tables", "channels"]

NAME = "channels"
TITLE = "What leads become, and which customers are worth most"
_NORMAL_90 = float(norm.ppf(0.9))


def channels(
    marketing: Marketing,
    tables: Tables | None = None,
    buyers: Buyers | None = None,
    *,
    scope: Scope,
    options: ChannelsOptions | None = None,
) -> Result:
    """Follow leads to opportunities, won deals and money, and customers to their lifetime value.

    Tables of the Result: `leads` (by channel and campaign), `lag` (days from lead to opportunity
    and to won), `response` (how fast enquiries are answered), `lifetime` (worth of a new customer
    by industry, business model, first product category and channel), `holdout` (lifetime value
    reckoned without the last year, against that year). One without data or with too few is left
    out, and the limits say so. Only what was known at the period's end is used.
    """
    options = options or ChannelsOptions()
    what = told(marketing, tables, buyers, scope, options)
    found = {
        "leads": what.groups,
        "lag": what.lag,
        "response": what.response,
        "lifetime": what.lifetime.table,
        "holdout": what.lifetime.holdout,
    }
    kept = {name: table for name, table in found.items() if len(table)}
    if not kept and what.lifetime.profile is None:
        sentence = (
            "Neither leads nor enough new customers are known: what channels bring cannot be said."
        )
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=_headline(what, options),
        findings=findings(what, options, scope),
        decisions=decisions(what, scope),
        tables=kept,
        charts=_charts(what, options, scope),
        caveats=caveats(what, marketing, options, scope),
        definitions=definitions(what, options, scope),
    )


def _headline(what: Told, options: ChannelsOptions) -> dict[str, Number]:
    numbers = {}
    if what.found is not None:
        cases, mature = what.found.cases, what.found.mature
        note = f"of leads known for {what.found.horizon_days:.0f} days"
        won = int(mature["is_won_in_time"].sum())
        ends = wilson_interval(won, len(mature))
        numbers["leads"] = Number("Leads", float(len(cases)), "count")
        if len(mature):
            share = won / len(mature)
            numbers["won_share"] = Number("Won", share, "share", *ends, note=note)
            amount = float(mature["won_in_time_amount"].mean())
            numbers["lead_amount"] = Number("A lead brings", amount, "amount", note=note)
    numbers |= _response_numbers(what.response, options)
    if (profile := what.lifetime.profile) is not None:
        width = _NORMAL_90 * float(np.sqrt(profile.variance))
        ends = (profile.value - width, profile.value + width)
        note = f"{what.lifetime.worth} of {options.horizon_years} years, of today"
        label = "A new customer is worth"
        numbers["lifetime"] = Number(label, profile.value, "amount", *ends, note=note)
    return numbers


def _response_numbers(response: pd.DataFrame, options: ChannelsOptions) -> dict[str, Number]:
    if "within_share" not in response:
        return {}
    first = response[response["channel"] == EVERY_CHANNEL].iloc[0]
    ends = (float(first["within_low_share"]), float(first["within_high_share"]))
    label = f"Answered within {options.answer_hours:g} hours"
    return {"within": Number(label, float(first["within_share"]), "share", *ends)}


def _charts(what: Told, options: ChannelsOptions, scope: Scope) -> dict[str, Chart]:
    charts = {}
    groups = what.groups
    if len(groups) and (groups["lead_amount"].notna() & (groups["kind"] == "channel")).any():
        horizon = what.found.horizon_days if what.found else 0.0
        charts["leads"] = lead_chart(what.groups, horizon, scope)
    if len(what.lifetime.table):
        charts["lifetime"] = lifetime_chart(what.lifetime, options, scope)
    return charts
