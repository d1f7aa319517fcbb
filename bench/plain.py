"""A scorecard judged the way one would write it first: for every phrase and every turn, one search.

Phrases are regular expressions (the same ones that zhijian makes of them), tried one after the other; in a turn that
was heard, each phrase is also held against the turn's pinyin by rapidfuzz. There are no times, quotes, reasons or
confidences, and nothing is remembered from one criterion to the next, but for what belongs to a phrase alone.
Only the operators of the shipped card `hotline` are known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pypinyin import lazy_pinyin
from rapidfuzz import fuzz

from pipeline.conversation import Conversation, Speaker, Turn, Verdict
from pipeline.criteria.expression import ExpressionBase
from pipeline.criteria.patterns import Lists, regular_expression
from pipeline.criteria.phrase import readable
from pipeline.scorecard import Criterion, Scorecard

ALIKE = 92
"""From this ratio on (0…100) a phrase sounds like a part of a turn."""
_NUMBER = re.compile(r"\d{11,19}")
_SENTENCE = re.compile(r"[^。！？!?；;，,\n]+")
_MARKS = re.compile(r"\W+")


@dataclass(frozen=True, slots=True)
class Place:
    """What is looked at: a conversation, and where in it a rule that is relative to a turn looks from."""

    talk: Conversation
    anchor: int | None = None
    within: tuple[int, int] = (0, 10_000)

    def turns(self, role: str, window: Any) -> list[Turn]:
        """The turns of a role in a window."""
        some = [turn for turn in self.talk.turns if role == "anyone" or turn.speaker == role]
        if window is not None and window.turns is not None:
            counted = some if window.of == "role" else [t for t in self.talk.turns if t.speaker != Speaker.SYSTEM]
            low, high = window.turns
            first = 0 if low is None else int(low) - 1 if low > 0 else len(counted) + int(low)
            last = len(counted) if high is None else int(high) if high > 0 else len(counted) + int(high) + 1
            inside = [turn.index for turn in counted[max(0, first) : max(0, last)]]
            some = [turn for turn in some if turn.index in inside]
        if window is not None and window.part == "second_half":
            some = some[-max(3, (len(some) + 1) // 2) :]
        if window is not None and window.after is not None and self.anchor is not None:
            later = [turn for turn in some if turn.index > self.anchor]
            some = [turn for turn in some if turn.index == self.anchor] + later[: int(window.after.amount)]
        return [turn for turn in some if self.within[0] <= turn.index <= self.within[1]]


class Plain:
    """The card, judged in loops."""

    def __init__(self, card: Scorecard) -> None:
        self.card = card
        self.lists: Lists = tuple(sorted(card.lists.items()))
        self._known: Mapping[str, tuple[str, ...]] = dict(self.lists)
        self._phrases: dict[str, tuple[re.Pattern[str], str]] = {}
        self._operators: Mapping[str, Callable[[Any, Place], list[int]]] = {
            "phrase": self._phrase,
            "pattern": self._pattern,
            "act": self._act,
            "class": self._class,
            "speaks": self._speaks,
            "sequence": self._sequence,
            "hold": self._hold,
            "privacy": self._privacy,
            "interruption": self._interruption,
            "repetition": self._repetition,
        }

    def judge(self, talk: Conversation) -> dict[str, Verdict]:
        """The verdict of every criterion."""
        return {criterion.id: self._verdict(criterion, Place(talk)) for criterion in self.card.criteria}

    def _verdict(self, criterion: Criterion, place: Place) -> Verdict:
        if criterion.applies_when is not None and not self.find(criterion.applies_when, place):
            return Verdict.NOT_APPLICABLE
        found = self.find(criterion.expression, place)
        if criterion.unless and criterion.fault:
            found = [turn for turn in found if not self._excused(criterion, replace(place, anchor=turn))]
        elif criterion.unless and not found and self._excused(criterion, place):
            return Verdict.NOT_APPLICABLE
        if found:
            return Verdict.UNMET if criterion.fault else Verdict.MET
        if criterion.partial is not None and self.find(criterion.partial, place):
            return Verdict.PARTIAL
        return Verdict.MET if criterion.fault else Verdict.UNMET

    def _excused(self, criterion: Criterion, place: Place) -> bool:
        return any(self.find(expression, place) for expression in criterion.unless)

    def find(self, expression: ExpressionBase, place: Place) -> list[int]:
        """The turns in which an expression holds; empty where it does not."""
        operator, params = expression.operator, expression.params
        if operator == "condition":
            return self.find(self.card.conditions[params].operator, place)
        if operator == "not":
            return [] if self.find(params, place) else [0]
        if operator in ("any_of", "all_of"):
            parts = [self.find(branch, place) for branch in params]
            held = any(parts) if operator == "any_of" else all(parts)
            return sorted({turn for part in parts for turn in part}) if held else []
        return self._operators[operator](params, place)

    def _said(self, sources: Sequence[str], turn: Turn) -> bool:
        """Whether one of the phrases is in the turn."""
        text = clean(turn.text)
        heard = pinyin(text) if turn.confidence is not None else ""
        for source in self._single(sources):
            expression, sound = self._ready(source)
            if expression.search(text):
                return True
            if len(sound) <= len(heard) and fuzz.partial_ratio(sound, heard) >= ALIKE:
                return True
        return False

    def _ready(self, source: str) -> tuple[re.Pattern[str], str]:
        """A phrase as a regular expression, and the sound of its first wording; worked out once."""
        if source not in self._phrases:
            expression = regular_expression(source, self.lists, self.card.settings.gap)
            self._phrases[source] = expression, pinyin(clean(readable(source, self._known)))
        return self._phrases[source]

    def _single(self, sources: Sequence[str]) -> list[str]:
        """The phrases one by one: a list stands for its entries."""
        found: list[str] = []
        for source in sources:
            found += self._known.get(source.strip("<>"), (source,)) if source.startswith("<") else (source,)
        return found

    def _phrase(self, params: Any, place: Place) -> list[int]:
        turns = place.turns(params.by, params.window)
        found = [turn.index for turn in turns if self._said(params.any, turn) and not self._said(params.except_, turn)]
        return found if len(found) >= params.times else []

    def _pattern(self, params: Any, place: Place) -> list[int]:
        turns = place.turns(params.by, params.window)
        return [turn.index for turn in turns if any(re.search(source, turn.text) for source in params.any)]

    def _act(self, params: Any, place: Place) -> list[int]:
        readings = place.talk.readings
        found = [
            turn.index
            for turn in place.turns(params.by, params.window)
            if any(readings[turn.index].acts.get(name, 0.0) >= params.at_least for name in params.any)
            and not any(readings[turn.index].acts.get(name, 0.0) >= params.at_least for name in params.except_)
        ]
        return found if len(found) >= params.times else []

    def _class(self, params: Any, place: Place) -> list[int]:
        classes = place.talk.classes
        wanted = {name: getattr(params, name) for name in ("complaint_type", "complaint_level", "problem", "resolved")}
        right = (
            getattr(classes, name) == value if isinstance(value, bool) else getattr(classes, name) in value
            for name, value in wanted.items()
            if value is not None
        )
        return [0] if all(right) else []

    def _speaks(self, params: Any, place: Place) -> list[int]:
        return [t.index for t in place.turns(params.by, params.window) if len(clean(t.text)) >= params.min_chars]

    def _sequence(self, params: Any, place: Place) -> list[int]:
        anchors = self.find(params.after if params.after is not None else params.before, place)
        if params.which == "first":
            anchors = anchors[:1]
        reach = 10_000 if params.within is None else 2 * int(params.within.amount)
        found = []
        for anchor in anchors:
            span = (anchor, anchor + reach) if params.after is not None else (anchor - reach, anchor)
            found += self.find(params.expect, replace(place, within=span))
        return found

    def _hold(self, params: Any, place: Place) -> list[int]:
        turns = place.turns("agent", None)
        asked = [turn.index for turn in turns if self._said(params.asked, turn)]
        thanked = [turn.index for turn in turns if self._said(params.thanked, turn)]
        wanted = {"both": asked and thanked, "one": asked or thanked, "asked": asked, "thanked": thanked}
        return list(wanted[params.need])

    def _privacy(self, params: Any, place: Place) -> list[int]:
        return [turn.index for turn in place.turns(params.by, params.window) if _NUMBER.search(clean(turn.text))]

    def _interruption(self, params: Any, place: Place) -> list[int]:
        found = []
        for turn in place.turns(params.by, params.window):
            for other in place.talk.turns:
                if other.speaker != turn.speaker and len(clean(turn.text)) >= params.min_chars:
                    start, end = other.start or 0.0, other.end or 0.0
                    if start < (turn.start or 0.0) <= end - params.overlap:
                        found.append(turn.index)
        return found

    def _repetition(self, params: Any, place: Place) -> list[int]:
        sentences = [
            (turn.index, clean(part))
            for turn in place.turns(params.by, params.window)
            for part in _SENTENCE.findall(turn.text)
            if len(clean(part)) >= params.min_chars
        ]
        for _, one in sentences:
            alike = [index for index, other in sentences if fuzz.ratio(one, other) >= 100 * params.similarity]
            if len(alike) >= params.times:
                return alike
        return []


def clean(text: str) -> str:
    """Without marks and blanks."""
    return _MARKS.sub("", text).lower()


def pinyin(text: str) -> str:
    """The sound of a text."""
    return " ".join(lazy_pinyin(text))
