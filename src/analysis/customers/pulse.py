"""Is today, or this fortnight, as usual? Three numbers, and an alarm only when it is worth one."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.problems import Problem, SettingsError
from analysis.core.result import Finding, Number, Result
from analysis.core.scope import Scope
from analysis.customers.pulse_changes import change_table
from analysis.customers.pulse_chart import pulse_chart
from analysis.customers.pulse_limits import Verdict, judged, restored, seen_after
from analysis.customers.pulse_series import (
    MEASURES,
    deviations,
    is_seasonal,
    period_table,
    revenue_between,
)

NAME = "pulse"
TITLE = "Is business as usual?"
_LABELS = {
    "revenue_amount": "Net revenue",
    "order_count": "Orders",
    "active_count": "Customers with an order",
}
_CHARTS_PER_MEASURE = 2
_REPLAYED = 100
_SHOWN = 60
_CADENCES = ("daily", "biweekly")
_FALLS = ((0.5, "half"), (0.2, "a fifth"))
_LONGEST_WAIT = {"daily": 20, "biweekly": 4}  # beyond, what is usual has begun to follow


@dataclass(frozen=True)
class PulseOptions:
    """How often an unchanged business may be called unusual."""

    reports_per_false_alarm: int = 50  # reports; at most one in so many raises a false alarm

    def __post_init__(self) -> None:
        if self.reports_per_false_alarm < 2:
            raise SettingsError(
                Problem(
                    "pulse option reports_per_false_alarm",
                    str(self.reports_per_false_alarm),
                    "a whole number of 2 or more",
                    "write for example 50: at most one false alarm in 50 reports",
                )
            )

    @property
    def chance_share(self) -> float:
        """The chance of a false alarm on each chart, all charts of a report together in budget."""
        return 1 / self.reports_per_false_alarm / (len(MEASURES) * _CHARTS_PER_MEASURE)


def pulse(
    company_days: pd.DataFrame,
    company_periods: pd.DataFrame,
    *,
    scope: Scope,
    options: PulseOptions | None = None,
) -> Result:
    """Hold a day against the same weekdays before it, a fortnight against those before it.

    Revenue, orders and customers each have a usual range; beyond it stands a finding, and a slow
    drift is one as well. Tables of the Result: `periods` (the latest days or fortnights: period,
    starts_on, revenue_amount, order_count, active_count, is_unusual), `usual` (one row per number:
    measure, value, usual_low, usual_high, is_beyond, is_drifting) and, of a fortnight, `changes`
    (see `change_table`): single days are too noisy to be compared with one another.
    """
    options = options or PulseOptions()
    if scope.period.cadence not in _CADENCES:
        sentence = f"{scope.period} is neither a day nor a fortnight; see the revenue chapter."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    if company_days.empty:
        sentence = "No invoice lines are loaded, so there is nothing to watch."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    table = period_table(company_days, company_periods, scope)
    verdicts = {} if scope.is_cut_short else _verdicts(table, scope, options.chance_share)
    replay = _replayed(table, scope, options.chance_share)
    shown = table.assign(is_unusual=replay).tail(_SHOWN).reset_index(drop=True)
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=_headline(table, verdicts, scope) | _quarter_so_far(company_days, scope),
        findings=_findings(table, verdicts, scope),
        tables={"periods": shown, "usual": _usual_table(table, verdicts)} | _changes(table, scope),
        charts={"revenue": pulse_chart(shown, _range(table, verdicts, "revenue_amount"), scope)},
        caveats=_caveats(table, verdicts, replay, scope, options),
        definitions=_definitions(scope, options),
    )


def _changes(table: pd.DataFrame, scope: Scope) -> dict[str, pd.DataFrame]:
    """The changes of a whole fortnight; days are held to their usual range only."""
    if scope.period.cadence != "biweekly" or scope.is_cut_short:
        return {}
    return {"changes": change_table(table, _LABELS)}


def _verdicts(
    table: pd.DataFrame, scope: Scope, chance_share: float
) -> dict[str, tuple[Verdict, float]]:
    """Return what the charts say of each number, with the usual value it is held against."""
    found = {}
    for measure in MEASURES:
        series, usual = deviations(table, measure, scope.period.cadence)
        verdict = judged(series, chance_share) if len(series) else None
        if verdict is not None:
            found[measure] = (verdict, usual)
    return found


def _replayed(table: pd.DataFrame, scope: Scope, chance_share: float) -> np.ndarray:
    """Return whether each of the latest periods would have raised an alarm; False before them."""
    alarms = np.zeros(len(table), dtype=bool)
    for place in range(max(1, len(table) - _REPLAYED), len(table)):
        found = _verdicts(table.iloc[: place + 1], scope, chance_share)
        alarms[place] = any(v.is_beyond or v.is_drifting for v, _ in found.values())
    return alarms


def _range(
    table: pd.DataFrame, verdicts: dict[str, tuple[Verdict, float]], measure: str
) -> tuple[float, float] | None:
    """Return the usual range; it reaches below zero only where a value ever did."""
    if measure not in verdicts:
        return None
    verdict, usual = verdicts[measure]
    low, high = restored(usual + verdict.low), restored(usual + verdict.high)
    least = min(0.0, float(table[measure].min()))
    return max(least, low), max(least, high)


def _text(measure: str, value: float, scope: Scope) -> str:
    is_money = measure == "revenue_amount"
    return scope.display.amount(value) if is_money else scope.display.count(value)


def _headline(
    table: pd.DataFrame, verdicts: dict[str, tuple[Verdict, float]], scope: Scope
) -> dict[str, Number]:
    numbers = {}
    rows = table.set_index("period")
    is_daily = scope.period.cadence == "daily"
    for measure in MEASURES:
        usual = _range(table, verdicts, measure)
        note = "too little history to say what is usual"
        if usual is not None:
            ends = [_text(measure, end, scope) for end in usual]
            note = f"usual {_time_words(scope)}: {ends[0]} to {ends[1]}"
        kind = "amount" if measure == "revenue_amount" else "count"
        known = rows[measure].astype(float)
        compared = known.iloc[:0] if scope.is_cut_short else known
        numbers[measure.removesuffix("_amount").removesuffix("_count")] = Number(
            _LABELS[measure],
            float(known[scope.period.name]),
            kind,
            # The day before is another weekday: nothing to be compared with.
            before=None if is_daily else _value(compared, scope.previous_period.name),
            year_before=_value(compared, scope.year_before.name),
            note=note,
            history=tuple(known.tail(20)),
        )
    return numbers


def _value(values: pd.Series, name: str) -> float | None:
    return float(values[name]) if name in values.index else None


def _time_words(scope: Scope) -> str:
    return f"on a {scope.as_of:%A}" if scope.period.cadence == "daily" else "for a fortnight"


def _quarter_so_far(company_days: pd.DataFrame, scope: Scope) -> dict[str, Number]:
    """Return the revenue from the quarter's first day to the period's last: days add up to it."""
    quarter = scope.calendar.containing(scope.as_of, "quarterly")
    known = company_days[company_days["day"] <= pd.Timestamp(scope.as_of)]
    note = "the sum of its days; on its last day that of the quarterly report"
    amount = revenue_between(known, quarter)
    return {"quarter_so_far": Number(f"{quarter} so far", amount, "amount", note=note)}


def _findings(
    table: pd.DataFrame, verdicts: dict[str, tuple[Verdict, float]], scope: Scope
) -> tuple[Finding, ...]:
    """Return a sentence for each alarm, else one that nothing is unusual."""
    found = []
    for measure, (verdict, _) in verdicts.items():
        value = float(table[measure].iloc[-1])
        low, high = _range(table, verdicts, measure) or (np.nan, np.nan)
        ends = f"{_text(measure, low, scope)} to {_text(measure, high, scope)}"
        label, text = _LABELS[measure], _text(measure, value, scope)
        if verdict.is_beyond:
            side = "above" if value > high else "below"
            sentence = f"{label}: {text} is {side} what is usual {_time_words(scope)} ({ends})."
            found.append(_claim(sentence, measure, value, (low, high), scope))
        elif verdict.is_drifting:
            sentence = f"{label} has drifted: each {scope.unit} is within its "
            sentence += "usual range, the latest ones together are not."
            found.append(_claim(sentence, measure, value, (value, value), scope))
    if found or not verdicts:
        return tuple(sorted(found, key=lambda finding: -finding.rank))
    value = float(table["revenue_amount"].iloc[-1])
    low, high = _range(table, verdicts, "revenue_amount") or (value, value)
    sentence = "Nothing unusual: revenue, orders and customers are within their usual ranges."
    return (_claim(sentence, "revenue_amount", value, (low, high), scope),)


def _claim(
    sentence: str, measure: str, value: float, usual: tuple[float, float], scope: Scope
) -> Finding:
    is_money = measure == "revenue_amount"
    low, high = usual
    distance = abs(value - (low + high) / 2) if is_money else 0.0
    return Finding(
        sentence,
        metric=measure,
        comparison=f"usual {_time_words(scope)}",
        value=value,
        rank=max(1.0, distance),
        usual_low=None if low == high else low,
        usual_high=None if low == high else high,
    )


def _usual_table(table: pd.DataFrame, verdicts: dict[str, tuple[Verdict, float]]) -> pd.DataFrame:
    rows = [
        {
            "measure": _LABELS[measure],
            "value": float(table[measure].iloc[-1]),
            "usual_low": usual[0],
            "usual_high": usual[1],
            "is_beyond": verdict.is_beyond,
            "is_drifting": verdict.is_drifting,
        }
        for measure, (verdict, _) in verdicts.items()
        if (usual := _range(table, verdicts, measure))
    ]
    names = ["measure", "value", "usual_low", "usual_high", "is_beyond", "is_drifting"]
    return pd.DataFrame(rows, columns=names)


def _caveats(
    table: pd.DataFrame,
    verdicts: dict[str, tuple[Verdict, float]],
    replay: np.ndarray,
    scope: Scope,
    options: PulseOptions,
) -> tuple[str, ...]:
    unit = scope.unit
    words = [
        f"By design at most about one {unit} in {options.reports_per_false_alarm} of an unchanged "
        f"business raises an alarm; of the last {min(_REPLAYED, len(table))} here, "
        f"{int(replay.sum())} would have."
    ]
    words += _waits(verdicts, scope)
    if not verdicts:
        words.insert(0, f"Too little history, or no trade this {unit}: nothing is called usual.")
    if scope.period.cadence == "biweekly" and not is_seasonal(table, "biweekly"):
        words.append("Fewer than two years of fortnights: the season is not taken out.")
    if scope.period.cadence == "daily":
        words.append("Bank holidays are not known: a closed or slow one may raise an alarm.")
    return tuple(words)


def _waits(verdicts: dict[str, tuple[Verdict, float]], scope: Scope) -> list[str]:
    """Say how soon a lasting fall of revenue would be seen: what the wide ranges cost."""
    if "revenue_amount" not in verdicts:
        return []
    verdict, usual = verdicts["revenue_amount"]
    waits = []
    for share, words in _FALLS:
        count = seen_after(verdict, usual * (1 - np.sqrt(1 - share)))
        unit = scope.unit if count == 1 else f"{scope.unit}s"
        is_seen = count <= _LONGEST_WAIT[scope.period.cadence]
        text = f"in about {count:.0f} {unit} of trade" if is_seen else "only by luck"
        waits.append(f"a lasting fall of revenue by {words} is seen {text}")
    sentence = "; ".join(waits)
    return [f"{sentence[0].upper()}{sentence[1:]}."]


def _definitions(scope: Scope, options: PulseOptions) -> dict[str, str]:
    unit = scope.unit
    before = "the same weekday of the eight weeks before"
    if scope.period.cadence == "biweekly":
        before = "the six fortnights before, each beside that of a year ago where there is one"
    change = {
        "Range of a change": "where it would lie, 8 times in 10, by how much earlier fortnights "
        "differed in the same way; one in five leaves out zero by chance alone"
    }
    return (change if scope.period.cadence == "biweekly" else {}) | {
        "Net revenue": "sum of all lines of the kinds that count as revenue, returns deducted",
        "Customer with an order": f"has a document with a sale of more than zero in the {unit}",
        "Usual range": f"where the {unit} would lie if it were like {before}; the ranges are so "
        f"wide that an unchanged business leaves any of them about once in "
        f"{options.reports_per_false_alarm} reports",
    }
