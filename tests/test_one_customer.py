"""One customer's page: what is known of him, and nothing of anybody else."""

import pandas as pd
import pytest

from analysis.core.periods import FiscalCalendar
from analysis.core.problems import SettingsError
from analysis.core.result import Result
from analysis.core.scope import Scope
from analysis.customers.one_customer import one_customer

CALENDAR = FiscalCalendar()
SCOPE = Scope(CALENDAR.parse("2025Q1"))


def customer_periods():
    rows = [
        ("ada", "2024Q2", 100.0, 5.0),
        ("ada", "2024Q4", 60.0, 0.0),  # nothing in 2024Q3 and 2025Q1
        ("bob", "2025Q1", 9.0, 0.0),
    ]
    table = pd.DataFrame(rows, columns=["customer_id", "period", "revenue_amount", "return_amount"])
    starts = [CALENDAR.parse(period).starts_on for period in table["period"]]
    return table.assign(
        starts_on=pd.to_datetime(starts), margin_amount=30.0, order_count=2, product_count=1
    )


def customer_features(names=("Ada <script>", None)):
    return pd.DataFrame(
        {
            "customer_id": ["ada", "bob"],
            "customer_name": names,
            "first_order_on": pd.to_datetime(["2024-04-02", "2025-02-01"]),
            "last_order_on": pd.to_datetime(["2024-11-30", "2025-02-01"]),
            "order_count": [4, 2],
            "revenue_year_amount": [160.0, 9.0],
        }
    )


def customer_growth(**changes):
    table = pd.DataFrame(
        {
            "customer_id": ["ada", "bob"],
            "active_share": [0.3, 0.9],
            "forecast_quarter_amount": [40.0, 8.0],
            "forecast_quarter_low_amount": [0.0, 2.0],
            "forecast_quarter_high_amount": [90.0, 15.0],
            "forecast_year_amount": [150.0, 30.0],
            "forecast_year_low_amount": [50.0, 10.0],
            "forecast_year_high_amount": [300.0, 60.0],
            "potential_year_amount": [250.0, 500.0],
            "gap_year_amount": [100.0, 470.0],
            "target_quarter_amount": [45.0, 5.0],
            "target_pool_id": [None, "rare"],
            "next_products": [["cup", "tea"], []],
            "reason": ["late: silent for 121 days", "2 order days"],
        }
    )
    return table.assign(**changes)


def page(customer_id="ada", **changes):
    return one_customer(
        customer_id,
        customer_periods(),
        customer_features(),
        customer_growth(**changes),
        scope=SCOPE,
    )


def categories():
    """Return what growth says by category; bob's must not be shown to ada."""
    return pd.DataFrame(
        {
            "customer_id": ["ada", "ada", "bob"],
            "product_category": ["Cups", "Teas", "Pots"],
            "sale_year_amount": [160.0, 0.0, 9.0],
            "peer_amount": [170.0, 80.0, 400.0],
            "forecast_year_amount": [150.0, 0.0, 30.0],
            "potential_year_amount": [170.0, 80.0, 500.0],
            "gap_year_amount": [20.0, 80.0, 470.0],
            "is_new": [False, True, False],
        }
    )


def services():
    return pd.DataFrame(
        {
            "customer_id": ["ada", "bob", "ada"],
            "rank": [2, 1, 1],
            "product_id": ["P2", "P3", "P1"],
            "product_name": [None, "Pot", "Green tea"],
            "product_category": ["Teas", "Pots", "Teas"],
            "chance_share": [0.1, 0.5, 0.2],
            "expected_amount": [3.0, 9.0, 6.0],
            "reason": ["b", "c", "a"],
        }
    )


def sentences(result):
    return " ".join(f"{f.text} {f.detail}" for f in result.findings).replace("\u00a0", " ")


def test_shows_every_quarter_since_the_first_also_those_without_an_order():
    history = page().tables["history"]
    columns = ["period", "revenue_amount", "return_amount", "order_count"]
    assert history[columns].values.tolist() == [
        ["2024Q2", 100.0, 5.0, 2],
        ["2024Q3", 0.0, 0.0, 0],
        ["2024Q4", 60.0, 0.0, 2],
        ["2025Q1", 0.0, 0.0, 0],
    ]
    assert history["margin_amount"].isna().tolist() == [False, True, False, True]


def test_tells_forecast_potential_target_and_what_to_offer():
    result = page()
    outlook = result.tables["outlook"].set_index("what")
    assert outlook["amount"].to_dict() == {
        "the last four quarters": 160.0,
        "forecast of 2025Q2": 40.0,
        "forecast of the next four quarters": 150.0,
        "potential of a year": 250.0,
        "gap of a year": 100.0,
        "target of 2025Q2": 45.0,
    }
    assert result.tables["next_products"].values.tolist() == [[1, "cup"], [2, "tea"]]
    text = sentences(result)
    assert "About €40 in 2025Q2, 80 % range €0 to €90. Late: silent for 121 days." in text
    assert "Has probably left: a chance of 30 %." in text
    assert "€100 more than forecast" in text
    assert "cup, tea" in text
    assert "2025Q2 forecast €40" in result.charts["history"].alternative_text
    assert result.headline["forecast_quarter"].high == 90.0


def test_shows_potential_by_category_and_offers_with_their_reasons():
    tables = (customer_periods(), customer_features(), customer_growth())
    result = one_customer("ada", *tables, categories(), services(), scope=SCOPE)
    shown = result.tables["categories"][["product_category", "gap_year_amount", "is_new"]]
    assert shown.values.tolist() == [["Teas", 80.0, True], ["Cups", 20.0, False]]
    assert "Teas: forecast €0, potential €80" in result.charts["categories"].alternative_text
    offers = result.tables["next_products"]
    assert offers["product"].tolist() == ["Green tea", "P2"]
    assert offers["reason"].tolist() == ["a", "b"]
    assert "Green tea, P2" in sentences(result)
    assert "categories" not in page().tables
    assert "categories" not in page().charts


def test_without_an_id_it_is_the_customer_with_the_largest_gap():
    assert page("").title == "One customer: bob"
    unknown = {"gap_year_amount": float("nan"), "potential_year_amount": float("nan")}
    result = page("", **unknown)  # then the one with the largest forecast
    assert result.title == "One customer: Ada <script> (ada)"
    assert "gap" not in result.headline
    assert any("too few similar customers" in caveat for caveat in result.caveats)
    assert "potential" not in result.charts["year"].alternative_text


def test_what_cannot_be_said_is_left_out_and_named_as_a_limit():
    result = page("bob")
    assert "next_products" not in result.tables
    assert "target" not in result.headline
    assert any("too rarely for a fair target" in caveat for caveat in result.caveats)


def test_shows_the_stretch_beside_the_target_and_names_a_share_of_a_pool():
    stretched = {"stretch_quarter_amount": [80.0, 9.0]}
    own = page(**stretched).tables["outlook"].set_index("what")["amount"]
    assert own["target of 2025Q2"] == 45.0
    assert own["stretch of 2025Q2"] == 80.0
    pooled = page("bob", **stretched).tables["outlook"].set_index("what")["amount"]
    assert pooled["share of a pool's target of 2025Q2"] == 5.0
    assert "target of 2025Q2" not in pooled


def test_a_customer_who_left_has_a_page_that_says_so():
    gone = {name: 0.0 for name in customer_growth() if name.startswith("forecast_")}
    result = page(active_share=0.001, **gone)
    assert "About €0 in 2025Q2, 80 % range €0 to €0" in sentences(result)
    assert "Has probably left: a chance of 0 %" in sentences(result)
    assert "2025Q2 forecast €0" in result.charts["history"].alternative_text


def test_a_customer_of_one_quarter_has_a_history_of_one():
    result = page("bob")
    assert result.tables["history"]["period"].tolist() == ["2025Q1"]
    assert set(result.charts) == {"history", "year"}
    assert "Probably still buys: a chance of 90 %" in sentences(result)


def test_an_unknown_id_is_refused_with_ids_like_it():
    with pytest.raises(SettingsError, match=r"(?s)adam.*for example ada"):
        page("adam")


def test_without_a_forecast_it_says_so():
    for growth in (None, customer_growth().iloc[:0]):
        result = one_customer("ada", customer_periods(), customer_features(), growth, scope=SCOPE)
        assert result.unavailable.startswith("There is no forecast")


def test_leaves_its_input_unchanged_and_survives_saving(tmp_path):
    tables = (customer_periods(), customer_features(), customer_growth())
    copies = [table.copy(deep=True) for table in tables]
    result = one_customer("ada", *tables, scope=SCOPE)
    for table, copy in zip(tables, copies, strict=True):
        pd.testing.assert_frame_equal(table, copy)
    result.save(tmp_path / "one_customer")
    assert Result.load(tmp_path / "one_customer").headline == result.headline
