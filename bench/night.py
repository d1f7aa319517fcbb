"""What a night costs: throughput, memory, the share outside the models, growth, orchestration, taking up after a kill.

    .venv/bin/python bench/night.py [--sizes 250 1000 4000] [--mixed 500 10] [--prefect 500] [--kill 500]
                                    [--workers 500]

Every night runs in a process of its own over an inbox of chats that are put together from the reader's training
patterns, 250 a file, and of the shipped sample recordings. The goal goes by a night of both, `--mixed 10000 200`. Times
are of the processor, all threads and child processes together, so that what else a machine does hardly counts. *In the
models* is hearing (decoding, looking for speech, recognition) and reading; everything else is *outside*: taking in,
measuring, scoring, flagging, the store, the report. Recordings are decoded once, when they are heard, by processes of
their own; these count as decoding, with half a second for their start and some 15 ms a recording to hand samples over.
What else is done with samples, the outline that pages draw, counts as outside. *Taking up* is what a run costs that
finds everything done: what a kill costs besides the steps it broke off.
The orchestration of Prefect is what its client takes outside the batches, and what its server takes, a batch and an
interaction. *After a kill*: a night that is killed when half of its batches are kept and started again, against one
that is left alone. Two workers against one are processes of `run.engine: dask`; there the clock on the wall counts.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.figures import ROOT, console, table
from bench.reading import conversations

A_FILE = 250
TURNS = 12
OUTSIDE, ORCHESTRATION, FLAT = 0.05, 5.0, 0.2
"""The goals: share outside the models at most, milliseconds an interaction at most, growth of memory at most."""
SAMPLES = ROOT / "samples" / "inbox"


@dataclass(frozen=True, slots=True)
class Night:
    """One night: seconds of the processor by part, and the highest resident memory in MiB so far.

    `begun` is memory before anything, `early` a tenth in, `worked` when all was kept, `highest` after the report;
    `pages` is how many interactions have a page of their own.
    """

    chats: int
    calls: int
    plan: float
    models: float
    work: float
    finish: float
    again: float
    begun: float
    early: float
    worked: float
    highest: float
    store: float
    pages: int

    @property
    def count(self) -> int:
        """Interactions."""
        return self.chats + self.calls

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.plan + self.work + self.finish


@dataclass(frozen=True, slots=True)
class Orchestration:
    """What Prefect took besides the batches: seconds of the processor in the client and in its server."""

    interactions: int
    batches: int
    client: float
    server: float


def fill(inbox: Path, chats: int, calls: int) -> None:
    """Chats, no two with the same id, and recordings."""
    inbox.mkdir(parents=True)
    talks = conversations(TURNS * min(chats, 2000))
    for first in range(0, chats, A_FILE):
        with (inbox / f"chats-{first // A_FILE:04}.jsonl").open("w", encoding="utf-8") as file:
            for number in range(first, min(chats, first + A_FILE)):
                talk = talks[number % len(talks)][:TURNS]
                turns = [{"speaker": u.role, "text": u.text, "start": 8.0 * at} for at, u in enumerate(talk)]
                about = {
                    "id": f"N{number:06}",
                    "channel": "chat",
                    "agent": {"id": f"A{number % 40:02}"},
                    "started_at": f"2025-10-{1 + number % 28:02}T09:00:00+08:00",
                    "turns": turns,
                }
                file.write(json.dumps(about, ensure_ascii=False) + "\n")
    recordings = sorted(path for path in SAMPLES.iterdir() if path.stem.startswith("C") and path.suffix != ".json")
    for number in range(calls):
        sample = recordings[number % len(recordings)]
        shutil.copyfile(sample, inbox / f"R{number:05}{sample.suffix}")
        about = {"id": f"R{number:05}", "channel": "call", "agent": {"id": f"A{number % 40:02}"}}
        (inbox / f"R{number:05}.json").write_text(json.dumps(about), encoding="utf-8")


class Clock:
    """Seconds of the processor that went by inside of what it watches."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """While it is entered, the clock runs."""
        begun = time.process_time()
        try:
            yield
        finally:
            self.seconds += time.process_time() - begun

    def watched(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """The same step, with the clock running."""

        def timed(*args: Any, **more: Any) -> Any:
            with self.running():
                return step(*args, **more)

        return timed


def used() -> float:
    """Seconds of the processor so far, with those of child processes that have ended."""
    return time.process_time() + decoding()


def decoding() -> float:
    """Seconds of the processor of child processes that have ended; all that a night starts decode."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def resident() -> float:
    """The highest resident memory so far in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def night(folder: Path, chats: int, calls: int) -> Night:
    """Run a night in this process, and plan a second one over the same inbox."""
    from pipeline import batch, transcribe
    from pipeline.nightly import Nightly
    from pipeline.settings import load_settings
    from pipeline.workshop import Workshop

    inbox = folder / "inbox"
    settings = load_settings()
    workshop = Workshop(settings)
    clock, drawing, parts = Clock(), Clock(), []
    workshop.reader.read_all = clock.watched(workshop.reader.read_all)  # type: ignore[method-assign]
    transcribe.waveform = drawing.watched(transcribe.waveform)  # type: ignore[attr-defined]
    hear = batch.transcribe_many  # type: ignore[attr-defined]

    def heard(*args: Any, **more: Any) -> Any:
        found = hear(*args, **more)
        while True:
            with clock.running():
                one = next(found, None)
            if one is None:
                return
            yield one

    batch.transcribe_many = heard  # type: ignore[attr-defined]
    begun, early = resident(), 0.0

    def part(step: Callable[[], Any]) -> Any:
        start = used()
        made = step()
        parts.append(used() - start)
        return made

    planned = part(lambda: Nightly(inbox, settings, workshop=workshop))

    def work() -> None:
        nonlocal early
        for number in range(len(planned.batches)):
            planned.work(number)
            if number == len(planned.batches) // 10:
                early = resident()
        workshop.close()

    before = decoding()
    part(work)
    models = clock.seconds - drawing.seconds + decoding() - before
    worked = resident()
    part(planned.finish)
    highest = resident()
    part(lambda: Nightly(inbox, settings, workshop=workshop))
    size = (settings.home / "zhijian.sqlite").stat().st_size / 2**20
    pages = len(list((settings.report / "interactions").iterdir()))
    plan, works, finish, again = parts
    return Night(chats, calls, plan, models, works, finish, again, begun, early, worked, highest, size, pages)


def orchestrated(folder: Path) -> Orchestration:
    """Run a night under Prefect, with a server of its own."""
    from pipeline.nightly import Nightly
    from pipeline.prefect_setup import local_server
    from pipeline.settings import load_settings

    settings = load_settings()
    clock = Clock()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with local_server(settings.home, settings.schedule.port):
        from pipeline import flows

        planned = Nightly(folder / "inbox", settings)
        planned.work = clock.watched(planned.work)  # type: ignore[method-assign]
        start = time.process_time()
        flows.run(planned)
        client = time.process_time() - start - clock.seconds
        planned.finish()
        time.sleep(5)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    server = sum(getattr(after, name) - getattr(before, name) for name in ("ru_utime", "ru_stime"))
    return Orchestration(planned.interactions, len(planned.batches), client, server)


@dataclass(frozen=True, slots=True)
class Spent:
    """What whole runs of `zhijian run` took: seconds on the wall, seconds of the processor of all their processes."""

    wall: float
    processor: float


def spent(inbox: Path, home: Path, settings: Mapping[str, str], *, kill_after: int = 0) -> Spent:
    """Run a night to its end; with `kill_after`, kill it when so many batches are kept, and run it again."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    if kill_after:
        _run(inbox, home, kill_after, settings)
    _run(inbox, home, 0, settings)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = sum(getattr(after, name) - getattr(before, name) for name in ("ru_utime", "ru_stime"))
    return Spent(time.monotonic() - begun, used)


def _run(inbox: Path, home: Path, kill_after: int, settings: Mapping[str, str]) -> None:
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", "run", str(inbox)]
    kept = 0
    with subprocess.Popen(  # noqa: S603
        command,
        env=_plain(home, ZHIJIAN_RUN_PROGRESS="lines", **settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        for line in process.stderr or ():
            kept += '"scored"' in line
            if kill_after and kept == kill_after:
                process.send_signal(signal.SIGKILL)
                break
    if not kill_after and process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")


def _plain(home: Path, **settings: str) -> dict[str, str]:
    plain = {key: value for key, value in os.environ.items() if not key.startswith("ZHIJIAN_")}
    ours = {"ZHIJIAN_HOME": str(home), "ZHIJIAN_RUN_SETTLED_SECONDS": "0", "PYTHONPATH": str(ROOT)}
    return plain | ours | settings


def killed(chats: int) -> tuple[Spent, Spent]:
    """A night left alone, and one that is killed half-way and taken up."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder / "inbox", chats, 0)
        batches = {"ZHIJIAN_RUN_CHATS_PER_BATCH": str(max(1, chats // 8))}
        calm = spent(folder / "inbox", folder / "calm", batches)
        return calm, spent(folder / "inbox", folder / "killed", batches, kill_after=4)


def shared_out(chats: int, workers: Sequence[int]) -> list[Spent]:
    """The same night by so many processes each."""
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder / "inbox", chats, 0)
        for count in workers:
            settings = {
                "ZHIJIAN_RUN_ENGINE": "dask",
                "ZHIJIAN_RUN_WORKERS": str(count),
                "ZHIJIAN_RUN_CHATS_PER_BATCH": str(max(1, chats // 8)),
                "ZHIJIAN_SCHEDULE_PORT": "4298",
            }
            found.append(spent(folder / "inbox", folder / f"home{count}", settings))
    return found


def in_process(what: str, chats: int, calls: int, **settings: str) -> dict[str, Any]:
    """One measurement in a fresh process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder / "inbox", chats, calls)
        done = subprocess.run(  # noqa: S603
            [sys.executable, __file__, "--inside", what, name, str(chats), str(calls)],
            env=_plain(folder / "home", **settings),
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def show(found: Sequence[Night]) -> Table:
    """Parts, speed, memory, and how both grow."""
    made = table(
        "A night, seconds of the processor",
        "chats", "recordings", "an hour and core", f"outside the models (goal {OUTSIDE:.0%})",
        "ms outside an interaction", "against the smallest", "taking in",
        "keeping and scoring", "report", "taking up ms each",
        "pages", "MiB at a tenth", "MiB when all is kept", "MiB with the report", "store MiB",
    )  # fmt: skip
    for one in found:
        outside = one.seconds - one.models
        each, first = outside / one.count, (found[0].seconds - found[0].models) / found[0].count
        mark = "✓" if outside / one.seconds <= OUTSIDE else "✗"
        made.add_row(
            str(one.chats),
            str(one.calls),
            f"{3600 * one.count / one.seconds:.0f}",
            f"{outside / one.seconds:.1%} {mark}",
            f"{1000 * each:.1f}",
            f"× {each / first:.2f}",
            f"{one.plan:.1f} s",
            f"{one.work - one.models:.1f} s",
            f"{one.finish:.1f} s",
            f"{1000 * one.again / one.count:.2f}",
            str(one.pages),
            f"{one.early:.0f}",
            f"{one.worked:.0f} {'✓' if one.worked <= (1 + FLAT) * one.early else '✗'}",
            f"{one.highest:.0f}",
            f"{one.store:.1f}",
        )
    return made


def show_orchestration(one: Orchestration) -> Table:
    """What Prefect took."""
    made = table("Prefect, seconds of the processor", "", "client", "server", "ms an interaction", left=1)
    client, server = 1000 * one.client / one.interactions, 1000 * one.server / one.interactions
    mark = "✓" if client <= ORCHESTRATION else "✗"
    name = f"{one.interactions} interactions, {one.batches} batches"
    made.add_row(
        name,
        f"{one.client:.2f} s",
        f"{one.server:.1f} s with its start",
        f"{client:.2f} {mark} client (goal {ORCHESTRATION:.0f}), {server:.1f} server",
    )
    return made


def show_killed(chats: int, calm: Spent, taken_up: Spent) -> Table:
    """What a kill half-way costs."""
    made = table("A night killed half-way and started again, seconds of the processor", "", "processor", left=1)
    made.add_row(f"{chats} chats, undisturbed", f"{calm.processor:.1f} s")
    more = taken_up.processor - calm.processor
    made.add_row("killed when half was kept, and taken up", f"{taken_up.processor:.1f} s ({more:+.1f} s)")
    return made


def show_workers(chats: int, workers: Sequence[int], found: Sequence[Spent]) -> Table:
    """What more processes bring; only a machine with nothing else to do can tell."""
    title = f"{chats} chats by several processes (dask), start and end of the cluster included"
    made = table(title, "workers", "wall", "processor", "against the first")
    for count, one in zip(workers, found, strict=True):
        made.add_row(str(count), f"{one.wall:.1f} s", f"{one.processor:.1f} s", f"× {found[0].wall / one.wall:.2f}")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=[250, 1000, 4000], help="chats of the nights")
    both = ("CHATS", "RECORDINGS")
    parser.add_argument("--mixed", type=int, nargs=2, metavar=both, default=[500, 10], help="of both; 0 0: none")
    parser.add_argument("--prefect", type=int, default=500, help="chats of a night under Prefect; 0: none")
    parser.add_argument("--kill", type=int, default=500, help="chats of a night that is killed half-way; 0: none")
    parser.add_argument("--workers", type=int, default=500, help="chats of a night by 1 and 2 processes; 0: none")
    parser.add_argument("--inside", nargs=4, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.inside:
        what, name, chats, calls = chosen.inside
        made = night(Path(name), int(chats), int(calls)) if what == "night" else orchestrated(Path(name))
        print(json.dumps(asdict(made)))
        return 0
    out = console()
    if chosen.sizes:
        out.print(show([Night(**in_process("night", size, 0)) for size in chosen.sizes]))
    if any(chosen.mixed):
        out.print(show([Night(**in_process("night", *chosen.mixed))]))
    if chosen.prefect:
        port = {"ZHIJIAN_SCHEDULE_PORT": "4299", "ZHIJIAN_RUN_CHATS_PER_BATCH": "50"}
        out.print(show_orchestration(Orchestration(**in_process("prefect", chosen.prefect, 0, **port))))
    if chosen.kill:
        out.print(show_killed(chosen.kill, *killed(chosen.kill)))
    if chosen.workers:
        out.print(show_workers(chosen.workers, (1, 2), shared_out(chosen.workers, (1, 2))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
