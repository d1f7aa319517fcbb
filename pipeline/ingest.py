"""An inbox folder → interactions, and the files that had to be set aside, each with its reason.

An inbox holds `NAME.json` (one interaction), `*.jsonl` (one a line) and recordings in any format that PyAV decodes. A
recording belongs to the JSON that names it or has its file name; else it is a call of its own, its id the file name.
The identity of an interaction is its content: the digest covers the JSON and the recording's bytes, not file names.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from pipeline.conversation import Channel, Interaction, Json, SetAside
from pipeline.errors import CrashError, InputError
from pipeline.i18n import Language, t
from pipeline.interactions import canonical, decode_json, parse_interaction
from pipeline.recordings import Sound, file_digest, probe

_JSON = {".json", ".jsonl"}
_UNFINISHED = {".part", ".partial", ".filepart", ".crdownload", ".tmp", ".download"}
_CLUTTER = {"thumbs.db", "desktop.ini"}
_NAMED_RECORDING = re.compile(r'"recording"\s*:\s*"([^"\\]+)"')


@dataclass(frozen=True, slots=True)
class Intake:
    """What an inbox gave.

    `duplicates` counts identical copies, which were taken once. `waiting` names files that are still being written.
    `notes` are sentences about interactions that were taken with something missing. `fatal` names the digests of
    recordings that the decoder died of, by the file that was set aside for it.
    """

    interactions: tuple[Interaction, ...]
    set_aside: tuple[SetAside, ...]
    duplicates: int = 0
    waiting: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    fatal: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


class Probe(Protocol):
    """What looks whether a recording is whole: `pipeline.recordings.probe`, or the same in a process of its own."""

    def __call__(self, path: Path, *, where: str = "", language: Language = "zh") -> Sound:
        """What the recording holds."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """One JSON object before it is checked, or why there is none. `recording` is the file that it claims."""

    source: str
    folder: Path
    content: Mapping[str, Json] | None = None
    recording: Path | None = None
    problem: InputError | None = None


def ingest(
    inbox: Path,
    *,
    settled_seconds: float = 0.0,
    known: Collection[str] = frozenset(),
    prober: Probe = probe,
    language: Language = "zh",
) -> Intake:
    """Take in a folder and all folders below it, in the order of file names.

    A file that changes while it is looked at is still being written, whatever its time says: it is left for the next
    time too. A file whose time lies in the future (the clock was put back) is taken.

    Args:
        inbox: the folder. Hidden files are passed over.
        settled_seconds: files that changed within so many seconds are left for the next time.
        known: digests of interactions that were taken before; their recordings are not decoded again.
        prober: looks whether recordings are whole.
        language: of reasons and notes.

    Raises:
        InputError: Z111 the folder cannot be read, Z113 there is no such folder. A bad file or folder in it raises
            nothing: it is set aside.
    """
    root = _absolute(inbox)
    try:
        if not inbox.is_dir():
            raise InputError(
                "Z113", t(language, "ingest.no_inbox", path=str(inbox)), hint=t(language, "ingest.no_inbox_hint")
            )
        os.scandir(root).close()
    except OSError as error:
        raise _unreadable(str(inbox), error.strerror or "", language) from error
    found = _sift(root, settled_seconds, language)
    names = {path: path.relative_to(root).as_posix() for path in (*found.ready, *found.waiting)}
    taking = _Taking(root, names, language, known, prober, unique=True, withheld=set(found.waiting))
    taking.take(found.ready)
    intake = taking.intake(tuple(names[path] for path in found.waiting))
    return _steady(intake, found.ready, names, found.unreadable)


def ingest_files(files: Sequence[Path], *, language: Language = "zh") -> Intake:
    """Take in single files, in the order given; a recording is found beside its JSON, and its JSON beside a recording.

    Raises:
        InputError: Z113 one of the files does not exist.
    """
    for file in files:
        if not file.is_file():
            raise InputError(
                "Z113", t(language, "ingest.no_file", path=str(file)), hint=t(language, "ingest.no_file_hint")
            )
    chosen = [_sidecar(file) or file for file in files]
    names = {_absolute(file): str(file) for file in chosen}
    taking = _Taking(None, names, language, frozenset(), probe, unique=False, withheld=set())
    taking.take([_absolute(file) for file in chosen])
    return taking.intake(())


def _sidecar(file: Path) -> Path | None:
    beside = file.with_suffix(".json")
    return beside if file.suffix.lower() not in _JSON and beside.is_file() else None


@dataclass(frozen=True, slots=True)
class _Found:
    """Files to take, each with its size and time; files that are still being written; what cannot be read."""

    ready: Mapping[Path, tuple[int, int] | None]
    waiting: tuple[Path, ...]
    unreadable: tuple[SetAside, ...]


def _sift(inbox: Path, settled_seconds: float, language: Language) -> _Found:
    now = time.time()
    ready: dict[Path, tuple[int, int] | None] = {}
    waiting: list[Path] = []
    unreadable: list[SetAside] = []

    def pass_over(where: str, detail: str) -> None:
        problem = _unreadable(Path(where).relative_to(inbox).as_posix(), detail, language)
        unreadable.append(SetAside(problem.where, problem.code, problem.what, problem.hint))

    def skip(error: OSError) -> None:
        pass_over(str(error.filename), error.strerror or "")

    for folder, folders, names in os.walk(inbox, onerror=skip):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(folder, name)
            if name.startswith((".", "~$")) or name.lower() in _CLUTTER:
                continue
            status = _status(path)
            if status is not None and not stat.S_ISREG(status.st_mode):
                pass_over(str(path), t(language, "ingest.no_regular_file"))
            elif path.suffix.lower() in _UNFINISHED or (status and 0 <= now - status.st_mtime < settled_seconds):
                waiting.append(path)
            else:
                ready[path] = None if status is None else (status.st_size, status.st_mtime_ns)
    return _Found(dict(sorted(ready.items())), tuple(sorted(waiting)), tuple(unreadable))


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _steady(
    intake: Intake,
    before: Mapping[Path, tuple[int, int] | None],
    names: Mapping[Path, str],
    unreadable: tuple[SetAside, ...],
) -> Intake:
    """Without what came from files that changed while they were looked at; these are still being written."""
    changed = set()
    for path, mark in before.items():
        status = _status(path)
        if mark != (None if status is None else (status.st_size, status.st_mtime_ns)):
            changed.add(path)
    if not changed:
        return replace(intake, set_aside=(*intake.set_aside, *unreadable)) if unreadable else intake
    moving = {names[path] for path in changed}

    def still(source: str) -> bool:
        return file_of(source) not in moving and source not in moving

    return replace(
        intake,
        interactions=tuple(
            one
            for one in intake.interactions
            if still(one.source) and (one.recording is None or Path(one.recording) not in changed)
        ),
        set_aside=(*(item for item in intake.set_aside if still(item.source)), *unreadable),
        waiting=tuple(sorted({*intake.waiting, *moving})),
    )


def file_of(source: str) -> str:
    """The file of a source such as `chats.jsonl:3`."""
    name, _, line = source.rpartition(":")
    return name if name and line.isdigit() else source


def _unreadable(where: str, detail: str, language: Language) -> InputError:
    what = t(language, "ingest.unreadable", detail=detail)
    return InputError("Z111", what, where=where, hint=t(language, "ingest.unreadable_hint"))


class _Taking:
    """One pass over files: keeps what was taken, what was set aside, and which ids and digests were seen."""

    def __init__(
        self,
        root: Path | None,
        names: Mapping[Path, str],
        language: Language,
        known: Collection[str],
        prober: Probe,
        *,
        unique: bool,
        withheld: set[Path],
    ) -> None:
        self._root = root
        self._names = names
        self._recordings: dict[Path, dict[str, Path]] = {}
        self._language = language
        self._known = known
        self._prober = prober
        self._fatal: dict[str, str] = {}
        self._unique = unique
        self._withheld = withheld
        self._ids: dict[str, tuple[str, str]] = {}
        self._digests: set[str] = set()
        self._interactions: list[Interaction] = []
        self._set_aside: list[SetAside] = []
        self._duplicates = 0
        self._notes: list[str] = []

    def intake(self, waiting: tuple[str, ...]) -> Intake:
        return Intake(
            tuple(self._interactions),
            tuple(self._set_aside),
            self._duplicates,
            waiting,
            tuple(self._notes),
            MappingProxyType(self._fatal),
        )

    def take(self, files: Iterable[Path]) -> None:
        files = list(dict.fromkeys(files))
        drafts = {file: tuple(self._drafts(file)) for file in files if file.suffix.lower() in _JSON}
        claimed = {draft.recording for group in drafts.values() for draft in group if draft.recording}
        withheld_stems = {path.with_suffix("") for path in self._withheld if path.suffix.lower() == ".json"}
        for file in files:
            if file in drafts:
                for draft in drafts[file]:
                    if draft.recording not in self._withheld:
                        self._take(draft)
            elif file not in claimed and file.with_suffix("") not in withheld_stems:
                bare: dict[str, Json] = {"channel": Channel.CALL.value}
                self._take(_Draft(self._name(file), file.parent, bare, file), bare_id=file.stem)

    def _name(self, file: Path) -> str:
        if file in self._names:
            return self._names[file]
        return file.relative_to(self._root).as_posix() if self._root else file.name

    def _same_name(self, file: Path) -> Path | None:
        """The recording that has the file name of a JSON file, if there is one."""
        folder = file.parent
        if folder not in self._recordings:
            beside = sorted(folder.iterdir(), reverse=True)
            self._recordings[folder] = {
                path.stem: path for path in beside if path.suffix.lower() not in _JSON | _UNFINISHED and path.is_file()
            }
        return self._recordings[folder].get(file.stem)

    def _drafts(self, file: Path) -> Iterator[_Draft]:
        source = self._name(file)
        try:
            data = file.read_bytes()
            if not data.strip():
                raise self._problem("Z101", "empty_file", source)
        except OSError as error:
            yield _Draft(source, file.parent, problem=self._problem("Z111", "unreadable", source, error.strerror or ""))
            return
        except InputError as error:
            yield _Draft(source, file.parent, recording=self._same_name(file), problem=error)
            return
        if file.suffix.lower() == ".json":
            yield self._draft(file, data, None)
            return
        for number, line in enumerate(data.split(b"\n"), 1):
            if line.strip():
                yield self._draft(file, line, number)

    def _draft(self, file: Path, data: bytes, number: int | None) -> _Draft:
        name = self._name(file)
        source = name if number is None else f"{name}:{number}"
        text = data.decode("utf-8-sig", errors="replace")
        named = _NAMED_RECORDING.search(text)
        own = self._same_name(file) if number is None else None
        try:
            try:
                text = data.decode("utf-8-sig")
            except UnicodeDecodeError as error:
                line = number or data.count(b"\n", 0, error.start) + 1
                raise InputError(
                    "Z106",
                    t(self._language, "ingest.not_utf8", line=line),
                    where=f"{name}:{line}",
                    hint=t(self._language, "ingest.not_utf8_hint"),
                ) from error
            content = decode_json(text, source=name, first_line=number, language=self._language)
            recording = self._recording(content, file, source) or (own if content.get("channel") == "call" else None)
        except InputError as error:
            claimed = _within(file.parent, named[1]) if named else own
            return _Draft(source, file.parent, recording=claimed, problem=error)
        return _Draft(source, file.parent, content, recording)

    def _recording(self, content: Mapping[str, Json], file: Path, source: str) -> Path | None:
        """The path that the key `recording` names; the file may be missing."""
        name = content.get("recording")
        if name is None:
            return None
        if not isinstance(name, str) or not name.strip():
            expected = t(self._language, "ingest.expected.filled_text")
            what = t(self._language, "ingest.wrong_value", key="recording", value=str(name), expected=expected)
            raise InputError("Z108", what, where=f"{source}:recording", hint=t(self._language, "ingest.see_formats"))
        path = _within(file.parent, name)
        if not path.is_relative_to(self._root or file.parent):
            raise self._problem("Z108", "recording_outside", f"{source}:recording", name=name)
        return path

    def _take(self, draft: _Draft, bare_id: str | None = None) -> None:
        try:
            if draft.problem is not None or draft.content is None:
                raise draft.problem or AssertionError("a draft has content or a problem")
            interaction = self._interaction(draft, bare_id)
            if interaction is not None and self._is_new(interaction):
                self._interactions.append(interaction)
        except InputError as error:
            self._set_aside.append(SetAside(error.where or draft.source, error.code, error.what, error.hint))

    def _interaction(self, draft: _Draft, bare_id: str | None) -> Interaction | None:
        content = dict(draft.content or {})
        recording, digest = self._usable_recording(draft, has_turns=bool(content.get("turns")))
        identified = content if bare_id is None else {"id": bare_id, **content}
        return parse_interaction(
            identified,
            source=draft.source,
            digest=digest,
            recording=None if recording is None else str(recording),
            language=self._language,
        )

    def _usable_recording(self, draft: _Draft, *, has_turns: bool) -> tuple[Path | None, str]:
        """The recording, if there is one that can be decoded, and the digest of the whole interaction."""
        content = canonical(draft.content or {})
        without = f"sha256:{hashlib.sha256(content).hexdigest()}"
        path = draft.recording
        if path is None:
            return None, without
        name = self._name(path)
        try:
            if not path.is_file():
                raise self._problem("Z110", "no_recording", f"{draft.source}:recording", name=name)
            both = content + b"\0" + file_digest(path).encode()
            digest = f"sha256:{hashlib.sha256(both).hexdigest()}"
            if digest not in self._known:
                self._prober(path, where=name, language=self._language)
        except CrashError as error:
            self._fatal[error.where] = digest
            raise
        except OSError as error:
            raise self._problem("Z111", "unreadable", name, detail=error.strerror or "") from error
        except InputError as error:
            if not has_turns:
                raise
            self._notes.append(
                t(self._language, "ingest.note.unplayable", source=draft.source, name=name, reason=error.what)
            )
            return None, without
        return path, digest

    def _is_new(self, interaction: Interaction) -> bool:
        if not self._unique:
            return True
        if interaction.digest in self._digests:
            self._duplicates += 1
            return False
        if interaction.id in self._ids:
            _, other = self._ids[interaction.id]
            raise self._problem("Z109", "duplicate_id", interaction.source, id=interaction.id, other=other)
        self._ids[interaction.id] = interaction.digest, interaction.source
        self._digests.add(interaction.digest)
        return True

    def _problem(self, code: str, key: str, where: str, detail: str = "", **args: str) -> InputError:
        what = t(self._language, f"ingest.{key}", detail=detail, **args)
        return InputError(code, what, where=where, hint=t(self._language, f"ingest.{key}_hint"))


def _within(folder: Path, name: str) -> Path:
    """`name` below `folder`, with `..` taken out but links left as they are."""
    return _absolute(folder / name)


def _absolute(path: Path) -> Path:
    return Path(os.path.normpath(path.absolute()))
