"""Gamma-Gamma: how much does a customer spend per purchase, given the few that we have seen?

One purchase is Gamma(p, nu), nu differs between customers as Gamma(q, gamma), and spend does not
depend on how often the customer buys. Fader and Hardie (2013), The Gamma-Gamma model of monetary
value, brucehardie.com/notes/025.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import gammaln, psi

from analysis.core.problems import Problem
from analysis.customers._btyd_fitting import (
    FitError,
    Floats,
    checked_spend,
    counted_rows,
    maximise,
)


@dataclass(frozen=True)
class GammaGamma:
    """Spend per purchase ~ Gamma(p, nu), nu ~ Gamma(q, gamma); gamma is in the unit of money.

    `log_likelihood` is that of the mean spends, summed over customers. `at_bound` names parameters
    that ran to a bound (1e-4 or 1e4, gamma relative to the mean spend, or within a factor of 10 of
    it), as p does where every purchase of a customer costs the same.
    """

    p: float
    q: float
    gamma: float
    log_likelihood: float = float("nan")
    at_bound: tuple[str, ...] = ()


def fit_gamma_gamma(
    frequency: ArrayLike, mean_value: ArrayLike, weights: ArrayLike | None = None
) -> GammaGamma:
    """Return the Gamma-Gamma model of greatest likelihood.

    `mean_value` is the mean amount of the `frequency` repeat purchases. Customers of frequency 0
    tell nothing about it and are ignored. `weights` says how many customers a row stands for.

    Raises InputError for amounts of 0 or less and FitError where no customer bought again.
    """
    x, value, weight = checked_spend(frequency, mean_value, weights)
    (x, value), count = counted_rows((x, value), weight)
    x, value, count = x[x > 0], value[x > 0], count[x > 0]
    if not len(x):
        found = "no customer bought again (frequency is 0 everywhere)"
        mend = "use a longer history or a larger group of customers"
        raise FitError(Problem("frequency", found, "some repeat purchases", mend))
    scale = float(count @ value / count.sum())
    objective = partial(_objective, _tables(x, value / scale, count))
    starts = [(4, 4, 4), (1, 2, 1), (20, 2, 0.1), (1, 20, 20)]
    found, mean, at_bound = maximise(objective, ("p", "q", "gamma"), starts)
    p, q, gamma = (float(parameter) for parameter in found)
    log_likelihood = float(count.sum() * (mean - np.log(scale)))
    return GammaGamma(p, q, gamma * scale, log_likelihood, at_bound)


def gamma_gamma_expected_value(
    model: GammaGamma, frequency: ArrayLike, mean_value: ArrayLike
) -> Floats:
    """Return the expected amount of each customer's next purchase.

    Between the customer's own mean and that of all customers, which is also the answer where
    frequency is 0 (`mean_value` is ignored there). Equation 5 of the note.

    Raises FitError where the mean does not exist: q at most 1 and no repeat purchase.
    """
    x, value, _ = checked_spend(frequency, mean_value)
    purchases = model.p * x + model.q - 1
    if (purchases <= 0).any():
        found = (
            f"q {model.q:.3g} of the spend model, no mean for {(purchases <= 0).sum()} customers"
        )
        mend = "cap or set aside the few largest amounts and fit again, or use the median"
        raise FitError(Problem("mean_value", found, "p * frequency + q above 1", mend))
    return (model.gamma + x * value) * model.p / purchases


@dataclass(frozen=True)
class _Tables:
    """The customers who bought again; `x` holds the few distinct frequencies of the rows."""

    x: Floats
    x_count: Floats
    x_code: np.ndarray
    row_x: Floats
    row_spend: Floats
    row_count: Floats
    log_sums: Floats  # per frequency: sum of the logs of the customers' total spend
    log_mean_sum: float


def _tables(x: Floats, value: Floats, count: Floats) -> _Tables:
    x_code, levels = pd.factorize(x, sort=True)
    return _Tables(
        x=levels,
        x_count=np.bincount(x_code, count),
        x_code=x_code,
        row_x=x,
        row_spend=x * value,
        row_count=count,
        log_sums=np.bincount(x_code, count * np.log(x * value)),
        log_mean_sum=float(count @ np.log(value)),
    )


def _objective(t: _Tables, log_parameters: Floats) -> tuple[float, Floats]:
    """Return minus the mean log-likelihood (equation 1a of the note) and its gradient by logs."""
    p, q, gamma = np.exp(log_parameters)
    shape, customers = p * t.x, t.row_count.sum()
    log_total = np.log(gamma + t.row_spend)
    by_x = np.bincount(t.x_code, t.row_count * log_total)
    share = t.row_count / (gamma + t.row_spend)
    value = t.x_count @ (gammaln(shape + q) - gammaln(shape) - gammaln(q) + q * np.log(gamma))
    value += p * (t.x @ t.log_sums) - t.log_mean_sum - (shape + q) @ by_x
    by_p = t.x @ (t.x_count * (psi(shape + q) - psi(shape)) + t.log_sums - by_x)
    by_q = t.x_count @ (psi(shape + q) - psi(q) + np.log(gamma)) - by_x.sum()
    by_gamma = customers * q / gamma - share @ (p * t.row_x + q)
    gradient = np.array([by_p * p, by_q * q, by_gamma * gamma])
    return -value / customers, -gradient / customers
