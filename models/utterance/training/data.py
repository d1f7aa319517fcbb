"""The labelled turns and dialogues of `data/` (syntax: data/README.md), and their split by template family."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from models.utterance.acts import ACTS, CLASSES

DATA = Path(__file__).parent / "data"
HELD_OUT_SHARE = 0.1
CALIBRATION_SHARE = 0.08
_CHANNELS = ("call", "chat", "email")
_MARK = re.compile(r"([prux])([0-5])|s(-?[0-2])")
_NAMES = {"p": "polite", "r": "reaction", "u": "understood", "x": "explored"}
_DEFAULTS: Mapping[str, int] = {"polite": 3, "reaction": 0, "understood": 0, "explored": 0, "feeling": 0}

Role = Literal["agent", "customer", "other"]
Split = Literal["train", "calibration", "held_out"]
_ROLES: dict[str, Role] = {"A": "agent", "C": "customer", "B": "other", "agent": "agent", "customer": "customer"}


@dataclass(frozen=True, slots=True)
class Turn:
    """One labelled turn; `pattern` may hold alternatives. `grades` are the marks, by the names of `acts.GRADES`."""

    role: Role
    pattern: str
    acts: frozenset[str]
    grades: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Labelled turns in order; `labels` by the names of `acts.CLASSES`, none for a single turn with what was before."""

    id: str
    channel: str
    turns: tuple[Turn, ...]
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def split(self) -> Split:
        """Which side of the split this family stands on; depends on its text alone."""
        text = self.turns[-1].pattern if not self.labels else self.id + self.turns[0].pattern
        place = int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
        if place < HELD_OUT_SHARE:
            return "held_out"
        return "calibration" if place < HELD_OUT_SHARE + CALIBRATION_SHARE else "train"


class DataError(ValueError):
    """A line of a data file that cannot be read; the message names file, line, what is wrong."""


def load(folder: Path = DATA) -> tuple[Dialogue, ...]:
    """Every dialogue and single turn of `folder`.

    Raises:
        DataError: the first line that cannot be read.
    """
    return tuple(item for path in files(folder) for item in read(path))


def of_split(folder: Path, split: Split, *, whole: bool = False) -> tuple[Dialogue, ...]:
    """What of `folder` stands on one side of the split; `whole` leaves out single turns.

    Raises:
        DataError: a line that cannot be read, or there is nothing on that side.
    """
    found = tuple(item for item in load(folder) if item.split == split and (item.labels or not whole))
    if not found:
        raise DataError(f"{folder} has too few {'dialogues' if whole else 'turns'}: none falls to the part {split}")
    return found


def files(folder: Path = DATA) -> list[Path]:
    """The data files of `folder`, in order."""
    return [*sorted((folder / "dialogues").glob("*.txt")), *sorted((folder / "turns").glob("*.txt"))]


def read(path: Path) -> Iterator[Dialogue]:
    """The dialogues, or the single turns, of one file.

    Raises:
        DataError: a line that cannot be read.
    """
    kind = _dialogues if path.parent.name == "dialogues" else _turns
    lines = (
        (number, raw.strip())
        for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if raw.strip() and not raw.lstrip().startswith("//")
    )
    at = 0
    try:
        for at, item in kind(lines):  # noqa: B007
            if item is not None:
                yield item
    except DataError as error:
        raise DataError(f"{path.name}:{error}") from None


def _dialogues(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, Dialogue | None]]:
    head: tuple[str, str, dict[str, str]] | None = None
    turns: list[Turn] = []
    number = 0
    for number, line in lines:
        try:
            if line.startswith("==="):
                if head is not None:
                    yield number, _finished(head, turns)
                head, turns = _head(line), []
            elif head is None:
                raise DataError("a turn before the first ===")
            else:
                labels, bar, text = line.partition("|")
                if not bar or not text.strip():
                    raise DataError(f"no text after |: {line[:40]}")
                turns.append(_turn(labels.split(), text.strip()))
        except DataError as error:
            raise DataError(f"{number}: {error}") from None
    if head is not None:
        yield number, _finished(head, turns)


def _finished(head: tuple[str, str, dict[str, str]], turns: Sequence[Turn]) -> Dialogue:
    if len(turns) < 2:
        raise DataError(f"{head[0]} has {len(turns)} turns")
    return Dialogue(head[0], head[1], tuple(turns), head[2])


def _head(line: str) -> tuple[str, str, dict[str, str]]:
    name, channel, *pairs = line[3:].split()
    labels = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    if channel not in _CHANNELS:
        raise DataError(f"channel {channel!r} is none of {', '.join(_CHANNELS)}")
    for key, values in CLASSES.items():
        if labels.get(key) not in values:
            raise DataError(f"{key}={labels.get(key)} is none of {', '.join(values)}")
    if (labels["type"] == "none") != (labels["level"] == "-"):
        raise DataError("type=none goes with level=-, and nothing else does")
    return name, channel, {key: labels[key] for key in CLASSES}


def _turns(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, Dialogue | None]]:
    base: Turn | None = None
    for number, line in lines:
        try:
            if line.startswith("##"):
                words = line[2:].split()
                base = _turn(words, "…")
                continue
            if base is None:
                raise DataError("a turn before the first ##")
            text, _, changes = line.partition(" // ")
            before, arrow, said = text.rpartition(">>")
            turn = replace(_changed(base, changes.split()), pattern=said.strip())
            if not turn.pattern:
                raise DataError("no text")
            earlier: tuple[Turn, ...] = ()
            if arrow:
                other: Role = "customer" if turn.role == "agent" else "agent"
                earlier = (Turn(other, before.strip(), frozenset(), {}),)
            yield number, Dialogue(f"line-{number}", "chat", (*earlier, turn))
        except DataError as error:
            raise DataError(f"{number}: {error}") from None


def _turn(words: Sequence[str], text: str) -> Turn:
    if not words or words[0] not in _ROLES:
        raise DataError(f"role {words[:1]} is none of A, C, B")
    return _changed(Turn(_ROLES[words[0]], text, frozenset(), dict(_DEFAULTS)), words[1:])


def _changed(turn: Turn, words: Sequence[str]) -> Turn:
    acts, grades = set(turn.acts), dict(turn.grades)
    for word in words:
        mark = _MARK.fullmatch(word.lstrip("+"))
        if mark:
            grades["feeling" if mark[3] else _NAMES[mark[1]]] = int(mark[3] or mark[2])
            continue
        act = word.lstrip("+-")
        if act not in ACTS.get(turn.role, ()):
            raise DataError(f"{act!r} is no act or mark of {turn.role}")
        if word.startswith("-"):
            acts.discard(act)
        else:
            acts.add(act)
    if not 1 <= grades["polite"] <= 5 or max(grades["reaction"], grades["understood"], grades["explored"]) > 2:
        raise DataError("p is 1…5; r, u and x are 0…2")
    return Turn(turn.role, turn.pattern, frozenset(acts), grades)


_CHOICE = re.compile(r"\[([^\[\]]*)\]")


def expand(pattern: str, rng: random.Random) -> str:
    """One random choice of each `[甲|乙|]`, innermost first; brackets without a bar (`[图片]`) are text."""
    while True:
        text = _CHOICE.sub(lambda m: rng.choice(m[1].split("|")) if "|" in m[1] else f"〔{m[1]}〕", pattern)
        if text == pattern:
            return text.replace("〔", "[").replace("〕", "]")
        pattern = text
