"""Outside dialogues to pre-train on, from a folder of the trainer's own (never shipped): turns with roles, in order.

Read are `*.jsonl.gz` whose lines are `[[role, text], …]` (`s` and `a` say agent) or `[text, …]`, and `*.csv` with the
columns `Dialogue_ID` and `Utterance`.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from models.utterance.records import Role, Utterance


def dialogues(folder: Path) -> Iterator[tuple[Utterance, ...]]:
    """Every dialogue of at least two turns, in the order of the files."""
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield tuple(_turn(turn, place) for place, turn in enumerate(json.loads(line)))
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            if "Dialogue_ID" not in (rows.fieldnames or ()):
                continue
            for _, said in groupby(rows, key=lambda row: row["Dialogue_ID"]):
                yield tuple(_turn(row["Utterance"], place) for place, row in enumerate(said))


def _turn(turn: str | list[str], place: int) -> Utterance:
    if isinstance(turn, str):
        return Utterance("agent" if place % 2 else "customer", turn)
    role: Role = "agent" if turn[0] in ("s", "a") else "customer"
    return Utterance(role, turn[1])
