"""What happens to texts on their way to the reader."""

from __future__ import annotations

from models.utterance.training.noise import Noise

CHARACTERS = tuple("您你不没有账帐单在再做作的得地快块递一二三")


def test_the_same_seed_disturbs_alike() -> None:
    text = "您的帐单在这里，没有问题。"
    assert [Noise(CHARACTERS, 3).heard(text) for _ in range(3)] == [Noise(CHARACTERS, 3).heard(text) for _ in range(3)]


def test_politeness_and_negation_are_never_lost() -> None:
    noise = Noise(CHARACTERS, 1)
    heard = [noise.heard("您不在，我没做。") for _ in range(300)]
    assert all("您" in text and "不" in text and "没" in text for text in heard)
    assert len(set(heard)) > 5


def test_a_share_of_characters_is_replaced_for_measuring() -> None:
    text = "快递单在账单" * 100
    changed = Noise(CHARACTERS, 1).replaced(text, 0.1)
    kept = sum(a == b for a, b in zip(text, changed, strict=False))
    assert changed != text
    assert len(text) - len(changed) < 40
    assert kept > 0


def test_misheard_characters_are_simplified_ones() -> None:
    assert Noise([*CHARACTERS, "儿", "兒", "耳"], 1).homophones["儿"] == "二耳"
