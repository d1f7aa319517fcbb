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
认 1）与其他判定方式相同。录音听不清时判为“听不清”；该角色没有发言，则不适用。

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

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from pipeline.conversation import Conversation, Evidence, Reason, Speaker, Turn
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
    role_word,
    speaks,
    trust,
)
from pipeline.criteria.numbers import digits_of, numbers
from pipeline.criteria.patterns import Patterns
from pipeline.criteria.window import Distance, Window, select
from pipeline.text import matching_form

Private: TypeAlias = Literal[
    "id_card", "bank_card", "phone", "landline", "address", "email", "plate", "order", "account"
]
BY_FORM = 0.85
"""Confidence in what is told by its form alone, without a check digit."""
_SAME_ADDRESS = 85
"""From this partial ratio (rapidfuzz, 0…100) an address is the one that the other side gave."""

_NUMBERED = r"[0-9十百]{1,5}(?:号楼|号院|号|弄|栋|幢|座|单元|楼|层|室|组)"
_IN_FORM: dict[str, re.Pattern[str]] = {
    "address": re.compile(
        rf"[\u4e00-\u9fff]{{0,2}}(?P<core>[\u4e00-\u9fff]{{2}}(?:路|街|大道|巷|弄|胡同|新村|村|小区|花园|公寓|大厦|家园|苑)"
        rf"[东西南北中]?(?:{_NUMBERED})+(?:[0-9]{{2,5}})?)"
    ),
    "plate": re.compile(
        r"(?P<core>[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][a-z](?=[a-z]*[0-9])[a-z0-9]{5,6})(?![a-z0-9])"
    ),
    "order": re.compile(
        r"(?:订单|运单|快递单|物流单|工单|保单|合同|流水|取件|单)(?:编号|号码|号)(?:是|为)?(?P<core>(?=[a-z]*[0-9])[a-z0-9]{6,})"
    ),
    "account": re.compile(
        r"(?:[账帐](?:号|户)|户号|会员卡?号|客户号|卡号|登录名|用户名)(?:码)?(?:是|为)?(?P<core>(?=[a-z]*[0-9])[a-z0-9]{6,})"
    ),
    "email": re.compile(r"(?P<core>[a-z0-9]{3,}(?:艾特|圈a|at)[a-z0-9]{2,}点(?:com|cn|net|org))"),
}
"""What is told by its form, over matching forms; `core` is what the other side may have said before."""
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")


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
    """Something personal: what it is, its characters without signs, and where."""

    kind: str
    core: str
    places: tuple[Evidence, ...]
    confidence: float


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether something personal is said aloud that the other side had not given.

    A turn whose speaker is unknown is not searched: it is mostly the customer who gives numbers.
    """
    turns = select(conversation, params.by, params.window, context)
    told = [
        said
        for said in sorted(_personal(params, conversation, turns), key=lambda s: (s.places[0].turn, s.places[0].span))
        if not _excused(said, params, conversation, context) and not _given(said, params, conversation)
    ]
    args: dict[str, str | int | float] = {"role": role_word(params.by), "count": len(told)}
    if len(told) < params.times:
        return missed(conversation, turns, params.by, context, Reason("criteria.privacy.none", args))
    hits = tuple(Hit(s.places, trust(conversation.turns[s.places[0].turn], s.confidence)) for s in told)
    args |= {"turn": hits[0].turn + 1, "what": f"@criteria.privacy.{told[0].kind}"}
    return found(hits, Reason("criteria.privacy.found", args))


def _personal(params: Params, conversation: Conversation, turns: tuple[int, ...]) -> Iterator[_Said]:
    for number in numbers(conversation.turns, turns):
        if number.kind in params.any:
            spans: dict[int, tuple[int, int]] = {}
            for piece in number.pieces:
                spans[piece.turn] = (spans.get(piece.turn, (piece.start, 0))[0], piece.end)
            places = tuple(evidence(conversation.turns[turn], span) for turn, span in spans.items())
            yield _Said(number.kind, number.digits, places, BY_FORM if number.kind == "landline" else WRITTEN)
    for index in turns:
        yield from _by_form(params, conversation.turns[index])


def _by_form(params: Params, turn: Turn) -> Iterator[_Said]:
    form = matching_form(turn.text)
    for kind, expression in _IN_FORM.items():
        if kind in params.any:
            for match in expression.finditer(form.text):
                place = evidence(turn, form.span(*match.span("core")))
                yield _Said(kind, match["core"], (place,), BY_FORM)
    if "email" in params.any:
        for match in _EMAIL.finditer(turn.text):
            yield _Said("email", matching_form(match[0]).text, (evidence(turn, match.span()),), BY_FORM)


def _excused(said: _Said, params: Params, conversation: Conversation, context: Context) -> bool:
    if not params.except_:
        return False
    patterns = Patterns(params.except_, context.lists, context.settings.gap)
    for place in said.places:
        form = matching_form(conversation.turns[place.turn].text)
        for excuse in patterns.search(form.text):
            start, end = form.span(excuse.start, excuse.end)
            if start < place.span[1] and place.span[0] < end:
                return True
    return False


def _given(said: _Said, params: Params, conversation: Conversation) -> bool:
    """Whether the other side had said it before."""
    first = said.places[0]
    others = [
        turn
        for turn in conversation.turns[: first.turn]
        if not speaks(turn, params.by) and turn.speaker not in (Speaker.BOT, Speaker.SYSTEM)
    ]
    reach = params.given_within
    if reach is not None and reach.unit == "turns":
        others = others[len(others) - int(reach.amount) :] if reach.amount < len(others) else others
    elif reach is not None:
        others = [
            turn
            for turn in others
            if turn.start is not None
            and first.start is not None
            and first.start - (turn.start if turn.end is None else turn.end) <= reach.amount
        ]
    if said.kind in ("id_card", "bank_card", "phone", "landline"):
        return said.core.removeprefix("86") in "".join(map(digits_of, others))
    given = "".join(matching_form(turn.text).text for turn in others)
    if said.kind != "address":
        return said.core in given
    from rapidfuzz.fuzz import partial_ratio

    return len(given) >= len(said.core) and partial_ratio(said.core, given) >= _SAME_ADDRESS
