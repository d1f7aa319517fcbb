"""Numbers, times and verdicts in the reader's words. Bound to one language, without any state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from pipeline.conversation import Finding, Speaker, Turn, Verdict
from pipeline.formats_out import why
from pipeline.i18n import Language, area, t
from pipeline.reports.material import CardText, Night

UPSET = -0.2
"""Sentiment below this is shown as upset, above its opposite as content."""

UNKNOWN = "—"


@dataclass(frozen=True, slots=True)
class Words:
    """Sentences and figures for one report in `language`."""

    language: Language

    def say(self, key: str, /, **args: object) -> str:
        """The sentence `report.KEY`."""
        return t(self.language, f"report.{key}", **args)

    def known(self, key: str) -> bool:
        """Whether the catalogue has `report.KEY`."""
        return f"report.{key}" in area("report")

    def why(self, finding: Finding, turns: Sequence[Turn] = ()) -> str:
        """The sentence that explains a finding; its key where a newer catalogue no longer has it."""
        try:
            return why(finding, self.language, turns)
        except (KeyError, IndexError):
            return finding.why.key

    def title(self, texts: Mapping[Language, str] | None, fallback: str) -> str:
        """A title of a scorecard in this language, else in another, else the id."""
        if not texts:
            return fallback
        return texts.get(self.language) or next(iter(texts.values()), fallback)

    def criterion(self, card: CardText | None, criterion: str) -> str:
        """Title of a criterion."""
        known = card.criteria.get(criterion) if card else None
        return self.title(known.title if known else None, criterion)

    def any_criterion(self, night: Night, criterion: str) -> str:
        """Title of a criterion in whichever of the night's cards has it."""
        known = night.criterion(criterion)
        return self.title(known.title if known else None, criterion)

    def section(self, card: CardText | None, section: str) -> str:
        """Title of a section."""
        return self.title(card.sections.get(section) if card else None, section)

    def band(self, card: CardText | None, band: str | None) -> str:
        """Title of a band; empty where the total is in none."""
        return self.title(card.bands.get(band) if card else None, band) if band else ""

    def advice(self, night: Night, criterion: str) -> str:
        """What the agent can do about an unmet criterion: the card's own advice, else the catalogue's."""
        text = night.criterion(criterion)
        if text and text.advice:
            return self.title(text.advice, "")
        key = f"advice.{criterion}"
        if self.known(key):
            return self.say(key)
        return self.say("advice.any", title=self.title(text.title if text else None, criterion))

    def verdict(self, verdict: Verdict, *, fault: bool = False) -> str:
        """A verdict as a short word; a fault did or did not happen, a duty was or was not done."""
        kind = "fault" if fault else "duty"
        return self.say(f"verdict.{kind}.{verdict.value}")

    def found(self, finding: Finding) -> str:
        """The verdict of a finding as a short word.

        Of what is unsure it tells apart what could not be heard, what others have to answer, and what is doubtful.
        """
        if finding.verdict is Verdict.UNSURE and finding.why.key == "criteria.unsure.hearing":
            return self.say("verdict.unheard")
        if finding.verdict is Verdict.UNSURE and finding.why.key.startswith("criteria.manual."):
            return self.say("verdict.waits")
        if finding.verdict is Verdict.UNSURE and finding.why.key.startswith("criteria.question."):
            return self.say("verdict.unanswered")
        return self.verdict(finding.verdict, fault=finding.fault)

    def speaker(self, speaker: Speaker) -> str:
        """A role as a word."""
        return self.say(f"speaker.{speaker.value}")

    def mood(self, sentiment: float | None) -> str:
        """A sentiment −1…1 in words."""
        if sentiment is None:
            return self.say("mood.unknown")
        return self.say(f"mood.{mood_kind(sentiment)}")

    def flag_reason(self, reason: str, card: CardText | None) -> str:
        """A review reason (`fatal:rudeness`, `random_sample`, a rule's own name) as a sentence."""
        name, _, detail = reason.partition(":")
        if f"flag.{name}" in area("flag"):
            sentence = t(self.language, f"flag.{name}", detail=self.criterion(card, detail))
            return sentence[:1].upper() + sentence[1:]
        return self.title(card.rules.get(name) if card else None, reason)

    def rule(self, name: str, cards: Iterable[CardText]) -> str:
        """What a review rule looks for, without the criterion it found."""
        if self.known(f"rule.{name}"):
            return self.say(f"rule.{name}")
        titles = (card.rules[name] for card in cards if name in card.rules)
        return self.title(next(titles, None), name)

    def score(self, total: float | None) -> str:
        """A total with at most one decimal."""
        return UNKNOWN if total is None else f"{total:.1f}".removesuffix(".0")

    def points(self, points: float) -> str:
        """Points with a real minus sign."""
        return f"{points:.1f}".removesuffix(".0").replace("-", "−")

    def percent(self, share: float | None) -> str:
        """A share 0…1 in whole per cent."""
        return UNKNOWN if share is None else f"{share * 100:.0f}%"

    def clock(self, seconds: float | None) -> str:
        """A position as m:ss or h:mm:ss."""
        if seconds is None:
            return UNKNOWN
        whole = max(0, int(seconds))
        hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
        return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"

    def length(self, seconds: float | None) -> str:
        """A duration in words."""
        if seconds is None:
            return UNKNOWN
        if seconds < 60:
            return self.say("length.seconds", seconds=f"{seconds:.1f}".removesuffix(".0"))
        if seconds < 3600:
            return self.say("length.minutes", minutes=int(seconds) // 60, seconds=int(seconds) % 60)
        return self.say("length.hours", hours=int(seconds) // 3600, minutes=int(seconds) // 60 % 60)

    def day(self, day: date) -> str:
        """A day with its weekday."""
        weekday = self.say(f"weekday.{day.weekday()}")
        return self.say("day", year=day.year, month=day.month, day=day.day, weekday=weekday, month_name=_month(day))

    def short_day(self, day: date) -> str:
        """A day for an axis."""
        return self.say("short_day", month=day.month, day=day.day, month_name=_month(day))

    def when(self, moment: datetime | None) -> str:
        """Day and minute."""
        return UNKNOWN if moment is None else f"{self.short_day(moment.date())} {moment:%H:%M}"


def mood_kind(sentiment: float) -> str:
    """`upset`, `calm` or `content`."""
    if sentiment < UPSET:
        return "upset"
    return "content" if sentiment > -UPSET else "calm"


def _month(day: date) -> str:
    names = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return names[day.month - 1]
