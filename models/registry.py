"""Models by name: what the manifest knows, which of them are here, whether their files are whole.

Nothing is ever fetched unless `fetch` is called.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["speech", "reader"]
"""What a model does: hear recordings, or read turns."""

SHIPPED = "shipped"
_ABOVE_ALL = Path("model.bin")


class UnknownModelError(Exception):
    """A name that is neither in the manifest nor a directory."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        self.name = name
        self.known = known
        super().__init__(f"{name} (known: {', '.join(known)})")


class AbsentModelError(Exception):
    """A known model whose files are not here."""

    def __init__(self, model: KnownModel, folder: Path) -> None:
        self.model = model
        self.folder = folder
        super().__init__(f"{model.name} is not in {folder}")


class FetchError(Exception):
    """A model could not be fetched: no network, no such revision, no space."""

    def __init__(self, model: KnownModel, folder: Path, detail: str) -> None:
        self.model = model
        self.folder = folder
        self.detail = detail
        super().__init__(f"{model.name}: {detail}")


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One entry of the manifest. CERs are published figures in percent, `None` where none was published."""

    name: str
    kind: Kind
    title: Mapping[str, str]
    licence: str
    megabytes: int
    path: str | None
    repo: str | None
    revision: str | None
    telephone_cer: float | None
    read_cer: float | None
    sha256: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Manifest:
    """All known models by name; those that are shipped, and the files that a model needs, by kind."""

    shipped_of: Mapping[Kind, str]
    files_of: Mapping[Kind, tuple[str, ...]]
    models: Mapping[str, KnownModel]

    @property
    def shipped(self) -> str:
        """The name of the shipped speech model."""
        return self.shipped_of["speech"]

    @property
    def required(self) -> tuple[str, ...]:
        """The files that every speech model needs."""
        return self.files_of["speech"]

    def names(self, kind: Kind) -> tuple[str, ...]:
        """The names of all models of a kind."""
        return tuple(name for name, model in self.models.items() if model.kind == kind)


@dataclass(frozen=True, slots=True)
class FileProblem:
    """A file of a model that is missing, or whose SHA-256 is not that of the manifest."""

    file: str
    missing: bool


@cache
def manifest() -> Manifest:
    """What models/manifest.yaml says."""
    import yaml

    content = yaml.safe_load((files("models") / "manifest.yaml").read_text(encoding="utf-8"))
    models = {
        name: KnownModel(
            name=name,
            kind=entry.get("kind", "speech"),
            title=entry["title"],
            licence=entry["licence"],
            megabytes=entry["megabytes"],
            path=entry.get("path"),
            repo=entry.get("repo"),
            revision=entry.get("revision"),
            telephone_cer=entry.get("cer", {}).get("telephone"),
            read_cer=entry.get("cer", {}).get("read"),
            sha256=MappingProxyType(entry.get("sha256", {})),
        )
        for name, entry in content["models"].items()
    }
    return Manifest(
        MappingProxyType(content["shipped"]),
        MappingProxyType({kind: tuple(names) for kind, names in content["files"].items()}),
        MappingProxyType(models),
    )


def find(name: str, kind: Kind | None = None) -> KnownModel:
    """The manifest's entry of a name; `shipped` is the one that comes with zhijian.

    Args:
        name: `shipped`, or a name of the manifest.
        kind: what it must do; `None` = anything (`shipped` is then the speech model).

    Raises:
        UnknownModelError: the manifest has no such name of that kind.
    """
    known = manifest()
    model = known.models.get(known.shipped_of[kind or "speech"] if name == SHIPPED else name)
    if model is None or (kind is not None and model.kind != kind):
        raise UnknownModelError(name, known.names(kind) if kind else tuple(known.models))
    return model


def folder_of(model: KnownModel, fetched: Path) -> Path:
    """Where a model lies, or would lie: in the package, or below `fetched`."""
    return Path(str(files("models"))) / model.path if model.path else fetched / model.name


def is_here(model: KnownModel, fetched: Path) -> bool:
    """Whether a model's weights are here."""
    return (folder_of(model, fetched) / _ABOVE_ALL).is_file()


def locate(name: str, fetched: Path, kind: Kind = "speech") -> Path:
    """The directory of a model.

    Args:
        name: `shipped`, a name of the manifest, or a directory.
        fetched: the folder that `fetch` puts models into.
        kind: what the model must do.

    Raises:
        UnknownModelError: neither a known name nor a directory.
        AbsentModelError: a known name whose files are not here.
    """
    if name != SHIPPED and name not in manifest().models and Path(name).is_dir():
        return Path(name)
    model = find(name, kind)
    if not is_here(model, fetched):
        raise AbsentModelError(model, folder_of(model, fetched))
    return folder_of(model, fetched)


def check(
    folder: Path, sha256: Mapping[str, str] = MappingProxyType({}), kind: Kind = "speech"
) -> tuple[FileProblem, ...]:
    """What is wrong with the files in a model's directory; empty if nothing is.

    Args:
        folder: the directory.
        sha256: the sums that files must have, by name.
        kind: what the model does.
    """
    problems = [FileProblem(name, True) for name in manifest().files_of[kind] if not (folder / name).is_file()]
    if kind == "speech" and not any(folder.glob("vocabulary.*")):
        problems.append(FileProblem("vocabulary.json", True))
    missing = {problem.file for problem in problems}
    for name, expected in sha256.items():
        if not (folder / name).is_file():
            if name not in missing:
                problems.append(FileProblem(name, True))
        elif _sha256(folder / name) != expected:
            problems.append(FileProblem(name, False))
    return tuple(problems)


def fetch(model: KnownModel, fetched: Path) -> Path:
    """Download a model of the manifest, unless it is here.

    Args:
        model: one with a `repo`; a shipped one is here already.
        fetched: the folder to put its directory into.

    Returns:
        The model's directory.

    Raises:
        FetchError: it could not be downloaded or written.
    """
    folder = folder_of(model, fetched)
    if model.repo is None or (is_here(model, fetched) and not check(folder)):
        return folder
    # huggingface_hub reads these when it is imported; the user asked for the network here, and for no statistics.
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    wanted = [*manifest().required, "vocabulary.*", "README.md", "LICENSE*"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        snapshot_download(model.repo, revision=model.revision, local_dir=folder, allow_patterns=wanted)
    except (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError, ValueError) as error:
        raise FetchError(model, folder, _first_line(error)) from error
    return folder


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
