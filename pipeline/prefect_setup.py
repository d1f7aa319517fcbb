"""What Prefect must find in the environment before it is first imported."""

from __future__ import annotations

import os
from pathlib import Path

STARTUP_SECONDS = 120
"""The server that Prefect starts for one run needs up to half a minute the first time; its own limit is 20 seconds."""


def configure(home: Path) -> None:
    """Set Prefect up for this process: data below `home`, no telemetry, patience with its server.

    What the environment says already is left as it is.
    """
    for name, value in {
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": str(STARTUP_SECONDS),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_LEVEL": "WARNING",
    }.items():
        os.environ.setdefault(name, value)
