"""What a team's reviewed decisions teach the reader, and whether it then agrees with the team more often.

Decisions are split by interaction: most teach, the rest measure. What is learnt is only ever put to use where the
measured rest speaks for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.utterance.records import Utterance
from pipeline.conversation import Conversation, Finding, Speaker, Verdict
from pipeline.criteria.expression import ExpressionBase
from pipeline.errors import StoreError
from pipeline.i18n import t
from pipeline.reader_models import open_reader
from pipeline.reading import read
from pipeline.scorecard import Criterion, Scorecard
from pipeline.scoring import context_for, judge
from pipeline.settings import Settings
from pipeline.store.records import Decision, Reviewed
from pipeline.versions import CardArchive

if TYPE_CHECKING:
    from models.utterance import Reader
    from models.utterance.learning import Label, Learnt

HELD_OUT = 0.3
"""Share of the interactions whose decisions measure and do not teach."""
LEAST = 30
"""Held-out decisions below which nothing learnt is put to use."""
_DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Judged:
    """A decision on a criterion that rests on acts, with what it was about."""

    conversation: Conversation
    card: Scorecard
    criterion: Criterion
    finding: Finding
    decision: Decision

    @property
    def held_out(self) -> bool:
        """Whether it measures."""
        return held_out(self.decision.interaction)


@dataclass(frozen=True, slots=True)
class Demand:
    """Acts of which one at least must be in a turn of `by` (`there`), or none may be."""

    acts: tuple[str, ...]
    by: str
    there: bool


@dataclass(frozen=True, slots=True)
class Share:
    """A share of decisions, with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """How often the reader in use and the one just learnt give the verdict of people, on held-out decisions.

    Intervals are bootstraps over interactions; `gain` is new less old. All are `None` where nothing was held out.
    """

    decisions: int
    interactions: int
    old_right: int
    new_right: int
    old: Share | None
    new: Share | None
    gain: Share | None

    @property
    def enough(self) -> bool:
        """Whether enough was held out to say anything."""
        return self.decisions >= LEAST

    @property
    def fit_for_use(self) -> bool:
        """Whether the new reader may take the place of the old one."""
        return self.enough and self.new_right >= self.old_right


@dataclass(frozen=True, slots=True)
class Lesson:
    """A reader that was learnt: its folder, the acts that changed, how many decisions taught, and how it compares."""

    folder: Path
    learnt: tuple[Learnt, ...]
    taught: int
    comparison: Comparison


def learn(reviewed: Iterable[Reviewed], archive: CardArchive, settings: Settings, out: Path) -> Lesson:
    """Learn from decisions, write the reader to `out`, and compare it with the one in use.

    Args:
        reviewed: from the store.
        archive: the scorecards that were decided on.
        settings: which reader is in use.
        out: a folder for the new reader.

    Raises:
        StoreError: Z413 nobody decided anything that could teach.
        SettingsError: the reader in use is missing or cannot be used.
        OSError: `out` cannot be written.
    """
    from models.utterance.learning import learn as fitted
    from models.utterance.learning import write

    judged = list(gather(reviewed, archive))
    lessons = [one for one in judged if not one.held_out]
    conversations = {one.conversation.interaction.id: one.conversation for one in lessons}
    places = {name: number for number, name in enumerate(conversations)}
    labels = [label for one in lessons for label in labels_of(one, places[one.decision.interaction])]
    if not labels:
        language = settings.language
        what = t(language, "learning.nothing", count=len(judged))
        raise StoreError("Z413", what, hint=t(language, "learning.nothing_hint"))
    old = open_reader(settings)
    learnt = fitted(old, [_said(conversation) for conversation in conversations.values()], labels)
    write(old, learnt, out)
    reading = settings.reading.model_copy(update={"model": str(out)})
    new = open_reader(settings.model_copy(update={"reading": reading}))
    comparison = compare([one for one in judged if one.held_out], old, new)
    return Lesson(out, learnt, len(lessons), comparison)


def held_out(interaction: str) -> bool:
    """Whether decisions on the interaction of this id measure and do not teach."""
    return int(hashlib.sha256(interaction.encode()).hexdigest()[:8], 16) / 0xFFFFFFFF < HELD_OUT


def gather(reviewed: Iterable[Reviewed], archive: CardArchive) -> Iterator[Judged]:
    """The last decision of people on each criterion of each interaction, of the criteria that rest on acts."""
    last: dict[tuple[str, str, str], tuple[Reviewed, Decision]] = {}
    for item in reviewed:
        for decision in item.decisions:
            key = (decision.interaction, decision.scorecard_id, decision.criterion)
            if key not in last or last[key][1].decided_at <= decision.decided_at:
                last[key] = (item, decision)
    cards: dict[str, Scorecard] = {}
    for item, decision in last.values():
        digest = decision.scorecard_digest
        if digest not in cards:
            cards[digest] = archive.get(digest)
        criterion = cards[digest].criterion(decision.criterion)
        if any(demands(criterion, cards[digest], truth) for truth in (True, False)):
            finding = next(f for f in item.result.evaluation.findings if f.criterion == criterion.id)
            yield Judged(item.result.conversation, cards[digest], criterion, finding, decision)


def labels_of(judged: Judged, number: int) -> Iterator[Label]:
    """What a decision says of single turns of conversation `number`.

    A person who says that something happened vouches for the turn they name, else for the evidence of a machine that
    said so too. A person who overrules a machine that found something denies its evidence.
    """
    from models.utterance.learning import Label

    criterion, decision = judged.criterion, judged.decision
    happened = _happened(decision.person, criterion)
    if happened is None:
        return
    if decision.turn is not None:
        turns = [decision.turn]
    elif decision.machine is Verdict.PARTIAL or _happened(decision.machine, criterion):
        turns = sorted({place.turn for place in judged.finding.evidence})
    else:
        return
    for demand in demands(criterion, judged.card, happened):
        for turn in turns:
            speaker = judged.conversation.turns[turn].speaker
            if speaker in (Speaker.AGENT, Speaker.CUSTOMER) and demand.by in (speaker.value, "anyone"):
                yield Label(number, turn, demand.acts, demand.there)


def compare(held: Sequence[Judged], old: Reader, new: Reader) -> Comparison:
    """How often two readers give the verdict of people."""
    names = sorted({one.decision.interaction for one in held})
    right = {which: np.zeros((len(names), 2)) for which in ("old", "new")}
    for which, reader in (("old", old), ("new", new)):
        for one, verdict in zip(held, _verdicts(held, reader), strict=True):
            right[which][names.index(one.decision.interaction)] += (verdict is one.decision.person, 1)
    sums = {which: rows.sum(0) for which, rows in right.items()}
    if not held:
        return Comparison(0, 0, 0, 0, None, None, None)
    draws = np.random.default_rng(0).integers(0, len(names), (_DRAWS, len(names)))
    shares = {which: rows[draws, 0].sum(1) / rows[draws, 1].sum(1) for which, rows in right.items()}
    values = {which: rows[0] / rows[1] for which, rows in sums.items()}
    return Comparison(
        decisions=len(held),
        interactions=len(names),
        old_right=int(sums["old"][0]),
        new_right=int(sums["new"][0]),
        old=_share(values["old"], shares["old"]),
        new=_share(values["new"], shares["new"]),
        gain=_share(values["new"] - values["old"], shares["new"] - shares["old"]),
    )


def _said(conversation: Conversation) -> tuple[Utterance, ...]:
    return tuple(
        Utterance("agent" if turn.speaker is Speaker.AGENT else "customer", turn.text)
        if turn.speaker in (Speaker.AGENT, Speaker.CUSTOMER)
        else Utterance("other", turn.text)
        for turn in conversation.turns
    )


def _share(value: float, draws: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Share:
    low, high = np.quantile(draws, (0.025, 0.975))
    return Share(float(value), float(low), float(high))


def _verdicts(held: Sequence[Judged], reader: Reader) -> list[Verdict]:
    once = {id(one.conversation): one.conversation for one in held}
    again = dict(zip(once, read(once.values(), reader=reader), strict=True))
    verdicts: list[Verdict] = []
    for one in held:
        conversation = again[id(one.conversation)]
        verdicts.append(judge(one.criterion, conversation, context_for(one.card, conversation)).verdict)
    return verdicts


def _happened(verdict: Verdict, criterion: Criterion) -> bool | None:
    """Whether, by this verdict, what the criterion looks for was there; `None` where that is left open."""
    if verdict not in (Verdict.MET, Verdict.UNMET):
        return None
    return (verdict is Verdict.MET) is not criterion.fault


def demands(criterion: Criterion, card: Scorecard, happened: bool) -> tuple[Demand, ...]:
    """What the criterion says of acts where it holds (`happened`), or where neither it nor its weaker form does."""
    conditions = {name: condition.operator for name, condition in card.conditions.items()}
    found = list(_of(criterion.expression, happened, conditions))
    if not happened and criterion.partial is not None:
        found += _of(criterion.partial, False, conditions)
    return tuple(dict.fromkeys(found))


def _of(expression: ExpressionBase, holds: bool, conditions: Mapping[str, ExpressionBase]) -> Iterator[Demand]:
    operator, params = expression.operator, expression.params
    if operator == "act" and params.any:
        yield Demand(tuple(params.any), params.by, holds)
    elif operator == "condition":
        yield from _of(conditions[params], holds, conditions)
    elif operator == "not":
        yield from _of(params, not holds, conditions)
    elif operator == "sequence":
        yield from _of(params.expect, holds, conditions)
    elif operator in ("any_of", "all_of"):
        parts = [list(_of(part, holds, conditions)) for part in params]
        if holds is (operator == "all_of") or len(parts) == 1:
            for part in parts:
                yield from part
        elif operator == "any_of":
            # One branch at least holds, nobody knows which: one of all their acts is there.
            for by in dict.fromkeys(demand.by for part in parts for demand in part if demand.there):
                acts = [act for part in parts for d in part if d.there and d.by == by for act in d.acts]
                yield Demand(tuple(dict.fromkeys(acts)), by, True)
