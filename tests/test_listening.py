"""A recording is decoded once, when it is heard, in a process of its own: what is wrong inside of it is found then."""

from __future__ import annotations

import re
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from models.audio import AudioError, decode
from pipeline.conversation import SetAside
from pipeline.errors import CrashError, InputError
from pipeline.ingest import ingest
from pipeline.listening import listen
from pipeline.nightly import Nightly, Outcome, run_local
from pipeline.prober import Prober
from pipeline.recordings import probe
from pipeline.settings import load_settings
from pipeline.store import open_store
from pipeline.workshop import Workshop
from tests.children import zhijian
from tests.material import write_wave

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples" / "inbox"
POISONED = (sys.executable, "-m", "tests.poison")


def spoilt(path: Path, sample: str = "C20251016-0008.m4a", *, share: float = 0.5) -> Path:
    """A sample call with some bytes in it that mean nothing."""
    data = bytearray((SAMPLES / sample).read_bytes())
    at = int(share * len(data))
    data[at : at + 400] = 400 * b"\xff"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A recording that is damaged inside, which its JSON names, and two that are whole."""
    folder = tmp_path / "inbox"
    spoilt(folder / "sound" / "b.m4a")
    (folder / "b.json").write_text('{"id": "B", "channel": "call", "recording": "sound/b.m4a"}', encoding="utf-8")
    write_wave(folder / "a.wav")
    write_wave(folder / "c.wav", pitch=300)
    return folder


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    monkeypatch.chdir(ROOT)
    made = Workshop(load_settings(), prober=POISONED)
    yield made
    made.close()


def night(inbox: Path, workshop: Workshop | None = None) -> Outcome:
    planned = Nightly(inbox, load_settings(), workshop=workshop)
    run_local(planned)
    return planned.finish()


def named(some: tuple[SetAside, ...]) -> list[tuple[str, str]]:
    return [(item.source, item.code) for item in some]


@pytest.mark.parametrize("name", ["C20251014-0004.ogg", "C20251015-0005.wav", "C20251016-0008.m4a"])
def test_another_process_hears_the_same_samples(name: str) -> None:
    here = decode(SAMPLES / name)
    with Prober() as prober:
        there = prober.listen(SAMPLES / name)
    assert (there.sample_rate, there.declared_seconds) == (here.sample_rate, here.declared_seconds)
    assert all(np.array_equal(one, other) for one, other in zip(here.channels, there.channels, strict=True))


@pytest.mark.parametrize("sample", ["C20251016-0008.m4a", "C20251017-0010.mp3", "C20251015-0005.wav"])
@pytest.mark.parametrize("share", [0.3, 0.95])
def test_who_hears_a_recording_says_of_it_what_a_probe_says(tmp_path: Path, sample: str, share: float) -> None:
    path = spoilt(tmp_path / sample, sample, share=share)

    def said(look: object) -> str:
        try:
            look(path, where="x")  # type: ignore[operator]
        except InputError as error:
            return f"{error} {error.hint}"
        return ""

    assert said(listen) == said(probe)


def test_what_is_no_recording_is_told_by_whoever_looks(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(b"no sound")
    with Prober() as prober:
        for look in (prober, prober.listen):
            with pytest.raises(InputError, match=r"\[Z102\] x: "):
                look(tmp_path / "x.wav", where="x")
        with pytest.raises(AudioError, match="missing"):
            prober.listen(tmp_path / "away.wav")


def test_packets_are_enough_where_nothing_speaks_against_them(tmp_path: Path) -> None:
    damaged = spoilt(tmp_path / "a.m4a")
    assert probe(damaged, whole=False).duration == pytest.approx(68.0, abs=0.1)
    with pytest.raises(InputError, match="Z103"):
        probe(damaged)


def test_damage_inside_is_told_as_if_it_had_been_found_before(inbox: Path) -> None:
    outcome = night(inbox)
    assert outcome.set_aside == ingest(inbox).set_aside
    assert named(outcome.set_aside) == [("sound/b.m4a", "Z103")]
    assert [result.evaluation.interaction for result in outcome.results] == ["a", "c"]


def test_damage_inside_is_looked_for_once(inbox: Path) -> None:
    first = night(inbox)
    again = Nightly(inbox, load_settings())
    assert again.batches == ()
    assert again.finish().set_aside == first.set_aside
    settings = load_settings()
    with open_store(settings.store_url, media=settings.media) as store:
        assert [(one.source, one.code, one.tries) for one in store.quarantined()] == [("b.json", "Z103", 1)]


def test_a_whole_recording_under_the_same_id_is_taken_the_next_night(tmp_path: Path) -> None:
    spoilt(tmp_path / "inbox" / "1" / "a.m4a")
    (tmp_path / "inbox" / "2").mkdir()
    shutil.copyfile(SAMPLES / "C20251014-0004.ogg", tmp_path / "inbox" / "2" / "a.ogg")
    assert named(night(tmp_path / "inbox").set_aside) == [("1/a.m4a", "Z103"), ("2/a.ogg", "Z109")]
    outcome = night(tmp_path / "inbox")
    assert [result.conversation.interaction.source for result in outcome.results] == ["2/a.ogg"]
    assert named(outcome.set_aside) == [("1/a.m4a", "Z103")]


def test_a_call_that_came_as_text_does_without_a_recording_that_is_damaged_inside(tmp_path: Path) -> None:
    spoilt(tmp_path / "a.m4a")
    (tmp_path / "a.json").write_text(
        '{"id": "A", "channel": "call", "turns": [{"speaker": "agent", "text": "您好，请问有什么可以帮您？"}]}',
        encoding="utf-8",
    )
    (result,) = night(tmp_path).results
    assert result.conversation.interaction.recording is None


def test_a_decoder_that_dies_while_a_recording_is_heard_spoils_nothing_else(inbox: Path, poisoned: Workshop) -> None:
    write_wave(inbox / "treacherous.wav", pitch=400)
    write_wave(inbox / "cut.wav", pitch=500)
    outcome = night(inbox, poisoned)
    died = [("cut.wav", "Z191"), ("sound/b.m4a", "Z103"), ("treacherous.wav", "Z191")]
    assert named(outcome.set_aside) == died
    assert [result.evaluation.interaction for result in outcome.results] == ["a", "c"]
    for _ in range(2):
        assert [code for _, code in named(night(inbox, poisoned).set_aside)] == ["Z191", "Z103", "Z191"]
    last = Nightly(inbox, load_settings(), workshop=poisoned)
    assert last.batches == ()
    assert named(last.finish().set_aside) == died


def test_half_an_answer_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    cut, good = write_wave(tmp_path / "cut.wav"), write_wave(tmp_path / "good.wav")
    with Prober(POISONED) as prober:
        with pytest.raises(CrashError, match="SIGABRT"):
            prober.listen(cut)
        assert prober.listen(good).duration == pytest.approx(1.0)


def test_killed_after_damage_was_found_a_night_ends_as_if_undisturbed(inbox: Path, tmp_path: Path) -> None:
    (inbox / "z.wav").write_bytes(b"no sound")
    spoilt(inbox / "x.mp3", "C20251017-0010.mp3")
    one_by_one = {"ZHIJIAN_RUN_CALLS_PER_BATCH": "1", "ZHIJIAN_RUN_TRIES": "20"}

    def seen(home: Path) -> str:
        page = (home / "report" / "index.html").read_text(encoding="utf-8")
        return re.sub('<span class="made">[^<]*</span>', "", page)

    calm = zhijian("run", inbox, home=tmp_path / "calm", settings=one_by_one)
    assert calm.status == 1, calm.said
    home = tmp_path / "killed"
    # "begun" kills it at the first call; the damaged one and the other come before that the next time.
    for stage in ("begun", "scored", "scored", "reporting"):
        assert zhijian("run", inbox, home=home, kill_at=stage, settings=one_by_one).status == -signal.SIGKILL
    again = zhijian("run", inbox, home=home, settings=one_by_one)
    assert again.status == 1, again.said
    assert again.out.replace(str(home), "") == calm.out.replace(str(tmp_path / "calm"), "")
    assert seen(home) == seen(tmp_path / "calm")
