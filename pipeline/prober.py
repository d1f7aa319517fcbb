"""Decoding recordings in processes of their own, so that a file that the decoder dies of cannot take the night with it.

`python -m pipeline.prober` reads one JSON object a line (`task`, `path`, `where`, `language`) and answers with one a
line; behind that of the task `listen` come the samples, float32, channel after channel.
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
from contextlib import contextmanager, suppress
from dataclasses import asdict, fields
from pathlib import Path
from queue import LifoQueue
from typing import IO, TYPE_CHECKING, Any, Literal, Self, TypeAlias, TypeVar

from pipeline.errors import CrashError, InputError
from pipeline.i18n import Language, t
from pipeline.recordings import Sound, probe

if TYPE_CHECKING:
    from models.audio import Sound as Decoded

COMMAND = (sys.executable, "-m", "pipeline.prober")
LEAST_SECONDS, BYTES_A_SECOND = 120.0, 1 << 18
"""How long a file may take: two minutes, and one second more for each 256 KiB."""
AHEAD = 8
"""How many items `Probers.map` holds for each of its processes, so that a long recording does not keep all waiting."""
Task: TypeAlias = Literal["probe", "packets", "listen"]
Item = TypeVar("Item")
Result = TypeVar("Result")


class Prober:
    """`probe` and `listen` in a process that is started when it is first needed, and again after it died.

    One thread at a time may ask; any may end it.

    Args:
        command: what to start.
        least_seconds: the time that even a small file may take.
    """

    def __init__(self, command: Sequence[str] = COMMAND, *, least_seconds: float = LEAST_SECONDS) -> None:
        self._command = tuple(command)
        self._least = least_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = False
        self._asking, self._starting = threading.Lock(), threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __call__(self, path: Path, *, where: str = "", language: Language = "zh", whole: bool = True) -> Sound:
        """What a recording holds; `whole`: decoded from beginning to end.

        Raises:
            InputError: those of `probe`.
            CrashError: Z191 the decoder died of it, or did not come to an end.
            OSError: no process can be started.
            MemoryError: that process has too little.
            ValueError: it was ended.
        """
        with self._asking:
            return Sound(**self._answer("probe" if whole else "packets", path, where, language))

    def listen(self, path: Path, *, where: str = "", language: Language = "zh") -> Decoded:
        """The samples of a recording: `pipeline.listening.listen`.

        Raises:
            InputError, CrashError, OSError, MemoryError, ValueError: as above.
            AudioError: those of `models.audio.decode`.
        """
        import numpy as np

        from models.audio import Sound as Decoded

        with self._asking:
            told = self._answer("listen", path, where, language)
            try:
                pipe = _pipe(self._process.stdout if self._process else None)
                length = told.pop("samples")
                channels = [np.empty(length, np.float32) for _ in range(told.pop("channels"))]
                whole = all(_filled(pipe, samples.data.cast("B")) for samples in channels)
            except BaseException:
                # What it still has to say would be taken for the next answer.
                self._end()
                raise
            if not whole:
                raise self._died(path, where, language, _death(self._end()))
            return Decoded(tuple(channels), **told)

    def _answer(self, task: Task, path: Path, where: str, language: Language) -> dict[str, Any]:
        process = self._running()
        question = {"task": task, "path": str(path), "where": where, "language": language}
        seconds = self._least + _size(path) / BYTES_A_SECOND
        try:
            _pipe(process.stdin).write(json.dumps(question).encode() + b"\n")
            _pipe(process.stdin).flush()
            ready, _, _ = select.select([_pipe(process.stdout)], [], [], seconds)
            answer = _pipe(process.stdout).readline() if ready else None
        except BrokenPipeError:
            answer = b""
        if not answer:
            hangs = answer is None
            status = self._end()
            died = t(language, "ingest.decoder_hangs", seconds=f"{seconds:.0f}") if hangs else _death(status)
            raise self._died(path, where, language, died)
        told: dict[str, Any] = json.loads(answer)
        if "code" in told:
            raise InputError(told["code"], told["what"], where=told["where"], hint=told["hint"])
        if "fault" in told:
            from models.audio import AudioError

            raise AudioError(told["fault"], path, told["detail"])
        if "memory" in told:
            raise MemoryError(told["memory"])
        return told

    def _died(self, path: Path, where: str, language: Language, detail: str) -> CrashError:
        what, hint = t(language, "ingest.decoder_died", detail=detail), t(language, "ingest.decoder_died_hint")
        return CrashError("Z191", what, where=where or str(path), hint=hint)

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

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:
            self._end()
        with self._starting:
            if self._ended:
                raise ValueError("this prober was ended")
            if self._process is None:
                self._process = subprocess.Popen(  # noqa: S603
                    self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
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

    def __call__(self, path: Path, *, where: str = "", language: Language = "zh", whole: bool = True) -> Sound:
        """What a recording holds, told by a process that has nothing else to do.

        Raises:
            InputError, CrashError, OSError, MemoryError, ValueError: those of `Prober`.
        """
        with self._one() as prober:
            return prober(path, where=where, language=language, whole=whole)

    def listen(self, path: Path, *, where: str = "", language: Language = "zh") -> Decoded:
        """The samples of a recording, decoded by a process that has nothing else to do.

        Raises:
            InputError, CrashError, AudioError, OSError, MemoryError, ValueError: those of `Prober.listen`.
        """
        with self._one() as prober:
            return prober.listen(path, where=where, language=language)

    @contextmanager
    def _one(self) -> Iterator[Prober]:
        prober = self._idle.get()
        try:
            yield prober
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


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise BrokenPipeError
    return pipe


def _filled(pipe: Any, room: memoryview) -> bool:
    """Whether the pipe held all that there is room for."""
    at = 0
    while at < len(room):
        count = pipe.readinto(room[at:])
        if not count:
            return False
        at += count
    return True


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


def answer(asked: dict[str, Any], out: IO[bytes]) -> None:
    """Write the answer to one question."""
    path, where, language = Path(asked["path"]), asked["where"], asked["language"]
    told: dict[str, Any]
    samples: Sequence[Any] = ()
    try:
        if asked["task"] == "listen":
            told, samples = _listened(path, where, language)
        else:
            told = asdict(probe(path, where=where, language=language, whole=asked["task"] == "probe"))
    except InputError as error:
        told = {"code": error.code, "what": error.what, "where": error.where, "hint": error.hint}
    except MemoryError as error:
        told = {"memory": str(error)}
    out.write(json.dumps(told).encode() + b"\n")
    for channel in samples:
        out.write(channel.data)
    out.flush()


def _listened(path: Path, where: str, language: Language) -> tuple[dict[str, Any], Sequence[Any]]:
    from models.audio import AudioError
    from pipeline.listening import listen

    try:
        sound = listen(path, where=where, language=language)
    except AudioError as error:
        return {"fault": error.fault, "detail": error.detail}, ()
    told = {field.name: getattr(sound, field.name) for field in fields(sound) if field.name != "channels"}
    return told | {"channels": len(sound.channels), "samples": len(sound.channels[0])}, sound.channels


def main() -> None:
    """Answer until nobody asks any more. Ctrl-C is for the one who asks, who ends this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(BrokenPipeError):
        for line in sys.stdin.buffer:
            answer(json.loads(line), sys.stdout.buffer)


if __name__ == "__main__":
    main()
