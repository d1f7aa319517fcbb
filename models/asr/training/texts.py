"""What the voices say: service sentences, outside dialogues, digits, and sentences nobody could guess."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from models.asr.training.grammar import Grammar
from models.asr.training.outside import sentences, utterances
from models.asr.training.sounds import clean
from models.asr.training.vocabulary import Vocabulary
from models.utterance.training.data import expand, load

_DIGIT_PATTERNS = (
    "{phone}", "{digits}", "{digits:6}", "{tail}", "{order}", "尾号{tail}",
    "手机号{phone}", "工号{digits:4}", "订单号是{order}",
    "{money}", "{date}{time}", "{percent}", "{duration}", "{plate}", "身份证后四位{idcard4}", "{num:1-9999}",
)  # fmt: skip
_MEASURED_SHARE = 0.01


class Texts:
    """A seeded mixture of sentences; the outside ones are split once, their last hundredth is kept for measuring."""

    def __init__(
        self, grammar: Grammar, outside: Sequence[str], vocabulary: Vocabulary, written: Sequence[str] = ()
    ) -> None:
        self.grammar = grammar
        self.written = written
        kept = round(len(outside) * _MEASURED_SHARE)
        self.outside = outside[: len(outside) - kept]
        self.outside_held_out = outside[len(outside) - kept :]
        self.vocabulary = vocabulary

    @classmethod
    def load(cls, vocabulary: Vocabulary, folder: Path | None) -> Texts:
        """The shipped grammar, the turns the reader is taught with, and, where given, the dialogues of `folder`."""
        written = [turn.pattern for dialogue in load() for turn in dialogue.turns]
        return cls(Grammar.shipped(), list(utterances(folder)) if folder else [], vocabulary, written)

    def trained(self, rng: random.Random) -> Iterator[str]:
        """Endless sentences for training the encoder and the joint model."""
        service = self.grammar.sentences(rng)
        while True:
            kind = rng.random()
            if kind < 0.4 or not self.outside:
                text = next(service).text
            elif kind < 0.5:
                text = self._turn(rng)
            elif kind < 0.75:
                text = rng.choice(self.outside)
            elif kind < 0.83:
                text = self.grammar.expand(rng.choice(_DIGIT_PATTERNS), rng)
            elif kind < 0.92:
                text = shuffled(rng.choice(self.outside), rng)
            else:
                text = "".join(rng.choices(self.vocabulary.characters, k=rng.randint(2, 14)))
            if text := clean(text)[:48]:
                yield text

    def language(self, rng: random.Random) -> Iterator[str]:
        """Endless sentences for the decoder alone: mostly real language."""
        service = self.grammar.sentences(rng)
        while True:
            kind = rng.random()
            if kind < 0.4 or not self.outside:
                text = next(service).text
            elif kind < 0.6:
                text = self._turn(rng)
            elif kind < 0.93:
                text = rng.choice(self.outside)
            elif kind < 0.97:
                text = self.grammar.expand(rng.choice(_DIGIT_PATTERNS), rng)
            else:
                text = "".join(rng.choices(self.vocabulary.characters, k=rng.randint(2, 10)))
            if text := clean(text)[:60]:
                yield text

    def _turn(self, rng: random.Random) -> str:
        """A sentence of a turn the reader is taught with; empty where that holds digits or foreign words."""
        said = list(sentences(expand(rng.choice(self.written), rng))) if self.written else []
        return rng.choice(said) if said else ""

    def held_out(self, rng: random.Random) -> Iterator[str]:
        """Endless sentences never trained on: held-out templates, and the kept outside sentences."""
        service = self.grammar.sentences(rng, held_out=True)
        while True:
            use_outside = self.outside_held_out and rng.random() < 0.4
            text = rng.choice(self.outside_held_out) if use_outside else next(service).text
            if text := clean(text):
                yield text


def shuffled(text: str, rng: random.Random) -> str:
    """The characters of a sentence in random order, so that hearing is all that helps."""
    characters = list(clean(text).translate({ord(mark): None for mark in "，。？！"}))
    rng.shuffle(characters)
    return "".join(characters)


def count_characters(grammar: Grammar, outside: Sequence[str], rng: random.Random) -> list[tuple[str, int]]:
    """Characters by how often the mixture uses them, those of the templates always kept."""
    counts: Counter[str] = Counter()
    for text in outside:
        counts.update(text)
    service = grammar.sentences(rng)
    for _ in range(100_000):
        counts.update(clean(next(service).text))
    for pattern in (t.pattern for t in grammar.templates):
        counts.update({c: 50 for c in set(pattern) if "一" <= c <= "鿿"})
    return counts.most_common()
