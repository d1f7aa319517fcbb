"""`zhijian models learn`: a reader that learns from the team's reviewed decisions."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from pipeline.cli.console import messages, results
from pipeline.errors import SettingsError
from pipeline.i18n import Language, t
from pipeline.jobs import fresh_reader
from pipeline.learning import LEAST, Comparison, Lesson, Share, learn
from pipeline.reader_models import CURRENT, use
from pipeline.settings import Settings
from pipeline.store import open_store
from pipeline.versions import CardArchive


def lesson(out: Path | None, settings: Settings, *, put_to_use: bool) -> int:
    """Learn, print how old and new compare, and use the new reader if asked to and fit; gives the exit status."""
    language = settings.language
    folder = (out or fresh_reader(settings)).absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        what = t(language, "learning.taken")
        raise SettingsError("Z536", what, where=str(folder), hint=t(language, "learning.taken_hint"))
    messages().print(t(language, "learning.reading"))
    with open_store(settings.store_url, media=settings.media, language=language) as store:
        learned = learn(store.reviewed(), CardArchive(store, settings.cards), settings, folder)
    _show(learned, language)
    return _decide(learned, settings, put_to_use=put_to_use)


def _decide(learned: Lesson, settings: Settings, *, put_to_use: bool) -> int:
    language, compared = settings.language, learned.comparison
    if not compared.enough:
        told = t(language, "learning.too_few", count=compared.decisions, least=LEAST)
    elif not compared.fit_for_use:
        told = t(language, "learning.worse")
    elif put_to_use:
        use(learned.folder, settings)
        messages().print(t(language, "learning.used"), markup=False, soft_wrap=True)
        if settings.reading.model != CURRENT:
            told = t(language, "learning.overridden", model=settings.reading.model)
            messages().print(told, markup=False, soft_wrap=True)
        return 0
    else:
        messages().print(t(language, "learning.may_use", folder=learned.folder), markup=False, soft_wrap=True)
        return 0
    messages().print(told, markup=False, soft_wrap=True)
    return 1 if put_to_use else 0


def _show(learned: Lesson, language: Language) -> None:
    acts = Table(title=t(language, "learning.acts", count=learned.taught), title_justify="left", box=None)
    for name in ("act", "there", "absent", "change"):
        acts.add_column(t(language, f"learning.column.{name}"), justify="left" if name == "act" else "right")
    for one in learned.learnt:
        change = f"{one.before[2]:+.2f} → {one.after[2]:+.2f}"
        acts.add_row(f"{one.role} {one.act}", str(one.there), str(one.absent), change)
    results().print(acts)
    results().print(_comparison(learned.comparison, language))
    results().print(t(language, "learning.written", folder=learned.folder), markup=False, soft_wrap=True)


def _comparison(compared: Comparison, language: Language) -> Table:
    title = t(language, "learning.compared", count=compared.decisions, interactions=compared.interactions)
    table = Table(title=title, title_justify="left", box=None)
    for name in ("reader", "right", "share", "interval"):
        table.add_column(t(language, f"learning.column.{name}"), justify="left" if name == "reader" else "right")
    rows = (("learning.old", compared.old_right, compared.old), ("learning.new", compared.new_right, compared.new))
    for name, right, share in rows:
        table.add_row(t(language, name), f"{right}/{compared.decisions}", *_figures(share, ""))
    gain = compared.new_right - compared.old_right
    table.add_row(t(language, "learning.gain"), f"{gain:+d}", *_figures(compared.gain, "+"))
    return table


def _figures(share: Share | None, sign: str) -> tuple[str, str]:
    if share is None:
        return "—", "—"
    return f"{share.value:{sign}.1%}", f"{share.low:{sign}.1%} … {share.high:{sign}.1%}"
