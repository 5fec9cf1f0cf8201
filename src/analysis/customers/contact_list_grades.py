"""What came of earlier lists: contacts beside those held out, everybody as he was drawn."""

from dataclasses import dataclass
from math import inf, nan

import numpy as np
import pandas as pd

from analysis.core.scope import Scope
from analysis.customers.contact_list_effect import Lift, Trial, lift_of
from analysis.customers.contact_list_frozen import HELD_OUT, TO_CONTACT, Lists
from analysis.customers.contact_list_options import ContactListOptions

MORE, LESS, CANNOT = "brought more", "brought less", "cannot conclude"
REHEARSAL, NO_CONTROL = "rehearsal", "nobody was held out"
TOGETHER = "all lists"
_DAY = pd.Timedelta(days=1)
_GRADE_SEED = 1
# Kinds of work that reach nobody.
_WITHOUT_CUSTOMER = ("task", "admin")
COLUMNS = (
    "list",
    "quarter",
    "contact_count",
    "held_out_count",
    "lift_share",
    "lift_low_share",
    "lift_high_share",
    "lift_low_95_share",
    "lift_high_95_share",
    "p_value",
    "came_amount",
    "gain_amount",
    "gain_low_amount",
    "gain_high_amount",
    "gain_low_95_amount",
    "gain_high_95_amount",
    "plain_lift_share",
    "plain_lift_low_share",
    "plain_lift_high_share",
    "contacted_share",
    "held_out_contacted_share",
    "verdict",
)


@dataclass(frozen=True)
class Graded:
    """The table of grades, and the customers of the latest graded list."""

    table: pd.DataFrame
    customers: pd.DataFrame


def grade(
    lists: Lists,
    customer_periods: pd.DataFrame | None,
    activities: pd.DataFrame | None,
    *,
    scope: Scope,
    options: ContactListOptions,
) -> Graded:
    """Grade every earlier list whose quarter is over, as far as is known now, oldest first.

    Table: list (quarter at whose end it was drawn); quarter (that it was for); contact_count and
    held_out_count; lift_share (what contacts brought over what they would have without, less 1)
    with 80 % and 95 % intervals (missing where there is no end, and the lift itself where one of
    the groups brought nothing that counts) and p_value; came_amount (of the
    contacts); gain_amount (that part of it that the contact brought) with the same intervals;
    plain_lift_share (whole revenue, each customer by his money; 80 %); contacted_share and
    held_out_contacted_share (with an activity in the quarter; missing without activities);
    verdict. Everybody counts in the group that he was drawn into. The last row is all lists
    together, where there are two. Lists whose quarter was over when they were drawn are
    rehearsals: nobody can have acted on them, so what they show is chance, and no gain is told.
    """
    over = [one for one in lists.earlier if _is_over(one, scope)]
    if customer_periods is None or not over:
        return Graded(pd.DataFrame(columns=list(COLUMNS)), pd.DataFrame())
    came = [_with_revenue(one, customer_periods) for one in over]
    rows = [_row(one, activities, scope, options) for one in came]
    acted = [one for one in came if _is_drawn(one) and not one["is_rehearsal"].iloc[0]]
    if len(acted) > 1:
        rows.append(_together(acted, options))
    return Graded(pd.DataFrame(rows, columns=list(COLUMNS)), _customers(came[-1]))


def _is_over(rows: pd.DataFrame, scope: Scope) -> bool:
    last = scope.calendar.parse(rows["quarter"].iloc[0]).last_day
    known = scope.known_to if scope.is_cut_short else scope.as_of
    return known is not None and last <= known


def _with_revenue(rows: pd.DataFrame, customer_periods: pd.DataFrame) -> pd.DataFrame:
    """Add came_amount: revenue of the list's quarter, 0 without a line in it."""
    drawn = rows[rows["group"].isin([TO_CONTACT, HELD_OUT])]
    quarter = customer_periods[customer_periods["period"] == rows["quarter"].iloc[0]]
    sums = quarter.groupby("customer_id")["revenue_amount"].sum().astype(float)
    sums.index = sums.index.astype("str")
    came = drawn["customer_id"].map(sums).fillna(0.0).astype(float)
    keys = ["block", "customer_id"]
    return drawn.assign(came_amount=came).sort_values(keys, ignore_index=True)


def trial_of(rows: pd.DataFrame) -> Trial:
    """Return a list with its revenue as arrays."""
    return Trial(
        rows["block"].to_numpy(),
        (rows["group"] == TO_CONTACT).to_numpy(),
        rows["forecast_amount"].to_numpy(float),
        rows["limit_amount"].to_numpy(float),
        rows["came_amount"].to_numpy(float),
    )


def _is_drawn(rows: pd.DataFrame) -> bool:
    return bool((rows["group"] == HELD_OUT).any())


def _row(
    rows: pd.DataFrame, activities: pd.DataFrame | None, scope: Scope, options: ContactListOptions
) -> dict[str, object]:
    row: dict[str, object] = {
        "list": rows["period"].iloc[0],
        "quarter": rows["quarter"].iloc[0],
        **_counts(rows),
        **_contacted(rows, activities, scope),
    }
    if not _is_drawn(rows):
        return row | {"verdict": NO_CONTROL}
    found = _numbers([rows], options)
    if not rows["is_rehearsal"].iloc[0]:
        return row | found
    # Chance earns nothing.
    gains = {name: nan for name in COLUMNS if name.startswith("gain")}
    return row | found | gains | {"verdict": REHEARSAL}


def _counts(rows: pd.DataFrame) -> dict[str, object]:
    is_contact = rows["group"] == TO_CONTACT
    return {
        "contact_count": int(is_contact.sum()),
        "held_out_count": int((~is_contact).sum()),
        "came_amount": round(float(rows.loc[is_contact, "came_amount"].sum()), 2),
    }


def _together(lists: list[pd.DataFrame], options: ContactListOptions) -> dict[str, object]:
    quarters = [one["quarter"].iloc[0] for one in lists]
    return {
        "list": TOGETHER,
        "quarter": f"{quarters[0]} to {quarters[-1]}",
        **_counts(pd.concat(lists)),
        **_numbers(lists, options),
    }


def _numbers(lists: list[pd.DataFrame], options: ContactListOptions) -> dict[str, object]:
    trials = [trial_of(one) for one in lists]
    seed = [options.seed, _GRADE_SEED]
    lift = lift_of(trials, draws=options.draws, seed=seed)
    plain = lift_of(trials, draws=options.draws, seed=seed, in_money=True)
    came = sum(float(trial.came[trial.is_contact].sum()) for trial in trials)
    names = ("", "_low", "_high", "_low_95", "_high_95")
    lifts = (lift.lift, lift.low_80, lift.high_80, lift.low_95, lift.high_95)
    return {
        **{f"lift{n}_share": _finite(v) for n, v in zip(names, lifts, strict=True)},
        "lift_share": lift.lift if lift.has_size else nan,
        **{
            f"gain{name}_amount": round(value, 2)
            for name, value in zip(names, lift.gains(came), strict=True)
        },
        "p_value": lift.p_value,
        "plain_lift_share": plain.lift if plain.has_size else nan,
        "plain_lift_low_share": _finite(plain.low_80),
        "plain_lift_high_share": _finite(plain.high_80),
        "verdict": verdict(lift),
    }


def _finite(value: float) -> float:
    return nan if abs(value) == inf else value


def verdict(lift: Lift) -> str:
    """Return what may be said of a lift: more, less, or nothing."""
    if not lift.is_told:
        return CANNOT
    return MORE if lift.lift > 0 else LESS


def _contacted(
    rows: pd.DataFrame, activities: pd.DataFrame | None, scope: Scope
) -> dict[str, float]:
    if activities is None or activities.empty:
        return {}
    quarter = scope.calendar.parse(rows["quarter"].iloc[0])
    done = pd.to_datetime(activities["completed_at"])
    is_within = (done >= pd.Timestamp(quarter.starts_on)) & (
        done < pd.Timestamp(quarter.last_day) + _DAY
    )
    is_ours = ~activities["direction"].isin(["inbound", "internal"])
    is_ours &= ~activities["activity_type"].isin(_WITHOUT_CUSTOMER)
    reached = activities.loc[is_within & is_ours, "customer_id"].dropna().astype("str")
    was_reached = rows["customer_id"].isin(reached)
    is_contact = rows["group"] == TO_CONTACT
    return {
        "contacted_share": _mean(was_reached[is_contact]),
        "held_out_contacted_share": _mean(was_reached[~is_contact]),
    }


def _mean(flags: pd.Series) -> float:
    return float(flags.mean()) if len(flags) else nan


def _customers(rows: pd.DataFrame) -> pd.DataFrame:
    """The latest graded list, most revenue first.

    Columns: customer_id, group, block, forecast_amount, came_amount, difference_amount.
    """
    names = ["customer_id", "group", "block", "forecast_amount", "came_amount"]
    table = rows[names].assign(
        difference_amount=np.round(rows["came_amount"] - rows["forecast_amount"], 2)
    )
    keys = ["came_amount", "customer_id"]
    return table.sort_values(keys, ascending=[False, True], ignore_index=True)
