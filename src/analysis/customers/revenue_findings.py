"""The sentences of the revenue chapter; none says more than its interval allows."""

import pandas as pd

from analysis.core.periods import Period
from analysis.core.result import Decision, Finding
from analysis.core.scope import Scope
from analysis.core.statistics import detectable_lift, share_difference_interval
from analysis.customers.revenue_bridge import compared_period

# A trial that only a larger lift would decide is not worth asking for.
_LARGEST_LIFT = 0.5
# Fees and bad debt below this share of revenue are not worth a leader's time.
_DOUBTFUL_SHARE = 0.01
# A share of fewer silent customers than this says nothing.
_FEWEST_GONE = 20
# Quarters of experience with silent customers that a sentence needs.
_FEWEST_QUARTERS = 3


def gone_customers(
    customer_periods: pd.DataFrame, quarters: pd.DataFrame, scope: Scope, top_share: float
) -> pd.DataFrame:
    """Return top customers of one quarter without an order in the next, for every quarter.

    Columns: period (in which they ordered nothing), customer_id, before_amount (their revenue of
    the quarter before), is_back (ordered again in the quarter after; missing for the scope's
    quarter). Top are the `top_share` with most revenue among the active of the quarter before,
    which the data must hold in whole.
    """
    ordered = customer_periods[customer_periods["order_count"] > 0]
    whole = set(quarters.loc[quarters["is_whole"], "period"])
    parts = []
    for name in quarters["period"]:
        period = scope.calendar.parse(name)
        before = scope.calendar.shift(period, -1).name
        if before in whole:
            top = _top_customers(ordered[ordered["period"] == before], top_share)
            after = scope.calendar.shift(period, 1)
            parts.append(_gone_in(top, ordered, period, after, scope))
    columns = ["period", "customer_id", "before_amount", "is_back"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _top_customers(active: pd.DataFrame, top_share: float) -> pd.DataFrame:
    """The top by revenue; ties by id, so that the list does not depend on the order of rows."""
    amounts = active.assign(before_amount=active["revenue_amount"].astype(float))
    ranked = amounts.sort_values(["before_amount", "customer_id"], ascending=[False, True])
    return ranked.head(round(top_share * len(active)))


def _gone_in(
    top: pd.DataFrame, ordered: pd.DataFrame, period: Period, after: Period, scope: Scope
) -> pd.DataFrame:
    now = ordered.loc[ordered["period"] == period.name, "customer_id"]
    later = ordered.loc[ordered["period"] == after.name, "customer_id"]
    gone = top.loc[~top["customer_id"].isin(now), ["customer_id", "before_amount"]]
    is_back = gone["customer_id"].isin(later).astype("boolean")
    if after.ends_before > scope.period.ends_before:
        is_back = is_back.mask(is_back.notna())
    return gone.assign(period=period.name, is_back=is_back)[
        ["period", "customer_id", "before_amount", "is_back"]
    ]


def findings(
    quarters: pd.DataFrame,
    bridge: pd.DataFrame,
    gone: pd.DataFrame,
    scope: Scope,
    confidence_share: float,
) -> tuple[Finding, ...]:
    """Return what happened, most money first."""
    sentences = [
        _change_finding(quarters, bridge, scope),
        _bought_again_finding(quarters, scope, confidence_share),
        _gone_finding(gone, scope),
    ]
    return tuple(finding for finding in sentences if finding is not None)


def decisions(
    quarters: pd.DataFrame, company_days: pd.DataFrame, gone: pd.DataFrame, scope: Scope
) -> tuple[Decision, ...]:
    """Return the questions that only leaders can answer, each with what hangs on it."""
    asked = [_call_decision(gone, scope), _no_customer_decision(quarters, scope)]
    asked.append(_kinds_decision(company_days, scope))
    return tuple(decision for decision in asked if decision is not None)


def _change_finding(quarters: pd.DataFrame, bridge: pd.DataFrame, scope: Scope) -> Finding | None:
    base = compared_period(quarters, scope)
    if base is None:
        return None
    revenue = quarters.set_index("period")["revenue_amount"]
    now, then = revenue[scope.period.name], revenue[base.name]
    change = now - then
    display = scope.display
    if not then or not change:
        return Finding(f"Revenue equals that of {base}.", rank=abs(now))
    # A relative change has no meaning when the base is negative or zero.
    relative = f" ({display.change(change / then)})" if then > 0 else ""
    verb = "up" if change > 0 else "down"
    parts = bridge[bridge["amount"] != 0]
    order = parts["amount"].abs().sort_values(ascending=False).index
    text = "; ".join(
        f"{row.part.lower()} {_signed(row.amount, scope)}" for row in parts.loc[order].itertuples()
    )
    return Finding(
        f"Revenue is {verb} {display.amount(abs(change))} on {base}{relative}.",
        f"It splits exactly into: {text}.",
        metric="revenue",
        comparison=base.name,
        value=float(change),
        rank=float(abs(change)),
    )


def _bought_again_finding(
    quarters: pd.DataFrame, scope: Scope, confidence_share: float
) -> Finding | None:
    rows = quarters.set_index("period")
    previous, base = scope.previous_period, scope.year_before
    base_previous = scope.calendar.shift(base, -1)
    whole = set(quarters.loc[quarters["is_whole"], "period"])
    display = scope.display
    if previous.name not in whole or not rows["active_count"].get(previous.name, 0):
        return None
    now = (int(rows["kept_count"][scope.period.name]), int(rows["active_count"][previous.name]))
    share = display.share(now[0] / now[1])
    start = f"{share} of {previous}'s buyers bought again"
    if base_previous.name not in whole or not rows["active_count"][base_previous.name]:
        return Finding(f"{start}.", metric="bought_again", value=now[0] / now[1])
    then = (int(rows["kept_count"][base.name]), int(rows["active_count"][base_previous.name]))
    low, high = share_difference_interval(now, then, confidence_share)
    # An end that is printed as 0.0 points is not off nought.
    ends = [round(100 * end, 1) for end in (low, high)]
    verdict = (
        "more than" if ends[0] > 0 else "fewer than" if ends[1] < 0 else "too close to call against"
    )
    change = now[0] / now[1] - then[0] / then[1]
    return Finding(
        f"{start}, {verdict} a year ago ({display.share(then[0] / then[1])}).",
        f"{display.points(change)} points; {display.share(confidence_share, 0)} range "
        f"{display.points(low)} to {display.points(high)}.",
        metric="bought_again",
        comparison=base.name,
        value=change,
        low=low,
        high=high,
    )


def _gone_finding(gone: pd.DataFrame, scope: Scope) -> Finding | None:
    now = gone[gone["period"] == scope.period.name]
    if now.empty:
        return None
    display, previous = scope.display, scope.previous_period
    amount = now["before_amount"].sum()
    detail = f"They spent {display.amount(amount)} in {previous}.{_experience(gone, scope)}"
    return Finding(
        f"{display.count(len(now))} of {previous}'s top customers bought nothing.",
        detail,
        metric="gone_amount",
        comparison=previous.name,
        value=float(amount),
        rank=float(amount),
    )


def _experience(gone: pd.DataFrame, scope: Scope) -> str:
    """Say how many such customers came back; a range of shares only where quarters have many."""
    display, known = scope.display, gone.dropna(subset=["is_back"])
    shares, quarters = _back_shares(gone), known["period"].nunique()
    if quarters < _FEWEST_QUARTERS:
        return ""
    if known.groupby("period").size().min() >= _FEWEST_GONE:
        return (
            f" In {quarters} earlier quarters {display.share(shares.min(), 0)} to "
            f"{display.share(shares.max(), 0)} of such customers were back one quarter later."
        )
    back = display.count(known["is_back"].sum())
    return (
        f" In {quarters} earlier quarters {back} of {display.count(len(known))} such customers "
        "were back one quarter later."
    )


def _back_shares(gone: pd.DataFrame) -> pd.Series:
    known = gone.dropna(subset=["is_back"])
    return known["is_back"].astype(float).groupby(known["period"]).mean()


def _call_decision(gone: pd.DataFrame, scope: Scope) -> Decision | None:
    now = gone[gone["period"] == scope.period.name]
    back = _back_shares(gone)
    lift = detectable_lift(len(now) // 2, float(back.mean())) if not back.empty else 1.0
    if lift > _LARGEST_LIFT:
        return None
    return Decision(
        f"Call a random half of the {scope.display.count(len(now))} silent top customers? Only a "
        f"lift near {100 * lift:.0f} points would show in one quarter.",
        worth_amount=float(now["before_amount"].sum()),
    )


def _no_customer_decision(quarters: pd.DataFrame, scope: Scope) -> Decision | None:
    row = quarters.iloc[-1]
    if not row["no_customer_share"] > 0:
        return None
    share = scope.display.share(row["no_customer_share"])
    return Decision(
        f"Who owns missing customer numbers? {share} of revenue cannot be steered.",
        worth_amount=float(row["no_customer_share"] * row["revenue_amount"]),
    )


def _kinds_decision(company_days: pd.DataFrame, scope: Scope) -> Decision | None:
    """Ask whether fees and bad debt are revenue, when they count and are not zero."""
    start, end = pd.Timestamp(scope.period.starts_on), pd.Timestamp(scope.period.ends_before)
    days = company_days[(company_days["day"] >= start) & (company_days["day"] < end)]
    doubtful = days[days["kind"].isin(["fee", "bad_debt"]) & days["is_revenue"]]
    sums = doubtful["amount"].astype(float).groupby(doubtful["kind"].astype(str)).sum()
    revenue = days.loc[days["is_revenue"], "amount"].astype(float).sum()
    sums = sums[sums != 0]
    if not sums.abs().sum() > _DOUBTFUL_SHARE * abs(revenue):
        return None
    names = {"fee": "fees", "bad_debt": "bad debt"}
    listed = " and ".join(f"{names[k]} ({_signed(v, scope)})" for k, v in sums.items())
    rest = scope.display.exact_amount(revenue - sums.sum())
    return Decision(
        f"Are {listed} revenue? Without them it is {rest}.",
        worth_amount=float(abs(sums.sum())),
    )


def _signed(amount: float, scope: Scope) -> str:
    text = scope.display.amount(amount)
    return f"+{text}" if amount > 0 else text
