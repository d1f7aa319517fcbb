"""From network to what faster-whisper loads, and the features they share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from faster_whisper import WhisperModel
from faster_whisper.feature_extractor import FeatureExtractor

from models.asr.training.augment import MELS, WINDOW, LogMel, disturb, telephone
from models.asr.training.export import convert
from models.asr.training.network import Network, Size
from models.asr.training.vocabulary import Vocabulary

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
VOCABULARY = Vocabulary(tuple("您好请讲"))


def test_an_exported_network_is_loaded_and_speaks_its_vocabulary(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Network(Size(len(VOCABULARY), hearing_layers=1, spelling_layers=1))
    convert(network, VOCABULARY, tmp_path / "model")
    model = WhisperModel(
        str(tmp_path / "model"), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True
    )
    assert model.model.is_multilingual
    ids = model.hf_tokenizer.encode("您好，B", add_special_tokens=False).ids
    assert ids == VOCABULARY.encode("您好，B")
    assert model.hf_tokenizer.decode(ids) == "您好，B"


def test_the_exported_encoder_computes_what_was_trained(tmp_path: Path) -> None:
    import ctranslate2

    torch.manual_seed(0)
    network = Network(Size(len(VOCABULARY), hearing_layers=2, spelling_layers=2)).eval()
    convert(network, VOCABULARY, tmp_path / "model")
    features = np.random.default_rng(0).standard_normal((1, MELS, 3000)).astype(np.float32)
    model = ctranslate2.models.Whisper(str(tmp_path / "model"), device="cpu", compute_type="float32")
    exported = np.asarray(model.encode(ctranslate2.StorageView.from_array(features)))
    with torch.no_grad():
        trained = network.encoder(torch.from_numpy(features)).numpy()
    closeness = (exported * trained).sum(-1) / 256
    assert closeness.min() > 0.98


def test_features_are_those_of_faster_whisper() -> None:
    sound = np.random.default_rng(1).standard_normal(16_000).astype(np.float32) * 0.1
    ours = LogMel()(torch.from_numpy(sound)).numpy()
    theirs = FeatureExtractor(feature_size=MELS, n_fft=WINDOW)(sound)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < 1e-3


def test_a_telephone_line_carries_nothing_above_its_band() -> None:
    time = np.arange(16_000) / 16_000
    high = np.sin(2 * np.pi * 6000 * time).astype(np.float32)
    low = np.sin(2 * np.pi * 1000 * time).astype(np.float32)
    assert np.abs(telephone(high, mu_law=False)).max() < 0.01 < 0.9 < np.abs(telephone(low, mu_law=False)).max()


def test_disturbing_is_seeded() -> None:
    sound = np.sin(np.arange(16_000) / 20).astype(np.float32)
    one, two = (disturb(sound, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one, two)
