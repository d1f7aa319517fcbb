"""The little dialogues under `examples`: text → `Conversation`."""

from __future__ import annotations

import re

from pipeline.conversation import Channel, Conversation, Interaction, Speaker, Turn
from pipeline.text import normalise

_SPEAKERS = {
    "坐席": Speaker.AGENT, "客服": Speaker.AGENT, "agent": Speaker.AGENT,
    "客户": Speaker.CUSTOMER, "顾客": Speaker.CUSTOMER, "customer": Speaker.CUSTOMER,
    "机器人": Speaker.BOT, "bot": Speaker.BOT,
    "系统": Speaker.SYSTEM, "system": Speaker.SYSTEM,
    "未知": Speaker.UNKNOWN, "unknown": Speaker.UNKNOWN,
}  # fmt: skip
_LINE = re.compile(
    r"(?:\[\s*(?P<start>[\d.]+)\s*(?:-\s*(?P<end>[\d.]+)\s*)?\]\s*)?"
    r"(?P<speaker>\w+?)\s*(?:\((?P<confidence>[\d.]+)\))?\s*[::]\s*(?P<text>.*)"
)


def dialogue(text: str, *, channel: Channel = Channel.CALL) -> Conversation:
    """A conversation from lines such as `[0.8-3.1] 坐席(0.92): 您好`; times and word confidence may be left out.

    Raises:
        ValueError: a line does not begin with a known speaker and a colon.
    """
    turns: list[Turn] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        match = _LINE.fullmatch(line)
        speaker = _SPEAKERS.get(match["speaker"].lower()) if match else None
        if match is None or speaker is None:
            raise ValueError(line)
        turns.append(
            Turn(
                index=len(turns),
                speaker=speaker,
                text=normalise(match["text"]),
                original=match["text"],
                start=float(match["start"]) if match["start"] else None,
                end=float(match["end"]) if match["end"] else None,
                confidence=float(match["confidence"]) if match["confidence"] else None,
                role_confidence=0.0 if speaker is Speaker.UNKNOWN else 1.0,
            )
        )
    interaction = Interaction("example", channel, digest="", source="example", turns=tuple(turns))
    return Conversation(interaction, tuple(turns))
