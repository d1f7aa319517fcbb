"""From the store's results to what a report is made of."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from types import MappingProxyType

from pipeline.conversation import ReviewItem, SetAside, Verdict
from pipeline.i18n import Language
from pipeline.remote import at_hand
from pipeline.reports.material import CardText, Case, CriterionText, Night
from pipeline.sampling import DEFAULT_ZONE, draw
from pipeline.scorecard import Scorecard, Title
from pipeline.scorecard.model import FlagRule
from pipeline.scoring import decided
from pipeline.store.records import Decision, Result

logger = logging.getLogger(__name__)


def night_of(
    results: Iterable[Result],
    *,
    set_aside: Iterable[SetAside],
    cards: Iterable[Scorecard],
    made_at: datetime,
    decisions: Iterable[Decision] = (),
) -> Night:
    """The material of a report.

    Args:
        results: what to show.
        set_aside: files that could not be taken.
        cards: the scorecards that the results were made by; of several versions the last one counts.
        made_at: now, in the zone that pages show.
        decisions: what people decided; the last one on a criterion counts.
    """
    used = tuple(cards)
    last: dict[tuple[str, str], dict[str, Verdict]] = {}
    for decision in decisions:
        last.setdefault((decision.interaction, decision.scorecard_digest), {})[decision.criterion] = decision.person
    return Night(
        made_at=made_at,
        cases=_cases(tuple(results), used, made_at.tzinfo or DEFAULT_ZONE, last),
        set_aside=tuple(set_aside),
        cards=MappingProxyType({card.id: card_text(card) for card in used}),
    )


def card_text(card: Scorecard) -> CardText:
    """The wording of a scorecard."""
    return CardText(
        id=card.id,
        title=_text(card.title),
        pass_mark=card.pass_mark,
        sections=_texts({key: section.title for key, section in card.sections.items()}),
        criteria={
            criterion.id: CriterionText(
                _text(criterion.title),
                criterion.section,
                advice=_text(criterion.advice) if criterion.advice else None,
                fault=criterion.fault,
                severity=criterion.severity,
            )
            for criterion in card.criteria
        },
        bands=_texts({key: band.title for key, band in card.bands.items()}),
        rules=_texts({rule.id: _rule_title(rule, card) for rule in card.flag if rule.id}),
    )


def _rule_title(rule: FlagRule, card: Scorecard) -> Title | None:
    if rule.title is not None:
        return rule.title
    named = card.conditions.get(rule.when.params) if rule.when and rule.when.operator == "condition" else None
    return named.title if named else None


def _cases(
    results: Sequence[Result],
    cards: Sequence[Scorecard],
    zone: tzinfo,
    verdicts: Mapping[tuple[str, str], Mapping[str, Verdict]],
) -> tuple[Case, ...]:
    """The cases, with those flagged too that the minimums of the cards' samples ask for."""
    reviews = draw([(r.conversation, r.evaluation, r.review) for r in results], cards, zone=zone)
    by_digest = {card.digest: card for card in cards}
    return tuple(
        _case(
            result,
            review,
            verdicts.get((result.evaluation.interaction, result.evaluation.scorecard_digest), {}),
            by_digest.get(result.evaluation.scorecard_digest),
        )
        for result, review in zip(results, reviews, strict=True)
    )


def _case(result: Result, review: ReviewItem, verdicts: Mapping[str, Verdict], card: Scorecard | None) -> Case:
    recording = result.conversation.interaction.recording
    media = None if recording is None else _file(recording)
    reviewed = decided(result.evaluation, verdicts, card) if verdicts and card is not None else None
    return Case(result.conversation, result.evaluation, review, media, reviewed, MappingProxyType(dict(verdicts)))


def _texts(titles: Mapping[str, Title | None]) -> Mapping[str, Mapping[Language, str]]:
    return {key: _text(title) for key, title in titles.items() if title is not None}


def _text(title: Title) -> Mapping[Language, str]:
    return MappingProxyType({"zh": title.zh, "en": title.en})


def _file(recording: str) -> Path:
    """The file of a recording; one that cannot be fetched is as one that is gone."""
    try:
        return at_hand(recording)
    except OSError as error:
        logger.warning("%s", error)
        return Path(recording)
