"""How do customers order, also where they are few or where one order was a giant?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.problems import Problem
from analysis.customers.btyd import (
    BgNbd,
    FitError,
    GammaGamma,
    ParetoNbd,
    fit_bg_nbd,
    fit_gamma_gamma,
    gamma_gamma_expected_value,
)

FEWEST_FITTED = 30  # customers; fewer say too little of how they differ from each other
_ASSUMED_RATE = 1.0  # shape: rates differ as much as an exponential distribution
_ASSUMED_LEAVING = (0.5, 3.5)  # an eighth leave after an order, half of them after 1 to 25 %
_ASSUMED_SILENCE = (0.5, 180.0)  # of the rate to leave: a third are gone after half a year
_ASSUMED_SPEND = (4.0, 4.0)  # amounts of one customer and between customers, both within a half
_GIANT = 5.0  # robust standard deviations of the log from the usual amount
_GIANT_SHARE = 0.1  # of the mean, that the other orders of a customer amount to
_FEW_DAYS = 2  # order days of a year that tell nothing of how much is usual
_LEAST_DEVIATION = 0.5  # of that log, however alike the customers are
_NORMAL_MAD = 1.4826
_FEWEST_FOR_USUAL = 5

Floats = np.ndarray


@dataclass(frozen=True)
class Models:
    """How customers order and what they spend on an order day, and what each is expected to."""

    orders: BgNbd
    spend: GammaGamma
    value: Floats
    is_assumed: bool  # how customers differ is assumed, only their mean was learnt


def fit_models(history: tuple[Floats, ...], days: Floats, amounts: Floats) -> Models:
    """Return the models of some customers; FitError where nobody bought again.

    `history` are repeat orders, days from the first to the last and days since the first; `days`
    are order days with an amount and `amounts` what one usually was. Below `FEWEST_FITTED`
    customers, or where a likelihood has no maximum, how customers differ is assumed: a customer
    then counts as much as about one order of his own against the mean of all.
    """
    if not (history[0] > 0).any():
        found = f"none of {len(days)} customers bought again"
        raise FitError(Problem("repeat_count", found, "some repeat orders", "load a longer export"))
    if len(days) >= FEWEST_FITTED:
        try:
            orders, spend = fit_bg_nbd(*history), fit_gamma_gamma(days, amounts)
            value = gamma_gamma_expected_value(spend, days, amounts)
            return Models(orders, spend, value, is_assumed=False)
        except FitError:
            pass
    orders, spend = _assumed(history, amounts)
    value = gamma_gamma_expected_value(spend, days, amounts)
    return Models(orders, spend, value, is_assumed=True)


def without_giants(amounts: Floats) -> Floats:
    """Return the amounts, those far from all others lowered to what is still imaginable.

    One giant order must not make a giant forecast. Zeros and missing amounts stay as they are.
    """
    usual = amounts[np.nan_to_num(amounts) > 0]
    if len(usual) < _FEWEST_FOR_USUAL:
        return amounts
    logs = np.log(usual)
    middle = np.median(logs)
    deviation = max(_NORMAL_MAD * np.median(np.abs(logs - middle)), _LEAST_DEVIATION)
    return np.minimum(amounts, np.exp(middle + _GIANT * deviation))


def usual_amounts(mean: Floats, quarters: Floats, year_days: Floats) -> Floats:
    """Return what a customer usually spends on an order day, where his mean holds a giant order.

    `quarters` are his revenues of the last four (a column each), `year_days` their order days. A
    mean far from that of all others is replaced by his amounts without the largest quarter where
    those are but a tenth of it, and lowered where there is nothing else to go by. Who always buys
    so much keeps his amount.
    """
    lowered = without_giants(mean)
    others = np.clip(quarters, 0, None)
    rest = others.sum(axis=1) - others.max(axis=1)
    usual = rest / np.maximum(0.75 * year_days, 1.0)
    is_far, is_alone = mean > lowered, (rest <= 0) & (year_days <= _FEW_DAYS)
    is_giant = is_far & (rest > 0) & (usual < _GIANT_SHARE * mean)
    return np.where(is_giant, usual, np.where(is_far & is_alone, lowered, mean))


def assumed_pareto(orders: BgNbd) -> ParetoNbd:
    """Return Pareto/NBD of a like rate: unlike BG/NBD it doubts who bought once, long ago."""
    return ParetoNbd(orders.r, orders.alpha, *_ASSUMED_SILENCE, at_bound=("s", "beta"))


def usual_days(daily: pd.Series) -> pd.Series:
    """Return sales by day, those of a day with a giant order lowered like amounts of customers."""
    return pd.Series(without_giants(daily.to_numpy(float)), index=daily.index)


def _assumed(history: tuple[Floats, ...], amounts: Floats) -> tuple[BgNbd, GammaGamma]:
    """Return models with the mean rate and the usual amount of these customers, spread assumed."""
    repeats, _, tenure = history
    rate = repeats.sum() / max(tenure.sum(), 1.0)
    usual = amounts[np.nan_to_num(amounts) > 0]
    amount = float(np.median(usual)) if len(usual) else 1.0
    p, q = _ASSUMED_SPEND
    return (
        BgNbd(_ASSUMED_RATE, _ASSUMED_RATE / rate, *_ASSUMED_LEAVING),
        GammaGamma(p, q, amount * (q - 1) / p),
    )
