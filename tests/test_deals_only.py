"""A project with deals and no invoices: deals end as their events say, nobody is a customer."""

import datetime as dt

import pandas as pd
import pytest
from sources_project import loaded, make_project

from analysis.features.engine import MADE_TABLES, make_features, read_table
from analysis.run.plan import choose_period
from analysis.sources.load import load

PRESET = """
title = "A log"
[tables.opportunities]
files = ["log.csv"]
state_from_events = true
only = [{ column = "stage_id", equals = ["asked"] }]
[tables.opportunities.columns]
opportunity_id = ["case"]
stage_id = ["step"]
rep_id = ["who"]
created_at = ["time"]
value_amount = ["value"]
[[tables.opportunities.rules.pipeline_id]]
value = "p"
[[tables.opportunities.rules.is_closed]]
value = "false"
[[tables.opportunities.rules.is_won]]
value = "false"

[tables.stage_events]
files = ["log.csv"]
repeats = "opportunities"
number_within = { event_no = "opportunity_id" }
[tables.stage_events.columns]
opportunity_id = ["case"]
stage_id = ["step"]
rep_id = ["who"]
entered_at = ["time"]
"""
STAGE = """
[[fixed_rows.stages]]
pipeline_id = "p"
stage_id = "{0}"
valid_from_on = "2026-01-01"
stage_name = "{0}"
stage_order = "{1}"
stage_category = "{2}"
"""
STAGES = (("asked", 1, "open"), ("offered", 2, "open"), ("yes", 3, "won"), ("no", 3, "lost"))
LOG = """case,step,who,time,value
A,asked,ann,2026-01-05 08:00,100.00
A,offered,bob,2026-01-20 08:00,100.00
A,yes,,2026-02-03 09:30,100.00
B,asked,ann,2026-01-06 08:00,50.50
B,no,cid,2026-01-07 08:00,50.50
C,asked,ann,2026-03-30 08:00,20.00
C,offered,bob,2026-03-31 08:00,20.00
D,asked,ann,2026-02-01 08:00,10.00
D,a note,bob,2026-02-02 08:00,10.00
"""


@pytest.fixture
def project(tmp_path):
    preset = PRESET + "".join(STAGE.format(*stage) for stage in STAGES)
    made = make_project(tmp_path, {"log.csv": LOG}, 'preset = "log"')
    (made.root / "presets").mkdir()
    (made.root / "presets" / "log.toml").write_text(preset, encoding="utf-8")
    return made


def test_deals_have_the_stage_the_owner_and_the_end_of_their_last_event(project):
    load(project)
    deals = loaded(project, "opportunities").set_index("opportunity_id")
    assert deals["is_won"].to_dict() == {"A": True, "B": False, "C": False, "D": False}
    assert deals["is_closed"].to_dict() == {"A": True, "B": True, "C": False, "D": False}
    assert deals["stage_id"].to_dict() == {"A": "yes", "B": "no", "C": "offered", "D": "asked"}
    # Nobody is named at the end of A: the owner is the last one known.
    assert deals["rep_id"].to_dict() == {"A": "bob", "B": "cid", "C": "bob", "D": "ann"}
    assert deals.loc["A", "closed_at"] == pd.Timestamp("2026-02-03 09:30")
    assert deals["closed_at"].isna().to_dict() == {"A": False, "B": False, "C": True, "D": True}


def test_rows_and_money_of_the_log_still_balance(project):
    report = load(project)
    assert report.totals.is_balanced
    assert float(report.totals.money_kept) == 180.5
    assert report.table_rows["stage_events"] == 9


def test_the_days_of_the_project_are_those_of_its_deals(project):
    report = load(project)
    assert (report.first_day, report.last_day) == (dt.date(2026, 1, 5), dt.date(2026, 3, 31))
    days = (report.first_day, report.last_day)
    assert choose_period(project.calendar, "quarterly", "", *days).name == "2026Q1"


def test_every_table_of_customers_is_there_and_empty(project):
    report = load(project)
    snapshot = project.tables / report.snapshot
    folder = make_features(project, snapshot, project.calendar.parse("2026Q1"))
    for name in MADE_TABLES:
        assert read_table(folder, name).empty
