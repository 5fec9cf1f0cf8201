"""The pages in a real browser: no script, no request, no error, readable by everybody.

These pages are made of literal Results; test_published.py opens those of whole runs.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest
from browser_examples import LAPTOP, PHONE, SILENT, WAYS, Visit, opened_browser
from report_examples import DISPLAY, SCOPE, SCRIPT, all_results, growth_result

from analysis import report
from analysis.report import index, page
from analysis.report.downloads import write_downloads

pytestmark = pytest.mark.browser

_PHONE, _LAPTOP = PHONE, LAPTOP


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with opened_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, Path]:
    """A published report of literal Results: first page, a detail page and the index."""
    reports = tmp_path_factory.mktemp("reports")
    folder = reports / "quarterly" / "2011Q3"
    results = all_results()
    first = [report.first_screen(results, SCOPE), report.chapters(results, DISPLAY)]
    first += [report.track_record(results, DISPLAY), report.actions(results, DISPLAY)]
    paths = {
        "report": folder / "index.html",
        "detail": folder / "details" / "growth.html",
        "index": reports / "index.html",
    }
    (folder / "details").mkdir(parents=True)
    paths["report"].write_text(_page(folder, [*first, report.glossary(results)]))
    paths["detail"].write_text(_page(folder, _detail_cells(), root="../"))
    for result in results.values():
        write_downloads(result, folder / "downloads")
    summary = index.summarise(results, SCOPE, datetime(2011, 10, 2, tzinfo=UTC))
    paths["index"].write_text(index.index_page([summary], company="Tea", display=DISPLAY))
    return paths


def _detail_cells() -> list:
    growth = growth_result()
    return [
        f"# How each customer can grow\n\nWhich of them? {SCRIPT}",
        "## The numbers",
        report.headline(growth, DISPLAY),
        "## Where is more to win?\n\n| a | b |\n| --- | --: |\n| x | 1 |",
        report.chart(growth, "classes"),
        growth.tables["customer_growth"].head(3),
        report.table(growth, "customer_growth", DISPLAY, rows=60),
        report.caveats(growth),
        report.definitions(growth),
    ]


def _page(folder: Path, shown: list, root: str = "") -> str:
    cells = []
    for one in shown:
        if isinstance(one, str):
            cells.append(nbformat.v4.new_markdown_cell(one))
            continue
        cells.append(nbformat.v4.new_code_cell(""))
        data = {"text/html": one._repr_html_()}
        cells[-1].outputs = [nbformat.v4.new_output("display_data", data)]
    executed = folder.parent / "executed.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), executed)
    frame = page.Provenance(SCOPE.as_of, "1a2b3c", "analysis 0.1.0").lines(DISPLAY)
    links = [("All reports", "../../index.html")]
    html = page.notebook_page(
        executed, eyebrow="Quarterly report · 2011Q3", provenance=frame, links=links, root=root
    )
    assert page.page_problems(html) == []
    return html


NAMES = ["report", "detail", "index"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("size", "scheme", "media"), WAYS)
def test_a_page_asks_for_nothing_complains_of_nothing_and_fits(
    browser, pages, name, size, scheme, media
):
    with Visit(browser, pages[name], size, scheme, media) as visit:
        assert visit.requests == [visit.address]
        assert visit.complaints == []
        width = visit.page.evaluate("document.documentElement.scrollWidth")
        assert width <= size[0], "the page is wider than its window"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("size", "scheme"), [(_LAPTOP, "light"), (_LAPTOP, "dark"), (_PHONE, "light")]
)
def test_a_checker_of_accessibility_finds_nothing(browser, pages, name, size, scheme):
    with Visit(browser, pages[name], size, scheme) as visit:
        assert visit.violations() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["report", "detail"])
def test_every_word_of_a_chart_stands_out_from_the_page(browser, pages, name, scheme):
    with Visit(browser, pages[name], scheme=scheme) as visit:
        ratios = visit.page.evaluate(_TEXT_CONTRASTS)
        assert len(ratios) > 5
        assert [words for words, ratio in ratios if ratio < 4.5] == []


# Relative luminance and contrast as WCAG defines them, of every text in a chart.
_TEXT_CONTRASTS = """() => {
  const light = colour => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const paper = light(getComputedStyle(document.body).backgroundColor);
  return [...document.querySelectorAll('.canvas text')].map(text => {
    const ink = light(getComputedStyle(text).fill);
    return [text.textContent, (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05)];
  });
}"""


@pytest.mark.parametrize("name", ["report", "detail"])
def test_every_picture_has_words(browser, pages, name):
    with Visit(browser, pages[name]) as visit:
        pictures = visit.page.locator("figure").count()
        assert pictures >= 1
        assert visit.page.locator("figure").get_by_role("img").count() == pictures
        assert visit.page.locator(SILENT).count() == 0


def test_a_customer_named_like_a_script_is_text(browser, pages):
    for name in NAMES[:2]:
        with Visit(browser, pages[name]) as visit:
            assert visit.page.locator("script").count() == 0
            assert visit.page.get_by_text(SCRIPT).count() >= 1
            assert visit.complaints == []


def test_the_policy_of_a_page_stops_a_script_and_a_request(browser, pages, tmp_path):
    evil = "<script>document.title = 'evil'</script><img src='http://127.0.0.1:9/x.png' alt='x'>"
    path = tmp_path / "evil.html"
    path.write_text(pages["report"].read_text().replace("<main", f"{evil}<main"))
    with Visit(browser, path) as visit:
        assert visit.page.title() != "evil"
        assert visit.answers == [visit.address]
        assert len(visit.complaints) == 2
        assert all("Content Security Policy" in words for words in visit.complaints)


def test_links_lead_from_the_index_to_a_number_s_table(browser, pages):
    with Visit(browser, pages["index"]) as visit:
        visit.page.get_by_role("link", name="Revenue is up").click()
        assert visit.page.url == pages["report"].as_uri()
        visit.page.get_by_role("link", name="The whole analysis: How each").click()
        assert visit.page.url == pages["detail"].as_uri()
        with visit.page.expect_download() as download:
            visit.page.get_by_role("link", name=re.compile("CSV.*Forecast, potential")).click()
        assert download.value.suggested_filename == "growth.customer_growth.csv"


def test_a_chart_on_a_phone_stays_readable_and_a_shadow_tells_that_it_goes_on(browser, pages):
    with Visit(browser, pages["report"], _PHONE) as visit:
        canvas = visit.page.locator(".canvas").first
        assert canvas.evaluate("c => c.scrollWidth > c.clientWidth")
        assert "gradient" in canvas.evaluate("c => getComputedStyle(c).backgroundImage")
        heights = canvas.locator("text").evaluate_all(
            "all => all.map(t => t.getBoundingClientRect().height)"
        )
        assert min(heights) > 8


def test_no_row_on_a_phone_is_high_for_words_that_are_out_of_sight(browser, pages):
    with Visit(browser, pages["detail"], _PHONE) as visit:
        rows = visit.page.locator(".table tbody tr")
        assert max(rows.evaluate_all("all => all.map(row => row.offsetHeight)")) < 100


def test_every_change_has_the_colour_of_the_text(browser, pages):
    with Visit(browser, pages["report"]) as visit:
        colours = visit.page.locator(".changes span").evaluate_all(
            "all => all.map(span => getComputedStyle(span).color)"
        )
        assert len(colours) > 4
        assert set(colours) == {visit.page.evaluate("getComputedStyle(document.body).color")}


def test_the_contents_lead_to_their_chapters(browser, pages):
    with Visit(browser, pages["report"]) as visit:
        links = visit.page.get_by_role("navigation", name="Contents").get_by_role("link")
        assert links.count() == visit.page.locator("main h2").count()
        links.nth(1).click()
        assert visit.page.locator("#growth").bounding_box()["y"] < 200


def test_a_reader_without_a_mouse_reaches_the_content_first(browser, pages):
    with Visit(browser, pages["report"]) as visit:
        visit.page.keyboard.press("Tab")
        assert visit.page.evaluate("document.activeElement.textContent") == "Skip to the content"


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_a_report_prints_with_its_folded_parts(browser, pages, paper):
    with Visit(browser, pages["report"]) as visit:
        printed = visit.page.pdf(format=paper)
        assert printed.startswith(b"%PDF-")
        visit.page.emulate_media(media="print")
        assert visit.page.get_by_text("Intervals hold only if").bounding_box()["height"] > 0
        colour = "getComputedStyle(document.body).backgroundColor"
        assert visit.page.evaluate(colour) == "rgb(255, 255, 255)"


def test_paper_names_the_file_that_a_link_leads_to(browser, pages):
    with Visit(browser, pages["report"], media="print") as visit:
        link = visit.page.get_by_role("link", name=re.compile("CSV.*Customers whose revenue"))
        after = link.evaluate("a => getComputedStyle(a, '::after').content")
        assert "downloads/" in after
        assert link.get_attribute("data-file") == "revenue.changes.csv"
