"""What was known of each deal at the end of a day."""

from datetime import date

import pandas as pd
import pytest

from analysis.sales.deals import deals_as_of, stages_reached, stays_as_of, undated_deals

STAGES = pd.DataFrame(
    [
        ("main", "A", "2020-01-01", "Talk", 1, "open"),
        ("main", "B", "2020-01-01", "Offer", 2, "open"),
        ("main", "C", "2020-01-01", "Contract", 3, "open"),
        ("main", "WON", "2020-01-01", "Won", 4, "won"),
        ("main", "LOST", "2020-01-01", "Lost", 4, "lost"),
    ],
    columns=[
        "pipeline_id",
        "stage_id",
        "valid_from_on",
        "stage_name",
        "stage_order",
        "stage_category",
    ],
).astype({"valid_from_on": "datetime64[s]"})

# Deal, day of entry, stage, owner, value, expected close.
EVENTS = [
    ("D1", "2025-01-02", "A", "ada", 100, "2025-02-01"),
    ("D1", "2025-01-10", "B", "ada", 120, "2025-03-01"),  # expected later: one push
    ("D1", "2025-02-20", "WON", "ben", 110, "2025-02-20"),  # ben closed it; ada owned it before
    ("D2", "2025-01-05", "A", "ben", 50, "2025-02-01"),
    ("D2", "2025-01-06", "C", "ben", 50, "2025-02-01"),  # skipped B
    ("D2", "2025-01-09", "A", "ben", 50, "2025-02-01"),  # went back
    ("D2", "2025-01-20", "LOST", "ben", 50, "2025-02-01"),
    ("D2", "2025-02-10", "B", "ben", 60, "2025-04-01"),  # reopened
    ("D3", "2025-01-07", "A", "ada", 70, "2025-02-01"),
    ("D3", "2025-01-08", "A", "ada", 70, "2025-02-01"),  # a save, not a move
    ("D4", "2025-03-01", "A", "ada", 10, "2025-05-01"),  # opened later
]


def events() -> pd.DataFrame:
    columns = ["opportunity_id", "entered_at", "stage_id", "rep_id", "value_amount"]
    table = pd.DataFrame(EVENTS, columns=[*columns, "expected_close_on"])
    moments = {"entered_at": "datetime64[s]", "expected_close_on": "datetime64[s]"}
    table = table.astype(moments | {"value_amount": float})
    number = table.groupby("opportunity_id").cumcount() + 1
    left = table.groupby("opportunity_id")["entered_at"].shift(-1)
    return table.assign(event_no=number, exited_at=left)


def opportunities() -> pd.DataFrame:
    """The present: D1 won, D2 and D3 open, D4 opened later, D5 not begun."""
    table = pd.DataFrame(
        {
            "opportunity_id": ["D1", "D2", "D3", "D4", "D5"],
            "customer_id": ["c1", "c2", "c3", None, "c5"],
            "pipeline_id": "main",
            "stage_id": ["WON", "B", "A", "A", "A"],
            "rep_id": ["ben", "ben", "cem", "ada", "ada"],  # D3 was handed to cem later
            "created_at": ["2025-01-02", "2025-01-05", "2025-01-07", "2025-03-01", None],
            "closed_at": ["2025-02-20", None, None, None, None],
            "expected_close_on": ["2025-02-20", "2025-04-01", "2025-06-01", "2025-05-01", None],
            "is_closed": [True, False, False, False, False],
            "is_won": [True, False, False, False, False],
            "value_amount": [110.0, 60.0, 999.0, 10.0, 5.0],
        }
    ).assign(channel="web", product_id="P", deal_type="new", selling_model=None, lost_reason=None)
    days = ["created_at", "closed_at", "expected_close_on"]
    return table.astype(dict.fromkeys(days, "datetime64[s]"))


def deals_on(day: str, with_events: bool = True) -> pd.DataFrame:
    known = events() if with_events else None
    table = deals_as_of(opportunities(), known, STAGES, date.fromisoformat(day))
    return table.set_index("opportunity_id")


def test_a_deal_is_what_it_was_then_not_what_it_is_now():
    then = deals_on("2025-01-15")
    assert list(then.index) == ["D1", "D2", "D3"]
    assert then["outcome"].tolist() == ["open", "open", "open"]
    assert then.loc["D1", ["rep_id", "stage_id", "value_amount"]].tolist() == ["ada", "B", 120.0]
    assert pd.isna(then.loc["D1", "ended_at"])
    assert then.loc["D3", ["rep_id", "value_amount"]].tolist() == ["ada", 70.0]


def test_a_reopened_deal_was_lost_and_is_open_again():
    assert deals_on("2025-01-31").loc["D2", "outcome"] == "lost"
    now = deals_on("2025-02-28").loc["D2"]
    assert now["outcome"] == "open"
    assert pd.isna(now["ended_at"])
    assert now["stage_id"] == "B"


def test_ages_count_to_the_end_of_the_day_or_of_the_deal():
    now = deals_on("2025-02-28")
    assert now.loc["D1", "age_days"] == 49  # 2 January to 20 February
    assert now.loc["D3", "age_days"] == 53  # to the end of 28 February
    assert now.loc["D3", "stage_age_days"] == 53  # a save is no move


def test_only_later_expectations_count_as_pushes():
    assert deals_on("2025-02-28")["push_count"].to_dict() == {"D1": 1, "D2": 1, "D3": 0}


def test_without_events_the_present_columns_tell_state_and_end():
    now = deals_on("2025-02-28", with_events=False)
    assert now["outcome"].to_dict() == {"D1": "won", "D2": "open", "D3": "open"}
    then = deals_on("2025-02-19", with_events=False)
    assert then.loc["D1", "outcome"] == "open"
    assert pd.isna(then.loc["D1", "ended_at"])


def test_without_stages_a_deal_still_has_its_outcome():
    table = deals_as_of(opportunities(), None, None, date(2025, 2, 28))
    assert table["outcome"].tolist() == ["won", "open", "open"]
    assert table["stage_order"].isna().all()


def test_a_repeated_stage_is_one_stay():
    stays = stays_as_of(opportunities(), events(), STAGES, date(2025, 2, 28))
    third = stays[stays["opportunity_id"] == "D3"]
    assert len(third) == 1
    assert third["exited_at"].isna().all()


def test_skipped_stages_are_reached_and_returns_count_once():
    day = date(2025, 2, 28)
    deals = deals_as_of(opportunities(), events(), STAGES, day)
    stays = stays_as_of(opportunities(), events(), STAGES, day)
    reached = stages_reached(stays, deals)
    found = [(d, o, m.date().isoformat()) for d, o, m in reached.itertuples(index=False)]
    assert found == [
        ("D1", 1, "2025-01-02"),
        ("D1", 2, "2025-01-10"),
        ("D1", 3, "2025-02-20"),  # won, so its contract was reached too
        ("D2", 1, "2025-01-05"),
        ("D2", 2, "2025-01-06"),  # skipped: reached with the later stage
        ("D2", 3, "2025-01-06"),
        ("D3", 1, "2025-01-07"),
    ]


def test_deals_that_nobody_began_are_told_apart():
    assert undated_deals(opportunities())["opportunity_id"].tolist() == ["D5"]


@pytest.mark.parametrize("day", ["2024-12-31", "2025-01-15", "2025-03-31"])
def test_leaves_its_input_unchanged(day: str):
    deals, known, stages = opportunities(), events(), STAGES.copy()
    deals_as_of(deals, known, stages, date.fromisoformat(day))
    pd.testing.assert_frame_equal(deals, opportunities())
    pd.testing.assert_frame_equal(known, events())
    pd.testing.assert_frame_equal(stages, STAGES)
