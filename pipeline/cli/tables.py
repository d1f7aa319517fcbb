"""Results as a table: interaction, agent, score, band, and why a person should look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.markup import escape
from rich.table import Table

from pipeline.conversation import Agent
from pipeline.i18n import Language, area, t
from pipeline.night import card_text
from pipeline.reports.material import CardText, Case
from pipeline.reports.words import Words
from pipeline.scorecard import Scorecard
from pipeline.store.records import Result

_NAMED = 3
_COLOUR = {True: "green", False: "red", None: "dim"}


def results_table(results: Iterable[Result | Case], cards: Iterable[Scorecard], language: Language) -> Table:
    """One row a result, in the order given; each reason for review on a line of its own."""
    words = Words(language)
    texts = {card.id: card_text(card) for card in cards}
    table = Table(title=t(language, "cli.results.title"), title_justify="left")
    table.add_column(t(language, "cli.results.interaction"), no_wrap=True)
    table.add_column(t(language, "cli.results.agent"), no_wrap=True)
    table.add_column(t(language, "cli.results.total"), justify="right", no_wrap=True)
    table.add_column(t(language, "cli.results.band"), no_wrap=True)
    table.add_column(t(language, "cli.results.reasons"), overflow="fold")
    for result in results:
        evaluation, review = result.evaluation, result.review
        card = texts.get(evaluation.scorecard_id)
        colour = _COLOUR[evaluation.passed]
        reasons = "\n  ".join(_reasons(review.reasons, card, words))
        table.add_row(
            escape(evaluation.interaction),
            escape(_agent(result.conversation.interaction.agent)),
            f"[{colour}]{words.score(evaluation.total)}[/]",
            f"[{colour}]{escape(words.band(card, evaluation.band))}[/]",
            f"[bold yellow]⚑[/] {escape(reasons)}" if review.flagged else "",
        )
    return table


def _reasons(reasons: Iterable[str], card: CardText | None, words: Words) -> Iterator[str]:
    """Review reasons in words, those of one kind together, at most `_NAMED` criteria by name."""
    kinds: dict[str, list[str]] = {}
    for reason in reasons:
        kinds.setdefault(reason.partition(":")[0], []).append(reason)
    for kind, alike in kinds.items():
        if len(alike) == 1 or f"flag.{kind}" not in area("flag"):
            yield from (words.flag_reason(reason, card) for reason in alike)
            continue
        titles = [words.criterion(card, reason.partition(":")[2]) for reason in alike]
        named = t(words.language, "cli.results.and").join(titles[:_NAMED])
        if len(titles) > _NAMED:
            named = t(words.language, "cli.results.and_more", named=named, count=len(titles))
        sentence = t(words.language, f"flag.{kind}", detail=named)
        yield sentence[:1].upper() + sentence[1:]


def _agent(agent: Agent | None) -> str:
    if agent is None:
        return "—"
    return f"{agent.name} ({agent.id})" if agent.name else agent.id
