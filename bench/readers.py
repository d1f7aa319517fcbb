"""The readers that are measured against each other: the shipped one, and two base lines."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from models.utterance import ConversationReading, CueReader, Utterance, load_reader
from models.utterance.encoder import WEIGHTS
from pipeline.reading import TurnReader

TITLES = {
    "fused": "reader",
    "alone": "reader without second opinion",
    "lists": "phrase lists alone",
    "snownlp": "phrase lists, feelings by SnowNLP",
}
USUAL = ("fused", "lists", "snownlp")
LEARNT = frozenset({"fused", "alone"})


class SnowReader:
    """Phrase lists, but every feeling is SnowNLP's as shipped: its probability of a good review as −1…1.

    The customer's feeling at the start and at the end is the mean over the first and the last third of the turns.
    """

    def __init__(self) -> None:
        self._lists = CueReader()

    @cached_property
    def digest(self) -> str:
        """`sha256:…` over the lists' digest and the name of the measure."""
        return "sha256:" + hashlib.sha256(f"snownlp\0{self._lists.digest}".encode()).hexdigest()

    def read_all(self, conversations: Sequence[Sequence[Utterance]]) -> list[ConversationReading]:
        """One reading a conversation, in order."""
        return [self._read(turns) for turns in conversations]

    def _read(self, turns: Sequence[Utterance]) -> ConversationReading:
        readings = tuple(
            reading if turn.role == "other" else replace(reading, sentiment=snow(turn.text))
            for turn, reading in zip(turns, self._lists.read(turns), strict=True)
        )
        feelings = {
            role: [r.sentiment or 0.0 for t, r in zip(turns, readings, strict=True) if t.role == role]
            for role in ("agent", "customer")
        }
        third = max(1, round(len(feelings["customer"]) / 3))
        whole = replace(
            self._lists.whole(turns, readings),
            sentiment_start=_mean(feelings["customer"][:third]),
            sentiment_end=_mean(feelings["customer"][-third:]),
            agent_sentiment=_mean(feelings["agent"]),
        )
        return ConversationReading(readings, whole)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def snow(text: str) -> float:
    """SnowNLP's sentiment as shipped, −1…1; 0 for a text without characters."""
    from snownlp import sentiment

    return 2 * float(sentiment.classify(text)) - 1 if text.strip() else 0.0


def reader_called(name: str, weights: Path | None = None) -> TurnReader:
    """The reader of one of `TITLES`; `weights` for other than the shipped ones."""
    if name == "lists":
        return CueReader()
    return SnowReader() if name == "snownlp" else load_reader(second_opinion=name != "alone", folder=weights)


def lacking(weights: Path | None) -> str | None:
    """What to tell where the learnt reader's weights are not there; `None` where they are."""
    folder = weights or WEIGHTS
    wanted = ("model.bin", "vocab.txt", "conversation.npz", "wording.npz")
    missing = [name for name in wanted if not (folder / name).is_file()]
    if not missing:
        return None
    return (
        f"The reader's weights are not complete: {folder} lacks {', '.join(missing)}. "
        "Make them with `python -m models.utterance.training`, or give another folder with --weights."
    )
