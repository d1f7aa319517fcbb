"""What the store takes and gives: frozen records, no rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from pipeline.conversation import (
    Agent,
    Channel,
    Conversation,
    Evaluation,
    Json,
    ReviewItem,
    SetAside,
    Speaker,
    Verdict,
)

BEAT = 60.0
"""Seconds after which a process that works on something says again that it lives (`pipeline.store.work`)."""


@dataclass(frozen=True, slots=True)
class Result:
    """One interaction heard, read and scored. `recording` of its interaction is the store's own copy."""

    conversation: Conversation
    evaluation: Evaluation
    review: ReviewItem
    evaluated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """A result without anything that was said: no turns, and findings without quotes and reasons.

    Confidence has two decimals, and of the measures there are those that lists show (length and mood).

    `revision` changes where something was deleted of what is kept; all else of a result stays as it is.
    """

    result: Result
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One run over an inbox: how many interactions were taken in, evaluated anew, known already, and set aside."""

    id: int
    inbox: str
    engine: str
    started_at: datetime
    finished_at: datetime | None
    taken: int
    evaluated: int
    known: int
    set_aside: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided on one criterion of one evaluation. Never edited: a later decision stands beside it.

    `machine` is the verdict that the person looked at, `person` their own. `turn` is the index of the turn that they
    name as evidence, `None` where they name none.
    """

    interaction: str
    scorecard_id: str
    scorecard_digest: str
    criterion: str
    machine: Verdict
    person: Verdict
    turn: int | None
    why: str
    who: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Reviewed:
    """An evaluation that people decided on, with their last decision on each criterion."""

    result: Result
    decisions: tuple[Decision, ...]


class CardState(StrEnum):
    """Where a version of a scorecard stands: still being written, in use, or out of use."""

    DRAFT = "draft"
    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class CardChange:
    """One step in the life of a version: which state and content it got, from whom, why and when."""

    state: CardState
    digest: str
    who: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CardVersion:
    """A version of a scorecard: its content by digest, its state, and its history, first step first.

    `evaluations` counts the evaluations in the store that this content made.
    """

    scorecard_id: str
    version: str
    digest: str
    state: CardState
    changes: tuple[CardChange, ...]
    evaluations: int = 0

    @property
    def name(self) -> str:
        """`ID@VERSION`, as commands take it."""
        return f"{self.scorecard_id}@{self.version}"


@dataclass(frozen=True, slots=True)
class Item:
    """Something to work on: a content and the file that it came in."""

    digest: str
    source: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a content could not be worked on. `hopeless`: no further try can help. `counts`: the content is at fault."""

    digest: str
    source: str
    code: str
    reason: str
    hint: str
    hopeless: bool = False
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Laid:
    """A batch of a run that several processes work on: how many are in it, and who, as JSON."""

    number: int
    name: str
    size: int
    content: Json


@dataclass(frozen=True, slots=True)
class Shared:
    """How such a batch stands. `worker` is the process that took it, `working` whether that is still at it.

    `results` is `None` until it is done; `problem` is why somebody gave it back.
    """

    number: int
    size: int
    worker: str | None
    working: bool
    results: int | None
    evaluated: int
    set_aside: tuple[SetAside, ...]
    problem: str

    @property
    def done(self) -> bool:
        """Whether it was worked off."""
        return self.results is not None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A content that is passed over until a person asks for another try."""

    digest: str
    source: str
    inbox: str
    tries: int
    code: str
    reason: str
    hint: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """A conversation as it was heard and read for its newest evaluation: by which models and version of zhijian."""

    conversation: Conversation
    models: Mapping[str, str]
    engine_version: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One interaction in a list, by its newest evaluation. `moment` is when it began, else when it was taken in.

    `decided`: a person has decided on the evaluation.
    """

    interaction: str
    digest: str
    channel: Channel
    agent: Agent | None
    moment: datetime
    scorecard_id: str
    total: float | None
    passed: bool | None
    flagged: bool
    priority: float
    decided: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """An interaction in which a text was said: the first turn that has it, where in it, and how many turns have it.

    `start` is the turn's beginning in seconds. Of several texts the place is that of the first one.
    """

    case: Listed
    turn: int
    speaker: Speaker
    text: str
    span: tuple[int, int]
    start: float | None
    count: int


@dataclass(frozen=True, slots=True)
class Message:
    """What an alert says. `alert` is its identity; `subjects` are things that no two alerts are made about.

    `report` is where one can read on: an address or a path. `about` is the subject of each line from the first one on;
    lines beyond it tell of no single one.
    """

    alert: str
    kind: str
    title: str
    lines: tuple[str, ...]
    report: str
    made_at: datetime
    subjects: tuple[str, ...] = ()
    about: tuple[str, ...] = ()


class LetterState(StrEnum):
    """Where a message to a receiver stands. `unknown`: sent twice, and nobody knows whether it arrived."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to one receiver. `doubts` counts the tries of which nobody knows whether they arrived."""

    id: int
    key: str
    receiver: str
    message: Message
    state: LetterState
    doubts: int
    tries: int
    changed_at: datetime
    problem: str


def ears(models: Mapping[str, str]) -> str:
    """Digest of the speech model among `models` (name → `name@digest`); empty where nothing had to be heard."""
    return models.get("asr", "").rpartition("@")[2]


def models_digest(models: Mapping[str, str]) -> str:
    """`sha256:…` of the models (name → `name@digest`) that an evaluation rests on."""
    return _models_digest(tuple(models.items()))


@lru_cache
def _models_digest(models: tuple[tuple[str, str], ...]) -> str:
    text = json.dumps(dict(models), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
