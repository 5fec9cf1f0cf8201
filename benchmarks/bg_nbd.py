"""Buy-till-you-die models: CPU seconds and memory of the fits beside other libraries, failures.

    python benchmarks/bg_nbd.py [--other PYTHON]... [--limit 240] [--skip-random]

Each PYTHON is that of an environment with lifetimes or pymc-marketing (README.md says which). All
fit the same customers in one run, each in a process of its own, the better of two: simulated, whole
days, 18 months. A ratio is how many times the CPU seconds of our fit it took; `log-likelihood` is
that of BG/NBD at the parameters found, less that at ours (below 0: not the maximum). Then 200
random sets of parameters are drawn for each of our models, 3,000 customers each, and failed fits
are counted.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from scipy.special import betaln, gammaln

from analysis.customers.btyd import (
    BgNbd,
    FitError,
    GammaGamma,
    ParetoNbd,
    fit_bg_nbd,
    fit_gamma_gamma,
    fit_pareto_nbd,
)

SIZES = (2_357, 100_000, 1_000_000)
REPEATS = 2  # the least CPU of them: machines are shared
RANDOM_MODELS, RANDOM_CUSTOMERS = 200, 3_000
DAYS = 548
CDNOW = BgNbd(r=0.243, alpha=4.414 * 7, a=0.793, b=2.426)
CDNOW_PARETO = ParetoNbd(r=0.553, alpha=10.578 * 7, s=0.606, beta=11.669 * 7)
CDNOW_SPEND = GammaGamma(p=6.25, q=3.74, gamma=15.44)
GOALS = {"lifetimes": 20.0, "pymc-marketing": 15.0}
MEMORY_GOAL_MB = 250

Floats = np.ndarray


def main() -> int:
    """Measure, print one table, count failures; 1 if a goal is missed."""
    arguments = _arguments()
    if arguments.measure:
        print(json.dumps(_measure(arguments.measure, Path(arguments.file))))
        return 0
    print(f"{'customers':>10} {'fit':<28}{'CPU s':>9}{'ratio':>8}{'peak MB':>9}  parameters")
    with tempfile.TemporaryDirectory() as folder:
        missed = [_compare(n, arguments, Path(folder) / "data.npy") for n in SIZES]
    failures = 0
    if not arguments.skip_random:
        failures = sum(_failures(kind) for kind in ("BG/NBD", "Pareto/NBD"))
    return int(any(missed) or failures > 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--other", action="append", default=[], metavar="PYTHON")
    parser.add_argument("--limit", type=float, default=240, help="seconds that a fit may take")
    parser.add_argument("--skip-random", action="store_true")
    parser.add_argument("--measure", choices=OURS, help=argparse.SUPPRESS)
    parser.add_argument("--file", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def _compare(customers: int, arguments: argparse.Namespace, file: Path) -> bool:
    """Print the fits of so many customers; tell whether a goal was missed."""
    data = simulate(CDNOW, customers, seed=1)
    np.save(file, data)
    command = [sys.executable, __file__, "--file", str(file), "--measure"]
    ours = _run([*command, "BG/NBD"], arguments.limit)
    top = log_likelihood(ours["parameters"], data)
    _print(customers, ours, 1.0, f"log-likelihood {top:.2f}")
    missed = ours["megabytes"] > MEMORY_GOAL_MB
    here = str(Path(__file__).with_name("bg_nbd_others.py"))
    for python in arguments.other:
        found = _run([python, here, str(file), str(REPEATS)], arguments.limit)
        if found is None:
            print(f"{customers:>10,} {python}: not finished in {arguments.limit:.0f} s")
            continue
        ratio = found["seconds"] / ours["seconds"]
        lost = log_likelihood(found["parameters"], data) - top
        _print(customers, found, ratio, f"log-likelihood {lost:+.2f}")
        missed |= ratio < GOALS[found["library"].split()[0]]
    np.save(file, simulate_pareto(CDNOW_PARETO, customers, seed=1))
    _print(customers, _run([*command, "Pareto/NBD"], arguments.limit), None)
    np.save(file, simulate_spend(CDNOW_SPEND, data[:, 0], seed=1))
    _print(customers, _run([*command, "Gamma-Gamma"], arguments.limit), None)
    return missed


def _run(command: list[str], limit: float) -> dict[str, object] | None:
    """Run a measurement in its own process; None where it takes too long."""
    try:
        done = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=limit
        )
    except subprocess.TimeoutExpired:
        return None
    return json.loads(done.stdout)


def _print(customers: int, found: dict[str, object], ratio: float | None, more: str = "") -> None:
    compared = "" if ratio is None else f"{ratio:.1f}"
    parameters = ", ".join(f"{value:.4g}" for value in found["parameters"])
    print(
        f"{customers:>10,} {found['library']:<28}{found['seconds']:>9.3f}{compared:>8}"
        f"{found['megabytes']:>9.0f}  {parameters}  {more}",
        flush=True,
    )


def _measure(kind: str, file: Path) -> dict[str, object]:
    data = np.load(file)
    OURS[kind](data[:2_000])
    spent = []
    for _ in range(REPEATS):
        began = time.process_time()
        parameters = OURS[kind](data)
        spent.append(time.process_time() - began)
    return {
        "seconds": min(spent),
        "library": f"analysis, {kind}",
        # Linux counts in kilobytes.
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
        "parameters": parameters,
    }


def _bg_nbd(data: Floats) -> tuple[float, ...]:
    model = fit_bg_nbd(*data.T)
    return model.r, model.alpha, model.a, model.b


def _pareto_nbd(data: Floats) -> tuple[float, ...]:
    model = fit_pareto_nbd(*data.T)
    return model.r, model.alpha, model.s, model.beta


def _gamma_gamma(data: Floats) -> tuple[float, ...]:
    model = fit_gamma_gamma(*data.T)
    return model.p, model.q, model.gamma


OURS = {"BG/NBD": _bg_nbd, "Pareto/NBD": _pareto_nbd, "Gamma-Gamma": _gamma_gamma}


def _failures(kind: str) -> int:
    """Print and return how many of the random models could not be fitted."""
    random, failures = np.random.default_rng(0), 0
    for seed in range(RANDOM_MODELS):
        if kind == "BG/NBD":
            data = simulate(
                BgNbd(*random.uniform((0.1, 3.5, 0.1, 0.5), (3, 210, 3, 10))),
                RANDOM_CUSTOMERS,
                seed,
            )
        else:
            data = simulate_pareto(
                ParetoNbd(*random.uniform((0.1, 3.5, 0.1, 3.5), (3, 210, 3, 700))),
                RANDOM_CUSTOMERS,
                seed,
            )
        try:
            OURS[kind](data)
        except FitError:
            failures += 1
    print(f"{kind}: {failures} failures on {RANDOM_MODELS} random sets of parameters", flush=True)
    return failures


def simulate(model: BgNbd, customers: int, seed: int) -> Floats:
    """Return frequency, recency and T of customers who behave as the model says, a row each."""
    random = np.random.default_rng(seed)
    T = random.integers(1, DAYS + 1, customers)
    potential = random.poisson(random.gamma(model.r, 1 / model.alpha, customers) * T)
    leaving = np.maximum(random.beta(model.a, model.b, customers), 1e-12)
    x = np.minimum(potential, random.geometric(leaving))
    # Purchases fall evenly on the time, so the x-th of n is at Beta(x, n - x + 1) of it.
    last = T * random.beta(np.maximum(x, 1), np.maximum(potential - x, 0) + 1)
    return np.column_stack([x, np.where(x > 0, np.ceil(last).clip(1), 0), T]).astype(float)


def simulate_pareto(model: ParetoNbd, customers: int, seed: int) -> Floats:
    """Return the same of customers who may leave at any time."""
    random = np.random.default_rng(seed)
    T = random.integers(1, DAYS + 1, customers)
    leaving = np.maximum(random.gamma(model.s, 1 / model.beta, customers), 1e-12)
    active = np.minimum(random.exponential(1 / leaving), T)
    x = random.poisson(random.gamma(model.r, 1 / model.alpha, customers) * active)
    last = active * random.beta(np.maximum(x, 1), 1)
    return np.column_stack([x, np.where(x > 0, np.ceil(last).clip(1), 0), T]).astype(float)


def simulate_spend(model: GammaGamma, frequency: Floats, seed: int) -> Floats:
    """Return frequency and mean amount of a purchase, 0 where nothing was bought again."""
    random = np.random.default_rng(seed)
    rate = random.gamma(model.q, 1 / model.gamma, len(frequency))
    x = np.maximum(frequency, 1)
    mean = random.gamma(model.p * x, 1 / (rate * x))
    return np.column_stack([frequency, np.where(frequency > 0, np.maximum(mean, 0.01), 0)])


def log_likelihood(parameters: list[float], data: Floats) -> float:
    """Return that of BG/NBD, equation 6 of the paper, for whatever parameters were found."""
    r, alpha, a, b = parameters
    x, recency, T = data.T
    active = betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(alpha + T)
    repeats = np.maximum(x, 1)
    left = betaln(a + 1, b + repeats - 1) - betaln(a, b) - (r + x) * np.log(alpha + recency)
    both = np.logaddexp(active, np.where(x > 0, left, -np.inf))
    return float(np.sum(gammaln(r + x) - gammaln(r) + r * np.log(alpha) + both))


if __name__ == "__main__":
    sys.exit(main())
