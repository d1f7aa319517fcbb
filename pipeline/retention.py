"""Deleting by age and class, and all of one customer; every deletion is looked over afterwards and written down.

Looked for are every digest of what was deleted in every table that names digests, and the longest sentences that were
said there and nowhere else, and the customer's id, in every text of the database and every page below `home`. Files in
inboxes are never touched; what was deleted is not taken in from them again.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, TypeAlias

from pipeline.errors import InputError, StoreError
from pipeline.i18n import t
from pipeline.mentions import Mentions
from pipeline.reports.html import file_stem
from pipeline.settings import Settings
from pipeline.store.database import Store
from pipeline.store.erasing import Kept

What: TypeAlias = Literal["audio", "text", "derived"]
Class: TypeAlias = Literal["complaint", "other"]
WHATS: tuple[What, ...] = ("audio", "text", "derived")
CLASSES: tuple[Class, ...] = ("complaint", "other")
LEAST = 8
"""Characters that a sentence must have to be looked for; shorter ones (好的，谢谢) stand everywhere."""
MOST = 200
"""How many sentences are looked for, the longest ones."""
_PAGES = (".html", ".json", ".jsonl", ".csv", ".log", ".part")
_AWAY = ("media", "models", "training", "prefect", "deletions")
"""Folders of `home` that hold no pages: recordings go by name, the rest knows no conversation."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """How much of what was deleted, of which class, and after how many days; 0 days where age was not the reason."""

    what: What
    kind: Class
    days: int
    digests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deletion:
    """What was deleted, or would be. `checked` counts what was looked for afterwards, `record` is the file about it."""

    made_at: datetime
    why: Literal["age", "customer"]
    dropped: tuple[Dropped, ...]
    files: int = 0
    checked: int = 0
    record: Path | None = None

    @property
    def count(self) -> int:
        """How many deletions of something there are."""
        return sum(len(one.digests) for one in self.dropped)


def days_of(settings: Settings, what: What, kind: Class) -> int:
    """After how many days it is deleted; 0 = never."""
    days: int = getattr(settings.retention, f"{what}_{kind}")
    return days


def retain(store: Store, settings: Settings, *, now: datetime | None = None, dry_run: bool = False) -> Deletion:
    """Delete what is older than the settings allow.

    Args:
        store: of the results.
        settings: `retention.*` and `home`.
        now: default the present moment.
        dry_run: only say what would be deleted.

    Raises:
        StoreError: Z402 the store cannot be written, Z415 something is still found after the deletion.
    """
    moment = now or datetime.now(UTC)
    limits = {(what, kind): days for what in WHATS for kind in CLASSES if (days := days_of(settings, what, kind))}
    if not limits:
        return Deletion(moment, "age", ())
    old = store.kept(before=moment - timedelta(days=min(limits.values())))
    due: dict[tuple[What, Class], list[Kept]] = {}
    for one in old:
        kind: Class = "complaint" if one.complaint else "other"
        due_whats = [
            what
            for what in WHATS
            if (what, kind) in limits and one.moment < moment - timedelta(days=limits[what, kind])
        ]
        if "derived" in due_whats:
            due.setdefault(("derived", kind), []).append(one)
            continue
        if "audio" in due_whats and one.media is not None:
            due.setdefault(("audio", kind), []).append(one)
        if "text" in due_whats and one.has_text:
            due.setdefault(("text", kind), []).append(one)
    dropped = tuple(
        Dropped(what, kind, limits[what, kind], tuple(item.digest for item in due[what, kind]))
        for what in WHATS
        for kind in CLASSES
        if (what, kind) in due
    )
    deletion = Deletion(moment, "age", dropped)
    if dry_run or not dropped:
        return deletion
    parts = {what: [item for kind in CLASSES for item in due.get((what, kind), ())] for what in WHATS}
    words = [limit for (what, _), limit in limits.items() if what != "audio"]
    return _delete(store, settings, deletion, parts, days=min(words, default=0))


def erase(store: Store, settings: Settings, customer: str, *, dry_run: bool = False) -> Deletion:
    """Delete everything of a customer: interactions, texts, recordings, evaluations, decisions, pages.

    Raises:
        InputError: Z122, the store knows no such customer.
        StoreError: Z402 the store cannot be written, Z415 something is still found after the deletion.
    """
    theirs = of_customer(store, settings, customer)
    dropped = tuple(
        Dropped("derived", kind, 0, tuple(one.digest for one in some))
        for kind in CLASSES
        if (some := [one for one in theirs if one.complaint is (kind == "complaint")])
    )
    deletion = Deletion(datetime.now(UTC), "customer", dropped)
    return deletion if dry_run else _delete(store, settings, deletion, {"derived": list(theirs)}, more=(customer,))


def of_customer(store: Store, settings: Settings, customer: str) -> tuple[Kept, ...]:
    """Interactions of a customer.

    Raises:
        InputError: Z122, there are none.
    """
    theirs = store.kept(customer=customer)
    if not theirs:
        raise InputError("Z122", t(settings.language, "privacy.no_customer", id=customer))
    return theirs


def _delete(
    store: Store,
    settings: Settings,
    deletion: Deletion,
    parts: dict[What, list[Kept]],
    *,
    more: Collection[str] = (),
    days: int | None = None,
) -> Deletion:
    """Delete, look whether anything is left, and write down what was done."""
    whole, silent = parts.get("derived", []), parts.get("text", [])
    heard = [*parts.get("audio", []), *whole]
    everything = {one.digest: one for some in parts.values() for one in some}
    own = store.own_texts([one.digest for one in (*whole, *silent)], least=LEAST, most=MOST)
    # Pages first: once the store has forgotten whom they tell of, no later run could find what was left of them.
    pages = _delete_pages(settings, everything.values(), own)
    pages += _delete_answers(settings, days)
    copies = store.drop_media([one.digest for one in heard])
    if silent:
        store.drop_text([one.digest for one in silent])
    if whole:
        store.drop_all(whole, why=deletion.why)
    store.overwrite()
    gone = [one.digest for one in whole]
    left = [*store.remaining(gone), *store.traces([*own, *more]), *(str(copy) for copy in copies if copy.exists())]
    left += [str(path) for path in _holding(settings, _names(whole), own)]
    if left:
        language = settings.language
        what = t(language, "privacy.left", places=", ".join(left))
        raise StoreError("Z415", what, hint=t(language, "privacy.left_hint"))
    checked = len(gone) + len(own) + len(copies) + len(tuple(more))
    done = replace(deletion, files=len(copies) + pages, checked=checked)
    return replace(done, record=_record(settings, done))


def _names(some: Iterable[Kept]) -> frozenset[str]:
    return frozenset(name for one in some for name in (one.id, file_stem(one.id)))


def _delete_pages(settings: Settings, some: Iterable[Kept], said: Collection[str]) -> int:
    """Delete pages and copies of recordings that tell of these interactions; gives how many."""
    names = _names(some)
    count = 0
    for path in list(_holding(settings, names, said)):
        path.unlink()
        count += 1
    media = settings.report / "media"
    for path in list(media.iterdir()) if media.is_dir() else []:
        if path.name.partition(".")[0] in names:
            path.unlink()
            count += 1
    return count


def _holding(settings: Settings, names: Collection[str], said: Collection[str]) -> Iterator[Path]:
    """Pages below `home` that hold one of these ids or sentences."""
    sought = Mentions(names, said)
    if not sought:
        return
    for path in sorted(settings.home.rglob("*")) if settings.home.is_dir() else ():
        inside = path.relative_to(settings.home).parts
        if inside[0] in _AWAY or path.suffix.lower() not in _PAGES or not path.is_file():
            continue
        if sought.within(path.stem) or sought.within(path.read_text(encoding="utf-8", errors="replace")):
            yield path


def _delete_answers(settings: Settings, days: int | None) -> int:
    """Delete cached answers of a language model older than `days` (0: none); or all, as nobody knows whose they are."""
    count = 0
    if days == 0:
        return 0
    limit = None if days is None else datetime.now(UTC).timestamp() - days * 86_400
    for path in list(settings.answers.rglob("*.json")) if settings.answers.is_dir() else []:
        if limit is None or path.stat().st_mtime < limit:
            path.unlink()
            count += 1
    return count


def _record(settings: Settings, deletion: Deletion) -> Path:
    """Write down what was deleted: when, why, how much, by digests, which tell nobody anything."""
    folder = settings.home / "deletions"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{deletion.made_at:%Y%m%dT%H%M%S%f}.json"
    content = {
        "made_at": deletion.made_at.isoformat(),
        "why": deletion.why,
        "dropped": [asdict(one) | {"count": len(one.digests)} for one in deletion.dropped],
        "files": deletion.files,
        "checked": deletion.checked,
        "left": [],
    }
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path
