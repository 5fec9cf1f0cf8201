"""Airflow: copy into the folder of DAGs and change the two folders. See docs/scheduling.md.

Both DAGs call the `analysis` command and nothing else, so that its checks, its ledger of forecasts,
its lock and its publication hold as they do by hand. Airflow must not run the notebooks itself.
"""

from datetime import datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Param

COMMAND = "/srv/analysis/.venv/bin/analysis"
PROJECT = "/srv/acme"
CADENCES = ["daily", "biweekly", "quarterly", "annual"]
# A second run of a project is refused while one is at work, so one at a time.
ONE_AT_A_TIME = {"catchup": False, "max_active_runs": 1, "start_date": datetime(2026, 1, 1)}

with DAG(
    dag_id="analysis_due",
    schedule="15 6 * * *",
    # `analysis due` catches up by itself, oldest first; Airflow's own catching up is off.
    **ONE_AT_A_TIME,
):
    BashOperator(
        task_id="due",
        bash_command='exec "$ANALYSIS" due --project "$PROJECT"',
        env={"ANALYSIS": COMMAND, "PROJECT": PROJECT},
        append_env=True,
        # A period that failed is tried again the next morning, so many times as project.toml says.
        retries=0,
        execution_timeout=timedelta(hours=12),
    )

with DAG(
    dag_id="analysis_run",
    schedule=None,  # by hand, for one period
    params={
        "cadence": Param("quarterly", type="string", enum=CADENCES),
        "period": Param("", type="string", description="such as 2026Q3; empty: the last complete"),
    },
    **ONE_AT_A_TIME,
):
    BashOperator(
        task_id="run",
        # As environment variables: what a person types never becomes part of a command.
        bash_command='exec "$ANALYSIS" run "$CADENCE" --period "$PERIOD" --project "$PROJECT"',
        env={
            "ANALYSIS": COMMAND,
            "PROJECT": PROJECT,
            "CADENCE": "{{ params.cadence }}",
            "PERIOD": "{{ params.period }}",
        },
        append_env=True,
        retries=0,
        execution_timeout=timedelta(hours=4),
    )
