"""How well the shipped scorecards agree with human labels.

    .venv/bin/python bench/accuracy.py [--gold FILE.jsonl] [--from D031 --to D048] [--show greeting]

Agreement is counted as the annotators' guide says. Duties: `partial` counts as `unmet`; F1 of each of met / unmet /
not_applicable that either side used, averaged per criterion, then over criteria. Faults: only `unmet` counts as the
fault; F1 of the fault, averaged over the criteria (a fault that neither side ever saw is left out). `unsure` is a miss.
Intervals are 95 % percentile bootstraps over whole conversations.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from models.utterance import load_reader  # noqa: E402
from pipeline import __version__  # noqa: E402
from pipeline.conversation import Conversation, Evaluation, ReviewItem  # noqa: E402
from pipeline.dialogue import build  # noqa: E402
from pipeline.flagging import flag  # noqa: E402
from pipeline.ingest import ingest_files  # noqa: E402
from pipeline.reading import read  # noqa: E402
from pipeline.scorecard import find_scorecard  # noqa: E402
from pipeline.scoring import score  # noqa: E402

CRITERIA = find_scorecard("hotline").criteria
DUTIES = tuple(criterion.id for criterion in CRITERIA if not criterion.fault)
FAULTS = tuple(criterion.id for criterion in CRITERIA if criterion.fault)
CARDS = {"call": "hotline", "chat": "online-chat", "email": "online-chat"}


@dataclass(frozen=True, slots=True)
class Pair:
    """One conversation: what people said of it, and what the machine said."""

    gold: dict[str, Any]
    conversation: Conversation
    evaluation: Evaluation
    review: ReviewItem

    @property
    def verdicts(self) -> dict[str, str]:
        """Criterion → the machine's verdict."""
        return {finding.criterion: str(finding.verdict) for finding in self.evaluation.findings}


def pairs(gold: Path, *, second_opinion: bool = False) -> tuple[Pair, ...]:
    """Score every labelled interaction of `gold` by the shipped card of its channel."""
    intake = ingest_files([gold])
    for refused in intake.set_aside:
        raise SystemExit(f"{refused.source}: {refused.reason}")
    reader = load_reader(second_opinion=second_opinion)
    cards = {name: find_scorecard(name) for name in set(CARDS.values())}
    found = []
    for interaction in intake.interactions:
        labels = interaction.extra.get("gold")
        if not isinstance(labels, dict):
            raise SystemExit(f"{interaction.source}: no `gold` labels")
        (conversation,) = read([build(interaction, interaction.turns)], reader=reader)
        card = cards[CARDS[interaction.channel]]
        evaluation = score(conversation, card, engine_version=__version__)
        found.append(Pair(labels, conversation, evaluation, flag(evaluation, conversation, card)))
    return tuple(found)


def f1(truth: Sequence[object], said: Sequence[object], label: object) -> float | None:
    """F1 of one label; `None` where neither side used it."""
    both = sum(a == label == b for a, b in zip(truth, said, strict=True))
    used = sum(a == label for a in truth) + sum(b == label for b in said)
    return 2 * both / used if used else None


def macro_f1(truth: Sequence[object], said: Sequence[object]) -> float:
    """Mean F1 over the labels that the annotators used."""
    return mean([f1(truth, said, label) for label in dict.fromkeys(truth)])


def mean(values: Sequence[float | None]) -> float:
    """Mean of what is known; not a number where nothing is."""
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else float("nan")


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's rank correlation, ties at their mean rank."""
    a, b = _ranks(one), _ranks(other)
    ma, mb = sum(a) / len(a), sum(b) / len(b)
    top = sum((x - ma) * (y - mb) for x, y in zip(a, b, strict=True))
    below = (sum((x - ma) ** 2 for x in a) * sum((y - mb) ** 2 for y in b)) ** 0.5
    return top / below if below else float("nan")


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(values)
    return [order.index(v) + (order.count(v) - 1) / 2 for v in values]


def duty_f1(some: Sequence[Pair], criterion: str) -> float:
    """Agreement on a duty."""
    truth = [_coarse(pair.gold["criteria"][criterion]) for pair in some]
    said = [_coarse(pair.verdicts.get(criterion, "missing")) for pair in some]
    return mean([f1(truth, said, label) for label in ("met", "unmet", "not_applicable")])


def fault_f1(some: Sequence[Pair], criterion: str) -> float:
    """Agreement on a fault."""
    truth = [pair.gold["criteria"][criterion] == "unmet" for pair in some]
    said = [pair.verdicts.get(criterion) == "unmet" for pair in some]
    value = f1(truth, said, True)
    return float("nan") if value is None else value


def _coarse(verdict: str) -> str:
    return "unmet" if verdict == "partial" else verdict


def sign(value: float | None) -> int:
    """A sentiment as −1, 0 or 1."""
    return 0 if value is None else -1 if value < -0.2 else 1 if value > 0.25 else 0


def _measure(name: str) -> Callable[[Sequence[Pair]], float]:
    return lambda some: spearman(
        [p.gold[name] for p in some], [getattr(p.conversation.measures, name) or 0.0 for p in some]
    )


def _sentiment(name: str) -> Callable[[Sequence[Pair]], float]:
    return lambda some: macro_f1(
        [p.gold[name] for p in some], [sign(getattr(p.conversation.measures, name)) for p in some]
    )


def _class(name: str) -> Callable[[Sequence[Pair]], float]:
    return lambda some: macro_f1([p.gold[name] for p in some], [getattr(p.conversation.classes, name) for p in some])


def _precision(some: Sequence[Pair]) -> float:
    flagged = [p for p in some if p.review.flagged]
    return mean([float(p.gold["review"]) for p in flagged])


def _recall(some: Sequence[Pair]) -> float:
    return mean([float(p.review.flagged) for p in some if p.gold["review"]])


SUMMARY: tuple[tuple[str, Callable[[Sequence[Pair]], float]], ...] = (
    ("duties, mean F1", lambda some: _known_mean([duty_f1(some, c) for c in DUTIES])),
    ("faults, mean F1", lambda some: _known_mean([fault_f1(some, c) for c in FAULTS])),
    ("politeness, Spearman", _measure("politeness")),
    ("empathy, Spearman", _measure("empathy")),
    ("sentiment at the start, macro F1", _sentiment("sentiment_start")),
    ("sentiment at the end, macro F1", _sentiment("sentiment_end")),
    ("complaint type, macro F1", _class("complaint_type")),
    ("complaint level, macro F1", _class("complaint_level")),
    ("resolved, macro F1", _class("resolved")),
    ("review flag, precision", _precision),
    ("review flag, recall", _recall),
)


def _known_mean(values: Sequence[float]) -> float:
    return mean([v for v in values if v == v])


def interval(some: Sequence[Pair], figure: Callable[[Sequence[Pair]], float], rounds: int) -> tuple[float, float]:
    """95 % percentile bootstrap over conversations."""
    chance = random.Random(7)  # noqa: S311
    drawn = sorted(v for _ in range(rounds) if (v := figure(chance.choices(some, k=len(some)))) == v)
    if not drawn:
        return float("nan"), float("nan")
    return drawn[int(0.025 * len(drawn))], drawn[min(len(drawn) - 1, int(0.975 * len(drawn)))]


def tables(some: Sequence[Pair], rounds: int) -> tuple[Table, Table]:
    """The figures by criterion, and in sum."""
    by_criterion = Table(title=f"F1 by criterion ({len(some)} conversations)")
    for head in ("criterion", "kind", "F1", "95 %", "labelled met / unmet / n.a."):
        by_criterion.add_column(head, justify="left" if head in ("criterion", "kind") else "right")
    for kind, names, figure in (("duty", DUTIES, duty_f1), ("fault", FAULTS, fault_f1)):
        for name in names:
            low, high = interval(some, lambda drawn, n=name, f=figure: f(drawn, n), rounds)  # type: ignore[misc]
            labels = [_coarse(p.gold["criteria"][name]) for p in some]
            counts = " / ".join(str(labels.count(v)) for v in ("met", "unmet", "not_applicable"))
            by_criterion.add_row(name, kind, f"{figure(some, name):.2f}", f"{low:.2f}–{high:.2f}", counts)
    summary = Table(title="In sum")
    for head in ("figure", "value", "95 %"):
        summary.add_column(head, justify="left" if head == "figure" else "right")
    for title, total in SUMMARY:
        low, high = interval(some, total, rounds)
        summary.add_row(title, f"{total(some):.2f}", f"{low:.2f}–{high:.2f}")
    return by_criterion, summary


def main() -> int:
    """Print the tables; exit status 2 where there is no gold file."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--gold", type=Path, default=ROOT.parent / "shared" / "gold" / "dev.jsonl")
    ask.add_argument("--from", dest="first", default="", help="first interaction id to count")
    ask.add_argument("--to", dest="last", default="\uffff", help="last interaction id to count")
    ask.add_argument("--rounds", type=int, default=300, help="bootstrap rounds (default 300)")
    ask.add_argument("--second-opinion", action="store_true", help="let SnowNLP have its say")
    ask.add_argument("--show", default="", help="list the conversations where this criterion disagrees")
    given = ask.parse_args()
    console = Console()
    if not given.gold.is_file():
        Console(stderr=True).print(
            f"No labelled conversations at {given.gold}. Give a file with --gold FILE.jsonl "
            "(interactions with a `gold` key, see docs/accuracy.md)."
        )
        return 2
    some = [
        pair
        for pair in pairs(given.gold, second_opinion=given.second_opinion)
        if given.first <= pair.evaluation.interaction <= given.last
    ]
    for table in tables(some, given.rounds):
        console.print(table)
    for pair in some if given.show else ():
        truth, said = pair.gold["criteria"].get(given.show), pair.verdicts.get(given.show)
        if truth != said:
            console.print(f"{pair.evaluation.interaction}: labelled {truth}, scored {said}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
