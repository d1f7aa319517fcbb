"""Readers on encoders of the BERT family that others have pre-trained."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from models.utterance import Utterance, load_reader
from models.utterance.acts import ACTS
from models.utterance.spelling import SPECIAL
from models.utterance.training.base import LONGEST, BaseError, find_base
from models.utterance.training.data import DataError, of_split
from pipeline.cli import main
from pipeline.settings import load_settings
from pipeline.workshop import Workshop
from tests.readers import WIDTH


def test_a_reader_has_the_width_of_its_base(tiny_reader: Path) -> None:
    with np.load(tiny_reader / "heads.npz") as heads:
        assert heads["acts_weight"].shape == (sum(map(len, ACTS.values())), WIDTH)
    with np.load(tiny_reader / "conversation.npz") as network:
        assert network["0.topics_weight"].shape[1] == 2 * 2 * WIDTH


def test_a_reader_on_a_base_reads(tiny_reader: Path) -> None:
    turns = [Utterance("agent", "您好，请问有什么可以帮您？"), Utterance("customer", "等了三天还没好，我要投诉！")]
    (found,) = load_reader(folder=tiny_reader).read_all([turns])
    assert found.turns[0].acts["greeting"] > 0.5
    assert found.turns[1].sentiment is not None
    assert found.whole.complaint_type in ("none", "service", "product", "process", "policy")


def test_the_setting_decides_which_reader_reads(tiny_reader: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIJIAN_READING_MODEL", str(tiny_reader))
    workshop = Workshop(load_settings())
    assert workshop.reader.encoder.folder == tiny_reader
    assert workshop.reader.digest == load_reader(folder=tiny_reader).digest


def encoder_files(folder: Path, *, tokens: tuple[str, ...] = SPECIAL, **config: object) -> str:
    settings = {"model_type": "bert", "max_position_embeddings": 512, "type_vocab_size": 2, **config}
    (folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    (folder / "model.safetensors").touch()
    return str(folder)


def test_a_directory_of_the_family_is_taken(tmp_path: Path) -> None:
    assert find_base(encoder_files(tmp_path, max_position_embeddings=LONGEST)) == str(tmp_path)


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        ({"model_type": "gpt2"}, "family"),
        ({"max_position_embeddings": LONGEST - 1}, "short"),
        ({"tokens": SPECIAL[:-1]}, "vocabulary"),
    ],
)
def test_an_encoder_that_cannot_be_used_is_told_before_training(
    tmp_path: Path, config: dict[str, object], fault: str
) -> None:
    with pytest.raises(BaseError) as told:
        find_base(encoder_files(tmp_path, **config))  # type: ignore[arg-type]
    assert told.value.fault == fault


def test_a_name_that_cannot_be_downloaded_is_told() -> None:
    with pytest.raises(BaseError) as told:
        find_base("nobody/no-such-encoder")
    assert told.value.fault == "absent"


def test_too_little_data_is_told(tmp_path: Path) -> None:
    (tmp_path / "turns").mkdir()
    (tmp_path / "turns" / "few.txt").write_text("## agent greeting p4\n您好。\n", encoding="utf-8")
    with pytest.raises(DataError, match="too few dialogues"):
        of_split(tmp_path, "train", whole=True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--data", "nowhere"), "[Z535] nowhere: 没有这个文件夹"),
        (("--base", "nowhere"), "[Z534] --base: 没有预训练模型文件夹 nowhere"),
    ],
)
def test_the_command_tells_what_is_not_there(
    words: tuple[str, str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, *words) == 2
    assert told in capsys.readouterr().err


def test_without_the_packages_for_training_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert command(monkeypatch) == 2
    told = capsys.readouterr().err
    assert "[Z533] 训练要用的软件包没有安装：torch" in told
    assert "pip install -c constraints.txt -e .[train]" in told


def command(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["zhijian", "models", "train", "utterance", "--out", "new", *words])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)
