"""Random shares by stratum, and minimums that leave nobody's work unseen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pipeline.conversation import Agent, Conversation, Evaluation, ReviewItem
from pipeline.flagging import flag, sampled
from pipeline.sampling import draw
from pipeline.scorecard import BadScorecardError
from pipeline.scorecard.model import Scorecard
from pipeline.scoring import score
from tests.cards import card
from tests.dialogues import talk

CRITERIA = "  - {id: hello, title: 问候, section: s, points: 5, phrase: 您好}"
BEGIN = datetime.fromisoformat("2026-03-02T09:00:00+08:00")

Case = tuple[Conversation, Evaluation, ReviewItem]


def cases(
    scorecard: Scorecard,
    count: int,
    *,
    agents: int = 4,
    queues: Sequence[str] = ("售后",),
    text: str = "坐席: 您好",
    days: int = 1,
) -> list[Case]:
    made = []
    for number in range(count):
        conversation = talk(text, interaction_id=f"C{number:04}", queue=queues[number % len(queues)])
        interaction = replace(
            conversation.interaction,
            agent=Agent(f"A{number % agents}"),
            started_at=BEGIN + timedelta(days=number % days),
        )
        conversation = replace(conversation, interaction=interaction)
        evaluation = score(conversation, scorecard, engine_version="test")
        made.append((conversation, evaluation, flag(evaluation, conversation, scorecard)))
    return made


def drawn(scorecard: Scorecard, made: Sequence[Case]) -> list[Conversation]:
    return [made[n][0] for n, review in enumerate(draw(made, [scorecard])) if "random_sample" in review.reasons]


def test_each_queue_has_its_own_share(tmp_path: Path) -> None:
    rule = "flag: [{random: {售后: 30%, other: 5%}, by: queue, priority: 0.1}]"
    scorecard = card(tmp_path, CRITERIA, top=rule)
    made = cases(scorecard, 400, queues=("售后", "售前"))
    picked = Counter(c.interaction.queue for c, _, review in made if review.flagged)
    assert 40 < picked["售后"] < 80
    assert 2 < picked["售前"] < 25


def test_stratum_without_a_share_is_not_drawn(tmp_path: Path) -> None:
    scorecard = card(tmp_path, CRITERIA, top="flag: [{random: {售前: 100%}, by: queue, priority: 0.1}]")
    assert not any(review.flagged for _, _, review in cases(scorecard, 20))


@pytest.mark.parametrize(("text", "flagged"), [("坐席: 您好", True), ("坐席: 喂", False)])
def test_share_by_band(tmp_path: Path, text: str, flagged: bool) -> None:
    top = "bands: {good: 80, poor: 0}\nflag: [{random: {good: 100%, poor: 0%}, by: band, priority: 0.1}]"
    scorecard = card(tmp_path, CRITERIA, top=top)
    assert all(review.flagged is flagged for _, _, review in cases(scorecard, 3, text=text))


MINIMUM = "flag: [{random: 2%, at_least: 3, per: agent, priority: 0.1}]"


def test_every_agent_is_looked_at_often_enough(tmp_path: Path) -> None:
    scorecard = card(tmp_path, CRITERIA, top=MINIMUM)
    made = cases(scorecard, 80)
    picked = Counter(c.interaction.agent.id for c in drawn(scorecard, made) if c.interaction.agent)
    assert set(picked) == {"A0", "A1", "A2", "A3"}
    assert all(count >= 3 for count in picked.values())


def test_minimum_adds_only_what_the_share_left_out(tmp_path: Path) -> None:
    scorecard = card(tmp_path, CRITERIA, top=MINIMUM.replace("2%", "50%"))
    made = cases(scorecard, 80)
    assert {c.interaction.id for c in drawn(scorecard, made)} == {
        f"C{n:04}" for n in range(80) if sampled(f"C{n:04}", "test", 0.5)
    }


def test_minimum_larger_than_the_work_takes_all_of_it(tmp_path: Path) -> None:
    scorecard = card(tmp_path, CRITERIA, top=MINIMUM)
    assert len(drawn(scorecard, cases(scorecard, 5))) == 5


def test_the_same_are_drawn_in_any_order(tmp_path: Path) -> None:
    scorecard = card(tmp_path, CRITERIA, top=MINIMUM)
    made = cases(scorecard, 80)
    one, other = drawn(scorecard, made), drawn(scorecard, made[::-1])
    assert {c.interaction.id for c in one} == {c.interaction.id for c in other}


@pytest.mark.parametrize(("every", "count"), [("day", 4), ("week", 2), ("month", 1)])
def test_minimum_counts_anew_in_every_period(tmp_path: Path, every: str, count: int) -> None:
    rule = f"flag: [{{random: 0%, at_least: 1, per: agent, every: {every}, priority: 0.1}}]"
    scorecard = card(tmp_path, CRITERIA, top=rule)
    made = cases(scorecard, 40, agents=1, days=10)
    everything = drawn(scorecard, made)
    starts = [c.interaction.started_at for c in everything]
    first = [start for start in starts if start and start < BEGIN + timedelta(days=4)]
    assert len(everything) == {"day": 10, "week": 2, "month": 1}[every]
    assert len(first) <= count


def test_what_was_drawn_keeps_its_other_reasons(tmp_path: Path) -> None:
    top = "flag:\n  - {below_pass: true, priority: 0.5}\n  - {random: 0%, at_least: 1, per: agent, priority: 0.1}"
    scorecard = card(tmp_path, CRITERIA, top=top)
    (review,) = draw(cases(scorecard, 1, text="坐席: 喂"), [scorecard])
    assert (review.reasons, review.priority) == (("below_pass", "random_sample"), 0.55)


def test_cases_of_other_cards_are_left_alone(tmp_path: Path) -> None:
    scorecard = card(tmp_path, CRITERIA, top=MINIMUM)
    made = cases(scorecard, 5)
    assert draw(made, []) == tuple(review for _, _, review in made)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("{random: 3%, by: queue, priority: 0.1}", "by"),
        ("{random: {a: 3%}, priority: 0.1}", "by"),
        ("{random: 3%, at_least: 2, priority: 0.1}", "per"),
        ("{fatal: true, at_least: 2, per: agent, priority: 0.1}", "random"),
        ("{random: {a: 300%}, by: queue, priority: 0.1}", "1"),
        ("{unmet: [hello], severity: critical, priority: 0.1}", "unmet"),
    ],
)
def test_wrong_sampling_rule_is_told(tmp_path: Path, rule: str, words: str) -> None:
    with pytest.raises(BadScorecardError) as caught:
        card(tmp_path, CRITERIA, top=f"flag: [{rule}]")
    assert len(caught.value.problems) == 1
    assert words in str(caught.value.problems[0])
