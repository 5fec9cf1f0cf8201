"""project.toml: typed, unknown keys refused, all problems at once."""

import pytest

from analysis.core.problems import SettingsError
from analysis.core.project import Project, open_project
from analysis.core.settings import SHIPPED_NOTEBOOKS, read_settings


def _write(tmp_path, text):
    path = tmp_path / "project.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_empty_file_has_defaults(tmp_path):
    settings = read_settings(_write(tmp_path, ""))
    assert settings.notebooks("quarterly") == SHIPPED_NOTEBOOKS["quarterly"]
    assert settings.report("quarterly") == "reports/quarterly"
    assert "bad_debt" in settings.revenue.kinds


def test_an_unknown_setting_is_refused_with_the_near_name(tmp_path):
    path = _write(tmp_path, "[company]\ncurency = 'EUR'\n")
    with pytest.raises(SettingsError, match=r"company\.curency[\s\S]*write currency"):
        read_settings(path)


def test_all_problems_are_told_at_once(tmp_path):
    path = _write(
        tmp_path,
        "[company]\nfiscal_year_start_month = 13\ncurrency = 'euro'\n[runs]\njobs = 0\nspeed = 9\n",
    )
    with pytest.raises(SettingsError) as caught:
        read_settings(path)
    assert len(caught.value.problems) == 4


def test_broken_toml_names_the_line(tmp_path):
    with pytest.raises(SettingsError, match="line 1"):
        read_settings(_write(tmp_path, "[company\n"))


def test_a_project_adds_a_notebook_and_leaves_one_out(tmp_path):
    path = _write(
        tmp_path,
        '[cadences.quarterly.notebooks]\n"customers/mine" = ["customers/growth"]\n'
        '"customers/segmentation" = false\n',
    )
    notebooks = read_settings(path).notebooks("quarterly")
    assert notebooks["customers/mine"] == ["customers/growth"]
    assert "customers/segmentation" not in notebooks
    assert "customers/migration" not in notebooks  # shipped, and reads what is left out


def test_a_project_is_found_from_a_folder_inside_it(tmp_path):
    _write(tmp_path, "")
    inside = tmp_path / "notebooks" / "customers"
    inside.mkdir(parents=True)
    assert open_project(inside).root == tmp_path


def test_no_project_is_an_error_with_the_mend(tmp_path):
    with pytest.raises(SettingsError, match="analysis init"):
        open_project(tmp_path)


def test_own_notebook_shadows_the_shipped_one(tmp_path):
    _write(tmp_path, "")
    project = Project(tmp_path)
    assert not project.notebook("data_quality").is_relative_to(tmp_path)
    own = tmp_path / "notebooks" / "data_quality.ipynb"
    own.parent.mkdir()
    own.write_text("{}")
    assert project.notebook("data_quality") == own


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "missing"])
def test_a_notebook_outside_the_folders_is_no_notebook(tmp_path, name):
    _write(tmp_path, "")
    with pytest.raises(SettingsError, match="no such file"):
        Project(tmp_path).notebook(name)


@pytest.mark.parametrize(
    ("setting", "found", "expected"),
    [
        ("locale = 'xx_YY'", "'xx_YY'", "a locale such as en_GB"),
        ("locale = 'german'", "'german'", "a locale such as en_GB"),
        ("currency = 'EUX'", "'EUX'", "an ISO 4217 code such as EUR"),
    ],
)
def test_locale_and_currency_are_checked_when_read(tmp_path, setting, found, expected):
    with pytest.raises(SettingsError) as caught:
        read_settings(_write(tmp_path, f"[company]\n{setting}\n"))
    (problem,) = caught.value.problems
    assert (problem.found, problem.expected[: len(expected)]) == (found, expected)


def test_the_currency_of_a_source_is_one_too(tmp_path):
    with pytest.raises(SettingsError, match="ISO 4217"):
        read_settings(_write(tmp_path, "[sources.erp]\ncurrency = 'EUX'\n"))
    assert read_settings(_write(tmp_path, "[sources.erp]\n")).sources["erp"].currency == ""


WRONG = [
    ("[reports]\npdf = 'perhaps'", "reports.pdf", "yes or no, written true or false", "pdf = true"),
    ("[runs]\njobs = 'two'", "runs.jobs", "a whole number", "jobs = 2"),
    ("[company]\nname = 3", "company.name", "text in quotation marks", 'name = "text"'),
    ("[quality]\nrows_fewer_share = 'x'", "rows_fewer_share", "a number", "= 0.05"),
    ("[revenue]\nkinds = 'sale'", "revenue.kinds", "a list in square brackets", "kinds = ["),
    (
        "[sources.a]\ndate_order = 'us'",
        "sources.a.date_order",
        "one of '', 'year_",
        "= 'year_first'",
    ),
    ("[notify.t]\nurl_variable = 'A'\non = ['x']", "notify.t.on.0", "one of", "on = ['success']"),
    ("[notify.t]", "notify.t.url_variable", "it has no default", "write url_variable ="),
    ("[company]\nfiscal_year_start_month = 13", "start_month", "12 or less", "within it"),
    ("runs = 3", "runs", "a section with names and values", "[runs]"),
]


@pytest.mark.parametrize(("text", "where", "expected", "mend"), WRONG)
def test_a_wrong_value_is_told_in_plain_words(tmp_path, text, where, expected, mend):
    with pytest.raises(SettingsError) as caught:
        read_settings(_write(tmp_path, text + "\n"))
    (problem,) = caught.value.problems
    assert where in problem.where
    assert expected in problem.expected
    assert mend in problem.mend
    told = str(problem).lower()
    assert not [
        word for word in ("input should", "unable to", "valid ", "pydantic") if word in told
    ]
