"""What a report is made from: a `Night` of cases, the files set aside, and the wording of the scorecards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from pipeline.conversation import Agent, Conversation, Evaluation, ReviewItem, SetAside, Verdict
from pipeline.i18n import Language

Text = Mapping[Language, str]


@dataclass(frozen=True, slots=True)
class CriterionText:
    """How a criterion is called, what to do better, whether it is a fault ("must not happen"), and how grave it is."""

    title: Text
    section: str
    advice: Text | None = None
    fault: bool = False
    severity: str = "major"


@dataclass(frozen=True, slots=True)
class CardText:
    """The wording of one scorecard and its pass mark. `rules` are the flag rules of its own.

    Ids that it does not know are shown as they are.
    """

    id: str
    title: Text
    pass_mark: float | None = None
    sections: Mapping[str, Text] = field(default_factory=lambda: MappingProxyType({}))
    criteria: Mapping[str, CriterionText] = field(default_factory=lambda: MappingProxyType({}))
    bands: Mapping[str, Text] = field(default_factory=lambda: MappingProxyType({}))
    rules: Mapping[str, Text] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Case:
    """One interaction with everything known about it. `media` is its recording on disk, `None` where there is none.

    `reviewed` is what the evaluation comes to with the decisions of people, `None` where nobody decided anything;
    `decided` are their verdicts by criterion. The machine's own evaluation and reasons stay as they are.

    Of many cases only outlines are held (`pipeline.store.records.Outline`): `revision` is that of the outline.
    """

    conversation: Conversation
    evaluation: Evaluation
    review: ReviewItem
    media: Path | None = None
    reviewed: Evaluation | None = None
    decided: Mapping[str, Verdict] = field(default_factory=lambda: MappingProxyType({}))
    revision: str = ""

    @property
    def waiting(self) -> tuple[str, ...]:
        """The reasons for review, without those that waited for a decision that has been made."""
        done = {f"manual:{criterion}" for criterion in self.decided}
        return tuple(reason for reason in self.review.reasons if reason not in done)

    @property
    def id(self) -> str:
        """The interaction's id."""
        return self.conversation.interaction.id

    @property
    def agent(self) -> Agent | None:
        """Who handled it, if known."""
        return self.conversation.interaction.agent

    @property
    def started_at(self) -> datetime | None:
        """When it began, if known."""
        return self.conversation.interaction.started_at

    @property
    def in_time(self) -> tuple[bool, float, str]:
        """Its place in the order of time: by the moment it began, whatever the offset; those without one come last."""
        return self.started_at is None, self.started_at.timestamp() if self.started_at else 0.0, self.id


@dataclass(frozen=True, slots=True)
class Night:
    """The cases of one report, the files set aside, and the wording of the scorecards that were used, by id.

    Where `load` is given, the cases are outlines, and it gives them whole, some at a time and in their order; a case
    that is gone by now is left out.
    """

    made_at: datetime
    cases: tuple[Case, ...]
    set_aside: tuple[SetAside, ...] = ()
    cards: Mapping[str, CardText] = field(default_factory=lambda: MappingProxyType({}))
    load: Callable[[Iterable[Case]], Iterator[Case]] | None = None

    def whole(self, cases: Iterable[Case]) -> Iterator[Case]:
        """These cases with all that was said."""
        return iter(cases) if self.load is None else self.load(cases)

    def card(self, case: Case) -> CardText | None:
        """The wording of the scorecard that `case` was scored by."""
        return self.cards.get(case.evaluation.scorecard_id)

    def criterion(self, criterion: str) -> CriterionText | None:
        """The wording of `criterion` in the first card that has it."""
        return next((c.criteria[criterion] for c in self.cards.values() if criterion in c.criteria), None)
