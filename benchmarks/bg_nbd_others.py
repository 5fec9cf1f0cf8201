"""Fit BG/NBD with the library of another environment; `bg_nbd.py` runs this with its Python.

    OTHER_PYTHON benchmarks/bg_nbd_others.py HISTORIES.npy REPEATS

Prints as JSON what the best of the fits took, for lifetimes or pymc-marketing, whichever is
installed. A first fit of 2,000 customers takes imports and compilation out of what is measured.
"""

import importlib.metadata
import importlib.util
import json
import resource
import sys
import time

import numpy as np
import pandas as pd

NAMES = ("r", "alpha", "a", "b")


def fit_lifetimes(data: pd.DataFrame) -> list[float]:
    """Fit without a penalty, as its documentation does."""
    from lifetimes import BetaGeoFitter

    fitted = BetaGeoFitter().fit(data["frequency"], data["recency"], data["T"])
    return [float(fitted.params_[name]) for name in NAMES]


def fit_pymc_marketing(data: pd.DataFrame) -> list[float]:
    """Find the most likely parameters under its default priors."""
    from pymc_marketing.clv import BetaGeoModel

    model = BetaGeoModel(data.assign(customer_id=np.arange(len(data))))
    model.fit(method="map", progressbar=False)
    return [float(model.fit_result[name].mean()) for name in NAMES]


FITS = {"lifetimes": fit_lifetimes, "pymc_marketing": fit_pymc_marketing}


def main() -> None:
    """Fit the histories in the file and print what it took."""
    (library,) = (name for name in FITS if importlib.util.find_spec(name))
    data = pd.DataFrame(np.load(sys.argv[1]), columns=["frequency", "recency", "T"])
    FITS[library](data.head(2_000))
    spent = []
    for _ in range(int(sys.argv[2])):
        began = time.process_time()
        parameters = FITS[library](data)
        spent.append(time.process_time() - began)
    found = {
        "library": f"{library.replace('_', '-')} {importlib.metadata.version(library)}",
        "seconds": min(spent),
        # Linux counts in kilobytes.
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
        "parameters": parameters,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
