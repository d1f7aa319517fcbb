"""Commands that make the speech model: `python -m models.asr.training STEP --work DIR [--outside DIR]`."""

from __future__ import annotations

import argparse
import random
import sys
from importlib import import_module
from pathlib import Path

_STEPS = {
    "encoder": ("encoder", "encoder"),
    "decoder": ("decoder", "decoder"),
    "joint": ("joint", "joint"),
    "average": ("average", "average"),
    "export": ("export", "export"),
    "evaluate": ("evaluate", "evaluate"),
}


def main(arguments: list[str] | None = None) -> None:
    """Run one step of the recipe; the steps in order are those of the choices of `step`."""
    parser = argparse.ArgumentParser(prog="python -m models.asr.training", description=__doc__)
    parser.add_argument("step", choices=["vocabulary", "speak", *_STEPS])
    parser.add_argument("--work", type=Path, default=Path("build/asr"), help="folder for shards, logs and checkpoints")
    parser.add_argument("--outside", type=Path, help="folder of outside dialogues (see outside.py); optional")
    parser.add_argument("--words", type=Path, help="words with their frequency, tab separated; optional")
    parser.add_argument("--of", type=Path, nargs="+", help="checkpoints of `joint` for `average`")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=40, help="how long to train, or to speak")
    parser.add_argument("--rate", type=float, default=5e-4, help="highest learning rate of `encoder` and `joint`")
    parser.add_argument(
        "--gentle", type=int, default=500, help="batches of short clear utterances that `encoder` begins with"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="where `export` writes the model, and `evaluate` finds it")
    parser.add_argument("--labelled", type=Path, help="conversations (.jsonl) that `evaluate` speaks too; optional")
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    if options.step == "vocabulary":
        make_vocabulary(options.work, options.outside, options.seed)
    elif options.step == "speak":
        speak_shards(options.work, options.outside, options.seed, options.minutes)
    else:
        module, name = _STEPS[options.step]
        getattr(import_module(f"models.asr.training.{module}"), name)(options)


def make_vocabulary(work: Path, outside: Path | None, seed: int) -> None:
    """Choose the characters and write `vocabulary.json`."""
    from models.asr.training.grammar import Grammar
    from models.asr.training.outside import utterances
    from models.asr.training.texts import count_characters
    from models.asr.training.vocabulary import Vocabulary

    sentences = list(utterances(outside)) if outside else []
    vocabulary = Vocabulary.of(count_characters(Grammar.shipped(), sentences, random.Random(seed)), least=12)
    vocabulary.save(work / "vocabulary.json")
    sys.stderr.write(
        f"{len(vocabulary.characters)} characters, {len(vocabulary)} tokens, {len(sentences)} outside sentences\n"
    )


def speak_shards(work: Path, outside: Path | None, seed: int, minutes: float, per_shard: int = 500) -> None:
    """Speak sentences into shards for some minutes, after two shards of held-out sentences and voices."""
    import time

    from models.asr.training.speech import write_shard
    from models.asr.training.texts import Texts
    from models.asr.training.vocabulary import Vocabulary

    rng = random.Random(seed)
    texts = Texts.load(Vocabulary.load(work / "vocabulary.json"), outside)
    (work / "train").mkdir(exist_ok=True)
    (work / "held_out").mkdir(exist_ok=True)
    for number, held_out in [(0, True), *((n, False) for n in range(10_000))]:
        source = texts.held_out(rng) if held_out else texts.trained(rng)
        path = work / ("held_out" if held_out else "train") / f"{number:04}.npz"
        if path.exists():
            continue
        hours = write_shard(path, [next(source) for _ in range(per_shard)], rng, held_out=held_out)
        sys.stderr.write(f"{path.name}: {hours:.2f} h\n")
        minutes -= 0 if held_out else 1e-9
        if not held_out and time.process_time() / 60 > minutes:
            break


if __name__ == "__main__":
    main()
