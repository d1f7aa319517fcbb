"""Vectors of sentences, by an encoder that others have trained: a folder of sentence-transformers or transformers.

The encoder is loaded when the first sentence is asked for. Each sentence is encoded by itself, so that its vector never
depends on what is asked for along with it, and is remembered.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

REMEMBERED = 20_000
LONGEST = 512
"""Tokens of a sentence that are read at most."""

_PARTS = ("Transformer", "Pooling", "Normalize")
"""The modules of sentence-transformers that are understood; vectors are made of unit length in any case."""


class EmbeddingError(Exception):
    """A model that cannot be used: `absent`, `packages`, `modules` or `broken`, and a detail."""

    def __init__(self, fault: Literal["absent", "packages", "modules", "broken"], detail: str) -> None:
        self.fault = fault
        self.detail = detail
        super().__init__(f"{fault}: {detail}")


class Embedder:
    """Turns sentences into vectors of unit length.

    Args:
        folder: with `config.json`, weights and tokeniser; `modules.json` and the pooling of sentence-transformers are
            followed where they are there (mean of the tokens, or the first one), otherwise the mean is taken.

    Raises:
        EmbeddingError: `absent`, there is no such folder or no `config.json` in it; `modules`, it holds a module that
            is not understood.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._encoder, self._first = _layout(folder)
        self._known: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    @property
    def name(self) -> str:
        """What the model is called: the name of its folder."""
        return self.folder.name

    @cached_property
    def digest(self) -> str:
        """`sha256:…` over names and content of the files in the folder."""
        digest = hashlib.sha256()
        for path in sorted(path for path in self.folder.rglob("*") if path.is_file()):
            digest.update(path.relative_to(self.folder).as_posix().encode() + b"\0")
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return f"sha256:{digest.hexdigest()}"

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row a text, of unit length; rows of texts that mean the same lie close.

        Raises:
            EmbeddingError: `packages`, torch or transformers are not installed; `broken`, the files cannot be used.
        """
        return np.stack([self._vector(text) for text in texts])

    def _vector(self, text: str) -> NDArray[np.float32]:
        vector = self._known.pop(text, None)
        if vector is None:
            vector = self._encoded(text)
        self._known[text] = vector
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return vector

    def _encoded(self, text: str) -> NDArray[np.float32]:
        tokenizer, model = self._loaded
        import torch

        tokens = tokenizer(text, truncation=True, max_length=LONGEST, return_tensors="pt")
        with torch.inference_mode():
            states = model(**tokens).last_hidden_state[0]
        whole = np.asarray(states[0] if self._first else states.mean(dim=0), dtype=np.float32)
        length = np.float32(np.linalg.norm(whole))
        return whole / length if length else whole

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        try:
            from transformers import AutoModel, AutoTokenizer
        except ImportError as error:
            raise EmbeddingError("packages", str(error)) from error
        try:
            tokenizer = AutoTokenizer.from_pretrained(str(self._encoder), local_files_only=True)
            model = AutoModel.from_pretrained(str(self._encoder), local_files_only=True)
        except ImportError as error:
            raise EmbeddingError("packages", str(error)) from error
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise EmbeddingError("broken", str(error).strip().splitlines()[0]) from error
        return tokenizer, model.eval()


def _layout(folder: Path) -> tuple[Path, bool]:
    """The folder of the encoder itself, and whether the first token stands for the sentence."""
    modules = _read(folder / "modules.json") or []
    encoder, first = folder, False
    for module in modules:
        kind = str(module.get("type", "")).rsplit(".", 1)[-1]
        if kind not in _PARTS:
            raise EmbeddingError("modules", kind)
        path = folder / str(module.get("path", ""))
        if kind == "Transformer":
            encoder = path
        elif kind == "Pooling":
            first = _pools_first(_read(path / "config.json") or {})
    if not (encoder / "config.json").is_file():
        raise EmbeddingError("absent", str(encoder / "config.json"))
    return encoder, first


def _pools_first(pooling: dict[str, Any]) -> bool:
    on = [name.removeprefix("pooling_mode_") for name, value in pooling.items() if value is True]
    unknown = [name for name in on if name not in ("cls_token", "mean_tokens", "include_prompt")]
    if unknown:
        raise EmbeddingError("modules", f"Pooling ({', '.join(unknown)})")
    return "cls_token" in on


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    except ValueError as error:
        raise EmbeddingError("broken", f"{path.name}: {error}") from error
