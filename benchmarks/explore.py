"""Open the explore page of 50,000 customers in Chromium, search it and sort it.

    python benchmarks/explore.py [--customers 50000] [--times 5]

Goal: open in 3 s, from the address to a table that can be used. Needs the extra `test` and an
installed Chromium (or its path in ANALYSIS_CHROMIUM).
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import Browser, sync_playwright

from analysis.core.display import Display
from analysis.report.explore import HEADINGS, ExploreFrame, explore_page

REASONS = "Bought in {} of the last eight quarters; similar customers also buy plates and spoons."


def main() -> None:
    """Print the size of the page and the median of each time."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--customers", type=int, default=50_000)
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    began = time.perf_counter()
    html = explore_page(many(options.customers), ExploreFrame("Every customer"), Display())
    print(f"made in {time.perf_counter() - began:.2f} s, {len(html.encode()) / 1e6:.1f} MB")
    chromium = os.environ.get("ANALYSIS_CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        path = Path(folder) / "explore.html"
        path.write_text(html, encoding="utf-8")
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        found = [visit(browser, path, options.customers) for _ in range(options.times)]
        browser.close()
    for name in found[0]:
        times = [one[name] for one in found]
        print(f"{name}: median {statistics.median(times):.2f} s, worst {max(times):.2f} s")


def many(count: int) -> pd.DataFrame:
    """Return customers with a value in every column of the page."""
    rng = np.random.default_rng(0)
    amount = rng.gamma(0.7, 8_000, count)
    frame = {name: rng.choice(["Big and steady", "Small and rare"], count) for name in HEADINGS}
    frame |= {name: amount * rng.uniform(0.1, 1.5) for name in HEADINGS if name.endswith("_amount")}
    frame["customer_id"] = [f"C{number:06d}" for number in range(count)]
    frame["customer_name"] = [f"Customer number {number} Limited" for number in range(count)]
    frame["active_share"] = rng.random(count)
    frame["next_products"] = [["Cups", "Plates", "Spoons"]] * count
    for name in ("growth_reason", "segment_reason"):
        frame[name] = [REASONS.format(quarters) for quarters in rng.integers(0, 9, count)]
    return pd.DataFrame(frame)[list(HEADINGS)]


def visit(browser: Browser, path: Path, count: int) -> dict[str, float]:
    """Return seconds until the table is there, until a search has found, until it is sorted."""
    page = browser.new_page()
    began, spent = time.perf_counter(), processor_seconds(browser)
    page.goto(path.as_uri())
    page.wait_for_selector(f"#customers[data-rows='{count}']")
    opened, used = time.perf_counter(), processor_seconds(browser) - spent
    page.get_by_label("Search").fill(f"number {count - 1} limited")
    page.wait_for_function("document.querySelectorAll('#customers tbody tr').length === 1")
    searched = time.perf_counter()
    page.get_by_label("Search").fill("")
    page.wait_for_function("document.querySelectorAll('#customers tbody tr').length === 25")
    again = time.perf_counter()
    page.get_by_role("columnheader", name="Still buys").click()
    page.wait_for_selector("th.dt-ordering-desc")
    ended = time.perf_counter()
    page.close()
    times = {"open": opened - began, "processor seconds of opening": used}
    return times | {"search": searched - opened, "sort": ended - again}


def processor_seconds(browser: Browser) -> float:
    """Return what all processes of the browser have spent; on a busy machine the clock misleads."""
    session = browser.new_browser_cdp_session()
    found = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    return sum(process["cpuTime"] for process in found)


if __name__ == "__main__":
    main()
