"""The sentences of the funnel chapter; none says more than its interval allows."""

from datetime import timedelta

import pandas as pd

from analysis.core.result import Decision, Finding
from analysis.core.scope import Scope
from analysis.sales.funnel_cohort import Cohort
from analysis.sales.funnel_options import FunnelOptions
from analysis.sales.funnel_sellers import ABOVE, BELOW
from analysis.sales.presence import settled
from analysis.sales.rep_names import SELLER, leader_labels, some_of

_YEAR_DAYS = 365
_SETTLED_MONTHS = 6.0  # as in the chapter throughput
_LOOK_DAYS = 14
_UNEQUAL_LEVEL = 0.05
_SUREST = 0.99  # nothing about people is told as certain
_CHECKS = "listen to three calls, read three lost offers, spend a day with the best at this stage"


def findings(
    sellers: pd.DataFrame,
    steps: pd.DataFrame,
    leaks: pd.DataFrame,
    mix: pd.DataFrame,
    options: FunnelOptions,
    scope: Scope,
) -> tuple[Finding, ...]:
    """Return what the funnel says, most money first."""
    found = [_leak(leaks, options, scope), _sellers(sellers, scope), _steps(steps, scope)]
    found.append(_mix(mix))
    return tuple(finding for finding in found if finding is not None)


def _leak(leaks: pd.DataFrame, options: FunnelOptions, scope: Scope) -> Finding | None:
    if leaks.empty or not leaks["recoverable_amount"].sum() > 0:
        return None
    worst = leaks.loc[leaks["recoverable_amount"].idxmax()]
    yearly = float(worst["recoverable_amount"]) * _YEAR_DAYS / options.cohort_days
    money, share = scope.display.amount, scope.display.share
    total = leaks["recoverable_amount"].sum()
    return Finding(
        f"The funnel loses most in {worst['stage_name']}: about {money(yearly)} a year.",
        f"{scope.display.count(worst['lost_count'])} deals with a face value of "
        f"{money(worst['lost_amount'])} were lost there; by the usual chance of a deal in this "
        f"stage they were worth {money(worst['recoverable_amount'])}, "
        f"{share(worst['recoverable_amount'] / total, 0)} of all that is lost on the way. Not all "
        "of it can be won: it says where to look first.",
        metric="recoverable_amount",
        value=yearly,
    )


def _sellers(sellers: pd.DataFrame, scope: Scope) -> Finding:
    compared = sellers["p_value"].notna()
    named = sellers[sellers["verdict"].isin([BELOW, ABOVE])]
    count = scope.display.count(compared.sum())
    if not compared.any():
        return Finding(
            "Sellers cannot be compared: nobody has enough deals.",
            "Rates of so few deals differ by chance alone.",
        )
    if named.empty:
        return Finding(
            f"No difference between sellers is larger than chance makes ({count} compared).",
            "Rates are for equal work (product and channel); what their raw rates suggest is "
            "within what luck and the leads they were given explain.",
        )
    share = scope.display.share
    texts = some_of(
        (
            f"{row.seller} {share(row.standardised_share, 0)} ({row.verdict})"
            for row in named.sort_values("discovery_level", kind="stable").itertuples()
        ),
        "; ",
    )
    return Finding(
        f"Of {count} sellers compared, {_people(len(named))} from the team for equal work.",
        "Won of deals opened: " + texts + f"; all: {share(named['common_share'].iloc[0], 0)}.",
    )


def _people(count: int) -> str:
    return "one differs" if count == 1 else f"{count} differ"


def _steps(steps: pd.DataFrame, scope: Scope) -> Finding | None:
    if steps.empty or not steps["p_value"].notna().any():
        return None
    behind = steps[steps["is_behind"]].sort_values("year_amount", ascending=False)
    tested = scope.display.count(steps["p_value"].notna().sum())
    if behind.empty:
        return Finding(
            "In no single stage does a seller fall behind by more than chance makes.",
            f"{tested} comparisons of a seller with the others at a stage were made together.",
        )
    share, money = scope.display.share, scope.display.amount
    texts = [
        f"{row.seller} in {row.stage_name} passes {share(row.pass_share, 0)} where others pass "
        f"{share(row.expected_share, 0)} (about {money(row.year_amount)} a year)"
        for row in behind.head(3).itertuples()
    ]
    first = behind.iloc[0]
    return Finding(
        f"{first['seller']} falls behind in {first['stage_name']}.",
        "; ".join(texts) + f". {tested} comparisons were made together, false alarms held to the "
        "stated share.",
        metric="stage_year_amount",
        value=float(first["year_amount"]),
    )


def _mix(mix: pd.DataFrame) -> Finding | None:
    unequal = mix[mix["p_value"] < _UNEQUAL_LEVEL]
    if unequal.empty:
        return None
    names = " and ".join(name.replace("_", " ") for name in unequal["attribute"])
    return Finding(
        f"Sellers were not given the same work: they differ by {names}.",
        "Raw rates compare the leads as much as the people; the adjusted ones are to be used.",
    )


def decisions(
    sellers: pd.DataFrame, steps: pd.DataFrame, reps: pd.DataFrame | None, scope: Scope
) -> tuple[Decision, ...]:
    """Return what only leaders can decide: whom to coach in which stage, who helps whom.

    Nobody is named who is not told from chance, or was hired within half a year.
    """
    return (*_coach(steps, reps, scope), *_help(sellers, steps, reps, scope))


def _told(table: pd.DataFrame, reps: pd.DataFrame | None, scope: Scope) -> pd.DataFrame:
    """Those who are long enough here to be judged."""
    if table.empty:
        return table
    return table[settled(reps, table["rep_id"], pd.Timestamp(scope.as_of), _SETTLED_MONTHS)]


def _coach(steps: pd.DataFrame, reps: pd.DataFrame | None, scope: Scope) -> tuple[Decision, ...]:
    behind = _told(steps[steps["is_behind"]] if len(steps) else steps, reps, scope)
    if len(behind) == 0:
        return ()
    first = behind.sort_values("year_amount", ascending=False).iloc[0]
    return (
        Decision(
            f"Coach {first['seller']} in {first['stage_name']}? First {_CHECKS}.",
            worth_amount=float(first["year_amount"]),
            owner="sales director",
            due_on=scope.next_period.last_day,
            chance_share=min(float(first["below_share"]), _SUREST),
        ),
    )


def _help(
    sellers: pd.DataFrame, steps: pd.DataFrame, reps: pd.DataFrame | None, scope: Scope
) -> tuple[Decision, ...]:
    below = _told(sellers[sellers["verdict"] == BELOW], reps, scope)
    if len(steps):
        below = below[~below["rep_id"].isin(steps.loc[steps["is_behind"], "rep_id"])]
    if below.empty:
        return ()
    first = below.sort_values(["standardised_share", "rep_id"], kind="stable").iloc[[0]]
    row, leader = first.iloc[0], leader_labels(first["rep_id"], reps).iloc[0]
    share = scope.display.share
    return (
        Decision(
            f"Who works with {row['seller']}, who wins {share(row['standardised_share'], 0)} for "
            f"equal work where all win {share(row['common_share'], 0)}? First {_CHECKS}.",
            owner=leader or "sales director",
            due_on=scope.as_of + timedelta(days=_LOOK_DAYS),
            chance_share=min(float(row["below_share"]), _SUREST),
        ),
    )


def caveats(cohort: Cohort, options: FunnelOptions, scope: Scope) -> tuple[str, ...]:
    """Return the limits of what the chapter says."""
    deals = cohort.deals
    texts = [
        f"Deals opened in the {options.cohort_days} days to {scope.display.day(scope.as_of)}; "
        f"{scope.display.count((deals['outcome'] == 'open').sum())} are still open and count for "
        "as long as they have been known.",
        "Differences between sellers are adjusted for product and channel only; they are "
        "associations, no proof of who sells better.",
    ]
    nobody = int(deals["rep_id"].isna().sum())
    if nobody:
        texts.append(f"{scope.display.count(nobody)} deals have no owner and stand with no seller.")
    if not cohort.names:
        texts.append(
            "There is no history of stages: neither passing a stage nor time in it can be told, "
            "only what became of whole deals."
        )
    elif not deals["has_events"].all():
        missing = scope.display.count((~deals["has_events"].astype(bool)).sum())
        texts.append(f"{missing} deals have no history of stages and are missing from the stages.")
    return tuple(texts)


def definitions(cohort: Cohort, options: FunnelOptions, scope: Scope) -> dict[str, str]:
    """Return what each term of the chapter means."""
    days = f"{cohort.horizon_days:.0f}"
    return {
        "Won share": f"Deals won within {days} days of being opened, of all opened. Open deals are "
        "counted for as long as they have been known (Aalen-Johansen), so young ones pull nothing "
        "down.",
        "For equal work": "The share a seller would have, had all been given the same mix of "
        "product and channel: by cell where each holds enough, else observed against expected.",
        "Passing a stage": "Coming to a later stage or being won. A skipped stage is passed, "
        "a return undoes nothing, a reopened deal is open again.",
        "Differs from the team": "More than chance makes when all comparisons are looked at "
        f"together (at most {scope.display.share(options.false_discovery_share, 0)} of those named "
        "by chance).",
        "Lost value": "Value of deals lost in a stage x the usual chance of winning from there.",
        "Won per day": "Value of deals won in the last 365 days (or since the first deal) / days.",
        "Usual formula of won per day": "Open deals now x won share x mean value of won deals / "
        "median days to win (sales velocity). It says what the pipeline of today would bring if it "
        "went on as before, not what came.",
        **SELLER,
    }
