"""A small made-up night: one call with a recording, one chat, one call of which nothing could be judged."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from pipeline.conversation import (
    Agent,
    Channel,
    Classes,
    Conversation,
    Customer,
    Evaluation,
    Evidence,
    Finding,
    Hearing,
    Interaction,
    Measures,
    Reading,
    Reason,
    ReviewItem,
    SetAside,
    Speaker,
    Turn,
    Verdict,
    Word,
)
from pipeline.reports.material import CardText, Case, CriterionText, Night

LI = Agent("1024", "小李", "售后一组")
ZHOU = Agent("1031", "小周", "售后一组")
WANG = Agent("2051", "小王", "售前组")
CHINA = timezone(timedelta(hours=8))
RATE = 8000
LENGTH = 24.0

CALL = (
    Turn(0, Speaker.AGENT, "您好，工号1024为您服务。", start=1.0, end=4.0, confidence=0.9),
    Turn(
        1,
        Speaker.CUSTOMER,
        "我的手表坏了，气死我了！",
        start=5.0,
        end=9.0,
        confidence=0.7,
        words=(Word("我的", 5.0, 5.6, 0.9), Word("手表", 5.6, 6.2, 0.31), Word("坏了", 6.2, 6.8, 0.9)),
    ),
    Turn(2, Speaker.AGENT, "说了几遍了，你怎么还不明白。", start=12.5, end=16.0, confidence=0.9),
    Turn(3, Speaker.CUSTOMER, "你这是什么态度。", start=18.0, end=20.0, confidence=0.9),
)
CHAT = (
    Turn(0, Speaker.CUSTOMER, "在吗？<b>发票</b>怎么开", start=0.0),
    Turn(1, Speaker.AGENT, "您好，10分钟内发到您的邮箱。", start=20.0),
)

CARD = CardText(
    "hotline",
    {"zh": "热线通话", "en": "Hotline calls"},
    80,
    sections={"opening": {"zh": "开场", "en": "Opening"}, "conduct": {"zh": "红线", "en": "Conduct"}},
    criteria={
        "greeting": CriterionText({"zh": "开场问候", "en": "Greeting"}, "opening"),
        "empathy_response": CriterionText(
            {"zh": "共情回应", "en": "Empathy"}, "opening", advice={"zh": "先回应感受。", "en": "Feelings first."}
        ),
        "rudeness": CriterionText({"zh": "态度粗暴", "en": "Rudeness"}, "conduct", fault=True),
    },
    bands={"good": {"zh": "良好", "en": "Good"}, "poor": {"zh": "不合格", "en": "Poor"}},
    rules={"upset_at_the_end": {"zh": "客户不满地离开", "en": "The customer leaves upset"}},
)


def finding(criterion: str, verdict: Verdict, *evidence: Evidence, confidence: float = 0.9) -> Finding:
    """A finding of the made-up card: a duty of 10 points, or the fatal fault `rudeness`."""
    fault = criterion == "rudeness"
    worth = {Verdict.MET: 10.0, Verdict.PARTIAL: 5.0}.get(verdict, 0.0)
    return Finding(
        criterion,
        "conduct" if fault else "opening",
        verdict,
        0.0 if fault else worth,
        0.0 if fault else 10.0,
        confidence,
        Reason("criteria.phrase.found", {"role": "@criteria.role.agent", "turn": 1, "quote": "您好"}),
        evidence,
        fault=fault,
        fatal=fault and verdict is Verdict.UNMET,
    )


def quote(turn: Turn, text: str) -> Evidence:
    """The evidence that `text` stands in `turn`."""
    start = turn.text.index(text)
    return Evidence(turn.index, turn.start, turn.end, (start, start + len(text)), text)


def case(
    identifier: str,
    agent: Agent | None,
    findings: Sequence[Finding] = (),
    *,
    total: float | None = 90.0,
    day: int = 13,
    turns: tuple[Turn, ...] = CALL,
    channel: Channel = Channel.CALL,
    reasons: tuple[str, ...] = (),
    priority: float = 0.0,
    measures: Measures | None = None,
    sentiments: Sequence[float] = (),
    media: Path | None = None,
) -> Case:
    """One case; `sentiments` are those of the customer's turns in order."""
    moods = iter(sentiments)
    readings = tuple(Reading(sentiment=next(moods, None) if t.speaker is Speaker.CUSTOMER else None) for t in turns)
    measures = measures or Measures(sentiment_start=-0.6, sentiment_end=0.5, duration=20.0)
    fatal = tuple(f.criterion for f in findings if f.fatal)
    interaction = Interaction(
        identifier,
        channel,
        "sha256:" + "0" * 64,
        f"{identifier}.json",
        agent=agent,
        customer=Customer("u-88", "vip"),
        started_at=datetime(2025, 10, day, 9, 31, 5, tzinfo=CHINA),
    )
    hearing = Hearing(LENGTH, RATE, 2, 12.0, 0.9) if media else None
    classes = Classes("product", 2, "after_sales", False)
    return Case(
        Conversation(interaction, turns, measures, classes, hearing, readings if sentiments else ()),
        Evaluation(
            identifier,
            "hotline",
            "1.0",
            "sha256:" + "a" * 64,
            "0.1.0",
            {"asr": "tiny@sha256:b"},
            total,
            100.0,
            None if total is None else total >= 80 and not fatal,
            None if total is None else "good" if total >= 80 else "poor",
            fatal,
            tuple(findings),
            measures,
            classes,
        ),
        ReviewItem(identifier, bool(reasons), priority, reasons),
        media,
    )


def rude_call(media: Path | None = None) -> Case:
    """A flagged call with a fatal fault, heard at 12.5 s, and a complaint that was not answered, heard at 5 s."""
    return case(
        "C1",
        LI,
        (
            finding("greeting", Verdict.MET, quote(CALL[0], "您好")),
            finding("empathy_response", Verdict.UNMET, quote(CALL[1], "气死我了")),
            finding("rudeness", Verdict.UNMET, quote(CALL[2], "你怎么还不明白")),
        ),
        total=40.0,
        reasons=("fatal:rudeness", "total_below:60", "upset_at_the_end"),
        priority=0.95,
        measures=Measures(sentiment_start=-0.6, sentiment_end=-0.7, silence_ratio=0.5, duration=LENGTH),
        sentiments=(-0.6, -0.8),
        media=media,
    )


def kind_chat() -> Case:
    """A chat in which all is well."""
    return case(
        "T2",
        ZHOU,
        (
            finding("greeting", Verdict.MET, quote(CHAT[1], "您好")),
            finding("empathy_response", Verdict.NOT_APPLICABLE),
            finding("rudeness", Verdict.MET),
        ),
        total=100.0,
        day=14,
        turns=CHAT,
        channel=Channel.CHAT,
        sentiments=(0.0,),
    )


def unheard_call() -> Case:
    """A call of which nothing could be judged."""
    return case(
        "C3/夜",
        WANG,
        (finding("greeting", Verdict.UNSURE), finding("rudeness", Verdict.UNSURE)),
        total=None,
        day=15,
        turns=(),
        reasons=("unsure:greeting", "random_sample"),
        priority=0.4,
        measures=Measures(),
    )


def night(media: Path | None = None) -> Night:
    """The whole night, with one file set aside."""
    return Night(
        datetime(2025, 10, 16, 2, 0, tzinfo=UTC),
        (rude_call(media), kind_chat(), unheard_call()),
        (SetAside("坏的.wav", "Z103", "录音被截断", "请重新导出"),),
        {"hotline": CARD},
    )


def write_call(path: Path) -> Path:
    """A stereo recording of `LENGTH` seconds: a tone left while the agent speaks, right while the customer does."""
    time = np.arange(int(LENGTH * RATE)) / RATE
    tone = (0.5 * np.sin(2 * np.pi * 300 * time) * 32767).astype("<i2")
    sides = np.zeros((len(time), 2), dtype="<i2")
    for turn in CALL:
        side = 0 if turn.speaker is Speaker.AGENT else 1
        spoken = (time >= (turn.start or 0)) & (time < (turn.end or 0))
        sides[spoken, side] = tone[spoken]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(sides.tobytes())
    return path
