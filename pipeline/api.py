"""The public Python API: load interactions, score them, look at the evidence, compare agents, try a changed scorecard.

```python
from pipeline import api

inbox = api.load("samples/inbox")
scored = api.score(inbox.interactions)
first = scored.results[0]
for finding in api.lost(first):
    print(api.explain(finding, first.conversation.turns), finding.evidence)
comparison = api.compare(scored, "2031", "3012")
api.report(scored, "out/report")
would_change = api.rescore("my-hotline.yaml", since="2026-01-01")
```

Everything comes back as the frozen nouns that the pipeline itself passes on. Nothing is stored. Where no `language` is
given, it is that of the settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline import rescoring
from pipeline.batch import Batch, evaluate
from pipeline.conversation import Finding, Interaction, SetAside, Turn
from pipeline.dry_run import DryRun, Past, moment
from pipeline.formats_out import why
from pipeline.i18n import Language
from pipeline.ingest import Intake, ingest, ingest_files
from pipeline.night import night_of
from pipeline.reports import agents, html, summary
from pipeline.reports.material import Case, Night
from pipeline.reports.words import Words
from pipeline.scorecard import Scorecard
from pipeline.scorecard.difference import Change, differences
from pipeline.settings import Settings, language_from_environment, load_settings
from pipeline.store import open_store
from pipeline.store.records import Result
from pipeline.versions import finder
from pipeline.workshop import Workshop

__all__ = [
    "Comparison",
    "Gap",
    "Scored",
    "compare",
    "diff",
    "explain",
    "load",
    "lost",
    "report",
    "rescore",
    "score",
    "title",
]


@dataclass(frozen=True, slots=True)
class Scored:
    """Results in the order of the interactions, what had to be set aside, and the scorecards and settings in use."""

    results: tuple[Result, ...]
    set_aside: tuple[SetAside, ...]
    cards: tuple[Scorecard, ...]
    settings: Settings

    def card(self, result: Result) -> Scorecard:
        """The scorecard of a result."""
        return next(card for card in self.cards if card.digest == result.evaluation.scorecard_digest)


@dataclass(frozen=True, slots=True)
class Gap:
    """How far two agents met one criterion (0…1); `None` where it never applied."""

    criterion: str
    first: float | None
    second: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two agents: their figures, and every criterion that was judged for either, in the order of the scorecard."""

    first: agents.AgentSummary
    second: agents.AgentSummary
    criteria: tuple[Gap, ...]


def load(path: str | Path, *, language: Language | None = None) -> Intake:
    """Take in an inbox folder, or one `.json`, `.jsonl` or recording. Bad files are set aside, not raised.

    Raises:
        InputError: there is no such folder or file.
    """
    place, chosen = Path(path), language or language_from_environment()
    return ingest(place, language=chosen) if place.is_dir() else ingest_files([place], language=chosen)


def score(
    interactions: Iterable[Interaction], *, scorecard: str | None = None, settings: Settings | None = None
) -> Scored:
    """Hear (where there is no text), read, score and flag interactions.

    Args:
        interactions: from `load`.
        scorecard: name of one card for all (path, `ID@VERSION`, digest or id); default the card of each channel.
        settings: default those of `zhijian.toml` and the environment.

    Raises:
        ScorecardError: a scorecard is missing or wrong.
        SettingsError: a setting is wrong, or a recording needs a speech model that is not there.
    """
    chosen = settings or load_settings()
    with finder(chosen) as find:
        workshop = Workshop(chosen, scorecard=scorecard, find=find)
    outcomes = evaluate(Batch(tuple(interactions)), workshop)
    return Scored(
        tuple(outcome for outcome in outcomes if isinstance(outcome, Result)),
        tuple(outcome for outcome in outcomes if isinstance(outcome, SetAside)),
        workshop.cards,
        chosen,
    )


def lost(result: Result) -> tuple[Finding, ...]:
    """The findings that cost points: fatal ones first, then other faults, then by what they cost."""
    return tuple(summary.worst_findings(_case(result)))


def explain(finding: Finding, turns: Sequence[Turn] = (), *, language: Language | None = None) -> str:
    """The sentence that explains a finding; with the turns of its conversation it quotes more than one character."""
    return why(finding, language or language_from_environment(), turns)


def title(scored: Scored, criterion: str, *, language: Language | None = None) -> str:
    """What a criterion is called."""
    return Words(language or scored.settings.language).any_criterion(_night(scored), criterion)


def compare(scored: Scored, first: str, second: str) -> Comparison:
    """Two agents, by their ids, against each other.

    Raises:
        InputError: Z120, there is no result of one of them.
    """
    night = _night(scored)
    one, other = (_summary(night, agent, scored.settings.language) for agent in (first, second))
    ours, theirs = summary.rates(one.cases), summary.rates(other.cases)
    order = [criterion.id for card in scored.cards for criterion in card.criteria]
    judged = [key for key in dict.fromkeys(order) if key in ours or key in theirs]
    return Comparison(
        one,
        other,
        tuple(
            Gap(key, ours[key].share if key in ours else None, theirs[key].share if key in theirs else None)
            for key in judged
        ),
    )


def diff(old: str, new: str, *, settings: Settings | None = None) -> tuple[Change, ...]:
    """What differs between two scorecards, in words.

    Args:
        old: name of a card: path, `ID@VERSION`, digest, or id for its active version.
        new: name of the other.
        settings: default those of `zhijian.toml` and the environment.

    Raises:
        ScorecardError: a card is wrong, or there is none of that name.
    """
    chosen = settings or load_settings()
    with finder(chosen) as find:
        return differences(find(old), find(new), language=chosen.language)


def rescore(
    scorecard: str,
    *,
    against: str | None = None,
    since: str | None = None,
    until: str | None = None,
    agent: str | None = None,
    limit: int | None = None,
    settings: Settings | None = None,
) -> rescoring.Comparison:
    """A dry run: what `scorecard` would change for the stored past. Nothing is heard or read again, nothing is written.

    Args:
        scorecard: name of the changed card: path, `ID@VERSION`, digest or id.
        against: name of the card to compare with; default the active version of the same id.
        since: first day, such as `2026-01-01`.
        until: last day.
        agent: only this agent's interactions.
        limit: only the newest so many.
        settings: default those of `zhijian.toml` and the environment.

    Raises:
        InputError: Z121, a day is no date.
        ScorecardError: a card is wrong, or there is none of that name.
        StoreError: the store cannot be opened or read.
    """
    chosen = settings or load_settings()
    past = Past(
        moment(since, chosen, where="since"),
        moment(until, chosen, where="until", last=True),
        agent,
        limit,
    )
    with open_store(chosen.store_url, media=chosen.media, language=chosen.language) as store:
        return DryRun(scorecard, against, store, chosen).compare(past)


def report(
    scored: Scored, out: str | Path, *, set_aside: Sequence[SetAside] = (), language: Language | None = None
) -> Path:
    """Write the pages of these results to the folder `out`; gives the path of `index.html`.

    Args:
        scored: from `score`.
        out: the folder.
        set_aside: further files to show as set aside, such as `load(…).set_aside`.
        language: of the pages.
    """
    return html.write_report(_night(scored, set_aside), Path(out), language=language or scored.settings.language)


def _night(scored: Scored, set_aside: Sequence[SetAside] = ()) -> Night:
    return night_of(
        scored.results,
        set_aside=(*set_aside, *scored.set_aside),
        cards=scored.cards,
        made_at=datetime.now(ZoneInfo(scored.settings.time_zone)),
    )


def _case(result: Result) -> Case:
    return Case(result.conversation, result.evaluation, result.review)


def _summary(night: Night, agent: str, language: Language) -> agents.AgentSummary:
    found = agents.summarise(night, agent)
    if found is None:
        raise html.no_agent(night, agent, Words(language))
    return found
