"""Services and contacts of each class: like customers, enough time, and nobody's future."""

import numpy as np
import pandas as pd
import pytest

from analysis.core.periods import FiscalCalendar
from analysis.core.problems import SettingsError
from analysis.core.scope import Scope
from analysis.customers.service_levels import ServiceLevelOptions, service_levels
from analysis.customers.service_levels_adoption import quantile_of_counts

SCOPE = Scope(FiscalCalendar().parse("2026Q2"))
ALL = [f"service {letter}" for letter in "abcdefgh"]


def features(tenure_days, **columns):
    count = len(tenure_days)
    plain = {
        "customer_id": [f"c{n:05d}" for n in range(count)],
        "tenure_days": tenure_days,
        "industry": "trade",
        "revenue_year_amount": 100.0,
        "revenue_year_before_amount": 100.0,
    }
    return pd.DataFrame(plain | columns)


def segments(customers, name="grow"):
    return pd.DataFrame({"customer_id": customers["customer_id"], "prospect_class": name})


def categories(customers, counts):
    """Return customer_categories in which each customer has the first so many services."""
    rows = [
        (customer, service, 10.0)
        for customer, count in zip(customers["customer_id"], counts, strict=True)
        for service in ALL[:count]
    ]
    return pd.DataFrame(rows, columns=["customer_id", "product_category", "sale_year_amount"])


NO_PRODUCTS = pd.DataFrame({"customer_id": [], "product_id": [], "sale_year_amount": []}).astype(
    {"customer_id": "str", "product_id": "str"}
)


def run(customers, counts, classes="grow", activities=None, **tables):
    choices = tables.pop("choices", {})
    return service_levels(
        customers,
        segments(customers, classes),
        (categories(customers, counts), tables.pop("customer_products", NO_PRODUCTS)),
        tables.get("products"),
        tables.get("product_eligibility"),
        activities,
        scope=SCOPE,
        options=ServiceLevelOptions(**choices),
    )


def levels(result):
    return result.tables["class_levels"].set_index("prospect_class")


def adopted(tenure_days, seed=0):
    """Return services had: one at first, then one of the other seven each 200 days on average."""
    years = np.random.default_rng(seed).poisson(np.asarray(tenure_days) / 200)
    return np.minimum(1 + years, len(ALL))


class TestTheNumber:
    def test_without_tenure_the_number_is_too_low_and_with_it_right(self):
        rng = np.random.default_rng(1)
        tenure = np.where(rng.random(1500) < 0.7, rng.integers(0, 200, 1500), 730)
        customers = features(tenure)
        result = run(customers, adopted(tenure))
        # The truth: what customers of 730 days have, in a world of them alone.
        truth = np.quantile(adopted(np.full(100_000, 730), 9), 0.75, method="inverted_cdf")
        row = levels(result).loc["grow"]
        assert row["target_services_count"] == truth
        assert row["target_of_all_count"] < truth
        assert row["target_services_low_count"] <= truth <= row["target_services_high_count"]
        assert any("still new" in finding.text for finding in result.findings)

    def test_a_small_class_borrows_the_peers_of_the_next_better_one(self):
        customers = features([1000] * 60)
        classes = ["keep and enlarge"] * 50 + ["grow"] * 10
        result = run(customers, [5] * 50 + [1] * 10, np.array(classes))
        table = levels(result)
        assert table.loc["grow", "peers_from"] == "grow, keep and enlarge"
        assert table["target_services_count"].tolist() == [5, 5]
        assert table["missing_services_count"].tolist() == [0, 40]
        assert any("'grow' borrow" in text for text in result.caveats)

    def test_a_new_customer_does_not_count_as_a_peer(self):
        customers = features([1000] * 40 + [10] * 40)
        row = levels(run(customers, [4] * 40 + [8] * 40)).loc["grow"]
        assert (row["target_services_count"], row["peers_count"]) == (4, 40)

    def test_too_few_customers_of_long_standing_give_a_plain_sentence(self):
        result = run(features([200] * 30), [2] * 30)
        assert result.unavailable.startswith("Fewer than 20 customers")

    def test_young_data_ask_for_half_of_the_time_and_say_so(self):
        result = run(features([400] * 30), [2] * 30)
        assert any("half of the time" in text for text in result.caveats)

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.75, 0.9])
    def test_the_quantile_is_that_of_the_values(self, share):
        values = np.random.default_rng(3).poisson(3, 41)
        expected = np.quantile(values, share, method="inverted_cdf")
        assert quantile_of_counts(np.bincount(values), share) == expected

    def test_says_when_everybody_has_nearly_all_and_the_number_tells_nothing(self):
        customers = features([1000] * 60)
        told = [
            any("no longer" in finding.text for finding in run(customers, counts).findings)
            for counts in ([8] * 60, [8] * 10 + [3] * 50)
        ]
        assert told == [True, False]

    def test_without_classes_there_is_a_plain_sentence(self):
        result = service_levels(
            features([1000] * 30), None, (NO_PRODUCTS, NO_PRODUCTS), scope=SCOPE
        )
        assert result.unavailable.startswith("Without prospect classes")


class TestWhichServices:
    PRODUCTS = pd.DataFrame(
        {
            "product_id": [f"p{n}" for n in range(8)],
            "product_name": [f"hour {n}" for n in range(8)],
            "product_category": ALL,
            "is_service": [True, True] + [False] * 6,
        }
    )

    def test_what_a_customer_cannot_use_counts_nowhere(self):
        customers = features([1000] * 60, industry=["trade"] * 30 + ["farm"] * 30)
        rules = pd.DataFrame({"product_id": ["p0"], "segment": ["farm"], "is_eligible": [False]})
        result = run(customers, [2] * 60, products=self.PRODUCTS, product_eligibility=rules)
        table = result.tables["class_services"].set_index("service")
        assert table.loc["service a", ["peers_share", "lacking_count"]].tolist() == [1.0, 0]
        assert levels(result).loc["grow", "services_now"] == 1.5

    def test_offers_first_what_peers_have_and_most_of_the_class_lack(self):
        customers = features([1000] * 30 + [100] * 70)
        result = run(customers, [3] * 30 + [1] * 70)
        row = result.tables["catalogue"].iloc[0]
        assert row["which_services"] == "service a, service b, service c"
        assert row["offer_first"] == "service b"  # b and c lack alike: the first by name
        shares = result.tables["class_services"].set_index("service")["now_share"]
        assert shares["service b"] == 0.3

    def test_counts_products_marked_as_services_when_asked(self):
        customers = features([1000] * 30)
        sold = pd.DataFrame(
            {
                "customer_id": customers["customer_id"].repeat(2),
                "product_id": ["p0", "p5"] * 30,
                "sale_year_amount": 5.0,
            }
        )
        result = run(
            customers,
            [2] * 30,
            products=self.PRODUCTS,
            customer_products=sold,
            choices={"unit": "service"},
        )
        assert result.tables["class_services"]["service"].tolist() == ["hour 0"]

    def test_learns_categories_where_the_source_has_none(self):
        rng = np.random.default_rng(0)
        customers = features([1000] * 200)
        product = np.where(
            rng.random((200, 12)) < 0.9,
            (np.arange(200) % 2)[:, None] * 30 + rng.integers(0, 30, (200, 12)),
            rng.integers(0, 60, (200, 12)),
        )
        sold = pd.DataFrame(
            {
                "customer_id": np.repeat(customers["customer_id"], 12),
                "product_id": [f"p{n:02d}" for n in product.ravel()],
                "sale_year_amount": 5.0,
                "sale_year_before_amount": 0.0,
                "line_count": 1,
                "line_year_count": 1,
            }
        ).drop_duplicates(["customer_id", "product_id"])
        result = run(customers, [0] * 200, customer_products=sold)
        assert 2 <= result.tables["class_services"]["service"].nunique() <= 12


def calls(ids, day):
    return pd.DataFrame(
        {
            "customer_id": ids,
            "rep_id": "r1",
            "activity_type": "call",
            "completed_at": pd.Timestamp(day),
            "duration_minutes": 10.0,
            "is_automated": False,
        }
    )


class TestContacts:
    CUSTOMERS = features(
        [1000] * 100, revenue_year_amount=[150.0] * 50 + [50.0] * 50
    )  # half of them grew

    def test_more_contacts_become_the_number_only_where_stayers_clearly_had_more(self):
        ids = self.CUSTOMERS["customer_id"].tolist()
        now = calls(ids, "2026-05-05")
        base = pd.concat([now, calls(ids[:1], "2024-07-02")])
        more = pd.concat([base, calls(ids[:50] * 8, "2025-02-03")])
        plain = run(self.CUSTOMERS, [2] * 100, activities=base).tables["contacts"].iloc[0]
        raised = run(self.CUSTOMERS, [2] * 100, activities=more).tables["contacts"].iloc[0]
        assert (plain["contacts_now"], plain["contacts_aim"]) == (0.25, 0.25)
        assert raised["contacts_now"] == 0.25
        assert raised["contacts_aim"] == pytest.approx(2.005)

    def test_a_call_after_the_period_is_not_known(self):
        ids = self.CUSTOMERS["customer_id"]
        early = run(self.CUSTOMERS, [2] * 100, activities=calls(ids, "2026-06-30"))
        late = run(self.CUSTOMERS, [2] * 100, activities=calls(ids, "2026-07-01"))
        assert early.tables["contacts"]["contact_count"].tolist() == [100]
        assert "contacts" not in late.tables

    def test_without_activities_there_is_a_sentence_and_the_services_stay(self):
        result = run(self.CUSTOMERS, [2] * 100)
        assert any("contacts a customer gets is not known" in f.text for f in result.findings)
        assert result.tables["catalogue"]["contacts_aim"].isna().all()
        assert result.tables["catalogue"]["target_services_count"].tolist() == [2]


def test_row_order_changes_nothing_and_inputs_stay_as_they_are():
    rng = np.random.default_rng(2)
    customers = features(rng.integers(0, 1500, 300))
    names = np.array(["keep and enlarge", "grow", "serve lightly"])[rng.integers(0, 3, 300)]
    before = customers.copy()
    mixed = rng.permutation(300)
    counts = adopted(customers["tenure_days"])
    first = run(customers, counts, names)
    second = run(customers.iloc[mixed], counts[mixed], names[mixed])
    pd.testing.assert_frame_equal(customers, before)
    for name, table in first.tables.items():
        pd.testing.assert_frame_equal(table, second.tables[name])
    assert first.charts == second.charts


def test_impossible_options_are_all_named():
    with pytest.raises(SettingsError, match=r"(?s)quantile_share.*unit"):
        ServiceLevelOptions(quantile_share=2.0, unit="thing")
