"""What a reviewer reads where the machine could not decide: not heard, or heard and doubted."""

from pathlib import Path

import pytest

from pipeline.conversation import Verdict
from pipeline.i18n import Language
from pipeline.reports.words import Words
from tests.cards import finding
from tests.dialogues import talk

PHRASE = "phrase: [您好]"


@pytest.mark.parametrize(("language", "word"), [("zh", "听不清"), ("en", "Not heard")])
def test_what_the_recording_does_not_let_hear_was_not_heard(tmp_path: Path, language: Language, word: str) -> None:
    found = finding(tmp_path, talk("坐席(0.2): 喂"), "points: 1", PHRASE)
    assert found.verdict is Verdict.UNSURE
    assert Words(language).found(found) == word


@pytest.mark.parametrize(
    ("said", "top"),
    [
        pytest.param("坐席: 喂", "settings: {least_confidence: 0.99}", id="less certain than the card asks for"),
        pytest.param("未知: 您好", "", id="nobody knows who said it"),
    ],
)
def test_what_was_heard_but_is_doubtful_is_called_so(tmp_path: Path, said: str, top: str) -> None:
    found = finding(tmp_path, talk(said), "points: 1", PHRASE, top=top)
    assert found.verdict is Verdict.UNSURE
    assert (Words("zh").found(found), Words("en").found(found)) == ("拿不准", "Unsure")
