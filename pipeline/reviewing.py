"""What a person decides about one criterion of one conversation, checked and kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING

from pipeline.conversation import Evaluation, Verdict
from pipeline.errors import StoreError
from pipeline.i18n import Language, t
from pipeline.scorecard import Scorecard
from pipeline.scoring import decided
from pipeline.store.records import Decision, Result

if TYPE_CHECKING:
    from pipeline.store.database import Store


def review(
    store: Store,
    interaction: str,
    criterion: str,
    verdict: Verdict,
    *,
    why: str,
    who: str,
    turn: int | None = None,
    at: datetime | None = None,
    language: Language = "zh",
) -> Decision:
    """Keep a person's verdict beside the machine's, which stays as it is.

    Args:
        store: where both are kept.
        interaction: its id; its newest evaluation is what the person decides about.
        criterion: id of the criterion.
        verdict: the person's; for a fault `MET` means that it did not happen.
        why: the person's reason.
        who: the person.
        turn: index of the turn that the verdict rests on, where the person names one.
        at: when; default now.
        language: of errors.

    Raises:
        StoreError: Z410 no such interaction, Z411 its scorecard has no such criterion, Z412 it has no such turn.
    """
    result = _newest(store, interaction, language)
    machine = _machine(result.evaluation, criterion, language)
    turns = result.conversation.turns
    if turn is not None and not 0 <= turn < len(turns):
        what = t(language, "review.no_turn", interaction=interaction, turn=turn + 1)
        raise StoreError("Z412", what, hint=t(language, "review.no_turn_hint", count=len(turns)))
    decision = Decision(
        interaction=interaction,
        scorecard_id=result.evaluation.scorecard_id,
        scorecard_digest=result.evaluation.scorecard_digest,
        criterion=criterion,
        machine=machine,
        person=verdict,
        turn=turn,
        why=why,
        who=who,
        decided_at=at or datetime.now(UTC),
    )
    store.decide(decision)
    return decision


def digest_of(store: Store, interaction: str, *, language: Language = "zh") -> str:
    """The digest of an interaction by its id.

    Raises:
        StoreError: Z410 no such interaction.
    """
    found = store.interactions([interaction])
    if interaction not in found:
        what = t(language, "review.no_interaction", interaction=interaction)
        known = store.identities()
        raise StoreError("Z410", what, hint=_nearest(interaction, known, language, "review.no_interaction_hint"))
    return found[interaction].digest


def standing(store: Store, interaction: str, scorecard: Scorecard, *, language: Language = "zh") -> Evaluation:
    """What the newest evaluation of an interaction comes to with the last decisions of people on it.

    Raises:
        StoreError: Z410 no such interaction.
        ValueError: the evaluation was made by another card.
    """
    evaluation = _newest(store, interaction, language).evaluation
    verdicts = {
        decision.criterion: decision.person
        for decision in store.decisions()
        if (decision.interaction, decision.scorecard_digest) == (interaction, scorecard.digest)
    }
    return decided(evaluation, verdicts, scorecard)


def _newest(store: Store, interaction: str, language: Language) -> Result:
    return next(store.results(digests=(digest_of(store, interaction, language=language),)))


def _machine(evaluation: Evaluation, criterion: str, language: Language) -> Verdict:
    verdicts = {finding.criterion: finding.verdict for finding in evaluation.findings}
    if criterion not in verdicts:
        what = t(language, "review.no_criterion", criterion=criterion, card=evaluation.scorecard_id)
        known = t(language, "review.no_criterion_hint", known=", ".join(verdicts))
        raise StoreError("Z411", what, hint=known)
    return verdicts[criterion]


def _nearest(name: str, known: Iterable[str], language: Language, otherwise: str) -> str:
    near = get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return t(language, "settings.did_you_mean", name=near[0]) if near else t(language, otherwise)
