"""`zhijian review`: what a person decides."""

from __future__ import annotations

import getpass

from pipeline.cli.console import results
from pipeline.conversation import Verdict
from pipeline.i18n import t
from pipeline.reports.words import Words
from pipeline.reviewing import review, standing
from pipeline.settings import Settings
from pipeline.store import open_store
from pipeline.versions import CardArchive


def keep(
    interaction: str, criterion: str, verdict: str, settings: Settings, *, why: str, turn: int | None, who: str | None
) -> int:
    """Keep a verdict and say so; `turn` counts from 1, as reports do. Gives the exit status."""
    language = settings.language
    with open_store(settings.store_url, media=settings.media, language=language) as store:
        decision = review(
            store,
            interaction,
            criterion,
            Verdict(verdict),
            why=why,
            who=who or getpass.getuser(),
            turn=None if turn is None else turn - 1,
            language=language,
        )
        card = CardArchive(store, settings.cards).get(decision.scorecard_digest)
        total = standing(store, interaction, card, language=language).total
    judged = card.criterion(criterion)
    words = Words(language)
    same = decision.machine is decision.person
    told = t(
        language,
        "review.kept_same" if same else "review.kept_changed",
        interaction=interaction,
        title=judged.title.text(language),
        machine=words.verdict(decision.machine, fault=judged.fault),
        person=words.verdict(decision.person, fault=judged.fault),
        who=decision.who,
    )
    results().print(told, markup=False, soft_wrap=True)
    if total is not None:
        results().print(t(language, "review.standing", total=words.score(total)), markup=False, soft_wrap=True)
    return 0
