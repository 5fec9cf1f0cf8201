"""What the chapter on roles looks at: people, money, contacts and deals as known on one day."""

from dataclasses import dataclass

import pandas as pd

from analysis.core.scope import Scope
from analysis.sales.deals import deals_as_of, stays_as_of
from analysis.sales.presence import full_time_days, known_people
from analysis.sales.rep_names import is_person, rep_labels
from analysis.sales.roles_options import RolesOptions

DAY = pd.Timedelta(days=1)
SALES, SUPPORT, OTHER, UNKNOWN, NOBODY = (
    "direct sales",
    "support",
    "other work",
    "role not known",
    "no person",
)
INVOICED, WON = "invoiced revenue", "value of deals won"
ACTIVITY, ANSWER = "activity", "answer to an enquiry"
_NO_CONTACT = ("task", "admin", "internal")  # done for a customer, not with him
_NO_DEALS = ["opportunity_id", "customer_id", "rep_id", "outcome", "created_at", "ended_at"]


@dataclass(frozen=True)
class Sources:
    """The tables that the chapter reads; None where the project has none.

    `seller_periods` is the derived table of this name, already as of the period's end.
    """

    reps: pd.DataFrame | None = None
    customers: pd.DataFrame | None = None
    seller_periods: pd.DataFrame | None = None
    opportunities: pd.DataFrame | None = None
    stage_events: pd.DataFrame | None = None
    stages: pd.DataFrame | None = None
    activities: pd.DataFrame | None = None
    inbound_contacts: pd.DataFrame | None = None
    time_records: pd.DataFrame | None = None


@dataclass(frozen=True)
class Known:
    """What was known at the period's end.

    `people`: rep_id, label, role, side, leader_rep_id, hired_on, left_on, full_time_days (of the
    window), one row per row of reps; a machine's has the role "no person". `money`: customer_id and
    rep_id ("" for none), first_on, amount of the window, is_new (the quarter of the customer's
    first line; of deals, the first one won). `lines`: revenue of all times by customer, seller and
    quarter. `deals` as of the end; `stays` of deals in stages. `done`: activities that people
    finished, with role, side, at, minutes (missing where none are given), is_contact. `contacts`:
    customer_id, at, rep_id (missing where a team answered), side, how. `bought_on`: first line or
    won deal by customer.
    """

    people: pd.DataFrame
    money: pd.DataFrame
    measure: str
    lines: pd.DataFrame
    deals: pd.DataFrame
    stays: pd.DataFrame
    done: pd.DataFrame
    contacts: pd.DataFrame
    bought_on: pd.Series
    starts: pd.Timestamp
    ends: pd.Timestamp  # the first moment that is not known


def known_of(sources: Sources, scope: Scope, options: RolesOptions) -> Known:
    """Return what was known of people, money and contacts at the period's end."""
    ends = pd.Timestamp(scope.as_of) + DAY
    deals, stays = _deals(sources, scope)
    lines = _lines(sources, scope)
    bought = _bought_on(lines, deals)
    starts = _starts(lines, deals, scope, options)
    measure = INVOICED if (lines["rep_id"] != "").any() or not _has_owners(deals) else WON
    people = _people(sources, starts, ends, options)
    done = _done(sources, deals, people, ends)
    return Known(
        people=people,
        money=_money(measure, lines, deals, bought, starts, scope),
        measure=measure,
        lines=lines,
        deals=deals,
        stays=stays,
        done=done,
        contacts=_contacts(done, sources, people, ends),
        bought_on=bought,
        starts=starts,
        ends=ends,
    )


def looked_up(keys: pd.Series, values: pd.Series) -> pd.Series:
    """Return the value of each id, missing where there is none; of one kind also if all are."""
    known = values.set_axis(values.index.astype("str"))
    found = known.reindex(pd.Index(keys.array, dtype="str"))
    return pd.Series(found.array, index=keys.index)


def side_of(people: pd.DataFrame, rep_ids: pd.Series, column: str = "side") -> pd.Series:
    """Return the side (or another column) of each id; for nobody or an unknown one say so."""
    found = looked_up(rep_ids, people.set_index("rep_id")[column]).astype(object)
    is_nobody = rep_ids.isna() | (rep_ids == "")
    return found.where(found.notna(), UNKNOWN).mask(is_nobody, NOBODY).astype("str")


def quarter_start(scope: Scope, quarters: int) -> pd.Timestamp:
    """Return the first day of the last so many fiscal quarters."""
    last = scope.calendar.containing(scope.as_of, "quarterly")
    return pd.Timestamp(scope.calendar.shift(last, 1 - quarters).starts_on)


def _deals(sources: Sources, scope: Scope) -> tuple[pd.DataFrame, pd.DataFrame]:
    if sources.opportunities is None:
        times = dict.fromkeys(_NO_DEALS[4:], "datetime64[s]")
        empty = pd.DataFrame({name: pd.Series(dtype="str") for name in _NO_DEALS}).astype(times)
        return empty.assign(value_amount=0.0), pd.DataFrame()
    known = (sources.opportunities, sources.stage_events, sources.stages, scope.as_of)
    deals = deals_as_of(*known)
    amounts = deals["value_amount"].astype(float).fillna(0.0)
    return deals.assign(value_amount=amounts), stays_as_of(*known)


def _lines(sources: Sources, scope: Scope) -> pd.DataFrame:
    """Revenue by customer, seller and quarter; in a derived table nothing later is there."""
    columns = ["customer_id", "rep_id", "starts_on", "first_on", "last_on", "day_count"]
    table = sources.seller_periods
    if table is None or table.empty:
        types = dict.fromkeys(columns[2:5], "datetime64[s]") | {"day_count": "int64"}
        empty = pd.DataFrame({name: pd.Series(dtype="str") for name in columns[:2]})
        rest = pd.DataFrame({name: pd.Series(dtype=types[name]) for name in columns[2:]})
        return empty.join(rest).assign(amount=0.0)
    known = table[table["first_on"] <= pd.Timestamp(scope.as_of)]
    known = known.assign(amount=known["revenue_amount"].astype(float))
    order = ["customer_id", "starts_on", "first_on", "last_on", "rep_id"]
    return known[[*columns, "amount"]].sort_values(order, ignore_index=True)


def _has_owners(deals: pd.DataFrame) -> bool:
    return bool(((deals["outcome"] == "won") & deals["rep_id"].notna()).any())


def _bought_on(lines: pd.DataFrame, deals: pd.DataFrame) -> pd.Series:
    """First day of a line, or of a won deal, by customer."""
    won = deals.loc[deals["outcome"] == "won", ["customer_id", "ended_at"]].dropna()
    named = lines.loc[lines["customer_id"] != "", ["customer_id", "first_on"]]
    both = pd.concat([named, won.rename(columns={"ended_at": "first_on"})])
    return both.groupby("customer_id")["first_on"].min().astype("datetime64[s]")


def _starts(
    lines: pd.DataFrame, deals: pd.DataFrame, scope: Scope, options: RolesOptions
) -> pd.Timestamp:
    first = quarter_start(scope, options.window_quarters)
    seen = pd.concat([lines["first_on"], deals["created_at"]]).min()
    return first if pd.isna(seen) else max(first, seen.normalize())


def _people(
    sources: Sources, starts: pd.Timestamp, ends: pd.Timestamp, options: RolesOptions
) -> pd.DataFrame:
    reps = sources.reps
    columns = ["rep_id", "role", "leader_rep_id", "hired_on", "left_on"]
    if reps is None:
        empty = pd.DataFrame({name: pd.Series(dtype="str") for name in columns})
        times = {name: "datetime64[s]" for name in columns[3:]}
        return empty.astype(times).assign(label="", side="", full_time_days=0.0)
    reps = reps.sort_values("rep_id", ignore_index=True)
    people = reps.reindex(columns=columns)
    sides = dict.fromkeys(options.seller_roles, SALES) | dict.fromkeys(
        options.support_roles, SUPPORT
    )
    side = people["role"].map(sides).astype(object).fillna(OTHER)
    is_machine = ~is_person(reps, reps["rep_id"])
    present = full_time_days(
        known_people(reps, pd.Index(people["rep_id"])), starts, ends, sources.time_records
    )
    days = looked_up(people["rep_id"], present).astype(float)
    role = people["role"].astype(object).where(people["role"].notna(), UNKNOWN)
    return people.assign(
        label=rep_labels(reps, people["rep_id"]),
        role=role.mask(is_machine, NOBODY).astype("str"),
        side=side.where(people["role"].notna(), UNKNOWN).mask(is_machine, NOBODY).astype("str"),
        full_time_days=days.mask(is_machine, 0.0),
    )


def _money(
    measure: str,
    lines: pd.DataFrame,
    deals: pd.DataFrame,
    bought: pd.Series,
    starts: pd.Timestamp,
    scope: Scope,
) -> pd.DataFrame:
    """Money of the window; new is the quarter in which the customer first bought."""
    if measure == INVOICED:
        rows = lines[lines["starts_on"] >= _quarter_of(starts, scope)]
        named = lines[lines["customer_id"] != ""]
        first = looked_up(rows["customer_id"], named.groupby("customer_id")["first_on"].min())
        is_new = first >= rows["starts_on"]
    else:
        is_in = (deals["outcome"] == "won") & (deals["ended_at"] >= starts)
        rows = deals.loc[is_in].rename(columns={"value_amount": "amount", "ended_at": "first_on"})
        is_new = rows["first_on"] <= looked_up(rows["customer_id"], bought)
    ids = {name: rows[name].fillna("").astype("str") for name in ("customer_id", "rep_id")}
    table = rows.assign(**ids, is_new=is_new.fillna(False).astype(bool))
    return table[["customer_id", "rep_id", "first_on", "amount", "is_new"]].reset_index(drop=True)


def _quarter_of(day: pd.Timestamp, scope: Scope) -> pd.Timestamp:
    return pd.Timestamp(scope.calendar.containing(day.date(), "quarterly").starts_on)


def _done(
    sources: Sources, deals: pd.DataFrame, people: pd.DataFrame, ends: pd.Timestamp
) -> pd.DataFrame:
    """Activities that people finished, and that were entered, before the end."""
    columns = ["activity_id", "activity_type", "rep_id", "customer_id", "opportunity_id"]
    if sources.activities is None:
        empty = pd.DataFrame({n: pd.Series(dtype="str") for n in [*columns, "role", "side"]})
        return empty.assign(at=pd.Series(dtype="datetime64[s]"), minutes=0.0, is_contact=False)
    table = sources.activities
    is_machine = table["is_automated"].astype("boolean").fillna(False).astype(bool)
    is_known = (table["created_at"] < ends) & (table["completed_at"] < ends)
    kept = table[is_known & ~is_machine & _by_people(sources.reps, table["rep_id"])]
    kept = kept.sort_values("activity_id", ignore_index=True)
    owners = deals.drop_duplicates("opportunity_id").set_index("opportunity_id")["customer_id"]
    customer = kept["customer_id"].where(
        kept["customer_id"].notna(), looked_up(kept["opportunity_id"], owners)
    )
    minutes = kept["duration_minutes"].astype(float)
    return kept[columns].assign(
        customer_id=customer,
        activity_type=kept["activity_type"].astype(object).fillna("not named").astype("str"),
        role=side_of(people, kept["rep_id"], "role"),
        side=side_of(people, kept["rep_id"]),
        at=kept["completed_at"],
        minutes=minutes.where(minutes > 0),
        is_contact=~kept["activity_type"].isin(_NO_CONTACT) & customer.notna(),
    )


def _by_people(reps: pd.DataFrame | None, rep_ids: pd.Series) -> pd.Series:
    """Not a machine's; an activity that names nobody stays."""
    return rep_ids.isna() | is_person(reps, rep_ids)


def _contacts(
    done: pd.DataFrame, sources: Sources, people: pd.DataFrame, ends: pd.Timestamp
) -> pd.DataFrame:
    columns = ["customer_id", "at", "rep_id", "side", "how"]
    spoken = done[done["is_contact"]].assign(how=ACTIVITY)[columns]
    answers = sources.inbound_contacts
    if answers is None:
        return spoken.sort_values(columns[:3], ignore_index=True)
    # Who answered a question that was passed on is not recorded.
    is_sure = answers["customer_id"].notna() & (answers["transfer_count"].fillna(0) == 0)
    sides = looked_up(answers["routed_team_id"], team_sides(sources.reps, people))
    kept = answers[is_sure & (answers["first_response_at"] < ends) & sides.notna()]
    heard = kept[["customer_id"]].assign(
        at=kept["first_response_at"], rep_id=None, side=sides[kept.index], how=ANSWER
    )
    both = pd.concat([part for part in (spoken, heard) if len(part)] or [spoken])
    return both.sort_values([*columns[:2], "how", "rep_id"], ignore_index=True)


def team_sides(reps: pd.DataFrame | None, people: pd.DataFrame) -> pd.Series:
    """Return the side of each team whose people, leaders aside, are all of one side."""
    if reps is None or "team_id" not in reps:
        return pd.Series(dtype="str")
    named = people.assign(team_id=looked_up(people["rep_id"], reps.set_index("rep_id")["team_id"]))
    named = named[named["side"].isin((SALES, SUPPORT)) & named["team_id"].notna()]
    by_team = named.drop_duplicates(["team_id", "side"])
    alone = by_team.drop_duplicates("team_id", keep=False)
    return alone.set_index("team_id")["side"].sort_index()
