"""A second opinion on customers' sentiment: SnowNLP's classifier, taught on with customers' turns of service talks.

As shipped, SnowNLP knows shopping reviews only, cuts text into words and drops 没有, 怎么 and 1,400 others as stop
words. `training.second_opinion` teaches its classifier single characters and pairs of neighbours instead, so that it is
read here from a file in SnowNLP's format without SnowNLP's segmenter: no import of 4 s and 430 MB, and microseconds a
turn. What it adds: docs/accuracy.md. Agents are never shown to it: their politeness is not their mood.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import marshal
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

FOLDER = Path(__file__).parent / "second_opinion"
MODEL = "sentiment.marshal.3"
"""SnowNLP's file format (and its ending for Python 3): a zipped `marshal` of word counts by class."""
FACTS = "sentiment.json"

SHORTEST = 6
"""Turns with fewer characters say too little for a bag of characters."""

CLEAR = 0.3
"""Sentiments nearer to 0 than this have no sign worth a dispute."""

TRUST = 0.5
"""How much of the opinion's log-odds counts against a reading: half, because both learnt from the same talks."""

_BREAKS = re.compile(r"[^\u4e00-\u9fa5a-zA-Z]+")


def pieces(text: str) -> list[str]:
    """What the classifier counts: each character and each pair of neighbours, once; marks and digits part pairs."""
    found: set[str] = set()
    for part in _BREAKS.split(text):
        found.update(part)
        found.update(part[at : at + 2] for at in range(len(part) - 1))
    return sorted(found)


@dataclass(frozen=True, slots=True)
class Counts:
    """What SnowNLP's naive Bayes classifier learnt, as log-odds of pleased against displeased.

    `known` gives them for the pieces it has seen, `unseen` for any other, `before` where nothing is said.
    """

    known: Mapping[str, float]
    unseen: float
    before: float

    @classmethod
    def load(cls, path: Path) -> Counts:
        """Read a file written by `snownlp.sentiment.Sentiment.save`.

        Raises:
            OSError: the file is missing, or no such file.
        """
        classes = marshal.loads(gzip.decompress(path.read_bytes()))["d"]  # noqa: S302 the package's own file
        pleased, displeased = classes["pos"], classes["neg"]
        sizes = math.log(pleased["total"] / displeased["total"])
        rare = (pleased["none"], displeased["none"])
        odds = {
            piece: math.log(pleased["d"].get(piece, rare[0]) / displeased["d"].get(piece, rare[1])) - sizes
            for piece in {**pleased["d"], **displeased["d"]}
        }
        return cls(MappingProxyType(odds), math.log(rare[0] / rare[1]) - sizes, sizes)

    def odds(self, text: str) -> float:
        """Log-odds that `text` is pleased rather than displeased, as SnowNLP's `classify` reckons them."""
        return self.before + sum(self.known.get(piece, self.unseen) for piece in pieces(text))


class SnowOpinion:
    """SnowNLP's sentiment of service talk, −1…1, calibrated on families it never learnt from.

    The value is the expected feeling (1 pleased, 0 neutral, −1 displeased) where all three are as frequent.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder

    @cached_property
    def name(self) -> str:
        """Name and digest of counts and calibration, so that the reader's digest changes with them."""
        digest = hashlib.sha256((self.folder / MODEL).read_bytes() + (self.folder / FACTS).read_bytes())
        return f"snownlp-service@sha256:{digest.hexdigest()}"

    def of(self, text: str) -> float | None:
        """Sentiment −1…1 of `text`; `None` where it is too short to tell."""
        return self.sentiment(text) if len(text) >= SHORTEST else None

    def sentiment(self, text: str) -> float:
        """Sentiment −1…1 of `text`, however short."""
        slope, lift = self._calibration
        return math.tanh((slope * self._counts.odds(text) + lift) / 2)

    @cached_property
    def _counts(self) -> Counts:
        return Counts.load(self.folder / MODEL)

    @cached_property
    def _calibration(self) -> tuple[float, float]:
        found = json.loads((self.folder / FACTS).read_text(encoding="utf-8"))["calibration"]
        return float(found["slope"]), float(found["lift"])


def agreed(confidence: float, one: float | None, other: float | None) -> float:
    """The confidence in sentiment `one` once `other`, a second opinion, is heard: lower where they contradict.

    They contradict where their signs differ and both are beyond ±`CLEAR`. `other` then counts as evidence against
    (Bayes's rule in log-odds, by the share `TRUST`); agreement adds nothing, because the two are not independent.

    Args:
        confidence: 0…1.
        one: the sentiment −1…1 that `confidence` belongs to; `None` where it is unknown.
        other: the second opinion, −1…1; `None` where there is none.
    """
    if one is None or other is None or min(abs(one), abs(other)) <= CLEAR or one * other > 0:
        return confidence
    against = 2 * math.atanh(min(abs(other), 0.999))
    odds = math.log(max(confidence, 1e-6) / max(1 - confidence, 1e-6)) - TRUST * against
    return round(1 / (1 + math.exp(-odds)), 4)
