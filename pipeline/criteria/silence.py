"""silence: a gap in which nobody speaks is too long, or too short. / 静默过长，或接话过快。

English: `longer_than` or `shorter_than` so many seconds (one is needed; both make a range). `by` is who kept silent,
that is, who speaks next (default `anyone`), `after_by` who spoke before: a role, `same` or `other`. `at: start` looks
at the silence before the first word of a call instead of those between turns. `holds` tells holds apart: `count`
(default) takes every silence, `leave_out` those that are no hold, `only` those that are. A hold is a silence that one
of `asked` announces in one of the two turns before, whoever said it (请稍等, 等一下我找找), or that the reader reads
there as the act `hold` with a probability of `read`, or one in which music plays: a sound that lasts, at most 15 dB
softer than the speech. `times`, `window`. In chats a gap runs from message to message. Not applicable without times.

中文：静默比 `longer_than` 秒长，或比 `shorter_than` 秒短（至少写一个，都写就是一个范围）。`by` 是谁在沉默，也就是接下来
谁开口（默认双方），`after_by` 是谁刚说完：某个角色、`same`（同一方）或 `other`（另一方）。`at: start` 看的是通话开头第
一句话之前的静默，而不是句与句之间的。`holds` 把等待区分开：`count`（默认，全部静默都算）、`leave_out`（等待不
算）、`only`（只看等待）。下列静默是等待：前两句里有人说了 `asked` 中的话（不论谁说，如“请稍等”“等一下我找找”）；识别出
请客户等待的行为（`hold`，概率不低于 `read`）；静默中一直有等待音乐，即持续的、比说话声最多轻 15 分贝的声音。还可以
写 `times` 和 `window`。聊天按前后两条消息的间隔算。没有时间信息时不适用。

```yaml
silence: {longer_than: 10, by: agent, holds: leave_out, asked: ["请[您]稍等", "等(一下|我)"]}
```

```met
[0-2] 客户: 我的单号是三三零八
[14-16] 坐席: 查到了，明天送到
```

```unmet
[0-2] 客户: 我的单号是三三零八
[2-4] 坐席: 请您稍等，我查一下
[16-18] 坐席: 查到了，明天送到
```
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from statistics import median
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.conversation import Conversation, Reason
from pipeline.criteria.base import (
    NOT_FOUND,
    WRITTEN,
    Context,
    Hit,
    Outcome,
    PatternList,
    Role,
    Share,
    State,
    Strict,
    evidence,
    found,
    role_word,
    speaks,
    unavailable,
    wrong,
)
from pipeline.criteria.phrase import occurrences
from pipeline.criteria.window import Window, select
from pipeline.dialogue import Silence, silences

ANNOUNCED_WITHIN = 2
"""A hold is announced in one of so many turns before it: 请稍等, 好的, and then the silence."""
MUSIC_BELOW_SPEECH = 15.0
"""A sound that lasts through a silence and is at most so many dB softer than the speech is taken for hold music."""


class Params(Strict):
    """How long, who kept silent, after whom, where, and what becomes of holds."""

    longer_than: Annotated[float, Field(gt=0)] | None = None
    shorter_than: Annotated[float, Field(gt=0)] | None = None
    by: Role = "anyone"
    after_by: Literal["agent", "customer", "bot", "system", "anyone", "same", "other"] = "anyone"
    at: Literal["between", "start"] = "between"
    holds: Literal["count", "leave_out", "only"] = "count"
    asked: PatternList = ()
    read: Share | None = None
    times: Annotated[int, Field(ge=1)] = 1
    window: Window | None = None

    @model_validator(mode="after")
    def _some_limit(self) -> Params:
        if self.longer_than is None and self.shorter_than is None:
            raise wrong("silence_limit")
        return self

    def fits(self, seconds: float) -> bool:
        """Whether a silence of so many seconds is too long, or too short."""
        return (self.longer_than is None or seconds > self.longer_than) and (
            self.shorter_than is None or seconds < self.shorter_than
        )


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether somebody kept silent for too long, or not for long enough."""
    if not conversation.turns or any(turn.start is None for turn in conversation.turns):
        return unavailable("criteria.unavailable.untimed")
    chosen = set(select(conversation, params.by, params.window, context))
    gaps = [gap for gap in _gaps(params, conversation) if gap.before in chosen]
    held = _holds(params, gaps, conversation, context) if params.holds != "count" else set()
    looked_at = [gap for gap in gaps if params.holds == "count" or (gap.before in held) is (params.holds == "only")]
    fitting = [gap for gap in looked_at if params.fits(gap.seconds)]
    args: dict[str, str | int | float] = {
        "role": role_word(params.by),
        "limit": f"{params.longer_than if params.longer_than is not None else params.shorter_than:g}",
        "longest": round(max((gap.seconds for gap in looked_at), default=0.0), 1),
        "count": len(fitting),
    }
    long = params.longer_than is not None
    if len(fitting) < params.times:
        left_out = sum(params.fits(gap.seconds) for gap in gaps) - len(fitting)
        if long and params.holds == "leave_out" and left_out:
            return Outcome(State.NO, NOT_FOUND, Reason("criteria.silence.only_holds", args | {"holds": left_out}))
        return Outcome(
            State.NO, NOT_FOUND, Reason("criteria.silence.none" if long else "criteria.silence.none_short", args)
        )
    hits = tuple(
        Hit(
            (replace(evidence(turn := conversation.turns[gap.before]), start=gap.start, end=gap.end),),
            WRITTEN * turn.role_confidence,
        )
        for gap in fitting
    )
    first = hits[0].evidence[0]
    told = args | {"turn": first.turn + 1, "seconds": round(fitting[0].seconds, 1), "quote": first.quote}
    return found(hits, Reason("criteria.silence.found" if long else "criteria.silence.found_short", told))


def _gaps(params: Params, conversation: Conversation) -> Iterator[Silence]:
    """The silences that lie where the parameters say, between the roles that they name."""
    turns = conversation.turns
    if params.at == "start":
        yield Silence(0, 0, 0.0, turns[0].start or 0.0)
        return
    for gap in silences(turns):
        earlier, later = turns[gap.after], turns[gap.before]
        if params.after_by == "same" or params.after_by == "other":
            if (earlier.speaker is later.speaker) is (params.after_by == "same"):
                yield gap
        elif speaks(earlier, params.after_by):
            yield gap


def _holds(params: Params, gaps: list[Silence], conversation: Conversation, context: Context) -> set[int]:
    """The silences, by the turn that ends them, that were announced or in which music plays."""
    turns, readings = conversation.turns, conversation.readings
    before = {gap.before: tuple(range(max(0, gap.before - ANNOUNCED_WITHIN), gap.before)) for gap in gaps}
    asking = {
        hit.turn
        for _, hit in occurrences(
            params.asked, conversation, tuple(sorted({i for indices in before.values() for i in indices})), context
        )
    }
    if params.read is not None and readings:
        asking |= {turn.index for turn in turns if readings[turn.index].acts.get("hold", 0.0) >= params.read}
    speech = [turn.loudness for turn in turns if turn.loudness is not None]
    usual = median(speech) if speech else None
    held = set()
    for ended, indices in before.items():
        sound = turns[ended].sound_before
        music = usual is not None and sound is not None and sound >= usual - MUSIC_BELOW_SPEECH
        if music or not asking.isdisjoint(indices):
            held.add(ended)
    return held
