"""Speech models by name: what the manifest knows, which of them are here, whether their files are whole.

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
    """All known models by name, the name of the one that is shipped, and the files that every model needs."""

    shipped: str
    required: tuple[str, ...]
    models: Mapping[str, KnownModel]


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
    return Manifest(content["shipped"], tuple(content["files"]), MappingProxyType(models))


def find(name: str) -> KnownModel:
    """The manifest's entry of a name; `shipped` is the one that comes with zhijian.

    Raises:
        UnknownModelError: the manifest has no such name.
    """
    known = manifest()
    model = known.models.get(known.shipped if name == SHIPPED else name)
    if model is None:
        raise UnknownModelError(name, tuple(known.models))
    return model


def folder_of(model: KnownModel, fetched: Path) -> Path:
    """Where a model lies, or would lie: in the package, or below `fetched`."""
    return Path(str(files("models"))) / model.path if model.path else fetched / model.name


def is_here(model: KnownModel, fetched: Path) -> bool:
    """Whether a model's weights are here."""
    return (folder_of(model, fetched) / _ABOVE_ALL).is_file()


def locate(name: str, fetched: Path) -> Path:
    """The directory of a model.

    Args:
        name: `shipped`, a name of the manifest, or a directory.
        fetched: the folder that `fetch` puts models into.

    Raises:
        UnknownModelError: neither a known name nor a directory.
        AbsentModelError: a known name whose files are not here.
    """
    if name != SHIPPED and name not in manifest().models and Path(name).is_dir():
        return Path(name)
    model = find(name)
    if not is_here(model, fetched):
        raise AbsentModelError(model, folder_of(model, fetched))
    return folder_of(model, fetched)


def check(folder: Path, sha256: Mapping[str, str] = MappingProxyType({})) -> tuple[FileProblem, ...]:
    """What is wrong with the files in a model's directory; empty if nothing is.

    Args:
        folder: the directory.
        sha256: the sums that files must have, by name.
    """
    problems = [FileProblem(name, True) for name in manifest().required if not (folder / name).is_file()]
    if not any(folder.glob("vocabulary.*")):
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
