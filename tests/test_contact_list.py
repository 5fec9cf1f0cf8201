"""The list: who is on it, who is left alone, kept as published, and graded a quarter later."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import analysis.customers.contact_list
from analysis.core.figures import Chart
from analysis.core.periods import FiscalCalendar
from analysis.core.problems import InputError, SettingsError
from analysis.core.scope import Scope
from analysis.customers.contact_list import Beside, ContactListOptions, contact_list
from analysis.customers.contact_list_chart import gain_chart, lift_chart
from analysis.customers.contact_list_choice import candidates
from analysis.customers.contact_list_grades import CANNOT, LESS, MORE, NO_CONTROL, REHEARSAL

CALENDAR = FiscalCalendar()


@pytest.fixture(scope="module", autouse=True)
def quick_pictures():
    """Leave the pictures out, which take most of the time; TestPictures draws them."""
    blank = Chart("", "", "<svg/>")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("gain_chart", "lift_chart"):
            patch.setattr(analysis.customers.contact_list, name, lambda *_: blank)
        yield


def scope_of(period, known_to=None):
    return Scope(CALENDAR.parse(period), known_to=known_to)


SCOPE = scope_of("2026Q2", date(2026, 6, 30))
NEXT = scope_of("2026Q3", date(2026, 9, 30))


def people(count, seed=0):
    """Return growth's table for so many customers: lognormal forecasts, each with a gap."""
    generator = np.random.default_rng(seed)
    forecast = generator.lognormal(6, 1, count).round(2)
    return pd.DataFrame(
        {
            "customer_id": [f"c{number:04d}" for number in range(count)],
            "active_share": generator.uniform(0.5, 1, count),
            "forecast_quarter_amount": forecast,
            "gap_year_amount": (forecast * generator.uniform(1, 4, count)).round(2),
            "next_products": [["Gloves", "Goggles"]] * count,
            "reason": "60 order days",
        }
    )


def one_by_one():
    """Return customers whose expected gains are known by hand."""
    rows = [
        # customer, still buys, forecast, gap a year, products, why
        ("large", 1.0, 900.0, 4000.0, ["Gloves", "Goggles"], "60 order days"),  # 100
        ("leaving", 0.1, 900.0, 8000.0, [], "late: silent for 90 days"),  # 20
        ("small", 0.5, 50.0, 400.0, ["Gloves"], "3 order days"),  # 5
        ("whole", 1.0, 5000.0, 0.0, ["Gloves"], "buys all from us"),  # nothing to gain
        ("unknown", 1.0, 70.0, np.nan, ["Gloves"], "no like customer"),  # gap not known
    ]
    names = ["customer_id", "active_share", "forecast_quarter_amount", "gap_year_amount"]
    return pd.DataFrame(rows, columns=[*names, "next_products", "reason"])


def made(growth, beside=None, kept=None, scope=SCOPE, **choices):
    options = ContactListOptions(**{"list_share": 1.0, "draws": 499} | choices)
    return contact_list(growth, beside or Beside(), kept, scope=scope, options=options)


def groups(result):
    """Return the group of each customer of this quarter's list."""
    anchor = result.tables["list_anchor"]
    return anchor[anchor["period"] == result.period].set_index("customer_id")["group"]


def quarter(growth, was, factor, period="2026Q3", noise=0.0, seed=1):
    """Return customer_periods in which contacts bring `factor` times what they would have."""
    generator = np.random.default_rng(seed)
    chance = generator.lognormal(-(noise**2) / 2, noise, len(growth))
    is_contact = growth["customer_id"].map(was).eq("contact")
    came = growth["forecast_quarter_amount"] * chance * np.where(is_contact, factor, 1.0)
    table = pd.DataFrame({"customer_id": growth["customer_id"], "revenue_amount": came.round(2)})
    return table.assign(period=period, starts_on=pd.Timestamp("2026-07-01"))


def graded(growth, factor, noise=0.3, known_to=None, **choices):
    """Return the next quarter's Result, with the grade of a list whose effect is known."""
    scope = replace(SCOPE, known_to=known_to or SCOPE.known_to)
    first = made(growth, scope=scope, **choices)
    came = quarter(growth, groups(first), factor, noise=noise)
    kept = first.tables["list_anchor"]
    return made(growth, Beside(customer_periods=came), kept, NEXT, **choices)


def sentences(result):
    return [finding.text for finding in result.findings]


class TestWhoIsOnIt:
    def test_the_greatest_expected_gains_first(self):
        table = made(one_by_one()).tables["contact"]
        assert table["customer_id"].tolist() == ["large", "leaving", "small"]
        assert table["expected_gain_amount"].tolist() == [100.0, 20.0, 5.0]

    def test_no_more_than_the_size_the_share_and_the_least_gain_allow(self):
        for choices, count in (
            ({"list_size": 2}, 2),
            ({"list_share": 0.2}, 1),
            ({"least_gain_amount": 20.0}, 2),
        ):
            assert len(made(one_by_one(), **choices).tables["contact"]) == count, choices

    def test_each_has_an_offer_in_words_and_an_owner(self):
        features = pd.DataFrame(
            {
                "customer_id": ["large", "leaving", "small"],
                "customer_name": ["Large Ltd", "Leaving Ltd", None],
                "rep_id": ["R1", "R2", None],
            }
        )
        reps = pd.DataFrame(
            {
                "rep_id": ["R1", "R2"],
                "rep_name": ["Ada", "Ben"],
                "left_on": pd.to_datetime([None, "2026-05-01"]),  # Ben is gone
            }
        )
        table = made(one_by_one(), Beside(features, reps=reps)).tables["contact"]
        assert table["owner"].tolist() == ["Ada", "nobody yet", "nobody yet"]
        assert table["offer"].tolist() == [
            "Offer Gloves, or Goggles.",
            "Ask why nothing was ordered lately. Ask what else is needed.",
            "Offer Gloves.",
        ]

    def test_size_ranks_where_no_gap_is_known_and_it_is_said(self):
        growth = one_by_one().assign(gap_year_amount=np.nan)
        result = made(growth, list_size=2)
        assert result.tables["contact"]["customer_id"].tolist() == ["whole", "large"]
        assert any("No gap to similar customers" in text for text in result.caveats)

    def test_nobody_with_a_gain_and_no_forecast_are_said_in_a_sentence(self):
        assert "Nobody has an expected gain" in made(one_by_one().iloc[3:4]).unavailable
        assert "no forecasts" in made(None).unavailable
        assert "no quarter" in made(one_by_one(), scope=scope_of("2026")).unavailable

    def test_leaves_its_input_unchanged(self):
        growth = people(40)
        before = growth.copy(deep=True)
        made(growth)
        pd.testing.assert_frame_equal(growth, before)


class TestWhoIsLeftAlone:
    @hypothesis_settings(max_examples=12)
    @given(st.integers(1, 120), st.sampled_from([0.0, 0.2, 0.3, 0.5]), st.randoms())
    def test_each_listed_customer_is_in_one_group_in_any_order_of_rows(self, count, share, order):
        growth = people(count)
        shuffled = growth.sample(frac=1, random_state=order.randrange(1000))
        first, again = (made(g, hold_out_share=share) for g in (growth, shuffled))
        for name, table in first.tables.items():
            pd.testing.assert_frame_equal(table, again.tables[name])
        shown = [first.tables.get(n, pd.DataFrame()) for n in ("contact", "held_out")]
        ids = [name for table in shown if len(table) for name in table["customer_id"]]
        assert len(ids) == len(set(ids)) == len(groups(first))
        # Too few for two blocks: nobody is held out. Else the share, within one of the last block.
        smallest = {0.0: np.inf, 0.2: 5, 0.3: 10, 0.5: 2}[share]
        if len(ids) < 2 * smallest:
            assert not len(shown[1])
        else:
            assert abs(len(shown[1]) - share * len(ids)) <= 1

    def test_a_fifth_of_each_block_of_like_forecasts_until_a_stated_day(self):
        result = made(people(100))
        rows = result.tables["list_anchor"]
        blocks = rows.groupby("block")
        assert (blocks["group"].apply(lambda g: (g == "held out").sum()) == 1).all()
        lows, highs = blocks["forecast_amount"].min(), blocks["forecast_amount"].max()
        assert (lows.iloc[:-1].to_numpy() >= highs.iloc[1:].to_numpy()).all()
        assert (result.tables["held_out"]["until_on"] == pd.Timestamp("2026-09-30")).all()

    def test_another_quarter_and_another_seed_draw_others(self):
        growth = people(100)
        held = {
            frozenset(made(growth, scope=scope, seed=seed).tables["held_out"]["customer_id"])
            for scope, seed in ((SCOPE, 0), (NEXT, 0), (SCOPE, 1))
        }
        assert len(held) == 3

    def test_nobody_when_switched_off_and_what_is_lost_is_said(self):
        result = made(people(100), hold_out_share=0.0)
        assert "held_out" not in result.tables
        assert "with nobody held out to compare with." in sentences(result)[0]
        assert "cannot be told next quarter" in result.findings[0].detail
        assert any("Hold some out" in one.text for one in result.decisions)

    def test_nobody_of_a_handful_and_it_is_said(self):
        result = made(people(7))
        assert "held_out" not in result.tables
        assert any("Too few customers" in text for text in result.caveats)

    def test_nobody_where_only_a_lift_beyond_hope_could_be_told(self):
        growth, generator = people(25), np.random.default_rng(1)
        noisy = pd.DataFrame(
            {
                "origin": "2026Q1",
                "customer_id": growth["customer_id"],
                "revenue_year_amount": 4 * growth["forecast_quarter_amount"],
                "next_quarter_amount": growth["forecast_quarter_amount"]
                * generator.choice([0.0, 5.0], len(growth)),
            }
        )
        beside = Beside(backtest_origins=noisy)
        result = made(growth, beside)
        assert "held_out" not in result.tables
        assert "a lift only above 100" in result.findings[0].detail
        assert [one.text for one in result.decisions] == ["Contact the 25 customers of the list?"]
        quiet = noisy.assign(next_quarter_amount=noisy["revenue_year_amount"] / 4)
        assert len(made(growth, Beside(backtest_origins=quiet)).tables["held_out"]) == 5


class TestContactedAnyway:
    deals = pd.DataFrame(
        {
            "customer_id": ["c0001", "c0002", "c0003", "c0004"],
            "created_at": pd.to_datetime(["2026-06-30", "2026-07-01", "2026-05-01", None]),
            "closed_at": pd.to_datetime([None, None, "2026-06-20", None]),
            "is_closed": [False, False, True, False],
        }
    )

    def test_open_deals_of_the_day_are_taken_out_before_the_draw_and_counted(self):
        result = made(people(60), Beside(opportunities=self.deals))
        anyway = result.tables["contact_anyway"]
        # One was opened later, one was closed by then, one was never opened.
        assert anyway[["customer_id", "why"]].values.tolist() == [["c0001", "an open deal"]]
        assert "1 with an open deal" in result.findings[0].detail
        assert groups(result)["c0001"] == "contact anyway"

    def test_the_largest_of_the_last_year_are_never_left_alone(self):
        growth = people(60)
        year = 4 * growth["forecast_quarter_amount"]
        features = growth[["customer_id"]].assign(revenue_year_amount=year)
        result = made(growth, Beside(features), hold_out_share=0.5)
        ids = set(result.tables["contact_anyway"]["customer_id"])
        assert ids == set(features.loc[year.nlargest(6).index, "customer_id"])  # a tenth
        assert "6 of the largest, who are never left alone" in result.findings[0].detail
        off = made(growth, Beside(features), never_hold_out_count=0)
        assert "contact_anyway" not in off.tables

    def test_no_list_and_no_decision_where_all_have_an_open_deal(self):
        deals = self.deals.iloc[[0]].assign(key=0).drop(columns="customer_id")
        growth = people(9)
        deals = deals.merge(growth[["customer_id"]].assign(key=0), on="key")
        result = made(growth, Beside(opportunities=deals))
        assert sentences(result)[0] == "All 9 customers have an open deal: no list this quarter."
        assert result.decisions == ()

    def test_a_deal_that_was_closed_later_was_open_then(self):
        closed = self.deals.assign(
            closed_at=pd.to_datetime([None, None, "2026-07-20", None]),
        )
        result = made(people(60), Beside(opportunities=closed))
        assert set(result.tables["contact_anyway"]["customer_id"]) == {"c0001", "c0003"}

    def test_by_hand_and_left_out_by_hand_while_it_holds(self):
        overrides = pd.DataFrame(
            [
                ("c0001", "contact", "", "2026-06-30", "annual review"),
                ("c0002", "leave out", "Ann", "", ""),
                ("c0003", "leave out", "", "2026-06-29", "was angry"),  # over
            ],
            columns=["customer_id", "action", "author", "until_on", "note"],
        )
        result = made(people(60), Beside(overrides=overrides))
        was = groups(result)
        assert was["c0001"] == "contact anyway"
        assert "c0002" not in was.index
        assert was["c0003"] in ("contact", "held out")
        why = result.tables["contact_anyway"]["why"].tolist()
        assert why == ["set by hand: annual review"]
        assert "1 customers are left out by hand." in result.caveats

    @pytest.mark.parametrize(
        ("row", "match"),
        [
            ({"action": "call"}, "contact, or leave out"),
            ({"until_on": "30.6.2026"}, "a day like"),
            ({"who": "Ann"}, "column who"),
        ],
    )
    def test_an_override_that_cannot_be_read_is_refused(self, row, match):
        table = pd.DataFrame([{"customer_id": "c0001", "action": "contact"} | row])
        with pytest.raises(InputError, match=match):
            made(people(20), Beside(overrides=table))

    def test_nobody_is_left_alone_two_quarters_running(self):
        growth = people(100)
        first = made(growth)
        second = made(growth, kept=first.tables["list_anchor"], scope=NEXT)
        held = set(first.tables["held_out"]["customer_id"])
        assert held == set(
            second.tables["contact_anyway"].query("why == 'held out last quarter'")["customer_id"]
        )
        third = made(growth, kept=second.tables["list_anchor"], scope=scope_of("2026Q4"))
        assert not set(second.tables["held_out"]["customer_id"]) & set(
            third.tables["held_out"]["customer_id"]
        )


class TestKeptAsPublished:
    def test_a_quarter_runs_again_to_the_same_list_whatever_has_changed(self):
        growth = people(100)
        first = made(growth)
        late = growth.assign(gap_year_amount=growth["gap_year_amount"] * 3)
        overrides = pd.DataFrame({"customer_id": ["c0001"], "action": ["leave out"]})
        kept = first.tables["list_anchor"]
        again = made(late, Beside(overrides=overrides), kept, hold_out_share=0.5, seed=7)
        for name in ("contact", "held_out", "list_anchor"):
            pd.testing.assert_frame_equal(again.tables[name], first.tables[name])
        assert any("first published" in text for text in again.caveats)

    def test_a_list_read_from_its_file_is_saved_to_the_same_bytes(self, tmp_path):
        features = pd.DataFrame({"customer_id": ["c0001", "c0002"], "rep_id": ["R1", None]})
        kept = made(people(100, 1), scope=scope_of("2026Q1")).tables["list_anchor"]
        for name in ("first", "again"):
            result = made(people(100), Beside(features), kept)
            result.save(tmp_path / name)
            kept = pd.read_parquet(tmp_path / name / "list_anchor.parquet")
        for path in (tmp_path / "first").glob("*.parquet"):
            assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name

    def test_a_list_of_a_quarter_that_was_not_over_is_drawn_again(self):
        growth = people(100)
        early = made(growth, scope=scope_of("2026Q2", date(2026, 5, 31)))
        assert "drawn again when it is whole" in early.findings[0].detail
        assert early.decisions == ()
        later = made(growth.head(50), kept=early.tables["list_anchor"])
        assert len(groups(later)) == 50

    def test_a_later_quarters_list_is_never_read(self):
        growth = people(100)
        later = made(growth, scope=NEXT).tables["list_anchor"]
        pd.testing.assert_frame_equal(
            made(growth, kept=later).tables["list_anchor"], made(growth).tables["list_anchor"]
        )

    def test_eight_lists_are_handed_on(self):
        kept, scope = None, scope_of("2023Q4")
        for _ in range(10):
            kept = made(people(30), kept=kept, scope=scope).tables["list_anchor"]
            scope = Scope(scope.next_period)
        assert sorted(kept["period"].unique())[0] == "2024Q2"
        assert kept["period"].nunique() == 8


class TestGrading:
    def test_a_planted_lift_is_found_with_its_money(self):
        growth = people(200)
        result = graded(growth, 1.4)
        row = result.tables["grades"].iloc[0]
        assert (row["list"], row["quarter"], row["verdict"]) == ("2026Q2", "2026Q3", MORE)
        assert row["lift_low_95_share"] <= 0.4 <= row["lift_high_95_share"]
        truth = row["came_amount"] * (1 - 1 / 1.4)
        assert row["gain_low_95_amount"] <= truth <= row["gain_high_95_amount"]
        assert "brought" in sentences(result)[0]
        assert result.headline["lift"].value == row["lift_share"]
        assert "lift_by_list" in result.charts

    def test_a_planted_loss_is_found(self):
        assert graded(people(200), 0.6).tables["grades"]["verdict"].tolist() == [LESS]

    @pytest.mark.parametrize(("who", "verdict"), [("held out", MORE), ("contact", LESS)])
    def test_a_group_that_brought_nothing_gives_no_size_and_the_right_sign(self, who, verdict):
        growth = people(200)
        first = made(growth)
        was = groups(first)
        came = quarter(growth, was, 1.0)
        is_empty = came["customer_id"].map(was).eq(who)
        beside = Beside(customer_periods=came[~is_empty])
        result = made(growth, beside, first.tables["list_anchor"], NEXT)
        row = result.tables["grades"].iloc[0]
        assert row["verdict"] == verdict
        assert row[["lift_share", *(n for n in row.index if n.startswith("gain"))]].isna().all()
        said = next(f for f in result.findings if "the lift has no size" in f.text)
        empty, other = ("held out", "contacted") if verdict == MORE else ("contacted", "held out")
        assert f"those {empty} brought nothing that counts, those {other} did" in said.text
        assert "brought \u2013" not in said.text
        assert "Contacting" not in said.detail
        assert said.rank == 0.0
        assert "lift" not in result.headline
        assert "lift_by_list" not in result.charts

    def test_nothing_is_gained_where_nothing_was_forecast(self):
        growth = people(60)
        first = made(growth)
        came = quarter(growth, groups(first), 1.0, noise=0.3)
        kept = first.tables["list_anchor"].assign(forecast_amount=0.0, limit_amount=0.0)
        result = made(growth, Beside(customer_periods=came), kept, NEXT)
        row = result.tables["grades"].iloc[0]
        assert row["verdict"] == CANNOT
        assert np.isnan(row["gain_amount"])
        assert "cannot conclude" in sentences(result)[0]
        assert "In money" not in result.findings[0].detail

    def test_a_loss_is_told_as_what_it_cost(self):
        result = graded(people(200), 0.6)
        row, detail = result.tables["grades"].iloc[0], result.findings[0].detail
        amounts = [NEXT.display.amount(-row[f"gain{end}_amount"]) for end in ("", "_high", "_low")]
        assert f"cost {amounts[0]} (80 % range {amounts[1]} to {amounts[2]})" in detail
        assert "\u00a0% less than their like" in sentences(result)[0]

    def test_no_effect_cannot_be_concluded(self):
        result = graded(people(200), 1.0)
        assert result.tables["grades"]["verdict"].tolist() == [CANNOT]
        assert "cannot conclude" in sentences(result)[0]

    def test_everybody_counts_as_drawn_contacted_or_not(self):
        growth = people(200)
        first = made(growth)
        was = groups(first)
        drawn = was[was == "contact"].index
        done = pd.DataFrame(
            {
                # Half of the contacts were reached, one in time of the next quarter only.
                "customer_id": [*drawn[:80], was[was == "held out"].index[0]],
                "completed_at": pd.Timestamp("2026-08-01"),
                "activity_type": "call",
                "direction": None,
            }
        )
        done.loc[0, "completed_at"] = pd.Timestamp("2026-10-01")
        done.loc[1, "activity_type"] = "admin"
        done.loc[2, "direction"] = "inbound"
        beside = Beside(customer_periods=quarter(growth, was, 1.4, noise=0.3), activities=done)
        row = made(growth, beside, first.tables["list_anchor"], NEXT).tables["grades"].iloc[0]
        assert row["contact_count"] == 160
        assert row["contacted_share"] == pytest.approx(77 / 160)
        assert row["held_out_contacted_share"] == pytest.approx(1 / 40)
        without = graded(growth, 1.4).tables["grades"].iloc[0]
        assert row["lift_share"] == without["lift_share"]

    def test_a_list_that_was_drawn_too_late_is_a_rehearsal(self):
        result = graded(people(200), 1.0, known_to=date(2026, 9, 30))
        row = result.tables["grades"].iloc[0]
        assert row["verdict"] == REHEARSAL
        assert "lift" not in result.headline
        assert np.isnan(row["gain_amount"])
        assert "rehearsal" in sentences(result)[2]
        assert list(result.charts) == ["expected_gain"]

    def test_a_list_without_a_control_says_that_nobody_knows(self):
        result = graded(people(100), 1.4, hold_out_share=0.0)
        row = result.tables["grades"].iloc[0]
        assert row["verdict"] == NO_CONTROL
        assert np.isnan(row["lift_share"])

    def test_is_not_graded_before_its_quarter_is_over(self):
        growth = people(100)
        first = made(growth)
        came = quarter(growth, groups(first), 2.0)
        early = scope_of("2026Q3", date(2026, 8, 31))
        result = made(growth, Beside(customer_periods=came), first.tables["list_anchor"], early)
        assert "grades" not in result.tables

    def test_lists_of_several_quarters_are_told_together(self):
        growth = people(200)
        first = made(growth)
        came = [quarter(growth, groups(first), 1.3, noise=0.3)]
        second = made(growth, Beside(customer_periods=came[0]), first.tables["list_anchor"], NEXT)
        came.append(quarter(growth, groups(second), 1.3, "2026Q4", 0.3, 2))
        third = made(
            growth,
            Beside(customer_periods=pd.concat(came)),
            second.tables["list_anchor"],
            scope_of("2026Q4"),
        )
        grades = third.tables["grades"]
        assert grades["list"].tolist() == ["2026Q2", "2026Q3", "all lists"]
        widths = grades["lift_high_share"] - grades["lift_low_share"]
        assert widths.iloc[2] < widths.iloc[:2].min()
        assert grades["lift_low_95_share"].iloc[2] <= 0.3 <= grades["lift_high_95_share"].iloc[2]

    def test_nothing_that_comes_after_the_period_changes_it(self):
        growth = people(200)
        first = made(growth)
        came = quarter(growth, groups(first), 1.4, noise=0.3)
        later = quarter(growth, groups(first), 9.0, "2026Q4")
        kept = first.tables["list_anchor"]
        results = [
            made(growth, Beside(customer_periods=table), kept, NEXT)
            for table in (came, pd.concat([came, later]))
        ]
        pd.testing.assert_frame_equal(*(result.tables["grades"] for result in results))


class TestPowerSaid:
    def origins(self, growth, noise):
        generator = np.random.default_rng(4)
        parts = []
        for name in ("2025Q1", "2025Q2", "2025Q3", "2025Q4", "2026Q1", "2026-05-31"):
            year = growth["forecast_quarter_amount"] * 4
            chance = generator.lognormal(-(noise**2) / 2, noise, len(growth))
            parts.append(
                pd.DataFrame(
                    {
                        "origin": name,
                        "customer_id": growth["customer_id"],
                        "revenue_year_amount": year,
                        "next_quarter_amount": year / 4 * chance,
                    }
                )
            )
        return pd.concat(parts, ignore_index=True)

    def test_is_said_in_advance_with_the_customers_that_a_lift_takes(self):
        growth = people(200)
        result = made(growth, Beside(backtest_origins=self.origins(growth, 0.5)))
        table = result.tables["power"]
        assert table["held_out_count"].tolist() == [40, 100]
        assert table["least_lift_share"].is_monotonic_decreasing
        assert (table["needed_count"] > 200).all()
        least = result.headline["least_lift"].value
        assert any("cannot tell a lift of less than" in text for text in sentences(result))
        quiet = made(growth, Beside(backtest_origins=self.origins(growth, 0.1)))
        assert quiet.headline["least_lift"].value < least / 2

    def test_what_came_after_the_period_is_not_used(self):
        growth = people(200)
        origins = self.origins(growth, 0.5)
        later = origins[origins["origin"] == "2026Q1"].assign(
            origin="2026Q2", next_quarter_amount=1e6
        )
        tables = [
            made(growth, Beside(backtest_origins=table)).tables["power"]
            for table in (origins, pd.concat([origins, later]))
        ]
        pd.testing.assert_frame_equal(*tables)

    def test_what_reports_forecast_is_taken_where_it_is_known(self):
        growth = people(200)
        origins = self.origins(growth, 0.5)
        # The reports of two quarters knew nearly what was to come.
        known = origins[origins["origin"].isin(["2025Q4", "2026Q1"])]
        frozen = pd.DataFrame(
            {
                "cadence": "quarterly",
                "scope": "customer",
                "measure": "revenue",
                "horizon": "quarter",
                "statistic": "point",
                "origin": known["origin"],
                "scope_id": known["customer_id"],
                "value_amount": known["next_quarter_amount"] * 1.01,
            }
        )
        least = [
            made(growth, Beside(backtest_origins=origins, frozen=table)).headline["least_lift"]
            for table in (None, frozen)
        ]
        assert least[1].value < 0.9 * least[0].value

    def test_is_said_to_be_unknown_without_earlier_quarters(self):
        assert any("is not known" in text for text in sentences(made(people(200))))


class TestPictures:
    def test_the_gain_says_how_much_of_it_the_list_holds(self):
        growth = one_by_one()
        options = ContactListOptions(list_share=1.0)
        now = made(growth, list_size=2).tables["list_anchor"]
        picture = gain_chart(candidates(growth, Beside(), SCOPE, options), now, SCOPE)
        assert "the list holds 2 with up to €120" in picture.alternative_text
        assert "€125 together" in picture.alternative_text
        assert "the list: 2 customers" in picture.svg

    def test_the_lift_is_told_list_by_list_with_its_range(self):
        grades = graded(people(200), 1.4).tables["grades"]
        picture = lift_chart(grades, NEXT)
        assert "2026Q2 (brought more)" in picture.svg
        assert "80 % range" in picture.alternative_text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    "choice",
    [{"hold_out_share": 0.6}, {"hold_out_share": 0.05}, {"list_size": 0}, {"reach_share": 0.0}],
)
def test_impossible_choices_are_refused(choice):
    with pytest.raises(SettingsError, match="contact list option"):
        ContactListOptions(**choice)
