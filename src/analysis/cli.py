"""The `analysis` command: every step from raw files to a published report.

Exit codes: 0 on success only, 1 when something is wrong or nothing was published, 2 for a command
that was mistyped, 130 when broken off. What a user can mend is shown as problems; anything else is
a mistake of ours and keeps its traceback.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import traceback
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from analysis.cli_actions import actions
from analysis.cli_options import HERE, ProjectOption
from analysis.cli_output import (
    Watcher,
    new_console,
    print_error,
    print_load,
    print_outcome,
)
from analysis.cli_runs import due, runs_app
from analysis.core.dictionary import dictionary_markdown
from analysis.core.files import write_text
from analysis.core.periods import Cadence
from analysis.core.problems import AnalysisError, Problem, SettingsError
from analysis.core.project import Project, open_project, shipped_notebooks
from analysis.core.secrets import has_any, redacted

BROKEN_OFF = 130  # as typer ends on Ctrl-C
app = typer.Typer(
    help="Customer segments, growth and quarterly strategy, from raw exports to a report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command(epilog="Example: analysis due --project ../acme")(due)
app.command(
    epilog='Example: analysis actions --take 2026Q2/revenue/1 --owner "Ann" --due 2026-09-01'
)(actions)
app.add_typer(runs_app, name="runs")


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code; the entry point of the installed `analysis`."""
    _stop_like_ctrl_c()
    try:
        app(args=arguments)
    except AnalysisError as error:
        print_error(error)
        return 1
    except Exception as error:
        if not has_any():
            raise
        sys.stderr.write(redacted("".join(traceback.format_exception(error))))
        return 1
    except SystemExit as end:
        if end.code == BROKEN_OFF:
            words = "Broken off. What was finished is used again next time."
            new_console(is_error=True).print(words)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


@app.command(epilog="Example: analysis run quarterly --period 2026Q3 --project ../acme")
def run(
    cadence: Annotated[Cadence, typer.Argument(help="Which report.", show_default=False)],
    period: Annotated[
        str, typer.Option(help="Such as 2026Q3; without it the last complete one of the data.")
    ] = "",
    project: ProjectOption = HERE,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Run this notebook and show its page; publishes nothing. Repeatable."),
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, max=64, help="Notebooks side by side.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Run also what is unchanged.")] = False,
    accept: Annotated[
        str | None, typer.Option(help="Publish although a quality check stops it; say why.")
    ] = None,
) -> None:
    """Load what changed, run the notebooks of a cadence, publish the report."""
    from analysis.run.cadence import How, run_cadence

    if accept is not None and not accept.strip():
        mend = 'say why the report is right as it is: --accept "an account was sold"'
        raise SettingsError(Problem("--accept", "an empty reason", "a reason in words", mend))
    console = new_console()
    with Watcher(console) as watcher:
        how = How(jobs, accept or "", progress=watcher)
        record = run_cadence(project, cadence, period, only or (), force, how)
    print_outcome(console, record)
    _say_names_shown(project)
    if accept and not record.accepted:
        _say("No quality check had to be overruled: --accept was not needed.")
    if record.state != "succeeded":
        raise typer.Exit(1)


def _say_names_shown(project: str | Path) -> None:
    """Warn of reports that were published before names were to be replaced by pseudonyms."""
    from analysis.run.privacy import reports_with_names

    shown = reports_with_names(open_project(project))
    if shown:
        mend = "run these periods again, or delete them"
        said = "Published before names were replaced by pseudonyms, they still show them"
        _say(f"{said}: {', '.join(shown)}; {mend}.")


@app.command(epilog="Example: analysis load --project ../acme")
def load(project: ProjectOption = HERE) -> None:
    """Turn raw files into tables; show rows and money read, kept, rejected and merged."""
    from analysis.run.loading import load_raw

    opened = open_project(project)
    console = new_console()
    with Watcher(console) as watcher:
        report = watcher.during("load", lambda: load_raw(opened))
    print_load(console, report, opened)


@app.command(epilog="Example: analysis sample ../sample --customers 500 --quarters 9 --seed 1")
def sample(
    folder: Annotated[Path, typer.Argument(help="New project folder.", show_default=False)],
    customers: Annotated[int, typer.Option(min=20, max=1_000_000)] = 1000,
    quarters: Annotated[int, typer.Option(min=1, max=80, help="Complete quarters.")] = 12,
    seed: Annotated[int, typer.Option(min=0, help="The same seed, the same company.")] = 1,
    difficulty: Annotated[
        float, typer.Option(min=0, max=1, help="0: segments far apart; 1: they overlap widely.")
    ] = 0.3,
) -> None:
    """Simulate a company, with the truth about it kept apart in FOLDER/truth."""
    from analysis.run.new_project import new_sample

    console = new_console()
    with Watcher(console) as watcher:
        watcher.during(
            "simulate", lambda: new_sample(folder, customers, quarters, seed, difficulty)
        )
    _say_next(folder)


@app.command(epilog="Example: analysis backtest --project ../acme --json backtest.json")
def backtest(
    project: ProjectOption = HERE,
    period: Annotated[
        str, typer.Option(help="Last quarter to grade; without it the last complete one.")
    ] = "",
    json: Annotated[
        Path | None, typer.Option(help="Write the tables here, and a figure beside it.")
    ] = None,
    customers: Annotated[
        int, typer.Option(min=0, help="Grade so many customers, drawn at random; 0: all.")
    ] = 0,
    draws: Annotated[int, typer.Option(min=20, max=10_000, help="Of the bootstrap.")] = 400,
    seed: Annotated[int, typer.Option(min=0, help="The same seed, the same draws.")] = 0,
) -> None:
    """Forecast earlier quarters with what was known then, by every model, and grade them."""
    from analysis.run import backtest as work

    options = work.CompareOptions(customer_count=customers, draws=draws, seed=seed)
    found = work.backtest(open_project(project), period, options)
    sys.stdout.write(work.comparison_text(found) + "\n")
    if json is not None:
        sys.stdout.write(f"{json}\n{work.save_comparison(found, json)}\n")


@app.command(epilog="Example: analysis compare 2026Q2 2026Q3 --project ../acme --json diff.json")
def compare(
    first: Annotated[str, typer.Argument(help="A period, or a folder with a run.json.")],
    second: Annotated[str, typer.Argument(help="Another; 2026Q3.failed is the failed run.")],
    project: ProjectOption = HERE,
    json: Annotated[Path | None, typer.Option(help="Write everything here too.")] = None,
) -> None:
    """Show what differs between two runs: numbers, findings, forecasts, settings, data, code."""
    from analysis.core.files import write_json
    from analysis.run.compare import compare as compare_runs
    from analysis.run.compare_text import comparison_text

    found = compare_runs(open_project(project), first, second)
    _say(comparison_text(found))
    if json is not None:
        write_json(json, found.record())


@app.command(epilog="Example: analysis pdf 2026Q3 --project ../acme --out acme-2026Q3.pdf")
def pdf(
    period: Annotated[str, typer.Argument(help="Of a published report.", show_default=False)],
    project: ProjectOption = HERE,
    out: Annotated[
        Path | None,
        typer.Option("--out", "--file", help="Where to; without it, report.pdf beside the page."),
    ] = None,
) -> None:
    """Write a published report as PDF; needs the extra analysis[pdf]."""
    from analysis.run.shelf import page_as_pdf, published_page

    opened = open_project(project)
    page = published_page(opened, period)
    _say(f"Laying out {page} as PDF; a long report takes up to a minute.")
    _say(str(page_as_pdf(opened, period, out)))


@app.command(epilog="Example: analysis dictionary --file docs/dictionary.md")
def dictionary(
    file: Annotated[
        Path | None, typer.Option(help="Write the page here; without it, it is printed.")
    ] = None,
) -> None:
    """Describe every table and column."""
    if file is None:
        sys.stdout.write(dictionary_markdown())
    else:
        write_text(file, dictionary_markdown())


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    epilog="Example: analysis lab --project ../acme",
)
def lab(
    context: typer.Context,
    project: ProjectOption = HERE,
    copy: Annotated[
        list[str] | None,
        typer.Option(help="Copy this shipped notebook into the project first. Repeatable."),
    ] = None,
) -> None:
    """Open JupyterLab on the project's notebooks; further arguments go to it."""
    from analysis.run.workspace import PROJECT_VARIABLE

    opened = open_project(project)
    for name in copy or ():
        _copy_notebook(opened, name)
    if find_spec("jupyterlab") is None:
        expected = "JupyterLab in this environment"
        mend = "python3 start.py lab, or install the extra: analysis[lab]"
        raise SettingsError(Problem("analysis lab", "JupyterLab is missing", expected, mend))
    own = opened.root / "notebooks"
    if not any(own.rglob("*.ipynb")):
        # The shipped folder is never opened: a change there would change every project.
        place = shlex.quote(str(opened.root))
        _say(f"No notebooks in {own} yet. A shipped one, as a copy of your own to change:")
        _say(f"  analysis lab --copy customers/growth --project {place}")
        _say(f"Shipped are {', '.join(_shipped_names())}.")
    # The notebooks say project = ".", whatever folder they lie in.
    environment = {PROJECT_VARIABLE: str(opened.root)}
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={opened.root}"]
    raise typer.Exit(_call([*command, *context.args], environment))


def _shipped_names() -> list[str]:
    folder = shipped_notebooks()
    paths = sorted(folder.rglob("*.ipynb"))
    return [path.relative_to(folder).with_suffix("").as_posix() for path in paths]


def _copy_notebook(project: Project, name: str) -> None:
    """Copy a shipped notebook into the project, which then runs the copy; never over another."""
    if name not in _shipped_names():
        expected = f"one of {', '.join(_shipped_names())}"
        problem = Problem(f"--copy {name}", "no shipped notebook", expected, "correct the name")
        raise SettingsError(problem)
    target = project.root / "notebooks" / f"{name}.ipynb"
    if target.exists():
        mend = "leave --copy out, or move that file away"
        raise SettingsError(Problem(str(target), "is already there", "a free name", mend))
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(shipped_notebooks() / f"{name}.ipynb", target)
    _say(f"Copied {name} to {target}; runs of this project now use it.")


def _say(text: str) -> None:
    new_console().print(text, markup=False, highlight=False, soft_wrap=True)


@app.command(epilog="Example: analysis init ../acme --preset plain --name Acme --currency GBP")
def init(
    folder: Annotated[Path, typer.Argument(help="New project folder.", show_default=False)],
    preset: Annotated[str, typer.Option(help="How the files are written: see docs.")] = "plain",
    name: Annotated[str, typer.Option(help="Of the company; shown on every page.")] = "",
    currency: Annotated[str, typer.Option(help="Three letters, such as EUR.")] = "",
) -> None:
    """Make a project folder for your own data."""
    from analysis.run.new_project import new_project

    new_project(folder, preset, name, currency)
    _say(f"Made {folder}. Put the files into {folder / 'data' / 'raw'}, then:")
    _say_next(folder)


def _say_next(folder: Path) -> None:
    place = shlex.quote(str(folder))  # to be pasted, blanks and all
    for command in ("load", "run quarterly"):
        _say(f"  analysis {command} --project {place}")


def _call(command: list[str], environment: dict[str, str]) -> int:
    try:
        return subprocess.call(command, env=os.environ | environment)
    except KeyboardInterrupt:  # Ctrl-C is how JupyterLab is ended
        return 0


def _stop_like_ctrl_c() -> None:
    """A scheduler ends us with SIGTERM; kernels must then be ended as on Ctrl-C."""

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    try:
        signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not in the main thread: a test
        return


if __name__ == "__main__":
    sys.exit(main())
