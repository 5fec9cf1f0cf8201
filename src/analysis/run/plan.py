"""What a run will do, checked as a whole before anything starts.

Every problem of the plan is found at once: notebooks that are missing or have no parameters, needs
that nothing fills, circles, two Results in one folder, options that no notebook knows. Only then
are data loaded and notebooks run.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from analysis.core.periods import CADENCES, Cadence, FiscalCalendar, Period, known_to
from analysis.core.problems import AnalysisError, Problem, SettingsError, raise_all
from analysis.core.project import Project
from analysis.run.parameters import check_options, read_parameters

# Folders of a run that are not Results.
NOTEBOOKS_FOLDER = "notebooks"
_RESERVED = (NOTEBOOKS_FOLDER, "pages")


@dataclass(frozen=True)
class Step:
    """One notebook of a run: its file, the notebooks whose Results it reads, its options."""

    name: str
    path: Path
    needs: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """The name of the folder of its Result."""
        return stem_of(self.name)


@dataclass(frozen=True)
class Plan:
    """The notebooks of a run in the order of the chapters; the report, if any, comes last."""

    cadence: Cadence
    report: str
    steps: tuple[Step, ...]
    chosen: tuple[str, ...] = ()  # with --only: the notebooks that were named

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(step.name for step in self.steps)

    def step(self, name: str) -> Step:
        """Return the step of this name; KeyError when the plan has none."""
        return {step.name: step for step in self.steps}[name]


def stem_of(name: str) -> str:
    """Return the last part of a notebook's name: growth for customers/growth."""
    return name.rsplit("/", 1)[-1]


def make_plan(project: Project, cadence: str, only: Sequence[str] = ()) -> Plan:
    """Return the checked plan of a cadence; SettingsError with everything that is wrong.

    With `only`, the plan holds the notebooks named and those that they need.
    """
    checked = check_cadence(cadence)
    settings = project.settings
    needs = settings.notebooks(checked)
    report = settings.report(checked)
    if not needs:
        raise SettingsError(_nothing_to_run(cadence))
    problems = _needs_problems(needs) + _stem_problems([*needs, report])
    problems += _option_name_problems(project)
    everything = needs | {report: list(needs)}
    chosen = _chosen(only, everything, problems)
    wanted = _with_needs(chosen, everything) if chosen else set(everything)
    steps = _steps(project, {n: v for n, v in everything.items() if n in wanted}, problems)
    problems += _other_option_problems(project, [step.name for step in steps])
    raise_all(problems, SettingsError)
    return Plan(checked, report, steps, chosen)


def check_cadence(cadence: str) -> Cadence:
    """Return the cadence when there is one of this name; SettingsError otherwise."""
    for known in CADENCES:
        if cadence == known:
            return known
    problem = Problem("cadence", repr(cadence), f"one of {', '.join(CADENCES)}", "correct the name")
    raise SettingsError(problem)


def choose_period(
    calendar: FiscalCalendar, cadence: Cadence, text: str, first: date | None, last: date | None
) -> Period:
    """Return the period that `text` names, or the last complete one when it is empty.

    `first` and `last` are the first and last day of the data. SettingsError when the period lies
    before or after them, or when the data hold no complete period.
    """
    if first is None or last is None:
        where = "data"
        mend = "put files into data/raw and run `analysis load`"
        raise SettingsError(Problem(where, "no dated line", "invoice lines with a day", mend))
    if not text:
        return _last_complete(calendar, cadence, first, last)
    period = calendar.parse(text, cadence)
    if period.starts_on > last or period.last_day < first:
        raise SettingsError(_outside(period, calendar, first, last))
    return period


def period_notes(period: Period, last: date) -> tuple[str, ...]:
    """Return what a reader must know of the period: that it is not over in the data."""
    if known_to(period.cadence, last) >= period.last_day:
        return ()
    return (f"{period} is not complete: the data end on {last}, the period on {period.last_day}",)


def _last_complete(calendar: FiscalCalendar, cadence: Cadence, first: date, last: date) -> Period:
    period = calendar.last_complete(known_to(cadence, last), cadence)
    if period.last_day < first:
        raise SettingsError(
            Problem(
                "period",
                f"data from {first} to {last} hold no complete {cadence} period",
                "at least one that has ended",
                f"name an incomplete one: --period {calendar.containing(last, cadence)}",
            )
        )
    return period


def _outside(period: Period, calendar: FiscalCalendar, first: date, last: date) -> Problem:
    side = "after the last day" if period.starts_on > last else "before the first day"
    choices = [calendar.containing(day, period.cadence).name for day in (first, last)]
    return Problem(
        f"period {period}",
        f"{period.starts_on} to {period.last_day}, {side} of the data",
        f"a period with data, {choices[0]} to {choices[1]}: the data run from {first} to {last}",
        "name such a period, or add the missing files to data/raw",
    )


def _nothing_to_run(cadence: str) -> Problem:
    return Problem(
        f"cadence {cadence}",
        "no notebooks",
        "at least one notebook",
        f'name them in project.toml: [cadences.{cadence}.notebooks] "my_notebook" = []',
    )


def _needs_problems(needs: Mapping[str, Sequence[str]]) -> list[Problem]:
    problems = []
    for name, needed in needs.items():
        for missing in [other for other in needed if other not in needs]:
            near = difflib.get_close_matches(missing, needs, 1)
            problems.append(
                Problem(
                    f"notebook {name}",
                    f"needs {missing}, which this cadence does not run",
                    f"some of {', '.join(needs)}",
                    f"write {near[0]}" if near else f"add {missing} to the cadence's notebooks",
                )
            )
    circle = _circle(needs)
    if circle:
        text = " needs ".join(circle)
        mend = "take one of these needs out of project.toml"
        problems.append(Problem("notebooks", text, "needs without a circle", mend))
    return problems


def _circle(needs: Mapping[str, Sequence[str]]) -> list[str]:
    """Return notebooks that need each other in a circle, first one repeated; empty if none do."""
    free = dict(needs)
    while True:
        done = [name for name, needed in free.items() if not set(needed) & set(free)]
        if not done:
            break
        for name in done:
            del free[name]
    if not free:
        return []
    path = [next(iter(free))]
    while path.count(path[-1]) < 2:
        path.append(next(other for other in free[path[-1]] if other in free))
    return path[path.index(path[-1]) :]


def _stem_problems(names: Iterable[str]) -> list[Problem]:
    problems = []
    seen: dict[str, str] = dict.fromkeys(_RESERVED, "the runner")
    for name in names:
        stem = stem_of(name)
        if stem in seen:
            found = f"its Result's folder {stem} is already that of {seen[stem]}"
            mend = "give one of the notebooks another name"
            problems.append(Problem(f"notebook {name}", found, "a last part of its own", mend))
        seen[stem] = name
    return problems


def _option_name_problems(project: Project) -> list[Problem]:
    settings = project.settings
    known = {name for cadence in CADENCES for name in settings.notebooks(cadence)}
    known |= {settings.report(cadence) for cadence in CADENCES}
    problems = []
    for name in [name for name in settings.options if name not in known]:
        near = difflib.get_close_matches(name, known, 1)
        problems.append(
            Problem(
                f'project.toml, options."{name}"',
                "a notebook that no cadence runs",
                f"one of {', '.join(sorted(known))}",
                f"write {near[0]}" if near else "remove it or correct its name",
            )
        )
    return problems


def _other_option_problems(project: Project, checked: Sequence[str]) -> list[Problem]:
    """Check the options of notebooks that this run leaves out: they would be found out later."""
    problems: list[Problem] = []
    settings = project.settings
    known = {name for cadence in CADENCES for name in settings.notebooks(cadence)}
    known |= {settings.report(cadence) for cadence in CADENCES}
    for name, options in settings.options.items():
        if name in known and name not in checked:
            with suppress(AnalysisError):  # a notebook that is broken is told by its own run
                parameters = read_parameters(project.notebook(name), name)
                problems += check_options(name, parameters, options)
    return problems


def _chosen(
    only: Sequence[str], everything: Mapping[str, Any], problems: list[Problem]
) -> tuple[str, ...]:
    """Return the full names of `only`, whose last part is enough."""
    by_word = {stem_of(name): name for name in everything} | {name: name for name in everything}
    for word in [word for word in only if word not in by_word]:
        near = difflib.get_close_matches(word, by_word, 1)
        problems.append(
            Problem(
                f"--only {word}",
                "no notebook of this cadence",
                f"one of {', '.join(everything)}",
                f"write {near[0]}" if near else "correct the name",
            )
        )
    return tuple(dict.fromkeys(by_word[word] for word in only if word in by_word))


def _with_needs(chosen: Iterable[str], needs: Mapping[str, Sequence[str]]) -> set[str]:
    wanted: set[str] = set()
    waiting = list(chosen)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += [other for other in needs[name] if other in needs]
    return wanted


def _steps(
    project: Project, needs: Mapping[str, Sequence[str]], problems: list[Problem]
) -> tuple[Step, ...]:
    steps = []
    for name, needed in needs.items():
        try:
            options = project.settings.options.get(name, {})
            path = project.notebook(name)
            parameters = read_parameters(path, name)
            problems += check_options(name, parameters, options)
            steps.append(Step(name, path, tuple(needed), options))
        except AnalysisError as error:
            problems += error.problems
    return tuple(steps)
