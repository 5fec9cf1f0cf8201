"""What was known of each deal at the end of a day: its state, owner, value and stages reached."""

from datetime import date

import numpy as np
import pandas as pd

_EVENT_COLUMNS = ["opportunity_id", "event_no", "entered_at", "stage_id"]
_TERMINAL = ("won", "lost")
_FEWEST_OPEN = 5  # open deals, all without a value, to say that it is known at the end only
_AS_OF_COLUMNS = ("rep_id", "value_amount", "expected_close_on")  # events overrule the present


def deals_as_of(
    opportunities: pd.DataFrame,
    stage_events: pd.DataFrame | None,
    stages: pd.DataFrame | None,
    as_of: date,
) -> pd.DataFrame:
    """Return one row per deal opened by the end of `as_of`, as it stood then, by opportunity_id.

    Columns: opportunity_id, customer_id, rep_id (owner then), pipeline_id, product_id, channel,
    deal_type, selling_model, lost_reason (of lost deals), created_at, outcome ("open", "won",
    "lost"), ended_at (missing while open), stage_id, stage_name, stage_order (missing without
    stages), stage_since (entry into the stage it is in), value_amount, expected_close_on, age_days
    (since it was opened, to its end or `as_of`), stage_age_days, push_count (times that the
    expected close was moved later), has_events.

    Where stage events exist they decide: `opportunities` hold the present, which may be later than
    `as_of`. A reopened deal is open again from the day it left its end. Without events a deal is
    closed when `closed_at` has come, and owner, value and expected close are those of the present;
    where no deal that is open now has a value, one counts from the end of a deal on.
    Deals without `created_at` are not in a funnel yet and are left out (`undated_deals`).
    """
    end = _end_of(as_of)
    kept = opportunities[opportunities["created_at"] < end].sort_values("opportunity_id")
    deals = _present(kept, stages, end)
    stays = stays_as_of(kept, stage_events, stages, as_of)
    if len(stays):
        deals = _overruled(deals, stays)
    deals = deals.assign(
        outcome=deals["outcome"].fillna("open"),
        lost_reason=deals["lost_reason"].where(deals["outcome"] == "lost"),
    )
    last = deals["ended_at"].fillna(end)
    return deals.assign(
        age_days=(last - deals["created_at"]) / pd.Timedelta(days=1),
        stage_age_days=(last - deals["stage_since"]) / pd.Timedelta(days=1),
    ).reset_index(drop=True)


def stays_as_of(
    opportunities: pd.DataFrame,
    stage_events: pd.DataFrame | None,
    stages: pd.DataFrame | None,
    as_of: date,
) -> pd.DataFrame:
    """Return the stays of deals in stages that had begun by the end of `as_of`, in order.

    Columns of stage_events, with pipeline_id, stage_name, stage_order and stage_category, and
    `exited_at` missing where the deal had not left by then. Equal stages in a row are one stay: a
    CRM that writes a row per save repeats them. Stays whose stage is not in `stages` are left out.
    Empty without events or stages.
    """
    if stage_events is None or stages is None or stage_events.empty:
        return pd.DataFrame(columns=[*_EVENT_COLUMNS, "stage_order", "stage_category"])
    end = _end_of(as_of)
    known = stage_events[stage_events["entered_at"] < end]
    pipelines = opportunities[["opportunity_id", "pipeline_id"]]
    known = known.merge(pipelines, on="opportunity_id").merge(
        _definitions(stages, end), on=["pipeline_id", "stage_id"]
    )
    known = known.sort_values(["opportunity_id", "event_no"], ignore_index=True)
    group = known["opportunity_id"]
    is_repeat = (group == group.shift()) & (known["stage_id"] == known["stage_id"].shift())
    known = known.assign(exited_at=_left_by(known, end))
    if "value_amount" in known:
        known = known.assign(value_amount=known["value_amount"].astype(float))
    first = known[~is_repeat].reset_index(drop=True)
    last = known.loc[~is_repeat.shift(-1, fill_value=False), "exited_at"]
    return first.assign(exited_at=last.to_numpy())


def stages_reached(stays: pd.DataFrame, deals: pd.DataFrame) -> pd.DataFrame:
    """Return one row per deal and stage that it reached: opportunity_id, stage_order, reached_at.

    Stages of category open only. A stage that was skipped counts as reached when the next later one
    was entered; a return to an earlier stage undoes nothing and counts once; a won deal reached
    every stage of its pipeline. `deals` is the table of `deals_as_of` for the same day.
    """
    is_open = stays["stage_category"] == "open"
    entered = stays[is_open][["opportunity_id", "pipeline_id", "stage_order", "entered_at"]]
    orders = (
        stays.loc[is_open, ["pipeline_id", "stage_order"]]
        .drop_duplicates()
        .sort_values(["pipeline_id", "stage_order"])
    )
    won = deals.loc[deals["outcome"] == "won", ["opportunity_id", "pipeline_id", "ended_at"]]
    top = orders.groupby("pipeline_id")["stage_order"].max()
    ends = won.assign(stage_order=won["pipeline_id"].map(top), entered_at=won["ended_at"])
    first = (
        pd.concat([entered, ends[ends["stage_order"].notna()][entered.columns]])
        .groupby(["opportunity_id", "pipeline_id", "stage_order"], as_index=False)["entered_at"]
        .min()
    )
    pairs = first[["opportunity_id", "pipeline_id"]].drop_duplicates().merge(orders)
    table = pairs.merge(first, how="left").sort_values(
        ["opportunity_id", "stage_order"], ascending=[True, False]
    )
    # From the last stage back: the earliest entry into this stage or any later one. cummin skips
    # missing values but leaves them missing.
    deal = table["opportunity_id"]
    earliest = table.groupby(deal)["entered_at"].cummin()
    table = table.assign(entered_at=earliest.groupby(deal).ffill())
    reached = table[table["entered_at"].notna()].rename(columns={"entered_at": "reached_at"})
    columns = ["opportunity_id", "stage_order", "reached_at"]
    return reached[columns].sort_values(columns[:2], ignore_index=True)


def undated_deals(opportunities: pd.DataFrame) -> pd.DataFrame:
    """Return the deals that nobody has begun to work on: those without `created_at`."""
    return opportunities[opportunities["created_at"].isna()]


def _end_of(as_of: date) -> pd.Timestamp:
    return pd.Timestamp(as_of) + pd.Timedelta(days=1)


def _definitions(stages: pd.DataFrame, end: pd.Timestamp) -> pd.DataFrame:
    """The definition of each stage that held at `end`, or the first one where none did yet."""
    ordered = stages.sort_values(["pipeline_id", "stage_id", "valid_from_on"])
    is_valid = ordered["valid_from_on"] < end
    keys = ["pipeline_id", "stage_id"]
    latest = ordered[is_valid].drop_duplicates(keys, keep="last")
    both = pd.concat([latest, ordered.drop_duplicates(keys)]).drop_duplicates(keys)
    return both[[*keys, "stage_name", "stage_order", "stage_category"]]


def _left_by(known: pd.DataFrame, end: pd.Timestamp) -> pd.Series:
    following = known.groupby("opportunity_id")["entered_at"].shift(-1)
    left = known["exited_at"].fillna(following)
    return left.where(left < end)


def _present(
    opportunities: pd.DataFrame, stages: pd.DataFrame | None, end: pd.Timestamp
) -> pd.DataFrame:
    columns = ["opportunity_id", "customer_id", "rep_id", "pipeline_id", "product_id", "channel"]
    columns += ["deal_type", "selling_model", "lost_reason", "created_at", "stage_id"]
    deals = opportunities[[*columns, "value_amount", "expected_close_on"]]
    has_ended = opportunities["is_closed"].astype(bool) & (opportunities["closed_at"] < end)
    is_won = opportunities["is_won"].astype(bool)
    value = opportunities["value_amount"].astype(float)  # loaded money is decimal
    is_open = ~opportunities["is_closed"].astype(bool)
    if is_open.sum() >= _FEWEST_OPEN and value[is_open].isna().all():
        value = value.where(has_ended)  # values are only known of deals that have ended
    deals = deals.assign(
        value_amount=value,
        outcome=np.select([has_ended & is_won, has_ended], _TERMINAL, "open"),
        ended_at=opportunities["closed_at"].where(has_ended),
        stage_since=opportunities["closed_at"].where(has_ended),
        push_count=0,
        has_events=False,
    )
    if stages is None:
        return deals.assign(stage_name=deals["stage_id"], stage_order=np.nan)
    named = _definitions(stages, end).drop(columns="stage_category")
    return deals.merge(named, how="left", on=["pipeline_id", "stage_id"])


def _overruled(deals: pd.DataFrame, stays: pd.DataFrame) -> pd.DataFrame:
    last = stays.drop_duplicates("opportunity_id", keep="last").set_index("opportunity_id")
    is_terminal = last["stage_category"].isin(_TERMINAL)
    expected = stays.groupby("opportunity_id")["expected_close_on"]
    pushes = (expected.diff() > pd.Timedelta(0)).groupby(stays["opportunity_id"]).sum()
    known = pd.DataFrame(
        {
            "outcome": last["stage_category"],
            "ended_at": last["entered_at"].where(is_terminal),
            "stage_since": last["entered_at"],
            "push_count": pushes,
            "has_events": True,
        }
        | {n: last[n] for n in ("stage_id", "stage_name", "stage_order", *_AS_OF_COLUMNS)}
    )
    table = deals.set_index("opportunity_id")
    table = known.combine_first(table)  # a value that the events do not know stays the present one
    has_events = table["has_events"].astype(bool)
    # An open deal has not ended, whatever the present says.
    table["ended_at"] = table["ended_at"].where(~has_events | table["outcome"].isin(_TERMINAL))
    order = ["opportunity_id", *(name for name in deals.columns if name != "opportunity_id")]
    return table.reset_index()[order]
