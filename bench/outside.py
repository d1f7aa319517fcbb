"""How well the reader tells pleased customers from displeased ones in texts that nobody here wrote.

    .venv/bin/python bench/outside.py [--data FOLDER]

`uss_jddc_valid.jsonl`: turns of real customers of an online shop, rated satisfied or dissatisfied (USS); every dialogue
is read whole, so that the reader has what was said before. `waimai_dev_1000.csv`: reviews of food deliveries. Neither
is trained on, neither is shipped. The same texts are read by phrase lists alone and by SnowNLP as shipped; what the
second opinion makes of them, tells `bench/second_opinion.py`.

A text counts as pleased where the customer's sentiment is above 0; or above the best threshold, which is chosen on one
half of the dialogues (or reviews) and measured on the other, and the other way round. Intervals are 95 % percentile
bootstraps over dialogues, or reviews.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.figures import ROOT, UNKNOWN, auc, cannot, console, f1, mean, measured, table
from bench.readers import lacking, reader_called, snow
from models.utterance import Utterance
from pipeline.reading import TurnReader

PLACES = (ROOT.parent / "shared" / "data" / "measure", ROOT / "data" / "measure")
NAMES = {"uss": "uss_jddc_valid.jsonl", "waimai": "waimai_dev_1000.csv"}


@dataclass(frozen=True, slots=True)
class Rated:
    """One dialogue or review: its turns, and which of them were rated pleased (true) or displeased."""

    turns: tuple[Utterance, ...]
    ratings: Mapping[int, bool]


@dataclass(frozen=True, slots=True)
class Scored:
    """Ratings of one dialogue or review, a reader's sentiments beside them, and where the threshold lies."""

    pleased: tuple[bool, ...]
    sentiments: tuple[float, ...]
    threshold: float = 0.0


@dataclass(frozen=True, slots=True)
class Outside:
    """One set: its texts, what is published of SnowNLP on it, and the goal."""

    title: str
    some: tuple[Rated, ...]
    published: float
    goal: float


def uss(path: Path) -> Iterator[Rated]:
    """The dialogues of USS as `{"dialogue", "history": [[customer, agent], …], "user", "sat3": 0…2}` lines."""
    with path.open(encoding="utf-8") as lines:
        rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    for _, group in groupby(rows, key=lambda row: row["dialogue"]):
        said = list(group)
        turns = [Utterance(role, text) for pair in said[0]["history"] for role, text in _both(*pair)]
        ratings = {}
        for row, after in zip(said, [*said[1:], None], strict=True):
            if row["user"] == "OVERALL":
                continue
            if row["sat3"] != 1:
                ratings[len(turns)] = row["sat3"] == 2
            reply = after["history"][-1][1] if after and after["history"] else ""
            turns += [Utterance(role, text) for role, text in _both(row["user"], reply)]
        if ratings:
            yield Rated(tuple(turns), ratings)


def _both(customer: str, agent: str) -> Iterator[tuple[Any, str]]:
    yield "customer", customer
    if agent.strip():
        yield "agent", agent


def reviews(path: Path) -> Iterator[Rated]:
    """The reviews of a CSV file with the columns `label` (1 pleased) and `review`."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            yield Rated((Utterance("customer", row["review"]),), {0: row["label"] == "1"})


def by_reader(some: Sequence[Rated], reader: TurnReader) -> list[Scored]:
    """The reader's sentiment of every rated turn."""
    return [
        Scored(tuple(item.ratings.values()), tuple(reading.turns[place].sentiment or 0.0 for place in item.ratings))
        for item, reading in zip(some, reader.read_all([item.turns for item in some]), strict=True)
    ]


def by_text(some: Sequence[Rated], sentiment: Callable[[str], float]) -> list[Scored]:
    """The sentiment of every rated turn, from its text alone."""
    return [
        Scored(tuple(item.ratings.values()), tuple(sentiment(item.turns[place].text) for place in item.ratings))
        for item in some
    ]


def thresholds_from_the_other_half(some: Sequence[Scored]) -> list[Scored]:
    """Every item with the threshold that is best on the half it does not belong to; halves by a hash of the place."""
    sides = [hashlib.sha256(str(place).encode()).digest()[0] % 2 for place in range(len(some))]
    best = [best_threshold([item for item, other in zip(some, sides, strict=True) if other != side]) for side in (0, 1)]
    return [replace(item, threshold=best[side]) for item, side in zip(some, sides, strict=True)]


def best_threshold(some: Sequence[Scored]) -> float:
    """The sentiment that parts pleased from displeased with the fewest errors; the middle of the gap it lies in."""
    points = sorted(_points(some))
    right = best = sum(pleased for _, pleased, _ in points)
    threshold = -1.0
    for place, (sentiment, pleased, _) in enumerate(points):
        right += -1 if pleased else 1
        after = points[place + 1][0] if place + 1 < len(points) else 1.0
        if right > best and after > sentiment:
            best, threshold = right, (sentiment + after) / 2
    return threshold


def _points(some: Sequence[Scored]) -> Iterator[tuple[float, bool, float]]:
    for item in some:
        for sentiment, pleased in zip(item.sentiments, item.pleased, strict=True):
            yield sentiment, pleased, item.threshold


def accuracy(some: Sequence[Scored]) -> float:
    """Share of the ratings that the side of the threshold tells."""
    return mean([float((sentiment > threshold) == pleased) for sentiment, pleased, threshold in _points(some)])


def macro(some: Sequence[Scored]) -> float:
    """Mean F1 of pleased and displeased, which counts both alike however many there are of each."""
    truth = [pleased for _, pleased, _ in _points(some)]
    said = [sentiment > threshold for sentiment, _, threshold in _points(some)]
    return mean([f1(truth, said, label) for label in (True, False)])


def area(some: Sequence[Scored]) -> float:
    """How often a pleased text scores above a displeased one."""
    points = list(_points(some))
    return auc([pleased for _, pleased, _ in points], [sentiment for sentiment, _, _ in points]) if points else UNKNOWN


FIGURES: tuple[tuple[str, bool, Callable[[Sequence[Scored]], float]], ...] = (
    ("accuracy, threshold 0", False, accuracy),
    ("macro F1, threshold 0", False, macro),
    ("accuracy, threshold from the other half", True, accuracy),
    ("area under the curve", False, area),
)
"""Title, whether the threshold comes from the other half, figure."""


def show(outside: Outside, scored: Mapping[str, Sequence[Scored]], rounds: int) -> Table:
    """The figures of one set, a column a reader; ✓ where the first reaches the goal."""
    counts = [pleased for item in outside.some for pleased in item.ratings.values()]
    title = f"{outside.title}: {sum(counts)} pleased, {len(counts) - sum(counts)} displeased"
    made = table(title, "figure", "goal", *scored, caption=f"published of SnowNLP: accuracy {outside.published}")
    tuned = {name: thresholds_from_the_other_half(some) for name, some in scored.items()}
    for head, other_half, figure in FIGURES:
        values = [measured((tuned if other_half else scored)[name], figure, rounds=rounds) for name in scored]
        wanted = figure is accuracy
        mark = "" if not wanted else " ✓" if round(values[0].value, 3) >= outside.goal else " ✗"
        cells = [value.text() + (mark if not place else "") for place, value in enumerate(values)]
        made.add_row(head, f"{outside.goal:.2f}" if wanted else "", *cells)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; exit status 2 where the data or the weights are missing."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--data", type=Path, help="folder that holds the two files")
    ask.add_argument("--weights", type=Path, help="other weights than the shipped ones")
    ask.add_argument("--rounds", type=int, default=300, help="bootstrap rounds (default 300)")
    given = ask.parse_args(arguments)
    folder: Path = given.data or next((place for place in PLACES if place.is_dir()), PLACES[-1])
    missing = [name for name in NAMES.values() if not (folder / name).is_file()]
    if missing:
        return cannot(
            f"{folder} lacks {', '.join(missing)}. They may not be shipped: put USS (JDDC, validation part) and 1,000 "
            "waimai reviews there, or name their folder with --data."
        )
    if lack := lacking(given.weights):
        return cannot(lack)
    reader = reader_called("fused", given.weights)
    lists = reader_called("lists")
    out = console()
    for outside in (
        Outside("USS, turns of customers", tuple(uss(folder / NAMES["uss"])), 0.727, 0.83),
        Outside("waimai, reviews", tuple(reviews(folder / NAMES["waimai"])), 0.766, 0.82),
    ):
        scored = {
            "reader": by_reader(outside.some, reader),
            "phrase lists alone": by_reader(outside.some, lists),
            "SnowNLP as shipped": by_text(outside.some, snow),
        }
        out.print(show(outside, scored, given.rounds))
    out.print(f"reader: {reader.digest}", highlight=False)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
