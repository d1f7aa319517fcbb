"""How many threads OpenMP takes where nobody says: by them sums are rounded, and so the times of words that are heard.

Dask gives its workers one, a process of its own has as many as there are cores. Who works for another process takes the
number of that one, or else the same recording would give other hundredths of seconds.
"""

from __future__ import annotations

import os
import sys

from pipeline.errors import SettingsError
from pipeline.i18n import Language, t

_NAME = "OMP_NUM_THREADS"


def own_threads() -> int:
    """The number in this process."""
    told = os.environ.get(_NAME, "").partition(",")[0].strip()
    return int(told) if told.isdigit() and int(told) else len(os.sched_getaffinity(0))


def adopt(count: int, language: Language = "zh") -> None:
    """Let the number in this process be `count`, as long as no engine has been loaded that goes by it.

    Raises:
        SettingsError: Z584 an engine was loaded with another number.
    """
    ours = own_threads()
    if ours == count:
        return
    if "ctranslate2" in sys.modules:
        what = t(language, "crew.other_threads", ours=ours, theirs=count)
        raise SettingsError("Z584", what, where=_NAME, hint=t(language, "crew.other_threads_hint", theirs=count))
    os.environ[_NAME] = str(count)
