"""Step 4: from checkpoint to a directory that `faster_whisper.WhisperModel(path, local_files_only=True)` loads."""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from models.asr.training.augment import WINDOW
from models.asr.training.network import STREAM, TIMING_HEADS, Network, Size
from models.asr.training.vocabulary import SPECIAL, TIMESTAMPS, Vocabulary

HEARING = {"beam_size": 5, "chunk_seconds": 12.0, "window_seconds": 15.0}
"""Measured on the sample calls: those of 24 s are heard a little worse (see the model card)."""


def export(options: argparse.Namespace) -> None:
    """Write model.bin (int8), config.json, vocabulary.json, tokenizer.json and preprocessor_config.json to `--out`."""
    vocabulary = Vocabulary.load(options.work / "vocabulary.json")
    network = Network(Size(len(vocabulary)))
    network.load_state_dict(torch.load(options.work / "joint.pt"))
    convert(network, vocabulary, options.out)
    (options.out / "hearing.json").write_text(json.dumps(HEARING) + "\n")
    total = sum(path.stat().st_size for path in options.out.iterdir())
    sys.stderr.write(f"{options.out}: {total / 2**20:.1f} MiB\n")


def convert(network: Network, vocabulary: Vocabulary, out: Path) -> None:
    """Write `network` as a CTranslate2 Whisper model, int8."""
    from ctranslate2.converters import TransformersConverter

    with tempfile.TemporaryDirectory() as folder:
        save_transformers(network, vocabulary, Path(folder))
        converter = TransformersConverter(folder, copy_files=["tokenizer.json", "preprocessor_config.json"])
        out.parent.mkdir(parents=True, exist_ok=True)
        converter.convert(str(out), quantization="int8", force=True)


def save_transformers(network: Network, vocabulary: Vocabulary, folder: Path) -> None:
    """Write `network` as a transformers Whisper model with tokenizer and preprocessor."""
    from transformers import GenerationConfig, PreTrainedTokenizerFast, WhisperConfig, WhisperForConditionalGeneration

    size = network.size
    ids = {token: vocabulary[token] for token in SPECIAL}
    config = WhisperConfig(
        vocab_size=len(vocabulary), num_mel_bins=size.mels, d_model=size.width, max_source_positions=1500,
        encoder_layers=size.hearing_layers + size.spelling_layers,
        encoder_attention_heads=size.heads, encoder_ffn_dim=size.feed_forward,
        decoder_layers=size.decoder_layers, decoder_attention_heads=size.heads, decoder_ffn_dim=size.feed_forward,
        max_target_positions=size.target_positions, activation_function="gelu", scale_embedding=False,
        bos_token_id=ids["<|endoftext|>"], eos_token_id=ids["<|endoftext|>"], pad_token_id=ids["<|endoftext|>"],
        decoder_start_token_id=ids["<|startoftranscript|>"], suppress_tokens=[], begin_suppress_tokens=[],
    )  # fmt: skip
    model = WhisperForConditionalGeneration(config)
    missing, unexpected = model.load_state_dict(_renamed(network), strict=False)
    if unexpected or set(missing) - {"proj_out.weight"}:
        raise ValueError(f"weights do not fit: missing {missing}, unexpected {unexpected}")
    model.tie_weights()
    model.generation_config = GenerationConfig(
        bos_token_id=ids["<|endoftext|>"], eos_token_id=ids["<|endoftext|>"], pad_token_id=ids["<|endoftext|>"],
        decoder_start_token_id=ids["<|startoftranscript|>"], suppress_tokens=[], begin_suppress_tokens=[],
        alignment_heads=[list(head) for head in TIMING_HEADS], lang_to_id={t: ids[t] for t in ("<|en|>", "<|zh|>")},
        task_to_id={"transcribe": ids["<|transcribe|>"], "translate": ids["<|translate|>"]},
        no_timestamps_token_id=ids["<|notimestamps|>"], is_multilingual=True, max_length=size.target_positions,
    )  # fmt: skip
    model.save_pretrained(folder)
    tokenizer = _tokenizer(vocabulary)
    tokenizer.save(str(folder / "tokenizer.json"))
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        eos_token="<|endoftext|>",
        additional_special_tokens=list(SPECIAL[1:]),
    )
    wrapped.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    preprocessor = {
        "chunk_length": 30, "feature_extractor_type": "WhisperFeatureExtractor", "feature_size": size.mels,
        "hop_length": 160, "n_fft": WINDOW, "n_samples": 480_000, "nb_max_frames": 3000, "padding_side": "right",
        "padding_value": 0.0, "sampling_rate": 16_000,
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor, indent=1) + "\n")


def _renamed(network: Network) -> dict[str, torch.Tensor]:
    """Whisper's names; what the spelling layers add is brought to the scale of what they add it to."""
    weights = {}
    first = network.size.hearing_layers
    for name, value in network.state_dict().items():
        if match := re.fullmatch(r"encoder\.spelling\.layers\.(\d+)\.(.+)", name):
            adds = match[2].startswith(("self_attn.out_proj.", "fc2."))
            weights[f"model.encoder.layers.{first + int(match[1])}.{match[2]}"] = STREAM * value if adds else value
        elif ".codebook." not in name:
            weights[f"model.{name}"] = value
    width = network.size.width
    weights["model.encoder.embed_positions.weight"] = 0.5 * network.encoder.codebook.places
    weights["model.encoder.layer_norm.weight"] = torch.ones(width)
    weights["model.encoder.layer_norm.bias"] = torch.zeros(width)
    return weights


def _tokenizer(vocabulary: Vocabulary) -> Any:
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

    words = {token: number for token, number in vocabulary.ids.items() if token not in TIMESTAMPS}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("[\\s\\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL])
    return tokenizer
