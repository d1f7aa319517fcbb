"""Two speakers in one channel: who speaks when, without names, from the sound of the voices.

Windows of about a second are described by their mean cepstrum and pitch, split into two groups, and smoothed over time
(a speaker rarely changes within a second, and rather at a pause). This is no diarisation network: it tells unlike
voices apart and says by `separation` how unlike they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from models.audio import SAMPLE_RATE, Samples
from models.vad import Interval

Array: TypeAlias = npt.NDArray[np.float64]

WINDOW = 1.2
HOP = 0.4
_FRAME = 512
_STEP = 256
_CEPSTRA = 13
_PITCH = (70.0, 380.0)
_PITCH_WEIGHT = 2.5
_CHANGE_COST = 6.0
_CHANGE_COST_AT_PAUSE = 1.5

ONE_VOICE = 3.8
"""Separation that splitting one single voice in two reaches by chance; at or below it, the split means nothing."""

SURELY_TWO = 5.8
"""Separation from which on there are two voices for certain."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Seconds `[start, end)` spoken by `speaker` 0 or 1."""

    start: float
    end: float
    speaker: int


@dataclass(frozen=True, slots=True)
class Voices:
    """Who speaks when, in order of time; and the distance of the two voices in standard deviations."""

    spoken: tuple[Spoken, ...]
    separation: float

    @property
    def confidence(self) -> float:
        """How far the split into two voices can be relied on, 0…1."""
        return float(np.clip((self.separation - ONE_VOICE) / (SURELY_TWO - ONE_VOICE), 0.0, 1.0))

    def speaker(self, start: float, end: float) -> int:
        """Who speaks during most of `[start, end)`; of nothing near, the nearest."""
        middle = (start + end) / 2
        shares = [0.0, 0.0]
        for part in self.spoken:
            shares[part.speaker] += max(0.0, min(end, part.end) - max(start, part.start))
        if max(shares) > 0:
            return int(shares[1] > shares[0])
        nearest = min(self.spoken, key=lambda part: max(part.start - middle, middle - part.end), default=None)
        return nearest.speaker if nearest else 0


def two_voices(samples: Samples, speech: Sequence[Interval]) -> Voices:
    """Split the speech of one channel between two speakers.

    Args:
        samples: shape `(time,)`, float32 at 16 kHz.
        speech: intervals in seconds, in order.
    """
    windows = [(index, begin, finish) for index, part in enumerate(speech) for begin, finish in _windows(*part)]
    described = [_describe(samples[int(a * SAMPLE_RATE) : int(b * SAMPLE_RATE)]) for _, a, b in windows]
    usable = [k for k, vector in enumerate(described) if vector is not None]
    if len(usable) < 4:
        return Voices(tuple(Spoken(start, end, 0) for start, end in speech), 0.0)
    features = _standardised(np.array([described[k] for k in usable]))
    scores, separation = _split(features)
    pauses = [windows[after][0] != windows[before][0] for before, after in pairwise(usable)]
    path = _smoothed(scores, pauses)
    by_part: dict[int, list[tuple[float, float, int]]] = {}
    for k, speaker in zip(usable, path, strict=True):
        part, begin, finish = windows[k]
        by_part.setdefault(part, []).append((begin, finish, int(speaker)))
    spoken: list[Spoken] = []
    for index, (start, end) in enumerate(speech):
        spoken += _spans(start, end, by_part.get(index, []), spoken[-1].speaker if spoken else 0)
    return Voices(tuple(spoken), separation)


def _windows(start: float, end: float) -> list[Interval]:
    if end - start <= WINDOW:
        return [(start, end)]
    count = int(np.ceil((end - start - WINDOW) / HOP))
    return [(start + k * HOP, min(start + k * HOP + WINDOW, end)) for k in range(count + 1)]


def _spans(start: float, end: float, labelled: Sequence[tuple[float, float, int]], before: int) -> list[Spoken]:
    """Labelled windows of one interval as spans; a change lies halfway between the middles of the windows."""
    if not labelled:
        return [Spoken(start, end, before)]
    spans: list[Spoken] = []
    at, current, middle = start, labelled[0][2], (labelled[0][0] + labelled[0][1]) / 2
    for begin, finish, speaker in labelled[1:]:
        centre = (begin + finish) / 2
        if speaker != current:
            change = (middle + centre) / 2
            spans.append(Spoken(at, change, current))
            at, current = change, speaker
        middle = centre
    return [*spans, Spoken(at, end, current)]


def _describe(samples: Samples) -> Array | None:
    """Mean cepstrum without level, and log pitch (nan if unvoiced): shape `(_CEPSTRA,)`. `None` if too short."""
    if len(samples) < 8 * _FRAME:
        return None
    frames = np.lib.stride_tricks.sliding_window_view(samples, _FRAME)[::_STEP].astype(np.float64)
    energy = np.einsum("ft,ft->f", frames, frames)
    loud = frames[energy > 0.05 * np.percentile(energy, 95)]
    if len(loud) < 5 or not energy.any():
        return None
    power = np.abs(np.fft.rfft(loud * np.hanning(_FRAME))) ** 2
    cepstra = np.log(power @ _mel().T + 1e-9) @ _cosines().T
    return np.append(cepstra[:, 1:].mean(axis=0), _log_pitch(loud))


def _log_pitch(frames: Array) -> float:
    """Median log frequency of voiced frames, by the autocorrelation's highest peak; nan if hardly any is voiced."""
    spectrum = np.abs(np.fft.rfft(frames - frames.mean(axis=1, keepdims=True), 2 * _FRAME)) ** 2
    correlation = np.fft.irfft(spectrum)[:, :_FRAME]
    # Divided by the overlap, so that long lags are not at a disadvantage.
    correlation /= np.maximum(correlation[:, :1], 1e-12) * (1 - np.arange(_FRAME) / _FRAME)
    low, high = int(SAMPLE_RATE / _PITCH[1]), int(SAMPLE_RATE / _PITCH[0])
    lags = low + correlation[:, low:high].argmax(axis=1)
    voiced = correlation[np.arange(len(lags)), lags] > 0.5
    return float(np.median(np.log(SAMPLE_RATE / lags[voiced]))) if voiced.sum() >= 4 else float("nan")


def _standardised(features: Array) -> Array:
    known = np.where(np.isnan(features), np.nanmedian(features, axis=0) if len(features) else 0.0, features)
    known = np.nan_to_num(known)
    scaled: Array = (known - known.mean(axis=0)) / np.maximum(known.std(axis=0), 1e-9)
    scaled[:, -1] *= _PITCH_WEIGHT
    return scaled


def _split(features: Array) -> tuple[Array, float]:
    """Log-likelihood ratio of speaker 1 against 0, shape `(windows,)`, and the separation of the two groups."""
    best: tuple[float, npt.NDArray[np.bool_]] | None = None
    _, _, axes = np.linalg.svd(features, full_matrices=False)
    for axis in (*axes[:4], np.eye(features.shape[1])[-1]):
        second = features @ axis > np.median(features @ axis)
        for _ in range(30):
            if second.all() or not second.any():
                break
            centres = features[~second].mean(axis=0), features[second].mean(axis=0)
            distances = [((features - centre) ** 2).sum(axis=1) for centre in centres]
            moved = distances[1] < distances[0]
            if (moved == second).all():
                break
            second = moved
        if second.all() or not second.any():
            continue
        spread = sum(float(((features[g] - features[g].mean(axis=0)) ** 2).sum()) for g in (second, ~second))
        if best is None or spread < best[0]:
            best = spread, second
    if best is None:
        return np.zeros(len(features)), 0.0
    second = best[1]
    difference = features[second].mean(axis=0) - features[~second].mean(axis=0)
    within = np.vstack([features[g] - features[g].mean(axis=0) for g in (second, ~second)])
    variance = within.T @ within / len(features) + 0.1 * np.eye(features.shape[1])
    axis = np.linalg.solve(variance, difference)
    middle = (features[second].mean(axis=0) + features[~second].mean(axis=0)) / 2
    separation = float(np.sqrt(max(0.0, difference @ axis)))
    return (features - middle) @ axis, separation


def _smoothed(scores: Array, pauses: Sequence[bool]) -> npt.NDArray[np.int64]:
    """The most probable course of speakers (Viterbi over two states, with a cost for each change)."""
    # Neighbouring windows overlap threefold, so each carries a third of what it seems to say.
    evidence = np.stack([-scores, scores], axis=1) / 2 * HOP / WINDOW
    total = evidence[0].copy()
    came_from = np.zeros((len(scores), 2), dtype=np.int64)
    for k in range(1, len(scores)):
        cost = _CHANGE_COST_AT_PAUSE if pauses[k - 1] else _CHANGE_COST
        changed = total[::-1] - cost
        came_from[k] = np.where(changed > total, [1, 0], [0, 1])
        total = np.maximum(total, changed) + evidence[k]
    path = np.zeros(len(scores), dtype=np.int64)
    path[-1] = int(total.argmax())
    for k in range(len(scores) - 1, 0, -1):
        path[k - 1] = came_from[k][path[k]]
    return path


@cache
def _mel() -> Array:
    """Triangular filters over 100–3,800 Hz, the telephone band: shape `(24, frequencies)`."""
    mel = np.linspace(2595 * np.log10(1 + 100 / 700), 2595 * np.log10(1 + 3800 / 700), 26)
    edges = 700 * (10 ** (mel / 2595) - 1)
    frequencies = np.fft.rfftfreq(_FRAME, 1 / SAMPLE_RATE)
    rising = (frequencies - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - frequencies) / (edges[2:] - edges[1:-1])[:, None]
    filters: Array = np.maximum(0.0, np.minimum(rising, falling))
    return filters


@cache
def _cosines() -> Array:
    cosines: Array = np.cos(np.pi / 24 * np.outer(np.arange(_CEPSTRA), np.arange(24) + 0.5))
    return cosines
