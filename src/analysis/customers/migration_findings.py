"""What the chapter on moves says in words, and what it cannot say."""

from dataclasses import dataclass

import pandas as pd

from analysis.core.result import Finding, Number
from analysis.core.scope import Scope
from analysis.customers.migration_history import History
from analysis.customers.migration_tables import Held
from analysis.customers.segment_words import customers_text

# Fewer earlier moves say nothing about how long moves last.
_FEWEST_MOVES = 10


@dataclass(frozen=True)
class Outcome:
    """Everything that the sentences are made from.

    `placed_count` is the customers who were in a segment by behaviour at both ends; of them
    `crossed_count` crossed a border, by however little.
    """

    history: History
    matrix: pd.DataFrame
    directions: pd.DataFrame
    flows: pd.DataFrame
    moves: pd.DataFrame
    held: Held
    placed_count: int
    crossed_count: int
    regression: pd.DataFrame
    is_short: bool = False  # sums of a year still fill up

    @property
    def periods(self) -> tuple[str, str]:
        """The quarter before and this one."""
        before, now = self.history.segments.columns[-2:]
        return str(before), str(now)

    @property
    def moved_share(self) -> float | None:
        return len(self.moves) / self.placed_count if self.placed_count else None

    @property
    def top(self) -> pd.Series:
        """The latest flow of the most valuable group; of prospect classes where those are known."""
        return self.flows.iloc[-1]


def headline(outcome: Outcome, scope: Scope) -> dict[str, Number]:
    """Return the numbers of the chapter."""
    before, _ = outcome.periods
    top = outcome.top
    numbers = {
        "moved_share": Number(
            "Customers who changed their segment",
            outcome.moved_share,
            "share",
            note=f"of {scope.display.count(outcome.placed_count)} placed in {before} and now",
        ),
        "top_retention_share": Number(
            f"Stayed in “{top['group_name']}”",
            _value(top["retention_share"]),
            "share",
            low=_value(top["retention_low_share"]) if top["before_count"] else None,
            high=_value(top["retention_high_share"]) if top["before_count"] else None,
            note=f"of {customers_text(top['before_count'], scope.display)} in {before}",
        ),
        "top_net_count": Number(
            f"Came into “{top['group_name']}” less left",
            float(top["came_count"] - top["left_count"]),
            "count",
            note=f"{scope.display.count(top['came_count'])} came, "
            f"{scope.display.count(top['left_count'])} left",
        ),
    }
    if outcome.held.moves >= _FEWEST_MOVES:
        low, high = outcome.held.interval
        note = f"of {scope.display.count(outcome.held.moves)} moves of earlier quarters"
        numbers["held_share"] = Number(
            "Moves that still stood a quarter later",
            outcome.held.share,
            "share",
            low,
            high,
            note=note,
        )
    return numbers


def findings(outcome: Outcome, scope: Scope) -> tuple[Finding, ...]:
    """Return the sentences of the chapter."""
    found = [
        _moves_finding(outcome, scope),
        *(_direction_finding(outcome, kind, scope) for kind in ("segment", "prospect class")),
        _top_finding(outcome, scope),
        _regression_finding(outcome, scope),
    ]
    return tuple(finding for finding in found if finding is not None)


def _moves_finding(outcome: Outcome, scope: Scope) -> Finding:
    display, (before, now) = scope.display, outcome.periods
    moved = len(outcome.moves)
    text = (
        f"Of {customers_text(outcome.placed_count, display)} placed by behaviour in {before} and "
        f"{now}, {display.count(moved)} changed their segment."
    )
    crossed = display.count(outcome.crossed_count)
    detail = f"{crossed} are nearer to another segment than then, most by too little to say so."
    if outcome.crossed_count <= moved:
        detail = ""
    if outcome.held.moves >= _FEWEST_MOVES:
        low, high = (display.share(end, 0) for end in outcome.held.interval)
        detail += (
            f" Of moves like these a quarter or two ago, {low} to {high} still stood a quarter "
            f"later. Years overlap, so that a move by chance lasts for a while too."
        )
    else:
        detail += " Too few moves are known to say how long they last."
    share = outcome.moved_share
    return Finding(text, detail.strip(), "moved_share", f"{before} to {now}", share)


def _direction_finding(outcome: Outcome, kind: str, scope: Scope) -> Finding | None:
    table = outcome.directions[outcome.directions["kind"] == kind]
    if table.empty:
        return None
    display, (before, now) = scope.display, outcome.periods
    what = "segments" if kind == "segment" else "prospect classes"
    how = "over a border by however little" if kind == "segment" else "as published"
    real = table[table["verdict"].str.startswith("real")]
    moved = int(table["moved_count"].sum())
    if real.empty:
        return Finding(
            f"Between {what}, no direction of moves is more than chance would give: we cannot "
            f"conclude that customers shift.",
            detail=f"{before} to {now}, {customers_text(moved, display)} in either direction, "
            f"{how}.",
            metric=f"real_directions {kind}",
            comparison=before,
            value=0.0,
        )
    row = real.iloc[0]
    low, high = (display.count(max(row[f"net_{end}_count"], 0)) for end in ("low", "high"))
    more = f" {display.count(len(real) - 1)} more stand in the table." if len(real) > 1 else ""
    return Finding(
        f"More customers went from “{row['from_name']}” to “{row['to_name']}” "
        f"({display.count(row['there_count'])}) than back ({display.count(row['back_count'])}): "
        "more than chance would give.",
        detail=f"{before} to {now}, {how}; net {low} to {high} (80 % interval).{more}",
        metric=f"real_directions {kind}",
        comparison=before,
        value=float(len(real)),
    )


def _top_finding(outcome: Outcome, scope: Scope) -> Finding | None:
    display, top = scope.display, outcome.top
    if not top["before_count"]:
        return None
    low, high = (display.share(top[f"retention_{end}_share"], 0) for end in ("low", "high"))
    return Finding(
        f"Of {customers_text(top['before_count'], display)} in “{top['group_name']}” in "
        f"{top['from_period']}, {display.count(top['stayed_count'])} still are; "
        f"{display.count(top['came_count'])} came in and {display.count(top['left_count'])} left.",
        detail=f"Retention {display.share(top['retention_share'], 0)} (80 % interval {low} to "
        f"{high}). A group picked for being high loses some by chance alone, and others come in.",
        metric="top_retention_share",
        comparison=str(top["from_period"]),
        value=float(top["retention_share"]),
        low=float(top["retention_low_share"]),
        high=float(top["retention_high_share"]),
    )


def _regression_finding(outcome: Outcome, scope: Scope) -> Finding | None:
    table, display = outcome.regression, scope.display
    if not (table["customer_count"] > 0).all():
        return None
    then, now = (table.iloc[i] for i in (0, 1))
    return Finding(
        "The yearly revenue of customers of high value a year ago has changed by "
        f"{display.change(then['change_ratio'], 0)} since; looking back a year from those of high "
        f"value now, it changes by {display.change(now['change_ratio'], 0)}.",
        detail=f"{customers_text(then['customer_count'], display)} then, "
        f"{customers_text(now['customer_count'], display)} now. Whoever is picked for a high year "
        "was lower in another, before or after: only the difference of the two numbers is a change "
        "of the group.",
        metric="top_year_change",
        comparison="a year ago",
        value=float(then["change_ratio"]),
    )


def caveats(outcome: Outcome, scope: Scope) -> tuple[str, ...]:
    """Return what a reader must know before trusting a move."""
    history, display = outcome.history, scope.display
    said = []
    cast = [name for name in history.segments if name not in history.published]
    if cast:
        said.append(
            f"{', '.join(cast)}: not published under these segments; customers are put where they "
            "would have been, as if today's segments had existed, from what was known then."
        )
    if history.classes.shape[1] < 2:
        said.append(
            "Prospect classes of the quarter before were not published under these cut points, so "
            "their moves cannot be told; value at the same cut points is shown instead."
        )
    if outcome.is_short:
        said.append(
            "The data hold fewer than eight whole quarters, so sums of a year still fill up: that "
            "more customers rise in value than fall is not called more than chance."
        )
    if outcome.matrix["is_withheld"].any():
        said.append("Shares of small groups are withheld; their customers are counted.")
    if history.overruled_count:
        count = customers_text(history.overruled_count, display)
        said.append(f"Left out: {count} placed by an analyst, whose moves are not their own.")
    said.append(
        "That chance goes as often one way as the other holds while the company as a whole stays "
        "as it was; a direction that is real may be the season."
    )
    return tuple(said)


def definitions(options: object, scope: Scope) -> dict[str, str]:
    """Return the terms of the chapter."""
    band = scope.display.number(options.band_deviations, 2)
    share = scope.display.share(options.band_share, 0)
    return {
        "Move": "A customer with orders in the year who is in another segment than a quarter "
        "before. New customers placed for the first time, and those who fall silent or come "
        "back, are flows and no moves.",
        "Dead-band": f"A customer leaves a segment only when past its border by {band} deviations "
        f"of how customers buy, and a class or value only when value or forecast is past the cut "
        f"point by {share}.",
        "High, some, little value": "Revenue of the last four quarters at or above the amounts "
        "of high and of some value that divide classes, or below both; without forecasts.",
        "Real": "More customers one way than back than chance would give: exact binomial test, at "
        "most one in ten such verdicts false.",
        "Share": "Of those who were there a quarter before; small groups are drawn to what all "
        "customers did. In brackets the 80 % interval.",
    }


def _value(number: float) -> float | None:
    return None if pd.isna(number) else float(number)
