"""The step `redact`: personal data in a conversation masked, before anything is read, scored or stored.

Each thing becomes a placeholder such as 〔电话〕 in text and words; a `Mark` in the turn keeps what kind of thing it
was, which is all that later steps need. `hide` does the same to a single text and, for what leaves the house, hides
every other number too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from pipeline.conversation import Conversation, Json, Mark, Turn, Word
from pipeline.finders import find, find_in
from pipeline.personal import Personal, Place, given, others_before
from pipeline.placeholders import PLACEHOLDER, blanked, placeholder
from pipeline.text import DIGITS, matching_form, spoken_length

LEAST_DIGITS = 3
"""Digits in a row from this length on are hidden by `hide`, unless a unit says that they are an amount or a date."""
ALWAYS_HIDDEN = 7
"""Digits in a row from this length on are hidden by `hide` whatever follows."""

_UNIT = re.compile(
    r"元|块|毛|角|万|千|百|十|亿|年|月|日|天|周|小时|分|秒|点|个|件|次|台|部|张|条|份|箱|斤|克|公斤|千克|米|厘米|毫米|升|毫升|瓦|度|折|倍|%|"
    r"块钱|积分|g\b|mb|gb|kg|cm|mm|ml"
)
_RUN = re.compile(r"[0-9]+x?")
_CODE = re.compile(r"[A-Za-z0-9]+(?:[-_ ][A-Za-z0-9]+)*")
_NAMED_KEYS = (
    ("name", re.compile(r"^(?:(?:customer|user|real|full|contact|receiver|nick)_?)?name$")),
    ("name", re.compile("^姓名$|客户(?:姓)?名|联系人|收[件货]人|机主")),
    ("id_card", re.compile(r"id_?card|id_?no|identity|身份证|证件号")),
    ("bank_card", re.compile(r"bank_?card|card_?(?:no|number)|银行卡|卡号")),
    ("phone", re.compile(r"phone|mobile|(?:^|_)tel|手机|电话|caller|callee|主叫|被叫|号码")),
    ("address", re.compile(r"addr|地址|住址")),
    ("email", re.compile(r"e_?mail|邮箱")),
    ("plate", re.compile(r"plate|车牌")),
)  # fmt: skip
"""Keys of an interaction's own attributes whose values are personal whatever they look like."""
_NAME = re.compile("[\u4e00-\u9fff]{2,4}")


@dataclass(frozen=True, slots=True)
class Hidden:
    """What a placeholder hides: the turn (index), the kind, and the words."""

    turn: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Redacted:
    """`text` without personal data; `offsets[i]` is where its character `i` stands in the original.

    A mark's characters all stand where what it hides begins; `ends[i]` is one past where character `i` ends there.
    """

    text: str
    offsets: tuple[int, ...]
    ends: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The half-open span of the original that `text[start:end]` stands for."""
        return self.offsets[start], max(self.ends[start:end])


def redact(conversation: Conversation) -> tuple[Conversation, tuple[Hidden, ...]]:
    """The conversation with its personal data masked, and what was hidden.

    The agent's own name stays: it names who is judged. Ids and the name of the file stay as well. The turns that came
    with the interaction, its attributes and keys of its own are masked too. What is masked already stays so.
    """
    interaction = conversation.interaction
    turns = conversation.turns
    agent = interaction.agent
    known = frozenset(filter(None, [agent.name if agent else None]))
    own = frozenset(_names_of(interaction.attributes)) | frozenset(_names_of(interaction.extra))
    found = find(turns, known=known, also=own)
    names = own | {said.core for said in found if said.kind == "name" and len(said.core) > 1}
    first = 1 + max((mark.thing for turn in turns for mark in turn.marks), default=-1)
    places: dict[int, list[tuple[Place, Mark]]] = {}
    hidden: list[Hidden] = []
    for thing, said in enumerate(found, first):
        given_in = _given(said, turns)
        for place in said.places:
            text = turns[place.turn].text[place.start : place.end]
            mark = Mark(said.kind, (place.start, place.end), spoken_length(text), thing, said.certain, given_in)
            places.setdefault(place.turn, []).append((place, mark))
            hidden.append(Hidden(place.turn, said.kind, text))
    masked = tuple(_masked(turn, [mark for _, mark in places.get(turn.index, ())]) for turn in turns)
    interaction = replace(
        interaction,
        turns=masked if interaction.turns else (),
        attributes=MappingProxyType(_without(interaction.attributes, known, names)),
        extra=MappingProxyType(_without(interaction.extra, known, names)),
    )
    ordered = tuple(sorted(hidden, key=lambda one: one.turn))
    return replace(conversation, interaction=interaction, turns=masked), ordered


def hide(text: str, *, names: Iterable[str] = ()) -> Redacted:
    """`text` with personal data hidden, and with it every number that is no amount, date or time.

    Args:
        text: a turn's text.
        names: names that are known from elsewhere, hidden wherever they stand.
    """
    found = [(said.places[0].start, said.places[-1].end, placeholder(said.kind)) for said in find_in(text)]
    hidden = _merged([*found, *_known(text, names), *_numbers(text)])
    pieces: list[str] = []
    offsets: list[int] = []
    ends: list[int] = []
    position = 0
    for start, end, mark in [*hidden, (len(text), len(text), "")]:
        pieces += (text[position:start], mark)
        offsets += [*range(position, start), *[start] * len(mark)]
        ends += [*range(position + 1, start + 1), *[end] * len(mark)]
        position = end
    return Redacted("".join(pieces), tuple(offsets), tuple(ends))


def masked_text(text: str, *, known: Collection[str] = (), also: Collection[str] = (), proved: bool = False) -> str:
    """`text` with placeholders for its personal data; for messages and keys that are no conversation.

    Args:
        text: any text.
        known: names that stay.
        also: names that are personal wherever they stand.
        proved: mask only what check digit or form prove, so that ids and dates stay as they are.
    """
    position = 0
    pieces: list[str] = []
    found = (said for said in find_in(text, known=known, also=also) if said.certain or not proved)
    for place, kind in sorted(((place, said.kind) for said in found for place in said.places), key=_beginning):
        pieces += (text[position : place.start], placeholder(kind))
        position = place.end
    return "".join([*pieces, text[position:]])


def _beginning(found: tuple[Place, str]) -> int:
    return found[0].start


def masked_seconds(turns: Sequence[Turn]) -> tuple[tuple[float, float], ...]:
    """When personal data is said, in seconds, sorted and joined; a turn without words counts as a whole."""
    spans: list[tuple[float, float]] = []
    for turn in turns:
        if not turn.marks or turn.start is None or turn.end is None:
            continue
        timed = list(_word_times(turn))
        spans += timed if timed else [(turn.start, turn.end)]
    joined: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def _word_times(turn: Turn) -> Iterator[tuple[float, float]]:
    """From the first to the last word of each placeholder; nothing where a placeholder has no words of its own."""
    if sum(len(PLACEHOLDER.findall(word.text)) for word in turn.words) < len(turn.marks):
        return
    open_since: float | None = None
    until = 0.0
    for word in turn.words:
        if PLACEHOLDER.search(word.text):
            if open_since is not None:
                yield open_since, until
            open_since, until = word.start, word.end
        elif word.text == "" and open_since is not None:
            until = max(until, word.end)
        elif open_since is not None:
            yield open_since, until
            open_since = None
    if open_since is not None:
        yield open_since, until


def _given(said: Personal, turns: Sequence[Turn]) -> int | None:
    speaker = turns[said.places[0].turn].speaker
    return given(said, others_before(said, turns, (speaker,))) if said.certain else None


def _masked(turn: Turn, marks: list[Mark]) -> Turn:
    """The turn with placeholders at the spans of `marks`, which stand in its present text."""
    if not marks:
        return turn
    pieces: list[str] = []
    placed: list[Mark] = []
    position = length = 0
    shifted: list[tuple[int, int]] = []
    for mark in sorted(marks, key=lambda mark: mark.span):
        start, end = mark.span
        shown = placeholder(mark.kind)
        pieces += (turn.text[position:start], shown)
        length += start - position
        placed.append(replace(mark, span=(length, length + len(shown))))
        shifted.append((end, len(shown) - (end - start)))
        length += len(shown)
        position = end
    text = "".join([*pieces, turn.text[position:]])
    earlier = [
        replace(old, span=(old.span[0] + by, old.span[1] + by))
        for old in turn.marks
        for by in [sum(grown for after, grown in shifted if after <= old.span[0])]
    ]
    words = _masked_words(turn, sorted(marks, key=lambda mark: mark.span))
    every = tuple(sorted([*placed, *earlier], key=lambda mark: mark.span))
    return replace(turn, text=text, original=text, words=words, marks=every)


def _masked_words(turn: Turn, marks: Sequence[Mark]) -> tuple[Word, ...]:
    """Words with the same placeholders; those that one hides are emptied and keep their times.

    None where words and text do not agree, for then nobody can tell which of them are personal.
    """
    letters = [place for place, sign in enumerate(turn.text) if sign.isalnum()]
    written = "".join(turn.text[place] for place in letters).lower()
    spoken = ["".join(filter(str.isalnum, word.text)) for word in turn.words]
    if "".join(spoken).lower() != written:
        return ()
    made: list[Word] = []
    done = 0
    shown: set[int] = set()
    for word, said in zip(turn.words, spoken, strict=True):
        places = letters[done : done + len(said)]
        done += len(said)
        runs: list[tuple[int | None, list[str]]] = []
        for place, sign in zip(places, said, strict=True):
            number = next((n for n, mark in enumerate(marks) if mark.span[0] <= place < mark.span[1]), None)
            if not runs or runs[-1][0] != number:
                runs.append((number, []))
            runs[-1][1].append(sign)
        if all(number is None for number, _ in runs):
            inside = not said and any(_around(letters, done, mark) for mark in marks)
            made.append(replace(word, text="") if inside else word)
            continue
        at, step = word.start, (word.end - word.start) / len(said)
        for number, signs in runs:
            end = at + step * len(signs)
            text = "".join(signs)
            if number is not None:
                text = "" if number in shown else placeholder(marks[number].kind)
                shown.add(number)
            made.append(Word(text, round(at, 3), round(end, 3), word.probability))
            at = end
    return tuple(made)


def _around(letters: Sequence[int], done: int, mark: Mark) -> bool:
    """Whether the place between two letters lies within a mark."""
    return 0 < done < len(letters) and mark.span[0] <= letters[done - 1] and letters[done] < mark.span[1]


def _names_of(values: Mapping[str, Json]) -> Iterator[str]:
    """Names among attributes, by their keys."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _names_of(value)
        elif isinstance(value, str) and _kind_of(key) == "name" and _NAME.fullmatch(value):
            yield value


def _kind_of(key: str) -> str | None:
    return next((kind for kind, pattern in _NAMED_KEYS if pattern.search(key.lower())), None)


def _without(values: Mapping[str, Json], known: Collection[str], names: Collection[str]) -> dict[str, Json]:
    return {key: _clean(value, key, known, names) for key, value in values.items()}


def _clean(value: Json, key: str, known: Collection[str], names: Collection[str]) -> Json:
    kind = _kind_of(key)
    if isinstance(value, dict):
        return _without(value, known, names)
    if isinstance(value, list):
        return [_clean(one, key, known, names) for one in value]
    if isinstance(value, bool) or value is None:
        return value
    if kind is not None and value not in ("", *known):
        return value if PLACEHOLDER.fullmatch(str(value)) else placeholder(kind)
    if isinstance(value, str):
        return masked_text(value, known=known, also=names)
    if isinstance(value, int) and any(said.certain for said in find_in(str(value))):
        return masked_text(str(value))
    return value


def _known(text: str, names: Iterable[str]) -> Iterator[tuple[int, int, str]]:
    for name in names:
        if len(name) > 1:
            yield from ((*match.span(), placeholder("name")) for match in re.finditer(re.escape(name), text))


def _numbers(text: str) -> Iterator[tuple[int, int, str]]:
    """Digits in a row, written or spoken, blanks and fillers between or not, with the code that they stand in."""
    covered = blanked(text)
    form = matching_form(covered)
    codes = [match.span() for match in _CODE.finditer(covered) if sum(map(str.isdigit, match.group())) >= LEAST_DIGITS]
    for run in _RUN.finditer(form.text):
        digits = run.group().removesuffix("x")
        start, end = form.span(run.start(), run.start() + len(digits))
        spoken = sum(ch in DIGITS for ch in text[start:end])
        if len(digits) < LEAST_DIGITS and not (spoken == 2 and _only_digits(form.text)):
            continue
        if len(digits) < ALWAYS_HIDDEN and (
            _UNIT.match(text[end:].lstrip()) or text[:start].rstrip().endswith(("¥", "￥"))
        ):
            continue
        start, end = form.span(*run.span())
        for first, last in codes:
            if first < end and start < last:
                start, end = min(start, first), max(end, last)
        yield start, end, placeholder("number")


def _only_digits(form: str) -> bool:
    """Whether a turn is hardly more than digits: part of a number that is dictated over several turns."""
    return sum(map(str.isdigit, form)) * 2 > len(form)


def _merged(spans: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """The spans in order, overlapping ones as one with the mark of the first, rather of a kind that is known."""
    merged: list[tuple[int, int, str]] = []
    unknown = placeholder("number")
    for start, end, mark in sorted(spans, key=lambda span: (span[0], -span[1], span[2])):
        if merged and start < merged[-1][1]:
            first, last, kept = merged[-1]
            merged[-1] = (first, max(last, end), mark if kept == unknown else kept)
        else:
            merged.append((start, end, mark))
    return merged
