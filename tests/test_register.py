"""The register of actions: what opens one, how it is carried over, closed and measured."""

import dataclasses
import itertools
import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_examples import DISPLAY, SCOPE, SCRIPT, all_results, revenue_result

from analysis import report
from analysis.core.periods import FiscalCalendar
from analysis.core.problems import InputError
from analysis.core.result import Decision, Finding, Number, Result
from analysis.core.scope import Scope
from analysis.core.settings import Actions
from analysis.report.past import Earlier, Past
from analysis.report.pieces import without_lab_style
from analysis.report.register import make_register
from analysis.report.register_action import Action, Measure, from_records, records
from analysis.report.register_entries import FILE_COLUMNS, Entry, file_entries
from analysis.report.register_measures import verdict
from analysis.report.register_page import register_frame, told
from analysis.report.register_proposals import asks, gist
from analysis.report.register_rules import default_rules, make_rules

CALENDAR = FiscalCalendar()
RULES = default_rules("quarterly")


def scope(name):
    return Scope(CALENDAR.parse(name), display=DISPLAY)


def chapter(findings=(), decisions=(), name="revenue", **more):
    return Result(
        name, "Revenue", "-", date(2011, 1, 1), findings=findings, decisions=decisions, **more
    )


GONE = Finding("5 top customers fell silent.", metric="gone_count", value=5.0, rank=900.0)
CALL = Decision("Call 5 of them?", 800.0, "Ann", date(2011, 8, 31))
QUIET = Finding("Returns are as ever.", metric="return_share", value=0.02)


def over(periods, entries=(), table=None):
    """Make the registers of periods one after another; `periods` are names with their chapters."""
    kept, found = None, []
    for name, results in periods:
        past = Past(register=kept, entries=tuple(entries), actions=table)
        found.append(make_register(results, scope(name), past))
        kept = found[-1].actions
    return found


def states(register):
    return {one.action_id: one.state(register.as_of) for one in register.actions}


def shown(piece):
    return without_lab_style(piece._repr_html_())


# What opens an action.


def test_a_decision_a_finding_worth_money_and_the_rest_of_a_chapter_are_actions():
    (one,) = over([("2011Q2", [chapter((GONE, QUIET), (CALL,))])])
    rows = [(a.action_id, a.kind, a.who, a.due_on) for a in one.actions]
    due_on = date(2011, 6, 30) + timedelta(days=45)
    assert rows == [
        ("2011Q2/revenue/1", "decision", "Ann", date(2011, 8, 31)),
        ("2011Q2/revenue/gone_count", "finding", "head of sales (proposed)", due_on),
        ("2011Q2/revenue/rest", "chapter", "head of sales (proposed)", due_on),
    ]
    assert one.is_first


@pytest.mark.parametrize(
    ("rank", "value", "is_asked"),
    [
        (1.0, None, True),  # worth money, nobody knows what is usual
        (0.0, None, False),
        (0.0, 5.0, True),  # beyond its usual range
        (1.0, 2.0, False),  # worth money and as usual
    ],
)
def test_a_finding_asks_when_it_is_unusual_or_worth_money_without_a_range(rank, value, is_asked):
    assert asks(Finding("x", rank=rank, value=value, usual_low=1.0, usual_high=3.0)) == is_asked


def test_every_finding_of_a_report_stands_in_exactly_one_action():
    results = list(all_results().values())
    found = make_register(results, SCOPE, Past())
    for result in results:
        for finding in result.findings:
            assert sum(finding.text in one.finding for one in found.actions) == 1, finding.text
    assert all(one.who and one.due_on for one in found.actions)


def test_the_findings_about_a_decisions_number_go_with_the_decision():
    decision = dataclasses.replace(CALL, metric="gone_count")
    (one,) = over([("2011Q2", [chapter((GONE,), (decision,))])])
    (action,) = one.actions
    assert (action.finding, action.opened.value) == (GONE.text, 5.0)


def test_findings_about_one_number_are_one_action():
    twin = dataclasses.replace(GONE, text="So did 2 others.")
    (one,) = over([("2011Q2", [chapter((GONE, twin))])])
    assert [a.finding for a in one.actions] == [f"{GONE.text} {twin.text}"]


def test_fast_reports_ask_only_for_what_is_unusual():
    pulse = chapter((QUIET, GONE), name="pulse")
    (one,) = over([("2011-06-30", [pulse])])
    assert [(a.kind, a.due_on) for a in one.actions] == [("finding", date(2011, 7, 7))]


def test_everybody_in_a_playbook_has_an_action_unless_a_decision_names_him():
    playbook = pd.DataFrame(
        {
            "rep_id": ["R2", "R1"],
            "seller": ["Ben Grau", "Dora Ek"],
            "cause": ["pace", "mix"],
            "action": ["Check deals that wait.", "Check the work given."],
            "owner": ["Ada", None],
            "due_on": [date(2011, 7, 14), None],
            "follow_up": ["Expect 20 a month even if nothing is done.", ""],
        }
    )
    asked = (Decision("Who looks into Dora Ek's deals?"),)
    sold = chapter((), asked, "throughput", tables={"playbook": playbook})
    (one,) = over([("2011Q2", [sold])])
    flag = one.actions[1]
    assert (flag.action_id, flag.owner, flag.due_on) == (
        "2011Q2/throughput/R2-pace",
        "Ada",
        date(2011, 7, 14),
    )
    assert "even if nothing is done" in flag.finding
    assert len(one.actions) == 2


def test_roles_and_days_come_from_the_settings_beside_their_defaults():
    settings = Actions(owners={"customers/revenue": "Eva"}, due_days={"quarterly": 10})
    rules = make_rules(settings, "quarterly", ["customers/revenue", "customers/growth", "mine"])
    assert [rules.owner(n) for n in ("revenue", "growth", "mine")] == [
        "Eva",
        "head of sales",
        "managing director",
    ]
    assert rules.due_days == 10
    assert make_rules(settings, "daily", []).due_days == 7


def test_a_role_is_spelled_in_one_way():
    asked = (Decision("Go on?", owner="Head of sales"), Decision("Stop?", owner="Ann Lee"))
    (one,) = over([("2011Q2", [chapter((), asked)])])
    assert [a.owner for a in one.actions] == ["head of sales", "Ann Lee"]


# Carried over.


def test_a_finding_that_comes_again_opens_no_second_action():
    again = dataclasses.replace(GONE, text="7 top customers fell silent.", value=7.0)
    first, second, third = over(
        [
            ("2011Q1", [chapter((GONE,), (CALL,))]),
            ("2011Q2", [chapter((again,), (dataclasses.replace(CALL, text="Call 7 of them?"),))]),
            ("2011Q3", [chapter()]),
        ]
    )
    assert [len(one.actions) for one in (first, second, third)] == [2, 2, 2]
    call, gone = third.actions
    assert (gone.action_id, gone.carried, gone.said_in) == (
        "2011Q1/revenue/gone_count",
        2,
        "2011Q2",
    )
    assert (gone.opened.value, gone.text) == (5.0, "Say what follows: 7 top customers fell silent.")
    assert call.text == "Call 7 of them?"
    assert call.due_on == date(2011, 8, 31)


def test_other_numbers_and_periods_leave_a_question_the_same():
    assert gist("Call 63 of 2011Q2's, worth £1.2\u00a0M?  First 12.") == gist(
        "Call 5 of 2012Q1's, worth £900 k?"
    )
    assert gist("Call 63?") != gist("Visit 63?")


def test_actions_survive_a_period_without_a_report():
    _, later = over([("2011Q1", [chapter((GONE,))]), ("2012Q1", [chapter()])])
    assert states(later) == {"2011Q1/revenue/gone_count": "overdue"}
    assert later.actions[0].carried == 1


def test_a_report_published_without_a_register_still_hands_on_what_it_asked():
    earlier = Earlier("2011Q2", {"revenue": chapter((GONE,), (CALL,))})
    found = make_register((), scope("2011Q3"), Past(reports=(earlier,)))
    assert list(states(found)) == ["2011Q2/revenue/1", "2011Q2/revenue/gone_count"]
    year_ago = dataclasses.replace(earlier, period="2010Q3")
    assert make_register((), scope("2011Q3"), Past(reports=(year_ago,))).actions == ()


@pytest.mark.parametrize(
    ("due_on", "state"),
    [
        (date(2011, 9, 29), "overdue"),
        (date(2011, 9, 30), "overdue"),  # its day is over and it is not done
        (date(2011, 10, 1), "open"),
        (None, "open"),
    ],
)
def test_an_action_is_late_when_its_day_is_over(due_on, state):
    one = Action("a", "own", "a", due_on=due_on)
    assert one.state(date(2011, 9, 30)) == state


AHEAD = Finding(
    "2011Q3 is expected to bring £65.3 k.", metric="expected_amount", value=5.0, rank=9.0
)


def test_an_action_asked_again_gets_a_new_day_unless_somebody_took_it():
    periods = [("2011Q1", [chapter((GONE,))]), ("2011Q2", [chapter((GONE,))])]
    _, free = over(periods)
    (one,) = free.actions
    assert (one.due_on, one.state(free.as_of), one.asked) == (date(2011, 8, 14), "open", 2)
    html = shown(report.register([chapter((GONE,))], scope("2011Q3"), Past(register=free.actions)))
    assert "first asked 2011Q1, asked 3 times" in html
    taken = Entry("2011Q1/revenue/gone_count", date(2011, 4, 5), "Ann", date(2011, 6, 1))
    _, his = over(periods, [taken])
    (one,) = his.actions
    assert (one.due_on, one.owner, one.state(his.as_of)) == (date(2011, 6, 1), "Ann", "overdue")


def test_what_nobody_took_passes_when_the_period_in_its_words_is_over():
    periods = [("2011Q2", [chapter((AHEAD,))]), ("2011Q3", [chapter()]), ("2011Q4", [chapter()])]
    _, second, third = over(periods)
    name = "2011Q2/revenue/expected_amount"
    assert states(second) == {name: "passed"}
    passed = "1 action passed, not done: nobody took it, and the period in the words is over."
    assert passed in told(second)
    assert (told(third).count(passed), third.open) == (0, [])
    taken = Entry(name, date(2011, 7, 5), "Ann")
    assert states(over(periods, [taken])[1]) == {name: "overdue"}
    page = shown(report.register((), scope("2011Q3"), Past(register=over(periods)[0].actions)))
    assert AHEAD.text not in page


def test_words_of_a_period_that_is_not_over_stay():
    ahead = dataclasses.replace(AHEAD, text="Wait until 1 October 2011.")
    periods = [("2011Q2", [chapter((ahead,))]), ("2011Q3", [chapter()])]
    assert states(over(periods)[1]) == {"2011Q2/revenue/expected_amount": "overdue"}


def test_a_question_with_other_numbers_and_days_is_the_same():
    old, new = (
        Decision(f"Contact the {n} of the list and leave 40 alone until {day}?")
        for n, day in ((160, "30 June 2011"), (148, "30 September 2011"))
    )
    _, second = over([("2011Q1", [chapter((), (old,))]), ("2011Q2", [chapter((), (new,))])])
    assert [(a.action_id, a.text) for a in second.actions] == [("2011Q1/revenue/1", new.text)]
    assert gist("May 3 of them call?") != gist("3 of them call?")


def test_a_question_about_the_same_number_in_other_words_is_the_same():
    old, new = (Decision(text, metric="loss") for text in ("Who calls Ann?", "Who visits Ben?"))
    _, second = over([("2011Q1", [chapter((), (old,))]), ("2011Q2", [chapter((), (new,))])])
    assert [(a.action_id, a.text) for a in second.actions] == [("2011Q1/revenue/1", new.text)]
    _, third = over([("2011Q1", [chapter((), (old,))]), ("2011Q2", [chapter((), (old, new))])])
    assert len(third.actions) == 2  # of two nobody knows which is which


def test_a_finding_of_the_same_money_as_a_decision_opens_nothing_more():
    decision = dataclasses.replace(CALL, worth_amount=900.004)
    (one,) = over([("2011Q2", [chapter((GONE,), (decision,))])])
    assert [(a.kind, a.finding) for a in one.actions] == [("decision", GONE.text)]
    other = dataclasses.replace(CALL, worth_amount=900.01)
    (two,) = over([("2011Q2", [chapter((GONE,), (other,))])])
    assert [a.kind for a in two.actions] == ["decision", "finding"]


@pytest.mark.parametrize(
    ("metric", "value", "kind"),
    [
        ("target_gap", -7030.0, "chapter"),
        ("target_gap", 7030.0, "finding"),
        ("revenue", 10.0, "chapter"),
        ("revenue", -10.0, "finding"),
        ("gone_count", 5.0, "finding"),
    ],
)
def test_good_news_opens_no_action_of_its_own(metric, value, kind):
    said = Finding("x", metric=metric, value=value, rank=1.0)
    assert [a.kind for a in over([("2011Q2", [chapter((said,))])])[0].actions] == [kind]


# Closed.


DONE = Entry(
    "2011Q1/revenue/gone_count", date(2011, 5, 2), "Ben", None, date(2011, 5, 2), None, "3 back"
)


def test_what_is_done_is_told_once_with_what_came_of_it():
    periods = [("2011Q1", [chapter((GONE,))]), ("2011Q2", [chapter()]), ("2011Q3", [chapter()])]
    first, second, third = over(periods, [DONE])
    assert states(first) == {DONE.action_id: "open"}  # not known yet
    assert [(a.result, a.owner) for a in second.closed_now] == [("3 back", "Ben")]
    assert (third.closed_now, third.open) == ([], [])
    assert states(third) == {DONE.action_id: "done"}
    assert "3 back" in shown(
        report.register((), scope("2011Q2"), Past(register=first.actions, entries=(DONE,)))
    )
    assert "3 back" not in shown(
        report.register((), scope("2011Q3"), Past(register=second.actions, entries=(DONE,)))
    )


def test_what_was_closed_and_is_said_again_is_asked_again():
    _, second = over([("2011Q1", [chapter((GONE,))]), ("2011Q2", [chapter((GONE,))])], [DONE])
    assert states(second) == {DONE.action_id: "done", "2011Q2/revenue/gone_count": "open"}
    assert second.actions[1].again_after == DONE.action_id


def test_what_a_report_told_as_closed_stays_closed_when_the_line_is_gone():
    first, second = over([("2011Q1", [chapter((GONE,))]), ("2011Q2", [chapter()])], [DONE])
    third = make_register((), scope("2011Q3"), Past(register=second.actions))
    assert states(third) == {DONE.action_id: "done"}
    assert first.open


def test_later_words_come_before_earlier_ones_and_empty_ones_leave_them():
    name = "2011Q1/revenue/gone_count"
    said = [
        Entry(name, date(2011, 4, 5), "Ann", date(2011, 6, 1)),
        Entry(name, date(2011, 5, 5), "", date(2011, 9, 1)),
        Entry(name, date(2011, 7, 5), "Cyd"),
    ]
    periods = [("2011Q1", [chapter((GONE,))]), ("2011Q2", [chapter()]), ("2011Q3", [chapter()])]
    _, second, third = over(periods, said)
    assert [(a.owner, a.due_on) for a in second.actions] == [("Ann", date(2011, 9, 1))]
    assert (states(second)[name], third.actions[0].owner) == ("under way", "Cyd")


def test_an_old_period_made_again_knows_nothing_of_later_closes():
    periods = [("2011Q1", [chapter((GONE,))]), ("2011Q2", [chapter((GONE, QUIET))])]
    before = over(periods)
    later = dataclasses.replace(DONE, said_on=date(2011, 7, 1), done_on=date(2011, 6, 1))
    after = over(periods, [later])
    assert [one.actions for one in after] == [one.actions for one in before]


def test_how_many_were_closed_and_how_long_it_took_is_counted():
    other = dataclasses.replace(GONE, metric="loss", text="They lose.")
    third = dataclasses.replace(GONE, metric="other", text="More.")
    drop = Entry(
        "2011Q1/revenue/loss", date(2011, 6, 30), dropped_on=date(2011, 6, 30), result="no"
    )
    periods = [("2011Q1", [chapter((GONE, other, third, QUIET))]), ("2011Q2", [chapter((QUIET,))])]
    first, second = over(periods, [DONE, drop])
    assert told(first) == [
        "The register begins with this report: 3 open actions.",
        "1 chapter waits for a reader.",
    ]
    assert told(second) == [
        "1 open action: 0 new, 1 carried over; 1 overdue, 0 under way.",
        "Of 3 actions opened before, 1 was done and 1 dropped (2 closed, 67 %); it took 32 days.",
        "1 chapter waits for a reader.",
    ]


# The company's own actions, and answers in its own table.


def table(*rows):
    names = ["action_id", "finding_id", "description", "opened_on", "due_on", "done_on", "result"]
    frame = pd.DataFrame(rows, columns=names).assign(owner="Cyd")
    days = ["opened_on", "due_on", "done_on"]
    return frame.assign(**{day: pd.to_datetime(frame[day]) for day in days})


@pytest.mark.parametrize(
    ("due_on", "done_on", "outcome", "state"),
    [
        ("2011-12-01", None, None, "under way"),
        ("2011-09-30", None, None, "overdue"),
        ("2011-08-01", "2011-09-30", None, "done"),
        ("2011-08-01", "2011-09-30", "12 came back", "done"),
        ("2011-12-01", "2011-10-01", "12 came back", "under way"),  # not known yet
        (None, None, None, "under way"),
    ],
)
def test_a_row_of_action_items_answers_a_finding(due_on, done_on, outcome, state):
    row = ("a1", "2011Q2/revenue/1", "Calls", "2011-07-02", due_on, done_on, outcome)
    asked = Decision("Call 5 of them?")  # no day of its own but the rule's
    _, one = over([("2011Q2", [chapter((), (asked,))]), ("2011Q3", [])], (), table(row))
    (action,) = one.actions
    expected = "overdue" if due_on is None else state  # without a day, the rule's
    assert (action.state(one.as_of), action.text, action.owner) == (expected, asked.text, "Cyd")
    assert action.result == (outcome or "" if state == "done" else "")


def test_an_action_of_the_companys_own_joins_until_it_was_told_as_done():
    own = ("a1", None, "Train", "2011-04-01", "2011-12-01", None, None)
    old = ("a2", None, "Move", "2011-01-01", "2011-02-01", "2011-06-30", None)
    later = ("a3", None, "Later", "2011-10-01", None, None, None)
    fast = ("a4", "2011-09-30/pulse/revenue", "Daily", "2011-09-30", None, None, None)
    (one,) = over([("2011Q3", [])], (), table(own, old, later, fast))
    assert states(one) == {"a1": "under way"}


def test_an_action_that_leaves_the_companys_table_stays_in_the_register():
    own = ("a1", None, "Train", "2011-04-01", "2011-12-01", None, None)
    first = make_register((), scope("2011Q3"), Past(actions=table(own)))
    second = make_register((), scope("2011Q4"), Past(actions=table(), register=first.actions))
    assert states(second) == {"a1": "overdue"}


# The file of what people said.


def lines(*rows):
    return pd.DataFrame([dict.fromkeys(FILE_COLUMNS, "") | row for row in rows])


def test_lines_of_the_file_are_read_in_the_order_of_their_days():
    late = {"said_on": "2011-06-01", "action_id": "a", "owner": "Ann"}
    early = {"said_on": "2011-05-01", "action_id": "b", "done_on": "2011-05-01"}
    first, second = file_entries(lines(late, early))
    assert (first.action_id, first.done_on) == ("b", date(2011, 5, 1))
    assert second == Entry("a", date(2011, 6, 1), "Ann")
    assert file_entries(None) == ()


def test_every_line_that_is_not_whole_is_refused_at_once():
    bad = lines(
        {"said_on": "2011-06-01", "owner": "Ann"},
        {"action_id": "a", "due_on": "1.7.2011"},
    )
    with pytest.raises(InputError) as caught:
        file_entries(bad)
    told_of = str(caught.value)
    for words in ("line 2", "no action_id", "line 3", "no said_on", "1.7.2011"):
        assert words in told_of


def test_a_file_without_its_columns_is_refused():
    with pytest.raises(InputError, match="no column said_on"):
        file_entries(lines().reindex(columns=[n for n in FILE_COLUMNS if n != "said_on"]))


# Measured.


def measured(opened, now, metric="revenue", better=None):
    one = Action(
        "a",
        "finding",
        "a",
        opened=opened and Measure(metric, *opened[:1], "number", *opened[1:]),
        now=now and Measure(metric, *now[:1], "number", *now[1:]),
    )
    return verdict(one, dataclasses.replace(RULES, better=better or {}))


@pytest.mark.parametrize(
    ("opened", "now", "metric", "words"),
    [
        # 80 % ranges of 10 each way are 15.3 at 95 %: chance reaches 30.6 each way.
        ((100, 90, 110), (131, 121, 141), "revenue", "better than chance explains"),
        ((100, 90, 110), (130, 120, 140), "revenue", "no more than chance"),
        ((100, 90, 110), (69, 59, 79), "revenue", "worse than chance explains"),
        ((100, 90, 110), (131, 121, 141), "loss", "worse than chance explains"),
        ((100, 90, 110), (131, 121, 141), "unheard_of", "cannot be measured"),
        ((100,), (131,), "revenue", "cannot be measured"),
        # Only a usual range: back within it is what flagged numbers do by themselves.
        ((40, None, None, 80, 120), (100, None, None, 80, 120), "revenue", "no more than chance"),
        (
            (40, None, None, 80, 120),
            (121, None, None, 80, 120),
            "revenue",
            "better than chance explains",
        ),
        (
            (40, None, None, 80, 120),
            (19, None, None, 80, 120),
            "revenue",
            "worse than chance explains",
        ),
        # Beyond its own range, but not beyond the usual one.
        ((40, 39, 41, 80, 120), (110, 109, 111, 80, 120), "revenue", "no more than chance"),
    ],
)
def test_a_number_moved_only_beyond_all_that_chance_explains(opened, now, metric, words):
    assert measured(opened, now, metric).words == words


def test_what_has_no_number_or_lost_it_cannot_be_measured():
    assert measured(None, (1,)).reason == "no number goes with it"
    assert measured((1, 0, 2), None).reason == "this report has no such number"


def test_a_project_says_which_way_its_own_number_is_better():
    found = measured((100, 90, 110), (131, 121, 141), "unheard_of", {"unheard_of": "down"})
    assert found.words == "worse than chance explains"


def test_the_worst_of_ten_equals_is_rarely_called_better_a_quarter_later():
    """Nothing changes, the worst is acted on: it comes back by itself in nearly every run."""
    draws = np.random.default_rng(3)
    worst = draws.normal(0, 1, (2000, 10)).min(axis=1)
    later = draws.normal(0, 1, 2000)
    words = [
        measured((a, a - 1.28, a + 1.28), (b, b - 1.28, b + 1.28)).words
        for a, b in zip(worst, later, strict=True)
    ]
    assert (later > worst).mean() > 0.9
    assert words.count("better than chance explains") / len(words) < 0.05


def test_the_number_now_is_the_findings_or_else_the_headlines():
    number = Number("Silent", 3.0, "count", low=2.0, high=4.0)
    silent = chapter(headline={"gone_count": number})
    _, second = over([("2011Q1", [chapter((GONE,))]), ("2011Q2", [silent])])
    assert second.actions[0].now == Measure("gone_count", 3.0, "count", 2.0, 4.0)


# The page and the file for spreadsheets.


def test_the_page_begins_a_register_and_warns_of_numbers_that_come_back():
    first = make_register([chapter((GONE,))], scope("2011Q2"), Past())
    html = shown(report.register([chapter((GONE,))], SCOPE, Past(register=first.actions)))
    assert "such a number comes back by itself" in html
    assert "downloads/actions.register.csv" in html
    begun = shown(report.register([revenue_result()], SCOPE))
    assert "The register begins with this report: 3 open actions." in begun
    assert "The register begins empty" in shown(report.register([], SCOPE))


def test_the_first_screen_tells_what_became_of_earlier_actions_and_nothing_on_a_first_run():
    asked = make_register([chapter((GONE,), (CALL,))], scope("2011Q2"), Past())
    done = Entry("2011Q2/revenue/1", date(2011, 9, 1), "", None, date(2011, 9, 1), None, "2 back")
    past = Past(register=asked.actions, entries=(done,))
    html = shown(report.first_screen([revenue_result()], SCOPE, past))
    assert "What became of earlier actions" in html
    assert "Call 5 of them? Owner: Ann. What came of it: 2 back" in html
    assert "earlier actions" not in shown(report.first_screen([revenue_result()], SCOPE))
    old = shown(report.last_decisions(SCOPE, past))
    assert "2 back" in old
    assert shown(report.last_decisions(SCOPE, Past())) == ""


def test_the_first_screen_tells_owner_and_day_of_the_register_and_each_item_once():
    before = make_register([chapter((), (CALL,))], scope("2011Q2"), Past()).actions
    taken = Entry("2011Q2/revenue/1", date(2011, 7, 9), "Cyd", date(2011, 9, 15))
    again = [chapter((), (CALL, Decision("Train 3 of them?", 5.0)))]
    past = Past(register=before, entries=(taken,))
    html = shown(report.first_screen(again, scope("2011Q3"), past))
    assert html.count(CALL.text) == 1
    assert "Owner: Cyd · By 15 September 2011" in html
    assert "Owner: head of sales (proposed) · By 14 November 2011" in html
    assert "to be named" not in html


def test_the_register_shows_an_actions_number_first():
    html = shown(report.register([chapter((GONE,))], SCOPE))
    assert html.index("Number</th>") < html.index("To do</th>")


def test_no_text_of_an_action_reaches_the_page_as_markup():
    nasty = chapter((Finding(SCRIPT, rank=1.0),), (Decision(SCRIPT, owner=SCRIPT),))
    said = Entry("2011Q2/revenue/1", date(2011, 9, 1), SCRIPT, None, date(2011, 9, 1), None, SCRIPT)
    kept = make_register([nasty], scope("2011Q2"), Past()).actions
    past = Past(register=kept, entries=(said,))
    for piece in (report.register([nasty], SCOPE, past), report.first_screen([nasty], SCOPE, past)):
        assert "<script" not in shown(piece)
        assert "&lt;script&gt;" in shown(piece)


def test_the_download_holds_every_action_with_its_numbers():
    periods = [("2011Q1", [chapter((GONE, QUIET), (CALL,))]), ("2011Q2", [chapter((GONE,))])]
    _, second = over(periods, [DONE])
    frame = register_frame(second)
    assert list(frame["state"]) == ["open", "done", "overdue", "open"]
    assert list(frame["value_when_opened"].dropna()) == [5.0, 5.0]
    assert register_frame(make_register([], SCOPE, Past())).columns.equals(frame.columns)


def test_a_register_comes_back_from_its_file_as_it_was():
    periods = [("2011Q1", [chapter((GONE, QUIET), (CALL,))]), ("2011Q2", [chapter((GONE,))])]
    _, second = over(periods, [DONE])
    text = json.dumps(records(second.actions))
    assert from_records(json.loads(text)) == second.actions
    assert from_records([{"action_id": "a", "kind": "own", "of_a_later_version": 1}])


# Nothing disappears.

FINDINGS = st.sampled_from(["gone_count", "loss", "", "return_share"])
REPORT = st.lists(st.tuples(FINDINGS, st.booleans()), max_size=4)
SAID = st.tuples(
    st.integers(0, 3),
    st.sampled_from(["gone_count", "loss", "rest", "nobody"]),
    st.sampled_from(["take", "done", "drop"]),
    st.integers(-40, 400),
)


@given(st.lists(REPORT, min_size=1, max_size=4), st.lists(SAID, max_size=6))
def test_no_action_disappears_without_being_closed(reports, said):
    begin = date(2011, 3, 31)
    names = ["2011Q1", "2011Q2", "2011Q3", "2011Q4"]
    entries = []
    for quarter, metric, how, days in said:
        day = begin + timedelta(days=days)
        closing = {"done": {"done_on": day}, "drop": {"dropped_on": day}, "take": {"owner": "Ann"}}
        entries.append(Entry(f"{names[quarter]}/revenue/{metric}", day, **closing[how]))
    entries.sort(key=lambda entry: entry.said_on)
    made = [
        (name, [chapter(tuple(Finding(f"{m} says.", metric=m, rank=float(r)) for m, r in one))])
        for name, one in zip(names, reports, strict=False)
    ]
    found = over(made, entries)
    for before, after in itertools.pairwise(found):
        now = {one.action_id: one for one in after.actions}
        assert {one.action_id for one in before.actions} <= now.keys()
        for one in before.open:
            still = now[one.action_id]
            assert still.is_open or still in after.closed_now
            assert still.carried == one.carried + 1
    for register in found:
        subjects = [one.subject for one in register.open]
        assert len(subjects) == len(set(subjects))
        ids = [one.action_id for one in register.actions]
        assert len(ids) == len(set(ids))
        for one in register.actions:
            told_closed = [
                r.period for r in found if one.action_id in {a.action_id for a in r.closed_now}
            ]
            assert len(told_closed) <= 1
