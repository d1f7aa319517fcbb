"""What Prefect must find in the environment before it is first imported, and its local server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from pipeline.errors import SettingsError
from pipeline.i18n import Language, t
from pipeline.settings import Settings

STARTUP_SECONDS = 120
"""The server that Prefect starts for one run needs up to half a minute the first time; its own limit is 20 seconds."""
API = "PREFECT_API_URL"


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


def check_engine(settings: Settings) -> None:
    """Whether what the engine of the settings needs is installed.

    Raises:
        SettingsError: Z580 a package is missing.
    """
    if settings.run.engine != "dask":
        return
    # Importing them would import Prefect, before it is known where its server is.
    for name in ("distributed", "prefect_dask"):
        if not _there(name):
            language = settings.language
            what, hint = t(language, "crew.no_dask", name=name), t(language, "crew.no_dask_hint")
            raise SettingsError("Z580", what, where="run.engine", hint=hint)


def _there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ValueError:
        return False


@contextmanager
def local_server(home: Path, port: int, language: Language = "zh") -> Iterator[str]:
    """The address of a Prefect server on this machine, which lives as long as the context; the environment names it.

    A server that the environment names, or that already listens on `port`, is used and left running.

    Raises:
        SettingsError: Z585 no server came up.
    """
    configure(home)
    if os.environ.get(API):
        yield os.environ[API]
        return
    api = f"http://127.0.0.1:{port}/api"
    os.environ[API] = api
    if _healthy(api):
        yield api
        return
    log = home / "logs" / "prefect.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = (sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))
    with log.open("ab") as file:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)  # noqa: S603
    try:
        _await(server, api, log, language)
        yield api
    finally:
        server.terminate()
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _await(server: subprocess.Popen[bytes], api: str, log: Path, language: Language) -> None:
    patience = time.monotonic() + 5 * STARTUP_SECONDS
    while not _healthy(api):
        ended = server.poll()
        if ended is not None or time.monotonic() > patience:
            detail = f"status {ended}" if ended is not None else api
            hint = t(language, "flows.no_server_hint", log=log)
            raise SettingsError("Z585", t(language, "flows.no_server", detail=detail), where="schedule.port", hint=hint)
        time.sleep(0.5)


def _healthy(api: str) -> bool:
    import httpx

    try:
        return httpx.get(f"{api}/health", timeout=5).is_success
    except httpx.HTTPError:
        return False
