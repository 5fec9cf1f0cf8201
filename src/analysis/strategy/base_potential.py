"""How much more could the customers that we have buy, by segment, region and product category?"""

from dataclasses import dataclass

import pandas as pd

from analysis.core.result import Number, Result
from analysis.core.scope import Scope
from analysis.strategy.base_potential_chart import gap_chart
from analysis.strategy.base_potential_findings import (
    caveats,
    decisions,
    definitions,
    findings,
    unknown,
)
from analysis.strategy.base_potential_grade import Grade, grade, grade_table
from analysis.strategy.base_potential_options import Base, BasePotentialOptions, Known
from analysis.strategy.base_potential_rows import customer_rows
from analysis.strategy.base_potential_sums import Shared, group_tables, shared_errors
from analysis.strategy.base_potential_wallet import Wallet, known_wallets, wallet_of_all

__all__ = ["Base", "BasePotentialOptions", "Known", "base_potential"]

NAME = "base_potential"
TITLE = "Potential of the customers that we have"
_YEAR_QUARTERS = 4


@dataclass(frozen=True)
class _Work:
    """What the chapter is told from."""

    tables: dict[str, pd.DataFrame]
    shared: Shared
    graded: Grade
    wallet: Wallet | None


def base_potential(
    base: Base,
    known: Known,
    *,
    scope: Scope,
    options: BasePotentialOptions | None = None,
) -> Result:
    """Add up what customers are below their peers, with ranges that respect what errors share.

    Tables of the Result: `total`, `segments`, `regions`, `categories` (see `group_tables`; each
    sums to the total to the cent; categories also offered_count, customers with an offer, and
    expected_amount, what the best offer to each brings in the next quarter, that is a fourth of
    what growth expects of it in a year: a second offer would be sold instead of it), `wallets`
    (answers to what somebody spends in all), `yardsticks` (how the potential fared beside simpler
    ones). Without growth's potential, or where it is no better than one amount for everybody, the
    chapter says so.
    """
    options = options or BasePotentialOptions()
    reason = _missing(known)
    if reason:
        return Result.nothing(NAME, TITLE, scope.period, reason)
    rows = customer_rows(base, known)
    last = scope.closing_quarter.period.name
    graded = grade(rows, base.customer_periods, last, options.potential_share)
    if graded.reason_to_withhold:
        sentence = (
            "The sum of customers' potential is withheld: in the last four quarters "
            f"{graded.reason_to_withhold}."
        )
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    shared = shared_errors(rows, base, known, options)
    tables = group_tables(rows, known, shared, options)
    tables["categories"] = _with_offers(tables["categories"], known.next_services)
    answers = known_wallets(base.customer_wallets, rows, pd.Timestamp(scope.as_of))
    wallet = wallet_of_all(answers, rows, options.fewest_wallets)
    tables |= {"wallets": answers, "yardsticks": grade_table(graded)}
    return _result(_Work(tables, shared, graded, wallet), scope, options)


def _missing(known: Known) -> str:
    """Why there is nothing to add up, in words; empty where there is."""
    if known.customer_growth is None or known.customer_growth.empty:
        return "No customer has a forecast: the chapter on growth found too little to work from."
    if known.customer_growth["gap_year_amount"].isna().all():
        return (
            "No customer can be held against his like: that takes 300 customers who have ordered, "
            f"and {len(known.customer_growth)} are known."
        )
    return ""


def _with_offers(categories: pd.DataFrame, offers: pd.DataFrame | None) -> pd.DataFrame:
    if offers is None or offers.empty:
        return categories
    best = offers.groupby(["customer_id", "product_category"], sort=True)["expected_amount"].max()
    sums = best.groupby("product_category").agg(["size", "sum"])
    place = categories["product_category"].map
    return categories.assign(
        offered_count=place(sums["size"]).fillna(0).astype(int),
        # Growth states what an offer taken up within a quarter brings in a year.
        expected_amount=(place(sums["sum"]).fillna(0.0) / _YEAR_QUARTERS).round(2),
    )


def _result(work: _Work, scope: Scope, options: BasePotentialOptions) -> Result:
    tables, wallet = work.tables, work.wallet
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=_headline(tables["total"].iloc[0], wallet),
        findings=findings(tables, work.graded, wallet, scope),
        decisions=decisions(tables, wallet, options, scope),
        tables=tables,
        charts={"gaps": gap_chart(tables, scope)},
        caveats=caveats(tables, work.shared, work.graded, wallet, scope),
        definitions=definitions(options, scope),
        unknown=unknown(tables, wallet),
    )


def _headline(total: pd.Series, wallet: Wallet | None) -> dict[str, Number]:
    ends = float(total["gap_year_low_amount"]), float(total["gap_year_high_amount"])
    made = {
        "gap": Number("Below peers, a year", float(total["gap_year_amount"]), "amount", *ends),
        "open": Number("Customers below their peers", float(total["customer_count"]), "count"),
        "saturated": Number(
            "Customers who buy what peers buy", float(total["saturated_count"]), "count"
        ),
    }
    if wallet is not None:
        ends = wallet.revenue / wallet.high, wallet.revenue / wallet.low
        note = f"of what regular customers spend with anybody; {wallet.answers} said it"
        share = wallet.revenue / wallet.mid
        made["wallet_share"] = Number("Our share of the wallet", share, "share", *ends, note=note)
    return made
