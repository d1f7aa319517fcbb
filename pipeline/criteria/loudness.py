"""loudness: somebody speaks too loudly, too softly, or raises the voice. / 说话声音过大、过小，或突然提高嗓门。

English: `of` says what is held against `above` / `below`. `level` (default): loudness on a scale of 1 to 10, where 10
is as loud as a recording can be and each level less is 10 dB less; ordinary telephone speech lies between 6 and 8.
`raised`: dB above the same speaker's usual loudness (the median of the turns), which no microphone can distort.
`change`: dB against the same speaker's turn before. `span`: dB between the loudest and the softest turn of one
speaker. `over` with `level` and `raised`: `any` turn (default), `times` of them (1), or the `average`. Turns with
fewer than `min_chars` characters (4) are not judged. Also `by` (agent) and `window`. Not applicable in chats, to
calls that came as text or were heard before loudness was measured, and, except for `level`, with fewer than three
turns to compare.

中文：`of` 说明拿什么和 `above` / `below` 比。`level`（默认）：1 到 10 的音量等级，10 是录音能有的最大音量，每低一级
小 10 分贝，正常通话在 6 到 8 之间；`raised`：比本人平时（各句的中位数）高出多少分贝，不受话筒远近影响；`change`：与本人
上一句相差多少分贝；`span`：本人最响与最轻的一句相差多少分贝。`level` 和 `raised` 可以写 `over`：`any`（默认，单
句，`times` 句，默认 1 句）或 `average`（平均）。不足 `min_chars` 个字（默认 4）的句子不看。还可以写 `by`（默认坐席）
和 `window`。聊天、以文字导入的通话、量音量之前转写的录音不适用；除 `level` 外，可比的句子不足三句也不适用。

```yaml
loudness: {by: agent, of: raised, above: 8}
```

```met
[0-3] 坐席(-27 dB): 您好，请问有什么可以帮您
[3-6] 客户(-25 dB): 我的手机还是充不进电
[6-9] 坐席(-26 dB): 您换一根数据线试过吗
[9-12] 客户(-25 dB): 试过了，都说了三次了
[12-15] 坐席(-14 dB): 我这不是正在帮您查吗
```

```unmet
[0-3] 坐席(-27 dB): 您好，请问有什么可以帮您
[3-6] 客户(-25 dB): 我的手机还是充不进电
[6-9] 坐席(-26 dB): 您换一根数据线试过吗
[9-12] 客户(-25 dB): 试过了，都说了三次了
[12-15] 坐席(-26 dB): 好的，我马上帮您查
```
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import mean, median
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from pipeline.conversation import Channel, Conversation, Reason, Turn
from pipeline.criteria.base import (
    NOT_FOUND,
    WRITTEN,
    Context,
    Hit,
    Limits,
    Outcome,
    Role,
    State,
    evidence,
    found,
    missed,
    not_found,
    role_word,
    trust,
    unavailable,
)
from pipeline.criteria.window import Window, select
from pipeline.dialogue import turn_characters

DECIBELS_A_LEVEL = 10.0
LEAST_COMPARED = 3
"""Fewer turns of a speaker say nothing about how loud the speaker usually is."""
WHAT = {
    "level": "@criteria.loudness.level",
    "raised": "@criteria.loudness.raised",
    "change": "@criteria.loudness.change",
    "span": "@criteria.loudness.span",
}

Heard: TypeAlias = tuple[Turn, float]
"""A turn and its loudness in dB relative to full scale."""


class Params(Limits):
    """Whose loudness, which side of it, the limit, and what it is taken over."""

    by: Role = "agent"
    of: Literal["level", "raised", "change", "span"] = "level"
    over: Literal["any", "average"] = "any"
    min_chars: Annotated[int, Field(ge=1)] = 4
    times: Annotated[int, Field(ge=1)] = 1
    window: Window | None = None


def level(decibels: float) -> float:
    """Loudness 1…10 of a level in dB relative to full scale: 10 at 0 dB, one less for each 10 dB."""
    return max(1.0, min(10.0, 10 + decibels / DECIBELS_A_LEVEL))


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether the loudness lies where the limits say."""
    if conversation.interaction.channel is not Channel.CALL:
        return unavailable("criteria.unavailable.not_spoken")
    if all(turn.loudness is None for turn in conversation.turns):
        return unavailable("criteria.unavailable.no_loudness")
    chosen = set(select(conversation, params.by, params.window, context))
    heard = [
        (turn, turn.loudness)
        for turn in conversation.turns
        if turn.loudness is not None and turn_characters(turn) >= params.min_chars
    ]
    args: dict[str, str | int | float] = {"role": role_word(params.by), "what": WHAT[params.of], **params.words()}
    values = _values(params, heard, chosen)
    if not values:
        nobody = missed(conversation, (), params.by, context, not_found(Reason("criteria.loudness.no_turn", args)))
        return nobody if nobody.state is not State.NO else unavailable("criteria.unavailable.few_to_compare", args)
    if params.over == "average" or params.of == "span":
        return _overall(params, values, args)
    fitting = [(places, value) for places, value in values if params.fits(value)]
    if len(fitting) < params.times:
        return Outcome(State.NO, NOT_FOUND, Reason("criteria.loudness.no_turn", args))
    first, value = fitting[0]
    told: dict[str, str | int | float] = {
        "turn": first[0].index + 1,
        "quote": first[0].text,
        "value": round(value, 1),
        "count": len(fitting),
    }
    return found(tuple(_hit(places) for places, _ in fitting), Reason("criteria.loudness.turn", args | told))


def _values(params: Params, heard: Sequence[Heard], chosen: set[int]) -> list[tuple[tuple[Turn, ...], float]]:
    """The turns in question, each with those it is compared with, and the value that is held against the limits."""
    inside = [(turn, loudness) for turn, loudness in heard if turn.index in chosen]
    if params.of == "level":
        return [((turn,), level(loudness)) for turn, loudness in inside]
    values: list[tuple[tuple[Turn, ...], float]] = []
    for speaker in dict.fromkeys(turn.speaker for turn, _ in inside):
        whole = [(turn, loudness) for turn, loudness in heard if turn.speaker is speaker]
        own = [(turn, loudness) for turn, loudness in inside if turn.speaker is speaker]
        if params.of == "raised" and len(whole) >= LEAST_COMPARED:
            usual = median(loudness for _, loudness in whole)
            values += [((turn,), loudness - usual) for turn, loudness in own]
        elif params.of == "change" and len(whole) >= LEAST_COMPARED:
            pairs = pairwise(whole)
            values += [((turn, before), now - then) for (before, then), (turn, now) in pairs if turn.index in chosen]
        elif params.of == "span" and len(own) >= LEAST_COMPARED:
            loudest, softest = max(own, key=lambda pair: pair[1]), min(own, key=lambda pair: pair[1])
            values.append(((loudest[0], softest[0]), loudest[1] - softest[1]))
    return sorted(values, key=lambda item: item[0][0].index)


def _overall(
    params: Params, values: list[tuple[tuple[Turn, ...], float]], args: dict[str, str | int | float]
) -> Outcome:
    value = max(value for _, value in values) if params.of == "span" else mean(value for _, value in values)
    reason = Reason("criteria.loudness.overall", args | {"value": round(value, 1)})
    if not params.fits(value):
        return Outcome(State.NO, NOT_FOUND, reason)
    return found(
        tuple(_hit(places) for places, single in values if params.fits(single)) or (_hit(values[0][0]),), reason
    )


def _hit(places: tuple[Turn, ...]) -> Hit:
    return Hit(tuple(evidence(turn) for turn in places), min(trust(turn, WRITTEN) for turn in places))
