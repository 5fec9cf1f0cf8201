"""What the segmentation chapter says in words: findings, limits, the question, the terms."""

import pandas as pd

from analysis.core.result import Finding, Number
from analysis.core.scope import Scope
from analysis.customers.behaviour_features import FEATURES
from analysis.customers.prospects import BUILD, DEVELOP, GROW, HOLD, KEEP, PROTECT, WIN_BACK
from analysis.customers.segment_anchor import NEW_ID, SILENT_ID, Anchor
from analysis.customers.segment_drift import Drift
from analysis.customers.segment_options import SegmentationOptions
from analysis.customers.segment_overrides import APPLIED
from analysis.customers.segment_words import customers_text

_CUT_WORDS = {
    "high_value_amount": "“high value”",
    "low_value_amount": "“some value”",
}


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
            note=f"{_cut_note(anchor)}beside those too new to say and those silent for a year",
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
        _win_back_finding(classes, scope),
        _structure_finding(anchor, scope),
        _drift_finding(drift, anchor, scope),
    ]
    return tuple(finding for finding in found if finding is not None)


def caveats(
    customers: pd.DataFrame, anchor: Anchor, overrides: pd.DataFrame, scope: Scope
) -> tuple[str, ...]:
    """Return what a reader must know before trusting the segments."""
    display = scope.display
    said = [_age_caveat(anchor, scope), _provisional_caveat(anchor), _structure_caveat(anchor)]
    said.append(_merged_caveat(anchor))
    left_out = [FEATURES[n].label for n in anchor.typical if n not in anchor.transform.features]
    if left_out and anchor.has_clusters:
        said.append(f"Not used, because all customers are alike in it: {', '.join(left_out)}.")
    said.append(_margin_caveat(customers, scope))
    missing = int(customers["forecast_year_amount"].isna().sum())
    if missing:
        have, their = ("has", "its") if missing == 1 else ("have", "their")
        said.append(
            f"{customers_text(missing, display)} {have} no forecast: {their} growth ahead counts "
            "as level, but silent for a year after a good one means to win back."
        )
    ignored = overrides[overrides["state"] != APPLIED]
    if len(ignored):
        states = ", ".join(sorted(set(ignored["state"])))
        were = "override was" if len(ignored) == 1 else "overrides were"
        said.append(f"{display.count(len(ignored))} {were} not applied ({states}).")
    said.append("Segments describe; they do not show that treating a customer otherwise pays.")
    return tuple(text for text in said if text)


def definitions(anchor: Anchor, scope: Scope, options: SegmentationOptions) -> dict[str, str]:
    """Return the terms of the chapter."""
    used = {FEATURES[n].label: _sentence(FEATURES[n].meaning) for n in anchor.typical}
    return {
        "Segment": "Customers who buy alike. Found once by k-means on the behaviour features "
        "(winsorised, Yeo-Johnson), then kept: every quarter customers go to the nearest centre.",
        "Rule of a segment": "A few limits that tell it for people, learnt from the segments when "
        "they were made. Go through them in any order: exactly one fits.",
        "Too new to say": "The first order lies within the last quarter.",
        "Silent for a year": "No order in the last four quarters; they may come back.",
        "Typical": "The median of customers with orders in the year when segments were made.",
        "Nearest other segment": "The one whose centre lies next. What would move a customer there "
        "changes one thing and leaves all others as they are. At the border: less than a tenth "
        "of the way to the other centre remains.",
        **_class_terms(anchor, scope),
        **_ahead_terms(options, scope),
        "Bootstrap ARI": "How alike segments are when customers are drawn again: 1 the same, "
        "0 chance.",
        "Null ARI, null strength": "The same for a cloud of customers without any groups, as many "
        "and as correlated.",
        **used,
    }


def _class_terms(anchor: Anchor, scope: Scope) -> dict[str, str]:
    display, cuts = scope.display, anchor.cuts
    top, high, upper, low = (
        display.amount(cuts[f"{name}_value_amount"]) for name in ("top", "high", "upper", "low")
    )
    growth, loss = display.change(cuts["growth_share"], 0), display.share(cuts["loss_share"], 0)
    return {
        "Value now": "Mean of the revenue of the last four quarters and of the forecast of the "
        "next four; without a forecast the former.",
        "Growth ahead": "Forecast of the next four quarters over the last four, less 1. For "
        "customers of less than a year the last four are at a year's rate, a quarter at least; "
        f"below {low} they count as {low}. {growth} or more is growth: known customers as a "
        "whole shrink, for some leave.",
        "Mean year": "Revenue a year over the last eight quarters, or since the first order, a "
        "year at least.",
        WIN_BACK.capitalize(): f"A mean year of at least {low}, and a forecast of at most {loss} "
        "of it.",
        PROTECT.capitalize(): f"Value now of at least {top}.",
        KEEP.capitalize(): f"Value now of at least {high}.",
        BUILD.capitalize(): f"Value now of at least {upper}.",
        GROW.capitalize(): f"Value now of at least {low} and growth ahead of at least {growth}.",
        HOLD.capitalize(): f"Value now of at least {low} and less growth ahead.",
        DEVELOP.capitalize(): f"An order in the year, value now below {low} and growth ahead of at "
        f"least {growth}.",
        "Serve lightly": "Everybody else.",
    }


def _ahead_terms(options: SegmentationOptions, scope: Scope) -> dict[str, str]:
    discount = scope.display.share(options.discount_share, 0)
    return {
        "Room to peers": "What the best fifth of similar customers buys in a year, less the "
        "forecast. A yardstick, no forecast: it is above zero by chance alone.",
        "Lifetime value": f"Revenue expected in {options.horizon_years} years, {discount} a year "
        "taken off for waiting: the forecast of the next year, and in each later year as much "
        "again times the share of the segment's buyers who bought again a year later. Customers "
        "of segments made by rule stay like all. The interval holds the year's range, as lasting, "
        "and what is not known of that share.",
        "Better than revenue bins": "Segments as of a year ago and as many equally large bins of "
        "revenue tell the year since; each customer is told by the others of its group. 95 % "
        "intervals for the three questions together, customers drawn again.",
    }


def _top_finding(profiles: pd.DataFrame, scope: Scope) -> Finding | None:
    top, display = _top(profiles), scope.display
    if not top["customer_count"] or not top["revenue_share"] > 0:
        return None
    who, bring = customers_text(top["customer_count"], display), "bring"
    if top["customer_count"] == 1:
        bring = "brings"
    return Finding(
        f"“{top['segment_name']}”: {who}, {display.share(top['customer_share'])} of "
        f"all, {bring} {display.share(top['revenue_share'])} of the year's revenue.",
        detail=str(top["sentence"]),
        metric="top_segment_revenue_share",
        comparison=scope.period.name,
        value=float(top["revenue_share"]),
    )


def _win_back_finding(classes: pd.DataFrame, scope: Scope) -> Finding | None:
    display, lost = scope.display, _of(classes, WIN_BACK)
    gone, count = _gone(lost), int(lost["customer_count"])
    if not count or gone <= 0:
        return None
    mean, who = display.amount(lost["mean_year_amount"]), customers_text(count, display)
    return Finding(
        f"{who} to win back brought {mean} a year over the last two years; the forecast for the "
        f"next is {display.amount(gone)} less.",
        detail="The mean of eight quarters, or of the time since the first order, against the "
        "forecast of the next four. Nobody has a contract: silent is not lost for certain.",
        metric="win_back_amount",
        comparison="mean of two years",
        value=gone,
        rank=gone,
    )


def _structure_finding(anchor: Anchor, scope: Scope) -> Finding:
    display = scope.display
    if not anchor.has_clusters:
        return Finding(
            "No clusters here: customers are divided by value only.",
            detail="Clusters were not looked for: there are too few customers, or all are alike."
            if anchor.scan.empty
            else "No number of clusters that was tried is both stable and of useful size.",
            metric="segment_count",
            comparison=anchor.period,
            value=0.0,
        )
    chosen = anchor.scan[anchor.scan["is_chosen"]].iloc[0]
    ari, null = float(chosen["bootstrap_ari"]), display.number(chosen["null_ari"], 2)
    count, alike = len(anchor.centres), f"ARI {display.number(ari, 2)}"
    text = f"{count} segments by behaviour are stable, and more than a cut of one cloud would be"
    if not anchor.is_beyond_chance:
        text = (
            f"No clusters here: the {count} segments are a stable cut of a continuum, not groups "
            "that stand apart"
        )
    strength, null_strength = (
        display.share(chosen[f"{name}_strength_share"], 0) for name in ("prediction", "null")
    )
    return Finding(
        f"{text}: customers drawn again give nearly the same ({alike}; one cloud {null}).",
        detail=f"Worst segment found again to {display.share(chosen['worst_jaccard_share'], 0)}, "
        f"prediction strength {strength}; {null_strength} for one cloud without groups, as many "
        "customers and as correlated.",
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
        if drift.cuts_moved:
            cuts = " and of ".join(_CUT_WORDS[name] for name in drift.cuts_moved)
            detail += f" The cut point of {cuts} now divides customers far otherwise than then."
        detail += f" It would put {moved} of clustered customers elsewhere (option refit_now)."
    return Finding(text, detail, "far_share", anchor.period, far)


def _age_caveat(anchor: Anchor, scope: Scope) -> str:
    if anchor.period == scope.period.name:
        return f"Segments were made in {anchor.period}: {anchor.why_fitted}."
    return f"Segments were made in {anchor.period} and are kept since; names do not change."


def _provisional_caveat(anchor: Anchor) -> str:
    if not anchor.is_provisional:
        return ""
    return f"They are provisional ({anchor.why_provisional}): the next period makes them anew."


def _merged_caveat(anchor: Anchor) -> str:
    found = int(anchor.scan.loc[anchor.scan["is_chosen"], "cluster_count"].sum())
    merged = found - len(anchor.centres)
    if not anchor.has_clusters or merged <= 0:
        return ""
    were = "1 was" if merged == 1 else f"{merged} were"
    return (
        f"{found} segments were found; {were} merged with the nearest, having no action of its own."
    )


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


def _structure_caveat(anchor: Anchor) -> str:
    if anchor.has_clusters and anchor.is_beyond_chance:
        return "Segments are a stable division; customers near a border could be either."
    if anchor.has_clusters:
        return (
            "Customers differ by degree: the segments are a stable cut of a continuum, since a "
            "cloud without groups is cut as stably. Customers near a border could be either."
        )
    if anchor.scan.empty:
        return "Too few customers, or all alike: clusters were not looked for."
    return "The categories by value are a cut at the average, not groups found in the data."


def _cut_note(anchor: Anchor) -> str:
    return "" if anchor.is_beyond_chance or not anchor.has_clusters else "a cut of a continuum, "


def _own(profiles: pd.DataFrame) -> pd.DataFrame:
    return profiles[~profiles["segment_id"].isin((NEW_ID, SILENT_ID))]


def _top(profiles: pd.DataFrame) -> pd.Series:
    own = _own(profiles)
    return own.loc[own["revenue_year_amount"].idxmax()]


def _of(classes: pd.DataFrame, name: str) -> pd.Series:
    return classes.set_index("prospect_class").loc[name]


def _gone(lost: pd.Series) -> float:
    forecast = _value(lost["forecast_year_amount"]) or 0.0
    return (_value(lost["mean_year_amount"]) or 0.0) - forecast


def _value(number: float) -> float | None:
    return None if pd.isna(number) else float(number)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
