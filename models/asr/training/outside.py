"""Sentences from outside dialogues that lie in a folder of the trainer's own (never shipped): one list of turns a line.

Read are `*.jsonl.gz` whose lines are `[[role, text], …]` or `[text, …]`, and `*.csv` with a column `Utterance` or
`text`.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

from models.asr.training.sounds import clean

_CLAUSE = re.compile(r"[^。？！]+[。？！]?")


def utterances(folder: Path) -> Iterator[str]:
    """Cleaned sentences, in the order of the files; those with Arabic digits or foreign words are left out."""
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                for turn in json.loads(line):
                    yield from sentences(turn if isinstance(turn, str) else turn[1])
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as lines:
            for row in csv.DictReader(lines):
                yield from sentences(row.get("Utterance") or row.get("text") or "")


def sentences(text: str, longest: int = 60) -> Iterator[str]:
    """The sentences of a text as the model would write them, each of 1…`longest` characters."""
    for raw in _CLAUSE.findall(text.replace("?", "？").replace("!", "！")):
        if re.search(r"[0-9a-zA-Z]", raw):
            continue
        sentence = clean(raw)
        if 0 < len(sentence) <= longest:
            yield sentence
