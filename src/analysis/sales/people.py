"""What do sellers do and reach, do they keep to what was agreed, and how much hangs on whom?"""

import numpy as np
import pandas as pd

from analysis.core.figures import Chart
from analysis.core.result import Number, Result
from analysis.core.scope import Scope
from analysis.sales.funnel_cohort import NO_DEALS, Tables
from analysis.sales.people_charts import attainment_chart, compliance_chart, ramp_chart
from analysis.sales.people_dependence import dependence_table, leaving_table
from analysis.sales.people_findings import Overall, findings
from analysis.sales.people_inputs import Records, Work, work_of
from analysis.sales.people_metrics import elasticity_table, metric_table, owner_table, summary_table
from analysis.sales.people_options import PeopleOptions
from analysis.sales.people_plays import people_plays
from analysis.sales.people_ramp import (
    first_win_table,
    fit_ramp,
    month_table,
    ramp_table,
    tenure_table,
)
from analysis.sales.people_register import register_table
from analysis.sales.people_repeat import drift_table, repeatability_table, version_table
from analysis.sales.people_rollout import benefit_table, rollout_table
from analysis.sales.people_steps import compliance_and_winning, step_table, steps_by_person
from analysis.sales.people_targets import attainment_table
from analysis.sales.people_tasks import (
    compliance_table,
    next_step_table,
    on_time_of,
    overdue_table,
    window_tasks,
)
from analysis.sales.people_words import caveats, decisions, definitions

__all__ = ["PeopleOptions", "Records", "people"]

NAME = "people"
TITLE = "The people who sell"
_LEARNING_MONTHS = 6.0  # of a successor, where no curve can be fitted


def people(
    tables: Tables,
    records: Records | None = None,
    *,
    scope: Scope,
    options: PeopleOptions | None = None,
) -> Result:
    """Measure what sellers do and reach, how they keep deadlines and steps, and how they begin.

    Tables of the Result: `sellers`, `metrics`, `elasticity`, `accountability`, `attainment`,
    `compliance`, `overdue`, `next_steps`, `steps`, `compliance_and_winning`, `ramp`, `ramp_months`,
    `first_wins`, `dependence`, `leaving`, `repeatability`, `drift`, `versions`, `rollout`,
    `register`, `benefits`, `playbook`; each described where it is made, empty where its data are
    missing.
    """
    options, records = options or PeopleOptions(), records or Records()
    if tables.opportunities is None:
        return Result.nothing(NAME, TITLE, scope.period, NO_DEALS)
    work = work_of(tables, records, scope, options)
    if work.window.empty:
        sentence = "No deal with an owner was opened, won or lost: nothing can be said of sellers."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    tenure = tenure_table(work, tables.reps)
    found = _tables(work, tables, records, options) | _beginning(work, tables, tenure, options)
    overall = _overall(work, tenure, found, options)
    months = overall.ramp.months if overall.ramp else _LEARNING_MONTHS
    found["leaving"] = leaving_table(work, tables.reps, options, months)
    found["playbook"] = people_plays(found["compliance"], found["attainment"], tables.reps, scope)
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=_headline(work, found, overall),
        findings=findings(found, overall, options, scope),
        decisions=decisions(found["playbook"], found["leaving"], scope),
        tables=found,
        charts=_charts(found, overall, options, scope),
        caveats=caveats(tables, records, work, options, scope),
        definitions=definitions(options, work, scope),
    )


def _tables(
    work: Work, tables: Tables, records: Records, options: PeopleOptions
) -> dict[str, pd.DataFrame]:
    metrics = metric_table(work, tables.reps)
    compliance = compliance_table(work, tables.reps, options)
    steps = steps_by_person(work, records.process_steps)
    compliance = compliance.assign(steps_share=compliance["rep_id"].map(steps))
    return {
        "attainment": attainment_table(work, tables.reps, records.targets, options),
        "accountability": owner_table(records.targets, work),
        "sellers": summary_table(metrics),
        "metrics": metrics,
        "elasticity": elasticity_table(metrics),
        "compliance": compliance,
        "overdue": overdue_table(work, tables.reps),
        "next_steps": next_step_table(work),
        "steps": step_table(work, records.process_steps, options.least_shown),
        "compliance_and_winning": compliance_and_winning(work, compliance, steps, options),
        "dependence": dependence_table(work, options),
        "repeatability": repeatability_table(work),
        "drift": drift_table(work, options),
        "versions": version_table(tables.stages, records.process_steps, work.ends),
        "rollout": rollout_table(
            work, records.improvements, records.improvement_assignments, options
        ),
        "register": register_table(work, records, tables.reps),
        "benefits": benefit_table(work),
    }


def _beginning(
    work: Work, tables: Tables, tenure: pd.DataFrame, options: PeopleOptions
) -> dict[str, pd.DataFrame]:
    return {
        "ramp": ramp_table(tenure, options),
        "ramp_months": month_table(tenure),
        "first_wins": first_win_table(work, tables.reps),
    }


def _overall(
    work: Work, tenure: pd.DataFrame, found: dict[str, pd.DataFrame], options: PeopleOptions
) -> Overall:
    waits = found["first_wins"]
    half = waits.loc[waits["waiting_share"] <= 0.5, "time"]
    return Overall(
        on_time=on_time_of(window_tasks(work)),
        ramp=fit_ramp(tenure, "given_count", options),
        hire_count=int(tenure["rep_id"].nunique()),
        first_win_months=float(half.iloc[0]) if len(half) else np.nan,
    )


def _headline(work: Work, found: dict[str, pd.DataFrame], overall: Overall) -> dict[str, Number]:
    days = f"in {work.days} days"
    numbers = {
        "sellers": Number(
            "People with deals or tasks", float(len(work.present)), "count", note=days
        ),
        "on_time": Number("Tasks done on time", overall.on_time[0], "share", *overall.on_time[1:]),
        "overdue": Number("Tasks overdue now", float(len(found["overdue"])), "count"),
    }
    rows = found["dependence"].set_index("measure")
    if "top_share" in rows.index:
        top = rows.loc["top_share"]
        numbers["top"] = Number(
            "Won by the best seller",
            float(top["value"]),
            "share",
            float(top["value_low"]),
            float(top["value_high"]),
            note="of all that was won",
        )
    if overall.ramp is not None and np.isfinite(overall.ramp.high):
        ramp = overall.ramp
        numbers["ramp"] = Number("Months until settled", ramp.months, "number", ramp.low, ramp.high)
    elif overall.hire_count:
        numbers["first_win"] = Number(
            "Months to the first deal won", overall.first_win_months, "number", note="median"
        )
    return {name: number for name, number in numbers.items() if number.value == number.value}


def _charts(
    found: dict[str, pd.DataFrame], overall: Overall, options: PeopleOptions, scope: Scope
) -> dict[str, Chart]:
    charts = {}
    if found["attainment"]["attained_share"].notna().any():
        charts["attainment"] = attainment_chart(found["attainment"], scope)
    if found["compliance"]["on_time_share"].notna().any():
        charts["compliance"] = compliance_chart(found["compliance"], overall.on_time[0], scope)
    if len(found["ramp_months"]):
        charts["ramp"] = ramp_chart(found["ramp_months"], overall.ramp, options, scope)
    return charts
