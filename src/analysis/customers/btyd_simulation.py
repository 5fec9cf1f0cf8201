"""How far may a customer's spend fall from its forecast? Drawn from each customer's own posterior.

Given that a customer is active, BG/NBD leaves the purchase rate as Gamma(r + x, alpha + T) and the
probability to leave after a purchase as Beta(a, b + x), independent of each other (the likelihood
of an active customer is rate^x exp(-rate T) (1-p)^x). Purchases in the horizon are then the smaller
of a Poisson count and of the number of the purchase after which he leaves, and n purchases sum to
Gamma(p n, nu) with nu from Gamma(p x + q, gamma + x * mean value).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.core.problems import InputError, Problem, raise_all
from analysis.customers._bg_nbd import BgNbd, bg_nbd_active_share
from analysis.customers._btyd_fitting import (
    Floats,
    check_horizon,
    checked_histories,
    checked_spend,
    distinct_rows,
)
from analysis.customers._gamma_gamma import GammaGamma

_DRAWS_AT_ONCE = 2**18  # keeps the memory below 20 MB
_LEAST_PROBABILITY = 1e-12  # numpy refuses a geometric distribution of 0


@dataclass(frozen=True)
class SimulatedSpend:
    """Spend in the horizon, per customer, in the order of the input.

    `quantiles` has a row per customer and a column per probability. Customers are independent, so
    the variance of a group is the sum of theirs. All vary by chance as one over the root of draws.
    """

    probabilities: tuple[float, ...]
    quantiles: Floats
    mean: Floats
    standard_deviation: Floats


def simulate_spend(
    bg_nbd: BgNbd,
    gamma_gamma: GammaGamma,
    *,
    horizon: float,
    frequency: ArrayLike,
    recency: ArrayLike,
    T: ArrayLike,
    mean_value: ArrayLike,
    seed: int,
    draws: int = 1000,
    probabilities: Sequence[float] = (0.1, 0.5, 0.9),
) -> SimulatedSpend:
    """Return quantiles, mean and standard deviation of each customer's spend in the horizon.

    The same for one seed whatever the order of rows, and equal for customers of equal history; a
    row added or removed gives all others other draws. The fitted parameters are taken as certain.
    """
    _check_options(horizon, draws, probabilities)
    data = checked_histories(frequency, recency, T)
    x, value, _ = checked_spend(frequency, mean_value)
    active = bg_nbd_active_share(bg_nbd, x, data.recency, data.T)
    distinct = distinct_rows((x, data.recency, data.T, value))
    posteriors = _posteriors(bg_nbd, gamma_gamma, active, x, data.T, value).at(distinct.first)
    columns = _simulate(posteriors, horizon, seed, draws, probabilities)[distinct.code]
    return SimulatedSpend(tuple(probabilities), columns[:, 2:], columns[:, 0], columns[:, 1])


def _check_options(horizon: float, draws: int, probabilities: Sequence[float]) -> None:
    check_horizon(horizon)
    problems = []
    if draws < 1:
        problems.append(Problem("draws", str(draws), "a whole number from 1", "pass 1000"))
    if not all(0 <= probability <= 1 for probability in probabilities):
        found, mend = str(list(probabilities)), "pass for example 0.1, 0.5, 0.9"
        problems.append(Problem("probabilities", found, "shares within 0 to 1", mend))
    raise_all(problems, InputError)


@dataclass(frozen=True)
class _Posteriors:
    """What is known of each customer: active share, and the two numbers of each distribution."""

    active: Floats
    rate: tuple[Floats, Floats]  # Gamma: shape, inverse scale
    leaving: tuple[Floats, Floats]  # Beta
    nu: tuple[Floats, Floats]  # Gamma: shape, inverse scale
    p: float

    def at(self, rows: np.ndarray | slice) -> "_Posteriors":
        """Return the posteriors of some rows."""
        pairs = [(a[rows], b[rows]) for a, b in (self.rate, self.leaving, self.nu)]
        return _Posteriors(self.active[rows], *pairs, self.p)


def _posteriors(
    bg_nbd: BgNbd, gamma_gamma: GammaGamma, active: Floats, x: Floats, T: Floats, value: Floats
) -> _Posteriors:
    return _Posteriors(
        active=active,
        rate=(bg_nbd.r + x, bg_nbd.alpha + T),
        leaving=(np.full(len(x), bg_nbd.a), bg_nbd.b + x),
        nu=(gamma_gamma.p * x + gamma_gamma.q, gamma_gamma.gamma + x * value),
        p=gamma_gamma.p,
    )


def _simulate(
    posteriors: _Posteriors,
    horizon: float,
    seed: int,
    draws: int,
    probabilities: Sequence[float],
) -> Floats:
    """Return mean, standard deviation and quantiles of each row; every block has its own stream."""
    customers = len(posteriors.active)
    columns = np.empty((customers, 2 + len(probabilities)))
    size = max(_DRAWS_AT_ONCE // draws, 1)
    for block, start in enumerate(range(0, customers, size)):
        rows = slice(start, start + size)
        spend = _draw_spend(
            np.random.default_rng([seed, block]), posteriors.at(rows), horizon, draws
        )
        columns[rows, 0], columns[rows, 1] = spend.mean(axis=1), spend.std(axis=1)
        columns[rows, 2:] = np.quantile(spend, probabilities, axis=1).T
    return columns


def _draw_spend(
    random: np.random.Generator, customers: _Posteriors, horizon: float, draws: int
) -> Floats:
    """Return spend, a row per customer and a column per draw."""
    spend = np.zeros((len(customers.active), draws))
    who, draw = np.nonzero(random.random(spend.shape) < customers.active[:, None])
    purchases = _draw_purchases(random, customers, who, horizon)
    some = purchases > 0
    who, draw, purchases = who[some], draw[some], purchases[some]
    nu = random.standard_gamma(customers.nu[0][who]) / customers.nu[1][who]
    spend[who, draw] = random.standard_gamma(customers.p * purchases) / nu
    return spend


def _draw_purchases(
    random: np.random.Generator, customers: _Posteriors, who: np.ndarray, horizon: float
) -> np.ndarray:
    """Return one draw of the purchases in the horizon for each active customer of `who`."""
    rate = random.standard_gamma(customers.rate[0][who]) / customers.rate[1][who]
    purchases = random.poisson(rate * horizon)
    several = np.flatnonzero(purchases > 1)  # leaving after the first one takes nothing away
    buyers = who[several]
    leaving = random.beta(customers.leaving[0][buyers], customers.leaving[1][buyers])
    last = random.geometric(np.maximum(leaving, _LEAST_PROBABILITY))
    purchases[several] = np.minimum(purchases[several], last)
    return purchases
