"""Who is the agent: by what was said, where the recording does not tell.

An agent greets with the company's name, gives a number, offers help and says 您; a customer tells of 我的 and asks
你们. Each cue has a weight; the margin between the two speakers, not the order in which they speak, decides (on
outbound calls the customer speaks first).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_AGENT: tuple[tuple[str, float], ...] = (
    (r"为您服务|为你服务|很高兴为您", 3.0),
    (r"工号", 2.5),
    (r"有什么(可以|能)?(帮|协助)|(可以|能)帮到?您", 3.0),
    (r"(感谢|谢谢)您?的?(来电|致电|耐心|理解|支持|配合|等待)", 3.0),
    (r"祝您|生活愉快", 2.5),
    (r"还有(其他|别的|什么)", 1.5),
    (r"(客服|客户服务|服务热线|售后)(中心|专员|部)?(,|,|为|的|您)", 1.0),
    (r"让您久等|久等了", 2.5),
    (r"请您|您请|麻烦您|请(稍等|问您|提供|放心|稍候)", 1.5),
    (r"(帮|给|为)您(查|核|登记|处理|看|办|申请|反馈|安排|转|记录|解决)", 2.0),
    (r"(方便|提供|报)一下您|核实一下|您(方便|提供)", 1.5),
    (r"给您(带来|造成|添)|(理解|体谅)您|您的(心情|感受)", 2.0),
    (r"您", 0.4),
    (r"我们(会|将|这边)|我这边", 0.7),
    (r"先生|女士", 0.7),
)
_CUSTOMER: tuple[tuple[str, float], ...] = (
    (r"你们", 1.0),
    (r"我的", 0.6),
    (r"我(要|想)(投诉|退|问|查|咨询|换|办|反映|取消)", 2.0),
    (r"我(在你们)?(那|这)?(上周|昨天|前天|今天|刚|已经)?(买|订|充|交|付)(的|了)", 1.5),
    (r"怎么回事|凭什么|什么时候能|到底|为什么|搞什么", 1.0),
    (r"谢谢你|麻烦你|那好吧|行吧|算了", 0.7),
    (r"(没有|没)人(管|理|接|处理|回)", 1.5),
    (r"骗人|态度|太(差|慢|过分)|气死|差评", 1.0),
)
_AGENT_CUES = tuple((re.compile(pattern), weight) for pattern, weight in _AGENT)
_CUSTOMER_CUES = tuple((re.compile(pattern), weight) for pattern, weight in _CUSTOMER)

_CAP = 3
"""A cue counts at most so often for one speaker, so that one habit of speech does not decide."""

_SCALE = 2.5
"""Difference of scores that makes one to e against the other."""

SURE = 0.8
"""Confidence from which on the roles may be relied on."""


@dataclass(frozen=True, slots=True)
class Roles:
    """Index of the speaker taken for the agent, and how sure that is (0.5: not at all, 1: certain)."""

    agent: int
    confidence: float


def agent_score(text: str) -> float:
    """How much a speaker's words are an agent's (positive) or a customer's (negative)."""
    return _weight(text, _AGENT_CUES) - _weight(text, _CUSTOMER_CUES)


def assign(first: str, second: str) -> Roles:
    """Which of two speakers is the agent, by all that each said. Without any cue it is the first, at confidence 0.5."""
    margin = agent_score(first) - agent_score(second)
    return Roles(agent=0 if margin >= 0 else 1, confidence=1 / (1 + math.exp(-abs(margin) / _SCALE)))


def _weight(text: str, cues: tuple[tuple[re.Pattern[str], float], ...]) -> float:
    return sum(weight * min(_CAP, len(cue.findall(text))) for cue, weight in cues)
