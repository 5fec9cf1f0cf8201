"""The list of all reports."""

import dataclasses
import re
from datetime import UTC, datetime

from report_examples import CUT_SHORT, DISPLAY, SCOPE, SCRIPT, all_results

from analysis.report import index, page

PUBLISHED = datetime(2011, 10, 2, 8, tzinfo=UTC)
SUMMARY = index.summarise(all_results(), SCOPE, PUBLISHED)


def test_a_summary_comes_back_as_it_was_written(tmp_path):
    folder = tmp_path / "quarterly" / "2011Q3"
    index.write_summary(SUMMARY, folder)
    assert index.read_summaries(tmp_path) == [SUMMARY]


def test_a_summary_has_the_title_and_the_first_numbers_of_its_report():
    assert SUMMARY.title == "Revenue is up £298 k on 2010Q3 (+14.3 %)"
    assert SUMMARY.headline[0].label == "Net revenue"


def test_a_summary_that_cannot_be_read_is_left_out_and_told(tmp_path, caplog):
    index.write_summary(SUMMARY, tmp_path / "quarterly" / "2011Q3")
    for name, text in {"2011Q2": "{", "2011Q1": '{"title": "x"}', "2010Q4": "[]"}.items():
        (tmp_path / "quarterly" / name).mkdir()
        (tmp_path / "quarterly" / name / index.SUMMARY_FILE).write_text(text)
    assert index.read_summaries(tmp_path) == [SUMMARY]
    assert len(caplog.records) == 3


def test_unfinished_reports_are_not_listed(tmp_path):
    index.write_summary(SUMMARY, tmp_path / "quarterly" / ".unfinished-2011Q3-x")
    assert index.read_summaries(tmp_path) == []


def test_reports_are_listed_by_cadence_newest_first():
    older = dataclasses.replace(SUMMARY, period="2011Q2", as_of=SUMMARY.as_of.replace(month=6))
    yearly = dataclasses.replace(SUMMARY, cadence="annual", period="2010")
    html = index.index_page([older, yearly, SUMMARY], company="Tea & Co", display=DISPLAY)
    links = [
        html.index(f'href="{address}/index.html"')
        for address in ("annual/2010", "quarterly/2011Q3", "quarterly/2011Q2")
    ]
    assert links == sorted(links)
    assert page.page_problems(html) == []


def test_a_report_of_data_that_end_too_early_is_marked(tmp_path):
    short = index.summarise(all_results(), CUT_SHORT, PUBLISHED)
    index.write_summary(short, tmp_path / "quarterly" / "2011Q3")
    assert index.read_summaries(tmp_path) == [short]
    html = index.index_page([short], company="Tea", display=DISPLAY)
    assert "Not a whole period: the data end before 2011Q3 does" in html
    assert "Data known at 9 September 2011" in html


def test_a_report_of_a_whole_period_bears_no_mark():
    html = index.index_page([SUMMARY], company="Tea", display=DISPLAY)
    assert "Not a whole period" not in html
    assert "Data known at 30 September 2011" in html


def test_an_index_of_nothing_says_how_to_make_a_report():
    html = index.index_page([], company="Tea", display=DISPLAY)
    assert "analysis run quarterly" in html
    assert page.page_problems(html) == []


def test_the_words_of_an_index_are_escaped():
    nasty = dataclasses.replace(SUMMARY, title=SCRIPT, state=SCRIPT)
    html = index.index_page([nasty], company=SCRIPT, display=DISPLAY)
    assert "<script" not in html


FAILED_ON = datetime(2011, 10, 3, 8, tzinfo=UTC)


def test_a_run_that_failed_is_told_beside_the_last_whole_report():
    failure = index.Failure("quarterly", "2011Q3", FAILED_ON, ("customers/growth",))
    html = index.index_page([SUMMARY], company="Tea", display=DISPLAY, failures=[failure])
    assert "2011Q3: the last run failed on 3 October 2011 in customers/growth." in html
    assert "The report below is the last whole one." in html
    assert page.page_problems(html) == []


def test_a_cadence_that_never_succeeded_stands_in_the_index_too():
    failure = index.Failure("daily", "2011-09-30", FAILED_ON, (SCRIPT,))
    html = index.index_page([], company="Tea", display=DISPLAY, failures=[failure])
    assert "There is no report of it yet." in html
    assert "<h2" in html
    assert SCRIPT not in html


def test_the_course_of_a_number_ends_before_a_part_of_a_period():
    number = dataclasses.replace(SUMMARY.headline[0], value=4.0, history=(1.0, 2.0, 3.0, 4.0))
    whole = dataclasses.replace(SUMMARY, headline=(number,))
    short = dataclasses.replace(whole, data_end_on=SUMMARY.as_of)
    pages = [index.index_page([s], company="T", display=DISPLAY) for s in (whole, short)]
    points = [re.search(r'points="([^"]+)"', page)[1].split() for page in pages]
    assert [len(each) for each in points] == [4, 3]


def test_every_number_of_a_report_in_the_index_has_its_course():
    html = index.index_page([SUMMARY], company="Tea", display=DISPLAY)
    with_course = [n for n in SUMMARY.headline if len(n.history) >= 3]
    assert html.count("<polyline") == len(with_course) >= 1


def test_the_index_leads_to_the_explore_page_and_the_pdf():
    full = dataclasses.replace(SUMMARY, files=("explore.html", "report.pdf", "else.exe"))
    html = index.index_page([full], company="Tea", display=DISPLAY)
    assert 'href="quarterly/2011Q3/explore.html"' in html
    assert 'href="quarterly/2011Q3/report.pdf"' in html
    assert "else.exe" not in html
