"""How well the shipped scorecards agree with human labels, and what phrase lists alone would reach.

    .venv/bin/python bench/accuracy.py [--gold FILE.jsonl …] [--readers fused lists snownlp] [--noise 0.1] [--confusion]

Agreement is counted as the annotators' guide says. Duties: `partial` counts as `unmet`; F1 of each of met / unmet /
not_applicable that either side used, averaged per criterion, then over criteria. Faults: only `unmet` counts as the
fault; F1 of the fault, averaged over the criteria (a fault that neither side ever saw is left out). `unsure` is a miss.
Intervals are 95 % percentile bootstraps over whole conversations.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.figures import ROOT, UNKNOWN, cannot, console, f1, macro_f1, mean, measured, spearman, table
from bench.readers import LEARNT, TITLES, USUAL, lacking, reader_called
from models.utterance.encoder import WEIGHTS
from models.utterance.spelling import Spelling
from models.utterance.training.noise import Noise
from pipeline import __version__
from pipeline.conversation import Conversation, Evaluation, Finding, Interaction, ReviewItem
from pipeline.dialogue import build
from pipeline.flagging import flag
from pipeline.formats_out import why
from pipeline.ingest import ingest_files
from pipeline.reading import TurnReader, read
from pipeline.scorecard import find_scorecard
from pipeline.scoring import score

CRITERIA = find_scorecard("hotline").criteria
DUTIES = tuple(criterion.id for criterion in CRITERIA if not criterion.fault)
FAULTS = tuple(criterion.id for criterion in CRITERIA if criterion.fault)
CARDS = {"call": "hotline", "chat": "online-chat", "email": "online-chat"}
CLASSES = ("complaint_type", "complaint_level", "resolved", "sentiment_start", "sentiment_end")
DEFAULT_GOLD = (ROOT.parent / "shared" / "gold" / "dev.jsonl", ROOT / "bench" / "exam.jsonl")


@dataclass(frozen=True, slots=True)
class Pair:
    """One conversation: what people said of it, and what the machine said."""

    gold: Mapping[str, Any]
    conversation: Conversation
    evaluation: Evaluation
    review: ReviewItem
    verdicts: Mapping[str, str]

    def said(self, name: str) -> object:
        """The machine's value of one of `CLASSES`."""
        if name.startswith("sentiment"):
            return sign(getattr(self.conversation.measures, name))
        return getattr(self.conversation.classes, name)


Total = Callable[[Sequence[Pair]], float]


def labelled(gold: Path) -> tuple[Interaction, ...]:
    """The interactions of `gold`.

    Raises:
        SystemExit: one cannot be taken or has no labels.
    """
    intake = ingest_files([gold])
    for refused in intake.set_aside:
        raise SystemExit(f"{refused.source}: {refused.reason}")
    for interaction in intake.interactions:
        if not isinstance(interaction.extra.get("gold"), dict):
            raise SystemExit(f"{interaction.source}: no `gold` labels")
    return intake.interactions


def disturbed(interactions: Sequence[Interaction], share: float, characters: Sequence[str]) -> tuple[Interaction, ...]:
    """The same with a share of the characters replaced by homophones or lost; the same ones at every run."""
    noise = Noise(characters, seed=1)
    return tuple(
        replace(item, turns=tuple(replace(turn, text=noise.replaced(turn.text, share)) for turn in item.turns))
        for item in interactions
    )


def pairs(interactions: Sequence[Interaction], reader: TurnReader) -> tuple[Pair, ...]:
    """Score every labelled interaction by the shipped card of its channel."""
    cards = {name: find_scorecard(name) for name in set(CARDS.values())}
    found = []
    for conversation in read([build(item, item.turns) for item in interactions], reader=reader):
        card = cards[CARDS[conversation.interaction.channel]]
        evaluation = score(conversation, card, engine_version=__version__)
        verdicts = {finding.criterion: str(finding.verdict) for finding in evaluation.findings}
        gold: Any = conversation.interaction.extra["gold"]
        found.append(Pair(gold, conversation, evaluation, flag(evaluation, conversation, card), verdicts))
    return tuple(found)


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
    return UNKNOWN if value is None else value


def _coarse(verdict: str) -> str:
    return "unmet" if verdict == "partial" else verdict


def sign(value: float | None) -> int:
    """A sentiment as −1, 0 or 1."""
    return 0 if value is None else -1 if value < -0.35 else 1 if value > 0.35 else 0


def _measure(name: str) -> Total:
    return lambda some: spearman(
        [p.gold[name] for p in some], [getattr(p.conversation.measures, name) or 0.0 for p in some]
    )


def _class(name: str) -> Total:
    return lambda some: macro_f1([p.gold[name] for p in some], [p.said(name) for p in some])


def _precision(some: Sequence[Pair]) -> float:
    return mean([float(p.gold["review"]) for p in some if p.review.flagged])


def _recall(some: Sequence[Pair]) -> float:
    return mean([float(p.review.flagged) for p in some if p.gold["review"]])


SUMMARY: tuple[tuple[str, float, Total], ...] = (
    ("duties, mean F1", 0.88, lambda some: mean([duty_f1(some, c) for c in DUTIES])),
    ("faults, mean F1", 0.85, lambda some: mean([fault_f1(some, c) for c in FAULTS])),
    ("politeness, Spearman", 0.85, _measure("politeness")),
    ("empathy, Spearman", 0.75, _measure("empathy")),
    ("sentiment at the start, macro F1", 0.80, _class("sentiment_start")),
    ("sentiment at the end, macro F1", 0.80, _class("sentiment_end")),
    ("complaint type, macro F1", 0.80, _class("complaint_type")),
    ("complaint level, macro F1", 0.70, _class("complaint_level")),
    ("resolved, macro F1", 0.85, _class("resolved")),
    ("review flag, precision", 0.75, _precision),
    ("review flag, recall", 0.95, _recall),
)
"""Title, goal, figure."""
MOST_LOST = 0.05


def summary(found: Mapping[str, Sequence[Pair]], title: str, rounds: int) -> Table:
    """All figures in sum, a column a reader; ✓ where the first reader reaches the goal."""
    made = table(title, "figure", "goal", *(TITLES[name] for name in found))
    for head, goal, total in SUMMARY:
        figures = [measured(some, total, rounds=rounds) for some in found.values()]
        marks = ["✓" if round(figures[0].value, 2) >= goal else "✗"] + [" "] * (len(figures) - 1)
        made.add_row(head, f"{goal:.2f}", *(f"{f.text()} {mark}" for f, mark in zip(figures, marks, strict=True)))
    return made


def by_criterion(found: Mapping[str, Sequence[Pair]], rounds: int) -> Table:
    """F1 of every criterion, a column a reader."""
    heads = [TITLES[name] for name in found]
    made = table("F1 by criterion", "criterion", "kind", *heads, "labelled met / unmet / n. a.", left=2)
    for kind, names, figure in (("duty", DUTIES, duty_f1), ("fault", FAULTS, fault_f1)):
        for name in names:
            values = [
                measured(some, lambda drawn, n=name, f=figure: f(drawn, n), rounds=rounds)  # type: ignore[misc]
                for some in found.values()
            ]
            labels = [_coarse(pair.gold["criteria"][name]) for pair in next(iter(found.values()))]
            counts = " / ".join(str(labels.count(v)) for v in ("met", "unmet", "not_applicable"))
            made.add_row(name, kind, *(value.text() for value in values), counts)
    return made


def robustness(
    clean: Mapping[str, Sequence[Pair]], noisy: Mapping[str, Sequence[Pair]], share: float, rounds: int
) -> Table:
    """What disturbed characters cost each reader, with paired intervals."""
    heads = [head for name in clean for head in (TITLES[name], "lost")]
    made = table(f"{share:.0%} of characters disturbed; goal: lose at most {MOST_LOST:.2f}", "figure", *heads)
    for head, _, total in SUMMARY:
        cells = []
        for place, name in enumerate(clean):
            both = list(zip(clean[name], noisy[name], strict=True))
            lost = measured(both, lambda some, t=total: _lost(some, t), rounds=rounds)  # type: ignore[misc]
            mark = " " if place else "✓" if round(lost.value, 2) <= MOST_LOST else "✗"
            cells += [measured(noisy[name], total, rounds=rounds).text(), f"{lost.text()} {mark}"]
        made.add_row(head, *cells)
    return made


def _lost(both: Sequence[tuple[Pair, Pair]], total: Total) -> float:
    return total([clean for clean, _ in both]) - total([noisy for _, noisy in both])


def confusions(some: Sequence[Pair]) -> Iterator[Table]:
    """A table a class: rows as labelled, columns as scored."""
    for name in CLASSES:
        counts = Counter((str(pair.gold[name]), str(pair.said(name))) for pair in some)
        values = sorted({value for both in counts for value in both})
        made = table(f"{name}: labelled (rows) and scored (columns)", "", *values)
        for truth in values:
            made.add_row(truth, *(str(counts[truth, said] or "·") for said in values))
        yield made


def disagreements(some: Sequence[Pair], *, most: int = 5) -> Table:
    """Where verdicts differ from the labels, the surest errors of each criterion first."""
    made = table("Errors, the surest first", "criterion", "interaction", "labelled", "scored", "sure", "why", left=4)
    made.columns[-1].justify = "left"
    for criterion in (*DUTIES, *FAULTS):
        wrong = [
            (finding, pair)
            for pair in some
            for finding in pair.evaluation.findings
            if finding.criterion == criterion and _differs(finding, pair)
        ]
        for finding, pair in sorted(wrong, key=lambda both: -both[0].confidence)[:most]:
            quote = f"「{finding.evidence[0].quote}」" if finding.evidence else ""
            labels = (pair.gold["criteria"][criterion], str(finding.verdict), f"{finding.confidence:.2f}")
            made.add_row(criterion, pair.evaluation.interaction, *labels, why(finding, "zh") + quote)
        if wrong:
            made.add_section()
    return made


def _differs(finding: Finding, pair: Pair) -> bool:
    truth, said = str(pair.gold["criteria"][finding.criterion]), str(finding.verdict)
    if finding.fault:
        return (truth == "unmet") != (said == "unmet")
    return _coarse(truth) != _coarse(said)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; exit status 2 where there is nothing to measure."""
    given = _parser().parse_args(arguments)
    golds = given.gold or [path for path in DEFAULT_GOLD if path.is_file()]
    absent = [str(path) for path in golds if not path.is_file()]
    if absent or not golds:
        where = ", ".join(absent) or "any of the usual places"
        return cannot(
            f"No labelled conversations at {where}. Give a file with --gold FILE.jsonl "
            "(interactions with a `gold` key, see docs/accuracy.md)."
        )
    if LEARNT & set(given.readers) and (lack := lacking(given.weights)):
        return cannot(lack)
    characters = (given.weights or WEIGHTS) / "vocab.txt"
    if given.noise and not characters.is_file():
        return cannot(f"--noise draws homophones from the reader's characters; {characters} is missing.")
    readers = {name: reader_called(name, given.weights) for name in dict.fromkeys(given.readers)}
    out = console()
    for path in golds:
        some = [item for item in labelled(path) if given.first <= item.id <= given.last]
        if not some:
            return cannot(f"{path} holds no interaction from {given.first!r} to {given.last!r}.")
        found = {name: pairs(some, reader) for name, reader in readers.items()}
        out.print(summary(found, f"{path.name}: {len(some)} conversations", given.rounds))
        out.print(by_criterion(found, given.rounds))
        if given.noise:
            changed = disturbed(some, given.noise, Spelling.load(characters).tokens)
            noisy = {name: pairs(changed, reader) for name, reader in readers.items()}
            out.print(robustness(found, noisy, given.noise, given.rounds))
        first = next(iter(found.values()))
        if given.confusion:
            out.print(*confusions(first), disagreements(first), sep="\n")
        for pair in first if given.show else ():
            truth, said = pair.gold["criteria"].get(given.show), pair.verdicts.get(given.show)
            if truth != said:
                out.print(f"{pair.evaluation.interaction}: labelled {truth}, scored {said}")
    for name, reader in readers.items():
        out.print(f"{TITLES[name]}: {reader.digest}", highlight=False)
    for card in sorted(set(CARDS.values())):
        out.print(f"scorecard {card}: {find_scorecard(card).digest}", highlight=False)
    return 0


def _parser() -> argparse.ArgumentParser:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument(
        "--gold",
        type=Path,
        action="append",
        help="labelled interactions, one table a file; may be given again (default: those of "
        f"{' and '.join(path.name for path in DEFAULT_GOLD)} that are there)",
    )
    ask.add_argument("--readers", nargs="+", choices=list(TITLES), default=list(USUAL), help="a column each")
    ask.add_argument("--weights", type=Path, help="other weights than the shipped ones")
    ask.add_argument("--noise", type=float, default=0.0, metavar="SHARE", help="also with so many characters disturbed")
    ask.add_argument("--confusion", action="store_true", help="where the first reader errs")
    ask.add_argument("--show", default="", metavar="CRITERION", help="list where the first reader disagrees on it")
    ask.add_argument("--from", dest="first", default="", metavar="ID", help="first interaction id to count")
    ask.add_argument("--to", dest="last", default="\uffff", metavar="ID", help="last interaction id to count")
    ask.add_argument("--rounds", type=int, default=300, help="bootstrap rounds (default 300)")
    return ask


if __name__ == "__main__":
    raise SystemExit(main())
