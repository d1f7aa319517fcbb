"""repetition: the same sentence is said again and again. / 同一句话说了一遍又一遍。

English: a sentence is said `times` times in all (default 3), the last times by `by` (default `agent`). `of` says
whose saying comes first: `same` (default: one's own) or `other` (a sentence of the other side that `by` then repeats:
an agent who parrots the customer, a customer who has to say again what the agent said). `min_chars` (default 8) is
the least length of a sentence, `similarity` (0…1, default 0.9; rapidfuzz ratio) how alike they must be, as written or
as they sound; `except` lists patterns of sentences that may be repeated, `window` narrows the turns. `within` says how
far back the saying before may lie, in turns of who said it or in seconds (`4 turns`, `60 s`; default: any distance). A
clause between commas counts as a sentence too, so that a stock clause is found inside different sentences; no place
counts twice. The hits are all sayings of the sentence that was said most often. Unsure where the turns were badly
heard; not applicable where the role says nothing.

中文：同一句话一共说到 `times` 遍（默认 3），后面几遍是 `by`（默认 `agent`）说的。`of` 指定第一遍是谁说的：`same`（默
认，自己说过的话）或 `other`（对方先说、`by` 再重复，例如坐席照搬客户的话）。`min_chars`（默认 8）以下的短句不
算，`similarity`（0 到 1，默认 0.9）是至少要多相似，字面或读音达到就算，`except` 列出可以重复的话术，`window` 限定看
哪几句。`within` 是上一遍最多隔多远，按说上一遍的那一方的句数或秒数计（`4 turns`、`60 s`，默认不限）。逗号之间的分句也算
一句，所以夹在不同句子里的套话也找得到；同一处不重复计算。命中的是说得最多的那句话的每一遍。录音听不清时判为“拿不准”；该
角色没有发言，则不适用。

```yaml
repetition: {by: agent, min_chars: 8, times: 3, similarity: 0.9, except: [请稍等]}
```

```met
坐席: 请您耐心等待处理结果。
客户: 要等多久？
坐席: 请您耐心等待处理结果。
客户: 到底要多久？
坐席: 请您耐心等待处理结果。
```

```unmet
坐席: 请您耐心等待处理结果。
客户: 要等多久？
坐席: 明天上午十点之前给您回电话。
```
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

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
    not_found,
    role_word,
    speaks,
    trust,
    wrong,
)
from pipeline.criteria.sentences import sentences_and_clauses
from pipeline.criteria.window import Distance, Window, select
from pipeline.text import OTHER_SOUND, matching_text, sound_codes

_MISWRITTEN = 0.35
"""By so much less alike may sentences be written that sound alike: one misheard character costs each of two sayings."""
_MATRIX = 2_000
"""More sentences than these are not compared in one table, which would grow with their square."""
_OTHER: dict[str, Role] = {"agent": "customer", "customer": "agent", "bot": "customer"}


class Params(Strict):
    """Whose sentences, how long, how often, how alike, how close together."""

    by: Role = "agent"
    of: Literal["same", "other"] = "same"
    min_chars: Annotated[int, Field(ge=2)] = 8
    times: Annotated[int, Field(ge=2)] = 3
    similarity: Share = 0.9
    within: Distance | None = None
    except_: PatternList = Field(default=(), alias="except")
    window: Window | None = None

    @model_validator(mode="after")
    def _has_another(self) -> Params:
        if self.of == "other" and self.by not in _OTHER:
            raise wrong("repetition_other", by=self.by)
        return self

    @cached_property
    def nothing(self) -> Outcome:
        """What is said where no sentence is said so often."""
        args: dict[str, str | int | float] = {"role": role_word(self.by), "times": self.times}
        return not_found(Reason("criteria.repetition.none", args))


class _Place(NamedTuple):
    """Characters `start:end` of a turn."""

    turn: int
    start: int
    end: int


@dataclass(slots=True)
class _Saying:
    """A sentence and where it was said; `last` is where it may be repeated from."""

    places: list[_Place]
    last: _Place


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether one sentence is said `times` times or more; the hits are its occurrences."""
    turns = select(conversation, params.by, params.window, context)
    sayings = _sayings(params, conversation, turns, context)
    often = max((saying.places for saying in sayings), key=len, default=[])
    if len(often) < params.times:
        return missed(conversation, turns, params.by, context, params.nothing)
    places = [_evidence(place, conversation) for place in often]
    hits = tuple(Hit((place,), trust(conversation.turns[place.turn], WRITTEN)) for place in places)
    first = places[0]
    told = {**params.nothing.reason.args, "turn": first.turn + 1, "quote": first.quote, "count": len(often)}
    key = "criteria.repetition.found" if params.of == "same" else "criteria.repetition.found_other"
    return found(hits, Reason(key, told))


def _sayings(params: Params, conversation: Conversation, turns: tuple[int, ...], context: Context) -> list[_Saying]:
    first: Role = params.by if params.of == "same" else _OTHER[params.by]
    known = [turn.index for turn in conversation.turns if speaks(turn, first)]
    heard = turns if params.of == "same" else tuple(sorted({*turns, *known}))
    sentences = list(_sentences(params, conversation, heard, context))
    if not _often_alike(sentences, params):
        return []
    from rapidfuzz.fuzz import ratio
    from rapidfuzz.process import extract_iter

    number = {turn: place for place, turn in enumerate(known)}
    repeating = set(turns)
    sayings: list[_Saying] = []
    texts: list[str] = []
    for text, place in sentences:
        repeats = place.turn in repeating
        saying = None
        least = 100 * params.similarity
        for said, written, like in extract_iter(text, texts, scorer=ratio, score_cutoff=least - 100 * _MISWRITTEN):
            if written < least and ratio(_sound(text), _sound(said)) < least:
                continue
            if not repeats or params.within is None or _near(sayings[like].last, place, params, conversation, number):
                saying = sayings[like]
                break
        if saying is None:
            if place.turn in number:
                sayings.append(_Saying([place], place))
                texts.append(text)
        elif not _overlap(saying.last, place) and not _overlap(saying.places[-1], place):
            if repeats:
                saying.places.append(place)
            if place.turn in number:
                saying.last = place
    return sayings


def _often_alike(sentences: list[tuple[str, _Place]], params: Params) -> bool:
    """Whether some sentence is written so much like others, elsewhere, that it may have been said often enough."""
    least = 100 * (params.similarity - _MISWRITTEN) - 1
    if len(sentences) < params.times or least <= 0 or len(sentences) > _MATRIX:
        return len(sentences) >= params.times
    import numpy as np
    from rapidfuzz.fuzz import ratio
    from rapidfuzz.process import cdist

    forms = [form for form, _ in sentences]
    alike = cdist(forms, forms, scorer=ratio, score_cutoff=least, dtype=np.uint8)
    # Each is like itself; one that was said often enough is in a row and in a column with all of the others.
    if np.count_nonzero(alike) < len(forms) + 2 * (params.times - 1):
        return False
    often = np.flatnonzero(np.count_nonzero(alike, axis=1) >= params.times)
    return any(_apart([sentences[like][1] for like in np.flatnonzero(alike[row])]) >= params.times for row in often)


def _apart(places: list[_Place]) -> int:
    """How many of `places` can be chosen so that no two overlap: always the one next that ends first."""
    count, last = 0, (-1, 0)
    for turn, end, start in sorted([(place.turn, place.end, -place.start) for place in places]):
        if turn > last[0] or -start >= last[1]:
            count, last = count + 1, (turn, end)
    return count


@lru_cache(maxsize=1024)
def _sound(form: str) -> str:
    """One character for the sound of each of `form`; what has no sound stays."""
    codes = zip(sound_codes(form, near=False), form, strict=True)
    return "".join(written if code == OTHER_SOUND else code for code, written in codes)


def _evidence(place: _Place, conversation: Conversation) -> Evidence:
    return evidence(conversation.turns[place.turn], (place.start, place.end))


def _near(before: _Place, place: _Place, params: Params, conversation: Conversation, number: dict[int, int]) -> bool:
    """Whether `before` is not too far back from `place`, whose turn `number` counts among those of the first to say."""
    reach = params.within
    if reach is None:
        return True
    if reach.unit == "seconds":
        earlier, later = _evidence(before, conversation), _evidence(place, conversation)
        end = earlier.start if earlier.end is None else earlier.end
        return later.start is not None and end is not None and later.start - end <= reach.amount
    now = number[place.turn] if place.turn in number else sum(turn < place.turn for turn in number)
    return now - number[before.turn] <= reach.amount


def _overlap(one: _Place, other: _Place) -> bool:
    return one.turn == other.turn and one.start < other.end and other.start < one.end


def _sentences(
    params: Params, conversation: Conversation, turns: tuple[int, ...], context: Context
) -> Iterator[tuple[str, _Place]]:
    """Sentences of `turns` that are long enough, each followed by its clauses."""
    allowed = context.rules.patterns(params.except_) if params.except_ else None
    for index in turns:
        text = conversation.turns[index].text
        if len(text) < params.min_chars:
            continue
        for start, end in sentences_and_clauses(text):
            if end - start < params.min_chars:
                continue
            form = matching_text(text[start:end])
            if len(form) >= params.min_chars and not (allowed is not None and allowed.search(form)):
                yield form, _Place(index, start, end)
