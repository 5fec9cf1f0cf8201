"""The picture of who moved: a column of places per quarter, and bands between them."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.core.figures import INK, SOFT, Chart, chart, new_axes
from analysis.core.scope import Scope
from analysis.customers.migration_tables import NOT_YET
from analysis.customers.segment_words import customers_text

_BAR = 0.09  # half the width of a column
_GAP_SHARE = 0.03  # of all customers, between two places
_CURVE = 24  # points of a band's edge
# A place with fewer than this share of customers is drawn, its name only beside the last quarter.
_LABELLED_SHARE = 0.012


def alluvial_chart(
    places: pd.DataFrame,
    names: dict[str, str],
    colour: Callable[[str], str],
    scope: Scope,
    *,
    what: str,
) -> Chart:
    """Draw up to four quarters, the first left; bands are as thick as the customers are many.

    `names` gives the words of each place in order from the top. A band has the colour of the place
    that it comes from, which is the same in every quarter.
    """
    filled = places.fillna(NOT_YET)
    order = [name for name in (*names, NOT_YET) if (filled == name).to_numpy().any()]
    words = names | {NOT_YET: NOT_YET.capitalize()}
    tint = {name: SOFT if name == NOT_YET else colour(name) for name in order}
    figure, axes = new_axes(width=7.6, height=3.9)
    gap = _GAP_SHARE * len(filled)
    tops = {name: _tops(filled[name], order, gap) for name in filled}
    for x, (left, right) in enumerate(pairwise(filled)):
        _bands(axes, x, filled[[left, right]], (tops[left], tops[right]), tint)
    for x, period in enumerate(filled):
        counts = filled[period].value_counts()
        for name in order:
            count, top = int(counts.get(name, 0)), tops[period][name]
            if count:
                span = ([x - _BAR, x + _BAR], [top, top], [top + count, top + count])
                axes.fill_between(*span, color=tint[name], linewidth=0)
                _label(axes, x, filled.shape[1], (words[name], count, top), scope, len(filled))
    _frame(axes, list(filled), max(max(t.values()) for t in tops.values()))
    return chart(
        figure,
        f"migration-{what.replace(' ', '-')}",
        title=f"Who went where: {what} at the last quarter ends, bands as thick as customers many",
        alternative_text=_in_words(filled, words, scope),
    )


def _tops(places: pd.Series, order: list[str], gap: float) -> dict[str, float]:
    counts = places.value_counts().reindex(order, fill_value=0)
    starts = np.concatenate([[0.0], (counts.to_numpy() + gap).cumsum()[:-1]])
    return dict(zip(order, starts, strict=True))


def _bands(
    axes: Axes,
    x: int,
    pair: pd.DataFrame,
    tops: tuple[dict[str, float], dict[str, float]],
    tint: dict[str, str],
) -> None:
    left, right = (dict(top) for top in tops)
    counts = pair.value_counts()
    steps = np.linspace(0, 1, _CURVE)
    bend = steps**2 * (3 - 2 * steps)
    across = x + _BAR + steps * (1 - 2 * _BAR)
    for one in tint:
        for other in tint:
            count = int(counts.get((one, other), 0))
            if not count:
                continue
            edge = left[one] + (right[other] - left[one]) * bend
            stays = one == other
            axes.fill_between(
                across,
                edge,
                edge + count,
                color=tint[one],
                alpha=0.25 if stays else 0.55,
                linewidth=0,
            )
            left[one] += count
            right[other] += count


def _label(
    axes: Axes, x: int, columns: int, place: tuple[str, int, float], scope: Scope, total: int
) -> None:
    words, count, top = place
    is_first, is_last = x == 0, x == columns - 1
    if not (is_first or is_last) or (is_first and count < _LABELLED_SHARE * total):
        return
    text = f"{words} · {scope.display.count(count)}" if is_last else scope.display.count(count)
    if is_first and words == NOT_YET.capitalize():
        text = f"not yet\n{text}"
    side, spot = ("left", x + _BAR + 0.04) if is_last else ("right", x - _BAR - 0.04)
    axes.text(spot, top + count / 2, text, ha=side, va="center", fontsize=8.5, color=INK)


def _frame(axes: Axes, periods: list[str], bottom: float) -> None:
    axes.set_xticks(range(len(periods)), periods)
    axes.set_xlim(-0.35, len(periods) - 1 + 1.35)
    axes.set_ylim(bottom=axes.get_ylim()[1], top=min(0.0, axes.get_ylim()[0]))
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0, colors=SOFT)


def _in_words(filled: pd.DataFrame, words: dict[str, str], scope: Scope) -> str:
    first, last = filled.columns[-2], filled.columns[-1]
    moved = filled[filled[first] != filled[last]]
    counts = moved[[first, last]].value_counts()
    # Ties in size go by name, so that the sentence does not depend on the order of rows.
    listed = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:6]
    flows = [
        f"{customers_text(count, scope.display)} from “{words[one]}” to “{words[other]}”"
        for (one, other), count in listed
    ]
    stayed = customers_text(len(filled) - len(moved), scope.display)
    said = "; ".join(flows) if flows else "nobody moved"
    return f"From {first} to {last}: {stayed} where they were; {said}."
