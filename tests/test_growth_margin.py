"""Margins: planted shares are recovered, may be negative, are missing where a cost is."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_growth import QUARTERS, SCOPE, features, origins, planted_orders

from analysis.core.result import Result
from analysis.core.tables import check_table
from analysis.core.tables_derived import CUSTOMER_GROWTH
from analysis.customers.growth import growth
from analysis.customers.growth_known import Beside
from analysis.customers.growth_margin import CostKnown, margin_of, own_shares
from analysis.customers.growth_margin_ranges import (
    experience_of,
    independent_interval,
    margin_interval,
    margin_total,
)
from analysis.customers.growth_margin_tables import (
    COMPANY_SHARE,
    KNOWN_COSTS,
    MARGIN_COLUMNS,
    OUR_MARGIN,
    grades_finding,
)

QUARTER = "forecast_quarter_margin_amount"
LOSS = -0.4


def planted_share(customers: pd.Series) -> np.ndarray:
    """Return the planted share of margin: every eighth customer costs more than he brings."""
    number = customers.str[1:].astype(int).to_numpy()
    return np.where(number % 8 == 3, LOSS, np.where(number % 2, 0.55, 0.25))


def with_margin(table: pd.DataFrame, orders: pd.DataFrame, quarter: pd.Period) -> pd.DataFrame:
    lines = margins(orders)
    year = lines[(lines["period"] > quarter - 4) & (lines["period"] <= quarter)]
    sums = year.groupby("customer_id")["margin_amount"].sum()
    return table.assign(margin_year_amount=table["customer_id"].map(sums))


def margins(orders: pd.DataFrame) -> pd.DataFrame:
    """Return revenue and margin by quarter, with noise in the share of margin."""
    noise = np.random.default_rng(3).normal(0, 0.05, len(orders))
    net = orders["sale"] - orders["returned"]
    lines = orders.assign(
        period=orders["day"].dt.to_period("Q"),
        revenue_amount=net,
        sale_amount=orders["sale"],
        return_amount=orders["returned"],
        margin_amount=net * (planted_share(orders["customer_id"]) + noise),
    )
    names = ["revenue_amount", "sale_amount", "return_amount", "margin_amount"]
    return lines.groupby(["customer_id", "period"])[names].sum().reset_index()


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    return planted_orders(320, seed=6)


@pytest.fixture(scope="module")
def periods(orders) -> pd.DataFrame:
    known = margins(orders)
    known = known[known["period"] <= QUARTERS[6]]
    return known.assign(period=known["period"].astype(str))


@pytest.fixture(scope="module")
def tables(orders) -> list[pd.DataFrame]:
    history = origins(orders, QUARTERS[:6])
    parts = [with_margin(part, orders, pd.Period(name)) for name, part in history.groupby("origin")]
    now = with_margin(features(orders, QUARTERS[6]), orders, QUARTERS[6])
    return [now, pd.concat(parts, ignore_index=True)]


@pytest.fixture(scope="module")
def result(tables, periods) -> Result:
    return growth(*tables, beside=Beside(periods), scope=SCOPE)


@pytest.fixture(scope="module")
def customers(result) -> pd.DataFrame:
    return result.tables["customer_growth"]


class TestForecast:
    def test_recovers_the_planted_shares(self, customers) -> None:
        check_table(customers, CUSTOMER_GROWTH)
        bought = customers[customers["forecast_quarter_amount"] > 20]
        share = bought[QUARTER] / bought["forecast_quarter_amount"]
        miss = np.abs(share - planted_share(bought["customer_id"]))
        assert miss.mean() < 0.06  # the company's share misses by .2 on average

    def test_is_negative_where_customers_cost_more_than_they_bring(self, customers, result) -> None:
        loses = planted_share(customers["customer_id"]) == LOSS
        large = customers["forecast_quarter_amount"] > 20
        assert (customers.loc[loses & large, QUARTER] < 0).all()
        assert (customers.loc[~loses & large, QUARTER] > 0).all()
        lows = customers.loc[loses & large, "forecast_quarter_margin_low_amount"]
        assert (lows < customers.loc[loses & large, QUARTER]).all()
        assert any("cost more than they bring" in caveat for caveat in result.caveats)

    def test_ranges_hold_the_forecast_and_most_of_what_came(self, customers, orders) -> None:
        for span in ("quarter", "year"):
            ends = [customers[f"forecast_{span}_margin{end}_amount"] for end in ("_low", "_high")]
            assert customers[f"forecast_{span}_margin_amount"].between(*ends).all()
        came = margins(orders)
        came = came[came["period"] == QUARTERS[7]].set_index("customer_id")
        truth = customers["customer_id"].map(came["margin_amount"]).fillna(0.0)
        ends = [customers[f"forecast_quarter_margin{end}_amount"] for end in ("_low", "_high")]
        buys = customers["forecast_quarter_amount"] > customers["forecast_quarter_amount"].median()
        assert truth[buys].between(*(end[buys] for end in ends)).mean() == pytest.approx(
            0.8, abs=0.1
        )

    def test_totals_equal_the_customers_to_the_cent_and_hold_the_forecast(
        self, result, customers
    ) -> None:
        totals = result.tables["margin_totals"]
        for name in ("forecast_quarter_margin_amount", "forecast_year_margin_amount"):
            cents = (totals.set_index("level")[name] * 100).round().astype("int64")
            assert cents["region"].sum() == cents["company"]
            assert (customers[name] * 100).round().astype("int64").sum() == cents["company"]
        low, high = "forecast_quarter_margin_low_amount", "forecast_quarter_margin_high_amount"
        assert totals[QUARTER].between(totals[low], totals[high]).all()
        assert "forecast_quarter_margin" in result.headline

    def test_is_graded_beside_simple_rules_and_wins_on_planted_shares(self, result) -> None:
        found = result.tables["margin_backtest"]
        assert found.groupby("origin")["model"].nunique().eq(4).all()
        errors = found.groupby("model")["rmse_amount"].mean()
        assert errors[OUR_MARGIN] < errors[COMPANY_SHARE]
        ours = found[found["model"] == OUR_MARGIN]
        assert ours["interval_share"].iloc[-1] == pytest.approx(0.8, abs=0.15)
        texts = " ".join(finding.text for finding in result.findings)
        assert "Margins replayed at 5 earlier quarter ends" in texts

    def test_changes_nothing_of_revenue(self, tables, periods, customers) -> None:
        shuffled = [table.sample(frac=1, random_state=2) for table in (*tables, periods)]
        again = growth(*shuffled[:2], beside=Beside(shuffled[2]), scope=SCOPE)
        pd.testing.assert_frame_equal(again.tables["customer_growth"], customers)


class TestUnknownCost:
    def test_leaves_the_customer_and_his_groups_without_margin(self, tables, periods) -> None:
        now = tables[0].copy()
        first = now.index[now["revenue_year_amount"] > 0][0]
        now.loc[first, "margin_year_amount"] = np.nan
        found = growth(now, tables[1].head(0), beside=Beside(periods), scope=SCOPE)
        rows = found.tables["customer_growth"].set_index("customer_id")
        missing = rows[list(MARGIN_COLUMNS)].isna()
        assert missing.loc[now.loc[first, "customer_id"]].all()
        assert missing.all(axis=1).sum() == 1
        totals = found.tables["margin_totals"].set_index(["level", "level_id"])
        assert np.isnan(totals.loc[("company", ""), QUARTER])
        known = totals.loc[("company", KNOWN_COSTS), QUARTER]
        assert round(known * 100) == (rows[QUARTER].dropna() * 100).round().sum()
        assert totals[QUARTER].isna().sum() == 3  # company, region, business model
        assert "forecast_quarter_margin" not in found.headline
        assert any("unknown cost" in caveat for caveat in found.caveats)

    def test_of_a_whole_source_means_no_margin_at_all(self, tables, periods) -> None:
        now = tables[0].assign(margin_year_amount=np.nan)
        blank = periods.assign(margin_amount=np.nan)
        found = growth(now, tables[1].head(0), beside=Beside(blank), scope=SCOPE)
        assert found.tables["customer_growth"][list(MARGIN_COLUMNS)].isna().all(axis=None)
        assert not {"margin_totals", "margin_backtest"} & set(found.tables)

    def test_of_a_quarter_is_missing_and_no_line_is_nothing(self) -> None:
        amounts = {"revenue_amount": [5.0, 5.0, 0.0], "margin_amount": [2.0, np.nan, np.nan]}
        table = pd.DataFrame({"customer_id": ["A", "B", "C"], "period": "2025Q1"} | amounts)
        table = table.assign(sale_amount=table["revenue_amount"], return_amount=0.0)
        found = margin_of(table, "2025Q1", pd.Series(["A", "B", "C", "D"]))
        assert found.tolist() == pytest.approx([2.0, np.nan, 0.0, 0.0], nan_ok=True)


def cost_known(margin: list[float], revenue: list[float]) -> CostKnown:
    none = np.zeros(len(margin))
    ids = pd.Series([str(number) for number in range(len(margin))])
    amounts = (np.array(margin), np.array(revenue))
    return CostKnown(ids, *amounts, none.astype(int), none + 4, none, None, None)


class TestShares:
    @settings(deadline=None, max_examples=60)
    @given(
        st.lists(st.tuples(st.floats(-500, 500), st.floats(1, 1000)), min_size=1, max_size=12),
        st.floats(0.01, 100),
    )
    def test_lie_between_the_own_one_and_the_company_s(self, rows, weight) -> None:
        known = cost_known(*(list(column) for column in zip(*rows, strict=True)))
        own, company = known.margin / known.revenue, known.company_share
        found = own_shares(known, weight, np.inf)
        assert (found >= np.minimum(own, company) - 1e-9).all()
        assert (found <= np.maximum(own, company) + 1e-9).all()

    def test_of_customers_whose_returns_exceed_their_sales_are_those_of_others(self) -> None:
        known = cost_known([30.0, -90.0, 0.0], [100.0, -10.0, 0.0])
        found = own_shares(known, 0.5, np.inf)
        assert found[1] == found[2] == pytest.approx(known.company_share)


class TestRanges:
    def test_cover_eighty_per_cent_of_margins_of_either_sign(self) -> None:
        random = np.random.default_rng(4)
        revenue, share = random.lognormal(3, 1, 8000), random.uniform(-0.3, 0.6, 8000)
        came = revenue * random.lognormal(0, 0.5, 8000) * (random.random(8000) > 0.3)
        margin = came * (share + random.normal(0, 0.1, 8000))
        half = slice(0, 4000), slice(4000, 8000)
        past = experience_of([tuple(c[half[0]] for c in (revenue, share, came, margin))])
        level = came[half[0]].sum() / revenue[half[0]].sum()
        low, high = margin_interval(past, level * revenue[half[1]], share[half[1]], 0.001)
        inside = (margin[half[1]] >= low) & (margin[half[1]] <= high)
        for who in (share[half[1]] > 0.1, share[half[1]] < -0.1):
            assert inside[who].mean() == pytest.approx(0.8, abs=0.05)

    def test_without_experience_mirror_revenue_for_a_negative_share(self) -> None:
        ends = (np.array([60.0]), np.array([180.0]))
        low, high = independent_interval(np.array([100.0]), ends, np.array([-0.5]))
        assert -50 - low[0] > high[0] + 50 > 0  # more revenue costs more

    def test_of_a_sum_widen_with_a_drift_of_shares(self) -> None:
        margin, revenue = np.full(100, -1.0), np.full(100, 10.0)
        narrow = margin_total(margin, revenue, np.ones(100), 0.1, 0.0)
        wide = margin_total(margin, revenue, np.ones(100), 0.1, 0.1)
        assert wide[0] < narrow[0] < -100 < narrow[1] < wide[1]


def test_the_finding_names_the_rule_that_was_closer() -> None:
    rows = [
        {"origin": f"2025Q{q}", "model": model, "rmse_amount": error, "total_error_share": -0.1}
        for q in range(1, 5)
        for model, error in ((OUR_MARGIN, 5.0), (COMPANY_SHARE, 4.0))
    ]
    (found,) = grades_finding(pd.DataFrame(rows), SCOPE)
    assert COMPANY_SHARE in found.text
    assert "closer" in found.text
    assert "won 0 of them" in found.text
