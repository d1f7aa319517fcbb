"""hold: a hold was asked for before and thanked for after. / 让客户等待前先征询，回来后致谢。

English: a hold is a turn of the agent with one of `asked`, or a gap before the agent of at least `longer_than`
seconds (default `{call: 8, chat: 60}`) that nobody announced. After it one of `thanked` has to stand in the agent's
next two turns, or in the turn that asked, behind the asking. With `read`, turns in which the reader reads the acts
`hold` or `hold_thanks` with at least this probability count too. `need`: `both` (default), `one`, `asked` or
`thanked`. Every hold must be treated so. Not applicable where there was no hold; unsure where the agent could not be
heard.

中文：坐席说了 `asked` 里的话，或坐席开口前空了 `longer_than` 秒以上（默认电话 8 秒、聊天 60 秒）而没有人打招呼，都算一
次等待。等待之后，坐席接下来的两句里（或征询的同一句后面）要有 `thanked` 里的话。写了 `read` 时，被识别为请客户等待
（`hold`）或等待后致谢（`hold_thanks`）且概率不低于此值的句子也算。`need`：`both`（默认，前后都要）、`one`（有一样即
可）、`asked`、`thanked`。每一次等待都要做到。没有等待时不适用；坐席的话听不清时判为“拿不准”。

```yaml
hold: {asked: ["请[您]稍等"], thanked: [久等, "感谢您的[耐心]等待"], need: both}
```

```met
坐席: 请您稍等，我查一下。
客户: 好。
坐席: 让您久等了，明天上午送到。
```

```unmet
坐席: 请您稍等，我查一下。
客户: 好。
坐席: 明天上午送到。
```
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Annotated, Literal

from pydantic import Field

from pipeline.conversation import Channel, Conversation, Evidence, Reason, Speaker
from pipeline.criteria.base import (
    WRITTEN,
    Context,
    Hit,
    Outcome,
    PatternList,
    Rules,
    Share,
    State,
    Strict,
    cue_span,
    evidence,
    missed,
    not_found,
    role_word,
    trust,
    unavailable,
)
from pipeline.criteria.phrase import Sought, found_in, sought_for
from pipeline.dialogue import silences

THANKS_WITHIN = 2
"""Thanks count in this many turns of the agent after the hold."""
_NONE = not_found(Reason("criteria.hold.none", {"role": role_word("agent")}))


class Gap(Strict):
    """Seconds without the agent from which on a gap is a hold even if nobody announced it."""

    call: Annotated[float, Field(gt=0)] = 8.0
    chat: Annotated[float, Field(gt=0)] = 60.0
    email: Annotated[float, Field(gt=0)] | None = None


class Params(Strict):
    """What asks for a hold, what thanks for it, and which of them is needed."""

    asked: Annotated[PatternList, Field(min_length=1)]
    thanked: Annotated[PatternList, Field(min_length=1)]
    need: Literal["both", "one", "asked", "thanked"] = "both"
    longer_than: Gap = Gap()
    read: Share | None = None


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether every hold was asked for and thanked for, as far as `need` says."""
    agent = context.index.spoken["agent"]
    asking, thanking = context.rules.once(params, _sought)
    asked = _places(asking, conversation, agent, context) | _read("hold", params.read, conversation, context)
    holds = _holds(params, conversation, agent, asked)
    if not holds:
        nothing = missed(conversation, agent, "agent", context, _NONE)
        return nothing if nothing.state is not State.NO else unavailable("criteria.hold.none")
    thanked = _places(thanking, conversation, agent, context)
    thanked = _read("hold_thanks", params.read, conversation, context) | thanked
    confidence = min(trust(conversation.turns[i], WRITTEN) for i in agent)
    for start, resumed in holds:
        ask = asked.get(start) if start is not None else None
        thank = _thanks(ask, agent[(first := bisect_left(agent, resumed)) : first + THANKS_WITHIN], thanked)
        good = {"both": ask and thank, "one": ask or thank, "asked": ask, "thanked": thank}[params.need]
        if not good:
            place = evidence(conversation.turns[start if start is not None else resumed])
            lacking = "neither" if not ask and not thank else "not_thanked" if ask else "not_asked"
            reason = Reason(f"criteria.hold.{lacking}", {"turn": place.turn + 1})
            return Outcome(State.NO, confidence, reason, (Hit((ask or thank or place,), confidence),))
    announced, since = {start for start, _ in holds}, holds[0][1]
    places: list[Evidence] = [
        place for place in [*asked.values(), *thanked.values()] if place.turn in announced or place.turn >= since
    ]
    hits = tuple(Hit((place,), confidence) for place in sorted(places, key=lambda place: (place.turn, place.span)))
    turn = holds[0][0] if holds[0][0] is not None else holds[0][1]
    return Outcome(State.YES, confidence, Reason("criteria.hold.done", {"turn": turn + 1, "count": len(holds)}), hits)


def _thanks(ask: Evidence | None, after: tuple[int, ...], thanked: dict[int, Evidence]) -> Evidence | None:
    """The thanks for a hold: in the turn that asked, behind the asking, or in one of the next turns of the agent."""
    if ask is not None and ask.turn in thanked and thanked[ask.turn].span[0] >= ask.span[1]:
        return thanked[ask.turn]
    return next((thanked[i] for i in after if i in thanked), None)


def _sought(params: Params, rules: Rules) -> tuple[Sought, Sought]:
    return sought_for(params.asked, rules), sought_for(params.thanked, rules)


def _places(
    sought: Sought, conversation: Conversation, turns: tuple[int, ...], context: Context
) -> dict[int, Evidence]:
    """The first occurrence of what is sought in each turn that has one."""
    places: dict[int, Evidence] = {}
    for _, hit in found_in(sought, conversation, turns, context.index):
        places.setdefault(hit.turn, hit.evidence[0])
    return places


def _read(act: str, at_least: float | None, conversation: Conversation, context: Context) -> dict[int, Evidence]:
    """The agent's turns in which the reader reads `act`."""
    if at_least is None:
        return {}
    return {
        i: evidence(conversation.turns[i], cue_span(conversation.readings[i], act))
        for i, probability in context.index.acts.get(act, ())
        if probability >= at_least and conversation.turns[i].speaker is Speaker.AGENT
    }


def _holds(
    params: Params, conversation: Conversation, agent: tuple[int, ...], asked: dict[int, Evidence]
) -> list[tuple[int | None, int]]:
    """Holds in order: the turn that announced it (or none) and the agent's turn that ended it."""
    holds: list[tuple[int | None, int]] = []
    for turn in sorted(asked):
        after = bisect_right(agent, turn)
        resumed = agent[after] if after < len(agent) else None
        if resumed is not None and (not holds or holds[-1][1] != resumed):
            holds.append((turn, resumed))
    channel: Channel = conversation.interaction.channel
    limit: float | None = getattr(params.longer_than, channel.value)
    if limit is not None:
        ended = {resumed for _, resumed in holds}
        long = silences(conversation.turns, at_least=limit)
        spoken = set(agent)
        holds.extend((None, gap.before) for gap in long if gap.before in spoken and gap.before not in ended)
    return sorted(holds, key=lambda hold: hold[1])
