"""A second opinion on customers' sentiment by SnowNLP, used as a weak feature only.

SnowNLP's model learnt from shopping reviews. It takes polite service talk for anger, so agents are never shown to it,
and its import costs 3–4 s and some 430 MB: it is loaded on first use. docs/accuracy.md says what it adds.
"""

from __future__ import annotations

import math
from functools import cache

SHORTEST = 6
"""Turns with fewer characters say too little for a bag of words."""


class SnowOpinion:
    """SnowNLP's sentiment, from 0…1 to −1…1, moderated: its extremes are not to be trusted."""

    name = "snownlp"

    def of(self, text: str) -> float | None:
        """Sentiment −1…1 of `text`; `None` where it is too short to tell."""
        return _opinion(text) if len(text) >= SHORTEST else None


@cache
def _opinion(text: str) -> float:
    from snownlp import sentiment

    probability = min(max(float(sentiment.classify(text)), 1e-3), 1 - 1e-3)
    return math.tanh(math.log(probability / (1 - probability)) / 4)
