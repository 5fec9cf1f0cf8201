"""The list of every customer: what is in it, that nothing in it runs, and its policy."""

import base64
import hashlib
import json
import re
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.core.display import Display
from analysis.core.result import Result
from analysis.report import explore

POUNDS = Display("GBP", "en_GB")
FRAME = explore.ExploreFrame("Every customer", "Tea · 2011Q3", [("The report", "index.html")])
NASTY = ["</script><script>alert(1)</script>", "<!--<script>", "]]>", "&lt;b&gt;", "\u2028"]


def result(name, **tables):
    return Result(name, name, "2011Q3", date(2011, 9, 30), tables=tables)


def growth(ids=("b", "a", "c"), gaps=(5.0, 7.0, None)):
    return pd.DataFrame(
        {
            "customer_id": list(ids),
            "gap_year_amount": list(gaps),
            "forecast_quarter_amount": [1234.567] * len(ids),
            "active_share": [0.25] * len(ids),
            "next_products": [["cup", "tea"]] * len(ids),
            "reason": ["Why this target"] * len(ids),
        }
    )


def segments():
    columns = ["customer_id", "segment_name", "prospect_class", "reason"]
    return pd.DataFrame([("a", "Big", "Grow", "Why this segment")], columns=columns)


def listed():
    return explore.customer_list({"g": result("growth", customer_growth=growth())})


def data_of(html):
    block = re.search(r'<script type="application/json" id="data">(.*?)</script>', html)
    data = json.loads(block[1])
    cells = [
        c["cells"] if "cells" in c else [c["values"][place] for place in c["places"]]
        for c in data["columns"]
    ]
    return data | {"rows": [list(row) for row in zip(*cells, strict=True)]}


def script_of(html):
    return re.search(r'<script type="module">(.*?)</script>', html, re.DOTALL)[1]


def test_the_list_joins_what_the_results_say_of_each_customer():
    names = pd.DataFrame({"customer_id": ["a", "z"], "customer_name": ["Ada", "Not in a Result"]})
    results = {
        "g": result("growth", customer_growth=growth()),
        "s": result("s", segments=segments()),
    }
    listed = explore.customer_list(results, names)
    assert list(listed["customer_id"]) == ["a", "b", "c"]  # largest gap first, none last
    first = listed.iloc[0]
    assert (first["customer_name"], first["segment_name"], first["prospect_class"]) == (
        *("Ada", "Big", "Grow"),
    )
    assert first["growth_reason"] == "Why this target"
    assert first["segment_reason"] == "Why this segment"


def test_a_customer_of_one_result_only_is_in_the_list_too():
    results = {
        "g": result("growth", customer_growth=growth(["x"], [1.0])),
        "s": result("s", segments=segments()),
    }
    assert set(explore.customer_list(results)["customer_id"]) == {"a", "x"}


def test_a_run_that_says_nothing_of_single_customers_has_no_list():
    assert explore.customer_list({"r": result("revenue")}) is None
    assert explore.customer_list({"g": result("growth", customer_growth=growth([], []))}) is None


def test_the_same_customers_in_another_order_make_the_same_page():
    pages = {
        explore.explore_page(
            explore.customer_list({"g": result("growth", customer_growth=table)}), FRAME, POUNDS
        )
        for table in (growth(), growth().iloc[::-1])
    }
    assert len(pages) == 1


def test_every_row_is_on_the_page_and_numbers_stay_numbers():
    found = data_of(explore.explore_page(listed(), FRAME, POUNDS))
    assert [column["kind"] for column in found["columns"]] == [
        *("text", "amount", "amount", "share", "text", "text"),
    ]
    assert found["rows"][0] == ["a", 1230, 7, 0.25, "cup, tea", "Why this target"]
    assert found["rows"][2][2] is None
    assert (found["locale"], found["currency"]) == ("en-GB", "GBP")


def test_fifty_thousand_rows_are_all_there():
    many = 50_000
    table = pd.DataFrame({"customer_id": [f"c{i}" for i in range(many)]})
    assert len(data_of(explore.explore_page(table, FRAME, POUNDS))["rows"]) == many


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(), min_size=1, max_size=4))
def test_no_name_ends_the_block_of_data_or_opens_a_tag(names):
    table = pd.DataFrame({"customer_id": [*names, *NASTY]})
    html = explore.explore_page(table, FRAME, POUNDS)
    block = html[html.index('id="data">') + 10 : html.index('<script type="module">')]
    assert block.count("<") == 1  # of its own end
    assert [row[0] for row in data_of(html)["rows"]] == [*names, *NASTY]


def test_what_is_not_a_number_is_missing():
    table = pd.DataFrame({"customer_id": ["a", "b"], "gap_year_amount": [np.inf, -np.inf]})
    assert [row[1] for row in data_of(explore.explore_page(table, FRAME, POUNDS))["rows"]] == [
        *(None, None),
    ]


def test_the_policy_names_the_one_script_and_allows_no_request():
    html = explore.explore_page(listed(), FRAME, POUNDS)
    digest = base64.b64encode(hashlib.sha256(script_of(html).encode()).digest()).decode()
    policy = explore.policy()
    assert policy in html.replace("&#39;", "'")
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    for word in ("unsafe-eval", "connect-src", "http", "blob:", "script-src 'unsafe-inline'"):
        assert word not in policy


def test_the_library_holds_nothing_that_a_page_takes_for_markup():
    script = script_of(explore.explore_page(listed(), FRAME, POUNDS))
    assert "<!--" not in script
    assert "<script" not in script
    assert "export{" not in script


def test_the_script_is_the_same_whoever_the_customers_are():
    other = pd.DataFrame({"customer_id": NASTY})
    pages = [explore.explore_page(table, FRAME, POUNDS) for table in (listed(), other)]
    assert script_of(pages[0]) == script_of(pages[1])


@pytest.mark.parametrize(
    ("amount", "shown"), [(1234.567, 1230), (0.4, 0), (99.6, 100), (-1234.5, -1230), (0.0, 0)]
)
def test_estimates_have_three_digits_and_no_pence(amount, shown):
    table = pd.DataFrame({"customer_id": ["a"], "forecast_year_amount": [amount]})
    assert data_of(explore.explore_page(table, FRAME, POUNDS))["rows"][0][1] == shown
