"""From the hearings of its turns to what a whole conversation is: complaint, problem, feelings, resolved, tone.

A small network over a summary of fixed size: what each side does and how it sounds, at the strongest, on average, in
the first and the last third and at the very end; what the customer talks about; and what the cue lexicons make of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.utterance.acts import ACTS, CLASSES, GRADES
from models.utterance.encoder import Hearing
from models.utterance.records import TurnReading, Utterance, WholeReading
from models.utterance.whole import complaint_strength

Floats = NDArray[np.float32]
_FILE = "conversation.npz"


def summary(
    turns: Sequence[Utterance],
    hearings: Sequence[Hearing | None],
    readings: Sequence[TurnReading],
    cues: WholeReading,
) -> tuple[Floats, Floats]:
    """What the network looks at: numbers `(n,)`, and topic vectors `(m,)` of what the customer says.

    Args:
        turns: the turns in order.
        hearings: the encoder's, one a turn.
        readings: the fused readings, one a turn.
        cues: what the lexicons alone make of the conversation.
    """
    numbers: list[Floats] = []
    topics: list[Floats] = []
    for role in ("agent", "customer"):
        places = [i for i, (t, h) in enumerate(zip(turns, hearings, strict=True)) if t.role == role and h is not None]
        rows = np.array([_numbers(role, hearings[i], readings[i]) for i in places], np.float32)
        if not places:
            rows = np.zeros((1, len(ACTS[role]) + (len(GRADES) if role == "agent" else 1)), np.float32)
        third = max(1, round(len(rows) / 3))
        numbers += [
            rows.max(0),
            rows.min(0)[len(ACTS[role]) :],
            rows.mean(0),
            rows[:third].mean(0),
            rows[-third:].mean(0),
            rows[-1],
        ]
        if role == "customer":
            vectors = [h.vector for i in places if (h := hearings[i]) is not None] or [_nothing(hearings)]
            stacked = np.array(vectors, np.float32)
            strength = np.array([0.15 + complaint_strength([readings[i]]) for i in places] or [1.0], np.float32)
            topics += [
                stacked[: max(1, (len(stacked) + 1) // 2)].mean(0),
                (stacked * strength[:, None]).sum(0) / strength.sum(),
            ]
    numbers.append(np.array([min(len(turns), 40) / 20, float(not any(t.role == "agent" for t in turns))], np.float32))
    numbers.append(_cue_numbers(cues))
    return np.concatenate(numbers).astype(np.float32), np.concatenate(topics).astype(np.float32)


def _nothing(hearings: Sequence[Hearing | None]) -> Floats:
    known = next((h for h in hearings if h is not None), None)
    return np.zeros_like(known.vector) if known is not None else np.zeros(0, np.float32)


def _numbers(role: str, hearing: Hearing | None, reading: TurnReading) -> Floats:
    assert hearing is not None  # noqa: S101
    names = ACTS[role]
    acts = np.array([reading.acts.get(name, 0.0) for name in names], np.float32)
    means = [
        hearing.mean(grade) / max(steps) for grade, steps in GRADES.items() if role == "agent" or grade == "feeling"
    ]
    return np.concatenate([acts, np.array(means, np.float32)])


def _cue_numbers(cues: WholeReading) -> Floats:
    known = [
        cues.politeness, cues.empathy, cues.sentiment_start, cues.sentiment_end, cues.agent_sentiment,
        None if cues.resolved is None else float(cues.resolved),
    ]  # fmt: skip
    chosen = [float(cues.complaint_type == value) for value in CLASSES["type"]]
    chosen += [float(str(cues.complaint_level or "-") == value) for value in CLASSES["level"]]
    chosen += [float((cues.problem or "other") == value) for value in CLASSES["problem"]]
    return np.array([0.0 if value is None else value for value in known] + chosen, np.float32)


class ConversationNetwork:
    """The trained network: two looks (numbers, topics), one hidden layer, a softmax for each of `CLASSES`.

    Several networks of other seeds may lie in the file; their probabilities are averaged.
    """

    def __init__(self, folder: Path) -> None:
        with np.load(folder / _FILE) as saved:
            members = range(1 + max(int(name.partition(".")[0]) for name in saved.files))
            parts = {name.partition(".")[2] for name in saved.files}
            weights = {part: np.stack([saved[f"{m}.{part}"].astype(np.float32) for m in members]) for part in parts}
        self._looks = {look: _Look(*(weights[f"{look}_{part}"] for part in _LOOK)) for look in ("numbers", "topics")}
        self._weight, self._bias = (
            np.concatenate([weights[f"{name}_{part}"] for name in CLASSES], axis=1) for part in ("weight", "bias")
        )
        sizes = [len(values) for values in CLASSES.values()]
        self._temperature = np.repeat(np.stack([weights[f"{name}_temperature"] for name in CLASSES], 1), sizes, axis=1)
        self._ends = np.cumsum(sizes)[:-1]

    def classify(self, numbers: Floats, topics: Floats) -> Mapping[str, Floats]:
        """Probabilities of the values of each of `CLASSES`, from a `summary`; without topics where nobody was read."""
        hidden = np.concatenate([self._looks["numbers"].hidden(numbers), self._looks["topics"].hidden(topics)], axis=1)
        logits = ((self._weight @ hidden[..., None])[..., 0] + self._bias) / self._temperature
        result = {}
        for name, own in zip(CLASSES, np.split(logits, self._ends, axis=1), strict=True):
            odds = np.exp(own - own.max(1, keepdims=True))
            result[name] = (odds / odds.sum(1, keepdims=True)).mean(0)
        return result


_LOOK = ("mean", "scale", "weight", "bias")


@dataclass(frozen=True, slots=True)
class _Look:
    """One of the two looks of all members: `mean`, `scale` `(m, n)`, `weight` `(m, h, n)`, `bias` `(m, h)`."""

    mean: Floats
    scale: Floats
    weight: Floats
    bias: Floats

    def hidden(self, seen: Floats) -> Floats:
        """What each member's first layer makes of `seen` `(n,)`, or of nothing: `(m, h)`."""
        scaled = ((seen if len(seen) else self.mean) - self.mean) / self.scale
        found: Floats = np.maximum(0.0, (self.weight @ scaled[..., None])[..., 0] + self.bias)
        return found
