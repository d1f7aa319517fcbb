"""Speech packed into windows for a recogniser that pads every window to 30 s, and the way back to real time.

A window holds pieces of one channel, in order, with a short silence between them; the long silences of a channel (while
the other side speaks) are left out. Two seconds of speech alone would cost as much as a full window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.audio import SAMPLE_RATE, Samples
from models.vad import Interval, split_long

GAP = 0.3
"""Seconds of silence put between pieces, so that the last word of one does not run into the first of the next."""

JOIN = 0.3
"""Intervals nearer to each other than this are one piece, with the real sound between them."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Seconds `[start, end)` of the channel, found at `at` seconds in the window."""

    start: float
    end: float
    at: float

    @property
    def length(self) -> float:
        """Its length in seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Window:
    """Pieces of channel number `channel`, in order of time."""

    channel: int
    pieces: tuple[Piece, ...]

    @property
    def length(self) -> float:
        """Length of the packed sound in seconds."""
        return self.pieces[-1].at + self.pieces[-1].length

    def sound(self, samples: Samples) -> Samples:
        """The packed sound, shape `(time,)`, from the samples of its channel."""
        packed = np.zeros(round(self.length * SAMPLE_RATE), dtype=np.float32)
        for piece in self.pieces:
            part = samples[round(piece.start * SAMPLE_RATE) : round(piece.end * SAMPLE_RATE)]
            at = round(piece.at * SAMPLE_RATE)
            part = part[: len(packed) - at]
            packed[at : at + len(part)] = part
        return packed

    def piece_at(self, start: float, end: float) -> int:
        """Index of the piece to which `[start, end)` of the window belongs, by its middle."""
        middle = (start + end) / 2
        for index, following in enumerate(self.pieces[1:]):
            if middle < following.at - GAP / 2:
                return index
        return len(self.pieces) - 1

    def real(self, piece: int, seconds: float) -> float:
        """Real time of a moment of the window, kept inside the piece with index `piece`."""
        found = self.pieces[piece]
        return min(max(round(found.start + seconds - found.at, 3), found.start), found.end)

    def halves(self, samples: Samples) -> tuple[Window, ...]:
        """Two windows with half of the sound each, cut between pieces or, if there is but one, at a quiet moment."""
        intervals = [(piece.start, piece.end) for piece in self.pieces]
        if len(intervals) == 1:
            return tuple(
                Window(self.channel, (Piece(start, end, 0.0),))
                for start, end in split_long(intervals, samples, longest=self.length * 0.6)
            )
        cut = min(range(1, len(intervals)), key=lambda at: abs(self.pieces[at].at - self.length / 2))
        return tuple(_window(self.channel, half) for half in (intervals[:cut], intervals[cut:]))


def pack(speech: Sequence[Interval], samples: Samples, *, channel: int = 0, longest: float = 24.0) -> list[Window]:
    """Windows no longer than `longest` seconds that together hold all speech of a channel, in order.

    Args:
        speech: intervals in seconds, in order, disjoint.
        samples: of the channel, shape `(time,)`; long intervals are cut where these are quiet.
        channel: number of the channel, for the windows.
        longest: below 30 s, and short enough for the recogniser's limit of 224 tokens.
    """
    windows: list[Window] = []
    held: list[Interval] = []
    length = 0.0
    for start, end in split_long(_joined(speech, longest), samples, longest=longest):
        if held and length + GAP + end - start > longest:
            windows.append(_window(channel, held))
            held, length = [], 0.0
        length += end - start + (GAP if held else 0.0)
        held.append((start, end))
    if held:
        windows.append(_window(channel, held))
    return windows


def _joined(speech: Sequence[Interval], longest: float) -> list[Interval]:
    joined: list[Interval] = []
    for start, end in speech:
        if joined and start - joined[-1][1] < JOIN and end - joined[-1][0] <= longest:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _window(channel: int, intervals: Sequence[Interval]) -> Window:
    pieces: list[Piece] = []
    at = 0.0
    for start, end in intervals:
        pieces.append(Piece(start, end, at))
        at += end - start + GAP
    return Window(channel, tuple(pieces))
