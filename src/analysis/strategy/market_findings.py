"""The sentences of the market chapter; none says more than its range allows."""

import pandas as pd

from analysis.core.result import Decision, Finding
from analysis.core.scope import Scope
from analysis.strategy.market_options import MarketOptions

_OLD_DAYS = 730


def findings(
    table: pd.DataFrame,
    totals: dict[str, dict[str, float]],
    refused: pd.DataFrame,
    capture: pd.DataFrame,
    estimates: pd.DataFrame,
    scope: Scope,
) -> tuple[Finding, ...]:
    """Return what the market holds and where."""
    found = [_whole(totals, scope), _largest(table, scope), _above(table, scope)]
    found += [_refused(refused, scope), _lists(capture, estimates, scope)]
    return tuple(finding for finding in found if finding is not None)


def _whole(totals: dict[str, dict[str, float]], scope: Scope) -> Finding:
    amount, share = scope.display.amount, scope.display.share
    untapped, ours = totals["untapped"], totals["share"]
    return Finding(
        f"About {share(ours['mid'], 0)} of the market is ours; "
        f"{amount(untapped['mid'])} a year is not.",
        f"80 % range: {share(ours['low'], 0)} to {share(ours['high'], 0)}, and "
        f"{amount(untapped['low'])} to {amount(untapped['high'])}. Outside numbers are estimates, "
        "and what is not ours is not all to be won.",
        metric="untapped_amount",
        value=untapped["mid"],
        low=untapped["low"],
        high=untapped["high"],
    )


def _largest(table: pd.DataFrame, scope: Scope) -> Finding:
    first, amount = table.iloc[0], scope.display.amount
    if len(table) == 1:
        return Finding(f"One region has an estimate: {first['region_name']}.")
    second = table.iloc[1]
    is_clear = first["untapped_low_amount"] > second["untapped_mid_amount"]
    verb = "is" if is_clear else "may be"
    caution = "" if is_clear else f" {second['region_name']} is too close to tell apart."
    return Finding(
        f"The largest untapped market {verb} {first['region_name']}: "
        f"{amount(first['untapped_mid_amount'])} a year.",
        f"80 % range {amount(first['untapped_low_amount'])} to "
        f"{amount(first['untapped_high_amount'])}.{caution}",
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
        f"In {scope.display.count(len(above))} crowded regions we have more than the rule allows.",
        f"{names}. The present share stays the target: the rule is a prior, no law.",
    )


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
        f"In {count(len(refused))} regions the stated market is smaller than our customer list.",
        f"{names}. These regions are in no number here until their estimate is mended.",
    )


def _lists(capture: pd.DataFrame, estimates: pd.DataFrame, scope: Scope) -> Finding | None:
    if capture.empty:
        return None
    stated = estimates.groupby("region_id")["organisation_count"].max()
    both = capture.assign(stated_count=capture["region_id"].map(stated)).dropna()
    if both.empty:
        return None
    is_inside = both["stated_count"].between(
        both["organisation_low_count"], both["organisation_high_count"]
    )
    count, share = scope.display.count, scope.display.share
    return Finding(
        f"Two outside lists agree with the stated number of organisations in "
        f"{count(is_inside.sum())} of {count(len(both))} regions.",
        f"Together they point to {count(both['organisation_count'].sum())}, the estimates say "
        f"{count(both['stated_count'].sum())}. By chance alone {share(0.8, 0)} would agree; lists "
        "that copy each other point too low.",
    )


def decisions(table: pd.DataFrame, refused: pd.DataFrame, scope: Scope) -> tuple[Decision, ...]:
    """Return what only leaders can decide: where to grow first, which estimate to mend."""
    # A target that is the present share asks for nothing.
    open_regions = table[table["target_amount"] > 1.01 * table["revenue_year_amount"]]
    asked = []
    if len(open_regions):
        gain = open_regions["target_amount"] - open_regions["revenue_year_amount"]
        first = open_regions.loc[gain.idxmax()]
        share = scope.display.share(first["target_mid_share"], 0)
        asked.append(
            Decision(
                f"Aim at {share} of {first['region_name']}? That would be "
                f"{scope.display.amount(gain.max())} more a year.",
                worth_amount=float(gain.max()),
            )
        )
    if len(refused):
        asked.append(Decision(f"Who mends the estimates of {', '.join(refused['region_id'])}?"))
    return tuple(asked)


def caveats(
    table: pd.DataFrame, mine: pd.DataFrame, options: MarketOptions, scope: Scope
) -> tuple[str, ...]:
    """Return the limits of what the chapter says."""
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
    return tuple(texts)


def definitions(options: MarketOptions, scope: Scope) -> dict[str, str]:
    """Return what each term of the chapter means."""
    share = scope.display.share
    ends = f"{share(options.ceiling_low_share, 0)} to {share(options.ceiling_high_share, 0)}"
    return {
        "Market": "Organisations that regularly buy this kind of service times what one of them "
        "spends in a year; ranges of both are carried through by simulation.",
        "Our part": "Revenue of the last four quarters over the market; at most all of it.",
        "Target share": "A fair share of all who compete, in a crowded market "
        f"({options.crowded_competitors} competitors or more) held to {ends}; a rule until the "
        "strength of competitors is known. Never below the present share.",
        "Two lists": "How many organisations there must be, from how far two lists overlap "
        "(Chapman 1951).",
    }
