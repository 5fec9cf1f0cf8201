"""The base's potential: sums agree to the cent, ranges hold what errors share, and wallets."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.core.periods import FiscalCalendar
from analysis.core.problems import SettingsError
from analysis.core.scope import Scope
from analysis.strategy.base_potential import (
    Base,
    BasePotentialOptions,
    Known,
    base_potential,
)
from analysis.strategy.base_potential_rows import NO_CATEGORY, category_rows, customer_rows, pooled
from analysis.strategy.base_potential_shocks import (
    Spread,
    assumed_shock,
    company_errors,
    group_errors,
    learn_shock,
    sum_interval,
)
from analysis.strategy.base_potential_wallet import known_wallets, wallet_of_all

CALENDAR = FiscalCalendar()
SCOPE = Scope(CALENDAR.parse("2025Q4"), CALENDAR)
COUNT = 120
IDS = [f"C{n:03}" for n in range(COUNT)]
SMALL = BasePotentialOptions(fewest_customers=5, fewest_wallets=5)


def growth(**changes: object) -> pd.DataFrame:
    """Customers expected to buy 1,000 and more; every fourth buys what peers buy."""
    place = np.arange(COUNT)
    forecast = 1000.0 + 20 * place
    gap = np.where(place % 4 == 0, 0.0, 100.01 + place)
    table = pd.DataFrame(
        {
            "customer_id": IDS,
            "forecast_year_amount": forecast,
            "forecast_year_low_amount": forecast - 300,
            "forecast_year_high_amount": forecast + 400,
            "potential_year_amount": forecast + gap,
            "gap_year_amount": gap,
        }
    )
    return table.assign(**changes)


def categories() -> pd.DataFrame:
    """Tools and wear each ask for 60 % of the gap: together too much, for they meet one need."""
    gap = growth()["gap_year_amount"].to_numpy()
    parts = [
        pd.DataFrame({"customer_id": IDS, "product_category": name, "gap_year_amount": share * gap})
        for name, share in (("tools", 0.6), ("wear", 0.6))
    ]
    return pd.concat(parts, ignore_index=True)


def base(**changes: object) -> Base:
    place = np.arange(COUNT)
    customers = pd.DataFrame({"customer_id": IDS, "region_id": np.where(place < 80, "N", "S")})
    features = pd.DataFrame(
        {
            "customer_id": IDS,
            # One in five above the mark, by a little; the others well below it.
            "revenue_year_amount": growth()["potential_year_amount"]
            * np.where(place % 5 == 0, 1.05, 0.8),
            "order_day_year_count": np.where(place % 3 == 0, 1, 6),
        }
    )
    return replace(Base(customers, features), **changes)


def known(**changes: object) -> Known:
    names = np.where(np.arange(COUNT) % 2 == 0, "Often", "Rarely")
    segments = pd.DataFrame({"customer_id": IDS, "segment_name": names})
    return replace(Known(growth(), categories(), backtest=backtest(), segments=segments), **changes)


def backtest(errors: tuple[float, ...] = (-0.05, 0.04, 0.02, -0.03)) -> pd.DataFrame:
    forecast = 100_000.0
    return pd.DataFrame(
        {
            "model": "this forecast",
            "amount_kind": "revenue",
            "customer_count": COUNT,
            "forecast_amount": forecast,
            "actual_amount": forecast * np.exp(np.array(errors)),
            "rmse_amount": 100.0,
        }
    )


def found(**changes: object):
    options = changes.pop("options", SMALL)
    return base_potential(base(), known(**changes), scope=SCOPE, options=options)


def cents(table: pd.DataFrame) -> int:
    return int(np.rint(table["gap_year_amount"] * 100).sum())


def test_segments_regions_and_categories_each_sum_to_the_total_to_the_cent():
    tables = found().tables
    whole = cents(pd.DataFrame({"gap_year_amount": growth()["gap_year_amount"]}))
    for name in ("total", "segments", "regions", "categories"):
        assert cents(tables[name]) == whole
        assert (tables[name]["gap_year_low_amount"] <= tables[name]["gap_year_amount"]).all()
        assert (tables[name]["gap_year_high_amount"] >= tables[name]["gap_year_amount"]).all()


@given(
    gaps=st.lists(st.integers(0, 10**7), min_size=1, max_size=12),
    asked=st.lists(st.integers(0, 10**7), min_size=1, max_size=4),
)
@settings(max_examples=20, deadline=None)
def test_categories_sum_to_the_customer_whatever_they_ask(gaps: list[int], asked: list[int]):
    rows = pd.DataFrame({"customer_id": [f"{n:02}" for n in range(len(gaps))], "gap_cents": gaps})
    table = pd.DataFrame(
        [
            {"customer_id": who, "product_category": f"k{n}", "gap_year_amount": amount / 100}
            for who in rows["customer_id"]
            for n, amount in enumerate(asked)
        ]
    )
    split = category_rows(rows, table).groupby("customer_id")["gap_cents"].sum()
    assert split.reindex(rows["customer_id"], fill_value=0).tolist() == gaps
    assert (category_rows(rows, table)["gap_cents"] > 0).all()


def test_substitutes_are_not_added_twice():
    tables = found().tables["categories"].set_index("product_category")
    gap = growth()["gap_year_amount"].sum()
    assert set(tables.index) == {"tools", "wear"}
    assert tables["gap_year_amount"].to_numpy() == pytest.approx([gap / 2] * 2, abs=0.5)


def test_what_no_category_asks_for_is_said_and_not_lost():
    half = categories().query("product_category == 'tools'")
    table = found(potential_categories=half).tables["categories"].set_index("product_category")
    gap = growth()["gap_year_amount"].sum()
    assert table.loc[NO_CATEGORY, "gap_year_amount"] == pytest.approx(0.4 * gap, abs=1)
    whole = found(potential_categories=None).tables["categories"]
    assert whole["product_category"].tolist() == [NO_CATEGORY]


def test_of_several_offers_of_one_category_only_the_best_is_added():
    offers = pd.DataFrame(
        {
            "customer_id": ["C001", "C001", "C002"],
            "product_category": ["tools", "tools", "tools"],
            "expected_amount": [5.0, 7.0, 2.0],
        }
    )
    table = found(next_services=offers).tables["categories"].set_index("product_category")
    # 7 and 2 of what growth expects in a year are 2.25 in the quarter that comes.
    assert table.loc["tools", ["offered_count", "expected_amount"]].tolist() == [2, 2.25]
    assert table.loc["wear", "expected_amount"] == 0


def test_the_decision_on_a_category_is_worth_what_its_offers_bring_in_a_quarter():
    offers = pd.DataFrame({"customer_id": IDS, "expected_amount": 40.0})
    offers = pd.concat([offers.assign(product_category=name) for name in ("tools", "wear")])
    first = found(next_services=offers).decisions[0]
    assert "next quarter's offers are worth what stands beside" in first.text
    assert first.worth_amount == 40.0 * COUNT / 4


def test_saturated_customers_add_exactly_nothing():
    result = found()
    total = result.tables["total"].iloc[0]
    assert total["saturated_count"] == COUNT // 4
    without = growth()[growth()["gap_year_amount"] > 0]
    alone = found(customer_growth=without).tables["total"].iloc[0]
    ends = ["gap_year_amount", "gap_year_low_amount", "gap_year_high_amount"]
    # The level of the mark is learnt from all customers, the saturated ones too.
    assert alone[ends[0]] == total[ends[0]]
    nothing = growth(gap_year_amount=0.0, potential_year_amount=growth()["forecast_year_amount"])
    empty = found(customer_growth=nothing)
    assert empty.tables["total"].iloc[0][ends].tolist() == [0, 0, 0]
    assert "nothing is left" in empty.findings[0].text


def test_small_groups_are_pooled_and_a_pool_is_never_small():
    names = pd.Series(["a"] * 30 + ["b"] * 3 + ["c"] * 2 + ["d"] * 9)
    everybody = pd.Series(True, index=names.index)
    assert pooled(names, everybody, 5).value_counts().to_dict() == {
        "a": 30,
        "d": 9,
        "All others": 5,
    }
    assert pooled(names, everybody, 8).value_counts().to_dict() == {"a": 30, "All others": 14}
    # One small group takes the next smallest with it.
    kept = names[names != "b"]
    assert set(pooled(kept, everybody[kept.index], 5)) == {"a", "All others"}


FORECAST = np.random.default_rng(1).lognormal(7, 1, 300)
OWN = 0.8 * FORECAST
GAP = 0.4 * FORECAST


def coverage(shared: float, totals: int, worlds: int = 400) -> float:
    """Share of worlds in which the range of the sum holds it; the shared error is to be learnt."""
    draw = np.random.default_rng(7)
    whole, own = FORECAST.sum(), np.sqrt((OWN**2).sum())
    held = 0
    for _ in range(worlds):
        past = draw.normal(0, np.hypot(own / whole, shared), totals)
        company = learn_shock(past, np.full(totals, own / whole), 0.25)
        spread = Spread(own, whole, 0.0)
        low, high = sum_interval(GAP.sum(), spread, company, assumed_shock(0.0))
        error = FORECAST @ np.full(300, shared * draw.normal()) + OWN @ draw.normal(size=300)
        held += low <= GAP.sum() + error <= high
    return held / worlds


# Binomial error of 400 worlds: 2 points; the own error of the total is 6.5 %.
@pytest.mark.parametrize("shared", [0.0, 0.065, 0.3], ids=["independent", "half", "fully common"])
def test_ranges_of_sums_hold_at_the_stated_rate_when_the_shared_error_is_known_well(shared: float):
    assert coverage(shared, totals=60) == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize("shared", [0.0, 0.065, 0.3], ids=["independent", "half", "fully common"])
def test_with_seven_earlier_totals_ranges_hold_at_least_seven_times_in_ten(shared: float):
    assert 0.7 <= coverage(shared, totals=7) <= 0.92


def test_a_shared_error_makes_a_sum_wider_than_independence_and_never_wider_than_all_ends():
    alone = sum_interval(1000.0, Spread(50.0, 1000.0, 0.0), assumed_shock(0.0), assumed_shock(0.0))
    shared = sum_interval(1000.0, Spread(50.0, 1000.0, 0.0), assumed_shock(0.1), assumed_shock(0.0))
    assert alone == pytest.approx((1000 - 64.08, 1000 + 64.08), abs=0.1)
    assert shared[1] - shared[0] == pytest.approx(2 * 1.2816 * np.hypot(50, 100), rel=1e-3)
    assert (
        sum_interval(10.0, Spread(50.0, 0.0, 0.0), assumed_shock(0.0), assumed_shock(0.0))[0] == 0
    )


def test_the_shared_error_is_read_off_from_totals_beyond_what_customers_explain():
    errors, own = company_errors(backtest())
    assert errors == pytest.approx([-0.05, 0.04, 0.02, -0.03])
    assert own == pytest.approx([np.sqrt(COUNT) * 100 / 100_000] * 4)
    quiet = learn_shock(np.full(40, 0.01), np.full(40, 0.05), 0.25)
    loud = learn_shock(np.tile([0.2, -0.2], 20), np.full(40, 0.05), 0.25)
    assert quiet.usual < 0.03
    assert loud.usual == pytest.approx(0.2, abs=0.03)
    unseen = learn_shock(np.empty(0), np.empty(0), 0.25)
    assert (unseen.usual, unseen.times) == (0.25, 0)


def origins(shock: float, seed: int = 0) -> pd.DataFrame:
    """Six quarter ends, six regions of 50 customers who buy 100 a quarter, give or take."""
    draw = np.random.default_rng(seed)
    names = np.repeat([f"R{n}" for n in range(6)], 50)
    parts = []
    for number in range(6):
        level = np.exp(shock * draw.normal(size=6)).repeat(50)
        part = {"region_id": names, "revenue_year_amount": 400.0, "origin": f"2024Q{number}"}
        came = 100 * level * draw.lognormal(0, 0.3, 300)
        parts.append(pd.DataFrame(part).assign(next_quarter_amount=came))
    return pd.concat(parts, ignore_index=True)


def test_how_far_regions_move_apart_is_found_in_earlier_quarters():
    assert learn_shock(*group_errors(origins(0.0), "region_id", 20), 0.25).usual < 0.03
    found_ = learn_shock(*group_errors(origins(0.15), "region_id", 20), 0.25).usual
    assert found_ == pytest.approx(0.15, abs=0.05)
    assert not len(group_errors(origins(0.1).assign(origin="2024-05-31"), "region_id", 20)[0])
    assert not len(group_errors(None, "region_id", 20)[0])


def answers(wallet: float = 4000.0, count: int = 30) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": IDS[:count],
            "known_on": pd.Timestamp("2025-11-01"),
            "wallet_amount": wallet,
            "source": "asked",
        }
    )


def test_the_wallet_of_regular_customers_comes_from_those_who_said_theirs():
    result = base_potential(base(customer_wallets=answers()), known(), scope=SCOPE, options=SMALL)
    number = result.headline["wallet_share"]
    assert number.low < number.value < number.high < 0.5
    assert any("goes elsewhere" in finding.text for finding in result.findings)
    assert not result.unknown


def test_an_answer_below_what_somebody_buys_from_us_counts_and_is_said():
    both = pd.concat([answers(), answers(wallet=10.0, count=3).assign(known_on="2025-12-01")])
    both["known_on"] = pd.to_datetime(both["known_on"])
    result = base_potential(base(customer_wallets=both), known(), scope=SCOPE, options=SMALL)
    said = "2 of 20 answers are below what the customer buys from us, and counted as said."
    assert said in [finding.text for finding in result.findings]
    assert "20 answers" in result.findings[-2].detail
    later = both.assign(known_on=pd.Timestamp("2026-01-01"))
    later = base_potential(base(customer_wallets=later), known(), scope=SCOPE, options=SMALL)
    assert later.tables["wallets"].empty
    assert "not known" in later.unknown[0]


def test_our_share_of_the_wallet_is_withheld_where_one_answer_in_four_is_below():
    many = pd.concat([answers(count=21), answers(wallet=10.0).iloc[21:]])
    result = base_potential(base(customer_wallets=many), known(), scope=SCOPE, options=SMALL)
    texts = [finding.text for finding in result.findings]
    assert any("6 of 20 answers are below" in text and "withheld" in text for text in texts)
    assert "wallet_share" not in result.headline
    assert "too many answers" in result.unknown[0]
    assert any("regular customers again, drawn by lot" in d.text for d in result.decisions)


def test_few_answers_give_no_wallet():
    rows = customer_rows(base(), known())
    said = known_wallets(answers(count=6), rows, pd.Timestamp("2025-12-31"))
    assert len(said) == 4  # every third orders on one day only
    assert wallet_of_all(said, rows, 5) is None
    assert wallet_of_all(said, rows, 4).answers == 4


def wallet_world(draw: np.random.Generator) -> bool:
    """Whether the range holds the wallet of 500 customers whose share of wallet varies widely."""
    bought = draw.lognormal(7, 1.2, 500)
    wallet = bought / draw.beta(4, 4, 500)
    rows = pd.DataFrame(
        {"customer_id": [f"{n:03}" for n in range(500)], "order_day_year_count": 5.0}
    ).assign(revenue_year_amount=bought)
    asked = np.sort(draw.permutation(500)[:60])
    table = pd.DataFrame({"customer_id": rows["customer_id"].iloc[asked]}).assign(
        wallet_amount=wallet[asked], known_on=pd.Timestamp("2025-01-01"), source="asked"
    )
    said = known_wallets(table, rows, pd.Timestamp("2025-12-31"))
    reach = wallet_of_all(said, rows, 20)
    return reach.low <= wallet.sum() <= reach.high


def test_the_sum_of_wallets_is_held_at_the_stated_rate():
    draw = np.random.default_rng(5)
    held = np.mean([wallet_world(draw) for _ in range(100)])
    assert 0.7 <= held <= 0.9


def answered(draw: np.random.Generator, share: float, error: float) -> tuple[float, bool]:
    """Our share of the wallet from 60 unbiased answers, and whether its range holds the truth."""
    bought = draw.lognormal(7, 1, 500)
    rows = pd.DataFrame({"customer_id": [f"{n:03}" for n in range(500)]})
    rows = rows.assign(revenue_year_amount=bought, order_day_year_count=5.0)
    asked = np.sort(draw.permutation(500)[:60])
    said = bought[asked] / share * (1 + error * draw.normal(size=60)).clip(0.05)
    table = pd.DataFrame({"customer_id": rows["customer_id"].iloc[asked], "wallet_amount": said})
    table = table.assign(known_on=pd.Timestamp("2025-01-01"), source="asked")
    found_ = wallet_of_all(known_wallets(table, rows, pd.Timestamp("2025-12-31")), rows, 20)
    if found_ is None:
        return np.nan, False
    return found_.revenue / found_.mid, found_.low <= bought.sum() / share <= found_.high


def test_unbiased_answers_give_the_true_share_though_some_lie_below_what_is_bought():
    draw = np.random.default_rng(3)
    shares, held = np.array([answered(draw, 0.75, 0.25) for _ in range(100)]).T
    kept = np.isfinite(shares)
    assert kept.mean() > 0.8
    assert shares[kept].mean() == pytest.approx(0.75, abs=0.015)
    # 12 points are three binomial deviations.
    assert held[kept].mean() == pytest.approx(0.8, abs=0.12)


def test_where_a_third_of_unbiased_answers_must_lie_below_the_share_is_mostly_withheld():
    draw = np.random.default_rng(3)
    assert np.mean([np.isnan(answered(draw, 0.9, 0.25)[0]) for _ in range(50)]) > 0.7


def test_the_sum_is_withheld_where_the_mark_tells_no_more_than_one_amount_for_all():
    one = growth(potential_year_amount=1e6)
    one = one.assign(gap_year_amount=one["potential_year_amount"] - one["forecast_year_amount"])
    assert "no better than one amount for everybody" in found(customer_growth=one).unavailable
    rich = base()
    rich = replace(
        rich,
        customer_features=rich.customer_features.assign(
            revenue_year_amount=5000.0 + np.arange(COUNT)
        ),
    )
    high = base_potential(rich, known(), scope=SCOPE, options=SMALL)
    assert "withheld" in high.unavailable


def test_own_best_quarters_that_lie_closer_are_said_so():
    quarters = [f"2025Q{n}" for n in (1, 2, 3, 4)]
    year = base().customer_features.set_index("customer_id")["revenue_year_amount"]
    periods = pd.DataFrame(
        [(who, name, year[who] / 4) for who in IDS for name in quarters],
        columns=["customer_id", "period", "revenue_amount"],
    )
    result = base_potential(base(customer_periods=periods), known(), scope=SCOPE, options=SMALL)
    assert "own best quarters lie closer" in result.findings[0].detail
    table = result.tables["yardsticks"].set_index("yardstick")["loss_amount"]
    assert table["own best quarters"] == 0


def test_what_is_missing_is_said():
    assert "found too little" in found(customer_growth=None).unavailable
    few = growth(gap_year_amount=np.nan, potential_year_amount=np.nan)
    sentence = found(customer_growth=few).unavailable
    assert "300 customers who have ordered, and 120 are known" in sentence


def test_without_earlier_quarters_the_shared_error_is_assumed_and_said():
    seen, unseen = found(), found(backtest=None)
    assert any("assumed" in text for text in unseen.caveats)
    width = [r.headline["gap"].high - r.headline["gap"].low for r in (seen, unseen)]
    assert width[1] > width[0]


def test_findings_are_ordered_by_money_and_none_is_ranked_for_the_first_screen():
    result = found()
    values = [f.value for f in result.findings if f.metric.startswith("gap_year")]
    assert values == sorted(values, reverse=True)
    assert all(f.rank == 0 for f in result.findings)
    assert all(d.owner and d.due_on for d in result.decisions)


def test_leaves_its_input_unchanged_and_row_order_changes_nothing():
    mine, theirs = base(customer_wallets=answers()), known()
    first = base_potential(mine, theirs, scope=SCOPE, options=SMALL)
    pd.testing.assert_frame_equal(theirs.customer_growth, growth())
    mixed = Known(
        *(None if t is None else t.sample(frac=1, random_state=2) for t in vars(theirs).values())
    )
    other = replace(mine, customers=mine.customers.sample(frac=1, random_state=3))
    second = base_potential(other, mixed, scope=SCOPE, options=SMALL)
    for name, table in first.tables.items():
        pd.testing.assert_frame_equal(table, second.tables[name])
    assert first.charts["gaps"].svg == second.charts["gaps"].svg


def test_impossible_options_are_refused():
    with pytest.raises(SettingsError, match="assumed_shock_share"):
        BasePotentialOptions(assumed_shock_share=2)
