"""The grammar that jsonschema would import for nothing stays out, and can still be had."""

import os
import subprocess
import sys

import pytest

CODE = """
import sys
from analysis.run.quick_import import import_without_grammar
if sys.argv[1] == "quick":
    import_without_grammar()
import nbformat
nbformat.validate(nbformat.v4.new_notebook())
print("rfc3987_syntax" in sys.modules)
import rfc3987_syntax
print(rfc3987_syntax.is_valid_syntax)
"""


@pytest.mark.parametrize(("way", "has_grammar"), [("quick", "False"), ("plain", "True")])
def test_notebooks_are_read_without_the_grammar_and_others_find_it(way, has_grammar, tmp_path):
    (tmp_path / "rfc3987_syntax.py").write_text("is_valid_syntax = 'found'\n", encoding="utf-8")
    told = subprocess.run(
        [sys.executable, "-c", CODE, way],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == [has_grammar, "found"]
