"""emoji: too many (or too few) emoji in written conversations. / 聊天里表情用得太多（或太少）。

English: `of` says what is counted in the turns of `by` (default `agent`): `share` (default: the share of turns that
hold an emoji, 0…1), `count` (all emoji together) or `in_a_turn` (the most in one turn). `above` and `below` are its
limits, one or both. Unicode emoji count one each, with their skin tone, flag or joined parts; so do the signs in
brackets that chat tools send ([微笑], [玫瑰]) and faces made of signs (:-) ^_^); [图片], [链接] and the like are no
emoji. `window` narrows the turns, `min_turns` (default 1) is how many turns there must be for a share to say
something. Not applicable in calls, where the role wrote nothing, or fewer turns than `min_turns`.

中文：`of` 指定在 `by`（默认 `agent`）的话里数什么：`share`（默认，带表情的消息占几成，0 到 1）、`count`（表情总数）
或 `in_a_turn` （一条消息里最多几个）。`above`、`below` 是上下限，写一个或两个。Unicode 表情连同肤色、旗帜、组合部分算一
个；聊天工具发出的方括号表情（[微笑]、[玫瑰]）和符号表情（:-) ^_^）也算；[图片]、[链接] 之类不是表情。`window` 限定看哪
几条，`min_turns`（默认 1）是至少要有几条消息，否则比例没有意义。电话不适用；该角色没有消息，或消息少于 `min_turns` 条，
也不适用。

```yaml
emoji: {above: 0.5, min_turns: 2}
```

```met
@channel chat
坐席: 亲，在的呢😊😊
客户: 我的包裹到哪里了？
坐席: 马上帮您看哦[玫瑰]
```

```unmet
@channel chat
坐席: 您好，请问有什么可以帮您？
客户: 我的包裹到哪里了？
坐席: 包裹今天下午送到，请您留意😊
```
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from pipeline.conversation import Channel, Conversation, Reason
from pipeline.criteria.base import (
    WRITTEN,
    Context,
    Hit,
    Limits,
    Outcome,
    Role,
    State,
    evidence,
    missed,
    not_found,
    role_word,
    unavailable,
)
from pipeline.criteria.window import Window, select

_PICTURE = (
    "[\U0001f300-\U0001faff\u2600-\u2604\u2607-\u260d\u2614-\u26ff\u2702-\u2709\u270b-\u270d\u2728\u274c\u274e"
    "\u2753-\u2757\u2763\u2764\u2795-\u2797\u27b0\u2b50\u2b55]|[\u00a9-\u3299]\ufe0f"
)
_PART = f"(?:{_PICTURE})\ufe0f?[\U0001f3fb-\U0001f3ff]?"
_EMOJI = re.compile(
    f"[\U0001f1e6-\U0001f1ff]{{2}}|[0-9#*]\ufe0f?\u20e3|{_PART}(?:\u200d{_PART})*"
    r"|\[(?!图片|图像|照片|链接|网址|语音|视频|文件|位置|地址|订单|商品|卡片|名片|红包|转账|优惠券|截图|附件|动画表情)"
    r"[\u4e00-\u9fff]{1,4}\]"
    r"|(?<![A-Za-z0-9:;])[:;]-?[)(DPp](?!\w)|\^[_o.-]?\^|[tT]_[tT]|>_<|(?<!\w)[oO]_[oO](?!\w)"
)
"""Emoji as in Unicode TS 51 (flags, keycaps, joined sequences), signs in brackets, faces made of signs."""


class Params(Limits):
    """What is counted, its limits, in whose turns."""

    of: Literal["share", "count", "in_a_turn"] = "share"
    by: Role = "agent"
    window: Window | None = None
    min_turns: Annotated[int, Field(ge=1)] = 1


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether the share or number of emoji lies within the limits; the hits are the turns that hold one."""
    if conversation.interaction.channel is Channel.CALL:
        return unavailable("criteria.unavailable.not_written")
    turns = select(conversation, params.by, params.window, context)
    if len(turns) < params.min_turns:
        few = missed(conversation, turns, params.by, context, not_found(Reason("criteria.emoji.value")))
        return few if few.state is not State.NO else unavailable("criteria.unavailable.few_turns", _role(params))
    found = {turn: emoji(conversation.turns[turn].text) for turn in turns}
    value = {
        "share": sum(map(bool, found.values())) / len(turns),
        "count": float(sum(map(len, found.values()))),
        "in_a_turn": float(max(map(len, found.values()))),
    }[params.of]
    hits = tuple(
        Hit((evidence(conversation.turns[turn], (spans[0][0], spans[-1][1])),), WRITTEN)
        for turn, spans in found.items()
        if spans
    )
    args = _role(params) | params.words() | {"what": f"@criteria.emoji.{params.of}", "value": f"{value:.4g}"}
    reason = Reason("criteria.emoji.value", args)
    if params.fits(value):
        return Outcome(State.YES, WRITTEN, reason, hits)
    return Outcome(State.NO, WRITTEN, reason)


def _role(params: Params) -> dict[str, str | int | float]:
    return {"role": role_word(params.by)}


def emoji(text: str) -> list[tuple[int, int]]:
    """The spans of the emoji in `text`."""
    return [match.span() for match in _EMOJI.finditer(text)]
