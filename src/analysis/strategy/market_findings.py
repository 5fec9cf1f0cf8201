"""The sentences of the market chapter; none says more than its range allows."""

from dataclasses import dataclass

import pandas as pd

from analysis.core.result import Decision, Finding
from analysis.core.scope import Scope
from analysis.strategy.market_checks import HALF
from analysis.strategy.market_options import MarketOptions
from analysis.strategy.market_share import NONE, RULE

_OLD_DAYS = 730
_OWNER = "managing director"


@dataclass(frozen=True)
class Told:
    """What the sentences are made from: regions, totals, and what could not be used."""

    regions: pd.DataFrame
    totals: dict[str, dict[str, float]]
    refused: pd.DataFrame
    unusable: pd.DataFrame


def findings(told: Told, tables: dict[str, pd.DataFrame], scope: Scope) -> tuple[Finding, ...]:
    """Return what the market holds and where."""
    found = [_whole(told.totals, scope), _largest(told.regions, scope)]
    found += [_pair(tables["region_categories"], scope), _rule(told.regions, scope)]
    found += [_above(told.regions, scope), _refused(told.refused, scope)]
    found += [_unusable(told.unusable, scope), _lists(tables["cross_check"], scope)]
    return tuple(finding for finding in found if finding is not None)


def _whole(totals: dict[str, dict[str, float]], scope: Scope) -> Finding:
    amount, untapped = scope.display.amount, totals["untapped"]
    low, mid, high = (_part(totals["share"][part], scope) for part in ("low", "mid", "high"))
    return Finding(
        f"About {mid} of the market is ours; {amount(untapped['mid'])} a year is not.",
        f"80 % range: {low} to {high}, and "
        f"{amount(untapped['low'])} to {amount(untapped['high'])}. Outside numbers are estimates, "
        "and what is not ours is not all to be won.",
        metric="untapped_amount",
        value=untapped["mid"],
        low=untapped["low"],
        high=untapped["high"],
    )


def _part(share: float, scope: Scope) -> str:
    """A share with so many digits that a small one is not said to be nothing."""
    return scope.display.share(share, 0 if share >= 0.02 else 1)


def _largest(table: pd.DataFrame, scope: Scope) -> Finding:
    first, amount = table.iloc[0], scope.display.amount
    if len(table) == 1:
        return Finding(f"One region has an estimate: {first['region_name']}.")
    is_clear, rival = _rival(table)
    verb = "is" if is_clear else "may be"
    caution = "" if is_clear else f" {rival['region_name']} is too close to tell apart."
    return Finding(
        f"The largest untapped market {verb} {first['region_name']}: "
        f"{amount(first['untapped_mid_amount'])} a year.",
        f"80 % range {amount(first['untapped_low_amount'])} to "
        f"{amount(first['untapped_high_amount'])}.{caution}",
    )


def _rival(table: pd.DataFrame) -> tuple[bool, pd.Series]:
    """Whether the first row is clearly the largest, and the row that may be larger than it."""
    others = table.iloc[1:].reset_index(drop=True)
    rival = others.loc[others["untapped_high_amount"].idxmax()]
    return bool(table.iloc[0]["untapped_low_amount"] > rival["untapped_high_amount"]), rival


def _pair(table: pd.DataFrame, scope: Scope) -> Finding | None:
    """Name the region and category with most left, where our own sales by category are known."""
    if "untapped_mid_amount" not in table or len(table) < 2:
        return None
    first, (is_clear, rival) = table.iloc[0], _rival(table)
    amount = scope.display.amount
    ours = _part(first["penetration_mid_share"], scope)
    caution = (
        ""
        if is_clear
        else f" {rival['product_category']} in {rival['region_name']} is too close to tell apart."
    )
    return Finding(
        f"By region and category most {'is' if is_clear else 'may be'} untapped in "
        f"{first['product_category']}, {first['region_name']}: "
        f"{amount(first['untapped_mid_amount'])} a year.",
        f"80 % range {amount(first['untapped_low_amount'])} to "
        f"{amount(first['untapped_high_amount'])}; {ours} of it is "
        f"ours.{caution}",
    )


def _rule(table: pd.DataFrame, scope: Scope) -> Finding | None:
    """Say of how many regions the target is only the rule."""
    count = scope.display.count
    by_rule, without = (int((table["basis"] == basis).sum()) for basis in (RULE, NONE))
    if not by_rule + without:
        return None
    what = "the region" if len(table) == 1 else f"{count(by_rule)} of {count(len(table))} regions"
    head = f"In {what} the target share is the rule, not an estimate." if by_rule else ""
    tail = (
        f" Without a number of competitors there is no target: {_regions(without, '', scope)}."
        if without
        else ""
    )
    return Finding(
        (head + tail).strip(),
        "Nothing is known of competitors there but their number. A table market_competitors with "
        "their coverage, prices and people makes it an estimate.",
    )


def _above(table: pd.DataFrame, scope: Scope) -> Finding | None:
    above = table[table["is_above_rule"]]
    if above.empty:
        return None
    share = scope.display.share
    names = ", ".join(
        f"{row.region_name} {share(row.penetration_mid_share, 0)}" for row in above.itertuples()
    )
    return Finding(
        f"In {_regions(len(above), 'crowded', scope)} we have more than the rule allows.",
        f"{names}. The present share stays the target: the rule is a prior, no law.",
    )


def _regions(count: int, kind: str, scope: Scope) -> str:
    number = "one" if count == 1 else scope.display.count(count)
    return f"{number} {kind} {'region' if count == 1 else 'regions'}".replace("  ", " ")


def _refused(refused: pd.DataFrame, scope: Scope) -> Finding | None:
    if refused.empty:
        return None
    count = scope.display.count
    names = "; ".join(
        f"{row.region_id}: {count(row.customer_count)} customers of ours, market of "
        f"{count(row.stated_count)}"
        for row in refused.itertuples()
    )
    return Finding(
        f"In {_regions(len(refused), '', scope)} the stated market is smaller than our customer "
        "list.",
        f"{names}. None of it is in any number here until the estimate is mended.",
    )


def _unusable(unusable: pd.DataFrame, scope: Scope) -> Finding | None:
    left_out = scope.display.count(unusable["region_id"].nunique())
    unusable = unusable[unusable["problem"] != HALF]
    if unusable.empty:
        return None
    first = unusable.iloc[0]
    name = ", ".join(str(first[n]) for n in ("region_id", "product_category") if first[n])
    more = (
        f" {scope.display.count(len(unusable) - 1)} more stand below." if len(unusable) > 1 else ""
    )
    count = scope.display.count(len(unusable))
    whole = f"{count} outside numbers" if len(unusable) > 1 else "One outside number"
    return Finding(
        f"{whole} cannot be right, and nothing here rests on {'them' if more else 'it'}.",
        f"{name}: {first['problem']}.{more} Regions left out whole, with our revenue there: "
        f"{left_out}.",
    )


def _lists(check: pd.DataFrame, scope: Scope) -> Finding | None:
    check = check[check["is_agreed"].notna()]
    if check.empty:
        return None
    count, share, amount = scope.display.count, scope.display.share, scope.display.amount
    top, bottom = (check[f"{name}_mid_amount"].sum() for name in ("potential", "bottom_up"))
    return Finding(
        f"Two outside lists agree with the stated number of organisations in "
        f"{count(check['is_agreed'].sum())} of {count(len(check))} regions.",
        f"Together they point to {count(check['two_lists_count'].sum())}, the estimates say "
        f"{count(check['stated_count'].sum())}; counted from below the market is {amount(bottom)}, "
        f"from above {amount(top)}. By chance alone {share(0.8, 0)} would agree; lists that copy "
        "each other point too low.",
    )


def decisions(told: Told, planning_years: int, scope: Scope) -> tuple[Decision, ...]:
    """Return what only leaders can decide: where to grow first, which estimate to mend.

    First comes the region where most can be won in the planning years at our fastest usual growth;
    where that is not known, the one whose target is furthest.
    """
    table, due = told.regions, scope.next_period.last_day
    # A target that is the present share asks for nothing.
    open_regions = table[table["target_mid_amount"] > 1.01 * table["revenue_year_amount"]]
    asked = []
    if len(open_regions):
        soon = open_regions["reachable_share"] * open_regions["potential_mid_amount"]
        gain = soon - open_regions["revenue_year_amount"]
        whole = open_regions["target_mid_amount"] - open_regions["revenue_year_amount"]
        is_known = bool(gain.notna().any())
        first = (gain if is_known else whole).idxmax()
        worth = float((gain if is_known else whole)[first])
        text = _aim(open_regions.loc[first], worth, planning_years if is_known else 0, scope)
        asked.append(Decision(text, worth_amount=worth, owner=_OWNER, due_on=due))
    wrong = sorted({*told.refused["region_id"], *told.unusable["region_id"]})
    if wrong:
        names = ", ".join(wrong[:5]) + (", ..." if len(wrong) > 5 else "")
        text = f"Who mends the outside numbers of {names}?"
        asked.append(Decision(text, owner="data owner", due_on=due))
    return tuple(asked)


def _aim(row: pd.Series, worth: float, planning_years: int, scope: Scope) -> str:
    share, gain = scope.display.share(row["target_mid_share"], 0), scope.display.amount(worth)
    aim = f"Aim at {share} of {row['region_name']}?"
    if not planning_years:
        return f"{aim} That would be {gain} more a year, and how long it takes is not known."
    number = "one year" if planning_years == 1 else f"{planning_years} years"
    return f"{aim} At our fastest usual growth {number} would bring {gain} more a year."


def caveats(
    told: Told, tables: dict[str, pd.DataFrame], mine: pd.DataFrame, scope: Scope
) -> tuple[str, ...]:
    """Return the limits of what the chapter says."""
    table = told.regions
    texts = ["Spend of regular buyers only; others buy too, but nobody can plan with them."]
    age = (pd.Timestamp(scope.as_of) - table["known_on"].min()).days
    if age > _OLD_DAYS:
        day = scope.display.day(table["known_on"].min().date())
        texts.append(f"The oldest outside number is of {day}.")
    missing = mine[~mine["region_id"].isin(table["region_id"])]
    if len(missing):
        amount = scope.display.amount(missing["revenue_year_amount"].sum())
        texts.append(f"{amount} a year comes from regions without a usable estimate.")
    texts.append(
        "The time to a target takes the market as it is now and growth as it usually was in a good "
        "year."
    )
    if tables["estimates"]["is_shrunk"].any():
        texts.append(
            "Few answers of a region count less: its share of regular buyers is drawn to that of "
            "all regions."
        )
    return (*texts, *_category_limits(tables))


def _category_limits(tables: dict[str, pd.DataFrame]) -> list[str]:
    table = tables["categories"]
    if "sale_year_amount" not in table:
        return ["Our sales by product category are not known, so no part of a category is."]
    nothing = table.loc[table["sale_year_amount"] <= 0, "product_category"].tolist()
    if not nothing:
        return []
    return [
        f"We sell nothing under the name of {', '.join(nothing[:4])}: a market to be entered, or "
        "another name than in our products."
    ]


def definitions(options: MarketOptions, scope: Scope) -> dict[str, str]:
    """Return what each term of the chapter means."""
    share = scope.display.share
    ends = f"{share(options.ceiling_low_share, 0)} to {share(options.ceiling_high_share, 0)}"
    return {
        "Market": "Organisations that regularly buy this kind of service times what one of them "
        "spends in a year; ranges of both are carried through by simulation.",
        "Our part": "Revenue of the last four quarters over the market; at most all of it.",
        "Target share": "Our part of the strength of all who compete, where their coverage, prices "
        "and people are known (Bell, Keeney and Little 1975; elasticities from the literature); "
        "else a fair share of all who compete, which is the rule, not an estimate. In a crowded "
        f"market ({options.crowded_competitors} competitors or more) it is held to {ends}. Never "
        "below the present share.",
        "Reachable": f"Our share in {options.planning_years} years at the fastest growth that was "
        "usual, at most the target.",
        "Two lists": "How many organisations there must be, from how far two lists overlap "
        "(Chapman 1951).",
    }
