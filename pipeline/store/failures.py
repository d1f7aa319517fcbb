"""What went wrong with a database or a folder, told so that it helps."""

from __future__ import annotations

import errno

from pipeline.errors import StoreError
from pipeline.i18n import Language, t

_BUSY = ("database is locked", "database table is locked", "deadlock detected", "could not serialize", "lock timeout")
_GONE = (
    "server closed the connection", "connection refused", "connection is closed", "terminating connection",
    "the database system is", "could not connect",
)  # fmt: skip
_FULL = ("disk is full", "no space left", "file too large", "disk i/o error")
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def refused(language: Language, code: str, key: str, where: str = "", **args: str) -> StoreError:
    """The error of a code, with its sentence `store.KEY` and its hint `store.KEY_hint`."""
    return StoreError(code, t(language, f"store.{key}", **args), where=where, hint=t(language, f"store.{key}_hint"))


def failed(language: Language, where: str, detail: str, cause: BaseException | None = None) -> StoreError:
    """The error of what a database or a folder said: Z404 busy, Z405 full, Z406 out of reach, Z402 anything else."""
    code, key = _kind(detail, cause)
    return refused(language, code, key, where, detail=detail)


def told(error: OSError) -> str:
    """What the system said, without number and path."""
    return error.strerror or str(error)


def _kind(detail: str, cause: BaseException | None) -> tuple[str, str]:
    """Code and sentence of a failure: another one holds the database, no space, no server, or something else."""
    said = detail.lower()
    if any(words in said for words in _FULL) or (isinstance(cause, OSError) and cause.errno in _NO_SPACE):
        return "Z405", "full"
    if any(words in said for words in _BUSY):
        return "Z404", "busy"
    if any(words in said for words in _GONE) or isinstance(cause, ConnectionError):
        return "Z406", "gone"
    return "Z402", "failed"
