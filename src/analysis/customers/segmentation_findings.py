"""What the segmentation chapter says in words: findings, limits, the question, the terms."""

import pandas as pd

from analysis.core.result import Decision, Finding, Number
from analysis.core.scope import Scope
from analysis.customers.behaviour_features import FEATURES
from analysis.customers.prospects import DEVELOP, GROW, KEEP, WIN_BACK
from analysis.customers.segment_anchor import NEW_ID, SILENT_ID, Anchor
from analysis.customers.segment_drift import Drift
from analysis.customers.segment_overrides import APPLIED


def headline(profiles: pd.DataFrame, classes: pd.DataFrame, anchor: Anchor) -> dict[str, Number]:
    """Return the numbers of the chapter, the most useful first."""
    top, largest = _top(profiles), profiles.loc[profiles["customer_count"].idxmax()]
    lost = _of(classes, WIN_BACK)
    return {
        "top_segment_revenue_share": Number(
            "Revenue from the top segment",
            _value(top["revenue_share"]),
            "share",
            note=f"“{top['segment_name']}”, last four quarters",
        ),
        "win_back_customers": Number(
            "Customers to win back", float(lost["customer_count"]), "count"
        ),
        "segments": Number(
            "Segments by behaviour" if anchor.has_clusters else "Categories by value",
            float(len(_own(profiles))),
            "count",
            note="beside those too new to say and those silent for a year",
        ),
        "largest_segment_share": Number(
            "Customers in the largest segment",
            _value(largest["customer_share"]),
            "share",
            note=f"“{largest['segment_name']}”",
        ),
    }


def findings(
    profiles: pd.DataFrame,
    classes: pd.DataFrame,
    anchor: Anchor,
    drift: Drift | None,
    scope: Scope,
) -> tuple[Finding, ...]:
    """Return the sentences of the chapter with the claims behind them."""
    found = [
        _top_finding(profiles, scope),
        _growth_finding(classes, scope),
        _win_back_finding(classes, scope),
        _structure_finding(anchor, scope),
        _drift_finding(drift, anchor, scope),
    ]
    return tuple(finding for finding in found if finding is not None)


def decisions(classes: pd.DataFrame, scope: Scope) -> tuple[Decision, ...]:
    """Return the one question that the classes raise: the largest sum within reach."""
    display = scope.display
    grow, lost = _of(classes, GROW), _of(classes, WIN_BACK)
    gap, gone = _value(grow["gap_year_amount"]) or 0.0, _gone(lost)
    if max(gap, gone) <= 0:
        return ()
    if gap >= gone:
        text = (
            f"Which of the {display.count(grow['customer_count'])} customers in “{GROW}” get a "
            f"named seller? Similar customers bring {display.amount(gap)} a year more."
        )
        return (Decision(text, gap),)
    text = (
        f"Who asks the {display.count(lost['customer_count'])} customers in “{WIN_BACK}” why they "
        f"left? Their better year was worth {display.amount(gone)} more than is expected now."
    )
    return (Decision(text, gone),)


def caveats(
    customers: pd.DataFrame, anchor: Anchor, overrides: pd.DataFrame, scope: Scope
) -> tuple[str, ...]:
    """Return what a reader must know before trusting the segments."""
    display = scope.display
    said = [_age_caveat(anchor, scope), *_structure_caveats(anchor)]
    left_out = [FEATURES[n].label for n in anchor.typical if n not in anchor.transform.features]
    if left_out and anchor.has_clusters:
        said.append(f"Not used, because all customers are alike in it: {', '.join(left_out)}.")
    said.append(_margin_caveat(customers, scope))
    missing = int(customers["forecast_year_amount"].isna().sum())
    if missing:
        said.append(
            f"{display.count(missing)} customers have no forecast: their growth ahead counts as "
            "level, and they are to win back when silent for a year after a good one."
        )
    ignored = overrides[overrides["state"] != APPLIED]
    if len(ignored):
        states = ", ".join(sorted(set(ignored["state"])))
        said.append(f"{display.count(len(ignored))} overrides were not applied ({states}).")
    said.append("Segments describe; they do not show that treating a customer otherwise pays.")
    return tuple(text for text in said if text)


def definitions(anchor: Anchor, scope: Scope) -> dict[str, str]:
    """Return the terms of the chapter."""
    display, cuts = scope.display, anchor.cuts
    high, low = (display.amount(cuts[f"{n}_value_amount"]) for n in ("high", "low"))
    growth, loss = display.share(cuts["growth_share"], 0), display.share(cuts["loss_share"], 0)
    used = {f.label: _sentence(f.meaning) for f in FEATURES.values()}
    return {
        "Segment": "Customers who buy alike. Found once by k-means on the behaviour features "
        "(winsorised, Yeo-Johnson), then kept: every quarter customers go to the nearest centre.",
        "Too new to say": "The first order lies within the last quarter.",
        "Silent for a year": "No order in the last four quarters; they may come back.",
        "Typical": "The median of customers with orders in the year when segments were made.",
        "Value now": "Revenue of the last four quarters.",
        "Growth ahead": "Forecast of the next four quarters over value now, less 1; a value below "
        f"{low} counts as {low}.",
        WIN_BACK.capitalize(): f"A better year of at least {low}, and a forecast of at most {loss} "
        "of it.",
        KEEP.capitalize(): f"Value now of at least {high}.",
        GROW.capitalize(): f"Value now of at least {low} and growth ahead of at least {growth}.",
        DEVELOP.capitalize(): f"An order in the year, value now below {low} and growth ahead of at "
        f"least {growth}.",
        "Serve lightly": "Everybody else.",
        "Bootstrap ARI": "How alike segments are when customers are drawn again: 1 the same, "
        "0 chance.",
        **used,
    }


def _top_finding(profiles: pd.DataFrame, scope: Scope) -> Finding | None:
    top, display = _top(profiles), scope.display
    if not top["customer_count"] or not top["revenue_share"] > 0:
        return None
    count = display.count(top["customer_count"])
    return Finding(
        f"“{top['segment_name']}”: {count} customers, {display.share(top['customer_share'])} of "
        f"all, bring {display.share(top['revenue_share'])} of the year's revenue.",
        detail=str(top["sentence"]),
        metric="top_segment_revenue_share",
        comparison=scope.period.name,
        value=float(top["revenue_share"]),
    )


def _growth_finding(classes: pd.DataFrame, scope: Scope) -> Finding | None:
    display, parts = scope.display, classes[classes["prospect_class"].isin((GROW, DEVELOP))]
    ahead = float((parts["forecast_year_amount"] - parts["revenue_year_amount"]).sum())
    count = int(parts["customer_count"].sum())
    if not count or not ahead > 0:
        return None
    return Finding(
        f"{display.count(count)} customers are forecast to grow: by {display.amount(ahead)} over "
        "the next four quarters together.",
        detail=f"Classes “{GROW}” and “{DEVELOP}”; the sum of their forecasts less their last four "
        "quarters. Customers picked for their forecast tend to fall short of it.",
        metric="growth_ahead_amount",
        comparison="last four quarters",
        value=ahead,
        rank=ahead,
    )


def _win_back_finding(classes: pd.DataFrame, scope: Scope) -> Finding | None:
    display, lost = scope.display, _of(classes, WIN_BACK)
    gone = _gone(lost)
    if not lost["customer_count"] or gone <= 0:
        return None
    best = display.amount(lost["best_year_amount"])
    return Finding(
        f"{display.count(lost['customer_count'])} customers to win back brought {best} in their "
        f"better year; {display.amount(gone)} of it is not expected again.",
        detail="The better of the last four quarters and the four before, against the forecast of "
        "the next four. Nobody has a contract: silent is not lost for certain.",
        metric="win_back_amount",
        comparison="better of two years",
        value=gone,
        rank=gone,
    )


def _structure_finding(anchor: Anchor, scope: Scope) -> Finding:
    display = scope.display
    if not anchor.has_clusters:
        return Finding(
            "No clusters here: customers are divided by value only.",
            detail="No number of clusters that was tried is both stable and of useful size, or "
            "there are too few customers.",
            metric="segment_count",
            comparison=anchor.period,
            value=0.0,
        )
    chosen = anchor.scan[anchor.scan["is_chosen"]].iloc[0]
    ari = float(chosen["bootstrap_ari"])
    return Finding(
        f"{len(anchor.centres)} segments by behaviour are stable: customers drawn again give "
        f"nearly the same (ARI {display.number(ari, 2)}).",
        detail=f"Worst segment found again to {display.share(chosen['worst_jaccard_share'], 0)}, "
        f"prediction strength {display.share(chosen['prediction_strength_share'], 0)}.",
        metric="bootstrap_ari",
        comparison=anchor.period,
        value=ari,
    )


def _drift_finding(drift: Drift | None, anchor: Anchor, scope: Scope) -> Finding | None:
    if drift is None:
        return None
    display, far = scope.display, drift.far_share
    shift = drift.table.loc[drift.table["shift_deviations"].abs().idxmax()]
    most = f"“{FEATURES[shift['feature']].label}” moved most, by "
    most += f"{display.number(abs(shift['shift_deviations']), 2)} deviations"
    detail = f"{most}; {display.share(far)} of customers are far from every segment."
    if not drift.is_refit_proposed:
        text = f"The segments of {anchor.period} still fit."
    else:
        moved = display.share(drift.moved_share, 0)
        text = f"The segments of {anchor.period} no longer fit well: a new fit is proposed."
        detail += f" It would put {moved} of clustered customers elsewhere (option refit_now)."
    return Finding(text, detail, "far_share", anchor.period, far)


def _age_caveat(anchor: Anchor, scope: Scope) -> str:
    if anchor.period == scope.period.name:
        return f"Segments were made in {anchor.period}: {anchor.why_fitted}."
    return f"Segments were made in {anchor.period} and are kept since; names do not change."


def _margin_caveat(customers: pd.DataFrame, scope: Scope) -> str:
    display, missing = scope.display, int(customers["margin_year_amount"].isna().sum())
    if not missing:
        return ""
    if missing == len(customers):
        return "Margin is not a feature and not shown: no cost is known."
    return (
        f"Margin is not a feature: the cost of {display.count(missing)} of "
        f"{display.count(len(customers))} customers is not known. Segments show the margin of "
        "those with known cost."
    )


def _structure_caveats(anchor: Anchor) -> list[str]:
    if anchor.has_clusters:
        return ["Segments are a stable division; customers near a border could be either."]
    if anchor.scan.empty:
        return ["Too few customers, or all alike: clusters were not looked for."]
    return ["The categories by value are a cut at the average, not groups found in the data."]


def _own(profiles: pd.DataFrame) -> pd.DataFrame:
    return profiles[~profiles["segment_id"].isin((NEW_ID, SILENT_ID))]


def _top(profiles: pd.DataFrame) -> pd.Series:
    own = _own(profiles)
    return own.loc[own["revenue_year_amount"].idxmax()]


def _of(classes: pd.DataFrame, name: str) -> pd.Series:
    return classes.set_index("prospect_class").loc[name]


def _gone(lost: pd.Series) -> float:
    forecast = _value(lost["forecast_year_amount"]) or 0.0
    return (_value(lost["best_year_amount"]) or 0.0) - forecast


def _value(number: float) -> float | None:
    return None if pd.isna(number) else float(number)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
