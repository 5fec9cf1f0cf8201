"""Derived tables lose nothing, count nothing twice and depend on nothing but the lines."""

import random
import shutil
from collections import defaultdict
from datetime import date
from decimal import Decimal
from itertools import pairwise
from statistics import median

import pandas as pd
import pytest
from features_examples import Line, features_of, project_in, snapshot_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.core.tables import check_table
from analysis.features.engine import MADE_TABLES, ORDER_KINDS, FeatureOptions, make_features


@pytest.fixture
def project(tmp_path):
    return project_in(tmp_path / "project")


def test_a_quarter_run_late_gives_what_it_would_have_given_then(project):
    rng = random.Random(2)
    lines = [_random_line(rng, number) for number in range(400)]
    end = date(2024, 7, 1)
    then = [line for line in lines if line.day < end and line.known_on < end]
    assert 0 < len(then) < len(lines)
    assert _bytes(project, lines, "2024Q2") == _bytes(project, then, "2024Q2")


def test_the_order_of_rows_does_not_change_a_byte(project):
    rng = random.Random(3)
    lines = [_random_line(rng, number) for number in range(3000)]
    first = _bytes(project, lines, "2024Q4", threads=1)
    rng.shuffle(lines)
    assert first == _bytes(project, lines, "2024Q4", threads=3)


def test_spilling_to_disk_does_not_change_a_byte(project):
    rng = random.Random(4)
    lines = [_random_line(rng, number, customers=500) for number in range(3000)]
    assert _bytes(project, lines, "2024Q4") == _bytes(project, lines, "2024Q4", memory_limit="60MB")


_AMOUNTS = st.decimals("-1000", "1000", places=4).map(str)
_DAYS = st.dates(date(2022, 11, 1), date(2024, 12, 31)).map(str)
_LINES = st.builds(
    Line,
    customer_id=st.sampled_from(["ada", "bob", "cyd", None]),
    invoice_id=st.sampled_from("1234567"),
    invoiced_on=_DAYS,
    amount=_AMOUNTS | st.just("0"),
    kind=st.sampled_from(["sale", "sale", "return", "postage", "adjustment", "bad_debt"]),
    known_at=st.none() | _DAYS,
    cost=st.none() | _AMOUNTS,
    product_id=st.sampled_from(["tea", "cup", "pot", None]),
    quantity=st.sampled_from([None, -1.0, 0.0, 2.0]),
    rep_id=st.sampled_from(["ann", "ben", None]),
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(lines=st.lists(_LINES, max_size=40))
def test_equals_a_naive_recomputation(project, lines):
    # One line makes sure that the period has data.
    lines = [*lines, Line("ada", "8", "2024-06-30", "12.3456", cost="1.0000")]
    tables = features_of(project, lines, "2024Q2")
    for name in MADE_TABLES:
        check_table(tables[name], MADE_TABLES[name])
    known = [n for n in lines if n.day < date(2024, 7, 1) and n.known_on < date(2024, 7, 1)]
    _assert_balances(tables, known)
    calendar = project.calendar
    now = _naive_features(known, date(2024, 7, 1), calendar)
    assert _records(tables["customer_features"], now) == now
    origins = tables["backtest_origins"]
    for origin in ("2024Q1", "2023Q3"):
        end = calendar.parse(origin).ends_before
        then = [n for n in known if n.day < end and n.known_on < end]
        naive = _naive_features(then, end, calendar)
        assert _records(origins[origins["origin"] == origin], naive) == naive


def _assert_balances(tables, known):
    days, periods = tables["company_days"], tables["customer_periods"]
    total = sum(Decimal(line.amount) for line in known)
    assert sum(days["amount"]) == total
    assert days["line_count"].sum() == len(known)
    nobody = sum(Decimal(line.amount) for line in known if line.customer_id is None)
    assert float(periods["revenue_amount"].sum()) == pytest.approx(float(total - nobody), abs=1e-6)


def _naive_features(lines, end, calendar):
    """Compute some columns of customer_features by hand, in exact decimals."""
    last_quarter = calendar.containing(date.fromordinal(end.toordinal() - 1), "quarterly")
    year_start = calendar.shift(last_quarter, -3).starts_on
    result = {}
    for customer in sorted({n.customer_id for n in lines} - {None}):
        own = [n for n in lines if n.customer_id == customer]
        days = _naive_order_days(own)
        if not days:
            continue
        year = [n for n in own if n.day >= year_start]
        days_in_order = sorted(days)
        gaps = [(b - a).days for a, b in pairwise(days_in_order)]
        costs = [n.cost for n in year]
        margin = sum(Decimal(n.amount) - Decimal(n.cost or 0) for n in year)
        result[customer] = {
            "order_count": sum(count for count, _ in days.values()),
            "repeat_count": len(days) - 1,
            "repeat_span_days": (days_in_order[-1] - days_in_order[0]).days,
            "tenure_days": (end - days_in_order[0]).days - 1,
            "recency_days": (end - days_in_order[-1]).days - 1,
            "median_gap_days": float(median(gaps)) if gaps else None,
            "mean_repeat_amount": float(sum(days[d][1] for d in days_in_order[1:])) / len(gaps)
            if gaps
            else None,
            "revenue_amount": float(sum(Decimal(n.amount) for n in own)),
            "revenue_quarter_amount": float(
                sum(Decimal(n.amount) for n in own if n.day in last_quarter)
            ),
            "revenue_year_amount": float(sum(Decimal(n.amount) for n in year)),
            "margin_year_amount": float(margin) if costs and None not in costs else None,
            "product_year_count": len(
                {n.product_id for n in year if n.kind == "sale"} - {None},
            ),
            "order_day_year_count": sum(day >= year_start for day in days),
            "active_quarter_year_count": len(
                {calendar.containing(d, "quarterly").name for d in days if d >= year_start}
            ),
            "rep_id": _naive_seller(year),
        }
    return result


def _naive_seller(lines):
    sold = defaultdict(Decimal)
    for line in lines:
        if line.rep_id is not None:
            sold[line.rep_id] += Decimal(line.amount)
    return min(sold, key=lambda rep: (-sold[rep], rep), default=None)


def _naive_order_days(lines):
    """Return day -> (orders, amount of the order day) of one customer."""
    documents = defaultdict(list)
    for line in lines:
        documents[line.day, line.invoice_id].append(line)
    days = defaultdict(list)
    for (day, _), document in documents.items():
        charged = [n for n in document if n.kind in ORDER_KINDS]
        amount = sum(Decimal(n.amount) for n in charged)
        is_free = amount == 0 and any((n.quantity or 0) > 0 for n in charged)
        if amount > 0 or is_free:
            days[day].append(amount)
    back = defaultdict(Decimal)
    for line in lines:
        if line.kind == "return":
            back[line.day] += Decimal(line.amount)
    return {d: (len(o), max(sum(o) + back[d], Decimal(0))) for d, o in days.items()}


def _records(frame, like):
    columns = list(next(iter(like.values()))) if like else []
    rows = frame.set_index("customer_id")[columns].to_dict("index")
    return {
        customer: {name: None if pd.isna(value) else value for name, value in row.items()}
        for customer, row in rows.items()
    }


def _random_line(rng, number, customers=20):
    day = date.fromordinal(date(2023, 1, 1).toordinal() + rng.randrange(730))
    late = date.fromordinal(day.toordinal() + rng.randrange(120)).isoformat()
    return Line(
        rng.choice([None, *(f"c{n}" for n in range(customers))]),
        str(number // 3),
        day.isoformat(),
        f"{rng.randrange(-100000, 300000) / 10000:.4f}",
        rng.choice(["sale", "sale", "return", "postage"]),
        rng.choice([None, late]),
        rng.choice([None, "1.0000"]),
        rng.choice(["tea", "cup", "pot"]),
    )


def _bytes(project, lines, period, **options):
    snapshot = snapshot_of(project, lines)
    named = project.calendar.parse(period)
    folder = make_features(project, snapshot, named, FeatureOptions(**options))
    found = {file.name: file.read_bytes() for file in folder.glob("*.parquet")}
    assert set(found) == {f"{name}.parquet" for name in MADE_TABLES}
    shutil.rmtree(folder)
    return found
