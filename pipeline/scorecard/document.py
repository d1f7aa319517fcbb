"""A YAML document as plain values, with line and column of every key and list item."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from pipeline.scorecard.problems import Fault, Place, Spot

_PLAIN: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (re.compile(r"null|Null|NULL|~|"), lambda _: None),
    (re.compile(r"true|True|TRUE"), lambda _: True),
    (re.compile(r"false|False|FALSE"), lambda _: False),
    (re.compile(r"[-+]?[0-9]{1,300}"), int),
    (re.compile(r"0o[0-7]{1,300}|0x[0-9a-fA-F]{1,300}"), lambda text: int(text, 0)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), lambda text: float(text.replace(".", ""))),
)
"""What an unquoted scalar means: the core schema of YAML 1.2 (section 10.3.2); yes, no, on and off are text."""
_JOINED = ("lists", "terms", "conditions", "sections")
"""Mappings of which an included file may add single keys."""
_Mark: TypeAlias = tuple[str, int, int]
"""File, line, column; the numbers from 1."""
DEEPEST, MOST = 60, 100_000
"""Levels and values that no card has; what has more is refused before it costs time and memory."""


class NotACardError(Exception):
    """The text is YAML, but of a kind that no card needs: the sentence `scorecard.error.RULE`, and where (from 1)."""

    def __init__(self, rule: str, mark: Any, **args: str | int) -> None:
        self.rule, self.args_of = rule, args
        self.line, self.column = mark.line + 1, mark.column + 1
        super().__init__(rule)


class Document:
    """The values of a YAML text, and where in the file each one stands. Of a key given twice, the first counts.

    Raises:
        yaml.YAMLError: the text is not YAML.
        NotACardError: it nests too deeply, refers to itself, or has a key that is no plain text.
    """

    def __init__(self, path: Path, text: str) -> None:
        import yaml

        self.path = path
        self.text = text
        self.double: list[Fault] = []
        """Keys that are given twice."""
        self._marks: dict[Place, _Mark] = {}
        self._doubled: dict[Place, _Mark] = {}
        self._count = 0
        self._taken = False
        # The loader only scans and composes here; what scalars mean is decided by `_PLAIN`.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        _check_depth(yaml.parse(text, Loader=loader))
        root = yaml.compose(text, Loader=loader)
        self.plain: Any = None if root is None else self._value(root, (), ())

    def spot(self, place: Place) -> Spot:
        """Where `place` stands; parts of it that are not in the file are left out."""
        found: Place = ()
        node, names = self.plain, []
        for part in place:
            if (*found, part) not in self._marks:
                continue
            found, node = (*found, part), node[part]
            name = node.get("id") if isinstance(part, int) and isinstance(node, dict) else None
            names.append(
                f"[{name if isinstance(name, str) and name else part}]" if isinstance(part, int) else f".{part}"
            )
        if not found:
            return Spot(str(self.path), 1)
        file, line, column = self._doubled.get(place) or self._marks.get(found, (str(self.path), 1, 1))
        return Spot(file, line, column, " ".join("".join(names).lstrip(".").split()))

    def known(self, place: Place) -> Place:
        """`place` without the parts that are not in the file."""
        found: Place = ()
        for part in place:
            found = (*found, part) if (*found, part) in self._marks else found
        return found

    def borrowed(self, place: Place) -> bool:
        """Whether what stands at `place` comes from an included file."""
        mark = self._marks.get(self.known(place))
        return mark is not None and mark[0] != str(self.path)

    def whole(self) -> str:
        """YAML that says the same without any other file: the text itself, or its values where some were taken in."""
        if not self._taken:
            return self.text
        import yaml

        return str(yaml.dump(self.plain, Dumper=_dumper(), allow_unicode=True, sort_keys=False, width=120))

    def take(self, part: Document, *, without: tuple[str, ...] = ()) -> None:
        """Add what `part` says at its top and this document does not; what comes from `part` keeps its own lines.

        Of mappings such as `lists` the keys are added that are not here, of `criteria` those with other ids.

        Args:
            part: another document.
            without: keys at its top that are left there.
        """
        self._taken = True
        for key, value in (part.plain if isinstance(part.plain, dict) else {}).items():
            if key in without:
                continue
            mine = self.plain.get(key)
            if key not in self.plain:
                self.plain[key] = value
                self._adopt(part, (key,), (key,))
            elif key in _JOINED and isinstance(value, dict) and isinstance(mine, dict):
                for name in [name for name in value if name not in mine]:
                    mine[name] = value[name]
                    self._adopt(part, (key, name), (key, name))
            elif key == "criteria" and isinstance(value, list) and isinstance(mine, list):
                known = {item.get("id") for item in mine if isinstance(item, dict)}
                for number, item in enumerate(value):
                    if not isinstance(item, dict) or item.get("id") not in known:
                        mine.append(item)
                        self._adopt(part, (key, number), (key, len(mine) - 1))

    def _adopt(self, part: Document, theirs: Place, mine: Place) -> None:
        """Take over the marks of what stands at `theirs` in `part` and now stands at `mine` here."""
        for place, mark in part._marks.items():
            if place[: len(theirs)] == theirs:
                self._marks[mine + place[len(theirs) :]] = mark
        for fault in part.double:
            if fault.place[: len(theirs)] == theirs:
                moved = replace(fault, place=(*mine, *fault.place[len(theirs) :], len(self.double)))
                self._doubled[moved.place] = part._doubled[fault.place]
                self.double.append(moved)

    def _start(self, node: Any) -> _Mark:
        return str(self.path), node.start_mark.line + 1, node.start_mark.column + 1

    def _value(self, node: Any, place: Place, above: tuple[int, ...]) -> Any:
        """The plain value of a node; notes the lines of what is in it. `above`: the nodes that it stands in."""
        import yaml

        self._count += 1
        if self._count > MOST:
            raise NotACardError("yaml_too_large", node.start_mark, most=MOST)
        if isinstance(node, yaml.ScalarNode):
            return node.value if node.style else _scalar(node.value)
        if id(node) in above:
            raise NotACardError("yaml_in_itself", node.start_mark)
        above = (*above, id(node))
        if isinstance(node, yaml.SequenceNode):
            for number, item in enumerate(node.value):
                self._marks[*place, number] = self._start(item)
            return [self._value(item, (*place, number), above) for number, item in enumerate(node.value)]
        values: dict[str, Any] = {}
        for key, item in _entries(node):
            if key.value in values:
                first = self._marks[*place, key.value][1]
                fault = Fault((*place, key.value, len(self.double)), "double_key", {"key": key.value, "first": first})
                self._doubled[fault.place] = self._start(key)
                self.double.append(fault)
                continue
            self._marks[*place, key.value] = self._start(key)
            values[key.value] = self._value(item, (*place, key.value), above)
        return values


def _check_depth(events: Iterator[Any]) -> None:
    """Raise where collections nest deeper than `DEEPEST`: composing and reading them recurses."""
    import yaml

    depth = 0
    for event in events:
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise NotACardError("yaml_too_deep", event.start_mark, most=DEEPEST)


def _entries(mapping: Any) -> Iterator[tuple[Any, Any]]:
    import yaml

    for key, value in mapping.value:
        if not isinstance(key, yaml.ScalarNode):
            raise NotACardError("yaml_key", key.start_mark)
        yield key, value


def _scalar(text: str) -> Any:
    return next((meaning(text) for form, meaning in _PLAIN if form.fullmatch(text)), text)


def _dumper() -> Any:
    """A dumper that puts quotes round every text that `_PLAIN` would take for something else."""
    import yaml

    class Dumper(yaml.SafeDumper):  # type: ignore[misc,unused-ignore]
        pass

    def text(dumper: Any, value: str) -> Any:
        plain = isinstance(_scalar(value), str)
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if plain else '"')

    Dumper.add_representer(str, text)
    return Dumper
