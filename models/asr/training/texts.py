"""What the voices say: service sentences, outside dialogues, digits, and sentences nobody could guess."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
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


@dataclass(frozen=True)
class Words:
    """Words with how often people use them; drawn by the root of that, so that rare ones are met too."""

    words: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()

    @classmethod
    def load(cls, path: Path, vocabulary: Vocabulary) -> Words:
        """The words of `path` (a word, a tab, its frequency; one a line) that the vocabulary can write."""
        known = set(vocabulary.characters)
        lines = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
        kept = {word: float(frequency) ** 0.5 for word, frequency in lines if known.issuperset(word)}
        return cls(tuple(kept), tuple(accumulate(kept.values())))

    def draw(self, rng: random.Random, count: int) -> list[str]:
        """Some words; none where none were loaded."""
        return rng.choices(self.words, cum_weights=self.weights, k=count) if self.words else []


class Texts:
    """A seeded mixture of sentences; the outside ones are split once, their last hundredth is kept for measuring."""

    def __init__(
        self,
        grammar: Grammar,
        outside: Sequence[str],
        vocabulary: Vocabulary,
        written: Sequence[str] = (),
        words: Words | None = None,
    ) -> None:
        self.grammar = grammar
        self.written = written
        self.words = words or Words()
        kept = round(len(outside) * _MEASURED_SHARE)
        self.outside = outside[: len(outside) - kept]
        self.outside_held_out = outside[len(outside) - kept :]
        self.vocabulary = vocabulary

    @classmethod
    def load(cls, vocabulary: Vocabulary, folder: Path | None, words: Path | None = None) -> Texts:
        """The shipped grammar, the reader's turns and, where given, the dialogues of `folder` and a list of words."""
        written = [turn.pattern for dialogue in load() for turn in dialogue.turns]
        listed = Words.load(words, vocabulary) if words else None
        return cls(Grammar.shipped(), list(utterances(folder)) if folder else [], vocabulary, written, listed)

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
        """Endless sentences for the decoder alone: mostly real language, and listed words where there is a list."""
        service = self.grammar.sentences(rng)
        while True:
            kind = rng.random()
            if kind < 0.35 or not self.outside:
                text = next(service).text
            elif kind < 0.53:
                text = self._turn(rng)
            elif kind < 0.80:
                text = rng.choice(self.outside)
            elif kind < 0.93:
                text = self._worded(rng)
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

    def _worded(self, rng: random.Random) -> str:
        """Listed words in a row, or one of them put into an outside sentence."""
        if rng.random() < 0.5:
            return "".join(self.words.draw(rng, rng.randint(2, 6)))
        text = rng.choice(self.outside)
        place = rng.randint(0, len(text))
        return "".join((text[:place], *self.words.draw(rng, 1), text[place:]))

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
