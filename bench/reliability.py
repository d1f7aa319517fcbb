"""Whether a probability of 0.7 comes true seven times in ten: a table, and a plot for the model card.

    .venv/bin/python -m bench.reliability [--out docs/reliability.svg]

Read are the held-out families of the reader's data. Acts: every act that reader, encoder or lexicons give at least 0.3
(less is not told). Classes: complaint type and level, problem, resolved and need of whole conversations. `off` is the
mean distance between what was said and what came true, weighted by how often it was said (expected calibration error,
Naeini et al. 2015; bins of a tenth). Intervals are 95 % percentile bootstraps over families.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.figures import ROOT, UNKNOWN, cannot, console, measured, table
from bench.readers import lacking
from models.utterance import Reader, Utterance, load_reader
from models.utterance.training.data import DATA, Dialogue, expand, of_split
from models.utterance.training.evaluate import told

BINS, LEAST = 10, 0.3
PLOT = ROOT / "docs" / "reliability.svg"

Said = tuple[float, bool]
"""A probability, and whether it came true."""


@dataclass(frozen=True, slots=True)
class Bin:
    """How often probabilities of about one size came true."""

    count: int
    said: float
    true: float


def bins(some: Sequence[Said]) -> list[Bin]:
    """`some` in tenths of the probability; empty tenths are left out."""
    found = []
    for place in range(BINS):
        within = [one for one in some if min(int(one[0] * BINS), BINS - 1) == place]
        if within:
            count = len(within)
            found.append(Bin(count, sum(said for said, _ in within) / count, sum(true for _, true in within) / count))
    return found


def off(families: Sequence[Sequence[Said]]) -> float:
    """Expected calibration error over all that is said in `families`."""
    some = [one for family in families for one in family]
    if not some:
        return UNKNOWN
    return sum(one.count * abs(one.said - one.true) for one in bins(some)) / len(some)


def acts(
    reader: Reader, items: Sequence[Dialogue], spoken: Sequence[Sequence[Utterance]]
) -> dict[str, list[list[Said]]]:
    """What reader, encoder and lexicons say of acts, one list a family."""
    found: dict[str, list[list[Said]]] = {"reader": [], "encoder alone": [], "lexicons alone": []}
    for item, turns in zip(items, spoken, strict=True):
        seen = list(told(reader, [item], [turns]))
        for name, values in (
            ("reader", [(one.fused, one.true) for one in seen]),
            ("encoder alone", [(one.learnt, one.true) for one in seen]),
            ("lexicons alone", [(one.cued, one.true) for one in seen]),
        ):
            found[name].append([one for one in values if one[0] >= LEAST])
    return found


def classes(reader: Reader, items: Sequence[Dialogue], spoken: Sequence[Sequence[Utterance]]) -> list[list[Said]]:
    """How sure the reader is of the classes that it names, and whether they are right, one list a conversation."""
    whole = [(item, turns) for item, turns in zip(items, spoken, strict=True) if item.labels]
    found = []
    for (item, _), reading in zip(whole, reader.read_all([turns for _, turns in whole]), strict=True):
        named = reading.whole
        values: Mapping[str, tuple[str, object]] = {
            "complaint_type": ("type", named.complaint_type),
            "complaint_level": ("level", named.complaint_level),
            "resolved": ("resolved", {True: "yes", False: "no"}.get(bool(named.resolved))),
            "need": ("need", named.need),
        }
        found.append(
            [
                (named.confidence[name], item.labels[label] == str(value))
                for name, (label, value) in values.items()
                if value is not None and item.labels[label] != "-"
            ]
        )
    return found


_SIZE, _EDGE, _SHOWN = 300, 46, 5
_COLOURS = ("#0b6e4f", "#c8553d", "#8a8a8a", "#2f4b7c")


def plot(curves: Mapping[str, Sequence[Bin]]) -> str:
    """An SVG: what was said (across) against what came true (up); the nearer to the diagonal, the better.

    A dot is as large as there are probabilities in it; tenths with fewer than `_SHOWN` are left out.
    """
    curves = {name: [one for one in some if one.count >= _SHOWN] for name, some in curves.items()}
    most = max((one.count for some in curves.values() for one in some), default=1)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIZE + 2 * _EDGE + 130} {_SIZE + 2 * _EDGE}" '
            'font-family="sans-serif" font-size="11">',
            '<rect width="100%" height="100%" fill="white"/>',
            *_axes(),
            *(line for place, name in enumerate(curves) for line in _curve(place, name, curves[name], most)),
            "</svg>\n",
        ]
    )


def _axes() -> Iterator[str]:
    yield f'<line {_from_to(0, 0, 1, 1)} stroke="#bbb" stroke-dasharray="4 3"/>'
    for tenth in range(0, 11, 2):
        at = tenth / 10
        yield f'<line {_from_to(at, 0, at, 1)} stroke="#eee"/><line {_from_to(0, at, 1, at)} stroke="#eee"/>'
        yield f'<text x="{_x(at):.0f}" y="{_y(0) + 16:.0f}" text-anchor="middle">{at:.1f}</text>'
        yield f'<text x="{_x(0) - 8:.0f}" y="{_y(at) + 4:.0f}" text-anchor="end">{at:.1f}</text>'
    yield f'<text x="{_x(0.5):.0f}" y="{_y(0) + 34:.0f}" text-anchor="middle">probability said</text>'
    yield (
        f'<text x="14" y="{_y(0.5):.0f}" text-anchor="middle" transform="rotate(-90 14 {_y(0.5):.0f})">came true</text>'
    )


def _curve(place: int, name: str, some: Sequence[Bin], most: int) -> Iterator[str]:
    colour = _COLOURS[place % len(_COLOURS)]
    points = " ".join(f"{_x(one.said):.1f},{_y(one.true):.1f}" for one in some)
    yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
    for one in some:
        size = 2 + 5 * (one.count / most) ** 0.5
        yield (
            f'<circle cx="{_x(one.said):.1f}" cy="{_y(one.true):.1f}" r="{size:.1f}" fill="{colour}">'
            f"<title>{name}: said {one.said:.2f}, came true {one.true:.2f}, {one.count} times</title></circle>"
        )
    x, y = _x(1) + 14, _EDGE + 14 + 18 * place
    yield f'<circle cx="{x:.0f}" cy="{y - 4:.0f}" r="4" fill="{colour}"/>'
    yield f'<text x="{x + 9:.0f}" y="{y:.0f}">{name}</text>'


def _from_to(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'x1="{_x(x1):.0f}" y1="{_y(y1):.0f}" x2="{_x(x2):.0f}" y2="{_y(y2):.0f}"'


def _x(value: float) -> float:
    return _EDGE + _SIZE * value


def _y(value: float) -> float:
    return _EDGE + _SIZE * (1 - value)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables and write the plot; exit status 2 where the weights are missing."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--weights", type=Path, help="other weights than the shipped ones")
    ask.add_argument(
        "--out", type=Path, default=PLOT, help="where the plot is written to (default docs/reliability.svg)"
    )
    ask.add_argument("--rounds", type=int, default=300, help="bootstrap rounds (default 300)")
    given = ask.parse_args(arguments)
    if lack := lacking(given.weights):
        return cannot(lack)
    reader = load_reader(folder=given.weights)
    items = of_split(DATA, "held_out")
    rng = random.Random(1)  # noqa: S311
    spoken = [[Utterance(turn.role, expand(turn.pattern, rng)) for turn in item.turns] for item in items]
    found = {f"acts: {name}": some for name, some in acts(reader, items, spoken).items()}
    found["classes: reader"] = classes(reader, items, spoken)
    curves = {name: bins([one for family in some for one in family]) for name, some in found.items()}
    out = console()
    made = table(f"Reliability on {len(items)} held-out families", "said by", "probabilities", "off by", *_heads())
    for name, some in found.items():
        cells = {min(int(one.said * BINS), BINS - 1): one for one in curves[name]}
        row = [f"{cells[place].true:.2f} ({cells[place].count})" if place in cells else "" for place in range(BINS)]
        count = sum(map(len, some))
        made.add_row(name, str(count), measured(some, off, rounds=given.rounds).text(), *row[int(LEAST * BINS) :])
    out.print(made)
    given.out.write_text(plot(curves), encoding="utf-8")
    out.print(f"{given.out}\nreader: {reader.digest}", highlight=False)
    return 0


def _heads() -> list[str]:
    return [f"{place / BINS:.1f}–{(place + 1) / BINS:.1f}" for place in range(int(LEAST * BINS), BINS)]


if __name__ == "__main__":
    raise SystemExit(main())
