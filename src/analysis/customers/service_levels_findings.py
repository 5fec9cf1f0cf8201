"""The service catalogue of each class, and the sentences about it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.result import Finding
from analysis.core.scope import Scope
from analysis.customers.service_levels_options import ServiceLevelOptions

_MOST_SHARE = 0.9  # of all services, from which a number tells classes no longer apart
_MOST_NAMED = 4  # services in a cell
_LEARNED_ENDING = " and alike"  # of categories that were learned from who buys what
_LEAST_LACKING = 0.05  # of a class, for a service to be offered first
_NO_CONTACTS = (
    "How many contacts a customer gets is not known: no activity with a customer is loaded for "
    "the last four quarters."
)


@dataclass(frozen=True)
class Levels:
    """What was found of services and contacts."""

    levels: pd.DataFrame
    services: pd.DataFrame
    contacts: pd.DataFrame | None
    tenure_days: int
    options: ServiceLevelOptions

    @property
    def unit_words(self) -> str:
        """What a service is called."""
        return "product categories" if self.options.unit == "category" else "services"

    @property
    def catalogue(self) -> pd.DataFrame:
        """Return one row per class: services now, the number that suits, which, and contacts."""
        table = self.levels.assign(
            which_services=[self._listed(name) for name in self.levels["prospect_class"]],
            offer_first=[self._offered(name) for name in self.levels["prospect_class"]],
        )
        if self.contacts is None:
            table = table.assign(contacts_now=np.nan, contacts_aim=np.nan)
        else:
            names = ["prospect_class", "contacts_now", "contacts_aim"]
            table = table.merge(self.contacts[names], on="prospect_class", how="left")
        return table[_CATALOGUE]

    def _offered(self, name: str) -> str | None:
        service = offer_first(self.services, name)
        return service if service is None else _plain(service)

    @property
    def is_saturated(self) -> bool:
        """Whether like customers of every class have nearly all services there are."""
        least = _MOST_SHARE * self.services["service"].nunique()
        return bool((self.levels["target_services_count"] >= least).all())

    def _listed(self, name: str) -> str:
        """Name the catalogue; of many the first ones, and of all just that."""
        rows = self.services[self.services["prospect_class"] == name]
        names = list(rows.loc[rows["is_in_catalogue"], "service"])
        if len(names) == len(rows) > _MOST_NAMED:
            return f"all {len(names)}"
        rest = len(names) - _MOST_NAMED
        listed = ", ".join(map(_plain, names[:_MOST_NAMED]))
        return f"{listed} and {rest} more" if rest > 0 else listed


_CATALOGUE = [
    "prospect_class",
    "services_now",
    "target_services_count",
    "target_services_low_count",
    "target_services_high_count",
    "which_services",
    "offer_first",
    "contacts_now",
    "contacts_aim",
]


def offer_first(services: pd.DataFrame, name: str) -> str | None:
    """Return the catalogue's service that most of the class lack; None where few lack any."""
    rows = services[(services["prospect_class"] == name) & services["is_in_catalogue"]]
    rows = rows[1 - rows["now_share"] >= _LEAST_LACKING]
    if rows.empty:
        return None
    ordered = rows.sort_values(["lacking_count", "service"], ascending=[False, True])
    return str(ordered["service"].iloc[0])


def _plain(name: str) -> str:
    return name.removesuffix(_LEARNED_ENDING)


def findings(made: Levels, scope: Scope) -> tuple[Finding, ...]:
    """Return what stands out of services and contacts."""
    sentences = [
        _level_finding(made, scope),
        _saturated_finding(made, scope),
        _offer_finding(made, scope),
        _tenure_finding(made, scope),
        _contact_finding(made, scope),
    ]
    return tuple(finding for finding in sentences if finding is not None)


def caveats(made: Levels, scope: Scope) -> tuple[str, ...]:
    """Return the limits, in plain words."""
    months = round(made.tenure_days / 30.4)
    texts = [
        f"Peers are those who stayed {months} months and more; what they bought was not because "
        "of the number of services alone. The number is a yardstick, not an effect.",
        "Which class a customer is in depends on his revenue, and so on what he buys.",
    ]
    if made.services["service"].str.endswith(_LEARNED_ENDING).any():
        texts.append(
            "The source names no categories: they are learned from who buys what, and each bears "
            "the name of its most sold product."
        )
    borrowed = made.levels[made.levels["peers_from"] != made.levels["prospect_class"]]
    if len(borrowed):
        names = " and ".join(f"'{name}'" for name in borrowed["prospect_class"])
        texts.append(f"Too few such peers: {names} borrow those of the next better class.")
    if made.tenure_days < made.options.fewest_tenure_days:
        texts.append("The data are young: peers have had half of the time that is asked for.")
    if made.contacts is not None:
        texts.append("Contacts are those logged with a customer; what nobody logged is missing.")
        texts.append(
            "More contacts where customers grew may follow from the orders: only a trial tells."
        )
    return tuple(texts)


def _level_finding(made: Levels, scope: Scope) -> Finding:
    """Speak of the best class; the other classes stand in the detail."""
    rows = made.levels.to_dict("records")
    first = rows[0]
    rest = "; ".join(
        f"'{row['prospect_class']}' {_level_words(row, scope)}" for row in rows if row is not first
    )
    share = scope.display.share(made.options.quantile_share, 0)
    return Finding(
        f"'{first['prospect_class']}' customers use {scope.display.number(first['services_now'])} "
        f"of {made.services['service'].nunique()} {made.unit_words}; {_suits(first)} would suit.",
        f"The number that suits is what {share} of like customers of {_months(made)} months and "
        f"more do not exceed (80 % range). {rest[:1].upper()}{rest[1:]}.".replace(" .", ""),
        metric="services_target",
        value=float(first["target_services_count"]),
        low=float(first["target_services_low_count"]),
        high=float(first["target_services_high_count"]),
    )


def _saturated_finding(made: Levels, scope: Scope) -> Finding | None:
    """Say when a number of services tells nothing, because everybody in time has nearly all."""
    if not made.is_saturated:
        return None
    return Finding(
        "The number of services tells classes apart no longer: in time nearly all are bought.",
        f"At least {scope.display.share(_MOST_SHARE, 0)} of the {made.unit_words} in every class. "
        "Look at which are lacking, or count finer services.",
    )


def _level_words(row: dict, scope: Scope) -> str:
    return f"{scope.display.number(row['services_now'])} now, {_suits(row)} would suit"


def _suits(row: dict) -> str:
    low, high = row["target_services_low_count"], row["target_services_high_count"]
    return f"{row['target_services_count']}{f' ({low} to {high})' if low != high else ''}"


def _months(made: Levels) -> int:
    return round(made.tenure_days / 30.4)


def _offer_finding(made: Levels, scope: Scope) -> Finding | None:
    texts = []
    for name in made.levels["prospect_class"]:
        service = offer_first(made.services, name)
        if service is None:
            continue
        rows = made.services[made.services["prospect_class"] == name].set_index("service")
        row = rows.loc[service]
        texts.append(
            f"'{name}' {_plain(service)} ({scope.display.count(row['lacking_count'])} lack it, "
            f"{scope.display.share(row['peers_share'], 0)} of peers have it)"
        )
    if not texts:
        return None
    return Finding(f"Offer first: {texts[0]}.", "; ".join(texts[1:]) + "." if texts[1:] else "")


def _tenure_finding(made: Levels, scope: Scope) -> Finding | None:
    """Say where customers who are too new would have pulled the number down."""
    lower = made.levels[made.levels["target_of_all_count"] < made.levels["target_services_count"]]
    if lower.empty:
        return None
    names = ", ".join(
        f"'{row.prospect_class}' {row.target_of_all_count} for {row.target_services_count}"
        for row in lower.itertuples()
    )
    return Finding(
        f"With customers who are still new, the number would be too low: {names}.",
        f"They have not had {_months(made)} months to buy in.",
    )


def _contact_finding(made: Levels, scope: Scope) -> Finding:
    if made.contacts is None:
        return Finding(_NO_CONTACTS)
    number = scope.display.number
    rows = made.contacts.to_dict("records")
    texts = [
        f"'{row['prospect_class']}' {number(row['contacts_now'], 2)} "
        f"({number(row['contacts_now_low'], 2)} to {number(row['contacts_now_high'], 2)})"
        for row in rows
    ]
    clear = [row for row in rows if row["contacts_aim"] > row["contacts_now"]]
    compared = [row for row in rows if not np.isnan(row["difference_low"])]
    if clear:
        names = ", ".join(
            f"'{row['prospect_class']}' {number(row['contacts_of_stayers'], 2)} against "
            f"{number(row['contacts_of_others'], 2)}"
            for row in clear
        )
        end = f"Those who stayed or grew had had more: {names}. That is no proof of an effect."
    elif compared:
        end = "Those who stayed or grew had not clearly had more before: cannot be told apart."
    else:
        end = "Too few customers to compare those who stayed with the others."
    return Finding(
        f"Logged contacts per customer and quarter: {texts[0]}.",
        f"{'; '.join(texts[1:])}{'. ' if texts[1:] else ''}{end}",
        metric="contacts",
        value=float(rows[0]["contacts_now"]),
        low=float(rows[0]["contacts_now_low"]),
        high=float(rows[0]["contacts_now_high"]),
    )
