"""phrase: something is said. / 说了某句话。

English: `any` lists patterns, one of which is enough (`at_least` so many different ones, `times` so many places); a
text or a list alone stands for it. `all` lists patterns that must all occur, `none` those that must not; the three
may be combined. `together` says how close: `anywhere` in the turns that count (default), within one `turn` (`true`
for short) or one `sentence`. `except` lists patterns that excuse a hit they overlap. In a pattern `[a|b]` may be
there, `(a|b)` must, `…` stands for a few characters, `<name>` for a pattern of the card's list of that name: synonyms
are such a list, and a list that several cards share stands in a file that they `include`. Punctuation, blanks, case
and fillers (嗯, 那个, 就是 before a pause) never matter, traditional characters are simplified ones, 一零二四 is
1024. `homophones`: `heard` (default: what was heard by machine is matched by its pinyin too), `always`, `never`;
`near_sounds` (n/l, in/ing, eng/en, zh/z, ch/c, sh/s count as one) and `homophone_min_chars` (shorter matches must be
written so) set how much may differ; the card's settings are their defaults. `by` (default `agent`), `window` as
everywhere. Unsure where the turns were badly heard or their speaker is unknown; not applicable where the role says
nothing.

中文：`any` 是一组话术，说了其中一种就算（`at_least` 要求几种不同的，`times` 要求出现几处）；只写一条或一个列表就等
于 `any`。`all` 里的每一条都要说到，`none` 里的一条也不能说，三者可以合用。`together` 规定要多近：`anywhere`（默认，所看
的话里任何地方）、`turn`（同一轮，也可写 `true`）或 `sentence`（同一句话）。`except` 里的话术如果与命中的地方重叠，该处
不算。话术里 `[甲|乙]` 可有可无，`(甲|乙)` 必须有其一，`…` 代表几个字，`<名字>` 代表评分卡 `lists` 里同名列表的任何一
条：同义说法就放在这样的列表里；几张评分卡共用的，单独放一个文件，用 `include` 引入。标点、空格、大小写和语气词（嗯、那
个、停顿前的“就是”）都不影响，繁体字按简体字算，一零二四等于 1024。`homophones`：`heard`（默认，机器听写的话也按拼音比
对）、`always`（总是）、`never`（从不）；`near_sounds`（n/l、in/ing、eng/en、zh/z、ch/c、sh/s 算同音）
和 `homophone_min_chars`（更短的必须写得一样）规定读音可以差多少，不写就用评分卡的设置。`by`（默
认 `agent`）、`window` 与其他判定方式相同。录音听不清或分不清是谁说的，判为 “拿不准”；该角色没有发言，则不适用。

```yaml
phrase: {any: ["请问[有]什么(可以|能)帮[到]您"], by: agent, window: {turns: 1..2}}
```

```met
坐席: 您好，嗯，请问有什么可以帮您？
```

```unmet
坐席: 说吧。
```
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from pipeline.conversation import Conversation, Reason
from pipeline.criteria.base import (
    BY_SOUND,
    WRITTEN,
    Context,
    Hit,
    Homophones,
    Outcome,
    PatternList,
    Role,
    Rules,
    State,
    Strict,
    evidence,
    found,
    missed,
    not_found,
    role_word,
    trust,
    wrong,
)
from pipeline.criteria.index import Index
from pipeline.criteria.patterns import Found, Patterns
from pipeline.criteria.sentences import sentences
from pipeline.criteria.window import Window, select
from pipeline.text import matching_form

Numbered: TypeAlias = tuple[tuple[int, Hit], ...]
"""Hits, each with the number of its pattern."""


def _together(value: Any) -> Any:
    return {True: "turn", False: "anywhere"}[value] if isinstance(value, bool) else value


class Params(Strict):
    """What to look for, where, and how often."""

    any: PatternList = ()
    all: PatternList = ()
    none: PatternList = ()
    except_: PatternList = Field(default=(), alias="except")
    at_least: Annotated[int, Field(ge=1)] = 1
    times: Annotated[int, Field(ge=1)] = 1
    together: Annotated[Literal["anywhere", "turn", "sentence"], BeforeValidator(_together)] = "anywhere"
    by: Role = "agent"
    window: Window | None = None
    homophones: Homophones | None = None
    near_sounds: bool | None = None
    homophone_min_chars: Annotated[int, Field(ge=2)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"any": value} if isinstance(value, str | list | tuple) else value

    @model_validator(mode="after")
    def _something(self) -> Params:
        if not (self.any or self.all or self.none):
            raise wrong("phrase_empty")
        if self.at_least > max(1, len(self.any)):
            raise wrong("phrase_at_least", wanted=self.at_least, listed=len(self.any))
        return self


@dataclass(frozen=True, slots=True)
class Sought:
    """Patterns, what excuses a hit, and when and how they are matched by sound (see `sought_for`)."""

    patterns: Patterns
    excuses: Patterns | None
    homophones: Homophones
    near: bool
    least: int


@dataclass(frozen=True, slots=True)
class _Ready:
    """What a card makes of the parameters: what is sought, and what is said where it is not found."""

    any: Sought | None
    all: Sought | None
    none: Sought | None
    args: Mapping[str, str | int | float]
    missed: Outcome


def _ready(params: Params, rules: Rules) -> _Ready:
    def sought(sources: tuple[str, ...]) -> Sought | None:
        if not sources:
            return None
        return sought_for(
            sources,
            rules,
            excused=params.except_,
            homophones=params.homophones,
            near=params.near_sounds,
            least=params.homophone_min_chars,
        )

    args: dict[str, str | int | float] = {
        "role": role_word(params.by),
        "example": readable((params.any or params.all or params.none)[0], dict(rules.lists)),
    }
    plain = not_found(Reason("criteria.phrase.missed", args))
    return _Ready(sought(params.any), sought(params.all), sought(params.none), args, plain)


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether the phrases of `params` are said."""
    ready = context.rules.once(params, _ready)
    turns = select(conversation, params.by, params.window, context)
    held, hits = _look(params, ready, conversation, turns, context)
    if held and hits:
        return found(hits, Reason(*_told(ready.args, hits)))
    if held:
        plain = not_found(Reason("criteria.phrase.clear", ready.args))
        quiet = missed(conversation, turns, params.by, context, plain)
        return Outcome(State.YES, quiet.confidence, quiet.reason) if quiet.state is State.NO else quiet
    if params.none and hits and not (params.any or params.all):
        return Outcome(State.NO, max(hit.confidence for hit in hits), Reason(*_told(ready.args, hits)), hits)
    unknown = context.index.unknown(params.by)
    if unknown:
        held, hits = _look(params, ready, conversation, tuple(sorted({*turns, *unknown})), context)
    return missed(conversation, turns, params.by, context, ready.missed, elsewhere=hits if unknown and held else ())


def _told(args: Mapping[str, str | int | float], hits: tuple[Hit, ...]) -> tuple[str, dict[str, str | int | float]]:
    first = hits[0].evidence[0]
    key = "criteria.phrase.found" if len(hits) == 1 else "criteria.phrase.found_often"
    return key, {**args, "turn": first.turn + 1, "quote": first.quote, "count": len(hits)}


def _look(
    params: Params, ready: _Ready, conversation: Conversation, turns: tuple[int, ...], context: Context
) -> tuple[bool, tuple[Hit, ...]]:
    """Whether the conditions hold over `turns`, and the hits (those of `none` where they break it)."""
    said = [
        () if sought is None else found_in(sought, conversation, turns, context.index)
        for sought in (ready.any, ready.all, ready.none)
    ]
    if params.together == "anywhere":
        return _over(params, *said)
    for turn in turns:
        text = conversation.turns[turn].text
        for span in sentences(text) if params.together == "sentence" else ((0, len(text)),):
            held, hits = _over(params, *(_inside(turn, span, hits) for hits in said))
            if held:
                return held, hits
    return False, ()


def _inside(turn: int, span: tuple[int, int], hits: Numbered) -> Numbered:
    return tuple(
        (number, hit)
        for number, hit in hits
        if hit.turn == turn and span[0] <= hit.evidence[0].span[0] and hit.evidence[0].span[1] <= span[1]
    )


def _over(params: Params, some: Numbered, every: Numbered, forbidden: Numbered) -> tuple[bool, tuple[Hit, ...]]:
    """Whether the conditions hold for the hits of `any`, `all` and `none`, and the hits."""
    if forbidden:
        return False, tuple(hit for _, hit in forbidden)
    if params.any and (not some or len(_separate(some)) < params.times):
        return False, ()
    if params.at_least > 1 and len({p for p, _ in some}) < params.at_least:
        return False, ()
    if len({p for p, _ in every}) < len(params.all):
        return False, ()
    return True, _separate(some + every)


def occurrences(
    sources: tuple[str, ...], conversation: Conversation, turns: tuple[int, ...], context: Context
) -> Numbered:
    """Hits of `sources`, matched as the card's settings say, in `turns`; see `found_in`."""
    return found_in(sought_for(sources, context.rules), conversation, turns, context.index)


def sought_for(
    sources: tuple[str, ...],
    rules: Rules,
    *,
    excused: tuple[str, ...] = (),
    homophones: Homophones | None = None,
    near: bool | None = None,
    least: int | None = None,
) -> Sought:
    """What is sought.

    Args:
        sources: patterns that the schema has checked.
        rules: for the card's lists and settings.
        excused: patterns that excuse a hit they overlap.
        homophones: when to match by sound; default the card's setting.
        near: whether sounds that many speakers do not tell apart are one; default the card's setting.
        least: how many characters a match by sound must have; default the card's setting.
    """
    settings = rules.settings
    return Sought(
        rules.patterns(sources),
        rules.patterns(excused) if excused else None,
        homophones or settings.homophones,
        settings.near_sounds if near is None else near,
        settings.homophone_min_chars if least is None else least,
    )


def found_in(sought: Sought, conversation: Conversation, turns: tuple[int, ...], index: Index) -> Numbered:
    """Hits of what is sought in `turns`, each with the number of its pattern, in order of the conversation."""
    written, heard = sought.patterns.written, None
    read = index.sifted(written)
    searched = written.worth_searching(read, turns)
    always = sought.homophones == "always"
    if always or (sought.homophones == "heard" and index.any_heard):
        heard = sought.patterns.heard(near=sought.near)
        listened = index.sifted(heard, unheard=always)
        searched = sorted({*searched, *heard.worth_searching(listened, turns)})
    hits: list[tuple[int, Hit]] = []
    for number in searched:
        turn = conversation.turns[number]
        form = matching_form(turn.text)
        places = written.search(form.text, read.turn(number))
        pardons: tuple[Found, ...] = ()
        if places and sought.excuses:
            excuses = sought.excuses.written
            pardons = excuses.search(form.text, index.sifted(excuses).turn(number))
        if heard and (always or turn.confidence is not None):
            alike = heard.search_sounds(form.text, listened.turn(number), near=sought.near, least=sought.least)
            places += tuple(p for p in alike if not any(q.pattern == p.pattern and _overlap(p, q) for q in places))
            if sought.excuses and places:
                pardons += sought.excuses.search_sounds(form.text, near=sought.near, least=sought.least)
        for place in sorted(places, key=lambda p: (p.start, -p.end, p.pattern)) if len(places) > 1 else places:
            if not any(_overlap(place, pardon) for pardon in pardons):
                base = BY_SOUND if place.by_sound else WRITTEN
                where = evidence(turn, form.span(place.start, place.end))
                hits.append((place.pattern, Hit((where,), trust(turn, base))))
    return tuple(hits)


def _overlap(one: Found, other: Found) -> bool:
    return one.start < other.end and other.start < one.end


def _separate(hits: Numbered) -> tuple[Hit, ...]:
    """The hits in order of the conversation, of those that overlap only the first and longest."""
    if len(hits) < 2:
        return tuple([hit for _, hit in hits])
    kept: list[Hit] = []
    for _, hit in sorted(hits, key=lambda h: (h[1].turn, h[1].evidence[0].span[0], -h[1].evidence[0].span[1])):
        last = kept[-1].evidence[0] if kept else None
        if last is None or hit.turn != last.turn or hit.evidence[0].span[0] >= last.span[1]:
            kept.append(hit)
    return tuple(kept)


def readable(pattern: str, lists: Mapping[str, tuple[str, ...]]) -> str:
    """A pattern as a person would say it: the first of each choice and list, options left out."""

    def said(slot: re.Match[str]) -> str:
        return readable(lists[slot[1]][0], lists) if slot[1] in lists else "…"

    text = re.sub(r"<([^>]*)>", said, pattern)
    while (simpler := re.sub(r"\[[^\[\]()]*\]", "", text)) != text or (
        simpler := re.sub(r"\(([^\[\]()|]*)[^\[\]()]*\)", r"\1", text)
    ) != text:
        text = simpler
    plain = re.sub("…+", "…", text.split("|")[0].strip("^$"))
    return plain if plain.strip("…") else pattern
