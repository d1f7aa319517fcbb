"""The scorecards that come with the product: complete, self-consistent, and right about short dialogues."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from models.utterance import Reader, load_reader
from pipeline.check import validate
from pipeline.conversation import Channel, Conversation, Evaluation, Verdict
from pipeline.criteria.base import Settings, State
from pipeline.criteria.window import Window
from pipeline.flagging import flag
from pipeline.reading import read
from pipeline.scorecard import Scorecard, dialogue, find_scorecard, shipped_scorecards
from pipeline.scorecard.model import Criterion, Each, Examples, FlagRule, Section
from pipeline.scoring import context_for, judge, score
from tests.cards import outcome

DUTIES = {
    "greeting",
    "self_identification",
    "offer_help",
    "identity_check",
    "restate",
    "empathy_response",
    "time_commitment",
    "hold_etiquette",
    "anything_else",
    "satisfaction_check",
    "farewell",
}
FAULTS = {
    "shirking",
    "rudeness",
    "taboo_words",
    "over_promise",
    "privacy_leak",
    "disparagement",
    "slang",
    "interrupting",
    "mechanical_repetition",
}
EXEMPLARY = """
坐席: 您好，这里是安心家电服务热线，工号3301，请问有什么可以帮您？
客户: 我买的电饭煲才用三天就坏了，等着做饭呢，急死人了。
坐席: 正等着做饭锅却坏了，换谁都着急，给您添麻烦了，实在抱歉。
坐席: 您的意思是电饭煲用了三天就不能加热，想换一台新的，对吗？
客户: 对。
坐席: 麻烦您报一下订单号和姓名。
客户: 订单六六八八，姓沈。
坐席: 请您稍等，我查一下。
坐席: 让您久等了，核对无误，可以免费换新，明天下午五点前送到您家。
客户: 好的。
坐席: 您看这样处理可以吗？
客户: 可以。
坐席: 请问还有其他可以帮您的吗？
客户: 没有了，谢谢你。
坐席: 感谢您的来电，祝您生活愉快，再见。
"""
COLD = """
坐席: 您好，安心家电服务热线，工号3302，请讲。
客户: 我买的电饭煲才用三天就坏了，等着做饭呢，急死人了。
坐席: 订单号多少。
客户: 六六八八。
坐席: 可以换，三天内送到。
客户: 行吧。
坐席: 还有其他问题吗？
客户: 没有了。
坐席: 感谢来电，再见。
"""
RUDE = """
坐席: 说吧，什么事。
客户: 我买的电饭煲才用三天就坏了，你们管不管？
坐席: 不归我们管，你自己去找厂家。
客户: 你这是什么态度，我要投诉！
坐席: 投诉呗，爱找谁找谁，神经病。
"""


@cache
def card(name: str) -> Scorecard:
    return find_scorecard(name)


@cache
def reader() -> Reader:
    return load_reader()


def talk(text: str, channel: Channel = Channel.CALL) -> Conversation:
    return read([dialogue(text, channel=channel)], reader=reader())[0]


def evaluated(text: str, name: str = "hotline", channel: Channel = Channel.CALL) -> Evaluation:
    return score(talk(text, channel), card(name), engine_version="test")


def verdict(evaluation: Evaluation, criterion: str) -> Verdict:
    return next(finding.verdict for finding in evaluation.findings if finding.criterion == criterion)


@pytest.mark.parametrize("name", ["hotline", "online-chat"])
def test_every_id_of_the_public_format_is_there(name: str) -> None:
    faults = {criterion.id for criterion in card(name).criteria if criterion.fault}
    duties = {criterion.id for criterion in card(name).criteria if not criterion.fault}
    assert faults == FAULTS
    assert duties == DUTIES


@pytest.mark.parametrize("name", shipped_scorecards())
def test_every_card_validates_without_findings_and_its_examples_get_their_verdicts(name: str) -> None:
    problems = validate(card(name).source, reader=lambda conversation: read([conversation], reader=reader())[0])
    assert [str(problem) for problem in problems] == []


@pytest.mark.parametrize("name", shipped_scorecards())
def test_every_criterion_shows_what_is_met_and_what_is_not(name: str) -> None:
    for criterion in card(name).criteria:
        assert criterion.examples.met, criterion.id
        assert criterion.examples.unmet, criterion.id


@pytest.mark.parametrize("name", ["hotline", "online-chat"])
def test_the_duties_are_worth_a_hundred(name: str) -> None:
    assert sum(criterion.points or 0 for criterion in card(name).criteria) == 100


@pytest.mark.parametrize("name", shipped_scorecards())
def test_every_criterion_names_its_source_and_both_titles(name: str) -> None:
    for criterion in card(name).criteria:
        assert criterion.source
        assert criterion.title.zh != criterion.title.en


def test_the_two_cards_differ_only_where_the_channel_does() -> None:
    call, chat = card("hotline"), card("online-chat")
    for one, other in zip(call.criteria, chat.criteria, strict=True):
        assert (one.id, one.points, one.deduct, one.fatal) == (other.id, other.points, other.deduct, other.fatal)
    assert call.channels != chat.channels


def test_scores_rank_as_a_lead_would() -> None:
    best, cold, rude = (evaluated(text).total for text in (EXEMPLARY, COLD, RUDE))
    assert best is not None
    assert cold is not None
    assert rude is not None
    assert best > 95
    assert best > cold > rude
    assert rude < 30


def test_an_exemplary_call_passes_and_needs_nobody() -> None:
    evaluation = evaluated(EXEMPLARY)
    assert evaluation.passed is True
    assert evaluation.band == "excellent"
    item = flag(evaluation, talk(EXEMPLARY), card("hotline"))
    assert set(item.reasons) <= {"random_sample"}


def test_rudeness_fails_the_card_and_asks_for_review() -> None:
    evaluation = evaluated(RUDE)
    assert evaluation.fatal == ("rudeness",)
    assert evaluation.passed is False
    item = flag(evaluation, talk(RUDE), card("hotline"))
    assert item.flagged
    assert "fatal:rudeness" in item.reasons


def test_what_does_not_apply_costs_nothing() -> None:
    text = "坐席: 您好，安心家电客服中心，工号12，请问有什么可以帮您？\n客户: 你们几点下班？\n坐席: 晚上八点。"
    evaluation = evaluated(text)
    for criterion in ("identity_check", "empathy_response", "hold_etiquette"):
        assert verdict(evaluation, criterion) is Verdict.NOT_APPLICABLE


def test_closing_words_are_not_asked_of_a_call_the_customer_left() -> None:
    evaluation = evaluated("坐席: 您好，安心家电客服。\n客户: 灯不亮了。\n坐席: 这个修不了。\n客户: 算了，挂了。")
    for criterion in ("anything_else", "satisfaction_check", "farewell"):
        assert verdict(evaluation, criterion) is Verdict.NOT_APPLICABLE


def test_a_need_told_in_the_first_message_needs_no_asking() -> None:
    text = "客户: 你好，我的订单一直没有发货\n客服: 您好，安心商城客服小叶为您服务，我来查一下"
    assert verdict(evaluated(text, "online-chat", Channel.CHAT), "offer_help") is Verdict.NOT_APPLICABLE


def test_interrupting_is_no_matter_in_a_chat() -> None:
    evaluation = evaluated("客户: 在吗\n客服: 在的，请讲", "online-chat", Channel.CHAT)
    assert verdict(evaluation, "interrupting") is Verdict.NOT_APPLICABLE


def test_a_calm_grave_threat_comes_first_in_the_queue() -> None:
    text = "坐席: 您好，安心家电客服。\n客户: 插座冒烟烧到孩子，三天内不答复我就起诉。\n坐席: 好的，再见。"
    conversation = talk(text)
    item = flag(evaluated(text), conversation, card("hotline"))
    assert "complaint_level_1" in item.reasons
    assert item.priority == 1.0


def judged(text: str, name: str) -> dict[str, Verdict]:
    return {finding.criterion: finding.verdict for finding in evaluated(text, name).findings}


def test_reasons_before_sympathy_cost_most_in_a_complaint() -> None:
    cold = (
        "客户: 孩子的奶粉罐子是瘪的，我都气哭了，我要投诉！\n坐席: 运输难免磕碰，按规定不影响食用。\n客户: 什么态度！"
    )
    warm = cold.replace("坐席: ", "坐席: 给宝宝买的奶粉收到是瘪的，换谁都心疼，真对不起。\n坐席: ", 1)
    assert judged(cold, "complaint")["empathy_first"] is Verdict.UNMET
    assert judged(warm, "complaint")["empathy_first"] is Verdict.MET


@pytest.mark.parametrize(
    ("level", "criterion"), [(1, "escalate_level_1"), (2, "coordinate_level_2"), (3, "settle_level_3")]
)
def test_each_level_of_complaint_asks_for_its_own_way(level: int, criterion: str) -> None:
    text = f"@class complaint_level={level}\n客户: 空调又不制冷，我要投诉！\n坐席: 我马上上报主管，请维修部门联系您。"
    conversation = dialogue(text)
    context = context_for(card("complaint"), conversation)
    verdicts = {one.id: judge(one, conversation, context).verdict for one in card("complaint").criteria}
    levels = ("escalate_level_1", "coordinate_level_2", "settle_level_3")
    assert [name for name in levels if verdicts[name] is not Verdict.NOT_APPLICABLE] == [criterion]


def test_every_complaint_below_the_pass_mark_is_looked_at() -> None:
    text = "客户: 空调不制冷。\n坐席: 您好，我帮您登记维修。"
    conversation, rules = talk(text), card("complaint")
    failed = replace(evaluated(text, "complaint"), total=rules.pass_mark - 1)
    assert "below_pass" in flag(failed, conversation, rules).reasons
    assert "below_pass" not in flag(replace(failed, total=rules.pass_mark), conversation, rules).reasons


CHECKED = """\
我已按您提供的订单号后四位6107核对了信息。
您的姓名和手机号已核实。
您的手机尾号我们核对过了，和系统里登记的一致。
已核对您提供的订单号，信息无误。
刚才核实了您登记的手机号，可以为您办理。
根据您来信里的会员号，我们核对了账户。
预留信息我这边验证通过了。
核对过您提供的收件人姓名和电话号码后，我们查看了记录。
已为您核对户名和户号，都是一致的。
"""
NOT_CHECKED = """\
订单号核对了才能给您办理。
您的手机号核实过了吗？
还没有核对过您的姓名。
身份没核实通过，暂时办不了。
等我核实了您的身份再说。
经核实，这笔费用确实不该收。
我们核实过了，单号是SF1234。
我们核实了您反映的问题，订单号有误。
姓名需要本人核对后才能修改。
已为您登记手机号，稍后联系您。
"""


@pytest.mark.parametrize(
    ("said", "met"), [(one, True) for one in CHECKED.splitlines()] + [(one, False) for one in NOT_CHECKED.splitlines()]
)
def test_a_check_of_identity_may_be_told_once_it_is_done(said: str, met: bool, tmp_path: Path) -> None:
    wording = 'phrase: {any: ["<identity_verified>"], except: ["<identity_unverified>"]}'
    found = outcome(tmp_path, dialogue(f"坐席: {said}"), wording, top="include: [lexicons/account.yaml]")
    assert found.state is (State.YES if met else State.NO)


def test_numbers_that_did_not_come_are_not_judged() -> None:
    verdicts = judged("坐席: 您好，请讲。\n客户: 你们几点下班？\n坐席: 晚上八点。", "fmcg")
    for criterion in ("answered_in_time", "called_back_in_time", "customer_satisfied", "handling_time"):
        assert verdicts[criterion] is Verdict.NOT_APPLICABLE


def test_the_blank_card_explains_every_key_of_the_schema() -> None:
    text = Path(card("blank").source).read_text(encoding="utf-8")
    for model in (Scorecard, Criterion, Settings, Window, FlagRule, Section, Each, Examples):
        for name, field in model.model_fields.items():
            if name not in ("operator", "condition"):
                assert re.search(rf"\b{field.alias or name}\b", text), (model.__name__, name)


def test_evidence_quotes_the_turn() -> None:
    evaluation = evaluated(EXEMPLARY)
    turns = talk(EXEMPLARY).turns
    quoted = [evidence for finding in evaluation.findings for evidence in finding.evidence]
    assert quoted
    for evidence in quoted:
        assert turns[evidence.turn].text[slice(*evidence.span)] == evidence.quote
