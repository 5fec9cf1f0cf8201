"""Who are our customers, by how they buy, and what is to be done with each?"""

from datetime import date

import pandas as pd

from analysis.core.problems import InputError, Problem, TableError
from analysis.core.result import Result
from analysis.core.scope import Scope
from analysis.core.tables import check_table
from analysis.core.tables_derived import CUSTOMER_FEATURES, SEGMENTS
from analysis.customers.behaviour_features import behaviour_features
from analysis.customers.prospects import class_table, prospect_class
from analysis.customers.segment_anchor import Anchor, is_outdated, read_anchor
from analysis.customers.segment_assignment import assign_segments
from analysis.customers.segment_drift import Drift, measure_drift, moved_cuts
from analysis.customers.segment_fit import fit_anchor, keep_value_limits
from analysis.customers.segment_options import SegmentationOptions
from analysis.customers.segment_overrides import apply_overrides, read_overrides
from analysis.customers.segment_profiles import profile_table
from analysis.customers.segmentation_charts import profile_chart, prospect_chart
from analysis.customers.segmentation_findings import (
    caveats,
    decisions,
    definitions,
    findings,
    headline,
)

__all__ = ["SegmentationOptions", "segmentation"]

NAME = "segmentation"
TITLE = "Who our customers are"
_ASSIGNED = ("segment_id", "segment_name", "prospect_class")
_GROWTH_COLUMNS = ("forecast_quarter_amount", "forecast_year_amount", "gap_year_amount")


def segmentation(
    customer_features: pd.DataFrame,
    customer_growth: pd.DataFrame | None,
    anchor: pd.DataFrame | None = None,
    overrides: pd.DataFrame | None = None,
    *,
    scope: Scope,
    options: SegmentationOptions | None = None,
) -> Result:
    """Put every customer into a behaviour segment and a prospect class, with the reason.

    Segments come from `anchor`, the table `segment_anchor` of an earlier run; without one, with
    other options, with `refit_now`, or when that of an earlier period is provisional they are
    fitted, named and become the anchor. Assignment goes through the anchor in either case, so the
    quarter of the fit gives what a later run of it gives.

    Tables: `segments` (declared), `segment_profiles`, `prospect_classes`, `stability` (the numbers
    of clusters tried at the fit), `segment_anchor`; `drift` when the anchor is from another period,
    `overrides` when there are any.

    `customer_growth` may be None: then growth ahead counts as level. Customers whose first order
    lies within the last quarter are "Too new to say", those without an order in the last four are
    "Silent for a year", by rule. Where the data hold no clusters, the others are divided at the
    average revenue.
    """
    options = options or SegmentationOptions()
    if customer_features.empty:
        sentence = f"No customer had ordered by the end of {scope.period}."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    customers = _customers(customer_features, customer_growth, scope)
    used = _usable(anchor, customers, scope, options)
    features = behaviour_features(customers, used.typical_gap)
    listed = read_overrides(overrides, customers["customer_id"], used.names, scope.as_of)
    segments = _segments(customers, features, used, listed, scope)
    customers = customers.assign(**{name: segments[name] for name in _ASSIGNED})
    profiles = profile_table(customers, features, used, scope.display)
    classes = class_table(customers)
    drift = None
    if used.period != scope.period.name:
        drift = measure_drift(customers, features, used, options.seed)
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=headline(profiles, classes, used),
        findings=findings(profiles, classes, used, drift, scope),
        decisions=decisions(classes, scope),
        tables={
            "prospect_classes": classes,
            "segment_profiles": profiles,
            "segments": check_table(segments, SEGMENTS),
            "stability": used.scan,
            "segment_anchor": used.to_table(),
            **_tables_if_any(drift, listed),
        },
        charts={
            "segment_profiles": profile_chart(profiles, used, scope),
            "prospect_map": prospect_chart(classes, scope),
        },
        caveats=caveats(customers, used, listed, scope),
        definitions=definitions(used, scope),
    )


def _tables_if_any(drift: Drift | None, overrides: pd.DataFrame) -> dict[str, pd.DataFrame]:
    tables = {} if drift is None else {"drift": drift.table}
    return tables | ({"overrides": overrides} if len(overrides) else {})


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
    table = table.merge(_growth(customer_growth), on="customer_id", how="left", validate="1:1")
    # Row order is not information: everything that follows sees customers in one order.
    table = table.sort_values("customer_id", ignore_index=True)
    quarter = scope.calendar.containing(scope.as_of, "quarterly")
    is_new = table["first_order_on"] >= pd.Timestamp(quarter.starts_on)
    has_ordered = table["order_day_year_count"].fillna(0) > 0
    return table.assign(is_new=is_new, is_clustered=has_ordered & ~is_new)


def _growth(customer_growth: pd.DataFrame | None) -> pd.DataFrame:
    if customer_growth is None:
        columns = {name: pd.Series(dtype="float64") for name in _GROWTH_COLUMNS}
        return pd.DataFrame({"customer_id": pd.Series(dtype="str")} | columns)
    kept = customer_growth[["customer_id", *_GROWTH_COLUMNS]]
    return kept.astype(dict.fromkeys(_GROWTH_COLUMNS, "float64"))


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
    if anchor is None or options.refit_now or is_outdated(anchor):
        why = "first fit" if anchor is None else "those before were made by an earlier version"
        why = "an analyst asked for a new fit" if options.refit_now else why
        return fit_anchor(customers, why, scope=scope, options=options)
    given = read_anchor(anchor)
    _check_age(given.period, given.fitted_on, scope)
    if given.options != options.as_texts():
        return fit_anchor(customers, "options changed", scope=scope, options=options)
    if not given.is_provisional or given.fitted_on == scope.as_of:
        return given
    why = f"those of {given.period} were provisional ({given.why_provisional})"
    fresh = fit_anchor(customers, why, scope=scope, options=options)
    is_gain = fresh.has_clusters or fresh.why_provisional != given.why_provisional
    return fresh if is_gain or moved_cuts(customers, given) else keep_value_limits(fresh, given)


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


def _segments(
    customers: pd.DataFrame,
    features: pd.DataFrame,
    anchor: Anchor,
    overrides: pd.DataFrame,
    scope: Scope,
) -> pd.DataFrame:
    placed = assign_segments(customers, features, anchor, scope.display)
    table = pd.DataFrame(
        {
            "customer_id": customers["customer_id"].astype("str"),
            "segment_id": placed["segment_id"],
            "segment_name": placed["segment_name"],
            "prospect_class": prospect_class(customers, anchor.cuts),
            "reason": placed["reason"],
            "is_new": customers["is_new"].astype("bool"),
            "is_override": False,
        }
    )
    return apply_overrides(table, overrides, anchor.names)
