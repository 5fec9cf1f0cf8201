"""Choices of the segmentation chapter, and what each may be."""

from dataclasses import asdict, dataclass

from analysis.core.problems import Problem, SettingsError, raise_all
from analysis.customers.behaviour_features import DEFAULT_FEATURES, FEATURES
from analysis.customers.lifetime_value import LifetimeOptions
from analysis.customers.prospects import ProspectRule
from analysis.customers.segment_memory import DeadBand
from analysis.customers.segment_stability import StabilityRule

_RANGES: dict[str, tuple[float, float]] = {
    "fewest_segments": (2, 20),
    "most_segments": (2, 20),
    "fewest_customers": (10, 1_000_000),
    "bootstraps": (2, 1000),
    "least_ari": (0, 1),
    "least_jaccard": (0, 1),
    "least_strength": (0, 1),
    "smallest_share": (0, 0.5),
    "largest_share": (0.2, 1),
    "top_value_share": (0, 1),
    "high_value_share": (0, 1),
    "upper_value_share": (0, 1),
    "low_value_share": (0, 1),
    "growth_share": (-1, 10),
    "growing_share": (0, 1),
    "loss_share": (0, 1),
    "band_deviations": (0, 5),
    "band_share": (0, 1),
    "horizon_years": (1, 20),
    "discount_share": (0, 1),
    "seed": (0, 2**32 - 1),
}

_NOT_OF_A_FIT = (
    "refit_now",
    "band_deviations",
    "band_share",
    "horizon_years",
    "discount_share",
)


@dataclass(frozen=True)
class SegmentationOptions:
    """Choices of the segmentation chapter; a change of what a fit depends on leads to a new one.

    That is any but `refit_now`, the dead-band, which only says who moves, and lifetime value's.
    """

    features: tuple[str, ...] = ()  # names of behaviour features; empty: the default six
    fewest_segments: int = 2  # clusters tried, from
    most_segments: int = 9  # clusters tried, to
    fewest_customers: int = 30  # with orders in the year; below, customers are divided by value
    bootstraps: int = 20  # draws of customers per number of clusters, and half as many splits
    least_ari: float = 0.9  # mean adjusted Rand index over the draws, 0 to 1
    least_jaccard: float = 0.75  # of the cluster least often found again, 0 to 1
    least_strength: float = 0.8  # prediction strength, 0 to 1
    smallest_share: float = 0.03  # of the clustered customers, 0 to 0.5
    largest_share: float = 0.5  # of the clustered customers; of two clusters at least 0.8
    top_value_share: float = 0.96  # share of customers with orders below "top value"
    high_value_share: float = 0.9  # share of customers with orders below "high value"
    upper_value_share: float = 0.82  # share of customers with orders below "upper value"
    low_value_share: float = 0.6  # share of customers with orders below "some value"
    growth_share: float = 0.1  # forecast above the last year that always counts as growth ahead
    growing_share: float = 0.4  # at least so many with orders count as growing, though they shrink
    loss_share: float = 0.5  # of the mean of two years; a forecast of at most that counts as lost
    band_deviations: float = 0.6  # past the border between segments before a customer moves
    band_share: float = 0.1  # the same in money, for prospect classes and categories by value
    horizon_years: int = 3  # that lifetime value counts
    discount_share: float = 0.1  # of lifetime value, a year
    seed: int = 0  # of draws for drift and usefulness; segments never depend on it
    refit_now: bool = False  # fit again although there is an anchor; names may change

    def __post_init__(self) -> None:
        # Parameters of a notebook come as lists.
        object.__setattr__(self, "features", tuple(self.features))
        raise_all(list(_problems(self)), SettingsError)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The chosen features in the order of their declaration."""
        chosen = self.features or DEFAULT_FEATURES
        return tuple(name for name in FEATURES if name in chosen)

    @property
    def stability_rule(self) -> StabilityRule:
        return StabilityRule(
            self.bootstraps,
            self.least_ari,
            self.least_jaccard,
            self.least_strength,
            self.smallest_share,
            self.largest_share,
        )

    @property
    def dead_band(self) -> DeadBand:
        return DeadBand(self.band_deviations, self.band_share)

    @property
    def lifetime(self) -> LifetimeOptions:
        return LifetimeOptions(self.horizon_years, self.discount_share)

    @property
    def prospect_rule(self) -> ProspectRule:
        return ProspectRule(
            self.high_value_share,
            self.low_value_share,
            self.growth_share,
            self.loss_share,
            self.top_value_share,
            self.upper_value_share,
            self.growing_share,
        )

    def as_texts(self) -> dict[str, str]:
        """Return what a fit depends on, as texts that compare equal when the options do."""
        values = asdict(self) | {"features": ", ".join(self.feature_names)}
        for name in _NOT_OF_A_FIT:
            values.pop(name)
        return {
            name: repr(float(v)) if isinstance(v, int | float) else v for name, v in values.items()
        }


def _problems(options: SegmentationOptions) -> list[Problem]:
    problems = [
        Problem(f"segmentation option {name}", repr(value), f"{low} to {high}", "mend the value")
        for name, (low, high) in _RANGES.items()
        if not low <= (value := getattr(options, name)) <= high
    ]
    unknown = [name for name in options.features if name not in FEATURES]
    if unknown:
        known = ", ".join(FEATURES)
        where = "segmentation option features"
        problems.append(Problem(where, ", ".join(unknown), f"any of {known}", "mend the names"))
    if options.fewest_segments > options.most_segments:
        found = f"{options.fewest_segments} to {options.most_segments}"
        where = "segmentation options fewest_segments, most_segments"
        problems.append(Problem(where, found, "the first not above the second", "mend one"))
    names = [f"{part}_value_share" for part in ("low", "upper", "high", "top")]
    limits = [getattr(options, name) for name in names]
    if limits != sorted(limits):
        where = f"segmentation options {', '.join(names)}"
        found = ", ".join(map(str, limits))
        problems.append(Problem(where, found, "none above the next", "mend one"))
    return problems
