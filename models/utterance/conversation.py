"""From the hearings of its turns to what a whole conversation is: complaint, problem, feelings, resolved, tone.

A small network over a summary of fixed size: what each side does and how it sounds, at the strongest, on average, in
the first and the last third and at the very end; what the customer talks about; and what the cue lexicons make of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
        float(hearing.grades[grade] @ np.asarray(steps, np.float32)) / max(steps)
        for grade, steps in GRADES.items()
        if role == "agent" or grade == "feeling"
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
            self._weights = {name: saved[name].astype(np.float32) for name in saved.files}
        self._members = 1 + max(int(name.split(".")[0]) for name in self._weights)

    def classify(self, numbers: Floats, topics: Floats) -> Mapping[str, Floats]:
        """Probabilities of the values of each of `CLASSES`, from a `summary`; without topics where nobody was read."""
        total: dict[str, Floats] = {}
        for member in range(self._members):
            for name, odds in self._one(member, numbers, topics).items():
                total[name] = (total.get(name, np.zeros_like(odds)) + odds / self._members).astype(np.float32)
        return total

    def _one(self, member: int, numbers: Floats, topics: Floats) -> Mapping[str, Floats]:
        weight = {
            name.partition(".")[2]: value for name, value in self._weights.items() if name.startswith(f"{member}.")
        }
        seen = (numbers - weight["numbers_mean"]) / weight["numbers_scale"]
        about = topics if len(topics) else weight["topics_mean"]
        told = (about - weight["topics_mean"]) / weight["topics_scale"]
        first = np.maximum(0.0, weight["numbers_weight"] @ seen + weight["numbers_bias"])
        second = np.maximum(0.0, weight["topics_weight"] @ told + weight["topics_bias"])
        hidden = np.concatenate([first, second])
        result = {}
        for name in CLASSES:
            logits = (weight[f"{name}_weight"] @ hidden + weight[f"{name}_bias"]) / float(weight[f"{name}_temperature"])
            odds = np.exp(logits - logits.max())
            result[name] = (odds / odds.sum()).astype(np.float32)
        return result
