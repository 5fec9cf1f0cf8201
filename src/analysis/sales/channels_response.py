"""How long enquiries wait for a first answer, and what becomes of those that wait longer."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.statistics import share_difference_interval
from analysis.core.survival import aalen_johansen, median_time
from analysis.sales.channels_leads import NOT_KNOWN, LeadCases
from analysis.sales.channels_options import ChannelsOptions

_HOUR = pd.Timedelta(hours=1)
_DAY = pd.Timedelta(days=1)
CONTACTS, LEADS, EVERY_CHANNEL = "inbound contacts", "leads", "all"


@dataclass(frozen=True)
class Answers:
    """The tables that tell when somebody answered; None where the project has none."""

    inbound_contacts: pd.DataFrame | None = None
    activities: pd.DataFrame | None = None


def response_table(
    found: LeadCases,
    answers: Answers,
    deals: pd.DataFrame,
    end: pd.Timestamp,
    options: ChannelsOptions,
) -> pd.DataFrame:
    """Return first answers by channel, and all channels together; empty where no table tells.

    Columns: source (contacts of people who are no customers yet, or leads with activities);
    channel; contact_count; answered_count; median_hours; within_share with low and high (answered
    within `answer_hours`, those still waiting censored, 80 %); deal_within_share, deal_later_share
    and difference_share with low and high (95 %): what became a deal of those answered in time and
    of the others, both long enough known. Hours are by the clock, nights and weekends included.
    """
    own = _of_contacts(answers.inbound_contacts, deals, end, options)
    parts = [own, _of_leads(found, answers.activities, end)]
    parts = [part for part in parts if len(part)]
    if not parts:
        return pd.DataFrame(columns=["source", "channel", "contact_count"])
    waits = pd.concat(parts, ignore_index=True)
    rows = []
    for source, asked in waits.groupby("source", sort=True):
        groups = [(EVERY_CHANNEL, asked), *asked.groupby("channel", sort=True)]
        rows += [
            {"source": source, "channel": name} | _row(group, found, end, options)
            for name, group in groups
        ]
    return pd.DataFrame(rows)


def _of_contacts(
    contacts: pd.DataFrame | None,
    deals: pd.DataFrame,
    end: pd.Timestamp,
    options: ChannelsOptions,
) -> pd.DataFrame:
    if contacts is None:
        return pd.DataFrame()
    received = contacts["received_at"]
    is_ours = (received >= end - options.window_days * _DAY) & (received < end)
    is_ours &= ~contacts["customer_state"].fillna("").isin(["customer"])
    known = contacts[is_ours].sort_values("contact_id", ignore_index=True)
    answered = known["first_response_at"].where(known["first_response_at"] < end)
    return _waits(CONTACTS, known["channel"], known["received_at"], answered, end).assign(
        is_deal=known["opportunity_id"].isin(deals["opportunity_id"])
    )


def _of_leads(found: LeadCases, activities: pd.DataFrame | None, end: pd.Timestamp) -> pd.DataFrame:
    if activities is None or not activities["lead_id"].notna().any():
        return pd.DataFrame()
    done = activities[activities["lead_id"].notna() & (activities["completed_at"] < end)]
    done = done[~done["is_automated"].fillna(False).astype(bool)]
    started = done["started_at"].fillna(done["completed_at"])
    first = started.groupby(done["lead_id"]).min()
    cases = found.cases
    answered = first.reindex(cases["lead_id"]).set_axis(cases.index)
    waits = _waits(LEADS, cases["channel"], cases["created_at"], answered, end)
    return waits.assign(is_deal=cases["is_converted"].to_numpy())


def _waits(
    source: str,
    channel: pd.Series,
    received: pd.Series,
    answered: pd.Series,
    end: pd.Timestamp,
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "source": source,
            "channel": channel.astype(object).fillna(NOT_KNOWN),
            "received_at": received,
            "is_answered": answered.notna(),
            "hours": ((answered.fillna(end) - received) / _HOUR).clip(lower=0).astype(float),
        }
    )


def _row(
    waits: pd.DataFrame, found: LeadCases, end: pd.Timestamp, options: ChannelsOptions
) -> dict[str, float]:
    count = len(waits)
    row = {"contact_count": count, "answered_count": int(waits["is_answered"].sum())}
    if count < options.least_shown:
        return row
    curve = aalen_johansen(waits["hours"], np.where(waits["is_answered"], "answer", ""))
    has_any = "answer" in curve.shares
    limit = options.answer_hours
    low, high = curve.interval(limit, "answer") if has_any else (0.0, np.nan)
    row |= {
        "median_hours": median_time(curve),
        "within_share": curve.at(limit, "answer") if has_any else 0.0,
        "within_low_share": low,
        "within_high_share": high,
    }
    return row | _deals(waits, found, end, options)


def _deals(
    waits: pd.DataFrame, found: LeadCases, end: pd.Timestamp, options: ChannelsOptions
) -> dict[str, float]:
    """What became a deal; only enquiries that had the time to be answered and to convert."""
    needed = options.answer_hours * _HOUR + found.convert_days * _DAY
    known = waits[waits["received_at"] <= end - needed]
    in_time = known["is_answered"] & (known["hours"] <= options.answer_hours)
    within, later = known.loc[in_time, "is_deal"], known.loc[~in_time, "is_deal"]
    if min(len(within), len(later)) < options.least_shown:
        return {}
    first, second = ((int(part.sum()), len(part)) for part in (within, later))
    low, high = share_difference_interval(first, second)
    return {
        "deal_within_share": float(within.mean()),
        "deal_later_share": float(later.mean()),
        "difference_share": float(within.mean() - later.mean()),
        "difference_low_share": low,
        "difference_high_share": high,
    }
