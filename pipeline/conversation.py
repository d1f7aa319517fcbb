"""The nouns that flow through zhijian, in the order of the flow.

All are frozen. Times are seconds from the start of the interaction, intervals are half-open `[start, end)`. `None`
means "not known" or "could not be measured", never zero. Character spans are half-open offsets into `Turn.text`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from pipeline.errors import ZhijianError

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class Channel(StrEnum):
    """How the customer reached the company."""

    CALL = "call"
    CHAT = "chat"
    EMAIL = "email"


class Speaker(StrEnum):
    """Who speaks a turn."""

    AGENT = "agent"
    CUSTOMER = "customer"
    BOT = "bot"
    SYSTEM = "system"
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    """What a criterion says of a conversation. For a fault, `MET` means that the fault did not happen."""

    MET = "met"
    PARTIAL = "partial"
    UNMET = "unmet"
    NOT_APPLICABLE = "not_applicable"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Agent:
    """The agent who handled the interaction."""

    id: str
    name: str | None = None
    team: str | None = None
    hired_on: str | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """The customer, as far as the company's records tell."""

    id: str | None = None
    segment: str | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word (in Chinese: one to a few characters) with its times in seconds and its probability 0…1."""

    text: str
    start: float
    end: float
    probability: float


@dataclass(frozen=True, slots=True)
class Mark:
    """Personal data that was hidden behind a placeholder at `span` of a turn's text.

    `kind` is one of `pipeline.placeholders.LABELS`, `characters` how many spoken characters are hidden. Pieces of one
    thing, such as a telephone number dictated over several turns, share `thing`, a number within the conversation.
    `certain` says that check digit or form prove the kind; `given` is the last turn (index) from which on the other
    side had said the same, `None` where it had not.
    """

    kind: str
    span: tuple[int, int]
    characters: int
    thing: int
    certain: bool
    given: int | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One uninterrupted contribution of one speaker.

    `text` is simplified Chinese after normalisation, `original` the text as delivered. `confidence` is the mean word
    probability 0…1 of the recogniser, `None` for text that came as text. `role_confidence` says how sure the speaker's
    role is (1.0 where the channel or the file told it). `loudness` is the mean level of the words in dB relative to
    full scale (0 = as loud as can be, −96 at least), `sound_before` the level that lasts through the gap before the
    turn, in which nobody spoke: hold music, or the noise of the line. Both are `None` where no sound was measured.
    `marks` are the placeholders in `text`; the words that they hide are empty and keep their times.
    """

    index: int
    speaker: Speaker
    text: str
    original: str = ""
    start: float | None = None
    end: float | None = None
    confidence: float | None = None
    role_confidence: float = 1.0
    words: tuple[Word, ...] = ()
    loudness: float | None = None
    sound_before: float | None = None
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Interaction:
    """One call, chat or e-mail as it came in, before anything was heard or read.

    `recording` is the path of the audio file, `channels` maps `left`/`right`/`mono` to the role heard there. `digest`
    is `sha256:…` over the JSON content and the audio bytes, and is the interaction's identity for the store. `source`
    names file (and line) for messages. `extra` keeps unknown keys of the input.
    """

    id: str
    channel: Channel
    digest: str
    source: str
    agent: Agent | None = None
    customer: Customer | None = None
    queue: str | None = None
    started_at: datetime | None = None
    recording: str | None = None
    channels: Mapping[str, Speaker] = field(default_factory=lambda: MappingProxyType({}))
    turns: tuple[Turn, ...] = ()
    csat: float | None = None
    attributes: Mapping[str, Json] = field(default_factory=lambda: MappingProxyType({}))
    extra: Mapping[str, Json] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def written(self) -> bool:
        """Whether the turns came with it as text, so that nothing has to be heard."""
        return bool(self.turns)


@dataclass(frozen=True, slots=True)
class SetAside:
    """A file, or a line of one, that could not be taken; the batch went on without it."""

    source: str
    code: str
    reason: str
    hint: str = ""

    @classmethod
    def because(cls, error: ZhijianError, source: str) -> SetAside:
        """What an error says of a file."""
        return cls(source, error.code, error.what, error.hint)


@dataclass(frozen=True, slots=True)
class Hearing:
    """How well a recording could be heard. `None` in a `Conversation` where nothing had to be heard.

    `channels` is the number of audio channels that carry different sound (1 for mono and dual mono). `speech_seconds`
    is what the voice detector found. `warnings` are stable keys such as `dual_mono`, `no_speech`, `roles_guessed`,
    `truncated`, `loop_removed`. `waveform` is its outline as `pipeline.waveform` has it; it is empty where nobody needs
    it (in outlines), and where the recording was deleted.
    """

    duration: float
    sample_rate: int
    channels: int
    speech_seconds: float
    confidence: float | None
    warnings: tuple[str, ...] = ()
    waveform: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Measures:
    """Numbers taken from one conversation (docs/formats.md `measures`); `None` where one could not be taken."""

    politeness: float | None = None
    empathy: float | None = None
    sentiment_start: float | None = None
    sentiment_end: float | None = None
    agent_sentiment: float | None = None
    agent_chars_per_minute: float | None = None
    silence_ratio: float | None = None
    longest_silence: float | None = None
    overlap_seconds: float | None = None
    interruptions_by_agent: int | None = None
    agent_talk_ratio: float | None = None
    first_response: float | None = None
    duration: float | None = None


@dataclass(frozen=True, slots=True)
class Classes:
    """What kind of conversation it was (docs/formats.md `classes`). `complaint_level` 1 is the gravest.

    `need` is what the customer needs besides the matter itself; scorecards may ask for it, the format does not tell it.
    """

    complaint_type: str | None = None
    complaint_level: int | None = None
    problem: str | None = None
    resolved: bool | None = None
    need: str | None = None


@dataclass(frozen=True, slots=True)
class Cue:
    """Characters of a turn that carried a reading, and what they were taken for."""

    kind: str
    span: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Reading:
    """How one turn reads: politeness and empathy 0…1 (agent turns), sentiment −1…1, confidence 0…1, acts, cues.

    `disputed` names the acts of which wording and learnt reading say the opposite.
    """

    politeness: float | None = None
    empathy: float | None = None
    sentiment: float | None = None
    confidence: float = 0.0
    acts: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    cues: tuple[Cue, ...] = ()
    disputed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence in the catalogue (`pipeline/locales`), by key, with its arguments; told in the reader's language."""

    key: str
    args: Mapping[str, str | int | float] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a language model answered to a question of a scorecard: a choice, the words it quotes, and why it says so.

    `quote` and `said` hold no personal data. `problem` tells why there is no answer; `value` is then empty.
    """

    value: str = ""
    quote: str = ""
    said: str = ""
    problem: Reason | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """An interaction whose turns are known, in order of time, with what was measured and read.

    `readings` is empty until the reading step ran; then it has one entry a turn. `answers` are those to the questions
    of a scorecard, by the digest of the question; a question that is not in it was not asked. `sealed` is what was
    masked, encrypted, where the settings ask for that.
    """

    interaction: Interaction
    turns: tuple[Turn, ...]
    measures: Measures = Measures()
    classes: Classes = Classes()
    hearing: Hearing | None = None
    readings: tuple[Reading, ...] = ()
    answers: Mapping[str, Answer] = field(default_factory=lambda: MappingProxyType({}))
    sealed: str = ""

    def __post_init__(self) -> None:
        if self.readings and len(self.readings) != len(self.turns):
            raise ValueError(f"{len(self.readings)} readings for {len(self.turns)} turns of {self.interaction.id}")

    @property
    def timed(self) -> bool:
        """Whether every turn has start and end, so that rules about time apply."""
        return bool(self.turns) and all(t.start is not None and t.end is not None for t in self.turns)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a finding can be heard and read: turn index, seconds, character span in the turn's text, and the quote."""

    turn: int
    start: float | None
    end: float | None
    span: tuple[int, int]
    quote: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What one criterion says of one conversation, with points, reason and evidence.

    `fault` is true for a "must not happen" criterion, `bonus` for one that only rewards. `fatal` is true only where
    this finding fails the whole card, `section_fatal` only where it takes all points of its section.
    """

    criterion: str
    section: str
    verdict: Verdict
    points: float
    max_points: float
    confidence: float
    why: Reason
    evidence: tuple[Evidence, ...] = ()
    fault: bool = False
    fatal: bool = False
    section_fatal: bool = False
    bonus: bool = False

    @property
    def lost(self) -> bool:
        """Whether something was done wrong or left undone; a bonus that was not earned is no loss."""
        return self.verdict in (Verdict.UNMET, Verdict.PARTIAL) and not self.bonus


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The machine's verdict on one conversation under one version of a scorecard. Never edited once made.

    `critical` is the share of the card's critical criteria that was met, 0…100; `None` where none could be judged.
    """

    interaction: str
    scorecard_id: str
    scorecard_version: str
    scorecard_digest: str
    engine_version: str
    models: Mapping[str, str]
    total: float | None
    max: float
    passed: bool | None
    band: str | None
    fatal: tuple[str, ...]
    findings: tuple[Finding, ...]
    measures: Measures
    classes: Classes
    critical: float | None = None


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """Whether a person must look, how urgently (0…1), and the rules that say so (`fatal:rudeness`, `random_sample`)."""

    interaction: str
    flagged: bool
    priority: float
    reasons: tuple[str, ...]
