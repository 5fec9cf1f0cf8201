"""The chance of each kind of work by Newton's steps, beside scikit-learn's logistic regression."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from analysis.sales.funnel_mix_model import _PRIOR, NotFittedError, chance_table

Table = np.ndarray


def by_sklearn(won: Table, size: Table) -> Table:
    """The same model: a dummy for every row and column, free intercept, the same ridge."""
    rows, columns = size.shape
    cells = [(row, column) for row in range(rows) for column in range(columns)]
    design = np.zeros((len(cells), rows + columns))
    for place, (row, column) in enumerate(cells):
        design[place, row] = design[place, rows + column] = 1
    wins, losses = won.ravel(), (size - won).ravel()
    model = LogisticRegression(C=1 / _PRIOR, solver="newton-cholesky", tol=1e-12, max_iter=10_000)
    cases, outcomes = np.vstack([design, design]), np.repeat([1, 0], len(cells))
    weights = np.concatenate([wins, losses])
    model.fit(cases[weights > 0], outcomes[weights > 0], sample_weight=weights[weights > 0])
    return model.predict_proba(design)[:, 1].reshape(size.shape)


def design_of(seed: int) -> tuple[Table, Table]:
    """A table of 1 to 12 by 1 to 6 kinds of work; some cells empty, some all won or all lost."""
    draw = np.random.default_rng(seed)
    shape = (int(draw.integers(1, 13)), int(draw.integers(1, 7)))
    size = draw.poisson(draw.choice([1, 5, 40, 2000]), shape) * (draw.random(shape) < 0.8)
    size[0, 0] += 2
    chance = 1 / (1 + np.exp(-draw.normal(-0.5, 1.5, shape)))
    won = draw.binomial(size, chance)
    won[0, 0] = 1  # neither all nor none succeeded
    return won.astype(float), size.astype(float)


@pytest.mark.parametrize("seed", range(25))
def test_chances_are_those_of_scikit_learn_with_the_same_penalty(seed):
    won, size = design_of(seed)
    found, theta = chance_table(won, size)
    assert found == pytest.approx(by_sklearn(won, size), abs=1e-6)
    assert theta is not None
    again, _ = chance_table(won, size, start=theta + 0.3)  # from elsewhere to the same place
    assert again == pytest.approx(found, abs=1e-8)


@pytest.mark.parametrize("won", [0.0, 4.0])
def test_where_all_or_none_succeeded_the_chance_is_that_everywhere(won):
    found, theta = chance_table(np.full((2, 3), won), np.full((2, 3), 4.0))
    assert found.tolist() == [[won / 4] * 3] * 2
    assert theta is None


def test_a_fit_that_does_not_come_to_rest_is_refused(monkeypatch):
    monkeypatch.setattr("analysis.sales.funnel_mix_model._MOST_STEPS", 1)
    with pytest.raises(NotFittedError, match="did not converge"):
        chance_table(*design_of(3))
