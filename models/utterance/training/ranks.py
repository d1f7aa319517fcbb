"""How well an order agrees with the labels'."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def spearman(one: ArrayLike, other: ArrayLike) -> float:
    """Spearman's rank correlation of two rows of numbers of one length, ties at their mean rank.

    Not a number where one side never varies.
    """
    ranks = np.stack([_ranks(np.asarray(one)), _ranks(np.asarray(other))])
    if (np.std(ranks, axis=1) == 0).any():
        return float("nan")
    matrix: NDArray[np.float64] = np.asarray(np.corrcoef(ranks))
    return float(matrix[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]
