"""Who are our customers, by how they buy, and what is to be done with each?"""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from analysis.core.problems import InputError, Problem, TableError
from analysis.core.result import Result
from analysis.core.scope import Scope
from analysis.core.tables import check_table
from analysis.core.tables_derived import CUSTOMER_FEATURES, SEGMENTS
from analysis.customers.behaviour_features import behaviour_features
from analysis.customers.prospects import class_table
from analysis.customers.segment_alternatives import alternatives_table
from analysis.customers.segment_anchor import Anchor, is_outdated, read_anchor
from analysis.customers.segment_assignment import assign_segments
from analysis.customers.segment_choices import choices_table
from analysis.customers.segment_drift import Drift, measure_drift, moved_cuts
from analysis.customers.segment_evidence import Evidence
from analysis.customers.segment_fit import fit_anchor, keep_value_limits
from analysis.customers.segment_memory import Memory, held_classes, memories
from analysis.customers.segment_options import SegmentationOptions
from analysis.customers.segment_overrides import apply_overrides, read_overrides, warn_of_stale
from analysis.customers.segment_profiles import profile_table
from analysis.customers.segment_refit import refit
from analysis.customers.segment_rules import anchor_rules, readable, rule_rows
from analysis.customers.segment_statements import (
    promising_decision,
    promising_finding,
    statements,
)
from analysis.customers.segment_usefulness import PastYear, past_year, usefulness_table
from analysis.customers.segment_worth import Worth, ahead, class_worth, measure_worth
from analysis.customers.segmentation_charts import map_chart, profile_chart, prospect_chart
from analysis.customers.segmentation_findings import caveats, definitions, findings, headline

__all__ = ["Evidence", "SegmentationOptions", "segmentation"]

NAME = "segmentation"
TITLE = "Who our customers are"
_ASSIGNED = ("segment_id", "segment_name", "prospect_class")


def segmentation(
    customer_features: pd.DataFrame,
    customer_growth: pd.DataFrame | None,
    anchor: pd.DataFrame | None = None,
    overrides: pd.DataFrame | None = None,
    evidence: Evidence | None = None,
    *,
    scope: Scope,
    options: SegmentationOptions | None = None,
) -> Result:
    """Put every customer into a behaviour segment and a prospect class, with the reason.

    Segments come from `anchor`, the table `segment_anchor` of an earlier run; without one, with
    other options, with `refit_now`, or when that of an earlier period is provisional they are
    fitted, named and become the anchor. Assignment goes through the anchor in either case, so the
    quarter of the fit gives what a later run of it gives. Who was in a segment or class in what
    `evidence.earlier` published leaves it only past the dead-band.

    Tables: `segments` (declared), `segment_profiles` (size, rule, action, money now and ahead),
    `prospect_classes`, `segment_alternatives` (what would move each customer), `behaviour` (the
    features that the rules are about), `stability` (the numbers of clusters tried at the fit),
    `segment_anchor`; `usefulness` (beside revenue bins) and `customer_lifetime` where `evidence`
    reaches back five quarters; `drift` when the anchor is from another period, `refit_preview` when
    it proposes a new fit, `overrides` when there are any, `choices` when other options than those
    of the anchor given were asked for.

    `customer_growth` may be None: then growth ahead counts as level. Customers whose first order
    lies within the last quarter are "Too new to say", those without an order in the last four are
    "Silent for a year", by rule. Where the data hold no clusters, the others are divided at the
    average revenue.
    """
    options = options or SegmentationOptions()
    if customer_features.empty:
        sentence = "No order is known: invoice lines are missing, or nobody has bought yet."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    customers = _customers(customer_features, customer_growth, scope)
    work = _work(customers, anchor, overrides, evidence or Evidence(), scope, options)
    used, classes = work.anchor, work.classes
    told = findings(work.profiles, classes, used, work.drift, scope)
    promising = promising_finding(work.customers, classes, scope)
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=headline(work.profiles, classes, used),
        findings=(
            *told[:1],
            *promising,
            *told[1:],
            *statements(work.profiles, work.usefulness, work.choices, scope),
        ),
        decisions=promising_decision(work.customers, classes, scope),
        tables=_tables(work),
        charts={
            "segment_profiles": profile_chart(work.profiles, used, scope),
            "segment_map": map_chart(work.profiles, scope),
            "prospect_map": prospect_chart(classes, scope),
        },
        caveats=caveats(work.customers, used, work.overrides, scope),
        definitions=definitions(used, scope, options),
    )


@dataclass(frozen=True)
class _Work:
    """Customers as they were placed, and all that is said about the places."""

    customers: pd.DataFrame
    features: pd.DataFrame
    anchor: Anchor
    rules: pd.DataFrame
    segments: pd.DataFrame
    overrides: pd.DataFrame
    profiles: pd.DataFrame
    classes: pd.DataFrame
    alternatives: pd.DataFrame
    worth: Worth
    drift: Drift | None
    usefulness: pd.DataFrame
    choices: pd.DataFrame


def _work(
    customers: pd.DataFrame,
    anchor: pd.DataFrame | None,
    overrides: pd.DataFrame | None,
    evidence: Evidence,
    scope: Scope,
    options: SegmentationOptions,
) -> _Work:
    used = _usable(anchor, customers, scope, options)
    features = behaviour_features(customers, used.typical_gap)
    listed = read_overrides(overrides, customers["customer_id"], used.names, scope.as_of)
    memory = next(iter(memories(evidence.earlier, used)), None)
    ruled = _ruled(customers, features, used, memory, (scope, options))
    listed = warn_of_stale(listed, ruled, used.fitted_on, scope.as_of)
    segments = apply_overrides(ruled, listed, used.names)
    customers = customers.assign(**{name: segments[name] for name in _ASSIGNED})
    rules = anchor_rules(anchor, used, features, segments)
    past: PastYear | None = past_year(customers, evidence, scope)
    worth = measure_worth(customers, past, used, evidence, options.lifetime)
    drift = None
    if used.period != scope.period.name:
        drift = measure_drift(customers, features, used, scope=scope, options=options)
    return _Work(
        customers=customers,
        features=features,
        anchor=used,
        rules=rules,
        segments=segments,
        overrides=listed,
        profiles=profile_table(customers, features, used, rules, worth, scope.display),
        classes=class_worth(class_table(customers), customers, worth),
        alternatives=alternatives_table(customers, features, segments, used, scope.display),
        worth=worth,
        drift=drift,
        usefulness=usefulness_table(past, evidence, used, options.seed),
        choices=_choices(customers, segments, used, anchor, options),
    )


def _tables(work: _Work) -> dict[str, pd.DataFrame]:
    behaviour = readable(work.features).round(4)
    behaviour.insert(0, "customer_id", work.segments["customer_id"])
    drift = work.drift
    sometimes = {
        "drift": pd.DataFrame() if drift is None else drift.table,
        "refit_preview": pd.DataFrame() if drift is None else drift.preview,
        "usefulness": work.usefulness,
        "customer_lifetime": work.worth.lifetimes,
        "choices": work.choices,
        "overrides": work.overrides,
    }
    return {
        "prospect_classes": work.classes,
        "segment_profiles": work.profiles,
        "segments": check_table(work.segments, SEGMENTS),
        "segment_alternatives": work.alternatives,
        "behaviour": behaviour,
        "stability": work.anchor.scan,
        "segment_anchor": pd.concat(
            [work.anchor.to_table(), rule_rows(work.rules)], ignore_index=True
        ),
        **{name: table for name, table in sometimes.items() if len(table)},
    }


def _choices(
    customers: pd.DataFrame,
    segments: pd.DataFrame,
    used: Anchor,
    anchor: pd.DataFrame | None,
    options: SegmentationOptions,
) -> pd.DataFrame:
    """Return what other choices than those of the anchor given change; no rows where none did."""
    if anchor is None or used.why_fitted not in (_ASKED, _OTHER_OPTIONS):
        return pd.DataFrame()
    published = _anchor_if_readable(anchor)
    if published is None:
        return pd.DataFrame()
    is_same = published.period == used.period and published.options == options.as_texts()
    # Those of an earlier version may lack a limit that classes have now.
    if is_same or set(published.cuts) != set(used.cuts):
        return pd.DataFrame()
    return choices_table(customers, segments, used, published)


_ASKED, _OTHER_OPTIONS = "an analyst asked for a new fit", "options changed"


def _customers(
    customer_features: pd.DataFrame, customer_growth: pd.DataFrame | None, scope: Scope
) -> pd.DataFrame:
    """Return customers by id, amounts as floats, with growth, `is_new` and `is_clustered`."""
    _check_columns(customer_features)
    amounts = [
        c.name
        for c in CUSTOMER_FEATURES.columns
        if c.kind in ("amount", "number") and c.name in customer_features
    ]
    table = customer_features.astype(dict.fromkeys(amounts, "float64"))
    table = table.merge(ahead(customer_growth), on="customer_id", how="left", validate="1:1")
    # Row order is not information: everything that follows sees customers in one order.
    table = table.sort_values("customer_id", ignore_index=True)
    quarter = scope.calendar.containing(scope.as_of, "quarterly")
    is_new = table["first_order_on"] >= pd.Timestamp(quarter.starts_on)
    has_ordered = table["order_day_year_count"].fillna(0) > 0
    return table.assign(is_new=is_new, is_clustered=has_ordered & ~is_new)


def _check_columns(customer_features: pd.DataFrame) -> None:
    missing = [n for n in CUSTOMER_FEATURES.column_names if n not in customer_features.columns]
    if missing:
        where = "table customer_features"
        mend = "make the features again: analysis run quarterly --force"
        expected = "every column of the data dictionary"
        raise TableError(Problem(where, f"no column {', '.join(missing)}", expected, mend))


def _usable(
    anchor: pd.DataFrame | None,
    customers: pd.DataFrame,
    scope: Scope,
    options: SegmentationOptions,
) -> Anchor:
    """Return the anchor given, or a new one where there is none that holds for these choices."""
    if anchor is None or is_outdated(anchor):
        why = "first fit" if anchor is None else "those before were made by an earlier version"
        why = _ASKED if options.refit_now else why
        return fit_anchor(customers, why, scope=scope, options=options)
    if options.refit_now:
        return refit(customers, _anchor_if_readable(anchor), _ASKED, scope=scope, options=options)
    given = read_anchor(anchor)
    _check_age(given.period, given.fitted_on, scope)
    if given.options != options.as_texts():
        return refit(customers, given, _OTHER_OPTIONS, scope=scope, options=options)
    if not given.is_provisional or given.fitted_on == scope.as_of:
        return given
    why = f"those of {given.period} were provisional ({given.why_provisional})"
    fresh = refit(customers, given, why, scope=scope, options=options)
    is_gain = fresh.has_clusters or fresh.why_provisional != given.why_provisional
    return fresh if is_gain or moved_cuts(customers, given) else keep_value_limits(fresh, given)


def _anchor_if_readable(anchor: pd.DataFrame) -> Anchor | None:
    try:
        return read_anchor(anchor)
    except TableError:
        return None  # a broken anchor may be replaced, and has no names to keep


def _check_age(period: str, fitted_on: date, scope: Scope) -> None:
    if fitted_on <= scope.as_of:
        return
    raise InputError(
        Problem(
            "table segment_anchor",
            f"segments made in {period}",
            f"segments made in {scope.period} or before: a report knows only what was known then",
            "give the anchor of an earlier run, or none",
        )
    )


def _ruled(
    customers: pd.DataFrame,
    features: pd.DataFrame,
    anchor: Anchor,
    memory: Memory | None,
    how: tuple[Scope, SegmentationOptions],
) -> pd.DataFrame:
    """Return `segments` as the rule has it, before any analyst's word."""
    scope, options = how
    band, ids = options.dead_band, customers["customer_id"]
    placed = assign_segments(customers, features, anchor, scope.display, memory, band)
    before = None if memory is None else memory.of(ids, "prospect_class")
    return pd.DataFrame(
        {
            "customer_id": ids.astype("str"),
            "segment_id": placed["segment_id"],
            "segment_name": placed["segment_name"],
            "prospect_class": held_classes(customers, anchor.cuts, before, band),
            "reason": placed["reason"],
            "is_new": customers["is_new"].astype("bool"),
            "is_override": False,
        }
    )
