"""Probing recordings in a process of its own, so that a file that the decoder dies of cannot take the night with it.

`python -m pipeline.prober` reads one JSON object a line (`path`, `where`, `language`) and answers with one a line.
"""

from __future__ import annotations

import json
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from pipeline.errors import CrashError, InputError
from pipeline.i18n import Language, t
from pipeline.recordings import Sound, probe

COMMAND = (sys.executable, "-m", "pipeline.prober")
LEAST_SECONDS, BYTES_A_SECOND = 120.0, 1 << 18
"""How long a file may take: two minutes, and one second more for each 256 KiB."""


class Prober:
    """`pipeline.recordings.probe` in a process that is started when it is first needed, and again after it died.

    Args:
        command: what to start.
        least_seconds: the time that even a small file may take.
    """

    def __init__(self, command: Sequence[str] = COMMAND, *, least_seconds: float = LEAST_SECONDS) -> None:
        self._command = tuple(command)
        self._least = least_seconds
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __call__(self, path: Path, *, where: str = "", language: Language = "zh") -> Sound:
        """What a recording holds.

        Raises:
            InputError: those of `probe`.
            CrashError: Z191 the decoder died of it, or did not come to an end.
            OSError: no process can be started.
        """
        process = self._running()
        question = {"path": str(path), "where": where, "language": language}
        seconds = self._least + _size(path) / BYTES_A_SECOND
        try:
            _pipe(process.stdin).write(json.dumps(question) + "\n")
            _pipe(process.stdin).flush()
            ready, _, _ = select.select([_pipe(process.stdout)], [], [], seconds)
            answer = _pipe(process.stdout).readline() if ready else None
        except BrokenPipeError:
            answer = ""
        if not answer:
            hangs = answer is None
            status = self._end()
            died = t(language, "ingest.decoder_hangs", seconds=f"{seconds:.0f}") if hangs else _death(status)
            raise CrashError(
                "Z191",
                t(language, "ingest.decoder_died", detail=died),
                where=where or str(path),
                hint=t(language, "ingest.decoder_died_hint"),
            )
        told = json.loads(answer)
        if "code" in told:
            raise InputError(told["code"], told["what"], where=told["where"], hint=told["hint"])
        return Sound(**told)

    def close(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._end()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(  # noqa: S603
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
            )
        return self._process

    def _end(self) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.kill()
        status = process.wait()
        for pipe in (process.stdin, process.stdout):
            try:
                _pipe(pipe).close()
            except BrokenPipeError:
                continue
        return status


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise BrokenPipeError
    return pipe


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _death(status: int) -> str:
    try:
        return signal.Signals(-status).name
    except ValueError:
        return str(status)


def main() -> None:
    """Answer until nobody asks any more."""
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            told = asdict(probe(Path(asked["path"]), where=asked["where"], language=asked["language"]))
        except InputError as error:
            told = {"code": error.code, "what": error.what, "where": error.where, "hint": error.hint}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
