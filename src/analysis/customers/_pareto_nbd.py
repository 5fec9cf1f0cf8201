"""Pareto/NBD: as BG/NBD, but a customer may leave at any time, not only after a purchase.

While active a customer buys at a Poisson rate ~ Gamma(r, alpha) and leaves at a rate
~ Gamma(s, beta). Schmittlein, Morrison, Colombo (1987), Counting your customers, Management
Science 33(1); Fader and Hardie (2005), A note on deriving the Pareto/NBD model,
brucehardie.com/notes/009.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, exprel, gammaln, psi

from analysis.customers._btyd_fitting import (
    CountedRows,
    Floats,
    check_horizon,
    checked_histories,
    distinct_rows,
    maximise,
    scaled_rows,
)

_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(20)
_SHARES, _WEIGHTS = (1 + _NODES) / 2, _NODE_WEIGHTS / 2  # moved to (0, 1)
_NEGLIGIBLE = 38.0  # exp(-38) is below the precision of a float
_ROWS_AT_ONCE = 2**12  # times 20 nodes: fits the processor's cache


@dataclass(frozen=True)
class ParetoNbd:
    """Purchase rate ~ Gamma(r, alpha), rate of leaving ~ Gamma(s, beta).

    alpha and beta are in the unit of time of the data. `log_likelihood` is summed over customers,
    on the scale of the papers. `at_bound` names parameters that ran to a bound (1e-4 or 1e4, alpha
    and beta relative to the longest T, or within a factor of 10 of it): no one leaves, or all
    customers are alike; predictions remain usable, the parameter itself means nothing.
    """

    r: float
    alpha: float
    s: float
    beta: float
    log_likelihood: float = float("nan")
    at_bound: tuple[str, ...] = ()


def fit_pareto_nbd(
    frequency: ArrayLike, recency: ArrayLike, T: ArrayLike, weights: ArrayLike | None = None
) -> ParetoNbd:
    """Return the Pareto/NBD model of greatest likelihood; arguments as for `fit_bg_nbd`.

    Raises InputError for impossible rows and FitError where no customer bought again.
    """
    rows, scale = scaled_rows(checked_histories(frequency, recency, T, weights))
    repeats = rows.count @ rows.frequency
    rate = repeats / (rows.count @ rows.T)
    starts = [(1, 1 / rate, 1, 1), (0.3, 0.3 / rate, 0.3, 0.3), (3, 3 / rate, 3, 10)]
    objective = partial(_objective, rows)
    found, mean, at_bound = maximise(objective, ("r", "alpha", "s", "beta"), starts)
    r, alpha, s, beta = (float(value) for value in found)
    log_likelihood = float(mean * rows.count.sum() - repeats * np.log(scale))
    return ParetoNbd(r, alpha * scale, s, beta * scale, log_likelihood, at_bound)


def pareto_nbd_active_share(
    model: ParetoNbd, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike
) -> Floats:
    """Return the probability that each customer has not left by the as-of date."""
    data = checked_histories(frequency, recency, T)
    distinct = distinct_rows((data.frequency, data.recency, data.T))
    x, tx, age = (column[distinct.first] for column in (data.frequency, data.recency, data.T))
    log_odds = [_left(model, x[b], tx[b], age[b]).log_odds for b in _blocks(len(x))]
    return expit(-np.concatenate(log_odds))[distinct.code]


def pareto_nbd_expected_purchases(
    model: ParetoNbd, horizon: float, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike
) -> Floats:
    """Return how many purchases each customer is expected to make in the next `horizon`.

    Equation 41 of the note, written so that s = 1 is no exception.
    """
    check_horizon(horizon)
    data = checked_histories(frequency, recency, T)
    waited = model.beta + data.T
    log_growth = np.log1p(horizon / waited)
    active_time = waited * log_growth * exprel(-(model.s - 1) * log_growth)
    rate = (model.r + data.frequency) / (model.alpha + data.T)
    return pareto_nbd_active_share(model, data.frequency, data.recency, data.T) * rate * active_time


@dataclass(frozen=True)
class _Left:
    """How likely a customer has left, and when, given that he did.

    The means are over the time of leaving between recency and T; `u` is alpha + that time, `v` is
    beta + that time.
    """

    log_odds: Floats
    mean_log_u: Floats
    mean_log_v: Floats
    mean_inverse_u: Floats
    mean_inverse_v: Floats


def _left(model: ParetoNbd, x: Floats, tx: Floats, T: Floats) -> _Left:
    """Return what the history says about leaving after the last purchase.

    The likelihood of leaving at one time is s * u^-(r+x) * v^-(s+1). Its integral over the time is
    the difference of two hypergeometric functions in the papers; quadrature over the log of the
    smaller of u and v gives it to 1e-13 for every size of x, with all derivatives: the integrand
    decays from its first point, and its nearest pole is pi away from the real line.
    """
    powers = (model.r + x, np.full(len(x), model.s + 1))
    starts, ends = (model.alpha + tx, model.beta + tx), (model.alpha + T, model.beta + T)
    near, far = (0, 1) if model.alpha <= model.beta else (1, 0)
    width = np.log(ends[near] / starts[near])
    decay = powers[near] + powers[far] * starts[near] / starts[far] - 1
    width = np.where(decay * width > _NEGLIGIBLE, _NEGLIGIBLE / decay, width)
    step = width[:, None] * _SHARES
    times = [np.exp(step) * starts[near][:, None]] * 2
    times[far] = times[near] + abs(model.beta - model.alpha)
    logs = [step + np.log(starts[near])[:, None]] * 2
    logs[far] = np.log(times[far])
    decline = (powers[near] - 1)[:, None] * step
    decline += powers[far][:, None] * (logs[far] - np.log(starts[far])[:, None])
    density = np.exp(-decline) * _WEIGHTS
    total = density.sum(axis=1)
    means = [(density * of).sum(axis=1) / total for of in logs]
    means += [(density / of).sum(axis=1) / total for of in times]
    log_odds = _log_product(powers, ends) - _log_product(powers, starts)
    with np.errstate(divide="ignore"):  # nobody can have left where T is recency
        log_odds += np.log(model.s * total * width * starts[near] / ends[1])
    return _Left(log_odds, *means)


def _log_product(powers: tuple[Floats, Floats], bases: tuple[Floats, Floats]) -> Floats:
    return powers[0] * np.log(bases[0]) + powers[1] * np.log(bases[1])


def _blocks(rows: int) -> Iterator[slice]:
    for start in range(0, rows, _ROWS_AT_ONCE):
        yield slice(start, start + _ROWS_AT_ONCE)


def _objective(rows: CountedRows, log_parameters: Floats) -> tuple[float, Floats]:
    """Return minus the mean log-likelihood and its gradient by log r, alpha, s, beta."""
    parameters = np.exp(log_parameters)
    value, gradient = 0.0, np.zeros(4)
    for block in _blocks(len(rows.count)):
        x, tx, T, count = (
            column[block] for column in (rows.frequency, rows.recency, rows.T, rows.count)
        )
        values, gradients = _log_likelihood(ParetoNbd(*parameters), x, tx, T)
        value += count @ values
        gradient += gradients @ count
    customers = rows.count.sum()
    return -value / customers, -gradient * parameters / customers


def _log_likelihood(model: ParetoNbd, x: Floats, tx: Floats, T: Floats) -> tuple[Floats, Floats]:
    """Return the log-likelihood of each row and its gradient by r, alpha, s, beta (4 rows)."""
    r, alpha, s, beta = model.r, model.alpha, model.s, model.beta
    left = _left(model, x, tx, T)
    share, u, v = expit(left.log_odds), alpha + T, beta + T
    value = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    value += np.logaddexp(0, left.log_odds) - (r + x) * np.log(u) - s * np.log(v)
    by_r = psi(r + x) - psi(r) + np.log(alpha) - _mix(share, left.mean_log_u, np.log(u))
    by_alpha = r / alpha - (r + x) * _mix(share, left.mean_inverse_u, 1 / u)
    by_s = np.log(beta) + share / s - _mix(share, left.mean_log_v, np.log(v))
    by_beta = s / beta - _mix(share, (s + 1) * left.mean_inverse_v, s / v)
    return value, np.array([by_r, by_alpha, by_s, by_beta])


def _mix(share: Floats, left: Floats, active: Floats) -> Floats:
    """Return the mean of what holds if a customer left and if he is active."""
    return share * left + (1 - share) * active
