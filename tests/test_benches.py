"""The measuring commands, each on a few turns; what they measure is not asserted here."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console
from rich.table import Table

from bench import accuracy, fairness, figures, outside, plain, readers, reading, reliability, rescore, similar
from models.utterance import CueReader, Reader, Utterance, load_reader
from models.utterance.training.data import DATA, of_split
from pipeline.conversation import Conversation, Interaction, Speaker, Turn, Verdict
from pipeline.reading import read
from pipeline.scorecard import dialogue, find_scorecard
from pipeline.scoring import score
from pipeline.store import open_store
from tests.dialogues import talk

WARM = """坐席: 您好，安心家电客服，工号1024，请问有什么可以帮您？
客户: 我的空调不制冷，你们拖了三天都没人来，太气人了。
坐席: 实在对不起，让您等了三天，大热天没有空调谁都受不了。明天上午十点前师傅一定上门。
客户: 好的，谢谢。
坐席: 请问还有其他可以帮您的吗？
客户: 没有了。
坐席: 感谢您的来电，祝您生活愉快，再见。"""
COLD = """坐席: 喂。
客户: 我的空调不制冷，你们拖了三天都没人来。
坐席: 这不归我们管，你自己去找物业。
客户: 什么态度！
坐席: 神经病，懒得理你。"""


@pytest.fixture(scope="module")
def reader() -> Reader:
    return load_reader()


@pytest.fixture
def lists() -> CueReader:
    return CueReader()


def shown(*tables: Table) -> str:
    console = Console(width=200)
    with console.capture() as text:
        console.print(*tables)
    return text.get()


def gold_of(text: str, name: str, lists: CueReader, **changes: Any) -> Interaction:
    """A conversation labelled just as the cards see it, but for `changes`."""
    interaction = talk(text, channel="chat", interaction_id=name).interaction
    blank: dict[str, Any] = {"criteria": {}}
    (pair,) = accuracy.pairs([replace(interaction, extra={"gold": blank})], lists)
    classes = pair.conversation.classes
    labels: dict[str, Any] = {
        "criteria": {**pair.verdicts, **changes},
        "politeness": 5 if text is WARM else 1,
        "empathy": 2 if text is WARM else 0,
        "sentiment_start": pair.said("sentiment_start"),
        "sentiment_end": pair.said("sentiment_end"),
        "complaint_type": classes.complaint_type,
        "complaint_level": classes.complaint_level,
        "resolved": classes.resolved,
        "review": pair.review.flagged,
    }
    return replace(interaction, extra={"gold": labels})


def test_what_is_told_apart_perfectly_scores_one() -> None:
    assert figures.auc([False, True], [0.1, 0.9]) == 1.0
    assert figures.spearman([1, 2, 3], [10, 20, 30]) == pytest.approx(1.0)
    assert figures.macro_f1(["a", "b"], ["a", "b"]) == 1.0


def test_ties_count_half() -> None:
    assert figures.auc([False, True], [0.5, 0.5]) == 0.5


def test_an_interval_holds_its_value() -> None:
    figure = figures.measured([0, 1, 1, 0, 1, 1], figures.mean)
    assert figure.low < figure.value < figure.high


def test_what_cannot_be_taken_has_no_interval() -> None:
    assert figures.measured([], figures.mean).text() == "–"


def test_agreement_with_labels_like_the_cards_is_whole(lists: CueReader) -> None:
    some = accuracy.pairs([gold_of(WARM, "A", lists), gold_of(COLD, "B", lists)], lists)
    totals = {head: total(some) for head, _, total in accuracy.SUMMARY}
    known = {head: value for head, value in totals.items() if not math.isnan(value)}
    assert len(known) >= len(totals) - 1
    assert {round(value, 6) for value in known.values()} == {1.0}


def test_a_wrong_verdict_lowers_its_criterion_and_is_listed(lists: CueReader) -> None:
    wrong = gold_of(COLD, "B", lists, shirking="met", greeting="met")
    some = accuracy.pairs([gold_of(WARM, "A", lists), wrong], lists)
    assert accuracy.duty_f1(some, "greeting") < 1.0
    assert accuracy.fault_f1(some, "shirking") < 1.0
    assert accuracy.fault_f1(some, "rudeness") == 1.0
    listed = shown(accuracy.disagreements(some))
    assert "shirking" in listed
    assert "rudeness" not in listed


def test_readers_stand_beside_each_other(lists: CueReader) -> None:
    some = accuracy.pairs([gold_of(WARM, "A", lists), gold_of(COLD, "B", lists)], lists)
    text = shown(
        accuracy.summary({"lists": some, "snownlp": some}, "two", 5),
        accuracy.robustness({"lists": some}, {"lists": some}, 0.1, 5),
    )
    assert readers.TITLES["snownlp"] in text
    assert "lost" in text


def test_noise_is_the_same_at_every_run() -> None:
    characters = tuple("空调空条不部制治冷愣您好请问有什么可以帮")
    interaction = talk(WARM).interaction
    once, again = (accuracy.disturbed([interaction], 0.3, characters) for _ in range(2))
    assert once == again
    assert [turn.text for turn in once[0].turns] != [turn.text for turn in interaction.turns]


def test_snownlp_feels_where_phrase_lists_do_not() -> None:
    turns = (Utterance("customer", "东西很好，非常喜欢"), Utterance("customer", "质量太差了，垃圾"))
    (reading,) = readers.SnowReader().read_all([turns])
    assert reading.whole.sentiment_start == reading.turns[0].sentiment
    assert reading.turns[0].sentiment > 0 > reading.turns[1].sentiment  # type: ignore[operator]


USS = [
    {"dialogue": "d1", "history": [["在吗", "您好"]], "user": "快递到哪了", "sat3": 1},
    {"dialogue": "d1", "history": [["在吗", "您好"], ["快递到哪了", "查不到呢"]], "user": "太慢了", "sat3": 0},
    {"dialogue": "d1", "history": [["快递到哪了", "查不到呢"], ["太慢了", ""]], "user": "好的谢谢", "sat3": 2},
    {"dialogue": "d1", "history": [["太慢了", ""], ["好的谢谢", "不客气"]], "user": "OVERALL", "sat3": 0},
]


def test_a_rated_dialogue_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "uss.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in USS), encoding="utf-8")
    (dialogue,) = outside.uss(path)
    said = ["在吗", "您好", "快递到哪了", "查不到呢", "太慢了", "好的谢谢", "不客气"]
    assert [turn.text for turn in dialogue.turns] == said
    assert {said[place]: pleased for place, pleased in dialogue.ratings.items()} == {"太慢了": False, "好的谢谢": True}


def test_reviews_are_customers_turns(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text('label,review\n1,"好吃,快"\n0,难吃\n', encoding="utf-8")
    found = list(outside.reviews(path))
    assert [(item.turns[0].text, item.ratings[0]) for item in found] == [("好吃,快", True), ("难吃", False)]


def test_pleased_customers_lie_above_the_threshold(lists: CueReader) -> None:
    some = [
        outside.Rated((Utterance("customer", "非常感谢，太满意了"),), {0: True}),
        outside.Rated((Utterance("customer", "气死我了，什么态度，我要投诉"),), {0: False}),
    ]
    scored = outside.by_reader(some, lists)
    assert outside.accuracy(scored) == outside.area(scored) == 1.0
    assert "✓" in shown(outside.show(outside.Outside("two", tuple(some), 0.7, 0.8), {"lists": scored}, 5))


def test_a_threshold_comes_from_the_other_half() -> None:
    some = [outside.Scored((pleased,), (0.6 if pleased else 0.4,)) for _ in range(20) for pleased in (True, False)]
    assert outside.accuracy(some) == 0.5
    assert outside.best_threshold(some) == pytest.approx(0.5)
    assert outside.accuracy(outside.thresholds_from_the_other_half(some)) == 1.0


@pytest.mark.parametrize(
    ("text", "swapped"),
    [
        ("王女士您好，我姓李。", "李女士您好，我姓张。"),
        ("赵先生，请讲。", "赵女士，请讲。"),
        ("他说其他的都好，他们没来。", "她说其他的都好，他们没来。"),
        ("你大爷的，我大爷的电话呢", "你大爷的，我大妈的电话呢"),
        ("这是什么，咋回事", "这是啥，怎么回事"),
        ("我问问，这样可以吗", "俺问问，这样中不中"),
        ("你们知道的", "你们晓得的"),
        ("有没有货，没有就退", "有没有货，莫得就退"),
    ],
)
def test_words_are_swapped(text: str, swapped: str) -> None:
    assert swapped in {swap.change(text) for swap in fairness.SWAPS}


def test_only_customers_speak_dialect() -> None:
    turns = (Turn(0, Speaker.AGENT, "什么事"), Turn(1, Speaker.CUSTOMER, "什么事"))
    swapped = fairness.Swap("", lambda text: text.replace("什么", "啥"), Speaker.CUSTOMER)
    before = replace(talk(COLD).interaction, turns=turns)
    assert [turn.text for turn in swapped.of(before).turns] == ["什么事", "啥事"]


def flips(swap: fairness.Swap, lists: CueReader) -> tuple[fairness.Compared, ...]:
    interactions = [talk(WARM, interaction_id="A").interaction, talk(COLD, interaction_id="B").interaction]
    return fairness.compare(interactions, fairness.evaluated(interactions, lists), swap, lists)


def test_a_flip_is_counted_where_something_changed(lists: CueReader) -> None:
    (compared,) = flips(fairness.Swap("no greeting", lambda text: text.replace("您好，安心家电客服", "喂")), lists)
    assert compared.interaction == "A"
    assert ("hotline", "greeting", Verdict.MET) in {(f.card, f.criterion, f.before) for f in compared.flips}
    assert fairness.flipped([compared]) <= fairness.flipped_where_applying([compared])


def test_what_means_the_same_flips_nothing(lists: CueReader) -> None:
    found = flips(fairness.Swap("same", lambda text: text.replace("三天", "四天")), lists)
    assert len(found) == 2
    assert fairness.flipped(found) == 0.0
    assert "✓" in shown(fairness.show({"same": found}, "two", 5))


def test_held_out_dialogues_are_there() -> None:
    found = fairness.held_out()
    assert all(item.turns for item in found)
    assert len({item.id for item in found}) > 20


def test_what_is_said_as_often_as_it_comes_true_is_off_by_nothing() -> None:
    honest = [[(0.75, True)] * 3, [(0.75, False)]]
    assert reliability.off(honest) == pytest.approx(0.0)
    assert reliability.off([[(0.9, False)], [(0.95, True)]]) == pytest.approx(0.425)


def test_probabilities_stand_in_tenths() -> None:
    found = reliability.bins([(0.31, True), (0.39, False), (1.0, True)])
    assert [(one.count, round(one.said, 2), one.true) for one in found] == [(2, 0.35, 0.5), (1, 1.0, 1.0)]


def test_reliability_is_counted_for_acts_and_classes(reader: Reader) -> None:
    items = of_split(DATA, "held_out", whole=True)[:2]
    spoken = [[Utterance(turn.role, turn.pattern) for turn in item.turns] for item in items]
    acts = reliability.acts(reader, items, spoken)
    assert {name: len(families) for name, families in acts.items()} == dict.fromkeys(acts, 2)
    assert all(said >= reliability.LEAST for families in acts.values() for one in families for said, _ in one)
    assert all(0 <= said <= 1 for family in reliability.classes(reader, items, spoken) for said, _ in family)


def test_the_plot_of_reliability_is_a_drawing() -> None:
    said = [(0.4, True)] * 5 + [(0.9, True)] * 7 + [(0.5, False)]
    drawn = ElementTree.fromstring(reliability.plot({"reader": reliability.bins(said)}))  # noqa: S314
    assert len(drawn.findall(".//{*}circle/{*}title")) == 2


def test_short_turns_stand_in_conversations() -> None:
    talks = reading.conversations(20)
    assert [len(turns) for turns in talks] == [reading.LENGTH] * 2
    assert max(len(turn.text) for turns in talks for turn in turns) <= reading.LONGEST
    assert talks != reading.conversations(20, seed=2)
    assert all(len(turns) == 1 for turns in reading.alone(talks))


def test_shares_of_time_make_a_whole(reader: Reader) -> None:
    assert sum(reading.shares(reader, reading.conversations(12)).values()) == pytest.approx(1.0)


def test_memory_is_looked_at_after_every_batch(reader: Reader) -> None:
    assert len(reading.memory(reader, 2, 12)) in (0, 2)


def test_the_pipeline_has_the_weights_of_the_checkpoint(reader: Reader, tmp_path: Path) -> None:
    import torch

    from models.utterance.training.network import ACT_COUNT, TurnNetwork, small

    network = TurnNetwork(small(len(reader.encoder.spelling.tokens)))
    torch.save(network.state_dict(), tmp_path / "turns.pt")
    other = reading.rival(reader.encoder, tmp_path / "turns.pt", 1)
    assert "turns.pt" in other.weights
    assert torch.equal(
        other.classify.model.bert.embeddings.word_embeddings.weight, network.encoder.embeddings.word_embeddings.weight
    )
    assert len(other.classify({"text": "您好", "text_pair": "在吗"})) == ACT_COUNT
    found = reading.speeds(
        {
            "whole, alone": (reader.read_all, reading.conversations(12)),
            "pipeline, alone": (other.read, reading.conversations(1)),
        },
        1,
    )
    assert "whole, alone" in shown(reading.show(found, other.weights, "two"))


@pytest.fixture(scope="module")
def put_together() -> tuple[Conversation, ...]:
    return tuple(islice(rescore.calls(rescore.sources(CueReader(), 2), tuple("您好请问"), seed=3), 6))


def test_calls_of_the_store_have_twenty_turns_and_differ(put_together: tuple[Conversation, ...]) -> None:
    assert {len(call.turns) for call in put_together} == {rescore.LENGTH}
    assert len({tuple(turn.text for turn in call.turns) for call in put_together}) == len(put_together)


def test_every_second_call_was_heard_word_by_word(put_together: tuple[Conversation, ...]) -> None:
    assert [call.turns[0].confidence is not None for call in put_together] == [False, True] * 3
    assert all("".join(word.text for word in turn.words) == turn.text for turn in put_together[1].turns)


def test_plain_loops_judge_like_the_rules(lists: CueReader) -> None:
    card = find_scorecard("hotline")
    for text in (WARM, COLD):
        (conversation,) = read([talk(text)], reader=lists)
        verdicts = plain.Plain(card).judge(conversation)
        findings = score(conversation, card, engine_version="test").findings
        assert sum(verdicts[f.criterion] == f.verdict for f in findings) >= 0.9 * len(findings)


def test_a_card_that_forbids_many_phrases_is_judged_alike(
    put_together: tuple[Conversation, ...], tmp_path: Path
) -> None:
    card = rescore.forbidding(12, "问题退款发票", tmp_path)
    said = dialogue(f"坐席: 您好，{card.criteria[0].expression.params.any[0]}。")
    assert [finding.verdict for finding in score(said, card, engine_version="test").findings] == [Verdict.UNMET]
    assert rescore.agreement(card, (*put_together, said)) == 1.0


def test_the_stored_past_is_scored_again(put_together: tuple[Conversation, ...], tmp_path: Path) -> None:
    card = find_scorecard("hotline")
    with open_store(f"sqlite:///{tmp_path / 'past.db'}", media=tmp_path / "media") as store:
        rescore.fill(store, iter(put_together), 4, card)
        found = [rescore.past(store, card, count) for count in (2, 4)]
    assert [one.count for one in found] == [2, 4]
    assert "4" in shown(rescore.show_past(found))


def test_speeds_of_rules_are_told_against_the_plain_loops(put_together: tuple[Conversation, ...]) -> None:
    found = rescore.speeds({"rules alone": repr, "plain loops": repr}, put_together)
    assert "95.0%" in shown(rescore.show_rules(found, 0.95, "two"))


@pytest.mark.parametrize(
    ("command", "arguments", "told"),
    [
        (accuracy.main, ["--gold", "nowhere.jsonl"], "nowhere.jsonl"),
        (accuracy.main, ["--weights", "nowhere"], "nowhere lacks model.bin"),
        (outside.main, ["--data", "nowhere"], "nowhere lacks uss_jddc_valid.jsonl"),
        (fairness.main, ["--gold", "nowhere.jsonl"], "nowhere.jsonl"),
        (fairness.main, ["--weights", "nowhere"], "nowhere lacks model.bin"),
        (reading.main, ["--weights", "nowhere"], "nowhere lacks model.bin"),
        (rescore.main, ["--weights", "nowhere"], "nowhere lacks model.bin"),
    ],
)
def test_what_is_missing_is_told(
    command: Callable[[list[str]], int], arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(arguments) == 2
    assert told in capsys.readouterr().err


def test_likeness_is_measured_by_how_it_orders() -> None:
    assert similar.auc([0.9, 0.8], [0.1, 0.2]) == 1.0
    assert similar.auc([0.5], [0.5]) == 0.5
    assert similar.best_f1([0.9, 0.8], [0.1]) == (1.0, 0.8)
    near, far, f1, limit = similar.on_paraphrases(similar.methods()["zhijian"])
    assert 0.5 < near <= far <= 1.0
    assert 0.5 < f1 <= 1.0
    assert 0.2 <= limit <= 0.95
