"""The token order of a Whisper vocabulary over single characters.

Text tokens come first: `""` (faster-whisper takes a model for multilingual only if it is there), `<unk>`, the marks,
the capitals, the characters. Then Whisper's special tokens in Whisper's order, then 1,501 time stamps of 20 ms.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from models.asr.training.sounds import LETTERS, PUNCTUATION

SPECIAL = (
    "<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|zh|>", "<|translate|>", "<|transcribe|>", "<|startoflm|>",
    "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>",
)  # fmt: skip
TIMESTAMPS = tuple(f"<|{step * 0.02:.2f}|>" for step in range(1501))


@dataclass(frozen=True)
class Vocabulary:
    """Characters and special tokens with their numbers."""

    characters: tuple[str, ...]
    ids: dict[str, int] = field(init=False, repr=False)
    tokens: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        tokens = ("", "<unk>", *PUNCTUATION, *sorted(LETTERS), *self.characters, *SPECIAL, *TIMESTAMPS)
        object.__setattr__(self, "tokens", tokens)
        object.__setattr__(self, "ids", {token: number for number, token in enumerate(tokens)})

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, token: str) -> int:
        return self.ids[token]

    @property
    def spoken(self) -> slice:
        """The tokens that have a sound: capitals and characters."""
        first = self.ids[min(LETTERS)]
        return slice(first, first + len(LETTERS) + len(self.characters))

    @property
    def times(self) -> slice:
        """The tokens of the time stamps."""
        return slice(self.ids[TIMESTAMPS[0]], len(self.tokens))

    @classmethod
    def of(cls, counted: Iterable[tuple[str, int]], least: int) -> Vocabulary:
        """The characters that were counted at least `least` times, most frequent first."""
        kept = [c for c, count in counted if count >= least and c not in PUNCTUATION and c not in LETTERS]
        return cls(tuple(kept))

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Read what `save` wrote."""
        return cls(tuple(json.loads(path.read_text(encoding="utf-8"))))

    def save(self, path: Path) -> None:
        """Write the characters as JSON."""
        path.write_text(json.dumps("".join(self.characters), ensure_ascii=False), encoding="utf-8")

    def encode(self, text: str) -> list[int]:
        """Token numbers of cleaned text; unknown characters become `<unk>`."""
        return [self.ids.get(character, 1) for character in text]

    def decode(self, numbers: Sequence[int]) -> str:
        """Text of token numbers, special tokens dropped."""
        end = self.ids["<|endoftext|>"]
        return "".join(self.tokens[n] for n in numbers if 1 < n < end)

    def timestamp(self, seconds: float) -> int:
        """The token of a time in a window, clamped to 0…30 s."""
        return self.ids[TIMESTAMPS[0]] + min(1500, max(0, round(seconds / 0.02)))
