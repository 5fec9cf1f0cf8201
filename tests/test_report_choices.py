"""What a notebook chose for its tables travels to the chapter of the report."""

import json

import pandas as pd
import pytest
from report_examples import DISPLAY, revenue_result

from analysis import report
from analysis.core.result import Result
from analysis.report.choices import MIME_TYPE, TableChoice, read_choices


def executed(tmp_path, *bundles):
    outputs = [{"output_type": "execute_result", "data": bundle} for bundle in bundles]
    path = tmp_path / "made_up.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown"}, {"outputs": outputs}]}))
    return path


@pytest.mark.parametrize("columns", [None, ["a_count"], {"a_count": "A", "b_count": "B"}])
def test_a_choice_comes_back_from_an_executed_notebook(tmp_path, columns):
    frame = pd.DataFrame({"a_count": [1], "b_count": [2]})
    result = Result("made_up", "Made up", "2011Q3", revenue_result().as_of, tables={"t": frame})
    shown = report.table(result, "t", DISPLAY, columns=columns, caption="Words")
    path = executed(tmp_path, {"text/html": "<p>x</p>"}, shown._repr_mimebundle_())
    assert list(read_choices(path)) == [TableChoice("made_up", "t", columns, "Words")]


def test_columns_keep_their_order_though_a_notebooks_file_sorts_keys(tmp_path):
    columns = {"name": "Name", "amount": "Amount"}
    bundle = json.loads(json.dumps(TableChoice("made_up", "t", columns).bundle(), sort_keys=True))
    (choice,) = read_choices(executed(tmp_path, bundle))
    assert list(choice.columns.items()) == list(columns.items())


def test_of_a_table_shown_twice_the_first_choice_counts(tmp_path):
    first = TableChoice("made_up", "t", caption="First").bundle()
    second = TableChoice("made_up", "t", caption="Second").bundle()
    kept = list(read_choices(executed(tmp_path, first, second)))
    assert [choice.caption for choice in kept] == ["First"]


def test_what_is_no_table_leaves_no_choice():
    assert MIME_TYPE not in report.findings(revenue_result())._repr_mimebundle_()
