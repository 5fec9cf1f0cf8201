"""Why a seller brings more or less than the others, in parts that sum to the difference."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.decomposition import product_parts

CAUSES = {
    "days": "days worked",
    "leads": "deals given per day",
    "pace": "deals brought to an end (cycle time)",
    "mix": "kind of deals given",
    "conversion": "conversion for equal work",
    "size": "deal size",
}
_DRAWS = 100


_COLUMNS = ["is_given", "is_ended", "chance", "is_won", "value_amount"]
_Amounts = float | np.ndarray


@dataclass(frozen=True)
class Work:
    """What one seller (or the average of the others) did within the window; or each of draws."""

    days: float  # full-time days
    given: _Amounts  # deals opened
    ended: _Amounts  # deals won or lost
    expected: _Amounts  # wins that others would have had of the ended deals
    won: _Amounts
    amount: _Amounts  # value of won deals

    def factors(self, usual: "Work") -> dict[str, _Amounts]:
        """Return factors whose product is `amount`; what is not defined is as with the others."""
        chance = _ratio(usual.expected, usual.ended)
        return {
            "days": self.days,
            "leads": _ratio(self.given, self.days),
            "pace": _ratio(self.ended, self.given),
            "mix": _ratio(self.expected, self.ended, chance),
            "conversion": _ratio(self.won, self.expected),
            "size": _ratio(self.amount, self.won, _ratio(usual.amount, usual.won)),
        }


def _ratio(above: _Amounts, below: _Amounts, otherwise: _Amounts = 0.0) -> _Amounts:
    """Return the ratio, or `otherwise` where nothing is below; of numbers a number."""
    is_any = np.asarray(below) != 0
    found = np.where(is_any, np.asarray(above) / np.where(is_any, below, 1.0), otherwise)
    return found if found.ndim else float(found)


def bridge_table(deals: pd.DataFrame, present: pd.Series, seed: int) -> pd.DataFrame:
    """Return the parts of each seller's difference in won revenue from the others' average.

    `deals` has one row per deal that was opened or ended in the window: rep_id, is_given, is_ended,
    is_won, chance (that others with the same work would have won it), value_amount. Columns:
    rep_id; cause (of CAUSES); part_amount with low and high (80 %, from drawing the seller's deals
    anew; the others are taken as they are); below_share (of these draws with a part below 0);
    difference_amount (the seller's revenue less that of
    the average other); the parts of a seller sum to it.
    """
    rows = []
    generator = np.random.default_rng(seed)
    present = present[present > 0]
    places = deals.groupby("rep_id").indices
    values = deals[_COLUMNS].to_numpy(float)
    mine = {rep: values[places[rep]] for rep in present.index if rep in places}
    nobody = np.zeros(len(_COLUMNS))
    sums = np.array([_sums(mine[rep]) if rep in mine else nobody for rep in present.index])
    for place, rep in enumerate(present.index):
        if rep in mine and len(present) > 1:
            usual = _average(np.delete(sums, place, axis=0), np.delete(present.to_numpy(), place))
            rows += _rows(rep, mine[rep], float(present[rep]), usual, generator)
    columns = ["rep_id", "cause", "part_amount", "part_low_amount", "part_high_amount"]
    return pd.DataFrame(rows, columns=[*columns, "below_share", "difference_amount"])


def _rows(
    rep: str,
    values: np.ndarray,
    days: float,
    usual: Work,
    generator: np.random.Generator,
) -> list[tuple]:
    parts = _parts(Work(days, *_sums(values)), usual)
    drawn = generator.integers(0, len(values), (_DRAWS, len(values)))
    sums = np.array([_sums(values[rows]) for rows in drawn])
    spread = pd.DataFrame(_parts(Work(days, *sums.T), usual))
    low, high, below = spread.quantile(0.1), spread.quantile(0.9), (spread < 0).mean()
    below = below.clip(1 / _DRAWS, 1 - 1 / _DRAWS)  # so many draws cannot tell more
    ends = {cause: (float(low[cause]), float(high[cause]), float(below[cause])) for cause in CAUSES}
    difference = sum(parts.values())
    return [(rep, cause, parts[cause], *ends[cause], difference) for cause in CAUSES]


def _parts(work: Work, usual: Work) -> dict[str, _Amounts]:
    return product_parts(usual.factors(usual), work.factors(usual))


def _sums(values: np.ndarray) -> tuple[float, ...]:
    """Given, ended, expected, won and amount of deals with _COLUMNS."""
    given, ended, chance, won, amount = values.T
    return (
        float(given.sum()),
        float(ended.sum()),
        float((ended * chance).sum()),
        float((ended * won).sum()),
        float(np.nansum(ended * won * amount)),
    )


def _average(sums: np.ndarray, days: np.ndarray) -> Work:
    """The mean of people, of whom each has a row of `_sums`."""
    given, ended, _, won, amount = sums.sum(axis=0) / len(days)
    # The others' chances are of one another; as a group they win what they win.
    return Work(float(days.sum()) / len(days), given, ended, won, won, amount)
