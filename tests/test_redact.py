"""Personal data is masked in text, words and attributes, and what later steps need of it is kept as marks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from bench.privacy import PRECISION, RECALL, measured
from pipeline import doctor
from pipeline.conversation import Agent, Channel, Conversation, Interaction, Speaker, Turn, Verdict, Word
from pipeline.criteria.base import evidence
from pipeline.dialogue import build, measure
from pipeline.errors import SettingsError
from pipeline.finders import find, find_in
from pipeline.privacy import Seal, masked, seal_of
from pipeline.redact import masked_text, redact
from pipeline.settings import load_settings
from pipeline.text import matching_form
from pipeline.workshop import Workshop
from tests.cards import finding
from tests.dialogues import talk


def texts(conversation: Conversation) -> list[str]:
    return [turn.text for turn in redact(conversation)[0].turns]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("客户: 我叫王芳，电话幺三八零零一三八零零零", ["我叫〔姓名〕，电话〔电话〕"]),
        ("客户: 我姓李\n坐席: 好的李先生", ["我姓〔姓名〕", "好的〔姓名〕先生"]),
        ("客户: 我叫往方，想改地址", ["我叫〔姓名〕，想改地址"]),
        ("客户: 我叫了外卖，我叫不动他们", ["我叫了外卖，我叫不动他们"]),
        ("客户: 我姓汪，叫汪小芳，想改地址", ["我姓〔姓名〕，叫〔姓名〕，想改地址"]),
        ("坐席: 怎么称呼您？\n客户: 赵建国\n坐席: 赵建国您好", ["怎么称呼您？", "〔姓名〕", "〔姓名〕您好"]),
        ("客户: 手机是幺三八，四个零，幺二三四", ["手机是〔电话〕"]),
        ("客户: 妖三八零零幺三吧零零零，我的手机", ["〔电话〕，我的手机"]),
        ("客户: 订单SF20251012000711", ["订单〔订单号〕"]),
        ("客户: 住在，嗯，文三路九十号三单元五零二", ["住在，嗯，〔地址〕"]),
        ("坐席: 一共1380元，10月12日到账，工号1024", ["一共1380元，10月12日到账，工号1024"]),
        ("坐席: 请拨打客服热线4008208820", ["请拨打客服热线4008208820"]),
        ("客户: 尾号3308", ["尾号3308"]),
    ],
)
def test_what_is_personal_is_masked(said: str, shown: list[str]) -> None:
    assert texts(talk(said)) == shown


def test_pieces_of_a_number_over_turns_are_one_thing() -> None:
    told, hidden = redact(talk("客户: 我的手机是幺三八\n坐席: 幺三八\n客户: 零零一三\n坐席: 嗯\n客户: 八零零零"))
    marks = [mark for turn in told.turns if turn.speaker is Speaker.CUSTOMER for mark in turn.marks]
    assert [mark.kind for mark in marks] == ["phone", "phone", "phone"]
    assert len({mark.thing for mark in marks}) == 1
    assert "".join(one.text for one in hidden if one.turn in (0, 2, 4)) == "幺三八零零一三八零零零"


def test_masking_twice_changes_nothing_more() -> None:
    once = redact(talk("客户: 我叫王芳\n坐席: 电话是13800138000吗"))[0]
    assert redact(once) == (once, ())


def test_the_agents_own_name_stays() -> None:
    conversation = talk("坐席: 我是客服王芳\n客户: 我叫刘建国")
    interaction = replace(conversation.interaction, agent=Agent("1", "王芳"))
    assert texts(replace(conversation, interaction=interaction)) == ["我是客服王芳", "我叫〔姓名〕"]


def test_attributes_and_the_turns_that_came_with_it_are_masked() -> None:
    turns = (Turn(0, Speaker.CUSTOMER, "电话13800138000", "電話13800138000"),)
    given = Interaction(
        "T1",
        Channel.CHAT,
        "sha256:1",
        "a.json",
        turns=turns,
        attributes=MappingProxyType(
            {"customer_name": "王芳", "note": "回电13800138000", "product_name": "手表", "n": 3}
        ),
        extra=MappingProxyType({"crm": {"mobile": 13800138000}}),
    )
    told = redact(build(given, turns))[0].interaction
    assert [(turn.text, turn.original) for turn in told.turns] == [("电话〔电话〕", "电话〔电话〕")]
    assert dict(told.attributes) == {
        "customer_name": "〔姓名〕",
        "note": "回电〔电话〕",
        "product_name": "手表",
        "n": 3,
    }
    assert dict(told.extra) == {"crm": {"mobile": "〔电话〕"}}


def spoken() -> Turn:
    said = [
        ("电话", 1.0, 1.5),
        ("是幺", 1.5, 1.9),
        *((d, 2 + n / 5, 2.2 + n / 5) for n, d in enumerate("三八零零一三八零零零")),
    ]
    words = tuple(Word(text, start, end, 0.9) for text, start, end in [*said, ("对吧", 5.0, 5.4)])
    text = "".join(word.text for word in words)
    return Turn(0, Speaker.CUSTOMER, text, text, start=1.0, end=5.4, words=words)


def test_words_keep_their_times() -> None:
    interaction = Interaction("C1", Channel.CALL, "sha256:1", "a", recording="a.wav")
    (turn,) = redact(build(interaction, [spoken()]))[0].turns
    assert turn.text == "电话是〔电话〕对吧"
    assert "".join(word.text for word in turn.words) == turn.text
    place = evidence(turn, turn.marks[0].span)
    assert (place.quote, place.start, place.end) == ("〔电话〕", 1.7, 4.0)


def test_measures_are_those_of_what_was_said() -> None:
    interaction = Interaction("C1", Channel.CALL, "sha256:1", "a", recording="a.wav")
    plain = build(interaction, [spoken(), Turn(1, Speaker.AGENT, "好的请稍等一下", start=6.0, end=7.0)])
    assert measure(Channel.CALL, redact(plain)[0].turns) == plain.measures


def test_a_placeholder_is_matched_as_something_of_its_kind() -> None:
    form = matching_form("单号〔订单号〕对吗")
    assert form.text.startswith("单号2025")
    assert form.span(2, 4) == (2, 7)


@pytest.mark.parametrize(
    "said",
    [
        "客户: 我的手机13800138000\n坐席: 13800138000对吗",
        "坐席: 收件人电话是幺三八，嗯，零零一三，八零零零。",
        "坐席: 电话是幺三八\n客户: 嗯\n坐席: 零零一三\n客户: 对\n坐席: 八零零零",
        "客户: 幺三八零零一三\n客户: 八零零零\n坐席: 是13800138000对吗",
        "坐席: 他住建设路12号3单元501，车牌京A12345",
        "坐席: 尾号是0000的手机",
    ],
)
def test_leaks_are_judged_alike_masked_and_plain(tmp_path: Path, said: str) -> None:
    plain = talk(said)
    kinds = "privacy: {any: [id_card, bank_card, phone, address, plate]}"
    before = finding(tmp_path, plain, "fatal: card", kinds)
    after = finding(tmp_path, redact(plain)[0], "fatal: card", kinds)
    assert after.verdict is before.verdict
    assert after.confidence == before.confidence
    assert [e.turn for e in after.evidence] == [e.turn for e in before.evidence]
    assert all(e.quote.startswith("〔") for e in after.evidence if after.verdict is Verdict.UNMET)


def test_messages_keep_ids_and_dates() -> None:
    told = masked_text("C20251012-0007 at 2025-10-12: 13800138000", proved=True)
    assert told == "C20251012-0007 at 2025-10-12: 〔电话〕"


def test_what_was_masked_is_kept_encrypted_by_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    from cryptography.fernet import Fernet

    key = Fernet.generate_key().decode()
    monkeypatch.setenv("ZHIJIAN_PRIVACY_KEEP", "encrypted")
    monkeypatch.setenv("ZHIJIAN_PRIVACY_KEY", key)
    settings = load_settings()
    told = masked(talk("客户: 我叫王芳"), settings, seal_of(settings))
    assert "王芳" not in told.sealed
    assert [(one.kind, one.text) for one in Seal(key).open(told.sealed)] == [("name", "王芳")]
    with pytest.raises(SettingsError, match="Z561"):
        Seal(Fernet.generate_key().decode()).open(told.sealed)


@pytest.mark.parametrize("key", ["", "short"])
def test_encryption_without_a_proper_key_is_an_error(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("ZHIJIAN_PRIVACY_KEEP", "encrypted")
    monkeypatch.setenv("ZHIJIAN_PRIVACY_KEY", key)
    with pytest.raises(SettingsError, match="Z560"):
        seal_of(load_settings())
    with pytest.raises(SettingsError, match="Z560"):
        Workshop(load_settings())
    assert [(check.sound, "Z560" in check.text) for check in doctor.key(load_settings())] == [(False, True)]


def test_masking_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIJIAN_PRIVACY_MASK", "off")
    conversation = talk("客户: 我叫王芳")
    assert masked(conversation, load_settings(), None) is conversation


def test_recall_and_precision_reach_their_goals() -> None:
    for kind, (hits, items, good, made) in measured("exam", 1000).items():
        if kind == "all":
            assert hits >= RECALL * items
            assert good >= PRECISION * made


def test_a_number_that_is_said_a_digit_a_turn_is_masked() -> None:
    spoken = [
        (Speaker.CUSTOMER if n % 2 == 0 else Speaker.AGENT, said)
        for digit in "一三八零零一三八零零零"
        for n, said in enumerate((digit, "嗯"))
    ]
    turns = [Turn(n, speaker, text, text) for n, (speaker, text) in enumerate(spoken)]
    found = find(turns)
    assert [(said.kind, said.core, len(said.places)) for said in found] == [("phone", "13800138000", 11)]


@pytest.mark.parametrize(
    "text",
    [
        "我叫王芳",
        "抬头写的是王芳",
        "收件人是李娜。",
        "您是张伟吗",
        "免贵姓李",
        "弓长张",
        "木易杨",
        "张先生您好",
        "名字是往方。",
    ],
)
def test_every_way_to_say_a_name_is_looked_for(text: str) -> None:
    assert [said.kind for said in find_in(text)] == ["name"]
