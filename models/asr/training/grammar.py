"""Sentence templates → sentences (syntax: `corpus/README.md`)."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

from models.asr.training import numerals

_HEADER = re.compile(r"^##\s*role:\s*(?P<role>\w+)\s+act:\s*(?P<act>\w+)")
_TOKEN = re.compile(r"[\[\]|]|\{[^{}]*\}|[^\[\]|{}]+")
_MAX_DEPTH = 12


@dataclass(frozen=True, slots=True)
class Template:
    """One line of the corpus: who says it, what it does, and the pattern. `held_out` ones are never trained on."""

    role: str
    act: str
    pattern: str
    held_out: bool


@dataclass(frozen=True, slots=True)
class Sentence:
    """One expansion of a template."""

    role: str
    act: str
    text: str


def is_held_out(pattern: str, share: float = 0.03) -> bool:
    """Whether a template belongs to the share kept for measuring; depends on its text alone."""
    return int(hashlib.sha256(pattern.encode()).hexdigest()[:8], 16) / 0xFFFFFFFF < share


class Grammar:
    """The shipped corpus: templates by role and act, and the slots they draw on."""

    def __init__(self, templates: Sequence[Template], slots: Mapping[str, Sequence[str]]) -> None:
        self.templates = tuple(templates)
        self.slots = slots

    @classmethod
    def shipped(cls) -> Grammar:
        """The corpus that lies beside this module.

        Raises:
            ValueError: a template uses a slot that nobody defines, or its brackets do not match.
        """
        folder = files("models.asr.training") / "corpus"
        templates: list[Template] = []
        slots: dict[str, list[str]] = {}
        for resource in sorted((r for r in folder.iterdir() if r.name.endswith(".txt")), key=lambda r: r.name):
            text = resource.read_text(encoding="utf-8")
            if resource.name == "slots.txt":
                slots = _read_slots(text)
            else:
                templates.extend(_read_templates(text))
        grammar = cls(templates, slots)
        rng = random.Random(0)
        for template in grammar.templates:
            grammar.expand(template.pattern, rng)
        return grammar

    @cached_property
    def trained(self) -> tuple[Template, ...]:
        """Templates that may be trained on."""
        return tuple(t for t in self.templates if not t.held_out)

    @cached_property
    def held_out(self) -> tuple[Template, ...]:
        """Templates kept for measuring."""
        return tuple(t for t in self.templates if t.held_out)

    def sentences(self, rng: random.Random, *, held_out: bool = False) -> Iterator[Sentence]:
        """Endless random expansions."""
        pool = self.held_out if held_out else self.trained
        while True:
            template = rng.choice(pool)
            yield Sentence(template.role, template.act, self.expand(template.pattern, rng))

    def expand(self, pattern: str, rng: random.Random, depth: int = 0) -> str:
        """One random expansion of a pattern.

        Raises:
            ValueError: unknown slot, unmatched bracket, or slots that call each other without end.
        """
        if depth > _MAX_DEPTH:
            raise ValueError(f"slots call each other without end in {pattern!r}")
        tokens = _TOKEN.findall(pattern)
        text, rest = self._sequence(tokens, 0, rng, depth, pattern)
        if rest != len(tokens):
            raise ValueError(f"unmatched bracket in {pattern!r}")
        return text

    def _sequence(
        self, tokens: Sequence[str], at: int, rng: random.Random, depth: int, pattern: str
    ) -> tuple[str, int]:
        parts: list[str] = []
        while at < len(tokens):
            token = tokens[at]
            if token == "[":
                text, at = self._choice(tokens, at + 1, rng, depth, pattern)
                parts.append(text)
            elif token in "]|":
                break
            else:
                parts.append(self._slot(token[1:-1], rng, depth, pattern) if token[0] == "{" else token)
                at += 1
        return "".join(parts), at

    def _choice(self, tokens: Sequence[str], at: int, rng: random.Random, depth: int, pattern: str) -> tuple[str, int]:
        options: list[str] = []
        while True:
            text, at = self._sequence(tokens, at, rng, depth, pattern)
            options.append(text)
            if at >= len(tokens):
                raise ValueError(f"a '[' is never closed in {pattern!r}")
            at += 1
            if tokens[at - 1] == "]":
                return rng.choice(options), at

    def _slot(self, name: str, rng: random.Random, depth: int, pattern: str) -> str:
        if name in self.slots:
            return self.expand(rng.choice(self.slots[name]), rng, depth + 1)
        kind, _, argument = name.partition(":")
        maker: Callable[[random.Random, str], str] | None = numerals.SLOTS.get(kind)
        if maker is None:
            raise ValueError(f"unknown slot {{{name}}} in {pattern!r}")
        return maker(rng, argument)


def _read_templates(text: str) -> Iterator[Template]:
    role, act = "any", "general"
    for raw in text.splitlines():
        line = raw.strip()
        if match := _HEADER.match(line):
            role, act = match["role"], match["act"]
        elif line and not line.startswith("#"):
            yield Template(role, act, line, is_held_out(line))


def _read_slots(text: str) -> dict[str, list[str]]:
    slots: dict[str, list[str]] = {}
    entries: list[str] = []
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("="):
            entries = slots.setdefault(line[1:].strip(), [])
        elif line and not line.startswith("#"):
            entries.append(line)
    return slots
