"""By how much did a fortnight change, and within which range could chance have moved it?"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import t

from analysis.customers.pulse_limits import restored, stabilised

# Compared with so many fortnights before; 26 are a year.
_BACK = {"the fortnight before": 1, "the same fortnight a year ago": 26}
_FEWEST = 8  # earlier changes of the same kind that a range is learned from
_SHARE = 0.8
COLUMNS = ("measure", "against", "before", "now", "change", "change_low", "change_high")


def change_table(table: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Return by how much each number changed, with the 80 % range of the change beyond chance.

    Columns: measure; against (the fortnight before, the same a year ago); before; now; change, its
    ends change_low and change_high (missing with fewer than eight earlier changes of the kind).
    Nothing is called unusual here: that is for the charts and their budget. The range comes from
    how much earlier fortnights differed in the same way, in square roots. `table` has a row per
    fortnight, the last one last.
    """
    rows = [
        (label, words, *_change(table[measure].to_numpy(float), back))
        for measure, label in labels.items()
        for words, back in _BACK.items()
        if len(table) > back
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _change(values: np.ndarray, back: int) -> tuple[float, ...]:
    before, now = values[-1 - back], values[-1]
    roots = stabilised(values)
    usual = (roots[back:] - roots[:-back])[:-1]  # the last one is what is judged
    if len(usual) < _FEWEST:
        return before, now, now - before, np.nan, np.nan
    spread = float(usual.std(ddof=1)) * np.sqrt(1 + 1 / len(usual))
    half = float(t.ppf(0.5 + _SHARE / 2, len(usual) - 1)) * spread
    low, high = (restored(roots[-1] + side * half) - before for side in (-1, 1))
    return before, now, now - before, low, high
