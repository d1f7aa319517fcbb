"""What is wrong with a card, how badly, where, and the way out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from pipeline.errors import ScorecardError
from pipeline.i18n import Language, area, t

Place: TypeAlias = tuple[str | int, ...]
"""Keys and positions from the top of the file to a value."""
Args: TypeAlias = Mapping[str, str | int | float]
"""What is put into a sentence."""
Severity: TypeAlias = Literal["error", "warning", "advice"]
"""`error`: the card cannot be used so; `warning`: it can, but hardly means it; `advice`: it could be better."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a file; line and column count from 1 and are `None` where the file has none."""

    file: str
    line: int | None = None
    column: int | None = None
    path: str = ""

    def __str__(self) -> str:
        if self.line is None:
            return self.file
        if self.path:
            return f"{self.file}:{self.line}: {self.path}"
        return f"{self.file}:{self.line}" + (f":{self.column}" if self.column else "")


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding in words. `rule` is its stable name, which docs/scorecards.md lists."""

    severity: Severity
    rule: str
    spot: Spot
    message: str
    fix: str = ""

    @property
    def where(self) -> str:
        """`file:line: key.path`."""
        return str(self.spot)

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" + (f" → {self.fix}" if self.fix else "")


@dataclass(frozen=True, slots=True)
class Fault:
    """A finding before it is put into words.

    The sentences are `validate.SEVERITY.RULE` and, where there is one, `validate.fix.RULE`, with `args`; an argument
    `@KEY` is itself a sentence. Of the names `allowed`, the one closest to `args["name"]` is suggested.
    """

    place: Place
    rule: str
    args: Args = field(default_factory=dict)
    allowed: tuple[str, ...] = ()
    severity: Severity = "error"

    def told(self, spot: Spot, language: Language) -> Problem:
        """The same in words."""
        known = area("validate")
        args = {
            name: t(language, value[1:]) if isinstance(value, str) and value[1:] in known else value
            for name, value in self.args.items()
        }
        message = t(language, f"validate.{self.severity}.{self.rule}", **args)
        fix = suggestion(str(self.args.get("name", "")), self.allowed, language) if self.allowed else ""
        if not fix and f"validate.fix.{self.rule}" in known:
            fix = t(language, f"validate.fix.{self.rule}", **args)
        return Problem(self.severity, self.rule, spot, message, fix)


def in_order(problems: Iterable[Problem], path: Path | str) -> tuple[Problem, ...]:
    """The problems in order of lines: those of the file `path` first, then those of the files that it includes."""
    return tuple(sorted(problems, key=lambda p: (p.spot.file != str(path), p.spot.file, p.spot.line or 0)))


class BadScorecardError(ScorecardError):
    """A scorecard that cannot be used; `problems` holds everything that is wrong with it, not only the first."""

    def __init__(self, problems: tuple[Problem, ...], language: Language) -> None:
        self.problems = problems
        first, more = problems[0], len(problems) - 1
        what = first.message + (t(language, "scorecard.and_more", count=more) if more else "")
        super().__init__("Z201", what, where=first.where, hint=first.fix)


def closest(name: str, allowed: tuple[str, ...]) -> str | None:
    """The name among `allowed` that `name` most likely was meant to be; `None` where none is like it."""
    from rapidfuzz.fuzz import ratio
    from rapidfuzz.process import extractOne

    meant = next((m for m in MEANT.get(name.strip().lower(), ()) if m in allowed), None)
    if meant is not None:
        return meant
    match = extractOne(name, allowed, scorer=ratio, score_cutoff=LIKE)
    return match[0] if match else None


def suggestion(name: str, allowed: tuple[str, ...], language: Language) -> str:
    """`did you mean …?`, or all that may be written where nothing is like `name`; empty where that is too much."""
    meant = closest(name, allowed)
    if meant is not None:
        return t(language, "scorecard.did_you_mean", name=meant)
    return t(language, "scorecard.allowed", names=", ".join(allowed)) if 0 < len(allowed) <= MOST_NAMES else ""


MEANT: Mapping[str, tuple[str, ...]] = {
    "编号": ("id",), "版本": ("version",), "标题": ("title",), "名称": ("title",), "渠道": ("channels",),
    "及格": ("pass",), "及格线": ("pass",), "合格线": ("pass",), "通过": ("pass",), "等级": ("bands",),
    "分段": ("bands",), "环节": ("sections",), "分区": ("section",), "部分": ("section",), "设置": ("settings",),
    "列表": ("lists",), "词表": ("lists",), "条件": ("conditions",), "评分项": ("criteria",), "标准": ("criteria",),
    "标记": ("flag",), "复核": ("review",), "来源": ("source",), "分值": ("points",), "分数": ("points",),
    "得分": ("points",), "扣分": ("deduct",), "一票否决": ("fatal",), "致命": ("fatal",), "话术": ("phrase",),
    "短语": ("phrase",), "关键词": ("phrase",), "顺序": ("sequence",), "静默": ("silence",), "语速": ("pace",),
    "抢话": ("interruption",), "重复": ("repetition",), "示例": ("examples",), "例子": ("examples",),
    "达标": ("met",), "部分达标": ("partial",), "不达标": ("unmet",), "不适用": ("not_applicable",),
    "听不清": ("unsure",), "拿不准": ("unsure",),
    "除非": ("unless",), "例外": ("except",), "排除": ("except",), "任一": ("any",),
    "全部": ("all",), "优先级": ("priority",), "随机": ("random",), "窗口": ("window",), "坐席": ("agent",),
    "客服": ("agent",), "员工": ("agent",), "客户": ("customer",), "顾客": ("customer",), "机器人": ("bot",),
    "双方": ("anyone",), "所有人": ("anyone",), "任何人": ("anyone",), "电话": ("call",), "通话": ("call",),
    "热线": ("call",), "聊天": ("chat",), "在线": ("chat",), "邮件": ("email",), "总是": ("always",),
    "从不": ("never",), "整卡": ("card",), "全卡": ("card",), "服务": ("service",), "产品": ("product",),
    "流程": ("process",), "政策": ("policy",), "无": ("none",), "keyword": ("phrase",), "keywords": ("phrase",),
    "words": ("phrase",), "text": ("phrase",), "regex": ("pattern", "phrase",), "regexp": ("pattern", "phrase",),
    "正则": ("pattern",), "score": ("points",), "name": ("title",), "role": ("by",), "speaker": ("by",),
    "角色": ("by",), "rules": ("criteria",), "items": ("criteria",), "phone": ("call",), "telephone": ("call",),
    "voice": ("call",), "yes": ("card", "always",), "true": ("card", "always",), "是": ("card", "always",),
    "start": ("first_quarter",), "end": ("last_quarter",), "开头": ("first_quarter",), "结尾": ("last_quarter",),
    "good": ("met",), "bad": ("unmet",), "max": ("cap",), "limit": ("cap",),
}  # fmt: skip
"""What people write who translate keys and values or know those of other programs, and what may be meant."""
MOST_NAMES = 10
"""More names than this are not listed."""
LIKE = 65.0
"""Names that are less alike than this (0…100) are not suggested for one another."""
