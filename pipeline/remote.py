"""Folders beyond this machine: `s3://…` and whatever else fsspec knows, with those methods of paths that are needed."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


class NoDriverError(Exception):
    """There is no such kind of address, or the package for it is not installed."""


@dataclass(frozen=True, slots=True)
class RemotePath:
    """An address such as `s3://bucket/recordings/3f/3f9a….wav`. What fails, fails with `OSError`, as with paths."""

    url: str

    def __truediv__(self, name: str) -> RemotePath:
        return RemotePath(f"{self.url.rstrip('/')}/{name}")

    def __str__(self) -> str:
        return self.url

    @property
    def name(self) -> str:
        """The last part."""
        return self.url.rpartition("/")[2]

    def exists(self) -> bool:
        """Whether there is something."""
        with _as_os_error(self.url):
            return bool(_system(self.url).exists(self.url))

    def size(self) -> int | None:
        """How many bytes it has; `None` where there is nothing."""
        with _as_os_error(self.url):
            try:
                return int(_system(self.url).info(self.url)["size"])
            except FileNotFoundError:
                return None

    def unlink(self, *, missing_ok: bool = False) -> None:
        """Delete it, and the copy of it on this machine."""
        _cached(self.url).unlink(missing_ok=True)
        with _as_os_error(self.url):
            try:
                _system(self.url).rm_file(self.url)
            except FileNotFoundError:
                if not missing_ok:
                    raise

    def put(self, file: Path) -> None:
        """Write a file there; one of the same name and size is taken to be the same, for names are digests."""
        if self.size() == file.stat().st_size:
            return
        with _as_os_error(self.url):
            system = _system(self.url)
            system.makedirs(self.url.rpartition("/")[0], exist_ok=True)
            system.put_file(str(file), self.url)


def place(where: str | Path) -> Path | RemotePath:
    """The folder at a path or an address; `file://` is a path.

    Raises:
        NoDriverError: there is no such kind of address, or the package for it is not installed.
    """
    if not is_remote(where):
        return Path(where)
    url = str(where)
    if urlsplit(url).scheme == "file":
        return Path(unquote(urlsplit(url).path))
    try:
        _system(url)
    except (ImportError, ValueError) as error:
        raise NoDriverError(str(error)) from error
    return RemotePath(url)


def is_remote(where: object) -> bool:
    """Whether it is an address rather than a path."""
    return "://" in str(where)


def at_hand(where: str) -> Path:
    """The file at a path or an address, which is copied to this machine once (below the folder for temporary files).

    Raises:
        OSError: it cannot be fetched.
    """
    if not is_remote(where):
        return Path(where)
    file = _cached(where)
    if not file.exists():
        _make_private(file.parent.parent)
        file.parent.mkdir(exist_ok=True)
        handle, name = tempfile.mkstemp(suffix=".part", dir=file.parent)
        os.close(handle)
        partial = Path(name)
        try:
            with _as_os_error(where):
                _system(where).get_file(where, str(partial))
            partial.replace(file)
        finally:
            partial.unlink(missing_ok=True)
    return file


def _make_private(folder: Path) -> None:
    """Make a folder that nobody else sees into; below the folder for temporary files others could have made it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(folder))
    folder.chmod(0o700)


def _cached(url: str) -> Path:
    folder, _, name = url.rpartition("/")
    folder = hashlib.sha256(folder.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"zhijian-media-{os.getuid()}" / folder / name


@contextmanager
def _as_os_error(url: str) -> Iterator[None]:
    try:
        yield
    except OSError:
        raise
    except Exception as error:  # Every kind of store has errors of its own.
        raise OSError(None, f"{type(error).__name__}: {error}", url) from error


def _system(url: str) -> Any:
    return _systems(url.partition("://")[0])


@cache
def _systems(scheme: str) -> Any:
    import fsspec

    return fsspec.filesystem(scheme)
