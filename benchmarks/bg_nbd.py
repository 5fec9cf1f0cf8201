"""How fast is the BG/NBD fit, how much memory does it take, does it fail on odd customers?

    python benchmarks/bg_nbd.py

Simulated customers, whole days, 18 months. Other libraries are measured only where they are
installed, in the same run. CPU seconds, because machines are shared; each fit in its own process,
so that memory is its own.
"""

import importlib.util
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import multiprocessing
import sys
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.customers.btyd import BgNbd, FitError, fit_bg_nbd

CDNOW_IN_DAYS = BgNbd(r=0.243, alpha=4.414 * 7, a=0.793, b=2.426)
DAYS = 548
SIZES = (2_357, 100_000, 1_000_000)
RANDOM_MODELS = 200


@dataclass(frozen=True)
class Measured:
    """What one fit took."""

    seconds: float
    peak_megabytes: float
    parameters: tuple[float, ...]


def simulate(model: BgNbd, customers: int, seed: int) -> pd.DataFrame:
    """Return frequency, recency and T of customers who behave as the model says."""
    random = np.random.default_rng(seed)
    T = random.integers(1, DAYS + 1, customers)
    potential = random.poisson(random.gamma(model.r, 1 / model.alpha, customers) * T)
    leaving = np.maximum(random.beta(model.a, model.b, customers), 1e-12)
    x = np.minimum(potential, random.geometric(leaving))
    last = T * random.beta(np.maximum(x, 1), np.maximum(potential - x, 0) + 1)
    recency = np.where(x > 0, np.ceil(last).clip(1), 0)
    return pd.DataFrame({"frequency": x, "recency": recency, "T": T}, dtype=float)


def fit_ours(data: pd.DataFrame) -> tuple[float, ...]:
    model = fit_bg_nbd(data["frequency"], data["recency"], data["T"])
    return model.r, model.alpha, model.a, model.b


def fit_lifetimes(data: pd.DataFrame) -> tuple[float, ...]:
    from lifetimes import BetaGeoFitter

    fitted = BetaGeoFitter().fit(data["frequency"], data["recency"], data["T"])
    return tuple(fitted.params_[["r", "alpha", "a", "b"]])


def fit_pymc_marketing(data: pd.DataFrame) -> tuple[float, ...]:
    from pymc_marketing.clv import BetaGeoModel

    model = BetaGeoModel(data.assign(customer_id=np.arange(len(data))))
    model.fit(method="map", progressbar=False)
    return tuple(float(model.fit_result[name].mean()) for name in ("r", "alpha", "a", "b"))


FITS = {"analysis": fit_ours, "lifetimes": fit_lifetimes, "pymc_marketing": fit_pymc_marketing}


def measure(library: str, customers: int) -> Measured:
    """Fit twice, so that imports and compilation do not count, and take the second."""
    data = simulate(CDNOW_IN_DAYS, customers, seed=1)
    FITS[library](data.head(2_000))
    started = time.process_time()
    parameters = FITS[library](data)
    return Measured(time.process_time() - started, peak_megabytes(), parameters)


def peak_megabytes() -> float:
    """Return the most memory that this process ever held, with Python and its libraries."""
    if sys.platform == "win32":
        return float("nan")
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def in_own_process(library: str, customers: int) -> Measured:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, (library, customers))


def compare(customers: int) -> None:
    """Print the measurements of all installed libraries and how many times slower they are."""
    installed = [name for name in FITS if importlib.util.find_spec(name)]
    measured = {name: in_own_process(name, customers) for name in installed}
    for name, found in measured.items():
        ratio = found.seconds / measured["analysis"].seconds
        parameters = ", ".join(f"{value:.4g}" for value in found.parameters)
        print(
            f"{customers:>9,} customers  {name:<15} {found.seconds:8.3f} CPU s  {ratio:6.1f} x  "
            f"peak {found.peak_megabytes:5.0f} MB  r, alpha, a, b = {parameters}"
        )


def count_failures() -> int:
    """Return how many of the random models could not be fitted."""
    random, failures = np.random.default_rng(0), 0
    limits = np.array([(0.1, 3), (0.5 * 7, 30 * 7), (0.1, 3), (0.5, 10)])
    for seed in range(RANDOM_MODELS):
        data = simulate(BgNbd(*random.uniform(*limits.T)), 3_000, seed)
        try:
            fit_ours(data)
        except FitError:
            failures += 1
    return failures


def main() -> None:
    for customers in SIZES:
        compare(customers)
    print(f"{count_failures()} failures on {RANDOM_MODELS} random sets of parameters")


if __name__ == "__main__":
    main()
