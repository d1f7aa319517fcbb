"""Turns of one interaction → a `Conversation`: in order of time, numbered, with the measures that need no reading.

Tone and sentiment are added later by `pipeline.reading`. What is measured, and how:

- *speaking* is the time inside turns; pauses inside a turn count as speaking, except for the speaking rate;
- *silence* is the time in which nobody speaks;
- who speaks while the other still does cannot be told from one channel, so talk-over and interruptions are then `None`;
- a measure about time is `None` unless every turn has start and end; of a chat, only `first_response`, `duration` and
  `agent_talk_ratio` (by characters) exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from pipeline.conversation import Channel, Conversation, Hearing, Interaction, Measures, Speaker, Turn
from pipeline.text import spoken_length

Span: TypeAlias = tuple[float, float]

MIN_RATE_CHARACTERS = 6
"""Turns shorter than this say nothing about the speaking rate (嗯, 好的, 请稍等)."""

PAUSE_IN_TURN = 0.3
"""Gaps between words from this length in seconds on are pauses, not speech, when the speaking rate is taken."""

MIN_INTERRUPTION_SECONDS = 0.5
"""How long before the customer's end the agent must have begun."""

MIN_INTERRUPTION_CHARACTERS = 4
"""Shorter turns of the agent are back-channels (嗯, 好的, 您说)."""

MIN_CUSTOMER_LEAD = 0.2
"""If both begin within this many seconds of each other, nobody interrupted."""

MIN_UNFINISHED_CHARACTERS = 2
"""The customer had not finished if at least this many characters came after the agent began."""


@dataclass(frozen=True, slots=True)
class Interruption:
    """The agent's turn that cut in, the customer's turn that was cut into (indices), and the overlap in seconds."""

    turn: int
    interrupted: int
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Silence:
    """A stretch in which nobody spoke, the turn (index) after which it began, and the turn that ended it."""

    after: int
    before: int
    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Answer:
    """A message that waited for an answer, the turn that answered it (indices), and from when to when."""

    asked: int
    turn: int | None
    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long the wait was; if nobody answered, how long it was at least."""
        return self.end - self.start


def build(interaction: Interaction, turns: Iterable[Turn], *, hearing: Hearing | None = None) -> Conversation:
    """The conversation of an interaction: turns by time, reindexed from 0, and measured.

    Turns keep the given order where a start is missing, because then nothing better is known.
    """
    ordered = in_order(turns)
    return Conversation(interaction, ordered, measure(interaction.channel, ordered, hearing=hearing), hearing=hearing)


def in_order(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """Turns sorted by start (stable; only if all have one), with `index` counted anew."""
    given = list(turns)
    if all(turn.start is not None for turn in given):
        given.sort(key=lambda turn: turn.start or 0.0)
    return tuple(turn if turn.index == index else replace(turn, index=index) for index, turn in enumerate(given))


def measure(channel: Channel, turns: Sequence[Turn], *, hearing: Hearing | None = None) -> Measures:
    """Measures of ordered turns, without those of tone."""
    written = channel is not Channel.CALL
    if written or not _timed(turns):
        return Measures(
            agent_talk_ratio=_share(_characters(turns, Speaker.AGENT), _characters(turns, Speaker.CUSTOMER)),
            first_response=_reply_time(turns) if written else None,
            duration=hearing.duration if hearing else _last_moment(turns),
        )
    duration = hearing.duration if hearing else _last_moment(turns)
    one_channel = hearing is not None and hearing.channels == 1
    agent, customer = (_union(_spans(turns, speaker)) for speaker in (Speaker.AGENT, Speaker.CUSTOMER))
    return Measures(
        agent_chars_per_minute=characters_per_minute(turn for turn in turns if turn.speaker is Speaker.AGENT),
        silence_ratio=_silence_ratio(turns, duration),
        longest_silence=max((silence.seconds for silence in silences(turns)), default=0.0),
        overlap_seconds=None if one_channel else _length(_intersection(agent, customer)),
        interruptions_by_agent=None if one_channel else len(interruptions(turns)),
        agent_talk_ratio=_share(_length(agent), _length(customer)),
        first_response=next((turn.start for turn in turns if turn.speaker is Speaker.AGENT), None),
        duration=duration,
    )


def turn_characters(turn: Turn) -> int:
    """Spoken characters of a turn, those that placeholders of personal data hide included."""
    shown = sum(spoken_length(turn.text[slice(*mark.span)]) for mark in turn.marks)
    return spoken_length(turn.text) - shown + sum(mark.characters for mark in turn.marks)


def characters_per_minute(turns: Iterable[Turn], *, min_chars: int = MIN_RATE_CHARACTERS) -> float | None:
    """Speaking rate over turns of at least `min_chars` characters, without pauses; `None` if there are none."""
    characters, seconds = 0, 0.0
    for turn in turns:
        count = turn_characters(turn)
        speaking = _speaking_seconds(turn)
        if count >= min_chars and speaking > 0:
            characters += count
            seconds += speaking
    return characters / seconds * 60 if seconds else None


def silences(turns: Sequence[Turn], *, at_least: float = 0.0) -> tuple[Silence, ...]:
    """Silences between ordered turns, of at least `at_least` seconds; empty where a turn has no start.

    A turn without end, such as a message in a chat, takes no time.
    """
    if any(turn.start is None for turn in turns):
        return ()
    found: list[Silence] = []
    latest, until = 0, 0.0
    for turn in turns:
        start = turn.start or 0.0
        end = start if turn.end is None else turn.end
        if turn.index and start > until and start - until >= at_least:
            found.append(Silence(latest, turn.index, until, start))
        if end >= until:
            latest, until = turn.index, end
    return tuple(found)


def interruptions(
    turns: Sequence[Turn],
    *,
    by: Speaker = Speaker.AGENT,
    overlap: float = MIN_INTERRUPTION_SECONDS,
    min_chars: int = MIN_INTERRUPTION_CHARACTERS,
    delay: float = MIN_CUSTOMER_LEAD,
) -> tuple[Interruption, ...]:
    """Turns of `by` that began while the other of agent and customer was speaking and had not finished.

    One turn interrupts at most once. Empty where times are missing.

    Args:
        turns: ordered turns.
        by: agent or customer.
        overlap: seconds before the other's end from which on a beginning counts.
        min_chars: turns with fewer characters are back-channels (嗯, 好的).
        delay: if both begin within so many seconds, nobody interrupted.
    """
    if not _timed(turns):
        return ()
    other = Speaker.CUSTOMER if by is Speaker.AGENT else Speaker.AGENT
    found: list[Interruption] = []
    speaking: list[Turn] = []
    for turn in sorted(turns, key=lambda turn: turn.start or 0.0):
        start, end = turn.start or 0.0, turn.end or 0.0
        speaking = [t for t in speaking if (t.end or 0.0) > start]
        if turn.speaker is other:
            speaking.append(turn)
        if turn.speaker is not by:
            continue
        cut = next((t for t in reversed(speaking) if _cut_into(t, start, overlap, delay)), None)
        if cut is not None and turn_characters(turn) >= min_chars:
            found.append(Interruption(turn.index, cut.index, start, min(end, cut.end or end)))
    return tuple(sorted(found, key=lambda cut: cut.turn))


def _cut_into(turn: Turn, at: float, overlap: float, delay: float) -> bool:
    start, end = turn.start or 0.0, turn.end or 0.0
    if at - start < delay or end - at < overlap or end <= start:
        return False
    if turn.words:
        left = float(sum(spoken_length(word.text) or not word.text for word in turn.words if word.start >= at))
    else:
        left = turn_characters(turn) * (end - at) / (end - start)
    return left >= MIN_UNFINISHED_CHARACTERS


def answers(turns: Sequence[Turn], *, by: Speaker = Speaker.AGENT) -> tuple[Answer, ...]:
    """How long the other of agent and customer waited for each answer of `by`, from the first message left unanswered.

    What a bot says in between is no answer of either. The last wait has no answer (`turn` is `None`) where `by` never
    came back to it; it lasted at least until the last message. Empty where a turn has no start.
    """
    if any(turn.start is None for turn in turns):
        return ()
    other = Speaker.CUSTOMER if by is Speaker.AGENT else Speaker.AGENT
    found: list[Answer] = []
    asked: Turn | None = None
    for turn in turns:
        if turn.speaker is other and asked is None:
            asked = turn
        elif turn.speaker is by and asked is not None:
            found.append(Answer(asked.index, turn.index, asked.start or 0.0, turn.start or 0.0))
            asked = None
    if asked is not None:
        found.append(Answer(asked.index, None, asked.start or 0.0, max(turn.start or 0.0 for turn in turns)))
    return tuple(found)


def _timed(turns: Sequence[Turn]) -> bool:
    return bool(turns) and all(turn.start is not None and turn.end is not None for turn in turns)


def _last_moment(turns: Sequence[Turn]) -> float | None:
    moments = [moment for turn in turns for moment in (turn.start, turn.end) if moment is not None]
    return max(moments, default=None)


def _reply_time(turns: Sequence[Turn]) -> float | None:
    return next((answer.seconds for answer in answers(turns) if answer.turn is not None), None)


def _speaking_seconds(turn: Turn) -> float:
    if turn.start is None or turn.end is None:
        return 0.0
    gaps = (after.start - before.end for before, after in zip(turn.words, turn.words[1:], strict=False))
    return turn.end - turn.start - sum(gap for gap in gaps if gap >= PAUSE_IN_TURN)


def _characters(turns: Sequence[Turn], speaker: Speaker) -> int:
    return sum(turn_characters(turn) for turn in turns if turn.speaker is speaker)


def _share(one: float, other: float) -> float | None:
    return one / (one + other) if one + other > 0 else None


def _silence_ratio(turns: Sequence[Turn], duration: float | None) -> float | None:
    if not duration:
        return None
    spoken = _length(_intersection(_union(_spans(turns)), [(0.0, duration)]))
    return 1 - spoken / duration


def _spans(turns: Sequence[Turn], speaker: Speaker | None = None) -> list[Span]:
    return [(turn.start or 0.0, turn.end or 0.0) for turn in turns if speaker in (None, turn.speaker)]


def _union(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _intersection(one: Sequence[Span], other: Sequence[Span]) -> list[Span]:
    """Common parts of two sorted lists of spans that are disjoint within each list."""
    common: list[Span] = []
    i = j = 0
    while i < len(one) and j < len(other):
        start, end = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if start < end:
            common.append((start, end))
        if one[i][1] <= other[j][1]:
            i += 1
        else:
            j += 1
    return common


def _length(spans: Iterable[Span]) -> float:
    return sum(end - start for start, end in spans)
