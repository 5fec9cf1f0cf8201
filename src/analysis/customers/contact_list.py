"""Which customers to act on next quarter, whom to leave alone to compare, and did it work?"""

import numpy as np
import pandas as pd

from analysis.core.result import Number, Result
from analysis.core.scope import Scope
from analysis.customers.contact_list_chart import gain_chart, lift_chart
from analysis.customers.contact_list_choice import Beside, candidates, left_out
from analysis.customers.contact_list_draw import block_sizes
from analysis.customers.contact_list_findings import (
    Told,
    caveats,
    decisions,
    definitions,
    findings,
)
from analysis.customers.contact_list_frozen import ANYWAY, HELD_OUT, TO_CONTACT, Lists, list_for
from analysis.customers.contact_list_grades import grade
from analysis.customers.contact_list_options import ContactListOptions
from analysis.customers.contact_list_power import Known, Power, power_of, quarters_before

__all__ = ["Beside", "ContactListOptions", "contact_list"]

NAME = "contact_list"
TITLE = "Customers to act on, and whether it works"
_HALF = 0.5


def contact_list(
    customer_growth: pd.DataFrame | None,
    beside: Beside,
    kept: pd.DataFrame | None = None,
    *,
    scope: Scope,
    options: ContactListOptions | None = None,
) -> Result:
    """List the customers with most to gain, hold some out by lot, and grade the lists before.

    `customer_growth` is growth's table; `kept` the table `list_anchor` that this quarter's own
    published run left, or else an earlier quarter's. A list that was published is never drawn
    again: late postings and other options change nothing in it.

    Tables of the Result: `contact`, `held_out` and `contact_anyway` (customer, owner, expected
    gain, forecast of the next quarter, offer, reason; `until_on` or `why`), `power` (which lift the
    list could tell, and how many customers a smaller one takes), `grades` (see `grade`), `graded`
    (the customers of the latest graded list), `list_anchor` (this list and earlier ones as they
    were published, for later runs).
    """
    options = options or ContactListOptions()
    period = scope.period
    if period.cadence != "quarterly":
        return Result.nothing(NAME, TITLE, period, f"{period} is no quarter; lists are for one.")
    if customer_growth is None or customer_growth.empty:
        sentence = (
            "There are no forecasts to choose customers by: the chapter on growth could not be "
            "made. It needs invoice lines with customers who bought more than once."
        )
        return Result.nothing(NAME, TITLE, period, sentence)
    lists = list_for(customer_growth, beside, kept, scope=scope, options=options)
    if lists.now.empty:
        sentence = (
            "Nobody has an expected gain of "
            f"{scope.display.amount(options.least_gain_amount)} or more in the next quarter, so "
            "there is nobody to list (option least_gain_amount)."
        )
        return Result.nothing(NAME, TITLE, period, sentence)
    return _result(customer_growth, beside, lists, scope, options)


def _result(
    customer_growth: pd.DataFrame,
    beside: Beside,
    lists: Lists,
    scope: Scope,
    options: ContactListOptions,
) -> Result:
    graded = grade(lists, beside.customer_periods, beside.activities, scope=scope, options=options)
    powers = _powers(lists, beside, scope, options)
    tables = _list_tables(lists.now, beside, scope) | {
        "power": _power_table(powers, lists.now, options),
        "grades": graded.table,
        "graded": graded.customers,
        "list_anchor": lists.whole,
    }
    told = Told(
        lists, powers, graded.table, len(left_out(beside, scope)), _has_gaps(customer_growth)
    )
    if told.has_lift and graded.table["lift_share"].notna().any():
        picture = {"lift_by_list": lift_chart(graded.table, scope)}
    else:
        people = candidates(customer_growth, beside, scope, options)
        picture = {"expected_gain": gain_chart(people, lists.now, scope)}
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=_headline(told, scope),
        findings=findings(told, scope, options),
        decisions=decisions(told, scope),
        tables={name: t for name, t in tables.items() if len(t) or name == "list_anchor"},
        charts=picture,
        caveats=caveats(told, scope, options),
        definitions=definitions(told, scope, options),
    )


def _has_gaps(customer_growth: pd.DataFrame) -> bool:
    return bool(customer_growth["gap_year_amount"].notna().any())


def _list_tables(now: pd.DataFrame, beside: Beside, scope: Scope) -> dict[str, pd.DataFrame]:
    """The three groups with names for people, greatest expected gain first."""
    named = _named(now, beside)
    until = pd.Timestamp(scope.next_period.last_day)
    columns = [
        "customer_id",
        "customer_name",
        "owner",
        "expected_gain_amount",
        "forecast_amount",
        "offer",
        "reason",
    ]
    columns = [name for name in columns if name in named]
    keys = ["expected_gain_amount", "customer_id"]
    groups = {
        group: named[named["group"] == group].sort_values(
            keys, ascending=[False, True], ignore_index=True
        )
        for group in (TO_CONTACT, HELD_OUT, ANYWAY)
    }
    held = [name for name in columns if name not in ("offer", "reason")]
    return {
        "contact": groups[TO_CONTACT][columns],
        "held_out": groups[HELD_OUT].assign(until_on=until)[[*held, "until_on"]],
        "contact_anyway": groups[ANYWAY][[*columns[:-2], "why", *columns[-2:]]],
    }


def _named(now: pd.DataFrame, beside: Beside) -> pd.DataFrame:
    owner = now["rep_id"].astype("object")
    if beside.reps is not None and "rep_name" in beside.reps:
        names = beside.reps.dropna(subset=["rep_name"]).drop_duplicates("rep_id")
        owner = owner.map(names.set_index("rep_id")["rep_name"]).fillna(owner)
    table = now
    if owner.notna().any():  # a source without sellers has no owners to name
        table = now.assign(owner=owner.where(owner.notna(), "nobody yet").astype("str"))
    features = beside.customer_features
    if features is None or "customer_name" not in features:
        return table
    known = features.dropna(subset=["customer_name"]).drop_duplicates("customer_id")
    names = table["customer_id"].map(known.set_index("customer_id")["customer_name"])
    return table.assign(customer_name=names) if names.notna().any() else table


def _powers(lists: Lists, beside: Beside, scope: Scope, options: ContactListOptions) -> list[Power]:
    """What the list can tell as it was drawn, and had half of it been held out."""
    drawn = lists.now[lists.now["group"] != ANYWAY]
    share = float(lists.now["hold_out_share"].iloc[0])
    if not (drawn["group"] == HELD_OUT).any():
        share = 0.0
    before = quarters_before(
        Known(beside.backtest_origins, beside.frozen), set(drawn["customer_id"]), scope
    )
    shares = [share] if share == _HALF else [share, _HALF]
    return [power_of(before, len(drawn), one, options.lift_share) for one in shares]


def _power_table(
    powers: list[Power], now: pd.DataFrame, options: ContactListOptions
) -> pd.DataFrame:
    """Return one row per share held out, the list's own first.

    Columns: hold_out_share; contact_count; held_out_count; least_lift_share (of revenue, told with
    80 % power at 5 %, two-sided; missing where unknown or beyond nine times); told_lift_share (the
    option lift_share) and needed_count (customers like these that such a lift takes).
    """
    count = int((now["group"] != ANYWAY).sum())
    rows = [
        {
            "hold_out_share": power.hold_out_share,
            "contact_count": count - power.held_count,
            "held_out_count": power.held_count,
            "least_lift_share": power.least_lift,
            "told_lift_share": options.lift_share,
            "needed_count": power.needed_count,
        }
        for power in powers
        if power.hold_out_share == powers[0].hold_out_share
        or len(block_sizes(count, power.hold_out_share)[0])
    ]
    return pd.DataFrame(rows)


def _headline(told: Told, scope: Scope) -> dict[str, Number]:
    note = f"80 % range; from the list of {told.latest['list']}" if told.is_graded else ""
    until = scope.display.day(scope.next_period.last_day)
    numbers = {
        "to_contact": Number("Customers to contact", float(told.contact_count), "count"),
        "held_out": Number(
            "Held out to compare with", float(told.held_count), "count", note=f"until {until}"
        ),
        "expected_gain": Number(
            "Expected gain of contacting",
            told.gain,
            "amount",
            note=f"assumed, in {scope.next_period}",
        ),
    }
    if not np.isnan(told.least_lift):
        numbers["least_lift"] = Number("Least lift that can be told", told.least_lift, "share")
    if told.is_graded and not pd.isna(told.latest["lift_share"]):
        row = told.latest
        numbers["lift"] = Number(
            "Lift of the last list",
            _number(row["lift_share"]),
            "share",
            _number(row["lift_low_share"]),
            _number(row["lift_high_share"]),
            note=note,
        )
    return numbers


def _number(value: float) -> float | None:
    return None if pd.isna(value) else float(value)
