"""Open deals that need a hand: each rule by one deal, and what cannot be checked."""

import numpy as np
import pandas as pd
import pytest
from sales_examples import CALENDAR, SCOPE, stages

from analysis.core.problems import SettingsError
from analysis.core.scope import Scope
from analysis.sales.control_points import ControlPointsOptions, control_points
from analysis.sales.funnel_cohort import Tables


def opportunities() -> pd.DataFrame:
    """Deals open at the end of 2025Q4, but `won` and `later`."""
    rows = [
        ("fine", "c1", "ada", "2026-02-01", 100.0),
        ("left", "c2", "gone", "2026-02-01", 200.0),
        ("late", "c3", "ada", "2025-12-01", 300.0),
        ("worthless", "c4", "ada", "2026-02-01", None),
        ("bare", None, None, None, 0.0),
        ("quiet", "c6", "ada", "2026-02-01", 600.0),
        ("won", "c7", "ada", "2025-12-20", 700.0),
        ("later", "c8", "ada", "2026-02-01", 800.0),
    ]
    columns = ["opportunity_id", "customer_id", "rep_id", "expected_close_on", "value_amount"]
    table = pd.DataFrame(rows, columns=columns).assign(
        pipeline_id="main",
        stage_id="S1",
        created_at=pd.Timestamp("2025-12-20"),
        closed_at=pd.NaT,
        is_closed=False,
        is_won=False,
        channel="web",
        product_id="P",
        deal_type="new",
        selling_model="transactional",
        lost_reason=None,
    )
    table = table.astype({"expected_close_on": "datetime64[s]", "closed_at": "datetime64[s]"})
    won, quiet, later = (table["opportunity_id"] == name for name in ("won", "quiet", "later"))
    table.loc[won, ["is_closed", "is_won"]] = True
    table.loc[won, "closed_at"] = pd.Timestamp("2025-12-28")
    table.loc[quiet, "created_at"] = pd.Timestamp("2025-10-01")
    table.loc[later, "created_at"] = pd.Timestamp("2026-01-05")
    return table


REPS = pd.DataFrame(
    {
        "rep_id": ["ada", "gone"],
        "rep_name": ["Ada", "Gone"],
        "left_on": pd.to_datetime([None, "2025-11-01"]),
    }
)


def activities() -> pd.DataFrame:
    """A next step for all but `quiet`, whose only planned one was entered after the period."""
    deals = ["fine", "left", "late", "worthless", "bare", "quiet"]
    table = pd.DataFrame({"opportunity_id": deals, "created_at": pd.Timestamp("2025-12-22")})
    table = table.assign(due_at=pd.Timestamp("2026-01-10"), completed_at=pd.NaT)
    table.loc[5, "created_at"] = pd.Timestamp("2026-01-02")
    return table.astype({"completed_at": "datetime64[s]"})


def found_rules(**changes: object) -> dict[str, str]:
    parts = {"opportunities": opportunities(), "stages": stages(3), "reps": REPS} | changes
    found = control_points(Tables(**parts), activities(), scope=SCOPE)
    return found.tables["deals"].set_index("opportunity_id")["what"].to_dict()


def test_each_deal_is_listed_with_what_is_wrong_and_nothing_else():
    assert found_rules() == {
        "bare": "nobody owns it; no expected close; no value; no customer named",
        "quiet": "no next step planned; nothing done for long",
        "late": "the expected close has passed",
        "left": "the owner has left",
        "worthless": "no value",
    }


def test_a_deal_that_stays_longer_than_its_stage_allows_is_listed():
    deals = opportunities().iloc[:1].assign(created_at=pd.Timestamp("2025-12-05"))
    events = deals[["opportunity_id", "stage_id", "rep_id", "value_amount", "expected_close_on"]]
    events = events.assign(event_no=1, entered_at=deals["created_at"], exited_at=pd.NaT)
    tables = Tables(deals, events.astype({"exited_at": "datetime64[s]"}), stages(3), REPS)
    found = control_points(tables, activities(), scope=SCOPE)
    assert found.tables["deals"]["what"].tolist() == ["longer in its stage than agreed"]


def test_a_close_expected_on_the_last_day_has_not_passed():
    deals = opportunities()
    deals.loc[deals["opportunity_id"] == "late", "expected_close_on"] = pd.Timestamp("2025-12-31")
    assert "late" not in found_rules(opportunities=deals)


def test_rules_count_deals_and_value():
    found = control_points(
        Tables(opportunities(), None, stages(3), REPS), activities(), scope=SCOPE
    )
    rules = found.tables["rules"].set_index("rule")
    assert rules.loc["owner_left", ["deal_count", "value_amount"]].tolist() == [1, 200.0]
    assert rules.loc["no_value", "deal_count"] == 2
    assert rules.loc["past_close", "open_share"] == pytest.approx(1 / 6)
    assert found.headline["open"].value == 6
    assert found.findings[0].text.startswith("5 of 6 open deals")
    assert found.decisions[0].worth_amount == 200.0
    sellers = found.tables["sellers"].set_index("seller")
    assert sellers.loc["Ada", ["open_count", "marked_count"]].tolist() == [4, 3]


def test_what_cannot_be_checked_is_said():
    found = control_points(Tables(opportunities()), scope=SCOPE)
    assert set(found.tables["rules"]["rule"]) == {
        "no_owner",
        "past_close",
        "no_close",
        "no_value",
        "no_customer",
    }
    assert len(found.caveats) == 3


def test_what_is_kept_of_no_open_deal_is_said_and_marks_none():
    bare = opportunities().assign(value_amount=np.nan, expected_close_on=pd.NaT)
    done = activities().assign(due_at=pd.NaT)
    tables = Tables(bare, stages=stages(3), reps=REPS)
    found = control_points(tables, done.astype({"due_at": "datetime64[s]"}), scope=SCOPE)
    rules = set(found.tables["rules"]["rule"])
    assert not rules & {"no_value", "no_close", "no_next_step"}
    assert "no_customer" in rules
    for what in ("the value", "the expected close", "the next step"):
        assert f"Not checked, as it is kept of no open deal: {what}." in found.caveats
    assert "open_value" not in found.headline
    assert "€" not in found.findings[0].detail


def test_without_an_open_deal_there_is_nothing_to_list():
    early = Scope(CALENDAR.parse("2024Q4"), CALENDAR)
    found = control_points(Tables(opportunities()), scope=early)
    assert found.unavailable == "No deal was open at the end of 2024Q4."


def test_deals_that_have_what_they_need_are_a_finding_too():
    deals = opportunities().iloc[:1]
    found = control_points(Tables(deals, None, stages(3), REPS), activities(), scope=SCOPE)
    assert found.findings[0].text == "Every open deal has what it needs."
    assert found.tables["deals"].empty


def test_impossible_options_are_refused():
    with pytest.raises(SettingsError, match="silent_days"):
        ControlPointsOptions(silent_days=0)


def test_leaves_its_input_unchanged():
    deals = opportunities()
    control_points(Tables(deals, None, stages(3), REPS), activities(), scope=SCOPE)
    pd.testing.assert_frame_equal(deals, opportunities())
