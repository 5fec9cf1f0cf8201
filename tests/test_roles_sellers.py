"""The derived table behind the chapter on roles: revenue by customer, seller and quarter."""

from decimal import Decimal

import pytest
from features_examples import Line, features_of, project_in


@pytest.fixture
def project(tmp_path):
    return project_in(tmp_path / "project")


def test_seller_periods_hold_every_cent_and_empty_ids_where_nobody_is_named(project):
    lines = [
        Line("ada", "1", "2023-11-02", "10.10", rep_id="ann"),
        Line("ada", "2", "2023-12-30", "5.05", rep_id="ann"),
        Line("ada", "3", "2023-12-30", "-1.00", "return", rep_id="ann", quantity=-1),
        Line("ada", "4", "2023-12-31", "7.00", rep_id="ben"),
        Line("ada", "5", "2024-01-01", "3.00", rep_id="ann"),  # the next quarter
        Line(None, "6", "2023-12-01", "2.00", rep_id="ann"),
        Line(None, "7", "2023-12-02", "4.00"),
        Line("ada", "8", "2023-12-03", "9.00", rep_id="ann", known_at="2024-04-02 00:00"),
    ]
    tables = features_of(project, lines, "2024Q1")
    table = tables["seller_periods"].set_index(["customer_id", "rep_id", "period"])
    found = {key: str(Decimal(str(row))) for key, row in table["revenue_amount"].items()}
    assert found == {
        ("", "", "2023Q4"): "4.0",
        ("", "ann", "2023Q4"): "2.0",
        ("ada", "ann", "2023Q4"): "14.15",
        ("ada", "ann", "2024Q1"): "3.0",
        ("ada", "ben", "2023Q4"): "7.0",
    }
    mine = table.loc[("ada", "ann", "2023Q4")]
    assert (f"{mine['first_on']:%m-%d}", f"{mine['last_on']:%m-%d}") == ("11-02", "12-30")
    assert mine["day_count"] == 2
    total = tables["company_kinds"]["revenue_amount"].sum()
    assert round(float(total), 4) == round(float(table["revenue_amount"].sum()), 4) == 30.15


def test_seller_periods_count_only_kinds_that_are_revenue(tmp_path):
    settings = '[revenue]\nkinds = ["sale", "return"]\n'
    project = project_in(tmp_path / "project", settings)
    lines = [
        Line("ada", "1", "2024-01-15", "10.00", rep_id="ann"),
        Line("ada", "1", "2024-01-15", "3.00", "postage", rep_id="ann"),
    ]
    table = features_of(project, lines, "2024Q1")["seller_periods"]
    assert table["revenue_amount"].tolist() == [10.0]
