from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.conversation import Verdict
from pipeline.scorecard import BadScorecardError
from pipeline.spoken_numbers import id_card_fits, luhn_fits, number_kind
from tests.cards import finding
from tests.dialogues import talk

STOCK = "坐席: 请您耐心等待处理结果。"
ID_CARD = "11010519491231002X"
"""The example number printed in the standard GB 11643-1999."""
BANK_CARD = "4111111111111111"
"""The test number that payment networks publish."""


@pytest.mark.parametrize(("times", "verdict"), [(2, Verdict.MET), (3, Verdict.UNMET)])
def test_stock_sentence_said_three_times(tmp_path: Path, times: int, verdict: Verdict) -> None:
    conversation = talk("\n".join([STOCK, "客户: 到底什么时候"] * times))
    assert finding(tmp_path, conversation, "deduct: 3", "repetition: {}").verdict is verdict


def test_every_occurrence_is_cited(tmp_path: Path) -> None:
    found = finding(tmp_path, talk("\n".join([STOCK] * 3)), "deduct: 3", "repetition: {}")
    assert [e.turn for e in found.evidence] == [0, 1, 2]


def test_nearly_the_same_sentence_counts(tmp_path: Path) -> None:
    text = f"{STOCK}\n坐席: 请您耐心等待，处理结果\n坐席: 请您耐心等待处理结果吧"
    assert finding(tmp_path, talk(text), "deduct: 3", "repetition: {similarity: 0.9}").verdict is Verdict.UNMET


def test_misheard_stock_sentence_counts_by_its_sound(tmp_path: Path) -> None:
    text = f"{STOCK}\n坐席: 情您奈心等代处理结果\n坐席: 请您耐新等待处里节果"
    assert finding(tmp_path, talk(text), "deduct: 3", "repetition: {}").verdict is Verdict.UNMET


def test_sentence_of_one_shape_and_another_sound_is_another_sentence(tmp_path: Path) -> None:
    text = f"{STOCK}\n坐席: 请您耐心等待处理电话\n坐席: 请您耐心等待物流结果"
    assert finding(tmp_path, talk(text), "deduct: 3", "repetition: {}").verdict is Verdict.MET


def test_numbers_keep_sentences_apart(tmp_path: Path) -> None:
    text = "\n".join(f"坐席: 您的取件码是{code}请查收" for code in ("1024", "5517", "3308"))
    assert finding(tmp_path, talk(text), "deduct: 3", "repetition: {}").verdict is Verdict.MET


def test_stock_clause_inside_different_sentences(tmp_path: Path) -> None:
    stock = "您的意见对我们很重要"
    text = f"坐席: 收到，{stock}。\n坐席: 尊敬的客户，{stock}，感谢反馈。\n坐席: 好的,{stock}"
    found = finding(tmp_path, talk(text), "deduct: 3", "repetition: {}")
    assert found.verdict is Verdict.UNMET
    assert [e.turn for e in found.evidence] == [0, 1, 2]


def test_sentence_and_its_clause_are_one_place(tmp_path: Path) -> None:
    text = "坐席: 好，您的意见对我们很重要\n坐席: 好，您的意见对我们很重要"
    assert finding(tmp_path, talk(text), "deduct: 3", "repetition: {}").verdict is Verdict.MET


def test_whole_sentence_is_cited_where_it_is_the_same(tmp_path: Path) -> None:
    sentence = "请您耐心等待处理结果，我们会尽快给您回复"
    found = finding(tmp_path, talk("\n".join([f"坐席: {sentence}。"] * 3)), "deduct: 3", "repetition: {}")
    assert {e.quote for e in found.evidence} == {sentence}


def test_short_sentences_may_be_repeated(tmp_path: Path) -> None:
    assert (
        finding(tmp_path, talk("\n".join(["坐席: 好的，请讲。"] * 4)), "deduct: 3", "repetition: {}").verdict
        is Verdict.MET
    )


def test_sentences_may_be_allowed(tmp_path: Path) -> None:
    operator = "repetition: {except: [耐心等待]}"
    assert finding(tmp_path, talk("\n".join([STOCK] * 3)), "deduct: 3", operator).verdict is Verdict.MET


def test_the_customers_repetitions_are_not_the_agents(tmp_path: Path) -> None:
    conversation = talk("\n".join(["坐席: 您好", *["客户: 你们到底什么时候给我处理"] * 3]))
    assert finding(tmp_path, conversation, "deduct: 3", "repetition: {}").verdict is Verdict.MET


def test_agent_who_parrots_the_customer(tmp_path: Path) -> None:
    text = "客户: 我的洗衣机甩干的时候特别响\n坐席: {}\n客户: 对\n坐席: {}"
    operator = "repetition: {of: other, times: 3}"
    parrot = talk(text.format("您的洗衣机甩干的时候特别响", "您的洗衣机甩干的时候特别响"))
    found = finding(tmp_path, parrot, "deduct: 3", operator)
    assert (found.verdict, [e.turn for e in found.evidence]) == (Verdict.UNMET, [0, 1, 3])
    listens = talk(text.format("是甩干的时候声音大，对吗", "我帮您约师傅"))
    assert finding(tmp_path, listens, "deduct: 3", operator).verdict is Verdict.MET


def test_sentence_that_is_parroted_once_and_its_clause_are_one_place(tmp_path: Path) -> None:
    text = "客户: 我的洗衣机甩干的时候特别响\n坐席: 哦，您的洗衣机甩干的时候特别响"
    found = finding(tmp_path, talk(text), "deduct: 3", "repetition: {of: other, times: 2, similarity: 0.8}")
    assert (found.verdict, found.why.args["count"]) == (Verdict.UNMET, 2)


def test_customer_who_has_to_say_it_again_is_told_apart_from_the_agent_who_does(tmp_path: Path) -> None:
    text = "客户: 我要退掉上周买的电饭锅\n坐席: 请问什么事\n客户: 我要退掉上周买的电饭锅"
    assert finding(tmp_path, talk(text), "deduct: 3", "repetition: {by: customer, times: 2}").verdict is Verdict.UNMET
    other = "repetition: {by: customer, of: other, times: 2}"
    assert finding(tmp_path, talk(text), "deduct: 3", other).verdict is Verdict.MET


def test_what_the_customer_says_later_is_not_parroted(tmp_path: Path) -> None:
    text = "坐席: 洗衣机甩干的时候特别响吗\n客户: 洗衣机甩干的时候特别响"
    assert finding(tmp_path, talk(text), "deduct: 3", "repetition: {of: other, times: 2}").verdict is Verdict.MET


@pytest.mark.parametrize(
    ("within", "verdict"),
    [("2 turns", Verdict.UNMET), ("1 turns", Verdict.MET), ("30 s", Verdict.UNMET), ("10 s", Verdict.MET)],
)
def test_saying_before_must_lie_within_reach(tmp_path: Path, within: str, verdict: Verdict) -> None:
    text = f"[0-2] {STOCK}\n[8-9] 坐席: 我查一下您的工单记录\n[20-22] {STOCK}"
    operator = f"repetition: {{times: 2, within: {within}}}"
    assert finding(tmp_path, talk(text), "deduct: 3", operator).verdict is verdict


def test_window_leaves_sayings_out(tmp_path: Path) -> None:
    operator = "repetition: {times: 2, window: {turns: 2..}}"
    assert finding(tmp_path, talk(f"{STOCK}\n{STOCK}"), "deduct: 3", operator).verdict is Verdict.MET


def test_repeating_another_needs_an_other_side(tmp_path: Path) -> None:
    with pytest.raises(BadScorecardError, match="anyone"):
        finding(tmp_path, talk(STOCK), "deduct: 3", "repetition: {of: other, by: anyone}")


@pytest.mark.parametrize(
    "text",
    [
        f"坐席: 他的身份证是{ID_CARD}",
        f"坐席: 卡号{BANK_CARD[:4]} {BANK_CARD[4:8]} {BANK_CARD[8:12]} {BANK_CARD[12:]}",
        "坐席: 收件人电话是13800000000",
        "坐席: 收件人电话是幺三八零零零零零零零零",
        "坐席: 收件人电话是幺三八，嗯，零零零零，零零零零",
        "坐席: 收件人电话是一三八，四个零，再四个零",
        "坐席: 前三位是幺三八，中间四位零零零零，后四位零零零零",
        "坐席: 电话是幺三八\n客户: 嗯\n坐席: 零零零零\n客户: 对\n坐席: 零零零零",
        "坐席: 工号1024，他的手机13800000000",
        f"坐席: 身份证号{ID_CARD[:6]}，{ID_CARD[6:14]}，{ID_CARD[14:17]}叉",
        "客户: 我电话尾号0000\n坐席: 是13800000000对吗",
    ],
)
def test_full_number_read_out_is_a_leak(tmp_path: Path, text: str) -> None:
    assert finding(tmp_path, talk(text), "fatal: card", "privacy: {}").verdict is Verdict.UNMET


@pytest.mark.parametrize(
    "text",
    [
        "客户: 我电话13800000000\n坐席: 跟您核对一下，13800000000对吗",
        "客户: 幺三八，零零零零\n客户: 零零零零\n坐席: 是13800000000对吗",
        "坐席: 尾号是0000的手机",
        "坐席: 手机是138****0000",
        "坐席: 订单号是20251012000711111",
        "坐席: 请拨打4001234567",
        "坐席: 电话是幺三八\n客户: 等一下，我拿支笔记一下\n坐席: 零零零零零零零零",
        "坐席: 一共1380元，分0期，每期000000元",
        "坐席: 手机是138xxxx0000",
    ],
)
def test_other_numbers_are_no_leak(tmp_path: Path, text: str) -> None:
    assert finding(tmp_path, talk(text), "fatal: card", "privacy: {}").verdict is Verdict.MET


def test_only_the_kinds_asked_for_count(tmp_path: Path) -> None:
    conversation = talk("坐席: 收件人电话是13800000000")
    assert finding(tmp_path, conversation, "fatal: card", "privacy: {any: [id_card]}").verdict is Verdict.MET


def test_check_digits() -> None:
    assert id_card_fits(ID_CARD.lower())
    assert not id_card_fits(ID_CARD[:-1] + "1")
    assert luhn_fits(BANK_CARD)
    assert not luhn_fits(BANK_CARD[:-1] + "2")


@pytest.mark.parametrize(
    ("number", "kind"),
    [("13800000000", "phone"), ("8613800000000", "phone"), (BANK_CARD, "bank_card"), ("12345678901", None)],
)
def test_number_kind(number: str, kind: str | None) -> None:
    assert number_kind(number) == kind


def test_pieces_over_several_turns_are_all_cited(tmp_path: Path) -> None:
    text = "坐席: 电话是幺三八\n客户: 嗯\n坐席: 零零零零\n客户: 对\n坐席: 零零零零，记下了吗"
    found = finding(tmp_path, talk(text), "fatal: card", "privacy: {}")
    assert [(e.turn, e.quote) for e in found.evidence] == [(0, "幺三八"), (2, "零零零零"), (4, "零零零零")]


def kinds(folder: Path, text: str, kind: str, extra: str = "") -> Sequence[str]:
    found = finding(folder, talk(text), "deduct: 3", f"privacy: {{any: {kind}{extra}}}")
    return [e.quote for e in found.evidence] if found.verdict is Verdict.UNMET else []


@pytest.mark.parametrize(
    ("kind", "text", "quote"),
    [
        ("landline", "坐席: 他家座机是010-62345678", "010-62345678"),
        ("landline", "坐席: 他家座机是零五七一，八八八八，六六六六", "零五七一，八八八八，六六六六"),
        ("address", "坐席: 收件地址是建设路12号3单元501", "建设路12号3单元501"),
        ("address", "坐席: 她住在幸福小区三栋二单元", "幸福小区三栋二单元"),
        ("email", "坐席: 他的邮箱是zhang_san@example.com", "zhang_san@example.com"),
        ("email", "坐席: 他的邮箱是三八五幺艾特example点com", "三八五幺艾特example点com"),
        ("plate", "坐席: 他的车牌是京A·12345", "京A·12345"),
        ("plate", "坐席: 车牌沪AD12345已登记", "沪AD12345"),
        ("order", "坐席: 他的订单号是2025101200071", "2025101200071"),
        ("account", "坐席: 账号是zs8812345", "zs8812345"),
    ],
)
def test_other_personal_data(tmp_path: Path, kind: str, text: str, quote: str) -> None:
    assert quote in "".join(kinds(tmp_path, text, kind))
    assert kinds(tmp_path, text, "id_card") == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("landline", "坐席: 请拨打4001234567"),
        ("address", "坐席: 您的路由器一号口没有插好"),
        ("address", "坐席: 请问您住在哪条路"),
        ("email", "坐席: 请发到我们的邮箱"),
        ("plate", "坐席: 型号是A12345"),
        ("order", "坐席: 您的订单号是多少"),
        ("order", "坐席: 订单号后四位是1234"),
        ("account", "坐席: 请问您的账号"),
    ],
)
def test_what_only_looks_personal(tmp_path: Path, kind: str, text: str) -> None:
    assert kinds(tmp_path, text, kind) == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("address", "客户: 我住建设路12号\n坐席: 好的，建设路12号，明天上门"),
        ("plate", "客户: 车牌京A12345\n坐席: 京A12345，对吗"),
        ("order", "客户: 2025101200071\n坐席: 订单号2025101200071，已发货"),
        ("email", "客户: 发到li@example.com\n坐席: 已发到li@example.com"),
        ("landline", "客户: 零一零六二三四五六七八\n坐席: 010-62345678，对吗"),
    ],
)
def test_what_the_customer_gave_is_no_leak(tmp_path: Path, kind: str, text: str) -> None:
    assert kinds(tmp_path, text, kind) == []


@pytest.mark.parametrize(("within", "leaks"), [("3 turns", 0), ("1 turns", 1), ("60 s", 0), ("10 s", 1)])
def test_given_only_if_it_was_just_given(tmp_path: Path, within: str, leaks: int) -> None:
    text = "[0-4] 客户: 我的手机13800000000\n[5-6] 客户: 帮我查下\n[20-24] 坐席: 13800000000对吗"
    assert len(kinds(tmp_path, text, "phone", f", given_within: {within}")) == leaks


def test_the_companys_own_data_may_be_excused(tmp_path: Path) -> None:
    text = "坐席: 我们门店在建设路12号，他家在解放路8号"
    assert len(kinds(tmp_path, text, "address")) == 2
    assert len(kinds(tmp_path, text, "address", ", except: [门店在…路]")) == 1


def test_so_many_leaks_at_least(tmp_path: Path) -> None:
    assert kinds(tmp_path, "坐席: 13800000000", "phone", ", times: 2") == []


def test_window_and_role_of_personal_data(tmp_path: Path) -> None:
    text = "坐席: 13800000000\n客户: 13900000000"
    assert kinds(tmp_path, text, "phone", ", window: {turns: 2}") == []
    assert kinds(tmp_path, text, "phone", ", by: customer") == ["13900000000"]
