"""The sentences of the revenue chapter; none says more than its interval allows."""

from dataclasses import dataclass, replace

import pandas as pd

from analysis.core.periods import Period
from analysis.core.result import Decision, Finding
from analysis.core.scope import Scope
from analysis.core.statistics import detectable_lift, share_difference_interval
from analysis.customers.revenue_gone import back_shares, experience, gone_by_quarter
from analysis.customers.revenue_usual import usual_gone

# A trial that only a larger lift would decide is not worth asking for.
_LARGEST_LIFT = 0.5
# Fees and bad debt below this share of revenue are not worth a leader's time.
_DOUBTFUL_SHARE = 0.01
# A customer who alone makes so much of the change is named.
_ALONE_SHARE = 0.1


@dataclass(frozen=True)
class Parts:
    """What the change of revenue is made of, who made most of it, and how much of it is usual."""

    base: Period | None  # what it is a change on
    bridge: pd.DataFrame
    changes: pd.DataFrame
    usual: tuple[float, float] | None = None


def findings(
    quarters: pd.DataFrame,
    parts: Parts,
    gone: pd.DataFrame,
    scope: Scope,
    confidence_share: float,
) -> tuple[Finding, ...]:
    """Return what happened, most money first."""
    sentences = [
        _change_finding(quarters, parts, scope),
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


def _change_finding(quarters: pd.DataFrame, parts: Parts, scope: Scope) -> Finding | None:
    base = parts.base
    if base is None:
        return None
    revenue = quarters.set_index("period")["revenue_amount"]
    now, then = revenue[scope.period.name], revenue[base.name]
    change = now - then
    display = scope.display
    low, high = parts.usual or (None, None)
    claim = Finding(
        f"Revenue equals that of {base}.",
        metric="revenue",
        comparison=base.name,
        value=float(change),
        rank=float(abs(change)) or float(abs(now)),
        usual_low=low,
        usual_high=high,
    )
    if not change:
        return claim
    # A relative change has no meaning when the base is negative or zero.
    relative = f" ({display.change(change / then)})" if then > 0 else ""
    verb = "up" if change > 0 else "down"
    chance = ", no more than chance brings" if claim.is_unusual is False else ""
    text = f"Revenue is {verb} {display.amount(abs(change))} on {base}{relative}{chance}."
    return replace(claim, text=text, detail=_change_detail(parts, float(change), scope))


def _change_detail(parts: Parts, change: float, scope: Scope) -> str:
    """Say what the change is made of, and who alone made much of it."""
    bridge = parts.bridge[parts.bridge["amount"] != 0]
    order = bridge["amount"].abs().sort_values(ascending=False).index
    text = "; ".join(
        f"{row.part.lower()} {_signed(row.amount, scope)}" for row in bridge.loc[order].itertuples()
    )
    words = [f"It splits exactly into: {text}."]
    if not parts.changes.empty:
        largest = parts.changes.iloc[0]
        own = float(largest["change_amount"])
        if own * change > 0 and abs(own) >= _ALONE_SHARE * abs(change):
            words.append(f"Customer {largest['customer_id']} alone: {_signed(own, scope)}.")
    if parts.usual is not None:
        ends = [_signed(end, scope) for end in parts.usual]
        words.append(f"Chance alone would bring {ends[0]} to {ends[1]}.")
    return " ".join(words)


def _bought_again_finding(
    quarters: pd.DataFrame, scope: Scope, confidence_share: float
) -> Finding | None:
    rows = quarters.set_index("period")
    previous, base = scope.previous_period, scope.year_before
    base_previous = scope.calendar.shift(base, -1)
    whole = set(quarters.loc[quarters["is_whole"], "period"])
    display = scope.display
    if scope.is_cut_short or previous.name not in whole or not rows["active_count"][previous.name]:
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
    if now.empty or scope.is_cut_short:
        return None
    display, previous = scope.display, scope.previous_period
    amount = now["before_amount"].sum()
    detail = f"They spent {display.amount(amount)} in {previous}.{experience(gone, scope)}"
    earlier = gone_by_quarter(gone[gone["period"] != scope.period.name])["gone_count"]
    low, high = usual_gone(gone, scope.period.name) or (None, None)
    claim = Finding(
        f"{display.count(len(now))} of {previous}'s top customers bought nothing.",
        detail,
        metric="gone_count",
        comparison=previous.name,
        value=float(len(now)),
        usual_low=low,
        usual_high=high,
    )
    is_first_seen = earlier.empty or len(now) > earlier.max()
    is_shown = is_first_seen if claim.is_unusual is None else claim.is_unusual
    return replace(claim, rank=float(amount) if is_shown else 0.0)


def _call_decision(gone: pd.DataFrame, scope: Scope) -> Decision | None:
    now = gone[gone["period"] == scope.period.name]
    back = back_shares(gone)
    lift = detectable_lift(len(now) // 2, float(back.mean())) if not back.empty else 1.0
    if lift > _LARGEST_LIFT or scope.is_cut_short:
        return None
    return Decision(
        f"Call a random half of the {scope.display.count(len(now))} silent top customers? Only a "
        f"lift near {100 * lift:.0f} points would show in one {scope.unit}.",
        worth_amount=float(now["before_amount"].sum()),
        metric="gone_count",
    )


def _no_customer_decision(quarters: pd.DataFrame, scope: Scope) -> Decision | None:
    row = quarters.iloc[-1]
    if not row["no_customer_share"] > 0:
        return None
    share = scope.display.share(row["no_customer_share"])
    return Decision(
        f"Who owns missing customer numbers? {share} of revenue cannot be steered.",
        worth_amount=float(row["no_customer_share"] * row["revenue_amount"]),
        metric="no_customer_share",
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
