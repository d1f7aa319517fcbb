"""Why a text is no YAML, in words: what YAML's own messages mean for a person who writes a scorecard."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pipeline.i18n import Language, t
from pipeline.scorecard.document import NotACardError
from pipeline.scorecard.problems import Problem, Spot

WIDE_COLON, WIDE_COMMA = "：", "，"
_TIGHT_COLON = re.compile(r"^\s*(?:- )?[A-Za-z_]\w*:[^\s/]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def control_character(text: str) -> tuple[int, int, str] | None:
    """Line, column (from 1) and code of the first character that YAML forbids (YAML 1.2, section 5.1)."""
    match = _CONTROL.search(text)
    if match is None:
        return None
    before = text[: match.start()]
    return before.count("\n") + 1, match.start() - (before.rfind("\n") + 1) + 1, f"U+{ord(match[0]):04X}"


def syntax_problem(error: Any, file: str, text: str, language: Language) -> Problem:
    """What a `yaml.YAMLError` or a `NotACardError` means, and what to do."""
    if isinstance(error, NotACardError):
        return _problem(error.rule, Spot(file, error.line, error.column), error.args_of, language)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return _problem("yaml", Spot(file, 1, 1), {"detail": " ".join(str(error).split())}, language)
    lines = text.splitlines() or [""]
    rule, line, column, args = _meaning(error, lines)
    return _problem(rule, Spot(file, line, column), args, language)


def _problem(rule: str, spot: Spot, args: Mapping[str, str | int], language: Language) -> Problem:
    place = t(language, "validate.place", line=spot.line, column=spot.column)
    message = t(language, f"validate.error.{rule}", **args)
    key = f"validate.fix.{rule}"
    return Problem("error", rule, spot, f"{place}{message}", t(language, key, **args))


def _meaning(error: Any, lines: list[str]) -> tuple[str, int, int, dict[str, str | int]]:
    """Rule, line, column and arguments of a marked error."""
    problem, mark = str(error.problem or ""), error.problem_mark or error.context_mark
    line, column = mark.line + 1, mark.column + 1
    content = _line(lines, line)
    before = error.context_mark
    tab = next((i for i, ch in enumerate(content[: len(content) - len(content.lstrip())]) if ch == "\t"), None)
    if tab is not None or "tab" in problem:
        return "yaml_tab", line, (tab or 0) + 1, {}
    if "could not find expected ':'" in problem and before is not None:
        return _no_colon(before.line + 1, before.column + 1, lines)
    if "mapping values are not allowed" in problem:
        value = re.match(r"^\s*(?:- )*[^\s:#][^:]*?: +\S", content)
        if value and value.end() <= column:
            return "yaml_second_colon", line, column, {"text": _short(content)}
        return "yaml_value_and_keys", line, column, {"text": _short(content), "above": _above(lines, line)}
    if "quoted scalar" in str(error.context) and "end of" in problem and before is not None:
        return "yaml_quote_open", before.line + 1, before.column + 1, {"sign": _sign(lines, before)}
    if "unknown escape" in problem or "hexdecimal" in problem or "hexadecimal" in problem:
        return "yaml_escape", line, column, {"text": content[mark.column : mark.column + 2]}
    if "expected ',' or" in problem and before is not None:
        quoted = content[: mark.column].rstrip()[-1:] in ('"', "'")
        if quoted and content[mark.column : mark.column + 1] not in ("", WIDE_COMMA, "#"):
            return "yaml_after_value", line, column, {"text": _short(content[mark.column :])}
        closing = "]" if "]" in problem else "}"
        start = before.line + 1, before.column + 1
        rule = "yaml_wide_comma" if WIDE_COMMA in "".join(lines[before.line : line]) else "yaml_open_bracket"
        return rule, *start, {"sign": _sign(lines, before), "closing": closing, "line": line, "column": column}
    if "cannot start any token" in problem or "mapping keys are not allowed" in problem:
        return "yaml_sign", line, column, {"sign": content[mark.column : mark.column + 1]}
    if "expected comment or line break" in problem:
        return "yaml_sign", line, column, {"sign": _sign(lines, before)}
    if "undefined alias" in problem or "alias" in str(error.context) or "anchor" in str(error.context):
        return "yaml_alias", line, column, {"sign": content[mark.column : mark.column + 1], "text": _short(content)}
    if "another document" in problem:
        return "yaml_documents", line, column, {}
    if "block sequence entries" in problem:
        return "yaml_dash_inline", line, column, {"text": _short(content)}
    if "node content" in problem:
        return "yaml_nothing", line, column, {}
    if "did not find expected" in problem:
        return _misplaced(problem, line, column, lines, before)
    return "yaml", line, column, {"detail": " ".join(problem.split())}


def _no_colon(line: int, column: int, lines: list[str]) -> tuple[str, int, int, dict[str, str | int]]:
    """A line that should be `key: value` and has no colon that YAML takes for one."""
    content = _line(lines, line)
    if WIDE_COLON in content:
        better = re.sub(f"\\s*{WIDE_COLON}\\s*", ": ", content, count=1).strip()
        return "yaml_wide_colon", line, content.index(WIDE_COLON) + 1, {"text": _short(content), "better": better}
    if _TIGHT_COLON.match(content):
        better = content.replace(":", ": ", 1).strip()
        return "yaml_tight_colon", line, content.index(":") + 1, {"text": _short(content), "better": better}
    return "yaml_no_colon", line, column, {"text": _short(content)}


def _misplaced(
    problem: str, line: int, column: int, lines: list[str], context: Any
) -> tuple[str, int, int, dict[str, str | int]]:
    """Something stands where a key, a list item or the end should stand."""
    content = _line(lines, line)
    rest = content[column - 1 :]
    if content[: column - 1].strip(" -"):
        odd = next((n for n in range(1, line) if _line(lines, n).count('"') % 2), None)
        if odd is not None and '"' in content[: column - 1]:
            return "yaml_quote_open", odd, _line(lines, odd).rindex('"') + 1, {"sign": '"'}
        return "yaml_after_value", line, column, {"text": _short(rest)}
    if rest[:1] in ("]", "}"):
        return "yaml_closes_nothing", line, column, {"sign": rest[:1]}
    if rest.startswith("-") and "key" in problem:
        return "yaml_dash_place", line, column, {"text": _short(content)}
    if context is not None and "expected" in problem:
        wanted, first = context.column, context.line + 1
        rule = "yaml_item_place" if "'-'" in problem else "yaml_indent"
        return rule, line, column, {"blanks": column - 1, "wanted": wanted, "first": first}
    return "yaml", line, column, {"detail": " ".join(problem.split())}


def _line(lines: list[str], number: int) -> str:
    return lines[number - 1] if number <= len(lines) else ""


def _above(lines: list[str], line: int) -> int:
    """Number of the last line with content before `line`."""
    return next(
        (n for n in range(line - 1, 0, -1) if _line(lines, n).strip(" ") and _line(lines, n).strip()[0] != "#"), 1
    )


def _sign(lines: list[str], mark: Any) -> str:
    return _line(lines, mark.line + 1)[mark.column : mark.column + 1]


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:39] + "…"
