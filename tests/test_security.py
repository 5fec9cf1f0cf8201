"""Secrets stay secret, nothing leaves the project folder, settings are data and not code."""

import os
import shutil
from datetime import date
from pathlib import Path
from urllib.parse import quote

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sources_project import make_project
from tiny_project import LINES, saving_cell, tiny_project, write_notebook

from analysis.cli import main
from analysis.core import secrets
from analysis.core.dictionary import TABLES
from analysis.core.files import write_text
from analysis.core.problems import AnalysisError, InputError, SettingsError
from analysis.core.project import Project
from analysis.core.pseudonyms import PERSONAL, Pseudonyms
from analysis.core.result import Result
from analysis.core.settings import read_settings
from analysis.features import engine
from analysis.report.downloads import write_downloads
from analysis.run import open_workspace
from analysis.run.cadence import run_cadence
from analysis.run.plan import make_plan
from analysis.run.privacy import KEY_FILE
from analysis.sources import sql
from analysis.sources.inventory import plan_sources
from analysis.sources.presets import parse_preset

VARIABLE = "ANALYSIS_TEST_PASSWORD"
SECRET = 'pl4nted "s3cret" <&> /=é'
SPELLINGS = ("pl4nted", "s3cret", quote(SECRET, safe=""))
NAMED = f'secret_variables = ["{VARIABLE.lower()}"]'


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A secret in the environment, and in a file where a notebook can find it."""
    monkeypatch.setenv(VARIABLE, SECRET)
    monkeypatch.setattr(secrets, "_hidden", {})
    monkeypatch.setattr(secrets, "_pattern", None)
    (tmp_path / "elsewhere.txt").write_text(SECRET, encoding="utf-8")
    return f"secret = open({str(tmp_path / 'elsewhere.txt')!r}, encoding='utf-8').read()"


def everything_in(folder: Path) -> dict[Path, str]:
    """Return the text of every file; of a table, every text in it."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix == ".parquet":
            found[path] = str(pq.read_table(path).to_pylist())
        elif path.is_file():
            found[path] = path.read_bytes().decode("utf-8", errors="replace")
    return found


def leaks(root: Path, printed: str) -> list[str]:
    texts = {
        **everything_in(root / "data" / "processed"),
        **everything_in(root / "reports"),
        Path("printed"): printed,
    }
    assert len(texts) > 5
    return [str(path) for path, text in texts.items() if any(s in text for s in SPELLINGS)]


def run(root, capfd):
    code = main(["run", "quarterly", "--project", str(root)])
    out, error = capfd.readouterr()
    return code, out + error


# Secrets ------------------------------------------------------------------------------------------


FAILING = {
    "plain": "raise ValueError(f'cannot log in with {secret}')",
    "address": "from urllib.parse import quote\n"
    "raise OSError('https://ada:' + quote(secret, safe='') + '@db.example/sales')",
    "page": "from IPython.display import HTML, display\nimport html, sys\n"
    "display(HTML('<b>' + html.escape(secret) + '</b>'))\nprint(secret, file=sys.stderr)\n"
    "raise RuntimeError(repr(secret))",
    "data": "import json\nprint(json.dumps({'a': secret}))\n1 / 0",
}


def test_failing_notebooks_leave_no_secret_in_any_file_or_line(tmp_path, planted, capfd):
    root = tmp_path / "project"
    tiny_project(root, {name: [] for name in FAILING}, runs=NAMED)
    for name, failing in FAILING.items():
        write_notebook(root, name, f"{planted}\n{failing}")
    code, printed = run(root, capfd)
    assert code == 1
    assert leaks(root, printed) == []
    assert f"ValueError: cannot log in with [{VARIABLE}]" in printed
    assert f"https://ada:[{VARIABLE}]@db.example/sales" in printed


def test_what_a_notebook_shows_and_saves_is_looked_through(tmp_path, planted, capfd):
    root = tmp_path / "project"
    tiny_project(root, {"a": []}, runs=NAMED)
    cell = saving_cell("a").replace("['ada']", "[secret]")
    write_notebook(root, "a", planted, cell)
    code, printed = run(root, capfd)
    assert code == 1
    assert f"held the value of the secret variable {VARIABLE} and was removed" in printed
    assert leaks(root, printed) == []


def test_a_page_names_the_variable_in_the_place_of_its_value(tmp_path, planted, capfd):
    root = tmp_path / "project"
    tiny_project(root, {"a": []}, runs=NAMED)
    shows = (
        "import html\nfrom IPython.display import HTML\nHTML('<p>' + html.escape(secret) + '</p>')"
    )
    write_notebook(root, "a", planted, shows)
    code, printed = run(root, capfd)
    assert code == 0
    assert leaks(root, printed) == []
    assert f"[{VARIABLE}]" in (root / "reports/quarterly/2024Q2/details/a.html").read_text()


def test_a_secret_written_into_an_option_is_not_in_the_record(tmp_path, planted, capfd):
    root = tmp_path / "project"
    options = "[options.a]\nlogin = 'pl4nted \"s3cret\" <&> /=é'"
    tiny_project(root, {"a": []}, runs=NAMED, more=options)
    parameters = 'project: str = "."\nperiod: str = ""\nrun_dir: str = ""\nlogin: str = ""'
    write_notebook(root, "a", "len(login)", parameters=parameters)
    code, printed = run(root, capfd)
    assert code == 0
    assert leaks(root, printed) == []


def test_a_mistake_of_ours_is_printed_without_the_secret(tmp_path, planted, capfd, monkeypatch):
    root = tmp_path / "project"
    tiny_project(root, {"a": []}, runs=NAMED)

    def broken(*_, **__):
        raise KeyError(SECRET)

    monkeypatch.setattr("analysis.run.cadence.make_plan", broken)
    code, printed = run(root, capfd)
    assert code == 1
    assert "KeyError" in printed
    assert not any(spelling in printed for spelling in SPELLINGS)


def test_no_kernel_has_the_secret_in_its_environment(tmp_path, planted, capfd):
    root = tmp_path / "project"
    tiny_project(root, {"a": []}, runs=NAMED)
    write_notebook(root, "a", f"import os\nassert {VARIABLE!r} not in os.environ")
    assert run(root, capfd)[0] == 0


def test_short_values_are_left_alone(monkeypatch, tmp_path):
    monkeypatch.setattr(secrets, "_hidden", {})
    monkeypatch.setattr(secrets, "_pattern", None)
    monkeypatch.setenv(VARIABLE, "on")
    secrets.hide([VARIABLE])
    write_text(tmp_path / "x", "once upon a time")
    assert (tmp_path / "x").read_text() == "once upon a time"
    assert not secrets.has_any()


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=6).filter(str.strip))
def test_every_spelling_of_a_secret_is_replaced(text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets, "_hidden", {})
        patch.setattr(secrets, "_pattern", None)
        patch.setattr(os, "environ", {VARIABLE: text})
        secrets.hide([VARIABLE])
        for spelled in (text, quote(text, safe=""), repr(text)[1:-1]):
            assert secrets.redacted(f"({spelled})") == f"([{VARIABLE}])"
            assert secrets.secret_in(f"({spelled})") == VARIABLE


# Nothing leaves the project folder ----------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../../x", "/etc/x", "a/../../x", "..", "x/..", "./x", "", "..\\x", "c:x", "a//b"]
)
def test_a_notebook_s_name_cannot_lead_out_of_the_project(tmp_path, name):
    project = tiny_project(tmp_path / "project", {"a": []})
    write_notebook(tmp_path, "x")
    with pytest.raises(SettingsError, match="no such file"):
        project.notebook(name)


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "x/.."])
def test_a_plan_with_such_a_name_is_refused_before_anything_runs(tmp_path, name):
    more = f"[cadences.quarterly]\nreport = '{name}'"
    project = tiny_project(tmp_path / "project", {"a": []})
    path = project.root / "project.toml"
    path.write_text(
        path.read_text().replace(
            "[cadences.quarterly.notebooks]", f"{more}\n[cadences.quarterly.notebooks]"
        )
    )
    with pytest.raises(SettingsError, match="no such file"):
        make_plan(Project(project.root), "quarterly")


@pytest.mark.parametrize("folder", ["../..", "/etc", "../../../etc"])
def test_a_source_cannot_be_read_from_elsewhere(tmp_path, folder):
    project = tiny_project(tmp_path, {"a": []})
    text = (tmp_path / "project.toml").read_text()
    (tmp_path / "project.toml").write_text(
        text.replace('preset = "plain"', f'preset = "plain"\nfolder = "{folder}"')
    )
    with pytest.raises(InputError, match="a folder below data/raw"):
        plan_sources(Project(project.root))


@pytest.mark.parametrize("pattern", ["../*.csv", "/etc/*", "../../project.toml"])
def test_a_pattern_of_files_matches_nothing_outside_its_folder(tmp_path, pattern, capfd):
    project = tiny_project(tmp_path / "project", {"a": []})
    (tmp_path / "project" / "data" / "outside.csv").write_text("invoice_id\n1\n")
    path = project.root / "project.toml"
    files = f'preset = "plain"\nfiles = {{ invoice_lines = ["{pattern}"] }}'
    path.write_text(path.read_text().replace('preset = "plain"', files))
    assert main(["load", "--project", str(project.root)]) == 1
    assert "outside.csv" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("period", ["../../x", "2024Q2/../../x", "/etc", "2024Q2\0"])
def test_a_period_is_a_period(tmp_path, period):
    tiny_project(tmp_path, {"a": []})
    with pytest.raises(SettingsError):
        run_cadence(tmp_path, "quarterly", period)


def test_the_runner_s_own_parameters_cannot_be_set_and_a_run_folder_lies_in_the_project(tmp_path):
    project = tiny_project(tmp_path / "p", {"a": []}, more="[options.a]\nrun_dir = '/tmp'")
    with pytest.raises(SettingsError, match="a parameter that the runner sets"):
        make_plan(project, "quarterly")
    with pytest.raises(SettingsError, match="a folder of a run below"):
        open_workspace(str(project.root), "2024Q2", str(tmp_path))


@pytest.mark.parametrize("name", ["../x", "a/b", "..", "", ".hidden", "a\\b", "c:x", "nul\0"])
def test_no_result_table_or_download_is_written_elsewhere(tmp_path, name):
    folder = tmp_path / "inside" / "deep"
    table = pd.DataFrame({"a": [1]})
    with pytest.raises(ValueError, match="cannot name"):
        Result("r", "R", "2024Q2", date(2024, 6, 30), tables={name: table}).save(folder)
    with pytest.raises(ValueError, match="cannot name"):
        Result(name, "R", "2024Q2", date(2024, 6, 30)).save(folder)
    with pytest.raises(ValueError, match="cannot name"):
        write_downloads(Result("r", "R", "2024Q2", date(2024, 6, 30), tables={name: table}), folder)
    assert not folder.exists()


# Settings and presets are data --------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "[company]\nname = !!python/object/apply:os.system ['true']\n",
        "[company]\nname = {{ __import__('os').system('true') }}\n",
        "[company]\n__class__ = 'x'\n",
        "[runs]\njobs = '__import__(\"os\").getpid()'\n",
        "[options.a]\nx = 2026-13-45\n",
    ],
)
def test_settings_that_look_like_code_are_refused(tmp_path, text):
    (tmp_path / "project.toml").write_text(text)
    with pytest.raises(SettingsError):
        read_settings(tmp_path / "project.toml")


def test_a_value_that_looks_like_code_stays_text(tmp_path):
    name = "{{ 7 * 7 }} ${HOME} $(id) `id` __import__('os') {project}"
    (tmp_path / "project.toml").write_text(f'[company]\nname = "{name}"\n')
    assert read_settings(tmp_path / "project.toml").company.name == name


@pytest.mark.parametrize("key", ["sql", "python", "where", "expression", "exec"])
def test_a_preset_has_no_key_for_code(key):
    with pytest.raises(SettingsError, match="unknown key"):
        parse_preset(f'title = "T"\n[tables.customers]\n{key} = "1; DROP TABLE x"\n', "preset")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_no_text_breaks_out_of_its_quotation_marks(text):
    for quoted in (sql.literal, engine._text):
        assert duckdb.sql(f"SELECT {quoted(text)}").fetchall() == [(text,)]
    if text:
        assert duckdb.sql(f"SELECT 1 AS {sql.name(text)}").columns == [text]


def test_sql_in_the_values_and_names_of_a_source_is_text(tmp_path):
    evil = "x'); DROP TABLE rejects; --"
    names = LINES.partition("\n")[0].replace("\\\n", "").split(",")
    columns = ", ".join(f'{name} = ["{name}"]' for name in names if name != "kind")
    preset = f"""
title = "Evil"
[tables.invoice_lines]
files = ["invoice_lines.csv"]
columns = {{ {columns}, kind = ["{evil}"] }}
values = {{ customer_id = {{ "ada" = "{evil}" }} }}
[[tables.invoice_lines.rules.kind]]
value = "sale"
when = [{{ column = "product_id", starts_with = ["{evil}"] }}]
[[tables.invoice_lines.rules.kind]]
value = "sale"
"""
    project = tiny_project(tmp_path, {"a": []})
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "evil.toml").write_text(preset)
    path = tmp_path / "project.toml"
    path.write_text(path.read_text().replace('preset = "plain"', 'preset = "evil"'))
    assert main(["load", "--project", str(tmp_path)]) == 0
    lines = pd.read_parquet(Project(project.root).current_snapshot() / "invoice_lines.parquet")
    assert evil in set(lines["customer_id"])
    assert len(lines) == 4


# Names of people ----------------------------------------------------------------------------------


def test_every_column_that_names_people_is_declared():
    named = {c.name for table in TABLES.values() for c in table.columns if c.name.endswith("_name")}
    things = ("segment", "product", "region", "stage", "team", "list", "step")
    assert {"customer_name", "rep_name", "author", "owner", "text"} <= PERSONAL
    assert {name for name in named if name not in PERSONAL} <= {f"{word}_name" for word in things}


def test_the_same_name_has_the_same_pseudonym_in_every_table_and_no_other():
    hidden = Pseudonyms(b"k" * 32)
    customers = pd.DataFrame(
        {"customer_id": ["1", "2", "3"], "customer_name": ["Ada", "Bob", None]}
    )
    reps = pd.DataFrame({"rep_id": ["r"], "rep_name": ["Ada"]})
    shown = hidden.of(customers, "customers")
    assert list(shown["customer_id"]) == ["1", "2", "3"]
    assert shown["customer_name"][0].startswith("Customer ")
    assert shown["customer_name"].nunique() == 2
    assert shown["customer_name"].isna()[2]
    turned = hidden.of(customers[::-1], "customers")
    assert turned["customer_name"][1] == shown["customer_name"][1]
    assert hidden.of(reps, "reps")["rep_name"][0].split()[1] == shown["customer_name"][0].split()[1]
    other = Pseudonyms(b"x" * 32)
    assert other.name("Ada", "customer_name") != hidden.name("Ada", "customer_name")
    assert customers["customer_name"][0] == "Ada"


def test_ids_that_are_names_can_be_replaced_too():
    hidden = Pseudonyms(b"k" * 32, frozenset({"customer_id"}))
    lines = pd.DataFrame({"customer_id": ["Ada Ltd"], "text": ["not a comment here"]})
    assert "Ada" not in str(hidden.of(lines, "invoice_lines").to_dict())
    assert hidden.of(lines, "invoice_lines")["text"][0] == "not a comment here"


def all_tables(project):
    """Return the text of every loaded and derived table as notebooks see them."""
    work = open_workspace(str(project.root))
    features = project.features_dir(work.snapshot.name, work.period)
    sources = [work.source_table(path.stem) for path in work.snapshot.glob("*.parquet")]
    derived = [work.table(path.stem) for path in features.glob("*.parquet")]
    return work, "\n".join(table.to_csv() for table in [*sources, *derived, work.rejects])


def test_an_id_that_is_a_name_is_replaced_wherever_it_stands(tmp_path):
    project = tiny_project(tmp_path, {"a": []}, more="[privacy]\npseudonymise = true")
    (project.raw / "customers.csv").write_text(
        "customer_id,customer_name,parent_customer_id,rep_id\nada,ada,Mother Co,Ann Lee\n"
    )
    (project.raw / "reps.csv").write_text(
        "rep_id,rep_name,leader_rep_id,team_id\nAnn Lee,Ann Lee,Max Boss,Max Boss\n"
    )
    (project.raw / "teams.csv").write_text("team_id,team_name\nMax Boss,Max Boss\nnorth,North\n")
    work, text = all_tables(project)
    assert not [name for name in ("Ann Lee", "Max Boss", "Mother Co", "ada,") if name in text]
    reps, teams = work.source_table("reps"), work.source_table("teams")
    customers = work.source_table("customers")
    assert reps["leader_rep_id"][0] == reps["team_id"][0]
    assert reps["team_id"][0] in set(teams["team_id"]) & set(teams["team_name"])
    assert "North" in set(teams["team_name"])
    assert customers["rep_id"][0] == reps["rep_id"][0] == reps["rep_name"][0]
    assert customers["customer_id"][0] == customers["customer_name"][0]
    lines, features = work.source_table("invoice_lines"), work.table("customer_features")
    assert customers["customer_id"][0] in set(lines["customer_id"]) & set(features["customer_id"])


def test_what_an_earlier_run_left_with_names_is_hidden_once():
    hidden = Pseudonyms(b"k" * 32, named={"Ada": "customer_name"}, ids=("customer_id",))
    once = hidden.again(pd.DataFrame({"customer_id": ["Ada", "Bob"], "text": ["x", "y"]}))
    assert not set(once["customer_id"]) & {"Ada", "Bob"}
    assert list(once["text"]) == ["x", "y"]
    assert hidden.again(once).equals(once)


@pytest.mark.public_data
def test_no_name_of_the_maven_data_is_in_any_table(tmp_path, public_data):
    folder = public_data("maven_crm")
    more = 'currency = "USD"\n[privacy]\npseudonymise = true'
    project = make_project(tmp_path, {}, 'preset = "maven_crm"', more)
    for path in folder.iterdir():
        shutil.copy(path, project.raw)
    teams = pd.read_csv(folder / "sales_teams.csv")
    names = {*teams["sales_agent"], *teams["manager"]}
    names |= set(pd.read_csv(folder / "accounts.csv")["account"])
    _, text = all_tables(project)
    assert len(names) > 100
    assert [name for name in sorted(names) if name in text] == []


NAMES = "customer_id,customer_name\nada,Ada Lovelace\nbob,Bob & Sons\ncyd,Cyd Charisse\n"
LOOK = """\
from analysis import report, run
from IPython.display import HTML
import pandas as pd
work = run.open_workspace(project, period, run_dir)
customers = work.source_table("customers")
features = work.table("customer_features")
made_by = work.overrides("segments")
HTML(customers.to_html() + features.to_html() + made_by.to_html())"""
SAVE = """\
from analysis.core.result import Result
growth = features[["customer_id", "customer_name"]].assign(reason="because")
work.save(Result("a", "A", period, work.scope.as_of, tables={"customer_growth": growth}))"""


@pytest.fixture
def people(tmp_path):
    project = tiny_project(tmp_path, {"a": []}, more="[privacy]\npseudonymise = true")
    (project.raw / "customers.csv").write_text(NAMES)
    (project.raw / "overrides").mkdir()
    (project.raw / "overrides" / "segments.csv").write_text("customer_id,owner\nada,Ada Lovelace\n")
    write_notebook(tmp_path, "a", LOOK, SAVE)
    return project


def test_with_pseudonyms_no_name_is_in_a_report_a_download_or_a_run(people, capfd):
    assert main(["run", "quarterly", "--project", str(people.root)]) == 0
    published = everything_in(people.reports)
    made = {**published, **everything_in(people.processed / "runs")}
    for path, text in made.items():
        for name in ("Lovelace", "Bob &", "Sons", "Charisse"):
            assert name not in text, path
    folder = people.reports / "quarterly" / "2024Q2"
    seen = [(folder / p).read_text() for p in ("explore.html", "downloads/customers.csv")]
    assert all(text.count("Customer ") >= 3 for text in seen)
    key = (people.root / KEY_FILE).read_text().strip()
    assert not any(key in text for text in made.values())
    assert "Lovelace" not in "".join(capfd.readouterr())


def test_pseudonyms_stay_the_same_while_the_key_does(people):
    def shown():
        work = open_workspace(str(people.root), "2024Q2")
        return list(work.source_table("customers")["customer_name"])

    before = shown()
    assert shown() == before
    assert os.name == "nt" or (people.root / KEY_FILE).stat().st_mode & 0o077 == 0
    (people.root / KEY_FILE).unlink()
    assert not set(shown()) & set(before)


def test_reports_from_before_the_setting_are_listed(people, capsys):
    settings = people.root / "project.toml"
    text = settings.read_text()
    settings.write_text(text.replace("pseudonymise = true", "pseudonymise = false"))
    arguments = ["run", "quarterly", "--project", str(people.root), "--period"]
    assert main([*arguments, "2024Q1"]) == 0
    assert "names" not in capsys.readouterr().out
    settings.write_text(text)
    assert main([*arguments, "2024Q2"]) == 0
    told = "Published before names were replaced by pseudonyms, they still show them"
    assert f"{told}: quarterly 2024Q1;" in capsys.readouterr().out


def test_a_key_that_is_none_is_told(people):
    (people.root / KEY_FILE).write_text("not a key")
    with pytest.raises(AnalysisError, match="restore the file"):
        open_workspace(str(people.root), "2024Q2").source_table("customers")


@pytest.mark.parametrize("name", ["notes.txt", "deep/down/table.parquet", "book.xlsx", "blob.bin"])
def test_a_file_that_a_notebook_writes_beside_its_result_is_looked_through(
    tmp_path, planted, capfd, name
):
    root = tmp_path / "project"
    tiny_project(root, {"a": []}, runs=NAMED)
    writing = (
        "import pandas as pd, zipfile\nfrom pathlib import Path\n"
        f"path = Path(run_dir) / {name!r}\npath.parent.mkdir(parents=True, exist_ok=True)\n"
        "if path.suffix == '.parquet':\n"
        "    pd.DataFrame({'text': [secret] * 3}).to_parquet(path)\n"
        "elif path.suffix == '.xlsx':\n"
        "    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as book:\n"
        "        book.writestr('sheet.xml', f'<c>{secret}</c>' * 50)\n"
        "else:\n"
        "    path.write_bytes(bytes([0, 255]) + secret.encode())"
    )
    write_notebook(root, "a", planted, saving_cell("a"), writing)
    code, printed = run(root, capfd)
    assert code == 1
    assert f"file {name}" in printed
    assert f"the value of the secret variable {VARIABLE}; the file was removed" in printed
    assert leaks(root, printed) == []
    left = [path for path in root.rglob(Path(name).name) if path.is_file()]
    assert left == []
