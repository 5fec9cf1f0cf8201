"""What a report is told in against: earlier reports, actions undertaken, signed comments.

Nothing of this reaches a number: analyses never see it. `run` reads it, the report shows it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from analysis.core.result import Result
from analysis.report.choices import Choices
from analysis.report.register_action import Action
from analysis.report.register_entries import Entry
from analysis.report.register_rules import RegisterRules


@dataclass(frozen=True)
class Basis:
    """What the numbers of a report rest on, as hashes: files, definitions, settings, code."""

    sources: Mapping[str, str] = field(default_factory=dict)  # raw file -> hash
    definitions: str = ""  # which kinds of line are revenue, when a year begins
    settings: str = ""  # everything else in project.toml that an analysis sees
    code: str = ""


@dataclass(frozen=True)
class Earlier:
    """A report that was published for an earlier period."""

    period: str
    results: Mapping[str, Result]  # by the Result's own name
    basis: Basis = field(default_factory=Basis)


@dataclass(frozen=True)
class Comment:
    """A signed remark of an analyst; a one-off is marked as such and stays in every total.

    `about` is a chapter (revenue), a headline number (revenue.return_share) or empty: the report.
    """

    about: str
    text: str
    signed_by: str
    signed_on: str
    amount: float | None = None
    is_one_off: bool = False


@dataclass(frozen=True)
class Past:
    """Earlier reports (the period before first, then a year ago), actions and comments.

    `actions` is the company's own table action_items; `register` is that of the last report
    published before, None where there is none; `entries` are what people said of its actions.
    `choices` is how the notebooks of this run showed their tables.
    """

    basis: Basis = field(default_factory=Basis)
    reports: tuple[Earlier, ...] = ()
    late: Mapping[str, float] = field(default_factory=dict)  # period -> revenue posted late
    actions: pd.DataFrame | None = None
    comments: tuple[Comment, ...] = ()
    register: tuple[Action, ...] | None = None
    entries: tuple[Entry, ...] = ()
    rules: RegisterRules | None = None
    choices: Choices = field(default_factory=dict)


NO_PAST = Past()
