"""Conversations that were evaluated and kept, for people to decide about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from pipeline.conversation import Conversation, ReviewItem
from pipeline.scorecard import Scorecard
from pipeline.scoring import score
from pipeline.settings import Settings
from pipeline.store import Result
from pipeline.store.database import Store
from pipeline.versions import register
from tests.cards import card
from tests.dialogues import talk

CRITERIA = """
  - id: shirking
    title: {zh: 推诿, en: Shirking}
    section: conduct
    deduct: 10
    act: {any: [shirking], by: agent, at_least: 0.5}
  - id: offer_help
    title: 询问需求
    section: opening
    points: 5
    any_of:
      - phrase: {any: [有什么可以帮您], window: {turns: 1}}
      - act: {any: [offer_help], window: {turns: 1}}
  - id: farewell
    title: 道别
    section: closing
    points: 5
    phrase: {any: [再见]}
"""
SHIRKING = "坐席: 您好，请问有什么可以帮您？\n客户: 洗衣机坏了。\n坐席: 这个不归我们管，你打别的电话。"


def conversation(identifier: str, text: str = SHIRKING) -> Conversation:
    """A conversation whose identity is its id."""
    made = talk(text, interaction_id=identifier, channel="chat")
    return replace(made, interaction=replace(made.interaction, digest=f"sha256:{identifier}"))


def evaluated(store: Store, settings: Settings, folder: Path, conversations: Iterable[Conversation]) -> Scorecard:
    """Score conversations by the card of `CRITERIA`, keep results and card."""
    scorecard = card(folder, CRITERIA)
    register(scorecard, store, who="test")
    store.save(
        Result(one, score(one, scorecard, engine_version="test"), ReviewItem(one.interaction.id, False, 0.0, ()))
        for one in conversations
    )
    return scorecard
