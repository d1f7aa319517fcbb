"""Speech packed into windows for a recogniser that pads every window to one length, and the way back to real time.

A window holds pieces of a channel, in order, with a short silence between them; the long silences of a channel (while
the other side speaks) are left out, and what is left over of the two channels of a call shares a window. Two seconds of
speech alone would cost as much as a full window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from models.audio import SAMPLE_RATE, Samples
from models.vad import Interval, split_long

GAP = 0.3
"""Seconds of silence put between pieces, so that the last word of one does not run into the first of the next."""

CHANNEL_GAP = 1.0
"""Seconds of silence between pieces of different channels: a word on the wrong side would go to the wrong speaker."""

JOIN = 0.3
"""Intervals nearer to each other than this are one piece, with the real sound between them."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Seconds `[start, end)` of channel number `channel`, found at `at` seconds in the window."""

    channel: int
    start: float
    end: float
    at: float

    @property
    def length(self) -> float:
        """Its length in seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Window:
    """Pieces in order, those of one channel together."""

    pieces: tuple[Piece, ...]

    @property
    def length(self) -> float:
        """Length of the packed sound in seconds."""
        return self.pieces[-1].at + self.pieces[-1].length

    def sound(self, samples_by_channel: Sequence[Samples]) -> Samples:
        """The packed sound, shape `(time,)`."""
        packed = np.zeros(round(self.length * SAMPLE_RATE), dtype=np.float32)
        for piece in self.pieces:
            part = samples_by_channel[piece.channel][round(piece.start * SAMPLE_RATE) : round(piece.end * SAMPLE_RATE)]
            at = round(piece.at * SAMPLE_RATE)
            part = part[: len(packed) - at]
            packed[at : at + len(part)] = part
        return packed

    def piece_at(self, start: float, end: float) -> int:
        """Index of the piece to which `[start, end)` of the window belongs, by its middle."""
        middle = (start + end) / 2
        for index, (piece, following) in enumerate(pairwise(self.pieces)):
            if middle < (piece.at + piece.length + following.at) / 2:
                return index
        return len(self.pieces) - 1

    def real(self, piece: int, seconds: float) -> float:
        """Real time of a moment of the window, kept inside the piece with index `piece`."""
        found = self.pieces[piece]
        return min(max(round(found.start + seconds - found.at, 3), found.start), found.end)

    def halves(self, samples_by_channel: Sequence[Samples]) -> tuple[Window, ...]:
        """Two windows with half of the sound each, cut between pieces or, if there is but one, at a quiet moment."""
        if len(self.pieces) == 1:
            (piece,) = self.pieces
            samples = samples_by_channel[piece.channel]
            parts = split_long([(piece.start, piece.end)], samples, longest=self.length * 0.6)
            return tuple(_window([(piece.channel, *part)]) for part in parts)
        parts_in_order = [(piece.channel, piece.start, piece.end) for piece in self.pieces]
        cut = min(range(1, len(self.pieces)), key=lambda at: abs(self.pieces[at].at - self.length / 2))
        return _window(parts_in_order[:cut]), _window(parts_in_order[cut:])


def pack(speech: Sequence[Interval], samples: Samples, *, channel: int = 0, longest: float = 24.0) -> list[Window]:
    """Windows no longer than `longest` seconds that together hold all speech of a channel, in order.

    Args:
        speech: intervals in seconds, in order, disjoint.
        samples: of the channel, shape `(time,)`; long intervals are cut where these are quiet.
        channel: number of the channel, for the pieces.
        longest: below 30 s, and short enough for the recogniser's limit of 224 tokens.
    """
    windows: list[Window] = []
    held: list[tuple[int, float, float]] = []
    length = 0.0
    for start, end in split_long(_joined(speech, longest), samples, longest=longest):
        if held and length + GAP + end - start > longest:
            windows.append(_window(held))
            held, length = [], 0.0
        length += end - start + (GAP if held else 0.0)
        held.append((channel, start, end))
    if held:
        windows.append(_window(held))
    return windows


def share(windows: Sequence[Window], *, longest: float = 24.0) -> list[Window]:
    """The same pieces in fewer windows: each window takes in those that still fit, longest first."""
    shared: list[Window] = []
    for window in sorted(windows, key=lambda w: -w.length):
        for index, host in enumerate(shared):
            if host.length + CHANNEL_GAP + window.length <= longest:
                shared[index] = _window([(p.channel, p.start, p.end) for p in (*host.pieces, *window.pieces)])
                break
        else:
            shared.append(window)
    return shared


def _joined(speech: Sequence[Interval], longest: float) -> list[Interval]:
    joined: list[Interval] = []
    for start, end in speech:
        if joined and start - joined[-1][1] < JOIN and end - joined[-1][0] <= longest:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _window(parts: Sequence[tuple[int, float, float]]) -> Window:
    """A window of parts of channels: channel, start and end."""
    pieces: list[Piece] = []
    at = 0.0
    for channel, start, end in parts:
        if pieces:
            at += GAP if channel == pieces[-1].channel else CHANNEL_GAP
        pieces.append(Piece(channel, start, end, at))
        at += end - start
    return Window(tuple(pieces))
