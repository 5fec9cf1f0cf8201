"""One whole run per cadence on a tiny project: they add up, and the next one knows the last."""

from datetime import date, timedelta

import pytest

from analysis.core.project import Project
from analysis.core.result import Result
from analysis.core.settings import SHIPPED_NOTEBOOKS
from analysis.run import run_cadence

FIRST, DAYS = date(2024, 1, 1), 366
HEADER = (
    "invoice_id,line_no,customer_id,product_id,invoiced_on,quantity,revenue_amount,currency,"
    "original_amount,kind,known_at"
)
KEPT = {"customers/pulse", "customers/revenue", "data_quality"}
NEXT = "2024Q3"


def line(number, day, amount, known_at=None):
    customer = f"c{number % 7}"
    known = (known_at or day).isoformat()
    return f"{number},1,{customer},tea,{day},1,{amount:.2f},EUR,{amount:.2f},sale,{known}"


def lines():
    """One line a day; the last of June's is posted in July."""
    for number in range(DAYS):
        day = FIRST + timedelta(days=number)
        late = date(2024, 7, 3) if day == date(2024, 6, 27) else None
        yield line(number, day, 10 + number % 5 + 0.01 * (number % 9), late)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A year of a few customers, with the notebooks of each cadence that need few of them."""
    folder = tmp_path_factory.mktemp("cadences")
    raw = folder / "data" / "raw"
    raw.mkdir(parents=True)
    (raw / "invoice_lines.csv").write_text("\n".join([HEADER, *lines()]) + "\n")
    settings = ['[company]\nname = "Tiny"\n[sources.till]\npreset = "plain"']
    for cadence, notebooks in SHIPPED_NOTEBOOKS.items():
        left_out = "".join(f'"{name}" = false\n' for name in notebooks if name not in KEPT)
        settings.append(f"[cadences.{cadence}.notebooks]\n{left_out}")
    (folder / "project.toml").write_text("\n".join(settings))
    return Project(folder)


def published(project, cadence, period, name):
    record = run_cadence(project, cadence, period)
    assert (record.state, record.period) == ("succeeded", period)
    assert page(project, cadence, period)
    return Result.load(project.run_dir(project.calendar.parse(period)) / name)


def page(project, cadence, period):
    path = project.root / "reports" / cadence / period / "index.html"
    return path.read_text(encoding="utf-8")


def test_a_daily_report_ends_with_the_quarters_revenue(project):
    day = published(project, "daily", "2024-06-30", "pulse")
    quarter = published(project, "quarterly", "2024Q2", "revenue")
    assert day.headline["quarter_so_far"].value == quarter.headline["revenue"].value


def test_a_biweekly_report_is_the_sum_of_its_days(project):
    fortnight = published(project, "biweekly", "2024-05-20--2024-06-02", "pulse")
    table = fortnight.tables["periods"]
    assert fortnight.headline["revenue"].value == table["revenue_amount"].iloc[-1]
    assert fortnight.headline["order"].value == 14


def test_an_annual_report_is_the_sum_of_its_lines(project):
    year = published(project, "annual", "2024", "revenue")
    amounts = [float(text.split(",")[6]) for text in lines()]
    assert year.headline["revenue"].value == pytest.approx(sum(amounts), abs=0.004)
    assert "no whole quarter" not in page(project, "annual", "2024")


def test_the_next_quarter_shows_what_was_posted_late_and_what_an_analyst_remarks(project):
    before = published(project, "quarterly", "2024Q2", "revenue").headline["revenue"].value
    overrides = project.raw / "overrides"
    overrides.mkdir(exist_ok=True)
    (overrides / "comments.csv").write_text(
        "period,about,text,signed_by,signed_on,amount\n"
        f"{NEXT},revenue.revenue,The fair was one week.,Ann,2024-10-02,500\n"
    )
    now = published(project, "quarterly", NEXT, "revenue").headline["revenue"]
    html = page(project, "quarterly", NEXT)
    late = now.before - before
    assert late > 1
    assert f"€{now.before:,.2f} now; €{before:,.2f} was reported" in html
    assert f"€{late:,.2f} of 2024Q2 was posted late" in html
    assert "One-off of €500, still part of every total: The fair was one week." in html
    (overrides / "comments.csv").unlink()
    again = published(project, "quarterly", NEXT, "revenue").headline["revenue"]
    assert again.value == now.value
    assert "The fair was one week." not in page(project, "quarterly", NEXT)
