"""Growth: planted customers are recovered, totals balance, ranges hold, little data is said."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.core.periods import FiscalCalendar
from analysis.core.problems import SettingsError
from analysis.core.result import Result
from analysis.core.scope import Scope
from analysis.core.tables import check_table
from analysis.core.tables_derived import BACKTEST_ORIGINS, CUSTOMER_FEATURES
from analysis.customers.growth import GrowthOptions, growth
from analysis.customers.growth_backtest import MEAN_OF_YEAR, OUR_MODEL
from analysis.customers.growth_findings import reasons
from analysis.customers.growth_ranges import gather, interval, total_interval

CALENDAR = FiscalCalendar()
QUARTERS = pd.period_range("2024Q1", "2025Q4", freq="Q")
SCOPE = Scope(CALENDAR.parse("2025Q3"))
TWO_GROUPS = ("north", "south")


def planted_orders(customers: int, seed: int) -> pd.DataFrame:
    """Return order days of customers with own rate, own order size, and a day when they leave.

    The first half orders three times as often as the second; a tenth of all returns a third.
    """
    random = np.random.default_rng(seed)
    rate = random.gamma(2, 1 / 80, customers) * np.where(np.arange(customers) % 2, 1, 3)
    begins, stays = random.integers(0, 400, customers), random.exponential(500, customers)
    size = random.lognormal(4, 0.8, customers)
    rows = []
    for number in range(customers):
        gaps = random.exponential(1 / rate[number], 200)
        days = np.unique((begins[number] + np.r_[0, gaps.cumsum()]).astype(int))
        last = min(begins[number] + stays[number], 730)
        for day in days[(days <= last) | (days == begins[number])]:
            amount = size[number] * random.lognormal(0, 0.4)
            rows.append((f"C{number:05d}", day, amount, amount / 3 if number % 10 == 0 else 0))
    orders = pd.DataFrame(rows, columns=["customer_id", "day", "sale", "returned"])
    orders["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(orders["day"], unit="D")
    return orders.round({"sale": 2, "returned": 2})


def features(orders: pd.DataFrame, quarter: pd.Period) -> pd.DataFrame:
    """Return customer_features at the end of the quarter, computed the slow and plain way."""
    end = quarter.end_time.normalize()
    known = orders[orders["day"] <= end].assign(quarter=lambda t: t["day"].dt.to_period("Q"))
    year = known[known["quarter"] > quarter - 4]
    per, per_year = known.groupby("customer_id"), year.groupby("customer_id")
    table = pd.DataFrame(
        {
            "first_order_on": per["day"].min(),
            "last_order_on": per["day"].max(),
            "order_count": per.size(),
            "order_day_count": per.size(),
            "repeat_count": per.size() - 1,
            "median_gap_days": per["day"].agg(lambda days: days.diff().dt.days.median()),
            "mean_order_day_amount": per["sale"].mean(),
            "mean_repeat_amount": per["sale"].agg(lambda sales: sales.iloc[1:].mean()),
            "revenue_amount": per["sale"].sum() - per["returned"].sum(),
            "active_quarter_year_count": per_year["quarter"].nunique(),
            "order_year_count": per_year.size(),
            "sale_year_amount": per_year["sale"].sum(),
            "return_year_amount": per_year["returned"].sum(),
        }
    )
    net = known.assign(net=known["sale"] - known["returned"])
    table = table.assign(
        tenure_days=(end - table["first_order_on"]).dt.days,
        recency_days=(end - table["last_order_on"]).dt.days,
        repeat_span_days=(table["last_order_on"] - table["first_order_on"]).dt.days,
        revenue_quarter_amount=_sums(net, "net", quarter, quarter),
        revenue_year_amount=_sums(net, "net", quarter - 3, quarter),
        revenue_year_before_amount=_sums(net, "net", quarter - 7, quarter - 4),
        order_day_year_count=table["order_year_count"],
        product_year_count=table["order_year_count"],
    )
    counts = [name for name in table if name.endswith("_count")]
    amounts = [name for name in table if name.endswith("year_amount") or "quarter_amount" in name]
    table[counts] = table[counts].fillna(0).astype("int64")
    table[[*amounts, "revenue_year_before_amount"]] = table[
        [*amounts, "revenue_year_before_amount"]
    ].fillna(0.0)
    table = table.reset_index()
    number = table["customer_id"].str[1:].astype(int)
    return table.assign(
        margin_year_amount=np.nan,
        customer_name="Name of " + table["customer_id"],
        region_id=number.map(lambda n: TWO_GROUPS[n % 2]),
        industry=None,
        business_model="b2b",
        rep_id=None,
    )[list(CUSTOMER_FEATURES.column_names)]


def _sums(lines: pd.DataFrame, column: str, first: pd.Period, last: pd.Period) -> pd.Series:
    inside = lines[(lines["quarter"] >= first) & (lines["quarter"] <= last)]
    return inside.groupby("customer_id")[column].sum()


def origins(orders: pd.DataFrame, quarters: pd.PeriodIndex) -> pd.DataFrame:
    lines = orders.assign(
        quarter=orders["day"].dt.to_period("Q"), net=orders["sale"] - orders["returned"]
    )
    parts = []
    for quarter in quarters:
        table = features(orders, quarter)
        after = quarter + 1
        came = {
            name: table["customer_id"].map(_sums(lines, column, after, after)).fillna(0.0)
            for name, column in (
                ("next_quarter_amount", "net"),
                ("next_quarter_sale_amount", "sale"),
            )
        }
        days = (after.end_time.normalize() - quarter.end_time.normalize()).days
        parts.append(table.assign(origin=str(quarter), horizon_days=days, **came))
    return pd.concat(parts, ignore_index=True)[list(BACKTEST_ORIGINS.column_names)]


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    return planted_orders(1200, seed=5)


@pytest.fixture(scope="module")
def tables(orders: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give the customers at 2025Q3 and the earlier quarter ends."""
    now = features(orders, pd.Period("2025Q3"))
    return now, origins(orders, pd.period_range("2024Q1", "2025Q2", freq="Q"))


@pytest.fixture(scope="module")
def few(tables: tuple[pd.DataFrame, pd.DataFrame]) -> list[pd.DataFrame]:
    """Give the tables of the first 350 customers, for what does not need many."""
    return [table[table["customer_id"] < "C00350"] for table in tables]


@pytest.fixture(scope="module")
def result(tables: tuple[pd.DataFrame, pd.DataFrame]) -> Result:
    return growth(*tables, scope=SCOPE)


def test_the_planted_tables_keep_their_declaration(tables) -> None:
    check_table(tables[0], CUSTOMER_FEATURES)
    check_table(tables[1], BACKTEST_ORIGINS)


def test_has_every_customer_once(result: Result, tables) -> None:
    assert result.tables["customer_growth"]["customer_id"].tolist() == sorted(
        tables[0]["customer_id"]
    )


def test_forecasts_what_the_planted_customers_then_spent(result: Result, orders, tables) -> None:
    truth = origins(orders, QUARTERS[6:7]).set_index("customer_id")["next_quarter_amount"]
    found = result.tables["customer_growth"].set_index("customer_id")
    assert found["forecast_quarter_amount"].sum() == pytest.approx(truth.sum(), rel=0.15)
    mean = tables[0].set_index("customer_id")["revenue_year_amount"] / 4
    ours = np.sqrt(((found["forecast_quarter_amount"] - truth) ** 2).mean())
    assert ours < np.sqrt(((mean - truth) ** 2).mean())
    inside = truth.between(
        found["forecast_quarter_low_amount"], found["forecast_quarter_high_amount"]
    )
    buys = found["forecast_quarter_amount"] > found["forecast_quarter_amount"].median()
    assert inside[buys].mean() == pytest.approx(0.8, abs=0.08)
    has_target = found["target_pool_id"].isna()
    attained = (truth >= found["target_quarter_amount"])[has_target].mean()
    assert attained == pytest.approx(0.5, abs=0.12)


def test_who_left_in_the_plan_is_less_likely_active(result: Result, orders: pd.DataFrame) -> None:
    silent = orders.groupby("customer_id")["day"].max() < pd.Timestamp("2025-01-01")
    shares = result.tables["customer_growth"].set_index("customer_id")["active_share"]
    silent = silent.reindex(shares.index)
    assert shares[silent].mean() < shares[~silent].mean() - 0.3


def test_returns_lower_the_forecast_of_those_who_return(result: Result) -> None:
    found = result.tables["backtest"].query(f"model == '{OUR_MODEL}'")
    sums = found.pivot(index="origin", columns="amount_kind", values="forecast_amount")
    share = (sums["revenue"] / sums["sales"]).mean()
    assert 0.93 < share < 0.995  # a third of a tenth


def test_ranges_hold_the_forecast_and_gaps_are_not_negative(result: Result) -> None:
    found = result.tables["customer_growth"]
    for span in ("quarter", "year"):
        ends = (found[f"forecast_{span}_low_amount"], found[f"forecast_{span}_high_amount"])
        assert found[f"forecast_{span}_amount"].between(*ends).all()
        assert (ends[0] >= 0).all()
    assert (found["gap_year_amount"] >= 0).all()
    assert (found["potential_year_amount"] >= found["forecast_year_amount"]).all()


def test_totals_of_groups_sum_to_the_company_to_the_cent(result: Result) -> None:
    totals = result.tables["totals"]
    for column in ("forecast_quarter_amount", "gap_year_amount", "target_quarter_amount"):
        cents = (totals.set_index("level")[column] * 100).round().astype("int64")
        assert cents["region"].sum() == cents["company"]
        customers = result.tables["customer_growth"][column].dropna() * 100
        assert customers.round().astype("int64").sum() == cents["company"]


def test_ranks_better_than_the_mean_of_four_quarters(result: Result) -> None:
    revenue = result.tables["backtest"].query("amount_kind == 'revenue'")
    error = revenue.groupby("model")["rmse_amount"].mean()
    assert error[OUR_MODEL] < error[MEAN_OF_YEAR]


def test_does_not_depend_on_the_order_of_rows_nor_on_what_came_later(few, orders) -> None:
    later = origins(orders[orders["customer_id"] < "C00350"], QUARTERS[6:8])
    history = pd.concat([few[1], later], ignore_index=True)
    shuffled = [table.sample(frac=1, random_state=3) for table in (few[0], history)]
    copies = [table.copy() for table in shuffled]
    once, again = growth(*few, scope=SCOPE), growth(*shuffled, scope=SCOPE)
    for name in ("customer_growth", "totals", "backtest"):
        pd.testing.assert_frame_equal(once.tables[name], again.tables[name])
    for table, copy in zip(shuffled, copies, strict=True):
        pd.testing.assert_frame_equal(table, copy)


def test_leaves_its_input_unchanged(few) -> None:
    copies = [table.copy() for table in few]
    growth(few[0], few[1].head(0), scope=SCOPE)
    for table, copy in zip(few, copies, strict=True):
        pd.testing.assert_frame_equal(table, copy)


def test_can_be_saved_and_read(result: Result, tmp_path) -> None:
    result.save(tmp_path / "growth")
    again = Result.load(tmp_path / "growth")
    assert again.headline == result.headline
    assert len(again.tables["customer_growth"]) == len(result.tables["customer_growth"])


def test_works_without_any_earlier_quarter(tables) -> None:
    found = growth(tables[0], tables[1].head(0), scope=SCOPE)
    customers = found.tables["customer_growth"]
    assert customers["forecast_quarter_amount"].sum() > 0
    assert customers["target_pool_id"].notna().all()  # nothing was learnt of single customers
    assert any("no earlier quarter" in caveat for caveat in found.caveats)


def test_says_in_a_sentence_when_nobody_bought_again(tables) -> None:
    once = tables[0][tables[0]["repeat_count"] == 0]
    found = growth(once, tables[1].head(0), scope=SCOPE)
    assert "Too few repeat purchases" in found.unavailable
    assert not found.tables


def test_is_told_by_quarter_and_year_only(tables) -> None:
    found = growth(*tables, scope=Scope(CALENDAR.parse("2025-12-31")))
    assert "not a quarter" in found.unavailable
    assert found.as_of == date(2025, 12, 31)
    assert growth(*tables, scope=Scope(CALENDAR.parse("2025"))).unavailable == ""


def test_refuses_impossible_options_at_once() -> None:
    with pytest.raises(SettingsError, match=r"(?s)attained_share.*stretch_share"):
        GrowthOptions(attained_share=1.5, stretch_share=-1)


def test_says_why() -> None:
    table = pd.DataFrame(
        {
            "order_day_count": [1, 5, 5, 5],
            "recency_days": [40, 10, 100, 300],
            "median_gap_days": [None, 20, 20, 20],
        }
    )
    assert reasons(table, np.array([0.9, 0.9, 0.8, 0.1])) == [
        "one order so far, 40 days ago",
        "5 order days, usually 20 days apart, the last one 10 days ago",
        "late: silent for 100 days; 5 order days, usually 20 days apart",
        "probably left: silent for 300 days; 5 order days, usually 20 days apart",
    ]


class TestRanges:
    def test_interval_covers_eighty_per_cent_with_and_without_zeros(self) -> None:
        random = np.random.default_rng(1)
        forecast = random.lognormal(3, 1, 8000)
        for zeros in (0.0, 0.5):
            buys = random.random(8000) >= zeros
            actual = forecast * random.lognormal(0, 0.5, 8000) * buys
            past = gather([(forecast[:4000], actual[:4000])])
            low, high = interval(past, forecast[4000:], 0.001)
            came = actual[4000:] * forecast[:4000].sum() / actual[:4000].sum()
            inside = (came >= low) & (came <= high)
            assert inside.mean() == pytest.approx(0.8, abs=0.03)

    def test_the_range_of_a_sum_widens_with_the_shock(self) -> None:
        forecast = np.full(100, 10.0)
        narrow = total_interval(forecast, forecast, 0.05)
        wide = total_interval(forecast, forecast, 0.5)
        assert wide[0] < narrow[0] < 1000 < narrow[1] < wide[1]
        assert total_interval(np.zeros(3), np.zeros(3), 0.1) == (0.0, 0.0)


def test_a_repeat_buyer_whose_orders_were_free_is_forecast_like_the_others():
    orders = planted_orders(60, 3)
    first = orders["customer_id"].iloc[0]
    orders.loc[orders["customer_id"] == first, ["sale", "returned"]] = 0.0
    table = features(orders, pd.Period("2024Q4")).reset_index(drop=True)
    no_history = pd.DataFrame(columns=BACKTEST_ORIGINS.column_names)
    result = growth(table, no_history, scope=Scope(CALENDAR.parse("2024Q4")))
    row = result.tables["customer_growth"].set_index("customer_id").loc[first]
    assert 0 <= row["forecast_quarter_low_amount"] <= row["forecast_quarter_high_amount"]


def test_the_year_is_of_customers_known_today_and_says_what_new_ones_brought(
    result: Result,
) -> None:
    number = result.headline["forecast_year"]
    assert number.label.endswith("customers known today")
    assert "of customers with a number" in number.note
    assert "of it of customers new in them" in number.note
    assert "replayed quarters were missed by" in number.note
    assert result.headline["target_quarter"].label.startswith("Sum of customers' own targets")
