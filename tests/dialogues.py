"""Little dialogues for tests: `talk("坐席: 您好\n客户: 我的手表坏了")`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.conversation import Channel, Classes, Conversation, Measures, Reading, Turn
from pipeline.scorecard import dialogue


def talk(
    text: str,
    *,
    channel: str = "call",
    times: Sequence[tuple[float, float | None]] | float | None = None,
    interaction_id: str = "T1",
    attributes: Mapping[str, str | int | float] | None = None,
    queue: str | None = None,
    csat: float | None = None,
    measures: Measures | None = None,
    classes: Classes | None = None,
    readings: Mapping[int, Reading] | None = None,
) -> Conversation:
    """A conversation from lines `坐席: …` / `客户: …`, also `[0.8-3.1] 坐席(0.92): …` with times and word confidence.

    Args:
        text: one turn a line.
        channel: call, chat or email.
        times: start and end of every turn; a number = every turn takes so many seconds, one second apart.
        interaction_id: id of the interaction.
        attributes: attributes of the interaction.
        queue: its queue.
        csat: its customer satisfaction.
        measures: measures of the conversation.
        classes: classes of the conversation.
        readings: readings by turn index; the other turns then have an empty one.
    """
    conversation = dialogue(text, channel=Channel(channel))
    turns = conversation.turns
    if isinstance(times, int | float):
        spans = [(i * (times + 1.0), i * (times + 1.0) + times) for i in range(len(turns))]
        turns = _timed(turns, spans)
    elif times is not None:
        turns = _timed(turns, times)
    interaction = replace(
        conversation.interaction,
        id=interaction_id,
        attributes=dict(attributes or {}),
        queue=queue,
        csat=csat,
        turns=turns,
    )
    return Conversation(
        interaction,
        turns,
        measures=measures or Measures(),
        classes=classes or Classes(),
        readings=() if readings is None else tuple(readings.get(i, Reading()) for i in range(len(turns))),
    )


def _timed(turns: tuple[Turn, ...], times: Sequence[tuple[float, float | None]]) -> tuple[Turn, ...]:
    return tuple(replace(turn, start=start, end=end) for turn, (start, end) in zip(turns, times, strict=True))
