"""What every kind of criterion shares: parameters, context, outcome, and how a hit becomes evidence."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import accumulate
from typing import TYPE_CHECKING, Annotated, Any, Literal, LiteralString, NamedTuple, TypeAlias, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from pipeline.conversation import Conversation, Evidence, Reading, Reason, Speaker, Turn, Verdict, Word
from pipeline.criteria.index import Index
from pipeline.criteria.patterns import PatternError, Patterns, check

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pipeline.criteria.expression import ExpressionBase
    from pipeline.criteria.terms import Term

    Embed: TypeAlias = Callable[[tuple[str, ...]], NDArray[np.float32]]

Part = TypeVar("Part")
Made = TypeVar("Made")
Role: TypeAlias = Literal["agent", "customer", "bot", "system", "anyone"]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Homophones: TypeAlias = Literal["heard", "always", "never"]
"""When patterns are matched by sound too: in heard turns, always, never."""

WRITTEN, BY_SOUND, NOT_FOUND = 0.97, 0.85, 0.9
"""Confidence in a hit that is written so, in one that only sounds so, and in the absence of any. Not calibrated."""
Places: TypeAlias = tuple[Sequence[Word], Sequence[int], Sequence[int]]
"""Words, and at which letter of their turn each begins and ends."""
_PLACES_KEPT = 256
_PLACES: dict[int, tuple[Turn, Places]] = {}


def wrong(key: str, **args: str | float) -> PydanticCustomError:
    """The error that a validator raises; `scorecard.error.KEY` in the catalogue is its sentence."""
    kind: LiteralString = key  # type: ignore[assignment,unused-ignore]
    return PydanticCustomError(kind, kind, dict(args))


class Strict(BaseModel):
    """Base of all parts of a scorecard: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Settings(Strict):
    """A card's `settings`; docs/scorecards.md says what each does."""

    partial_share: Share = 0.5
    fatal_cap: Annotated[float, Field(ge=0, le=100)] = 59.0
    hearing_confidence: Share = 0.55
    least_judged: Share = 0.5
    homophones: Homophones = "heard"
    near_sounds: bool = True
    homophone_min_chars: Annotated[int, Field(ge=2)] = 3
    gap: Annotated[int, Field(ge=1, le=60)] = 6
    low_confidence: Share = 0.6
    review_priority: Share = 0.5
    least_confidence: Share = 0.0
    start: Annotated[float, Field(ge=0, le=100)] = 100.0


class State(StrEnum):
    """What an operator says. `UNSURE`: could not be heard; `UNAVAILABLE`: could not be measured or did not arise."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"
    UNAVAILABLE = "unavailable"


class Hit(NamedTuple):
    """One place where an operator found what it looks for; the first evidence is the place itself."""

    evidence: tuple[Evidence, ...]
    confidence: float

    @property
    def turn(self) -> int:
        """Index of the turn where it happened."""
        return self.evidence[0].turn


class Outcome(NamedTuple):
    """What an operator says of a conversation, how sure it is (0…1), why, and where.

    `needs_reader` is true where nothing could be said only because nobody read tone or acts. `share` is how much of
    what was asked for was done (0…1), where `NO` is not all or nothing.
    """

    state: State
    confidence: float
    reason: Reason
    hits: tuple[Hit, ...] = ()
    needs_reader: bool = False
    share: float | None = None


class Judgement(NamedTuple):
    """What a criterion says of a conversation, before points are given.

    `share` is what a partial verdict earns (0…1), where the operator itself says so.
    """

    verdict: Verdict
    confidence: float
    why: Reason
    hits: tuple[Hit, ...] = ()
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """A distance: so many `turns` of a role, or so many `seconds`."""

    amount: float
    unit: Literal["turns", "seconds"]


@dataclass(frozen=True, slots=True)
class Limit:
    """Only what lies after (or before) the anchor, within `reach`; the anchor's own turn included."""

    direction: Literal["before", "after"]
    reach: Reach | None


@dataclass(frozen=True, slots=True)
class Rules:
    """What an operator may use of its card, the same for every conversation.

    `titles` has the Chinese and the English name of each condition, `criterion_titles` of each criterion.
    `judge` judges a criterion by its id; `criterion_parts` are all expressions of each.
    `embed` turns texts into rows of unit length that lie close where the texts mean the same; `None` where no such
    model is configured. `terms` is the card's table. `shared` remembers what is worked out once a card.
    """

    settings: Settings
    lists: tuple[tuple[str, tuple[str, ...]], ...]
    conditions: Mapping[str, ExpressionBase]
    titles: Mapping[str, tuple[str, str]]
    judge: Callable[[str, Conversation, Context], Judgement]
    criterion_titles: Mapping[str, tuple[str, str]]
    criterion_parts: Mapping[str, tuple[ExpressionBase, ...]]
    embed: Embed | None = None
    terms: Mapping[str, Term] = field(default_factory=dict)
    shared: dict[Any, Any] = field(default_factory=dict)

    def once(self, part: Part, make: Callable[[Part, Rules], Made]) -> Made:
        """What `make` makes of a part of the card; made once a card and part, always by the same function."""
        known: tuple[Part, Made] | None = self.shared.get(id(part))
        if known is None:
            # The part stands beside what was made of it, so that no other one can take its place in memory.
            known = self.shared[id(part)] = (part, make(part, self))
        return known[1]

    def patterns(self, sources: tuple[str, ...]) -> Patterns:
        """Phrase patterns of the card, compiled once."""
        known: Patterns | None = self.shared.get(sources)
        if known is None:
            known = self.shared[sources] = Patterns(sources, self.lists, self.settings.gap)
        return known


@dataclass(frozen=True, slots=True)
class Context:
    """What an operator may use besides its parameters and the conversation.

    `rules` belong to the card, `index` to the conversation. `anchor` is the hit that a relative window refers to,
    `only` the one turn to look at. `known` remembers the named conditions, `judged` the criteria.
    """

    rules: Rules
    index: Index
    anchor: Evidence | None = None
    limit: Limit | None = None
    only: int | None = None
    known: dict[str, Outcome] = field(default_factory=dict)
    judged: dict[str, Judgement] = field(default_factory=dict)

    def near(self, anchor: Evidence, limit: Limit | None = None) -> Context:
        """The same context with windows relative to `anchor`."""
        return Context(self.rules, self.index, anchor, limit, self.only, self.known, self.judged)

    def within(self, turn: int) -> Context:
        """The same context, looking at one turn only."""
        return Context(self.rules, self.index, self.anchor, self.limit, turn, self.known, self.judged)

    def whole(self) -> Context:
        """The same context, looking at the whole conversation."""
        if self.anchor is None and self.limit is None and self.only is None:
            return self
        return Context(self.rules, self.index, known=self.known, judged=self.judged)

    def named(self, name: str, conversation: Conversation) -> Outcome:
        """What the condition of that name says of the whole conversation; worked out once."""
        if name not in self.known:
            self.known[name] = self.rules.conditions[name].plan(conversation, self.whole())
        return self.known[name]

    def judgement(self, criterion: str, conversation: Conversation) -> Judgement:
        """What the criterion of that id says of the whole conversation; worked out once.

        Raises:
            KeyError: the card has no such criterion.
        """
        if criterion not in self.judged:
            self.judged[criterion] = self.rules.judge(criterion, conversation, self.whole())
        return self.judged[criterion]


def some(value: Any) -> Any:
    """One text as a list of one; anything else as it is."""
    return (value,) if isinstance(value, str) else value


def flat(value: Any) -> Any:
    """One text as a list of one, lists within a list as one list; anything else as it is."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple):
        items: list[Any] = []
        for item in value:
            items.extend(flat(item) if isinstance(item, list | tuple) else [item])
        return tuple(items)
    return value


def _checked(pattern: str, info: ValidationInfo) -> str:
    lists = (info.context or {}).get("lists", {})
    try:
        check(pattern, lists)
    except PatternError as error:
        raise wrong(error.key, **error.args_of) from None
    return pattern


PatternText: TypeAlias = Annotated[str, AfterValidator(_checked)]
PatternList: TypeAlias = Annotated[tuple[PatternText, ...], BeforeValidator(flat)]
"""Phrase patterns; one text stands for a list of one, lists within the list are flattened."""
Names: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(flat)]


class Limits(Strict):
    """Parameters of an operator that holds a number against a limit: `above`, `below`, or both."""

    above: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _some_limit(self) -> Limits:
        if self.above is None and self.below is None:
            raise wrong("limit_missing")
        return self

    def fits(self, value: float) -> bool:
        """Whether `value` lies above `above` and below `below`, as far as they are given."""
        return (self.above is None or value > self.above) and (self.below is None or value < self.below)

    def words(self) -> dict[str, str | float]:
        """Arguments for a sentence: the limit that was given, and which way (a catalogue key)."""
        limit, way = (self.above, "above") if self.above is not None else (self.below or 0.0, "below")
        return {"limit": f"{limit:g}", "way": f"@criteria.way.{way}"}


def speaks(turn: Turn, role: Role) -> bool:
    """Whether `turn` counts as spoken by `role`; `anyone` is everybody but the system."""
    return turn.speaker is not Speaker.SYSTEM if role == "anyone" else turn.speaker == role


def called(expression: ExpressionBase, context: Context) -> dict[str, str | int | float]:
    """The name of a condition as arguments of a sentence; empty for an expression without name."""
    if expression.operator != "condition":
        return {}
    zh, en = context.rules.titles[expression.params]
    return {"title_zh": zh, "title_en": en}


def role_word(role: Role) -> str:
    """The catalogue key of a role's name, as an argument of a sentence."""
    return f"@criteria.role.{role}"


def evidence(turn: Turn, span: tuple[int, int] | None = None) -> Evidence:
    """Evidence for the characters `span` of `turn` (by default all), with the times of their words where known."""
    start, end = span or (0, len(turn.text))
    seconds = _seconds(turn, start, end) or (turn.start, turn.end)
    return Evidence(turn.index, seconds[0], seconds[1], (start, end), turn.text[start:end])


def _seconds(turn: Turn, start: int, end: int) -> tuple[float, float] | None:
    """Times of the words that overlap the characters `start:end`; `None` where words and text do not agree."""
    if not turn.words:
        return None
    known = _PLACES.get(id(turn))
    if known is None or known[0] is not turn:
        if len(_PLACES) >= _PLACES_KEPT:
            _PLACES.clear()
        # The turn stands beside its words, so that no other one can take its place in memory, and its number.
        known = _PLACES[id(turn)] = (turn, _places(turn))
    _, (words, firsts, ends) = known
    before = len(_letters(turn.text[:start]))
    overlapping = words[bisect_right(ends, before) : bisect_left(firsts, before + len(_letters(turn.text[start:end])))]
    return (min([w.start for w in overlapping]), max([w.end for w in overlapping])) if overlapping else None


def _places(turn: Turn) -> Places:
    """The words of `turn`, and at which of its letters each begins and ends; none where words and text do not agree."""
    spoken = [word.text if word.text.isalnum() else _letters(word.text) for word in turn.words]
    if not _letters(turn.text).startswith(_letters("".join(spoken))):
        return (), (), ()
    if all(spoken):
        ends = tuple(accumulate(map(len, spoken)))
        return turn.words, (0, *ends[:-1]), ends
    return _places_of_some(turn.words, spoken)


def _places_of_some(said: Sequence[Word], spoken: Sequence[str]) -> Places:
    """The same of words some of which have no letters."""
    words: list[Word] = []
    firsts: list[int] = []
    ends: list[int] = []
    done = 0
    for word, letters in zip(said, spoken, strict=True):
        if letters:
            words.append(word)
            firsts.append(done)
            done += len(letters)
            ends.append(done)
        elif done and not word.text:
            # Hidden by the placeholder before it.
            words.append(word)
            firsts.append(done - 1)
            ends.append(done)
    return words, firsts, ends


def _letters(text: str) -> str:
    """Letters, digits and Chinese characters of `text`, small."""
    small = text.lower()
    return small if small.isalnum() else "".join(filter(str.isalnum, small))


def cue_span(reading: Reading, kind: str) -> tuple[int, int] | None:
    """The characters that carried a reading of `kind`; `None` where the reader marked none."""
    return next((cue.span for cue in reading.cues if cue.kind == kind), None)


def trust(turn: Turn, base: float) -> float:
    """`base` lowered by how badly the turn was heard and how unsure its speaker is."""
    heard = 1.0 if turn.confidence is None else (1 + turn.confidence) / 2
    return round(base * heard * turn.role_confidence, 4)


def found(hits: tuple[Hit, ...], reason: Reason) -> Outcome:
    """The outcome of an operator that found `hits` (at least one)."""
    return Outcome(State.YES, max([hit.confidence for hit in hits]), reason, hits)


def unavailable(
    key: str, args: Mapping[str, str | int | float] | None = None, *, needs_reader: bool = False
) -> Outcome:
    """The outcome of an operator that could not be measured, with the catalogue key that says why."""
    return Outcome(State.UNAVAILABLE, 1.0, Reason(key, args or {}), needs_reader=needs_reader)


def not_found(reason: Reason) -> Outcome:
    """The outcome of an operator that found nothing in turns that all came as text."""
    return Outcome(State.NO, NOT_FOUND, reason)


def missed(
    conversation: Conversation,
    turns: tuple[int, ...],
    role: Role,
    context: Context,
    plain: Outcome,
    *,
    elsewhere: tuple[Hit, ...] = (),
) -> Outcome:
    """The outcome of an operator that found nothing among `turns`, where `role` should have spoken.

    Args:
        conversation: what was looked at.
        turns: the indices searched.
        role: whose turns they are.
        context: for the card's settings.
        plain: what is said of turns that were not misheard (`not_found`).
        elsewhere: hits in turns whose speaker is unknown; they make the answer unsure.
    """
    if elsewhere:
        return Outcome(State.UNSURE, 0.5, Reason("criteria.unsure.role", {"role": role_word(role)}), elsewhere)
    if not turns and not context.index.spoken[role]:
        if role != "system" and any(turn.speaker is Speaker.UNKNOWN for turn in conversation.turns):
            return Outcome(State.UNSURE, 0.5, Reason("criteria.unsure.role", {"role": role_word(role)}))
        return unavailable("criteria.unavailable.silent_role", {"role": role_word(role)})
    heard = context.index.heard(turns)
    if heard is None:
        return plain
    if heard < context.rules.settings.hearing_confidence:
        searched = [conversation.turns[i] for i in turns]
        args: dict[str, str | int | float] = {"role": role_word(role), "percent": round(100 * heard)}
        places = tuple(Hit((evidence(turn),), heard) for turn in searched if turn.confidence is not None)
        worst = sorted(places, key=lambda hit: (conversation.turns[hit.turn].confidence or 0.0, hit.turn))[:2]
        return Outcome(State.UNSURE, round(heard, 4), Reason("criteria.unsure.hearing", args), tuple(worst))
    return Outcome(State.NO, round(NOT_FOUND * (1 + heard) / 2, 4), plain.reason)
