"""The list as it is published: drawn once for a quarter, kept as it is, handed from run to run.

The table `list_anchor` of the Result holds it, with the lists of earlier quarters. A run of a
quarter that has been published reads its own table again, so that late postings, other options and
other code change nothing in who is contacted and who is left alone.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.scope import Scope
from analysis.customers.contact_list_choice import (
    Beside,
    candidates,
    chosen,
    contacted_anyway,
    left_out,
)
from analysis.customers.contact_list_draw import drawn_groups
from analysis.customers.contact_list_effect import limits
from analysis.customers.contact_list_options import ContactListOptions
from analysis.customers.contact_list_power import Known, power_of, quarters_before

TO_CONTACT, HELD_OUT, ANYWAY = "contact", "held out", "contact anyway"
_KEPT_LISTS = 8
_TEXTS = ("period", "quarter", "customer_id", "group", "why", "reason", "offer", "rep_id")
COLUMNS = (
    "period",
    "quarter",
    "is_provisional",
    "is_rehearsal",
    "hold_out_share",
    "customer_id",
    "group",
    "why",
    "block",
    "forecast_amount",
    "limit_amount",
    "expected_gain_amount",
    "reason",
    "offer",
    "rep_id",
)


@dataclass(frozen=True)
class Lists:
    """This quarter's list and those before it, newest last."""

    now: pd.DataFrame
    before: pd.DataFrame

    @property
    def whole(self) -> pd.DataFrame:
        """The table that the next run is handed."""
        names = sorted(self.before["period"].unique())[-_KEPT_LISTS + 1 :]
        old = self.before[self.before["period"].isin(names)]
        parts = [part for part in (old, self.now) if len(part)]
        return pd.concat(parts, ignore_index=True) if parts else self.now

    @property
    def earlier(self) -> list[pd.DataFrame]:
        """The lists of earlier periods that were not provisional, oldest first."""
        sure = self.before[~self.before["is_provisional"].astype(bool)]
        return [rows for _, rows in sure.groupby("period", sort=True)]


def list_for(
    customer_growth: pd.DataFrame,
    beside: Beside,
    kept: pd.DataFrame | None,
    *,
    scope: Scope,
    options: ContactListOptions,
) -> Lists:
    """Return the quarter's list: as it was published, or drawn now, with those before it."""
    known = _empty() if kept is None else kept[list(COLUMNS)]
    starts = [scope.calendar.parse(name).starts_on for name in known["period"]]
    before = known[np.array([day < scope.period.starts_on for day in starts], dtype=bool)]
    own = known[(known["period"] == scope.period.name) & ~known["is_provisional"].astype(bool)]
    if len(own):
        return Lists(own.reset_index(drop=True), before.reset_index(drop=True))
    return Lists(
        _drawn(customer_growth, beside, before, scope, options),
        before.reset_index(drop=True),
    )


def _drawn(
    customer_growth: pd.DataFrame,
    beside: Beside,
    before: pd.DataFrame,
    scope: Scope,
    options: ContactListOptions,
) -> pd.DataFrame:
    # Whoever was left alone this quarter is not left alone for another one.
    is_held = (before["quarter"] == scope.period.name) & (before["group"] == HELD_OUT)
    held_before = pd.Index(sorted(before.loc[is_held, "customer_id"].astype("str")))
    people = candidates(customer_growth, beside, scope, options)
    people = people[~people["customer_id"].isin(left_out(beside, scope))]
    anyway = contacted_anyway(beside, held_before, scope, options)
    listed, others = chosen(people, anyway, options)
    keys = ["forecast_amount", "customer_id"]
    listed = listed.sort_values(keys, ascending=[False, True], ignore_index=True)
    seed = [options.seed, scope.period.starts_on.year, scope.period.starts_on.month]
    block, is_contact = drawn_groups(len(listed), _share(listed, beside, scope, options), seed)
    drawn = listed.assign(
        block=block,
        group=np.where(is_contact, TO_CONTACT, HELD_OUT),
        limit_amount=limits(listed["forecast_amount"].to_numpy(float)),
        why="",
    )
    others = others.assign(block=0, group=ANYWAY, limit_amount=np.nan)
    parts = [part for part in (drawn, others) if len(part)]
    table = pd.concat(parts, ignore_index=True) if parts else drawn
    coming = scope.next_period
    table = table.assign(
        period=scope.period.name,
        quarter=coming.name,
        is_provisional=scope.is_cut_short,
        is_rehearsal=scope.known_to is not None and scope.known_to >= coming.last_day,
        hold_out_share=options.hold_out_share,
    )
    return _typed(table[list(COLUMNS)])


def _share(
    listed: pd.DataFrame, beside: Beside, scope: Scope, options: ContactListOptions
) -> float:
    """The share to hold out: nobody where the list could tell only a lift nobody hopes for."""
    known = Known(beside.backtest_origins, beside.frozen)
    before = quarters_before(known, set(listed["customer_id"]), scope)
    power = power_of(before, len(listed), options.hold_out_share, options.lift_share)
    is_known = not np.isnan(power.needed_count)
    can_tell = power.least_lift <= options.most_least_lift_share
    return options.hold_out_share if can_tell or not is_known else 0.0


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    # As they are read from a file again, so that a list read again is saved to the same bytes.
    texts = {name: table[name].astype("str") for name in _TEXTS}
    amounts = {
        name: table[name].astype(float).round(2)
        for name in ("forecast_amount", "limit_amount", "expected_gain_amount")
    }
    flags = {name: table[name].astype(bool) for name in ("is_provisional", "is_rehearsal")}
    return table.assign(**texts, **amounts, **flags, block=table["block"].astype("int64"))


def _empty() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype="object") for name in COLUMNS})
