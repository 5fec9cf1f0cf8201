"""Who moved between segments and classes since the last quarter, and was it real?"""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.core.figures import SERIES, SOFT, Chart
from analysis.core.problems import Problem, SettingsError, raise_all
from analysis.core.result import Result
from analysis.core.scope import Scope
from analysis.customers.migration_chart import alluvial_chart
from analysis.customers.migration_findings import (
    Outcome,
    caveats,
    definitions,
    findings,
    headline,
)
from analysis.customers.migration_history import (
    HIGH,
    NONE,
    TIERS,
    History,
    Kind,
    kinds,
    read_history,
    year_ago,
    years_fill_up,
)
from analysis.customers.migration_tables import (
    directions,
    group_flows,
    held_moves,
    migration_matrix,
    moved_customers,
    regression_table,
)
from analysis.customers.prospects import PROSPECT_CLASSES
from analysis.customers.segment_anchor import read_anchor
from analysis.customers.segment_memory import DeadBand
from analysis.customers.segmentation_charts import class_colour, segment_colour

__all__ = ["MigrationOptions", "migration"]

NAME = "migration"
TITLE = "Who moved, and was it real?"
_RANGES = {
    "fewest_customers": (1, 1000),
    "band_deviations": (0, 5),
    "band_share": (0, 1),
}


@dataclass(frozen=True)
class MigrationOptions:
    """Choices of the chapter on moves."""

    fewest_customers: int = 10  # of a row; below, its shares are withheld
    band_deviations: float = 0.6  # dead-band between segments, as in customers/segmentation
    band_share: float = 0.1  # dead-band in money, as in customers/segmentation

    def __post_init__(self) -> None:
        raise_all(
            [
                Problem(f"migration option {name}", repr(value), f"{low} to {high}", "mend it")
                for name, (low, high) in _RANGES.items()
                if not low <= (value := getattr(self, name)) <= high
            ],
            SettingsError,
        )


def migration(
    segmentation: Result | None,
    customer_features: pd.DataFrame,
    backtest_origins: pd.DataFrame,
    earlier: Sequence[Result] = (),
    *,
    scope: Scope,
    options: MigrationOptions | None = None,
) -> Result:
    """Tell where customers were at the last quarter ends, who moved, and what of it is more than
    chance.

    `segmentation` is this period's Result of customers/segmentation, `earlier` what it published
    for earlier periods, newest first. Quarters that were not published under the same segments are
    told from `backtest_origins`, as if today's segments had existed then; prospect classes need
    forecasts of their time, so they are compared only where they were published.

    Tables: `matrix` (shares with intervals, for segments, value and classes), `directions` (which
    flows chance alone would not give), `top_group` (who stayed in, left and came into the most
    valuable group), `regression` (what picking does), `moves` (customers whose segment changed).
    """
    options = options or MigrationOptions()
    if segmentation is None or "segments" not in segmentation.tables:
        sentence = "There are no segments of this quarter to compare."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    anchor = read_anchor(segmentation.tables["segment_anchor"])
    band = DeadBand(options.band_deviations, options.band_share)
    tables = (customer_features, backtest_origins)
    segments = segmentation.tables["segments"]
    history = read_history(segments, anchor, tables, earlier, scope=scope, band=band)
    found = kinds(history)
    if not found:
        sentence = (
            "No customers of the quarter before are known that today's could be held against."
        )
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    year = year_ago(customer_features, backtest_origins, scope.period, scope.calendar)
    regression = regression_table(year, anchor.cuts["high_value_amount"])
    is_short = years_fill_up(customer_features, scope)
    outcome = _outcome(history, found, regression, options, is_short)
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=headline(outcome, scope),
        findings=findings(outcome, scope),
        tables={
            "matrix": outcome.matrix,
            "directions": outcome.directions,
            "top_group": outcome.flows,
            "moves": outcome.moves,
            **({"regression": regression} if (regression["customer_count"] > 0).all() else {}),
        },
        charts={kind.name.replace(" ", "_"): _chart(kind, scope) for kind in found},
        caveats=caveats(outcome, scope),
        definitions=definitions(options, scope),
    )


def _outcome(
    history: History,
    found: list[Kind],
    regression: pd.DataFrame,
    options: MigrationOptions,
    is_short: bool,
) -> Outcome:
    segment = found[0]
    plain = [segment.plain[name] for name in segment.places.columns[-2:]]
    crossed = plain[0].isin(segment.own) & plain[1].isin(segment.own) & (plain[0] != plain[1])
    before, now = segment.pair
    placed = before.isin(segment.own) & now.isin(segment.own)
    moves = moved_customers(before, now, segment.own, history.revenue.iloc[:, -1])
    words = segment.names
    top = [
        (kind, PROSPECT_CLASSES[0] if kind.name == "prospect class" else HIGH) for kind in found[1:]
    ]
    return Outcome(
        history=history,
        matrix=_stacked([(k, _matrix(k, options.fewest_customers)) for k in found]),
        directions=_stacked([(k, _directions(k, is_short)) for k in found]),
        flows=_stacked([(k, group_flows(k.places, group)) for k, group in top], rename=False),
        moves=moves.assign(
            from_name=moves["from_name"].map(words), to_name=moves["to_name"].map(words)
        ).astype({"from_name": "str", "to_name": "str"}),
        held=held_moves(segment.places, segment.own),
        placed_count=int(placed.sum()),
        crossed_count=int(crossed.sum()),
        regression=regression,
        is_short=is_short,
    )


def _matrix(kind: Kind, fewest: int) -> pd.DataFrame:
    return migration_matrix(*kind.pair, tuple(kind.names), fewest)


def _directions(kind: Kind, is_short: bool) -> pd.DataFrame:
    """Value rises by itself while the sums of a year fill up: that is no direction."""
    table = directions(kind.plain.iloc[:, -2], kind.plain.iloc[:, -1], kind.own)
    if not is_short or kind.name != "value":
        return table
    is_real = table["verdict"].str.startswith("real")
    return table.assign(verdict=table["verdict"].mask(is_real, "cannot conclude"))


def _stacked(parts: list[tuple[Kind, pd.DataFrame]], *, rename: bool = True) -> pd.DataFrame:
    """Put tables of several kinds below each other, places by their words."""
    tables = []
    for kind, table in parts:
        if rename:
            named = {n: table[n].map(lambda i, k=kind: k.names.get(i, i)) for n in _NAMES}
            table = table.assign(**named).astype(dict.fromkeys(_NAMES, "str"))
        tables.append(table.assign(kind=kind.name).astype({"kind": "str"}))
    stacked = pd.concat(tables, ignore_index=True)
    return stacked[["kind", *(name for name in stacked if name != "kind")]]


_NAMES = ("from_name", "to_name")


def _chart(kind: Kind, scope: Scope) -> Chart:
    colours = {"segment": segment_colour, "value": _tier_colour, "prospect class": class_colour}
    return alluvial_chart(kind.places, kind.names, colours[kind.name], scope, what=kind.name)


def _tier_colour(name: str) -> str:
    return SOFT if name == NONE else SERIES[TIERS.index(name)]
