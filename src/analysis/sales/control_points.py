"""Which open deals need somebody's hand today, and which data are missing?"""

from dataclasses import dataclass

import pandas as pd

from analysis.core.problems import Problem, SettingsError, raise_all
from analysis.core.result import Decision, Finding, Number, Result
from analysis.core.scope import Scope
from analysis.sales.deals import deals_as_of, undated_deals
from analysis.sales.funnel_cohort import NO_DEALS, Tables
from analysis.sales.rep_names import rep_labels

NAME = "control_points"
TITLE = "Which deals need a hand"
_DAY = pd.Timedelta(days=1)

# Rule -> what is wrong, what to do; in the order in which a seller would mend them.
RULES: dict[str, tuple[str, str]] = {
    "owner_left": ("the owner has left", "give it to somebody"),
    "no_owner": ("nobody owns it", "give it to somebody"),
    "past_close": ("the expected close has passed", "agree on a new date with the customer"),
    "no_close": ("no expected close", "ask the customer when a decision is due"),
    "no_value": ("no value", "estimate one"),
    "no_next_step": ("no next step planned", "plan one"),
    "silent": ("nothing done for long", "call, or close it as lost"),
    "over_time": ("longer in its stage than agreed", "decide: push on or let go"),
    "no_customer": ("no customer named", "name the customer"),
}


_PLAN = "no_next_step"
# Rules about something that a CRM may not keep at all.
_UNKEPT = {
    "no_owner": "the owner",
    "no_close": "the expected close",
    "no_value": "the value",
    _PLAN: "the next step",
    "no_customer": "the customer",
}
_FEWEST_DEALS = 5  # open deals for something to be called never kept


@dataclass(frozen=True)
class ControlPointsOptions:
    """Choices of the chapter on deals that need a hand."""

    silent_days: int = 30  # without an activity of any kind

    def __post_init__(self) -> None:
        if not 1 <= self.silent_days <= 3650:
            found, where = str(self.silent_days), "control_points option silent_days"
            raise_all([Problem(where, found, "1 to 3650 days", "mend the value")], SettingsError)


def control_points(
    tables: Tables,
    activities: pd.DataFrame | None = None,
    *,
    scope: Scope,
    options: ControlPointsOptions | None = None,
) -> Result:
    """List what is wrong with open deals, each a thing that a seller can mend.

    Tables of the Result: `rules` (one row per rule that can be checked: rule; what; deal_count;
    open_share; value_amount; mend), `deals` (one row per open deal with anything wrong:
    opportunity_id; customer_id; seller; stage_name; value_amount; age_days; stage_age_days;
    rule_count; what; mend; most rules first, then most value), `sellers` (open deals and those
    with anything wrong). Rules about activities need the table activities, that about time the
    sla_days of stages, those about people the table reps; what cannot be checked is said.
    """
    options = options or ControlPointsOptions()
    if tables.opportunities is None:
        return Result.nothing(NAME, TITLE, scope.period, NO_DEALS)
    deals = deals_as_of(tables.opportunities, tables.stage_events, tables.stages, scope.as_of)
    deals = deals[deals["outcome"] == "open"].reset_index(drop=True)
    if deals.empty:
        sentence = f"No deal was open at the end of {scope.period}."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    deals = deals.assign(seller=rep_labels(tables.reps, deals["rep_id"]))
    broken = _broken(deals, tables, activities, scope, options)
    unkept = _unkept(broken, activities)
    broken = broken.drop(columns=unkept)
    rules = _rule_table(deals, broken)
    listed = _deal_table(deals, broken)
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=_headline(deals, listed),
        findings=_findings(deals, rules, listed, scope),
        decisions=_decisions(rules, scope),
        tables={"rules": rules, "deals": listed, "sellers": _seller_table(deals, broken)},
        caveats=(*_caveats(tables, activities, scope), *_untold(unkept)),
        definitions={
            "Next step": "An activity that is due after the end of the period and not done yet.",
            "Nothing done for long": f"No activity within {options.silent_days} days, or since the "
            "deal was opened.",
            "Longer than agreed": "In its stage for more than the stage's own limit (sla_days).",
        },
    )


def _broken(
    deals: pd.DataFrame,
    tables: Tables,
    activities: pd.DataFrame | None,
    scope: Scope,
    options: ControlPointsOptions,
) -> pd.DataFrame:
    """One flag per deal and rule that can be checked, in the order of RULES."""
    end = pd.Timestamp(scope.as_of) + _DAY
    value = deals["value_amount"].astype(float)
    flags = {
        "no_owner": deals["rep_id"].isna(),
        "past_close": deals["expected_close_on"] < pd.Timestamp(scope.as_of),
        "no_close": deals["expected_close_on"].isna(),
        "no_value": value.isna() | (value <= 0),
        "no_customer": deals["customer_id"].isna(),
    }
    if tables.reps is not None:
        gone = tables.reps.loc[tables.reps["left_on"] < end, "rep_id"]
        flags["owner_left"] = deals["rep_id"].isin(gone)
    if tables.stages is not None and tables.stages["sla_days"].notna().any():
        flags["over_time"] = deals["stage_age_days"] > _limits(deals, tables.stages)
    if activities is not None:
        known = activities[activities["created_at"] < end]
        flags["no_next_step"] = ~deals["opportunity_id"].isin(_planned(known, end))
        flags["silent"] = _is_silent(deals, known, end, options.silent_days)
    return pd.DataFrame({rule: flags[rule] for rule in RULES if rule in flags}).astype(bool)


def _unkept(broken: pd.DataFrame, activities: pd.DataFrame | None) -> list[str]:
    """Rules about what is kept of no deal at all: they would mark every deal."""
    is_kept = activities is not None and activities["due_at"].notna().any()
    asked = [rule for rule in _UNKEPT if rule in broken and not (is_kept and rule == _PLAN)]
    return [rule for rule in asked if broken[rule].all() and len(broken) >= _FEWEST_DEALS]


def _untold(unkept: list[str]) -> list[str]:
    return [f"Not checked, as it is kept of no open deal: {_UNKEPT[rule]}." for rule in unkept]


def _limits(deals: pd.DataFrame, stages: pd.DataFrame) -> pd.Series:
    latest = stages.sort_values("valid_from_on").drop_duplicates(
        ["pipeline_id", "stage_id"], keep="last"
    )
    keys = ["pipeline_id", "stage_id"]
    return deals[keys].merge(latest[[*keys, "sla_days"]], how="left", on=keys)["sla_days"]


def _planned(activities: pd.DataFrame, end: pd.Timestamp) -> pd.Series:
    is_open = activities["completed_at"].isna() | (activities["completed_at"] >= end)
    return activities.loc[is_open & (activities["due_at"] >= end), "opportunity_id"]


def _is_silent(
    deals: pd.DataFrame, activities: pd.DataFrame, end: pd.Timestamp, days: int
) -> pd.Series:
    done = activities[activities["completed_at"] < end]
    last = done.groupby("opportunity_id")["completed_at"].max()
    latest = last.reindex(deals["opportunity_id"]).reset_index(drop=True)
    since = latest.astype("datetime64[s]").fillna(deals["created_at"])
    return (end - since) / _DAY > days


def _rule_table(deals: pd.DataFrame, broken: pd.DataFrame) -> pd.DataFrame:
    value = deals["value_amount"].astype(float).fillna(0.0)
    return pd.DataFrame(
        [
            (
                rule,
                RULES[rule][0],
                int(broken[rule].sum()),
                float(broken[rule].mean()),
                round(float(value[broken[rule]].sum()), 2),
                RULES[rule][1],
            )
            for rule in broken.columns
        ],
        columns=["rule", "what", "deal_count", "open_share", "value_amount", "mend"],
    )


def _deal_table(deals: pd.DataFrame, broken: pd.DataFrame) -> pd.DataFrame:
    columns = ["opportunity_id", "customer_id", "seller", "stage_name", "value_amount"]
    columns += ["age_days", "stage_age_days"]
    table = deals[columns].assign(
        rule_count=broken.sum(axis=1),
        what=_joined(broken, 0),
        mend=_joined(broken, 1),
    )
    table = table[table["rule_count"] > 0]
    order = ["rule_count", "value_amount", "opportunity_id"]
    return table.sort_values(order, ascending=[False, False, True], ignore_index=True)


def _joined(broken: pd.DataFrame, part: int) -> list[str]:
    texts = [RULES[rule][part] for rule in broken.columns]
    return [
        "; ".join(dict.fromkeys(text for text, is_so in zip(texts, row, strict=True) if is_so))
        for row in broken.to_numpy()
    ]


def _seller_table(deals: pd.DataFrame, broken: pd.DataFrame) -> pd.DataFrame:
    marked = deals.assign(is_marked=broken.any(axis=1))
    value = marked["value_amount"].astype(float).fillna(0.0)
    marked = marked.assign(marked_amount=value.where(marked["is_marked"], 0.0).round(2))
    return marked.groupby("seller", as_index=False).agg(
        open_count=("is_marked", "size"),
        marked_count=("is_marked", "sum"),
        marked_amount=("marked_amount", "sum"),
    )


def _headline(deals: pd.DataFrame, listed: pd.DataFrame) -> dict[str, Number]:
    value = deals["value_amount"].astype(float).sum(min_count=1)
    numbers = {
        "open": Number("Open deals", float(len(deals)), "count"),
        "open_value": Number("Value of open deals", float(value), "amount"),
        "marked": Number("With something to mend", float(len(listed)), "count"),
    }
    return {name: number for name, number in numbers.items() if number.value == number.value}


def _findings(
    deals: pd.DataFrame, rules: pd.DataFrame, listed: pd.DataFrame, scope: Scope
) -> tuple[Finding, ...]:
    count, amount = scope.display.count, scope.display.amount
    order = ["value_amount", "deal_count"]
    found = rules[rules["deal_count"] > 0].sort_values(order, ascending=False, kind="stable")
    is_valued = deals["value_amount"].notna().any()
    if found.empty:
        return (Finding("Every open deal has what it needs."),)
    texts = [
        f"{row.what}: {count(row.deal_count)}"
        + (f" ({amount(row.value_amount)})" if is_valued else "")
        for row in found.itertuples()
    ]
    texts[0] = texts[0][:1].upper() + texts[0][1:]
    share = scope.display.share(len(listed) / len(deals), 0)
    return (
        Finding(
            f"{count(len(listed))} of {count(len(deals))} open deals ({share}) need a hand.",
            "; ".join(texts) + ". A deal can stand under several.",
            metric="marked_deals",
            value=float(len(listed)),
        ),
    )


def _decisions(rules: pd.DataFrame, scope: Scope) -> tuple[Decision, ...]:
    left = rules[rules["rule"].isin(["owner_left", "no_owner"]) & (rules["deal_count"] > 0)]
    if left.empty:
        return ()
    number, worth = scope.display.count(left["deal_count"].sum()), float(left["value_amount"].sum())
    text = f"Who takes over the {number} open deals without an owner who is here?"
    return (Decision(text, worth_amount=worth, owner="sales director"),)


def _caveats(tables: Tables, activities: pd.DataFrame | None, scope: Scope) -> tuple[str, ...]:
    texts = []
    if activities is None:
        texts.append("No activities are loaded: next steps and silence cannot be checked.")
    if tables.reps is None:
        texts.append("No table of sellers (reps) is loaded: owners who left cannot be told.")
    if tables.stages is None or tables.stages["sla_days"].isna().all():
        texts.append("Stages have no agreed time: deals that stay too long cannot be told.")
    undated = len(undated_deals(tables.opportunities))
    if undated:
        number = scope.display.count(undated)
        texts.append(f"{number} deals that nobody has begun to work on are not looked at.")
    return tuple(texts)
