"""The command `zhijian`. Results go to standard output, everything else to standard error.

Exit status: 0 done; 1 done, but some files were set aside or some cards are bad; 2 could not run.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line; errors that zhijian raises on purpose are told in one line, with status 2."""
    from pipeline.cli.app import app
    from pipeline.cli.console import tell_error
    from pipeline.errors import ZhijianError

    try:
        app()
    except ZhijianError as error:
        tell_error(error)
        sys.exit(2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
