"""Copies of recordings in a folder, or behind an address: in memory, and in a real object store over HTTP."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import pytest

from pipeline.errors import StoreError
from pipeline.night import night_of
from pipeline.remote import RemotePath, at_hand, place
from pipeline.scorecard import find_scorecard
from pipeline.store import Result, open_store
from pipeline.store.database import Store
from pipeline.store.media import copies
from tests.loopback import free_port
from tests.material import write_wave
from tests.test_store import result


@pytest.fixture(scope="module")
def object_store() -> Iterator[str]:
    """The address of a server that speaks S3, with the bucket `calls`, on loopback."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(address, process)
        yield address
    finally:
        process.terminate()
        process.wait()


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert process.poll() is None, "the object store ended at once"
        try:
            with urlopen(f"{address}/moto-api/data.json") as answer:  # noqa: S310
                answer.read()
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the object store does not answer")


@pytest.fixture(params=["path", "file", "memory", "s3"])
def media(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where recordings go."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    if request.param == "path":
        return str(tmp_path / "media")
    if request.param == "file":
        return f"file://{tmp_path}/面 板/media"
    if request.param == "memory":
        return f"memory://{tmp_path.name}/media"
    address: str = request.getfixturevalue("object_store")
    for name, value in {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "tester",
        "AWS_SECRET_ACCESS_KEY": "only-for-tests",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    import fsspec

    fsspec.filesystem("s3").makedirs("calls", exist_ok=True)
    return f"s3://calls/{tmp_path.name}"


@pytest.fixture
def store(media: str, tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path}/zhijian.sqlite", media=media) as opened:
        yield opened


def recorded(recording: Path | str, identifier: str = "C1") -> Result:
    given = result(identifier)
    interaction = replace(given.conversation.interaction, recording=str(recording))
    return replace(given, conversation=replace(given.conversation, interaction=interaction))


def kept(store: Store) -> str:
    (found,) = store.results()
    recording = found.conversation.interaction.recording
    assert recording is not None
    return recording


def test_a_recording_is_kept_and_fetched_after_the_inbox_is_gone(store: Store, media: str, tmp_path: Path) -> None:
    recording = write_wave(tmp_path / "x.WAV")
    sound = recording.read_bytes()
    store.save([recorded(recording)])
    recording.unlink()
    assert at_hand(kept(store)).read_bytes() == sound
    assert at_hand(kept(store)).suffix == ".wav"
    assert kept(store).startswith(str(place(media)))


def test_a_page_gets_the_recording(store: Store, tmp_path: Path) -> None:
    recording = write_wave(tmp_path / "x.wav")
    store.save([recorded(recording)])
    made_at = result().conversation.interaction.started_at
    assert made_at is not None
    night = night_of(store.results(), set_aside=(), cards=[find_scorecard("hotline")], made_at=made_at)
    (case,) = night.cases
    assert case.media is not None
    assert case.media.read_bytes() == recording.read_bytes()


def test_what_is_there_is_taken_as_it_is(store: Store, tmp_path: Path) -> None:
    recording = write_wave(tmp_path / "x.wav")
    store.save([recorded(recording)])
    first = kept(store)
    again = recorded(first)
    recording.unlink()
    store.save([replace(again, evaluation=replace(again.evaluation, engine_version="9"))])
    assert kept(store) == first


def test_a_deleted_copy_is_gone_here_and_there(store: Store, tmp_path: Path) -> None:
    store.save([recorded(write_wave(tmp_path / "x.wav"))])
    where = kept(store)
    at_hand(where)
    (copy,) = store.drop_media(["sha256:C1"])
    assert not copy.exists()
    with pytest.raises(FileNotFoundError):
        at_hand(where).read_bytes()


def test_a_copy_that_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    recording = write_wave(tmp_path / "x.wav")
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, usual[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            copies([recorded(recording).conversation], tmp_path / "media")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert [path for path in (tmp_path / "media").rglob("*") if path.is_file()] == []


def test_what_is_fetched_is_seen_by_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary, elsewhere = tmp_path / "temporary", tmp_path / "elsewhere"
    temporary.mkdir()
    elsewhere.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    folder = place(f"memory://{tmp_path.name}")
    assert isinstance(folder, RemotePath)
    sound = folder / "x.wav"
    sound.put(write_wave(tmp_path / "x.wav"))
    (temporary / f"zhijian-media-{os.getuid()}").symlink_to(elsewhere)
    with pytest.raises(PermissionError):
        at_hand(str(sound))
    (temporary / f"zhijian-media-{os.getuid()}").unlink()
    assert at_hand(str(sound)).parent.parent.stat().st_mode & 0o777 == 0o700


def test_an_object_store_that_does_not_answer_is_told_and_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    script = (
        "import sys, pathlib\n"
        "from tests.test_media_places import recorded\n"
        "from pipeline.store import open_store\n"
        "from pipeline.errors import StoreError\n"
        "store = open_store(sys.argv[1], media='s3://calls/x')\n"
        "try:\n"
        "    store.save([recorded(sys.argv[2])])\n"
        "except StoreError as error:\n"
        "    print(error.code, list(store.results()))\n"
    )
    arguments = [f"sqlite:///{tmp_path}/x.sqlite", str(write_wave(tmp_path / "x.wav"))]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": "."},
    )
    assert done.stdout.strip() == "Z408 []", done.stderr


@pytest.mark.parametrize("address", ["nonsense://x/y", "gs://bucket/x"])
def test_an_address_that_cannot_be_used_is_told(tmp_path: Path, address: str) -> None:
    with pytest.raises(StoreError, match=r"Z407.*store\.media"):
        open_store(f"sqlite:///{tmp_path}/x.sqlite", media=address)


def test_an_address_is_joined_like_a_path() -> None:
    assert str(RemotePath("s3://calls/") / "3f/x.wav") == "s3://calls/3f/x.wav"
    assert (RemotePath("s3://calls") / "3f/x.wav").name == "x.wav"
