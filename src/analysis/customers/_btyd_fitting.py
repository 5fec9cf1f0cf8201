"""What the buy-till-you-die models share: checked input, distinct rows, maximum likelihood."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import minimize

from analysis.core.problems import AnalysisError, InputError, Problem, raise_all

Floats = np.ndarray[Any, np.dtype[np.float64]]
Objective = Callable[[Floats], tuple[float, Floats]]

# Parameters stay within these limits, times measured in the longest T and money in the mean spend.
# A parameter that runs there says "no such difference between customers", not a number.
LOWEST_PARAMETER = 1e-4
HIGHEST_PARAMETER = 1e4
_NEAR_BOUND = np.log(10)  # the likelihood is flat out there: within a factor of 10 is at the bound
_FLAT_GRADIENT = 1e-5  # of the mean log-likelihood of a customer, by the log of a parameter
_ROUNDING = 1e-9  # recency may exceed T by this share where days were divided into weeks
_EXAMPLES = 3


class FitError(AnalysisError):
    """The data do not determine the model, or its likelihood has no maximum that can be found."""


@dataclass(frozen=True)
class Histories:
    """Checked purchase histories, one row per customer, or per `weight` customers."""

    frequency: Floats
    recency: Floats
    T: Floats
    weight: Floats | None


def checked_histories(
    frequency: ArrayLike, recency: ArrayLike, T: ArrayLike, weights: ArrayLike | None = None
) -> Histories:
    """Return the columns as floats, or raise InputError with everything that is impossible."""
    given = {"frequency": frequency, "recency": recency, "T": T}
    columns = checked_columns(given | ({} if weights is None else {"weights": weights}))
    x, tx, age = columns["frequency"], columns["recency"], columns["T"]
    problems = [*_impossible_counts(x), *_impossible_times(x, tx, age)]
    raise_all([*problems, *_impossible_weights(columns.get("weights"))], InputError)
    return Histories(x, np.minimum(tx, age), age, columns.get("weights"))


def checked_columns(given: dict[str, ArrayLike]) -> dict[str, Floats]:
    """Return one-dimensional float columns of one length, missing values as NaN."""
    columns, problems = {}, []
    for name, values in given.items():
        try:
            columns[name] = _floats(values)
        except (TypeError, ValueError) as error:
            problems.append(Problem(name, str(error), "a column of numbers", "cast it first"))
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        mend = "take all columns from one table"
        problems.append(Problem(", ".join(lengths), f"lengths {found}", "one length", mend))
    raise_all(problems, InputError)
    return columns


def checked_spend(
    frequency: ArrayLike, mean_value: ArrayLike, weights: ArrayLike | None = None
) -> tuple[Floats, Floats, Floats | None]:
    """Return frequency, mean spend (0 where nothing was bought again) and weights, checked."""
    given = {"frequency": frequency, "mean_value": mean_value}
    columns = checked_columns(given | ({} if weights is None else {"weights": weights}))
    x = columns["frequency"]
    value = np.where(x == 0, 0.0, columns["mean_value"])
    bad = (x > 0) & ~((value > 0) & np.isfinite(value))
    expected = "an amount above 0 where frequency is above 0"
    mend = "leave out customers whose repeat purchases sum to 0 or less, and say how many"
    spend = _problem("mean_value", value, bad, expected, mend)
    raise_all(
        [*_impossible_counts(x), *spend, *_impossible_weights(columns.get("weights"))], InputError
    )
    return x, value, columns.get("weights")


def check_horizon(horizon: float) -> None:
    """Raise InputError unless the horizon is a time to come."""
    if not (np.isfinite(horizon) and horizon >= 0):
        expected = "a time from 0, in the unit of T"
        raise InputError(Problem("horizon", str(horizon), expected, "pass the time ahead"))


def _floats(values: ArrayLike) -> Floats:
    column = pd.Series(values) if not isinstance(values, pd.Series) else values
    if column.dtype.kind in "mM":
        raise TypeError("dates or time spans")
    return column.to_numpy(dtype=float, na_value=np.nan)


def _impossible_counts(x: Floats) -> Iterator[Problem]:
    expected = "whole numbers from 0: the days with a purchase after the first one"
    mend = "count distinct purchase days per customer and subtract 1"
    with np.errstate(invalid="ignore"):
        yield from _problem(
            "frequency", x, ~(np.isfinite(x) & (x >= 0) & (x == np.rint(x))), expected, mend
        )


def _impossible_times(x: Floats, tx: Floats, T: Floats) -> Iterator[Problem]:
    no_time = "a time from 0, in the unit of the other column"
    for name, time in (("recency", tx), ("T", T)):
        bad = ~(np.isfinite(time) & (time >= 0))
        yield from _problem(name, time, bad, no_time, "leave out events after the as-of date")
    yield from _problem(
        "recency",
        tx,
        tx > T * (1 + _ROUNDING),
        "at most T",
        "measure both from the first purchase, in one unit, to one as-of date",
    )
    yield from _problem(
        "recency",
        tx,
        (x == 0) & (tx > 0),
        "0 where frequency is 0",
        "measure recency from the first to the last purchase, not to today",
    )
    yield from _problem(
        "recency",
        tx,
        (x > 0) & (tx == 0),
        "above 0 where frequency is above 0",
        "merge purchases of one day before counting",
    )


def _impossible_weights(weights: Floats | None) -> Iterator[Problem]:
    if weights is None:
        return
    bad = ~(np.isfinite(weights) & (weights >= 0))
    yield from _problem("weights", weights, bad, "numbers from 0", "pass the count of equal rows")


def _problem(
    name: str, values: Floats, bad: np.ndarray, expected: str, mend: str
) -> Iterator[Problem]:
    """Yield one problem with the count and first examples of the bad rows, if there are any."""
    rows = np.flatnonzero(bad)
    if not len(rows):
        return
    examples = ", ".join(f"row {row}: {values[row]:g}" for row in rows[:_EXAMPLES])
    yield Problem(name, f"{len(rows)} of {len(values)} rows ({examples})", expected, mend)


@dataclass(frozen=True)
class DistinctRows:
    """Which rows of some columns are equal.

    `first` holds one row number per distinct row, in ascending order of the columns' values, `code`
    the place of every given row in `first`.
    """

    first: np.ndarray
    code: np.ndarray


def distinct_rows(columns: Sequence[Floats]) -> DistinctRows:
    """Return the distinct rows of the columns (of one length, without NaN)."""
    order, is_new = _sorted_rows(columns)
    code = np.empty(len(order), dtype=np.intp)
    code[order] = np.cumsum(is_new) - 1
    return DistinctRows(order[is_new], code)


def counted_rows(columns: Sequence[Floats], weight: Floats | None) -> tuple[list[Floats], Floats]:
    """Return the distinct rows of the columns, sorted, and how many customers each stands for.

    Sorted, so that sums over them do not depend on the order of the input.
    """
    order, is_new = _sorted_rows(columns)
    starts = np.flatnonzero(is_new)
    if weight is None:
        count = np.diff(starts, append=len(order)).astype(float)
    else:
        count = np.add.reduceat(weight[order], starts)
    first = order[starts[count > 0]]
    return [column[first] for column in columns], count[count > 0]


@dataclass(frozen=True)
class CountedRows:
    """Distinct purchase histories, times as shares of the longest T, with their customers."""

    frequency: Floats
    recency: Floats
    T: Floats
    count: Floats


def scaled_rows(data: Histories) -> tuple[CountedRows, float]:
    """Return the distinct rows and the longest T, or say why no model can be fitted."""
    columns = (data.frequency, data.recency, data.T)
    (x, tx, T), count = counted_rows(columns, data.weight)
    if not (x > 0).any():
        found = f"none of {count.sum():g} customers bought again (frequency is 0 everywhere)"
        mend = "use a longer history or a larger group of customers"
        raise FitError(Problem("frequency", found, "some repeat purchases", mend))
    scale = float(T.max())
    return CountedRows(x, tx / scale, T / scale, count), scale


def _sorted_rows(columns: Sequence[Floats]) -> tuple[np.ndarray, np.ndarray]:
    """Return the order that sorts the rows and which sorted rows differ from the one before."""
    coded = [pd.factorize(column, sort=True) for column in columns]
    sizes = [max(len(levels), 1) for _, levels in coded]
    codes = [code for code, _ in coded]
    if np.prod(sizes, dtype=float) < np.iinfo(np.int64).max:
        order = np.argsort(np.ravel_multi_index(codes, sizes))  # one integer sorts fastest
    else:
        order = np.lexsort(codes[::-1])
    is_new = np.arange(len(order)) == 0
    for code in codes:
        is_new[1:] |= np.diff(code[order]) != 0
    return order, is_new


def maximise(
    objective: Objective, names: Sequence[str], starts: Sequence[Sequence[float]]
) -> tuple[Floats, float, tuple[str, ...]]:
    """Return the parameters, the mean log-likelihood and the names of parameters at a bound.

    `objective` gives minus the mean log-likelihood and its gradient by the logs of the parameters.
    Later starts are tried only when the earlier ones fail or end at a bound.
    """
    limits = np.log([LOWEST_PARAMETER, HIGHEST_PARAMETER])
    best, at_bound = None, np.ones(len(names), dtype=bool)
    for start in starts:
        found = _descend(objective, np.clip(np.log(start), *limits), limits)
        if found is not None and (best is None or found.fun < best.fun):
            best = found
            at_bound = np.abs(best.x[:, None] - limits).min(axis=1) < _NEAR_BOUND
        if not at_bound.any():
            break
    if best is None:
        what = f"no maximum of the likelihood over {', '.join(names)} from {len(starts)} starts"
        mend = "look for a few extreme customers, or fit a larger group of customers"
        raise FitError(Problem("fit", what, "a maximum within the bounds", mend))
    at_bound_names = tuple(name for name, at in zip(names, at_bound, strict=True) if at)
    return np.exp(best.x), -float(best.fun), at_bound_names


def _descend(objective: Objective, start: Floats, limits: Floats) -> Any | None:
    """Return the minimum from one start, None where the gradient does not vanish."""
    options = {"ftol": 1e-15, "gtol": 1e-8, "maxiter": 1000, "maxfun": 2000, "maxcor": 20}
    found = minimize(
        objective,
        start,
        jac=True,
        method="L-BFGS-B",
        options=options,
        bounds=[tuple(limits)] * len(start),
    )
    step = found.x - np.clip(found.x - found.jac, *limits)  # zero for gradients out of the bounds
    flat = np.isfinite(found.fun) and np.abs(step).max() < _FLAT_GRADIENT
    return found if flat else None
