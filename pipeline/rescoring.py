"""A dry run: what a changed scorecard would have said of conversations that were heard and read already.

Both cards score the same stored turns and readings with this version of zhijian, so that every difference comes from
the cards. Figures are kept as running sums: memory does not grow with the number of conversations.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Literal, TypeAlias

from pipeline import __version__
from pipeline.conversation import Agent, Conversation, Evaluation, Json, ReviewItem
from pipeline.flagging import flag
from pipeline.intervals import mean_interval
from pipeline.sampling import Minimums
from pipeline.scorecard import Scorecard
from pipeline.scoring import rules_of, score, wants_reader

EXAMPLES = 5
"""Interactions that are named for each kind of change."""
SHIFTS = 200
"""Changed interactions that are kept one by one, the gravest first."""

Reader: TypeAlias = Literal["present", "missing", "other"]
"""Whether a conversation was read by the reader in use, not at all, or by another one."""
Direction: TypeAlias = Literal["gains", "loses", "unclear", "same"]


@dataclass(frozen=True, slots=True)
class CardName:
    """A card as evaluations name it."""

    id: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class Effect:
    """Totals before and after, over the `count` interactions that have both: means, and the mean change.

    `low` and `high` bound the mean change: 95 % interval of paired differences (Student's t); `None` for a single one.
    """

    count: int
    before: float
    after: float
    change: float
    low: float | None
    high: float | None

    @property
    def direction(self) -> Direction:
        """Who gains or loses beyond chance; `unclear` where the interval holds 0, or there is only one interaction."""
        if self.before == self.after and not self.low and not self.high:
            return "same"
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return "unclear"
        return "gains" if self.low > 0 else "loses"


@dataclass(frozen=True, slots=True)
class AgentEffect:
    """What the change means for one agent; `effect` is `None` where no interaction of theirs has both totals."""

    agent: Agent
    interactions: int
    effect: Effect | None
    passed_before: int
    passed_after: int
    flagged_before: int
    flagged_after: int


@dataclass(frozen=True, slots=True)
class Transition:
    """How often something went from one value to another, with the ids of some interactions; `None` = not there."""

    before: str | None
    after: str | None
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CriterionEffect:
    """One criterion under both cards. `stale` counts interactions whose readings it rests on are missing or others'."""

    id: str
    kind: Literal["kept", "added", "removed"]
    changed: int
    transitions: tuple[Transition, ...]
    stale: int = 0


@dataclass(frozen=True, slots=True)
class FlagEffect:
    """One reason for review under both cards: how often, and how often and where it appears and vanishes."""

    reason: str
    before: int
    after: int
    appeared: int
    vanished: int
    appeared_in: tuple[str, ...]
    vanished_in: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """One interaction that is judged differently: total, pass, band and review before and after."""

    interaction: str
    agent: str | None
    before: float | None
    after: float | None
    passed_before: bool | None
    passed_after: bool | None
    band_before: str | None
    band_after: str | None
    flagged_before: bool
    flagged_after: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """What would change. `shifts` are the gravest changes of pass, band or review; `changed` counts all of them.

    `flagged_before` and `flagged_after` include `drawn_before` and `drawn_after`, which only the minimum of a random
    rule asks for. `missing` and `other` count interactions that were not read, or by another reader than the one in
    use; `older` those that another version of zhijian measured.
    """

    old: CardName
    new: CardName
    interactions: int
    first_day: date | None
    last_day: date | None
    overall: Effect | None
    agents: tuple[AgentEffect, ...]
    passes: tuple[Transition, ...]
    bands: tuple[Transition, ...]
    criteria: tuple[CriterionEffect, ...]
    flags: tuple[FlagEffect, ...]
    flagged_before: int
    flagged_after: int
    shifts: tuple[Shift, ...]
    changed: int
    missing: int = 0
    other: int = 0
    older: int = 0
    drawn_before: int = 0
    drawn_after: int = 0

    @property
    def days(self) -> int | None:
        """Days that the interactions cover; `None` where no day is known."""
        if self.first_day is None or self.last_day is None:
            return None
        return (self.last_day - self.first_day).days + 1

    def record(self) -> dict[str, Json]:
        """The comparison as a JSON object (docs/formats.md)."""
        told: dict[str, Json] = asdict(self)
        for key, day in (("first_day", self.first_day), ("last_day", self.last_day)):
            told[key] = None if day is None else day.isoformat()
        return told


@dataclass(frozen=True, slots=True)
class Pair:
    """One conversation under both cards."""

    before: Evaluation
    after: Evaluation
    review_before: ReviewItem
    review_after: ReviewItem


def compare(conversations: Iterable[Conversation], old: Scorecard, new: Scorecard) -> Comparison:
    """What `new` would have changed against `old`, over conversations with their readings."""
    tally = Tally(old, new)
    for conversation in conversations:
        tally.add(conversation)
    return tally.comparison()


@dataclass(slots=True)
class _Sums:
    """Running sums of paired totals (Welford's method for the variance of the differences)."""

    count: int = 0
    before: float = 0.0
    after: float = 0.0
    change: float = 0.0
    squares: float = 0.0

    def add(self, before: float, after: float) -> None:
        self.count += 1
        self.before += before
        self.after += after
        step = after - before - self.change
        self.change += step / self.count
        self.squares += step * (after - before - self.change)

    def effect(self) -> Effect | None:
        if not self.count:
            return None
        variance = self.squares / (self.count - 1) if self.count > 1 else 0.0
        half = mean_interval(self.count, variance)
        change = (self.after - self.before) / self.count
        return Effect(
            self.count,
            round(self.before / self.count, 2),
            round(self.after / self.count, 2),
            round(change, 2),
            None if half is None else round(change - half, 2),
            None if half is None else round(change + half, 2),
        )


@dataclass(slots=True)
class _Counts:
    """How often each pair of values was seen, with some ids."""

    counts: Counter[tuple[str | None, str | None]] = field(default_factory=Counter)
    examples: dict[tuple[str | None, str | None], list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, before: str | None, after: str | None, interaction: str) -> None:
        key = (before, after)
        self.counts[key] += 1
        if before != after and len(self.examples[key]) < EXAMPLES:
            self.examples[key].append(interaction)

    def transitions(self) -> tuple[Transition, ...]:
        """What changed first, most frequent first."""
        ordered = sorted(self.counts.items(), key=lambda item: (item[0][0] == item[0][1], -item[1], str(item[0])))
        return tuple(
            Transition(before, after, count, tuple(self.examples.get((before, after), ())))
            for (before, after), count in ordered
        )


@dataclass(slots=True)
class _AgentSums:
    agent: Agent
    sums: _Sums = field(default_factory=_Sums)
    interactions: int = 0
    passed: list[int] = field(default_factory=lambda: [0, 0])
    flagged: list[int] = field(default_factory=lambda: [0, 0])


class Tally:
    """Adds up a comparison, one conversation at a time.

    Args:
        old: the card to compare with.
        new: the changed card.
    """

    def __init__(self, old: Scorecard, new: Scorecard) -> None:
        self._old, self._new = old, new
        self._count = self._changed = 0
        self._days: list[date] = []
        self._overall = _Sums()
        self._agents: dict[str, _AgentSums] = {}
        self._passes, self._bands = _Counts(), _Counts()
        self._criteria: dict[str, _Counts] = {c.id: _Counts() for card in (new, old) for c in card.criteria}
        self._flags: dict[str, _Counts] = defaultdict(_Counts)
        self._flagged = [0, 0]
        self._minimums = Minimums(old), Minimums(new)
        self._gravest: list[tuple[tuple[int, float, str], Shift]] = []
        self._readers: Counter[Reader] = Counter()
        self._older = 0
        self._stale: Counter[str] = Counter()
        self._reading = frozenset(_reading(old) | _reading(new))

    def add(
        self,
        conversation: Conversation,
        *,
        models: Mapping[str, str] = MappingProxyType({}),
        reader: Reader = "present",
        engine_version: str = __version__,
    ) -> Pair:
        """Score a conversation by both cards and add what changed.

        Args:
            conversation: with what was measured and read.
            models: that heard and read it.
            reader: whether that was the reader in use. Without readings it counts as `missing`.
            engine_version: the version of zhijian that measured it.
        """
        evaluations = [
            score(conversation, card, engine_version=__version__, models=models) for card in (self._old, self._new)
        ]
        reviews = [
            flag(evaluation, conversation, card)
            for evaluation, card in zip(evaluations, (self._old, self._new), strict=True)
        ]
        pair = Pair(evaluations[0], evaluations[1], reviews[0], reviews[1])
        self._note_reader(conversation, reader, engine_version)
        self._note_totals(conversation, pair)
        self._note_criteria(pair)
        self._note_flags(pair)
        return pair

    def comparison(self) -> Comparison:
        """What was added up so far."""
        drawn = [minimum.added() for minimum in self._minimums]
        gravest = sorted(self._gravest, key=lambda item: item[0], reverse=True)
        return Comparison(
            old=CardName(self._old.id, self._old.version, self._old.digest),
            new=CardName(self._new.id, self._new.version, self._new.digest),
            interactions=self._count,
            first_day=self._days[0] if self._days else None,
            last_day=self._days[-1] if self._days else None,
            overall=self._overall.effect(),
            agents=tuple(sorted((_agent(sums) for sums in self._agents.values()), key=_worst_first)),
            passes=self._passes.transitions(),
            bands=self._bands.transitions(),
            criteria=tuple(self._criterion(name) for name in self._criteria),
            flags=tuple(sorted(map(self._flag, self._flags), key=lambda f: (-(f.appeared + f.vanished), f.reason))),
            flagged_before=self._flagged[0] + drawn[0],
            flagged_after=self._flagged[1] + drawn[1],
            shifts=tuple(shift for _, shift in gravest),
            changed=self._changed,
            missing=self._readers["missing"],
            other=self._readers["other"],
            older=self._older,
            drawn_before=drawn[0],
            drawn_after=drawn[1],
        )

    def _note_reader(self, conversation: Conversation, reader: Reader, engine_version: str) -> None:
        state: Reader = reader if conversation.readings else "missing"
        self._count += 1
        self._readers[state] += 1
        self._older += engine_version != __version__
        if state != "present":
            self._stale.update(self._reading)
        started = conversation.interaction.started_at
        if started is not None:
            days = [*self._days, started.date()]
            self._days = [min(days), max(days)]

    def _note_totals(self, conversation: Conversation, pair: Pair) -> None:
        before, after = pair.before, pair.after
        identifier, agent = before.interaction, conversation.interaction.agent
        self._passes.add(_passed(before), _passed(after), identifier)
        self._bands.add(before.band, after.band, identifier)
        everyone = [self._overall]
        self._flagged[0] += pair.review_before.flagged
        self._flagged[1] += pair.review_after.flagged
        self._minimums[0].add(conversation, before, pair.review_before)
        self._minimums[1].add(conversation, after, pair.review_after)
        if agent is not None:
            sums = self._agents.setdefault(agent.id, _AgentSums(agent))
            sums.interactions += 1
            sums.passed[0] += before.passed is True
            sums.passed[1] += after.passed is True
            sums.flagged[0] += pair.review_before.flagged
            sums.flagged[1] += pair.review_after.flagged
            everyone.append(sums.sums)
        if before.total is not None and after.total is not None:
            for each in everyone:
                each.add(before.total, after.total)
        shift = Shift(
            identifier,
            agent.id if agent else None,
            before.total,
            after.total,
            before.passed,
            after.passed,
            before.band,
            after.band,
            pair.review_before.flagged,
            pair.review_after.flagged,
        )
        gravity = _gravity(shift)
        if gravity is not None:
            self._changed += 1
            entry = ((*gravity, identifier), shift)
            if len(self._gravest) < SHIFTS:
                heapq.heappush(self._gravest, entry)
            else:
                heapq.heappushpop(self._gravest, entry)

    def _note_criteria(self, pair: Pair) -> None:
        before = {finding.criterion: finding.verdict.value for finding in pair.before.findings}
        after = {finding.criterion: finding.verdict.value for finding in pair.after.findings}
        for name, counts in self._criteria.items():
            counts.add(before.get(name), after.get(name), pair.before.interaction)

    def _note_flags(self, pair: Pair) -> None:
        before, after = set(pair.review_before.reasons), set(pair.review_after.reasons)
        for reason in sorted(before | after):
            was, will = ("yes" if reason in reasons else None for reasons in (before, after))
            self._flags[reason].add(was, will, pair.before.interaction)

    def _criterion(self, name: str) -> CriterionEffect:
        counts = self._criteria[name]
        kind: Literal["kept", "added", "removed"] = "kept"
        if all(criterion.id != name for criterion in self._old.criteria):
            kind = "added"
        elif all(criterion.id != name for criterion in self._new.criteria):
            kind = "removed"
        changed = sum(count for (before, after), count in counts.counts.items() if before != after)
        return CriterionEffect(name, kind, changed, counts.transitions(), self._stale[name])

    def _flag(self, reason: str) -> FlagEffect:
        counts, examples = self._flags[reason].counts, self._flags[reason].examples
        both, come, gone = counts["yes", "yes"], counts[None, "yes"], counts["yes", None]
        return FlagEffect(
            reason,
            both + gone,
            both + come,
            come,
            gone,
            tuple(examples.get((None, "yes"), ())),
            tuple(examples.get(("yes", None), ())),
        )


def _reading(card: Scorecard) -> set[str]:
    """Ids of the criteria that rest on what a reader read."""
    rules = rules_of(card)
    return {criterion.id for criterion in card.criteria if wants_reader(criterion, rules)}


def _passed(evaluation: Evaluation) -> str | None:
    return None if evaluation.passed is None else "passed" if evaluation.passed else "failed"


def _gravity(shift: Shift) -> tuple[int, float] | None:
    """How grave a change is: pass or fail first, then band, then review; by points. `None` where nothing changed."""
    rank = (
        4 * (shift.passed_before is not shift.passed_after)
        + 2 * (shift.band_before != shift.band_after)
        + (shift.flagged_before is not shift.flagged_after)
    )
    if not rank:
        return None
    known = shift.before is not None and shift.after is not None
    return rank, abs((shift.after or 0.0) - (shift.before or 0.0)) if known else math.inf


def _agent(sums: _AgentSums) -> AgentEffect:
    return AgentEffect(
        sums.agent,
        sums.interactions,
        sums.sums.effect(),
        sums.passed[0],
        sums.passed[1],
        sums.flagged[0],
        sums.flagged[1],
    )


def _worst_first(agent: AgentEffect) -> tuple[float, str]:
    return (agent.effect.change if agent.effect else 0.0), agent.agent.id
