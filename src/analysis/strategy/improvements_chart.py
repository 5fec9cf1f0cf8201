"""The picture of the chapter on improvements: promised beside realised."""

import numpy as np
import pandas as pd

from analysis.core.figures import ACCENT, FAN, RULE, SERIES, SOFT, Chart, chart, new_axes
from analysis.core.scope import Scope
from analysis.strategy.effect import EFFECT


def promise_chart(ledger: pd.DataFrame, scope: Scope) -> Chart:
    """Draw the promised range of each improvement and what was measured, where it was."""
    share = scope.display.change
    shown = ledger.iloc[::-1].reset_index(drop=True)
    figure, axes = new_axes(height=0.9 + 0.5 * max(len(shown), 1))
    for place, row in shown.iterrows():
        axes.plot(
            [row["promised_low"], row["promised_high"]], [place + 0.14] * 2, color=FAN, linewidth=6
        )
        if np.isfinite(row["realised"]):
            colour = SERIES[1] if row["verdict"] == EFFECT else SOFT
            axes.plot([row["realised_low"], row["realised_high"]], [place - 0.14] * 2, color=colour)
            axes.plot(row["realised"], place - 0.14, "o", color=colour, markersize=5)
    axes.axvline(0, color=ACCENT, linewidth=0.8)
    axes.set_yticks(range(len(shown)), shown["name"])
    axes.set_ylim(-0.6, max(len(shown), 1) - 0.4)
    axes.xaxis.set_major_formatter(lambda value, _: share(value, 0))
    axes.set_xlabel("Change of the driver; wide: promised, line: measured with 80 % range")
    axes.grid(visible=True, axis="x", color=RULE, linewidth=0.6)
    axes.tick_params(axis="y", length=0)
    texts = [
        f"{row.name}: promised {share(row.promised_mid, 0)}, measured "
        f"{share(row.realised, 0)}, {row.verdict}"
        for row in ledger.itertuples()
    ]
    return chart(
        figure,
        "improvements-promises",
        title="Promised and measured",
        alternative_text="; ".join(texts) or "No improvement has taken effect yet.",
    )
