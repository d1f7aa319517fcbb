"""privacy: personal data said aloud that the other side had not given. / 念出了对方没有报过的个人信息。

English: `any` names what must not be said: `id_card` (18 characters with a right check digit, GB 11643-1999),
`bank_card` (16 to 19 digits that pass the Luhn check, ISO/IEC 7812-1), `phone` (mobile), `landline` (with area code),
`address` (road or estate with a house number), `email`, `plate` (of a vehicle), `order` and `account` (what follows
订单号, 账号 and the like, six signs or more). Default: the first three, which nobody needs to read out in full.
Digits count however they are said: 一三八, 138, 四个零; in pieces with 嗯 or 后四位 in between; over several turns in
which the other only says 对. What the other side said before does not count; with `given_within` only if that lies so
close (`3 turns` of the other side, `60 s`). Masked numbers (138****1234) never count, nor what overlaps a pattern of
`except` (the company's own address). `by` (default `agent`), `window`, `times` (default 1). Unsure where the turns
were badly heard; not applicable where the role says nothing.

中文：`any` 写不能念出来的信息：`id_card`（身份证号，校验码正确的 18 位，GB 11643-1999）、`bank_card`（银行卡号，通
过 Luhn 校验的 16 到 19 位，ISO/IEC 7812-1）、`phone`（手机号）、`landline`（带区号的座机）、`address`（带门牌号的地
址）、`email`（邮箱）、`plate`（车牌）、`order` 和 `account`（跟在订单号、账号之类后面、六位以上的号码）。默认是前三种，
这三种没有理由完整念出来。怎么念都算：一三八、138、四个零；中间隔着“嗯”“后四位”；分几句念、对方只应一声“对”。对方之前自
己说过的不算；写了 `given_within` 的，只有在这个范围内说过才不算（对方的句数 `3 turns`，或秒数 `60 s`）。打了星号的号码
（138****1234）不算，与 `except` 话术重叠的（比如公司自己的地址）也不算。`by`（默认 `agent`）、`window`、`times`（默
认 1）与其他判定方式相同。录音听不清时判为“拿不准”；该角色没有发言，则不适用。

```yaml
privacy: {any: [id_card, bank_card, phone, address], by: agent}
```

```met
客户: 收件人是谁？
坐席: 收件人电话是幺三八，嗯，四个零，四个零。
```

```unmet
客户: 我的电话是13800000000。
坐席: 跟您核对一下，13800000000，对吗？
```
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from pipeline.conversation import Conversation, Evidence, Reason, Speaker
from pipeline.criteria.base import (
    WRITTEN,
    Context,
    Hit,
    Outcome,
    PatternList,
    Role,
    Strict,
    evidence,
    flat,
    found,
    missed,
    not_found,
    role_word,
    trust,
)
from pipeline.criteria.patterns import Patterns
from pipeline.criteria.window import Distance, Window, select
from pipeline.personal import certain, given, others_before
from pipeline.text import matching_form

Private: TypeAlias = Literal[
    "id_card", "bank_card", "phone", "landline", "address", "email", "plate", "order", "account"
]
BY_FORM = 0.85
"""Confidence in what is told by its form alone, without a check digit."""


class Params(Strict):
    """What must not be said, by whom, where, and what excuses it."""

    any: Annotated[tuple[Private, ...], BeforeValidator(flat), Field(min_length=1)] = ("id_card", "bank_card", "phone")
    by: Role = "agent"
    window: Window | None = None
    times: Annotated[int, Field(ge=1)] = 1
    given_within: Distance | None = None
    except_: PatternList = Field(default=(), alias="except")


@dataclass(frozen=True, slots=True)
class _Said:
    """Something personal: what it is, where, and the last turn from which on the other side had said the same."""

    kind: str
    places: tuple[Evidence, ...]
    given: int | None


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether something personal is said aloud that the other side had not given.

    A turn whose speaker is unknown is not searched: it is mostly the customer who gives numbers. What was masked is
    known by the marks of the turns.
    """
    turns = select(conversation, params.by, params.window, context)
    told = [
        said
        for said in sorted(
            [*_masked(params, conversation, turns), *_plain(params, conversation, turns)],
            key=lambda said: (said.places[0].turn, said.places[0].span),
        )
        if not _excused(said, params, conversation, context) and not _within_reach(said, params, conversation)
    ]
    args: dict[str, str | int | float] = {"role": role_word(params.by), "count": len(told)}
    if len(told) < params.times:
        return missed(conversation, turns, params.by, context, not_found(Reason("criteria.privacy.none", args)))
    hits = tuple(
        Hit(s.places, trust(conversation.turns[s.places[0].turn], WRITTEN if s.kind in _CHECKED else BY_FORM))
        for s in told
    )
    args |= {"turn": hits[0].turn + 1, "what": f"@criteria.privacy.{told[0].kind}"}
    return found(hits, Reason("criteria.privacy.found", args))


_CHECKED = ("id_card", "bank_card", "phone")


def _masked(params: Params, conversation: Conversation, turns: tuple[int, ...]) -> Iterator[_Said]:
    things: dict[int, list[tuple[Evidence, str, int | None]]] = {}
    for index in turns:
        turn = conversation.turns[index]
        for mark in turn.marks:
            if mark.certain and mark.kind in params.any:
                things.setdefault(mark.thing, []).append((evidence(turn, mark.span), mark.kind, mark.given))
    for pieces in things.values():
        others_said = pieces[0][2] if params.by != "anyone" else None
        yield _Said(pieces[0][1], tuple(place for place, _, _ in pieces), others_said)


def _plain(params: Params, conversation: Conversation, turns: tuple[int, ...]) -> Iterator[_Said]:
    side = tuple(Speaker) if params.by == "anyone" else (Speaker(params.by),)
    for said in certain(conversation.turns, turns, params.any):
        places = tuple(evidence(conversation.turns[place.turn], (place.start, place.end)) for place in said.places)
        yield _Said(said.kind, places, given(said, others_before(said, conversation.turns, side)))


def _excused(said: _Said, params: Params, conversation: Conversation, context: Context) -> bool:
    if not params.except_:
        return False
    patterns = Patterns(params.except_, context.rules.lists, context.rules.settings.gap)
    for place in said.places:
        form = matching_form(conversation.turns[place.turn].text)
        for excuse in patterns.search(form.text):
            start, end = form.span(excuse.start, excuse.end)
            if start < place.span[1] and place.span[0] < end:
                return True
    return False


def _within_reach(said: _Said, params: Params, conversation: Conversation) -> bool:
    """Whether the other side had said it before, and not too long ago."""
    reach = params.given_within
    if said.given is None or reach is None:
        return said.given is not None
    first, source = said.places[0], conversation.turns[said.given]
    if reach.unit == "turns":
        others = (
            turn
            for turn in conversation.turns[said.given : first.turn]
            if turn.speaker not in (conversation.turns[first.turn].speaker, Speaker.BOT, Speaker.SYSTEM)
        )
        return sum(1 for _ in others) <= reach.amount
    if source.start is None or first.start is None:
        return False
    return first.start - (source.start if source.end is None else source.end) <= reach.amount
