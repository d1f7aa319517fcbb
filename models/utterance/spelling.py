"""From turns to token numbers: one character a token, the turn itself first, then what was said before it.

`[CLS] role text [SEP] role earlier [SEP] role still earlier [SEP]`; the text is segment 0, what came before segment 1.
The vocabulary is a BERT `vocab.txt`, so that an encoder of that family can take the place of the shipped one; roles
stand in its `[unused…]` places.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.utterance.records import Role, Utterance

SPECIAL = ("[PAD]", "[unused1]", "[unused2]", "[unused3]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_ROLE_TOKENS: dict[Role, str] = {"agent": "[unused1]", "customer": "[unused2]", "other": "[unused3]"}
TEXT_HEAD, TEXT_TAIL = 72, 40
EARLIER = (40, 20)
"""Characters kept of the last turn before, and of the one before that: their ends."""


@dataclass(frozen=True, slots=True)
class Spelled:
    """One turn as numbers. Token `first + i` is the character `places[i]` of the turn's text."""

    tokens: tuple[int, ...]
    segments: tuple[int, ...]
    first: int
    places: tuple[int, ...]


class Spelling:
    """A vocabulary of characters."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tuple(tokens)
        self.ids = {token: number for number, token in enumerate(tokens)}
        missing = [token for token in SPECIAL if token not in self.ids]
        if missing:
            raise ValueError(f"the vocabulary lacks {', '.join(missing)}")
        self._unknown, self._start, self._end = (self.ids[token] for token in ("[UNK]", "[CLS]", "[SEP]"))
        self._roles = {role: self.ids[token] for role, token in _ROLE_TOKENS.items()}
        self._characters: dict[str, int] = {}

    @classmethod
    def load(cls, path: Path) -> Spelling:
        """The vocabulary of a `vocab.txt`.

        Raises:
            OSError: the file cannot be read.
            ValueError: it lacks one of `SPECIAL`.
        """
        return cls(path.read_text(encoding="utf-8").rstrip("\n").split("\n"))

    def save(self, path: Path) -> None:
        """Write `vocab.txt`."""
        path.write_text("\n".join(self.tokens) + "\n", encoding="utf-8")

    def number(self, character: str) -> int:
        """The token of one character; full-width and capital forms are folded."""
        known = self._characters.get(character)
        if known is None:
            folded = unicodedata.normalize("NFKC", character).lower()[:1]
            known = self._characters[character] = self.ids.get(character, self.ids.get(folded, self._unknown))
        return known

    def spell(self, role: Role, text: str, before: Sequence[Utterance] = ()) -> Spelled:
        """One turn in its context; `before` are the turns before it, in order (the last two are used)."""
        places = [place for place, character in enumerate(text) if not character.isspace()]
        if len(places) > TEXT_HEAD + TEXT_TAIL:
            places = places[:TEXT_HEAD] + places[-TEXT_TAIL:]
        tokens = [self._start, self._roles[role], *(self.number(text[place]) for place in places), self._end]
        own = len(tokens)
        for earlier, keep in zip(reversed(before[-len(EARLIER) :]), EARLIER, strict=False):
            said = [character for character in earlier.text if not character.isspace()][-keep:]
            tokens += [self._roles[earlier.role], *(self.number(character) for character in said), self._end]
        return Spelled(tuple(tokens), (0,) * own + (1,) * (len(tokens) - own), 2, tuple(places))
