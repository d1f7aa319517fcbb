"""Probing recordings in processes of their own, so that a file that the decoder dies of cannot take the night with it.

`python -m pipeline.prober` reads one JSON object a line (`path`, `where`, `language`) and answers with one a line.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from queue import LifoQueue
from typing import IO, Self, TypeVar

from pipeline.errors import CrashError, InputError
from pipeline.i18n import Language, t
from pipeline.recordings import Sound, probe

COMMAND = (sys.executable, "-m", "pipeline.prober")
LEAST_SECONDS, BYTES_A_SECOND = 120.0, 1 << 18
"""How long a file may take: two minutes, and one second more for each 256 KiB."""
AHEAD = 8
"""How many items `Probers.map` holds for each of its processes, so that a long recording does not keep all waiting."""
Item = TypeVar("Item")
Result = TypeVar("Result")


class Prober:
    """`pipeline.recordings.probe` in a process that is started when it is first needed, and again after it died.

    One thread at a time may ask; any may end it.

    Args:
        command: what to start.
        least_seconds: the time that even a small file may take.
    """

    def __init__(self, command: Sequence[str] = COMMAND, *, least_seconds: float = LEAST_SECONDS) -> None:
        self._command = tuple(command)
        self._least = least_seconds
        self._process: subprocess.Popen[str] | None = None
        self._ended = False
        self._asking, self._starting = threading.Lock(), threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __call__(self, path: Path, *, where: str = "", language: Language = "zh") -> Sound:
        """What a recording holds.

        Raises:
            InputError: those of `probe`.
            CrashError: Z191 the decoder died of it, or did not come to an end.
            OSError: no process can be started.
            ValueError: it was ended.
        """
        with self._asking:
            return self._answer(path, where, language)

    def _answer(self, path: Path, where: str, language: Language) -> Sound:
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

    def end(self) -> None:
        """End the process, if there is one, whoever waits for its answer, and start none again."""
        with self._starting:
            self._ended = True
            if (process := self._process) is not None:
                process.kill()

    def close(self) -> None:
        """`end`, and wait until nothing is left of it."""
        self.end()
        with self._asking:
            self._end()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is not None and self._process.poll() is not None:
            self._end()
        with self._starting:
            if self._ended:
                raise ValueError("this prober was ended")
            if self._process is None:
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


class Probers:
    """Several `Prober`s at work at the same time, and threads that wait for them.

    Args:
        command: what to start.
        count: how many at most; default one for each core that this process may use.
        least_seconds: the time that even a small file may take.
    """

    def __init__(
        self, command: Sequence[str] = COMMAND, *, count: int | None = None, least_seconds: float = LEAST_SECONDS
    ) -> None:
        self._count = count or len(os.sched_getaffinity(0))
        self._probers = [Prober(command, least_seconds=least_seconds) for _ in range(self._count)]
        # The last one that was used is taken first: no process is started while another has nothing to do.
        self._idle: LifoQueue[Prober] = LifoQueue()
        for prober in self._probers:
            self._idle.put(prober)
        self._threads = ThreadPoolExecutor(self._count, thread_name_prefix="prober")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __call__(self, path: Path, *, where: str = "", language: Language = "zh") -> Sound:
        """What a recording holds, told by a process that has nothing else to do.

        Raises:
            InputError, CrashError, OSError, ValueError: those of `Prober`.
        """
        prober = self._idle.get()
        try:
            return prober(path, where=where, language=language)
        finally:
            self._idle.put(prober)

    def map(self, work: Callable[[Item], Result], items: Iterable[Item], /) -> Iterator[Result]:
        """`map`, several items at a time: results come in the order of items, which are not all held at once.

        Raises:
            Exception: what `work` raises, in the place of that result.
        """
        begun: deque[Future[Result]] = deque()
        for item in items:
            begun.append(self._threads.submit(work, item))
            if len(begun) >= AHEAD * self._count:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()

    def close(self) -> None:
        """End all processes and wait until nothing is left of them and of what `map` began."""
        for prober in self._probers:
            prober.end()
        self._threads.shutdown(cancel_futures=True)
        for prober in self._probers:
            prober.close()


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
    """Answer until nobody asks any more. Ctrl-C is for the one who asks, who ends this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
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
