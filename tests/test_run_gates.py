"""Quality gates: each at its edge, what a breach stops, and what an override leaves behind."""

from dataclasses import replace
from datetime import date

import pytest
from run_examples import cadences_project, run_without_kernels, write_lines
from tiny_project import tiny_project, write_notebook

from analysis import cli
from analysis.core.files import read_json
from analysis.core.result import Result
from analysis.core.settings import Quality
from analysis.run.cadence import How, run_cadence
from analysis.run.gates import Measures, breaches
from analysis.run.ledger import failed_dir

TODAY = date(2024, 8, 1)
LAST = Measures(
    as_of="2024-06-30",
    rows={"invoice_lines": 1000, "regions": 10},
    rows_read=1000,
    rows_rejected=20,
    money_kept="50000.00",
    columns={"invoice_lines from till": ["cost_amount", "customer_id", "quantity"]},
    last_days={"invoice_lines": "2024-06-30", "activities": "2024-06-28"},
    revenue={"2024Q1": "20000.00", "2024Q2": "30000.00"},
)
LIMITS = Quality(age_days=40)


def found(limits=LIMITS, **changes):
    return [breach.measure for breach in breaches(replace(LAST, **changes), LAST, limits, on=TODAY)]


def test_equal_data_pass():
    assert found() == []


def test_without_a_last_run_only_age_is_checked():
    assert breaches(LAST, None, LIMITS, on=TODAY) == ()
    (breach,) = breaches(LAST, None, LIMITS, on=date(2024, 8, 10))
    assert (breach.measure, breach.found) == ("age of the data", "41 days")


# Each limit: what equals it passes, the next value beyond does not.
EDGES = [
    ("rows of invoice_lines", {"rows": {"invoice_lines": 950}}, {"rows": {"invoice_lines": 949}}),
    ("rows of invoice_lines", {"rows": {"invoice_lines": 2000}}, {"rows": {"invoice_lines": 2001}}),
    ("rejected rows", {"rows_rejected": 30}, {"rows_rejected": 31}),
    ("money of all lines", {"money_kept": "49000.00"}, {"money_kept": "48999.99"}),
    ("money of all lines", {"money_kept": "100000.00"}, {"money_kept": "100000.01"}),
    ("revenue of 2024Q1", {"revenue": {"2024Q1": "19000.00"}}, {"revenue": {"2024Q1": "18999.99"}}),
    ("revenue of 2024Q1", {"revenue": {"2024Q1": "21000.00"}}, {"revenue": {"2024Q1": "21000.01"}}),
    (
        "columns of invoice_lines from till",
        {"columns": {"invoice_lines from till": ["a", "cost_amount", "customer_id", "quantity"]}},
        {"columns": {"invoice_lines from till": ["customer_id", "quantity"]}},
    ),
    (
        "last day of the data",
        {"last_days": {"invoice_lines": "2024-06-30"}},
        {"last_days": {"invoice_lines": "2024-06-29"}},
    ),
    (
        "freshness of activities",
        {"last_days": {"invoice_lines": "2024-07-14", "activities": "2024-06-28"}},
        {"last_days": {"invoice_lines": "2024-07-15", "activities": "2024-06-28"}},
    ),
    (
        "age of the data",
        {"last_days": {"invoice_lines": "2024-06-22"}},
        {"last_days": {"invoice_lines": "2024-06-21"}},
    ),
]
# Data that end earlier than they did are found by that, too.
NOT_BACK = LIMITS.model_copy(update={"days_back": 400})


@pytest.mark.parametrize(("measure", "passing", "breaking"), EDGES)
def test_a_change_that_equals_its_limit_passes_and_the_next_one_does_not(
    measure, passing, breaking
):
    limits = LIMITS if measure == "last day of the data" else NOT_BACK
    assert found(limits, **passing) == []
    assert found(limits, **breaking) == [measure]


def test_a_table_that_is_gone_is_found_and_a_small_one_may_change():
    assert found(rows={"regions": 10}) == ["rows of invoice_lines"]
    assert found(rows={"invoice_lines": 1000, "regions": 19}) == []
    assert found(rows={"invoice_lines": 1000, "regions": 21}) == ["rows of regions"]
    assert found(rows={"invoice_lines": 1000, "regions": 10, "leads": 5000}) == []


def test_a_quarter_that_was_nothing_before_and_is_something_now_is_found():
    last = replace(LAST, revenue={"2024Q1": "0.00"})
    now = replace(LAST, revenue={"2024Q1": "0.01"})
    assert [b.measure for b in breaches(now, last, LIMITS, on=TODAY)] == ["revenue of 2024Q1"]
    assert breaches(last, last, LIMITS, on=TODAY) == ()


def test_an_older_period_is_not_held_against_what_became_known_later():
    assert found(revenue={"2024Q1": "1.00"}, as_of="2024-03-31") == []


def test_limits_can_be_changed_and_all_checks_switched_off():
    much = {"rows": {"invoice_lines": 1}, "money_kept": "0.00", "last_days": {}}
    assert found(Quality(is_checked=False), **much) == []
    wide = Quality(rows_fewer_share=1, money_fewer_share=1, days_back=9)
    assert found(wide, **much) == []


def test_says_what_was_found_what_was_before_the_limit_and_the_ways_out():
    (breach,) = breaches(replace(LAST, rows_rejected=120), LAST, LIMITS, on=TODAY)
    problem = breach.problem("analysis run quarterly --period 2024Q2")
    assert problem.found == "12.00% of rows"
    assert "at most 1.0% of rows more (quality.rejected_more_share)" in problem.expected
    assert "the last published run: 2.00% of rows" in problem.expected
    assert 'analysis run quarterly --period 2024Q2 --accept "' in problem.mend


@pytest.fixture
def lost_lines(tmp_path, monkeypatch):
    """A project that published 2024Q1 and then lost half of the quarter's money."""
    project = cadences_project(tmp_path, "quarterly", more="[quality]\nchecked_from_rows = 1")
    run_without_kernels(monkeypatch)
    write_lines(project, "2024-01-15", "2024-02-15", "2024-03-31")
    assert run_cadence(project, "quarterly").is_published
    write_lines(project, "2024-01-15", "2024-03-31", "2024-06-30")
    return project


def test_a_breach_publishes_nothing_and_says_why_in_run_json(lost_lines):
    ran = []
    record = run_cadence(lost_lines, "quarterly")
    period = lost_lines.calendar.parse("2024Q2")
    assert (record.state, record.outcome, record.is_published) == ("failed", "breach", False)
    assert {book.state for book in record.notebooks.values()} == {"not_run"}
    assert not lost_lines.report_dir(period).exists()
    assert lost_lines.report_dir(lost_lines.calendar.parse("2024Q1")).exists()
    written = read_json(failed_dir(lost_lines, period) / "run.json")
    assert written["error"].startswith("stopped by quality checks:")
    assert written["quality"] == [
        {
            "measure": "revenue of 2024Q1",
            "found": "20.00",
            "last": "30.00",
            "limit": "at most 5.0% more or less than was reported",
            "setting": "quality.reported_revenue_share",
        }
    ]
    assert ran == []
    assert run_cadence(lost_lines, "quarterly").outcome == "breach"  # and again, until mended


def test_an_override_publishes_once_and_is_recorded(lost_lines):
    record = run_cadence(lost_lines, "quarterly", how=How(accept="a customer <b>was</b> refunded"))
    assert (record.is_published, record.accepted) == (True, "a customer <b>was</b> refunded")
    period = lost_lines.calendar.parse("2024Q2")
    written = read_json(lost_lines.run_dir(period) / "run.json")
    assert written["accepted"] == record.accepted
    assert [breach["measure"] for breach in written["quality"]] == ["revenue of 2024Q1"]
    page = (lost_lines.report_dir(period) / "index.html").read_text(encoding="utf-8")
    assert "Quality check overruled: revenue of 2024Q1 is 20.00" in page
    assert "a customer &lt;b&gt;was&lt;/b&gt; refunded" in page
    assert "<b>was" not in page

    # A later look at the same data needs no reason again, and keeps the one that was given.
    assert run_cadence(lost_lines, "quarterly").is_unchanged
    forced = run_cadence(lost_lines, "quarterly", force=True)
    assert forced.accepted == record.accepted
    assert forced.is_published

    # Other data are held against what was published last.
    write_lines(lost_lines, "2024-01-15", "2024-06-30")
    assert run_cadence(lost_lines, "quarterly").outcome == "breach"


def test_a_reason_without_a_breach_is_not_recorded(tmp_path, monkeypatch, capsys):
    project = cadences_project(tmp_path, "quarterly")
    run_without_kernels(monkeypatch)
    arguments = ["run", "quarterly", "--project", str(tmp_path), "--accept", "no reason"]
    assert cli.main(arguments) == 0
    assert "--accept was not needed" in capsys.readouterr().out
    assert run_cadence(project, "quarterly").accepted == ""


def test_the_command_names_the_breach_and_ends_with_1(lost_lines, capsys):
    arguments = ["run", "quarterly", "--project", str(lost_lines.root)]
    assert cli.main(arguments) == 1
    error = capsys.readouterr().err
    assert "quality check, revenue of 2024Q1" in error
    assert "found:    20.00" in error
    assert "Nothing was published" in error
    assert cli.main([*arguments, "--accept", "refunded"]) == 0


def test_a_look_with_only_is_not_stopped(lost_lines):
    shown = run_cadence(lost_lines, "quarterly", only=["quarterly_one"])
    assert (shown.state, shown.quality) == ("succeeded", [])


def test_a_column_that_one_file_lost_is_found(tmp_path, monkeypatch):
    project = cadences_project(tmp_path, "quarterly", more="[quality]")
    run_without_kernels(monkeypatch)
    lines = project.raw / "invoice_lines.csv"
    text = lines.read_text(encoding="utf-8").splitlines()
    costs = ["cost_amount", "1.00", "1.00", "1.00", "1.00"]
    rows = [f"{line},{cost}" for line, cost in zip(text, costs, strict=True)]
    lines.write_text("\n".join(rows) + "\n", encoding="utf-8")
    assert run_cadence(project, "quarterly").is_published
    lines.write_text("\n".join(text) + "\n", encoding="utf-8")
    record = run_cadence(project, "quarterly")
    assert [breach["found"] for breach in record.quality] == ["no column cost_amount"]


def test_the_data_quality_chapter_shows_an_override(tmp_path):
    notebooks = {"data_quality": []}
    project = tiny_project(tmp_path, notebooks, more="[quality]\nchecked_from_rows = 1")
    (tmp_path / "notebooks" / "data_quality.ipynb").unlink()  # so the shipped one runs
    write_notebook(tmp_path, "reports/quarterly")
    write_lines(project, "2024-01-15", "2024-02-15", "2024-03-31")
    assert run_cadence(project, "quarterly").is_published
    write_lines(project, "2024-01-15", "2024-03-31")
    record = run_cadence(project, "quarterly", how=How(accept="The till was cleaned."))
    assert record.is_published
    result = Result.load(record.folder / "data_quality")
    overruled = [finding.text for finding in result.findings if finding.metric == "overruled"]
    assert len(overruled) == len(record.quality) == 3
    assert all(text.endswith("Reason given: The till was cleaned.") for text in overruled)
    page = project.report_dir(project.calendar.parse("2024Q1")) / "details" / "data_quality.html"
    assert "Reason given: The till was cleaned." in page.read_text(encoding="utf-8")


def test_an_empty_reason_is_told_and_the_command_names_the_project(lost_lines, capsys):
    arguments = ["run", "quarterly", "--project", str(lost_lines.root)]
    assert cli.main([*arguments, "--accept", " "]) == 1
    assert "an empty reason" in capsys.readouterr().err
    assert cli.main(arguments) == 1
    told = f'--period 2024Q2 --project {lost_lines.root} --accept "'
    assert told in capsys.readouterr().err


def test_a_notebook_that_saved_nothing_is_named(tmp_path, monkeypatch):
    project = cadences_project(tmp_path, "quarterly")
    run_without_kernels(monkeypatch)
    notes = run_cadence(project, "quarterly").notes
    assert any("made no Result; it has no chapter" in note for note in notes)


def test_data_cut_off_before_the_period_are_told_as_both(lost_lines, capsys):
    write_lines(lost_lines, "2024-01-15")
    arguments = ["run", "quarterly", "--period", "2024Q2", "--project", str(lost_lines.root)]
    assert cli.main(arguments) == 1
    error = capsys.readouterr().err
    assert "period 2024Q2" in error
    assert "after the last day" in error
    assert "quality check, rows of invoice_lines" in error
    assert "found:    1 rows" in error
    assert "the last published run: 3 rows" in error
    assert "put back what is missing" in error


def test_a_period_beyond_whole_data_is_told_alone(lost_lines, capsys):
    write_lines(lost_lines, "2024-01-15", "2024-02-15", "2024-03-31")
    arguments = ["run", "quarterly", "--period", "2025Q2", "--project", str(lost_lines.root)]
    assert cli.main(arguments) == 1
    error = capsys.readouterr().err
    assert "1 problem:" in error
    assert "quality check" not in error


def test_a_reason_given_twice_is_kept_and_told_once(lost_lines, capsys):
    arguments = ["run", "quarterly", "--project", str(lost_lines.root), "--accept", "refunded"]
    assert cli.main([*arguments, "--accept", "refunded"]) == 0
    assert cli.main([*arguments, "--force"]) == 0
    capsys.readouterr()
    assert cli.main(arguments) == 0
    assert capsys.readouterr().out.count("Quality check overruled") == 1
    period = lost_lines.calendar.parse("2024Q2")
    page = (lost_lines.report_dir(period) / "index.html").read_text(encoding="utf-8")
    assert page.count("Quality check overruled") == 1
    notes = read_json(lost_lines.run_dir(period) / "run.json")["notes"]
    assert len(notes) == len(set(notes))
    cli.main(["runs", "show", "2024Q2", "--project", str(lost_lines.root)])
    assert capsys.readouterr().out.count("Quality check overruled") == 1
