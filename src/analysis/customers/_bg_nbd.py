"""BG/NBD: how many more purchases will a customer make, and is he still a customer?

While active a customer buys at a Poisson rate, after each purchase he leaves for good with a fixed
probability; the rate differs between customers as Gamma(r, alpha), the probability as Beta(a, b).
Fader, Hardie, Lee (2005), "Counting your customers" the easy way, Marketing Science 24(2).
"""

from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.linalg import eigh_tridiagonal
from scipy.special import expit, gammaln, psi

from analysis.customers._btyd_fitting import (
    CountedRows,
    Floats,
    Histories,
    check_horizon,
    checked_histories,
    distinct_rows,
    maximise,
    scaled_rows,
)

_FEWEST_NODES, _MOST_NODES = 32, 512  # of the quadrature
_NODES_AT_ONCE = 2**20  # rows times nodes: keeps the memory of predictions low


@dataclass(frozen=True)
class BgNbd:
    """Purchase rate ~ Gamma(r, alpha), probability to leave after a purchase ~ Beta(a, b).

    alpha is in the unit of time of the data. `log_likelihood` is summed over customers, on the
    scale of the paper. `at_bound` names parameters that ran to a bound (1e-4 or 1e4, alpha relative
    to the longest T, or within a factor of 10 of it): no one leaves, or all customers are alike;
    predictions remain usable, the parameter itself means nothing.
    """

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float = float("nan")
    at_bound: tuple[str, ...] = ()


def fit_bg_nbd(
    frequency: ArrayLike, recency: ArrayLike, T: ArrayLike, weights: ArrayLike | None = None
) -> BgNbd:
    """Return the BG/NBD model of greatest likelihood.

    `frequency` is the number of days with a purchase after the first, `recency` the time from the
    first to the last purchase, `T` the time from the first purchase to the as-of date, all in one
    unit of time. `weights` says how many customers a row stands for.

    Raises InputError for impossible rows and FitError where no customer bought again.
    """
    rows, scale = scaled_rows(checked_histories(frequency, recency, T, weights))
    repeats = rows.count @ rows.frequency
    rate = repeats / (rows.count @ rows.T)
    starts = [(1, 1 / rate, 1, 2), (0.2, 0.2 / rate, 0.2, 1), (3, 3 / rate, 3, 3)]
    objective = partial(_objective, _tables(rows))
    found, mean, at_bound = maximise(objective, ("r", "alpha", "a", "b"), starts)
    r, alpha, a, b = (float(value) for value in found)
    log_likelihood = mean * rows.count.sum() - repeats * np.log(scale)
    return BgNbd(r, alpha * scale, a, b, float(log_likelihood), at_bound)


def bg_nbd_active_share(
    model: BgNbd, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike
) -> Floats:
    """Return the probability that each customer has not left by the as-of date.

    1 for a customer who never bought again: in this model nobody leaves before a repeat purchase.
    Fader and Hardie (2008), Computing P(alive) using the BG/NBD model.
    """
    data = checked_histories(frequency, recency, T)
    return expit(-_log_odds_left(model, data))


def bg_nbd_expected_purchases(
    model: BgNbd, horizon: float, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike
) -> Floats:
    """Return how many purchases each customer is expected to make in the next `horizon`.

    The published formula (Fader, Hardie, Lee 2005, equation 10) subtracts two nearly equal numbers
    for a near 1, and its hypergeometric function overflows for buyers of thousands of times. It is
    the mean over the probability to leave, p ~ Beta(a, b + frequency), of
    (1 - (1 + p * horizon / (alpha + T)) ** -(r + frequency)) / p,
    and that mean is taken here, by Gauss-Jacobi quadrature, exact to 1e-12.
    """
    check_horizon(horizon)
    data = checked_histories(frequency, recency, T)
    pairs = distinct_rows((data.frequency, data.T))
    x, age = data.frequency[pairs.first], data.T[pairs.first]
    while_active = _expected_while_active(model, horizon, x, age)[pairs.code]
    return expit(-_log_odds_left(model, data)) * while_active


def _log_odds_left(model: BgNbd, data: Histories) -> Floats:
    x = np.maximum(data.frequency, 1)
    silence = np.log1p((data.T - data.recency) / (model.alpha + data.recency))
    log_odds = np.log(model.a / (model.b + x - 1)) + (model.r + x) * silence
    return np.where(data.frequency > 0, log_odds, -np.inf)


def _expected_while_active(model: BgNbd, horizon: float, x: Floats, T: Floats) -> Floats:
    """Return expected purchases of customers known to be active; x must be in ascending order."""
    expected = np.empty(len(x))
    edges = [*np.flatnonzero(np.diff(x, prepend=-1)), len(x)]
    for start, stop in pairwise(edges):
        time = horizon / (model.alpha + T[start:stop])
        # The integrand has a pole at p = -1 / time: the longer the time, the more nodes.
        nodes = int(min(_FEWEST_NODES + 8 * np.sqrt(time.max()), _MOST_NODES))
        p, weight = _beta_quadrature(model.a, model.b + x[start], nodes)
        for first in range(0, len(time), _NODES_AT_ONCE // nodes):
            rows = slice(first, first + _NODES_AT_ONCE // nodes)
            stays_silent = np.log1p(time[rows, None] * p) * -(model.r + x[start])
            expected[start:stop][rows] = (-np.expm1(stays_silent) / p) @ weight
    return expected


def _beta_quadrature(a: float, b: float, nodes: int) -> tuple[Floats, Floats]:
    """Return nodes and weights for means over Beta(a, b): Golub and Welsch (1969)."""
    k = np.arange(1, nodes, dtype=float)
    s = 2 * k + a + b - 2  # the recurrence of Jacobi polynomials moved to (0, 1)
    middle = (1 + (a - b) * (a + b - 2) / (s * (s + 2))) / 2
    side = k * (k + a - 1) * (k + b - 1) * (k + a + b - 2) / (s**2 * (s**2 - 1))
    side[0] = a * b / ((a + b) ** 2 * (a + b + 1))  # where k = 1 the formula may be 0 / 0
    p, vectors = eigh_tridiagonal(np.append(a / (a + b), middle), np.sqrt(side))
    return np.maximum(p, np.finfo(float).tiny), vectors[0] ** 2


@dataclass(frozen=True)
class _Tables:
    """The rows by the few distinct values of each column, which logs and gammas are taken of.

    A code says where the value of a row stands in its table; only customers who bought again have
    rows of their own, all others are covered by the customers per value.
    """

    x: Floats
    x_count: Floats
    T: Floats
    T_count: Floats
    T_repeats: Floats
    tx: Floats
    x_code: np.ndarray
    T_code: np.ndarray
    tx_code: np.ndarray
    row_x: Floats
    row_count: Floats
    customers: float


def _tables(rows: CountedRows) -> _Tables:
    x_code, x = pd.factorize(rows.frequency, sort=True)
    T_code, T = pd.factorize(rows.T, sort=True)
    tx_code, tx = pd.factorize(rows.recency, sort=True)
    again = rows.frequency > 0
    return _Tables(
        x=x,
        x_count=np.bincount(x_code, rows.count),
        T=T,
        T_count=np.bincount(T_code, rows.count),
        T_repeats=np.bincount(T_code, rows.count * rows.frequency),
        tx=tx,
        x_code=x_code[again],
        T_code=T_code[again],
        tx_code=tx_code[again],
        row_x=rows.frequency[again],
        row_count=rows.count[again],
        customers=float(rows.count.sum()),
    )


def _objective(tables: _Tables, log_parameters: Floats) -> tuple[float, Floats]:
    """Return minus the mean log-likelihood and its gradient by log r, alpha, a, b.

    The likelihood of a customer (equation 6 of the paper) is that of buying so often, times that of
    staying after each purchase, times 1 + the odds of having left at the last one.
    """
    parameters = np.exp(log_parameters)
    parts = (_buying, _staying, _having_left)
    values, gradients = zip(*(part(tables, *parameters) for part in parts), strict=True)
    return -sum(values) / tables.customers, -sum(gradients) * parameters / tables.customers


def _buying(t: _Tables, r: float, alpha: float, a: float, b: float) -> tuple[float, Floats]:
    """Return the log of Gamma(r+x) / Gamma(r) * alpha^r / (alpha+T)^(r+x) and its gradient."""
    log_time, purchases = np.log(alpha + t.T), r * t.T_count + t.T_repeats
    value = t.x_count @ (gammaln(r + t.x) - gammaln(r))
    value += t.customers * r * np.log(alpha) - purchases @ log_time
    by_r = t.x_count @ (psi(r + t.x) - psi(r)) + t.customers * np.log(alpha) - t.T_count @ log_time
    by_alpha = t.customers * r / alpha - purchases @ (1 / (alpha + t.T))
    return value, np.array([by_r, by_alpha, 0, 0])


def _staying(t: _Tables, r: float, alpha: float, a: float, b: float) -> tuple[float, Floats]:
    """Return the log of Beta(a, b+x) / Beta(a, b) and its gradient."""
    value = t.x_count @ (gammaln(b + t.x) - gammaln(b) - gammaln(a + b + t.x) + gammaln(a + b))
    by_both = t.x_count @ (psi(a + b) - psi(a + b + t.x))
    return value, np.array([0, 0, by_both, by_both + t.x_count @ (psi(b + t.x) - psi(b))])


def _having_left(t: _Tables, r: float, alpha: float, a: float, b: float) -> tuple[float, Floats]:
    """Return log(1 + odds), odds = a / (b+x-1) * ((alpha+T) / (alpha+tx))^(r+x), and gradient."""
    stays = b + np.maximum(t.x, 1) - 1
    silence = np.log(alpha + t.T)[t.T_code] - np.log(alpha + t.tx)[t.tx_code]
    log_odds = (r + t.row_x) * silence + np.log(a / stays)[t.x_code]
    small = np.exp(-np.abs(log_odds))
    value = t.row_count @ (np.maximum(log_odds, 0) + np.log(1 + small))
    left = t.row_count * np.where(log_odds > 0, 1, small) / (1 + small)
    rate = left * (r + t.row_x)
    by_alpha = np.bincount(t.T_code, rate, len(t.T)) @ (1 / (alpha + t.T))
    by_alpha -= np.bincount(t.tx_code, rate, len(t.tx)) @ (1 / (alpha + t.tx))
    by_b = -np.bincount(t.x_code, left, len(t.x)) @ (1 / stays)
    return value, np.array([left @ silence, by_alpha, left.sum() / a, by_b])
