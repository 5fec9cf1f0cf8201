"""Key customers: a printed rule, what was known of each, and what they take of what we offer."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_words import jargon, spoken
from sales_examples import CALENDAR, SCOPE
from scipy.stats import binom
from simulated_examples import small

from analysis.core.problems import InputError, SettingsError
from analysis.core.scope import Scope
from analysis.core.statistics import wilson_interval
from analysis.customers.key_customers import KeyCustomersOptions, Known, key_customers
from analysis.customers.key_customers_deals import decided_lines
from analysis.customers.key_customers_lines import (
    acceptance_table,
    accepted_range,
    beyond_chance,
    customer_acceptance,
    design_effect,
)
from analysis.customers.key_customers_rule import fewest_for_share
from analysis.sales.deals import deals_as_of

OPTIONS = KeyCustomersOptions(
    revenue_share=0.7, fewest_customers=2, most_customers=4, growth_customers=1
)


def features(**changes: object) -> pd.DataFrame:
    """Revenue of 1,000 in all; F left, G sent more back than he bought."""
    table = pd.DataFrame(
        {
            "customer_id": list("ABCDEFG"),
            "customer_name": [f"{name} Ltd" for name in "ABCDEFG"],
            "revenue_year_amount": [400.0, 250.0, 150.0, 120.0, 80.0, 0.0, -20.0],
            "revenue_year_before_amount": [300.0, 300.0, 0.0, 120.0, 60.0, 500.0, 10.0],
            "rep_id": ["R1", "R2", "R1", None, "R2", "R1", None],
            "first_order_on": pd.Timestamp("2023-01-05"),
        }
    )
    return table.assign(**changes)


def growth() -> pd.DataFrame:
    """E could buy most beyond what is expected; A more than all, but is key already."""
    return pd.DataFrame(
        {
            "customer_id": ["A", "D", "E", "Z"],
            "forecast_year_amount": [380.0, 110.0, 90.0, 1.0],
            "forecast_year_low_amount": [300.0, 80.0, 50.0, 0.0],
            "forecast_year_high_amount": [450.0, 140.0, 130.0, 2.0],
            "gap_year_amount": [500.0, 20.0, 60.0, 900.0],
            "next_products": [["Gloves"], [], ["Drill", "Saw"], ["Saw"]],
        }
    )


def deals() -> pd.DataFrame:
    """As deals_as_of gives them at the end of 2025."""
    rows = [
        ("O1", "A", "R1", "won", "2025-05-02", 900.0),
        ("O2", "A", "R1", "lost", "2025-06-02", 500.0),
        ("O3", "B", "R2", "open", None, 300.0),
        ("O4", "H", "R2", "won", "2024-06-02", 700.0),
        ("O5", "D", "R9", "won", "2025-02-01", 100.0),
        ("O6", None, "R2", "won", "2025-02-01", 999.0),
        ("O7", "A", "R1", "won", "2019-02-01", 70.0),
    ]
    names = ["opportunity_id", "customer_id", "rep_id", "outcome", "ended_at", "value_amount"]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(
        ended_at=pd.to_datetime(table["ended_at"]), created_at=pd.Timestamp("2024-01-01")
    )


def lines() -> pd.DataFrame:
    rows = [
        ("O1", 1, "P1", True, True),
        ("O1", 2, "P2", True, False),
        ("O1", 3, "P3", False, None),  # noted, never offered
        ("O2", 1, "P1", True, None),  # of a lost deal: not taken
        ("O3", 1, "P1", True, True),  # of an open deal: may have been written later
        ("O4", 1, "P2", True, None),  # of a won deal: nobody knows
        ("O7", 1, "P2", True, True),  # too long ago
    ]
    names = ["opportunity_id", "line_no", "product_id", "is_proposed", "is_accepted"]
    return pd.DataFrame(rows, columns=names).assign(value_amount=100.0)


def feedback() -> pd.DataFrame:
    rows = [
        ("K1", "A", "2025-03-01", "price", 9.0),
        ("K2", "A", "2025-12-31", "delivery", 4.0),
        ("K3", "A", "2026-01-01", "service", 10.0),  # a day too late to be known
        ("K4", "B", "2024-12-30", "price", 8.0),  # 366 days
        ("K5", "F", "2025-11-01", "price", 2.0),  # not key
    ]
    table = pd.DataFrame(rows, columns=["feedback_id", "customer_id", "given_on", "topic", "score"])
    return table.assign(given_on=pd.to_datetime(table["given_on"]))


def activities() -> pd.DataFrame:
    rows = [
        ("A", "call", "2025-09-01 10:00", False),
        ("A", "email", "2025-12-30 10:00", True),  # a machine
        ("A", "task", "2025-12-20 10:00", False),  # no contact
        ("B", "meeting", "2026-01-03 10:00", False),  # later
    ]
    names = ["customer_id", "activity_type", "completed_at", "is_automated"]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(completed_at=pd.to_datetime(table["completed_at"]), duration_minutes=5.0)


def inbound() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": ["B", "B"],
            "first_response_at": pd.to_datetime(["2025-11-11 09:00", None]),
        }
    )


def reps() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "rep_id": ["R1", "R2", "R9"],
            "rep_name": ["Ann", "Bob", "Cid"],
            "left_on": pd.to_datetime([None, "2025-12-31", "2026-02-01"]),
        }
    )


def all_known(**changes: object) -> Known:
    known = Known(
        deals=deals(),
        opportunity_lines=lines(),
        feedback=feedback(),
        activities=activities(),
        inbound_contacts=inbound(),
        reps=reps(),
        customer_growth=growth(),
    )
    return replace(known, **changes)


def made(known: Known | None = None, table: pd.DataFrame | None = None, options=OPTIONS):
    table = features() if table is None else table
    return key_customers(table, known or all_known(), scope=SCOPE, options=options)


@cache
def usual():
    """With everything known; made once."""
    return made()


def rows_of(result) -> pd.DataFrame:
    return result.tables["customers"].set_index("customer_id")


def says(result, words: str) -> bool:
    return any(words in f"{one.text} {one.detail}" for one in result.findings)


class TestRule:
    def test_takes_the_fewest_who_bring_the_share_and_the_greatest_gap_beyond_them(self):
        result = usual()
        # 400 + 250 are 65 % of 1,000, with C it is 80 %; E has the greatest gap of the others.
        assert rows_of(result)["why"].to_dict() == {
            "A": "revenue",
            "B": "revenue",
            "C": "revenue",
            "E": "growth ahead",
        }

    def test_is_printed_with_its_numbers(self):
        words = usual().definitions["Key customer"]
        for part in ("70 %", "at least 2", "at most 4", "the 1 others with the greatest gap"):
            assert part in words.replace("\u00a0", " ")
        assert says(usual(), words)

    @given(
        amounts=st.lists(st.integers(-50, 500), min_size=1, max_size=40),
        share=st.floats(0.05, 1),
        least=st.integers(1, 10),
        more=st.integers(0, 20),
    )
    @settings(max_examples=60, deadline=None)
    def test_one_fewer_would_not_bring_the_share(self, amounts, share, least, more):
        base = pd.DataFrame(
            {"customer_id": [f"C{n:02d}" for n in range(len(amounts))], "year_amount": amounts}
        )
        options = KeyCustomersOptions(
            revenue_share=share, fewest_customers=least, most_customers=least + more
        )
        names = fewest_for_share(base, "year_amount", options)
        amount = base.set_index("customer_id")["year_amount"]
        positive = amount[amount > 0]
        assert (amount[names] > 0).all()
        assert len(names) <= least + more
        assert len(names) >= min(least, len(positive))
        if least < len(names):
            assert amount[names[:-1]].sum() < share * positive.sum()
        if len(names) < min(least + more, len(positive)):
            assert amount[names].sum() >= share * positive.sum() - 1e-6

    def test_says_when_the_most_or_least_decides(self):
        assert not says(usual(), "alone would take")
        result = made(options=replace(OPTIONS, fewest_customers=1, most_customers=2))
        assert says(result, "70\u00a0% alone would take 3.")

    def test_your_own_list_adds_and_strikes_out(self):
        own = pd.DataFrame(
            {
                "customer_id": ["D", "B", "X", "E", "C"],
                "is_key": ["yes", "no", "yes", "No", "no"],
                "set_on": ["2025-01-01", "", "", "2026-02-01", ""],
                "until_on": ["", "2025-12-31", "", "", "2025-12-30"],
            }
        )
        result = made(all_known(overrides=own))
        why = rows_of(result)["why"].to_dict()
        # E is struck out later only, C until yesterday; nobody knows X.
        assert why == {"A": "revenue", "C": "revenue", "D": "your own list", "E": "growth ahead"}
        assert "names 1 as key and 1 as not key" in result.definitions["Key customer"]
        assert any("X (" in text and "not applied" in text for text in result.caveats)
        assert len(result.tables["own_list"]) == 5

    def test_can_be_your_own_list_alone(self):
        own = pd.DataFrame({"customer_id": ["D"], "is_key": ["yes"]})
        options = replace(OPTIONS, rule="list")
        assert rows_of(made(all_known(overrides=own), options=options)).index.tolist() == ["D"]
        nothing = made(options=options)
        assert "key_customers.csv" in nothing.unavailable

    @pytest.mark.parametrize(
        ("own", "words"),
        [
            ({"customer_id": ["A"], "is_key": ["maybe"]}, "yes or no"),
            ({"customer_id": ["A"]}, "no column is_key"),
            ({"customer_id": ["A", "A"], "is_key": ["yes", "no"]}, "more than one row"),
            ({"customer_id": ["A"], "is_key": ["yes"], "set_on": ["1.2.25"]}, "a day like"),
            ({"customer_id": ["A"], "is_key": ["yes"], "who": ["me"]}, "columns who"),
        ],
    )
    def test_a_list_that_cannot_be_read_says_why(self, own, words):
        with pytest.raises(InputError, match=words):
            made(all_known(overrides=pd.DataFrame(own)))

    def test_impossible_options_are_refused_together(self):
        with pytest.raises(SettingsError, match="fewest_customers, most_customers") as error:
            KeyCustomersOptions(rule="best", fewest_customers=9, most_customers=3)
        assert "option rule" in str(error.value)


class TestRow:
    def test_holds_money_and_what_is_ahead(self):
        rows = rows_of(usual())
        assert rows.loc["A", ["year_amount", "change_amount"]].tolist() == [400.0, 100.0]
        assert rows.loc["A", "change_share"] == pytest.approx(1 / 3)
        assert np.isnan(rows.loc["C", "change_share"])  # bought nothing before
        assert rows.loc["E", ["expected_year_amount", "offer_next"]].tolist() == [90.0, "Drill"]

    def test_counts_only_lines_that_were_decided(self):
        rows = rows_of(usual())
        names = ["proposal_count", "offered_line_count", "accepted_line_count"]
        assert rows.loc["A", names].tolist() == [2, 3, 1]
        assert rows.loc["B", [*names, "open_deal_count", "open_deal_amount"]].tolist() == [
            *(0, 0, 0),
            *(1, 300.0),
        ]
        assert rows["accepted_share"].isna().all()  # three lines tell no rate

    def test_holds_the_last_feedback_known_then(self):
        rows = rows_of(usual())
        assert rows.loc["A", ["feedback", "feedback_topic", "feedback_score"]].tolist() == [
            "fresh",
            "delivery",
            4.0,
        ]
        assert rows.loc["A", "feedback_days"] == 0
        assert rows["feedback"].to_dict() == {"A": "fresh", "B": "old", "C": "never", "E": "never"}

    def test_holds_the_last_contact_by_a_person(self):
        days = rows_of(usual())["last_contact_on"]
        assert days["A"] == pd.Timestamp("2025-09-01")
        assert days["B"] == pd.Timestamp("2025-11-11")
        assert pd.isna(days["C"])

    def test_an_owner_who_has_left_is_none(self):
        rows = rows_of(usual())
        assert rows["has_no_owner"].to_dict() == {"A": False, "B": True, "C": False, "E": True}
        assert rows.loc["B", "owner"] == "Bob (has left)"

    def test_the_customer_list_names_an_owner_only_where_nobody_dealt_with_him(self):
        listed = pd.DataFrame({"customer_id": ["A", "B", "C"], "rep_id": ["R9", "R1", "R2"]})
        nobody = features().assign(rep_id=lambda t: t["rep_id"].mask(t["customer_id"] == "C"))
        rows = rows_of(made(all_known(customers=listed), nobody))
        assert rows["owner"].to_dict() == {
            "A": "Ann",
            "B": "Bob (has left)",
            "C": "Bob (has left)",
            "E": "Bob (has left)",
        }
        assert rows["owner_from"].tolist().count("the customer list") == 1

    def test_a_list_that_is_out_of_date_is_a_remark_and_no_missing_owner(self):
        listed = pd.DataFrame({"customer_id": ["A", "C"], "rep_id": ["R2", "R2"]})
        result = made(all_known(customers=listed))
        assert not rows_of(result).loc[["A", "C"], "has_no_owner"].any()
        remark = "The customer list names people who left for 2 key customers"
        assert any(remark in text for text in result.caveats)

    def test_who_is_here_and_dealt_with_him_last_takes_the_place_of_who_has_left(self):
        calls = activities().assign(rep_id=["R9", None, None, None], customer_id=["B", *"AAB"])
        rows = rows_of(made(all_known(activities=calls)))
        assert (rows.loc["B", "owner"], rows.loc["B", "has_no_owner"]) == ("Cid", False)
        ago = calls.assign(completed_at=calls["completed_at"] - pd.Timedelta(days=365))
        assert rows_of(made(all_known(activities=ago))).loc["B", "has_no_owner"]

    def test_nobody_is_called_without_an_owner_where_no_table_names_any(self):
        result = made(all_known(deals=None), features(rep_id=None))
        assert rows_of(result)["has_no_owner"].isna().all()
        assert not says(result, "no owner")

    def test_what_comes_later_changes_nothing(self):
        later = lines().assign(is_accepted=lambda x: x["is_accepted"].where(x.index != 4, False))
        more = pd.concat([feedback(), feedback().assign(given_on=pd.Timestamp("2026-05-01"))])
        again = made(all_known(opportunity_lines=later, feedback=more))
        for name, table in usual().tables.items():
            pd.testing.assert_frame_equal(table, again.tables[name])


class TestSentences:
    def test_say_who_never_answered_and_that_scores_are_of_those_who_did(self):
        result = made(options=replace(OPTIONS, fewest_answers=2))
        assert says(result, "We have heard 1 of 4 key customers")
        assert says(result, "2 never answered, 1 longer ago")
        assert not says(result, "Mean score")  # of one answer
        coverage = result.tables["coverage"].iloc[0]
        # One score of 4, three silent ones: all at 0 or all at 10.
        assert coverage[["lowest_score", "highest_score"]].tolist() == [1.0, 8.5]
        assert result.unknown == ("What 2 key customers think who never gave feedback.",)

    def test_hold_the_change_of_both_picks(self):
        result = usual()
        # A, B, C, E: 880 after 660. A year ago F, A, B: 650 after 1,100.
        assert says(result, "33.3 % more than the year before".replace(" %", "\u00a0%"))
        assert says(result, "40.9 % less than the year before".replace(" %", "\u00a0%"))
        assert says(result, "1 of the 3 of a year ago are key no more")

    def test_leave_changes_out_where_the_data_are_too_short(self):
        result = made(table=features(first_order_on=pd.Timestamp("2024-11-01")))
        assert not says(result, "the year before")
        assert any("do not reach back" in text for text in result.caveats)
        assert rows_of(result)[["change_amount", "change_share"]].isna().all(axis=None)

    def test_come_with_most_money_first_after_the_rule(self):
        texts = [one.text for one in usual().findings]
        assert texts[0].startswith("4 key customers bring")
        untouched = next(n for n, text in enumerate(texts) if "no contact logged" in text)
        low = next(n for n, text in enumerate(texts) if "or less; it buys" in text)
        assert untouched < low  # 880 against 400

    def test_decisions_have_an_owner_and_a_day(self):
        asked = usual().decisions
        assert [one.text.split()[1] for one in asked] == ["calls", "looks", "3", "A"]
        assert all(one.owner and one.due_on > SCOPE.as_of for one in asked)
        assert asked[0].owner == "Ann"  # who looks after A
        assert asked[1].worth_amount == 330.0  # B and E
        numbers = {one.metric for one in asked} - {""}
        assert numbers == {"ownerless_amount", "key_customers_heard"}
        told = set(usual().headline) | {finding.metric for finding in usual().findings}
        assert numbers <= told  # so that the next quarter can hold itself to them

    def test_need_no_dictionary(self):
        result = usual()
        assert {
            where: jargon(text) for where, text in spoken([result]).items() if jargon(text)
        } == {}
        texts = " ".join(f"{one.text} {one.detail}" for one in result.findings)
        assert jargon(texts + " ".join([*result.caveats, *result.definitions.values()])) == []

    @pytest.mark.parametrize(
        ("gone", "words"),
        [
            ({"deals": None}, "No deals are loaded"),
            ({"opportunity_lines": None}, "No lines of proposals are loaded"),
            ({"feedback": None}, "No feedback is loaded"),
            ({"customer_growth": None}, "The chapter on growth has no forecast"),
            ({"activities": None, "inbound_contacts": None}, "No contacts are loaded"),
        ],
    )
    def test_a_missing_table_leaves_out_its_part_only_and_says_so(self, gone, words):
        result = made(all_known(**gone))
        assert [one.text for one in result.findings if words in one.text]
        assert {"A", "B", "C"} <= set(rows_of(result).index)
        assert len(result.findings) > 5


class TestPoorData:
    def test_without_feedback_nobody_is_called_silent(self):
        result = made(all_known(feedback=None))
        assert rows_of(result)["feedback"].isna().all()
        assert "coverage" not in result.tables
        assert not [one for one in result.decisions if one.text.startswith("Ask")]
        assert result.unknown == ("What key customers think: no feedback is loaded.",)

    def test_open_deals_without_a_value_are_not_worth_nothing(self):
        rows = rows_of(made(all_known(deals=deals().assign(value_amount=np.nan))))
        assert np.isnan(rows.loc["B", "open_deal_amount"])
        assert rows.loc["A", "open_deal_amount"] == 0

    def test_invoices_alone_are_enough(self):
        result = made(Known())
        assert result.unavailable == ""
        assert rows_of(result).index.tolist() == ["A", "B", "C"]
        assert len([one for one in result.findings if one.text.startswith("No ")]) == 3
        assert "key_customers" in result.charts

    def test_deals_won_alone_are_enough(self):
        result = made(all_known(), features().head(0))
        rows = rows_of(result)
        # H was won the year before only; whom O6 is from nobody knows.
        assert rows["year_amount"].to_dict() == {"A": 900.0, "D": 100.0}
        assert says(result, "of the value of deals won")

    def test_without_a_customer_it_says_what_is_needed(self):
        result = key_customers(None, Known(), scope=SCOPE)
        assert "customer_id" in result.unavailable
        assert result.tables == {}

    def test_inputs_stay_as_they_are_and_order_does_not_matter(self):
        known, table = all_known(), features()
        first = made(known, table)
        for name in ("deals", "opportunity_lines", "feedback", "activities", "customer_growth"):
            before = globals()[
                {"opportunity_lines": "lines", "customer_growth": "growth"}.get(name, name)
            ]()
            pd.testing.assert_frame_equal(getattr(known, name), before)
        pd.testing.assert_frame_equal(table, features())
        mixed = {
            name: getattr(known, name).iloc[::-1]
            for name in ("deals", "opportunity_lines", "feedback", "activities", "reps")
        }
        again = made(replace(known, **mixed), table.iloc[::-1])
        for name, expected in first.tables.items():
            pd.testing.assert_frame_equal(expected, again.tables[name])
        assert first.findings == again.findings
        assert first.charts["key_customers"].svg == again.charts["key_customers"].svg

    def test_the_simulated_company_of_deals_alone_runs_in_a_quarter_and_a_year(self):
        tables = small().tables
        for name in ("2025Q4", "2025"):
            scope = Scope(CALENDAR.parse(name), CALENDAR)
            then = deals_as_of(
                tables["opportunities"], tables["stage_events"], tables["stages"], scope.as_of
            )
            names = ("opportunity_lines", "products", "feedback", "activities", "reps")
            known = Known(deals=then, **{one: tables[one] for one in names})
            result = key_customers(None, known, scope=scope)
            assert 5 <= len(rows_of(result)) <= 30
            won = then[(then["outcome"] == "won") & (then["ended_at"] >= "2025-01-01")]
            best = won.groupby("customer_id")["value_amount"].sum().max()
            assert rows_of(result)["year_amount"].iloc[0] == pytest.approx(float(best))


def proposals_of(seed: int, categories: dict[str, float], count: int = 250) -> pd.DataFrame:
    """Lines of decided proposals: half are lost whole, of the others lines are taken by chance."""
    rng = np.random.default_rng(seed)
    names = list(categories)
    size = 1 + rng.poisson(2.0, count)
    deal = np.repeat(np.arange(count), size)
    is_won = (rng.random(count) < 0.5)[deal]
    category = rng.integers(0, len(names), len(deal))
    share = np.array(list(categories.values()))[category]
    return pd.DataFrame(
        {
            "opportunity_id": [f"O{n:04d}" for n in deal],
            "customer_id": [f"C{n % 40:02d}" for n in deal],
            "product_category": np.array(names)[category],
            "is_won": is_won,
            "is_accepted": (is_won & (rng.random(len(deal)) < share)).astype(float),
        }
    )


def habits_of(seed: int, better: float = 0.0, customers: int = 40) -> pd.DataFrame:
    """Lines of customers who take much or little of all and ask for one category above others."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(customers), 24)
    category = np.where(rng.random(len(owner)) < 0.7, owner % 3, rng.integers(0, 3, len(owner)))
    logit = rng.normal(0, 1, customers)[owner] + better * (category == 0)
    return pd.DataFrame(
        {
            "opportunity_id": [f"O{n // 3:04d}" for n in range(len(owner))],
            "customer_id": [f"C{n:02d}" for n in owner],
            "product_category": np.array(list("abc"))[category],
            "is_accepted": (rng.random(len(owner)) < 1 / (1 + np.exp(-logit))).astype(float),
        }
    )


class TestLines:
    def test_unlike_days_and_states_are_kept_apart(self):
        table = decided_lines(deals(), lines(), None, scope=SCOPE, quarters=12)
        assert table["opportunity_id"].tolist() == ["O1", "O1", "O2", "O4"]
        assert table["is_accepted"].fillna(-1).tolist() == [1, 0, 0, -1]
        assert table["product_category"].tolist() == ["P1", "P2", "P1", "P2"]

    def test_lines_that_stand_alone_have_no_design_effect_and_whole_deals_have_their_size(self):
        alone = pd.DataFrame(
            {"opportunity_id": [f"O{n}" for n in range(200)], "is_accepted": [0.0, 1.0] * 100}
        )
        assert design_effect(alone, alone["opportunity_id"]) == pytest.approx(200 / 199)
        fourfold = pd.concat([alone] * 4)
        found = design_effect(fourfold, fourfold["opportunity_id"])
        assert found == pytest.approx(4 * 200 / 199)

    def test_ranges_hold_as_often_as_they_say_where_whole_proposals_are_lost(self):
        held, naive, truth = 0, 0, 0.5 * 0.8
        for seed in range(200):
            table = proposals_of(seed, {"one": 0.8}, count=80)
            _, low, high = accepted_range(table)
            held += low <= truth <= high
            low, high = wilson_interval(int(table["is_accepted"].sum()), len(table))
            naive += low <= truth <= high
        assert held >= binom.ppf(0.01, 200, 0.8)
        assert naive < binom.ppf(0.01, 200, 0.8)  # lines counted one by one promise too much

    def test_equal_categories_are_hardly_ever_told_apart_and_a_planted_one_is(self):
        key_ids, options = pd.Series(["C01"]), KeyCustomersOptions()
        alike = dict.fromkeys("abcdef", 0.8)
        alarms = sum(beyond_chance(proposals_of(seed, alike), options).any() for seed in range(200))
        assert alarms <= binom.ppf(0.99, 200, 0.05)
        table = acceptance_table(proposals_of(1, alike | {"f": 0.1}), key_ids, options)
        assert table.loc[table["is_beyond_chance"], "product_category"].tolist() == ["f"]
        assert table["line_count"].sum() == len(proposals_of(1, alike))
        drawn = table["drawn_share"] - table["accepted_share"]
        assert (drawn.abs() <= (table["accepted_share"] - table["others_share"]).abs()).all()

    def test_customers_who_differ_make_no_category_differ(self):
        options, alarms, held, sets = KeyCustomersOptions(), 0, 0, 60
        for seed in range(sets):
            table = habits_of(seed)
            alarms += beyond_chance(table, options).any()
            _, low, high = accepted_range(table)
            held += low <= 0.5 <= high
        assert alarms <= binom.ppf(0.99, sets, 0.05)
        assert held >= binom.ppf(0.01, sets, 0.8)
        planted = habits_of(1, better=2.5)
        assert beyond_chance(planted, options)["a"]

    def test_few_lines_tell_no_rate(self):
        table = proposals_of(2, {"one": 0.8, "two": 0.8}, count=4)
        options = KeyCustomersOptions(fewest_lines=1000)
        rows = acceptance_table(table, pd.Series(["C01"]), options)
        assert rows[["accepted_share", "drawn_share", "won_accepted_share"]].isna().all(axis=None)
        assert not rows["is_beyond_chance"].any()

    def test_a_customer_is_drawn_to_the_others_and_ranges_hold_the_rate(self):
        table = proposals_of(4, {"one": 0.8}, count=400)
        ids = pd.Series(sorted(table["customer_id"].unique()))
        rows = customer_acceptance(table, ids, KeyCustomersOptions())
        raw = rows["accepted_line_count"] / rows["offered_line_count"]
        assert rows["accepted_share"].std() < raw.std() / 2  # all are alike in truth
        truth = rows["accepted_low_share"].le(0.4) & rows["accepted_high_share"].ge(0.4)
        assert truth.mean() > 0.8
