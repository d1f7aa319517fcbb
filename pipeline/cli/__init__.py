"""The command `zhijian`. Results go to standard output, everything else to standard error.

Exit status: 0 done; 1 done, but some files were set aside or some cards are bad; 2 could not run.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.errors import ZhijianError


def main() -> None:
    """Run the command line; errors that zhijian raises on purpose are told in one line, with status 2.

    So are those that the machine causes: no memory, no space, no right to write. A request to end (SIGTERM) ends in
    good order.
    """
    from pipeline.cli.app import app
    from pipeline.cli.console import tell_error
    from pipeline.errors import ZhijianError

    signal.signal(signal.SIGTERM, _leave)
    try:
        app(prog_name="zhijian")
    except ZhijianError as error:
        tell_error(error)
        sys.exit(2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if (status := _asked_to_end(error)) is not None:
            sys.exit(status)
        told = _of_the_machine(error)
        if told is None:
            raise
        tell_error(told)
        sys.exit(2)


def _leave(number: int, _: object) -> None:
    sys.exit(128 + number)


def _asked_to_end(error: BaseException) -> int | None:
    """The status that `_leave` ended with, where a library that was just being loaded made another error of that."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, SystemExit):
            return cause.code if isinstance(cause.code, int) else 1
        cause = cause.__cause__ or cause.__context__
    return None


def _of_the_machine(error: Exception) -> ZhijianError | None:
    """What to tell about an error that neither the program nor its input is to blame for."""
    from pipeline.errors import ZhijianError, out_of_memory
    from pipeline.i18n import t
    from pipeline.settings import language_from_environment

    language = language_from_environment()
    if out_of_memory(error):
        what, hint = t(language, "cli.no_memory", detail=str(error)), t(language, "cli.no_memory_hint")
        return ZhijianError("Z192", what, hint=hint)
    if isinstance(error, OSError) and error.filename is not None:
        what = t(language, "cli.no_file", detail=error.strerror or str(error))
        return ZhijianError("Z193", what, where=str(error.filename), hint=t(language, "cli.no_file_hint"))
    return None
