"""Meanings compared by a model of the hub's kind: a tiny one with random weights, built here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from models.embedding import Embedder, EmbeddingError
from pipeline.check import validate
from pipeline.conversation import Verdict
from pipeline.errors import SettingsError
from pipeline.meaning import compares, embedder, equip
from pipeline.scorecard import find_scorecard
from pipeline.scoring import score
from pipeline.settings import load_settings
from pipeline.workshop import Workshop
from tests.cards import card
from tests.dialogues import talk
from tests.readers import WIDTH, tiny_base

NOTICE = "  - {id: it, title: 录音告知, section: s, points: 5, similar: {to: 本次通话会录音, meaning: %s}}"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("hub") / "tiny")


def sentence_transformer(folder: Path, base: Path, pooling: dict[str, bool], *more: str) -> Path:
    """The layout of sentence-transformers round the encoder `base`."""
    modules = [{"path": "0", "type": "sentence_transformers.models.Transformer"}]
    modules += [{"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]
    modules += [{"path": name, "type": f"sentence_transformers.models.{name}"} for name in more]
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "0").symlink_to(base, target_is_directory=True)
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling), encoding="utf-8")
    return folder


def test_vectors_have_unit_length_and_do_not_depend_on_company(tiny: Path) -> None:
    model = Embedder(tiny)
    alone, together = model(["退款"]), Embedder(tiny)(["您好，请问有什么可以帮您？", "退款"])
    assert together.shape == (2, WIDTH)
    assert np.allclose(np.linalg.norm(together, axis=1), 1)
    assert np.array_equal(alone[0], together[1])


def test_other_sentences_have_other_vectors(tiny: Path) -> None:
    one, other = Embedder(tiny)(["退款什么时候到账", "师傅明天上门"])
    assert one @ other < 0.999


@pytest.mark.parametrize(("mode", "same"), [("pooling_mode_mean_tokens", True), ("pooling_mode_cls_token", False)])
def test_pooling_of_sentence_transformers_is_followed(tiny: Path, tmp_path: Path, mode: str, same: bool) -> None:
    model = Embedder(sentence_transformer(tmp_path / "st", tiny, {mode: True}, "Normalize"))
    assert np.array_equal(model(["退款"]), Embedder(tiny)(["退款"])) is same


@pytest.mark.parametrize(("pooling", "more"), [({"pooling_mode_max_tokens": True}, ()), ({}, ("Dense",))])
def test_parts_that_are_not_understood_are_refused(
    tiny: Path, tmp_path: Path, pooling: dict[str, bool], more: tuple[str, ...]
) -> None:
    with pytest.raises(EmbeddingError) as error:
        Embedder(sentence_transformer(tmp_path / "st", tiny, pooling, *more))
    assert error.value.fault == "modules"


def test_a_folder_without_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(EmbeddingError) as error:
        Embedder(tmp_path)
    assert error.value.fault == "absent"


def test_a_broken_model_is_told_when_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    model = Embedder(tmp_path)
    with pytest.raises(EmbeddingError) as error:
        model(["退款"])
    assert error.value.fault == "broken"


def test_without_the_setting_wording_is_compared(tmp_path: Path) -> None:
    one = equip(card(tmp_path, NOTICE % 0.5), load_settings())
    assert (embedder(load_settings()), one.embed) == (None, None)


@pytest.mark.parametrize(("meaning", "verdict"), [(0.01, Verdict.MET), (1.0, Verdict.UNMET)])
def test_the_setting_lets_a_card_compare_meanings(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meaning: float, verdict: Verdict
) -> None:
    monkeypatch.setenv("ZHIJIAN_EMBEDDING_MODEL", str(tiny))
    one = equip(card(tmp_path, NOTICE % meaning), load_settings())
    assert score(talk("坐席: 您的快递明天送到。"), one, engine_version="test").findings[0].verdict is verdict


def test_the_same_sentence_means_the_same(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIJIAN_EMBEDDING_MODEL", str(tiny))
    one = equip(card(tmp_path, NOTICE % 0.99), load_settings())
    assert score(talk("坐席: 您好。本次通话会录音。"), one, engine_version="test").findings[0].verdict is Verdict.MET


def test_evaluations_name_the_model_if_the_card_compares_meanings(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHIJIAN_EMBEDDING_MODEL", str(tiny))
    card(tmp_path, NOTICE % 0.5)
    interaction = talk("坐席: 您好").interaction
    named = Workshop(load_settings(), scorecard=str(tmp_path / "card.yaml")).models(interaction)
    assert named["embedding"] == f"tiny@{Embedder(tiny).digest}"
    assert "embedding" not in Workshop(load_settings(), scorecard="hotline").models(interaction)


def test_examples_of_a_card_are_compared_as_conversations_will_be(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHIJIAN_EMBEDDING_MODEL", str(tiny))
    examples = ', examples: {unmet: ["坐席: 您的快递明天送到"]}}'
    one = card(tmp_path, (NOTICE % 0.01).removesuffix("}") + examples)
    problems = validate(one.source, equip=lambda card: equip(card, load_settings()))
    assert [problem.rule for problem in problems if problem.severity == "error"] == ["example_differs"]
    assert [problem.rule for problem in validate(one.source) if problem.severity == "error"] == []


def test_only_cards_that_look_for_what_is_similar_compare() -> None:
    assert not compares(find_scorecard("hotline"))


def test_similar_is_found_below_conditions(tmp_path: Path) -> None:
    within = "  - {id: it, title: 项, section: s, points: 5, phrase: 您好, applies_when: {not: told}}"
    assert compares(card(tmp_path, within, top="conditions: {told: {similar: 本次通话会录音}}"))


def test_a_model_that_is_not_there_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIJIAN_EMBEDDING_MODEL", str(tmp_path / "nowhere"))
    one = card(tmp_path, NOTICE % 0.5)
    with pytest.raises(SettingsError, match=r"Z550.*embedding\.model"):
        Workshop(load_settings(), scorecard=one.source)
