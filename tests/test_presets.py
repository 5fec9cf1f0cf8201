"""Presets are data: checked, documented in their notes, without a language of their own."""

import pytest

from analysis.core.problems import SettingsError
from analysis.sources.presets import RAW_TABLES, parse_preset, preset_names, read_preset

SMALL = """
title = "Test"
[tables.customers]
files = ["c.csv"]
columns = { customer_id = ["id"] }
"""


@pytest.mark.parametrize("name", preset_names())
def test_every_shipped_preset_is_valid_and_says_what_it_is(name):
    preset = read_preset(name)
    assert preset.title
    assert preset.tables


def test_the_presets_of_the_issue_are_shipped():
    assert {"plain", "online_retail_ii", "cdnow", "maven_crm"} <= set(preset_names())


def test_plain_takes_every_declared_table_under_its_own_names():
    plain = read_preset("plain")
    assert set(plain.tables) == set(RAW_TABLES)
    lines = plain.tables["invoice_lines"]
    assert "invoice_lines.csv" in lines.files
    assert "invoice_lines_*.parquet" in lines.files
    assert lines.columns["revenue_amount"] == ("revenue_amount",)


def test_only_the_source_of_links_names_itself():
    plain = read_preset("plain")
    assert "source_system" not in plain.tables["invoice_lines"].columns
    assert "source_system" in plain.tables["customer_links"].columns


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SMALL + "[tables.customers.code]\nrun = 'x'\n", "unknown key"),
        (SMALL.replace("customers]", "clients]"), "clients"),
        (SMALL.replace("customer_id", "custmer_id"), "write customer_id"),
        (SMALL + "[[tables.customers.rules.industry]]\nvalue='x'\nwhen=[{column='y'}]\n", "name y"),
        (SMALL + "[tables.customers.units]\nemployee_count = 'dozens'\n", "dozens"),
        (SMALL + "[collected.regions]\nfrom='customers'\ncolumns={region_id='land'}\n", "land"),
        ("title = ", "TOML"),
        (SMALL.replace("files", "state_from_events = true\nfiles"), "state_from_events"),
    ],
)
def test_what_a_preset_cannot_mean_is_refused(text, message):
    with pytest.raises(SettingsError, match=message):
        parse_preset(text, "preset test")
