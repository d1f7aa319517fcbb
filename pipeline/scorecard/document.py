"""A YAML document as plain values, with the line of every key and list item."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pipeline.scorecard.consistency import Place

_PLAIN: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (re.compile(r"null|Null|NULL|~|"), lambda _: None),
    (re.compile(r"true|True|TRUE"), lambda _: True),
    (re.compile(r"false|False|FALSE"), lambda _: False),
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+"), lambda text: int(text, 0)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), lambda text: float(text.replace(".", ""))),
)
"""What an unquoted scalar means: the core schema of YAML 1.2 (section 10.3.2); yes, no, on and off are text."""


class Document:
    """The values of a YAML text, and where in the file each one stands.

    Raises:
        yaml.YAMLError: the text is not YAML, names a key twice, or refers to itself.
    """

    def __init__(self, path: Path, text: str) -> None:
        import yaml

        self.path = path
        self._lines: dict[Place, int] = {}
        # The loader only scans and composes here; what scalars mean is decided by `_PLAIN`.
        root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        self.plain: Any = None if root is None else self._value(root, (), ())

    def where(self, place: Place) -> str:
        """`file:line: key.path`; parts of `place` that are not in the file are left out."""
        found: Place = ()
        node, names = self.plain, []
        for part in place:
            if (*found, part) not in self._lines:
                continue
            found, node = (*found, part), node[part]
            name = node.get("id") if isinstance(part, int) and isinstance(node, dict) else None
            names.append(f"[{name or part}]" if isinstance(part, int) else f".{part}")
        path = "".join(names).lstrip(".")
        return f"{self.path}:{self._lines.get(found, 1)}" + (f": {path}" if path else "")

    @staticmethod
    def line_of(where: str) -> int:
        """The line number in a `file:line: key.path` of `where`."""
        match = re.search(r":(\d+)(?:: |$)", where)
        return int(match[1]) if match else 0

    def _value(self, node: Any, place: Place, above: tuple[int, ...]) -> Any:
        """The plain value of a node; notes the lines of what is in it. `above`: the nodes that it stands in."""
        import yaml

        if isinstance(node, yaml.ScalarNode):
            return node.value if node.style else _scalar(node.value)
        if id(node) in above:
            raise yaml.MarkedYAMLError(problem="found an alias inside its own anchor", problem_mark=node.start_mark)
        above = (*above, id(node))
        if isinstance(node, yaml.SequenceNode):
            for number, item in enumerate(node.value):
                self._lines[*place, number] = item.start_mark.line + 1
            return [self._value(item, (*place, number), above) for number, item in enumerate(node.value)]
        values: dict[str, Any] = {}
        for key, item in _entries(node):
            if key.value in values:
                raise yaml.MarkedYAMLError(problem=f"found duplicate key {key.value}", problem_mark=key.start_mark)
            self._lines[*place, key.value] = key.start_mark.line + 1
            values[key.value] = self._value(item, (*place, key.value), above)
        return values


def _entries(mapping: Any) -> Iterator[tuple[Any, Any]]:
    import yaml

    for key, value in mapping.value:
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.MarkedYAMLError(problem="found a key that is no plain text", problem_mark=key.start_mark)
        yield key, value


def _scalar(text: str) -> Any:
    return next((meaning(text) for form, meaning in _PLAIN if form.fullmatch(text)), text)
