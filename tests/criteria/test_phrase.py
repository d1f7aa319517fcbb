from pathlib import Path

import pytest

from pipeline.conversation import Verdict
from pipeline.criteria.base import State
from tests.cards import finding, outcome
from tests.dialogues import talk

CALL = "坐席: 您好，请问有什么可以帮您？\n客户: 手表坏了\n坐席: 好的，请稍等\n坐席: 感谢来电，再见"


@pytest.mark.parametrize(
    ("operator", "state"),
    [
        ("phrase: 您好", State.YES),
        ("phrase: [早上好, 您好]", State.YES),
        ("phrase: 早上好", State.NO),
        ("phrase: {all: [您好, 再见]}", State.YES),
        ("phrase: {all: [您好, 晚安]}", State.NO),
        ("phrase: {all: [您好, 再见], together: true}", State.NO),
        ("phrase: {all: [感谢, 再见], together: true}", State.YES),
        ("phrase: {all: [您好, 什么], together: sentence}", State.YES),
        ("phrase: {all: [感谢, 再见], together: turn}", State.YES),
        ("phrase: {any: [您好, 再见], at_least: 2, together: anywhere}", State.YES),
        ("phrase: {none: [再见]}", State.NO),
        ("phrase: {none: [晚安]}", State.YES),
        ("phrase: {any: [您好, 稍等, 晚安], at_least: 2}", State.YES),
        ("phrase: {any: [您好, 早安, 晚安], at_least: 2}", State.NO),
        ("phrase: {any: [您], times: 2}", State.YES),
        ("phrase: {any: [您], times: 3}", State.NO),
        ("phrase: {any: [手表], by: customer}", State.YES),
        ("phrase: {any: [手表]}", State.NO),
        ("phrase: {any: [手表], by: anyone}", State.YES),
        ("phrase: {any: [再见], window: {turns: 1}}", State.NO),
        ("phrase: {any: [再见], window: {turns: -1}}", State.YES),
        ("phrase: {any: [稍等], window: {turns: 2..}}", State.YES),
        ("phrase: {any: [稍等], window: {turns: -2..-1}}", State.YES),
        ("phrase: {any: [稍等], window: {turns: 4..4}}", State.NO),
        ("phrase: {any: [稍等], window: {turns: 3, of: all}}", State.YES),
        ("phrase: {any: [您好], window: {part: last_quarter}}", State.YES),
    ],
)
def test_phrase(tmp_path: Path, operator: str, state: State) -> None:
    assert outcome(tmp_path, talk(CALL), operator).state is state


def test_part_of_a_long_conversation(tmp_path: Path) -> None:
    conversation = talk("\n".join(["坐席: 您好", *["坐席: 好的"] * 18, "坐席: 再见"]))
    operator = "phrase: {any: [%s], window: {part: last_quarter}}"
    assert outcome(tmp_path, conversation, operator % "再见").state is State.YES
    assert outcome(tmp_path, conversation, operator % "您好").state is State.NO


def test_window_of_seconds(tmp_path: Path) -> None:
    conversation = talk("[0-2] 坐席: 您好\n[40-42] 坐席: 再见")
    assert outcome(tmp_path, conversation, "phrase: {any: [再见], window: {seconds: 0..30}}").state is State.NO
    assert outcome(tmp_path, conversation, "phrase: {any: [再见], window: {seconds: 30..}}").state is State.YES


def test_except_excuses_an_overlapping_hit(tmp_path: Path) -> None:
    operator = "phrase: {any: [没办法], except: [有没办法]}"
    assert outcome(tmp_path, talk("坐席: 我看看有没办法"), operator).state is State.NO
    assert outcome(tmp_path, talk("坐席: 没办法"), operator).state is State.YES


def test_the_bots_words_are_not_the_agents(tmp_path: Path) -> None:
    assert outcome(tmp_path, talk("机器人: 您好\n坐席: 说吧"), "phrase: 您好").state is State.NO


def test_evidence_quotes_the_words_with_their_span(tmp_path: Path) -> None:
    hit = outcome(tmp_path, talk(CALL), "phrase: 有什么可以帮您").hits[0].evidence[0]
    assert (hit.turn, hit.quote) == (0, "有什么可以帮您")
    assert CALL.splitlines()[0].removeprefix("坐席: ")[slice(*hit.span)] == hit.quote


def test_homophone_counts_in_heard_text(tmp_path: Path) -> None:
    assert outcome(tmp_path, talk("坐席(0.9): 我的公号是一零二四"), "phrase: 工号是<digits>").state is State.YES


def test_homophone_does_not_count_in_written_text(tmp_path: Path) -> None:
    assert outcome(tmp_path, talk("坐席: 我的公号是一零二四"), "phrase: 工号是<digits>").state is State.NO


def test_homophone_counts_in_written_text_where_the_card_asks(tmp_path: Path) -> None:
    operator = "phrase: {any: [工号是<digits>], homophones: always}"
    assert outcome(tmp_path, talk("坐席: 我的公号是一零二四"), operator).state is State.YES


def test_what_only_sounds_so_is_less_certain(tmp_path: Path) -> None:
    written = outcome(tmp_path, talk("坐席(0.9): 工号是一零二四"), "phrase: 工号是<digits>")
    heard = outcome(tmp_path, talk("坐席(0.9): 公号是一零二四"), "phrase: 工号是<digits>")
    assert heard.confidence < written.confidence


def test_badly_heard_and_not_found_is_unsure(tmp_path: Path) -> None:
    found = finding(tmp_path, talk("坐席(0.3): 说吧\n客户(0.9): 坏了"), "points: 5", "phrase: 您好")
    assert found.verdict is Verdict.UNSURE
    assert [e.turn for e in found.evidence] == [0]


def test_badly_heard_but_found_is_met(tmp_path: Path) -> None:
    assert finding(tmp_path, talk("坐席(0.3): 您好"), "points: 5", "phrase: 您好").verdict is Verdict.MET


def test_only_the_turns_where_it_belongs_must_be_heard(tmp_path: Path) -> None:
    conversation = talk("坐席(0.95): 说吧\n坐席(0.2): 再说")
    operator = "phrase: {any: [您好], window: {turns: %s}}"
    assert finding(tmp_path, conversation, "points: 5", operator % "1").verdict is Verdict.UNMET
    assert finding(tmp_path, conversation, "points: 5", operator % "2").verdict is Verdict.UNSURE


def test_fault_in_badly_heard_text_is_unsure(tmp_path: Path) -> None:
    assert finding(tmp_path, talk("坐席(0.3): 说吧"), "deduct: 5", "phrase: 闭嘴").verdict is Verdict.UNSURE


def test_hearing_threshold_is_the_cards(tmp_path: Path) -> None:
    top = "settings: {hearing_confidence: 0.2}"
    assert finding(tmp_path, talk("坐席(0.3): 说吧"), "points: 5", "phrase: 您好", top=top).verdict is Verdict.UNMET


def test_words_of_an_unknown_speaker_make_it_unsure(tmp_path: Path) -> None:
    assert finding(tmp_path, talk("坐席: 喂\n未知: 您好"), "points: 5", "phrase: 您好").verdict is Verdict.UNSURE


def test_unknown_speaker_without_the_words_does_not_matter(tmp_path: Path) -> None:
    assert finding(tmp_path, talk("坐席: 喂\n未知: 说吧"), "points: 5", "phrase: 您好").verdict is Verdict.UNMET


def test_without_words_of_the_agent_it_cannot_be_judged(tmp_path: Path) -> None:
    assert finding(tmp_path, talk("客户: 喂"), "points: 5", "phrase: 您好").verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("<hello>", "早上好"),
        ("[请问]有什么(可以|能)帮[到]您", "有什么可以帮您"),
        ("<any 2-8>为您服务$", "…为您服务"),
        ("我是<surname><any 1-2>", "我是王…"),
        ("<digits>", "<digits>"),
    ],
)
def test_reason_shows_the_phrase_as_a_person_would_say_it(tmp_path: Path, pattern: str, said: str) -> None:
    top = 'lists: {hello: ["(早上|晚上)好", 您好], surname: ["(王|李)"]}'
    found = finding(tmp_path, talk("坐席: 什么事\n客户: 喂"), "points: 1", f'phrase: {{any: ["{pattern}"]}}', top=top)
    assert found.why.args["example"] == said


@pytest.mark.parametrize(
    ("text", "together", "state"),
    [
        ("坐席: 您好。这里是安心家电。", "turn", State.YES),
        ("坐席: 您好。这里是安心家电。", "sentence", State.NO),
        ("坐席: 您好，这里是安心家电。", "sentence", State.YES),
        ("坐席: 您好。\n坐席: 这里是安心家电。", "turn", State.NO),
        ("坐席: 您好。\n坐席: 这里是安心家电。", "anywhere", State.YES),
    ],
)
def test_how_close_together(tmp_path: Path, text: str, together: str, state: State) -> None:
    operator = f"phrase: {{all: [您好, 安心家电], together: {together}}}"
    assert outcome(tmp_path, talk(text), operator).state is state


def test_one_sentence_without_what_is_forbidden_is_enough(tmp_path: Path) -> None:
    operator = "phrase: {any: [退款], none: [不能], together: sentence}"
    assert outcome(tmp_path, talk("坐席: 现金不能退款。银行卡可以退款。"), operator).state is State.YES
    assert outcome(tmp_path, talk("坐席: 现金不能退款。"), operator).state is State.NO


@pytest.mark.parametrize(
    ("tolerance", "state"),
    [
        ("near_sounds: true", State.YES),
        ("near_sounds: false", State.NO),
        ("homophone_min_chars: 5", State.NO),
        ("homophone_min_chars: 4", State.YES),
    ],
)
def test_tolerance_of_homophones_is_the_criterions(tmp_path: Path, tolerance: str, state: State) -> None:
    operator = f"phrase: {{any: [年费套餐], homophones: always, {tolerance}}}"
    assert outcome(tmp_path, talk("坐席: 给您办连费套餐"), operator).state is state


def test_synonyms_in_a_file_that_cards_share(tmp_path: Path) -> None:
    (tmp_path / "words.yaml").write_text("lists: {退款: [退款, 退钱, 返款]}", encoding="utf-8")
    top = "include: [words.yaml]"
    for said in ("我要退钱", "我要返款"):
        assert outcome(tmp_path, talk(f"坐席: {said}"), 'phrase: "要<退款>"', top=top).state is State.YES
    assert outcome(tmp_path, talk("坐席: 我要退货"), 'phrase: "要<退款>"', top=top).state is State.NO


@pytest.mark.parametrize(
    "said", ["请问，嗯，您的订单", "请问那个您的订单", "请问，就是，您的订单", "请问嗯就是，那个您的订单"]
)
def test_fillers_do_not_matter(tmp_path: Path, said: str) -> None:
    assert outcome(tmp_path, talk(f"坐席: {said}"), "phrase: 请问您的订单").state is State.YES


def test_meaning_word_that_looks_like_a_filler_counts(tmp_path: Path) -> None:
    assert outcome(tmp_path, talk("坐席: 这就是规定"), "phrase: 这就是规定").state is State.YES
    assert outcome(tmp_path, talk("坐席: 这是规定"), "phrase: 这就是规定").state is State.NO
