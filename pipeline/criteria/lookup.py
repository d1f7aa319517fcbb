"""How a kind that looks for places in turns comes to its outcome, so that all of them judge doubt alike."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.conversation import Conversation, Reason
from pipeline.criteria.base import Context, Hit, Outcome, Role, evidence, found, missed, not_found, role_word, trust
from pipeline.criteria.window import Window, select


def looked_up(
    find: Callable[[tuple[int, ...]], tuple[Hit, ...]],
    conversation: Conversation,
    context: Context,
    *,
    by: Role,
    window: Window | None,
    times: int,
    area: str,
    args: dict[str, str | int | float],
) -> Outcome:
    """The outcome of looking for at least `times` places in the turns of `by`.

    Args:
        find: the places in the turns of these indices, in order.
        conversation: what is searched.
        context: of the card.
        by: whose turns.
        window: which of them.
        times: how many places are enough.
        area: the sentences `AREA.found` (arguments turn, quote, count) and `AREA.missed` of the catalogue.
        args: further arguments of both.
    """
    turns = select(conversation, by, window, context)
    hits = find(turns)
    args = {"role": role_word(by), **args}
    if len(hits) >= times:
        first = hits[0].evidence[0]
        args |= {"turn": first.turn + 1, "quote": first.quote, "count": len(hits)}
        return found(hits, Reason(f"{area}.found", args))
    unknown = context.index.unknown(by)
    elsewhere = find(tuple(sorted({*turns, *unknown}))) if unknown else ()
    return missed(
        conversation,
        turns,
        by,
        context,
        not_found(Reason(f"{area}.missed", args)),
        elsewhere=elsewhere if len(elsewhere) >= times else (),
    )


def hit(conversation: Conversation, turn: int, span: tuple[int, int], confidence: float) -> Hit:
    """The hit at the characters `span` of a turn, its confidence lowered by how the turn was heard."""
    spoken = conversation.turns[turn]
    return Hit((evidence(spoken, span),), trust(spoken, confidence))
