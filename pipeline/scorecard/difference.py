"""What changed between two scorecards, in words that a QA lead reads: items, weights, wording, thresholds, rules."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pipeline.i18n import Language, area, t
from pipeline.scorecard.model import TRIGGERS, Scorecard

Part: TypeAlias = Literal["card", "section", "criterion", "condition", "list", "flag"]
Kind: TypeAlias = Literal["added", "removed", "changed"]
_SILENT = ("examples", "fault")
"""Keys that say nothing of their own: examples change no score, `fault` follows from the worth."""
_COMMON = {
    "by": "agent",
    "times": 1,
    "at_least": 1,
    "of": "role",
    "review": "when_unsure",
    "every": "month",
    "together": "anywhere",
}
"""Values that are so usual that a short description leaves them out."""
_NAMED = 4
"""Wordings that a short description names."""


@dataclass(frozen=True, slots=True)
class Change:
    """One part of the card that is new, gone or different, and in which way; `id` is its name in the card."""

    part: Part
    kind: Kind
    id: str
    title: str
    details: tuple[str, ...] = ()


def differences(old: Scorecard, new: Scorecard, *, language: Language = "zh") -> tuple[Change, ...]:
    """Everything in which `new` differs from `old`, card first, then criteria, conditions, lists, rules.

    Examples do not count, for they change no score; neither does the order of wording.
    """
    words = _Words(language)
    before, after = _plain(old), _plain(new)
    elsewhere = ("sections", "conditions", "lists", "criteria", "flag", "id")
    top = [key for key in dict.fromkeys((*before, *after)) if key not in elsewhere]
    details = [line for key in top for line in words.compare(before.get(key), after.get(key), (key,))]
    changes = [Change("card", "changed", new.id, words.text(after["title"]), tuple(details))] if details else []
    changes += words.named("section", before.get("sections", {}), after.get("sections", {}))
    criteria = [{item["id"]: item for item in card["criteria"]} for card in (before, after)]
    changes += words.named("criterion", *criteria)
    changes += words.named("condition", before.get("conditions", {}), after.get("conditions", {}))
    changes += words.lists(before, after)
    changes += words.named("flag", _rules(before), _rules(after))
    return tuple(changes)


def _plain(card: Scorecard) -> dict[str, Any]:
    return card.model_dump(by_alias=True, exclude_none=True, mode="json")


def _rules(card: Mapping[str, Any]) -> dict[str, Any]:
    """Flag rules by their id, else by what triggers them; a second one of the same trigger gets a number."""
    found: dict[str, Any] = {}
    for rule in card.get("flag", ()):
        trigger = next((name for name in TRIGGERS if rule.get(name) is not None), "when")
        name, number = str(rule.get("id") or trigger), 2
        while name in found:
            name, number = f"{rule.get('id') or trigger} {number}", number + 1
        found[name] = rule
    return found


@dataclass(frozen=True, slots=True)
class _Words:
    """Differences of plain values as sentences in one language."""

    language: Language

    def named(self, part: Part, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
        """Parts with names: new ones, changed ones, and those that are gone, in the order of the new card."""
        for name, item in after.items():
            if name not in before:
                yield Change(part, "added", name, self._title(part, name, item), self._described(part, item))
            elif before[name] != item:
                details = tuple(self.compare(before[name], item, ()))
                if details:
                    yield Change(part, "changed", name, self._title(part, name, item), details)
        for name, item in before.items():
            if name not in after:
                yield Change(part, "removed", name, self._title(part, name, item), self._described(part, item))

    def lists(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
        """Wording lists, each with the criteria that use it."""
        for change in self.named("list", before.get("lists", {}), after.get("lists", {})):
            users = _users(change.id, before if change.kind == "removed" else after)
            titles = self._join([self.text(title) for title in users])
            told = t(self.language, "difference.used_by", titles=titles) if users else ""
            yield Change(change.part, change.kind, change.id, change.title, (*change.details, *filter(None, (told,))))

    def compare(self, old: Any, new: Any, path: tuple[str, ...]) -> Iterator[str]:
        """Sentences on everything below `path` that differs."""
        if old == new or path == ("id",) or (path and path[-1] in _SILENT):
            return
        if isinstance(old, bool) and isinstance(new, bool):
            yield self._line("became", path, old=self.value(old), new=self.value(new))
        elif isinstance(old, dict) and isinstance(new, dict) and not (_leaf(old) or _leaf(new)):
            for key in (*old, *(key for key in new if key not in old)):
                yield from self.compare(old.get(key), new.get(key), (*path, key))
        elif isinstance(old, list) and isinstance(new, list) and not (_range(old) or _range(new)):
            yield from self._lists(old, new, path)
        elif path[-1:] == ("random",) and isinstance(old, float) and isinstance(new, float):
            yield self._line("became", path, old=f"{old:.1%}", new=f"{new:.1%}")
        elif _empty(old):
            yield from self._one("gained", new, path)
        elif _empty(new):
            yield from self._one("lost", old, path)
        else:
            yield self._line("became", path, old=self.value(old), new=self.value(new))

    def value(self, value: Any) -> str:
        """A value as people say it: a number, a wording in quotes, an operator with what it looks for."""
        if isinstance(value, bool):
            return t(self.language, "difference.yes" if value else "difference.no")
        if isinstance(value, int | float):
            return f"{value:g}"
        if isinstance(value, str):
            key = f"difference.value.{value}"
            return t(self.language, key) if key in area("difference") else self._quoted(value)
        if isinstance(value, list):
            if _range(value):
                return "..".join("" if end is None else f"{end:g}" for end in value)
            shown = [self.value(item) for item in value[:_NAMED]]
            if len(value) > _NAMED:
                return t(self.language, "difference.and_more", named=self._join(shown), count=len(value))
            return self._join(shown)
        if set(value) <= {"zh", "en"}:
            return self._quoted(self.text(value))
        if set(value) == {"amount", "unit"}:
            return f"{value['amount']:g} {self.label(value['unit'])}"
        return self._mapping(value)

    def label(self, key: str) -> str:
        """What a key of the card is called; the key itself where the catalogue has no word for it."""
        name = f"difference.key.{key}"
        return t(self.language, name) if name in area("difference") else key

    def text(self, title: Any) -> str:
        """A title in this language."""
        return str(title[self.language]) if isinstance(title, dict) else str(title)

    def _lists(self, old: Sequence[Any], new: Sequence[Any], path: tuple[str, ...]) -> Iterator[str]:
        gone, come = _without(old, new), _without(new, old)
        if all(not isinstance(item, dict) for item in (*gone, *come)):
            for kind, items in (("gained", come), ("lost", gone)):
                if items:
                    yield self._line(kind, path, value=self._join([self.value(item) for item in items]))
            return
        for item in list(gone):
            twin = next((other for other in come if _alike(item, other)), None)
            if twin is not None:
                gone.remove(item)
                come.remove(twin)
                yield from self.compare(item, twin, path)
        for kind, items in (("gained", come), ("lost", gone)):
            for item in items:
                yield self._line(kind, path, value=self.value(item))

    def _one(self, kind: str, value: Any, path: tuple[str, ...]) -> Iterator[str]:
        if not _empty(value):
            yield self._line(kind, path, value=self.value(value))

    def _line(self, kind: str, path: tuple[str, ...], **args: str) -> str:
        where = t(self.language, "difference.within").join(self.label(key) for key in path if key != "operator")
        return t(self.language, f"difference.{kind}", where=where or self.label("content"), **args)

    def _mapping(self, value: Mapping[str, Any]) -> str:
        """An operator with its parameters, or other parameters, without what is usual."""
        told: list[str] = []
        for key, item in value.items():
            if _empty(item) or _COMMON.get(key) == item or key in _SILENT:
                continue
            if key in ("operator", "any", "condition"):
                told.append(self.value(item))
            else:
                told.append(t(self.language, "difference.pair", key=self.label(key), value=self.value(item)))
        return t(self.language, "difference.comma").join(told)

    def _described(self, part: Part, item: Any) -> tuple[str, ...]:
        if part == "list":
            return (self.value(item),)
        if not isinstance(item, dict) or part == "section":
            return ()
        kept = {key: value for key, value in item.items() if key not in ("id", "title", "source", "section")}
        return tuple(
            t(self.language, "difference.pair", key=self.label(key), value=self.value(value))
            if key != "operator"
            else self._mapping(value)
            for key, value in kept.items()
            if not (_empty(value) or _COMMON.get(key) == value or key in _SILENT)
        )

    def _title(self, part: Part, name: str, item: Any) -> str:
        title = item.get("title") if isinstance(item, dict) else None
        if part == "section" and title is None:
            title = item
        if title is not None:
            return self.text(title)
        return self.label(name.split(" ")[0]) if part == "flag" else name

    def _quoted(self, text: str) -> str:
        return t(self.language, "difference.quoted", text=text)

    def _join(self, parts: Iterable[str]) -> str:
        return t(self.language, "difference.joiner").join(parts)


def _users(name: str, card: Mapping[str, Any]) -> list[Any]:
    """Titles of the criteria that use a wording list, by themselves or by other lists and conditions."""
    marks = [f"<{name}>"]
    waiting = [("lists", "<{}>"), ("conditions", '"{}"')]
    known = {("lists", name)}
    changed = True
    while changed:
        changed = False
        for part, form in waiting:
            for other, content in card.get(part, {}).items():
                text = json.dumps(content, ensure_ascii=False)
                if (part, other) not in known and any(mark in text for mark in marks):
                    known.add((part, other))
                    marks.append(form.format(other))
                    changed = True
    found = []
    for criterion in card["criteria"]:
        judged = json.dumps({k: v for k, v in criterion.items() if k != "examples"}, ensure_ascii=False)
        if any(mark in judged for mark in marks):
            found.append(criterion["title"])
    return found


def _leaf(value: Mapping[str, Any]) -> bool:
    return bool(value) and (set(value) <= {"zh", "en"} or set(value) == {"amount", "unit"})


def _range(value: Sequence[Any]) -> bool:
    """Whether a list is a range such as `1..2`, which has two ends."""
    return len(value) == 2 and all(end is None or isinstance(end, float) for end in value)


def _empty(value: Any) -> bool:
    return value is None or value is False or value in ({}, [], "")


def _without(some: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    left = list(others)
    kept = []
    for item in some:
        if item in left:
            left.remove(item)
        else:
            kept.append(item)
    return kept


def _alike(one: Any, other: Any) -> bool:
    """Whether two entries of a list are the same operator, or have the same id, with other parameters."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return False
    if "id" in one or "id" in other:
        return one.get("id") == other.get("id")
    return set(one) == set(other)
