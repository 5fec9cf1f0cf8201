"""Why a manager brings more or less than the others, in parts that sum to the difference."""

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


@dataclass(frozen=True)
class Work:
    """What one manager (or the average of the others) did within the window."""

    days: float  # full-time days
    given: float  # deals opened
    ended: float  # deals won or lost
    expected: float  # wins that others would have had of the ended deals
    won: float
    amount: float  # value of won deals

    def factors(self, usual: "Work") -> dict[str, float]:
        """Return factors whose product is `amount`; what is not defined is as with the others."""
        chance = usual.expected / usual.ended if usual.ended else 0.0
        mix = self.expected / self.ended if self.ended else chance
        usual_size = usual.amount / usual.won if usual.won else 0.0
        return {
            "days": self.days,
            "leads": self.given / self.days if self.days else 0.0,
            "pace": self.ended / self.given if self.given else 0.0,
            "mix": mix,
            "conversion": self.won / self.expected if self.expected else 0.0,
            "size": self.amount / self.won if self.won else usual_size,
        }


def bridge_table(deals: pd.DataFrame, present: pd.Series, seed: int) -> pd.DataFrame:
    """Return the parts of each manager's difference in won revenue from the others' average.

    `deals` has one row per deal that was opened or ended in the window: rep_id, is_given, is_ended,
    is_won, chance (that others with the same work would have won it), value_amount. Columns:
    rep_id; cause (of CAUSES); part_amount with low and high (80 %, from drawing the manager's deals
    anew; the others are taken as they are); difference_amount (the manager's revenue less that of
    the average other); the parts of a manager sum to it.
    """
    rows = []
    generator = np.random.default_rng(seed)
    for rep in present.index[present > 0]:
        is_mine = (deals["rep_id"] == rep).to_numpy()
        others = [name for name in present.index[present > 0] if name != rep]
        if not is_mine.any() or not others:
            continue
        usual = _average(deals[deals["rep_id"].isin(others)], present[others])
        rows += _rows(rep, deals[is_mine], float(present[rep]), usual, generator)
    columns = ["rep_id", "cause", "part_amount", "part_low_amount", "part_high_amount"]
    return pd.DataFrame(rows, columns=[*columns, "difference_amount"])


def _rows(
    rep: str,
    mine: pd.DataFrame,
    days: float,
    usual: Work,
    generator: np.random.Generator,
) -> list[tuple]:
    columns = ["is_given", "is_ended", "chance", "is_won", "value_amount"]
    values = mine[columns].to_numpy(float)
    parts = _parts(_work(values, days), usual)
    drawn = generator.integers(0, len(values), (_DRAWS, len(values)))
    spread = pd.DataFrame([_parts(_work(values[rows], days), usual) for rows in drawn])
    low, high = spread.quantile(0.1), spread.quantile(0.9)
    difference = sum(parts.values())
    return [(rep, c, parts[c], float(low[c]), float(high[c]), difference) for c in CAUSES]


def _parts(work: Work, usual: Work) -> dict[str, float]:
    return product_parts(usual.factors(usual), work.factors(usual))


def _work(values: np.ndarray, days: float) -> Work:
    given, ended, chance, won, amount = values.T
    return Work(
        days=days,
        given=float(given.sum()),
        ended=float(ended.sum()),
        expected=float((ended * chance).sum()),
        won=float((ended * won).sum()),
        amount=float(np.nansum(ended * won * amount)),
    )


def _average(others: pd.DataFrame, present: pd.Series) -> Work:
    columns = ["is_given", "is_ended", "chance", "is_won", "value_amount"]
    total = _work(others[columns].to_numpy(float), float(present.sum()))
    count = len(present)
    # The others' chances are of one another; as a group they win what they win.
    return Work(
        total.days / count,
        total.given / count,
        total.ended / count,
        total.won / count,
        total.won / count,
        total.amount / count,
    )
