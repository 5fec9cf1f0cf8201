"""The sentences of the growth chapter; none says more than its interval allows."""

from typing import Protocol

import numpy as np
import pandas as pd

from analysis.core.result import Decision, Finding
from analysis.core.scope import Scope
from analysis.customers.growth_backtest import OUR_MODEL
from analysis.customers.growth_origins import Origin
from analysis.customers.growth_ranges import TWO_YEARS_DAYS

_LIKELY_GONE = 0.5  # chance to still buy, below which a customer has probably left
_LATE_GAPS = 2.0  # silent for longer than so many of his usual gaps
_TOP_SHARE = 0.2
_FEW_QUARTERS = 4


def reasons(table: pd.DataFrame, active_share: np.ndarray) -> list[str]:
    """Return what each customer's forecast rests on, in words."""
    rows = zip(
        table["order_day_count"],
        table["recency_days"],
        table["median_gap_days"].astype(float),
        active_share,
        strict=True,
    )
    return [_reason(*row) for row in rows]


def _reason(days: int, silent: int, gap: float, active_share: float) -> str:
    last = "today" if silent == 0 else f"{silent} day{'s' * (silent != 1)} ago"
    if days == 1:
        return f"one order so far, {last}"
    rhythm = f"{days} order days, usually {gap:.0f} day{'s' * (round(gap) != 1)} apart"
    if silent > _LATE_GAPS * gap:
        doubt = "probably left" if active_share < _LIKELY_GONE else "late"
        return f"{doubt}: silent for {silent} days; {rhythm}"
    return f"{rhythm}, the last one {last}"


def findings(
    customers: pd.DataFrame,
    totals: pd.DataFrame,
    backtest: pd.DataFrame,
    table: pd.DataFrame,
    scope: Scope,
) -> tuple[Finding, ...]:
    """Return what is to come, most money first."""
    found = [
        _forecast_finding(totals.iloc[0], backtest, table, scope),
        _gone_finding(customers, table, scope),
        _gap_finding(customers, scope),
        _accuracy_finding(backtest, scope),
    ]
    known = [finding for finding in found if finding is not None]
    return tuple(sorted(known, key=lambda finding: -finding.rank))


def decisions(customers: pd.DataFrame, table: pd.DataFrame, scope: Scope) -> tuple[Decision, ...]:
    """Return the questions that only leaders can answer, each with what hangs on it."""
    gone = likely_gone(customers, table)
    if gone.empty:
        return ()
    worth = float(gone["revenue_year_amount"].sum())
    many = f"the {scope.display.count(len(gone))} large customers that have probably left? "
    many += "Call a random half, or nobody will know whether calls help."
    one = "the large customer that has probably left?"
    text = f"Who calls {one if len(gone) == 1 else many}"
    return (Decision(text, worth_amount=worth, metric="likely_gone_amount"),)


def likely_gone(customers: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Return the top customers of the last four quarters who probably buy no more."""
    amounts = table[["customer_id"]].assign(
        revenue_year_amount=table["revenue_year_amount"].astype(float),
        active_share=customers["active_share"].to_numpy(),
    )
    bought = amounts[amounts["revenue_year_amount"] > 0]
    ranked = bought.sort_values(["revenue_year_amount", "customer_id"], ascending=[False, True])
    top = ranked.head(round(_TOP_SHARE * len(ranked)))
    return top[top["active_share"] < _LIKELY_GONE]


def _forecast_finding(
    company: pd.Series, backtest: pd.DataFrame, table: pd.DataFrame, scope: Scope
) -> Finding:
    """Hold the forecast against the same season a year ago and the customers known then."""
    display = scope.display
    value, low, high = (
        float(company[f"forecast_quarter{end}_amount"]) for end in ("", "_low", "_high")
    )
    base = scope.calendar.year_before(scope.next_period)
    then = _came(backtest, base.name)
    verdict, rank = "", 0.0
    if then is not None:
        is_off = low > then or high < then
        words = (
            ("more" if low > then else "less") + " than" if is_off else "too close to call against"
        )
        verdict = f", {words} the {display.amount(then)} of {base} from customers known before it"
        rank = abs(value - then) if is_off else 0.0
    return Finding(
        f"Customers known today will bring about {display.amount(value)} in {scope.next_period}"
        f"{verdict}.",
        f"{_range_name(table)} {display.amount(low)} to {display.amount(high)}; new customers come "
        "on top.",
        metric="forecast_quarter",
        comparison=base.name if then is not None else "",
        value=value,
        low=low,
        high=high,
        rank=rank,
    )


def _range_name(table: pd.DataFrame) -> str:
    """Claim no coverage for a total where no season was seen twice."""
    is_young = table["tenure_days"].max() < TWO_YEARS_DAYS
    return "Range by convention, under two years of data," if is_young else "80 % range"


def _came(backtest: pd.DataFrame, period: str) -> float | None:
    """Revenue of a replayed quarter from customers who were known before it."""
    is_it = (backtest["period"] == period) & (backtest["amount_kind"] == "revenue")
    amounts = backtest.loc[is_it, "actual_amount"]
    return None if amounts.empty else float(amounts.iloc[0])


def _gone_finding(customers: pd.DataFrame, table: pd.DataFrame, scope: Scope) -> Finding | None:
    gone = likely_gone(customers, table)
    if gone.empty:
        return None
    worth = float(gone["revenue_year_amount"].sum())
    left = "has probably left; it" if len(gone) == 1 else "have probably left; they"
    return Finding(
        f"{scope.display.count(len(gone))} of the top fifth of the last four quarters "
        f"{left} brought {scope.display.amount(worth)}.",
        "The chance that each still buys is below one half, by their own rhythm of orders.",
        metric="likely_gone_amount",
        value=worth,
        rank=worth,
    )


def _gap_finding(customers: pd.DataFrame, scope: Scope) -> Finding | None:
    gap = (customers["gap_year_amount"] * customers["active_share"]).dropna()
    total = float(gap.sum())
    if total <= 0:
        return None
    count = max(1, round(0.1 * len(gap)))
    share = float(gap.nlargest(count).sum()) / total
    return Finding(
        f"A tenth of the customers ({scope.display.count(count)}) hold "
        f"{scope.display.share(share, 0)} of the room up to what the best like them buy.",
        "Weighted by the chance that each still buys. A yardstick for single customers: part of "
        "every gap is chance, so their sum is nothing that a campaign will bring.",
        metric="reachable_gap_share",
        value=share,
        rank=0.0,
    )


def missed_words(backtest: pd.DataFrame, scope: Scope) -> str:
    """Return by how much replayed totals of quarters were missed; empty where none was."""
    is_ours = (backtest["amount_kind"] == "revenue") & (backtest["model"] == OUR_MODEL)
    errors = backtest.loc[is_ours, "total_error_share"]
    if errors.empty:
        return ""
    change = scope.display.change
    if len(errors) == 1:
        return change(errors.iloc[0], 0)
    return f"{change(errors.min(), 0)} to {change(errors.max(), 0)}"


def _accuracy_finding(backtest: pd.DataFrame, scope: Scope) -> Finding | None:
    revenue = backtest[backtest["amount_kind"] == "revenue"]
    ours = revenue[revenue["model"] == OUR_MODEL].set_index("origin")
    if ours.empty:
        return None
    missed = missed_words(backtest, scope)
    few = "; too few quarters to rely on" if len(ours) < _FEW_QUARTERS else ""
    return Finding(
        f"Replayed at {len(ours)} earlier quarter ends, the total was missed by {missed}{few}.",
        f"Closest to single customers (root mean square error): {_winners(revenue)}."
        f"{_largest_words(ours, scope)}",
        metric="forecast_total_error",
        value=float(ours["total_error_share"].iloc[-1]),
        rank=0.0,
    )


def _largest_words(ours: pd.DataFrame, scope: Scope) -> str:
    """Say how much of our squared error hangs on five customers, and so on few orders."""
    parts = ours["largest_five_error_share"].dropna()
    if parts.empty:
        return ""
    low, high = (scope.display.share(end, 0) for end in (parts.min(), parts.max()))
    ends = low if low == high else f"{low} to {high}"
    return f" Five customers make {ends} of the forecast's squared error."


def _winners(revenue: pd.DataFrame) -> str:
    """Say in how many quarters each method was the closest, most often first."""
    best = revenue.loc[revenue.groupby("origin")["rmse_amount"].idxmin(), "model"]
    counts = best.value_counts(sort=False).sort_index().sort_values(ascending=False, kind="stable")
    return ", ".join(f"{model} in {count} of {len(best)}" for model, count in counts.items())


def caveats(
    customers: pd.DataFrame, backtest: pd.DataFrame, now: Origin, scope: Scope
) -> tuple[str, ...]:
    """Return the limits of what the chapter says."""
    said = (
        []
        if now.is_leaving_known
        else [
            "The data do not tell who has left from who buys rarely: chances that a customer still "
            "buys are the model's, and are not counted up",
        ]
    )
    if scope.is_cut_short:
        said.append(
            f"The data end before {scope.period} does: days without data look like silence here",
        )
    said += [
        "Customers who have not ordered yet are not in the forecast.",
        "Silent is not lost: without contracts, nobody says that he leaves.",
    ]
    quarters = backtest["origin"].nunique()
    if quarters == 0:
        said.append("There is no earlier quarter to learn from or to be graded by; ranges are wide")
    elif scope.year_before.name not in set(backtest["origin"]):
        said.append(
            f"Under a year of earlier forecasts, so the season of {scope.next_period} is not known."
        )
    if now.is_assumed:
        said.append(
            f"So few customers (those known: {scope.display.count(len(customers))}) do not tell "
            "how they differ: each is forecast between his own orders and the mean of all, with an "
            "assumed spread."
        )
    if now.history_days < TWO_YEARS_DAYS:
        said.append(
            "The data cover less than two years: no season was seen twice, so ranges are widened "
            "by a convention, and those of totals have not been shown to hold 80 % of outcomes."
        )
    if customers["potential_year_amount"].isna().all():
        said.append("There are too few customers to compare each with similar ones.")
    return tuple(sentence.rstrip(".") + "." for sentence in said)


class Shares(Protocol):
    """The options that definitions state."""

    potential_share: float
    attained_share: float
    shock_share: float


def _range_words(
    options: Shares, backtest: pd.DataFrame, is_observed: bool, scope: Scope
) -> dict[str, str]:
    """Say where the ranges come from, and how many of them held when replayed."""
    share, held = scope.display.share, backtest["interval_share"].dropna().mean()
    replayed = "" if np.isnan(held) else f"; replayed, {share(held, 0)} of them held"
    source = (
        "read off what earlier quarters brought to customers with a like forecast"
        if is_observed
        else "simulated from the model, not yet held against a quarter"
    )
    return {
        "80 % range": f"{source}{replayed}",
        "80 % range of a total": "customers have good and bad quarters together, so a total is "
        f"less sure than its customers alone would make it; an error of "
        f"{share(options.shock_share, 0)} is assumed before quarters have shown their own",
    }


def definitions(
    options: Shares, backtest: pd.DataFrame, is_observed: bool, scope: Scope
) -> dict[str, str]:
    """Return the terms of the chapter."""
    share = scope.display.share
    potential_share, attained_share = options.potential_share, options.attained_share
    return {
        "Forecast": "revenue expected of customers who have ordered at least once, less returns: "
        "BG/NBD, Pareto/NBD and Gamma-Gamma, shared out by what earlier quarters taught; the total "
        "is weighed with what the same quarter a year ago tells",
        **_range_words(options, backtest, is_observed, scope),
        "Still buys": "chance that the customer has not left, by Pareto/NBD",
        "Potential": f"sales of a year that {share(potential_share, 0)} of customers of like order "
        "size, rhythm, region and industry stay below, never less than the forecast",
        "Untapped": "potential less forecast of the year",
        "Target": f"amount that {share(attained_share, 0)} of like customers reached; those who "
        "buy more rarely share the target of a pool, because nobody could be fair to one of them",
        "Stretch": "amount that one in five like customers reached",
    }
