"""The list of all reports."""

import dataclasses
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
