"""Step 3: from checkpoint to the weights folder that `models.utterance.encoder.TurnEncoder` reads, calibrated."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from models.utterance.acts import ACTS, GRADES
from models.utterance.cues import CueReader
from models.utterance.encoder import TurnEncoder
from models.utterance.reader import odds_of
from models.utterance.records import Utterance
from models.utterance.spelling import Spelling
from models.utterance.training.data import DataError, Dialogue, Turn, expand, of_split
from models.utterance.training.network import STEPS, TurnNetwork, given, small
from models.utterance.training.noise import Noise

_VERSIONS = 3


def export(options: argparse.Namespace) -> None:
    """Write the int8 encoder, the heads and the calibration to `--out`."""
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    out: Path = options.out
    vocabulary = Path(options.base) / "vocab.txt" if options.base else options.work / "vocab.txt"
    spelling = Spelling.load(vocabulary)
    model = TurnNetwork(given(options.base) if options.base else small(len(spelling.tokens)))
    model.load_state_dict(torch.load(options.work / "turns.pt"))
    convert(model, spelling, out)
    _write(out, {"temperatures": {}, "acts": _plain()})
    encoder = TurnEncoder(out, threads=options.threads)
    _write(out, calibrated(encoder, spelling, of_split(options.data, "calibration"), options.seed))
    total = sum(path.stat().st_size for path in out.iterdir())
    sys.stderr.write(f"{out}: {total / 2**20:.1f} MiB\n")


def convert(model: TurnNetwork, spelling: Spelling, out: Path) -> None:
    """Write encoder (CTranslate2, int8), vocabulary and heads."""
    from ctranslate2.converters import TransformersConverter

    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        # The converter asks for a key that transformers 5 no longer writes.
        model.encoder.config.position_embedding_type = "absolute"
        model.encoder.save_pretrained(folder)
        spelling.save(Path(folder) / "vocab.txt")
        (Path(folder) / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
        TransformersConverter(folder).convert(str(out / "engine"), quantization="int8", force=True)
    for path in (out / "engine").iterdir():
        path.replace(out / path.name)
    (out / "engine").rmdir()
    spelling.save(out / "vocab.txt")
    heads = {
        f"{name}_{part}": getattr(layer, part).detach().numpy().astype(np.float16)
        for name, layer in (("acts", model.heads.acts), ("grades", model.heads.grades))
        for part in ("weight", "bias")
    }
    np.savez_compressed(out / "heads.npz", **heads)


def _write(out: Path, calibration: dict[str, Any]) -> None:
    (out / "reader.json").write_text(json.dumps(calibration, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _plain() -> dict[str, dict[str, list[float]]]:
    return {role: {name: [1.0, 0.0, 0.0] for name in names} for role, names in ACTS.items()}


def calibrated(encoder: TurnEncoder, spelling: Spelling, items: Sequence[Dialogue], seed: int) -> dict[str, Any]:
    """Temperatures of the grades, and how far to trust encoder and lexicons for each act, on `items`.

    An act's probability is the logistic function of `weight · logit + trust · logit of the lexicons + lift`; what one
    act's few examples say is drawn towards what all acts say together.
    """
    noise = Noise(spelling.tokens, seed)
    spoken, wanted = [], []
    for version in range(_VERSIONS):
        for item in items:
            texts = [expand(turn.pattern, noise.random) for turn in item.turns]
            if version:
                texts = [noise.heard(text) for text in texts]
            spoken.append([Utterance(t.role, text) for t, text in zip(item.turns, texts, strict=True)])
            wanted.append(_labelled(item))
    hearings, cues = encoder.hear(spoken), CueReader()
    result: dict[str, Any] = {"temperatures": {}, "acts": {}}
    grades: dict[str, list[tuple[Any, int]]] = {name: [] for name in GRADES}
    for role in ACTS:
        logits, said, truth = [], [], []
        for turns, heard, labels in zip(spoken, hearings, wanted, strict=True):
            for turn, hearing, label, reading in zip(turns, heard, labels, cues.read(turns), strict=True):
                if turn.role != role or hearing is None or label is None:
                    continue
                logits.append(hearing.acts)
                said.append([odds_of(reading.acts.get(name, 0.0)) for name in ACTS[role]])
                truth.append([float(name in label.acts) for name in ACTS[role]])
                for name, steps in GRADES.items():
                    if role == "agent" or name == "feeling":
                        grades[name].append((hearing.grades[name], steps.index(label.grades[name])))
        if not logits:
            raise DataError(f"no turn of the {role} falls to the part calibration; more data is needed")
        fitted = _fit(*(torch.tensor(np.array(x), dtype=torch.float32) for x in (logits, said, truth)))
        result["acts"][role] = {
            name: [round(float(v), 4) for v in row] for name, row in zip(ACTS[role], fitted, strict=True)
        }
    for name in STEPS:
        odds = torch.tensor(np.array([np.log(o + 1e-9) for o, _ in grades[name]]))
        truth_steps = torch.tensor([step for _, step in grades[name]])
        candidates = torch.logspace(-0.5, 0.7, 41)
        losses = torch.stack([F.cross_entropy(odds / t, truth_steps) for t in candidates])
        result["temperatures"][name] = round(float(candidates[losses.argmin()]), 4)
    return result


def _labelled(item: Dialogue) -> list[Turn | None]:
    last = len(item.turns) - 1
    return [
        turn if turn.role != "other" and (item.labels or at == last) else None for at, turn in enumerate(item.turns)
    ]


def _fit(logits: Tensor, said: Tensor, truth: Tensor) -> Tensor:
    """Rows of weight, trust and lift, one an act, `(acts, 3)`."""
    count = logits.shape[1]
    shared = torch.tensor([0.8, 0.3, 0.0], requires_grad=True)
    own = torch.zeros(count, 3, requires_grad=True)
    optimizer = torch.optim.LBFGS([shared, own], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        rows = shared + own
        guess = logits * rows[:, 0] + said * rows[:, 1] + rows[:, 2]
        value = F.binary_cross_entropy_with_logits(guess, truth, reduction="sum")
        value = value + (own * torch.tensor([4.0, 6.0, 1.0])).square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    with torch.no_grad():
        rows = shared + own
        rows[:, :2] = rows[:, :2].clamp_min(0.0)
    return rows
