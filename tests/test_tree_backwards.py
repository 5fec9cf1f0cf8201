"""What a target takes backwards: stages, leads, people by role, and whether there are enough."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.strategy.tree_backwards import (
    Selling,
    Stage,
    need_draws,
    need_table,
    pipeline_enough,
    plain_need,
    plain_yield,
    selling_of,
    stages_of,
)
from analysis.strategy.tree_people import Plan, Role, enough_share, people_table, roles_of

AS_OF = pd.Timestamp("2025-12-31")
RATES = {"value": 100.0, "stages": (0.8, 0.5, 0.625), "convert_share": 0.5}
STAGES = (Stage("Talk", 320, 80), Stage("Offer", 160, 160), Stage("Sign", 100, 60))


def selling(stages: tuple[Stage, ...] = ()) -> Selling:
    return Selling(40, 160, np.linspace(80, 120, 41), 400, 200, stages)


SHARES = st.floats(0.01, 1)


@given(st.floats(1, 1e7), st.lists(SHARES, min_size=1, max_size=6), SHARES, st.floats(1, 1e5))
def test_the_way_back_and_the_way_forward_meet(
    amount: float, stages: list[float], convert: float, value: float
):
    rates = {"value": value, "stages": tuple(stages), "convert_share": convert}
    need = plain_need(amount, rates)
    assert plain_yield(need["leads"], rates) == pytest.approx(amount)
    reached = [need[f"stage{n + 1}"] for n in range(len(stages))]
    for place, share in enumerate(stages):
        passed = reached[place + 1] if place + 1 < len(reached) else need["won"]
        assert reached[place] * share == pytest.approx(passed)


def test_the_plain_column_is_the_worked_division_and_ranges_hold_it():
    table = need_table(10_000.0, selling(STAGES), seed=0).set_index("step")
    plain = plain_need(10_000.0, RATES)
    assert plain["won"] == 100
    assert plain["stage1"] == pytest.approx(400)
    steps = {"won": "won", "stage3": "stage3", "stage2": "stage2", "opened": "stage1"}
    for step, name in (steps | {"leads": "leads"}).items():
        row = table.loc[step]
        assert row["plain"] == pytest.approx(plain[name], rel=1e-6)
        assert row["need_low"] < row["plain"] < row["need_high"]
    assert table.index.tolist() == ["revenue", "won", "stage3", "stage2", "opened", "leads"]
    assert table.loc["opened", "name"] == "deals to open (to Talk)"
    widths = (table["need_high"] / table["need_low"]).iloc[1:].tolist()
    assert widths == sorted(widths)  # each step adds what is not known of it


def test_without_stages_the_share_won_is_one_step():
    table = need_table(10_000.0, selling(), seed=0, expected_amount=5000.0).set_index("step")
    assert table.loc["opened", "plain"] == pytest.approx(400)
    assert table.loc["leads", "plain"] == pytest.approx(800)
    assert table.loc["won", "expected_need"] == pytest.approx(table.loc["won", "need_mid"] / 2)
    assert table.loc["won", "usual"] == 10


@given(st.floats(1, 1e6), st.floats(1, 10))
@settings(max_examples=20, deadline=None)
def test_a_larger_gap_never_takes_less(amount: float, times: float):
    small = need_table(amount, selling(STAGES), 0)
    large = need_table(amount * times, selling(STAGES), 0)
    for column in ("plain", "need_low", "need_mid", "need_high"):
        assert (large[column] >= small[column] * (1 - 1e-12)).all()


def test_little_data_or_nothing_missing_works_back_nothing():
    assert need_table(100.0, Selling(4, 10, np.ones(4), 0, 0), 0).empty
    assert need_table(0.0, selling(), 0).empty
    without_leads = Selling(40, 160, np.ones(40), 0, 0)
    assert need_table(100.0, without_leads, 0)["step"].tolist() == ["revenue", "won", "opened"]


def test_stages_come_in_their_order_and_one_never_passed_leaves_them_out():
    table = pd.DataFrame(
        {
            "stage_order": [2, 1],
            "stage_name": ["Offer", "Talk"],
            "passed_count": [30, 60],
            "lost_count": [30, 40],
            "open_count": [5, 7],
        }
    )
    assert stages_of(table) == (Stage("Talk", 60, 40, 7), Stage("Offer", 30, 30, 5))
    assert stages_of(table.assign(passed_count=[0, 60])) == ()
    assert stages_of(None) == ()


def test_selling_counts_only_what_was_known():
    moments = ["2025-03-01", "2025-06-01", "2026-02-01", None, "2023-01-01"]
    deals = pd.DataFrame(
        {
            "is_closed": [True, True, True, False, True],
            "is_won": [True, False, True, False, True],
            "closed_at": pd.to_datetime(moments),
            "value_amount": [10.0, 20.0, 30.0, 40.0, 50.0],
        }
    )
    leads = pd.DataFrame(
        {
            "created_at": pd.to_datetime(["2025-02-01", "2025-02-01", "2025-12-20"]),
            "converted_at": pd.to_datetime(["2025-03-01", "2026-03-01", "2025-12-25"]),
        }
    )
    found = selling_of(deals, leads, AS_OF)
    assert (found.won_count, found.closed_count, found.values.tolist()) == (1, 2, [10.0])
    assert (found.lead_count, found.converted_count) == (2, 1)


PIPELINE = {"middle": 100.0, "low": 70.0, "high": 140.0}


@pytest.mark.parametrize(("wanted", "chance"), [(100.0, 0.5), (70.0, 0.9), (140.0, 0.1)])
def test_the_pipeline_is_enough_with_the_chance_of_its_range(wanted: float, chance: float):
    assert pipeline_enough(wanted, PIPELINE) == pytest.approx(chance)


def test_without_a_pipeline_forecast_its_chance_is_not_known():
    assert np.isnan(pipeline_enough(100.0, None))
    assert np.isnan(pipeline_enough(100.0, dict.fromkeys(PIPELINE, 100.0)))


def reps() -> pd.DataFrame:
    rows = [
        ("a", "hunter", None, None, 1.0),
        ("b", "hunter", "2025-07-02", None, 1.0),  # half a year
        ("c", "hunter", None, "2025-07-01", 1.0),  # the other half, gone
        ("d", "inside", None, None, 0.5),
        ("e", "manager", None, None, 1.0),
        ("f", None, None, None, None),
    ]
    table = pd.DataFrame(rows, columns=["rep_id", "role", "hired_on", "left_on", "fte_share"])
    return table.astype({"hired_on": "datetime64[s]", "left_on": "datetime64[s]"})


def deals(*owners: str) -> pd.DataFrame:
    table = pd.DataFrame({"rep_id": owners, "is_closed": True, "is_won": True})
    return table.assign(closed_at=pd.Timestamp("2025-05-05"), value_amount=1.0)


def test_each_role_is_measured_by_what_it_does_in_the_time_it_was_there():
    leads = pd.DataFrame({"rep_id": ["d"] * 25 + ["e"], "created_at": pd.Timestamp("2025-03-03")})
    leads = leads.assign(converted_at=pd.NaT)
    found = roles_of(deals(*"aaaabbbbcc", *"ffffff"), leads, reps(), AS_OF)
    names = {role.name: role for role in found}
    assert sorted(names) == ["hunter", "inside", "role not known"]
    hunter, inside = names["hunter"], names["inside"]
    assert (hunter.work, hunter.done_count, hunter.have) == ("deals", 10, 2.0)
    assert hunter.full_time_quarters == pytest.approx(8.0, abs=0.05)
    assert (inside.work, inside.done_count, inside.have) == ("leads", 25, 0.5)


PLAN = Plan(ramp_months=0.0, leaving_share=0.0, sure_share=0.8)


def test_plain_people_are_the_work_divided_by_the_pace():
    # 22 deals a month each: 66 a month are three people, 132 six.
    role = Role("seller", "deals", 264 * 3, 4.0 * 3, 3.0)
    for extra, people in ((0.0, 3.0), (198.0, 6.0)):
        row = people_table((role,), {"deals": np.full(4000, extra)}, PLAN, 0).iloc[0]
        assert row["plain_people"] == pytest.approx(people)
        assert row["people_low"] < people < row["people_high"]


def test_to_be_sure_takes_more_people_than_division_and_learning_more_still():
    role = Role("seller", "deals", 264 * 3, 4.0 * 3, 3.0)
    extra = {"deals": np.full(4000, 198.0)}
    plain = people_table((role,), extra, PLAN, 0).iloc[0]
    learning = people_table((role,), extra, Plan(6.0, 0.15, 0.8), 0).iloc[0]
    assert 3 < plain["people_for_sure"] < learning["people_for_sure"]
    assert plain["enough_share"] < 0.01


def test_roles_share_the_extra_by_what_they_did():
    roles = (Role("a", "deals", 30, 4.0, 1.0), Role("b", "deals", 10, 4.0, 1.0))
    found = people_table(roles, {"deals": np.full(4000, 8.0)}, PLAN, 0).set_index("role")
    extra = found["wanted_mid_count"] - found["usual_count"]
    assert extra.to_dict() == {"a": 6.0, "b": 2.0}
    idle = Role("c", "deals", 5, 0.0, 0.0)
    assert people_table((idle,), {"deals": np.zeros(10)}, PLAN, 0).empty


@given(st.integers(0, 20), st.integers(0, 20), st.floats(0, 200))
@settings(max_examples=30, deadline=None)
def test_more_people_are_never_less_likely_to_be_enough(first: int, more: int, wanted: float):
    generator = np.random.default_rng(0)
    rates, luck = generator.gamma(50, 0.2, 500), generator.random((2, 500))
    found = [
        enough_share(5.0, count, wanted=np.full(500, wanted), rates=rates, plan=PLAN, luck=luck)
        for count in (first, first + more)
    ]
    assert found[0] <= found[1]


def test_the_chance_to_be_enough_is_right_where_it_is_known():
    # One person ends 100 deals a quarter, known exactly; a Poisson number reaches 100 in 51 %.
    luck = np.random.default_rng(1).random((2, 20_000))
    exact = np.full(20_000, 100.0)
    found = enough_share(1.0, 0, wanted=exact, rates=exact, plan=PLAN, luck=luck)
    assert found == pytest.approx(0.513, abs=0.01)


def test_draws_of_each_step_are_kept_for_the_people():
    draws = need_draws(10_000.0, selling(STAGES), 0)
    name, plain, drawn = draws["opened"]
    assert (name, plain) == ("deals to open (to Talk)", pytest.approx(400))
    assert len(drawn) == 4000
