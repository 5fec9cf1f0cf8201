"""Two quarters in a row, as a company lives them: the list is published, acted on, and graded."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.core.project import Project
from analysis.core.result import Result
from analysis.core.settings import SHIPPED_NOTEBOOKS
from analysis.run import run_cadence

pytestmark = pytest.mark.slow

FIRST, CUSTOMERS = date(2022, 7, 1), 150
DRAWN, GRADED = "2024Q2", "2024Q3"
STARTS, ENDS = date(2024, 7, 1), date(2024, 9, 30)
KEPT = {"customers/growth", "customers/contact_list"}
PRODUCTS = [f"tea {letter}" for letter in "abcdefghijkl"]
LIFT = 0.8  # large, so that 75 customers can tell it


def lines(first, last, factors=None):
    """Return invoice lines: who buys how often and how much differs, and does not change."""
    generator = np.random.default_rng([first.toordinal(), 1])
    people = np.random.default_rng(7)
    gap, amount = people.uniform(8, 45, CUSTOMERS), people.lognormal(5, 0.8, CUSTOMERS)
    rows = []
    for number in range(CUSTOMERS):
        customer, day = f"c{number:03d}", first + timedelta(days=int(generator.integers(30)))
        factor = 1.0 if factors is None else factors.get(customer, 1.0)
        while day <= last:
            price = factor * amount[number] * generator.lognormal(0, 0.3)
            product = PRODUCTS[int(len(PRODUCTS) * generator.random() ** 2)]
            rows.append((f"{customer}-{day}", 1, customer, product, day, 1, round(price, 2)))
            day += timedelta(days=1 + int(generator.exponential(gap[number])))
    names = ["invoice_id", "line_no", "customer_id", "product_id", "invoiced_on", "quantity"]
    return pd.DataFrame(rows, columns=[*names, "revenue_amount"]).assign(
        currency="EUR", kind="sale", known_at=lambda t: t["invoiced_on"]
    )


def invoice(project, *parts):
    table = pd.concat(parts).assign(original_amount=lambda t: t["revenue_amount"])
    table.to_csv(project.raw / "invoice_lines.csv", index=False)


def published(project, period):
    record = run_cadence(project, "quarterly", period)
    assert record.state == "succeeded"
    return folder(project, period)


def folder(project, period):
    return project.run_dir(project.calendar.parse(period)) / "contact_list"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Publish the list, let contacts buy more, publish the next, and run the first again."""
    root = tmp_path_factory.mktemp("list")
    left_out = [f'"{name}" = false' for name in SHIPPED_NOTEBOOKS["quarterly"] if name not in KEPT]
    (root / "data" / "raw").mkdir(parents=True)
    settings = ['[company]\nname = "Tiny"\n[sources.till]\npreset = "plain"']
    settings += ["[cadences.quarterly.notebooks]", *left_out]
    settings += ['[options."customers/contact_list"]', "hold_out_share = 0.5"]
    (root / "project.toml").write_text("\n".join(settings))
    project = Project(root)
    past = lines(FIRST, STARTS - timedelta(days=1))
    invoice(project, past)
    first = Result.load(published(project, DRAWN))
    contacts = first.tables["contact"]["customer_id"]
    invoice(project, past, lines(STARTS, ENDS, dict.fromkeys(contacts, 1 + LIFT)))
    second = Result.load(published(project, GRADED))
    again = Result.load(published(project, DRAWN))
    return project, first, second, again


def test_the_planted_lift_is_found_in_the_next_quarter(runs):
    _, first, second, _ = runs
    assert not first.tables["list_anchor"]["is_rehearsal"].any()
    row = second.tables["grades"].iloc[0]
    assert (row["list"], row["quarter"], row["verdict"]) == (DRAWN, GRADED, "brought more")
    assert row["lift_low_95_share"] <= LIFT <= row["lift_high_95_share"]


def test_those_left_alone_are_not_left_alone_again(runs):
    _, first, second, _ = runs
    held = set(first.tables["held_out"]["customer_id"])
    assert held
    assert not held & set(second.tables["held_out"]["customer_id"])


def test_the_first_quarter_runs_again_to_the_same_list_with_later_data(runs):
    _, first, _, again = runs
    for name in ("contact", "held_out", "list_anchor"):
        pd.testing.assert_frame_equal(first.tables[name], again.tables[name])
    assert "grades" not in again.tables


def test_the_page_shows_the_list_and_keeps_the_bookkeeping_out(runs):
    project, _, second, _ = runs
    page = project.root / "reports" / "quarterly" / GRADED / "index.html"
    text = page.read_text(encoding="utf-8")
    assert "Whom to contact" in text
    assert second.findings[0].text in text
    assert "List anchor" not in text
