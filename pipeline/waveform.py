"""The outline of a recording's sound, taken while it is heard, so that no page has to decode it again to draw it.

Of each channel it is a string of bytes, one for each of equal parts of the time: the square root of the loudest sample
in it, 255 for the loudest of all. The root keeps soft speech apart from silence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from models.audio import Samples

Waveform: TypeAlias = tuple[bytes, ...]
"""A string of bytes a channel, all of the same length."""

POINTS = 600
"""Parts of the time at most."""

TICK = 0.02
"""Seconds that a part of the time has at least."""

MARGIN = 0.1
"""Seconds that are silenced before and after what is muted, because times of words are never exact."""


def waveform(channels: Sequence[Samples], rate: int) -> Waveform:
    """The outline of samples of shape `(time,)` each, all of the same length, at `rate` samples a second."""
    import numpy as np

    length = len(channels[0]) if channels else 0
    if not length:
        return ()
    points = max(1, min(POINTS, int(length / (rate * TICK))))
    edges = np.linspace(0, length, points + 1).astype(int)[:-1]
    peaks = np.stack([np.maximum.reduceat(np.abs(samples), edges) for samples in channels])
    loudest = float(peaks.max())
    roots = np.sqrt(peaks / loudest) if loudest > 0 else peaks
    return tuple(row.tobytes() for row in np.rint(255 * roots).astype(np.uint8))


def silenced(outline: Waveform, spans: Sequence[tuple[float, float]], duration: float) -> Waveform:
    """The same without any part that touches one of the `spans`, or the `MARGIN` around it; all in seconds."""
    if not outline or not spans or duration <= 0:
        return outline
    points = len(outline[0])
    rows = [bytearray(row) for row in outline]
    for start, end in spans:
        first = max(0, math.floor((start - MARGIN) / duration * points))
        last = min(points, math.ceil((end + MARGIN) / duration * points))
        for row in rows:
            row[first:last] = bytes(max(0, last - first))
    return tuple(bytes(row) for row in rows)


def heights(outline: Waveform) -> tuple[tuple[float, ...], ...]:
    """Loudness peaks 0…1 of each channel, of which the loudest is 1."""
    loudest = max(map(max, outline), default=0) or 1
    return tuple(tuple(round((value / loudest) ** 2, 3) for value in row) for row in outline)
