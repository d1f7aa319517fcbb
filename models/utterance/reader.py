"""The reader: cue lexicons and the learnt encoder, each with its say on every turn, and their agreement."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.sums import steady_sums
from models.utterance.acts import ACTS, CLASSES
from models.utterance.context import with_context
from models.utterance.conversation import ConversationNetwork, summary
from models.utterance.cues import CueReader
from models.utterance.encoder import WEIGHTS, Hearing, TurnEncoder
from models.utterance.records import ConversationReading, CueMark, TurnReading, Utterance, WholeReading
from models.utterance.sentiment import SnowOpinion, agreed
from models.utterance.tone import empathy_of
from models.utterance.wording import Wording

Floats = NDArray[np.float32]

FUSION = "4"
"""Goes up with every change of the code that joins the two opinions, so that the digest changes with it."""

_SHOWN = 0.3
"""Acts less probable than this are not told."""
_READABLE = 6
"""Evidence of fewer characters is widened."""
_KNOWN_PROBLEM = 0.45
_BREAKS = "，。？！、；：,.?!;: \n"
_SURE, _NO = 0.75, 0.2
"""One opinion above the first and the other below the second: a dispute."""


class Reader:
    """Reads conversations by lexicons and encoder together. Stateless: the same turns always read the same."""

    name = "zhijian-reader-zh-small"

    def __init__(self, cues: CueReader, encoder: TurnEncoder, opinion: SnowOpinion | None = None) -> None:
        self.cues = cues
        self.encoder = encoder
        self.opinion = opinion
        self._known = cues.acts

    @cached_property
    def digest(self) -> str:
        """`sha256:…` over the lexicons, the second opinion, the weights and the version of the fusion."""
        second = self.opinion.name if self.opinion is not None else ""
        digest = hashlib.sha256(f"{FUSION}\0{self.cues.digest}\0{second}\0".encode())
        for path in sorted(path for path in self.encoder.folder.iterdir() if path.is_file()):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
        return "sha256:" + digest.hexdigest()

    @cached_property
    def _fusion(self) -> Mapping[str, NDArray[np.float64]]:
        """Weight, trust and lift of every act of a role, `(3, acts)`."""
        fitted = self.encoder.calibration["acts"]
        return {role: np.array([fitted[role][name] for name in names]).T for role, names in ACTS.items()}

    @cached_property
    def _network(self) -> ConversationNetwork:
        return ConversationNetwork(self.encoder.folder)

    @cached_property
    def _wording(self) -> Wording:
        return Wording(self.encoder.folder)

    def read(self, turns: Sequence[Utterance]) -> tuple[TurnReading, ...]:
        """One reading a turn, in order."""
        return self.turns([turns])[0][1]

    def read_all(self, conversations: Sequence[Sequence[Utterance]]) -> list[ConversationReading]:
        """One reading a conversation, in order; the turns of all are read together, which is many times faster."""
        return [
            ConversationReading(readings, self._whole(turns, hearings, readings))
            for turns, (hearings, readings) in zip(conversations, self.turns(conversations), strict=True)
        ]

    def summaries(self, conversations: Sequence[Sequence[Utterance]]) -> list[tuple[Floats, Floats]]:
        """What the network of whole conversations looks at (`conversation.summary`)."""
        return [
            summary(turns, hearings, readings, self.cues.whole(turns, readings))
            for turns, (hearings, readings) in zip(conversations, self.turns(conversations), strict=True)
        ]

    def turns(
        self, conversations: Sequence[Sequence[Utterance]]
    ) -> list[tuple[list[Hearing | None], tuple[TurnReading, ...]]]:
        """The encoder's hearings, and the fused readings, of every turn of every conversation."""
        found = []
        for turns, hearings in zip(conversations, self.encoder.hear(conversations), strict=True):
            by_cues = self.cues.read(turns)
            fused = tuple(
                cue if hearing is None else self._fused(turn, cue, hearing)
                for turn, cue, hearing in zip(turns, by_cues, hearings, strict=True)
            )
            found.append((hearings, with_context(turns, fused)))
        return found

    def _fused(self, turn: Utterance, cue: TurnReading, hearing: Hearing) -> TurnReading:
        acts: dict[str, float] = {}
        marks: list[CueMark] = []
        disputed: set[str] = set()
        names = ACTS[turn.role]
        said = np.full(len(names), _UNSAID)
        for name, odds in cue.acts.items():
            if name in names:
                said[names.index(name)] = odds_of(odds)
        weight, trust, lift = self._fusion[turn.role]
        together = _squashed(weight * hearing.acts + trust * said + lift)
        for column in np.flatnonzero((together >= _SHOWN) | (hearing.acts >= _SURE) | (said > _UNSAID)).tolist():
            name, probability = names[column], float(together[column])
            by_cues, alone = cue.acts.get(name, 0.0), float(_squashed(hearing.acts[column]))
            if probability >= _SHOWN:
                acts[name] = round(probability, 4)
                if by_cues == 0.0:
                    marks.append(CueMark(name, *_clause(turn.text, *hearing.carriers(column)), round(probability, 4)))
            if name in self._known[turn.role] and (
                (by_cues >= _SURE and alone <= _NO) or (alone >= _SURE and by_cues <= _NO and probability < _SURE)
            ):
                disputed.add(name)
        acts.update({name: said for name, said in cue.acts.items() if name not in ACTS[turn.role]})
        tone = _tone(turn, hearing)
        if turn.role == "customer":
            second = self.opinion.of(turn.text) if self.opinion is not None else None
            tone = _together(tone, cue.sentiment, second)
        cues = tuple(c for c in cue.cues if c.kind not in ACTS[turn.role] or c.kind in acts)
        return replace(tone, acts=MappingProxyType(acts), cues=(*cues, *marks), disputed=frozenset(disputed))

    def _whole(
        self, turns: Sequence[Utterance], hearings: Sequence[Hearing | None], readings: Sequence[TurnReading]
    ) -> WholeReading:
        by_cues = self.cues.whole(turns, readings)
        odds = self._wording.joined(self._network.classify(*summary(turns, hearings, readings, by_cues)), turns)
        customer, agent = by_cues.sentiment_start is not None, by_cues.politeness is not None
        named = {name: _best(odds[name], name) for name in ("problem", "resolved", "need")}
        kind, level = _complaint(odds["type"], odds["level"])
        complains = kind[0] != "none"
        return WholeReading(
            politeness=_scale(odds["polite"], 0.0, 1.0) if agent else None,
            empathy=_scale(odds["empathy"], 0.0, 1.0) if agent else None,
            sentiment_start=_scale(odds["start"], -1.0, 1.0) if customer else None,
            sentiment_end=_scale(odds["end"], -1.0, 1.0) if customer else None,
            agent_sentiment=by_cues.agent_sentiment,
            complaint_type=kind[0] if customer else None,
            complaint_level=int(level[0]) if customer and complains else None,
            problem=_problem(named["problem"], by_cues.problem) if customer else None,
            resolved=named["resolved"][0] == "yes" if customer and agent else None,
            need=named["need"][0] if customer else None,
            confidence=MappingProxyType(
                {
                    "complaint_type": kind[1],
                    "complaint_level": level[1],
                    "problem": named["problem"][1],
                    "resolved": named["resolved"][1],
                    "need": named["need"][1],
                }
            ),
        )


def _clause(text: str, start: int, end: int) -> tuple[int, int]:
    """The characters that carried an act, with their neighbours in the same clause up to what a person can read."""
    while end - start < _READABLE:
        wider = (
            start - (start > 0 and text[start - 1] not in _BREAKS),
            end + (end < len(text) and text[end] not in _BREAKS),
        )
        if wider == (start, end):
            break
        start, end = wider
    return start, end


def _tone(turn: Utterance, hearing: Hearing) -> TurnReading:
    feeling = round(max(-1.0, min(1.0, hearing.mean("feeling") / 2)), 4)
    if turn.role == "customer":
        return TurnReading(sentiment=feeling, confidence=round(float(hearing.grades["feeling"].max()), 4))
    return TurnReading(
        politeness=round((hearing.mean("polite") - 1) / 4, 4),
        empathy=empathy_of(hearing.mean("reaction"), hearing.mean("understood"), hearing.mean("explored")),
        sentiment=feeling,
        confidence=round(float(hearing.grades["polite"].max()), 4),
    )


def _together(tone: TurnReading, by_cues: float | None, second: float | None) -> TurnReading:
    """A customer's sentiment as encoder, lexicons and second opinion have it on average; who has none, has no say."""
    said = [tone.sentiment or 0.0, *([by_cues] if by_cues else []), *([second] if second is not None else [])]
    sentiment = round(sum(said) / len(said), 4)
    return replace(tone, sentiment=sentiment, confidence=agreed(tone.confidence, sentiment, second))


def _complaint(types: Floats, levels: Floats) -> tuple[tuple[str, float], tuple[str, float]]:
    """Type and level of the complaint, each with its confidence.

    Whether there is one, both opinions are asked together: the first value of both says that there is none.
    """
    calm, upset = math.sqrt(types[0] * levels[0]), math.sqrt((1 - types[0]) * (1 - levels[0]))
    none = calm / (calm + upset)
    kind, sure = _best(types[1:] / types[1:].sum(), "type", skip=1)
    level = _best(levels[1:] / levels[1:].sum(), "level", skip=1)
    return (kind, round(sure * (1 - none), 4)) if none < 0.5 else ("none", round(none, 4)), level


def _best(odds: Floats, name: str, skip: int = 0) -> tuple[str, float]:
    place = int(odds.argmax())
    return CLASSES[name][place + skip], round(float(odds[place]), 4)


def _problem(learnt: tuple[str, float], by_cues: str | None) -> str:
    """What the network is sure enough of, else the topic words (right together 48 %, alone 44 and 39, of 155)."""
    return learnt[0] if by_cues is None or learnt[1] >= _KNOWN_PROBLEM else by_cues


def _scale(odds: Floats, low: float, high: float) -> float:
    """The expected step, on a scale from `low` to `high`."""
    return round(low + (high - low) * float(odds @ np.arange(len(odds))) / (len(odds) - 1), 4)


def _squashed(odds: NDArray[Any]) -> NDArray[np.float64]:
    """The logistic function; as a hyperbolic tangent it cannot overflow."""
    chances: NDArray[np.float64] = 0.5 + 0.5 * np.tanh(odds / 2, dtype=np.float64)
    return chances


def odds_of(probability: float) -> float:
    """The logit of what the lexicons say; an act they found nothing of is unlikely, not impossible."""
    within = min(0.97, max(0.03, probability))
    return math.log(within / (1 - within))


_UNSAID = odds_of(0.0)


def load_reader(*, second_opinion: bool = True, folder: Path | None = None) -> Reader:
    """The shipped reader, or the one whose weights lie in `folder`.

    Args:
        second_opinion: give SnowNLP's classifier, taught service talk, a say in the sentiment of a customer's turn, and
            lower the confidence where it contradicts (`sentiment.py`; some 15 µs a turn).
        folder: a weights folder as `models.utterance.training export` writes it.
    """
    steady_sums()
    return Reader(CueReader(), TurnEncoder(folder or WEIGHTS), SnowOpinion() if second_opinion else None)
