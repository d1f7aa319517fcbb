"""Errors that say what happened, where, why, and what to do next.

Every error carries a stable code (`Z1xx` input, `Z2xx` scorecard, `Z3xx` hearing, `Z4xx` store, `Z5xx` settings and
models), so that a log can be searched; docs/formats.md lists them.
"""

from __future__ import annotations


class ZhijianError(Exception):
    """Base of every error that zhijian raises on purpose.

    Args:
        code: stable code such as `Z103`.
        what: what went wrong, in one sentence.
        where: file, line and key path, as far as known.
        hint: what the reader can do about it.
    """

    def __init__(self, code: str, what: str, *, where: str = "", hint: str = "") -> None:
        self.code = code
        self.what = what
        self.where = where
        self.hint = hint
        super().__init__(str(self))

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        tail = f" → {self.hint}" if self.hint else ""
        return f"[{self.code}] {place}{self.what}{tail}"


class InputError(ZhijianError):
    """An interaction file or a recording cannot be taken (Z1xx)."""


class CrashError(InputError):
    """A recording made the decoder die or hang (Z191)."""


class ScorecardError(ZhijianError):
    """A scorecard is wrong (Z2xx)."""


class HearingError(ZhijianError):
    """A recording could not be transcribed (Z3xx)."""


class StoreError(ZhijianError):
    """The store cannot be read or written (Z4xx)."""


class SettingsError(ZhijianError):
    """A setting or a model is missing or wrong (Z5xx)."""


_MEMORY = ("bad_alloc", "bad allocation", "out of memory", "cannot allocate memory", "failed to allocate memory",
    "failed to map segment", "can't start new thread", "resource temporarily unavailable",
)  # fmt: skip


def out_of_memory(error: BaseException) -> bool:
    """Whether an error means that there was not enough memory, of the machine or of its graphics card."""
    told = str(error).lower()
    return isinstance(error, MemoryError) or any(words in told for words in _MEMORY)
