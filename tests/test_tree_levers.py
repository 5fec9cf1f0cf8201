"""Levers and the bridge: their size is measured, nothing counts twice, and parts sum."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.core.periods import FiscalCalendar
from analysis.core.result import Result
from analysis.core.scope import Scope
from analysis.strategy.tree_bridge import Means, Start, bridge_of, lever_of_driver, lever_parts
from analysis.strategy.tree_bridge_chart import lever_bridge_chart
from analysis.strategy.tree_inputs import Business, Chapters, Sales
from analysis.strategy.tree_levers import (
    DRAWS,
    LEVERS,
    Lever,
    Series,
    customer_series,
    expected_levers,
    lever_of,
    share_series,
    win_lever,
)
from analysis.strategy.tree_sources import levers_of, means_of, whole_quarters

CALENDAR = FiscalCalendar()
SCOPE = Scope(CALENDAR.parse("2025Q4"), CALENDAR)
YEAR = Scope(CALENDAR.parse("2025"), CALENDAR)
NAMES = [f"{y}Q{q}" for y in (2023, 2024, 2025) for q in (1, 2, 3, 4)]
RATIOS = st.dictionaries(st.sampled_from(sorted(LEVERS)), st.floats(1, 2), min_size=1)
START = Start(1000.0, {"middle": 900.0, "low": 800.0, "high": 1050.0}, 0.8, 0.9)


def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def series(changes: list[float], noise: float = 0.0) -> Series:
    """Quarters of a season, and eight changes (log) on the year before."""
    season = np.array([1.0, 2.0, 3.0, 4.0])
    first = season * np.exp(changes[:4])
    values = np.concatenate([season, first, first * np.exp(changes[4:])])
    return Series(NAMES, values, np.full(12, noise))


def lever(name: str, ratio: float) -> Lever:
    return Lever(name, 1.0, ratio, np.full(DRAWS, ratio), "given")


def test_a_good_quarter_is_the_upper_quartile_of_our_own_changes():
    changes = [0.0, 0.1, 0.2, 0.3, 0.0, 0.1, 0.2, 0.3]
    found = lever_of("orders", series(changes), SCOPE, generator())
    base = np.exp(0.0 + 0.0)  # the first quarter of 2025, a year before the next one
    assert found.present == pytest.approx(base * np.exp(0.15))
    assert found.good == pytest.approx(base * np.exp(0.225))
    assert "upper quartile of 8" in found.source


def test_what_chance_explains_is_no_lever():
    changes = [0.0, 0.1, 0.2, 0.3, 0.0, 0.1, 0.2, 0.3]
    spread = float(np.var(changes, ddof=1))
    half = lever_of("orders", series(changes, spread / 2), SCOPE, generator())
    none = lever_of("orders", series(changes, spread), SCOPE, generator())
    assert np.log(half.ratio) == pytest.approx(0.075 / 2)
    assert none.ratio == 1.0


def test_a_company_at_its_best_has_no_lever_and_one_that_fell_has():
    rising = lever_of("value", series([0.0] * 4 + [0.3] * 4), SCOPE, generator())
    fallen = lever_of("value", series([0.3] * 4 + [0.0] * 4), SCOPE, generator())
    assert rising.ratio == 1.0
    assert np.log(fallen.ratio) == pytest.approx(0.3)


def test_too_few_changes_conclude_nothing():
    values = np.concatenate([np.full(5, np.nan), np.arange(1.0, 8.0)])
    found = lever_of("won", Series(NAMES, values, np.zeros(12)), SCOPE, generator())
    assert found.ratio == 1.0
    assert found.source.startswith("cannot conclude")


def test_a_share_is_never_better_than_in_its_best_quarter():
    values = np.array([0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.3, 0.4, 0.35, 0.3])
    found = lever_of("win", Series(NAMES, values, np.zeros(12)), SCOPE, generator())
    assert found.good <= 0.4
    assert (found.present * found.draws <= 0.4 + 1e-12).all()


def test_a_year_sums_counts_and_averages_rates():
    changes = [0.0] * 8
    leads = lever_of("leads", series(changes), YEAR, generator())
    orders = lever_of("orders", series(changes), YEAR, generator())
    assert (leads.present, orders.present) == (pytest.approx(10.0), pytest.approx(2.5))


def customer_periods() -> pd.DataFrame:
    """Ada buys always, twice; bob in 2023Q1 and 2024Q3 only; cid comes in 2025Q4."""
    rows = [("ada", q, 30.0, 2) for q in NAMES]
    rows += [("bob", "2023Q1", 10.0, 1), ("bob", "2024Q3", 10.0, 1), ("cid", "2025Q4", 5.0, 1)]
    columns = ["customer_id", "period", "revenue_amount", "order_count"]
    return pd.DataFrame(rows, columns=columns)


def test_kept_and_won_customers_are_told_apart():
    found, composition = customer_series(customer_periods(), NAMES)
    assert np.isnan(found["keep"].values[:4]).all()
    # Bob is to be kept until 2024Q1; in 2024Q3 he is won back, then to be kept for a year.
    assert found["keep"].values[4:].tolist() == [0.5, 1, 1, 0.5, 0.5, 0.5, 0.5, 1]
    assert found["won"].values[4:].tolist() == [0, 0, 1, 0, 0, 0, 0, 1]
    assert found["orders"].values[-1] == 1.5
    assert found["value"].values[-1] == pytest.approx(35 / 3)
    assert composition.kept_share == pytest.approx(120 / 125)


def test_shares_of_a_quarter_count_what_began_in_it():
    days = ["2023-01-02", "2023-02-01", "2023-03-31T23:00", "2023-04-01"]
    moments = pd.to_datetime(days, format="ISO8601")
    is_done = pd.Series([True, False, False, True])
    found, trials = share_series(pd.Series(moments), is_done, NAMES, SCOPE)
    assert found.values[:2].tolist() == [pytest.approx(1 / 3), 1.0]
    assert trials[:3].tolist() == [3, 1, 0]


def test_the_lever_of_winning_is_the_best_quarter_of_sellers():
    shares = [0.2, 0.3, 0.4, 0.5, np.nan]
    sellers = pd.DataFrame({"shrunk_share": shares, "common_share": 0.35})
    sellers = sellers.assign(shrunk_low_share=sellers["shrunk_share"] - 0.05)
    sellers = sellers.assign(shrunk_high_share=sellers["shrunk_share"] + 0.05)
    found = win_lever(sellers, 0.35, generator())
    assert found.good == pytest.approx(0.425)
    assert 0.35 * np.median(found.draws) == pytest.approx(0.425)
    assert np.quantile(found.draws, 0.9) > found.ratio > np.quantile(found.draws, 0.1)
    assert win_lever(sellers.head(3), 0.35, generator()) is None


def test_the_draws_of_winning_may_bring_less_than_nothing():
    shares = [0.34, 0.35, 0.36, 0.37]
    sellers = pd.DataFrame({"shrunk_share": shares, "common_share": 0.35})
    sellers = sellers.assign(shrunk_low_share=sellers["shrunk_share"] - 0.1)
    sellers = sellers.assign(shrunk_high_share=sellers["shrunk_share"] + 0.1)
    found = win_lever(sellers, 0.35, generator())
    assert found.ratio == pytest.approx(0.3625 / 0.35)
    assert np.median(found.draws) == pytest.approx(found.ratio)
    assert (found.ratios < 1).mean() > 0.2


def test_a_forecast_below_the_present_rate_moves_what_moved_before():
    calm, wild = lever("orders", 1.0), lever("value", 1.0)
    levers = [
        Lever("orders", 2.0, 2.0, calm.draws, "", 0.01),
        Lever("value", 10.0, 10.0, wild.draws, "", 0.03),
        Lever("won", 5.0, 5.0, wild.draws, ""),  # not known how it moves: left where it is
    ]
    found = {x.name: x for x in expected_levers(levers, np.log(0.9), 0.9)}
    assert found["orders"].present == pytest.approx(2 * 0.9**0.25)
    assert found["value"].present == pytest.approx(10 * 0.9**0.75)
    assert found["won"].present == 5.0
    assert found["orders"].ratio * found["value"].ratio == pytest.approx(1 / 0.9)


@given(RATIOS)
@settings(max_examples=60, deadline=None)
def test_parts_of_levers_sum_to_what_they_bring_together(ratios: dict[str, float]):
    parts = lever_parts(START, 900.0, ratios)
    all_ = {name: ratios.get(name, 1.0) for name in LEVERS}
    won = 720 * 0.1 * all_["leads"] * all_["convert"] * all_["win"] * all_["won"]
    whole = (720 * 0.9 * all_["keep"] + won) * all_["orders"] * all_["value"] - 720
    assert sum(parts.values()) == pytest.approx(whole, rel=1e-9, abs=1e-9)
    assert all(part >= -1e-9 for part in parts.values())


def test_a_lever_alone_brings_its_own():
    assert lever_parts(START, 900.0, {"value": 1.1})["value"] == pytest.approx(72.0)
    assert lever_parts(START, 900.0, {"keep": 1.1})["keep"] == pytest.approx(64.8)
    assert lever_parts(START, 900.0, {"leads": 1.5})["leads"] == pytest.approx(36.0)


def steps(bridge) -> pd.Series:
    return bridge.table.set_index("step")["part_amount"]


@given(RATIOS, st.floats(100, 5000))
@settings(max_examples=25, deadline=None)
def test_the_bridge_sums_to_the_cent(ratios: dict[str, float], target: float):
    levers = [lever(name, ratio) for name, ratio in ratios.items()]
    target = round(target, 2)
    found = bridge_of(START, levers, [], target, 0)
    parts = steps(found)
    inner = parts.drop(["together", "target", "open"])
    assert round(inner.sum(), 2) == parts["together"] == found.together_amount
    assert round(parts["together"] + parts["open"], 2) == target


FORECAST = Start(100.0, {"middle": 100.0, "low": 95.0, "high": 105.0}, 1.0, 0.8)


def noisy(name: str, ratio: float, seed: int = 0) -> Lever:
    """A lever of whose size only a middle and a spread are known."""
    noise = np.random.default_rng([seed, 1]).normal(0, 0.05, DRAWS)
    return Lever(name, 1.0, ratio, ratio * np.exp(noise - np.median(noise)), "given")


@pytest.mark.parametrize("good", [1.0, 0.97])
def test_levers_of_nothing_leave_the_chance_to_the_forecast(good: float):
    names = ["keep", "leads", "convert", "win", "orders", "value"]
    levers = [noisy(name, good, seed) for seed, name in enumerate(names)]
    alone = bridge_of(FORECAST, [], [], 105.0, 0)
    found = bridge_of(FORECAST, levers, [], 105.0, 0)
    assert alone.chance_share == pytest.approx(0.1, abs=0.02)
    assert found.chance_share == alone.chance_share
    rows = found.table.set_index("step").loc[names, ["part_low_amount", "part_high_amount"]]
    assert (rows == 0).all(axis=None)


def test_what_is_uncertain_of_a_lever_goes_both_ways():
    found = bridge_of(FORECAST, [noisy("value", 1.02)], [], 105.0, 0)
    row = found.table.set_index("step").loc["value"]
    assert row["part_amount"] == pytest.approx(2.0)
    assert row["part_low_amount"] < 0 < row["part_amount"] < row["part_high_amount"]
    sure = bridge_of(FORECAST, [lever("value", 1.02)], [], 105.0, 0)
    # Below the target more spread helps: a normal of 102 with both spreads reaches it in 0.32.
    assert sure.chance_share < found.chance_share
    assert found.chance_share == pytest.approx(0.32, abs=0.03)


@given(st.lists(st.floats(-0.3, 0.3), min_size=8, max_size=8), st.floats(0, 0.02))
@settings(max_examples=40, deadline=None)
def test_a_measured_lever_lies_within_its_range(changes: list[float], noise: float):
    found = lever_of("orders", series(changes, noise), SCOPE, generator())
    low, high = np.quantile(found.ratios, [0.1, 0.9])
    assert low - 1e-9 <= found.ratio <= high + 1e-9


def test_what_levers_do_not_reach_stays_open():
    found = bridge_of(START, [lever("value", 1.1)], [], 1200.0, 0)
    assert steps(found)["open"] == pytest.approx(1200 - 900 - 72)
    assert found.open_amount > 0
    assert found.chance_share < 0.1
    reached = bridge_of(START, [lever("value", 1.1)], [], 900.0, 0)
    assert reached.open_amount < 0
    assert reached.chance_share > 0.6


def test_without_a_target_or_a_forecast_the_bridge_still_stands():
    bare = Start(1000.0, None, 1.0, 1.0)
    found = bridge_of(bare, [lever("orders", 1.2)], [], float("nan"), 0)
    assert steps(found).to_dict() == {"rate": 1000.0, "orders": 200.0, "together": 1200.0}
    assert np.isnan(found.chance_share)
    assert lever_bridge_chart(found.table, SCOPE).svg.startswith("<svg")


def means(amount: float, is_capped: bool) -> Means:
    return Means("plan", "A plan", ("value",), amount, np.full(DRAWS, amount), "", is_capped)


def test_a_means_is_taken_off_its_lever_and_never_counts_twice():
    levers = [lever("value", 1.1), lever("keep", 1.1)]
    without = steps(bridge_of(START, levers, [], 1200.0, 0))
    small = steps(bridge_of(START, levers, [means(30.0, False)], 1200.0, 0))
    assert small["plan"] == 30.0
    assert small["value"] == pytest.approx(without["value"] - 30, abs=0.01)
    assert small["together"] == pytest.approx(without["together"], abs=0.02)
    offers = steps(bridge_of(START, levers, [means(900.0, True)], 1200.0, 0))
    assert (offers["plan"], offers["value"]) == (without["value"], 0.0)
    larger = steps(bridge_of(START, levers, [means(900.0, False)], 1200.0, 0))
    assert larger["plan"] == 900.0
    assert larger["value"] == 0.0


def test_a_means_that_loses_takes_nothing_off_its_lever():
    levers = [lever("value", 1.1), lever("keep", 1.1)]
    without = steps(bridge_of(START, levers, [], 1200.0, 0))
    found = steps(bridge_of(START, levers, [means(-30.0, False)], 1200.0, 0))
    assert found["plan"] == -30.0
    assert (found["value"], found["keep"]) == (without["value"], without["keep"])
    assert found["together"] == pytest.approx(without["together"] - 30, abs=0.01)
    inner = found.drop(["together", "target", "open"])
    assert round(inner.sum(), 2) == found["together"]


def test_what_a_means_may_lose_is_in_the_range_and_in_the_chance():
    draws = np.random.default_rng(1).normal(10, 40, DRAWS)
    plan = Means("plan", "A plan", ("value",), 10.0, draws, "", is_capped=False)
    found = bridge_of(START, [], [plan], 1000.0, 0)
    row = found.table.set_index("step").loc["plan"]
    assert row["part_low_amount"] == pytest.approx(10 - 1.2816 * 40, abs=5)
    assert row["part_high_amount"] == pytest.approx(10 + 1.2816 * 40, abs=5)
    ends = found.table.set_index("step").loc["together"]
    assert ends["part_low_amount"] < 800


def test_offers_take_nothing_off_a_lever_that_brings_nothing():
    fallen = Lever("value", 1.0, 1.1, np.repeat([0.9, 1.3], DRAWS // 2), "given")
    alone = bridge_of(START, [fallen], [], 1200.0, 0)
    with_offers = bridge_of(START, [fallen], [means(30.0, True)], 1200.0, 0)
    ends = ["part_amount", "part_low_amount", "part_high_amount"]
    whole = [b.table.set_index("step").loc["together", ends] for b in (alone, with_offers)]
    assert whole[0].tolist() == pytest.approx(whole[1].tolist(), abs=0.02)


@pytest.mark.parametrize(
    ("driver", "name"),
    [("order_amount", "value"), ("proposal_pass_share", "win"), ("admin_time_share", "")],
)
def test_an_improvement_is_a_means_of_the_lever_that_it_acts_on(driver: str, name: str):
    assert lever_of_driver(driver) == name


def improvements() -> tuple[pd.DataFrame, pd.DataFrame]:
    plans = pd.DataFrame(
        {
            "improvement_id": ["M1", "M2", "M3", "M4"],
            "effective_on": pd.to_datetime(
                ["2025-06-01", "2026-02-15", "2026-01-01", "2027-01-01"]
            ),
        }
    )
    before = plans[["improvement_id"]].assign(
        name=["Works", "Delivery", "Hours", "Later"],
        driver=["order_amount", "order_amount", "admin_time_share", "order_amount"],
        value_low_amount=40.0,
        value_mid_amount=80.0,
        value_high_amount=120.0,
    )
    return plans, before


def test_only_improvements_yet_to_come_are_counted_for_their_days():
    plans, before = improvements()
    made = Result("improvements", "", "2025Q4", SCOPE.as_of, tables={"before": before})
    chapters = Chapters({"strategy/improvements": made})
    found, said = means_of(Sales(improvements=plans), chapters, [], 0.4, SCOPE, 0)
    assert [m.step for m in found] == ["improvement M2"]
    # Half of the quarter (45 of 90 days) of a quarter of 80 of margin, put back into revenue.
    assert found[0].amount == pytest.approx(80 / 0.4 / 4 * 45 / 90)
    texts = " ".join(said)
    assert "(1) are in the present rate" in texts
    assert "no lever: Hours" in texts


def test_an_improvement_that_may_lose_is_drawn_with_its_losses_and_by_the_seed():
    plans, before = improvements()
    before = before.assign(value_low_amount=-80.0, value_mid_amount=-20.0, value_high_amount=40.0)
    made = Result("improvements", "", "2025Q4", SCOPE.as_of, tables={"before": before})
    chapters, sales = Chapters({"strategy/improvements": made}), Sales(improvements=plans)
    drawn = [means_of(sales, chapters, [], 1.0, SCOPE, seed)[0][0] for seed in (0, 0, 1)]
    part = 45 / 90 / 4
    assert drawn[0].amount == pytest.approx(-20 * part)
    ends = np.quantile(drawn[0].draws, [0.1, 0.5, 0.9]) / part
    assert ends == pytest.approx([-80, -20, 40], abs=8)
    assert (drawn[0].draws == drawn[1].draws).all()
    assert not (drawn[0].draws == drawn[2].draws).any()


def offers_of(rows: list[tuple], scope: Scope = SCOPE, seed: int = 0) -> Means:
    columns = ["customer_id", "product_category", "chance_share", "expected_amount"]
    offers = pd.DataFrame(rows, columns=columns)
    made = Result("growth", "", "2025Q4", SCOPE.as_of, tables={"next_services": offers})
    chapters = Chapters({"customers/growth": made})
    found, _ = means_of(Sales(), chapters, [], float("nan"), scope, seed)
    return found[0]


TWO_OFFERS = [("ada", "pumps", 0.5, 100.0), ("bob", "pumps", 0.1, 20.0)]


def test_offers_bring_their_chance_of_a_year_for_the_period():
    quarter, year = offers_of(TWO_OFFERS), offers_of(TWO_OFFERS, YEAR)
    assert (quarter.amount, year.amount) == (30.0, 120.0)
    assert quarter.is_capped
    assert (quarter.draws >= 0).all()


def test_of_offers_to_a_customer_in_one_category_only_the_best_counts():
    others = [("ada", "pumps", 0.9, 90.0), ("ada", "pumps", 0.2, 100.0), ("ada", "pipes", 1.0, 8.0)]
    found = offers_of([*others, *TWO_OFFERS])
    assert found.amount == 32.0
    assert found.source.startswith("3 offers")
    shuffled = offers_of([*TWO_OFFERS, *reversed(others)])
    assert shuffled.amount == found.amount
    assert (shuffled.draws == found.draws).all()


def test_draws_of_offers_bring_in_the_mean_what_is_expected():
    rows = [(f"c{n}", "pumps", 0.1, 40.0) for n in range(20)]
    found = offers_of(rows)
    # Twenty offers of 100 in the quarter, each with a chance of a tenth.
    assert found.amount == pytest.approx(200.0)
    assert found.draws.mean() == pytest.approx(200.0, abs=3 * 134 / np.sqrt(DRAWS))
    assert found.draws.std() == pytest.approx(np.sqrt(20 * 0.1 * 0.9) * 100, rel=0.1)
    assert not (found.draws == offers_of(rows, seed=1).draws).any()
    certain = offers_of([("ada", "pumps", 1.0, 40.0)])
    assert (certain.draws == 10.0).all()


def test_leads_and_deals_split_the_customers_won():
    business = Business(customer_periods(), pd.DataFrame())
    days = pd.to_datetime([f"{q[:4]}-{int(q[5]) * 3 - 1:02d}-10" for q in NAMES for _ in range(9)])
    leads = pd.DataFrame({"created_at": days, "converted_at": days + pd.Timedelta(days=3)})
    deals = pd.DataFrame({"closed_at": days, "is_closed": True, "is_won": [True, False, True] * 36})
    found, _ = levers_of(business, Sales(deals, leads), Chapters(), NAMES, SCOPE, 0)
    names = [x.name for x in found]
    assert names == ["keep", "leads", "convert", "win", "orders", "value"]
    assert found[1].present == pytest.approx(9.0)
    assert found[2].present == 1.0
    assert found[3].present == pytest.approx(2 / 3)
    plain, _ = levers_of(business, Sales(), Chapters(), NAMES, SCOPE, 0)
    assert [x.name for x in plain] == ["keep", "won", "orders", "value"]


def test_a_first_quarter_that_is_not_whole_is_left_out():
    days = pd.DataFrame({"day": pd.to_datetime(["2023-02-01", "2023-04-01"])})
    quarters = pd.Series([1.0, 2.0], index=["2023Q1", "2023Q2"])
    assert whole_quarters(days, quarters, SCOPE) == ["2023Q2"]
    whole = days.assign(day=pd.to_datetime(["2023-01-02", "2023-04-01"]))
    assert whole_quarters(whole, quarters, SCOPE) == ["2023Q1", "2023Q2"]
