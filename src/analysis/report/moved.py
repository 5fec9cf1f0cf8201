"""Which numbers are no longer what was reported, and why? Both are shown, with the reason."""

from collections.abc import Iterable
from dataclasses import dataclass

from analysis.core.display import Display
from analysis.core.result import Number, Result
from analysis.core.scope import Scope
from analysis.report.past import Basis, Earlier, Past

# Below this a number is printed alike.
_SAME = {"amount": 0.005, "share": 0.0005, "count": 0.5, "number": 0.05}
_MOST_FILES = 3


@dataclass(frozen=True)
class Moved:
    """A number of an earlier period: as it was reported, as it is known now, and the reason."""

    label: str
    period: str
    kind: str
    reported: float
    now: float
    reason: str

    def sentence(self, display: Display) -> str:
        """Say both and why."""
        then, now = (_exact(value, self.kind, display) for value in (self.reported, self.now))
        return f"{self.label} of {self.period} is {now} now; {then} was reported. {self.reason}"


def moved_numbers(results: Iterable[Result], scope: Scope, past: Past) -> list[Moved]:
    """Return every headline number of an earlier report that is now another, in their order.

    What this report says of the period before and of a year ago is held against what was published
    then. Estimates are left out: they are graded, not corrected.
    """
    found = []
    for earlier in past.reports:
        for result in results:
            then = earlier.results.get(result.name)
            for name, number in (result.headline if then else {}).items():
                moved = _moved(number, then.headline.get(name), earlier, scope, past)
                if moved is not None and moved not in found:
                    found.append(moved)
    return found


def _moved(
    number: Number, then: Number | None, earlier: Earlier, scope: Scope, past: Past
) -> Moved | None:
    now = number.year_before if earlier.period == scope.year_before.name else None
    now = number.before if earlier.period == scope.previous_period.name else now
    if then is None or then.value is None or now is None or number.low is not None:
        return None
    difference = now - then.value
    if abs(difference) < _SAME[number.kind]:
        return None
    reasons = _reasons(difference, number, then, earlier, past, scope.display)
    return Moved(number.label, earlier.period, number.kind, then.value, now, reasons)


def _reasons(
    difference: float,
    number: Number,
    then: Number,
    earlier: Earlier,
    past: Past,
    display: Display,
) -> str:
    """Return the reason in words: what was posted late is known exactly, the rest by its traces."""
    late = past.late.get(earlier.period, 0.0)
    words = []
    if late:
        words.append(f"{_exact(late, 'amount', display)} of {earlier.period} was posted late.")
        is_all = number.kind != "amount" or abs(difference - late) < _SAME["amount"]
        if is_all:
            return words[0]
    changed = _changed(earlier.basis, past.basis, number.label != then.label)
    if not changed:
        return " ".join([*words, "The reason is not known: nothing else has changed."])
    rest = "The rest: " if words else ""
    verb = "has" if len(changed) == 1 else "have"
    text = f"{rest}{' and '.join(changed)} {verb} changed since."
    return " ".join([*words, text[0].upper() + text[1:]])


def _changed(then: Basis, now: Basis, is_renamed: bool) -> list[str]:
    """Return what differs between two reports, the most telling first."""
    files = [name for name, digest in then.sources.items() if now.sources.get(name) != digest]
    named = ", ".join(sorted(files)[:_MOST_FILES]) + (" ..." if len(files) > _MOST_FILES else "")
    added = set(now.sources) - set(then.sources)
    differs = {
        "its definition": is_renamed or then.definitions != now.definitions,
        "a setting": then.settings != now.settings,
        f"{'a raw file' if len(files) == 1 else 'raw files'} ({named})": bool(files),
        "the code": then.code != now.code,
        "the set of raw files": not files and bool(added),
    }
    found = [words for words, is_so in differs.items() if is_so]
    # A new file each quarter is the rule; it is named only where nothing else tells.
    return [w for w in found if w != "the set of raw files"] or found


def _exact(value: float, kind: str, display: Display) -> str:
    if kind == "amount":
        return display.exact_amount(value, 2)
    return display.share(value) if kind == "share" else display.number(value, int(kind == "number"))
