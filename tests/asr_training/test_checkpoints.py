"""What one step of the recipe leaves for the next."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import torch

from models.asr.training.average import average, mean
from models.asr.training.decoder import decoder
from models.asr.training.network import Network, Size
from models.asr.training.vocabulary import Vocabulary

VOCABULARY = Vocabulary(tuple("您好请讲我在，。"))


def test_the_mean_of_checkpoints_is_taken_weight_by_weight(tmp_path: Path) -> None:
    for name, value in (("a", 1.0), ("b", 4.0)):
        torch.save({"weight": torch.full((2, 3), value), "bias": torch.tensor([value, 0.0])}, tmp_path / name)
    average(argparse.Namespace(work=tmp_path, of=[tmp_path / "a", tmp_path / "b"]))
    made = torch.load(tmp_path / "joint.pt")
    assert made["weight"].tolist() == [[2.5] * 3] * 2
    assert made["bias"].tolist() == [2.5, 0.0]


def test_checkpoints_of_other_networks_have_no_mean() -> None:
    with pytest.raises(ValueError, match="one network"):
        mean([{"weight": torch.ones(1)}, {"bias": torch.ones(1)}])
    with pytest.raises(ValueError, match="one network"):
        mean([])


def test_decoder_goes_on_from_what_was_learnt_together(tmp_path: Path) -> None:
    VOCABULARY.save(tmp_path / "vocabulary.json")
    learnt = Network(Size(len(VOCABULARY))).state_dict()
    torch.save(learnt, tmp_path / "joint.pt")
    decoder(
        argparse.Namespace(work=tmp_path, seed=1, threads=1, rate=1e-3, gentle=0, minutes=0, outside=None, words=None)
    )
    for name in ("decoder.pt", "joint.pt"):
        left = torch.load(tmp_path / name)
        assert all(torch.equal(left[key], learnt[key]) for key in left)
    assert set(torch.load(tmp_path / "joint.pt")) == set(learnt)
