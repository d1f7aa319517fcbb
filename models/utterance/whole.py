"""What a conversation as a whole says: tone measures and classes, from its turns' readings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.utterance.lexicon import Lexicons, squeeze
from models.utterance.records import TurnReading, Utterance, WholeReading
from models.utterance.tone import MATTERS, STRONG_RUDE

_COMPLAINING = {
    "complaint": 0.9,
    "bad_service": 0.9,
    "upset": 0.8,
    "threat": 0.9,
    "swearing": 0.9,
    "sarcasm": 0.7,
    "fee_dispute": 0.6,
    "delay": 0.6,
    "problem": 0.66,
    "safety": 0.5,
    "repeated": 0.35,
    "distress": 0.2,
}
_SPEAKS_FOR = {"problem": "product", "delay": "process", "fee_dispute": "policy", "bad_service": "service"}
_TYPES = ("product", "process", "policy", "service")
_PROBLEMS = ("claims", "account", "technical", "logistics", "billing", "after_sales", "sales")


def read_whole(turns: Sequence[Utterance], readings: Sequence[TurnReading], lexicons: Lexicons) -> WholeReading:
    """Sum up a conversation.

    Args:
        turns: all turns in order.
        readings: one per turn.
        lexicons: for the topics.
    """
    agent = [r for t, r in zip(turns, readings, strict=True) if t.role == "agent"]
    customer = [(t, r) for t, r in zip(turns, readings, strict=True) if t.role == "customer"]
    said = [r for _, r in customer]
    third = max(1, round(len(said) / 3))
    start = _ending(said[:third], late=False) if said else None
    end = _ending(said[-third:], late=True) if said else None
    complains = complaint_strength(said) if said else 0.0
    is_complaint = complains >= 0.55
    kind = _type(turns, readings, lexicons) if is_complaint else "none"
    resolved = _resolved(turns, readings, end or 0.0, is_complaint) if said and agent else None
    if end is not None and agent:
        end = _with_course(end, said, agent, resolved=bool(resolved), is_complaint=is_complaint)
    return WholeReading(
        politeness=_politeness(agent) if agent else None,
        empathy=_empathy(agent) if agent else None,
        sentiment_start=start,
        sentiment_end=end,
        agent_sentiment=round(sum(r.sentiment or 0.0 for r in agent) / len(agent), 4) if agent else None,
        complaint_type=kind if said else None,
        complaint_level=_level(said) if is_complaint else None,
        problem=_problem(turns, lexicons),
        resolved=resolved,
    )


def complaint_strength(said: Sequence[TurnReading]) -> float:
    """How surely the customer complains, 0…1. A polite inquiry at the start lowers what problem words alone say."""
    first, rest = [r.acts for r in said[:2]], [r.acts for r in said[2:]]
    inquiring = any(acts.get("inquiry", 0.0) > 0.5 for acts in first)
    doubt = 1.0
    for act, weight in _COMPLAINING.items():
        soft = 0.5 if inquiring and act in MATTERS else 1.0
        early = max([acts.get(act, 0.0) for acts in first], default=0.0) * soft
        late = max([acts.get(act, 0.0) for acts in rest], default=0.0)
        doubt *= 1.0 - weight * max(early, late)
    return 1.0 - doubt


def _politeness(agent: Sequence[TurnReading]) -> float:
    scores = sorted(r.politeness for r in agent if r.politeness is not None)
    mean = sum(scores) / len(scores)
    worst = max((r.acts.get(act, 0.0) for r in agent for act in STRONG_RUDE), default=0.0)
    curt = sum(r.acts.get("impatience", 0.0) > 0.5 for r in agent) / len(agent)
    return round(max(0.0, min(1.0, mean - 0.25 * worst - 0.3 * curt)), 4)


def _empathy(agent: Sequence[TurnReading]) -> float:
    top = sorted((r.empathy or 0.0 for r in agent), reverse=True)[:2]
    return round(top[0] * 0.85 + (top[1] if len(top) > 1 else 0.0) * 0.15, 4)


def _ending(said: Sequence[TurnReading], *, late: bool) -> float:
    """Sentiment of a stretch: its most outspoken turn and a little of the average; late, later turns count more."""
    values = [r.sentiment or 0.0 for r in said]
    if late:
        values = [v * (0.6 + 0.4 * (i + 1) / len(values)) for i, v in enumerate(values)]
    lowest, highest = min(values), max(values)
    outspoken = lowest if -lowest >= highest else highest
    return round(max(-1.0, min(1.0, 0.8 * outspoken + 0.2 * sum(values) / len(values))), 4)


def _with_course(
    end: float, said: Sequence[TurnReading], agent: Sequence[TurnReading], *, resolved: bool, is_complaint: bool
) -> float:
    """The end seen in the light of what went before: few words after a quarrel or a bare no are not contentment."""
    pleased = max(max(r.acts.get("thanks", 0.0), r.acts.get("praise", 0.0)) for r in said[-2:])
    if pleased > 0.5:
        return end
    rude = max((r.acts.get(act, 0.0) for r in agent for act in STRONG_RUDE), default=0.0)
    promised = max((r.acts.get("promise_time", 0.0) for r in agent), default=0.0)
    refused = any(r.acts.get("refusal", 0.0) > 0.5 or r.acts.get("shirking", 0.0) > 0.5 for r in agent)
    burden = 0.3 * (rude > 0.5) + 0.25 * (is_complaint and not resolved and promised < 0.5) + 0.1 * refused
    return round(max(-1.0, end - burden), 4)


def topic_scores(text: str, lexicons: Lexicons) -> Mapping[str, int]:
    """How many lines of each topic occur in `text`."""
    plain = squeeze(text, lexicons.spelling).text
    return {name: sum(bool(p.search(plain)) for p in patterns) for name, patterns in lexicons.topics.items()}


def _type(turns: Sequence[Utterance], readings: Sequence[TurnReading], lexicons: Lexicons) -> str:
    """The type of the matter that the complaint began with; a complaint that comes late is about the service."""
    score = dict.fromkeys(_TYPES, 0.0)
    weight = 1.0
    for turn, reading in zip(turns, readings, strict=True):
        if turn.role != "customer":
            continue
        topics = topic_scores(turn.text, lexicons)
        strength = complaint_strength([reading])
        for name in _TYPES:
            score[name] += weight * topics[name] * (0.4 + strength)
        for act, name in _SPEAKS_FOR.items():
            score[name] += weight * 0.8 * reading.acts.get(act, 0.0)
        weight *= 0.65
    return max(_TYPES, key=lambda name: (score[name], -_TYPES.index(name))) if any(score.values()) else "service"


def _level(said: Sequence[TurnReading]) -> int:
    def top(act: str) -> float:
        return max((r.acts.get(act, 0.0) for r in said), default=0.0)

    if top("threat") > 0.5 or top("safety") > 0.5 or top("swearing") > 0.9:
        return 1
    grave = (top("repeated") > 0.5) + (top("money") > 0.5) + (top("delay") > 0.5) + (top("distress") > 0.5)
    angry = sum((r.sentiment or 0.0) < -0.6 for r in said)
    return 2 if grave >= 2 or angry >= 2 or (grave and angry) else 3


def _resolved(turns: Sequence[Utterance], readings: Sequence[TurnReading], end: float, is_complaint: bool) -> bool:
    agent = [(t, r) for t, r in zip(turns, readings, strict=True) if t.role == "agent"]
    customer = [r for t, r in zip(turns, readings, strict=True) if t.role == "customer"]
    put_off = max((i for i, (_, r) in enumerate(agent) if r.acts.get("promise_vague", 0.0) > 0.7), default=-1)
    done = max((r.acts.get("done", 0.0) for _, r in agent[put_off + 1 :]), default=0.0)
    refused = sum(r.acts.get("refusal", 0.0) > 0.5 for _, r in agent)
    shirked = sum(r.acts.get("shirking", 0.0) > 0.5 for _, r in agent)
    pending = max((r.acts.get("route", 0.0) for _, r in agent), default=0.0)
    vague = max((r.acts.get("promise_vague", 0.0) for _, r in agent), default=0.0)
    rude = max((r.acts.get(act, 0.0) for _, r in agent for act in STRONG_RUDE), default=0.0)
    pleased = max((max(r.acts.get("thanks", 0.0), r.acts.get("praise", 0.0)) for r in customer[-3:]), default=0.0)
    score = 0.3 + 1.2 * done + 0.6 * pleased + 1.2 * max(-1.0, min(1.0, end))
    score -= 0.5 * min(refused, 2) + 0.7 * min(shirked, 2) + 0.5 * rude + 0.5 * vague
    score -= (0.8 if is_complaint else 0.1) * pending
    score -= 0.6 * max((r.acts.get("reluctant", 0.0) for r in customer[-3:]), default=0.0) if put_off >= 0 else 0.0
    score += 0.4 if not is_complaint else 0.0
    return score > 0


def _problem(turns: Sequence[Utterance], lexicons: Lexicons) -> str | None:
    score = dict.fromkeys(_PROBLEMS, 0)
    for turn in turns:
        if turn.role == "customer":
            topics = topic_scores(turn.text, lexicons)
            for name in _PROBLEMS:
                score[name] += topics[name]
    best = max(_PROBLEMS, key=lambda name: (score[name], -_PROBLEMS.index(name)))
    return best if score[best] else None
