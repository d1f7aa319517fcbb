"""Cue lexicons: which acts the wording of a turn speaks for.

A lexicon file (`lexicons/agent.yaml`, `lexicons/customer.yaml`) maps an act to groups of patterns. A pattern is a
regular expression over the turn without blanks and punctuation (only `?` and `!` are kept), in which `<name>` stands
for a macro of `lexicons/shared.yaml`, `…` for up to 6 characters and `……` for up to 16. A group has a `weight`: the
probability that one hit makes the act. Several hits combine as 1 − ∏(1 − weight). `unless` patterns take the hits of
their group back if they occur in the same turn.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from models.utterance.records import CueMark

_KEPT = {"?": "?", "？": "?", "!": "!", "！": "!"}
_DROPPED = re.compile(r"[\s,，.。、;；:：\"“”'‘’()（）\[\]【】~～…—\-_·*#《》<>嗯呃额]")
_TIME_MARK = re.compile(r"(?<=\d)[:：.](?=\d)")
_MACRO = re.compile(r"<([a-z_]+)>")


@dataclass(frozen=True, slots=True)
class Squeezed:
    """A text without blanks, punctuation and fillers; `origin[i]` is where its character i stood."""

    text: str
    origin: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The offsets in the original text of `[start, end)` here."""
        return (self.origin[start], self.origin[end - 1] + 1) if end > start else (0, 0)


def squeeze(text: str, spelling: Mapping[str, str]) -> Squeezed:
    """Drop what never matters to a pattern; `spelling` maps usual mishearings to what was meant (same length each)."""
    for wrong, right in spelling.items():
        text = text.replace(wrong, right)
    dropped = {m.start() for m in _DROPPED.finditer(text)} - {m.start() for m in _TIME_MARK.finditer(text)}
    origin = [place for place in range(len(text)) if place not in dropped]
    kept = [_KEPT.get(text[place], text[place]) for place in origin]
    return Squeezed("".join(kept), tuple(origin))


@dataclass(frozen=True, slots=True)
class _Group:
    act: str
    weight: float
    say: re.Pattern[str]
    unless: re.Pattern[str] | None


class Lexicon:
    """The compiled acts of one role."""

    def __init__(self, groups: Sequence[_Group]) -> None:
        self._groups = tuple(groups)
        self.acts = tuple(dict.fromkeys(group.act for group in groups))

    def find(self, squeezed: Squeezed) -> tuple[dict[str, float], tuple[CueMark, ...]]:
        """The acts that the wording speaks for, with their probability, and the characters that say so."""
        doubt: dict[str, float] = {}
        cues: list[CueMark] = []
        for group in self._groups:
            if group.say.search(squeezed.text) is None:
                continue
            hits = [m.span() for m in group.say.finditer(squeezed.text) if m.end() > m.start()]
            if not hits or (group.unless is not None and group.unless.search(squeezed.text)):
                continue
            for start, end in hits:
                doubt[group.act] = doubt.get(group.act, 1.0) * (1.0 - group.weight)
                cues.append(CueMark(group.act, *squeezed.span(start, end), group.weight))
        return {act: round(1.0 - left, 4) for act, left in doubt.items()}, tuple(cues)


@dataclass(frozen=True, slots=True)
class Lexicons:
    """Both roles' lexicons, the mishearings to undo, the topics, and the bytes they came from (for the digest)."""

    agent: Lexicon
    customer: Lexicon
    spelling: Mapping[str, str]
    topics: Mapping[str, tuple[re.Pattern[str], ...]]
    source: bytes


def _compiled(lines: str, macros: Mapping[str, str]) -> re.Pattern[str]:
    patterns = [line.strip() for line in lines.splitlines() if line.strip()]
    joined = "|".join(f"(?:{p})" for p in patterns)
    for _ in range(4):
        joined = _MACRO.sub(lambda m: macros[m.group(1)], joined)
    joined = joined.replace("……", "[^?!]{0,16}?").replace("…", "[^?!]{0,6}?")
    return re.compile(re.sub(r"(?<!\\)\((?!\?)", "(?:", joined))


def _load(name: str) -> tuple[object, bytes]:
    import yaml

    raw = (files("models.utterance") / "lexicons" / name).read_bytes()
    return yaml.load(raw, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)), raw  # noqa: S506


@cache
def shipped() -> Lexicons:
    """The lexicons that lie beside this module, compiled.

    Raises:
        KeyError: a pattern uses a macro that shared.yaml does not define.
        re.error: a pattern is no regular expression.
    """
    shared, raw_shared = _load("shared.yaml")
    assert isinstance(shared, dict)  # noqa: S101
    macros: dict[str, str] = shared["macros"]
    parts: list[Lexicon] = []
    raw = [raw_shared]
    for name in ("agent.yaml", "customer.yaml"):
        content, data = _load(name)
        assert isinstance(content, dict)  # noqa: S101
        raw.append(data)
        parts.append(
            Lexicon(
                [
                    _Group(
                        act,
                        float(group["weight"]),
                        _compiled(group["say"], macros),
                        _compiled(group["unless"], macros) if "unless" in group else None,
                    )
                    for act, groups in content.items()
                    for group in groups
                ]
            )
        )
    content, data = _load("topics.yaml")
    assert isinstance(content, dict)  # noqa: S101
    raw.append(data)
    topics = {
        name: tuple(_compiled(line, macros) for line in lines.splitlines() if line.strip())
        for name, lines in content.items()
    }
    return Lexicons(parts[0], parts[1], shared["spelling"], topics, b"\0".join(raw))
