"""phrase: something is said.

```yaml
phrase: {any: ["请问[有]什么[可以|能](帮|帮到)您"], by: agent, window: {turns: 1..2}}
```

`any` (one is enough, or `at_least` different ones, or `times` occurrences), `all`, `none`, `except`, `together`,
`by`, `window`, `homophones`. A text or a list alone means `any`.

Met: `坐席: 您好,请问有什么可以帮您?` Unmet: `坐席: 说吧。`
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, model_validator

from pipeline.conversation import Conversation, Reason
from pipeline.criteria.base import (
    BY_SOUND,
    WRITTEN,
    Context,
    Hit,
    Homophones,
    Outcome,
    PatternList,
    Role,
    State,
    Strict,
    evidence,
    found,
    missed,
    role_word,
    trust,
    wrong,
)
from pipeline.criteria.patterns import Found
from pipeline.criteria.window import Window, select, unknown_turns
from pipeline.text import matching_form


class Params(Strict):
    """What to look for, where, and how often."""

    any: PatternList = ()
    all: PatternList = ()
    none: PatternList = ()
    except_: PatternList = Field(default=(), alias="except")
    at_least: Annotated[int, Field(ge=1)] = 1
    times: Annotated[int, Field(ge=1)] = 1
    together: bool = False
    by: Role = "agent"
    window: Window | None = None
    homophones: Homophones | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"any": value} if isinstance(value, str | list | tuple) else value

    @model_validator(mode="after")
    def _something(self) -> Params:
        if not (self.any or self.all or self.none):
            raise wrong("phrase_empty")
        if self.at_least > max(1, len(self.any)):
            raise wrong("phrase_at_least", wanted=self.at_least, listed=len(self.any))
        return self


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether the phrases of `params` are said."""
    turns = select(conversation, params.by, params.window, context)
    held, hits = _look(params, conversation, turns, context)
    args: dict[str, str | int | float] = {
        "role": role_word(params.by),
        "example": _example((params.any or params.all or params.none)[0], context),
    }
    if held and hits:
        return found(hits, Reason(*_told(args, hits)))
    if held:
        quiet = missed(conversation, turns, params.by, context, Reason("criteria.phrase.clear", args))
        return replace(quiet, state=State.YES) if quiet.state is State.NO else quiet
    if params.none and hits and not (params.any or params.all):
        return Outcome(State.NO, max(hit.confidence for hit in hits), Reason(*_told(args, hits)), hits)
    unknown = unknown_turns(conversation, params.by)
    if unknown:
        held, elsewhere = _look(params, conversation, tuple(sorted({*turns, *unknown})), context)
    return missed(
        conversation,
        turns,
        params.by,
        context,
        Reason("criteria.phrase.missed", args),
        elsewhere=elsewhere if unknown and held else (),
    )


def _told(args: dict[str, str | int | float], hits: tuple[Hit, ...]) -> tuple[str, dict[str, str | int | float]]:
    first = hits[0].evidence[0]
    key = "criteria.phrase.found" if len(hits) == 1 else "criteria.phrase.found_often"
    return key, args | {"turn": first.turn + 1, "quote": first.quote, "count": len(hits)}


def _look(
    params: Params, conversation: Conversation, turns: tuple[int, ...], context: Context
) -> tuple[bool, tuple[Hit, ...]]:
    """Whether the conditions hold over `turns`, and the hits (those of `none` where they break it)."""
    if params.together:
        for turn in turns:
            held, hits = _over(params, conversation, (turn,), context)
            if held:
                return held, hits
        return False, ()
    return _over(params, conversation, turns, context)


def _over(
    params: Params, conversation: Conversation, turns: tuple[int, ...], context: Context
) -> tuple[bool, tuple[Hit, ...]]:
    some, every, forbidden = (
        occurrences(sources, conversation, turns, context, excused=params.except_, homophones=params.homophones)
        for sources in (params.any, params.all, params.none)
    )
    if forbidden:
        return False, tuple(hit for _, hit in forbidden)
    separate = _separate(some)
    if params.any and (len({p for p, _ in some}) < params.at_least or len(separate) < params.times):
        return False, ()
    if len({p for p, _ in every}) < len(params.all):
        return False, ()
    return True, _separate(some + every)


def occurrences(
    sources: tuple[str, ...],
    conversation: Conversation,
    turns: tuple[int, ...],
    context: Context,
    *,
    excused: tuple[str, ...] = (),
    homophones: Homophones | None = None,
) -> tuple[tuple[int, Hit], ...]:
    """Hits of `sources` in `turns`, each with the number of its pattern, in order of the conversation.

    Args:
        sources: patterns that the schema has checked.
        conversation: what is searched.
        turns: indices of its turns.
        context: for the card's lists and settings.
        excused: patterns that excuse a hit they overlap.
        homophones: when to match by sound; default the card's setting.
    """
    if not sources:
        return ()
    settings = context.settings
    patterns, excuses = context.patterns(sources), context.patterns(excused)
    by_sound = homophones or settings.homophones
    hits: list[tuple[int, Hit]] = []
    for index in turns:
        turn = conversation.turns[index]
        form = matching_form(turn.text)
        places = patterns.search(form.text)
        pardons = excuses.search(form.text) if excused and places else ()
        if by_sound == "always" or (by_sound == "heard" and turn.confidence is not None):
            near, least = settings.near_sounds, settings.homophone_min_chars
            alike = patterns.search_sounds(form.text, near=near, least=least)
            places += tuple(p for p in alike if not any(q.pattern == p.pattern and _overlap(p, q) for q in places))
            if excused and places:
                pardons += excuses.search_sounds(form.text, near=near, least=least)
        if not places:
            continue
        for place in sorted(places, key=lambda p: (p.start, -p.end, p.pattern)):
            if not any(_overlap(place, pardon) for pardon in pardons):
                base = BY_SOUND if place.by_sound else WRITTEN
                where = evidence(turn, form.span(place.start, place.end))
                hits.append((place.pattern, Hit((where,), trust(turn, base))))
    return tuple(hits)


def _example(pattern: str, context: Context) -> str:
    """The pattern as a person would say it; worked out once a card."""
    key = ("example", pattern)
    if key not in context.shared:
        context.shared[key] = readable(pattern, dict(context.lists))
    said: str = context.shared[key]
    return said


def _overlap(one: Found, other: Found) -> bool:
    return one.start < other.end and other.start < one.end


def _separate(hits: tuple[tuple[int, Hit], ...]) -> tuple[Hit, ...]:
    """The hits in order of the conversation, of those that overlap only the first and longest."""
    kept: list[Hit] = []
    for _, hit in sorted(hits, key=lambda h: (h[1].turn, h[1].evidence[0].span[0], -h[1].evidence[0].span[1])):
        last = kept[-1].evidence[0] if kept else None
        if last is None or hit.turn != last.turn or hit.evidence[0].span[0] >= last.span[1]:
            kept.append(hit)
    return tuple(kept)


def readable(pattern: str, lists: Mapping[str, tuple[str, ...]]) -> str:
    """A pattern as a person would say it: the first of each choice and list, options left out."""

    def said(slot: re.Match[str]) -> str:
        return readable(lists[slot[1]][0], lists) if slot[1] in lists else "…"

    text = re.sub(r"<([^>]*)>", said, pattern)
    while (simpler := re.sub(r"\[[^\[\]()]*\]", "", text)) != text or (
        simpler := re.sub(r"\(([^\[\]()|]*)[^\[\]()]*\)", r"\1", text)
    ) != text:
        text = simpler
    plain = re.sub("…+", "…", text.split("|")[0].strip("^$"))
    return plain if plain.strip("…") else pattern
