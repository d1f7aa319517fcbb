"""Whether verdicts depend on who speaks: names, gender words and dialect words swapped, everything else as it was.

    .venv/bin/python bench/fairness.py [--gold FILE.jsonl …] [--show]

Conversations: the held-out dialogues of the reader's training data (no alternative of them was trained on) and the
labelled ones of `bench/exam.jsonl`. Each is scored by both shipped scorecards as it stands and once for every kind of
swap; a verdict that is another one afterwards has flipped. Only conversations in which a swap changed something count.
Dialect words are swapped in customers' turns alone: in the agent's they are a matter of the scorecard. Intervals are
95 % percentile bootstraps over conversations.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.table import Table

from bench.figures import ROOT, cannot, console, mean, measured, table
from bench.readers import lacking, reader_called
from models.utterance.training.data import Dialogue, expand, load
from pipeline import __version__
from pipeline.conversation import Channel, Evaluation, Interaction, Speaker, Turn, Verdict
from pipeline.dialogue import build
from pipeline.ingest import ingest_files
from pipeline.reading import TurnReader, read
from pipeline.scorecard import find_scorecard
from pipeline.scoring import score

CARDS = ("hotline", "online-chat")
GOAL = 0.01
EXAM = ROOT / "bench" / "exam.jsonl"
_SPEAKERS = {"agent": Speaker.AGENT, "customer": Speaker.CUSTOMER, "other": Speaker.BOT}
_COMMON = (
    "王李张刘陈杨赵黄周吴徐孙胡朱郭林罗梁郑宋唐许邓冯韩曹曾彭蔡潘田董袁余叶蒋杜苏魏程吕丁沈任"
    "姚卢傅钟姜崔谭廖范汪陆戴贾夏邱侯邹熊孟秦薛尹段雷黎陶贺顾郝龚邵钱莫孔汤"
)
_RARE = ("欧阳", "尉迟", "朴", "宝力德", "买买提", "扎西")
_TITLE = "先生|女士|小姐|师傅|经理|主管|老师|阿姨|叔叔|大爷|大妈|大哥|大姐"


def words(pairs: Mapping[str, str]) -> Callable[[str], str]:
    """What replaces every match of a key (a regular expression without groups) by its value, in one pass."""
    news = list(pairs.values())
    pattern = re.compile("|".join(f"({old})" for old in pairs))
    return lambda text: pattern.sub(lambda match: news[(match.lastindex or 1) - 1], text)


def mutual(pairs: Mapping[str, str]) -> dict[str, str]:
    """The pairs in both directions."""
    return {**pairs, **{new: old for old, new in pairs.items()}}


def surnames(to: Sequence[str]) -> Callable[[str], str]:
    """What gives another surname to everybody who is named: 王女士, 我姓王, 我是小王."""
    known = f"[{_COMMON}]"
    pattern = re.compile(rf"{known}(?={_TITLE})|(?<=姓){known}|(?<=[是叫]小){known}(?=[，。,\s为]|$)")
    return lambda text: pattern.sub(lambda match: to[(_COMMON.index(match[0]) + 1) % len(to)], text)


@dataclass(frozen=True, slots=True)
class Swap:
    """One kind of change, and whose turns it touches (`None`: everybody's)."""

    title: str
    change: Callable[[str], str]
    by: Speaker | None = None

    def of(self, interaction: Interaction) -> Interaction:
        """The interaction with its words swapped."""
        turns = tuple(
            turn if self.by not in (None, turn.speaker) else replace(turn, text=self.change(turn.text))
            for turn in interaction.turns
        )
        return replace(interaction, turns=turns)


_KIN = {
    "阿姨": "叔叔", "大妈": "(?<!你)大爷", "大姐": "大哥", "奶奶": "爷爷", "(?<!他)妈(?![的呀])": "爸", "儿子": "女儿",
    "老公": "老婆", "姐姐": "哥哥", "妹妹": "弟弟", "姑娘": "小伙子", "外婆": "外公", "女朋友": "男朋友",
    "孙女": "孙子",
}  # fmt: skip
"""Pairs of words; a look-around keeps swearing and exclamations as they are."""
_LOOK = re.compile(r"\(\?[^)]*\)")

SWAPS = (
    Swap("surnames", surnames(_COMMON)),
    Swap("surnames → rare and minority names", surnames(_RARE)),
    Swap("先生 ↔ 女士", words({"先生": "女士", "女士": "先生", "小姐(?!姐)": "先生"})),
    Swap(
        "他 ↔ 她, 阿姨 ↔ 叔叔, 儿子 ↔ 女儿 …",
        words(
            {"(?<![其吉])他(?![们妈])": "她", "她(?!们)": "他"}
            | {old: _LOOK.sub("", new) for old, new in mutual(_KIN).items()}
        ),
    ),
    Swap("什么 ↔ 啥, 怎么 ↔ 咋", words(mutual({"什么": "啥", "怎么": "咋"})), Speaker.CUSTOMER),
    Swap(
        "我 ↔ 俺, 可以吗 ↔ 中不中",
        words(mutual({"可以吗": "中不中", "俺": "我"}) | {"(?:行|好)吗": "中不中", "行不行": "中不中"}),
        Speaker.CUSTOMER,
    ),
    Swap(
        "你 ↔ 侬, 知道 ↔ 晓得, 好吗 ↔ 好伐, 很 → 蛮",
        words(mutual({"知道": "晓得", "好吗": "好伐"}) | {"你(?![们好])|您(?!们)": "侬", "侬": "你", "很(?!多)": "蛮"}),
        Speaker.CUSTOMER,
    ),
    Swap(
        "怎么 ↔ 啷个, 没有 ↔ 莫得, 好的 ↔ 要得",
        words(
            {"怎么": "啷个", "(?<!有)没有": "莫得", "好的": "要得"} | {"啷个": "怎么", "莫得": "没有", "要得": "好的"}
        ),
        Speaker.CUSTOMER,
    ),
    Swap(
        "谢谢 ↔ 唔该, 什么时候 ↔ 几时, 为什么 ↔ 点解",
        words(
            mutual({"什么时候": "几时", "为什么": "点解"}) | {"谢谢(?![你您侬他她])": "唔该", "唔该": "谢谢"},
        ),
        Speaker.CUSTOMER,
    ),
)


@dataclass(frozen=True, slots=True)
class Flip:
    """A verdict that is another one after a swap."""

    interaction: str
    card: str
    criterion: str
    before: Verdict
    after: Verdict


@dataclass(frozen=True, slots=True)
class Compared:
    """One conversation before and after a swap: verdicts, how many of them apply, flips, changes of the totals."""

    interaction: str
    verdicts: int
    applying: int
    flips: tuple[Flip, ...]
    moved: tuple[float, ...]


def held_out() -> tuple[Interaction, ...]:
    """The held-out dialogues of the training data, one choice of each alternative."""
    return tuple(_interaction(item) for item in load() if item.labels and item.split == "held_out")


def _interaction(item: Dialogue) -> Interaction:
    chance = random.Random(item.id)  # noqa: S311
    turns = tuple(
        Turn(place, _SPEAKERS[turn.role], expand(turn.pattern, chance)) for place, turn in enumerate(item.turns)
    )
    return Interaction(item.id, Channel(item.channel), digest="", source=item.id, turns=turns)


Evaluated = tuple[Evaluation, ...]
"""What both cards say of one conversation."""


def compare(
    interactions: Sequence[Interaction], before: Sequence[Evaluated], swap: Swap, reader: TurnReader
) -> tuple[Compared, ...]:
    """Evaluate every interaction that `swap` changes once more, and hold it against what was said `before`."""
    changed = [
        (swapped, said)
        for item, said in zip(interactions, before, strict=True)
        if (swapped := swap.of(item)).turns != item.turns
    ]
    after = evaluated([swapped for swapped, _ in changed], reader)
    return tuple(_compared(said, now) for (_, said), now in zip(changed, after, strict=True))


def evaluated(interactions: Sequence[Interaction], reader: TurnReader) -> list[Evaluated]:
    """The evaluations of every interaction, one a card."""
    cards = [find_scorecard(name) for name in CARDS]
    return [
        tuple(score(conversation, card, engine_version=__version__) for card in cards)
        for conversation in read([build(item, item.turns) for item in interactions], reader=reader)
    ]


def _compared(before: Evaluated, after: Evaluated) -> Compared:
    pairs = [
        (one.scorecard_id, finding, other)
        for one, two in zip(before, after, strict=True)
        for finding, other in zip(one.findings, two.findings, strict=True)
    ]
    flips = tuple(
        Flip(before[0].interaction, card, finding.criterion, finding.verdict, other.verdict)
        for card, finding, other in pairs
        if finding.verdict is not other.verdict
    )
    applying = sum(Verdict.NOT_APPLICABLE not in (finding.verdict, other.verdict) for _, finding, other in pairs)
    appearing = sum(Verdict.NOT_APPLICABLE in (flip.before, flip.after) for flip in flips)
    moved = tuple(
        abs(one.total - two.total)
        for one, two in zip(before, after, strict=True)
        if one.total is not None and two.total is not None
    )
    return Compared(before[0].interaction, len(pairs), applying + appearing, flips, moved)


def flipped(some: Sequence[Compared]) -> float:
    """Share of all verdicts that flip."""
    return sum(len(item.flips) for item in some) / max(1, sum(item.verdicts for item in some))


def flipped_where_applying(some: Sequence[Compared]) -> float:
    """Share that flips of the verdicts that apply before or after."""
    return sum(len(item.flips) for item in some) / max(1, sum(item.applying for item in some))


def show(found: Mapping[str, Sequence[Compared]], title: str, rounds: int) -> Table:
    """One row a kind of swap, and one for all; ✓ where the goal is reached."""
    made = table(
        title,
        "swapped",
        "conversations",
        "verdicts",
        f"% flipped (goal {GOAL:.0%})",
        "% of those that apply",
        "mean change of the total",
    )
    everything = [item for some in found.values() for item in some]
    for name, some in (*found.items(), ("all", everything)):
        if name == "all":
            made.add_section()
        share = measured(some, flipped, rounds=rounds)
        made.add_row(
            name,
            str(len(some)),
            str(sum(item.verdicts for item in some)),
            f"{share.text(percent=True)} {'–' if not some else '✓' if share.value <= GOAL else '✗'}",
            measured(some, flipped_where_applying, rounds=rounds).text(percent=True),
            f"{mean([points for item in some for points in item.moved]):.2f}" if some else "–",
        )
    return made


def by_criterion(found: Mapping[str, Sequence[Compared]], most: int = 8) -> Table:
    """The criteria that flip most, and by which swap."""
    flips = [(flip.criterion, name) for name, some in found.items() for item in some for flip in item.flips]
    made = table("Criteria that flip most", "criterion", "flips", "by which swap")
    made.columns[-1].justify = "left"
    for criterion, count in Counter(criterion for criterion, _ in flips).most_common(most):
        swaps = Counter(name for flipping, name in flips if flipping == criterion)
        made.add_row(criterion, str(count), "; ".join(f"{name}: {times}" for name, times in swaps.most_common(3)))
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; exit status 2 where conversations or weights are missing."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--gold", type=Path, action="append", help="these interactions instead of bench/exam.jsonl")
    ask.add_argument("--weights", type=Path, help="other weights than the shipped ones")
    ask.add_argument("--rounds", type=int, default=300, help="bootstrap rounds (default 300)")
    ask.add_argument("--show", action="store_true", help="list every flip")
    given = ask.parse_args(arguments)
    files: list[Path] = given.gold or [path for path in (EXAM,) if path.is_file()]
    if absent := [str(path) for path in files if not path.is_file()]:
        return cannot(f"No conversations at {', '.join(absent)}. Give a file of interactions with --gold FILE.jsonl.")
    if lack := lacking(given.weights):
        return cannot(lack)
    intake = ingest_files(files)
    if intake.set_aside:
        return cannot("\n".join(f"{refused.source}: {refused.reason}" for refused in intake.set_aside))
    interactions = (*held_out(), *intake.interactions)
    reader = reader_called("fused", given.weights)
    before = evaluated(interactions, reader)
    found = {swap.title: compare(interactions, before, swap, reader) for swap in SWAPS}
    out = console()
    out.print(show(found, f"{len(interactions)} conversations, scorecards {' and '.join(CARDS)}", given.rounds))
    out.print(by_criterion(found))
    for name, some in found.items() if given.show else ():
        for flip in (flip for item in some for flip in item.flips):
            out.print(
                f"{name}: {flip.interaction} {flip.card} {flip.criterion}: {flip.before} → {flip.after}",
                highlight=False,
            )
    out.print(f"reader: {reader.digest}", highlight=False)
    for name in CARDS:
        out.print(f"scorecard {name}: {find_scorecard(name).digest}", highlight=False)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
