"""The pipeline forecast: identities, no leakage, recovery of a planted truth, frozen and graded."""

from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sales_examples import CALENDAR, END, SCOPE, department
from scipy.stats import norm

from analysis.core.problems import SettingsError
from analysis.core.scope import Scope
from analysis.core.tables import check_table
from analysis.core.tables_derived import FORECASTS
from analysis.run.frozen import freeze, frozen_forecasts
from analysis.run.record import RunRecord
from analysis.sales.deals import deals_as_of
from analysis.sales.funnel_cohort import Tables
from analysis.sales.pipeline_backtest import (
    MODELS,
    OURS,
    coverage_table,
    crps,
    past_table,
    reliability_table,
    score_table,
)
from analysis.sales.pipeline_baselines import stage_weighted, won_between
from analysis.sales.pipeline_findings import contest, ranges
from analysis.sales.pipeline_forecast import PipelineOptions, pipeline_forecast
from analysis.sales.pipeline_grades import grade_table, own_rows
from analysis.sales.pipeline_leads import incidence, lagged_revenue, lead_table, month_increments
from analysis.sales.pipeline_model import fit
from analysis.sales.pipeline_origins import forecasts, history_of
from analysis.sales.pipeline_simulation import (
    NewDeals,
    OpenDeals,
    luck_deviation,
    luck_weights,
    simulate,
    win_incidence,
    won_days,
)
from analysis.sales.pipeline_snapshots import ahead_of, open_at, states_at
from analysis.sales.pipeline_waterfall import SIGNS, START, waterfall

OPTIONS = PipelineOptions(history_quarters=8, draw_count=600, backtest_quarters=3)
DAY = pd.Timedelta(days=1)
SHARES = (0.8, 0.7, 0.6)  # passing three stages: 0.336 are won
STAGE_DAYS = 40


def cut(tables: Tables, end: pd.Timestamp) -> Tables:
    """What a CRM held at `end` of deals whose whole life is known."""
    events = tables.stage_events[tables.stage_events["entered_at"] < end]
    deals = tables.opportunities[tables.opportunities["created_at"] < end]
    is_closed = deals["closed_at"] < end
    deals = deals.assign(
        is_closed=is_closed,
        is_won=deals["is_won"] & is_closed,
        closed_at=deals["closed_at"].where(is_closed),
    )
    chances = {"S1": 0.3, "S2": 0.4, "S3": 0.6, "WON": 1.0, "LOST": 0.0}
    stages = tables.stages.assign(default_win_share=tables.stages["stage_id"].map(chances))
    return Tables(deals, events, stages)


def lives(count: int, seed: int, days: int = 1400, **columns: object) -> Tables:
    """Whole lives of deals, also beyond the end; values log-normal, dates two thirds of the way."""
    draw = np.random.default_rng(seed)
    deals = pd.DataFrame(
        {
            "created_at": (END - pd.to_timedelta(draw.uniform(-400, days, count), "D")).floor("s"),
            "rep_id": draw.choice(["R0", "R1"], count),
            "product_id": "P",
            "channel": draw.choice(["web", "fair"], count),
            "value_amount": np.round(3000 * np.exp(draw.normal(0, 0.6, count)), 2),
        }
    ).assign(**columns)
    made = department(deals, np.tile(SHARES, (count, 1)), stage_days=STAGE_DAYS, seed=seed)
    events = made["stage_events"]
    left = events["stage_id"].map({"S1": 3, "S2": 2, "S3": 1}).fillna(0)
    expected = (events["entered_at"] + 0.66 * STAGE_DAYS * left * DAY).dt.normalize()
    last = expected.groupby(events["opportunity_id"]).last()
    deals = made["opportunities"]
    deals = deals.assign(expected_close_on=deals["opportunity_id"].map(last))
    return Tables(deals, events.assign(expected_close_on=expected), made["stages"])


@cache
def company(count: int = 900, seed: int = 3) -> Tables:
    return cut(lives(count, seed), END)


@cache
def found():
    return pipeline_forecast(company(), scope=SCOPE, options=OPTIONS)


# What was known then


def test_many_days_asked_at_once_are_answered_as_one_by_one():
    tables = company(150)
    days = [date(2024, 3, 31), date(2025, 2, 28), date(2025, 12, 31)]
    states, opened = states_at(tables, days), open_at(tables, days)
    for day in days:
        alone = deals_as_of(tables.opportunities, tables.stage_events, tables.stages, day)
        pd.testing.assert_frame_equal(states[day], alone, check_dtype=False)
        still = alone[alone["outcome"] == "open"].reset_index(drop=True)
        pd.testing.assert_frame_equal(opened[day], still, check_dtype=False)


def test_what_comes_later_changes_nothing_that_was_said():
    early = Scope(CALENDAR.parse("2025Q1"), CALENDAR)
    whole = lives(900, 3)
    later = pipeline_forecast(cut(whole, END), scope=early, options=OPTIONS)
    then = pipeline_forecast(cut(whole, pd.Timestamp("2025-04-01")), scope=early, options=OPTIONS)
    for name, table in then.tables.items():
        pd.testing.assert_frame_equal(table, later.tables[name], check_dtype=False)
    assert then.headline == later.headline


def test_a_past_quarter_is_forecast_again_as_it_would_have_been_then():
    """The replay of a quarter equals the forecast that a run at its origin gives."""
    then = Scope(CALENDAR.parse("2025Q3"), CALENDAR)
    said = forecast_of(company(), then)[-1]
    replayed = next(f for f in forecast_of(company(), SCOPE) if f.origin == said.origin)
    assert replayed.opened.chances.tolist() == pytest.approx(said.opened.chances.tolist())
    assert replayed.expected_count == pytest.approx(said.expected_count)


def forecast_of(tables: Tables, scope: Scope, options: PipelineOptions = OPTIONS) -> list:
    history = history_of(tables, None, [], scope, options)
    return forecasts(history, tables, 1, scope, options)


def test_row_order_changes_nothing_and_the_input_stays_as_it_was():
    tables = company()
    shuffled = [
        table.sample(frac=1, random_state=1)
        for table in (tables.opportunities, tables.stage_events, tables.stages)
    ]
    before = [table.copy() for table in shuffled]
    other = pipeline_forecast(Tables(*shuffled), scope=SCOPE, options=OPTIONS)
    for table, copy in zip(shuffled, before, strict=True):
        pd.testing.assert_frame_equal(table, copy)
    for name, table in found().tables.items():
        pd.testing.assert_frame_equal(table, other.tables[name])


# The layers


def test_three_layers_stand_together_and_add_up():
    table = found().tables["layers"]
    quarter = table[table["period"] == "2026Q1"].set_index("layer")["forecast_amount"]
    assert list(quarter.index) == [
        MODELS["stage_due"],
        MODELS["stage_all"],
        "deals open now, won in time",
        "deals not opened yet",
        "together",
    ]
    parts = quarter["deals open now, won in time"] + quarter["deals not opened yet"]
    assert quarter["together"] == pytest.approx(parts)
    assert set(table["period"]) == {"2026Q1", "2026Q1 to 2026Q4"}


def test_stage_weighting_is_value_times_the_chance_of_the_stage():
    state = deals_as_of(
        company().opportunities, company().stage_events, company().stages, SCOPE.as_of
    )
    deals = state[state["outcome"] == "open"].head(3)
    deals = deals.assign(
        stage_id=["S1", "S2", "S3"],
        value_amount=[1000.0, np.nan, 500.0],
        expected_close_on=pd.to_datetime(["2026-02-01", "2026-02-01", "2025-12-31"]),
    )
    chances, sums = stage_weighted(deals, company(), ahead_of(SCOPE.as_of, CALENDAR))
    assert chances.tolist() == [0.3, 0.4, 0.6]
    assert sums == {"stage_all": 600.0, "stage_due": 300.0}


def test_a_period_that_ends_no_quarter_is_followed_by_13_weeks():
    ahead = ahead_of(date(2025, 11, 9), CALENDAR)
    assert (ahead.name, ahead.days) == ("2025-11-10--2026-02-08", 91)
    assert ahead_of(date(2025, 12, 31), CALENDAR, 4).name == "2026Q1 to 2026Q4"


def test_a_fortnight_is_forecast_too():
    fortnight = CALENDAR.containing(date(2025, 11, 1), "biweekly")
    result = pipeline_forecast(company(), scope=Scope(fortnight, CALENDAR), options=OPTIONS)
    assert result.unavailable == ""
    rows = result.tables["frozen"]
    assert (rows["starts_on"] == pd.Timestamp(fortnight.ends_before)).all()


def test_new_deals_bring_their_rate_times_the_integral_of_the_share_won():
    deals = pd.DataFrame({"age_days": [10.0, 20.0, 30.0], "outcome": ["won", "lost", "won"]})
    # A third is won after 10 days, two thirds after 30: 1/3 * 90 + 1/3 * 70 in 100 days.
    assert won_days(win_incidence(deals), 100) == pytest.approx((90 + 70) / 3)
    new = NewDeals(50, 100.0, won_days(win_incidence(deals), 100), np.array([10.0, 30.0]))
    assert new.expected_count == pytest.approx(0.5 * 160 / 3)
    assert new.expected_amount == pytest.approx(20 * 0.5 * 160 / 3)


def test_draws_have_the_mean_that_the_chances_give():
    opened = OpenDeals(
        np.full(700, 0.3), np.linspace(1, 2, 700), np.full(700, -0.05), np.full(700, 0.2)
    )
    new = NewDeals(400, 365.0, 30.0, np.array([1.0, 2.0]))
    weights = np.zeros(61)
    weights[0] = 1.0  # no luck shared
    draws = simulate(opened, new, weights, 4000, 0)
    assert draws.opened.mean() == pytest.approx(opened.expected_amounts.sum(), rel=0.01)
    assert draws.new.mean() == pytest.approx(new.expected_amount, rel=0.02)
    weights = np.roll(weights, 15)  # deviation 0.3
    assert simulate(opened, new, weights, 4000, 0).total.std() > 2 * draws.total.std()


def test_the_shared_luck_is_learnt_from_earlier_quarters():
    draw = np.random.default_rng(1)
    expected = np.full(30, 100.0)
    calm = draw.poisson(expected)
    wild = draw.poisson(expected * np.exp(draw.normal(0, 0.5, 30)))
    learnt = [luck_deviation(luck_weights(expected, expected, c, 1, 0.2)) for c in (calm, wild)]
    assert learnt[0] < 0.1
    assert 0.3 < learnt[1] < 0.7
    nothing = np.zeros(0)
    assert luck_deviation(luck_weights(nothing, nothing, nothing, 1, 0.2)) == pytest.approx(
        0.2, rel=0.02
    )


# The chances


def test_chances_of_deals_recover_the_planted_ones():
    """In S3 a deal is won with 0.6, in S1 with 0.336; in time means within a quarter."""
    deals = forecast_of(company(1500, 5), SCOPE)[-1].deals
    state = states_at(lives_after(1500, 5), [date(2026, 3, 31)])[date(2026, 3, 31)]
    came = deals["opportunity_id"].isin(
        won_between(state, END, pd.Timestamp("2026-04-01"))["opportunity_id"]
    )
    said = deals["win_share"].sum()
    assert abs(said - came.sum()) < 2.5 * np.sqrt(
        (deals["win_share"] * (1 - deals["win_share"])).sum()
    )
    by_stage = deals.groupby("stage_id")["win_share"].mean()
    assert by_stage["S1"] < by_stage["S2"] < by_stage["S3"]
    assert ((deals["win_share"] + deals["lost_share"]) <= 1 + 1e-9).all()


def lives_after(count: int, seed: int) -> Tables:
    return cut(lives(count, seed), END + 200 * DAY)


def snapshots(rows: list[tuple[str, float, str, int]]) -> pd.DataFrame:
    """(stage, age, result, how many) as open deals of earlier days."""
    parts = [
        pd.DataFrame({"stage_id": stage, "age_days": age, "result": result}, index=range(count))
        for stage, age, result, count in rows
    ]
    table = pd.concat(parts, ignore_index=True)
    return table.assign(
        opportunity_id=[f"D{n}" for n in range(len(table))],
        pipeline_id="main",
        channel="web",
        has_events=True,
        stage_age_days=table["age_days"],
        push_count=0,
        value_amount=100.0,
        quiet_days=np.nan,
        known_to=END,
    )


def test_little_data_give_the_table_of_stage_and_age_drawn_to_its_stage():
    rows = [("S1", 10, "won", 4), ("S1", 10, "lost", 16), ("S2", 10, "won", 12)]
    learnt = snapshots([*rows, ("S2", 10, "lost", 8), ("S2", 100, "won", 1)])
    model = fit(learnt, PipelineOptions(prior_deals=10))
    assert model.is_table
    won, lost = model.chances(
        snapshots([("S1", 10, "", 1), ("S2", 10, "", 1), ("S2", 100, "", 1), ("S9", 10, "", 1)])
    )
    assert 0.2 < won[0] < 0.42 < won[1] < 0.6  # 4 of 20 and 12 of 20, drawn to 17 of 41
    assert won[2] < 0.7  # one of one, old, is no certainty
    assert won[3] == pytest.approx(17.5 / 42.5)  # a stage never seen is as all
    assert (won + lost <= 1).all()


def test_little_data_are_called_little():
    result = pipeline_forecast(company(160), scope=SCOPE, options=OPTIONS)
    assert any(text.startswith("Little data:") for text in result.caveats)
    assert "little data" in result.findings[0].detail
    assert not any("ittle data" in text for text in found().caveats)


def test_too_few_deals_give_a_sentence():
    few = Tables(company().opportunities.head(12), company().stage_events, company().stages)
    result = pipeline_forecast(few, scope=SCOPE)
    assert "too short a time to forecast" in result.unavailable
    none = Tables(company().opportunities.head(0), company().stage_events, company().stages)
    assert pipeline_forecast(none, scope=SCOPE).unavailable == "No deal has been opened yet."
    assert pipeline_forecast(Tables(None), scope=SCOPE).unavailable.startswith("No deals are")


def test_a_young_company_gets_a_sentence_or_a_forecast_and_never_an_error():
    for name in ("2022Q1", "2022Q2", "2022Q4", "2023Q2"):
        period = CALENDAR.parse(name)
        tables = cut(lives(900, 3), pd.Timestamp(period.ends_before))
        result = pipeline_forecast(tables, scope=Scope(period, CALENDAR), options=OPTIONS)
        assert bool(result.unavailable) != bool(result.findings)


def test_without_open_deals_only_new_ones_are_forecast():
    deals = company().opportunities
    closed = Tables(deals[deals["is_closed"]], company().stage_events, company().stages)
    result = pipeline_forecast(closed, scope=SCOPE, options=OPTIONS)
    assert result.tables["deals"].empty
    assert result.headline["open_amount"].value == 0
    assert result.headline["new_amount"].value > 0


def test_without_stage_events_age_alone_is_told_and_said():
    result = pipeline_forecast(Tables(company().opportunities), scope=SCOPE, options=OPTIONS)
    assert result.unavailable == ""
    assert any("no history of stages" in text for text in result.caveats)
    assert (
        result.tables["layers"]
        .set_index("layer")
        .loc[MODELS["stage_due"], "forecast_amount"]
        .isna()
        .all()
    )
    whole = found().headline["won_amount"]
    assert whole.low < result.headline["won_amount"].value < whole.high


# How good it was


def test_crps_is_the_published_one_of_a_normal_and_the_error_of_a_point():
    draws = norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    assert crps(draws, 0.0) == pytest.approx(0.2337, abs=1e-3)  # (sqrt 2 - 1) / sqrt pi
    assert crps(np.full(10, 3.0), 5.0) == 2.0


def test_a_rule_that_wins_is_said():
    table = past_table(forecast_of(company(), SCOPE)[:-1])
    perfect = table.assign(last_amount=table["actual_amount"])
    scores = score_table(perfect).set_index("model")
    assert scores.loc[MODELS["last"], "crps_amount"] == 0
    assert scores.loc[MODELS["last"], "error_share"] == 0
    assert contest(score_table(perfect), SCOPE) is None  # too few quarters to say anything
    told = contest(score_table(perfect).assign(quarter_count=4), SCOPE)
    assert told.text.startswith("A simpler rule would have been closer in earlier quarters")
    assert MODELS["last"] in told.text
    score = SCOPE.display.amount(scores.loc[OURS, "crps_amount"])
    assert f"{OURS} {score}" in told.detail


def test_two_quarters_are_too_few_to_judge_the_range():
    table = coverage_table(past_table(forecast_of(company(), SCOPE)[:-1])).assign(
        inside_count=1, quarter_count=2
    )
    assert "1 of 2 earlier quarters, too few to tell" in ranges(table, SCOPE).text


def test_values_known_at_the_end_alone_are_not_those_of_open_deals():
    deals = company().opportunities
    is_open = ~deals["is_closed"].astype(bool)
    assert is_open.sum() > 5
    tables = Tables(deals.assign(value_amount=deals["value_amount"].mask(is_open)))
    day = SCOPE.previous_period.last_day
    state = states_at(tables, [day, SCOPE.as_of])[day]
    open_then = state["outcome"] == "open"
    assert state.loc[open_then, "value_amount"].isna().all()
    assert state.loc[~open_then, "value_amount"].notna().all()
    result = pipeline_forecast(tables, scope=SCOPE, options=OPTIONS)
    told = " ".join(one.text for one in result.findings)
    assert "What the pipeline is worth is not known: open deals have no value." in told
    assert "shrank" not in told


def test_scores_are_those_worked_out_by_hand():
    past = pd.DataFrame(
        {
            "forecast_amount": [110.0, 90.0],
            "actual_amount": [100.0, 100.0],
            "crps_amount": [5.0, 5.0],
            "is_inside_50": [True, False],
            "is_inside_80": [True, True],
            "is_inside_95": [True, True],
        }
        | {f"{name}_amount": [150.0, 130.0] for name in MODELS}
    )
    scores = score_table(past).set_index("model")
    assert scores.loc[OURS, "error_share"] == pytest.approx(0.1)
    assert scores.loc[OURS, "bias_share"] == pytest.approx(0.0)
    assert scores.loc[MODELS["mean"], "bias_share"] == pytest.approx(0.4)
    assert scores.loc[MODELS["mean"], "skill_share"] == pytest.approx(1 - 5 / 40)
    assert coverage_table(past)["inside_count"].tolist() == [1, 2, 2]


def test_reliability_counts_every_deal_once_in_its_bin():
    results = pd.DataFrame(
        {"win_share": [0.0, 0.04, 0.2, 0.9, 1.0], "is_won": [False, False, True, True, True]}
    )
    table = reliability_table(results)
    assert table["deal_count"].tolist() == [2, 1, 2]
    assert table["won_share"].tolist() == [0.0, 1.0, 1.0]


def test_ranges_hold_what_comes_about_as_often_as_they_claim_and_dates_mislead_the_crm():
    options = replace(OPTIONS, backtest_quarters=6)
    parts = [past_table(forecast_of(company(900, seed), SCOPE, options)[:-1]) for seed in range(3)]
    past = pd.concat(parts, ignore_index=True)
    inside = coverage_table(past).set_index("level_share")["inside_share"]
    assert 0.66 <= inside[0.8] <= 0.94
    assert 0.35 <= inside[0.5] <= 0.65
    scores = score_table(past).set_index("model")
    assert abs(scores.loc[OURS, "bias_share"]) < 0.12
    assert scores.loc[MODELS["stage_due"], "bias_share"] < -0.12
    assert (scores["crps_amount"].drop(OURS) > scores.loc[OURS, "crps_amount"]).all()


# Frozen and graded


def test_a_published_forecast_is_kept_and_graded_as_it_was(tmp_path):
    from tiny_project import tiny_project

    from analysis.sources.load import load

    project = tiny_project(tmp_path, {"a": []})
    then = CALENDAR.parse("2024Q1")
    whole = lives(900, 3)
    shift = END - pd.Timestamp("2024-04-01")
    moved = shifted(whole, shift)
    said = pipeline_forecast(
        cut(moved, pd.Timestamp("2024-04-01")), scope=Scope(then, CALENDAR), options=OPTIONS
    )
    folder = project.run_dir(then)
    said.save(folder / said.name)
    record = RunRecord("quarterly", "2024Q1", started_at="2024-04-02T06:00:00+00:00", code={})
    record.snapshot = load(project).snapshot
    assert freeze(project, then, folder, record) is not None
    assert freeze(project, then, folder, record) is None  # the same numbers again
    nextq = CALENDAR.parse("2024Q2")
    ledger = frozen_forecasts(project, nextq)
    check_table(ledger, FORECASTS)
    assert set(ledger["scope_id"]) >= {"pipeline", "pipeline stage_due", "pipeline last"}
    scope = Scope(nextq, CALENDAR)
    now = cut(moved, pd.Timestamp("2024-07-01"))
    result = pipeline_forecast(now, frozen=ledger, scope=scope, options=OPTIONS)
    grades = result.tables["grades"]
    ours = grades[grades["model"] == OURS].iloc[0]
    headline = said.headline["won_amount"]
    assert ours["forecast_amount"] == pytest.approx(headline.value, abs=0.01)
    assert ours["forecast_low_amount"] == pytest.approx(headline.low, abs=0.01)
    state = deals_as_of(now.opportunities, now.stage_events, now.stages, nextq.last_day)
    came = won_between(state, pd.Timestamp("2024-04-01"), pd.Timestamp("2024-07-01"))
    assert ours["actual_amount"] == pytest.approx(came["value_amount"].sum())
    assert set(grades["model"]) == {OURS, *MODELS.values()}
    assert any("published forecast" in finding.text for finding in result.findings)


def shifted(tables: Tables, by: pd.Timedelta) -> Tables:
    def earlier(table: pd.DataFrame) -> pd.DataFrame:
        times = table.select_dtypes("datetime").columns
        return table.assign(**{name: table[name] - by for name in times})

    return Tables(*map(earlier, (tables.opportunities, tables.stage_events, tables.stages)))


def test_an_empty_ledger_has_nothing_to_grade():
    assert grade_table(own_rows(None), {}).empty
    assert found().tables["grades"].empty


# The waterfall


def deal_rows(draw: st.DrawFn, ids: list[str]) -> pd.DataFrame:
    days = st.sampled_from([pd.NaT, pd.Timestamp("2025-11-01"), pd.Timestamp("2026-06-01")])
    amounts = st.one_of(st.none(), st.decimals(0, 10**7, places=2).map(float))
    rows = [
        (
            name,
            draw(st.sampled_from(["open", "won", "lost"])),
            draw(st.sampled_from(["2025-09-01", "2025-12-01"])),
            draw(amounts),
            draw(days),
        )
        for name in ids
    ]
    columns = ["opportunity_id", "outcome", "ended_at", "value_amount", "expected_close_on"]
    table = pd.DataFrame(rows, columns=columns)
    ended = pd.to_datetime(table["ended_at"]).where(table["outcome"] != "open")
    return table.assign(
        ended_at=ended,
        value_amount=table["value_amount"].astype(float),
        expected_close_on=pd.to_datetime(table["expected_close_on"]),
    )


@st.composite
def two_days(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame]:
    known = draw(st.integers(0, 6))
    new = draw(st.integers(0, 4))
    ids = [f"D{n}" for n in range(known + new)]
    return deal_rows(draw, ids[:known]), deal_rows(draw, ids)


@given(two_days())
def test_the_waterfall_balances_to_the_cent(pair):
    steps = waterfall(*pair, pd.Timestamp("2026-01-01"))
    cents = {row.step: round(row.step_amount * 100) for row in steps.itertuples()}
    changes = sum(SIGNS[step] * cents[step] for step in SIGNS if step not in (START, "end"))
    assert cents[START] + changes == cents["end"]
    assert (steps["step_amount"] >= 0).all()


def test_the_waterfall_tells_each_kind_of_change():
    may, late = pd.Timestamp("2025-11-01"), pd.Timestamp("2026-06-01")
    ended = pd.Timestamp("2025-12-01")
    columns = ["opportunity_id", "outcome", "ended_at", "value_amount", "expected_close_on"]
    before = [
        ("up", "open", pd.NaT, 100.0, may),
        ("down", "open", pd.NaT, 100.0, may),
        ("out", "open", pd.NaT, 70.0, may),
        ("in", "open", pd.NaT, 30.0, late),
        ("won", "open", pd.NaT, 50.0, may),
        ("lost", "open", pd.NaT, 40.0, may),
        ("old", "won", pd.Timestamp("2025-01-01"), 999.0, may),
    ]
    now = [
        ("up", "open", pd.NaT, 120.0, may),
        ("down", "open", pd.NaT, 90.0, may),
        ("out", "open", pd.NaT, 70.0, late),
        ("in", "open", pd.NaT, 30.0, may),
        ("won", "won", ended, 55.0, may),
        ("lost", "lost", ended, 40.0, may),
        ("old", "won", pd.Timestamp("2025-01-01"), 999.0, may),
        ("new", "open", pd.NaT, 10.0, may),
        ("quick", "won", ended, 5.0, may),
    ]
    frames = [
        pd.DataFrame(rows, columns=columns).assign(ended_at=lambda t: pd.to_datetime(t["ended_at"]))
        for rows in (before, now)
    ]
    steps = waterfall(*frames, pd.Timestamp("2026-01-01")).set_index("step")
    assert steps["step_amount"].to_dict() == {
        "start": 360.0,
        "new": 15.0,
        "moved_in": 30.0,
        "increased": 25.0,
        "decreased": 10.0,
        "moved_out": 70.0,
        "won": 60.0,
        "lost": 40.0,
        "end": 250.0,
    }


def test_what_the_waterfall_calls_won_is_the_won_value_of_the_period():
    steps = found().tables["waterfall"].set_index("step")["step_amount"]
    state = deals_as_of(
        company().opportunities, company().stage_events, company().stages, SCOPE.as_of
    )
    came = won_between(state, pd.Timestamp("2025-10-01"), END)["value_amount"].sum()
    assert steps["won"] == pytest.approx(came, abs=0.005)


# Revenue from leads


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=12),
    st.lists(st.floats(0, 0.2), min_size=1, max_size=8),
)
def test_revenue_is_the_convolution_of_leads_with_the_lag(counts, increments):
    found = lagged_revenue(np.array(counts, float), np.array(increments), 100.0)
    for month, value in enumerate(found):
        lags = range(min(month + 1, len(increments)))
        assert value == pytest.approx(
            sum(counts[month - lag] * increments[lag] for lag in lags) * 100
        )


def test_all_that_leads_bring_is_leads_times_share_times_amount():
    cases = pd.DataFrame(
        {
            "age_days": [1000.0] * 10,
            "is_won": [True] * 3 + [False] * 7,
            "won_days": [20.0, 50.0, 100.0, *[np.nan] * 7],
        }
    )
    increments = month_increments(incidence(cases), 40)
    assert increments.sum() == pytest.approx(0.3)
    assert (increments >= 0).all()
    brought = lagged_revenue(np.array([10.0, *[0.0] * 39]), increments, 200.0)
    assert brought.sum() == pytest.approx(10 * 0.3 * 200)


def test_leads_at_a_steady_rate_bring_what_came():
    evenly = END + pd.to_timedelta(np.linspace(-1400, 400, 1800), "D")
    tables = cut(lives(1800, 3, created_at=evenly.floor("s")), END)
    deals = tables.opportunities
    leads = pd.DataFrame(
        {
            "lead_id": "L" + deals["opportunity_id"],
            "created_at": deals["created_at"] - 5 * DAY,
            "opportunity_id": deals["opportunity_id"],
        }
    )
    idle = leads.assign(lead_id="X" + leads["lead_id"], opportunity_id=None)
    state = deals_as_of(deals, tables.stage_events, tables.stages, SCOPE.as_of)
    table = lead_table(pd.concat([leads, idle]), state, END, 24)
    past, ahead = table[~table["is_ahead"]], table[table["is_ahead"]]
    assert len(ahead) == 3
    assert past["expected_amount"].sum() == pytest.approx(past["won_amount"].sum(), rel=0.1)
    assert ahead["expected_amount"].mean() == pytest.approx(past["won_amount"].mean(), rel=0.15)
    assert (ahead["expected_low_amount"] < ahead["expected_amount"]).all()
    assert lead_table(leads.head(5), state, END, 24).empty


def test_impossible_options_are_refused_together():
    with pytest.raises(SettingsError, match=r"history_quarters(.|\n)*shock_share"):
        PipelineOptions(history_quarters=0, shock_share=2)
