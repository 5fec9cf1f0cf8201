"""The simulated company keeps its declarations, and its dirt and files are as stated."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_examples import SMALL, end_of, sample, small, with_dirt

from analysis.core.dictionary import CHAPTERS, TABLES
from analysis.core.problems import SettingsError
from analysis.core.project import open_project
from analysis.core.tables import check_table
from analysis.sources.load import load
from analysis.sources.simulated import (
    SAMPLE,
    Dirt,
    Simulation,
    SimulationOptions,
    simulate,
    write_sample,
)
from analysis.sources.simulated import customers as simulated_customers
from analysis.sources.simulated import files as simulated_files

REPOSITORY = Path(__file__).resolve().parents[1]
SALES_TABLES = {
    "stages",
    "leads",
    "opportunities",
    "stage_events",
    "opportunity_lines",
    "activities",
    "inbound_contacts",
    "time_records",
}


# --- the tables ---------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_tables_and_truth():
    once, again = simulate(SMALL), simulate(SMALL)
    for name, table in (once.tables | once.truth).items():
        pd.testing.assert_frame_equal(table, (again.tables | again.truth)[name])


def test_another_seed_gives_another_company():
    other = simulate(replace(SMALL, seed=4))
    assert not small().tables["invoice_lines"].equals(other.tables["invoice_lines"])


def test_every_declared_raw_table_is_there_and_keeps_its_declaration():
    tables = simulate(replace(SAMPLE, dirt=replace(SAMPLE.dirt, foreign_share=0.2))).tables
    declared = {
        t.name for chapter, group in CHAPTERS.items() if chapter != "Derived" for t in group
    }
    # The simulated company knows of no contract or price before it holds.
    assert set(tables) == declared - {"known_ahead"}
    for name, table in tables.items():
        check_table(table, TABLES[name])


@settings(max_examples=8, deadline=None)
@given(
    options=st.builds(
        SimulationOptions,
        customers=st.integers(20, 80),
        quarters=st.integers(1, 6),
        first_quarter=st.sampled_from(["2019Q4", "2023Q1", "2024Q3"]),
        seed=st.integers(0, 2**63),
        difficulty=st.floats(0, 1),
        has_structure=st.booleans(),
        has_sales=st.booleans(),
        dirt=st.builds(
            Dirt,
            missing_customer_share=st.sampled_from([0.0, 0.2, 1.0]),
            duplicate_count=st.integers(0, 5),
            refund_count=st.integers(0, 5),
            late_count=st.integers(0, 3),
            merged_count=st.integers(0, 20),
            foreign_share=st.sampled_from([0.0, 0.4, 1.0]),
            reopened_count=st.integers(0, 5),
            has_hostile_names=st.booleans(),
        ),
    )
)
def test_every_company_keeps_the_declarations_however_small_odd_or_dirty(options):
    simulation = simulate(options)
    for name, table in simulation.tables.items():
        check_table(table, TABLES[name])
    assert_totals_reconcile(simulation)


def assert_totals_reconcile(simulation: Simulation) -> None:
    lines, totals = simulation.tables["invoice_lines"], simulation.tables["control_totals"]
    quarter = lines["invoiced_on"].dt.to_period("Q").astype(str)
    units = (lines["revenue_amount"] * 10_000).round().astype("int64")
    summed = units.groupby(quarter).sum().reindex(totals["period"], fill_value=0)
    stated = (totals["value_amount"] * 10_000).round().astype("int64")
    assert summed.tolist() == stated.tolist()


def test_control_totals_equal_the_lines_to_the_cent():
    assert_totals_reconcile(sample())
    assert_totals_reconcile(with_dirt(foreign_share=0.5, duplicate_count=5, refund_count=5))


def test_amounts_are_whole_cents():
    for name, table in sample().tables.items():
        for column in TABLES[name].columns:
            if column.kind == "amount":
                cents = table[column.name].dropna() * 100
                assert np.allclose(cents, cents.round(), atol=1e-6), (name, column.name)


def test_every_id_that_a_table_names_exists():
    tables = sample().tables
    for column, (home, key) in {
        "customer_id": ("customers", "customer_id"),
        "product_id": ("products", "product_id"),
        "rep_id": ("reps", "rep_id"),
        "changed_by_rep_id": ("reps", "rep_id"),
        "team_id": ("teams", "team_id"),
        "region_id": ("regions", "region_id"),
        "opportunity_id": ("opportunities", "opportunity_id"),
        "improvement_id": ("improvements", "improvement_id"),
    }.items():
        known = set(tables[home][key])
        for name, table in tables.items():
            if column in table:
                assert set(table[column].dropna()) <= known, (name, column)


def test_nothing_happens_after_the_end_of_the_data():
    # Deadlines, expected ends and targets may lie ahead; what happened may not.
    ahead = {"due_at", "due_on", "expected_close_on", "ends_on", "starts_on"}
    end = end_of(sample())
    for name, table in sample().tables.items():
        for column in TABLES[name].columns:
            if column.kind in ("day", "moment") and column.name not in ahead:
                assert not (table[column.name] >= end).any(), (name, column.name)


def test_the_last_day_has_an_invoice_so_that_the_last_quarter_counts_as_complete():
    for simulation in (small(), sample()):
        last = simulation.tables["invoice_lines"]["invoiced_on"].max()
        assert last == end_of(simulation) - pd.Timedelta(days=1)


def test_raw_tables_tell_nothing_of_the_truth():
    secret = {"archetype", "skill", "quality", "win_share_true", "share_of_wallet", "effect"}
    secret |= {"wallet_year_amount", "is_constant", "switched_on", "churned_on", "half_life_hours"}
    for name, table in sample().tables.items():
        assert not secret & set(table.columns), name
        for column in table.select_dtypes("str"):
            assert not table[column].isin(simulated_customers.ARCHETYPES).any(), (name, column)


def test_without_sales_the_tables_of_selling_are_left_out_and_invoices_stay():
    quiet = simulate(replace(SMALL, has_sales=False))
    assert set(small().tables) - set(quiet.tables) == SALES_TABLES
    pd.testing.assert_frame_equal(quiet.tables["invoice_lines"], small().tables["invoice_lines"])


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"customers": 5}, "customers"),
        ({"quarters": 0}, "quarters"),
        ({"difficulty": 1.5}, "difficulty"),
        ({"seed": -1}, "seed"),
        ({"first_quarter": "2023Q5"}, "2023Q5"),
        ({"dirt": Dirt(missing_customer_share=2)}, "missing_customer_share"),
        ({"dirt": Dirt(duplicate_count=-1)}, "duplicate_count"),
    ],
)
def test_refuses_impossible_options(changes, word):
    with pytest.raises(SettingsError, match=word):
        SimulationOptions(**changes)


def test_tells_every_impossible_option_at_once():
    with pytest.raises(SettingsError, match=r"(?s)customers.*difficulty"):
        SimulationOptions(customers=1, difficulty=-1)


# --- dirt ---------------------------------------------------------------------------------------


def test_duplicates_are_that_many_equal_lines_more():
    clean, dirty = small().tables["invoice_lines"], with_dirt(duplicate_count=7)
    lines = dirty.tables["invoice_lines"]
    assert len(lines) == len(clean) + 7
    assert clean.drop(columns="line_no").duplicated().sum() == 0
    assert lines.drop(columns="line_no").duplicated().sum() == 7
    assert dirty.truth["dirt"]["what"].tolist() == ["duplicate"] * 7


def test_refunds_take_that_many_orders_back_whole():
    lines = with_dirt(refund_count=4).tables["invoice_lines"]
    back = lines[lines["invoice_id"].str.startswith("R")]
    assert back["invoice_id"].nunique() == 4
    assert set(back["kind"]) == {"return"}
    taken = lines[lines["invoice_id"].isin(back["invoice_id"].str[1:]) & (lines["kind"] == "sale")]
    assert taken["revenue_amount"].sum() == pytest.approx(-back["revenue_amount"].sum())
    assert len(lines) == len(small().tables["invoice_lines"]) + len(taken)


def test_missing_customers_are_whole_documents_of_the_given_share():
    dirty = with_dirt(missing_customer_share=0.1)
    lines = dirty.tables["invoice_lines"]
    missing = lines.groupby("invoice_id")["customer_id"].agg(lambda ids: ids.isna().mean())
    assert set(missing) == {0.0, 1.0}
    assert missing.mean() == pytest.approx(0.1, abs=0.03)
    truth = dirty.truth["dirt"].set_index("id")["value"]
    clean = small().tables["invoice_lines"].drop_duplicates("invoice_id").set_index("invoice_id")
    assert truth.equals(clean.loc[truth.index, "customer_id"].rename("value").rename_axis("id"))


def test_late_documents_are_known_in_the_next_quarter():
    lines = with_dirt(late_count=3).tables["invoice_lines"]
    late = lines.dropna(subset=["known_at"])
    assert late["invoice_id"].nunique() == 3
    known, day = (late[c].dt.to_period("Q") for c in ("known_at", "invoiced_on"))
    assert (known == day + 1).all()
    assert small().tables["invoice_lines"]["known_at"].isna().all()


def test_merged_customers_have_two_ids_that_links_resolve():
    dirty = with_dirt(merged_count=5)
    lines, links = dirty.tables["invoice_lines"], dirty.tables["customer_links"]
    found = lines.merge(links[["source_id", "customer_id"]], on="source_id", validate="m:1")
    assert (found["customer_id_x"] == found["customer_id_y"]).all()
    ids = lines.groupby("customer_id")["source_id"].nunique()
    assert (ids == 2).sum() == 5
    assert lines["customer_id"].equals(small().tables["invoice_lines"]["customer_id"])


def test_foreign_lines_are_worth_the_same_at_the_rate_of_their_day():
    dirty = with_dirt(foreign_share=0.4)
    lines, rates = dirty.tables["invoice_lines"], dirty.tables["exchange_rates"]
    abroad = lines[lines["currency"] != "EUR"].sort_values("invoiced_on")
    assert len(abroad) > 100
    rated = pd.merge_asof(
        abroad,
        rates.sort_values("valid_on"),
        left_on="invoiced_on",
        right_on="valid_on",
        by="currency",
    )
    worth = rated["original_amount"] * rated["company_currency_per_unit"]
    assert np.allclose(worth, rated["revenue_amount"], atol=1e-6)
    clean = small().tables["invoice_lines"]["revenue_amount"]
    assert (lines["revenue_amount"] - clean).abs().max() < 0.011


def test_reopened_deals_go_back_from_lost_and_are_open():
    dirty = with_dirt(reopened_count=2)
    events, deals = dirty.tables["stage_events"], dirty.tables["opportunities"]
    again = events[events["previous_stage_id"] == "LOST"]
    assert len(again) == 2
    back = deals[deals["opportunity_id"].isin(again["opportunity_id"])]
    assert not back["is_closed"].any()
    assert len(events) == len(small().tables["stage_events"]) + 2


def test_hostile_names_are_in_the_sample():
    names = set(sample().tables["customers"]["customer_name"])
    assert {"<script>alert(1)</script>", "=1+1"} <= names


def test_dirt_leaves_everything_else_as_it_was():
    dirty = with_dirt(duplicate_count=3, merged_count=2, foreign_share=0.2, late_count=2)
    for name in set(small().tables) - {"invoice_lines", "control_totals"}:
        pd.testing.assert_frame_equal(dirty.tables[name], small().tables[name])


# --- files --------------------------------------------------------------------------------------


def test_writes_raw_files_apart_from_truth_and_settings_once(tmp_path):
    (tmp_path / "project.toml").write_text("# mine\n", encoding="utf-8")
    paths = write_sample(small(), tmp_path)
    assert {p.stem for p in paths} == set(small().tables)
    assert all(p.parent == tmp_path / "data" / "raw" / "sample" for p in paths)
    assert {p.stem for p in (tmp_path / "truth").glob("*.parquet")} == set(small().truth)
    assert (tmp_path / "project.toml").read_text(encoding="utf-8") == "# mine\n"


def test_files_hold_every_value_exactly(tmp_path):
    write_sample(sample(), tmp_path)
    for name, table in sample().tables.items():
        wanted = simulated_files.raw_table(name, table)
        path = tmp_path / "data" / "raw" / "sample" / f"{name}.csv"
        assert b"\r" not in path.read_bytes()
        found = pd.read_csv(path, dtype="str", keep_default_na=False, na_values=[""])
        assert found.columns.tolist() == wanted.columns.tolist()
        for column in TABLES[name].columns:
            if column.name in wanted and column.kind in ("amount", "number", "share", "count"):
                values = wanted[column.name].astype("float64")
                assert found[column.name].astype("float64").equals(values.reset_index(drop=True))
            elif column.name in wanted and column.kind in ("id", "text"):
                given = wanted[column.name].fillna("").tolist()
                assert found[column.name].fillna("").tolist() == given


def test_the_load_gives_every_table_back(tmp_path):
    dirt = Dirt(0.1, 3, 3, 2, 3, 0.3, 2, has_hostile_names=True)
    simulation = simulate(replace(SMALL, dirt=dirt))
    write_sample(simulation, tmp_path)
    report = load(open_project(tmp_path))
    rows = {name: len(table) for name, table in simulation.tables.items()}
    assert report.table_rows == rows
    lines = simulation.tables["invoice_lines"]
    read = pd.read_parquet(
        tmp_path / "data" / "processed" / "tables" / report.snapshot / "invoice_lines.parquet"
    )
    both = read.merge(lines, on=["invoice_id", "line_no"], validate="1:1")
    assert len(both) == len(lines)
    for name in ("revenue_amount", "original_amount", "cost_amount"):
        assert (both[f"{name}_x"].astype(float) == both[f"{name}_y"]).all(), name
    for name in ("customer_id", "source_id", "kind", "currency"):
        assert (both[f"{name}_x"].fillna("") == both[f"{name}_y"].fillna("")).all(), name


def test_the_committed_sample_is_what_the_simulator_writes(tmp_path):
    write_sample(sample(), tmp_path)
    committed = sorted((REPOSITORY / "data" / "raw" / "sample").glob("*.csv"))
    assert {p.stem for p in committed} == set(sample().tables)
    for path in committed:
        made = (tmp_path / "data" / "raw" / "sample" / path.name).read_bytes()
        # A checkout on Windows may have changed the line ends.
        assert path.read_bytes().replace(b"\r\n", b"\n") == made, path.name
    assert sum(p.stat().st_size for p in committed) < 3_000_000
