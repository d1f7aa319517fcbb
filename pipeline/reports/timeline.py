"""The strip above a transcript: who sounds when, the customer's mood and the findings, all on one axis of time.

Where a conversation has no times, the axis counts turns. x is a share 0…1 of the axis; lanes are SVG paths in
a box that is `WIDTH` wide and `HEIGHT` high.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.conversation import Conversation, Evidence, Speaker
from pipeline.reports.media import Envelope

WIDTH = 1000.0
HEIGHT = 40.0


@dataclass(frozen=True, slots=True)
class Lane:
    """One voice: `agent`, `customer` or `mixed`, drawn as an SVG path."""

    voice: str
    path: str


@dataclass(frozen=True, slots=True)
class MoodPoint:
    """The customer's sentiment −1…1 in one turn, at `x`; `y` is its height in the box."""

    x: float
    y: float
    turn: int
    sentiment: float


@dataclass(frozen=True, slots=True)
class Axis:
    """From turns and seconds to shares of the axis. `seconds` is its length, `None` where turns are counted."""

    seconds: float | None
    turns: int

    def at(self, turn: int, start: float | None, end: float | None = None) -> tuple[float, float]:
        """Where something begins on the axis and how wide it is."""
        if self.seconds is None or start is None:
            return turn / max(1, self.turns), 1 / max(1, self.turns)
        stop = start if end is None else end
        return min(1.0, start / self.seconds), max(0.0, min(stop, self.seconds) - start) / self.seconds


@dataclass(frozen=True, slots=True)
class Timeline:
    """All lanes, and the mood as points and as the path through them (empty with fewer than two points)."""

    axis: Axis
    lanes: tuple[Lane, ...]
    mood: tuple[MoodPoint, ...]
    mood_path: str


def timeline(conversation: Conversation, sound: Envelope | None) -> Timeline:
    """The strip of one conversation; with no sound its lanes show the turns as blocks."""
    axis = _axis(conversation, sound)
    mood = _mood(conversation, axis)
    return Timeline(axis, _lanes(conversation, sound, axis), mood, _line([(p.x, p.y) for p in mood]))


def place(axis: Axis, evidence: Evidence) -> tuple[float, float]:
    """Start and width of a piece of evidence on the axis."""
    return axis.at(evidence.turn, evidence.start, evidence.end)


def _axis(conversation: Conversation, sound: Envelope | None) -> Axis:
    starts = [t.start for t in conversation.turns]
    ends = [max(t.start or 0.0, t.end or 0.0) for t in conversation.turns]
    if None in starts and not sound:
        return Axis(None, len(conversation.turns))
    longest = max([*ends, sound.duration if sound else 0.0, conversation.measures.duration or 0.0], default=0.0)
    if sound is None and any(t.end is None for t in conversation.turns):
        longest *= 1.02  # a message that only has a beginning still needs room at the right edge
    return Axis(longest or None, len(conversation.turns))


def _lanes(conversation: Conversation, sound: Envelope | None, axis: Axis) -> tuple[Lane, ...]:
    if sound and sound.peaks:
        hearing = conversation.hearing
        if len(sound.peaks) < 2 or (hearing is not None and hearing.channels < 2):
            return (Lane("mixed", _wave(sound.peaks[0])),)
        roles = conversation.interaction.channels
        left = roles.get("left", Speaker.AGENT)
        voices = ("customer", "agent") if left is Speaker.CUSTOMER else ("agent", "customer")
        both = [Lane(voice, _wave(peaks)) for voice, peaks in zip(voices, sound.peaks, strict=False)]
        return tuple(sorted(both, key=lambda lane: lane.voice))
    agent, customer = [], []
    for turn in conversation.turns:
        x, width = axis.at(turn.index, turn.start, turn.end)
        block = (x, max(width, 0.006))
        if turn.speaker is Speaker.CUSTOMER:
            customer.append(block)
        elif turn.speaker in (Speaker.AGENT, Speaker.BOT):
            agent.append(block)
    return (Lane("agent", _blocks(agent)), Lane("customer", _blocks(customer)))


def _mood(conversation: Conversation, axis: Axis) -> tuple[MoodPoint, ...]:
    points = []
    for turn, reading in zip(conversation.turns, conversation.readings, strict=False):
        if turn.speaker is not Speaker.CUSTOMER or reading.sentiment is None:
            continue
        x, width = axis.at(turn.index, turn.start, turn.end)
        y = HEIGHT / 2 - reading.sentiment * (HEIGHT / 2 - 3)
        points.append(MoodPoint(round(x + width / 2, 4), round(y, 2), turn.index, reading.sentiment))
    return tuple(points)


def _wave(peaks: Sequence[float]) -> str:
    """A closed outline, mirrored about the middle. The square root of loudness shows soft speech too."""
    if not peaks:
        return ""
    middle, step = HEIGHT / 2, WIDTH / len(peaks)
    heights = [0.4 + (middle - 2) * value**0.5 for value in peaks]
    xs = [round((i + 0.5) * step, 1) for i in range(len(peaks))]
    top = [f"{x} {middle - h:.1f}" for x, h in zip(xs, heights, strict=True)]
    bottom = [f"{x} {middle + h:.1f}" for x, h in zip(reversed(xs), reversed(heights), strict=True)]
    return f"M0 {middle}L{'L'.join(top)}L{WIDTH} {middle}L{'L'.join(bottom)}Z"


def _blocks(blocks: Sequence[tuple[float, float]]) -> str:
    top, bottom = HEIGHT * 0.2, HEIGHT * 0.8
    return "".join(
        f"M{x * WIDTH:.1f} {top}H{min(1.0, x + width) * WIDTH:.1f}V{bottom}H{x * WIDTH:.1f}Z" for x, width in blocks
    )


def _line(points: Sequence[tuple[float, float]]) -> str:
    if len(points) < 2:
        return ""
    return "M" + "L".join(f"{x * WIDTH:.1f} {y}" for x, y in points)
