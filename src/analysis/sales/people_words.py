"""The limits, terms and questions to leaders of the chapter on people."""

import pandas as pd

from analysis.core.result import Decision
from analysis.core.scope import Scope
from analysis.sales.funnel_cohort import Tables
from analysis.sales.people_inputs import DAY, Records, Work
from analysis.sales.people_options import PeopleOptions
from analysis.sales.rep_names import SELLER

_TOP_SHARE = 0.2  # of what was won by one person, from which it is a question for leaders


def decisions(plays: pd.DataFrame, leaving: pd.DataFrame, scope: Scope) -> tuple[Decision, ...]:
    """Return what only leaders can decide: who backs up whom, who looks at delays."""
    asked = []
    due_on = scope.next_period.last_day
    if len(leaving) and leaving["won_share"].max() >= _TOP_SHARE:
        first = leaving.loc[leaving["won_share"].idxmax()]
        asked.append(
            Decision(
                f"Who else gets to know {first['seller']}'s customers?",
                worth_amount=float(first["at_risk_amount"]),
                owner="sales director",
                due_on=due_on,
            )
        )
    if len(plays):
        first = plays.sort_values("gap_share").iloc[0]
        asked.append(
            Decision(
                f"Who looks into {first['seller']}'s {first['cause']}? Check {first['check']}.",
                owner=str(first["owner"]),
                due_on=first["due_on"],
            )
        )
    return tuple(asked)


def caveats(
    tables: Tables, records: Records, work: Work, options: PeopleOptions, scope: Scope
) -> tuple[str, ...]:
    """Return the limits of what the chapter says."""
    texts = [
        f"Deals and tasks of the {work.days} days to {scope.display.day(scope.as_of)}; "
        "a deal counts for its owner at the end.",
        "What goes together need not cause each other: sellers were not given work, deadlines or "
        "training by lot.",
    ]
    if records.activities is None:
        texts.append("No activities are loaded: what people do and their deadlines are unknown.")
    else:
        texts.append("Deadlines are met or missed by the clock and the calendar, not by hours.")
        missing = work.tasks["due_at"].isna().mean()
        if missing > 0:
            share = scope.display.share(missing, 0)
            texts.append(
                f"{share} of activities have no deadline and are neither on time nor late."
            )
    if tables.reps is None:
        texts.append(
            "No table of sellers (reps) is loaded: names, part-time, who is new and who left are "
            "unknown."
        )
    if records.process_steps is None:
        texts.append("No process is defined: required steps cannot be looked for.")
    if records.targets is None or not (records.targets["level"] == "rep").any():
        texts.append("No targets of single sellers are loaded.")
    return tuple(texts)


def definitions(options: PeopleOptions, work: Work, scope: Scope) -> dict[str, str]:
    """Return what each term of the chapter means."""
    share = scope.display.share
    months = (work.ends - work.starts) / DAY / 30.44
    return {
        "On time": "Done by the deadline. Open tasks count for as long as they are known: before "
        "their deadline they are neither on time nor late (Kaplan-Meier).",
        "Required steps": "Steps before a sale that the process demands, seen by an activity of "
        "their type in deals won; two of one type need two.",
        "Activity, result": "What lies in a person's hands (leading), and what comes of it "
        f"(lagging), per full-time day or month present in {months:.0f} months.",
        "Attained": "What was reached of the target, of the days that have passed. Without "
        "targets: of what all together win in the same time present.",
        "Could be chance": "With this many deals such a distance happens often enough by chance, "
        "everybody looked at together.",
        "Months until settled": f"Until new business taken on is {share(options.ramped_share, 0)} "
        "of the median of those who have settled. Curve: level x (1 - exp(-months / tau)), own "
        "level for each; season taken out by what settled sellers did at the time.",
        "At risk if a person leaves": f"A scenario: {share(options.lost_share, 0)} of a year's "
        "business and of open deals goes too, and a successor brings half while learning.",
        "Share that is the person": "Variance between sellers of the odds of winning, beyond "
        "chance, of that and the luck of a single deal (intraclass correlation).",
        "Beyond chance": "Months with equal true rates differ too. Only what is left after chance "
        "(Poisson) is called variation.",
        **SELLER,
    }
