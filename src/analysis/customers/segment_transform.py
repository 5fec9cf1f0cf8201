"""Which numbers make features comparable: winsorised, Yeo-Johnson, mean 0 and deviation 1.

A feature that is noisy for one customer has a smaller deviation (`BehaviourFeature.weight`).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import yeojohnson
from sklearn.preprocessing import PowerTransformer

from analysis.customers.behaviour_features import FEATURES

# Beyond these quantiles of the fit a value counts as the quantile: one giant moves nothing.
_LOW_SHARE, _HIGH_SHARE = 0.01, 0.99
# In the transformed feature, so many deviations from the average: a spike at 0 has long tails.
_MOST_DEVIATIONS = 2.5
# A feature whose values are all but equal tells nobody apart.
_MOST_EQUAL_SHARE = 0.98


@dataclass(frozen=True)
class Transform:
    """Fitted numbers per feature, in the order of `features`; they become rows of the anchor."""

    features: tuple[str, ...]
    low: np.ndarray
    high: np.ndarray
    power: np.ndarray
    mean: np.ndarray
    scale: np.ndarray

    def apply(self, table: pd.DataFrame) -> np.ndarray:
        """Return customers x features: 0 is the average of the fit, 1 a deviation, -2.5 to 2.5.

        Two deviations of a feature that is noisy for one customer make 1. A missing value counts
        as the average.
        """
        values = table[list(self.features)].to_numpy(dtype=float)
        clipped = np.clip(values, self.low, self.high)
        columns = [
            yeojohnson(column, lmbda=power)
            for column, power in zip(clipped.T, self.power, strict=True)
        ]
        shaped = np.column_stack(columns) if columns else np.empty((len(values), 0))
        found = np.clip((shaped - self.mean) / self.scale, -_MOST_DEVIATIONS, _MOST_DEVIATIONS)
        return np.nan_to_num(found, nan=0.0)


def fit_transform(table: pd.DataFrame, features: tuple[str, ...]) -> Transform:
    """Fit on the customers to be clustered; features that tell nobody apart are left out."""
    kept = tuple(name for name in features if _tells_apart(table[name]))
    values = table[list(kept)].to_numpy(dtype=float)
    if not kept:
        nothing = np.empty(0)
        return Transform((), nothing, nothing, nothing, nothing, nothing)
    low, high = np.nanquantile(values, [_LOW_SHARE, _HIGH_SHARE], axis=0)
    # Where the inner 98 % are equal, the ends are all there is.
    flat = low == high
    least, most = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    low, high = np.where(flat, least, low), np.where(flat, most, high)
    clipped = np.clip(values, low, high)
    power = PowerTransformer(standardize=False).fit(clipped).lambdas_
    shaped = np.column_stack(
        [yeojohnson(column, lmbda=p) for column, p in zip(clipped.T, power, strict=True)]
    )
    mean, scale = np.nanmean(shaped, axis=0), np.nanstd(shaped, axis=0)
    weight = [FEATURES[name].weight if name in FEATURES else 1.0 for name in kept]
    return Transform(kept, low, high, power, mean, np.where(scale > 0, scale, 1.0) / weight)


def _tells_apart(values: pd.Series) -> bool:
    shares = values.value_counts(normalize=True)
    return len(shares) > 1 and float(shares.iloc[0]) <= _MOST_EQUAL_SHARE
