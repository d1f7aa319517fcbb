"""What the words of a whole conversation say of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from models.utterance import Utterance
from models.utterance.acts import CLASSES
from models.utterance.wording import Wording, joint, pieces, softened

TALK = (
    Utterance("agent", "您好。"),
    Utterance("customer", "手机等了9天还没好，手机呢"),
    Utterance("other", "会话已转人工"),
)


def test_each_side_has_pieces_of_its_own() -> None:
    found = pieces(TALK)
    assert {"a您", "a您好", "c手机", "c还没好"} <= found
    assert not {"a手机", "c您好"} & found


def test_marks_and_digits_part_pieces() -> None:
    assert {"c了天", "c好手", "c9"}.isdisjoint(pieces(TALK))


def test_bots_say_nothing_of_the_matter() -> None:
    assert not any("人工" in piece for piece in pieces(TALK))


def test_words_and_network_come_to_one_opinion(tiny_reader: Path) -> None:
    network = {name: np.full(len(values), 1 / len(values), np.float32) for name, values in CLASSES.items()}
    found = Wording(tiny_reader).joined(network, TALK)
    assert set(found) == set(CLASSES)
    assert all(abs(float(odds.sum()) - 1) < 1e-5 for odds in found.values())


def test_nobody_read_leaves_an_opinion(tiny_reader: Path) -> None:
    network = {name: np.full(len(values), 1 / len(values), np.float32) for name, values in CLASSES.items()}
    assert set(Wording(tiny_reader).joined(network, ())) == set(CLASSES)


def test_where_both_agree_the_joint_opinion_agrees() -> None:
    network = np.array([0.1, 0.9], np.float32)
    odds = softened(joint(network, np.log(network), "resolved"), 1.0)
    np.testing.assert_allclose(odds, network, atol=1e-3)
