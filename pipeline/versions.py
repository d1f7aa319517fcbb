"""Which version of a scorecard is meant and which is in use, and the change from one to the next.

A scorecard is named by the path of its YAML file, by `ID@VERSION`, by (the beginning of) its digest, or by its id,
which means the active version. The store keeps them all, so that a team shares one truth and old results stay
explained.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pipeline.errors import ScorecardError
from pipeline.i18n import Language, t
from pipeline.scorecard import BadScorecardError, Scorecard, find_scorecard, load_scorecard, read, shipped_scorecards
from pipeline.settings import Settings
from pipeline.store import open_store
from pipeline.store.records import CardState, CardVersion

if TYPE_CHECKING:
    from pipeline.store.database import Store

PROGRAM = "zhijian"
"""Who registers and activates what comes with the program."""
SHORT = 12
"""Characters of a digest that are shown, after `sha256:`."""
Find: TypeAlias = Callable[[str], Scorecard]
"""From the name of a scorecard to the card."""


def is_path(name: str) -> bool:
    """Whether `name` means a file."""
    return Path(name).suffix in (".yaml", ".yml") or Path(name).is_file()


def named(name: str, store: Store, *, language: Language = "zh") -> Scorecard:
    """The card of a path, `ID@VERSION`, digest or id; of an id the active version, else the shipped card.

    Raises:
        BadScorecardError: Z201, the card is wrong, or neither the store nor the program knows that name.
        ScorecardError: Z212 there is no such version, Z213 no version of the card is active.
    """
    if is_path(name):
        return load_scorecard(name, language=language)
    if "@" in name:
        scorecard_id, _, wanted = name.rpartition("@")
        known = store.card_versions(scorecard_id)
        found = next((version for version in known if version.version == wanted), None)
        if found is None and scorecard_id in shipped_scorecards():
            shipped = find_scorecard(scorecard_id, language=language)
            if shipped.version == wanted:
                return shipped
        if found is None:
            raise _no_version(name, known or store.card_versions(), language)
        return kept(found.digest, store, language=language)
    if re.fullmatch(r"(sha256:)?[0-9a-f]{6,64}", name) and (texts := store.card_texts(name)):
        if len(texts) > 1:
            what = t(language, "versions.ambiguous", name=name)
            raise ScorecardError("Z212", what, hint=t(language, "versions.ambiguous_hint", digests=", ".join(texts)))
        return kept(next(iter(texts)), store, language=language)
    if name.startswith("sha256:"):
        raise _no_version(name, store.card_versions(), language)
    active = active_version(name, store)
    if active is not None:
        return kept(active.digest, store, language=language)
    known = store.card_versions(name)
    if known and (name not in shipped_scorecards() or _retired(known, find_scorecard(name, language=language))):
        raise _none_active(name, known, language)
    return find_scorecard(name, language=language)


def in_use(name: str, store: Store, *, language: Language = "zh") -> Scorecard:
    """The card that a run scores by: of an id the active version, which the shipped card becomes on first use.

    A file and a newer shipped version are kept as drafts; what is active stays so until a person changes it.

    Raises:
        BadScorecardError: Z201, the card is wrong, or there is none of that name.
        ScorecardError: Z211 the file's version is settled with another content, Z212, Z213 as `named`.
    """
    card = named(name, store, language=language)
    if is_path(name):
        register(card, store, who=PROGRAM, why=t(language, "versions.used_as_file"))
    elif name in shipped_scorecards():
        shipped = find_scorecard(name, language=language)
        if active_version(name, store) is None:
            activate(card, store, who=PROGRAM, why=t(language, "versions.shipped_first"))
        elif _order(shipped.version) > _order(card.version) and not _known(shipped, store):
            register(shipped, store, who=PROGRAM, why=t(language, "versions.shipped_newer"))
    return card


def newer_shipped(card: Scorecard, store: Store, *, language: Language = "zh") -> str | None:
    """What to tell the user where the program brings another card than the one of that id in use; else `None`."""
    if card.id not in shipped_scorecards():
        return None
    shipped = find_scorecard(card.id, language=language)
    states = {version.version: version for version in store.card_versions(card.id)}
    theirs = states.get(shipped.version)
    if theirs is None or theirs.state is not CardState.DRAFT or _order(shipped.version) <= _order(card.version):
        return None
    return t(language, "versions.newer", id=card.id, active=card.version, shipped=shipped.version)


def active_version(scorecard_id: str, store: Store) -> CardVersion | None:
    """The active version of a card."""
    return next((v for v in store.card_versions(scorecard_id) if v.state is CardState.ACTIVE), None)


def counterpart(new: Scorecard, store: Store, *, language: Language = "zh") -> Scorecard:
    """The card that `new` would replace: the active version of its id, else the shipped card.

    Raises:
        ScorecardError: Z213, there is neither.
    """
    active = active_version(new.id, store)
    if active is not None:
        return kept(active.digest, store, language=language)
    if new.id in shipped_scorecards():
        return find_scorecard(new.id, language=language)
    what = t(language, "versions.none_active", id=new.id)
    raise ScorecardError("Z213", what, hint=t(language, "versions.name_both_hint"))


def register(card: Scorecard, store: Store, *, who: str, why: str = "") -> CardVersion:
    """Keep a card; a version that is new becomes a draft, a draft takes the new content.

    Raises:
        ScorecardError: Z211, that version is or was active with another content.
    """
    return store.keep_card(card.id, card.version, card.digest, card.text, who=who, why=why)


def activate(card: Scorecard, store: Store, *, who: str, why: str = "") -> CardVersion:
    """Keep a card and put it to use; the version that was active until then is retired.

    Raises:
        ScorecardError: Z211, that version is or was active with another content.
    """
    register(card, store, who=who, why=why)
    return store.change_card(card.id, card.version, CardState.ACTIVE, who=who, why=why)


def retire(card: Scorecard, store: Store, *, who: str, why: str = "", language: Language = "zh") -> CardVersion:
    """Take a kept version out of use.

    Raises:
        ScorecardError: Z211 that version has another content, Z212 it was never kept.
    """
    if not _known(card, store):
        raise _no_version(f"{card.id}@{card.version}", store.card_versions(card.id), language)
    register(card, store, who=who, why=why)
    return store.change_card(card.id, card.version, CardState.RETIRED, who=who, why=why)


def kept(digest: str, store: Store, *, language: Language = "zh") -> Scorecard:
    """The kept card of a whole digest.

    Raises:
        BadScorecardError: Z201, this version of zhijian cannot read it.
        ScorecardError: Z212, there is none.
    """
    text = store.card_texts(digest).get(digest)
    if text is None:
        raise _no_version(digest, store.card_versions(), language)
    card, _, problems = read(Path(digest.removeprefix("sha256:")[:SHORT] + ".yaml"), language=language, text=text)
    if card is None:
        raise BadScorecardError(problems, language)
    return card


@contextmanager
def finder(settings: Settings) -> Iterator[Find]:
    """From names to cards, by the store where there is one; nothing is made or registered."""
    language = settings.language
    if not settings.store.url and not (settings.home / "zhijian.sqlite").is_file():
        yield partial(find_scorecard, language=language)
        return
    with open_store(settings.store_url, media=settings.media, language=language) as store:
        yield partial(named, store=store, language=language)


class CardArchive:
    """The scorecards that evaluations were made by, so that old evaluations can still be explained.

    Args:
        store: where they are kept.
        folder: where zhijian 0.1.0 kept copies, for what was evaluated then.
    """

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._cards: dict[str, Scorecard] = {}

    def get(self, digest: str) -> Scorecard:
        """The card of a digest.

        Raises:
            ScorecardError: there is no such card, or this version of zhijian cannot read it.
        """
        if digest not in self._cards:
            self._cards[digest] = self._load(digest)
        return self._cards[digest]

    def _load(self, digest: str) -> Scorecard:
        copy = self._folder / f"{digest.removeprefix('sha256:')}.yaml"
        if not self._store.card_texts(digest) and copy.is_file():
            return load_scorecard(copy)
        return kept(digest, self._store)


def _known(card: Scorecard, store: Store) -> bool:
    return any(version.version == card.version for version in store.card_versions(card.id))


def _order(version: str) -> tuple[int, ...]:
    """Versions by their numbers: 1.10 comes after 1.9."""
    return tuple(int(number) for number in re.findall(r"\d+", version))


def _retired(known: tuple[CardVersion, ...], shipped: Scorecard) -> bool:
    """Whether people took the shipped version out of use, so that it must not come back by itself."""
    return any(version.version == shipped.version and version.state is CardState.RETIRED for version in known)


def _no_version(name: str, known: tuple[CardVersion, ...], language: Language) -> ScorecardError:
    what = t(language, "versions.unknown", name=name)
    names = t(language, "versions.joiner").join(version.name for version in known)
    hint = "versions.unknown_hint" if known else "versions.nothing_hint"
    return ScorecardError("Z212", what, hint=t(language, hint, known=names))


def _none_active(name: str, known: tuple[CardVersion, ...], language: Language) -> ScorecardError:
    what = t(language, "versions.none_active", id=name)
    names = t(language, "versions.joiner").join(version.name for version in known)
    return ScorecardError("Z213", what, hint=t(language, "versions.none_active_hint", known=names))
