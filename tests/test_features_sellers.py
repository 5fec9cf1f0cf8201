"""Who sells to a customer: as the lines said by then, whoever looks after him now."""

import pytest
from features_examples import Line, features_of, project_in, snapshot_of

from analysis.features.engine import make_features, read_table


@pytest.fixture
def project(tmp_path):
    return project_in(tmp_path / "project")


def _seller(tables):
    return tables["customer_features"].set_index("customer_id")["rep_id"]


def test_is_who_sold_most_in_the_last_four_quarters(project):
    lines = [
        Line("ada", "1", "2023-01-15", "900.00", rep_id="old"),  # five quarters ago
        Line("ada", "2", "2023-04-01", "50.00", rep_id="ben"),
        Line("ada", "3", "2024-02-01", "40.00", rep_id="ann"),
        Line("ada", "4", "2024-02-02", "30.00", rep_id="ann"),
        Line("ada", "5", "2024-03-01", "99.00", rep_id=None),
    ]
    assert _seller(features_of(project, lines, "2024Q1"))["ada"] == "ann"


def test_what_came_back_is_taken_off_its_seller(project):
    lines = [
        Line("ada", "1", "2024-01-15", "90.00", rep_id="ann"),
        Line("ada", "2", "2024-01-20", "-80.00", "return", rep_id="ann", quantity=-1),
        Line("ada", "3", "2024-02-01", "40.00", rep_id="ben"),
    ]
    assert _seller(features_of(project, lines, "2024Q1"))["ada"] == "ben"


@pytest.mark.parametrize("first", ["ann", "zoe"])
def test_of_equals_it_is_the_first_by_id(project, first):
    other = {"ann": "zoe", "zoe": "ann"}[first]
    lines = [
        Line("ada", "1", "2024-01-15", "40.00", rep_id=first),
        Line("ada", "2", "2024-02-15", "40.00", rep_id=other),
    ]
    assert _seller(features_of(project, lines, "2024Q1"))["ada"] == "ann"


def test_who_looks_after_the_customer_now_is_not_asked(project):
    lines = [
        Line("ada", "1", "2024-01-15", "40.00", rep_id="ann"),
        Line("bob", "2", "2024-01-15", "40.00"),
        Line("cyd", "3", "2022-01-15", "40.00", rep_id="ann"),  # nothing in the last four quarters
        Line("cyd", "4", "2024-01-15", "40.00"),
    ]
    owners = [{"customer_id": name, "rep_id": "new"} for name in ("ada", "bob", "cyd")]
    snapshot = snapshot_of(project, lines, customers=owners)
    folder = make_features(project, snapshot, project.calendar.parse("2024Q1"))
    found = read_table(folder, "customer_features").set_index("customer_id")["rep_id"]
    assert found["ada"] == "ann"
    assert found[["bob", "cyd"]].isna().all()


def test_an_earlier_quarter_knows_the_seller_of_then(project):
    lines = [
        Line("ada", "1", "2023-11-15", "40.00", rep_id="ann"),
        # Sold in 2023Q4 but known in 2024Q1, and the new owner's first sale.
        Line("ada", "2", "2023-12-15", "70.00", rep_id="ben", known_at="2024-01-05"),
        Line("ada", "3", "2024-02-15", "500.00", rep_id="cat"),
    ]
    tables = features_of(project, lines, "2024Q1", month_end_customers=0)
    origins = tables["backtest_origins"].set_index("origin")["rep_id"]
    assert origins.to_dict() == {"2023Q4": "ann"}
    assert _seller(tables)["ada"] == "cat"


def test_a_document_of_two_sellers_stays_one_order(project):
    lines = [
        Line("ada", "1", "2024-01-15", "40.00", rep_id="ann", cost="10.00"),
        Line("ada", "1", "2024-01-15", "60.00", rep_id="ben", cost="20.00"),
        Line("ada", "1", "2024-01-15", "-95.00", "return", rep_id=None, cost="-25.00"),
    ]
    tables = features_of(project, lines, "2024Q1")
    row = tables["customer_features"].iloc[0]
    assert (row["order_count"], row["revenue_amount"], row["margin_year_amount"]) == (1, 5.0, 0.0)
    assert row["rep_id"] == "ben"
    assert tables["company_days"]["invoice_count"].tolist() == [1, 1]  # sale and return
