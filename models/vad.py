"""Where somebody speaks: Silero VAD as it comes with faster-whisper, run by a call of our own.

faster-whisper's batched mode changes the options it is given; here they mean what they say, and long speech is cut at
its quietest moment instead of at the limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import numpy as np

from models.audio import SAMPLE_RATE, Samples

Interval: TypeAlias = tuple[float, float]
"""Seconds, half-open `[start, end)`."""

MIN_SILENCE = 0.3
PADDING = 0.15
MIN_SPEECH = 0.1
THRESHOLD = 0.5


def speech(samples: Samples, *, threshold: float = THRESHOLD) -> tuple[Interval, ...]:
    """Speech in mono sound: intervals in seconds, in order, disjoint, within the sound.

    Pauses shorter than `MIN_SILENCE` stay inside an interval; each interval has `PADDING` seconds around the speech, as
    far as there is room.

    Args:
        samples: shape `(time,)`, float32 at 16 kHz.
        threshold: probability from which on a frame of 32 ms counts as speech.
    """
    if not len(samples) or not samples.any():
        return ()
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(
        threshold=threshold,
        min_speech_duration_ms=int(MIN_SPEECH * 1000),
        min_silence_duration_ms=int(MIN_SILENCE * 1000),
        speech_pad_ms=int(PADDING * 1000),
    )
    length = len(samples)
    return tuple(
        (found["start"] / SAMPLE_RATE, min(found["end"], length) / SAMPLE_RATE)
        for found in get_speech_timestamps(samples, options)
        if found["start"] < min(found["end"], length)
    )


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


def _quietest(samples: Samples, start: float, end: float, *, frame_seconds: float = 0.04) -> float:
    frame = int(frame_seconds * SAMPLE_RATE)
    first = int(start * SAMPLE_RATE)
    count = max(1, (int(end * SAMPLE_RATE) - first) // frame)
    frames = samples[first : first + count * frame]
    energies = [float(part @ part) for part in np.split(frames, range(frame, len(frames), frame))]
    return (first + (int(np.argmin(energies)) + 0.5) * frame) / SAMPLE_RATE
