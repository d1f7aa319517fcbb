"""Where somebody speaks: Silero VAD as it comes with faster-whisper, run by a call of our own.

faster-whisper's batched mode changes the options it is given; here they mean what they say, and long speech is cut at
its quietest moment instead of at the limit. Two things are done for telephone sound, where Silero alone lost up to a
third of the speech of our synthetic voices: the fundamental that the band has cut off is put back for the detector's
ears only, and beginnings that it hesitated over are taken in by their loudness.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from models.audio import SAMPLE_RATE, Samples

Interval: TypeAlias = tuple[float, float]
"""Seconds, half-open `[start, end)`."""

MIN_SILENCE = 0.3
PADDING = 0.15
MIN_SPEECH = 0.1
THRESHOLD = 0.35

LONGEST_GROWTH = 0.8
"""So many seconds of loud sound before and after what the detector found may belong to the speech."""

_FRAME = 320
_QUIET_FRAMES = 5
_BELOW_SPEECH_DB = 22.0
_ABOVE_FLOOR_DB = 9.0
_LEVEL = 0.02


def speech(samples: Samples, *, threshold: float = THRESHOLD) -> tuple[Interval, ...]:
    """Speech in mono sound: intervals in seconds, in order, disjoint, within the sound.

    Pauses shorter than `MIN_SILENCE` stay inside an interval; each interval has `PADDING` seconds around the speech, as
    far as there is room.

    Args:
        samples: shape `(time,)`, float32 at 16 kHz.
        threshold: probability from which on a frame of 32 ms counts as speech.
    """
    if len(samples) < _FRAME or not samples.any():
        return ()
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(
        threshold=threshold,
        min_speech_duration_ms=int(MIN_SPEECH * 1000),
        min_silence_duration_ms=int(MIN_SILENCE * 1000),
        speech_pad_ms=0,
    )
    length = len(samples)
    found = [
        (part["start"] / SAMPLE_RATE, min(part["end"], length) / SAMPLE_RATE)
        for part in get_speech_timestamps(_for_the_detector(samples), options)
        if part["start"] < min(part["end"], length)
    ]
    return _padded(_grown(found, samples), length / SAMPLE_RATE)


def speech_by_channel(channels: Sequence[Samples], *, threads: int = 1) -> list[tuple[Interval, ...]]:
    """`speech` of several channels, up to `threads` of them at the same moment."""
    if threads == 1 or len(channels) == 1:
        return [speech(samples) for samples in channels]
    with ThreadPoolExecutor(max_workers=threads) as pool:
        return list(pool.map(speech, channels))


def split_long(intervals: Iterable[Interval], samples: Samples, *, longest: float) -> tuple[Interval, ...]:
    """Intervals cut so that none is longer than `longest` seconds, each cut at the quietest 40 ms of its last third."""
    pieces: list[Interval] = []
    for start, end in intervals:
        while end - start > longest:
            cut = _quietest(samples, start + longest * 2 / 3, start + longest)
            pieces.append((start, cut))
            start = cut
        pieces.append((start, end))
    return tuple(pieces)


def total(intervals: Iterable[Interval]) -> float:
    """Seconds in disjoint intervals."""
    return sum(end - start for start, end in intervals)


def _for_the_detector(samples: Samples) -> Samples:
    """The sound at a usual level, with the band of the fundamental (about 30–300 Hz) restored by rectification."""
    rectified = np.abs(samples)
    low = _running_mean(_running_mean(rectified, 32), 32) - _running_mean(rectified, 512)
    restored = samples + 0.5 * low
    level = 10 ** (float(np.percentile(_decibels(restored), 95)) / 20)
    restored *= np.float32(np.clip(_LEVEL / level, 0.1, 4.0))
    return restored


def _running_mean(samples: Samples, width: int) -> Samples:
    """Mean over `width` samples around each, shape kept; sums in double precision over the whole length."""
    sums = np.cumsum(np.pad(samples, (width // 2 + 1, width - width // 2 - 1)), dtype=np.float64)
    means: Samples = ((sums[width:] - sums[:-width]) / width).astype(np.float32)
    return means


def _decibels(samples: Samples) -> npt.NDArray[np.float32]:
    """Loudness per frame of 20 ms, shape `(frames,)`."""
    blocks = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    power: npt.NDArray[np.float32] = np.einsum("ft,ft->f", blocks, blocks) / _FRAME
    return np.asarray(10 * np.log10(np.maximum(power, 1e-10)), dtype=np.float32)


def _grown(intervals: Sequence[Interval], samples: Samples) -> list[Interval]:
    """Intervals with the loud sound that touches them, up to `LONGEST_GROWTH` at each side, never into a neighbour."""
    if not intervals:
        return []
    loudness = _decibels(samples)
    frames = [(int(a * SAMPLE_RATE / _FRAME), int(np.ceil(b * SAMPLE_RATE / _FRAME))) for a, b in intervals]
    inside = np.concatenate([loudness[a:b] for a, b in frames])
    floor = float(np.percentile(loudness, 10)) + _ABOVE_FLOOR_DB
    loud = loudness > max(float(np.percentile(inside, 70)) - _BELOW_SPEECH_DB, floor)
    reach = int(LONGEST_GROWTH * SAMPLE_RATE / _FRAME)
    grown: list[Interval] = []
    for index, (start, end) in enumerate(frames):
        lowest = max(start - reach, frames[index - 1][1] if index else 0)
        highest = min(end + reach, frames[index + 1][0] if index + 1 < len(frames) else len(loud))
        before = _run(loud[lowest:start][::-1])
        after = _run(loud[end:highest])
        first, last = intervals[index]
        if before:
            first = min(first, (start - before) * _FRAME / SAMPLE_RATE)
        if after:
            last = max(last, (end + after) * _FRAME / SAMPLE_RATE)
        grown.append((first, last))
    return grown


def _run(loud: npt.NDArray[np.bool_]) -> int:
    """Length of the run at the beginning, up to a loud frame, with at most `_QUIET_FRAMES` quiet ones in a row."""
    length = 0
    for at in np.flatnonzero(loud):
        if at - length > _QUIET_FRAMES:
            break
        length = int(at) + 1
    return length


def _padded(intervals: Sequence[Interval], duration: float) -> tuple[Interval, ...]:
    """Intervals joined where less than `MIN_SILENCE` apart, and padded by half a gap at most."""
    joined: list[Interval] = []
    for start, end in intervals:
        if joined and start - joined[-1][1] < MIN_SILENCE:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    if not joined:
        return ()
    gaps = [joined[0][0], *((after[0] - before[1]) / 2 for before, after in pairwise(joined)), duration - joined[-1][1]]
    pads = [min(PADDING, max(0.0, gap)) for gap in gaps]
    return tuple((start - pads[k], min(end + pads[k + 1], duration)) for k, (start, end) in enumerate(joined))


def _quietest(samples: Samples, start: float, end: float, *, frame_seconds: float = 0.04) -> float:
    frame = int(frame_seconds * SAMPLE_RATE)
    first = int(start * SAMPLE_RATE)
    count = max(1, (int(end * SAMPLE_RATE) - first) // frame)
    frames = samples[first : first + count * frame]
    energies = [float(part @ part) for part in np.split(frames, range(frame, len(frames), frame))]
    return (first + (int(np.argmin(energies)) + 0.5) * frame) / SAMPLE_RATE
