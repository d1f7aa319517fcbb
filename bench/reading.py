"""How fast conversations are read, and whether memory stays flat.

    .venv/bin/python bench/reading.py [--turns 4008] [--cores 2]

Short turns, made from the patterns of the reader's training data, stand in conversations of 12. Beside the reader runs
what one would write without it: a `pipeline("text-classification")` of transformers, one utterance a call, around a
BertForSequenceClassification with the same encoder in torch, on the same texts and cores. Both are run in turn; the
figures are medians. Without context every turn is a conversation of its own, and the pipeline sees the text alone.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.figures import ROOT, cannot, console, table
from bench.readers import lacking
from models.utterance import Reader, Utterance, load_reader
from models.utterance.encoder import TurnEncoder
from models.utterance.training.data import Dialogue, expand, load

LENGTH, LONGEST = 12, 24
"""Turns of a conversation; characters of a turn at most."""
FAST, RATIO, FLAT = 1500.0, 10.0, 0.05
"""The goals: turns a second, times the pipeline, growth of memory at most."""
CHECKPOINT = ROOT / "build" / "reader" / "turns.pt"

Talk = tuple[Utterance, ...]


def conversations(turns: int, seed: int = 1) -> tuple[Talk, ...]:
    """So many short turns (or a few more), in conversations; alternatives of the patterns are drawn anew."""
    rng = random.Random(seed)  # noqa: S311
    dialogues = _dialogues()

    def short() -> Iterator[Utterance]:
        while True:
            for item in rng.sample(dialogues, len(dialogues)):
                said = (Utterance(turn.role, expand(turn.pattern, rng)) for turn in item.turns if turn.role != "other")
                yield from (turn for turn in said if len(turn.text) <= LONGEST)

    endless = short()
    return tuple(tuple(islice(endless, LENGTH)) for _ in range(-(-turns // LENGTH)))


@cache
def _dialogues() -> tuple[Dialogue, ...]:
    return tuple(item for item in load() if item.labels)


def alone(talks: Sequence[Talk]) -> tuple[Talk, ...]:
    """Every turn as a conversation of its own."""
    return tuple((turn,) for turn in chain.from_iterable(talks))


@dataclass(frozen=True, slots=True)
class Rival:
    """A per-utterance pipeline; `weights` says where its weights come from."""

    classify: Any
    weights: str

    def read(self, talks: Sequence[Talk]) -> None:
        """Every turn by itself, with what was said before it as the second text."""
        for turns in talks:
            for place, turn in enumerate(turns):
                before = "".join(earlier.text for earlier in reversed(turns[max(0, place - 2) : place]))
                self.classify({"text": turn.text, "text_pair": before} if before else {"text": turn.text})


def rival(encoder: TurnEncoder, checkpoint: Path, threads: int) -> Rival:
    """The pipeline around the encoder's twin in torch, with the weights of `checkpoint` where that is there."""
    import torch
    from transformers import BertForSequenceClassification, BertTokenizer, pipeline
    from transformers.utils import logging

    from models.utterance.training.network import ACT_COUNT, small

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    config = small(len(encoder.spelling.tokens)).config
    config.num_labels, config.problem_type = ACT_COUNT, "multi_label_classification"
    model = BertForSequenceClassification(config)
    model.train(False)
    weights = f"random weights of the same shape ({checkpoint} is not there); speed does not depend on their values"
    if checkpoint.is_file():
        saved: Mapping[str, Any] = torch.load(checkpoint, weights_only=True)
        own = {name.removeprefix("encoder."): value for name, value in saved.items() if name.startswith("encoder.")}
        lost = model.bert.load_state_dict(own, strict=False)
        if lost.unexpected_keys or any(not name.startswith("pooler.") for name in lost.missing_keys):
            raise SystemExit(f"{checkpoint} holds another network: {lost}")
        weights = f"the weights of {checkpoint.name}"
    tokenizer = BertTokenizer(str(encoder.folder / "vocab.txt"))
    classify = pipeline("text-classification", model=model, tokenizer=tokenizer, top_k=None, device="cpu")
    return Rival(classify, weights)


def speeds(
    tasks: Mapping[str, tuple[Callable[[Sequence[Talk]], object], Sequence[Talk]]], repeat: int
) -> dict[str, float]:
    """Turns a second of each task, run in turn `repeat` times after one run on one conversation; medians."""
    for run, talks in tasks.values():
        run(talks[:1])
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(repeat):
        for name, (run, talks) in tasks.items():
            start = time.perf_counter()
            run(talks)
            taken[name].append(time.perf_counter() - start)
    return {name: sum(map(len, tasks[name][1])) / statistics.median(seconds) for name, seconds in taken.items()}


class _Watched:
    """The engine beneath the encoder, with a watch."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.seconds = 0.0

    def forward_batch(self, *args: Any, **kwargs: Any) -> Any:
        start = time.process_time()
        found = self._engine.forward_batch(*args, **kwargs)
        self.seconds += time.process_time() - start
        return found


def shares(reader: Reader, talks: Sequence[Talk]) -> dict[str, float]:
    """What share of the processor time of `Reader.read_all` on one core goes where; they sum to 1."""
    encoder = TurnEncoder(reader.encoder.folder, threads=1)
    alike = Reader(reader.cues, encoder, reader.opinion)
    watched = _Watched(encoder._engines[0])
    encoder.__dict__["_engines"] = (watched,)
    start = time.process_time()
    encoder.hear(talks)
    heard, engine = time.process_time() - start, watched.seconds
    start = time.process_time()
    for turns in talks:
        reader.cues.read(turns)
    cues = time.process_time() - start
    start = time.process_time()
    alike.read_all(talks)
    total = max(time.process_time() - start, heard + cues)
    return {
        "encoder": engine / total,
        "spelling and heads": (heard - engine) / total,
        "cue lexicons": cues / total,
        "fusion and whole conversations": (total - heard - cues) / total,
    }


def memory(reader: Reader, batches: int, turns: int) -> list[float]:
    """Resident memory in MiB after each of `batches` batches of other texts; empty where the system does not tell."""
    status = Path("/proc/self/status")
    found: list[float] = []
    for number in range(batches if status.is_file() else 0):
        reader.read_all(conversations(turns, seed=100 + number))
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
        found.append(int(line.split()[1]) / 1024)
    return found


def keep_to(cores: int) -> int:
    """Bind every thread of this process, and those to come, to so many cores; how many these are."""
    if not hasattr(os, "sched_setaffinity"):
        return os.cpu_count() or 1
    chosen = set(sorted(os.sched_getaffinity(0))[:cores])
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(thread.name), chosen)
    return len(chosen)


def show(found: Mapping[str, float], weights: str, title: str) -> Table:
    """The speeds, and how many times the pipeline's on the same input; ✓ where the goals are reached."""
    load_before = os.getloadavg()[1]
    busy = f"; the machine was busy with other work (load {load_before:.1f})" if load_before > 3 else ""
    made = table(
        title,
        "",
        f"turns a second (goal {FAST:.0f})",
        f"× pipeline (goal {RATIO:.0f})",
        caption=f"pipeline: {weights}{busy}",
    )
    for name, speed in found.items():
        if name.startswith("pipeline"):
            made.add_row(name, f"{speed:.0f}  ", "")
            continue
        times = speed / found["pipeline, " + name.rpartition(", ")[2]]
        made.add_row(
            name, f"{speed:.0f} {'✓' if speed >= FAST else '✗'}", f"{times:.1f} {'✓' if times >= RATIO else '✗'}"
        )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; exit status 2 where weights or packages are missing."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--turns", type=int, default=4008)
    ask.add_argument("--pipeline-turns", type=int, default=240, help="of these, how many the pipeline reads")
    ask.add_argument("--cores", type=int, default=2)
    ask.add_argument("--repeat", type=int, default=3)
    ask.add_argument("--batches", type=int, default=20, help="batches of --turns after which memory is looked at")
    ask.add_argument("--weights", type=Path, help="other weights than the shipped ones")
    ask.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="the same encoder's weights for torch")
    given = ask.parse_args(arguments)
    if lack := lacking(given.weights):
        return cannot(lack)
    cores = keep_to(given.cores)
    out = console()
    reader = load_reader(folder=given.weights)
    grown = memory(reader, given.batches, given.turns)
    talks = conversations(given.turns)
    single, part = alone(talks), talks[: -(-given.pipeline_turns // LENGTH)]
    try:
        other = rival(reader.encoder, given.checkpoint, cores)
    except ImportError as error:
        return cannot(f"The pipeline to compare with needs {error.name}: pip install 'zhijian[train]'.")
    found = speeds(
        {
            "encoder and heads, without context": (reader.encoder.hear, single),
            "encoder and heads, in context": (reader.encoder.hear, talks),
            "whole reader, without context": (reader.read_all, single),
            "whole reader, in context": (reader.read_all, talks),
            "pipeline, without context": (other.read, alone(part)),
            "pipeline, in context": (other.read, part),
        },
        given.repeat,
    )
    length = statistics.mean(len(turn.text) for (turn,) in single)
    title = f"{len(single)} turns of {length:.1f} characters on average, {cores} cores"
    out.print(show(found, other.weights, title))
    parts = table("Where the time of the whole reader goes, in context", "", "share")
    for name, share in shares(reader, talks).items():
        parts.add_row(name, f"{share:.0%}")
    out.print(parts)
    if grown:
        growth = max(grown) / grown[0] - 1
        flat = table("Memory", "", f"resident MiB (goal: grow by {FLAT:.0%} at most)")
        flat.add_row(f"after the first batch of {given.turns} turns", f"{grown[0]:.0f}  ")
        flat.add_row(f"after batch {len(grown)}", f"{grown[-1]:.0f}  ")
        flat.add_row("highest after any batch", f"{max(grown):.0f} {'✓' if growth <= FLAT else '✗'}")
        out.print(flat)
    out.print(f"reader: {reader.digest}", highlight=False)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
