"""What did contacting bring? Like is held against like, and chance is told by drawing again.

The customers of a list stand in blocks of like forecast; in each block some were held out by lot.
What contacts brought beyond their frozen forecast is held against the same of those held out in
their block. A customer's revenue counts up to a limit fixed with the list, and a block weighs by
the root of its forecast, half way between counting heads and counting money, so that one giant
customer cannot decide. Both rules are fixed before anything has come.

Under the claim "contacting multiplies revenue by 1 + lift" the revenue without it is known of
everybody, so the groups can be drawn again (Fisher 1935). The interval holds every lift under which
the outcome is not among the rarest draws; "no effect" is one of them or not.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import comb, inf, log, nan

import numpy as np
from scipy.optimize import brentq

Floats = np.ndarray

_LEVEL = 0.05
_LIMIT_TIMES = 3.0  # revenue counts to this multiple of the forecast
_FLOOR_SHARE = 0.1  # of the middle block's forecast, the least that weights rest on
_CHUNK = 2_000_000  # random numbers at a time; bounds memory
_MOST_NUMBERS = 20_000_000  # random numbers of one list; longer lists are drawn less often
_FEWEST_DRAWS = 999
_MOST_LOG = 7.0  # of the share kept: a thousandfold either way


@dataclass(frozen=True)
class Trial:
    """A drawn list, block by block; all arrays in the same order, blocks together."""

    block: Floats  # whole numbers, never falling
    is_contact: Floats
    forecast: Floats  # frozen with the list, not below 0
    limit: Floats  # revenue above it counts as this; frozen with the list
    came: Floats  # revenue of the quarter

    def without_limits(self) -> "Trial":
        """Return the same with every customer's whole revenue."""
        return Trial(
            self.block, self.is_contact, self.forecast, np.full(len(self.came), inf), self.came
        )


@dataclass(frozen=True)
class Lift:
    """What contacting multiplied revenue by, less 1, with intervals; inf where there is no end.

    `kept` are the shares of the contacts' revenue that would have come without a contact, in the
    order of `lift`, `low_80`, `high_80`, `low_95`, `high_95`.
    """

    lift: float
    low_80: float
    high_80: float
    low_95: float
    high_95: float
    p_value: float
    least_p_value: float
    kept: tuple[float, ...]

    @property
    def is_told(self) -> bool:
        """Whether the outcome is more than chance makes: the interval of 95 % is without 0."""
        return self.p_value <= _LEVEL

    @property
    def has_size(self) -> bool:
        """Whether the lift is a number: not where one of the groups brought nothing that counts."""
        return 0 < self.kept[0] < inf

    def gains(self, came: float) -> tuple[float, ...]:
        """Return the money gained of what contacts brought: middle, 80 % ends, 95 % ends.

        NaN where there is no end, and all of them where the lift has no size.
        """
        if not self.has_size:
            return (nan,) * len(self.kept)
        return tuple(came * (1 - share) if share < inf else nan for share in self.kept)


def limits(forecast: Floats) -> Floats:
    """Return up to where each customer's revenue counts: by the forecast, or the list's middle.

    Where nothing is forecast of half of the list, the mean of the others is its middle.
    """
    middle = float(np.median(forecast)) if len(forecast) else 0.0
    if middle <= 0 and (forecast > 0).any():
        middle = float(forecast[forecast > 0].mean())
    return _LIMIT_TIMES * np.maximum(forecast, middle)


def block_weights(block: Floats, forecast: Floats) -> Floats:
    """Return each customer's weight: one over the root of his block's mean forecast."""
    _, place, sizes = np.unique(block, return_inverse=True, return_counts=True)
    means = np.bincount(place, forecast) / sizes
    positive = means[means > 0]
    if not len(positive):
        return np.ones(len(block))
    return (1 / np.sqrt(np.maximum(means, _FLOOR_SHARE * np.median(positive))))[place]


def lift_of(
    trials: Sequence[Trial], *, draws: int, seed: Sequence[int], in_money: bool = False
) -> Lift:
    """Return the lift of one list, or of several together, by drawing their groups again.

    With `in_money` every block weighs as much as its money, and revenue counts without limit.
    """
    parts = [_Redrawn.of(t, draws, [*seed, place], in_money) for place, t in enumerate(trials)]
    ways = sum(_log_ways(trial) for trial in trials)
    return _judged(parts, min(1.0, 2 * float(np.exp(-ways))))


@dataclass(frozen=True)
class _Redrawn:
    """A list ready to be compared, and who would be held out in other draws of it."""

    trial: Trial
    weights: Floats  # of a contact
    taken: Floats  # what a customer takes off the comparison when he is held out
    own: Floats  # places of those held out
    others: tuple[Floats, ...]  # the same in other draws: arrays of draws by places

    @classmethod
    def of(cls, trial: Trial, draws: int, seed: Sequence[int], in_money: bool) -> "_Redrawn":
        """Weigh the customers and draw the groups again."""
        weights = block_weights(trial.block, trial.forecast)
        if in_money:
            trial, weights = trial.without_limits(), np.ones(len(trial.block))
        contacts, firsts = _shape(trial)
        others = tuple(_redrawn(trial.block, firsts, draws, seed))
        # One held out counts for as many contacts as there are to each of his block.
        return cls(trial, weights, weights * (1 + contacts), _places(~trial.is_contact), others)

    def beyond_forecast(self, kept: float) -> Floats:
        """Revenue without a contact, had contacts kept such a share of theirs, less forecast."""
        came = np.maximum(self.trial.came, 0.0)
        return (
            np.minimum(np.where(self.trial.is_contact, kept * came, came), self.trial.limit)
            - self.trial.forecast
        )

    def difference(self, kept: float) -> float:
        """Contacts less held out; 0 where `kept` makes them alike."""
        beyond = self.beyond_forecast(kept)
        return float(self.weights @ beyond - (self.taken * beyond)[self.own].sum())

    def lead(self, kept: float) -> Floats:
        """How far the difference exceeds that of each other draw; rises with `kept`."""
        beyond = self.taken * self.beyond_forecast(kept)
        drawn = np.concatenate([beyond[held].sum(axis=1) for held in self.others])
        return drawn - beyond[self.own].sum()


def _places(flags: Floats) -> Floats:
    return np.flatnonzero(flags)


def _shape(trial: Trial) -> tuple[Floats, Floats]:
    """Return contacts per held-out customer of each one's block, and places of the held out.

    The places are those that hold the held out when a block's customers are put in random order.
    """
    _, start, place, sizes = np.unique(
        trial.block, return_index=True, return_inverse=True, return_counts=True
    )
    held = np.bincount(place, ~trial.is_contact)
    within = np.arange(len(place)) - start[place]
    return ((sizes - held) / held)[place], np.flatnonzero(within < held[place])


def _redrawn(block: Floats, firsts: Floats, draws: int, seed: Sequence[int]) -> Iterator[Floats]:
    """Yield who would be held out in other draws: arrays of draws by places."""
    generator = np.random.default_rng(list(seed))
    _, place = np.unique(block, return_inverse=True)
    count = max(min(draws, _MOST_NUMBERS // max(len(place), 1)), min(draws, _FEWEST_DRAWS))
    rows = max(1, _CHUNK // max(len(place), 1))
    for first in range(0, count, rows):
        order = place + generator.random((min(rows, count - first), len(place)))
        yield np.argsort(order, axis=1, kind="stable")[:, firsts].astype(np.int32)


def _log_ways(trial: Trial) -> float:
    """The log of how many ways there are to draw the groups."""
    _, place, sizes = np.unique(trial.block, return_inverse=True, return_counts=True)
    held = np.bincount(place, ~trial.is_contact).astype(int)
    return sum(log(comb(int(size), int(out))) for size, out in zip(sizes, held, strict=True))


def _judged(parts: Sequence[_Redrawn], least: float) -> Lift:
    lead = _lead(parts, 1.0)
    # A draw that is the outcome itself speaks for and against every lift.
    tie = _tie(parts)
    up = (1 + (lead <= tie).sum()) / (1 + len(lead))
    down = (1 + (lead >= -tie).sum()) / (1 + len(lead))
    p_value = min(1.0, max(2 * float(min(up, down)), least))
    shares = [_root(_difference, parts)]
    for level in (0.8, 0.95):
        place = int(np.floor((1 - level) / 2 * (len(lead) + 1) + 1e-9))
        few = place < 1  # too few draws for any end
        shares.append(inf if few else _root(_ordered, parts, place - 1, -tie))
        shares.append(0.0 if few else _root(_ordered, parts, len(lead) - place, tie))
    return Lift(*map(_lift, shares), p_value, least, tuple(shares))


def _lead(parts: Sequence[_Redrawn], kept: float) -> Floats:
    leads = [part.lead(kept) for part in parts]
    count = min(map(len, leads))
    return np.sum([lead[:count] for lead in leads], axis=0)


def _tie(parts: Sequence[_Redrawn]) -> float:
    """Below this, a difference of two draws is rounding."""
    return 1e-9 * sum(float(np.abs(p.taken * p.trial.forecast).sum()) for p in parts) + 1e-300


def _difference(log_kept: float, parts: Sequence[_Redrawn]) -> float:
    return sum(part.difference(float(np.exp(log_kept))) for part in parts)


def _ordered(log_kept: float, parts: Sequence[_Redrawn], place: int, added: float) -> float:
    lead = _lead(parts, float(np.exp(log_kept)))
    return float(np.partition(lead, place)[place]) + added


def _root(rising: Callable[..., float], *arguments: object) -> float:
    """The share kept where a rising function is 0; 0 or infinity where it nowhere is."""
    if rising(-_MOST_LOG, *arguments) >= 0:
        return 0.0
    if rising(_MOST_LOG, *arguments) <= 0:
        return inf
    return float(np.exp(brentq(rising, -_MOST_LOG, _MOST_LOG, args=arguments, xtol=1e-9)))


def _lift(kept: float) -> float:
    return inf if kept <= 0 else 1 / kept - 1
