"""What is wrong with the raw data of the simulated company, on purpose and counted.

Each kind of dirt changes the clean tables by exactly what its option says and lists every piece in
the truth table `dirt` (what, id, value), so that a test can look for all of them.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from analysis.core.tables_customers import CUSTOMER_LINKS, EXCHANGE_RATES
from analysis.sources.simulated.world import SOURCE_SYSTEM, World, frame, pick

HOSTILE_NAMES = ("<script>alert(1)</script>", "=1+1")
# Rates with two decimals: cents times a rate have four, which is what amounts are kept with.
_RATES = {"USD": 0.92, "GBP": 1.17, "CHF": 1.05}
_LATE_DAYS = (6, 21)
_QUARTER_END_DAYS = 10


@dataclass
class Ledger:
    """What has been made dirty so far."""

    rows: list[pd.DataFrame] = field(default_factory=list)

    def note(self, what: str, ids: pd.Series | list[str], values: object = "") -> None:
        table = pd.DataFrame({"what": what, "id": list(ids)})
        self.rows.append(table.assign(value=values))

    def table(self) -> pd.DataFrame:
        empty = pd.DataFrame({"what": [], "id": [], "value": []}, dtype="str")
        return pd.concat([empty, *self.rows], ignore_index=True).astype("str")


def make_dirty(
    world: World, tables: dict[str, pd.DataFrame]
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Return the tables with the dirt that the options ask for, and the list of it."""
    dirt, rng, ledger = world.options.dirt, world.stream("dirt"), Ledger()
    made = dict(tables)
    lines = tables["invoice_lines"]
    if dirt.merged_count:
        everybody = tables["customers"]["customer_id"]
        lines, made["customer_links"] = _merged(lines, everybody, dirt.merged_count, rng, ledger)
    if dirt.foreign_share:
        made["exchange_rates"] = _exchange_rates(world)
        lines = _foreign(lines, made["exchange_rates"], dirt.foreign_share, rng, ledger)
    if dirt.refund_count:
        lines = _refunds(world, lines, dirt.refund_count, rng, ledger)
    if dirt.missing_customer_share:
        lines = _missing(lines, dirt.missing_customer_share, rng, ledger)
    if dirt.late_count:
        lines = _late(world, lines, dirt.late_count, rng, ledger)
    if dirt.duplicate_count:
        lines = _duplicates(lines, dirt.duplicate_count, rng, ledger)
    made["invoice_lines"] = lines
    if dirt.has_hostile_names:
        made["customers"] = _hostile(tables["customers"], tables["invoice_lines"], ledger)
    if dirt.reopened_count and world.options.has_sales:
        made |= _reopened(world, made, dirt.reopened_count, rng, ledger)
    return made, ledger.table()


def _merged(
    lines: pd.DataFrame,
    everybody: pd.Series,
    count: int,
    rng: np.random.Generator,
    ledger: Ledger,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give customers a second id, under which they bought in the first half of their lines.

    The links name every id of the source: once they speak of a source, an id that they do not
    know is an unknown customer.
    """
    seen = lines["customer_id"].value_counts()
    frequent = np.sort(seen.index[seen >= min(4, seen.max())].to_numpy(dtype=object))
    chosen = rng.choice(frequent, min(count, len(frequent)), replace=False)
    other = pd.Series(["D" + name[1:] for name in chosen], index=chosen, dtype="str")
    position = lines.groupby("customer_id").cumcount()
    is_early = position < lines["customer_id"].map(seen) / 2
    is_old = lines["customer_id"].isin(chosen) & is_early
    source_id = lines["source_id"].mask(is_old, lines["customer_id"].map(other))
    ledger.note("merged", chosen, other.to_numpy())
    alone = np.full(len(everybody), -1)
    matched = np.concatenate([alone, np.zeros(len(chosen), dtype=int)])
    links = frame(
        CUSTOMER_LINKS,
        source_system=SOURCE_SYSTEM,
        source_id=pd.array([*everybody, *other], dtype="str"),
        customer_id=pd.array([*everybody, *chosen], dtype="str"),
        matched_by=pick(["same VAT number"], matched),
        confirmed_by=pick(["A. Analyst"], matched),
    )
    return lines.assign(source_id=source_id.astype("str")), links


def _exchange_rates(world: World) -> pd.DataFrame:
    """A rate for each currency and quarter, within 5 % of its level."""
    rng = world.stream("exchange rates")
    names, count = list(_RATES), len(world.data_quarters)
    wobble = rng.uniform(0.95, 1.05, (len(names), count))
    return frame(
        EXCHANGE_RATES,
        currency=pick(names, np.repeat(np.arange(len(names)), count)),
        valid_on=world.dates(np.tile(world.quarter_edges[:count], len(names))),
        company_currency_per_unit=np.round(
            np.array(list(_RATES.values()))[:, None] * wobble, 2
        ).ravel(),
    )


def _foreign(
    lines: pd.DataFrame,
    rates: pd.DataFrame,
    share: float,
    rng: np.random.Generator,
    ledger: Ledger,
) -> pd.DataFrame:
    """Invoice some customers in another currency: the same value, so other numbers."""
    buyers = np.sort(lines["customer_id"].dropna().unique().astype(object))
    chosen = buyers[rng.random(len(buyers)) < share]
    currency = pd.Series(pick(list(_RATES), rng.integers(0, len(_RATES), len(chosen))), chosen)
    own = lines["customer_id"].map(currency)
    wanted = lines[["invoiced_on"]].assign(currency=own, row=np.arange(len(lines))).dropna()
    known = pd.merge_asof(
        wanted.sort_values("invoiced_on", kind="stable"),
        rates.sort_values("valid_on", kind="stable"),
        left_on="invoiced_on",
        right_on="valid_on",
        by="currency",
    ).sort_values("row")
    rows, rate = known["row"].to_numpy(), known["company_currency_per_unit"].to_numpy()
    rate_percent = np.round(100 * rate).astype(np.int64)
    original = np.round(100 * lines["revenue_amount"].to_numpy()[rows] / rate).astype(np.int64)
    result = lines.assign(currency=own.fillna("EUR").astype("str"))
    columns = {
        name: result[name].to_numpy(copy=True) for name in ("original_amount", "revenue_amount")
    }
    columns["original_amount"][rows] = original / 100
    columns["revenue_amount"][rows] = original * rate_percent / 10_000
    ledger.note("foreign", currency.index, currency.to_numpy())
    return result.assign(**columns)


def _refunds(
    world: World, lines: pd.DataFrame, count: int, rng: np.random.Generator, ledger: Ledger
) -> pd.DataFrame:
    """Take orders back whole by a credit note on the same day."""
    sales = lines.loc[lines["kind"] == "sale", "invoice_id"].unique().astype(object)
    chosen = np.sort(rng.choice(sales, min(count, len(sales)), replace=False))
    back = lines[lines["invoice_id"].isin(chosen) & (lines["kind"] == "sale")]
    names = ["quantity", "revenue_amount", "original_amount", "cost_amount"]
    ids = back["invoice_id"].radd("R").astype("str")
    number = back.groupby("invoice_id").cumcount() + 1
    back = back.assign(invoice_id=ids, line_no=number, kind="return", **-back[names])
    back["kind"] = back["kind"].astype("str")
    ledger.note("refund", chosen, sorted(ids.unique()))
    both = pd.concat([lines, back], ignore_index=True)
    return both.sort_values("invoiced_on", kind="stable", ignore_index=True)


def _missing(
    lines: pd.DataFrame, share: float, rng: np.random.Generator, ledger: Ledger
) -> pd.DataFrame:
    """Remove the buyer from whole documents."""
    invoices = lines["invoice_id"].drop_duplicates()
    chosen = invoices[rng.random(len(invoices)) < share]
    lost = lines["invoice_id"].isin(chosen)
    first = lines[lost].drop_duplicates("invoice_id")
    ledger.note("missing customer", first["invoice_id"], first["customer_id"].to_numpy())
    return lines.assign(
        customer_id=lines["customer_id"].mask(lost), source_id=lines["source_id"].mask(lost)
    )


def _late(
    world: World, lines: pd.DataFrame, count: int, rng: np.random.Generator, ledger: Ledger
) -> pd.DataFrame:
    """Let the source know documents of a quarter's last days in the next quarter only.

    The last quarter has none: what is known after the data end is not in the data.
    """
    day = (lines["invoiced_on"].to_numpy() - world.first_day) / np.timedelta64(1, "D")
    edge = world.quarter_edges[world.quarter_of(day) + 1]
    possible = (day >= edge - _QUARTER_END_DAYS) & (edge + _LATE_DAYS[1] < world.end)
    invoices = lines.loc[possible, "invoice_id"].unique().astype(object)
    chosen = np.sort(rng.choice(invoices, min(count, len(invoices)), replace=False))
    known = edge + rng.integers(*_LATE_DAYS) + 9.5 / 24
    is_late = lines["invoice_id"].isin(chosen).to_numpy()
    known_at = world.moments(np.where(is_late, known, np.nan))
    ledger.note("late", chosen)
    return lines.assign(known_at=known_at)


def _duplicates(
    lines: pd.DataFrame, count: int, rng: np.random.Generator, ledger: Ledger
) -> pd.DataFrame:
    """Repeat lines on their document; a source without line numbers shows two equal rows."""
    sales = np.flatnonzero((lines["kind"] == "sale").to_numpy())
    chosen = np.sort(rng.choice(sales, min(count, len(sales)), replace=False))
    copies = lines.iloc[chosen]
    ledger.note("duplicate", copies["invoice_id"], copies["revenue_amount"].to_numpy())
    rows = np.sort(np.concatenate([np.arange(len(lines)), chosen]), kind="stable")
    table = lines.iloc[rows].reset_index(drop=True)
    number = table.groupby("invoice_id").cumcount() + 1
    return table.assign(line_no=number)


def _hostile(customers: pd.DataFrame, lines: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Name two good customers, though not the best, like an attack on a page and a spreadsheet."""
    spent = lines.groupby("customer_id")["revenue_amount"].sum().sort_values(ascending=False)
    chosen = spent.index[[min(30, len(spent) - 2), min(40, len(spent) - 1)]]
    names = pd.Series(HOSTILE_NAMES, index=chosen, dtype="str")
    own = customers["customer_id"].map(names)
    ledger.note("hostile name", chosen, list(HOSTILE_NAMES))
    return customers.assign(customer_name=customers["customer_name"].mask(own.notna(), own))


def _reopened(
    world: World,
    tables: dict[str, pd.DataFrame],
    count: int,
    rng: np.random.Generator,
    ledger: Ledger,
) -> dict[str, pd.DataFrame]:
    """Bring lost deals back to negotiation 10 days later; they are still open."""
    deals, events = tables["opportunities"], tables["stage_events"]
    chosen = _lately_lost(world, deals, count, rng)
    back = deals["opportunity_id"].isin(chosen)
    last = events[events["opportunity_id"].isin(chosen)]
    last = last.drop_duplicates("opportunity_id", keep="last")
    again_at = (last["entered_at"] + pd.Timedelta(days=10)).astype("datetime64[s]")
    again = last.assign(
        event_no=last["event_no"] + 1,
        entered_at=again_at,
        stage_id=pd.array(["S4"] * len(last), dtype="str"),
        previous_stage_id=last["stage_id"],
        changed_by_rep_id=last["rep_id"],
        is_bulk=False,
        expected_close_on=again_at.dt.floor("D") + np.timedelta64(30, "D"),
    )
    left = events.assign(
        exited_at=events["exited_at"].mask(events.index.isin(last.index), again_at)
    )
    order = ["opportunity_id", "event_no"]
    ledger.note("reopened", chosen)
    return {
        "stage_events": pd.concat([left, again]).sort_values(order, ignore_index=True),
        "opportunities": deals.assign(
            stage_id=deals["stage_id"].mask(back, "S4"),
            is_closed=deals["is_closed"] & ~back,
            closed_at=deals["closed_at"].mask(back),
            lost_reason=deals["lost_reason"].mask(back),
            forecast_category=deals["forecast_category"].mask(back, "commit"),
            win_share=deals["win_share"].mask(back, 0.7),
        ),
    }


def _lately_lost(
    world: World, deals: pd.DataFrame, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Choose among deals lost 12 to 192 days before the end of the data."""
    limit = np.datetime64(world.data_quarters[-1].ends_before, "s") - np.timedelta64(12, "D")
    lost = deals["is_closed"] & ~deals["is_won"] & (deals["closed_at"] < limit)
    lost &= deals["closed_at"] > limit - np.timedelta64(180, "D")
    candidates = deals.loc[lost, "opportunity_id"].to_numpy(dtype=object)
    return np.sort(rng.choice(candidates, min(count, len(candidates)), replace=False))
