"""Processes: paths, branches, points of steps, and what the finding tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.conversation import Verdict
from pipeline.criteria import flow
from pipeline.criteria.base import State
from pipeline.criteria.flow import unreachable
from pipeline.i18n import t
from pipeline.scorecard import BadScorecardError
from tests.cards import card, finding, outcome
from tests.dialogues import talk

RETURNS = """flow:
  steps:
    verify: {title: 核实身份, expect: {phrase: ["核对…姓名"]}}
    ask:
      title: 问清诉求
      expect: {phrase: [退货还是换货]}
      next: [{to: refund, when: {phrase: {any: [我要退], by: customer}}}, exchange]
    refund: {title: 说明退款, expect: {phrase: [退款到账]}, points: 2, next: close}
    exchange: {title: 说明换货, expect: {phrase: [上门取件]}, points: 2}
    close: {title: 道别, expect: {phrase: [再见]}}"""

WHOLE = """坐席: 先跟您核对一下姓名
客户: 王芳
坐席: 您是退货还是换货
客户: {wish}
坐席: {answer}
坐席: 感谢来电，再见"""


def returns(wish: str = "我要退掉", answer: str = "三天内退款到账") -> str:
    return WHOLE.format(wish=wish, answer=answer)


def without(text: str, word: str) -> str:
    return "\n".join(line for line in text.splitlines() if word not in line)


def test_a_whole_path_is_met_with_evidence_for_every_step_and_branch(tmp_path: Path) -> None:
    found = finding(tmp_path, talk(returns()), "points: 10", RETURNS)
    assert (found.verdict, found.points) == (Verdict.MET, 10.0)
    quotes = [place.quote for place in found.evidence]
    assert quotes == ["核对一下姓名", "退货还是换货", "我要退", "退款到账", "再见"]


@pytest.mark.parametrize(
    ("wish", "answer", "verdict"),
    [
        ("我要退掉", "三天内退款到账", Verdict.MET),
        ("想换一台", "明天上门取件", Verdict.MET),
        ("想换一台", "三天内退款到账", Verdict.PARTIAL),
        ("我要退掉", "明天上门取件", Verdict.PARTIAL),
    ],
)
def test_the_customers_wish_decides_which_branch_is_walked(
    tmp_path: Path, wish: str, answer: str, verdict: Verdict
) -> None:
    assert finding(tmp_path, talk(returns(wish, answer)), "points: 10", RETURNS).verdict is verdict


def test_steps_done_earn_their_share_of_the_points_on_the_path(tmp_path: Path) -> None:
    found = finding(tmp_path, talk(without(returns(), "退款到账")), "points: 10", RETURNS)
    assert (found.verdict, found.points) == (Verdict.PARTIAL, 6.0)


def test_the_finding_tells_the_path_and_what_is_missing(tmp_path: Path) -> None:
    found = finding(tmp_path, talk(without(returns(), "退款到账")), "points: 10", RETURNS)
    told = t("zh", found.why.key, **found.why.args)
    assert "核实身份 → 问清诉求 → 说明退款 → 道别" in told
    assert "缺少：说明退款" in told


def test_a_conversation_without_any_step_is_unmet(tmp_path: Path) -> None:
    found = finding(tmp_path, talk("坐席: 喂\n客户: 你好"), "points: 10", RETURNS)
    assert (found.verdict, found.points) == (Verdict.UNMET, 0.0)


def test_a_required_step_cannot_be_made_up_for(tmp_path: Path) -> None:
    operator = RETURNS.replace("points: 2, next: close", "points: 2, required: true, next: close")
    assert finding(tmp_path, talk(without(returns(), "退款到账")), "points: 10", operator).verdict is Verdict.UNMET
    assert finding(tmp_path, talk(without(returns(), "核对")), "points: 10", operator).verdict is Verdict.PARTIAL


def test_a_step_without_points_may_be_left_out(tmp_path: Path) -> None:
    operator = RETURNS.replace("退款到账]}, points: 2", "退款到账]}, points: 0")
    assert finding(tmp_path, talk(without(returns(), "退款到账")), "points: 10", operator).verdict is Verdict.MET


@pytest.mark.parametrize(("in_order", "points"), [("true", 2.0), ("false", 10.0)])
def test_a_step_counts_after_the_one_before_it(tmp_path: Path, in_order: str, points: float) -> None:
    operator = f"""flow:
  in_order: {in_order}
  steps:
    apologise: {{expect: {{phrase: [抱歉]}}}}
    explain: {{expect: {{phrase: [是因为]}}}}
    promise: {{expect: {{phrase: [明天上午]}}, points: 3}}"""
    conversation = talk("坐席: 明天上午给您送到\n客户: 为什么晚了\n坐席: 是因为下雪，给您带来不便，抱歉")
    assert finding(tmp_path, conversation, "points: 10", operator).points == points


def test_two_steps_in_one_turn_must_stand_in_order(tmp_path: Path) -> None:
    operator = "flow: {steps: {hello: {expect: {phrase: 您好}}, name: {expect: {phrase: 工号}}}}"
    assert outcome(tmp_path, talk("坐席: 您好，工号三三零八"), operator).state is State.YES
    assert outcome(tmp_path, talk("坐席: 工号三三零八，您好"), operator).state is State.NO


def test_a_step_may_have_to_come_soon(tmp_path: Path) -> None:
    operator = "flow: {steps: {ask: {expect: {phrase: 请稍等}}, thank: {expect: {phrase: 久等}, within: 1 turns}}}"
    assert outcome(tmp_path, talk("坐席: 请稍等\n客户: 好\n坐席: 久等了"), operator).state is State.YES
    assert outcome(tmp_path, talk("坐席: 请稍等\n坐席: 嗯\n坐席: 久等了"), operator).state is State.NO


@pytest.mark.parametrize(
    ("first_missed", "verdict", "points"),
    [
        ("go_on", Verdict.PARTIAL, 8.0),
        ("stop", Verdict.UNMET, 0.0),
        ("not_applicable", Verdict.NOT_APPLICABLE, 0.0),
    ],
)
def test_what_follows_where_the_first_step_is_missing(
    tmp_path: Path, first_missed: str, verdict: Verdict, points: float
) -> None:
    operator = RETURNS.replace("flow:", f"flow:\n  first_missed: {first_missed}")
    found = finding(tmp_path, talk(without(returns(), "核对")), "points: 10", operator)
    assert (found.verdict, found.points) == (verdict, points)


def test_without_a_branch_that_fits_the_walk_ends(tmp_path: Path) -> None:
    operator = RETURNS.replace("}, exchange]", "}]")
    assert (
        finding(tmp_path, talk(without(returns("再想想", ""), "再见")), "points: 10", operator).verdict is Verdict.MET
    )


def test_a_step_that_could_not_be_heard_is_unsure(tmp_path: Path) -> None:
    operator = "flow: {steps: {hello: {expect: {phrase: 您好}}, bye: {expect: {phrase: 再见}}}}"
    found = finding(tmp_path, talk("坐席(0.9): 您好\n坐席(0.2): 那就在剪了哈"), "points: 10", operator)
    assert found.verdict is Verdict.UNSURE
    assert found.why.args["step_zh"] == "bye"


def test_a_step_that_cannot_be_judged_stays_out(tmp_path: Path) -> None:
    operator = "flow: {steps: {hello: {expect: {phrase: 您好}}, quick: {expect: {pace: {above: 200}}}}}"
    assert finding(tmp_path, talk("坐席: 您好"), "points: 10", operator).verdict is Verdict.MET


def test_a_flow_of_acts_needs_a_reader(tmp_path: Path) -> None:
    operator = "flow: {steps: {hello: {expect: {phrase: 您好}}, care: {expect: {act: empathy}}}}"
    said = outcome(tmp_path, talk("坐席: 您好"), operator)
    assert (said.state, said.needs_reader) == (State.UNAVAILABLE, True)


def test_inside_all_of_a_flow_is_all_or_nothing(tmp_path: Path) -> None:
    operator = "all_of: [{flow: {steps: {a: {expect: {phrase: 您好}}, b: {expect: {phrase: 再见}}}}}]"
    assert finding(tmp_path, talk("坐席: 您好"), "points: 10", operator).verdict is Verdict.UNMET


def test_a_flow_that_must_not_be_walked_is_a_fault(tmp_path: Path) -> None:
    operator = "flow: {steps: {refuse: {expect: {phrase: 办不了}}, end_call: {expect: {phrase: 再见}}}}"
    assert finding(tmp_path, talk("坐席: 办不了\n坐席: 再见"), "deduct: 5", operator).verdict is Verdict.UNMET
    assert finding(tmp_path, talk("坐席: 办不了\n坐席: 我帮您问问"), "deduct: 5", operator).verdict is Verdict.MET


def params(folder: Path, operator: str) -> flow.Params:
    lines = "\n".join(f"    {line}" for line in operator.splitlines())
    loaded = card(folder, f"  - id: it\n    title: 项目\n    section: s\n    points: 1\n{lines}")
    found = loaded.criteria[0].expression.params
    assert isinstance(found, flow.Params)
    return found


def test_steps_that_nothing_leads_to_are_found(tmp_path: Path) -> None:
    assert unreachable(params(tmp_path, RETURNS)) == ()
    skipped = RETURNS.replace("points: 2, next: close", "points: 2, next: end").replace("}, exchange]", "}, close]")
    assert unreachable(params(tmp_path, skipped)) == ("exchange",)


def test_a_branch_behind_a_plain_name_leads_nowhere(tmp_path: Path) -> None:
    swapped = RETURNS.replace("[{to: refund,", "[exchange, {to: refund,").replace("}, exchange]", "}]")
    assert unreachable(params(tmp_path, swapped)) == ("refund",)


@pytest.mark.parametrize(
    ("operator", "message"),
    [
        (RETURNS.replace("next: close", "next: closing"), "指向“closing”，但没有这一步"),
        (RETURNS.replace("next: close", "next: ask"), "ask → refund → ask"),
        ("flow: {steps: {end: {expect: {phrase: 再见}}}}", "步骤不能叫 end"),
        (RETURNS.replace("{phrase: [退款到账]}", "refund_told"), "conditions 里没有“refund_told”"),
        (RETURNS.replace("when: {phrase: {any: [我要退], by: customer}}", "when: wants_refund"), "wants_refund"),
        (RETURNS.replace("{phrase: [再见]}", "{phrse: [再见]}"), "phrase"),
    ],
)
def test_what_is_wrong_with_a_graph_is_told(tmp_path: Path, operator: str, message: str) -> None:
    with pytest.raises(BadScorecardError) as caught:
        params(tmp_path, operator)
    (problem,) = caught.value.problems
    assert message in str(problem)
