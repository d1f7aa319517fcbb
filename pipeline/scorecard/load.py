"""YAML file → `Scorecard`, with every fault of the file told by line, key path and what was expected."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pipeline.criteria import Expression
from pipeline.criteria.expression import operator_names
from pipeline.errors import ScorecardError
from pipeline.i18n import Language, area, t
from pipeline.scorecard.consistency import Place, faults
from pipeline.scorecard.document import Document
from pipeline.scorecard.model import Scorecard


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong (`error`), doubtful (`warning`) or worth knowing (`note`) about a card, and the way out."""

    severity: Literal["error", "warning", "note"]
    where: str
    message: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" + (f" → {self.fix}" if self.fix else "")


class BadScorecardError(ScorecardError):
    """A scorecard that cannot be used; `problems` holds everything that is wrong with it, not only the first."""

    def __init__(self, problems: tuple[Problem, ...], language: Language) -> None:
        self.problems = problems
        first, more = problems[0], len(problems) - 1
        what = first.message + (t(language, "scorecard.and_more", count=more) if more else "")
        super().__init__("Z201", what, where=first.where, hint=first.fix)


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
    fix = t(language, "scorecard.shipped", names=", ".join(shipped_scorecards()))
    message = t(language, "scorecard.error.not_shipped", name=str(id_or_path))
    raise BadScorecardError(
        (Problem("error", str(id_or_path), message, _closest(str(id_or_path), shipped_scorecards(), language) or fix),),
        language,
    )


def shipped_scorecards() -> tuple[str, ...]:
    """Ids of the scorecards that come with the product."""
    return tuple(
        sorted(f.name.removesuffix(".yaml") for f in files("scorecards").iterdir() if f.name.endswith(".yaml"))
    )


def read(path: Path, *, language: Language = "zh") -> tuple[Scorecard | None, Document | None, tuple[Problem, ...]]:
    """The card, its document with the lines, and everything wrong; the card is `None` where it cannot be used."""
    document = _parse(path, language)
    if isinstance(document, Problem):
        return None, None, (document,)
    lists = document.plain.get("lists")
    known = {
        str(name): tuple(p for p in (value if isinstance(value, list) else [value]) if isinstance(p, str))
        for name, value in (lists.items() if isinstance(lists, dict) else ())
    }
    card: Scorecard | None = None
    problems: list[Problem] = []
    try:
        card = Scorecard.model_validate(document.plain, context={"lists": known})
    except ValidationError as failure:
        errors = failure.errors(include_url=False)
        problems = [_explained(error, document, language) for error in errors if not _consequence(error, errors)]
    for fault in faults(document.plain):
        fix = _closest(fault.name, fault.allowed, language)
        if not fix and fault.allowed:
            fix = t(language, "scorecard.allowed", names=", ".join(fault.allowed))
        message = t(language, f"scorecard.error.{fault.key}", name=fault.name)
        problems.append(Problem("error", document.where(fault.place), message, fix))
    if card is None or problems:
        return None, document, tuple(sorted(problems, key=lambda problem: document.line_of(problem.where)))
    card._digest = _digest(document.plain)
    card._source = str(path)
    return card, document, ()


def _consequence(error: ErrorDetails, errors: list[ErrorDetails]) -> bool:
    """Whether a list seems too short, or an operator missing, only because something in it is mistyped."""
    place = error["loc"]
    if error["type"] == "too_short":
        return any(e["loc"][: len(place)] == place for e in errors if e is not error)
    if error["type"] == "no_operator":
        above = place[:-1] if place[-1:] == ("operator",) else place
        return any(e["type"] == "extra_forbidden" and e["loc"][:-1] == above for e in errors)
    return False


def _parse(path: Path, language: Language) -> Document | Problem:
    import yaml

    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return Problem(
            "error",
            str(path),
            t(language, "scorecard.error.no_file"),
            t(language, "scorecard.shipped", names=", ".join(shipped_scorecards())),
        )
    except (OSError, UnicodeDecodeError) as error:
        return Problem("error", str(path), t(language, "scorecard.error.unreadable", detail=str(error)))
    try:
        document = Document(path, text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        detail = " ".join(str(error.problem or error.context or "").split())
        return Problem(
            "error",
            f"{path}:{line}",
            t(language, "scorecard.error.yaml", detail=detail),
            t(language, "scorecard.quote_it"),
        )
    except yaml.YAMLError as error:
        return Problem("error", str(path), t(language, "scorecard.error.yaml", detail=str(error)))
    if not isinstance(document.plain, dict):
        return Problem("error", f"{path}:1", t(language, "scorecard.error.not_a_mapping"))
    return document


def _digest(plain: Mapping[str, Any]) -> str:
    content = {key: value for key, value in plain.items() if key != "criteria"} | {
        "criteria": [{k: v for k, v in criterion.items() if k != "examples"} for criterion in plain["criteria"]]
    }
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


def _explained(error: ErrorDetails, document: Document, language: Language) -> Problem:
    """A pydantic error in words, with the closest allowed name where one was mistyped."""
    kind, context = error["type"], dict(error.get("ctx") or {})
    place: Place = tuple(error["loc"])
    where = document.where(place)
    name = str(place[-1]) if place else ""
    given = error["input"] if isinstance(error["input"], str | int | float | bool) else type(error["input"]).__name__
    fix = ""
    if kind == "extra_forbidden":
        allowed = allowed_keys(place[:-1])
        fix = _closest(name, allowed, language) or t(language, "scorecard.allowed", names=", ".join(allowed))
    elif kind in ("literal_error", "enum"):
        allowed = tuple(part.strip("' ") for part in str(context.get("expected", "")).replace(" or ", ", ").split(","))
        context["expected"] = ", ".join(allowed)
        fix = _closest(str(given), allowed, language)
    elif kind == "no_operator":
        fix = t(language, "scorecard.see_manual")
    elif kind == "pattern_slot":
        fix = _closest(str(context.get("slot")), tuple(str(context.get("allowed", "")).split(", ")), language)
    sentences = area("scorecard")
    key = f"scorecard.error.{kind}"
    if key not in sentences:
        family = next(
            (f for f in ("int", "float", "string", "bool", "tuple", "dict", "model") if kind.startswith(f)), "other"
        )
        key = f"scorecard.error.{family}"
    context = {"name": name, "given": given, "detail": error["msg"]} | context
    return Problem("error", where, t(language, key, **context), fix)


def allowed_keys(place: Place) -> tuple[str, ...]:
    """Keys that may stand in the mapping at `place`, found by walking the schema."""
    import typing

    from pydantic import BaseModel

    def models(annotation: Any) -> Iterator[type[BaseModel]]:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield annotation
        for inner in typing.get_args(annotation):
            yield from models(inner)

    model: type[BaseModel] = Scorecard
    for part in place:
        if isinstance(part, int):
            continue
        field = next((f for n, f in model.model_fields.items() if part in (f.alias or n, n)), None)
        following = next(models(field.annotation), None) if field else None
        model = following or model
    names = [field.alias or name for name, field in model.model_fields.items()]
    if "operator" in names:
        names.remove("operator")
        names += operator_names(Expression)
    return tuple(names)


def _closest(name: str, allowed: tuple[str, ...], language: Language) -> str:
    from rapidfuzz.process import extractOne

    match = extractOne(name, allowed, score_cutoff=60)
    return t(language, "scorecard.did_you_mean", name=match[0]) if match else ""
