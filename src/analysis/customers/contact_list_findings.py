"""The sentences of the list; none says more than the draw allows."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from analysis.core.result import Decision, Finding
from analysis.core.scope import Scope
from analysis.customers.contact_list_choice import ASKED, HELD_BEFORE, LARGEST, OPEN_DEAL
from analysis.customers.contact_list_draw import block_sizes
from analysis.customers.contact_list_frozen import ANYWAY, HELD_OUT, TO_CONTACT, Lists
from analysis.customers.contact_list_grades import (
    CANNOT,
    LESS,
    MORE,
    NO_CONTROL,
    REHEARSAL,
    TOGETHER,
)
from analysis.customers.contact_list_options import ContactListOptions
from analysis.customers.contact_list_power import Power

_OWNER = "sales director"
LARGEST_WORDS = "of the largest, who are never left alone"
_START_DAYS = 14  # after the quarter's end, by when contacting is to begin
_ALIKE = 0.1  # difference of the shares contacted, below which nothing was tried


@dataclass(frozen=True)
class Told:
    """What the sentences are about."""

    lists: Lists
    powers: list[Power]
    grades: pd.DataFrame
    left_out_count: int
    has_gaps: bool

    @property
    def now(self) -> pd.DataFrame:
        """This quarter's list."""
        return self.lists.now

    def count(self, group: str) -> int:
        """Return how many customers of the list are in a group."""
        return int((self.now["group"] == group).sum())

    def sum_of(self, group: str, column: str) -> float:
        """Return the sum of a column over a group."""
        return float(self.now.loc[self.now["group"] == group, column].sum())

    @property
    def contact_count(self) -> int:
        """Customers to contact because they were drawn."""
        return self.count(TO_CONTACT)

    @property
    def held_count(self) -> int:
        """Customers to leave alone."""
        return self.count(HELD_OUT)

    @property
    def is_too_coarse(self) -> bool:
        """Whether nobody is held out because only a lift beyond hope could be told."""
        share = float(self.now["hold_out_share"].iloc[0])
        return not self.held_count and len(block_sizes(self.contact_count, share)[0]) > 0

    @property
    def gain(self) -> float:
        """Assumed gain of contacting those who were drawn for it."""
        return round(self.sum_of(TO_CONTACT, "expected_gain_amount"), 2)

    @property
    def gain_share(self) -> float:
        """The same as a share of what is forecast of them; NaN without a forecast."""
        forecast = self.sum_of(TO_CONTACT, "forecast_amount")
        return self.gain / forecast if forecast > 0 else float("nan")

    @property
    def least_lift(self) -> float:
        """The least lift that the list can tell; NaN where unknown."""
        return self.powers[0].least_lift

    @property
    def latest(self) -> pd.Series:
        """The grade of the latest list."""
        return self.grades[self.grades["list"] != TOGETHER].iloc[-1]

    @property
    def has_lift(self) -> bool:
        """Whether any list that was acted on has been compared."""
        is_real = ~self.grades["verdict"].isin([REHEARSAL, NO_CONTROL])
        return bool(is_real.any())

    @property
    def is_graded(self) -> bool:
        """Whether the latest list that is over was acted on and compared."""
        return len(self.grades) > 0 and self.latest["verdict"] in (MORE, LESS, CANNOT)


def findings(told: Told, scope: Scope, options: ContactListOptions) -> tuple[Finding, ...]:
    """Return what is to be done, what the list can tell, and what earlier lists brought."""
    list_of_now = [_list(told, scope, options), _power(told, scope, options)]
    earlier = [*_grades(told, scope), _compliance(told, scope)]
    # What chance alone showed is no news.
    found = [*earlier, *list_of_now] if told.has_lift else [*list_of_now, *earlier]
    return tuple(finding for finding in found if finding is not None)


def _list(told: Told, scope: Scope, options: ContactListOptions) -> Finding:
    count, amount = scope.display.count, scope.display.amount
    until = scope.display.day(scope.next_period.last_day)
    detail = f"Expected gain {amount(told.gain)}{_of_forecast(told, scope)}: an assumption."
    if not told.contact_count:
        return _no_list(told, scope)
    anyway = _anyway(told, scope)
    if told.lists.now["is_provisional"].iloc[0]:
        detail += " The data end within the quarter: the list is drawn again when it is whole."
    if not told.held_count:
        return Finding(
            f"{_customers(told.contact_count, scope)} to contact until {until}, with nobody held "
            "out to compare with.",
            f"{detail}{anyway} {_untold(told, options, scope)}",
            metric="expected_gain",
            value=told.gain,
        )
    cost = amount(told.sum_of(HELD_OUT, "expected_gain_amount"))
    return Finding(
        f"{_customers(told.contact_count, scope)} to contact until {until}, and "
        f"{count(told.held_count)} like them to leave alone, drawn by lot.",
        f"{detail} Leaving some alone gives up about {cost} of it once; it is the price of knowing "
        f"whether contacting works.{anyway}",
        metric="expected_gain",
        value=told.gain,
    )


def _no_list(told: Told, scope: Scope) -> Finding:
    """Say that nobody is left to draw for, and why."""
    rows = told.now[told.now["group"] == ANYWAY]
    count, others = _customers(len(rows), scope), len(rows) > 1
    if (rows["why"] == OPEN_DEAL).all():
        text = f"{'All ' if others else ''}{count} {'have' if others else 'has'} an open deal"
        return Finding(f"{text}: no list this quarter.")
    verb = "are" if others else "is"
    return Finding(f"{count} {verb} contacted anyway: no list this quarter.", _anyway(told, scope))


def _untold(told: Told, options: ContactListOptions, scope: Scope) -> str:
    if told.is_too_coarse:
        share = scope.display.share(options.most_least_lift_share, 0)
        return (
            f"So few customers could tell a lift only above {share} from chance, so leaving some "
            "alone would teach nothing."
        )
    return (
        "Whether contacting helps cannot be told next quarter: nobody knows what they would have "
        "bought anyway."
    )


def _customers(count: int, scope: Scope) -> str:
    return "1 customer" if count == 1 else f"{scope.display.count(count)} customers"


def _of_forecast(told: Told, scope: Scope) -> str:
    share = told.gain_share
    if np.isnan(share):
        return ""
    return f", {scope.display.share(share)} of what is forecast of them"


def _anyway(told: Told, scope: Scope) -> str:
    rows = told.now[told.now["group"] == ANYWAY]
    if rows.empty:
        return ""
    words = {OPEN_DEAL: "with an open deal", LARGEST: LARGEST_WORDS, HELD_BEFORE: HELD_BEFORE}
    kinds = [words.get(why, ASKED) for why in rows["why"].astype("str")]
    counts = pd.Series(kinds).value_counts(sort=False)
    text = ", ".join(f"{scope.display.count(n)} {kind}" for kind, n in sorted(counts.items()))
    return f" Others with as much to gain are contacted anyway and not compared: {text}."


def _power(told: Told, scope: Scope, options: ContactListOptions) -> Finding | None:
    if not told.held_count:
        return None
    power = told.powers[0]
    if np.isnan(power.needed_count):
        return Finding(
            "What this list can tell is not known: no earlier quarter shows how far such "
            "customers differ by chance."
        )
    share, count = scope.display.share, scope.display.count
    listed = told.contact_count + told.held_count
    lists = int(np.ceil(power.needed_count / listed))
    need = (
        f"A lift of {share(options.lift_share, 0)} takes about {count(power.needed_count)} such "
        f"customers, {'one list' if lists == 1 else f'{count(lists)} such lists together'}."
    )
    if np.isnan(power.least_lift):
        text = "This list is too small to tell any lift that could be hoped for from chance."
    else:
        text = (
            f"This list cannot tell a lift of less than {share(power.least_lift, 0)} of revenue "
            "from chance."
        )
    return Finding(
        text,
        f"A lift as large is told four times in five, with a false alarm in at most one of twenty."
        f"{_beside_gain(told, scope)} {need}{_half(told, scope)}",
        metric="least_lift_share",
        value=None if np.isnan(power.least_lift) else power.least_lift,
    )


def _beside_gain(told: Told, scope: Scope) -> str:
    gain, least = told.gain_share, told.least_lift
    if np.isnan(gain) or np.isnan(least):
        return ""
    if gain >= least:
        return f" The expected {scope.display.share(gain, 0)} would show."
    share = scope.display.share(gain, 0)
    return f" The expected {share} will most likely not show in one quarter."


def _half(told: Told, scope: Scope) -> str:
    if len(told.powers) < 2 or np.isnan(told.powers[1].least_lift):
        return ""
    return f" With half held out it would be {scope.display.share(told.powers[1].least_lift, 0)}."


def _grades(told: Told, scope: Scope) -> list[Finding | None]:
    if told.grades.empty:
        return []
    row = told.latest
    found = [_grade(row, scope)]
    together = told.grades[told.grades["list"] == TOGETHER]
    if len(together):
        found.append(_grade(together.iloc[0], scope))
    return found


def _grade(row: pd.Series, scope: Scope) -> Finding:
    name = "All lists together" if row["list"] == TOGETHER else f"The list of {row['list']}"
    if row["verdict"] == NO_CONTROL:
        return Finding(f"{name} held nobody out, so nobody can say what it brought.")
    ranges = _ranges(row, scope)
    if row["verdict"] == REHEARSAL:
        return Finding(
            f"{name} was drawn when its quarter was over: a rehearsal that shows chance alone.",
            f"Nobody can have acted on it. {ranges}",
        )
    money, has_size = _money(row, scope), not pd.isna(row["gain_amount"])
    who = f"{scope.display.count(row['contact_count'])} contacted"
    beside = f"{scope.display.count(row['held_out_count'])} held out"
    if row["verdict"] == CANNOT:
        return Finding(
            f"{name}: cannot conclude whether contacting brought anything.",
            f"{who}, {beside}. {ranges}" + (f" In money: {money}." if has_size else ""),
            metric=_metric(row),
            value=_value(row["gain_amount"]),
            low=_value(row["gain_low_amount"]),
            high=_value(row["gain_high_amount"]),
        )
    verb = "brought" if row["verdict"] == MORE else "cost"
    cost = f" Contacting {verb} {money} in {row['quarter']}." if has_size else ""
    return Finding(
        f"{name}: {_told(row, scope)}.",
        f"{who}, {beside}. {ranges}{cost}",
        metric=_metric(row),
        value=_value(row["gain_amount"]),
        low=_value(row["gain_low_amount"]),
        high=_value(row["gain_high_amount"]),
        rank=abs(float(row["gain_amount"])) if has_size else 0.0,
    )


def _told(row: pd.Series, scope: Scope) -> str:
    """Say more or less by the verdict, and how much where the lift is a number."""
    is_more = row["verdict"] == MORE
    if pd.isna(row["lift_share"]):
        empty, other = ("held out", "contacted") if is_more else ("contacted", "held out")
        return f"those {empty} brought nothing that counts, those {other} did; the lift has no size"
    share = scope.display.share(abs(row["lift_share"]), 0)
    sign = "more" if is_more else "less"
    return f"those contacted brought {share} {sign} than their like who were left alone"


def _money(row: pd.Series, scope: Scope) -> str:
    """Gain with its range; what is told to be a loss as what it cost."""
    sign = -1 if row["verdict"] == LESS else 1
    ends = [sign * row[name] for name in ("gain_low_amount", "gain_high_amount")][::sign]
    amount, words = scope.display.amount, ("no lower end", "no upper end")
    low, high = (w if pd.isna(v) else amount(v) for v, w in zip(ends, words, strict=True))
    return f"{amount(sign * row['gain_amount'])} (80 % range {low} to {high})"


def _metric(row: pd.Series) -> str:
    return "gain_of_all_lists" if row["list"] == TOGETHER else "gain_of_list"


def _value(value: float) -> float | None:
    return None if pd.isna(value) else float(value)


def _ranges(row: pd.Series, scope: Scope) -> str:
    change = scope.display.change
    parts = [
        f"{level} % range {_end(row[f'lift_low{end}_share'], 'no lower end', scope)} to "
        f"{_end(row[f'lift_high{end}_share'], 'no upper end', scope)}"
        for level, end in ((80, ""), (95, "_95"))
    ]
    lift = row["lift_share"]
    size = "The lift has no size" if pd.isna(lift) else f"Lift {change(lift, 0)}"
    return f"{size}, {', '.join(parts)}."


def _end(value: float, otherwise: str, scope: Scope) -> str:
    return otherwise if pd.isna(value) else scope.display.change(value, 0)


def _compliance(told: Told, scope: Scope) -> Finding | None:
    if told.grades.empty or told.latest["verdict"] == REHEARSAL:
        return None
    row, share = told.latest, scope.display.share
    if pd.isna(row["contacted_share"]):
        return None
    reached, alone = row["contacted_share"], row["held_out_contacted_share"]
    if pd.isna(alone):
        return Finding(f"{share(reached, 0)} of the list of {row['list']} were contacted.")
    text = (
        f"Of the list of {row['list']}, {share(reached, 0)} of those to contact were contacted, "
        f"and {share(alone, 0)} of those to leave alone."
    )
    if reached - alone < _ALIKE:
        return Finding(text, "That is no difference to speak of: the list was hardly tried.")
    return Finding(text, "Everybody is compared as drawn, so the lift is that of what was done.")


def decisions(told: Told, scope: Scope) -> tuple[Decision, ...]:
    """Return what only leaders can decide: to act on the list and to keep away from the rest."""
    if told.now["is_provisional"].iloc[0] or not told.contact_count:
        return ()
    due = scope.as_of + timedelta(days=_START_DAYS)
    until = scope.display.day(scope.next_period.last_day)
    alone = (
        f" and leave {scope.display.count(told.held_count)} alone until {until}"
        if told.held_count
        else ""
    )
    text = f"Contact the {_customers(told.contact_count, scope)} of the list{alone}?"
    asked = [Decision(text, worth_amount=told.gain, owner=_OWNER, due_on=due)]
    if not told.held_count and not told.is_too_coarse:
        question = "Hold some out by lot from the next list on, so that its effect can be told?"
        return (*asked, Decision(question, owner=_OWNER, due_on=due))
    return tuple(asked)


def caveats(told: Told, scope: Scope, options: ContactListOptions) -> tuple[str, ...]:
    """Return the limits of what the chapter says."""
    share, count = scope.display.share, scope.display.count
    texts = [
        f"The expected gain assumes that a contact wins {share(options.reach_share, 0)} of a gap; "
        "only graded lists can tell what it really wins.",
        "Counted is revenue of the quarter after the list; what a contact brings later is not.",
        "Customers who talk to each other, and sellers who have more time for the others, make "
        "the comparison milder or sharper than it is.",
    ]
    if not told.has_gaps:
        texts.append(
            "No gap to similar customers is known, so the expected gain is "
            f"{share(options.reach_share, 0)} of each forecast: it ranks by size alone."
        )
    if told.held_count:
        texts.append(
            "How far customers differ by chance is measured on their last four known quarters "
            "around what reports forecast of them, or the mean of the year before where there was "
            "no report; a forecast is closer, so the list then tells somewhat more than is said."
        )
    elif told.is_too_coarse:
        texts.append(_untold(told, options, scope))
    elif told.contact_count and told.now["hold_out_share"].iloc[0] > 0:
        texts.append("Too few customers for two blocks: nobody is held out.")
    if told.left_out_count:
        texts.append(f"{count(told.left_out_count)} customers are left out by hand.")
    # Said whether it was drawn now or read again: a rerun gives the same bytes.
    texts.append(
        "A list stays as it was first published for its quarter; later data and other options "
        "change nothing in it."
    )
    if (told.grades["verdict"] == REHEARSAL).any():
        texts.append(
            "Rehearsals are lists of quarters that were over when they were drawn; they are in no "
            "sum of all lists."
        )
    return tuple(texts)


def definitions(told: Told, scope: Scope, options: ContactListOptions) -> dict[str, str]:
    """Return what each term of the chapter means."""
    share, amount = scope.display.share, scope.display.amount
    held = share(float(told.now["hold_out_share"].iloc[0]), 0)
    return {
        "The list": f"The customers with the greatest expected gain, at least "
        f"{amount(options.least_gain_amount)} in the quarter: at most "
        f"{scope.display.count(options.list_size)}, and {share(options.list_share, 0)} of all.",
        "Expected gain": f"{share(options.reach_share, 0)} of the gap to similar customers in a "
        "quarter, times the chance that the customer still buys. An assumption, to rank by.",
        "Held out": f"{held} of the list, drawn by lot: customers are put in small groups of "
        "like forecast, and in each as many are drawn. The draw follows from the quarter alone, is "
        "made once, and is never made again.",
        "Contacted anyway": "Customers with an open deal at the quarter's end, those whom somebody "
        "asked for by hand, the largest by revenue of the last four quarters (at most "
        f"{scope.display.count(options.never_hold_out_count)}, and a tenth of all), and those held "
        "out in the list before; nobody is left alone two "
        "quarters running. They are not part of the comparison.",
        "Lift": "Revenue of those contacted over what they would have brought without, less 1: "
        "from what those held out in the same group brought beyond the forecast that was frozen "
        "with the list. Everybody counts as drawn, contacted or not. Revenue counts to three times "
        "the forecast (or the list's middle forecast, where that is more), and a group by the root "
        "of its forecast, so that one customer cannot decide; both are fixed with the list. The "
        "plain lift counts all revenue.",
        "Cannot conclude": "The groups differ no more than drawing them again would make them: "
        "chance alone does as much in more than one of twenty draws.",
        "Rehearsal": "A list whose quarter was over when it was drawn. Nobody can have acted on "
        "it, so its lift is chance.",
    }
