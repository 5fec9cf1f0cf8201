"""The command: exit codes, problems without a traceback, help with an example."""

import os
import subprocess
import sys
import time

import pytest
from tiny_project import tiny_project, write_notebook

from analysis import cli
from analysis.core.files import read_json
from analysis.core.project import shipped_notebooks
from analysis.core.settings import read_settings

COMMANDS = (
    "run",
    "due",
    "actions",
    "load",
    "sample",
    "backtest",
    "runs",
    "dictionary",
    "lab",
    "init",
)


@pytest.fixture
def analysis(capsys):
    """Run the command; give its exit code, output and errors."""

    def call(*arguments):
        code = cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself_with_an_example(analysis, command):
    code, out, _ = analysis(command, "--help")
    assert code == 0
    assert f"Example: analysis {command}" in out


def test_lists_its_commands(analysis):
    code, out, _ = analysis("--help")
    assert code == 0
    assert all(f"\n  {command} " in out for command in COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [("nonsense",), ("run",), ("run", "weekly"), ("run", "quarterly", "--jobs", "0"), ("load", 1)],
)
def test_a_mistyped_command_ends_with_code_2(analysis, arguments):
    assert analysis(*arguments)[0] == 2


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("--period", "2011Q5"), "'2011Q5'"),
        (("--period", "../../x"), "'../../x'"),
        (("--period", "2031Q1"), "after the last day of the data"),
        (("--only", "nobody"), "no notebook of this cadence"),
    ],
)
def test_shows_problems_without_a_traceback(analysis, tmp_path, arguments, found):
    tiny_project(tmp_path, {"a": []})
    code, _, error = analysis("run", "quarterly", "--project", tmp_path, *arguments)
    assert code == 1
    assert found in error
    assert "mend:" in error
    assert "Traceback" not in error
    assert not (tmp_path / "reports").exists()


def test_refuses_an_unknown_setting(analysis, tmp_path):
    tiny_project(tmp_path, {}, more="[compny]\nname = 'x'")
    code, _, error = analysis("run", "quarterly", "--project", tmp_path)
    assert code == 1
    assert "write company" in error


def test_says_where_no_project_is(analysis, tmp_path):
    code, _, error = analysis("runs", "--project", tmp_path)
    assert code == 1
    assert "no project.toml here or above" in error


def test_a_mistake_of_ours_keeps_its_traceback(analysis, tmp_path, monkeypatch):
    def broken(_):
        raise ZeroDivisionError

    monkeypatch.setattr("analysis.run.ledger.all_runs", broken)
    tiny_project(tmp_path, {})
    with pytest.raises(ZeroDivisionError):
        analysis("runs", "--project", tmp_path)


def test_a_run_shows_what_happens_and_ends_with_the_page(analysis, tmp_path):
    tiny_project(tmp_path, {"a": []})
    code, out, error = analysis("run", "quarterly", "--project", tmp_path)
    assert (code, error) == (0, "")
    assert "a: done" in out
    page = tmp_path / "reports" / "quarterly" / "2024Q2" / "index.html"
    assert out.splitlines()[-1] == str(page)
    assert page.is_file()

    code, out, _ = analysis("run", "quarterly", "--project", tmp_path)
    assert code == 0
    assert "nothing was run again" in out

    write_notebook(tmp_path, "a", "raise ValueError('[red]broken[/red]')")
    code, out, error = analysis("run", "quarterly", "--project", tmp_path)
    assert code == 1
    assert "a: FAILED" in out
    assert "ValueError: [red]broken[/red]" in error
    assert "Nothing was published" in error

    code, out, _ = analysis("runs", "--project", tmp_path)
    assert code == 0
    assert "succeeded" in out
    assert "failed: a" in out


def test_load_shows_rows_and_money(analysis, tmp_path):
    tiny_project(tmp_path, {})
    code, out, _ = analysis("load", "--project", tmp_path)
    assert code == 0
    assert "€75.50" in out
    assert "from 2024-01-15 to 2024-06-30" in out


def test_init_makes_a_project_that_its_settings_explain(analysis, tmp_path):
    folder = tmp_path / "acme"
    arguments = ("--preset", "online_retail_ii", "--name", 'Acme "& Co"', "--currency", "GBP")
    code, out, _ = analysis("init", folder, *arguments)
    assert code == 0
    assert "analysis load" in out
    settings = read_settings(folder / "project.toml")
    assert (settings.company.name, settings.company.currency) == ('Acme "& Co"', "GBP")
    assert settings.sources["online_retail_ii"].folder == "."
    assert (folder / "data" / "raw").is_dir()
    before = (folder / "project.toml").read_bytes()
    code, _, error = analysis("init", folder)
    assert code == 1
    assert "already there" in error
    assert (folder / "project.toml").read_bytes() == before


def test_the_settings_that_init_shows_as_comments_are_allowed(analysis, tmp_path):
    analysis("init", tmp_path / "acme")
    file = tmp_path / "acme" / "project.toml"
    lines = file.read_text(encoding="utf-8").splitlines()[2:]
    file.write_text("\n".join(line.removeprefix("# ") for line in lines), encoding="utf-8")
    assert read_settings(file).runs.jobs == 2


@pytest.mark.parametrize(
    ("arguments", "found"),
    [(("--preset", "onlin_retail_ii"), "write online_retail_ii"), (("--currency", "£"), "'£'")],
)
def test_init_refuses_what_it_does_not_know(analysis, tmp_path, arguments, found):
    code, _, error = analysis("init", tmp_path / "acme", *arguments)
    assert code == 1
    assert found in error
    assert not (tmp_path / "acme").exists()


def test_sample_makes_a_project_that_loads(analysis, tmp_path):
    folder = tmp_path / "company"
    arguments = ("--customers", 30, "--quarters", 3, "--seed", 7)
    assert analysis("sample", folder, *arguments)[0] == 0
    assert list((folder / "truth").glob("*.parquet"))
    code, out, _ = analysis("load", "--project", folder)
    assert code == 0
    assert "sample/invoice_lines.csv" in out
    assert analysis("sample", folder)[0] == 1


def test_dictionary_is_printed_or_written(analysis, tmp_path):
    code, out, _ = analysis("dictionary")
    assert code == 0
    assert "### customer_features" in out
    file = tmp_path / "dictionary.md"
    assert analysis("dictionary", "--file", file)[0] == 0
    assert file.read_text(encoding="utf-8") == out


def test_lab_opens_where_the_notebooks_lie(analysis, tmp_path, monkeypatch):
    called = []
    monkeypatch.setattr(cli, "_call", lambda *arguments: called.append(arguments) or 0)
    tiny_project(tmp_path, {"a": []})
    assert analysis("lab", "--project", tmp_path, "--no-browser")[0] == 0
    command, environment = called[0]
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert command[3:] == [f"--ServerApp.root_dir={tmp_path}", "--no-browser"]
    assert environment == {"ANALYSIS_PROJECT": str(tmp_path)}


def test_lab_never_opens_the_shipped_notebooks_but_says_how_to_copy_one(
    analysis, tmp_path, monkeypatch
):
    called = []
    monkeypatch.setattr(cli, "_call", lambda *arguments: called.append(arguments) or 0)
    folder = tmp_path / "my company"
    analysis("init", folder)
    _, out, _ = analysis("lab", "--project", folder)
    assert called[0][0][3:] == [f"--ServerApp.root_dir={folder}"]
    assert f"analysis lab --copy customers/growth --project '{folder}'" in out
    code, out, _ = analysis("lab", "--copy", "customers/growth", "--project", folder)
    assert (code, len(called)) == (0, 2)
    copy = folder / "notebooks" / "customers" / "growth.ipynb"
    assert copy.read_bytes() == (shipped_notebooks() / "customers/growth.ipynb").read_bytes()
    assert "No notebooks" not in out
    code, _, error = analysis("lab", "--copy", "customers/growth", "--project", folder)
    assert (code, "is already there" in error) == (1, True)
    code, _, error = analysis("lab", "--copy", "customers/nobody", "--project", folder)
    assert (code, "no shipped notebook" in error) == (1, True)


def test_commands_to_paste_are_quoted(analysis, tmp_path):
    folder = tmp_path / "my company"
    _, out, _ = analysis("init", folder)
    assert f"analysis load --project '{folder}'" in out


def test_load_prints_why_rows_were_rejected_and_how_to_mend_it(analysis, tmp_path):
    tiny_project(tmp_path, {})
    lines = tmp_path / "data" / "raw" / "invoice_lines.csv"
    more = "5,1,cyd,tea,soon,3,,EUR,30.00,sale\n6,1,cyd,tea,2024-06-29,3,,CHF,12.50,sale\n"
    lines.write_text(lines.read_text() + more)
    code, out, _ = analysis("load", "--project", tmp_path)
    assert code == 0
    assert "1 row of invoice_lines.csv, €0.00; column currency" in out
    assert "found:    1 line, CHF 12.50" in out
    assert "found:    soon" in out
    assert "mend:     correct the date" in out


def test_lab_says_how_to_install_it(analysis, tmp_path, monkeypatch):
    monkeypatch.setattr(cli, "find_spec", lambda _: None)
    tiny_project(tmp_path, {})
    code, _, error = analysis("lab", "--project", tmp_path)
    assert code == 1
    assert "start.py lab" in error


def test_a_run_that_is_broken_off_says_so(analysis, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("analysis.run.cadence._run_notebooks", interrupted)
    project = tiny_project(tmp_path, {"a": []})
    code, _, error = analysis("run", "quarterly", "--project", tmp_path)
    assert code == cli.BROKEN_OFF
    assert "Broken off" in error
    record = read_json(project.processed / "runs" / "quarterly" / "2024Q2.failed" / "run.json")
    assert (record["state"], record["error"]) == ("failed", "broken off")


@pytest.mark.skipif(sys.platform == "win32", reason="a scheduler on Windows sends no SIGTERM")
def test_a_scheduler_that_ends_a_run_leaves_no_kernel_behind(tmp_path):
    tiny_project(tmp_path, {"a": []})
    note = tmp_path / "kernel"
    cell = f"import os, pathlib\npathlib.Path({str(note)!r}).write_text(str(os.getpid()))"
    write_notebook(tmp_path, "a", cell, "import time\ntime.sleep(600)")
    command = [sys.executable, "-m", "analysis.cli", "run", "quarterly", "--project", tmp_path]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as run:
        until(lambda: note.exists() and note.read_text())
        run.terminate()
        _, error = run.communicate()
    assert run.returncode == cli.BROKEN_OFF
    assert b"Broken off" in error
    with pytest.raises(ProcessLookupError, match="No such process"):
        os.kill(int(note.read_text()), 0)


def until(condition, seconds=120):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_runs_tell_an_error_whole_and_a_failed_run_by_the_name_of_its_folder(analysis, tmp_path):
    long = "the file of the till holds " + "very many words " * 30 + "and ends here"
    tiny_project(tmp_path, {"a": []})
    assert analysis("run", "quarterly", "--project", tmp_path)[0] == 0
    code, out, error = analysis("runs", "show", "2024Q2.failed", "--project", tmp_path)
    assert (code, "a failed run of one of quarterly/2024Q2" in error) == (1, True)
    lines = tmp_path / "data" / "raw" / "invoice_lines.csv"
    lines.write_text(lines.read_text().replace("invoiced_on", long), encoding="utf-8")
    assert analysis("run", "quarterly", "--project", tmp_path)[0] == 1
    write_notebook(tmp_path, "a", "raise ValueError('broken')")
    lines.write_text(lines.read_text().replace(long, "invoiced_on"), encoding="utf-8")
    assert analysis("run", "quarterly", "--project", tmp_path)[0] == 1
    _, out, _ = analysis("runs", "--project", tmp_path)
    assert "and ends here" in " ".join(out.split())
    assert "    mend:" in out  # the whole problem, not its first words
    assert "More: analysis runs show " in out
    code, out, _ = analysis("runs", "show", "quarterly/2024Q2.failed", "--project", tmp_path)
    assert code == 0
    assert "failed: a" in out
