"""Public data, from the raw files to the published report, as a newcomer would."""

import shutil
from pathlib import Path

import duckdb
import pytest

from analysis.cli import main
from analysis.core.files import read_json
from analysis.core.result import Result

pytestmark = pytest.mark.public_data
# The quarter lies in the second file alone, so nothing of the overlap can hide in the sum.
DIRECT_SUM = """
SELECT SUM(CAST(Quantity AS DECIMAL(18, 4)) * CAST(UnitPrice AS DECIMAL(18, 4)))
FROM read_parquet(?) WHERE InvoiceDate >= '2011-07-01' AND InvoiceDate < '2011-10-01'
"""


def new_project(folder, preset, files):
    assert main(["init", str(folder), "--preset", preset]) == 0
    for file in files:
        shutil.copy(file, folder / "data" / "raw")
    return folder


def run(project, period, *more):
    return main(["run", "quarterly", "--period", period, "--project", str(project), *more])


def outcome(project, period):
    """Return the bytes of every table, figure and record of Results of a published run."""
    home = project / "data" / "processed" / "runs" / "quarterly" / period
    endings = (".parquet", ".svg", "result.json")
    found = [path for path in sorted(home.rglob("*")) if path.name.endswith(endings)]
    return {path.relative_to(home).as_posix(): path.read_bytes() for path in found}


def test_online_retail_reconciles_repeats_and_keeps_to_what_was_known(public_data, tmp_path):
    files = sorted(public_data("online_retail_ii").glob("*.parquet"))
    project = new_project(tmp_path / "both", "online_retail_ii", files)
    assert run(project, "2011Q3") == 0
    third = outcome(project, "2011Q3")
    home = project / "data" / "processed" / "runs" / "quarterly" / "2011Q3"
    (direct,) = duckdb.connect().execute(DIRECT_SUM, [str(files[1])]).fetchone()
    reported = Result.load(home / "revenue").headline["revenue"].value
    assert reported == pytest.approx(float(direct), abs=0.005)
    assert read_json(home / "run.json")["rows"]["read"] == 1_067_370
    assert (project / "reports" / "quarterly" / "2011Q3" / "index.html").is_file()

    assert run(project, "2011Q3", "--force") == 0
    assert outcome(project, "2011Q3") == third

    # An older quarter run later gives what it would have given then.
    assert run(project, "2011Q2") == 0
    alone = new_project(tmp_path / "alone", "online_retail_ii", files)
    assert run(alone, "2011Q2") == 0
    assert outcome(project, "2011Q2") == outcome(alone, "2011Q2")


def test_cdnow_without_products_and_costs_is_a_report(public_data, tmp_path):
    files = [path for path in public_data("cdnow").glob("*") if is_data(path)]
    project = new_project(tmp_path / "cdnow", "cdnow", files)
    assert run(project, "1997Q4") == 0
    assert (project / "reports" / "quarterly" / "1997Q4" / "index.html").is_file()


def is_data(path: Path) -> bool:
    return path.is_file() and path.suffix != ".md"
