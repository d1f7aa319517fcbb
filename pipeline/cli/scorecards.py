"""`zhijian scorecard`: the versions of scorecards, what differs between them, and which is in use."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rich.markup import escape
from rich.table import Table

from pipeline.cli.cards import validate_cards
from pipeline.cli.console import messages, results
from pipeline.conversation import Json
from pipeline.i18n import Language, t
from pipeline.scorecard import Criterion, Scorecard, find_scorecard, shipped_scorecards
from pipeline.scorecard.difference import Change, differences
from pipeline.settings import Settings
from pipeline.store import CardState, CardVersion, open_store
from pipeline.versions import SHORT, activate, active_version, counterpart, is_path, kept, named, retire

if TYPE_CHECKING:
    from pipeline.store.database import Store

_STATE = {CardState.DRAFT: "yellow", CardState.ACTIVE: "bold green", CardState.RETIRED: "dim"}
_KIND = {"added": "green", "removed": "red", "changed": "yellow"}


def list_versions(settings: Settings, *, output: str) -> int:
    """Print the versions in the store, and the shipped cards that were not used yet; gives the exit status."""
    language = settings.language
    with _store(settings) as store:
        versions = store.card_versions()
        titles = {version.digest: kept(version.digest, store, language=language).title for version in versions}
    unused = [
        card
        for card in (find_scorecard(name, language=language) for name in shipped_scorecards())
        if all((version.scorecard_id, version.version) != (card.id, card.version) for version in versions)
    ]
    if output == "json":
        shown = [_record(version) | {"title": titles[version.digest].text(language)} for version in versions]
        shown += [_unused(card, language) for card in unused]
        sys.stdout.write(json.dumps(shown, ensure_ascii=False, indent=2) + "\n")
        return 0
    table = Table(box=None, pad_edge=False)
    for name in ("card", "version", "state", "title", "evaluations", "digest", "since", "who", "why"):
        right = name == "evaluations"
        table.add_column(
            t(language, f"versions.column.{name}"),
            justify="right" if right else "left",
            no_wrap=name not in ("title", "why"),
        )
    for version in versions:
        last = version.changes[-1]
        table.add_row(
            escape(version.scorecard_id),
            escape(version.version),
            f"[{_STATE[version.state]}]{t(language, f'versions.state.{version.state}')}[/]",
            escape(titles[version.digest].text(language)),
            str(version.evaluations),
            _short(version.digest),
            _when(last.at, settings),
            escape(last.who),
            escape(last.why),
        )
    for card in unused:
        state = f"[dim]{t(language, 'versions.state.shipped')}[/]"
        title = escape(card.title.text(language))
        table.add_row(escape(card.id), escape(card.version), state, title, "0", _short(card.digest), "—", "—", "")
    results().print(table)
    return 0


def show(name: str, settings: Settings, *, output: str) -> int:
    """Print a card: what it judges and what each item is worth, or its YAML; gives the exit status."""
    language = settings.language
    with _store(settings) as store:
        card = named(name, store, language=language)
        version = next((v for v in store.card_versions(card.id) if v.digest == card.digest), None)
    if output == "yaml":
        sys.stdout.write(card.text if card.text.endswith("\n") else card.text + "\n")
        return 0
    if output == "json":
        told: dict[str, Json] = _record(version) if version else _unused(card, language)
        told["card"] = card.model_dump(by_alias=True, exclude_none=True, mode="json")
        sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
        return 0
    console = results()
    title = t(language, "versions.title", title=card.title.text(language), id=card.id, version=card.version)
    table = Table(title=escape(title), title_justify="left", box=None, pad_edge=False)
    for column in ("section", "criterion", "name", "worth", "decided"):
        table.add_column(t(language, f"versions.column.{column}"), overflow="fold")
    for criterion in card.criteria:
        table.add_row(
            escape(card.section_title(criterion.section, language)),
            escape(criterion.title.text(language)),
            escape(criterion.id),
            worth(criterion, language),
            escape(criterion.expression.operator),
        )
    console.print(table)
    console.print(t(language, "versions.pass_mark", mark=f"{card.pass_mark:g}"), markup=False)
    console.print(t(language, "versions.digest", digest=card.digest), markup=False, soft_wrap=True)
    for change in version.changes if version else ():
        state = t(language, f"versions.state.{change.state}")
        line = t(
            language, "versions.change", when=_when(change.at, settings), state=state, who=change.who, why=change.why
        )
        console.print(line.rstrip("：: "), markup=False, soft_wrap=True)
    return 0


def diff(first: str, second: str | None, settings: Settings, *, output: str) -> int:
    """Print what differs between two cards, or between the active version and a card; gives the exit status."""
    language = settings.language
    with _store(settings) as store:
        new = named(second or first, store, language=language)
        old = named(first, store, language=language) if second else counterpart(new, store, language=language)
    changes = differences(old, new, language=language)
    if output == "json":
        told = {"old": _name(old), "new": _name(new), "changes": [asdict(change) for change in changes]}
        sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
        return 0
    console = results()
    heading = t(language, "versions.compared", old=f"{old.id}@{old.version}", new=f"{new.id}@{new.version}")
    console.print(heading, markup=False, style="bold")
    if not changes:
        console.print(t(language, "versions.same"), markup=False)
    _tell(changes, language)
    return 0


def put_to_use(name: str, settings: Settings, *, why: str, who: str | None) -> int:
    """Make a version the active one, if it is sound; gives the exit status."""
    language = settings.language
    if is_path(name) and validate_cards([Path(name)], settings):
        messages().print(t(language, "versions.not_activated", name=name), markup=False, soft_wrap=True)
        return 1
    with _store(settings) as store:
        card = named(name, store, language=language)
        former = active_version(card.id, store)
        version = activate(card, store, who=who or getpass.getuser(), why=why)
    if former is not None and former.version != version.version:
        told = t(language, "versions.replaced", name=version.name, former=former.name)
    else:
        told = t(language, "versions.activated", name=version.name)
    results().print(told, markup=False, soft_wrap=True)
    return 0


def take_out_of_use(name: str, settings: Settings, *, why: str, who: str | None) -> int:
    """Retire a version; gives the exit status."""
    language = settings.language
    with _store(settings) as store:
        card = named(name, store, language=language)
        version = retire(card, store, who=who or getpass.getuser(), why=why, language=language)
        left = active_version(card.id, store)
    results().print(t(language, "versions.retired", name=version.name), markup=False, soft_wrap=True)
    if left is None:
        messages().print(t(language, "versions.none_left", id=card.id), markup=False, soft_wrap=True)
    return 0


def worth(criterion: Criterion, language: Language) -> str:
    """What a criterion is worth, in words."""
    parts = []
    if criterion.points is not None:
        parts.append(t(language, "versions.points", points=f"{criterion.points:g}"))
    if criterion.deduct is not None:
        key = "versions.deduct_each" if criterion.each is not None else "versions.deduct"
        parts.append(t(language, key, points=f"{criterion.deduct:g}"))
    if criterion.each is not None and criterion.each.cap is not None:
        parts.append(t(language, "versions.cap", points=f"{criterion.each.cap:g}"))
    if criterion.fatal is not None:
        parts.append(t(language, "versions.fatal"))
    return t(language, "versions.comma").join(parts) or "—"


@contextmanager
def _store(settings: Settings) -> Iterator[Store]:
    with open_store(settings.store_url, media=settings.media, language=settings.language) as store:
        yield store


def _tell(changes: Sequence[Change], language: Language) -> None:
    console = results()
    for change in changes:
        kind, part = t(language, f"difference.kind.{change.kind}"), t(language, f"difference.part.{change.part}")
        name = "" if change.part in ("card", "flag") or change.title == change.id else f" [dim]({escape(change.id)})[/]"
        console.print(f"[{_KIND[change.kind]}]{kind}[/] {part} [bold]{escape(change.title)}[/]{name}", soft_wrap=True)
        for line in change.details:
            console.print(f"    {line}", markup=False, soft_wrap=True)


def _record(version: CardVersion) -> dict[str, Json]:
    return {
        "id": version.scorecard_id,
        "version": version.version,
        "digest": version.digest,
        "state": version.state.value,
        "evaluations": version.evaluations,
        "changes": [
            {
                "state": change.state.value,
                "digest": change.digest,
                "who": change.who,
                "why": change.why,
                "at": change.at.isoformat(timespec="seconds"),
            }
            for change in version.changes
        ],
    }


def _unused(card: Scorecard, language: Language) -> dict[str, Json]:
    return {
        "id": card.id,
        "version": card.version,
        "digest": card.digest,
        "state": None,
        "evaluations": 0,
        "changes": [],
        "title": card.title.text(language),
    }


def _name(card: Scorecard) -> dict[str, str]:
    return {"id": card.id, "version": card.version, "digest": card.digest}


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:SHORT]


def _when(moment: datetime, settings: Settings) -> str:
    return f"{moment.astimezone(ZoneInfo(settings.time_zone)):%Y-%m-%d %H:%M}"
