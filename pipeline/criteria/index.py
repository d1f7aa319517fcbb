"""The index of a conversation: what many criteria ask of it, each thing worked out once, when it is first asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property

from pipeline.conversation import Conversation, Speaker, Turn
from pipeline.criteria.patterns import Compiled
from pipeline.criteria.sieve import Sieve, Sifted
from pipeline.text import matching_form, sound_codes

ROLE_KNOWN = 0.6
"""A turn whose role is less sure than this may belong to the other speaker."""


class Index:
    """Who speaks in which turns, which turns a window holds, what was read in them, which phrases they may hold.

    Attributes:
        conversation: what is looked at.
        spoken: the turns of each role; `anyone` is everybody but the system.
        any_heard: whether some turn was heard, and did not come as text.
        windows: the turns of a role within a window, by role and what the window tells.
    """

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.spoken: defaultdict[str, tuple[int, ...]] = defaultdict(tuple)
        self.any_heard = False
        self.windows: dict[tuple[str, str], tuple[int, ...]] = {}
        self._unknown: dict[str, tuple[int, ...]] = {}
        self._heard: dict[tuple[int, ...], float | None] = {}
        self._sifted: dict[tuple[Sieve, bool], Sifted] = {}
        spoken: defaultdict[str, list[int]] = defaultdict(list)
        doubtful: list[int] = []
        for turn in conversation.turns:
            speaker = turn.speaker
            spoken[speaker].append(turn.index)
            if speaker is not Speaker.SYSTEM:
                spoken["anyone"].append(turn.index)
            if turn.confidence is not None:
                self.any_heard = True
            if speaker is Speaker.UNKNOWN or (turn.role_confidence < ROLE_KNOWN and speaker is not Speaker.BOT):
                doubtful.append(turn.index)
        self.spoken.update((role, tuple(turns)) for role, turns in spoken.items())
        self._doubtful = tuple(doubtful)

    def unknown(self, role: str) -> tuple[int, ...]:
        """Turns that may be `role`'s: the speaker is unknown, or known with little confidence as someone else.

        The system's own messages are never taken for anything else, nor anything else for them.
        """
        if role == "system" or not self._doubtful:
            return ()
        if role not in self._unknown:
            own = set(self.spoken[role])
            self._unknown[role] = tuple(turn for turn in self._doubtful if turn not in own)
        return self._unknown[role]

    def legible(self, role: str) -> bool:
        """Whether `role` has turns, and every turn came as text, so that nothing can have been misheard."""
        return not self.any_heard and bool(self.spoken[role])

    def heard(self, turns: tuple[int, ...]) -> float | None:
        """Mean word confidence of the heard ones among `turns`, weighted by their length; `None` if none was heard."""
        if not self.any_heard:
            return None
        if turns not in self._heard:
            heard = [self._confidences[turn] for turn in turns if turn in self._confidences]
            self._heard[turns] = sum([c * n for c, n in heard]) / sum([n for _, n in heard]) if heard else None
        return self._heard[turns]

    @cached_property
    def _confidences(self) -> Mapping[int, tuple[float, int]]:
        """Word confidence and length of the turns that were heard."""
        turns = self.conversation.turns
        return {t.index: (t.confidence, max(1, _length(t))) for t in turns if t.confidence is not None}

    @cached_property
    def acts(self) -> Mapping[str, Sequence[tuple[int, float]]]:
        """The turns in which each act was read at all, with its probability."""
        acts: dict[str, list[tuple[int, float]]] = {}
        for index, reading in enumerate(self.conversation.readings):
            for name, probability in reading.acts.items():
                acts.setdefault(name, []).append((index, probability))
        return acts

    @cached_property
    def cues(self) -> Mapping[str, set[int]]:
        """The turns that have each kind of cue."""
        cues: dict[str, set[int]] = {}
        for index, reading in enumerate(self.conversation.readings):
            for cue in reading.cues:
                cues.setdefault(cue.kind, set()).add(index)
        return cues

    def sifted(self, patterns: Compiled, *, unheard: bool = True) -> Sifted:
        """What the sieve of `patterns` lets through of the turns; of those that came as text only if `unheard`."""
        sieve, writing = patterns.sieve, patterns.writing
        found = self._sifted.get((sieve, unheard))
        if found is None or found.patterns != sieve.count:
            turns = self.conversation.turns

            def text(index: int) -> str:
                if not unheard and turns[index].confidence is None:
                    return ""
                plain = matching_form(turns[index].text).text
                return plain if writing == "written" else sound_codes(plain, near=writing == "near") + plain

            found = self._sifted[sieve, unheard] = Sifted(sieve, text)
        return found


def _length(turn: Turn) -> int:
    """Characters of a turn, with those that placeholders hide instead of the placeholders."""
    return len(turn.text) + sum(mark.characters - (mark.span[1] - mark.span[0]) for mark in turn.marks)
