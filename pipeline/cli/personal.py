"""`zhijian retention` and `zhijian privacy`: deleting by age, and a customer's data exported or erased."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from pipeline.cli.console import messages, results
from pipeline.formats_out import evaluation_record
from pipeline.i18n import t
from pipeline.privacy import opener
from pipeline.remote import at_hand
from pipeline.retention import CLASSES, WHATS, Deletion, days_of, erase, of_customer, retain
from pipeline.settings import Settings
from pipeline.store import Result, open_store
from pipeline.versions import CardArchive


def run_retention(settings: Settings, *, dry_run: bool) -> int:
    """Delete what is due, print what was deleted, and that nothing of it is left; gives the exit status."""
    language = settings.language
    with open_store(settings.store_url, media=settings.media, language=language) as store:
        deletion = retain(store, settings, dry_run=dry_run)
    if not any(days_of(settings, what, kind) for what in WHATS for kind in CLASSES):
        messages().print(t(language, "privacy.off"))
        return 0
    _show(deletion, settings, dry_run=dry_run)
    return 0


def erase_customer(customer: str, settings: Settings, *, dry_run: bool) -> int:
    """Delete all of a customer, print what was deleted, and that nothing of it is left; gives the exit status."""
    with open_store(settings.store_url, media=settings.media, language=settings.language) as store:
        deletion = erase(store, settings, customer, dry_run=dry_run)
    _show(deletion, settings, dry_run=dry_run)
    return 0


def export_customer(customer: str, out: Path, settings: Settings) -> int:
    """Write all that is kept of a customer into a folder: `data.jsonl` and the recordings; gives the exit status.

    What was masked is in it where it was kept encrypted and the key is at hand. Recordings that are gone or cannot be
    fetched are told of, with status 1.
    """
    language = settings.language
    with open_store(settings.store_url, media=settings.media, language=language) as store:
        theirs = {one.digest for one in of_customer(store, settings, customer)}
        found = tuple(store.results(digests=theirs, newest=False))
        decisions = store.decisions()
        archive = CardArchive(store, settings.cards)
        cards = {d: archive.get(d) for d in {result.evaluation.scorecard_digest for result in found}}
    out.mkdir(parents=True, exist_ok=True)
    ids = {result.conversation.interaction.id for result in found}
    with (out / "data.jsonl").open("w", encoding="utf-8") as file:
        for result in found:
            card = cards[result.evaluation.scorecard_digest]
            turns = result.conversation.turns
            record = {
                "interaction": _interaction(result, settings),
                "evaluation": evaluation_record(result.evaluation, result.review, card, language, turns),
            }
            file.write(json.dumps(record, ensure_ascii=False, default=str) + "\n")
        for decision in decisions:
            if decision.interaction in ids:
                file.write(json.dumps({"decision": asdict(decision)}, ensure_ascii=False, default=str) + "\n")
    missing: set[str] = set()
    for interaction in (result.conversation.interaction for result in found):
        if interaction.recording is None:
            continue
        if (sound := _sound(interaction.recording)) is None:
            missing.add(interaction.id)
        else:
            shutil.copyfile(sound, out / Path(interaction.recording).name)
    if missing:
        messages().print(t(language, "privacy.no_recording", ids=", ".join(sorted(missing))), markup=False)
    results().print(str(out / "data.jsonl"), markup=False, soft_wrap=True)
    return 1 if missing else 0


def new_key() -> int:
    """Print a key for `privacy.key`; gives the exit status."""
    from cryptography.fernet import Fernet

    results().print(Fernet.generate_key().decode(), markup=False, soft_wrap=True)
    return 0


def _sound(recording: str) -> Path | None:
    """A recording as a file of this machine, `None` where there is none."""
    try:
        file = at_hand(recording)
    except OSError:
        return None
    return file if file.is_file() else None


def _interaction(result: Result, settings: Settings) -> dict[str, object]:
    conversation = result.conversation
    interaction = conversation.interaction
    hidden = opener(settings).open(conversation.sealed) if _can_open(conversation.sealed, settings) else ()
    return {
        "id": interaction.id,
        "channel": interaction.channel.value,
        "started_at": interaction.started_at.isoformat() if interaction.started_at else None,
        "customer": asdict(interaction.customer) if interaction.customer else None,
        "agent": asdict(interaction.agent) if interaction.agent else None,
        "queue": interaction.queue,
        "csat": interaction.csat,
        "attributes": dict(interaction.attributes),
        "extra": dict(interaction.extra),
        "recording": Path(interaction.recording).name if interaction.recording else None,
        "turns": [
            {"speaker": turn.speaker.value, "text": turn.text, "start": turn.start, "end": turn.end}
            for turn in conversation.turns
        ],
        "masked": [asdict(one) for one in hidden],
    }


def _can_open(sealed: str, settings: Settings) -> bool:
    return bool(sealed) and bool(settings.privacy.key.get_secret_value())


def _show(deletion: Deletion, settings: Settings, *, dry_run: bool) -> None:
    language, console = settings.language, messages()
    if not deletion.dropped:
        console.print(t(language, "privacy.nothing"))
        return
    title = t(language, "privacy.table.dry" if dry_run else "privacy.table.title")
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in ("what", "class", "older", "count"):
        table.add_column(t(language, f"privacy.table.{name}"))
    for one in deletion.dropped:
        older = t(language, "privacy.days", days=one.days) if one.days else "—"
        what, kind = t(language, f"privacy.what.{one.what}"), t(language, f"privacy.class.{one.kind}")
        table.add_row(what, kind, older, str(len(one.digests)))
    results().print(table)
    if deletion.record is not None:
        console.print(t(language, "privacy.proved", home=settings.home, count=deletion.checked), soft_wrap=True)
        console.print(t(language, "privacy.report_written", path=deletion.record), soft_wrap=True, markup=False)
    console.print(t(language, "privacy.inbox"))
