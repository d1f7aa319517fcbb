"""zhijian as a real process of its own, that can be killed at a stage or given limits."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).parents[1]
NONE: Mapping[str, str] = MappingProxyType({})
COMMAND = (sys.executable, "-c", "from pipeline.cli import main; main()")


@dataclass(frozen=True)
class Ended:
    """How a process ended: its status (negative: the signal), the stages it told, and what else it said."""

    status: int
    steps: tuple[tuple[str, tuple[str, ...]], ...]
    said: str
    out: str


def environment(home: Path, settings: Mapping[str, str]) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ZHIJIAN_")}
    ours = {"ZHIJIAN_HOME": str(home), "ZHIJIAN_RUN_PROGRESS": "lines", "ZHIJIAN_RUN_SETTLED_SECONDS": "0"}
    return plain | ours | {"PYTHONPATH": str(ROOT)} | dict(settings)


def zhijian(
    *words: object,
    home: Path,
    limit: Callable[[], None] | None = None,
    kill_at: str | None = None,
    settings: Mapping[str, str] = NONE,
) -> Ended:
    """Run a command; with `kill_at`, kill it as soon as it tells that stage for the first time."""
    # Into a file: nobody reads a pipe before the process has told its last stage.
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as printed,
        subprocess.Popen(
            [*COMMAND, *map(str, words)],
            cwd=home.parent,
            env=environment(home, settings),
            stdout=printed,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            preexec_fn=limit,
        ) as process,
    ):
        assert process.stderr is not None
        steps: list[tuple[str, tuple[str, ...]]] = []
        said = []
        for line in process.stderr:
            if not line.startswith('{"stage"'):
                said.append(line)
                continue
            told = json.loads(line)
            steps.append((told["stage"], tuple(told["interactions"])))
            if told["stage"] == kill_at:
                os.kill(process.pid, signal.SIGKILL)
        process.wait()
        printed.seek(0)
        out = printed.read()
    return Ended(process.returncode, tuple(steps), "".join(said), out)
