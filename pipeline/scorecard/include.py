"""`include`: wording, conditions and criteria that several cards share, kept in files of their own."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from pipeline.i18n import Language
from pipeline.scorecard.document import Document
from pipeline.scorecard.problems import Fault, Problem

KEY = "include"
OWN = ("id", "version", "title")
"""What a card says of itself; an included file cannot say it for it."""
FOLDERS = ("lexicons", "parts", "terms")
"""Where the shipped files lie that are made for being included."""


def gather(
    document: Document,
    parse: Callable[[Path], Document | Problem],
    language: Language,
    *,
    above: tuple[Path, ...] = (),
) -> Problem | None:
    """Take into `document` what its included files say and it does not say itself; then `include` is gone.

    What is said first counts: the card itself, then the included files in their order. A name is looked for beside the
    file that includes it, then among the shipped files.

    Args:
        document: changed in place.
        parse: reads an included file.
        language: of the problem.
        above: the files that include this one, outermost first.

    Returns:
        The first problem; `None` where all went well.
    """
    names = document.plain.get(KEY, [])
    for number, name in enumerate(names if isinstance(names, list) else [names]):
        found = _found(name, document.path)
        if not isinstance(found, Path) or found.resolve() in (*above, document.path.resolve()):
            rule = "include_circle" if isinstance(found, Path) else found
            allowed = () if isinstance(found, Path) else shipped_parts()
            fault = Fault((KEY, number), rule, {"name": str(name)}, allowed)
            return fault.told(document.spot(fault.place), language)
        part = parse(found)
        if isinstance(part, Problem):
            return part
        problem = gather(part, parse, language, above=(*above, document.path.resolve()))
        if problem is not None:
            return problem
        document.take(part, without=OWN)
    document.plain.pop(KEY, None)
    return None


def shipped_parts() -> tuple[str, ...]:
    """Names of the shipped files that are made for being included."""
    return tuple(
        sorted(
            f"{folder}/{file.name}"
            for folder in FOLDERS
            for file in (files("scorecards") / folder).iterdir()
            if file.name.endswith(".yaml")
        )
    )


def _found(name: object, beside: Path) -> Path | str:
    """The included file; else which rule its name breaks."""
    if not isinstance(name, str) or Path(name).suffix not in (".yaml", ".yml"):
        return "include_form"
    places = (beside.parent / name, Path(str(files("scorecards") / name)))
    return next((Path(os.path.normpath(path)) for path in places if path.is_file()), "include_missing")
