"""terms: the house's terms are not kept, or left unexplained. / 没有按企业用语表说话，或用了术语不解释。

English: the card's table `terms` (usually kept in a file of its own, see `include`) names each term as it should be
said: `退订: {forbidden: [取消订阅]}` what must not be said for it, `溢缴款: {explain: [多还的钱]}` that it must be
explained to the customer when it is used, by one of these phrases, or with `explain: true` by any turn of phrase such
as 意思是, 指的是, 相当于. `check` says what is looked for: `forbidden`, `explain`, or both (default); `only` names
the terms, otherwise all count; `table` adds terms for this criterion alone. An explanation counts in the same turn,
and up to `within` (default `1 turns` of `by`) after it; a term that the customer used first needs none. `by` (default
`agent`), `window`, `times` (default 1) as everywhere; wording is matched as in `phrase`. Unsure where the turns were
badly heard or their speaker is unknown; not applicable where the role says nothing.

中文：评分卡的用语表 `terms`（一般单独放一个文件，用 `include` 引入）列出每个用语的标准说
法：`退订: {forbidden: [取消订阅]}` 写不能用来代替它的说法；`溢缴款: {explain: [多还的钱]}` 表示用到它时要向客户解释，说
了其中一种就算解释过，写 `explain: true` 则“意思是”“指的是”“相当于”之类都算。`check` 指定查什么：`forbidden`（禁用说
法）、`explain`（未解释），默认两样都查；`only` 只查列出的用语，默认全部；`table` 补充只在这一项里用的用语。解释可以在同
一句，也可以在之后 `within`（默认 `1 turns`，按 `by` 的句数）以内；客户自己先用的术语不必解释。`by`（默
认 `agent`）、`window`、`times`（默认 1）与其他判定方式相同，话术的写法与 `phrase` 相同。录音听不清或分不清是谁说的，判
为“拿不准”；该角色没有发言，则不适用。

```yaml
terms: {check: explain, within: 1 turns, table: {溢缴款: {explain: [多还的钱, 多存的钱]}}}
```

```met
坐席: 您的卡里有一笔溢缴款，要取回吗？
客户: 什么？
坐席: 您可以在应用里申请。
```

```unmet
坐席: 您的卡里有一笔溢缴款，就是之前多还的钱，要取回吗？
客户: 取回吧。
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from pipeline.conversation import Conversation, Reason
from pipeline.criteria.base import (
    Context,
    Hit,
    Names,
    Outcome,
    PatternList,
    Reach,
    Role,
    Strict,
    flat,
    found,
    missed,
    not_found,
    role_word,
    speaks,
    wrong,
)
from pipeline.criteria.phrase import occurrences
from pipeline.criteria.window import Distance, Window, select
from pipeline.text import matching_form

_EXPLAINS = re.compile(
    r"也就是|意思(?:就)?是|指的?(?:就)?是|就是指|所谓|通俗[地点来]?[讲说]|简单[地点来]?[讲说]|换句话说|换言之|相当于|全称|说白了"
)
"""Turns of phrase that explain, for `explain: true`; over the text as it is, since some are fillers elsewhere."""


class Term(Strict):
    """What must not be said for a term, and whether (and how) it must be explained."""

    forbidden: PatternList = ()
    explain: bool | PatternList = False

    @model_validator(mode="after")
    def _asks_something(self) -> Term:
        if not self.forbidden and not self.explain:
            raise wrong("term_empty")
        return self


class Params(Strict):
    """What is looked for, of which terms, in whose turns."""

    check: Annotated[tuple[Literal["forbidden", "explain"], ...], BeforeValidator(flat), Field(min_length=1)] = (
        "forbidden",
        "explain",
    )
    only: Names = ()
    table: dict[str, Term] = Field(default_factory=dict)
    within: Distance = Reach(1, "turns")
    by: Role = "agent"
    window: Window | None = None
    times: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"check": value} if isinstance(value, str | list | tuple) else value


@dataclass(frozen=True, slots=True)
class _Slip:
    """A wrong term, or one that was not explained."""

    hit: Hit
    term: str
    what: Literal["forbidden", "explain"]


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether terms are used as the table forbids, or without the explanation that it asks for."""
    turns = select(conversation, params.by, params.window, context)
    slips = _slips(params, conversation, turns, context)
    args: dict[str, str | int | float] = {"role": role_word(params.by), "count": len(slips)}
    if len(slips) >= params.times:
        first = slips[0]
        place = first.hit.evidence[0]
        args |= {"turn": place.turn + 1, "quote": place.quote, "term": first.term}
        return found(tuple(slip.hit for slip in slips), Reason(f"criteria.terms.{first.what}", args))
    unknown = context.index.unknown(params.by)
    elsewhere = _slips(params, conversation, tuple(sorted({*turns, *unknown})), context) if unknown else []
    return missed(
        conversation,
        turns,
        params.by,
        context,
        not_found(Reason("criteria.terms.none", args)),
        elsewhere=tuple(slip.hit for slip in elsewhere) if len(elsewhere) >= params.times else (),
    )


def _slips(params: Params, conversation: Conversation, turns: tuple[int, ...], context: Context) -> list[_Slip]:
    table = {**context.rules.terms, **params.table}
    named = {name: term for name, term in table.items() if not params.only or name in params.only}
    found_ones = [
        slip
        for what, look in (("forbidden", _forbidden), ("explain", _unexplained))
        if what in params.check
        for slip in look(named, params, conversation, turns, context)
    ]
    return sorted(found_ones, key=lambda slip: (slip.hit.turn, slip.hit.evidence[0].span, slip.term))


def _forbidden(
    named: dict[str, Term], params: Params, conversation: Conversation, turns: tuple[int, ...], context: Context
) -> Iterator[_Slip]:
    """A forbidden wording that stands inside a longer term of the table is no slip."""
    patterns = tuple((name, wording) for name, term in named.items() for wording in term.forbidden)
    hits = occurrences(tuple(wording for _, wording in patterns), conversation, turns, context)
    said = occurrences(tuple(map(_literal, named)), conversation, turns, context) if hits else ()
    right = [term.evidence[0] for _, term in said]
    seen: set[tuple[int, tuple[int, int]]] = set()
    for number, hit in hits:
        place = hit.evidence[0]
        inside = any(r.turn == place.turn and r.span != place.span and _within(place.span, r.span) for r in right)
        if not inside and (place.turn, place.span) not in seen:
            seen.add((place.turn, place.span))
            yield _Slip(hit, patterns[number][0], "forbidden")


def _within(inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _unexplained(
    named: dict[str, Term], params: Params, conversation: Conversation, turns: tuple[int, ...], context: Context
) -> Iterator[_Slip]:
    for name, term in named.items():
        if not term.explain:
            continue
        used = occurrences((_literal(name),), conversation, turns, context)
        if not used:
            continue
        first = used[0][1]
        known = matching_form(name).text
        said = conversation.turns[: first.turn]
        if any(not speaks(turn, params.by) and known in matching_form(turn.text).text for turn in said):
            continue
        if not _explained(term, first, params, conversation, context):
            yield _Slip(first, name, "explain")


def _explained(term: Term, use: Hit, params: Params, conversation: Conversation, context: Context) -> bool:
    """Whether the explanation stands in the turn of `use`, or near enough after it."""
    own = [turn.index for turn in conversation.turns if speaks(turn, params.by) and turn.index > use.turn]
    if params.within.unit == "turns":
        near = own[: int(params.within.amount)]
    else:
        end = use.evidence[0].end
        starts = ((index, conversation.turns[index].start) for index in own)
        near = [
            i for i, start in starts if end is not None and start is not None and start - end <= params.within.amount
        ]
    turns = (use.turn, *near)
    if isinstance(term.explain, tuple):
        return bool(occurrences(term.explain, conversation, turns, context))
    return any(_EXPLAINS.search(conversation.turns[turn].text) for turn in turns)


def _literal(name: str) -> str:
    """A term as a phrase pattern: none of its characters is a sign of the pattern language."""
    return "".join(f"\\{ch}" if ch in "[]()|<>…^$\\" else ch for ch in name)
