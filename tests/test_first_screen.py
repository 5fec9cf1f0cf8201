"""The first screen: quiet when nothing happened, plain in its words, at most seven numbers."""

import dataclasses
from datetime import date

import pytest
from quiet_company import CALENDAR, quiet_company
from report_examples import DISPLAY, SCOPE, all_results, growth_result, revenue_result

from analysis import report
from analysis.core.result import Decision, Finding, Number, Result
from analysis.core.scope import Scope
from analysis.customers.revenue import revenue
from analysis.report.pieces import without_lab_style
from analysis.report.story import first_numbers, is_quiet, page_title

QUARTERS = 30


@pytest.fixture
def without_pictures(monkeypatch):
    """Pictures take most of the time, and no sentence comes from one."""
    for name in ("month_chart", "bridge_chart"):
        monkeypatch.setattr(f"analysis.customers.revenue.{name}", lambda *_: None)


def title_of(seed, change=None):
    days, periods, names = quiet_company(seed, change=change)
    scope = Scope(CALENDAR.parse(names[-1]), CALENDAR, DISPLAY)
    return page_title([revenue(days, periods, scope=scope)], scope)


def shown(piece):
    return without_lab_style(piece._repr_html_())


@pytest.mark.usefixtures("without_pictures")
def test_nine_in_ten_quarters_without_a_change_say_that_nothing_unusual_happened():
    titles = [title_of(seed) for seed in range(QUARTERS)]
    quiet = [title for title in titles if title.startswith("Nothing unusual happened")]
    assert len(quiet) >= 0.9 * QUARTERS


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize("change", [0.7, 1.4])
def test_a_quarter_with_a_change_is_told_of(change):
    titles = [title_of(seed, change) for seed in range(8)]
    told = [title for title in titles if title.startswith("Revenue is")]
    assert len(told) >= 7


def claim(value, **more):
    return Finding("Revenue is up.", value=value, usual_low=-10.0, usual_high=10.0, **more)


def made_up(*findings, name="revenue"):
    number = Number("Net revenue", 110.0, "amount", before=100.0)
    return Result(
        name, "Made up", "2011Q3", date(2011, 9, 30), {"revenue": number}, tuple(findings)
    )


@pytest.mark.parametrize(
    ("value", "is_unusual"), [(0.0, False), (10.0, False), (10.01, True), (-10.01, True)]
)
def test_a_claim_is_unusual_beyond_its_usual_range(value, is_unusual):
    assert claim(value).is_unusual is is_unusual


def test_a_claim_without_a_range_is_neither():
    assert Finding("Revenue is up.", value=5.0).is_unusual is None


def test_a_quiet_title_gives_revenue_with_its_changes():
    title = page_title([made_up(claim(5.0, rank=5.0))], SCOPE)
    assert title.startswith("Nothing unusual happened: net revenue is £110, +10.0")


def test_a_forecast_does_not_make_a_quarter_unusual():
    forecast = made_up(Finding("£3 M will come.", rank=9e9), name="growth")
    assert page_title([made_up(claim(5.0, rank=5.0)), forecast], SCOPE).startswith("Nothing")


def test_what_is_unusual_elsewhere_is_the_title_and_revenue_no_longer():
    other = made_up(dataclasses.replace(claim(99.0, rank=1.0), text="Returns doubled."), name="x")
    assert page_title([made_up(claim(5.0, rank=5.0)), other], SCOPE) == "Returns doubled"


def test_nothing_found_is_not_quiet():
    assert not is_quiet([])


def test_a_quiet_screen_still_lists_what_was_found():
    html = shown(report.first_screen([made_up(claim(5.0, rank=5.0))], SCOPE))
    assert "<b>Revenue is up.</b>" in html


def test_at_most_seven_numbers():
    many = {f"n{i}": Number(f"N{i}", 1.0, "count") for i in range(9)}
    results = [dataclasses.replace(revenue_result(), headline=many), growth_result()]
    assert len(first_numbers(results)) == 7


def test_every_decision_has_its_worth_its_chance_and_its_owner():
    asked = (
        Decision("Call them?", 1000.0, "Ann", date(2011, 10, 31), chance_share=0.6),
        Decision("Move them?", 10.0),
    )
    html = shown(report.first_screen([dataclasses.replace(made_up(), decisions=asked)], SCOPE))
    assert "At stake: £1.00\u00a0k · Chance: 60\u00a0% · Owner: Ann · By 31 October 2011" in html
    assert "At stake: £10 · Chance: not measured yet · Owner: head of sales (proposed)" in html


def test_a_number_is_held_against_its_target_too():
    number = Number("Net revenue", 110.0, "amount", before=100.0, year_before=88.0, target=120.0)
    result = dataclasses.replace(made_up(), headline={"revenue": number})
    html = shown(report.first_screen([result], SCOPE))
    for words in ("+10.0\u00a0% on 2011Q2", "+25.0\u00a0% on 2010Q3"):
        assert words in html
    assert "\u22128.3\u00a0% on the target of £120" in html


@pytest.mark.parametrize(
    ("target", "words"),
    [(0.0, "£110 on the target of £0"), (110.0, "unchanged on the target of £110")],
)
def test_a_target_of_nothing_and_one_that_is_met_are_said(target, words):
    number = Number("Net revenue", 110.0, "amount", target=target)
    assert words in shown(
        report.headline(dataclasses.replace(made_up(), headline={"n": number}), DISPLAY)
    )


def test_what_a_result_does_not_know_stands_on_the_first_screen():
    result = dataclasses.replace(made_up(), unknown=("Target: none supplied.",))
    assert "Target: none supplied." in shown(report.first_screen([result], SCOPE))
    asks = dataclasses.replace(result, title="Who moved, and was it real?")
    assert "was it real?</b> Target" in shown(report.first_screen([asks], SCOPE))


def test_the_first_screen_of_a_whole_report_is_the_same_without_a_past():
    assert "The last decisions" not in shown(report.first_screen(all_results(), SCOPE))
