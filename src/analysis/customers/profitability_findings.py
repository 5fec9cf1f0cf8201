"""The sentences of the profit chapter; none says more than its interval allows."""

from dataclasses import dataclass

import pandas as pd

from analysis.core.result import Decision, Finding
from analysis.core.scope import Scope
from analysis.customers.profitability_customers import exact_sum
from analysis.customers.profitability_hours import ServedHours
from analysis.customers.profitability_later import Later, loss_again_interval
from analysis.customers.profitability_options import ProfitabilityOptions

_WORTH_ASKING = 0.005  # of all profit, that losing customers take away
_FEWEST_LOSERS = 10  # of whom a share is worth saying


@dataclass(frozen=True)
class Profit:
    """What the chapter speaks of: every customer, the balance, hours, the earlier top group."""

    customers: pd.DataFrame
    balance: pd.DataFrame
    hours: ServedHours
    later: Later | None
    options: ProfitabilityOptions

    @property
    def is_charged(self) -> bool:
        """Whether hours are charged to customers."""
        return self.hours.is_enough(self.options.least_coverage_share)

    @property
    def is_more_than_margin(self) -> bool:
        """Whether anything but the cost of the lines is deducted."""
        return self.is_charged or self.options.cost_per_order_amount > 0

    @property
    def word(self) -> str:
        """What profit is called: margin, or contribution where more is deducted."""
        return "contribution" if self.is_more_than_margin else "margin"

    @property
    def known(self) -> pd.DataFrame:
        """Customers with a known profit."""
        return self.customers[self.customers["profit_amount"].notna()]

    @property
    def losers(self) -> pd.DataFrame:
        """Customers with a profit below 0."""
        return self.known[self.known["profit_amount"] < 0]

    @property
    def total(self) -> float:
        """Profit of all known customers."""
        return exact_sum(self.known["profit_amount"])

    @property
    def top_words(self) -> str:
        """The top group in words."""
        share = self.options.top_share
        return "the top fifth" if share == 0.2 else f"the top {100 * share:.0f} %"

    @property
    def top_share_of_profit(self) -> float | None:
        """Share of the profit that the top customers make; None when there is no profit."""
        profit = self.known["profit_amount"]
        if not len(profit) or self.total <= 0:
            return None
        cut = profit.quantile(1 - self.options.top_share, interpolation="higher")
        return exact_sum(profit[profit >= cut]) / self.total


def findings(profit: Profit, scope: Scope) -> tuple[Finding, ...]:
    """Return what stands out, in order of the chapter."""
    sentences = [
        _top_finding(profit, scope),
        _loss_finding(profit, scope),
        _later_finding(profit, scope),
        _hours_finding(profit, scope),
        _taken_finding(profit, scope),
        _unknown_finding(profit, scope),
    ]
    return tuple(finding for finding in sentences if finding is not None)


def decisions(profit: Profit, scope: Scope) -> tuple[Decision, ...]:
    """Return what leaders are asked, with the money that it is about."""
    asked = []
    lost = -exact_sum(profit.losers["profit_amount"])
    if lost > _WORTH_ASKING * max(profit.total, 1.0):
        count = _customers(len(profit.losers), scope)
        asked.append(
            Decision(
                f"New prices, fees or less service for {count} who lose money?", lost, metric="loss"
            )
        )
    if not profit.is_charged and profit.hours.total_hours > 0:
        amount = profit.hours.total_hours * profit.options.cost_per_hour_amount
        asked.append(
            Decision(
                "Log hours by customer? Time for customers is a large cost that nobody can assign.",
                round(amount, 2),
                metric="service_coverage",
            )
        )
    return tuple(asked)


def caveats(profit: Profit, scope: Scope) -> tuple[str, ...]:
    """Return the limits, in plain words."""
    display, options = scope.display, profit.options
    rate = display.exact_amount(options.cost_per_hour_amount, 2)
    texts = [
        "Profit is past: a list of the best always looks better than its customers will be. "
        "Judge them by the next period, shown here for an earlier list."
    ]
    if profit.is_charged:
        share = display.share(profit.hours.coverage_share, 0)
        texts.append(
            f"An hour is taken to cost {rate} (option cost_per_hour_amount). Only logged hours "
            f"are charged, {share} of {profit.hours.coverage_of}: true costs are higher."
        )
    if options.cost_per_order_amount:
        cost = display.exact_amount(options.cost_per_order_amount, 2)
        texts.append(f"Handling an order is taken to cost {cost} (option cost_per_order_amount).")
    if scope.is_cut_short:
        texts.append("The data end before the quarter does: its part of the year is not whole.")
    if profit.later and profit.later.excluded_count:
        count = _customers(profit.later.excluded_count, scope)
        texts.append(f"{count} with a cost missing are left out of the check of the top group.")
    return tuple(texts)


def _top_finding(profit: Profit, scope: Scope) -> Finding | None:
    share = profit.top_share_of_profit
    if share is None:
        return None
    earning = int((profit.known["profit_amount"] > 0).sum())
    total = scope.display.amount(profit.total)
    return Finding(
        f"{_capital(profit.top_words)} of customers bring {scope.display.share(share, 0)} of the "
        f"{profit.word}.",
        f"{total} in the last four quarters, from {_customers(len(profit.known), scope)} whose "
        f"costs are known; {scope.display.count(earning)} of them earn money.",
        metric="top_profit_share",
        value=share,
    )


def _loss_finding(profit: Profit, scope: Scope) -> Finding | None:
    losers, display = profit.losers, scope.display
    if profit.known.empty:
        return None
    if losers.empty:
        return Finding(f"No customer has a {profit.word} below zero.", metric="loss", value=0.0)
    lost = -exact_sum(losers["profit_amount"])
    reasons = losers["reason"].where(losers["reason"] != "", "none").value_counts()
    listed = ", ".join(f"{reason} ({display.count(n)})" for reason, n in _ordered(reasons))
    again = _again_words(profit.later, scope)
    verb = "customer loses" if len(losers) == 1 else "customers lose"
    return Finding(
        f"{display.count(len(losers))} {verb} money: {display.amount(lost)} in a year.",
        f"What takes most away: {listed}.{again}",
        metric="loss",
        value=lost,
        rank=lost if lost > _WORTH_ASKING * max(profit.total, 1.0) else 0.0,
    )


def _ordered(counts: pd.Series) -> list[tuple[str, int]]:
    return sorted(((str(k), int(v)) for k, v in counts.items()), key=lambda pair: (-pair[1], pair))


def _again_words(later: Later | None, scope: Scope) -> str:
    if later is None or later.loss_again[1] == 0:
        return ""
    again, before = later.loss_again
    count = scope.display.count
    text = f" Of {count(before)} who lost in {later.chosen_on}, {count(again)} lost again in"
    if before < _FEWEST_LOSERS:
        return f"{text} {later.judged_on}: too few to say whether losing lasts."
    low, high = loss_again_interval(later)
    ends = f"{scope.display.share(low, 0)} to {scope.display.share(high, 0)}"
    return f"{text} {later.judged_on} (80 % range of the share {ends})."


def _later_finding(profit: Profit, scope: Scope) -> Finding | None:
    later, share = profit.later, scope.display.share
    if later is None:
        return None
    low, high = (share(max(0.0, end), 0) for end in later.kept_interval)
    start = (
        f"{_capital(profit.top_words)} of {later.chosen_on} fell from "
        f"{share(later.before_share, 0)} to {share(later.after_share, 0)} of the margin in "
        f"{later.judged_on}"
    )
    if later.after_share >= later.before_share:
        start = start.replace(" fell from ", " went from ")
    end = {
        "mostly luck": "most of that lead was luck: do not build on this list.",
        "not clear": "whether that lead lasts cannot be concluded.",
        "lasting": "most of that lead lasts.",
    }[later.verdict(profit.options.kept_share)]
    return Finding(
        f"{start}; {end}",
        f"Luck alone would leave {share(later.luck_share, 0)}; {share(later.shrunk_share, 0)} is "
        f"to be expected if nobody changed but luck did. {low} to {high} of the lead is left (80 % "
        f"range); {scope.display.count(later.still_top_count)} of "
        f"{scope.display.count(later.top_count)} are still among the top.",
        metric="top_group_later",
        comparison=later.chosen_on,
        value=later.after_share,
        low=later.after_low_share,
        high=later.after_high_share,
    )


def _hours_finding(profit: Profit, scope: Scope) -> Finding:
    hours, display = profit.hours, scope.display
    if profit.is_charged:
        cost = -exact_sum(profit.known["service_cost_amount"])
        served = profit.known["service_hours"].sum()
        rest = display.count(hours.by_customer.sum() - served)
        return Finding(
            f"Serving customers takes {display.count(served)} logged hours a year, "
            f"{display.amount(cost)}.",
            f"Logged is {display.share(hours.coverage_share, 0)} of {hours.coverage_of}. {rest} "
            "more hours went to those who bought nothing or whose cost is not known.",
            metric="service_cost",
            value=cost,
        )
    if hours.by_customer.empty:
        text = "What it costs to serve a customer is not known: no hours are logged by customer."
        return Finding(text, _total_words(profit, scope))
    share = display.share(hours.coverage_share, 0)
    return Finding(
        f"What it costs to serve each customer cannot be said: only {share} is logged.",
        f"That is a share of {hours.coverage_of}; at least "
        f"{display.share(profit.options.least_coverage_share, 0)} is asked for. "
        f"{_total_words(profit, scope)}".strip(),
        metric="service_coverage",
        value=hours.coverage_share,
    )


def _total_words(profit: Profit, scope: Scope) -> str:
    hours, display = profit.hours, scope.display
    if not hours.total_hours > 0:
        return ""
    rate = profit.options.cost_per_hour_amount
    low, high = hours.total_low_hours * rate, hours.total_high_hours * rate
    margin = profit.balance["margin_amount"].iloc[-1]
    part = f", {display.share(hours.total_hours * rate / margin, 0)} of the margin"
    return (
        f"All customers together take about {display.count(round(hours.total_hours, -2))} hours a "
        f"year by the time records: {display.amount(low)} to {display.amount(high)} at "
        f"{display.exact_amount(rate, 2)} an hour (80 % range){part if margin > 0 else ''}."
    )


def _taken_finding(profit: Profit, scope: Scope) -> Finding | None:
    """Say which part takes most from the usual margin."""
    known, amount = profit.known, scope.display.amount
    sums = {
        "returns": exact_sum(known["return_amount"]),
        "credits, fees and bad debt": exact_sum(known["other_amount"]),
        "handling of orders": exact_sum(known["order_cost_amount"]),
        "hours": exact_sum(known["service_cost_amount"]),
    }
    usual = exact_sum(known["usual_amount"])
    listed = [f"{name} {amount(-value)}" for name, value in sums.items() if value < 0]
    if not listed:
        return None
    return Finding(
        f"Of {amount(usual)} that the year's sales earned, {amount(usual - profit.total)} was lost "
        "again.",
        f"By {', '.join(listed)}.",
        metric="lost_margin",
        value=usual - profit.total,
    )


def _unknown_finding(profit: Profit, scope: Scope) -> Finding | None:
    unknown = profit.customers[profit.customers["margin_amount"].isna()]
    if unknown.empty:
        return None
    revenue = exact_sum(unknown["revenue_amount"])
    share = revenue / exact_sum(profit.customers["revenue_amount"])
    return Finding(
        f"The profit of {_customers(len(unknown), scope)} is not known: a cost is missing.",
        f"They are {scope.display.share(share)} of the customers' revenue, and are counted "
        "neither as earning nor as losing.",
        metric="unknown_cost",
        value=revenue,
    )


def _customers(count: int, scope: Scope) -> str:
    return f"{scope.display.count(count)} customer{'' if count == 1 else 's'}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
