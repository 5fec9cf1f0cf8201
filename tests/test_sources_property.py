"""Whatever is in a file: every row and all money end somewhere, once."""

import csv
import io
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sources_project import LINES, make_project, rejected

from analysis.core.problems import InputError
from analysis.sources.load import load

HEADER = LINES.splitlines()[0].split(",")
AMOUNTS = st.one_of(
    st.decimals(-99999, 99999, places=2).map(str), st.sampled_from(["", "x", "1e3", "nan", "-"])
)
DAYS = st.one_of(
    st.dates().map(str),
    st.sampled_from(["2026-01-05", "2026-02-30", "", "25/12/2025", "soon", "45631"]),
)
TEXTS = st.one_of(
    st.sampled_from(["1", "2", "C1", "", "  ", "nan", "17850.0", "=1+1", "<b>", 'a "quoted" b']),
    st.text(
        st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=["Cs"]),
        max_size=8,
    ),
)
ROWS = st.lists(st.tuples(TEXTS, TEXTS, TEXTS, DAYS, AMOUNTS, AMOUNTS), min_size=1, max_size=12)
GOOD = ("good", "C1", "P1", "2026-01-01", "1", "1.25")


def as_csv(rows):
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([HEADER, GOOD, *rows])
    return buffer.getvalue()


def readable_money(rows):
    total = Decimal()
    for row in rows:
        try:
            amount = Decimal(row[-1])
        except ArithmeticError:
            continue
        total += amount if amount.is_finite() else 0
    return total


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(first=ROWS, second=ROWS)
def test_rows_and_money_balance_for_any_dirt(tmp_path_factory, first, second):
    texts = {"invoice_lines_1.csv": as_csv(first), "invoice_lines_2.csv": as_csv(second)}
    if len(set(texts.values())) == 1:
        return
    project = make_project(tmp_path_factory.mktemp("dirty"), texts, 'decimal = "."')
    report = load(project)
    totals = report.totals
    kept = pd.read_parquet(project.current_snapshot() / "invoice_lines.parquet")
    rejects = rejected(project)
    filled = [row for row in [GOOD, *first, GOOD, *second] if "".join(row).strip(" \t\n\xa0")]
    assert (
        totals.rows_read + sum(f.blank_rows for f in report.files) == len(first) + len(second) + 2
    )
    assert totals.rows_read >= len(filled) - len(filled) // 2
    assert (len(kept), len(rejects)) == (totals.rows_kept, totals.rows_rejected)
    assert totals.rows_read == len(kept) + len(rejects) + totals.rows_merged
    assert totals.money_read == readable_money(filled)
    assert totals.money_kept == sum(kept["revenue_amount"], Decimal())
    assert totals.is_balanced
    keys = kept[["source_system", "invoice_id", "line_no"]]
    assert not keys.duplicated().any()
    assert not keys.isna().any(axis=None)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.binary(max_size=400))
def test_any_bytes_named_csv_are_read_or_refused_clearly(tmp_path_factory, content):
    project = make_project(tmp_path_factory.mktemp("bytes"), {"invoice_lines.csv": content})
    with pytest.raises(InputError, match=r"invoice_lines\.csv"):
        load(project)
