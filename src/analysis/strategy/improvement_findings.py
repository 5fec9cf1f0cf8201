"""What the chapter on improvements says, asks, and leaves open."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import pandas as pd

from analysis.core.result import Decision, Finding
from analysis.core.scope import Scope
from analysis.strategy.effect import ALONE, CANNOT, EFFECT, NONE_SEEN, TWIN
from analysis.strategy.improvement_inputs import NOBODY
from analysis.strategy.improvement_ledger import calibration_words
from analysis.strategy.improvement_value import MOST_TOGETHER

Tables = Mapping[str, pd.DataFrame]
DEFINITIONS = {
    "Worth a year": "Promised change of the driver times the money that it acts on; ranges of the "
    "promise are drawn. Effects on one stream of money multiply, and hours that are cut once "
    "cannot be cut again, so a part of what all bring together is not what each brings alone; the "
    "parts sum.",
    "Worth knowing": "What an improvement's true effect, known for sure before choosing the best "
    "one or none, would add to the choice in the mean.",
    "Effect": "Change of those treated beyond that of the others over the same quarters. It counts "
    "when fewer than one in twenty ways to give the treatment to others would show as much, and a "
    "date before and the course before are clean.",
    "Made-up twin": "Where one unit alone was treated: a mixture of others that moved like it "
    "before. Each other unit gets a twin too; how far they stray shows what chance does.",
    "Date before": "Halfway before anything was done: an effect there would be no effect.",
    "Before and after only": "Nobody to compare with: whether the number left its own course at "
    "that time. By what, nobody can say.",
    "Cannot conclude": "Too few units, or something else moved the treated ones: no number here "
    "would mean anything.",
}


class _Assumptions(Protocol):
    hour_amount: float
    used_share: float
    response_elasticity: float
    spread_years: int


def findings(tables: Tables, scope: Scope) -> tuple[Finding, ...]:
    """Return the sentences, the most promising improvement first."""
    found = [_best(tables["before"], scope), _together(tables["before"], scope)]
    found += [_ranking(tables["inputs"], scope), *_measured(tables["after"], scope)]
    if len(tables["after"]):
        found.append(Finding(calibration_words(tables["calibration"], scope)))
    return tuple(finding for finding in found if finding is not None)


def _best(before: pd.DataFrame, scope: Scope) -> Finding | None:
    known = before[before["value_mid_amount"].notna()]
    if known.empty:
        return None
    first, amount, share = known.iloc[0], scope.display.amount, scope.display.share
    payback = first["payback_months"]
    text = "never pays back" if np.isnan(payback) else f"pays back in {payback:.0f} months"
    return Finding(
        f"{first['name']} promises most: {amount(first['value_mid_amount'])} a year.",
        f"80 % range {amount(first['value_low_amount'])} to {amount(first['value_high_amount'])}, "
        f"before its cost; it {text}; the first year costs more than it brings with a chance of "
        f"{share(first['loss_share'], 0)}. A promise, not a measurement.",
        metric="promised_amount",
        value=float(first["value_mid_amount"]),
    )


def _together(before: pd.DataFrame, scope: Scope) -> Finding | None:
    known = before[before["together_amount"].notna()]
    if len(known) < 2:
        return None
    amount = scope.display.amount
    joint = float(known["together_amount"].sum())
    alone = float(known["value_mid_amount"].sum())
    side = "more" if joint >= alone else "less"
    return Finding(
        f"All {scope.display.count(len(known))} together promise {amount(joint)} a year.",
        f"That is {amount(abs(joint - alone))} {side} than each by itself added up: effects on the "
        "same money multiply, hours are cut only once, and uneven ranges count with their mean.",
    )


def _ranking(inputs: pd.DataFrame, scope: Scope) -> Finding | None:
    known = inputs[inputs["knowing_amount"].notna()]
    if len(known) < 2:
        return None
    first = known.iloc[0]
    worth = scope.display.amount(first["knowing_amount"])
    low, high = (
        "none is worth its cost" if first[f"{end}_first"] == NOBODY else
        f"{first[f'{end}_first']} comes first"
        for end in ("low", "high")
    )  # fmt: skip
    detail = f"To know it before choosing is worth {worth} a year."
    if first["decides"]:
        detail += f" At its low end {low}, at its high end {high}."
    others = inputs.loc[inputs["decides"] & inputs["improvement_id"].isna(), "input"]
    if len(others):
        detail += f" Assumptions that change who comes first: {'; '.join(others)}."
    text = f"Which comes first hangs most on one number: {first['input'][:1].lower()}"
    return Finding(f"{text}{first['input'][1:]}.", detail)


def _measured(after: pd.DataFrame, scope: Scope) -> list[Finding]:
    if after.empty:
        return []
    count = scope.display.count
    worked = ", ".join(after.loc[after["verdict"] == EFFECT, "name"]) or "none"
    unknown = after[after["verdict"] == CANNOT]
    none_seen = ", ".join(after.loc[after["verdict"] == NONE_SEEN, "name"]) or "none"
    found = [
        Finding(
            f"Of {count(len(after))} improvements in effect, shown to work: {worked}.",
            f"Measured, and no more than chance makes: {none_seen}. "
            f"Of {count(len(unknown))} nothing can be concluded. "
            + " ".join(_sentence(row, scope) for row in after.itertuples()),
        )
    ]
    open_ones = after[after["verdict"] != EFFECT]
    if len(open_ones):
        texts = " ".join(f"{row.name}: {row.needed}." for row in open_ones.itertuples())
        found.append(
            Finding(
                "To be sure takes more units or more time, for an effect as promised, found 8 "
                "times in 10.",
                texts,
            )
        )
    return found


def _sentence(row: tuple, scope: Scope) -> str:
    """One improvement: why, and what was seen, without a word of cause where nobody can say."""
    text = f"{row.name}: {row.why}"
    if row.method == ALONE and np.isfinite(row.effect_share):
        change = scope.display.change
        text += f" ({change(row.effect_share, 0)}, 80 % range "
        text += f"{change(row.effect_low_share, 0)} to {change(row.effect_high_share, 0)})"
    return f"{text}."


def decisions(tables: Tables) -> tuple[Decision, ...]:
    """Ask about the dearest that are not shown to work, with what would tell."""
    after = tables["after"]
    costs = tables["before"].set_index("improvement_id")["year_cost_amount"]
    owners = tables["ledger"].set_index("improvement_id")["owner"]
    asked = []
    for row in after[after["verdict"] != EFFECT].itertuples():
        cost = float(costs[row.improvement_id])
        if cost > 0:
            owner = owners[row.improvement_id]
            owner = "" if pd.isna(owner) else str(owner)
            text = f"Go on with {row.name}? It is not shown to work."
            asked.append(Decision(text, worth_amount=cost, owner=owner))
    return tuple(sorted(asked, key=lambda one: -(one.worth_amount or 0))[:2])


def caveats(tables: Tables, scope: Scope, options: _Assumptions) -> tuple[str, ...]:
    """Return what the numbers assume and where they end."""
    before, after, share = tables["before"], tables["after"], scope.display.share
    texts = [
        f"Freed hours count as far as they are used ({share(options.used_share, 0)}, an "
        f"assumption) at {scope.display.exact_amount(options.hour_amount)} each.",
        "Faster answers are assumed to raise deals won by "
        f"{share(-0.1 * options.response_elasticity, 1)} for each 10 % less time.",
        f"One-time costs are spread over {options.spread_years} years where improvements are "
        "ranked.",
    ]
    if len(after):
        texts.append(
            "Each improvement is a question of its own: of twenty without any effect about one "
            "would be shown to work by chance."
        )
    unknown = before.loc[before["value_mid_amount"].isna(), "name"]
    if len(unknown):
        texts.append(f"No value can be given for {', '.join(unknown)}: the driver is not known.")
    if (before["together_amount"].isna() & before["value_mid_amount"].notna()).any():
        texts.append(
            f"More than {MOST_TOGETHER} improvements act on one stream of money: what they bring "
            "together is not shared out."
        )
    texts += [f"{row.name}: {row.note}." for row in after.itertuples() if row.note]
    if (after["method"] == TWIN).any():
        texts.append(
            "With one unit treated, a twin that fits badly before says little; see its course."
        )
    return tuple(texts)
