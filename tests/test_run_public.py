"""Public data, from the raw files to the published report, as a newcomer would."""

import shutil
from html import unescape
from pathlib import Path

import duckdb
import pytest
from plain_words import first_screen_text, jargon

from analysis.cli import main
from analysis.core.files import read_json
from analysis.core.result import Result

pytestmark = pytest.mark.public_data
# The quarter lies in the second file alone, so nothing of the overlap can hide in the sum.
DIRECT_SUM = """
SELECT SUM(CAST(Quantity AS DECIMAL(18, 4)) * CAST(UnitPrice AS DECIMAL(18, 4)))
FROM read_parquet(?) WHERE InvoiceDate >= '2011-07-01' AND InvoiceDate < '2011-10-01'
"""

# Value, 2011Q2 and 2010Q3 of the example in shared/design/report.md, shares to a tenth of a point.
WORKED_EXAMPLE = {
    "revenue": [2_383_668.243, 1_907_663.751, 2_085_663.131],
    "active_customers": [2_161, 1_991, 2_060],
    "silent_before": [656, 468, 591],
    "top_revenue_share": [0.671, 0.650, 0.666],
    "return_share": [0.021, 0.028, 0.026],
    "no_customer_share": [0.110, 0.118, 0.074],
    "bought_again": [0.608, 0.587, 0.578],
}
ON_THE_FIRST_SCREEN = (
    "+25.0 % on 2011Q2",
    "+14.3 % on 2010Q3",
    "Customer 17450 alone: +£54.8 k.",
    "Call a random half of the 63 silent top customers? Only a lift near 35 points would show",
    "Who owns missing customer numbers?",
    "Target: none supplied.",
    "None frozen to grade yet",
)


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
    the_worked_example_holds(home, project / "reports" / "quarterly" / "2011Q3" / "index.html")
    assert (project / "reports" / "quarterly" / "2011Q3" / "index.html").is_file()

    assert run(project, "2011Q3", "--force") == 0
    assert outcome(project, "2011Q3") == third

    # An older quarter run later gives what it would have given then.
    assert run(project, "2011Q2") == 0
    alone = new_project(tmp_path / "alone", "online_retail_ii", files)
    assert run(alone, "2011Q2") == 0
    assert outcome(project, "2011Q2") == outcome(alone, "2011Q2")


def the_worked_example_holds(home: Path, page: Path) -> None:
    """Compare with the first screen that shared/design/report.md works out from the raw files."""
    revenue = Result.load(home / "revenue")
    numbers = revenue.headline
    for name, figures in WORKED_EXAMPLE.items():
        number = numbers[name]
        found = [number.value, number.before, number.year_before]
        assert [round(value, 3) for value in found] == figures, name
    assert numbers["revenue"].note == (
        "per trading day £30,560 (78 days), £26,495 in 2011Q2 (72 days), "
        "£26,739 in 2010Q3 (78 days)"
    )
    assert numbers["active_customers"].note == (
        "1,211 also in 2011Q2, 553 returned, 397 never seen before"
    )
    bridge = revenue.tables["bridge"].set_index("part")["amount"].round()
    assert bridge["Number of customers"] + bridge["Spend per customer"] == 190_971
    assert (bridge["Without a customer"], bridge["Bad debt"]) == (74_064, 32_970)
    assert round(revenue.tables["bridge"]["amount"].sum()) == 298_005
    largest = revenue.tables["changes"].iloc[0]
    assert (largest["customer_id"], round(largest["change_amount"])) == ("17450", 54_843)
    gone = revenue.tables["gone"]
    assert (len(gone), round(gone["before_amount"].sum())) == (63, 104_375)
    html = unescape(page.read_text(encoding="utf-8")).replace("\u2060", "")
    for words in ON_THE_FIRST_SCREEN:
        assert words.replace(" ", "\u00a0") in html.replace(" ", "\u00a0"), words
    assert jargon(first_screen_text(html)) == []


def test_cdnow_without_products_and_costs_is_a_report(public_data, tmp_path):
    files = [path for path in public_data("cdnow").glob("*") if is_data(path)]
    project = new_project(tmp_path / "cdnow", "cdnow", files)
    assert run(project, "1997Q4") == 0
    assert (project / "reports" / "quarterly" / "1997Q4" / "index.html").is_file()


def is_data(path: Path) -> bool:
    return path.is_file() and path.suffix != ".md"
