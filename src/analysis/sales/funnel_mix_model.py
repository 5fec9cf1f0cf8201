"""The chance of success of each kind of work: a logistic model of two attributes, by Newton."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

Floats = np.ndarray

# Weight of the pull to no effect: too little to move what was seen, enough to keep what was not
# seen finite.
_PRIOR = 0.01
_MOST_STEPS = 200
_MOST_HALVINGS = 40
_CLOSE = 1e-9  # a step of the log-odds below it changes no printed digit


class NotFittedError(ArithmeticError):
    """The model did not come to rest: a fit that did not converge is no fit."""


@dataclass(frozen=True)
class _Cases:
    won: Floats
    size: Floats

    def loss(self, theta: Floats) -> float:
        logit = self.logit(theta)
        value = (self.size * np.logaddexp(0, logit) - self.won * logit).sum()
        return float(value + 0.5 * _PRIOR * (theta[1:] ** 2).sum())

    def logit(self, theta: Floats) -> Floats:
        rows = len(self.size)
        return theta[0] + theta[1 : rows + 1, None] + theta[rows + 1 :]

    def step(self, theta: Floats) -> Floats:
        """The step of Newton; the effects of rows are eliminated first, for they may be many."""
        rows = len(self.size)
        chance = expit(self.logit(theta))
        error, weight = self.size * chance - self.won, self.size * chance * (1 - chance)
        pull = _PRIOR * theta
        row_slope = error.sum(axis=1) + pull[1 : rows + 1]
        slope = np.append(error.sum(), error.sum(axis=0) + pull[rows + 1 :])
        by_row, by_column = weight.sum(axis=1), weight.sum(axis=0)
        both = np.column_stack([by_row, weight])
        curve = np.diag(np.append(weight.sum(), by_column + _PRIOR))
        curve[0, 1:] = curve[1:, 0] = by_column
        scaled = both / (by_row + _PRIOR)[:, None]
        rest = np.linalg.solve(curve - both.T @ scaled, slope - scaled.T @ row_slope)
        by_rows = (row_slope - both @ rest) / (by_row + _PRIOR)
        return np.concatenate([rest[:1], by_rows, rest[1:]])


def chance_table(
    won: Floats, size: Floats, start: Floats | None = None
) -> tuple[Floats, Floats | None]:
    """Return the chance of success in each cell of a table, and the parameters it was made by.

    `won` and `size` are successes and cases by the values of one attribute (rows) and another
    (columns); cells may be empty. The model is logistic in both, with a weak pull to no effect.
    `start` is where to begin (the parameters of nearly the same table: one or two steps). Where all
    or none succeeded the chance is the same everywhere, and there are no parameters.
    """
    all_won, all_cases = won.sum(), size.sum()
    if all_won in (0, all_cases):
        return np.full(size.shape, all_won / max(all_cases, 1)), None
    cases = _Cases(won, size)
    theta = np.zeros(1 + sum(size.shape)) if start is None else start
    theta = _fitted(cases, theta)
    return expit(cases.logit(theta)), theta


def _fitted(cases: _Cases, theta: Floats) -> Floats:
    for _ in range(_MOST_STEPS):
        step = cases.step(theta)
        if np.abs(step).max() < _CLOSE:
            return theta - step
        theta = _walked(cases, theta, step)
    raise NotFittedError("chances of success: the model did not converge")


def _walked(cases: _Cases, theta: Floats, step: Floats) -> Floats:
    """A whole step, or as much of it as does not lead uphill."""
    before = cases.loss(theta)
    limit = before + 1e-10 * abs(before)
    for _ in range(_MOST_HALVINGS):
        if cases.loss(theta - step) <= limit:
            break
        step = step / 2
    return theta - step
