"""Figures of agreement, their 95 % intervals, and the tables they stand in: what the measuring commands share."""

from __future__ import annotations

import math
import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
UNKNOWN = float("nan")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95 % interval; not a number where it could not be taken."""

    value: float
    low: float
    high: float

    def text(self, *, percent: bool = False) -> str:
        """`0.85 (0.75–0.93)`, or in per cent."""
        if math.isnan(self.value):
            return "–"
        if percent:
            return f"{100 * self.value:.2f} ({100 * self.low:.2f}–{100 * self.high:.2f})"
        return f"{self.value:.2f} ({self.low:.2f}–{self.high:.2f})"


def measured(some: Sequence[Item], figure: Callable[[Sequence[Item]], float], *, rounds: int = 300) -> Figure:
    """`figure` of `some`, with a percentile bootstrap over its items (conversations: their turns stay together).

    Args:
        some: what was drawn at random from the world, one entry a draw.
        figure: not a number where it cannot be taken; such draws are left out.
        rounds: how often to draw.
    """
    chance = random.Random(7)  # noqa: S311
    drawn = [figure(chance.choices(some, k=len(some))) for _ in range(rounds if some else 0)]
    drawn = sorted(value for value in drawn if not math.isnan(value))
    if not drawn:
        return Figure(figure(some) if some else UNKNOWN, UNKNOWN, UNKNOWN)
    return Figure(figure(some), drawn[int(0.025 * len(drawn))], drawn[min(len(drawn) - 1, int(0.975 * len(drawn)))])


def mean(values: Sequence[float | None]) -> float:
    """Mean of what is known; not a number where nothing is."""
    known = [value for value in values if value is not None and not math.isnan(value)]
    return sum(known) / len(known) if known else UNKNOWN


def f1(truth: Sequence[object], said: Sequence[object], label: object) -> float | None:
    """F1 of one label; `None` where neither side used it."""
    both = sum(a == label == b for a, b in zip(truth, said, strict=True))
    used = sum(a == label for a in truth) + sum(b == label for b in said)
    return 2 * both / used if used else None


def macro_f1(truth: Sequence[object], said: Sequence[object]) -> float:
    """Mean F1 over the labels that the annotators used."""
    return mean([f1(truth, said, label) for label in dict.fromkeys(truth)])


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's rank correlation, ties at their mean rank."""
    a, b = _ranks(one), _ranks(other)
    ma, mb = sum(a) / len(a), sum(b) / len(b)
    top = sum((x - ma) * (y - mb) for x, y in zip(a, b, strict=True))
    below = (sum((x - ma) ** 2 for x in a) * sum((y - mb) ** 2 for y in b)) ** 0.5
    return top / below if below else UNKNOWN


def auc(truth: Sequence[bool], scores: Sequence[float]) -> float:
    """How often a true item scores above a false one, ties counting half (Mann and Whitney 1947)."""
    positive = sum(truth)
    negative = len(truth) - positive
    if not positive or not negative:
        return UNKNOWN
    ranks = sum(rank + 1 for rank, true in zip(_ranks(scores), truth, strict=True) if true)
    return (ranks - positive * (positive + 1) / 2) / (positive * negative)


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(values)
    return [(bisect_left(order, value) + bisect_right(order, value) - 1) / 2 for value in values]


def table(title: str, *heads: str, left: int = 1, caption: str | None = None) -> Table:
    """An empty table whose first `left` columns are text and whose others are numbers."""
    width = cell_len(title) + 2
    made = Table(title=title, caption=caption, title_justify="left", caption_justify="left", min_width=width)
    for place, head in enumerate(heads):
        made.add_column(head, justify="left" if place < left else "right")
    return made


def console() -> Console:
    """Standard output; where it goes to a file, tables are as wide as they need."""
    out = Console()
    return out if out.is_terminal else Console(width=180)


def cannot(what: str) -> int:
    """Say on standard error why nothing could be measured; the exit status for it."""
    Console(stderr=True, soft_wrap=True, highlight=False).print(what, markup=False)
    return 2
