"""Everything in a conversation that is, or is likely to be, personal data: one set of finders for masking and judging.

Masking would rather hide too much than too little, so digits count by what the speaker, or the question before, calls
them, even where a check digit fails because one of them was misheard. What `pipeline.personal` proves stays proved.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date

from pipeline.conversation import Speaker, Turn
from pipeline.names import answer, asks, names_in
from pipeline.personal import NUMBERS, PROVINCES, SIGN, Personal, Place, certain, of_number
from pipeline.placeholders import blanked
from pipeline.spoken_numbers import ALIKE, Number, Piece, rows, within
from pipeline.text import matching_form

_FORMS = ("address", "email", "plate", "order", "account")
"""What is proved by its form; numbers come with their rows."""
_FEWEST = 4
"""Fewer digits in a row are nothing personal."""
_REACH = 18
"""Characters before a row of digits in which its name is looked for."""

_CALLED: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "none",
        re.compile(
            "工号|员工号|客服号|热线|型号|版本|金额|一共|总共|总计|合计|余额|积分|价格|售价|邮编|邮政编码|多少元|编码规则|步骤"
        ),
    ),
    ("id_card", re.compile("身份证|证件号|证件号码|身份号")),
    (
        "bank_card",
        re.compile(
            "银行卡|储蓄卡|信用卡|借记卡|卡号|卡片|收款账户|收款卡|还款卡|那张卡|这张卡|我的卡|卡上|卡里|工资卡|建行|工行|农行|招行|中行|交行"
        ),
    ),
    (
        "order",
        re.compile(
            "订单|单号|运单|快递单|工单|保单|合同|流水号|取件码|订单号|票号|编号|物流|派件单|寄件单|受理号|预约号"
        ),
    ),
    (
        "account",
        re.compile(
            "账号|帐号|账户|帐户|户号|会员号|会员卡号?|会员编号|客户号|用户名|登录名|用户号|密码|验证码|微信|QQ|qq|旺旺|缴费号|学号"
        ),
    ),
    ("landline", re.compile("座机|固话|固定电话|办公电话|家里电话|区号")),
    ("phone", re.compile("手机|电话|联系方式|联系我|打我|拨|回电|预留|来电|机号|短信|换号|新号|直接打")),
)
_CODE_WORD = re.compile("密码|验证码|取件码")
_HOTLINE = re.compile(r"(?:400|800)[0-9]{7}|95[0-9]{3,6}|1[0-2][0-9]{3,4}|12[0-9]{3}")
_CLOCK = re.compile(
    r"[12][0-9]{3}\s*[-/.年]\s*[0-9]{1,2}\s*[-/.月]\s*[0-9]{1,2}日?(?:\s*[0-9]{1,2}[:：][0-9]{2}(?:[:：][0-9]{2})?)?|[0-9]{1,2}[:：][0-9]{2}"
    r"|(?<![0-9])[12][0-9]{3}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?![0-9])"
)
_UNIT = re.compile(
    r"元|块|毛|角|万|千|百|亿|年|个(?!人|号)|次|台|部|条|份|箱|斤|克|公斤|千克|米|厘米|毫米|升|毫升|瓦|折|倍|积分|分钱?(?!别)|度|天|小时|%"
)
_STRAIGHT = re.compile(r"[0-9零〇一幺二三四五六七八九\s-]+")
_CODE = re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z-]*[0-9])[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*(?![A-Za-z0-9])")
_MORE = rf"(?:[{''.join(ALIKE)}][0-9]+)*"
_NAMED_CODE = {
    "order": re.compile(
        r"(?:订单|运单|快递单|物流单|工单|保单|合同|流水|取件|单|票|受理|预约)(?:的)?(?:编号|号码|号|码)(?:就是|应该是|好像是|是|为|写的是|报一下)?(?P<core>(?=[a-z]*[0-9])[a-z0-9]{5,}"
        + _MORE
        + ")"
    ),
    "account": re.compile(
        r"(?:[账帐](?:号|户)|户号|会员卡?号|客户号|登录名|用户名|用户号|微信号?|qq号?|旺旺号?|密码|验证码)(?:码)?(?:就是|应该是|好像是|是|为|改成|换成)?(?P<core>[a-z0-9]{4,}"
        + _MORE
        + ")"
    ),
}
_DOT = "(?:点|\\.|·)"
_MAIL = re.compile(
    rf"(?P<core>[a-z0-9._+-]{{2,}}(?:@|艾特|圈a|圈诶|小老鼠|at)[a-z0-9-]{{2,}}(?:{_DOT}?(?:com|cn|net|org|edu|gov))+)"
)
_PLATE = re.compile(
    rf"(?<![a-z])(?P<core>[{PROVINCES}][a-z](?=[a-z]*[0-9])[a-z0-9]{{4,5}}(?:[a-z0-9]|[挂学警港澳])?)(?![a-z0-9])"
)
_SEP = r"(?:[\s，,、]|嗯|呃|啊|那个)*"
_COUNT = "[0-9A-Za-z一二三四五六七八九十百零〇幺两]"
_WAY = (
    "路|街道|大街|街|大道|胡同|巷|新村|村|小区|花园|公寓|大厦|家园|苑|广场|花苑|华庭|名邸|庄园|嘉园|社区|宿舍|大院|园区|"
    "工业园|科技园|写字楼|城"
)
_ESTATE = "小区|花园|公寓|大厦|家园|苑|广场|新村|社区"
_NO_ROAD = re.compile("(?:线|电|网|思|道|马|套|半|上|一|走|公|铁|死|问|带)路$|(?:农|乡)村$|(?:商|全)城$")
_HOUSE = (
    rf"{_COUNT}{{1,6}}{_SEP}(?:号楼|号院|号|弄|栋|幢|座|单元|楼|层|室|组|户|门|房)"
    "(?!线|称|码|吗|口|店|机|客服|坐席|员|窗|柜)"
)
_ADDRESS = re.compile(
    rf"(?P<road>[\u4e00-\u9fff]{{1,6}}?(?:{_WAY})[东西南北中]?(?:段|侧)?){_SEP}"
    rf"(?P<house>(?:[\u4e00-\u9fff]{{2,6}}(?:{_ESTATE}){_SEP})?"
    rf"(?:{_HOUSE})(?:{_SEP}(?:(?![改换成到])[\u4e00-\u9fff]){{0,6}}?(?:{_HOUSE}))*"
    rf"(?:{_SEP}[0-9零一二三四五六七八九幺]{{2,5}}(?![0-9元块年月天次]))?)"
)
_HOUSE_SIGN = re.compile("[号弄栋幢座元楼层室组户门房]")
"""One of these is in every house number."""
_LABELLED = re.compile(
    r"(?:地址|住址|住在|家住|送到|寄到|发到|搬到|改到|安装在|上门到)(?:就是|是|为|在|填的是|写的是|改成|换成|：|:|[\s，,]|嗯|呃|那个)*"
    rf"(?P<place>[\u4e00-\u9fff0-9A-Za-z]{{2,}}(?:省|市|区|县|镇|乡|街道|{_WAY})[\u4e00-\u9fff0-9A-Za-z]{{1,30}}(?:号|栋|幢|单元|室|楼|户|组|[0-9]{{3,4}}))"
)
_STOPS = "是在到住寄送址去来给的了为往从叫您我他她你，,。；;！!？?：: 、就把按对"
_LONGEST_PREFIX = 24
_CHANGED = re.compile("[改换写填搬挪][成为了]|上门|一下|收货|住址|登记")
_ASKS = re.compile("报|提供|多少|请问|什么|麻烦|说一下|念|方便|[?？吗呢]|哪")
_COUNTED = re.compile("[零〇一幺二三四五六七八九十]{3}")
_LETTERS = re.compile(r"(?:[A-Za-z](?:[\s，,]?[A-Za-z0-9]){0,5}[\s，,-]?)$")
_ALONE = re.compile(
    r"(?:是|好|对|好像|应该|稍等|您?记一下|你记一下|我看看|就是|我的)*(?P<core>(?=[a-z]*[0-9])[a-z0-9]{5,20})(?:对|吧|没错|好)*"
)


def find(turns: Sequence[Turn], *, known: Collection[str] = (), also: Collection[str] = ()) -> tuple[Personal, ...]:
    """Everything personal in a conversation, in the order of its first places; nothing overlaps.

    Args:
        turns: all turns.
        known: names that are no secret, such as the agent's own; they stay.
        also: names that are personal wherever they are said.
    """
    found: list[Personal] = []
    for side in dict.fromkeys(turn.speaker for turn in turns if turn.speaker is not Speaker.SYSTEM):
        speaking = [turn.index for turn in turns if turn.speaker is side]
        found += _rows(turns, speaking)
        found += certain(turns, speaking, _FORMS)
        for index in speaking:
            earlier = turns[index - 1] if index and turns[index - 1].speaker is not side else None
            found += _by_form(turns[index], earlier)
    found += _names(turns, frozenset(known), frozenset(also))
    return _without_overlaps(found)


def find_in(text: str, *, known: Collection[str] = (), also: Collection[str] = ()) -> tuple[Personal, ...]:
    """Everything personal in a text that stands alone; the turn of every place is 0."""
    return find((Turn(0, Speaker.CUSTOMER, text),), known=known, also=also)


def _rows(turns: Sequence[Turn], speaking: Sequence[int]) -> Iterator[Personal]:
    """Digits: what check digit and form prove, and what is left by its name and length."""
    for row in rows(turns, speaking, _FEWEST):
        proved = list(within(row))
        owner: dict[Piece, Number] = {piece: number for number in proved for piece in number.pieces}
        rest: list[Piece] = []
        for place, piece in enumerate((*row, None)):
            if piece is not None and piece not in owner:
                rest.append(piece)
                continue
            if rest:
                before = owner.get(row[place - len(rest) - 1]) if place > len(rest) else None
                if before is not None and _belongs(turns, before.pieces[-1], rest):
                    owner.update(dict.fromkeys(rest, before))
                elif (likely := _likely(turns, tuple(rest), row)) is not None:
                    yield likely
            rest = []
        for number in proved:
            whole = tuple(piece for piece in row if owner.get(piece) is number)
            said = replace(of_number(Number(number.kind, number.digits, whole)), core=number.digits)
            called = _called(turns, whole, row)
            # One in ten long numbers passes the check of bank cards by chance.
            other = (number.kind == "bank_card" and called in ("order", "id_card")) or (
                number.kind == "landline" and called == "order"
            )
            yield replace(said, kind=called or "") if other else said


def _belongs(turns: Sequence[Turn], last: Piece, rest: Sequence[Piece]) -> bool:
    """Whether one or two digits behind a number that is proved were said with it, as one too many."""
    behind = turns[rest[-1].turn].text[rest[-1].end :].lstrip("，, ")
    few = sum(len(piece.digits) for piece in rest) <= 2
    return (
        few
        and rest[0].turn == last.turn
        and not _UNIT.match(behind)
        and not behind.startswith(("号", "共", "期", "单"))
    )


def _likely(turns: Sequence[Turn], pieces: tuple[Piece, ...], row: tuple[Piece, ...]) -> Personal | None:
    digits = "".join(piece.digits for piece in pieces)
    if len(digits) < _FEWEST or _HOTLINE.fullmatch(digits):
        return None
    first, last = pieces[0], pieces[-1]
    text = turns[last.turn].text
    if len(digits) < 10 and _UNIT.match(text[last.end :].lstrip()):
        return None
    if any(_dated(turns[piece.turn].text, piece) for piece in pieces):
        return None
    called = _called(turns, pieces, row)
    code = _CODE_WORD.search(_before(turns[first.turn].text, first.start)) is not None
    kind = _kind(digits, called, code=code)
    if kind is None and called is None and len(digits) >= 8 and len(pieces) == 1 and first.turn == last.turn:
        straight = _STRAIGHT.fullmatch(turns[first.turn].text[first.start : last.end])
        kind = "number" if straight and not _UNIT.match(text[last.end :].lstrip()) else None
    if kind is None:
        return None
    said = of_number(Number("phone", digits, pieces))
    if kind in ("order", "account", "number"):
        place = said.places[0]
        letters = _LETTERS.search(turns[place.turn].text[: place.start])
        if letters is not None:
            said = replace(said, places=(replace(place, start=letters.start()), *said.places[1:]))
    return replace(said, kind=kind, certain=False)


def _kind(digits: str, called: str | None, *, code: bool) -> str | None:
    """What a row of digits is, by its length and by what it is called."""
    size = len(digits)
    if called == "none":
        return None
    if called == "id_card" and 14 <= size <= 21:
        return "id_card"
    if called == "bank_card" and 12 <= size <= 22:
        return "bank_card"
    if called == "order" and size >= 6:
        return "order"
    if called == "account" and (size >= 6 or code):
        return "account"
    if called == "landline" and 7 <= size <= 13:
        return "landline"
    if called == "phone" and 7 <= size <= 14:
        return "landline" if digits[0] != "1" and (digits[0] == "0" or size <= 8) else "phone"
    if 10 <= size <= 12 and re.match("1[3-9]", digits):
        return "phone"
    if 17 <= size <= 19 and _born(digits[6:14]):
        return "id_card"
    if 15 <= size <= 20 and digits[0] in "3456":
        return "bank_card"
    if 11 <= size <= 12 and digits[0] == "0":
        return "landline"
    return None


def _born(digits: str) -> bool:
    try:
        return 1900 <= date(int(digits[:4]), int(digits[4:6]), int(digits[6:8])).year <= 2030
    except ValueError:
        return False


def _called(turns: Sequence[Turn], pieces: Sequence[Piece], row: Sequence[Piece]) -> str | None:
    """What digits are called: by the speaker before or behind them, or by the other side who asked for them."""
    first, last, start = pieces[0], pieces[-1], row[0]
    turn = turns[first.turn]
    for text in (_before(turn.text, first.start), _before(turns[start.turn].text, start.start)):
        if (kind := _last_named(text)) is not None:
            return kind
    if len(matching_form(turns[start.turn].text[: start.start]).text) <= 8:
        earlier = next((one for one in reversed(turns[: start.turn]) if one.speaker is not turn.speaker), None)
        if earlier is not None and _ASKS.search(earlier.text):
            kind = _last_named(earlier.text[-40:])
            if kind not in (None, "none"):
                return kind
    kind = _last_named(turns[last.turn].text[last.end : last.end + 10])
    return None if kind == "none" else kind


def _before(text: str, start: int) -> str:
    return text[max(0, start - _REACH) : start]


def _last_named(text: str) -> str | None:
    best: tuple[int, int, str] | None = None
    for kind, pattern in _CALLED:
        for match in pattern.finditer(text):
            if best is None or (match.end(), match.end() - match.start()) > best[:2]:
                best = (match.end(), match.end() - match.start(), kind)
    return best[2] if best else None


def _dated(text: str, piece: Piece) -> bool:
    return any(m.start() < piece.end and piece.start < m.end() for m in _CLOCK.finditer(text)) and (
        piece.end - piece.start < 20
    )


def _by_form(turn: Turn, before: Turn | None) -> Iterator[Personal]:
    text = blanked(turn.text)
    form = matching_form(text)
    if SIGN.search(form.text):
        for kind, expression in (("plate", _PLATE), *_NAMED_CODE.items()):
            for match in expression.finditer(form.text):
                start, end = form.span(*match.span("core"))
                if kind == "plate" or not _is_date(match["core"]):
                    yield Personal(kind, match["core"], (Place(turn.index, start, end),), certain=False)
        yield from _mails(turn.index, text)
        asked = _last_named(before.text[-40:]) if before is not None and _ASKS.search(before.text) else None
        if asked in ("order", "account"):
            alone = _ALONE.fullmatch(form.text)
            if alone is not None:
                place = Place(turn.index, *form.span(*alone.span("core")))
                yield Personal(asked, alone["core"], (place,), certain=False)
    for pattern, group in ((_ADDRESS, "road"), (_LABELLED, "place")):
        if pattern is _ADDRESS and _HOUSE_SIGN.search(text) is None:
            continue
        for match in pattern.finditer(text):
            if group == "road" and _NO_ROAD.search(match["road"]):
                continue
            start = _address_start(text, match.end("road")) if group == "road" else match.start(group)
            whole = (Place(turn.index, start, match.end()),)
            yield Personal("address", matching_form(text[start : match.end()]).text, whole, certain=False)


def _is_date(core: str) -> bool:
    return _CLOCK.fullmatch(core) is not None


def _mails(index: int, text: str) -> Iterator[Personal]:
    """E-mail addresses, written or spoken (三八五艾特qq点com), blanks between or not."""
    if "@" not in text and not re.search("艾特|圈|小老鼠|[aA][tT]", text):
        return
    places: list[int] = []
    kept: list[str] = []
    form = matching_form(text)
    spoken = dict(zip(form.offsets, form.text, strict=False))
    for place, character in enumerate(text):
        if character in "@.._+-·" or place in spoken:
            places.append(place)
            kept.append(spoken.get(place, character))
    written = "".join(kept)
    for match in _MAIL.finditer(written):
        start, end = match.span("core")
        yield Personal("email", match["core"], (Place(index, places[start], places[end - 1] + 1),), certain=False)


def _address_start(text: str, road_end: int) -> int:
    """Where an address begins that is known by its road: at the last word before it that is no part of one."""
    suffix = next(
        match.start() for match in [re.search(rf"(?:{_WAY})[东西南北中]?(?:段|侧)?$", text[:road_end])] if match
    )
    low = suffix
    while low > 0 and suffix - low < _LONGEST_PREFIX and "\u4e00" <= text[low - 1] <= "\u9fff":
        if _CHANGED.fullmatch(text, low - 2, low) or (text[low - 1] in _STOPS and suffix - low >= 2):
            break
        if _COUNTED.fullmatch(text, low - 3, low):
            break
        low -= 1
    return low


def _names(turns: Sequence[Turn], known: frozenset[str], also: frozenset[str]) -> Iterator[Personal]:
    """Names said as such, and the same names wherever else they are said."""
    full = {name for name in also if len(name) > 1}
    spans: set[tuple[int, int, int]] = set()
    before: Turn | None = None
    for turn in turns:
        text = blanked(turn.text)
        for start, end in names_in(text):
            spans.add((turn.index, start, end))
        if before is not None and before.speaker is not turn.speaker and asks(before.text):
            alone = answer(text)
            if alone is not None:
                spans.add((turn.index, *alone))
        before = turn
    for index, start, end in spans:
        if end - start > 1:
            full.add(turns[index].text[start:end])
    full -= known
    if full:
        every = re.compile("|".join(sorted(map(re.escape, full), key=len, reverse=True)))
        for turn in turns:
            spans.update((turn.index, *match.span()) for match in every.finditer(blanked(turn.text)))
    for index, start, end in sorted(spans):
        name = turns[index].text[start:end]
        if name in known or any(name in one and turns[index].text.find(one) >= 0 for one in known):
            continue
        yield Personal("name", name, (Place(index, start, end),), certain=False)


def _without_overlaps(found: Iterable[Personal]) -> tuple[Personal, ...]:
    """The found things without those that others cover: what is proved comes first, then what is longer."""
    everything = list(found)
    proved = [said for said in everything if said.certain and said.kind not in NUMBERS]
    ordered = sorted((_proved_by(said, proved) for said in everything), key=_rank)
    kept: list[Personal] = []
    taken: dict[int, list[tuple[int, int]]] = {}
    for said in ordered:
        free = []
        for place in said.places:
            start, end = place.start, place.end
            for low, high in sorted(taken.get(place.turn, ())):
                if low <= start < high:
                    start = high
                if low < end <= high:
                    end = low
                if start < low and high < end:
                    end = low
            if start < end:
                free.append(Place(place.turn, start, end))
        if not free or (free != list(said.places) and _left(free) < 2):
            continue
        for place in free:
            taken.setdefault(place.turn, []).append((place.start, place.end))
        kept.append(replace(said, places=tuple(free)))
    return tuple(sorted(kept, key=lambda said: (said.places[0].turn, said.places[0].start)))


def _proved_by(said: Personal, proved: Iterable[Personal]) -> Personal:
    """`said`, certain where it holds something of its kind that is."""
    if said.certain or len(said.places) != 1:
        return said
    place = said.places[0]
    for one in proved:
        inner = one.places[0]
        if one.kind == said.kind and inner.turn == place.turn and place.start <= inner.start and inner.end <= place.end:
            return replace(said, core=one.core, certain=True)
    return said


def _left(places: Iterable[Place]) -> int:
    return sum(place.end - place.start for place in places)


_WHOLE = ("address", "email", "plate")
"""Kinds that hold digits which would else be taken for something of their own."""


def _rank(said: Personal) -> tuple[int, int, int]:
    whole = 0 if said.kind in _WHOLE or (said.certain and said.kind in NUMBERS) else 1
    return whole, 0 if said.certain and said.kind in NUMBERS else 1, -_left(said.places)
