"""A project of two quarters and a few lines of data, with notebooks made of a few words."""

import json
from pathlib import Path

import nbformat

from analysis.core.project import Project
from analysis.core.settings import SHIPPED_NOTEBOOKS

# Two quarters; the last line is on the last day, so the second one is complete.
LINES = """\
invoice_id,line_no,customer_id,product_id,invoiced_on,quantity,revenue_amount,currency,\
original_amount,kind
1,1,ada,tea,2024-01-15,1,10.00,EUR,10.00,sale
2,1,bob,tea,2024-02-10,2,20.00,EUR,20.00,sale
3,1,ada,cup,2024-05-20,1,15.50,EUR,15.50,sale
4,1,cyd,tea,2024-06-30,3,30.00,EUR,30.00,sale
"""
PARAMETERS = 'project: str = "."\nperiod: str = ""\nrun_dir: str = ""'
SHIPPED = SHIPPED_NOTEBOOKS["quarterly"]
SETTINGS = """\
[company]
name = "Tiny"

[sources.till]
preset = "plain"

[runs]
{runs}

[cadences.quarterly.notebooks]
{notebooks}

{more}
"""


def tiny_project(
    folder: Path, notebooks: dict[str, list[str]], *, runs: str = "", more: str = ""
) -> Project:
    """Make the project in `folder`; each notebook, and the report, shows one line of text."""
    (folder / "data" / "raw").mkdir(parents=True)
    (folder / "data" / "raw" / "invoice_lines.csv").write_text(LINES, encoding="utf-8")
    left_out = [f'"{name}" = false' for name in SHIPPED if name not in notebooks]
    named = [f'"{name}" = {json.dumps(needs)}' for name, needs in notebooks.items()]
    text = SETTINGS.format(runs=runs, notebooks="\n".join(left_out + named), more=more)
    (folder / "project.toml").write_text(text, encoding="utf-8")
    for name in notebooks:
        write_notebook(folder, name)
    write_notebook(folder, "reports/quarterly")
    return Project(folder)


def write_notebook(
    folder: Path, name: str, *cells: str, parameters: str = PARAMETERS, tag: str = "parameters"
) -> Path:
    """Write a notebook of a title, a parameters cell and code cells."""
    tagged = nbformat.v4.new_code_cell(parameters, metadata={"tags": [tag] if tag else []})
    book = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell(f"# About {name}"),
            tagged,
            *(nbformat.v4.new_code_cell(cell) for cell in cells),
        ]
    )
    for number, cell in enumerate(book.cells):
        cell["id"] = f"cell-{number}"
    path = folder / "notebooks" / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(book, path)
    return path


def saving_cell(name: str, value: str = "1.0") -> str:
    """Return a cell that saves a Result of this name with a table and a headline number."""
    return (
        "import pandas as pd\n"
        "from analysis import run\n"
        "from analysis.core.result import Number, Result\n"
        "work = run.open_workspace(project, period, run_dir)\n"
        f"number = Number('Revenue', {value}, 'amount')\n"
        f"table = pd.DataFrame({{'customer_id': ['ada'], 'worth_amount': [{value}]}})\n"
        f"work.save(Result('{name}', 'About {name}', period, work.scope.as_of,\n"
        "    headline={'revenue': number}, tables={'worth': table}))"
    )
