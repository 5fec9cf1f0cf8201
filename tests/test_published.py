"""The pages of whole runs, all four cadences, in a browser; every name in the data is an attack.

One company is simulated and published once for all of these tests.
"""

import csv
import re
from pathlib import Path

import pytest
from browser_examples import LAPTOP, SILENT, WAYS, Visit, opened_browser
from published_examples import ATTACKS, MARK, attacked_company, publish_all

from analysis.core.periods import CADENCES
from analysis.report.page_checks import page_problems

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = [pytest.mark.browser, pytest.mark.slow]
FORMULA = tuple("=+-@\t\r\n")


@pytest.fixture(scope="module")
def browser():
    with opened_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def reports(browser, tmp_path_factory) -> Path:
    project = attacked_company(tmp_path_factory.mktemp("published") / "company")
    publish_all(project)
    return project.reports


def pages_of(reports: Path, part: str) -> list[Path]:
    """Return the pages of one cadence, or the index of all."""
    pages = sorted((reports / part).rglob("*.html")) if part else [reports / "index.html"]
    assert pages
    return pages


@pytest.mark.parametrize("part", [*CADENCES, ""])
def test_every_page_asks_for_nothing_complains_of_nothing_and_fits(browser, reports, part):
    for path in pages_of(reports, part):
        with Visit(browser, path) as visit:
            visit.settle()
            for size, scheme, media in (way.values for way in WAYS):
                visit.be(size, scheme, media)
                width = visit.page.evaluate("document.documentElement.scrollWidth")
                assert width <= size[0], (path, size)
            assert visit.requests == [visit.address]
            assert visit.complaints == [], path


@pytest.mark.parametrize("part", [*CADENCES, ""])
def test_a_checker_of_accessibility_finds_nothing_on_any_page(browser, reports, part):
    for path in pages_of(reports, part):
        with Visit(browser, path) as visit:
            assert visit.settle().violations() == [], path
            visit.be(LAPTOP, "dark", "screen")
            assert visit.violations() == [], path


@pytest.mark.parametrize("part", CADENCES)
def test_every_figure_has_words(browser, reports, part):
    for path in pages_of(reports, part):
        with Visit(browser, path) as visit:
            pictures = visit.page.locator("figure").count()
            assert visit.page.locator("figure").get_by_role("img").count() == pictures, path
            assert visit.page.locator(SILENT).count() == 0, path


def test_no_attack_is_markup_on_any_page(reports):
    pages = sorted(reports.rglob("*.html"))
    texts = {path: path.read_text(encoding="utf-8") for path in pages}
    for path, text in texts.items():
        shown = (
            text if path.name != "explore.html" else text[: text.index('<script type="module">')]
        )
        # A formula is text in a page; test_no_cell_of_a_download_is_a_formula is about it.
        for attack in (a for a in ATTACKS[:4] if "<" in a):
            assert attack not in shown, path
        shown = shown.replace(
            '<script type="application/json"', ""
        )  # data, checked in test_explore
        assert not re.search(rf"<(script|img)\b[^>]*>[^<]*{MARK}|<b>{MARK}", shown), path
        if path.name != "explore.html":
            assert page_problems(text) == [], path
    assert sum(MARK in text for text in texts.values()) > 5  # the names are really there


def test_no_cell_of_a_download_is_a_formula(reports):
    cells = [
        (path, cell)
        for path in reports.rglob("*.csv")
        for row in csv.reader(path.open(encoding="utf-8-sig", newline=""))
        for cell in row
    ]
    assert sum(MARK in cell for _, cell in cells) > 20
    dangerous = [c for c in cells if c[1].startswith(FORMULA) and not is_number(c[1])]
    assert dangerous == []


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_the_explore_page_holds_every_customer_and_searches_and_sorts(browser, reports):
    folder = next((reports / "quarterly").iterdir())
    rows = list(csv.reader((folder / "downloads" / "customers.csv").open(encoding="utf-8-sig")))
    heads, rows = rows[0], rows[1:]
    with Visit(browser, folder / "explore.html") as visit:
        table = visit.settle().page.locator("#customers")
        assert int(table.get_attribute("data-rows")) == len(rows) > 25
        assert f"1 to 25 of {len(rows)} customers" in visit.page.locator(".dt-info").inner_text()
        ids = [row[heads.index("customer_id")] for row in rows]
        visit.page.get_by_label("Search").fill(ids[-1])
        assert ids[-1] in table.locator("tbody tr").first.inner_text()
        visit.page.get_by_label("Search").fill("no such customer anywhere")
        assert "No customer holds these words." in table.inner_text()
        visit.page.get_by_label("Search").fill("")
        head = table.get_by_role("columnheader", name="Customer", exact=False).first
        head.click()
        expect(table.locator("tbody th").first).to_have_text(min(ids))
        head.click()
        expect(table.locator("tbody th").first).to_have_text(max(ids))
        assert visit.complaints == []


def test_numbers_of_the_explore_page_are_sorted_as_numbers(browser, reports):
    folder = next((reports / "quarterly").iterdir())
    with Visit(browser, folder / "explore.html") as visit:
        table = visit.settle().page.locator("#customers")
        name = "Revenue, last four quarters"
        place = table.locator("thead th").all_inner_texts()
        place = next(i for i, text in enumerate(place) if text.startswith(name))
        table.get_by_role("columnheader", name=name).click()
        visit.page.wait_for_selector("th.dt-ordering-desc")
        cells = table.locator(f"tbody tr > :nth-child({place + 1})").all_inner_texts()
        amounts = [float(re.sub(r"[^0-9.-]", "", cell)) for cell in cells]
        assert amounts == sorted(amounts, reverse=True)
        assert len(set(amounts)) > 5


def test_the_policy_of_the_explore_page_stops_every_other_script_and_every_request(
    browser, reports, tmp_path
):
    folder = next((reports / "quarterly").iterdir())
    evil = (
        "<script>document.title = 'evil'</script><p onclick=\"document.title='evil'\">press</p>"
        "<script type='module'>fetch('http://127.0.0.1:9/x')</script>"
        "<img src='http://127.0.0.1:9/x.png' alt='x'>"
    )
    path = tmp_path / "evil.html"
    text = (folder / "explore.html").read_text(encoding="utf-8")
    path.write_text(text.replace("<main", f"{evil}<main"), encoding="utf-8")
    with Visit(browser, path) as visit:
        visit.settle().page.get_by_text("press").click()
        assert visit.page.title() == "Every customer"
        assert visit.answers == [visit.address]
        assert len(visit.complaints) == 4
        assert all("Content Security Policy" in words for words in visit.complaints)
        visit.page.evaluate("void fetch('http://127.0.0.1:9/y').catch(() => {})")
        visit.page.wait_for_timeout(100)
        assert visit.answers == [visit.address]
