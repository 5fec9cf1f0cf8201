"""The sentences of the chapter on the base's potential; none says more than its range allows."""

import pandas as pd

from analysis.core.result import Decision, Finding
from analysis.core.scope import Scope
from analysis.strategy.base_potential_grade import Grade
from analysis.strategy.base_potential_options import BasePotentialOptions
from analysis.strategy.base_potential_rows import NO_CATEGORY, NO_REGION, NO_SEGMENT, OTHERS
from analysis.strategy.base_potential_shocks import Shock
from analysis.strategy.base_potential_sums import LEVELS, Shared
from analysis.strategy.base_potential_wallet import Wallet, is_withheld

Tables = dict[str, pd.DataFrame]

_OWNER = "sales director"
_NAMED = {"segments": "segment", "regions": "region", "categories": "product category"}
_NO_NAMES = {OTHERS, NO_CATEGORY, NO_REGION, NO_SEGMENT}


def findings(
    tables: Tables, graded: Grade, wallet: Wallet | None, scope: Scope
) -> tuple[Finding, ...]:
    """Return what the sum is and where it lies, most money first.

    None is ranked for the first screen: a distance to peers is positive by chance alone.
    """
    total = tables["total"].iloc[0]
    if not total["customer_count"]:
        return (Finding("Every customer is expected to buy what his like buy: nothing is left."),)
    found = [_whole(total, graded, scope)]
    parts = [f for name in LEVELS if (f := _largest(tables[name], name, scope)) is not None]
    found += sorted(parts, key=lambda finding: -(finding.value or 0.0))
    found += [_saturated(total, scope), _wallet(wallet, total, scope), _impossible(tables, scope)]
    return tuple(finding for finding in found if finding is not None)


def _whole(total: pd.Series, graded: Grade, scope: Scope) -> Finding:
    display = scope.display
    amount, count = display.amount, display.count
    past = (
        " Customers' own best quarters lie closer to what they bought: a reason to look, no plan."
        if graded.is_own_past_closer
        else ""
    )
    return Finding(
        f"{count(total['customer_count'])} customers are expected to buy "
        f"{amount(total['gap_year_amount'])} a year less than one in five of their like does.",
        f"{_range(total, scope)} It is a distance, no forecast: by chance alone four in five of "
        f"equal customers lie below that mark.{past}",
        metric="gap_year_amount",
        value=float(total["gap_year_amount"]),
        low=float(total["gap_year_low_amount"]),
        high=float(total["gap_year_high_amount"]),
    )


def _range(row: pd.Series, scope: Scope) -> str:
    amount = scope.display.amount
    low, high = row["gap_year_low_amount"], row["gap_year_high_amount"]
    return f"80 % range {amount(low)} to {amount(high)}."


def _largest(table: pd.DataFrame, name: str, scope: Scope) -> Finding | None:
    column = LEVELS[name]
    named = table[~table[column].isin(_NO_NAMES)].reset_index(drop=True)
    if len(named) < 2:
        return None
    first, second = named.iloc[0], named.iloc[1]
    is_clear = first["gap_year_low_amount"] > second["gap_year_high_amount"]
    caution = "" if is_clear else f" {second[column]} is too close to tell apart."
    return Finding(
        f"The largest part of it {'is' if is_clear else 'may be'} in the {_NAMED[name]} "
        f"{first[column]}: {scope.display.amount(first['gap_year_amount'])} a year, "
        f"{scope.display.share(first['gap_share'], 0)} of the whole.",
        f"{_range(first, scope)} {scope.display.count(first['customer_count'])} customers."
        + caution,
        metric=f"gap_year_amount, {_NAMED[name]} {first[column]}",
        value=float(first["gap_year_amount"]),
        low=float(first["gap_year_low_amount"]),
        high=float(first["gap_year_high_amount"]),
    )


def _saturated(total: pd.Series, scope: Scope) -> Finding | None:
    if not total["saturated_count"]:
        return None
    return Finding(
        f"{scope.display.count(total['saturated_count'])} customers are expected to buy what their "
        "like buy, or more: they add nothing here.",
        "They are to be kept, not pushed.",
    )


def _wallet(wallet: Wallet | None, total: pd.Series, scope: Scope) -> Finding | None:
    if wallet is None:
        return None
    amount, share, count = scope.display.amount, scope.display.share, scope.display.count
    ours = wallet.revenue / wallet.mid
    ends = share(wallet.revenue / wallet.high, 0), share(wallet.revenue / wallet.low, 0)
    elsewhere = wallet.mid - wallet.revenue
    return Finding(
        f"Regular customers buy about {share(ours, 0)} of what they need from us; "
        f"{amount(elsewhere)} a year goes elsewhere.",
        f"80 % range {ends[0]} to {ends[1]}, and {amount(wallet.low - wallet.revenue)} to "
        f"{amount(wallet.high - wallet.revenue)}, from {count(wallet.answers)} answers for "
        f"{count(wallet.customers)} customers. The distance to peers is "
        f"{amount(total['gap_year_amount'])}.",
        metric="elsewhere_amount",
        value=elsewhere,
        low=wallet.low - wallet.revenue,
        high=wallet.high - wallet.revenue,
    )


def _impossible(tables: Tables, scope: Scope) -> Finding | None:
    wrong = tables["wallets"]
    whole = len(wrong)
    wrong = wrong[wrong["is_below"].astype(bool)]
    if wrong.empty:
        return None
    amount, first = scope.display.amount, wrong.iloc[0]
    count = scope.display.count
    number = f"{count(len(wrong))} of {count(whole)} answers {'is' if len(wrong) == 1 else 'are'}"
    rest = (
        "so our share of the wallet is withheld"
        if is_withheld(tables["wallets"])
        else "and counted as said"
    )
    return Finding(
        f"{number} below what the customer buys from us, {rest}.",
        "Without them only answers that err upwards would count. For example "
        f"{first['customer_id']}: {amount(first['wallet_amount'])} "
        f"in all, {amount(first['revenue_year_amount'])} from us.",
    )


def decisions(
    tables: Tables, wallet: Wallet | None, options: BasePotentialOptions, scope: Scope
) -> tuple[Decision, ...]:
    """Return what only leaders can decide: where to begin, and whether to ask customers."""
    due = scope.next_period.last_day
    asked = []
    categories = tables["categories"]
    named = categories[~categories["product_category"].isin(_NO_NAMES)]
    if len(named):
        first = named.iloc[0]
        worth = float(first["expected_amount"]) if "expected_amount" in first else None
        text = (
            f"Offer {first['product_category']} first? "
            f"{scope.display.count(first['customer_count'])} customers buy less of it than their "
            "like; next quarter's offers are worth what stands beside."
            if worth
            else f"Offer {first['product_category']} first? "
            f"{scope.display.count(first['customer_count'])} customers buy less than their like."
        )
        asked.append(Decision(text, worth_amount=worth or None, owner=_OWNER, due_on=due))
    if wallet is None and tables["total"]["customer_count"].iloc[0]:
        again = " again" if is_withheld(tables["wallets"]) else ""
        text = (
            f"Ask {options.fewest_wallets} to 60 regular customers{again}, drawn by lot, what they "
            "spend in all? Without it nobody knows our share of their spend."
        )
        asked.append(Decision(text, owner=_OWNER, due_on=due))
    return tuple(asked)


def caveats(
    tables: Tables, shared: Shared, graded: Grade, wallet: Wallet | None, scope: Scope
) -> tuple[str, ...]:
    """Return the limits of what the chapter says."""
    share = scope.display.share
    texts = [
        _level(shared.company, "the whole company's forecast was off", scope),
        _level(shared.group, "regions moved apart", scope)
        + " Segments and categories are taken to move as much.",
        f"{share(graded.above_share, 0)} of customers bought more than their potential in the last "
        f"four quarters; {share(graded.expected_share, 0)} were to. The potential was learnt from "
        "that year.",
        "A year's shared error is taken as large as a quarter's: nobody has seen enough years.",
    ]
    if graded.is_own_past_closer:
        texts.append(
            "Own best quarters were the closer yardstick of the year; a gap is no promise."
        )
    if wallet is not None:
        texts.append(
            "Our share of the wallet takes those who answered as drawn by lot from customers with "
            "two order days or more; who answers gladly may be unlike the others."
        )
    return tuple(texts)


def _level(shock: Shock, words: str, scope: Scope) -> str:
    size = scope.display.share(shock.usual, 0)
    if shock.times:
        return f"In ranges: {words} by about {size} at earlier quarter ends, beyond chance."
    return f"In ranges: that {words} by {size} is assumed; no earlier quarter shows it."


def definitions(options: BasePotentialOptions, scope: Scope) -> dict[str, str]:
    """Return what each term of the chapter means."""
    return {
        "Peers": "Customers of like order size, rhythm, tenure, region and industry. The mark is "
        f"what {scope.display.share(options.potential_share, 0)} of them stay below in a year.",
        "Below peers": "That mark less the forecast of the customer's next four quarters; 0 where "
        "he is expected to reach it. Categories of one customer never sum to more than his own.",
        "Range of a sum": "Errors of single customers average out; errors that all share (level of "
        "the company, of a group, of the mark) do not, and are added in full.",
        "All others": f"Groups of fewer than {options.fewest_customers} customers below peers.",
        "Wallet": "What a customer spends in a year on what we sell, with anybody.",
    }


def unknown(tables: Tables, wallet: Wallet | None) -> tuple[str, ...]:
    """Return what a leader would ask next and the data cannot answer."""
    if wallet is not None:
        return ()
    if is_withheld(tables["wallets"]):
        return (
            "What customers spend elsewhere is not known: too many answers in customer_wallets are "
            "below what the customer buys from us.",
        )
    return (
        "What customers spend elsewhere is not known. A table customer_wallets with the answers of "
        "some of them tells it.",
    )
