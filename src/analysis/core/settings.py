"""project.toml, typed: what a company is, where its data come from, which notebooks run when.

Unknown keys are refused, each with the names that exist. Options of an analysis are kept as
written (`options."customers/growth"`); `run` checks them against the notebook's parameters and the
analysis' own dataclass before anything starts.
"""

import difflib
import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from babel import Locale, UnknownLocaleError
from babel.numbers import list_currencies
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
)

from analysis.core.periods import CADENCES, Cadence, FiscalCalendar
from analysis.core.problems import Problem, SettingsError
from analysis.core.settings_words import expected_words, found_words, mend_words
from analysis.core.tables_customers import LINE_KINDS

LineKind = Literal["sale", "return", "fee", "postage", "write_off", "bad_debt", "adjustment"]
Outcome = Literal["success", "failure", "breach"]

# Notebook -> notebooks whose Results it reads. The order is that of the report's chapters.
SHIPPED_NOTEBOOKS: dict[Cadence, dict[str, list[str]]] = {
    "daily": {
        "customers/pulse": [],
        "data_quality": [],
    },
    "biweekly": {
        "customers/pulse": [],
        "sales/funnel": [],
        "sales/throughput": [],
        "sales/pipeline_forecast": [],
        "sales/people": [],
        "sales/control_points": [],
        "sales/channels": [],
        "data_quality": [],
    },
    "quarterly": {
        "customers/revenue": [],
        "customers/growth": [],
        "customers/segmentation": ["customers/growth"],
        "customers/migration": ["customers/segmentation"],
        "customers/profitability": ["customers/segmentation"],
        "customers/service_levels": ["customers/segmentation"],
        "customers/key_customers": ["customers/growth"],
        "customers/contact_list": ["customers/growth"],
        "sales/funnel": [],
        "sales/throughput": [],
        "sales/pipeline_forecast": ["customers/growth"],
        "sales/people": ["strategy/improvements"],
        "sales/control_points": [],
        "sales/channels": [],
        "sales/roles": [],
        "strategy/market": [],
        "strategy/base_potential": ["customers/growth", "customers/segmentation"],
        "strategy/target_tree": [
            "customers/growth",
            "sales/funnel",
            "sales/pipeline_forecast",
            "sales/people",
            "strategy/market",
            "strategy/improvements",
        ],
        "strategy/improvements": [],
        "customers/scoreboard": [],
        "data_quality": [],
    },
    "annual": {
        "customers/revenue": [],
        "customers/growth": [],
        "customers/segmentation": ["customers/growth"],
        "customers/profitability": ["customers/segmentation"],
        "customers/key_customers": ["customers/growth"],
        "sales/roles": [],
        "strategy/market": [],
        "strategy/base_potential": ["customers/growth", "customers/segmentation"],
        "strategy/target_tree": ["customers/growth", "strategy/market", "strategy/improvements"],
        "strategy/improvements": [],
        "data_quality": [],
    },
}
# Shipped notebooks that an analyst opens by hand; no cadence runs them.
NOTEBOOKS_BY_HAND = ("customers/one_customer",)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _known_currency(text: str) -> str:
    if text not in list_currencies():
        raise ValueError("an ISO 4217 code such as EUR, GBP or USD")
    return text


class Company(_Section):
    """Name, money and years of the company."""

    name: str = "Our company"
    currency: str = "EUR"
    locale: str = "en_GB"
    fiscal_year_start_month: int = Field(1, ge=1, le=12)
    fiscal_year_named_by: Literal["start", "end"] = "end"
    biweekly_anchor_on: date = date(2024, 1, 1)

    @field_validator("currency")
    @classmethod
    def _is_currency(cls, text: str) -> str:
        return _known_currency(text)

    @field_validator("locale")
    @classmethod
    def _is_locale(cls, text: str) -> str:
        try:
            Locale.parse(text)
        except (ValueError, UnknownLocaleError):
            raise ValueError("a locale such as en_GB, de_DE or en_US") from None
        return text


class Source(_Section):
    """One system that data come from, and how its files are written."""

    preset: str = "plain"
    folder: str = "."  # below data/raw
    files: dict[str, list[str]] = {}  # table -> file patterns, instead of the preset's
    currency: str = ""  # of amounts without a currency column
    date_order: Literal["", "year_first", "day_first", "month_first"] = ""
    decimal: Literal["", ".", ","] = ""
    delimiter: str = ""
    encoding: str = ""
    remove_exact_duplicates: bool = False
    keep_isolated_days: bool = False  # lines years away from all others are typos unless set

    @field_validator("currency")
    @classmethod
    def _is_currency(cls, text: str) -> str:
        return _known_currency(text) if text else text


class Revenue(_Section):
    """Which kinds of invoice lines count as revenue."""

    kinds: tuple[LineKind, ...] = LINE_KINDS


class Targets(_Section):
    """What the company demands of itself; the table `targets` can say it too."""

    # Fiscal quarter -> revenue of the whole company, in its currency.
    quarter_revenue_amount: dict[
        Annotated[str, StringConstraints(pattern=r"^\d{4}Q[1-4]$")],
        Annotated[Decimal, Field(ge=0, decimal_places=2, allow_inf_nan=False)],
    ] = {}


class Runs(_Section):
    """How the runner works."""

    jobs: int = Field(2, ge=1, le=64)
    cell_timeout_seconds: int = Field(600, ge=1)
    run_timeout_seconds: int = Field(3600, ge=1)
    secret_variables: tuple[str, ...] = ()  # environment variables that no notebook may see
    forked_kernels: bool = True  # on Linux; else, and elsewhere, each notebook starts a Python
    due_attempts: int = Field(3, ge=1)  # of `analysis due`, for one period
    catch_up_periods: int = Field(40, ge=1)  # of one cadence, after an outage
    # What is kept beside everything that a published run or the current pointer names.
    keep_snapshots: int = Field(3, ge=0)
    keep_features: int = Field(3, ge=0)
    keep_failed_days: int = Field(90, ge=0)
    keep_history: int = Field(1000, ge=1)


class Quality(_Section):
    """How far data may differ from those of the last published run before nothing is published."""

    is_checked: bool = True
    checked_from_rows: int = Field(20, ge=0)  # smaller tables may change as they like
    rows_fewer_share: float = Field(0.05, ge=0, le=1)  # of one table
    rows_more_share: float = Field(1.0, ge=0)
    rejected_more_share: float = Field(0.01, ge=0, le=1)  # of all rows read
    money_fewer_share: float = Field(0.02, ge=0)  # of the money of all lines kept
    money_more_share: float = Field(1.0, ge=0)
    reported_revenue_share: float = Field(0.05, ge=0)  # of a quarter that was reported before
    missing_columns: int = Field(0, ge=0)  # of one table
    days_back: int = Field(0, ge=0)  # that the data may end earlier than they did
    lag_days: int = Field(14, ge=0)  # that a table may fall back further behind the invoices
    age_days: int = Field(0, ge=0)  # since the last line, at the run; 0: not checked


class Notice(_Section):
    """Who is told of a run; the address is a secret, so only its variable's name stands here."""

    url_variable: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    on: tuple[Outcome, ...] = ("success", "failure", "breach")


class Reports(_Section):
    """What is published beside the pages."""

    pdf: bool = False  # report.pdf beside index.html; needs the extra analysis[pdf]


class Actions(_Section):
    """Who owns an action of the register, and when it is due, where nobody has said."""

    owners: dict[str, str] = {  # room or notebook -> role; added to these
        "customers": "head of sales",
        "sales": "sales director",
        "strategy": "managing director",
        "data_quality": "data owner",
        "other": "managing director",
    }
    due_days: dict[Cadence, Annotated[int, Field(ge=0)]] = {  # after the period's last day
        "daily": 7,
        "biweekly": 14,
        "quarterly": 45,
        "annual": 90,
    }
    better: dict[str, Literal["up", "down"]] = {}  # number of a finding -> which way is better


class Privacy(_Section):
    """How much reports tell of people."""

    pseudonymise: bool = False  # personal columns hold pseudonyms, in everything a notebook sees
    columns: tuple[str, ...] = ()  # further columns to replace, such as ids that are names


class CadencePlan(_Section):
    """What one cadence runs; added to the shipped notebooks, `false` leaves one out."""

    is_scheduled: bool = True  # `analysis due` runs it
    grace_days: int = Field(0, ge=0)  # `analysis due` waits so long after the period's end
    report: str = ""
    notebooks: dict[str, list[str] | Literal[False]] = {}


class Settings(_Section):
    """The whole of project.toml."""

    company: Company = Company()
    sources: dict[str, Source] = {}
    revenue: Revenue = Revenue()
    targets: Targets = Targets()
    runs: Runs = Runs()
    reports: Reports = Reports()
    privacy: Privacy = Privacy()
    actions: Actions = Actions()
    quality: Quality = Quality()
    notify: dict[str, Notice] = {}
    cadences: dict[Cadence, CadencePlan] = {}
    options: dict[str, dict[str, Any]] = {}

    @property
    def calendar(self) -> FiscalCalendar:
        company = self.company
        return FiscalCalendar(
            company.fiscal_year_start_month,
            company.fiscal_year_named_by,
            company.biweekly_anchor_on,
        )

    @property
    def secret_variables(self) -> tuple[str, ...]:
        """The environment variables that no notebook may see."""
        return (*self.runs.secret_variables, *(n.url_variable for n in self.notify.values()))

    def cadence(self, cadence: Cadence) -> CadencePlan:
        """Return what project.toml says of a cadence, or the defaults."""
        return self.cadences.get(cadence, CadencePlan())

    def notebooks(self, cadence: Cadence) -> dict[str, list[str]]:
        """Return the notebooks of a cadence and what each needs, shipped ones first.

        A shipped notebook that needs one which the project leaves out is left out with it, unless
        the project names it itself.
        """
        own = self.cadence(cadence).notebooks
        merged = SHIPPED_NOTEBOOKS[cadence] | own
        out = {name for name, needs in merged.items() if needs is False}
        kept = {name: list(needs) for name, needs in merged.items() if needs is not False}
        while stranded := {n for n, needs in kept.items() if n not in own and out & set(needs)}:
            out |= stranded
            kept = {name: needs for name, needs in kept.items() if name not in stranded}
        return kept

    def report(self, cadence: Cadence) -> str:
        """Return the name of the notebook that tells the cadence's story."""
        return self.cadence(cadence).report or f"reports/{cadence}"


def read_settings(path: Path) -> Settings:
    """Read project.toml; raise SettingsError with every problem in it."""
    try:
        return Settings.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except FileNotFoundError:
        raise SettingsError(
            Problem(
                str(path),
                "no such file",
                "a project folder with a project.toml",
                "run `analysis init DIR --preset NAME`, or name the folder with --project",
            )
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problem = Problem(str(path), str(error), "TOML text in UTF-8", "mend the line named")
        raise SettingsError(problem) from None
    except ValidationError as error:
        raise SettingsError([_problem(path, e) for e in error.errors()]) from None


def _problem(path: Path, error: Any) -> Problem:
    keys = [str(part) for part in error["loc"]]
    where = f"{path.name}, {'.'.join(keys)}"
    if error["type"] != "extra_forbidden":
        return Problem(where, found_words(error), expected_words(error), mend_words(error))
    names = _names_beside(keys)
    near = difflib.get_close_matches(keys[-1], names, 1)
    mend = f"write {near[0]}" if near else "remove it or correct its name"
    return Problem(where, "an unknown setting", f"one of {', '.join(names)}", mend)


def _names_beside(keys: list[str]) -> list[str]:
    sections: dict[str, type[BaseModel]] = {
        "company": Company,
        "sources": Source,
        "revenue": Revenue,
        "targets": Targets,
        "runs": Runs,
        "reports": Reports,
        "privacy": Privacy,
        "actions": Actions,
        "quality": Quality,
        "notify": Notice,
        "cadences": CadencePlan,
    }
    section = Settings if len(keys) == 1 else sections.get(keys[0], Settings)
    return list(section.model_fields) if keys[:1] != ["cadences"] or len(keys) > 2 else [*CADENCES]
