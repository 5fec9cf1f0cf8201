"""The pictures of the service catalogue: how many services, and which, by class."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from analysis.core.figures import ACCENT, FAN, INK, RULE, SOFT, Chart, chart, new_axes
from analysis.core.scope import Scope

_MOST_SERVICES = 12
_LARGEST = 22.0  # diameter of a circle of 100 %, in points
_LONGEST = 16  # letters of a service's name on one line


def level_chart(levels: pd.DataFrame, scope: Scope) -> Chart:
    """Draw services now and the number that suits, a row per class."""
    figure, axes = new_axes(height=0.9 + 0.5 * len(levels))
    texts = []
    for place, row in enumerate(levels.to_dict("records")):
        now, target = row["services_now"], row["target_services_count"]
        low, high = row["target_services_low_count"], row["target_services_high_count"]
        axes.plot([now, target], [place, place], color=RULE, linewidth=2.5, zorder=1)
        axes.plot([low, high], [place, place], color=FAN, linewidth=8, zorder=2)
        axes.plot([now], [place], "o", color=SOFT, markersize=7, zorder=3)
        axes.plot([target], [place], "o", color=ACCENT, markersize=9, zorder=3)
        spot = (now, scope.display.number(now), SOFT), (target, str(target), ACCENT)
        for x, text, colour in spot:
            axes.annotate(
                text,
                (x, place),
                xytext=(0, 8),
                textcoords="offset points",
                ha="center",
                color=colour,
            )
        texts.append(f"{row['prospect_class']} {scope.display.number(now)} now, {target}")
    names = [
        f"{row.prospect_class}\n{scope.display.count(row.customer_count)} customers"
        for row in levels.itertuples()
    ]
    axes.set_yticks(range(len(levels)), names)
    axes.set_ylim(len(levels) - 0.4, -0.7)
    axes.set_xlim(0, max(levels["target_services_high_count"].max(), 1) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="services per customer: grey now, green the number that suits and its range")
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
    return chart(
        figure,
        "service-levels",
        title="Services per customer, now and as like customers of long standing have them",
        alternative_text=f"A row per class: {'; '.join(texts)}.",
    )


def service_chart(services: pd.DataFrame, scope: Scope) -> Chart:
    """Draw a circle per class and service: area is the share of peers who have it."""
    order = services.groupby("service")["peers_share"].mean().sort_values(ascending=False)
    names = list(order.index[:_MOST_SERVICES])
    classes = list(dict.fromkeys(services["prospect_class"]))
    figure, axes = new_axes(height=1.1 + 0.6 * len(classes))
    shown = services[services["service"].isin(names)]
    for row in shown.itertuples():
        spot = names.index(row.service), classes.index(row.prospect_class)
        width = np.sqrt(max(row.peers_share, 0.0)) * _LARGEST
        colour = ACCENT if row.is_in_catalogue else FAN
        axes.plot(*spot, "o", color=colour, markersize=width, markeredgewidth=0)
        axes.annotate(
            scope.display.share(row.peers_share, 0),
            spot,
            xytext=(0, -width / 2 - 1.5),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=8,
            color=INK if row.is_in_catalogue else SOFT,
        )
    _name_services(axes, names, classes)
    axes.set_ylim(len(classes) - 0.45, -0.55)
    axes.spines[["left", "bottom"]].set_visible(False)
    listed = "; ".join(
        f"{name}: {', '.join(rows.loc[rows['is_in_catalogue'], 'service']) or 'none'}"
        for name, rows in services.groupby("prospect_class", sort=False)
    )
    return chart(
        figure,
        "class-services",
        title="Share of like customers of long standing who have it; dark: in the catalogue",
        alternative_text=f"Circles by class and service. In the catalogue: {listed}.",
    )


def _name_services(axes: Axes, names: list[str], classes: list[str]) -> None:
    axes.set_yticks(range(len(classes)), classes)
    axes.set_xticks(range(len(names)), [_short(name) for name in names], fontsize=8.5)
    slanted = any(len(name) > _LONGEST for name in names) or len(names) > 6
    axes.tick_params(axis="x", rotation=35 if slanted else 0, length=0)
    axes.tick_params(axis="y", length=0)
    for label in axes.get_xticklabels():
        label.set_ha("right" if slanted else "center")
        label.set_rotation_mode("anchor" if slanted else "default")
    axes.set_xlim(-0.6, len(names) - 0.4)


def _short(name: str) -> str:
    name = name.removesuffix(" and alike")
    return name if len(name) <= _LONGEST + 8 else f"{name[: _LONGEST + 7]}…"
