"""privacy: full ID card, bank card or mobile numbers are read out.

```yaml
privacy: {any: [id_card, bank_card, phone], by: agent}
```

`any` (default all three), `by`, `window`. An ID card counts if its check digit is right (GB 11643-1999), a bank card
if its last digit is (Luhn, ISO/IEC 7812-1). A number that the other side gave earlier does not count, and masked ones
(138****1234) never do.

Met: the agent reads out a full mobile number unasked. Unmet: the agent repeats the number the customer has just given.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from pipeline.conversation import Conversation, Reason, Speaker
from pipeline.criteria.base import (
    WRITTEN,
    Context,
    Hit,
    Outcome,
    Role,
    Strict,
    evidence,
    found,
    missed,
    role_word,
    trust,
)
from pipeline.criteria.window import Window, select
from pipeline.text import matching_form

_NUMBER = re.compile(r"(?<![0-9])(?:[0-9]{17}x|[0-9]{11,19})(?![0-9])")
_PHONE = re.compile(r"(?:86)?1[3-9][0-9]{9}")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
NumberKind = Literal["id_card", "bank_card", "phone"]


class Params(Strict):
    """Which numbers, read out by whom."""

    any: Annotated[tuple[NumberKind, ...], Field(min_length=1)] = ("id_card", "bank_card", "phone")
    by: Role = "agent"
    window: Window | None = None


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether a full number is read out that the other side had not given."""
    turns = select(conversation, params.by, params.window, context)
    given = ""
    hits: list[Hit] = []
    kinds: list[str] = []
    for turn in conversation.turns:
        form = matching_form(turn.text)
        if turn.index in turns:
            for match in _NUMBER.finditer(form.text):
                kind = number_kind(match.group())
                if kind in params.any and match.group().removeprefix("86") not in given:
                    hits.append(Hit((evidence(turn, form.span(*match.span())),), trust(turn, WRITTEN)))
                    kinds.append(kind)
        elif turn.speaker not in (Speaker.BOT, Speaker.SYSTEM):
            given += "".join(ch for ch in form.text if ch.isdigit() or ch == "x")
    args: dict[str, str | int | float] = {"role": role_word(params.by), "count": len(hits)}
    if not hits:
        return missed(conversation, turns, params.by, context, Reason("criteria.privacy.none", args))
    told = args | {"turn": hits[0].turn + 1, "what": f"@criteria.privacy.{kinds[0]}"}
    return found(tuple(hits), Reason("criteria.privacy.found", told))


def number_kind(digits: str) -> NumberKind | None:
    """What `digits` is by its form and its check digit; `None` if neither ID card, bank card nor mobile number."""
    if _PHONE.fullmatch(digits):
        return "phone"
    if len(digits) == 18 and id_card_fits(digits):
        return "id_card"
    return "bank_card" if digits.isdigit() and 16 <= len(digits) <= 19 and luhn_fits(digits) else None


def id_card_fits(number: str) -> bool:
    """Whether the last of 18 characters is the check digit of the others (ISO 7064 MOD 11-2, GB 11643-1999)."""
    total = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, number[:17], strict=True))
    return "10x98765432"[total % 11] == number[17] and 1 <= int(number[10:12]) <= 12 and 1 <= int(number[12:14]) <= 31


def luhn_fits(number: str) -> bool:
    """Whether `number` passes the Luhn check (ISO/IEC 7812-1 annex B)."""
    doubled = (int(d) * 2 if place % 2 else int(d) for place, d in enumerate(reversed(number)))
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0
