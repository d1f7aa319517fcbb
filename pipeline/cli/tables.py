"""Results as a table: interaction, agent, score, band, and why a person should look."""

from __future__ import annotations

from collections.abc import Iterable

from rich.markup import escape
from rich.table import Table

from pipeline.conversation import Agent
from pipeline.i18n import Language, t
from pipeline.night import card_text
from pipeline.reports.words import Words
from pipeline.scorecard import Scorecard
from pipeline.store.records import Result

_COLOUR = {True: "green", False: "red", None: "dim"}


def results_table(results: Iterable[Result], cards: Iterable[Scorecard], language: Language) -> Table:
    """One line a result, in the order given."""
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
        reasons = t(language, "cli.results.joiner").join(words.flag_reason(reason, card) for reason in review.reasons)
        table.add_row(
            escape(evaluation.interaction),
            escape(_agent(result.conversation.interaction.agent)),
            f"[{colour}]{words.score(evaluation.total)}[/]",
            f"[{colour}]{escape(words.band(card, evaluation.band))}[/]",
            f"[bold yellow]⚑[/] {escape(reasons)}" if review.flagged else "",
        )
    return table


def _agent(agent: Agent | None) -> str:
    if agent is None:
        return "—"
    return f"{agent.name} ({agent.id})" if agent.name else agent.id
