"""From the store's results to what a report is made of."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from pipeline.conversation import ReviewItem, SetAside, Verdict
from pipeline.i18n import Language
from pipeline.remote import at_hand
from pipeline.reports.material import CardText, Case, CriterionText, Night
from pipeline.sampling import DEFAULT_ZONE, draw
from pipeline.scorecard import Scorecard, Title
from pipeline.scorecard.model import FlagRule
from pipeline.scoring import decided
from pipeline.store.records import Decision, Result

if TYPE_CHECKING:
    from pipeline.store.database import Store

logger = logging.getLogger(__name__)
Verdicts: TypeAlias = Mapping[tuple[str, str], Mapping[str, Verdict]]
_NOBODY: Mapping[str, Verdict] = MappingProxyType({})
_AT_ONCE = 100
"""Cases that are loaded whole together."""


def night_of(
    results: Iterable[Result],
    *,
    set_aside: Iterable[SetAside],
    cards: Iterable[Scorecard],
    made_at: datetime,
    decisions: Iterable[Decision] = (),
) -> Night:
    """The material of a report over a few results, which it holds all.

    Args:
        results: what to show.
        set_aside: files that could not be taken.
        cards: the scorecards that the results were made by; of several versions the last one counts.
        made_at: now, in the zone that pages show.
        decisions: what people decided; the last one on a criterion counts.
    """
    used, last = tuple(cards), _last(decisions)
    every = tuple(results)
    reviews = _reviews(every, used, made_at)
    cases = tuple(_case(one, review, last, used, whole=True) for one, review in zip(every, reviews, strict=True))
    return _night(cases, set_aside, used, made_at)


def night_in(
    store: Store,
    *,
    set_aside: Iterable[SetAside],
    cards: Iterable[Scorecard],
    made_at: datetime,
    digests: Sequence[str] | None = None,
    wanted: Callable[[Result], bool] = lambda _: True,
) -> Night:
    """The material of a report over any number of results in a store: it holds outlines, and loads the rest in turn.

    Args:
        store: stays open as long as the night is used.
        set_aside: files that could not be taken.
        cards: the scorecards that the results were made by; of several versions the last one counts.
        made_at: now, in the zone that pages show.
        digests: only these interactions; default all.
        wanted: which results, by their outline.
    """
    used, last = tuple(cards), _last(store.decisions())
    outlines = [one for one in store.outlines(digests) if wanted(one.result)]
    reviews = _reviews([one.result for one in outlines], used, made_at)
    cases = tuple(
        replace(_case(one.result, review, last, used, whole=False), revision=one.revision)
        for one, review in zip(outlines, reviews, strict=True)
    )

    def load(some: Iterable[Case]) -> Iterator[Case]:
        waiting = iter(some)
        while page := list(islice(waiting, _AT_ONCE)):
            found = store.results(digests=[case.conversation.interaction.digest for case in page])
            whole = {result.evaluation.interaction: result for result in found}
            for case in page:
                if case.id in whole:
                    yield _case(whole[case.id], case.review, last, used, whole=True)

    return replace(_night(cases, set_aside, used, made_at), load=load)


def _night(
    cases: tuple[Case, ...], set_aside: Iterable[SetAside], cards: Sequence[Scorecard], made_at: datetime
) -> Night:
    texts = MappingProxyType({card.id: card_text(card) for card in cards})
    return Night(made_at=made_at, cases=cases, set_aside=tuple(set_aside), cards=texts)


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


def _last(decisions: Iterable[Decision]) -> Verdicts:
    """The last verdicts of people, by interaction and scorecard, then by criterion."""
    last: dict[tuple[str, str], dict[str, Verdict]] = {}
    for decision in decisions:
        last.setdefault((decision.interaction, decision.scorecard_digest), {})[decision.criterion] = decision.person
    return last


def _reviews(results: Sequence[Result], cards: Sequence[Scorecard], made_at: datetime) -> tuple[ReviewItem, ...]:
    """The review items, with those flagged too that the minimums of the cards' samples ask for."""
    zone = made_at.tzinfo or DEFAULT_ZONE
    return draw([(r.conversation, r.evaluation, r.review) for r in results], cards, zone=zone)


def _case(result: Result, review: ReviewItem, last: Verdicts, cards: Sequence[Scorecard], *, whole: bool) -> Case:
    evaluation = result.evaluation
    verdicts = last.get((evaluation.interaction, evaluation.scorecard_digest))
    if verdicts is None:
        reviewed, verdicts = None, _NOBODY
    else:
        card = next((card for card in cards if card.digest == evaluation.scorecard_digest), None)
        reviewed = decided(evaluation, verdicts, card) if card is not None else None
    recording = result.conversation.interaction.recording
    media = _file(recording) if whole and recording is not None else None
    return Case(result.conversation, evaluation, review, media, reviewed, verdicts)


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
