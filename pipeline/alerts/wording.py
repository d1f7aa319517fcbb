"""What messages say: short, with the way to the report, and without personal data."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from pipeline.alerts.thresholds import Kind, Warned
from pipeline.i18n import Language, t
from pipeline.night_figures import Judged, NightFigures
from pipeline.store.records import Letter, Message, Result

MOST_CASES = 10
MOST_WARNINGS = 10
GRAVEST = 1
SHOWN_OF_KEY = 12
_PERSONAL = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|(?<!\d)(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}(?!\d)"
    r"|(?<!\d)0\d{2,3}[- ]?\d{7,8}(?!\d)|(?<!\d)\d{15,19}[Xx]?(?!\d)"
)


@dataclass(frozen=True, slots=True)
class Grave:
    """A conversation that cannot wait: fatal faults in it by criterion, or a complaint of the gravest level."""

    digest: str
    id: str
    agent: str | None
    fatal: tuple[str, ...]
    gravest: bool


def plain(letter: Letter, language: Language) -> tuple[str, ...]:
    """The lines of a message as a receiver reads them."""
    lines = list(letter.message.lines)
    if letter.message.report:
        lines.append(t(language, "alerts.report", where=letter.message.report))
    if repeated(letter):
        lines.append(t(language, "alerts.repetition"))
    lines.append(t(language, "alerts.key", key=letter.key[:SHOWN_OF_KEY]))
    return tuple(lines)


def repeated(letter: Letter) -> bool:
    """Whether the message may have arrived before."""
    return letter.doubts > 0


def harmless(name: str) -> str:
    """The name of a file, an interaction, a queue or an agent without what may be a telephone number, card or address.

    Recordings are often named by the telephone number of the caller.
    """
    return _PERSONAL.sub("…", name)


def night_message(
    night: NightFigures,
    warned: Sequence[Warned],
    titles: Mapping[str, str],
    *,
    report: str,
    zone: str,
    language: Language,
) -> Message:
    """What a night came to, warnings first.

    Args:
        night: the night.
        warned: what is out of the ordinary in it.
        titles: of criteria by id and by `SCORECARD/CRITERION`, of scorecards by id, in that language.
        report: where to read on.
        zone: time zone of the day that the title names.
        language: of the message.
    """
    day = night.made_at.astimezone(ZoneInfo(zone))
    title = t(
        language,
        "alerts.night.title_warned" if warned else "alerts.night.title",
        month=day.month,
        day=day.day,
        date=f"{day:%Y-%m-%d}",
        count=len(warned),
    )
    lines = list(warning_sentences(warned[:MOST_WARNINGS], titles, language))
    if len(warned) > MOST_WARNINGS:
        lines.append(t(language, "alerts.more_warnings", count=len(warned) - MOST_WARNINGS))
    return Message(
        alert=f"night:{night.run}:{night.started_at.isoformat()}",
        kind="warning" if warned else "night",
        title=title,
        lines=(*lines, *_summary(night, language)),
        report=report,
        made_at=night.made_at,
    )


def grave_message(
    cases: Sequence[Grave], titles: Mapping[str, str], *, made_at: datetime, report: str, language: Language
) -> Message:
    """Conversations that cannot wait for the morning: a fatal fault, or a complaint of the gravest level."""
    lines = [_case(case, titles, language) for case in cases[:MOST_CASES]]
    if len(cases) > MOST_CASES:
        lines.append(t(language, "alerts.grave.more", count=len(cases) - MOST_CASES))
    subjects = tuple(sorted(case.digest for case in cases))
    return Message(
        alert=f"grave:{hashlib.sha256(' '.join(subjects).encode()).hexdigest()[:40]}",
        kind="grave",
        title=t(language, "alerts.grave.title", count=len(cases)),
        lines=tuple(lines),
        report=report,
        made_at=made_at,
        subjects=subjects,
        about=tuple(case.digest for case in cases[:MOST_CASES]),
    )


def trial_message(*, made_at: datetime, language: Language) -> Message:
    """A message that only shows that messages arrive."""
    return Message(
        alert=f"trial:{made_at.isoformat()}",
        kind="trial",
        title=t(language, "alerts.trial.title"),
        lines=(t(language, "alerts.trial.text"),),
        report="",
        made_at=made_at,
    )


def warning_sentences(warned: Sequence[Warned], titles: Mapping[str, str], language: Language) -> tuple[str, ...]:
    """Warnings in words, in their order."""
    return tuple(_warned(one, titles, language) for one in warned)


def grave_result(result: Result) -> Grave | None:
    """What is to be told of a result at once, if anything."""
    interaction, evaluation = result.conversation.interaction, result.evaluation
    agent = interaction.agent.id if interaction.agent else None
    return _grave(interaction.digest, interaction.id, agent, evaluation.fatal, evaluation.classes.complaint_level)


def grave_case(one: Judged) -> Grave | None:
    """The same of a conversation that a night counts."""
    return _grave(one.digest, one.id, one.agent, one.fatal, one.complaint_level)


def _grave(digest: str, identifier: str, agent: str | None, fatal: tuple[str, ...], level: int | None) -> Grave | None:
    gravest = level == GRAVEST
    return Grave(digest, identifier, agent, fatal, gravest) if fatal or gravest else None


def _case(case: Grave, titles: Mapping[str, str], language: Language) -> str:
    why: list[str] = []
    if case.fatal:
        named = t(language, "alerts.joiner").join(titles.get(criterion, criterion) for criterion in case.fatal)
        why.append(t(language, "alerts.grave.fatal", what=named))
    if case.gravest:
        why.append(t(language, "alerts.grave.complaint"))
    return t(
        language,
        "alerts.grave.case",
        id=harmless(case.id),
        why=t(language, "alerts.joiner").join(why),
        agent=harmless(case.agent) if case.agent else "—",
    )


def _warned(one: Warned, titles: Mapping[str, str], language: Language) -> str:
    if one.rise is not None:
        fault = one.kind is Kind.FAULT
        name = titles.get(f"{one.card}/{one.name}", one.name) if fault else harmless(one.name)
        return t(
            language,
            f"alerts.warning.{one.kind}",
            name=name,
            card=titles.get(one.card, one.card),
            happened=one.rise.now.happened,
            judged=one.rise.now.judged,
            share=_percent(one.rise.now.share),
            usual=_percent(one.rise.usual),
            nights=one.rise.nights,
        )
    if one.kind is Kind.RISK:
        before = "" if one.usual is None else t(language, "alerts.warning.before", usual=f"{one.usual:.0f}")
        return t(language, "alerts.warning.risk", value=f"{one.value:.0f}", limit=f"{one.limit:g}", before=before)
    counted = one.counted
    return t(
        language,
        "alerts.warning.satisfaction",
        share=_percent(one.value),
        limit=_percent(one.limit),
        satisfied=counted.happened if counted else "—",
        rated=counted.judged if counted else "—",
    )


def _summary(night: NightFigures, language: Language) -> Iterable[str]:
    if not night.interactions:
        yield t(language, "alerts.night.nothing")
    else:
        calls = night.by_channel.get("call", 0)
        yield t(
            language,
            "alerts.night.counts",
            count=night.interactions,
            calls=calls,
            texts=night.interactions - calls,
            mean="—" if night.mean is None else f"{night.mean:.1f}",
            passed=_percent(night.passed.share if night.passed.judged else None),
        )
        yield t(
            language,
            "alerts.night.review",
            flagged=night.flagged,
            fatal=night.fatal,
            risk="—" if night.risk is None else f"{night.risk:.0f}",
        )
    if night.set_aside:
        yield t(language, "alerts.night.set_aside", count=len(night.set_aside))


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{share * 100:.1f}%".replace(".0%", "%")
