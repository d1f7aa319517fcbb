"""What the page of one interaction shows: the transcript in marked segments, and the scorecard by section."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from pipeline.conversation import Channel, Conversation, Evidence, Finding, Measures, Turn, Verdict
from pipeline.formats_out import heard_warnings
from pipeline.reports.material import CardText, Case, Night
from pipeline.reports.timeline import Axis, place
from pipeline.reports.words import UNKNOWN, Words, mood_kind

if TYPE_CHECKING:
    from collections.abc import Sequence

DOUBTFUL = 0.5
"""Words heard with a probability below this are marked."""

AROUND = 10
"""Characters shown on both sides of a quote in the scorecard."""

LOOKS = {
    Verdict.MET: "good",
    Verdict.PARTIAL: "partial",
    Verdict.UNMET: "bad",
    Verdict.NOT_APPLICABLE: "na",
    Verdict.UNSURE: "unsure",
}
"""Style class of a verdict."""

_WORST_FIRST = ("bad", "partial", "unsure", "good", "na")
_SHARES = ("silence_ratio", "agent_talk_ratio")
_SECONDS = ("longest_silence", "overlap_seconds", "first_response", "duration")
_SENTIMENTS = ("sentiment_start", "sentiment_end", "agent_sentiment")
_TIMED_ONLY = frozenset(
    {"silence_ratio", "longest_silence", "overlap_seconds", "interruptions_by_agent", "agent_chars_per_minute"}
)


@dataclass(frozen=True, slots=True)
class Segment:
    """Characters of a turn that are marked alike: by the `look` of the worst finding, and as doubtfully heard."""

    text: str
    look: str = ""
    findings: tuple[int, ...] = ()
    title: str = ""
    doubt: float | None = None


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A quote with some of the words around it; an ellipsis where the turn goes on."""

    before: str
    quote: str
    after: str


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """One quote with the second to play and its place on the timeline (shares 0…1)."""

    turn: int
    excerpt: Excerpt
    start: float | None
    clock: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class FindingView:
    """One line of the scorecard. `number` is its place on the page, `lost` whether it cost points.

    `advice` is the card's own, and empty where nothing was lost.
    """

    number: int
    id: str
    title: str
    look: str
    verdict: str
    points: str
    why: str
    confidence: str
    evidence: tuple[EvidenceView, ...]
    fault: bool
    fatal: bool
    lost: bool
    section_fatal: bool = False
    critical: bool = False
    advice: str = ""

    @property
    def quiet(self) -> bool:
        """Whether there is nothing to look at: no evidence, nothing lost, nothing in doubt."""
        return not self.evidence and self.look in ("good", "na")


@dataclass(frozen=True, slots=True)
class SectionView:
    """One section of the scorecard with the points its duties earned."""

    title: str
    points: str
    findings: tuple[FindingView, ...]

    @property
    def all_kept(self) -> bool:
        """Whether nothing in it cost points."""
        return not any(finding.lost for finding in self.findings)


@dataclass(frozen=True, slots=True)
class TurnView:
    """One turn of the transcript. `chips` are the numbers of the findings that point at it."""

    index: int
    voice: str
    who: str
    clock: str
    start: float | None
    end: float | None
    segments: tuple[Segment, ...]
    chips: tuple[int, ...]
    mood: str
    guessed: bool


def excerpt(conversation: Conversation, evidence: Evidence, *, around: int) -> Excerpt:
    """The quote of `evidence` with at most `around` characters on both sides."""
    low, high = evidence.span
    text = next((t.text for t in conversation.turns if t.index == evidence.turn), evidence.quote)
    if not 0 <= low < high <= len(text):
        return Excerpt("", evidence.quote, "")
    before, after = text[max(0, low - around) : low], text[high : high + around]
    return Excerpt(
        ("…" if low > around else "") + before, text[low:high], after + ("…" if high + around < len(text) else "")
    )


def sections(case: Case, night: Night, words: Words, axis: Axis) -> tuple[SectionView, ...]:
    """The scorecard as it is shown, in the order of the card; findings are numbered through."""
    card = night.card(case)
    grouped: dict[str, list[tuple[int, Finding]]] = {}
    for number, finding in enumerate(case.evaluation.findings):
        grouped.setdefault(finding.section, []).append((number, finding))
    views = []
    for section, numbered in grouped.items():
        rows = tuple(_finding(number, finding, card, case.conversation, words, axis) for number, finding in numbered)
        views.append(SectionView(words.section(card, section), _section_points(numbered, words), rows))
    return tuple(views)


def counts(findings: Sequence[FindingView]) -> dict[str, int]:
    """How many lines of the scorecard are good, cost points, and say nothing: `good`, `bad`, `na`."""
    return {
        "good": sum(finding.look == "good" for finding in findings),
        "bad": sum(finding.lost for finding in findings),
        "na": sum(finding.look in ("na", "unsure") for finding in findings),
    }


def transcript(case: Case, findings: Iterable[FindingView], words: Words) -> tuple[TurnView, ...]:
    """The turns as they are shown, with the characters marked that findings point at."""
    conversation = case.conversation
    by_turn: dict[int, list[tuple[FindingView, Evidence]]] = {}
    for view in findings:
        for evidence in case.evaluation.findings[view.number].evidence:
            by_turn.setdefault(evidence.turn, []).append((view, evidence))
    moods = {t.index: r.sentiment for t, r in zip(conversation.turns, conversation.readings, strict=False)}
    views = []
    for turn in conversation.turns:
        marks = by_turn.get(turn.index, [])
        sentiment = moods.get(turn.index)
        views.append(
            TurnView(
                index=turn.index,
                voice=turn.speaker.value,
                who=words.speaker(turn.speaker),
                clock=_clock(turn.start, conversation, words),
                start=turn.start,
                end=turn.end,
                segments=_segments(turn, marks, words),
                chips=tuple(dict.fromkeys(view.number for view, _ in marks)),
                mood=mood_kind(sentiment) if sentiment is not None and turn.speaker.value == "customer" else "",
                guessed=turn.role_confidence < 1,
            )
        )
    return tuple(views)


def measure_rows(case: Case, words: Words) -> tuple[tuple[str, str], ...]:
    """Label and value in words of every measure that makes sense for the channel, then the classes."""
    measures, classes = case.evaluation.measures, case.evaluation.classes
    written = case.conversation.interaction.channel is not Channel.CALL
    rows = [
        (words.say(f"measure.{name}"), _measure(name, getattr(measures, name), words))
        for name in Measures.__dataclass_fields__
        if not (written and name in _TIMED_ONLY)
    ]
    if classes.resolved is not None:
        rows.append((words.say("measure.resolved"), words.say("resolved.yes" if classes.resolved else "resolved.no")))
    if classes.complaint_type is not None:
        rows.append(
            (words.say("measure.complaint"), _complaint(classes.complaint_type, classes.complaint_level, words))
        )
    return tuple(rows)


def heard_notes(conversation: Conversation, words: Words) -> tuple[str, ...]:
    """What is worth knowing about how the recording was heard."""
    hearing = conversation.hearing
    if hearing is None:
        return ()
    notes = list(heard_warnings(hearing, words.language))
    if hearing.confidence is not None:
        notes.append(words.say("hearing.confidence", share=words.percent(hearing.confidence)))
    return tuple(notes)


def _finding(
    number: int, finding: Finding, card: CardText | None, conversation: Conversation, words: Words, axis: Axis
) -> FindingView:
    text = card.criteria.get(finding.criterion) if card else None
    evidence = []
    for item in finding.evidence:
        x, width = place(axis, item)
        clock = _clock(item.start, conversation, words) or words.say("case.turn", turn=item.turn + 1)
        evidence.append(
            EvidenceView(
                item.turn, excerpt(conversation, item, around=AROUND), item.start, clock, round(x, 4), round(width, 4)
            )
        )
    return FindingView(
        number=number,
        id=finding.criterion,
        title=words.criterion(card, finding.criterion),
        look="na" if finding.bonus and not finding.points else LOOKS[finding.verdict],
        verdict=words.found(finding),
        points=_points(finding, words),
        why=words.why(finding, conversation.turns),
        confidence=words.percent(finding.confidence),
        evidence=tuple(evidence),
        fault=finding.fault,
        fatal=finding.fatal,
        lost=finding.lost,
        section_fatal=finding.section_fatal,
        critical=text is not None and text.severity == "critical",
        advice=words.title(text.advice, "") if text and finding.lost else "",
    )


def _points(finding: Finding, words: Words) -> str:
    if finding.verdict in (Verdict.NOT_APPLICABLE, Verdict.UNSURE):
        return UNKNOWN
    if finding.fatal and finding.verdict is Verdict.UNMET:
        return words.say("case.fatal_points")
    if finding.section_fatal:
        return words.say("case.section_fatal_points")
    if finding.bonus:
        return words.say("case.bonus_points", points=words.points(finding.points)) if finding.points else UNKNOWN
    if finding.fault:
        return words.points(finding.points) if finding.points else words.say("case.no_deduction")
    return words.say("case.points", points=words.points(finding.points), max=words.points(finding.max_points))


def _section_points(numbered: Sequence[tuple[int, Finding]], words: Words) -> str:
    duties = [f for _, f in numbered if f.max_points and f.verdict not in (Verdict.NOT_APPLICABLE, Verdict.UNSURE)]
    if not duties:
        return ""
    earned, possible = sum(f.points for f in duties), sum(f.max_points for f in duties)
    return words.say("case.points", points=words.points(earned), max=words.points(possible))


def _segments(turn: Turn, marks: Sequence[tuple[FindingView, Evidence]], words: Words) -> tuple[Segment, ...]:
    """Cut a turn wherever a mark begins or ends."""
    text = turn.text
    doubts = _doubtful(turn)
    spans = [(max(0, e.span[0]), min(len(text), e.span[1]), view) for view, e in marks]
    cuts = {0, len(text)}
    for start, end, _ in spans:
        cuts |= {start, end}
    for start, end, _ in doubts:
        cuts |= {start, end}
    points = sorted(cut for cut in cuts if 0 <= cut <= len(text))
    segments = []
    for start, end in pairwise(points):
        views = [view for low, high, view in spans if low <= start and end <= high]
        doubt = next((p for low, high, p in doubts if low <= start and end <= high), None)
        title = words.say("joiner").join(words.say("pair", a=v.title, b=v.verdict) for v in views)
        if doubt is not None:
            title = "; ".join(filter(None, [title, words.say("case.doubtful", share=words.percent(doubt))]))
        look = min((v.look for v in views), key=_WORST_FIRST.index, default="")
        segments.append(Segment(text[start:end], look, tuple(v.number for v in views), title, doubt))
    return tuple(segments)


def _doubtful(turn: Turn) -> list[tuple[int, int, float]]:
    """Where the words with a low probability stand in the text; words that normalising changed are passed over."""
    found, at = [], 0
    for word in turn.words:
        text = word.text.strip()
        start = turn.text.find(text, at) if text else -1
        if start < 0:
            continue
        at = start + len(text)
        if word.probability < DOUBTFUL:
            found.append((start, at, word.probability))
    return found


def _clock(start: float | None, conversation: Conversation, words: Words) -> str:
    """A message's time of day where it is known, else its position; a call always by position."""
    if start is None:
        return ""
    interaction = conversation.interaction
    if interaction.channel is not Channel.CALL and interaction.started_at is not None:
        said_at = interaction.started_at + timedelta(seconds=start)
        return f"{said_at:%H:%M:%S}" if said_at.date() == interaction.started_at.date() else f"{said_at:%m-%d %H:%M}"
    return words.clock(start)


def _measure(name: str, value: float | None, words: Words) -> str:
    if value is None:
        return words.say("measure.none")
    if name in _SHARES:
        return words.percent(value)
    if name in _SECONDS:
        return words.length(value)
    if name in _SENTIMENTS:
        return words.say(
            "unit.sentiment", mood=words.mood(value), value=f"{round(value, 1) + 0.0:+.1f}".replace("-", "−")
        )
    if name == "agent_chars_per_minute":
        return words.say("unit.rate", value=f"{value:.0f}")
    if name == "interruptions_by_agent":
        return words.say("unit.times", value=f"{value:.0f}")
    return words.say("unit.of_hundred", value=f"{value * 100:.0f}")


def _complaint(kind: str, level: int | None, words: Words) -> str:
    name = words.say(f"complaint.{kind}") if words.known(f"complaint.{kind}") else kind
    if level is None:
        return name
    return words.say("complaint.level", type=name, level=words.say(f"level.{level}"))
