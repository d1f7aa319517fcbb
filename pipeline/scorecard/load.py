"""YAML file → `Scorecard`, with every fault of the file told by line, key path and what was expected."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.i18n import Language, t
from pipeline.scorecard.consistency import faults
from pipeline.scorecard.document import Document, NotACardError
from pipeline.scorecard.explain import explained
from pipeline.scorecard.include import gather
from pipeline.scorecard.model import Scorecard
from pipeline.scorecard.problems import BadScorecardError, Fault, Problem, Spot, closest, in_order
from pipeline.scorecard.syntax import control_character, syntax_problem


def load_scorecard(path: str | Path, *, language: Language = "zh") -> Scorecard:
    """Read a scorecard.

    Args:
        path: the YAML file.
        language: of the messages.

    Raises:
        BadScorecardError: the file is missing or wrong; `problems` lists everything that is.
    """
    card, _, problems = read(Path(path), language=language)
    if card is None:
        raise BadScorecardError(problems, language)
    return card


def find_scorecard(id_or_path: str | Path, *, language: Language = "zh") -> Scorecard:
    """Read a shipped scorecard by its id, or any scorecard by its path.

    Raises:
        BadScorecardError: neither a shipped card nor a file, or the card is wrong.
    """
    if Path(id_or_path).suffix in (".yaml", ".yml") or Path(id_or_path).is_file():
        return load_scorecard(id_or_path, language=language)
    shipped = files("scorecards") / f"{id_or_path}.yaml"
    if shipped.is_file():
        return load_scorecard(Path(str(shipped)), language=language)
    name, shipped_ids = str(id_or_path), shipped_scorecards()
    meant = closest(name, shipped_ids)
    fix = (
        t(language, "scorecard.did_you_mean", name=meant)
        if meant
        else t(language, "scorecard.shipped", names=", ".join(shipped_ids))
    )
    message = t(language, "scorecard.error.not_shipped", name=name)
    raise BadScorecardError((Problem("error", "not_shipped", Spot(name), message, fix),), language)


def shipped_scorecards() -> tuple[str, ...]:
    """Ids of the scorecards that come with the product."""
    return tuple(
        sorted(f.name.removesuffix(".yaml") for f in files("scorecards").iterdir() if f.name.endswith(".yaml"))
    )


def read(
    path: Path, *, language: Language = "zh", text: str | None = None
) -> tuple[Scorecard | None, Document | None, tuple[Problem, ...]]:
    """The card, its document with the lines, and everything wrong; the card is `None` where it cannot be used.

    With `text`, that is read instead of the file, and `path` is only what messages call it.
    """
    document = _parse(path, language, text)
    if isinstance(document, Problem):
        return None, None, (document,)
    problem = gather(document, partial(_parse, language=language), language)
    if problem is not None:
        return None, None, (problem,)
    lists = document.plain.get("lists")
    known = {
        str(name): tuple(p for p in (value if isinstance(value, list) else [value]) if isinstance(p, str))
        for name, value in (lists.items() if isinstance(lists, dict) else ())
    }
    card: Scorecard | None = None
    problems = [fault.told(document.spot(fault.place), language) for fault in document.double]
    try:
        card = Scorecard.model_validate(document.plain, context={"lists": known})
    except ValidationError as failure:
        problems += explained(failure.errors(include_url=False), document, language)
    problems += [fault.told(document.spot(fault.place), language) for fault in faults(document.plain)]
    if card is None or problems:
        return None, document, in_order(problems, path)
    card._digest = _digest(document.plain)
    card._source = str(path)
    card._text = document.whole()
    return card, document, ()


def _parse(path: Path, language: Language, text: str | None = None) -> Document | Problem:
    import yaml

    content = _content(path, language) if text is None else text
    if isinstance(content, Problem):
        return content
    forbidden = control_character(content)
    if forbidden is not None:
        line, column, code = forbidden
        return Fault((), "yaml_control", {"line": line, "column": column, "code": code}).told(
            Spot(str(path), line, column), language
        )
    try:
        document = Document(path, content)
    except (yaml.YAMLError, NotACardError) as error:
        return syntax_problem(error, str(path), content, language)
    if not isinstance(document.plain, dict):
        rule = "empty_file" if document.plain is None else "not_a_mapping"
        return Fault((), rule).told(Spot(str(path), 1), language)
    return document


def _content(path: Path, language: Language) -> str | Problem:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        names = ", ".join(shipped_scorecards())
        return Fault((), "no_file", {"names": names}).told(Spot(str(path)), language)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return Fault((), "not_utf8", {"line": line}).told(Spot(str(path), line), language)
    except (OSError, ValueError) as error:
        return Fault((), "unreadable", {"detail": str(error)}).told(Spot(str(path)), language)


def _digest(plain: Mapping[str, Any]) -> str:
    content = {key: value for key, value in plain.items() if key != "criteria"} | {
        "criteria": [{k: v for k, v in criterion.items() if k != "examples"} for criterion in plain["criteria"]]
    }
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"
