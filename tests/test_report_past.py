"""What a report is told in against: moved numbers with their reason, comments."""

import dataclasses
from datetime import date

import pandas as pd
import pytest
from report_examples import DISPLAY, SCOPE, SCRIPT, revenue_result

from analysis import report
from analysis.core.problems import InputError
from analysis.core.result import Number, Result
from analysis.report.comments import loaded_comments, read_comments
from analysis.report.moved import moved_numbers
from analysis.report.past import Basis, Comment, Earlier, Past
from analysis.report.pieces import without_lab_style

THEN = Basis({"till/a.csv": "1"}, "kinds", "settings", "code")
NOW = Basis({"till/a.csv": "1", "till/b.csv": "2"}, "kinds", "settings", "code")
PREVIOUS, YEAR_BEFORE = "2011Q2", "2010Q3"


def shown(piece):
    return without_lab_style(piece._repr_html_())


def result(number, decisions=(), name="revenue"):
    return Result(
        name,
        "What happened to revenue",
        "2011Q3",
        date(2011, 9, 30),
        headline={"revenue": number},
        decisions=decisions,
    )


def amount(value=200.0, **more):
    return Number("Net revenue", value, "amount", **more)


def moved(reported=100.0, then=THEN, now=NOW, late=0.0, label="Net revenue", before=110.0):
    earlier = Earlier(PREVIOUS, {"revenue": result(Number(label, reported, "amount"))}, then)
    past = Past(now, (earlier,), {PREVIOUS: late} if late else {})
    return moved_numbers([result(amount(before=before))], SCOPE, past)


def test_a_number_that_did_not_move_is_not_told():
    assert moved(reported=110.004) == []


def test_both_numbers_are_told():
    (one,) = moved(late=10.0)
    sentence = one.sentence(DISPLAY)
    assert sentence.startswith("Net revenue of 2011Q2 is £110.00 now; £100.00 was reported.")


def test_what_was_posted_late_is_the_reason_when_it_is_all_of_it():
    (one,) = moved(late=10.0, now=dataclasses.replace(NOW, code="new"))
    assert one.reason == "£10.00 of 2011Q2 was posted late."


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("definitions", "Its definition has changed since."),
        ("settings", "A setting has changed since."),
        ("code", "The code has changed since."),
    ],
)
def test_what_differs_is_the_reason(name, words):
    (one,) = moved(now=dataclasses.replace(NOW, **{name: "other"}))
    assert one.reason == words


def test_a_raw_file_that_changed_is_named():
    (one,) = moved(now=dataclasses.replace(NOW, sources={"till/a.csv": "9"}))
    assert one.reason == "A raw file (till/a.csv) has changed since."


def test_a_raw_file_that_is_gone_is_named():
    (one,) = moved(now=dataclasses.replace(NOW, sources={}))
    assert "till/a.csv" in one.reason


def test_new_raw_files_are_the_reason_when_nothing_else_changed():
    assert moved()[0].reason == "The set of raw files has changed since."


def test_a_number_of_another_name_has_another_definition():
    assert moved(label="Revenue")[0].reason == "Its definition has changed since."


def test_late_postings_and_the_rest_are_both_told():
    (one,) = moved(late=4.0, now=dataclasses.replace(NOW, definitions="x", code="y"))
    words = "£4.00 of 2011Q2 was posted late. The rest: its definition and the code have changed"
    assert one.reason == f"{words} since."


def test_a_move_that_nothing_explains_says_so():
    assert "reason is not known" in moved(now=THEN)[0].reason


def test_a_year_ago_is_held_against_what_was_reported_then():
    earlier = Earlier(YEAR_BEFORE, {"revenue": result(amount(80.0))}, THEN)
    past = Past(NOW, (earlier,), {YEAR_BEFORE: 8.0})
    (one,) = moved_numbers([result(amount(year_before=88.0))], SCOPE, past)
    assert (one.period, one.reported, one.now) == (YEAR_BEFORE, 80.0, 88.0)


@pytest.mark.parametrize(
    "number",
    [
        amount(before=None),
        amount(before=110.0, low=1.0, high=2.0),  # an estimate is graded, not corrected
    ],
)
def test_what_has_nothing_to_be_held_against_has_not_moved(number):
    earlier = Earlier(PREVIOUS, {"revenue": result(amount(100.0))}, THEN)
    assert moved_numbers([result(number)], SCOPE, Past(NOW, (earlier,))) == []


def test_without_an_earlier_report_nothing_has_moved():
    assert moved_numbers([result(amount(before=110.0))], SCOPE, Past()) == []


def test_moved_numbers_stand_on_the_first_screen_and_all_of_them_below():
    earlier = Earlier(PREVIOUS, {"revenue": result(amount(100.0))}, THEN)
    past = Past(NOW, (earlier,), {PREVIOUS: 10.0})
    now = [result(amount(before=110.0))]
    for piece in (report.first_screen(now, SCOPE, past), report.moved(now, SCOPE, past)):
        assert "£100.00 was reported. £10.00 of 2011Q2 was posted late." in shown(piece)
    assert shown(report.moved(now, SCOPE, Past())) == ""


def comment_table(**more):
    row = {
        "period": "2011Q3",
        "about": "revenue.revenue",
        "text": "Two invoices of customer 17450 on one day.",
        "signed_by": "Ann",
        "signed_on": "2011-10-02",
    }
    return pd.DataFrame([row | more])


def test_a_signed_one_off_stands_at_its_number_and_alters_no_total():
    comments = read_comments(comment_table(amount="54843"), "2011Q3", {"revenue"})
    before = revenue_result()
    with_it = Past(comments=comments)
    words = "One-off of £54,843, still part of every total: Two invoices of customer 17450"
    first = shown(report.first_screen([before], SCOPE, with_it))
    chapter = shown(report.chapter(before, DISPLAY, with_it))
    assert words in first
    assert words in chapter
    assert "(Ann, 2 October 2011)" in chapter
    # Nothing but the remark is different.
    without = shown(report.first_screen([before], SCOPE))
    values = [line for line in first.splitlines() if 'class="value"' in line]
    assert values == [line for line in without.splitlines() if 'class="value"' in line]


def test_a_comment_on_a_chapter_stands_there_only():
    comments = read_comments(comment_table(about="revenue"), "2011Q3", {"revenue"})
    past = Past(comments=comments)
    assert "17450 on one day" not in shown(report.first_screen([revenue_result()], SCOPE, past))
    assert "17450 on one day" in shown(report.chapters([revenue_result()], DISPLAY, past))


def test_a_comment_on_the_report_stands_on_the_first_screen_only():
    past = Past(comments=(Comment("", "The shop moved.", "Ann", "2011-10-02"),))
    assert "The shop moved." in shown(report.first_screen([revenue_result()], SCOPE, past))
    assert "The shop moved." not in shown(report.chapters([revenue_result()], DISPLAY, past))


def test_comments_of_another_period_and_no_file_are_none():
    assert read_comments(comment_table(), "2011Q2", {"revenue"}) == ()
    assert read_comments(None, "2011Q3", {"revenue"}) == ()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"signed_by": ""}, "no signature"),
        ({"text": ""}, "no text"),
        ({"signed_on": "2.10.2011"}, "2.10.2011"),
        ({"about": "revenu"}, "revenu"),
        ({"amount": "much"}, "much"),
        ({"amount": "nan"}, "nan"),
    ],
)
def test_a_comment_that_is_not_whole_is_refused(changed, words):
    with pytest.raises(InputError, match=words):
        read_comments(comment_table(**changed), "2011Q3", {"revenue"})


def test_a_file_without_its_columns_is_refused():
    with pytest.raises(InputError, match="signed_by"):
        read_comments(comment_table().drop(columns="signed_by"), "2011Q3", {"revenue"})


def test_loaded_comments_stand_in_their_chapter_and_others_in_the_first():
    rows = [
        ("B2", "2011Q3", "growth", "Two new services.", "Ann", "2011-09-01", None),
        ("B1", "2011Q3", "C17450", "A large order.", "Ben", None, True),
        ("B3", "2011Q3", "growth", "Nobody signs this.", None, "2011-09-01", False),
        ("B4", "2011Q2", "growth", "Another quarter.", "Ann", "2011-06-01", False),
    ]
    names = ["comment_id", "period", "about", "text", "author", "written_on", "is_one_off"]
    table = pd.DataFrame(rows, columns=names)
    found = loaded_comments(table, "2011Q3", ["revenue", "growth"])
    assert [(one.about, one.text) for one in found] == [
        ("revenue", "C17450: A large order."),
        ("growth", "Two new services."),
    ]
    html = shown(report.chapter(revenue_result(), DISPLAY, Past(comments=found)))
    assert "One-off, still part of every total: C17450: A large order. (Ben)" in html
    assert loaded_comments(None, "2011Q3", ["revenue"]) == ()
    assert loaded_comments(table, "2011Q3", []) == ()


def test_a_comment_cannot_smuggle_in_markup():
    past = Past(comments=(Comment("", SCRIPT, SCRIPT, "2011-10-02"),))
    assert "<script" not in shown(report.first_screen([revenue_result()], SCOPE, past))
