"""SnowNLP's classifier, taught service talk, as a second opinion on customers' sentiment."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.outside import Rated, Scored
from bench.second_opinion import contradicted
from models.utterance import Utterance
from models.utterance.sentiment import FACTS, FOLDER, MODEL, SHORTEST, Counts, SnowOpinion, agreed, pieces
from models.utterance.training import second_opinion
from models.utterance.training.second_opinion import Said, calibrated, save, taught, without_rare

REVIEWS = Said(
    ("质量太差了，用两天就坏", "很失望，跟图片完全不一样"), (), ("质量很好，非常满意", "送货快，包装也好，喜欢")
)
SERVICE = Said(
    ("等了三天都没人来，太气人了", "你们这样拖着，我很失望", "钱扣了又不给退，骗人"),
    ("请问发票怎么开", "我的手机尾号是三三二一"),
    ("太好了，谢谢你帮我弄好了", "师傅来得很快，非常满意"),
)


@pytest.fixture(scope="module")
def opinion() -> SnowOpinion:
    return SnowOpinion()


def test_the_shipped_file_is_small_and_the_one_its_facts_tell_of() -> None:
    content = (FOLDER / MODEL).read_bytes()
    facts = json.loads((FOLDER / FACTS).read_text(encoding="utf-8"))
    assert len(content) <= 2**20
    assert hashlib.sha256(content).hexdigest() == facts["sha256"]
    assert len(Counts.load(FOLDER / MODEL).known) == facts["pieces"]


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("太好了，谢谢你帮我解决了问题。", 1),
        ("好的，非常感谢，辛苦你了。", 1),
        ("师傅很专业，修得又快又好，很满意。", 1),
        ("都等了三天了还没人来，气死我了！", -1),
        ("你们就是骗子，我要投诉！", -1),
        ("又坏了，质量太差，真让人失望。", -1),
    ],
)
def test_a_clear_feeling_is_told(opinion: SnowOpinion, text: str, sign: int) -> None:
    assert sign * opinion.sentiment(text) > 0.3


@pytest.mark.parametrize(
    "text",
    [
        "您好，很高兴为您服务，请问有什么可以帮您？",
        "您好，麻烦您帮我查一下订单，谢谢您。",
        "感谢您的来电，祝您生活愉快，再见。",
        "好的，请您稍等一下。",
    ],
)
def test_polite_service_talk_is_no_anger(opinion: SnowOpinion, text: str) -> None:
    assert opinion.sentiment(text) > -0.3


def test_a_short_turn_has_no_second_opinion(opinion: SnowOpinion) -> None:
    assert opinion.of("气死我了") is None
    assert opinion.of("气" * SHORTEST) is not None


def test_pairs_do_not_reach_across_marks_and_digits() -> None:
    assert pieces("好的，谢谢") == sorted({"好", "的", "谢", "好的", "谢谢"})
    assert "元退" not in pieces("元5退")


def test_the_name_changes_with_counts_and_calibration(opinion: SnowOpinion, tmp_path: Path) -> None:
    names = {opinion.name}
    for changed in (MODEL, FACTS):
        folder = tmp_path / changed
        folder.mkdir()
        for name in (MODEL, FACTS):
            (folder / name).write_bytes((FOLDER / name).read_bytes() + (b"\n" if name == changed else b""))
        names.add(SnowOpinion(folder).name)
    assert len(names) == 3
    assert opinion.name == SnowOpinion().name


def test_a_contradiction_lowers_confidence_the_more_the_clearer_it_is() -> None:
    assert 0.9 > agreed(0.9, 0.6, -0.4) > agreed(0.9, 0.6, -0.8) > 0.0
    assert agreed(0.9, -0.6, 0.8) == agreed(0.9, 0.6, -0.8)


@pytest.mark.parametrize(
    ("one", "other"), [(0.6, 0.9), (-0.6, -0.9), (0.2, -0.9), (0.6, -0.2), (None, -0.9), (0.6, None), (0.0, 0.0)]
)
def test_anything_else_leaves_confidence_alone(one: float | None, other: float | None) -> None:
    assert agreed(0.9, one, other) == 0.9


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_certainty_can_be_contradicted_too(confidence: float) -> None:
    assert 0.0 <= agreed(confidence, 1.0, -1.0) <= confidence


def test_training_gives_the_same_bytes_again(tmp_path: Path) -> None:
    for name in ("one", "other"):
        model = taught(REVIEWS, SERVICE, seed=3, passes=2)
        without_rare(model, 1)
        save(model, tmp_path / name)
    assert (tmp_path / "one" / MODEL).read_bytes() == (tmp_path / "other" / MODEL).read_bytes()


def test_what_is_read_is_what_snownlp_itself_would_say(tmp_path: Path) -> None:
    from snownlp.sentiment import Sentiment

    save(taught(REVIEWS, SERVICE, seed=3, passes=2), tmp_path)
    theirs = Sentiment()
    theirs.load(str(tmp_path / MODEL.removesuffix(".3")))
    theirs.handle = pieces
    ours = Counts.load(tmp_path / MODEL)
    for text in (*SERVICE.displeased, *SERVICE.pleased, "没见过的字：鹏程万里"):
        odds = ours.odds(text)
        assert theirs.classify(text) == pytest.approx(1 / (1 + 2.718281828459045**-odds), abs=1e-6)


def test_service_talk_weighs_beside_reviews(tmp_path: Path) -> None:
    texts = ("师傅来得很快", "等了三天都没人")
    gaps = []
    for passes in (0, 3):
        save(taught(REVIEWS, SERVICE, seed=3, passes=passes), tmp_path / str(passes))
        pleased, displeased = (Counts.load(tmp_path / str(passes) / MODEL).odds(text) for text in texts)
        gaps.append(pleased - displeased)
    assert gaps[1] > gaps[0]


def test_calibration_puts_neutral_turns_in_the_middle(tmp_path: Path) -> None:
    save(taught(REVIEWS, SERVICE, seed=3, passes=2), tmp_path)
    counts = Counts.load(tmp_path / MODEL)
    mixed = Said((*SERVICE.displeased, "非常满意"), SERVICE.neutral, (*SERVICE.pleased, "很失望"))
    slope, lift = calibrated(counts, mixed)
    assert slope > 0
    assert slope * counts.odds(SERVICE.displeased[0]) + lift < 0 < slope * counts.odds(SERVICE.pleased[0]) + lift


def test_texts_with_two_feelings_are_not_learnt(tmp_path: Path) -> None:
    (tmp_path / "turns").mkdir()
    lines = "\n".join(f"第{n}次来问了" for n in "一二三四五六七八九十")
    (tmp_path / "turns" / "a.txt").write_text(f"## customer s1\n谢谢\n行吧\n{lines}\n## customer s-1\n行吧\n太差\n")
    said = second_opinion.said_by_customers(tmp_path, "train", seed=1)
    assert "行吧" not in {*said.pleased, *said.displeased}
    assert set(said.pleased) <= {"谢谢", *lines.split("\n")}
    assert said.pleased


def test_contradictions_are_counted_where_a_sign_is_clear(opinion: SnowOpinion) -> None:
    turns = tuple(
        Utterance("customer", text) for text in ("都等了三天了还没人来，气死我了！", "非常感谢，辛苦你了。", "嗯")
    )
    rated = Rated(turns, {0: False, 1: True, 2: False})
    scored = Scored((False, True, False), (0.9, 0.9, 0.1))
    assert contradicted([rated], [scored], opinion) == [(True, False), (False, True)]


def test_an_opinion_is_given_without_snownlp() -> None:
    code = (
        "import sys; from models.utterance.sentiment import SnowOpinion;"
        "assert SnowOpinion().of('等了三天都没人来') is not None; sys.exit('snownlp' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
