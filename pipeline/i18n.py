"""One catalogue of sentences in Chinese and English: `locales/AREA.yaml`, entries `AREA.rest.of.key: {zh: …, en: …}`.

Sentences are `str.format` templates. The language is an argument, never global state.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias

Language: TypeAlias = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


@cache
def area(name: str) -> Mapping[str, Mapping[Language, str]]:
    """Entries of one area of the catalogue, by full key.

    Raises:
        KeyError: there is no such area.
    """
    import yaml

    resource = files("pipeline") / "locales" / f"{name}.yaml"
    if not resource.is_file():
        raise KeyError(f"no catalogue area {name!r} (pipeline/locales/{name}.yaml)")
    # The base loader takes every value as text, so that no word (yes, no, on) turns into something else.
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    entries: dict[str, dict[Language, str]] = yaml.load(resource.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506
    return entries


def t(language: Language, key: str, /, **args: object) -> str:
    """The sentence `key` in `language`, with its arguments put in.

    Raises:
        KeyError: the key, the language or an argument is missing.
    """
    return _template(language, key).format(**args) if args else _sentence(language, key)


@cache
def _template(language: Language, key: str) -> str:
    return area(key.split(".", 1)[0])[key][language]


@cache
def _sentence(language: Language, key: str) -> str:
    return _template(language, key).format()
