"""What is known in advance enters as it stood at the origin; without it nothing changes."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from test_growth import QUARTERS, SCOPE, features, origins, planted_orders

from analysis.core.tables import check_table
from analysis.core.tables_sales import KNOWN_AHEAD
from analysis.customers.growth import growth
from analysis.customers.growth_forecast import poisson_deviance
from analysis.customers.growth_known import Beside, fact_bins, known_facts

NONE = pd.NaT
LIFT = 6.0


def origin(end: str = "2025-03-31") -> SimpleNamespace:
    ends_on = pd.Timestamp(end)
    return SimpleNamespace(
        name=end,
        ends_on=ends_on,
        known_on=ends_on + pd.Timedelta(days=91),
        horizon_days=91,
        table=pd.DataFrame({"customer_id": ["A", "B"]}),
    )


def deals(**changes) -> pd.DataFrame:
    row = {
        "opportunity_id": "O1",
        "customer_id": "A",
        "created_at": "2025-02-01",
        "closed_at": NONE,
        "is_closed": False,
        "value_amount": 999_999.0,  # as last edited: is never looked at
        "expected_close_on": "2025-04-01",
    }
    table = pd.DataFrame([row | changes])
    return table.assign(**{n: pd.to_datetime(table[n]) for n in ("created_at", "closed_at")})


def stays(*rows: tuple[str, float, str], is_reconstructed: bool = False) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["entered_at", "value_amount", "expected_close_on"])
    days = {n: pd.to_datetime(table[n]) for n in ("entered_at", "expected_close_on")}
    numbers = range(1, len(table) + 1)
    return table.assign(
        **days, opportunity_id="O1", event_no=numbers, is_reconstructed=is_reconstructed
    )


def ahead(*rows: tuple[str, str, str | None, float, float, str]) -> pd.DataFrame:
    """Return facts of customer A: kind, first and last day, amount, change, moment of knowing."""
    names = ["kind", "starts_on", "ends_on", "amount", "change_share", "known_at"]
    table = pd.DataFrame(rows, columns=names).assign(
        customer_id="A", source_system="crm", source_id="A"
    )
    days = {n: pd.to_datetime(table[n]) for n in ("starts_on", "ends_on", "known_at")}
    return table.assign(**days)[list(KNOWN_AHEAD.column_names)]


def columns(beside: Beside) -> np.ndarray:
    return known_facts([origin()], beside)["2025-03-31"]


class TestDeals:
    def test_count_with_value_and_close_as_they_stood(self) -> None:
        events = stays(("2025-02-01", 100.0, "2025-05-01"), ("2025-04-02", 900.0, "2026-05-01"))
        found = columns(Beside(opportunities=deals(), stage_events=events))
        assert found[0].tolist() == pytest.approx([1, np.log1p(100), np.log1p(100), 0, 0])
        assert found[1].tolist() == [0] * 5

    @pytest.mark.parametrize(
        "changes",
        [
            {"created_at": "2025-04-01"},
            {"closed_at": "2025-03-31 10:00", "is_closed": True},
            {"is_closed": True},  # at an unknown time
            {"created_at": NONE},
        ],
    )
    def test_do_not_count_when_not_known_to_be_open(self, changes) -> None:
        events = stays(("2025-02-01", 100.0, "2025-05-01"))
        found = known_facts([origin()], Beside(opportunities=deals(**changes), stage_events=events))
        assert all((table == 0).all() for table in found.values())

    def test_that_closed_after_the_origin_were_open_at_it(self) -> None:
        found = columns(Beside(opportunities=deals(closed_at="2025-04-01", is_closed=True)))
        assert found[0].tolist() == [1, 0, 0, 0, 0]

    def test_have_no_value_from_what_was_overwritten_or_inferred(self) -> None:
        events = stays(("2025-02-01", 100.0, "2025-05-01"), is_reconstructed=True)
        for beside in (Beside(None, deals()), Beside(None, deals(), events)):
            assert columns(beside)[0].tolist() == [1, 0, 0, 0, 0]

    def test_expected_after_the_quarter_bring_nothing_in_it(self) -> None:
        events = stays(("2025-02-01", 100.0, "2025-07-01"))
        assert columns(Beside(None, deals(), events))[0, 2] == 0


class TestContractsAndPrices:
    def test_keep_their_declaration(self) -> None:
        check_table(ahead(("contract", "2025-04-01", None, 1.0, 0.0, "2025-01-01")), KNOWN_AHEAD)

    def test_a_contract_brings_what_falls_into_the_quarter(self) -> None:
        year = ("contract", "2025-01-01", "2025-12-31", 365.0, 0.0, "2025-01-01")
        open_ended = ("contract", "2025-01-01", None, 50.0, 0.0, "2025-01-01")
        found = columns(Beside(known_ahead=ahead(year, open_ended)))
        assert found[0, 3] == pytest.approx(np.log1p(91 + 50))

    def test_a_price_counts_for_the_days_from_its_change_on(self) -> None:
        coming = ("price_change", "2025-05-16", None, 0.0, 0.1, "2025-03-01")
        past = ("price_change", "2025-03-01", None, 0.0, 0.5, "2025-01-01")
        assert columns(Beside(known_ahead=ahead(coming, past)))[0, 4] == pytest.approx(
            0.1 * 46 / 91
        )

    def test_what_was_known_after_the_origin_never_enters(self) -> None:
        late = ("contract", "2025-04-01", None, 50.0, 0.0, "2025-04-01 00:00")
        assert (columns(Beside(known_ahead=ahead(late))) == 0).all()


def test_bins_leave_out_what_teaches_nothing_and_keep_nothing_apart() -> None:
    learnt = np.column_stack([np.zeros(6), [0, 0, 0, 0, 0, 5.0], np.ones(6)])
    found, asked = fact_bins(learnt, np.array([[1.0, 0.0, 1.0], [0.0, 7.0, 1.0]]))
    assert found.shape == (6, 1)
    assert len(set(found[:5, 0])) == 1
    assert asked[0, 0] == found[0, 0] < found[5, 0] <= asked[1, 0]


@pytest.fixture(scope="module")
def planted() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give orders, and contracts: who has one for a quarter orders six times as much in it."""
    orders, random = planted_orders(300, seed=9), np.random.default_rng(1)
    quarter = orders["day"].dt.to_period("Q")
    facts, lifted = [], np.zeros(len(orders), bool)
    for period in QUARTERS[1:]:
        chosen = random.random(300) < 0.25
        ids = [f"C{number:05d}" for number in np.flatnonzero(chosen)]
        lifted |= ((quarter == period) & orders["customer_id"].isin(ids)).to_numpy()
        start = period.start_time
        facts += [(customer, start, start - pd.Timedelta(days=10)) for customer in ids]
    table = pd.DataFrame(facts, columns=["customer_id", "starts_on", "known_at"]).assign(
        kind="contract", ends_on=lambda t: t["starts_on"] + pd.Timedelta(days=89), amount=100.0
    )
    sale = orders["sale"].where(~lifted, orders["sale"] * LIFT).round(2)
    return orders.assign(sale=sale), table.assign(change_share=np.nan)


@pytest.fixture(scope="module")
def tables(planted) -> list[pd.DataFrame]:
    orders = planted[0]
    return [features(orders, QUARTERS[6]), origins(orders, QUARTERS[:6])]


@pytest.fixture(scope="module")
def without(tables) -> pd.DataFrame:
    return growth(*tables, scope=SCOPE).tables["customer_growth"]


def forecast_with(tables, **facts: pd.DataFrame) -> pd.DataFrame:
    return growth(*tables, beside=Beside(**facts), scope=SCOPE).tables["customer_growth"]


def test_a_planted_contract_is_forecast(planted, tables, without) -> None:
    orders, facts = planted
    found = forecast_with(tables, known_ahead=facts)
    truth = origins(orders, QUARTERS[6:7])["next_quarter_amount"].to_numpy()
    starts = pd.Timestamp("2025-10-01")
    has = found["customer_id"].isin(facts.loc[facts["starts_on"] == starts, "customer_id"])
    forecasts = [table["forecast_quarter_amount"].to_numpy() for table in (found, without)]
    errors = [poisson_deviance(truth, forecast) for forecast in forecasts]
    assert errors[0] < 0.9 * errors[1]
    came = truth[has].sum()
    misses = [abs(forecast[has].sum() / came - 1) for forecast in forecasts]
    assert misses[0] < 0.7 * misses[1]
    mean = found.loc[has, "forecast_quarter_amount"].mean()
    assert mean > 1.5 * without.loc[has, "forecast_quarter_amount"].mean()


def test_without_facts_or_with_later_ones_nothing_changes(planted, tables, without) -> None:
    later = planted[1].assign(known_at=pd.Timestamp("2025-10-01"))
    for facts in (later, later.head(0)):
        pd.testing.assert_frame_equal(forecast_with(tables, known_ahead=facts), without)
