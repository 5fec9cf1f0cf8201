"""Data that do not come: people are told once a day, and no more once they are there."""

from datetime import date

from run_examples import cadences_project, run_without_kernels, write_lines

from analysis import cli
from analysis.core.files import read_json
from analysis.run import waiting
from analysis.run.due import outlook
from analysis.run.waiting import tell_waiting

TOLD = '[notify.team]\nurl_variable = "TEAM_URL"'


def waiting_project(tmp_path, monkeypatch, more: str = TOLD):
    """A project that published 2024Q1, whose data end then; give it and what is sent."""
    project = cadences_project(tmp_path, "quarterly", more=f"[quality]\n{more}")
    run_without_kernels(monkeypatch)
    write_lines(project, "2024-01-15", "2024-03-31")
    sent = []

    def send(notice, message):
        sent.append((message.outcome, message.title, message.body))
        return ""

    monkeypatch.setattr("analysis.run.notify._send", send)
    return project, sent


def tell_on(project, day: date) -> None:
    tell_waiting(project, outlook(project, day), day)


def test_a_period_that_is_over_without_its_data_is_told_once_a_day(tmp_path, monkeypatch):
    project, sent = waiting_project(tmp_path, monkeypatch)
    tell_on(project, date(2024, 6, 30))  # the second quarter is not over
    assert sent == []
    tell_on(project, date(2024, 7, 2))
    tell_on(project, date(2024, 7, 2))
    ((outcome, title, body),) = sent
    assert (outcome, title) == ("failure", "Tiny: a report waits for its data")
    assert "- quarterly 2024Q2" in body
    tell_on(project, date(2024, 7, 3))
    assert len(sent) == 2


def test_days_of_grace_are_waited_for_in_silence(tmp_path, monkeypatch):
    grace = f"{TOLD}\n[cadences.quarterly]\ngrace_days = 5"
    project, sent = waiting_project(tmp_path, monkeypatch, "")
    settings = project.root / "project.toml"
    text = settings.read_text(encoding="utf-8")
    head = text.replace("[cadences.quarterly]", "[cadences.quarterly]\ngrace_days = 5")
    changed = f"{head}\n{TOLD}\n" if head != text else f"{text}\n{grace}\n"
    settings.write_text(changed, encoding="utf-8")
    again = type(project)(project.root)
    tell_on(again, date(2024, 7, 4))
    assert sent == []
    tell_on(again, date(2024, 7, 8))
    assert len(sent) == 1


def test_when_the_data_have_come_nothing_is_told_and_the_next_wait_is(tmp_path, monkeypatch):
    project, sent = waiting_project(tmp_path, monkeypatch)
    tell_on(project, date(2024, 7, 2))
    write_lines(project, "2024-01-15", "2024-06-30")
    tell_on(project, date(2024, 7, 2))
    assert read_json(project.processed / waiting._FILE) == {}
    tell_on(project, date(2024, 10, 2))
    assert "2024Q3" in sent[-1][2]
    assert len(sent) == 2


def test_a_message_that_could_not_be_sent_is_tried_again(tmp_path, monkeypatch):
    project, _ = waiting_project(tmp_path, monkeypatch)
    tries = []

    def refuse(notice, message):
        tries.append(message.title)
        return "refused"

    monkeypatch.setattr("analysis.run.notify._send", refuse)
    tell_on(project, date(2024, 7, 2))
    tell_on(project, date(2024, 7, 2))
    assert len(tries) == 2


def test_analysis_due_tells_and_a_list_does_not(tmp_path, monkeypatch):
    project, sent = waiting_project(tmp_path, monkeypatch)
    words = ["due", "--project", str(project.root), "--on", "2024-07-02"]
    assert cli.main([*words, "--list"]) == 0
    assert sent == []
    cli.main(words)
    assert "Tiny: a report waits for its data" in [title for _, title, _ in sent]
