"""Who is held out? Blocks of like customers, in each of which as many are drawn by lot."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

Floats = np.ndarray

_MOST_IN_BLOCK = 10
_FEWEST_BLOCKS = 2


def block_sizes(count: int, hold_out_share: float) -> tuple[Floats, Floats]:
    """Return the size of each block, and how many of it are held out; none for too few customers.

    A block is as small as the share allows: five with one held out for 20 %. What is left over at
    the end goes to the last block, which holds out of it by the same share, rounded.
    """
    share = Fraction(hold_out_share).limit_denominator(_MOST_IN_BLOCK)
    held, size = share.numerator, share.denominator
    blocks, left = divmod(count, size)
    if not held or blocks < _FEWEST_BLOCKS:
        return np.zeros(0, dtype=int), np.zeros(0, dtype=int)
    sizes, counts = np.full(blocks, size), np.full(blocks, held)
    sizes[-1] += left
    counts[-1] += round(left * share)
    return sizes, counts


def drawn_groups(count: int, hold_out_share: float, seed: Sequence[int]) -> tuple[Floats, Floats]:
    """Return block (from 1; 0 without blocks) and whether contacted, for customers in order.

    The customers are in order of their forecasts; the same count, share and seed give the same.
    """
    sizes, held = block_sizes(count, hold_out_share)
    if not len(sizes):
        return np.zeros(count, dtype=int), np.ones(count, dtype=bool)
    block = np.repeat(np.arange(len(sizes)), sizes)
    generator = np.random.default_rng(list(seed))
    order = np.argsort(block + generator.random(count), kind="stable")
    within = np.arange(count) - (np.cumsum(sizes) - sizes)[block]
    is_contact = np.ones(count, dtype=bool)
    is_contact[order] = within >= held[block]
    return block + 1, is_contact
