"""A run of a quarter that the data do not fill: every page says so, with the very last day."""

from datetime import date

import nbformat
import pytest
from report_examples import CUT_SHORT, CUT_SHORT_WORDS, all_results
from tiny_project import LINES, tiny_project

from analysis import report
from analysis.core.files import read_json
from analysis.report import page
from analysis.run import run_cadence

# The last line on a Friday: the weekend after it makes no quarter whole, nor is it known.
FRIDAY = LINES.replace("2024-06-30", "2024-06-14")
WARNING = (
    "The data end on 14 June 2024, before 2024Q2 does: its sums are not those of a whole quarter, "
    "and are compared with none."
)


def test_every_page_of_a_run_and_the_index_tell_where_the_data_end(tmp_path):
    project = tiny_project(tmp_path, {"a": []})
    (tmp_path / "data" / "raw" / "invoice_lines.csv").write_text(FRIDAY, encoding="utf-8")
    assert run_cadence(project, "quarterly", "2024Q2").is_published
    folder = tmp_path / "reports" / "quarterly" / "2024Q2"
    for name in ("index.html", "details/a.html"):
        html = (folder / name).read_text(encoding="utf-8")
        assert WARNING in html[: html.index("</header>")]
        assert "Data known at 14 June 2024" in html
    assert date.fromisoformat(read_json(folder / "summary.json")["data_end_on"]).day == 14
    listed = (tmp_path / "reports" / "index.html").read_text(encoding="utf-8")
    assert "Not a whole period: the data end before 2024Q2 does" in listed
    assert "Data known at 14 June 2024" in listed


@pytest.mark.parametrize("given", ["", "The data end on Friday."])
def test_a_page_warns_once_right_under_its_lede(tmp_path, given):
    cell = nbformat.v4.new_code_cell("")
    shown = {"text/html": report.first_screen(all_results(), CUT_SHORT)._repr_html_()}
    cell.outputs = [nbformat.v4.new_output("display_data", shown)]
    path = tmp_path / "executed.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    html = page.notebook_page(path, cut_short=given)
    assert html.count('<p class="cut"') == 1
    below = html[html.index('class="lede"') : html.index("</header>")]
    assert (given or CUT_SHORT_WORDS) in below
