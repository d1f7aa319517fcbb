"""Intervals of means."""

from __future__ import annotations

import math

_T95 = (
    12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13,
    2.12, 2.11, 2.10, 2.09, 2.09, 2.08, 2.07, 2.07, 2.06, 2.06, 2.06, 2.05, 2.05, 2.05, 2.04,
)  # fmt: skip
"""Two-sided 95 % quantiles of Student's t by degrees of freedom 1…30 (beyond: 1.96)."""


def mean_interval(count: int, variance: float) -> float | None:
    """Half the width of the 95 % interval of a mean of `count` values; `None` for fewer than two.

    Args:
        count: how many values.
        variance: of the sample, with the divisor `count − 1`.
    """
    if count < 2:
        return None
    quantile = _T95[count - 2] if count - 1 <= len(_T95) else 1.96
    return quantile * math.sqrt(variance / count)
