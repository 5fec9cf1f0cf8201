"""What keeps segments the same between quarters: one table of fitted numbers that assigns all.

A fit ends in an `Anchor`; the anchor assigns, in the quarter of the fit as in every later one. As a
table it is tidy: `kind` says what a row is, `segment_id` and `feature` what it is about, `name`
which number, `value` and `text` hold it.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from analysis.core.problems import Problem, TableError
from analysis.customers.segment_transform import Transform

NEW_ID, NEW_NAME = "new", "Too new to say"
SILENT_ID, SILENT_NAME = "silent", "Silent for a year"
LARGER_ID, LARGER_NAME = "larger", "At least average, by value only"
SMALLER_ID, SMALLER_NAME = "smaller", "Below average, by value only"

_COLUMNS = ("kind", "segment_id", "name", "feature", "value", "text")
_TRANSFORM = ("low", "high", "power", "mean", "scale")
_SCAN_TEXTS = ("why_not",)


@dataclass(frozen=True)
class Anchor:
    """Everything that is needed to assign customers; nothing of it is fitted again until a refit.

    `centres` is segments x features in transformed units, empty when the data hold no clusters:
    then `larger_amount` divides customers by value. `names` gives segment ids their names in
    canonical order, rule-made ones last. `typical` holds the median feature of the clustered
    customers at the fit, `cuts` the cut points of prospect classes, `reference` what drift is
    measured against, `options` the choices that the fit was made with, `typical_gap` the days by
    which the silence of customers with few orders is judged.

    An anchor that was made from too little has a reason in `why_provisional`: it holds for its own
    period, and a later one makes another. Otherwise the text is empty.
    """

    period: str
    fitted_on: date
    why_fitted: str
    why_provisional: str
    typical_gap: float
    transform: Transform
    names: dict[str, str]
    centres: np.ndarray
    larger_amount: float
    typical: dict[str, float]
    cuts: dict[str, float]
    reference: dict[str, float]
    options: dict[str, str]
    scan: pd.DataFrame

    @property
    def has_clusters(self) -> bool:
        return len(self.centres) > 0

    @property
    def is_provisional(self) -> bool:
        return bool(self.why_provisional)

    @property
    def is_beyond_chance(self) -> bool:
        """Are the clusters more stable than those of one cloud without any?"""
        return bool((self.scan["is_chosen"] & self.scan["is_beyond_null"]).any())

    @property
    def cluster_ids(self) -> list[str]:
        """The ids of the clusters, in the order of `centres`."""
        return list(self.names)[: len(self.centres)]

    def distances(self, features: pd.DataFrame) -> np.ndarray:
        """Return customers x clusters: Euclidean distance to each centre."""
        points = self.transform.apply(features)
        return np.column_stack([np.linalg.norm(points - c, axis=1) for c in self.centres])

    def to_table(self) -> pd.DataFrame:
        """Return the anchor as rows."""
        rows = [
            _row("fit", name="period", text=self.period),
            _row("fit", name="fitted_on", text=self.fitted_on.isoformat()),
            _row("fit", name="why_fitted", text=self.why_fitted),
            _row(
                "fit",
                name="is_provisional",
                value=float(self.is_provisional),
                text=self.why_provisional,
            ),
            _row("fit", name="typical_gap_days", value=self.typical_gap),
            _row("fit", name="larger_amount", value=self.larger_amount),
            *(_row("option", name=n, text=t) for n, t in self.options.items()),
            *(_row("segment", i, name=n) for i, n in self.names.items()),
            *self._feature_rows(),
            *(_row("cut", name=n, value=v) for n, v in self.cuts.items()),
            *(_row("reference", name=n, value=v) for n, v in self.reference.items()),
            *_scan_rows(self.scan),
        ]
        return pd.DataFrame(rows, columns=list(_COLUMNS)).astype(
            {name: "float64" if name == "value" else "str" for name in _COLUMNS}
        )

    def _feature_rows(self) -> list[dict]:
        features = self.transform.features
        rows = [
            _row("transform", name=n, feature=f, value=v)
            for n in _TRANSFORM
            for f, v in zip(features, getattr(self.transform, n), strict=True)
        ]
        rows += [
            _row("centre", segment_id, feature=f, value=v)
            for segment_id, centre in zip(self.cluster_ids, self.centres, strict=True)
            for f, v in zip(features, centre, strict=True)
        ]
        return rows + [_row("typical", feature=f, value=v) for f, v in self.typical.items()]


def is_outdated(table: pd.DataFrame) -> bool:
    """Was the anchor left by a version of this analysis that did not yet keep all it needs?"""
    if not {"kind", "name"} <= set(table.columns):
        return False
    names = set(table.loc[table["kind"].isin(("fit", "cut")), "name"])
    return "fitted_on" in names and not {"typical_gap_days", "upper_value_amount"} <= names


def read_anchor(table: pd.DataFrame) -> Anchor:
    """Return the anchor that `to_table` wrote; TableError when the table is not one."""
    try:
        return _read(table)
    except (KeyError, ValueError, TypeError) as error:
        raise TableError(
            Problem(
                "table segment_anchor",
                f"rows that are no anchor ({type(error).__name__}: {error})",
                "the table segment_anchor of an earlier run of customers/segmentation, unchanged",
                "restore it, or fit again with the option refit_now",
            )
        ) from error


def _read(table: pd.DataFrame) -> Anchor:
    parts = dict(iter(table[list(_COLUMNS)].groupby("kind", sort=False)))
    fit = parts["fit"].set_index("name")
    names = dict(zip(parts["segment"]["segment_id"], parts["segment"]["name"], strict=True))
    transform = _read_transform(parts.get("transform"))
    return Anchor(
        period=fit.loc["period", "text"],
        fitted_on=date.fromisoformat(fit.loc["fitted_on", "text"]),
        why_fitted=fit.loc["why_fitted", "text"],
        why_provisional=fit.loc["is_provisional", "text"],
        typical_gap=float(fit.loc["typical_gap_days", "value"]),
        transform=transform,
        names=names,
        centres=_read_centres(parts.get("centre"), names, transform),
        larger_amount=float(fit.loc["larger_amount", "value"]),
        typical=_values(parts["typical"], "feature"),
        cuts=_values(parts["cut"], "name"),
        reference=_values(parts.get("reference"), "name"),
        options=dict(zip(parts["option"]["name"], parts["option"]["text"], strict=True)),
        scan=_read_scan(parts.get("scan")),
    )


def _row(
    kind: str,
    segment_id: str = "",
    *,
    name: str = "",
    feature: str = "",
    value: float = float("nan"),
    text: str = "",
) -> dict:
    return dict(zip(_COLUMNS, (kind, segment_id, name, feature, float(value), text), strict=True))


def _values(part: pd.DataFrame | None, key: str) -> dict[str, float]:
    return {} if part is None else dict(zip(part[key], part["value"].astype(float), strict=True))


def _read_transform(part: pd.DataFrame | None) -> Transform:
    if part is None:
        nothing = np.empty(0)
        return Transform((), nothing, nothing, nothing, nothing, nothing)
    features = tuple(dict.fromkeys(part["feature"]))
    columns = (_of(part[part["name"] == name], features) for name in _TRANSFORM)
    return Transform(features, *columns)


def _read_centres(
    part: pd.DataFrame | None, names: dict[str, str], transform: Transform
) -> np.ndarray:
    if part is None:
        return np.empty((0, len(transform.features)))
    ids = [name for name in names if name in set(part["segment_id"])]
    return np.array([_of(part[part["segment_id"] == i], transform.features) for i in ids])


def _of(part: pd.DataFrame, features: tuple[str, ...]) -> np.ndarray:
    return part.set_index("feature")["value"].loc[list(features)].to_numpy(dtype=float)


def _scan_rows(scan: pd.DataFrame) -> list[dict]:
    rows = []
    for number, record in enumerate(scan.to_dict("records")):
        for name, value in record.items():
            if name in _SCAN_TEXTS:
                rows.append(_row("scan", name=name, feature=str(number), text=value))
            else:
                rows.append(_row("scan", name=name, feature=str(number), value=float(value)))
    return rows


def _read_scan(part: pd.DataFrame | None) -> pd.DataFrame:
    kinds = {
        "cluster_count": "int64",
        "why_not": "str",
        "is_beyond_null": "bool",
        "is_chosen": "bool",
    }
    if part is None:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})
    names = list(dict.fromkeys(part["name"]))
    rows = part["feature"].astype(int).max() + 1
    columns = {}
    for name in names:
        mine = part[part["name"] == name].sort_values("feature", key=lambda s: s.astype(int))
        values = mine["text" if name in _SCAN_TEXTS else "value"].to_numpy()[:rows]
        columns[name] = pd.Series(values).astype(kinds.get(name, "float64"))
    return pd.DataFrame(columns)
