"""A pre-trained encoder of the BERT family that training starts from: found, and checked before hours are spent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from models.utterance.spelling import EARLIER, TEXT_HEAD, TEXT_TAIL, Spelling

LONGEST = TEXT_HEAD + TEXT_TAIL + sum(EARLIER) + 3 + 2 * len(EARLIER)
"""Tokens of the longest turn with what was before it."""
_FILES = ("config.json", "vocab.txt", "model.safetensors", "pytorch_model.bin")

Fault = Literal["absent", "files", "family", "vocabulary", "short"]


class BaseError(ValueError):
    """A pre-trained encoder that cannot be had or used; `fault` says in what way."""

    def __init__(self, fault: Fault, base: str, detail: str) -> None:
        self.fault = fault
        self.base = base
        self.detail = detail
        super().__init__(f"{base}: {fault}: {detail}")


def find_base(base: str) -> str:
    """The directory of an encoder that is named by a directory or by its name on the hub (then it is downloaded).

    Raises:
        BaseError: it cannot be had, or is no encoder that turns can be spelled for.
    """
    folder = Path(base) if Path(base).is_dir() else _download(base)
    _check(base, folder)
    return str(folder)


def _download(base: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(base, allow_patterns=list(_FILES)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise BaseError("absent", base, str(error).strip().splitlines()[0]) from error


def _check(base: str, folder: Path) -> None:
    missing = [name for name in _FILES[:2] if not (folder / name).is_file()]
    if not any((folder / name).is_file() for name in _FILES[2:]):
        missing.append(_FILES[2])
    if missing:
        raise BaseError("files", base, ", ".join(missing))
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise BaseError("files", base, f"config.json: {error}") from error
    kind = str(config.get("model_type"))
    if kind != "bert" or config.get("type_vocab_size", 2) < 2:
        raise BaseError("family", base, kind)
    if config.get("max_position_embeddings", 512) < LONGEST:
        raise BaseError("short", base, f"{config['max_position_embeddings']} < {LONGEST}")
    try:
        Spelling.load(folder / "vocab.txt")
    except ValueError as error:
        raise BaseError("vocabulary", base, str(error)) from error
