"""What each customer bought of each product and category, as of a period's end."""

import pandas as pd
import pytest
from features_examples import Line, features_of, project_in, snapshot_of

from analysis.features.engine import make_features, read_table


@pytest.fixture
def project(tmp_path):
    return project_in(tmp_path / "project")


LINES = [
    Line("ada", "1", "2022-12-31", "1000.00"),  # nine quarters before the last one
    Line("ada", "2", "2023-04-01", "100.00"),  # the first day of the four before
    Line("ada", "3", "2024-03-31", "10.00"),  # the last day of the four before
    Line("ada", "4", "2024-04-01", "1.00"),  # the first day of the last four
    Line("ada", "4", "2024-04-01", "2.00", product_id="cup"),
    Line("ada", "5", "2025-03-31", "4.00", product_id="cup"),
    Line("ada", "6", "2025-03-31", "-4.00", "return", product_id="cup"),  # sales only
    Line("ada", "7", "2025-03-30", "8.00", product_id=None),  # of no product
    Line(None, "8", "2025-03-30", "8.00"),  # of nobody
    Line("ada", "9", "2025-04-01", "99.00", product_id="pot"),  # after the end
    Line("ada", "10", "2025-03-01", "99.00", known_at="2025-04-02 08:00:00", product_id="pot"),
]


def test_sums_by_product_what_was_known_by_the_end(project):
    found = features_of(project, LINES, "2025Q1")["customer_products"].set_index("product_id")
    assert found.loc["tea"].to_dict() == {
        "customer_id": "ada",
        "sale_year_amount": 1.0,
        "sale_year_before_amount": 110.0,
        "line_year_count": 1,
        "line_count": 4,
        "first_sold_on": pd.Timestamp("2022-12-31"),
        "last_sold_on": pd.Timestamp("2024-04-01"),
    }
    assert found.loc["cup", ["sale_year_amount", "line_year_count"]].to_list() == [6.0, 2]
    assert list(found.index) == ["cup", "tea"]


def test_sums_by_category_and_leaves_out_products_without_one(project):
    products = [
        {"product_id": "tea", "product_category": "kitchen"},
        {"product_id": "cup", "product_category": "kitchen"},
        {"product_id": "pot", "product_category": None},
    ]
    lines = [*LINES, Line("bob", "11", "2025-03-01", "5.00", product_id="pot")]
    snapshot = snapshot_of(project, lines, products=products)
    folder = make_features(project, snapshot, project.calendar.parse("2025Q1"))
    found = read_table(folder, "customer_categories").to_dict("records")
    assert found == [
        {
            "customer_id": "ada",
            "product_category": "kitchen",
            "sale_year_amount": 7.0,
            "sale_year_before_amount": 110.0,
            "line_year_count": 3,
            "line_count": 6,
            "first_sold_on": pd.Timestamp("2022-12-31"),
            "last_sold_on": pd.Timestamp("2025-03-31"),
        }
    ]


def test_without_products_of_the_source_there_is_no_category(project):
    assert features_of(project, LINES, "2025Q1")["customer_categories"].empty
