"""From the acts of one turn to its tone: politeness and empathy of agents, sentiment of both.

The weights are plain judgement, tuned on the development gold set (docs/accuracy.md says so).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

POLITE = {
    "please": 0.12,
    "thanks": 0.12,
    "courtesy": 0.10,
    "wish": 0.12,
    "greeting": 0.08,
    "goodbye": 0.06,
    "apology": 0.08,
    "apology_for": 0.08,
    "empathy": 0.12,
    "understanding": 0.05,
    "hold_thanks": 0.08,
    "restate": 0.04,
}
RUDE = {
    "impatience": 0.30,
    "scorn": 0.45,
    "blame": 0.40,
    "quarrel": 0.55,
    "swearing": 0.8,
    "slang": 0.10,
    "shirking": 0.08,
}
STRONG_RUDE = ("scorn", "blame", "quarrel", "swearing")

PLEASED = {"thanks": 0.45, "praise": 0.65, "acceptance": 0.2}
DISPLEASED = {
    "swearing": 0.8,
    "upset": 0.75,
    "threat": 0.7,
    "bad_service": 0.65,
    "complaint": 0.6,
    "sarcasm": 0.6,
    "fee_dispute": 0.5,
    "delay": 0.45,
    "distress": 0.45,
    "safety": 0.4,
    "problem": 0.3,
    "repeated": 0.2,
    "refusal": 0.1,
    "reluctant": 0.15,
}

MATTERS = ("problem", "delay", "fee_dispute", "repeated", "distress", "safety")
"""What a calm customer may also mention in a plain inquiry."""

_OWED = re.compile(r"您")
_PLAIN = re.compile(r"你(?!好|们好)")
_SOFT = re.compile(r"[呢哦哈啦呀]")
_SHORT_ANSWER = re.compile(
    r"^(好|好的|是|是的|对|对的|会的|可以|没错|行|收到|明白|不会的|不影响|太好了|没关系|有的|在的|好嘞|不客气)"
)


def politeness(squeezed: str, acts: Mapping[str, float]) -> float:
    """Politeness 0…1 of one agent turn: 0.5 is neutral and correct."""
    score = 0.5
    if _OWED.search(squeezed):
        score += 0.10
    elif _PLAIN.search(squeezed):
        score -= 0.15
    score += min(0.4, sum(weight * acts.get(act, 0.0) for act, weight in POLITE.items()))
    score += 0.03 if _SOFT.search(squeezed) else 0.0
    score -= sum(weight * acts.get(act, 0.0) for act, weight in RUDE.items())
    kind = sum(acts.get(act, 0.0) for act in POLITE)
    if len(squeezed) <= 6 and kind < 0.3 and "您" not in squeezed and not _SHORT_ANSWER.match(squeezed):
        score -= 0.15
    if acts.get("refusal", 0.0) > 0.5 and not {"explanation", "offer_of_alternative", "apology"} & set(acts):
        score -= 0.12
    return _within(score, 0.0, 1.0)


def empathy(acts: Mapping[str, float]) -> float:
    """Empathy 0…1 of one agent turn: naming the feeling counts more than an apology, an apology more than a formula."""
    doubt = 1.0
    for act, weight in (("empathy", 0.9), ("apology_for", 0.55), ("understanding", 0.4), ("apology", 0.25)):
        doubt *= 1.0 - weight * acts.get(act, 0.0)
    return round(1.0 - doubt, 4)


def empathy_of(reaction: float, understood: float, explored: float) -> float:
    """Empathy 0…1 from its three parts, each 0…2 (Sharma et al. 2020 tell the same three apart)."""
    doubt = (1 - 0.4 * reaction) * (1 - 0.25 * understood) * (1 - 0.1 * explored)
    return round(1.0 - max(0.0, doubt), 4)


def agent_sentiment(acts: Mapping[str, float]) -> float:
    """Sentiment −1…1 of one agent turn: warm or irritated; 0 is calm."""
    warm = sum(0.25 * acts.get(act, 0.0) for act in ("thanks", "wish", "empathy", "courtesy", "greeting"))
    cold = sum(RUDE[act] * 1.5 * acts.get(act, 0.0) for act in ("impatience", *STRONG_RUDE))
    return _within(min(warm, 0.6) - cold, -1.0, 1.0)


def customer_sentiment(acts: Mapping[str, float]) -> float:
    """Sentiment −1…1 of one customer turn."""
    bad = 1.0
    asking = 1.0 - 0.6 * acts.get("inquiry", 0.0)
    for act, weight in DISPLEASED.items():
        bad *= 1.0 - weight * acts.get(act, 0.0) * (asking if act in MATTERS else 1.0)
    good = 1.0
    for act, weight in PLEASED.items():
        good *= 1.0 - weight * acts.get(act, 0.0)
    if acts.get("sarcasm", 0.0) > 0.5:
        good = 1.0
    return _within(bad - good, -1.0, 1.0)


def _within(value: float, low: float, high: float) -> float:
    return round(max(low, min(high, value)), 4)
