"""An inbox folder → interactions, and the files that had to be set aside, each with its reason.

An inbox holds `NAME.json` (one interaction), `*.jsonl` (one a line) and recordings in any format that PyAV decodes. A
recording belongs to the JSON that names it or has its file name; else it is a call of its own, its id the file name.
The identity of an interaction is its content: the digest covers the JSON and the recording's bytes, not file names.

`survey` does the same for inboxes of any size: of each interaction it keeps what planning needs, not what was said.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import tee
from pathlib import Path
from types import MappingProxyType
from typing import Generic, Protocol, TypeAlias, TypeVar

from pipeline.arrivals import Arrival, Place, arrival_of, place_of, read_again
from pipeline.conversation import Channel, Interaction, Json, SetAside
from pipeline.errors import CrashError, InputError
from pipeline.i18n import Language, t
from pipeline.inbox import UNFINISHED, changed, sift, unreadable
from pipeline.interactions import canonical, decode_json, parse_interaction
from pipeline.recordings import Sound, file_digest, probe

_JSON = {".json", ".jsonl"}
Kept = TypeVar("Kept", bound=Interaction | Arrival)
Item = TypeVar("Item")
Result = TypeVar("Result")
_NAMED_RECORDING = re.compile(r'"recording"\s*:\s*"([^"\\]+)"')


@dataclass(frozen=True, slots=True)
class Found(Generic[Kept]):
    """What an inbox gave.

    `duplicates` counts identical copies, which were taken once. `waiting` names files that are still being written.
    `notes` are sentences about interactions that were taken with something missing. `fatal` names the digests of
    recordings that the decoder died of, by the file that was set aside for it.
    """

    interactions: tuple[Kept, ...]
    set_aside: tuple[SetAside, ...]
    duplicates: int = 0
    waiting: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    fatal: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


Intake: TypeAlias = Found[Interaction]
Survey: TypeAlias = Found[Arrival]


class Probe(Protocol):
    """What looks whether a recording is whole: `pipeline.recordings.probe`, or the same in a process of its own."""

    def __call__(self, path: Path, *, where: str = "", language: Language = "zh", whole: bool = True) -> Sound:
        """What the recording holds; it has to be decoded from beginning to end if `whole`."""


class Map(Protocol):
    """What looks at one recording after another: `map`, or the same with several at a time."""

    def __call__(self, work: Callable[[Item], Result], items: Iterable[Item], /) -> Iterator[Result]:
        """What `work` gives for each item, in the order of items."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """A JSON object that claims a file as its recording: it waits until all claims are known.

    `problem` is why it cannot be taken. The object itself is read again from `place` when its turn comes. A recording
    that came alone is one too: its `place` has no bytes.
    """

    source: str
    place: Place
    recording: Path
    problem: SetAside | None = None


@dataclass(frozen=True, slots=True)
class _Looked:
    """What a draft holds, its digest, and why its recording cannot be used."""

    content: dict[str, Json]
    digest: str
    problem: InputError | None


def ingest(
    inbox: Path,
    *,
    settled_seconds: float = 0.0,
    known: Container[str] = frozenset(),
    prober: Probe = probe,
    mapping: Map = map,
    language: Language = "zh",
) -> Intake:
    """Take in a folder and all folders below it, in the order of file names.

    Files that changed within `settled_seconds` are waited for (`pipeline.inbox.sift`); those that have not settled then
    are left for the next time. A file that changes while it is looked at is still being written, whatever its time
    says: it is left too. A file whose time lies in the future (the clock was put back) is taken.

    Args:
        inbox: the folder. Hidden files are passed over.
        settled_seconds: how long a file must not have changed.
        known: digests of interactions that were taken before; their recordings are not decoded again.
        prober: looks whether recordings are whole.
        mapping: goes over the recordings, in threads if it likes; `prober` has to be one that can be called so.
        language: of reasons and notes.

    Raises:
        InputError: Z111 the folder cannot be read, Z113 there is no such folder. A bad file or folder in it raises
            nothing: it is set aside.
    """
    return _taken(inbox, _whole, settled_seconds, known, {}, prober, mapping, language)


def survey(
    inbox: Path,
    *,
    settled_seconds: float = 0.0,
    known: Container[str] = frozenset(),
    damaged: Mapping[str, SetAside] = MappingProxyType({}),
    prober: Probe = probe,
    mapping: Map = map,
    language: Language = "zh",
) -> Survey:
    """The same as `ingest`, without what was said; `pipeline.arrivals.fetch` gives the whole of an interaction.

    Recordings that will be heard are not decoded: what is wrong with them inside is found then. `damaged` is what was
    found so, by digests of interactions; it is told again.
    """
    return _taken(inbox, arrival_of, settled_seconds, known, damaged, prober, mapping, language)


def _whole(interaction: Interaction, _: Place) -> Interaction:
    return interaction


def _taken(
    inbox: Path,
    keep: Callable[[Interaction, Place], Kept],
    settled_seconds: float,
    known: Container[str],
    damaged: Mapping[str, SetAside],
    prober: Probe,
    mapping: Map,
    language: Language,
) -> Found[Kept]:
    root = _absolute(inbox)
    try:
        if not inbox.is_dir():
            what = "inbox_is_a_file" if inbox.exists() else "no_inbox"
            raise InputError(
                "Z113", t(language, f"ingest.{what}", path=str(inbox)), hint=t(language, "ingest.no_inbox_hint")
            )
        os.scandir(root).close()
    except OSError as error:
        raise unreadable(str(inbox), error.strerror or "", language) from error
    found = sift(root, settled_seconds, language)
    names = {path: path.relative_to(root).as_posix() for path in (*found.ready, *found.waiting)}
    withheld = set(found.waiting)
    taking = _Taking(root, names, language, known, damaged, prober, mapping, keep, unique=True, withheld=withheld)
    taking.take(found.ready)
    intake = taking.intake(tuple(names[path] for path in found.waiting))
    return _steady(intake, changed(found.ready), names, found.unreadable)


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
    taking = _Taking(None, names, language, frozenset(), {}, probe, map, _whole, unique=False, withheld=set())
    taking.take([_absolute(file) for file in chosen])
    return taking.intake(())


def _sidecar(file: Path) -> Path | None:
    beside = file.with_suffix(".json")
    return beside if file.suffix.lower() not in _JSON and beside.is_file() else None


def _steady(
    intake: Found[Kept], moved: Set[Path], names: Mapping[Path, str], unread: tuple[SetAside, ...]
) -> Found[Kept]:
    """Without what came from files that changed while they were looked at; these are still being written."""
    if not moved:
        return replace(intake, set_aside=(*intake.set_aside, *unread)) if unread else intake
    moving = {names[path] for path in moved}

    def still(source: str) -> bool:
        return file_of(source) not in moving and source not in moving

    return replace(
        intake,
        interactions=tuple(
            one
            for one in intake.interactions
            if still(one.source) and (one.recording is None or Path(one.recording) not in moved)
        ),
        set_aside=(*(item for item in intake.set_aside if still(item.source)), *unread),
        waiting=tuple(sorted({*intake.waiting, *moving})),
    )


def file_of(source: str) -> str:
    """The file of a source such as `chats.jsonl:3`."""
    name, _, line = source.rpartition(":")
    return name if name and line.isdigit() else source


class _Taking(Generic[Kept]):
    """Goes over files: keeps what was taken, what was set aside, and which ids and digests were seen.

    The first time it reads JSON and learns which recordings belong to it; the second time it takes all in, in the order
    of files. Of texts without a recording nothing depends on others: they are checked the first time. `_look` may be
    done in threads, ahead of its turn, and changes nothing here; all else is done in the order of files.
    """

    def __init__(
        self,
        root: Path | None,
        names: Mapping[Path, str],
        language: Language,
        known: Container[str],
        damaged: Mapping[str, SetAside],
        prober: Probe,
        mapping: Map,
        keep: Callable[[Interaction, Place], Kept],
        *,
        unique: bool,
        withheld: set[Path],
    ) -> None:
        self._root = root
        self._names = names
        self._recordings: dict[Path, dict[str, Path]] = {}
        self._language = language
        self._known = known
        self._damaged = damaged
        self._asking = threading.Lock()
        self._prober = prober
        self._mapping = mapping
        self._keep: Callable[[Interaction, Place], Kept] = keep
        self._fatal: dict[str, str] = {}
        self._unique = unique
        self._withheld = withheld
        self._ids: dict[str, str] = {}
        self._digests: set[str] = set()
        self._interactions: list[Kept] = []
        self._set_aside: list[SetAside] = []
        self._duplicates = 0
        self._notes: list[str] = []

    def intake(self, waiting: tuple[str, ...]) -> Found[Kept]:
        return Found(
            tuple(self._interactions),
            tuple(self._set_aside),
            self._duplicates,
            waiting,
            tuple(self._notes),
            MappingProxyType(self._fatal),
        )

    def take(self, files: Iterable[Path]) -> None:
        files = list(dict.fromkeys(files))
        drafts = {file: self._drafts(file) for file in files if file.suffix.lower() in _JSON}
        claimed = {draft.recording for group in drafts.values() for draft in group if isinstance(draft, _Draft)}
        ahead, items = tee(self._in_order(files, drafts, claimed))
        looked = self._mapping(self._look, (item for item in ahead if isinstance(item, _Draft)))
        for item in items:
            self._take(self._settled(item, next(looked)) if isinstance(item, _Draft) else item)

    def _in_order(
        self, files: Iterable[Path], drafts: dict[Path, list[_Draft | Kept | SetAside]], claimed: Container[Path]
    ) -> Iterator[_Draft | Kept | SetAside]:
        """What is there to take, each draft taken out of `drafts`. A recording that no JSON claims is a call."""
        withheld_stems = {path.with_suffix("") for path in self._withheld if path.suffix.lower() == ".json"}
        for file in files:
            if file in drafts:
                for one in drafts.pop(file):
                    if not isinstance(one, _Draft):
                        yield one
                    elif one.recording not in self._withheld:
                        yield one.problem or one
            elif file not in claimed and file.with_suffix("") not in withheld_stems:
                yield _Draft(self._name(file), place_of(file, None, 0, b""), file)

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
                path.stem: path for path in beside if path.suffix.lower() not in _JSON | UNFINISHED and path.is_file()
            }
        return self._recordings[folder].get(file.stem)

    def _drafts(self, file: Path) -> list[_Draft | Kept | SetAside]:
        """What is in a JSON file."""
        source = self._name(file)
        try:
            if file.suffix.lower() == ".json":
                data = file.read_bytes()
                found = [self._draft(file, data, None, 0, self._same_name(file))] if data.strip() else []
            else:
                found = list(self._lines(file))
        except OSError as error:
            return [_aside(self._problem("Z111", "unreadable", source, error.strerror or ""), source)]
        if found:
            return found
        problem = _aside(self._problem("Z101", "empty_file", source), source)
        own = self._same_name(file)
        return [problem if own is None else _Draft(source, place_of(file, None, 0, b""), own, problem)]

    def _lines(self, file: Path) -> Iterator[_Draft | Kept | SetAside]:
        """What is in a `.jsonl` file, a line in memory at a time."""
        offset = 0
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                data = line.removesuffix(b"\n")
                if data.strip():
                    yield self._draft(file, data, number, offset, None)
                offset += len(line)

    def _draft(
        self, file: Path, data: bytes, number: int | None, offset: int, own: Path | None
    ) -> _Draft | Kept | SetAside:
        name = self._name(file)
        source = name if number is None else f"{name}:{number}"
        place = place_of(file, number, offset, data)
        try:
            content = self._content(data, name, number)
            recording = self._recording(content, file, source) or (own if content.get("channel") == "call" else None)
        except InputError as error:
            problem = _aside(error, source)
            named = _NAMED_RECORDING.search(data.decode("utf-8-sig", errors="replace"))
            claimed = _within(file.parent, named[1]) if named else own
            return problem if claimed is None else _Draft(source, place, claimed, problem)
        if recording is not None:
            return _Draft(source, place, recording)
        try:
            return self._kept(content, source, _digest(canonical(content)), None, place)
        except InputError as error:
            return _aside(error, source)

    def _content(self, data: bytes, name: str, number: int | None) -> dict[str, Json]:
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
        return decode_json(text, source=name, first_line=number, language=self._language)

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

    def _take(self, found: Kept | SetAside) -> None:
        if isinstance(found, SetAside):
            self._set_aside.append(found)
            return
        try:
            if self._is_new(found):
                self._interactions.append(found)
        except InputError as error:
            self._set_aside.append(_aside(error, found.source))

    def _look(self, draft: _Draft) -> _Looked | InputError:
        """What a draft holds, or why it cannot be taken. Recordings of contents that are known are not decoded."""
        content: dict[str, Json] = {"channel": Channel.CALL.value}
        try:
            if draft.place.size:
                place = draft.place
                content = self._content(read_again(place), self._name(Path(place.file)), place.line)
        except InputError as error:
            return error
        except OSError as error:
            return self._problem("Z111", "unreadable", draft.source, error.strerror or "")
        path, name = draft.recording, self._name(draft.recording)
        digest = ""
        try:
            if not path.is_file():
                raise self._problem("Z110", "no_recording", f"{draft.source}:recording", name=name)
            digest = _digest(canonical(content) + b"\0" + file_digest(path).encode())
            if (earlier := self._damaged.get(digest)) is not None:
                raise InputError(earlier.code, earlier.reason, where=name, hint=earlier.hint)
            with self._asking:
                known = digest in self._known
            if not known:
                whole = self._keep is _whole or bool(content.get("turns"))
                self._prober(path, where=name, language=self._language, whole=whole)
        except OSError as error:
            return self._problem("Z111", "unreadable", name, detail=error.strerror or "")
        except InputError as error:
            return _Looked(content, digest, error)
        return _Looked(content, digest, None)

    def _settled(self, draft: _Draft, looked: _Looked | InputError) -> Kept | SetAside:
        """What came of a draft. A call whose text came with it does not need its recording."""
        if isinstance(looked, InputError):
            return _aside(looked, draft.source)
        content, digest, problem = looked.content, looked.digest, looked.problem
        if isinstance(problem, CrashError):
            self._fatal[problem.where] = digest
        if isinstance(problem, CrashError) or (problem is not None and not content.get("turns")):
            return _aside(problem, draft.source)
        recording: Path | None = draft.recording
        if problem is not None:
            name = self._name(draft.recording)
            note = t(self._language, "ingest.note.unplayable", source=draft.source, name=name, reason=problem.what)
            self._notes.append(note)
            recording, digest = None, _digest(canonical(content))
        if not draft.place.size:
            content = {"id": draft.recording.stem, **content}
        try:
            return self._kept(content, draft.source, digest, recording, draft.place)
        except InputError as error:
            return _aside(error, draft.source)

    def _kept(
        self, content: Mapping[str, Json], source: str, digest: str, recording: Path | None, place: Place
    ) -> Kept:
        interaction = parse_interaction(
            content,
            source=source,
            digest=digest,
            recording=None if recording is None else str(recording),
            language=self._language,
            readable=self._keep is _whole,
        )
        return self._keep(interaction, place)

    def _is_new(self, interaction: Kept) -> bool:
        if not self._unique:
            return True
        if interaction.digest in self._digests:
            self._duplicates += 1
            return False
        if interaction.id in self._ids:
            other = self._ids[interaction.id]
            raise self._problem("Z109", "duplicate_id", interaction.source, id=interaction.id, other=other)
        self._ids[interaction.id] = interaction.source
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


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _aside(error: InputError, source: str) -> SetAside:
    return SetAside.because(error, error.where or source)
