"""What pydantic says of a card, in the words of a person who writes cards."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from pipeline.criteria import KINDS, Expression
from pipeline.criteria.expression import operator_names
from pipeline.i18n import Language, area, t
from pipeline.scorecard.document import Document
from pipeline.scorecard.model import Criterion, Scorecard
from pipeline.scorecard.problems import Place, Problem, closest, suggestion
from pipeline.scorecard.syntax import WIDE_COLON

_FAMILIES = ("int", "float", "string", "bool", "tuple", "list", "dict", "model", "value")
_AMOUNT = re.compile(
    r"\s*(?P<number>[-+]?[0-9０-９]+(?:[.．][0-9０-９]+)?)\s*(?P<unit>%|％|分|个|次|轮|句|秒|s|字|遍|条)?\s*"
)
_WHOLE = ("pass", "from", "total_below", "fatal_cap")
"""Keys whose number is of 100, so that `80%` means 80 and not 0.8."""


def explained(errors: list[ErrorDetails], document: Document, language: Language) -> list[Problem]:
    """One problem for each value that is wrong; what only follows from another error is left out."""
    told: dict[tuple[Place, str], Problem] = {}
    mistyped = {place for error in errors for place in _meant(error)}
    for error in errors:
        if error["loc"] not in mistyped and not _consequence(error, errors):
            place = document.known(error["loc"])
            key = "" if error["type"] in ("missing", "extra_forbidden") else place and "value"
            name = str(error["loc"][-1]) if error["type"] == "missing" and error["loc"] else ""
            told.setdefault((place, f"{key}{name}"), _explained(error, document, language))
    return list(told.values())


def _meant(error: ErrorDetails) -> Iterator[Place]:
    """Where the key would stand that an unknown key was meant to be; that it is missing there needs no second word."""
    place = error["loc"]
    if error["type"] == "extra_forbidden" and place:
        name = re.split(f"[:{WIDE_COLON}]", str(place[-1]))[0].strip()
        meant = closest(name, allowed_keys(place[:-1]))
        if meant is not None:
            yield (*place[:-1], meant)


def _consequence(error: ErrorDetails, errors: list[ErrorDetails]) -> bool:
    """Whether a list seems too short, or an operator missing, only because something in it is mistyped."""
    place = error["loc"]
    if error["type"] == "too_short":
        return any(e["loc"][: len(place)] == place for e in errors if e is not error)
    if error["type"] == "no_operator":
        above = place[:-1] if place[-1:] == ("operator",) else place
        return any(e["type"] == "extra_forbidden" and e["loc"][:-1] == above for e in errors)
    return False


def _explained(error: ErrorDetails, document: Document, language: Language) -> Problem:
    place: Place = tuple(error["loc"])
    kind, context = error["type"], dict(error.get("ctx") or {})
    found = document.known(place)
    name = str(place[-1]) if kind == "missing" else _name(found or place)
    given = _given(error["input"], language)
    rule, fix = kind, ""
    if kind == "extra_forbidden":
        rule, fix = _unknown_key(name, place, document, language)
    elif kind in ("literal_error", "enum"):
        allowed = tuple(part.strip("' ") for part in str(context.get("expected", "")).replace(" or ", ", ").split(","))
        context["expected"] = ", ".join(allowed)
        rule = "literal_error"
        meant = closest(str(error["input"]), allowed) if isinstance(error["input"], str) else None
        fix = t(language, "scorecard.did_you_mean", name=meant) if meant else ""
    elif kind.startswith(("int", "float")):
        fix = _number_fix(error["input"], name, language)
    elif kind == "less_than_equal" and context.get("le") == 1 and _is_per_cent(error["input"]):
        fix = t(language, "validate.fix.bare_number", name=name, number=f"{float(error['input']) / 100:g}")
    elif kind in ("model_type", "model_attributes_type", "dict_type"):
        names = allowed_keys(place)
        if names == ("zh", "en"):
            fix = t(language, "validate.fix.title")
        elif names and kind != "dict_type":
            fix = suggestion("", names, language)
    elif kind == "pattern_slot":
        allowed = tuple(str(context.get("allowed", "")).split(", "))
        fix = (
            suggestion(str(context.get("slot")), allowed, language)
            if closest(str(context.get("slot")), allowed)
            else ""
        )
    elif kind == "unknown_measure":
        meant = closest(str(context.get("given_name")), tuple(str(context.get("allowed", "")).split(", ")))
        fix = t(language, "scorecard.did_you_mean", name=meant) if meant else ""
    sentences, start = area("scorecard"), "scorecard"
    if f"validate.error.{rule}" in area("validate"):
        start = "validate"
    elif f"scorecard.error.{rule}" not in sentences:
        rule = next((f for f in _FAMILIES if kind.startswith(f) and f"scorecard.error.{f}" in sentences), "other")
    args = {"name": name, "given": given, "detail": error["msg"]} | context
    if not fix and f"validate.fix.{rule}" in area("validate"):
        fix = t(language, f"validate.fix.{rule}", **args)
    return Problem("error", rule, document.spot(place), t(language, f"{start}.error.{rule}", **args), fix)


def _name(place: Place) -> str:
    return next((part for part in reversed(place) if isinstance(part, str)), "")


def _given(value: Any, language: Language) -> str | int | float:
    """The wrong value as it is shown: what holds others only by its kind."""
    if value is None:
        return t(language, "validate.given.nothing")
    if isinstance(value, Mapping | BaseModel):
        return t(language, "validate.given.mapping")
    if isinstance(value, list | tuple):
        return t(language, "validate.given.list")
    if isinstance(value, int | float):
        return value
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else text[:59] + "…"


def _unknown_key(name: str, place: Place, document: Document, language: Language) -> tuple[str, str]:
    """The rule and the fix for a key that may not stand where it stands."""
    for colon in (WIDE_COLON, ":"):
        key, sign, value = name.partition(colon)
        if sign and key.strip():
            better = f"{key.strip()}: {value.strip()}"
            return "key_with_colon", t(language, "validate.fix.key_with_colon", better=better)
    if name == "<<":
        return "merge_key", t(language, "validate.fix.merge_key")
    allowed = allowed_keys(place[:-1])
    beside = _at(document.plain, document.known(place[:-1]))
    for operator in beside if isinstance(beside, Mapping) else {}:
        if operator in KINDS and name in _keys(KINDS[operator].params):
            return "extra_forbidden", t(language, "validate.fix.belongs_below", name=name, above=operator)
    if name in _keys(Criterion) and place[:1] == ("criteria",) and len(place) > 3 and name not in allowed:
        return "extra_forbidden", t(language, "validate.fix.belongs_to_criterion", name=name)
    if name in _keys(Scorecard) and len(place) > 1 and closest(name, allowed) is None:
        return "extra_forbidden", t(language, "validate.fix.belongs_to_card", name=name)
    return "extra_forbidden", suggestion(name, allowed, language) or t(language, "validate.fix.no_operator")


def _is_per_cent(given: Any) -> bool:
    return isinstance(given, int | float) and 2 <= given <= 100


def _number_fix(given: Any, name: str, language: Language) -> str:
    """The bare number in a text that holds one, such as `5分` or `80%`."""
    if isinstance(given, int | float):
        return ""
    match = _AMOUNT.fullmatch(given.strip("“”‘’\"'")) if isinstance(given, str) else None
    if match is None:
        return t(language, "validate.fix.number", name=name)
    number = float(match["number"].translate(str.maketrans("０１２３４５６７８９．", "0123456789.")))
    if match["unit"] in ("%", "％") and name not in _WHOLE:
        number /= 100
    return t(language, "validate.fix.bare_number", name=name, number=f"{number:g}")


def _at(plain: Any, place: Place) -> Any:
    for part in place:
        plain = plain[part]
    return plain


def _keys(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(field.alias or name for name, field in model.model_fields.items())


def allowed_keys(place: Place) -> tuple[str, ...]:
    """Keys that may stand in the mapping at `place`, found by walking the schema."""

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
    names = list(_keys(model))
    if "operator" in names:
        names.remove("operator")
        names += operator_names(Expression)
    return (*names, "include") if model is Scorecard else tuple(names)
