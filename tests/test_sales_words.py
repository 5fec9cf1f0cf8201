"""One word for people who sell, on every page of the sales chapters."""

import ast
import json
import re
from pathlib import Path

import pytest

from analysis.report.captions import CAPTIONS
from analysis.sales.rep_names import SELLER

ROOT = Path(__file__).resolve().parents[1]
SALES = sorted((ROOT / "src" / "analysis" / "sales").glob("*.py"))
BOOKS = sorted((ROOT / "notebooks" / "sales").glob("*.ipynb"))
OTHER_WORD = re.compile(r"\bmanagers?\b|\bsalespe(?:rson|ople)\b|\bsales agents?\b", re.IGNORECASE)


def texts(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return [node.value for node in nodes if isinstance(node.value, str)]


@pytest.mark.parametrize("path", SALES, ids=lambda path: path.stem)
def test_whoever_sells_is_called_a_seller(path):
    # The bare word is a role that the table reps may hold.
    said = [text for text in texts(path) if OTHER_WORD.search(text) and text != "manager"]
    assert said == ([SELLER["Seller"]] if path.stem == "rep_names" else [])


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_the_notebooks_of_selling_say_seller(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "".join("".join(cell["source"]) for cell in cells)
    assert not OTHER_WORD.search(text)


def test_the_captions_of_tables_say_seller():
    named = ("funnel", "throughput", "pipeline_forecast", "people", "control_points", "channels")
    words = [words for name in named for words in CAPTIONS[name].values()]
    assert not [text for text in words if OTHER_WORD.search(text)]
