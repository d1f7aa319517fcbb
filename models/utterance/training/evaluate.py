"""Step 5: how the reader as shipped reads the held-out families, beside encoder alone and lexicons alone."""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from models.utterance import Reader, load_reader
from models.utterance.acts import ACTS, CLASSES
from models.utterance.records import Role, Utterance
from models.utterance.training.data import Dialogue, expand, load
from models.utterance.training.ranks import spearman

_CUTS = {"fused": 0.4, "learnt": 0.5, "cued": 0.5}
"""From which probability on an act counts; the reader's is what the shipped scorecards mostly ask for."""
_LEAST = 5
"""Acts with fewer held-out examples are counted, not listed."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One turn: whether an act was labelled, and the probabilities that reader, encoder and lexicons give it."""

    role: Role
    act: str
    true: bool
    fused: float
    learnt: float
    cued: float


def evaluate(options: argparse.Namespace) -> None:
    """Print F1 by act, reliability of the probabilities, and how often the classes of whole conversations are right."""
    items = [item for item in load() if item.split == "held_out"]
    reader = load_reader(folder=options.out)
    rng = random.Random(options.seed)
    spoken = [[Utterance(t.role, expand(t.pattern, rng)) for t in item.turns] for item in items]
    seen = list(told(reader, items, spoken))
    out = sys.stdout
    out.write(f"{sum(len(item.turns) for item in items)} turns of {len(items)} held-out families\n\n")
    out.write("act | examples | reader | encoder alone | lexicons alone\n--- | ---: | ---: | ---: | ---:\n")
    scores = []
    for role, names in ACTS.items():
        for name in names:
            rows = [s for s in seen if s.role == role and s.act == name]
            count = sum(s.true for s in rows)
            if count < _LEAST:
                continue
            f1 = [_f1(rows, how) for how in ("fused", "learnt", "cued")]
            scores.append(f1)
            out.write(f"{role}: {name} | {count} | " + " | ".join(f"{value:.2f}" for value in f1) + "\n")
    out.write("mean | | " + " | ".join(f"**{value:.3f}**" for value in np.mean(scores, axis=0)) + "\n\n")
    out.write("said probability | acts | came true\n--- | ---: | ---:\n")
    for low in (0.0, 0.1, 0.3, 0.5, 0.7, 0.9):
        high = {0.0: 0.1, 0.9: 1.01}.get(low, low + 0.2)
        rows = [s for s in seen if low <= s.fused < high]
        if rows:
            out.write(f"{low:.1f}–{min(high, 1.0):.1f} | {len(rows)} | {np.mean([s.true for s in rows]):.3f}\n")
    _classes(reader, items, spoken)


def told(reader: Reader, items: Sequence[Dialogue], spoken: Sequence[Sequence[Utterance]]) -> Iterator[Seen]:
    """What reader, encoder and lexicons say of every act of every labelled turn of `items`, said as in `spoken`."""
    for item, turns, (hearings, readings) in zip(items, spoken, reader.turns(spoken), strict=True):
        cues = reader.cues.read(turns)
        for place, (label, hearing) in enumerate(zip(item.turns, hearings, strict=True)):
            if hearing is None or not (item.labels or place == len(item.turns) - 1) or label.role == "other":
                continue
            for column, name in enumerate(ACTS[label.role]):
                yield Seen(
                    label.role,
                    name,
                    name in label.acts,
                    readings[place].acts.get(name, 0.0),
                    float(1 / (1 + np.exp(-hearing.acts[column]))),
                    cues[place].acts.get(name, 0.0),
                )


def _f1(rows: Sequence[Seen], how: str) -> float:
    said = [getattr(row, how) >= _CUTS[how] for row in rows]
    both = sum(a and row.true for a, row in zip(said, rows, strict=True))
    used = sum(said) + sum(row.true for row in rows)
    return 2 * both / used if used else 0.0


def _classes(reader: Reader, items: Sequence[Dialogue], spoken: Sequence[Sequence[Utterance]]) -> None:
    whole = [(item, turns) for item, turns in zip(items, spoken, strict=True) if item.labels]
    readings = [reading.whole for reading in reader.read_all([turns for _, turns in whole])]
    sys.stdout.write(f"\nof whole conversations ({len(whole)} held out) | right | commonest label\n--- | ---: | ---:\n")
    named: dict[str, list[str | None]] = {
        "type": [r.complaint_type for r in readings],
        "level": [str(r.complaint_level or "-") for r in readings],
        "problem": [r.problem for r in readings],
        "need": [r.need for r in readings],
        "resolved": ["yes" if r.resolved else "no" for r in readings],
    }
    for name, said in named.items():
        truth = [item.labels[name] for item, _ in whole]
        common = max(truth.count(value) for value in CLASSES[name]) / len(truth)
        right = float(np.mean([a == b for a, b in zip(truth, said, strict=True)]))
        sys.stdout.write(f"{name} | {right:.2f} | {common:.2f}\n")
    scales: dict[str, list[float | None]] = {
        "polite": [r.politeness for r in readings],
        "empathy": [r.empathy for r in readings],
        "start": [r.sentiment_start for r in readings],
        "end": [r.sentiment_end for r in readings],
    }
    for name, values in scales.items():
        rows = [(float(item.labels[name]), v) for (item, _), v in zip(whole, values, strict=True) if v is not None]
        rank = spearman([label for label, _ in rows], [value for _, value in rows])
        sys.stdout.write(f"{name}, Spearman | {rank:.2f} |\n")
