"""Profit by customer: every cent placed, the unknown not nothing, and luck told from a lead."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.core.periods import FiscalCalendar
from analysis.core.problems import SettingsError
from analysis.core.scope import Scope
from analysis.customers.profitability import ProfitabilityOptions, profitability
from analysis.customers.profitability_customers import customer_profit
from analysis.customers.profitability_groups import balance_table, profit_group, whale_points
from analysis.customers.profitability_hours import served_hours
from analysis.customers.profitability_later import judged_later

CALENDAR = FiscalCalendar()
SCOPE = Scope(CALENDAR.parse("2026Q2"))
QUARTERS = [
    q.name for q in CALENDAR.between(CALENDAR.parse("2024Q3").starts_on, SCOPE.as_of, "quarterly")
]
WINDOW = (pd.Timestamp("2025-07-01"), pd.Timestamp("2026-07-01"))


def kinds(*rows):
    """Return customer_kinds of (customer, kind, revenue, cost or None)."""
    table = pd.DataFrame(rows, columns=["customer_id", "kind", "revenue_amount", "cost"])
    known = table["cost"].notna()
    return table.assign(
        with_cost_amount=table["revenue_amount"].where(known, 0.0),
        cost_amount=table["cost"].astype(float).fillna(0.0),
        missing_cost_count=(~known).astype(int),
    ).drop(columns="cost")


def company(customer_kinds, *nameless):
    """Return company_kinds: the customers' lines and those of nobody, all in the last quarter."""
    both = pd.concat(
        [customer_kinds.assign(has_customer=True), kinds(*nameless).assign(has_customer=False)]
    )
    sums = both.drop(columns="customer_id").groupby(["kind", "has_customer"], as_index=False).sum()
    return sums.assign(period="2026Q2", starts_on=pd.Timestamp("2026-04-01"))


def periods(margins):
    """Return customer_periods of a table customers x QUARTERS."""
    wide = pd.DataFrame(margins, columns=QUARTERS)
    long = wide.rename_axis("number").reset_index().melt("number", var_name="period")
    starts = {name: pd.Timestamp(CALENDAR.parse(name).starts_on) for name in QUARTERS}
    return pd.DataFrame(
        {
            "customer_id": "c" + long["number"].astype("str").str.zfill(5),
            "period": long["period"],
            "starts_on": long["period"].map(starts),
            "revenue_amount": long["value"].abs() * 2 + 1,
            "margin_amount": long["value"],
        }
    )


def features(ids, orders=4):
    return pd.DataFrame(
        {"customer_id": ids, "customer_name": "Somebody", "order_year_count": orders}
    )


def classes(ids, name="grow"):
    return pd.DataFrame({"customer_id": ids, "prospect_class": name, "segment_name": "Broad"})


def run(customer_kinds, *nameless, work=(None, None), customer_periods=None, **choices):
    ids = sorted(customer_kinds["customer_id"].unique())
    return profitability(
        customer_kinds,
        company(customer_kinds, *nameless),
        periods(np.zeros((0, 8))) if customer_periods is None else customer_periods,
        features(ids),
        classes(ids),
        work,
        scope=SCOPE,
        options=ProfitabilityOptions(**choices),
    )


FOUR = kinds(
    ("ada", "sale", 1000.0, 500.0),  # 50 % margin
    ("ada", "return", -100.0, -50.0),
    ("bob", "sale", 1000.0, 700.0),  # 30 %: low prices
    ("bob", "bad_debt", -400.0, 0.0),
    ("cy", "sale", 100.0, None),  # cost not known
    ("dee", "sale", 50.0, 30.0),
    ("dee", "fee", -80.0, 0.0),
)


class TestEveryCent:
    def test_customers_and_lines_without_one_sum_to_the_company(self):
        result = run(FOUR, ("nobody", "sale", 70.01, 30.0))
        balance = result.tables["margin_balance"].set_index("part")
        parts, total = balance.iloc[:-1], balance.iloc[-1]
        assert parts.sum().round(4).tolist() == total.tolist()
        assert total.tolist() == [1640.01, 1540.01, 330.01]

    def test_profit_is_the_sum_of_its_parts(self):
        table = run(FOUR, cost_per_order_amount=5.0).tables["customer_profit"]
        names = ["usual_amount", "price_amount", "return_amount", "other_amount"]
        parts = table[[*names, "order_cost_amount", "service_cost_amount"]].sum(axis=1)
        known = table["profit_amount"].notna()
        assert parts[known].round(4).tolist() == table.loc[known, "profit_amount"].tolist()
        profit = table.set_index("customer_id")["profit_amount"]
        assert profit.drop("cy").to_dict() == {"ada": 430.0, "bob": -120.0, "dee": -80.0}

    @settings(max_examples=25, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from("abcde"),
                st.sampled_from(["sale", "return", "fee"]),
                st.integers(-10_000, 10_000),
                st.none() | st.integers(-9_000, 9_000),
            ),
            min_size=1,
            max_size=12,
            unique_by=lambda row: row[:2],
        )
    )
    def test_the_balance_holds_for_any_lines(self, rows):
        cents = [(c, k, r / 100, None if cost is None else cost / 100) for c, k, r, cost in rows]
        lines = kinds(("z", "sale", 10.0, 4.0), *cents)
        nobody = served_hours(None, None, pd.Series(dtype="str"), WINDOW)
        named = features(lines["customer_id"].unique()).rename(
            columns={"order_year_count": "order_count"}
        )
        named = named.merge(classes(named["customer_id"]), on="customer_id")
        customers = customer_profit(lines, named, nobody, ProfitabilityOptions())
        balance = balance_table(customers, company(lines, ("nobody", "sale", 3.33, 1.11)))
        numbers = balance.set_index("part")
        assert numbers.iloc[:-1].sum().round(2).tolist() == numbers.iloc[-1].round(2).tolist()


class TestTheUnknown:
    def test_a_customer_without_a_cost_is_not_known_and_not_nothing(self):
        result = run(FOUR)
        row = result.tables["customer_profit"].set_index("customer_id").loc["cy"]
        assert pd.isna(row["profit_amount"])
        assert row["revenue_amount"] == 100.0
        assert result.headline["losing_customers"].value == 2
        assert any("1 customer is not known" in f.text for f in result.findings)
        assert result.headline["known_cost"].value == pytest.approx(1470 / 1570)

    def test_when_every_customer_lacks_some_cost_nobody_is_said_to_earn_or_lose(self):
        lines = kinds(("ada", "sale", 10.0, 4.0), ("ada", "fee", 1.0, None))
        result = run(lines)
        assert not result.unavailable
        assert "whale_curve" not in result.charts
        assert not any("below zero" in finding.text for finding in result.findings)
        assert result.tables["margin_balance"]["margin_amount"].tolist() == [0.0, 6.0, 0.0, 6.0]

    def test_without_any_cost_there_is_one_plain_sentence(self):
        result = run(kinds(("ada", "sale", 10.0, None)))
        assert result.unavailable.startswith("No sale of the last four quarters has a cost")
        assert not result.tables

    def test_a_losing_customer_has_the_reason_that_takes_most(self):
        table = run(FOUR, cost_per_order_amount=100.0).tables["losing_customers"]
        reasons = table.set_index("customer_id")["reason"].to_dict()
        assert reasons["bob"] == "credits, fees and bad debt"
        assert reasons["dee"] == "small orders"
        assert table["lost_amount"].is_monotonic_decreasing


def activity(customer, minutes, day="2026-05-04", rep="r1", machine=False):
    return {
        "customer_id": customer,
        "rep_id": rep,
        "activity_type": "call",
        "completed_at": pd.Timestamp(day) + pd.Timedelta(hours=9),
        "duration_minutes": minutes,
        "is_automated": machine,
    }


class TestHours:
    def test_charges_logged_hours_when_enough_is_logged(self):
        calls = pd.DataFrame([activity("ada", 60), activity("bob", 30), activity("dee", 90)])
        result = run(FOUR, work=(calls, None), cost_per_hour_amount=40.0)
        table = result.tables["customer_profit"].set_index("customer_id")
        costs = table["service_cost_amount"].drop("cy")
        assert costs.to_dict() == {"ada": -40.0, "bob": -20.0, "dee": -60.0}
        assert table.loc["ada", "profit_amount"] == 410.0

    def test_withholds_the_cost_to_serve_when_little_is_logged(self):
        calls = pd.DataFrame([activity("ada", 60)])
        result = run(FOUR, work=(calls, None))
        assert (result.tables["customer_profit"]["service_cost_amount"].dropna() == 0).all()
        assert any("cannot be said: only 25" in finding.text for finding in result.findings)

    def test_knows_nothing_that_was_finished_after_the_period_or_by_a_machine(self):
        calls = pd.DataFrame(
            [activity("ada", 60, day="2026-07-01"), activity("ada", 60, machine=True)]
        )
        hours = served_hours(calls, None, pd.Series(["ada"]), WINDOW)
        assert hours.by_customer.empty
        assert not hours.is_enough(0.0)

    def test_a_time_study_tells_the_coverage_and_the_total(self):
        days = pd.date_range("2025-07-07", periods=50, freq="W-MON")
        records = pd.DataFrame(
            {"rep_id": "r1", "worked_on": days, "category": "selling", "worked_hours": 6.0}
        )
        calls = pd.DataFrame([activity("ada", 180, day=day) for day in days])
        hours = served_hours(calls, records, pd.Series(["ada"]), WINDOW)
        assert hours.coverage_share == pytest.approx(0.5)
        assert hours.total_hours == pytest.approx(6.0 * 365 * 5 / 7)
        assert hours.by_customer.to_dict() == {"ada": 150.0}


class TestGroups:
    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.integers(-3, 3), min_size=1, max_size=200))
    def test_equal_profits_are_never_split(self, profits):
        table = pd.DataFrame({"profit": profits})
        table["group"] = profit_group(table["profit"], 10)
        assert (table.groupby("profit")["group"].nunique() == 1).all()
        assert table["group"].between(1, 10).all()

    def test_the_whale_curve_peaks_before_those_who_lose_money(self):
        points = whale_points(pd.DataFrame({"profit_amount": [60.0, -30.0, 40.0, -10.0, np.nan]}))
        assert points["profit_amount"].tolist() == [0.0, 60.0, 100.0, 90.0, 60.0]
        assert points.loc[points["is_peak"], "customer_share"].tolist() == [0.5]

    def test_thirty_customers_are_divided_in_fifths_and_nineteen_not_at_all(self):
        for count, groups in ((30, 5), (19, 0)):
            lines = kinds(*[(f"c{n:02d}", "sale", 100.0 + n, 60.0) for n in range(count)])
            assert len(run(lines).tables["profit_groups"]) == groups


class TestTheBestLater:
    def test_pure_noise_is_called_luck(self):
        margins = np.random.default_rng(4).lognormal(3, 1.5, (600, 8))
        later = judged_later(periods(margins), SCOPE, 0.2)
        assert later.before_share > 0.4
        assert later.after_low_share < 0.2 < later.after_high_share
        assert later.verdict(0.5) == "mostly luck"
        # Halves of the choosing year do not agree, so the expected share is that of luck.
        assert later.shrunk_share == pytest.approx(0.2, abs=0.06)

    def test_the_report_warns_of_a_list_that_is_luck(self):
        margins = np.random.default_rng(4).lognormal(3, 1.5, (600, 8))
        result = run(FOUR, customer_periods=periods(margins))
        assert any("most of that lead was luck" in finding.text for finding in result.findings)
        assert "top_group_later" in result.charts

    def test_customers_who_really_differ_keep_their_lead(self):
        rng = np.random.default_rng(5)
        margins = rng.lognormal(3, 1.2, (600, 1)) * rng.lognormal(0, 0.2, (600, 8))
        later = judged_later(periods(margins), SCOPE, 0.2)
        assert later.verdict(0.5) == "lasting"
        assert later.after_share == pytest.approx(later.shrunk_share, abs=0.05)

    def test_who_left_counts_as_nothing_and_not_as_missing(self):
        margins = np.full((40, 8), 10.0)
        margins[:8, :4] = 50.0
        rows = periods(margins)
        is_top = rows["customer_id"] < "c00008"
        rows = rows[~(is_top & rows["period"].isin(QUARTERS[4:]))]
        later = judged_later(rows, SCOPE, 0.2)
        assert (later.top_count, later.customer_count) == (8, 40)
        assert later.after_share == 0.0

    def test_few_quarters_judge_on_the_last_and_fewer_on_none(self):
        rows = periods(np.random.default_rng(0).lognormal(3, 1, (50, 8)))
        short = rows[rows["period"] >= QUARTERS[3]]
        later = judged_later(short, SCOPE, 0.2)
        assert (later.chosen_on, later.judged_on) == ("2025Q2 to 2026Q1", "2026Q2")
        assert judged_later(rows[rows["period"] >= QUARTERS[4]], SCOPE, 0.2) is None


def test_row_order_changes_nothing_and_inputs_stay_as_they_are():
    before = FOUR.copy()
    first = run(FOUR)
    second = run(FOUR.sample(frac=1, random_state=3))
    pd.testing.assert_frame_equal(FOUR, before)
    for name, table in first.tables.items():
        pd.testing.assert_frame_equal(table, second.tables[name])
    assert first.charts == second.charts


def test_impossible_options_are_all_named():
    with pytest.raises(SettingsError, match=r"(?s)cost_per_hour_amount.*top_share"):
        ProfitabilityOptions(cost_per_hour_amount=-1, top_share=0.9)
