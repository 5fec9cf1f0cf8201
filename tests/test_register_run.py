"""The register between runs: kept with a report, continued by the next, answered by a command."""

import dataclasses
import json
import re
import shutil
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from tiny_project import tiny_project, write_notebook

from analysis import cli
from analysis.core.problems import SettingsError
from analysis.core.project import Project
from analysis.core.result import Decision, Result
from analysis.report.register_action import Action, records
from analysis.run import run_cadence
from analysis.run.record import RunRecord
from analysis.run.register import (
    REGISTER_FILE,
    entries_path,
    register_past,
    register_source,
)
from analysis.run.register_command import Said, current_register, say
from analysis.run.workspace import Workspace

REPOSITORY = Path(__file__).resolve().parents[1]
TODAY = date(2024, 5, 1)
ACTIONS = [
    Action(
        "2024Q1/revenue/1", "decision", "call?", "revenue", text="Call them?", opened_in="2024Q1"
    ),
    Action("2024Q1/revenue/rest", "chapter", "rest", "revenue", text="Read it", opened_in="2024Q1"),
    Action("2024Q1/growth/rest", "chapter", "rest", "growth", text="Read it", opened_in="2024Q1"),
    Action("Q7", "own", "Q7", text="Train", done_on=date(2024, 3, 1), told_in="2024Q1"),
]


def publish(project, period, actions=ACTIONS, **settings):
    folder = project.run_dir(project.calendar.parse(period))
    RunRecord("quarterly", period, state="succeeded", settings=settings).save(folder)
    if actions is not None:
        (folder / REGISTER_FILE).write_text(json.dumps({"actions": records(actions)}))
    return folder


@pytest.fixture
def project(tmp_path):
    found = tiny_project(tmp_path, {})
    publish(found, "2024Q1")
    return found


def lines(project):
    return entries_path(project).read_text(encoding="utf-8").splitlines()


# The command.


def test_what_is_said_is_a_line_more_and_no_line_less(project):
    path = entries_path(project)
    path.parent.mkdir(parents=True)
    # As a spreadsheet leaves it: a mark, a further column, no last line break.
    head = "said_on,action_id,owner,due_on,done_on,dropped_on,result,remark"
    old = '2024-04-02,2024Q1/revenue/1,Ann,,,,,"a, b"'
    path.write_text(f"\ufeff{head}\n{old}", encoding="utf-8")
    taken = Said(take=["2024Q1/revenue/1"], owner="Ben", due="2024-06-01")
    (one,) = say(project, taken, TODAY)
    assert (one.owner, one.due_on) == ("Ben", date(2024, 6, 1))
    say(project, Said(done=["2024Q1/revenue/1"], result='12 came back, "gladly"'), TODAY)
    assert lines(project) == [
        head,
        old,
        "2024-05-01,2024Q1/revenue/1,Ben,2024-06-01,,,,",
        '2024-05-01,2024Q1/revenue/1,,,2024-05-01,,"12 came back, ""gladly""",',
    ]
    found = {a.action_id: a for a in current_register(project, TODAY)}
    closed = found["2024Q1/revenue/1"]
    assert (closed.done_on, closed.owner, closed.result) == (
        TODAY,
        "Ben",
        '12 came back, "gladly"',
    )


def test_many_are_closed_at_once_and_what_is_closed_is_left_alone(project):
    say(project, Said(done=["2024Q1/*/rest"], result="Read", on="2024-04-20", is_sure=True), TODAY)
    assert [line[:30] for line in lines(project)[1:]] == [
        "2024-04-20,2024Q1/revenue/rest",
        "2024-04-20,2024Q1/growth/rest,"[:30],
    ]
    still = [one.action_id for one in current_register(project, TODAY) if one.is_open]
    assert still == ["2024Q1/revenue/1"]


def test_all_that_is_wrong_is_told_at_once_and_nothing_is_written(project):
    wrong = Said(
        take=["2024Q1/revenu/1"],
        done=["Q7", "2024Q1/growth/rest"],
        drop=["2024Q1/growth/rest"],
        due="soon",
        on="2024-05-02",
    )
    with pytest.raises(SettingsError) as caught:
        say(project, wrong, TODAY)
    words = str(caught.value)
    for part in (
        "'soon'",
        "a day up to today, 2024-05-01",
        "why it is not done",
        "did you mean 2024Q1/revenue/1",
        "Q7 was done on 2024-03-01",
        "2024Q1/growth/rest is also named with --done",
    ):
        assert part in words
    assert not entries_path(project).is_file()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (Said(owner="Ann"), "name the action"),
        (Said(take=["2024Q1/revenue/1"]), "neither --owner nor --due"),
        (Said(done=["*nothing*"]), "is no action"),
    ],
)
def test_what_says_nothing_is_refused(project, said, words):
    with pytest.raises(SettingsError, match=re.escape(words)):
        say(project, said, TODAY)


OPENED = dataclasses.replace(ACTIONS[0], opened_on=date(2024, 3, 31))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (Said(take=[OPENED.action_id], due="2024-03-30"), "a day from 2024-03-31"),
        (Said(done=[OPENED.action_id], result="ok", on="2024-03-30"), "a day from 2024-03-31"),
        (Said(take=[OPENED.action_id], owner=" ", due="2024-06-01"), "no name"),
        (Said(done=[OPENED.action_id]), "no --result"),
        (
            Said(done=["2024Q1/*"], result="ok"),
            "would close 2: 2024Q1/revenue/1, 2024Q1/growth/rest",
        ),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(project, said, words):
    publish(project, "2024Q1", [OPENED, ACTIONS[2]])
    with pytest.raises(SettingsError, match=re.escape(words)):
        say(project, said, TODAY)
    assert not entries_path(project).is_file()
    first_day = Said(take=[OPENED.action_id], owner="Ann", due="2024-03-31", on="2024-03-31")
    assert len(say(project, first_day, TODAY)) == 1


def test_the_command_asks_before_a_pattern_closes_several(project, capsys):
    asked = ["actions", "--project", str(project.root), "--done", "2024Q1/*/rest", "--result", "ok"]
    assert cli.main(asked) == 1
    assert "--yes" in capsys.readouterr().err
    assert cli.main([*asked, "--yes"]) == 0
    assert len(lines(project)) == 3
    empty = ["--take", "2024Q1/revenue/1", "--owner", "", "--due", "2099-01-01"]
    assert cli.main(["actions", "--project", str(project.root), *empty]) == 1


def test_without_a_report_there_is_nothing_to_say(tmp_path):
    with pytest.raises(SettingsError, match="publish a report first"):
        say(tiny_project(tmp_path, {}), Said(done=["a"]), TODAY)


def test_the_command_lists_takes_and_refuses(project, capsys):
    assert cli.main(["actions", "--project", str(project.root)]) == 0
    out = capsys.readouterr().out
    assert "2024Q1/revenue/1" in out
    assert "Q7" not in out
    taking = ["--take", "2024Q1/revenue/1", "--owner", "Ann", "--due", "2099-01-01"]
    assert cli.main(["actions", "--project", str(project.root), *taking]) == 0
    assert "under way" in capsys.readouterr().out
    assert cli.main(["actions", "--project", str(project.root), "--done", "2024Q1/revenue/2"]) == 1
    assert "did you mean 2024Q1/revenue/1" in capsys.readouterr().err


def test_the_list_names_lines_that_speak_of_no_action(project, capsys):
    say(project, Said(done=["2024Q1/revenue/1"], result="ok"), TODAY)
    path = entries_path(project)
    path.write_text(path.read_text().replace("revenue/1", "revenu/1"), encoding="utf-8")
    assert cli.main(["actions", "--project", str(project.root)]) == 0
    assert "name no action of any report: 2024Q1/revenu/1." in capsys.readouterr().out


# What a report continues.


def work(project, period):
    return Workspace(project, project.calendar.parse(period), Path("none"), Path("none"), False)


def test_a_report_continues_the_last_one_before_it_and_never_a_later_one(project):
    publish(project, "2024Q3", [dataclasses.replace(ACTIONS[0], text="Later")])
    for period, expected in (
        ("2024Q1", None),
        ("2024Q2", tuple(ACTIONS)),
        ("2024Q3", tuple(ACTIONS)),
    ):
        assert register_past(work(project, period))["register"] == expected


def test_a_report_without_a_register_hands_on_what_its_findings_ask(project):
    folder = publish(project, "2024Q2", None)
    asked = (Decision("Call them?"),)
    Result("revenue", "R", "2024Q2", date(2024, 6, 30), decisions=asked).save(folder / "revenue")
    (one,) = register_past(work(project, "2024Q3"))["register"]
    assert (one.action_id, one.role) == ("2024Q2/revenue/1", "head of sales")


def test_the_words_of_a_report_with_names_are_not_carried_on_once_names_are_hidden(tmp_path):
    hidden = tiny_project(tmp_path, {}, more="[privacy]\npseudonymise = true")
    named = Action(
        "2024Q1/sales/Ada-pace", "flag", "Ada pace", "throughput", text="Ada: check", owner="Eva"
    )
    publish(hidden, "2024Q1", [named])
    (one,) = register_past(work(hidden, "2024Q2"))["register"]
    assert "Ada" not in f"{one.action_id} {one.text} {one.who}"
    assert "Eva" not in one.who
    publish(hidden, "2024Q2", [named], privacy={"pseudonymise": True})
    assert register_past(work(hidden, "2024Q3"))["register"] == (named,)


def test_the_key_of_a_report_follows_what_was_said_by_its_last_day(project):
    period = project.calendar.parse("2024Q2")
    before = register_source(project, period)
    say(project, Said(done=["2024Q1/revenue/1"], result="ok"), date(2024, 7, 1))
    assert register_source(project, period) == before
    say(project, Said(done=["2024Q1/growth/rest"], result="ok"), date(2024, 6, 30))
    assert register_source(project, period) != before
    assert register_source(tiny_project(project.root / "new", {}), period) == ""


# Whole runs.

FINDING = (
    "import pandas as pd\n"
    "from analysis import run\n"
    "from analysis.core.result import Decision, Finding, Result\n"
    "work = run.open_workspace(project, period, run_dir)\n"
    "gone = Finding('5 fell silent.', metric='gone_count', value=5.0, rank=9.0)\n"
    "quiet = Finding('All rows are there.')\n"
    "work.save(Result('one', 'One', period, work.scope.as_of, findings=(gone, quiet),\n"
    "    decisions=(Decision('Call them?', 90.0, 'Ann'),)))"
)
STORY = (
    "from analysis import report, run\n"
    "work = run.open_workspace(project, period, run_dir)\n"
    "results = work.results()\n"
    "report.register(results, work.scope, work.past(results))"
)


def kept(project, period):
    return project.run_dir(project.calendar.parse(period)) / REGISTER_FILE


def published(project, period, **how):
    record = run_cadence(Project(project.root), "quarterly", period, **how)
    assert record.state == "succeeded", record.error
    folder = project.report_dir(project.calendar.parse(period))
    table = pd.read_csv(folder / "downloads" / "actions.register.csv").set_index("action_id")
    return record, (folder / "index.html").read_text(encoding="utf-8"), table


def test_two_quarters_share_a_register_and_the_first_stays_as_it_was(tmp_path):
    project = tiny_project(tmp_path, {"one": []})
    write_notebook(tmp_path, "one", FINDING)
    write_notebook(tmp_path, "reports/quarterly", STORY)
    _, page, table = published(project, "2024Q1")
    assert "The register begins with this report: 2 open actions." in page
    assert list(table["state"]) == ["open"] * 3
    first = kept(project, "2024Q1").read_bytes()
    say(project, Said(done=["2024Q1/one/1"], result="3 came back"), TODAY)
    _, page, table = published(project, "2024Q2")
    assert "3 came back" in page
    assert dict(table["state"]) == {
        "2024Q1/one/1": "done",
        "2024Q1/one/gone_count": "open",
        "2024Q1/one/rest": "open",
        "2024Q2/one/1": "open",
    }
    again, _, _ = published(project, "2024Q1")
    assert again.is_unchanged
    published(project, "2024Q1", force=True)
    assert kept(project, "2024Q1").read_bytes() == first


@pytest.mark.slow
def test_two_quarters_of_the_sample_share_a_register(tmp_path):
    shutil.copytree(REPOSITORY / "data" / "raw" / "sample", tmp_path / "data" / "raw" / "sample")
    shutil.copyfile(REPOSITORY / "project.toml", tmp_path / "project.toml")
    project = Project(tmp_path)
    _, _, first = published(project, "2026Q1")
    said = Said(done=["2026Q1/*/rest"], result="Read in the meeting", is_sure=True)
    taken = Said(take=["2026Q1/revenue/1"], owner="Ann Lee", due="2026-09-30")
    say(project, said, date(2026, 4, 20))
    say(project, taken, date(2026, 4, 21))
    _, page, second = published(project, "2026Q2")
    assert set(first.index) <= set(second.index)
    assert (second.loc[first.index, "carried_count"] == 1).sum() > 10
    assert second.loc["2026Q1/revenue/1", "state"] == "under way"
    assert second.loc["2026Q1/revenue/rest", "state"] == "done"
    assert {"Q105", "Q106"} <= set(second.index)  # the company's own
    assert "Did the number move since the action was opened?" in page
    results = [Result.load(p.parent) for p in kept(project, "2026Q2").parent.glob("*/result.json")]
    for result in results:
        for finding in result.findings:
            assert second["finding"].str.contains(finding.text, regex=False).any(), finding.text
