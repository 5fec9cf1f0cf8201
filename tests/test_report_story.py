"""The report's story: its title, what stands on the first screen, its chapters."""

import dataclasses
import re
from datetime import date

import pandas as pd
import pytest
from report_examples import (
    CUT_SHORT,
    CUT_SHORT_WORDS,
    DISPLAY,
    SCOPE,
    SCRIPT,
    all_results,
    growth_result,
    quality_result,
    revenue_result,
    unavailable_result,
)

from analysis import report
from analysis.core.result import Decision, Finding, Number, Result
from analysis.report.choices import TableChoice
from analysis.report.past import Past
from analysis.report.pieces import unbroken, without_lab_style
from analysis.report.story import cut_short_words, first_numbers, page_title, ranked_findings

NB = "\u00a0"


def made_up(**parts):
    return Result("made_up", "Made up", "2011Q3", date(2011, 9, 30), **parts)


def test_what_happened_to_revenue_is_the_title_however_large_a_forecast_is():
    forecast = made_up(findings=(Finding("Next quarter brings £3 M.", rank=3e6),))
    results = [forecast, *all_results().values()]
    assert page_title(results, SCOPE) == "Revenue is up £298 k on 2010Q3 (+14.3 %)"


def test_without_revenue_the_finding_with_most_money_is_the_title():
    small, large = Finding("Small.", rank=1.0), Finding("Large.", rank=2.0)
    results = [made_up(findings=(small,)), made_up(findings=(large,))]
    assert page_title(results, SCOPE) == "Large"


def test_the_first_finding_of_every_chapter_comes_before_the_second_of_any():
    many = made_up(findings=tuple(Finding(f"F{i}.", rank=100.0 + i) for i in range(3)))
    one = dataclasses.replace(quality_result(), findings=(Finding("Data.", rank=1.0),))
    texts = [finding.text for finding in ranked_findings([many, one])]
    assert texts == ["F2.", "Data.", "F1.", "F0."]


def test_without_a_finding_revenue_is_the_title():
    quiet = dataclasses.replace(revenue_result(), findings=())
    title = f"Net revenue is £2.38{NB}M, +25.0{NB}% on 2011Q2, +14.3{NB}% on 2010Q3"
    assert page_title([quiet], SCOPE) == title


@pytest.mark.parametrize("results", [[], [unavailable_result()]])
def test_without_anything_the_title_says_so(results):
    assert page_title(results, SCOPE) == "2011Q3: nothing to report"


def test_a_finding_without_money_stays_in_its_chapter():
    quiet = made_up(findings=(Finding("Rows balance."), Finding("Money.", rank=1.0)))
    assert [finding.text for finding in ranked_findings([quiet])] == ["Money."]


def test_the_first_screen_has_at_most_seven_numbers_revenue_first():
    labels = [number.label for number in first_numbers(all_results())]
    assert labels[0] == "Net revenue"
    assert len(labels) == 6
    assert "Target" not in labels  # no value: its chapter says why


def test_room_on_the_first_screen_is_filled_in_the_order_of_the_chapters():
    numbers = {f"n{i}": Number(f"N{i}", 1.0, "count") for i in range(8)}
    few = [dataclasses.replace(revenue_result(), headline=numbers), quality_result()]
    assert [number.label for number in first_numbers(few)] == [f"N{i}" for i in range(7)]


def test_the_first_screen_has_a_title_and_at_most_three_further_findings():
    many = made_up(findings=tuple(Finding(f"F{i}.", rank=float(i)) for i in range(1, 9)))
    html = report.first_screen([many], SCOPE)._repr_html_()
    assert "<h1>F8</h1>" in html
    assert re.findall(r"<b>(F\d)\.</b>", html) == ["F7", "F6", "F5"]


def test_decisions_stand_on_the_first_screen_with_most_money_first():
    html = report.first_screen(all_results(), SCOPE)._repr_html_()
    asked = [html.index(words) for words in ("“Grow”", "Who owns missing", "Call a random half")]
    assert asked == sorted(asked)
    assert "Owner: order desk · By 31 October 2011" in html


def test_data_that_end_too_early_are_told_right_below_the_title():
    html = show(report.first_screen(all_results(), CUT_SHORT))
    assert html.index("<h1>") < html.index(CUT_SHORT_WORDS) < html.index('class="numbers"')
    assert "Known at" not in html  # the warning says it


def test_data_that_fill_the_period_are_warned_of_nothing():
    assert cut_short_words(SCOPE) == ""
    assert 'class="cut"' not in show(report.first_screen(all_results(), SCOPE))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("up +£191 k", "up +\u2060£191 k"),
        ("(−€5)", "(−\u2060€5)"),
        ("+14.3 %", "+14.3\u00a0%"),  # a digit holds on to a sign by itself, not to its %
        ("a + b", "a + b"),
    ],
)
def test_no_line_ends_between_a_sign_and_its_amount(text, shown):
    assert shown in show(report.findings(made_up(findings=(Finding(text),))))
    assert unbroken(unbroken(text)) == shown


def test_a_change_has_no_colour_of_good_or_bad_news():
    html = show(report.headline(revenue_result(), DISPLAY))
    assert f"<span>+25.0{NB}% on 2011Q2</span>" in html


def test_what_is_not_known_stands_on_the_first_screen():
    html = report.first_screen(all_results(), SCOPE)._repr_html_()
    assert "No CRM data: neither funnel nor throughput can be said." in html


def test_every_result_has_a_chapter_and_data_quality_is_the_last():
    results = {"data_quality": quality_result()} | all_results()
    html = report.chapters(results, DISPLAY)._repr_html_()
    chapters = ["revenue", "growth", "not-told", "data-quality"]
    assert re.findall(r'<h2 id="([^"]+)"', html) == chapters


def test_what_has_no_data_stands_in_one_chapter_with_what_it_would_take():
    html = show(report.chapters([unavailable_result(), made_up()], DISPLAY))
    assert html.index("Made up") < html.index("What these data cannot tell")
    assert "No CRM data: neither funnel nor throughput can be said." in html


def test_many_chapters_without_data_take_one_line_of_the_first_screen():
    missing = [
        dataclasses.replace(unavailable_result(), name=f"n{n}", title=f"Title {n}?")
        for n in range(3)
    ]
    html = show(report.first_screen([revenue_result(), *missing], SCOPE))
    assert "3 chapters have no data: Title 0; Title 1; Title 2. What each would take" in html
    assert "No CRM data" not in html


def test_of_decisions_about_one_number_the_first_screen_asks_the_largest():
    few = Decision("Few?", worth_amount=1.0, metric="ownerless_amount")
    all_ = Decision("All?", worth_amount=2.0, metric="ownerless_amount")
    others = (Decision("One?", worth_amount=0.5), Decision("Two?", worth_amount=0.5))
    results = [made_up(decisions=(few, *others)), made_up(decisions=(all_,))]
    html = show(report.first_screen(results, SCOPE))
    assert [word in html for word in ("All?", "Few?", "One?", "Two?")] == [True, False, True, True]


def test_a_chapter_shows_its_tables_as_its_notebook_does():
    frame = pd.DataFrame({"plain_count": [1], "other_count": [2]})
    tables = {"first": frame, "second": frame, "third": frame}
    choice = TableChoice("made_up", "second", {"other_count": "Wanted"}, "Chosen words")
    past = Past(choices={"made_up": [choice, TableChoice("made_up", "gone")]})
    html = show(report.chapter(made_up(tables=tables), DISPLAY, past))
    assert re.findall(r"<caption>([^<]+)", html) == ["First", "Chosen words", "Third"]
    assert html.count("Wanted") == 1
    assert html.index("Wanted") > html.index("Chosen words")


def test_a_chapter_of_missing_data_is_its_sentence():
    html = report.chapter(unavailable_result(), DISPLAY)._repr_html_()
    assert "No CRM data: neither funnel nor throughput can be said." in html
    assert "<table" not in html
    assert "<details" not in html


def test_empty_tables_and_those_kept_for_the_next_run_stay_out_of_a_chapter():
    full = pd.DataFrame({"count": [1]})
    tables = {"rows": full, "nothing": full.head(0), "segment_anchor": full, "frozen": full}
    html = report.chapter(made_up(tables=tables), DISPLAY)._repr_html_()
    assert re.findall(r"<caption>([^<]+)</caption>", html) == ["Rows"]


def test_a_result_of_nothing_at_all_still_makes_a_chapter():
    assert "Made up" in report.chapter(made_up(), DISPLAY)._repr_html_()


def test_the_track_record_is_the_back_test_of_any_analysis():
    html = report.track_record(all_results(), DISPLAY)._repr_html_()
    assert "How each customer can grow: what came, and how far" in html
    assert not report.track_record([revenue_result()], DISPLAY)._repr_html_()


def test_the_track_record_sets_every_method_beside_what_came():
    rows = [
        ("2011Q1", "ours", "revenue", 100.0, 90.0),
        ("2011Q1", "last quarter", "revenue", 100.0, 130.0),
        ("2011Q1", "ours", "sales", 120.0, 1.0),
        ("2011Q2", "ours", "revenue", 0.0, 5.0),  # nothing came: no share of it
    ]
    names = ["period", "model", "amount_kind", "actual_amount", "forecast_amount"]
    backtest = made_up(tables={"backtest": pd.DataFrame(rows, columns=names)})
    html = show(report.track_record([backtest], DISPLAY))
    cells = re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", html)
    assert cells[:4] == ["Period", "Actual", "Ours", "Last quarter"]
    assert cells[4:8] == ["2011Q1", "£100", f"−10.0{NB}%", f"30.0{NB}%"]
    assert cells[8:] == ["2011Q2", "£0", "–", "–"]


def test_actions_list_every_decision_with_owner_and_day():
    html = report.actions(all_results(), DISPLAY)._repr_html_()
    assert html.count("<tr>") == 1 + 3
    assert "order desk" in html
    assert '<th scope="col" class="n">At stake</th>' in html
    assert not report.actions([quality_result()], DISPLAY)._repr_html_()


def test_the_glossary_is_alphabetical():
    html = report.glossary(all_results())._repr_html_()
    assert re.findall(r"<dt>([^<]+)</dt>", html) == ["Net revenue", "Potential"]


def test_the_pieces_of_one_result_show_what_it_holds():
    result = growth_result()
    assert f"80{NB}% interval £2.50{NB}M to £3.31{NB}M" in show(report.headline(result, DISPLAY))
    assert "inside its interval" in show(report.findings(result))
    assert "named seller" in show(report.decisions(result))
    assert f"At stake: £900{NB}k" in show(report.decisions(result, DISPLAY))
    assert "Intervals hold only if" in show(report.caveats(result))
    assert "<dt>Potential</dt>" in show(report.definitions(result))


def test_what_a_result_does_not_have_shows_nothing():
    empty = made_up()
    pieces = [
        report.headline(empty, DISPLAY),
        report.findings(empty),
        report.decisions(empty),
        report.chart(empty, "none"),
        report.table(empty, "none", DISPLAY),
        report.caveats(empty),
        report.definitions(empty),
    ]
    assert [show(piece) for piece in pieces] == [""] * len(pieces)


def test_every_text_of_a_result_is_escaped():
    nasty = made_up(
        headline={"n": Number(SCRIPT, 1.0, "count", note=SCRIPT)},
        findings=(Finding(SCRIPT, SCRIPT, rank=1.0),),
        decisions=(Decision(SCRIPT, 1.0, owner=SCRIPT),),
        caveats=(SCRIPT,),
        definitions={SCRIPT: SCRIPT},
    )
    whole = [report.first_screen([nasty], SCOPE), report.chapters([nasty], DISPLAY)]
    whole += [report.actions([nasty], DISPLAY), report.glossary([nasty])]
    whole.append(report.headline(Result.nothing("x", "X", SCOPE.period, SCRIPT), DISPLAY))
    for piece in whole:
        assert "<script" not in show(piece)
        assert "&lt;script&gt;" in show(piece)


def test_a_chart_has_words_and_ids_of_its_own():
    html = show(report.chart(growth_result(), "classes"))
    assert 'role="img" aria-label="Five classes by value now and growth ahead;' in html
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert all(name.startswith("growth-classes-") for name in ids)
    assert set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', html)) <= {(i, "") for i in ids} | {
        ("", i) for i in ids
    }


def test_a_chart_follows_the_theme_also_where_no_colour_was_chosen():
    html = show(report.chart(growth_result(), "classes"))
    assert "#000000" not in html
    assert "<style" not in html


def test_a_piece_does_not_store_its_html_twice_in_a_notebook():
    assert len(repr(report.chapters(all_results(), DISPLAY))) < 60


def show(piece):
    return without_lab_style(piece._repr_html_())
