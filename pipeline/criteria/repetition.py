"""repetition: the same stock sentence again and again.

```yaml
repetition: {by: agent, min_chars: 8, times: 3, similarity: 0.9, except: [请稍等]}
```

`by`, `min_chars` of a sentence, `times` it is said, `similarity` 0…1 (share of equal characters, rapidfuzz ratio),
`except` (patterns of sentences that may be repeated), `window`. A clause between commas counts as a sentence too, so
that a stock clause is found inside different sentences; no place counts twice.

Met: `坐席: 请您耐心等待处理结果。` three times. Unmet: three different sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from pipeline.conversation import Conversation, Evidence, Reason
from pipeline.criteria.base import (
    WRITTEN,
    Context,
    Hit,
    Outcome,
    PatternList,
    Role,
    Share,
    Strict,
    evidence,
    found,
    missed,
    role_word,
    trust,
)
from pipeline.criteria.patterns import Patterns
from pipeline.criteria.window import Window, select
from pipeline.text import matching_form

_SENTENCE = re.compile(r"[^。！？!?；;\n]+")
_CLAUSE = re.compile(r"[^。！？!?；;\n，,]+")


class Params(Strict):
    """Whose sentences, how long, how often, how alike."""

    by: Role = "agent"
    min_chars: Annotated[int, Field(ge=2)] = 8
    times: Annotated[int, Field(ge=2)] = 3
    similarity: Share = 0.9
    except_: PatternList = Field(default=(), alias="except")
    window: Window | None = None


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether one sentence is said `times` times or more; the hits are its occurrences."""
    from rapidfuzz.fuzz import ratio

    turns = select(conversation, params.by, params.window, context)
    groups: list[tuple[str, list[Evidence]]] = []
    for text, place in _sentences(params, conversation, turns, context):
        alike = next((g for g in groups if ratio(g[0], text) >= 100 * params.similarity), None)
        if alike is None:
            groups.append((text, [place]))
        elif not _overlap(alike[1][-1], place):
            alike[1].append(place)
    args: dict[str, str | int | float] = {"role": role_word(params.by), "times": params.times}
    often = max((group[1] for group in groups), key=len, default=[])
    if len(often) < params.times:
        return missed(conversation, turns, params.by, context, Reason("criteria.repetition.none", args))
    hits = tuple(Hit((place,), trust(conversation.turns[place.turn], WRITTEN)) for place in often)
    told = args | {"turn": often[0].turn + 1, "quote": often[0].quote, "count": len(often)}
    return found(hits, Reason("criteria.repetition.found", told))


def _overlap(one: Evidence, other: Evidence) -> bool:
    return one.turn == other.turn and one.span[0] < other.span[1] and other.span[0] < one.span[1]


def _sentences(
    params: Params, conversation: Conversation, turns: tuple[int, ...], context: Context
) -> Iterator[tuple[str, Evidence]]:
    """Sentences of `turns` that are long enough, each followed by its clauses."""
    allowed = Patterns(params.except_, context.lists, context.settings.gap)
    for index in turns:
        turn = conversation.turns[index]
        for span in _spans(turn.text):
            form = matching_form(turn.text[slice(*span)]).text
            if len(form) >= params.min_chars and not allowed.search(form):
                yield form, evidence(turn, span)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    for sentence in _SENTENCE.finditer(text):
        clauses = [clause.span() for clause in _CLAUSE.finditer(text, *sentence.span())]
        yield sentence.span()
        if len(clauses) > 1:
            yield from clauses
