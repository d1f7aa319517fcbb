"""similar: sentences like examples, by wording and by meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy import ndarray

from pipeline.conversation import Conversation
from pipeline.criteria.base import Outcome, State
from pipeline.criteria.likeness import likeness
from pipeline.scorecard import BadScorecardError
from pipeline.scoring import context_for
from tests.cards import card, outcome
from tests.dialogues import talk

NOTICE = "为了保证服务质量，这次通话可能会录音。"


@pytest.mark.parametrize(
    ("operator", "state"),
    [
        ("similar: 本次通话可能会被录音", State.YES),
        ("similar: [今天天气很好, 本次通话可能会被录音]", State.YES),
        ("similar: {to: 本次通话可能会被录音, at_least: 0.95}", State.NO),
        ("similar: {to: 本次通话可能会被录音, by: customer}", State.NO),
        ("similar: {to: 本次通话可能会被录音, window: {turns: -1}}", State.NO),
        ("similar: {to: 本次通话可能会被录音, times: 2}", State.NO),
        ("similar: {to: 本次通话可能会被录音, unlike: 这次通话可能会被录音吗}", State.NO),
        ("similar: {to: 本次通话可能会被录音, min_chars: 20}", State.NO),
        ("similar: 请问您的订单号是多少", State.NO),
    ],
)
def test_similar(tmp_path: Path, operator: str, state: State) -> None:
    conversation = talk(f"坐席: 您好，{NOTICE}\n客户: 好，你说。\n坐席: 请问您哪里不满意？")
    assert outcome(tmp_path, conversation, operator).state is state


def test_clause_that_is_most_alike_is_cited_and_sets_the_confidence(tmp_path: Path) -> None:
    found = outcome(tmp_path, talk(f"坐席: 您好，{NOTICE}"), "similar: 这次通话可能会录音")
    assert [(hit.evidence[0].quote, hit.confidence) for hit in found.hits] == [("这次通话可能会录音", 1.0)]


def test_words_of_an_unknown_speaker_leave_it_unsure(tmp_path: Path) -> None:
    conversation = talk(f"坐席: 喂\n未知: {NOTICE}")
    assert outcome(tmp_path, conversation, "similar: 这次通话可能会录音").state is State.UNSURE


def test_example_of_fillers_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadScorecardError, match="嗯"):
        outcome(tmp_path, talk("坐席: 喂"), "similar: [嗯。]")


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [("退款", "退款", 1.0), ("退款", "发货", 0.0), ("", "发货", 0.0), ("", "", 0.0), ("退", "退", 1.0)],
)
def test_ends_of_the_scale(one: str, other: str, alike: float) -> None:
    assert likeness(one, other) == alike


def test_likeness_does_not_depend_on_the_order_of_its_arguments() -> None:
    pairs = [("请您耐心等待处理结果", "处理结果请您耐心等待"), ("退款三天到账", "三个工作日内退款")]
    assert [likeness(*pair) for pair in pairs] == [likeness(*reversed(pair)) for pair in pairs]


def test_other_order_of_the_same_words_is_more_alike_than_other_words() -> None:
    example = "请您耐心等待处理结果"
    assert likeness(example, "处理结果请您耐心等待") > likeness(example, "请您尽快提交处理结果的截图")


def by_meaning(folder: Path, conversation: Conversation, operator: str) -> Outcome:
    """With a model whose two directions are the lengths of texts: long sentences mean the same, short ones too."""

    def embed(texts: Sequence[str]) -> ndarray:
        return np.array([[1.0, 0.0] if len(text) > 8 else [0.0, 1.0] for text in texts], dtype=np.float32)

    one = card(folder, f"  - id: it\n    title: 项目\n    section: s\n    points: 1\n    {operator}")
    context = context_for(one, conversation)
    context = replace(context, rules=replace(context.rules, embed=embed))
    return one.criteria[0].expression.plan(conversation, context)


@pytest.mark.parametrize(
    ("operator", "state"),
    [
        ("similar: 天气预报说明天有大雨", State.YES),
        ("similar: 明天有雨", State.NO),
        ("similar: {to: 天气预报说明天有大雨, unlike: 明天有雨}", State.YES),
    ],
)
def test_a_configured_model_compares_meaning(tmp_path: Path, operator: str, state: State) -> None:
    assert by_meaning(tmp_path, talk(f"坐席: {NOTICE.replace('，', '')}"), operator).state is state
