"""Declared tables: documented, checked, and true to what the dictionary says."""

import pandas as pd
import pytest

from analysis.core.dictionary import TABLES, dictionary_markdown
from analysis.core.problems import TableError
from analysis.core.tables import Column, Table, check_table

THINGS = Table(
    "things",
    "one thing",
    ("thing_id",),
    (
        Column("thing_id", "id", "its id"),
        Column("size", "text", "how big", allowed=("small", "large")),
        Column("done_share", "share", "how far"),
        Column("seen_on", "day", "when"),
        Column("price_amount", "amount", "price", is_required=True),
    ),
)


def _things(**changes):
    good = {
        "thing_id": ["1", "2"],
        "size": ["small", None],
        "done_share": [0.0, 1.0],
        "seen_on": pd.to_datetime(["2026-01-01", None]),
        "price_amount": [1.5, -2.0],
    }
    return pd.DataFrame(good | changes)


def test_a_good_table_passes_unchanged():
    pd.testing.assert_frame_equal(check_table(_things(), THINGS), _things())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"thing_id": ["1", "1"]}, "thing_id"),
        ({"thing_id": ["1", None]}, "thing_id"),
        ({"size": ["huge", None]}, "small, large"),
        ({"done_share": [1.2, 0.1]}, "within 0 to 1"),
        ({"price_amount": [None, 1.0]}, "price_amount"),
        ({"seen_on": ["2026-01-01", "x"]}, "day"),
        ({"colour": ["red", "blue"]}, "colour"),
    ],
)
def test_each_breach_is_named(changes, message):
    with pytest.raises(TableError, match=message):
        check_table(_things(**changes), THINGS)


def test_all_breaches_are_told_at_once():
    with pytest.raises(TableError) as caught:
        check_table(_things(size=["huge", None], done_share=[2.0, 0.1]), THINGS)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_every_column_is_documented_and_named_by_its_kind(table):
    endings = {"day": "_on", "moment": "_at", "share": "_share", "amount": "_amount"}
    for column in table.columns:
        assert column.meaning, column.name
        ending = endings.get(column.kind)
        if ending and column.name not in ("amount", "day"):
            assert column.name.endswith(ending), column.name
        if column.kind == "flag":
            assert column.name.startswith(("is_", "has_")), column.name


def test_the_dictionary_page_names_every_column():
    page = dictionary_markdown()
    for table in TABLES.values():
        assert f"### {table.name}" in page
        for column in table.columns:
            assert f"| {column.name} |" in page
