"""What the second opinion on customers' sentiment is worth: SnowNLP's classifier taught service talk, beside others.

    .venv/bin/python -m bench.second_opinion [--data FOLDER] [--weights FOLDER]

Three sets: turns of customers in families of our own data that nobody learnt from (here the neutral ones too); and,
where their files are at hand, USS and waimai (bench/outside.py). A turn counts as pleased above 0. The last table shows
what a contradiction tells: how often a reader's sign is right where the second opinion contradicts it, and where it
does not. Without the reader's weights its rows are left out. Intervals are 95 % percentile bootstraps over dialogues.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from bench.figures import UNKNOWN, console, mean, measured, table
from bench.outside import NAMES, PLACES, Rated, Scored, accuracy, area, by_reader, macro, reviews, uss
from bench.readers import lacking, reader_called, snow
from models.utterance import Utterance
from models.utterance.sentiment import CLEAR, SHORTEST, SnowOpinion, agreed
from models.utterance.training.data import DATA, of_split
from models.utterance.training.data import expand as spoken

ROWS = ("SnowNLP as shipped", "SnowNLP taught service talk", "phrase lists alone", "reader")
SURE = 0.8
"""Any confidence: what `agreed` makes less of it tells a contradiction."""

Scores = Callable[[Sequence[Rated]], list[Scored]]


@dataclass(frozen=True, slots=True)
class Own:
    """Our own held-out families: dialogues with their clear feelings, what customers say without any, polite agents."""

    some: tuple[Rated, ...]
    neutral: tuple[str, ...]
    polite: tuple[str, ...]


def held_out(folder: Path = DATA, seed: int = 1) -> Own:
    """The families of `folder` that neither trained nor calibrated anything."""
    rng = random.Random(seed)  # noqa: S311
    some, neutral, polite = [], [], []
    for item in of_split(folder, "held_out"):
        turns = tuple(Utterance(turn.role, spoken(turn.pattern, rng)) for turn in item.turns)
        ratings = {}
        for place, turn in enumerate(item.turns):
            feeling = turn.grades.get("feeling")
            if turn.role == "customer" and feeling:
                ratings[place] = feeling > 0
            elif turn.role == "customer" and feeling == 0:
                neutral.append(turns[place].text)
            elif turn.role == "agent" and turn.grades.get("polite", 0) >= 4 and turn.grades["feeling"] >= 0:
                polite.append(turns[place].text)
        if ratings:
            some.append(Rated(turns, ratings))
    return Own(tuple(some), tuple(neutral), tuple(polite))


def by_text(sentiment: Callable[[str], float]) -> Scores:
    """How `sentiment` scores rated turns, each by its text alone."""
    return lambda some: [
        Scored(tuple(item.ratings.values()), tuple(sentiment(item.turns[place].text) for place in item.ratings))
        for item in some
    ]


def balanced(some: Sequence[Scored]) -> float:
    """Mean of the shares of pleased and of displeased turns that are told right: half is what guessing reaches."""
    right: dict[bool, list[float]] = {True: [], False: []}
    for item in some:
        for pleased, sentiment in zip(item.pleased, item.sentiments, strict=True):
            right[pleased].append(float((sentiment > 0) == pleased))
    return mean([mean(right[True]), mean(right[False])]) if right[True] and right[False] else UNKNOWN


def show(title: str, scored: dict[str, list[Scored]], rounds: int) -> Table:
    """Accuracy, balanced accuracy, macro F1 and area under the curve, a row a reader."""
    ratings = [pleased for item in next(iter(scored.values())) for pleased in item.pleased]
    made = table(
        f"{title}: {sum(ratings)} pleased, {len(ratings) - sum(ratings)} displeased",
        "", "accuracy", "balanced", "macro F1", "area under the curve",
    )  # fmt: skip
    for name, some in scored.items():
        figures = (accuracy, balanced, macro, area)
        made.add_row(name, *(measured(some, figure, rounds=rounds).text() for figure in figures))
    return made


def show_calm(title: str, texts: Sequence[str], opinion: SnowOpinion) -> Table:
    """How far from 0 the two SnowNLPs take turns without displeasure, and how long one takes them."""
    made = table(f"{title}: {len(texts)} turns", "", "mean", f"below −{CLEAR}", f"above {CLEAR}", "µs a turn")
    for name, sentiment in ((ROWS[0], snow), (ROWS[1], opinion.sentiment)):
        sentiment(texts[0])
        began = time.process_time()
        values = [sentiment(text) for text in texts]
        took = (time.process_time() - began) / len(texts)
        shares = (mean([float(value < -CLEAR) for value in values]), mean([float(value > CLEAR) for value in values]))
        made.add_row(name, f"{mean(values):+.2f}", *(f"{share:.2f}" for share in shares), f"{1e6 * took:.0f}")
    return made


def contradicted(some: Sequence[Rated], scored: Sequence[Scored], opinion: SnowOpinion) -> list[tuple[bool, bool]]:
    """For each rated turn with a clear sign: whether the opinion contradicts it, and whether it is right."""
    found = []
    for item, score in zip(some, scored, strict=True):
        for place, pleased, sentiment in zip(item.ratings, score.pleased, score.sentiments, strict=True):
            if abs(sentiment) > CLEAR:
                lowered = agreed(SURE, sentiment, opinion.of(item.turns[place].text)) < SURE
                found.append((lowered, (sentiment > 0) == pleased))
    return found


def show_contradictions(sets: dict[str, list[tuple[bool, bool]]]) -> Table:
    """How often the clear sign of a reader is right, by whether the second opinion contradicts it."""
    made = table(
        f"where sentiment is beyond ±{CLEAR} (turns under {SHORTEST} characters have no second opinion)",
        "", "turns", "contradicted", "sign right where contradicted", "sign right elsewhere",
    )  # fmt: skip
    for name, rows in sets.items():
        split = {side: [float(right) for lowered, right in rows if lowered == side] for side in (True, False)}
        made.add_row(
            name, str(len(rows)), str(len(split[True])), *(f"{mean(split[side]):.2f}" for side in (True, False))
        )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--data", type=Path, help="folder that holds USS and waimai")
    ask.add_argument("--weights", type=Path, help="other weights of the reader than the shipped ones")
    ask.add_argument("--rounds", type=int, default=300, help="bootstrap rounds (default 300)")
    given = ask.parse_args(arguments)
    own, opinion, lists = held_out(), SnowOpinion(), reader_called("lists")
    sets = {"held out, our own": own.some}
    folder: Path = given.data or next((place for place in PLACES if place.is_dir()), PLACES[-1])
    for name, read in (("uss", uss), ("waimai", reviews)):
        if (folder / NAMES[name]).is_file():
            sets[name] = tuple(read(folder / NAMES[name]))
    scorers: dict[str, Scores] = {
        ROWS[0]: by_text(snow),
        ROWS[1]: by_text(opinion.sentiment),
        ROWS[2]: lambda some: by_reader(some, lists),
    }
    if lack := lacking(given.weights):
        console().print(f"left out: {ROWS[3]}. {lack}", markup=False, highlight=False)
    else:
        reader = reader_called("fused", given.weights)
        scorers[ROWS[3]] = lambda some: by_reader(some, reader)
    out = console()
    told: dict[str, list[tuple[bool, bool]]] = {}
    for title, some in sets.items():
        scored = {name: score(some) for name, score in scorers.items()}
        out.print(show(title, scored, given.rounds))
        for name in ROWS[2:]:
            if name in scored:
                told[f"{name}, {title}"] = contradicted(some, scored[name], opinion)
    out.print(show_calm("held out, neutral customers", own.neutral, opinion))
    out.print(show_calm("held out, polite agents (never shown to it in use)", own.polite, opinion))
    out.print(show_contradictions(told))
    out.print(f"second opinion: {opinion.name}", highlight=False)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
