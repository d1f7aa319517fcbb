"""The labelled turns and dialogues, and what is said of lines that cannot be read."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from models.utterance.training.__main__ import main
from models.utterance.training.data import DataError, Dialogue, expand, load, read

HEAD = (
    "=== t-1 call type=product level=2 problem=after_sales need=functional resolved=no start=-1 end=0 polite=4"
    " empathy=1 review=no\n"
)


def written(folder: Path, kind: str, text: str) -> Path:
    path = folder / kind / "one.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def dialogue(folder: Path, text: str) -> list[Dialogue]:
    return list(read(written(folder, "dialogues", HEAD + text)))


def single(folder: Path, text: str) -> list[Dialogue]:
    return list(read(written(folder, "turns", text)))


def test_a_dialogue_has_labels_and_labelled_turns(tmp_path: Path) -> None:
    (one,) = dialogue(tmp_path, "C problem s-1 | 手机坏了\nA apology_for p4 r1 | 给您添麻烦了\nB | 转接中\n")
    assert one.labels["type"] == "product"
    assert [turn.role for turn in one.turns] == ["customer", "agent", "other"]
    assert one.turns[0].grades["feeling"] == -1
    assert one.turns[1].acts == {"apology_for"}
    assert (one.turns[1].grades["polite"], one.turns[1].grades["reaction"]) == (4, 1)


def test_a_single_turn_takes_its_header_and_its_own_changes(tmp_path: Path) -> None:
    (one,) = single(tmp_path, "## agent shirking p2\n门坏了 >> 找物业去 // -shirking +route p4\n")
    before, said = one.turns
    assert (before.role, before.pattern) == ("customer", "门坏了")
    assert (said.pattern, said.acts, said.grades["polite"]) == ("找物业去", frozenset({"route"}), 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A greeting 您好\n", r"one\.txt:2: no text after \|"),
        ("A problem | 您好\n", r"one\.txt:2: 'problem' is no act or mark of agent"),
        ("X greeting | 您好\n", r"one\.txt:2: role \['X'\] is none of A, C, B"),
        ("A p0 | 您好\n", r"one\.txt:2: p is 1…5; r, u and x are 0…2"),
        ("A | 您好\n", r"one\.txt:t-1 has 1 turns"),
    ],
)
def test_a_bad_turn_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        dialogue(tmp_path, text)


def test_a_class_outside_its_values_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, "dialogues", HEAD.replace("type=product", "type=goods") + "C | 喂\nA | 您好\n")
    with pytest.raises(DataError, match="type=goods is none of none, service, product, process, policy"):
        list(read(path))


def test_alternatives_are_chosen_and_plain_brackets_stay() -> None:
    said = {expand("[甲|乙[丙|丁]]好[图片]", random.Random(n)) for n in range(30)}
    assert said == {"甲好[图片]", "乙丙好[图片]", "乙丁好[图片]"}


def test_a_family_stands_on_one_side_of_the_split_whatever_is_chosen(tmp_path: Path) -> None:
    text = "## agent\n" + "".join(f"[您好|你好]，第{n}次\n" for n in range(300))
    sides = [item.split for item in single(tmp_path, text)]
    assert sides == [item.split for item in single(tmp_path, text)]
    assert 10 < sides.count("held_out") < 60
    assert 5 < sides.count("calibration") < 50


def test_the_shipped_data_can_be_read_and_is_large_enough() -> None:
    items = load()
    assert sum(bool(item.labels) for item in items) >= 800
    assert sum(len(item.turns) if item.labels else 1 for item in items) >= 14_000
    assert len({item.id for item in items if item.labels}) == sum(bool(item.labels) for item in items)


def test_check_says_where_a_file_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, "turns", "没有头\n")
    assert main(["check", str(path)]) == 1
    assert capsys.readouterr().out == "one.txt:1: a turn before the first ##\n"
