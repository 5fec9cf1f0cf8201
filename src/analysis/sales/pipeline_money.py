"""Are the invoices the won deals, and which forecast is then the one to plan with?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.result import Finding
from analysis.core.scope import Scope
from analysis.sales.pipeline_backtest import OURS
from analysis.sales.pipeline_snapshots import DAY

_WINDOW_DAYS = 365
_SAME_SHARE = 0.9  # of won deals are invoices and of invoices won deals: the same money
_LATEST_DAYS = 60  # from winning a deal to an invoice of the same customer and amount
_CENTS = 100
_COLUMNS = ["chapter", "forecast", "forecast_amount", "forecast_low_amount"]
_COLUMNS += ["forecast_high_amount", "quarter_count", "error_share", "is_to_plan_with"]
WON_DEALS, ORDERS = "pipeline_forecast", "growth"
NAMES = {WON_DEALS: "won deals (this chapter)", ORDERS: "orders of customers known today"}


@dataclass(frozen=True)
class OtherForecast:
    """Invoices, and what the chapter on customers says of them; None where there is none."""

    lines: pd.DataFrame | None = None
    totals: pd.DataFrame | None = None
    backtest: pd.DataFrame | None = None


@dataclass(frozen=True)
class Overlap:
    """Money of the last year: won deals, invoices, and what stands in both."""

    won_amount: float = 0.0
    invoiced_amount: float = 0.0
    both_amount: float = 0.0

    @property
    def is_known(self) -> bool:
        return self.won_amount > 0 and self.invoiced_amount > 0

    @property
    def is_same(self) -> bool:
        """Whether deals won and invoices are the same money."""
        most = _SAME_SHARE * max(self.won_amount, self.invoiced_amount)
        return self.is_known and self.both_amount >= most


def overlap(deals: pd.DataFrame, lines: pd.DataFrame | None, scope: Scope) -> Overlap:
    """Return how much of what was won in the last year is invoiced, and what invoices hold.

    A deal is an invoice when an invoice of its id has its value, or one of the same customer within
    60 days after it was won. `deals` is `deals_as_of`; every invoice answers for one deal only.
    """
    end = pd.Timestamp(scope.as_of) + DAY
    starts = end - _WINDOW_DAYS * DAY
    won = deals[(deals["outcome"] == "won") & (deals["ended_at"] >= starts)]
    won = won[won["value_amount"].astype(float) > 0]
    if lines is None or won.empty:
        return Overlap(float(won["value_amount"].sum()))
    invoices = _invoices(lines, starts, end)
    won = won.assign(cents=_cents(won["value_amount"]))
    by_id = won.merge(
        invoices, left_on=["opportunity_id", "cents"], right_on=["invoice_id", "cents"]
    )
    rest = won[~won["opportunity_id"].isin(by_id["opportunity_id"])]
    free = invoices[~invoices["invoice_id"].isin(by_id["invoice_id"])]
    cents = by_id["cents"].sum() + _by_customer(rest, free)["cents"].sum()
    invoiced = float(invoices["cents"].sum()) / _CENTS
    return Overlap(float(won["cents"].sum()) / _CENTS, invoiced, float(cents) / _CENTS)


def _invoices(lines: pd.DataFrame, starts: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """Invoices of the window by id: customer, day and cents."""
    known = lines[(lines["invoiced_on"] >= starts) & (lines["invoiced_on"] < end)]
    if "known_at" in known:
        known = known[known["known_at"].isna() | (known["known_at"] < end)]
    amounts = known.assign(cents=_cents(known["revenue_amount"]))
    return amounts.groupby("invoice_id", as_index=False).agg(
        customer_id=("customer_id", "first"),
        invoiced_on=("invoiced_on", "min"),
        cents=("cents", "sum"),
    )


def _by_customer(deals: pd.DataFrame, invoices: pd.DataFrame) -> pd.DataFrame:
    pairs = deals.dropna(subset=["customer_id"]).merge(invoices, on=["customer_id", "cents"])
    wait = (pairs["invoiced_on"] - pairs["ended_at"].dt.normalize()) / DAY
    near = pairs[(wait >= 0) & (wait <= _LATEST_DAYS)].assign(wait=wait)
    near = near.sort_values(["wait", "opportunity_id", "invoice_id"])
    return near.drop_duplicates("opportunity_id").drop_duplicates("invoice_id")


def _cents(amounts: pd.Series) -> np.ndarray:
    return (amounts.astype(float) * _CENTS).round().astype("int64").to_numpy()


def money_table(
    found: Overlap, total: np.ndarray, past: pd.DataFrame, other: OtherForecast
) -> pd.DataFrame:
    """Return both forecasts of the next quarter where they are of the same money; else no row.

    `total` are the draws of this chapter's forecast, `past` its earlier quarters. Columns: chapter;
    forecast; forecast_amount with low and high (80 %); quarter_count and error_share (sum of misses
    over what came, in the earlier quarters that both forecast); is_to_plan_with (the smaller error;
    where none was measured that of orders, which rests on every invoice).
    """
    whole = _company(other.totals)
    if not found.is_same or whole is None:
        return pd.DataFrame(columns=_COLUMNS)
    count, errors = _past_errors(past, other.backtest)
    ends = [float(total.mean()), *(float(q) for q in np.quantile(total, [0.1, 0.9]))]
    rows = [(WON_DEALS, *ends), (ORDERS, *whole)]
    planned = WON_DEALS if count and errors[0] < errors[1] else ORDERS
    return pd.DataFrame(
        [
            (row[0], NAMES[row[0]], *row[1:], count, error, row[0] == planned)
            for row, error in zip(rows, errors, strict=True)
        ],
        columns=_COLUMNS,
    )


def _company(totals: pd.DataFrame | None) -> tuple[float, float, float] | None:
    if totals is None or not (totals["level"] == "company").any():
        return None
    row = totals[totals["level"] == "company"].iloc[0]
    first, low, high = (float(row[f"forecast_quarter{e}_amount"]) for e in ("", "_low", "_high"))
    return first, low, high


def _past_errors(
    past: pd.DataFrame, backtest: pd.DataFrame | None
) -> tuple[int, tuple[float, float]]:
    """Return the number of quarters that both forecast, and the error of each over them."""
    if backtest is None or past.empty or backtest.empty:
        return 0, (np.nan, np.nan)
    is_theirs = (backtest["model"] == OURS) & (backtest["amount_kind"] == "revenue")
    columns = ["period", "actual_amount", "forecast_amount"]
    both = past[columns].merge(backtest.loc[is_theirs, columns], on="period", suffixes=("", "_o"))
    if both.empty or not (both["actual_amount"].sum() > 0 and both["actual_amount_o"].sum() > 0):
        return 0, (np.nan, np.nan)
    errors = [
        float((both[f"forecast_amount{e}"] - both[f"actual_amount{e}"]).abs().sum())
        / float(both[f"actual_amount{e}"].sum())
        for e in ("", "_o")
    ]
    return len(both), (errors[0], errors[1])


def plans_with_orders(table: pd.DataFrame) -> bool:
    """Whether the other chapter's forecast is the one to plan with."""
    return bool(table.loc[table["is_to_plan_with"].astype(bool), "chapter"].eq(ORDERS).any())


def money_finding(found: Overlap, table: pd.DataFrame, scope: Scope) -> Finding | None:
    """Say how this forecast and that of customers' orders belong together."""
    if not found.is_known:
        return None
    amount, share = scope.display.amount, scope.display.share
    if not found.is_same:
        both = amount(found.both_amount) if found.both_amount else "nothing"
        return Finding(
            "Won deals are not the invoices: this forecast is never to be added to that of "
            "customers' orders.",
            f"In the last year {amount(found.won_amount)} was won and "
            f"{amount(found.invoiced_amount)} invoiced; {both} of it can be told "
            "to be a won deal. What is won is invoiced in time, in part to customers "
            "whose orders are forecast already. Plan revenue with the forecast of orders, and the "
            "sales department's work with this one.",
        )
    same = "The invoices are the won deals here, so there are two forecasts of the same money"
    if table.empty:
        return Finding(f"{same}, of which this report holds one.", "Never add them.")
    row = table[table["is_to_plan_with"]].iloc[0]
    texts = [
        f"{one.forecast} {amount(one.forecast_amount)} ({amount(one.forecast_low_amount)} to "
        f"{amount(one.forecast_high_amount)})"
        + (f", missed by {share(one.error_share, 0)}" if one.quarter_count else "")
        for one in table.itertuples()
    ]
    return Finding(
        f"{same}: plan with {amount(row['forecast_amount'])}, from {row['forecast']}.",
        f"{'; '.join(texts)}. {_why(int(row['quarter_count']))} Never add the two.",
    )


def _why(count: int) -> str:
    if not count:
        return (
            "Neither could be held against an earlier quarter that both forecast; the one from "
            "orders rests on every invoice."
        )
    quarters = "one earlier quarter" if count == 1 else f"{count} earlier quarters"
    few = ", which is little to go by" if count < 4 else ""
    return f"It was closer in the {quarters} that both forecast{few}."
