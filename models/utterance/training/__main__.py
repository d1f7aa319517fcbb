"""Commands that make the reader: `python -m models.utterance.training STEP …`."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

from models.utterance.training.data import DATA

_STEPS = {
    "pretrain": "pretrain",
    "train": "train",
    "whole": "whole",
    "export": "export",
    "evaluate": "evaluate",
    "second-opinion": "second_opinion",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one step of the recipe; the steps in order are those of the choices of `step`."""
    parser = argparse.ArgumentParser(prog="python -m models.utterance.training", description=__doc__)
    parser.add_argument("step", choices=["check", *_STEPS])
    parser.add_argument("files", nargs="*", type=Path, help="for `check`: data files (all where none is named)")
    parser.add_argument("--work", type=Path, default=Path("build/reader"), help="folder for logs and checkpoints")
    parser.add_argument("--outside", type=Path, help="folder of outside dialogues to pre-train on; optional")
    parser.add_argument("--data", type=Path, default=DATA, help="labelled turns and dialogues (data/README.md)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=20, help="how long to train")
    parser.add_argument("--rate", type=float, default=1e-3, help="highest learning rate")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--members", type=int, default=5, help="networks of whole conversations that vote")
    parser.add_argument("--rounds", type=int, default=900, help="steps that each of them learns")
    parser.add_argument("--base", help="a pre-trained Chinese encoder (directory or hub name) instead of our own")
    parser.add_argument("--out", type=Path, help="where a model is written to, and `evaluate` finds it")
    options = parser.parse_args(arguments)
    if options.step == "check":
        return check(options.files)
    options.work.mkdir(parents=True, exist_ok=True)
    if options.base:
        from models.utterance.training.base import find_base

        options.base = find_base(options.base)
    getattr(import_module(f"models.utterance.training.{_STEPS[options.step]}"), _STEPS[options.step])(options)
    return 0


def check(paths: list[Path]) -> int:
    """Say for each data file how much it holds, or what is wrong where; 1 where something is."""
    from models.utterance.training.data import DataError, files, read

    bad = 0
    for path in paths or files():
        try:
            items = list(read(path))
        except DataError as error:
            sys.stdout.write(f"{error}\n")
            bad = 1
            continue
        turns = sum(len(item.turns) if item.labels else 1 for item in items)
        sys.stdout.write(f"{path.name}: {len(items)} families, {turns} turns\n")
    return bad


if __name__ == "__main__":
    sys.exit(main())
