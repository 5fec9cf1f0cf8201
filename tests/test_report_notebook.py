"""The quarterly report's notebook shows a whole report of the Results that there are."""

import ast
import re
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from report_examples import SCOPE, all_results

from analysis import run
from analysis.report import page
from analysis.report.past import Past

NOTEBOOK = Path(__file__).resolve().parents[1] / "notebooks" / "reports" / "quarterly.ipynb"


def value_of(source, names):
    """Run a cell; return the value of its last line, None when that is a statement."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None


def executed(tmp_path, monkeypatch, results):
    """Run the notebook's cells in this process on a workspace of literal Results."""
    work = SimpleNamespace(scope=SCOPE, results=lambda: results, past=lambda found: Past())
    monkeypatch.setattr(run, "open_workspace", lambda *parameters: work)
    book = nbformat.read(NOTEBOOK, as_version=4)
    names: dict = {}
    for cell in book.cells:
        if cell.cell_type == "code":
            html = getattr(value_of(cell.source, names), "_repr_html_", str)()
            if html:
                cell.outputs = [nbformat.v4.new_output("display_data", {"text/html": html})]
    path = tmp_path / "quarterly.ipynb"
    nbformat.write(book, path)
    return page.notebook_page(path)


def test_the_notebook_makes_the_report(tmp_path, monkeypatch):
    html = executed(tmp_path, monkeypatch, all_results())
    assert page.page_problems(html) == []
    assert "<h1>Revenue is up £298 k on 2010Q3 (+14.3\u00a0%)</h1>" in html
    assert re.findall(r'<h2 id="([^"]+)"', html) == [
        "revenue",
        "growth",
        "not-told",
        "data-quality",
        "track-record",
        "actions",
        "words",
    ]


def test_words_for_the_analyst_do_not_reach_the_leader(tmp_path, monkeypatch):
    html = executed(tmp_path, monkeypatch, all_results())
    assert "This notebook computes nothing" not in html
    assert "open_workspace" not in html


@pytest.mark.parametrize("results", [{}, {"sales/funnel": all_results()["sales/funnel"]}])
def test_without_results_the_report_says_that_there_is_nothing(tmp_path, monkeypatch, results):
    html = executed(tmp_path, monkeypatch, results)
    assert page.page_problems(html) == []
    assert "<h1>2011Q3: nothing to report</h1>" in html
