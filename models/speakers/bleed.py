"""Speech of the other side that leaks into a channel (headset, echo), found by sound and not by words.

A copy follows the loudness of the other channel, is softer, and comes at the same moment or up to half a second later.
Two people who speak at once do not follow each other. Words are no help: agents repeat the customer's numbers all day.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from models.audio import SAMPLE_RATE, Samples
from models.vad import Interval

FRAME = 0.02
LONGEST_LAG = 0.5
BLOCK = 1.6
"""Long intervals are judged in blocks of about this many seconds, because a copy may run into real speech."""

MIN_CORRELATION = 0.65
MIN_SOFTER_DB = 6.0
MIN_LEFT = 0.25
"""What is left of an interval is kept if it is at least so long."""


def without_bleed(
    samples: Samples, speech: Sequence[Interval], other: Samples, other_speech: Sequence[Interval]
) -> tuple[Interval, ...]:
    """Intervals of speech without those that are a softer copy of the other channel.

    Args:
        samples: the channel, shape `(time,)`.
        speech: its speech in seconds.
        other: the other channel, of the same length.
        other_speech: speech there; outside of it nothing can have leaked.
    """
    if not speech or not other_speech:
        return tuple(speech)
    here, there = _loudness(samples), _loudness(other)
    kept: list[Interval] = []
    for start, end in speech:
        count = max(1, round((end - start) / BLOCK))
        edges = [start + (end - start) * k / count for k in range(count + 1)]
        genuine: list[Interval] = []
        for begin, finish in pairwise(edges):
            if _is_copy(begin, finish, here, there, other_speech):
                continue
            if genuine and genuine[-1][1] == begin:
                genuine[-1] = (genuine[-1][0], finish)
            else:
                genuine.append((begin, finish))
        kept += [(a, b) for a, b in genuine if b - a >= MIN_LEFT or (a, b) == (start, end)]
    return tuple(kept)


def _is_copy(
    start: float,
    end: float,
    here: npt.NDArray[np.float64],
    there: npt.NDArray[np.float64],
    other_speech: Sequence[Interval],
) -> bool:
    covered = sum(max(0.0, min(end, b + LONGEST_LAG) - max(start, a)) for a, b in other_speech)
    if covered < 0.6 * (end - start):
        return False
    first, last = int(start / FRAME), min(int(end / FRAME), len(here))
    own = here[first:last]
    if len(own) < 10:
        return False
    for lag in range(int(LONGEST_LAG / FRAME) + 1):
        if first - lag < 0:
            break
        heard = there[first - lag : last - lag]
        # Loudness is in dB, so a difference of means is a difference in level.
        softer = _level(heard) - _level(own) >= MIN_SOFTER_DB
        if softer and _correlation(own, heard) >= MIN_CORRELATION:
            return True
    return False


def _loudness(samples: Samples) -> npt.NDArray[np.float64]:
    """Loudness in dB per frame, shape `(frames,)`, with a floor 50 dB below the loudest frame, smoothed over 60 ms."""
    frame = int(FRAME * SAMPLE_RATE)
    count = len(samples) // frame
    if count == 0:
        return np.zeros(0)
    blocks = samples[: count * frame].reshape(count, frame)
    power = np.einsum("ft,ft->f", blocks, blocks, dtype=np.float64) / frame
    decibel = 10 * np.log10(np.maximum(power, max(power.max() * 1e-5, 1e-10)))
    return np.convolve(decibel, np.ones(3) / 3, mode="same")


def _level(loudness: npt.NDArray[np.float64]) -> float:
    return float(np.percentile(loudness, 80))


def _correlation(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    one, other = one - one.mean(), other - other.mean()
    norm = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / norm if norm > 0 else 0.0
