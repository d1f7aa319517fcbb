"""How fast the stored past is scored again, how that grows, and whether memory stays flat.

    .venv/bin/python bench/rescore.py [--sizes 1000 10000 100000] [--card hotline] [--rules 1000] [--phrases 1000]

The store is a real one, filled with calls of 20 turns. They are put together from pieces of written conversations
(beginning, middle, end), which the shipped reader has read; numbers are drawn anew, and some characters are misheard,
so that no two are alike. Half of the calls were heard (words with times and confidence), half came as text.

*Rules alone* is the step `score` on conversations that are in memory, each scored once. Beside it run the same without
the sieve, and `bench/plain.py`: a loop over phrases and turns. All are run in turn on the same calls; times are of the
processor (`time.process_time`), figures are medians. The same is done with a card that forbids many phrases. *From
the store* reads, scores and flags.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from rich.table import Table

from bench.figures import ROOT, cannot, console, table
from bench.plain import Plain
from bench.readers import lacking, reader_called
from bench.reading import conversations
from models.utterance import Utterance
from models.utterance.encoder import WEIGHTS
from models.utterance.spelling import Spelling
from models.utterance.training.noise import Noise
from pipeline import __version__
from pipeline.conversation import Agent, Channel, Conversation, Interaction, Reading, Speaker, Turn, Word
from pipeline.criteria.patterns import every_pattern_tried
from pipeline.dialogue import build
from pipeline.flagging import flag
from pipeline.reading import TurnReader, read
from pipeline.scorecard import Scorecard, find_scorecard, load_scorecard
from pipeline.scoring import score
from pipeline.store import Result, open_store
from pipeline.store.database import Store
from pipeline.store.past import Period

LENGTH, PIECE = 20, 6
"""Turns of a call; turns that a beginning or an end has at most."""
CHARACTER, PAUSE = 0.22, 0.6
"""Seconds that a character takes, and that lie between turns."""
MISHEARD = 0.01
"""Share of the characters of a heard call that are homophones of what was said."""
FAST, RATIO, FLAT = 2000.0, 20.0, 0.05
"""The goals: calls a second, times the plain one, growth of memory at most."""
CHUNK = 25

Said = tuple[tuple[Turn, Reading], ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A written conversation that was read: turns with their readings."""

    whole: Conversation

    @property
    def said(self) -> Said:
        """Each turn with its reading."""
        return tuple(zip(self.whole.turns, self.whole.readings, strict=True))


def sources(reader: TurnReader, written: int) -> tuple[Source, ...]:
    """The conversations of the exam, and so many made from the patterns of the reader's training data; all read."""
    talks: list[Sequence[Utterance]] = list(conversations(12 * written))
    for line in (ROOT / "bench" / "exam.jsonl").read_text(encoding="utf-8").splitlines():
        turns = json.loads(line)["turns"]
        talks.append([Utterance(turn["speaker"], turn["text"]) for turn in turns])
    waiting = [_conversation(f"S{number}", [(u.role, u.text) for u in talk]) for number, talk in enumerate(talks)]
    return tuple(Source(conversation) for conversation in read(waiting, reader=reader))


def _conversation(name: str, said: Sequence[tuple[str, str]]) -> Conversation:
    turns = tuple(Turn(i, Speaker(role), text, text) for i, (role, text) in enumerate(said))
    return build(Interaction(name, Channel.CALL, digest="", source="bench", turns=turns), turns)


def calls(some: Sequence[Source], characters: Sequence[str], seed: int = 1) -> Iterator[Conversation]:
    """Calls without end, no two alike: beginning, middles and end of different sources; every second one was heard."""
    rng = random.Random(seed)  # noqa: S311
    noise = Noise(characters, seed)
    number = 0
    while True:
        first, last = rng.choice(some), rng.choice(some)
        said = list(first.said[:PIECE])
        while len(said) < LENGTH - PIECE:
            middle = rng.choice(some).said
            start = rng.randrange(len(middle))
            said += middle[start : start + PIECE]
        said = said[: LENGTH - PIECE] + list(last.said[-PIECE:])
        while len(said) < LENGTH:
            said.insert(PIECE, rng.choice(rng.choice(some).said))
        number += 1
        yield _call(number, said[:LENGTH], first, last, rng, noise)


def _call(
    number: int, said: Sequence[tuple[Turn, Reading]], first: Source, last: Source, rng: random.Random, noise: Noise
) -> Conversation:
    heard = number % 2 == 0
    turns: list[Turn] = []
    at = 0.5
    for index, (turn, _) in enumerate(said):
        text = "".join(str(rng.randrange(10)) if ch in "0123456789" else ch for ch in turn.text)
        if heard:
            text = "".join(_misheard(ch, rng, noise) for ch in text)
        end = round(at + CHARACTER * max(1, len(text)), 2)
        spoken = _words(text, at, rng) if heard else ()
        sure = round(rng.uniform(0.8, 0.99), 3) if heard else None
        turns.append(Turn(index, turn.speaker, text, text, at, end, sure, 0.98 if heard else 1.0, spoken))
        at = round(end + PAUSE * rng.random() * 3, 2)
    interaction = Interaction(
        f"B{number:07}",
        Channel.CALL,
        digest=f"sha256:{number:064x}",
        source="bench",
        agent=Agent(f"A{number % 40:02}"),
        started_at=datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=number),
        turns=tuple(turns),
    )
    measured = build(interaction, turns)
    tone = {
        name: getattr(first.whole.measures, name)
        for name in ("politeness", "empathy", "sentiment_start", "agent_sentiment")
    }
    return replace(
        measured,
        measures=replace(measured.measures, **tone, sentiment_end=last.whole.measures.sentiment_end),
        classes=first.whole.classes,
        readings=tuple(reading for _, reading in said),
    )


def _misheard(character: str, rng: random.Random, noise: Noise) -> str:
    twins = noise.homophones.get(character, "") if rng.random() < MISHEARD else ""
    return rng.choice(twins) if twins else character


def _words(text: str, at: float, rng: random.Random) -> tuple[Word, ...]:
    """The text cut into words of one to three characters, marks with the word before them."""
    words: list[Word] = []
    place = 0
    while place < len(text):
        end = place + rng.choice((1, 2, 2, 3))
        while end < len(text) and not text[end].isalnum():
            end += 1
        start = at + CHARACTER * place
        words.append(
            Word(text[place:end], round(start, 2), round(start + CHARACTER * (min(end, len(text)) - place), 2), 0.93)
        )
        place = end
    return tuple(words)


def forbidding(count: int, characters: Sequence[str], folder: Path) -> Scorecard:
    """A card of one criterion: so many phrases of four characters, which hardly anybody says, are not to be said."""
    rng = random.Random(1)  # noqa: S311
    usual = sorted(ch for ch in characters if "\u4e00" <= ch <= "\u9fff")
    phrases = sorted({"".join(rng.choices(usual, k=4)) for _ in range(count)})
    path = folder / f"forbidding-{count}.yaml"
    criterion = {"id": "it", "title": "禁语", "section": "s", "deduct": 5, "phrase": {"any": phrases}}
    card = {"id": f"forbidding-{count}", "version": "1", "title": "禁语", "pass": 60, "criteria": [criterion]}
    path.write_text(json.dumps(card, ensure_ascii=False), encoding="utf-8")
    return load_scorecard(path)


def fill(store: Store, some: Iterator[Conversation], count: int, card: Scorecard) -> None:
    """Keep so many evaluated calls."""
    for begun in range(0, count, 200):
        batch = islice(some, min(200, count - begun))
        store.save(_result(conversation, card) for conversation in batch)


def _result(conversation: Conversation, card: Scorecard) -> Result:
    evaluation = score(conversation, card, engine_version=__version__)
    return Result(conversation, evaluation, flag(evaluation, conversation, card))


Task = Callable[[Conversation], object]


def speeds(tasks: Mapping[str, Task], some: Sequence[Conversation]) -> dict[str, float]:
    """Calls a second of each task; medians over chunks of the calls, which the tasks take in turn.

    Each task is at another place of the calls, so that none finds in memory what another one has just worked out.
    """
    chunks = [some[begun : begun + CHUNK] for begun in range(0, len(some), CHUNK)]
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for number in range(len(chunks)):
        for place, (name, task) in enumerate(tasks.items()):
            chunk = chunks[(number + place * len(chunks) // len(tasks)) % len(chunks)]
            start = time.process_time()
            for conversation in chunk:
                task(conversation)
            taken[name].append((time.process_time() - start) / len(chunk))
    return {name: 1 / statistics.median(seconds) for name, seconds in taken.items()}


def rules(card: Scorecard, some: Sequence[Conversation]) -> dict[str, float]:
    """Speeds of the rules alone, of the rules without the sieve, and of the plain loops; the first calls warm up."""

    def sieved(conversation: Conversation) -> None:
        score(conversation, card, engine_version=__version__)

    def unsieved(conversation: Conversation) -> None:
        with every_pattern_tried():
            sieved(conversation)

    tasks: dict[str, Task] = {
        "rules alone": sieved,
        "rules without the sieve": unsieved,
        "plain loops": Plain(card).judge,
    }
    for task in tasks.values():
        for conversation in some[:CHUNK]:
            task(conversation)
    return speeds(tasks, some[CHUNK:])


def agreement(card: Scorecard, some: Sequence[Conversation]) -> float:
    """The share of criteria on which the plain loops say the same."""
    plain = Plain(card)
    same: list[bool] = []
    for conversation in some:
        verdicts = plain.judge(conversation)
        findings = score(conversation, card, engine_version=__version__).findings
        same += [verdicts[finding.criterion] == finding.verdict for finding in findings]
    return sum(same) / len(same)


@dataclass(frozen=True, slots=True)
class Past:
    """What it took to read and score so many stored calls: calls a second, highest resident memory in MiB."""

    count: int
    speed: float
    read_speed: float
    memory: float


def past(store: Store, card: Scorecard, count: int) -> Past:
    """Score the newest `count` calls of the store again."""
    start, highest, reading = time.process_time(), 0.0, 0.0
    stream = store.past(Period(), limit=count)
    number = 0
    while True:
        begun = time.process_time()
        stored = next(stream, None)
        reading += time.process_time() - begun
        if stored is None:
            break
        number += 1
        conversation = stored.conversation
        flag(score(conversation, card, engine_version=stored.engine_version), conversation, card)
        if number % 100 == 0 or number == count:
            highest = max(highest, _resident())
    return Past(number, number / (time.process_time() - start), number / reading, highest)


def _resident() -> float:
    """Resident memory in MiB; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")), 0.0)


def show_rules(found: Mapping[str, float], same: float, title: str) -> Table:
    """Speeds of the rules, and how many times the plain loops'; ✓ where the goals are reached."""
    made = table(
        title,
        "",
        f"calls a second (goal {FAST:.0f})",
        f"× plain (goal {RATIO:.0f})",
        caption=f"plain loops give the same verdict on {same:.1%} of the criteria",
    )
    for name, speed in found.items():
        times = speed / found["plain loops"]
        reached = (speed >= FAST, times >= RATIO) if name == "rules alone" else None
        marks = ("  ", "  ") if reached is None else tuple(" ✓" if mark else " ✗" for mark in reached)
        made.add_row(name, f"{speed:.0f}{marks[0]}", f"{times:.1f}{marks[1]}")
    return made


def show_past(found: Sequence[Past]) -> Table:
    """How it grows with the number of calls."""
    made = table(
        "From the store: read, scored, flagged",
        "stored calls", "calls a second", "reading alone", "seconds a call, against the smallest",
        f"highest resident MiB (goal: grow by {FLAT:.0%} at most)",
    )  # fmt: skip
    for one in found:
        slower = found[0].speed / one.speed
        growth = one.memory / found[0].memory - 1 if found[0].memory else 0.0
        mark = "" if one is found[0] else " ✓" if growth <= FLAT else " ✗"
        made.add_row(
            f"{one.count:,}", f"{one.speed:.0f}", f"{one.read_speed:.0f}", f"{slower:.2f}", f"{one.memory:.0f}{mark}"
        )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; exit status 2 where the reader's weights are missing."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000], help="how many stored calls to score")
    ask.add_argument("--rules", type=int, default=1000, help="how many calls to score in memory")
    ask.add_argument("--card", default="hotline")
    ask.add_argument("--phrases", type=int, default=1000, help="how many phrases the card forbids that forbids many")
    ask.add_argument("--written", type=int, default=300, help="how many conversations the calls are put together from")
    ask.add_argument("--weights", type=Path, help="other weights than the shipped ones")
    given = ask.parse_args(arguments)
    if lack := lacking(given.weights):
        return cannot(lack)
    card = find_scorecard(given.card)
    characters = Spelling.load((given.weights or WEIGHTS) / "vocab.txt").tokens
    some = sources(reader_called("fused", given.weights), given.written)
    out = console()
    with tempfile.TemporaryDirectory() as folder:
        wordy = forbidding(given.phrases, characters, Path(folder))
    for kind, first in (("heard", 1), ("text", 0)):
        chosen = list(islice(islice(calls(some, characters, seed=2), first, None, 2), given.rules + CHUNK))
        for one, few in ((card, chosen), (wordy, chosen[: 4 * CHUNK])):
            title = f"{one.id}: {len(few) - CHUNK} calls of {LENGTH} turns, {kind}; one process"
            out.print(show_rules(rules(one, few), agreement(one, few[:100]), title))
    sizes = sorted(given.sizes)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with open_store(f"sqlite:///{place / 'past.db'}", media=place / "media") as store:
            fill(store, calls(some, characters), sizes[-1], card)
            past(store, card, min(sizes[0], 200))
            out.print(show_past([past(store, card, count) for count in sizes]))
    out.print(f"scorecard {card.id}: {card.digest}", highlight=False)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
