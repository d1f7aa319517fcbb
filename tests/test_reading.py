"""How turns and whole conversations read."""

from __future__ import annotations

import subprocess
import sys

import pytest

from models.utterance import CueReader, Reader, TurnReading, Utterance, load_reader
from pipeline.conversation import Conversation, Speaker
from pipeline.reading import read
from pipeline.scorecard import dialogue


@pytest.fixture(scope="module")
def reader() -> Reader:
    return load_reader()


@pytest.fixture(scope="module")
def cues() -> CueReader:
    return CueReader()


def agent(reader: Reader | CueReader, text: str) -> TurnReading:
    return reader.read((Utterance("agent", text),))[0]


def customer(reader: Reader | CueReader, text: str) -> TurnReading:
    return reader.read((Utterance("customer", text),))[0]


def talk(reader: Reader, text: str) -> Conversation:
    return read([dialogue(text)], reader=reader)[0]


@pytest.mark.parametrize(
    ("act", "text"),
    [
        ("apology_for", "实在对不起，师傅没有按时上门，给您添麻烦了。"),
        ("empathy", "好不容易请了假却白等一天，换谁都会生气。"),
        ("understanding", "您的心情我们非常理解。"),
        ("restate", "您的意思是，热水器点不着火，想约师傅来看，对吗？"),
        ("identity_request", "麻烦您报一下手机号后四位。"),
        ("hold", "请您稍等，我帮您查一下。"),
        ("hold_thanks", "让您久等了。"),
        ("promise_time", "明天下午五点前给您回电话。"),
        ("promise_vague", "我们会尽快处理的。"),
        ("refusal", "没办法，这是公司规定。"),
        ("offer_of_alternative", "不过我可以帮您申请换货。"),
        ("shirking", "这不归我们管，你自己去找物业。"),
        ("impatience", "我都说了好几遍了，你怎么还不明白？"),
        ("scorn", "小学生都会的东西，你也要问？"),
        ("blame", "谁让你自己不看清楚的。"),
        ("quarrel", "你去投诉呗，吓唬谁呢。"),
        ("swearing", "神经病，懒得理你。"),
        ("over_promise", "我跟您保证，百分之百能退下来。"),
        ("disparagement", "他们家的东西全是垃圾，用两天就坏。"),
        ("slang", "好滴亲亲，么么哒。"),
    ],
)
def test_an_agent_act_is_found_by_its_wording(cues: CueReader, act: str, text: str) -> None:
    assert agent(cues, text).acts.get(act, 0.0) >= 0.6


@pytest.mark.parametrize(
    ("act", "text"),
    [
        ("over_promise", "这个我不能保证，要等检测结果出来。"),
        ("swearing", "您刚才说师傅骂您神经病，是这样吗？"),
        ("shirking", "您不用自己跑，我帮您联系物业。"),
        ("refusal", "您是想知道有没有办法提前送到，对吗？"),
        ("disparagement", "别家的产品我不方便评价。"),
        ("impatience", "没关系，您问几遍都行。"),
        ("promise_time", "多出来的是十月三号的流量费。"),
        ("slang", "您好，请问有什么可以帮您？"),
    ],
)
def test_a_lookalike_is_no_act(reader: Reader, act: str, text: str) -> None:
    assert agent(reader, text).acts.get(act, 0.0) < 0.5


@pytest.mark.parametrize(
    ("act", "text"),
    [
        ("complaint", "这也太不像话了，我要投诉！"),
        ("delay", "我都等了五天了，还没人来修。"),
        ("threat", "再不解决我就打12315，找记者曝光。"),
        ("distress", "孩子一直哭，我急得不知道怎么办。"),
        ("safety", "插头冒烟了，差点着火。"),
        ("thanks", "好的，谢谢你啊。"),
        ("sarcasm", "呵呵，你们可真行。"),
        ("request", "帮我把套餐改一下。"),
    ],
)
def test_a_customer_act_is_found_by_its_wording(cues: CueReader, act: str, text: str) -> None:
    assert customer(cues, text).acts.get(act, 0.0) >= 0.6


def test_politeness_is_graded(reader: Reader) -> None:
    warm = agent(reader, "您好，感谢您的耐心等待，麻烦您再核对一下地址，好吗？").politeness
    plain = agent(reader, "地址没有变化。").politeness
    rude = agent(reader, "你脑子有病吧，滚。").politeness
    assert warm is not None
    assert plain is not None
    assert rude is not None
    assert warm > plain > rude


def test_empathy_that_names_the_case_beats_a_formula(reader: Reader) -> None:
    named = agent(reader, "等了三天还没修好，换谁都着急。").empathy
    formula = agent(reader, "理解您的心情。").empathy
    none = agent(reader, "请提供订单号。").empathy
    assert named is not None
    assert formula is not None
    assert none is not None
    assert named > formula > none
    assert none < 0.05


def test_a_calm_question_is_not_a_complaint(reader: Reader) -> None:
    whole = talk(
        reader, "客户: 您好，我想问一下话费怎么多了二十块？\n坐席: 是上网流量，您看一下明细。\n客户: 好的，谢谢。"
    )
    assert whole.classes.complaint_type == "none"
    assert whole.classes.complaint_level is None


def test_a_calm_threat_is_a_grave_complaint(reader: Reader) -> None:
    whole = talk(reader, "客户: 奶粉里有异物，孩子吃了住院。三天内没有答复，我会向市场监管局举报。\n坐席: 我马上登记。")
    assert whole.classes.complaint_level == 1


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("product", "客户: 买的吹风机用一次就坏了，一股糊味，质量太差了。"),
        ("process", "客户: 快递卡在中转站五天了，一直没有动静，催了两次也没人理。"),
        ("policy", "客户: 凭什么收我违约金？合同里根本没写这条规定，太不合理了。"),
        ("service", "客户: 我要投诉你们那个客服，态度恶劣，还挂我电话。"),
    ],
)
def test_the_type_of_a_complaint(reader: Reader, kind: str, text: str) -> None:
    assert talk(reader, text + "\n坐席: 好的。").classes.complaint_type == kind


def test_done_and_thanked_for_is_resolved(reader: Reader) -> None:
    whole = talk(reader, "客户: 帮我把提醒关掉。\n坐席: 已经给您关闭成功了。\n客户: 好的，谢谢。")
    assert whole.classes.resolved is True
    assert whole.measures.sentiment_end is not None
    assert whole.measures.sentiment_end > 0.2


def test_refused_and_angry_is_not_resolved(reader: Reader) -> None:
    whole = talk(reader, "客户: 太气人了，给我退钱！\n坐席: 退不了，没办法。\n客户: 你们就是骗子，我要投诉！")
    assert whole.classes.resolved is False
    assert whole.measures.sentiment_end is not None
    assert whole.measures.sentiment_end < -0.4


def test_the_data_of_somebody_else_is_noticed_by_the_question(reader: Reader) -> None:
    whole = talk(reader, "客户: 帮我看看我朋友的订单到哪了。\n坐席: 看到一笔订单，地址是柳荫路八号。")
    assert whole.readings[1].acts["other_persons_data"] >= 0.8


def test_what_nobody_said_is_not_known(reader: Reader) -> None:
    alone = talk(reader, "客户: 喂，有人吗？")
    assert alone.measures.politeness is None
    assert alone.measures.empathy is None
    assert alone.classes.resolved is None


def test_bots_and_unknown_speakers_are_not_read(reader: Reader) -> None:
    whole = talk(reader, "机器人: 您好，很高兴为您服务。\n未知: 神经病。\n客户: 转人工。")
    assert dict(whole.readings[0].acts) == {}
    assert dict(whole.readings[1].acts) == {}
    assert whole.turns[1].speaker is Speaker.UNKNOWN


def test_a_cue_points_at_its_characters(reader: Reader) -> None:
    text = "嗯，实在 抱歉，这个我查不到。"
    cue = next(cue for cue in agent(reader, text).cues if cue.kind == "apology")
    assert text[cue.start : cue.end] == "抱歉"


def test_the_same_turns_read_the_same(reader: Reader) -> None:
    turns = (Utterance("agent", "您好，请稍等。"), Utterance("customer", "快点，我都等了三天了！"))
    assert reader.read(turns) == load_reader().read(turns)


def test_the_digest_names_lexicons_and_opinion(reader: Reader) -> None:
    assert reader.digest.startswith("sha256:")
    assert reader.digest == load_reader().digest
    assert reader.digest != load_reader(second_opinion=False).digest


def test_reading_does_not_load_snownlp() -> None:
    code = (
        "import sys; from models.utterance import load_reader, Utterance;"
        "load_reader().read((Utterance('customer', '气死我了'),)); sys.exit('snownlp' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("role", "act", "text"),
    [
        ("agent", "empathy", "孩子发着烧还得跑这一趟，真是难为您了。"),
        ("agent", "anything_else", "这边没有别的要帮忙的了吧？"),
        ("agent", "satisfaction_check", "您看这样安排心里还舒坦吗？"),
        ("agent", "impatience", "说重点，后面还有人排着呢。"),
        ("agent", "disparagement", "隔壁那家用的料您也敢放心给孩子吃？"),
    ],
)
def test_wording_that_no_list_knows_is_read(reader: Reader, cues: CueReader, role: str, act: str, text: str) -> None:
    turn = Utterance("agent" if role == "agent" else "customer", text)
    assert act not in cues.read((turn,))[0].acts
    assert reader.read((turn,))[0].acts[act] >= 0.5


def test_what_was_read_points_at_characters_of_the_turn(reader: Reader) -> None:
    text = "这边没有别的要帮忙的了吧？"
    cue = next(cue for cue in agent(reader, text).cues if cue.kind == "anything_else")
    assert "别的" in text[cue.start : cue.end]


def test_the_same_words_mean_something_else_after_other_words(reader: Reader) -> None:
    def feeling(before: str) -> float:
        sentiment = reader.read((Utterance("agent", before), Utterance("customer", "行吧。")))[1].sentiment
        assert sentiment is not None
        return sentiment

    assert feeling("退不了，规定就是这样。") < feeling("明天上午给您送新的过去。")


def test_conversations_read_together_read_as_they_do_alone(reader: Reader) -> None:
    first = (Utterance("agent", "您好，请问有什么可以帮您？"), Utterance("customer", "灯不亮了"))
    second = (
        Utterance("customer", "你们到底管不管？我都打了五次电话了！"),
        Utterance("agent", "给您添麻烦了，我马上查。"),
    )
    together = reader.read_all([first, second])
    for alone, read_one in zip((first, second), together, strict=True):
        assert {act: round(p, 1) for act, p in reader.read(alone)[0].acts.items()} == {
            act: round(p, 1) for act, p in read_one.turns[0].acts.items()
        }


def test_the_same_words_after_the_same_words_read_the_same_in_every_conversation(reader: Reader) -> None:
    opening = (Utterance("agent", "您好，请问有什么可以帮您？"), Utterance("customer", "灯不亮了"))
    other = (*opening, Utterance("agent", "这个不归我们管。"))
    first, second = reader.read_all([opening, other])
    assert first.turns == second.turns[:2]
    assert second.turns[2].acts["shirking"] > 0.5


def test_only_one_side_can_be_read(reader: Reader) -> None:
    (alone,) = reader.read_all([(Utterance("agent", "您好，这里是客服中心。"),)])
    assert alone.whole.complaint_type is None
    assert alone.whole.politeness is not None


def test_nobody_at_all_can_be_read(reader: Reader) -> None:
    (silent,) = reader.read_all([(Utterance("other", "欢迎致电"),)])
    assert silent.whole.politeness is None
    assert silent.whole.sentiment_end is None


def test_an_act_of_which_wording_and_meaning_say_the_opposite_is_disputed(reader: Reader, cues: CueReader) -> None:
    text = "请核对地址。"
    assert cues.read((Utterance("agent", text),))[0].acts.get("courtesy", 0.0) == 0.0
    assert "courtesy" in agent(reader, text).disputed


def test_the_classes_carry_their_probability(reader: Reader) -> None:
    (plain,) = reader.read_all([(Utterance("customer", "我想问下几点关门"), Utterance("agent", "晚上九点。"))])
    assert plain.whole.complaint_type == "none"
    assert plain.whole.confidence["complaint_type"] > 0.6
