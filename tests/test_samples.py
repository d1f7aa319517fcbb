"""The shipped samples: whole, honest, and told apart by the engine in the order that samples/README.md expects."""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from models.utterance import load_reader
from pipeline.conversation import Channel, Conversation, Evaluation, Interaction, ReviewItem, Speaker, Verdict
from pipeline.dialogue import build, interruptions, silences
from pipeline.flagging import flag
from pipeline.ingest import Intake, ingest, ingest_files
from pipeline.reading import read
from pipeline.recordings import probe
from pipeline.redact import redact
from pipeline.scorecard import find_scorecard
from pipeline.scoring import score

SAMPLES = Path(__file__).parent.parent / "samples"
INBOX, TRUTH, SCRIPTS = SAMPLES / "inbox", SAMPLES / "truth", SAMPLES / "scripts"
CALLS = tuple(sorted(path.stem for path in SCRIPTS.glob("C*.yaml")))
MEGABYTE = 1_000_000
TOLERANCE = 6.0
"""By how much a sample may beat one of the next better rank: neighbours are a matter of taste, farther ones are not."""


@cache
def inbox() -> Intake:
    return ingest(INBOX)


@cache
def arrived() -> dict[str, Interaction]:
    return {interaction.id: interaction for interaction in inbox().interactions}


@cache
def truth(identity: str) -> Conversation:
    interaction = ingest_files([TRUTH / f"{identity}.json"]).interactions[0]
    return build(interaction, interaction.turns)


@cache
def expected() -> dict[str, tuple[int, str]]:
    """Rank and wish for review of every interaction, from the tables of samples/README.md."""
    rows = re.findall(
        r"^\| ([CTE]\d{8}-\d{4}) \| (\d) \| (yes|no|may) \|", (SAMPLES / "README.md").read_text("utf-8"), re.M
    )
    return {identity: (int(rank), review) for identity, rank, review in rows}


def test_manual_ranks_every_sample_that_arrives() -> None:
    assert set(expected()) == set(arrived())


def test_inbox_holds_what_was_asked_for() -> None:
    by_channel = [interaction.channel for interaction in inbox().interactions]
    assert by_channel.count(Channel.CALL) >= 8
    assert by_channel.count(Channel.CHAT) >= 6
    agents = {interaction.agent for interaction in inbox().interactions}
    assert len(agents) == 4
    assert len({agent.team for agent in agents if agent}) == 2


def test_inbox_is_small() -> None:
    assert sum(path.stat().st_size for path in INBOX.iterdir()) <= 10 * MEGABYTE


def test_broken_files_are_set_aside_and_nothing_else() -> None:
    assert {(aside.source.split(":")[0], aside.code) for aside in inbox().set_aside} == {
        ("broken-missing-channel.json", "Z107"),
        ("broken-not-audio.wav", "Z102"),
        ("broken-truncated.wav", "Z103"),
    }


@pytest.mark.parametrize("identity", CALLS)
def test_truth_is_the_script_on_the_recordings_clock(identity: str) -> None:
    interaction, told = arrived()[identity], truth(identity)
    script = yaml.safe_load((SCRIPTS / f"{identity}.yaml").read_text(encoding="utf-8"))
    said = [(role, line[role]) for line in script["turns"] for role in ("agent", "customer") if role in line]
    assert [(turn.speaker.value, turn.original) for turn in told.turns] == said
    assert interaction.recording is not None
    duration = probe(Path(interaction.recording)).duration
    assert told.timed
    assert max(turn.end or 0.0 for turn in told.turns) < duration < 120
    assert not interaction.turns


@pytest.mark.parametrize("identity", CALLS)
def test_truth_and_inbox_tell_the_same_of_a_call(identity: str) -> None:
    inbox_side = json.loads((INBOX / f"{identity}.json").read_text(encoding="utf-8"))
    truth_side = json.loads((TRUTH / f"{identity}.json").read_text(encoding="utf-8"))
    for only_here in ("recording", "channels"):
        inbox_side.pop(only_here, None)
    truth_side.pop("turns")
    assert inbox_side == truth_side


@pytest.mark.parametrize("identity", CALLS)
def test_calls_are_written_as_they_are_spoken(identity: str) -> None:
    for turn in truth(identity).turns:
        assert re.fullmatch(r"[一-鿿，。？！]+", turn.text), turn.text


def test_sound_is_laid_out_as_the_scripts_say() -> None:
    heard = {i.id: probe(Path(i.recording)) for i in inbox().interactions if i.recording}
    assert heard["C20251015-0005"].sample_rate == 8_000
    assert [identity for identity, sound in heard.items() if sound.channels == 1] == ["C20251015-0006"]
    assert arrived()["C20251015-0006"].channels == {}
    assert arrived()["C20251013-0001"].channels == {"left": Speaker.AGENT, "right": Speaker.CUSTOMER}


def test_one_call_has_a_long_hold_that_was_announced() -> None:
    (hold,) = silences(truth("C20251017-0009").turns, at_least=25)
    before, after = truth("C20251017-0009").turns[hold.after : hold.after + 2]
    assert "请您稍等" in before.text
    assert "让您久等了" in after.text


def test_one_call_has_an_agent_who_talks_over_the_customer() -> None:
    cuts = interruptions(truth("C20251017-0010").turns)
    assert len(cuts) == 3
    assert all(cut.end - cut.start >= 1 for cut in cuts)
    assert all(not interruptions(truth(identity).turns) for identity in CALLS if identity != "C20251017-0010")


def test_chats_and_mail_tell_when_they_were_sent() -> None:
    written = [interaction for interaction in inbox().interactions if interaction.channel is not Channel.CALL]
    assert all(turn.start is not None and turn.end is None for chat in written for turn in chat.turns)


@cache
def scored(identity: str) -> tuple[Evaluation, ReviewItem]:
    """Evaluation and review of one sample, taken as text: of a call, the true turns."""
    interaction = arrived()[identity]
    conversation = truth(identity) if interaction.channel is Channel.CALL else build(interaction, interaction.turns)
    card = find_scorecard("hotline" if interaction.channel is Channel.CALL else "online-chat")
    (read_one,) = read([conversation], reader=load_reader())
    evaluation = score(read_one, card, engine_version="test")
    return evaluation, flag(evaluation, read_one, card)


@cache
def masked() -> dict[str, Evaluation]:
    """Evaluations of all samples with their personal data masked, as they are stored."""
    plain = [truth(i.id) if i.channel is Channel.CALL else build(i, i.turns) for i in arrived().values()]
    told = read([redact(conversation)[0] for conversation in plain], reader=load_reader())
    cards = {channel: find_scorecard("hotline" if channel is Channel.CALL else "online-chat") for channel in Channel}
    return {c.interaction.id: score(c, cards[c.interaction.channel], engine_version="test") for c in told}


@pytest.mark.parametrize("identity", sorted(expected()))
def test_masking_changes_no_verdict(identity: str) -> None:
    plain = [(finding.criterion, finding.verdict, finding.points) for finding in scored(identity)[0].findings]
    told = [(finding.criterion, finding.verdict, finding.points) for finding in masked()[identity].findings]
    assert told == plain
    assert masked()[identity].total == scored(identity)[0].total


@pytest.mark.parametrize("channel", [Channel.CALL, Channel.CHAT])
def test_scores_come_in_the_order_that_a_lead_expects(channel: Channel) -> None:
    ranks: dict[int, list[float]] = {}
    for identity, (rank, _) in expected().items():
        if arrived()[identity].channel is channel:
            total = scored(identity)[0].total
            assert total is not None
            ranks.setdefault(rank, []).append(total)
    ordered = [ranks[rank] for rank in sorted(ranks)]
    middles = [sum(totals) / len(totals) for totals in ordered]
    assert middles == sorted(middles, reverse=True), ranks
    for better, worse in pairwise(ordered):
        assert min(better) >= max(worse) - TOLERANCE, ranks
    for better, worse in zip(ordered, ordered[2:], strict=False):
        assert min(better) > max(worse), ranks


def test_best_samples_pass_and_worst_fail() -> None:
    passed = {identity: scored(identity)[0].passed for identity in expected()}
    assert all(passed[identity] for identity, (rank, _) in expected().items() if rank == 1)
    assert not any(passed[identity] for identity in ("C20251014-0004", "C20251015-0005", "T20251016-0104"))


@pytest.mark.parametrize("identity", sorted(expected()))
def test_people_are_sent_where_a_lead_would_look(identity: str) -> None:
    wish = expected()[identity][1]
    reasons = [reason for reason in scored(identity)[1].reasons if reason != "random_sample"]
    if wish != "may":
        assert bool(reasons) is (wish == "yes"), reasons


@pytest.mark.parametrize(
    ("identity", "criterion"),
    [
        ("C20251014-0004", "rudeness"),
        ("C20251015-0005", "shirking"),
        ("C20251015-0006", "over_promise"),
        ("C20251017-0010", "interrupting"),
        ("C20251014-0003", "time_commitment"),
        ("C20251016-0008", "anything_else"),
        ("T20251014-0102", "mechanical_repetition"),
        ("T20251015-0103", "slang"),
        ("T20251015-0103", "disparagement"),
        ("T20251016-0104", "taboo_words"),
        ("T20251017-0105", "privacy_leak"),
    ],
)
def test_each_sample_shows_the_fault_it_was_made_for(identity: str, criterion: str) -> None:
    verdicts = {finding.criterion: finding.verdict for finding in scored(identity)[0].findings}
    assert verdicts[criterion] in (Verdict.UNMET, Verdict.PARTIAL)


@pytest.mark.parametrize("identity", ["C20251013-0001", "C20251017-0009", "T20251013-0101", "T20251018-0107"])
def test_exemplary_samples_show_no_fault(identity: str) -> None:
    assert [f.criterion for f in scored(identity)[0].findings if f.fault and f.verdict is Verdict.UNMET] == []


def test_announced_hold_costs_nothing() -> None:
    (hold,) = [f for f in scored("C20251017-0009")[0].findings if f.criterion == "hold_etiquette"]
    assert hold.verdict is Verdict.MET


def test_calm_threat_is_a_grave_complaint() -> None:
    assert scored("C20251016-0007")[0].classes.complaint_level == 1
