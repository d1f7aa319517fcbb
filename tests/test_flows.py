import logging
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from models.utterance import ConversationReading, CueReader, Reader, Utterance, load_reader
from pipeline.batch import Batch, Silent, evaluate, split
from pipeline.conversation import Channel, Interaction, SetAside
from pipeline.errors import SettingsError
from pipeline.ingest import ingest
from pipeline.nightly import Nightly
from pipeline.settings import Settings, load_settings
from pipeline.store import Result, open_store
from pipeline.workshop import Workshop
from tests.material import RUDE, chat_files, dialogue

SAMPLES = Path(__file__).parents[1] / "samples" / "inbox"
CALL = "C20251014-0004"
WriteJson = Callable[[Path, object], Path]


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return chat_files(tmp_path / "inbox", 5)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("ZHIJIAN_RUN_CHATS_PER_BATCH", "2")
    return load_settings()


def finish(nightly: Nightly) -> list[str]:
    for number in range(len(nightly.batches)):
        nightly.work(number)
    return [result.evaluation.interaction for result in nightly.finish().results]


def call(number: int) -> Interaction:
    return Interaction(f"C{number}", Channel.CALL, f"sha256:{number}", "x", recording="x.wav")


def test_recordings_and_texts_go_into_batches_of_their_own_size(inbox: Path) -> None:
    texts = ingest(inbox).interactions
    batches = split([call(0), *texts, call(1), call(2)], calls=2, texts=4)
    assert [[i.id for i in batch.interactions] for batch in batches] == [
        ["C0", "C1"],
        ["C2"],
        ["T0", "T1", "T2", "T3"],
        ["T4"],
    ]
    assert batches[2].name == "第 3 批：4 通文字会话"


def test_a_run_evaluates_everything_and_writes_the_report(inbox: Path, settings: Settings) -> None:
    nightly = Nightly(inbox, settings)
    assert [len(batch) for batch in nightly.batches] == [2, 2, 1]
    for number in range(3):
        nightly.work(number)
    outcome = nightly.finish()
    assert [result.evaluation.interaction for result in outcome.results] == ["T0", "T1", "T2", "T3", "T4"]
    assert (outcome.evaluated, outcome.known, outcome.set_aside) == (5, 0, ())
    assert outcome.report.is_file()


def test_a_second_run_has_nothing_to_do(inbox: Path, settings: Settings) -> None:
    finish(Nightly(inbox, settings))
    again = Nightly(inbox, settings)
    assert again.batches == ()
    assert finish(again) == ["T0", "T1", "T2", "T3", "T4"]


def test_a_run_takes_up_where_one_was_broken_off(inbox: Path, settings: Settings) -> None:
    broken_off = Nightly(inbox, settings)
    broken_off.work(0)
    later = Nightly(inbox, settings)
    assert [i.id for batch in later.batches for i in batch.interactions] == ["T2", "T3", "T4"]
    assert finish(later) == ["T0", "T1", "T2", "T3", "T4"]
    broken_off.finish()


def test_another_scorecard_scores_again_without_reading_again(
    inbox: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(Nightly(inbox, settings))
    shipped = Path(__file__).parents[1] / "scorecards" / "online-chat.yaml"
    card = tmp_path / "card.yaml"
    card.write_text(shipped.read_text(encoding="utf-8").replace('"1.1"', '"2.0"', 1), encoding="utf-8")
    monkeypatch.setenv("ZHIJIAN_SCORECARDS_CHAT", str(card))
    changed = load_settings()
    nightly = Nightly(inbox, changed)
    assert [(len(batch.interactions), len(batch.heard), len(batch.read)) for batch in nightly.batches] == [
        (0, 0, 2),
        (0, 0, 2),
        (0, 0, 1),
    ]
    finish(nightly)
    with open_store(changed.store_url, media=changed.media) as store:
        versions = [result.evaluation.scorecard_version for result in store.results(newest=False)]
    assert versions == ["1.1", "2.0"] * 5


def test_an_id_that_the_store_has_from_another_file_is_set_aside(
    inbox: Path, settings: Settings, write_json: WriteJson
) -> None:
    finish(Nightly(inbox, settings))
    (inbox / "0.json").unlink()
    write_json(inbox / "other.json", dialogue("T0", RUDE))
    outcome = Nightly(inbox, settings).finish()
    assert [(item.code, item.reason) for item in outcome.set_aside] == [("Z109", "编号 T0 已在结果库里，内容却不同")]
    assert [result.evaluation.interaction for result in outcome.results] == ["T1", "T2", "T3", "T4"]


def rows(settings: Settings, table: str) -> int:
    with closing(sqlite3.connect(settings.home / "zhijian.sqlite")) as database:
        (count,) = database.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
    return int(count)


def test_another_reader_reads_and_scores_again_without_hearing_again(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "calls"
    folder.mkdir()
    for suffix in (".json", ".ogg"):
        shutil.copyfile(SAMPLES / f"{CALL}{suffix}", folder / f"{CALL}{suffix}")
    assert finish(Nightly(folder, settings)) == [CALL]
    shutil.rmtree(settings.media)
    monkeypatch.setenv("ZHIJIAN_READING_SECOND_OPINION", "false")
    changed = load_settings()
    workshop = Workshop(changed)
    nightly = Nightly(folder, changed, workshop=workshop)
    assert [(len(batch.interactions), len(batch.heard), len(batch.read)) for batch in nightly.batches] == [(0, 1, 0)]
    assert finish(nightly) == [CALL]
    assert "engine" not in vars(workshop)
    assert [rows(changed, table) for table in ("hearings", "conversations", "evaluations")] == [1, 2, 2]
    with open_store(changed.store_url, media=changed.media) as store:
        first, second = store.results(newest=False)
    assert second.conversation.turns == first.conversation.turns
    assert second.conversation.hearing == first.conversation.hearing
    assert second.evaluation.models["asr"] == first.evaluation.models["asr"]
    assert second.evaluation.models["tone"] != first.evaluation.models["tone"]


class Touchy(Reader):
    """A reader with a fault: one sentence throws it off."""

    def read_all(self, conversations: Sequence[Sequence[Utterance]]) -> list[ConversationReading]:
        if any("投诉" in turn.text for turns in conversations for turn in turns):
            raise RuntimeError("cannot read this")
        return super().read_all(conversations)


def test_one_interaction_that_fails_is_set_aside_and_the_batch_goes_on(
    inbox: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    workshop = Workshop(settings)
    workshop.reader = Touchy(CueReader(), load_reader().encoder)
    with caplog.at_level(logging.CRITICAL, logger="pipeline"):
        outcomes = evaluate(Batch(ingest(inbox).interactions), workshop)
    assert [isinstance(outcome, Result) for outcome in outcomes] == [True, False, True, False, True]
    failed = outcomes[1]
    assert isinstance(failed, SetAside)
    assert (failed.source, failed.code) == ("1.json", "Z190")
    assert failed.reason == "处理时出现意外错误（RuntimeError：cannot read this）"


@dataclass
class Counter(Silent):
    interactions: int = 0
    seconds: float = 0.0

    def done(self, interactions: int) -> None:
        self.interactions += interactions

    def heard(self, seconds: float) -> None:
        self.seconds += seconds


def test_progress_counts_every_interaction(inbox: Path, settings: Settings) -> None:
    counter = Counter()
    evaluate(Batch(ingest(inbox).interactions), Workshop(settings), progress=counter)
    assert counter.interactions == 5


def test_a_recording_is_heard_scored_and_kept(tmp_path: Path, settings: Settings) -> None:
    folder = tmp_path / "calls"
    folder.mkdir()
    for suffix in (".json", ".ogg"):
        shutil.copyfile(SAMPLES / f"{CALL}{suffix}", folder / f"{CALL}{suffix}")
    counter = Counter()
    nightly = Nightly(folder, settings, progress=counter)
    assert finish(nightly) == [CALL]
    assert counter.seconds > 10
    shutil.rmtree(folder)
    with open_store(settings.store_url, media=settings.media) as store:
        (kept,) = store.results()
    assert set(kept.evaluation.models) == {"asr", "tone"}
    assert kept.evaluation.scorecard_id == "hotline"
    hearing, recording = kept.conversation.hearing, kept.conversation.interaction.recording
    assert hearing is not None
    assert hearing.channels == 2
    assert len(kept.conversation.turns) > 4
    assert recording is not None
    assert Path(recording).is_file()


@pytest.fixture(scope="module")
def _prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    from pipeline.prefect_setup import STARTUP_SECONDS, configure

    configure(tmp_path_factory.mktemp("prefect"))
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    with (
        prefect_test_harness(server_startup_timeout=STARTUP_SECONDS),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        yield


@pytest.mark.usefixtures("_prefect")
def test_the_flow_does_what_the_plain_run_does(inbox: Path, settings: Settings) -> None:
    from prefect.client.orchestration import get_client

    from pipeline.flows import nightly
    from pipeline.prefect_setup import STARTUP_SECONDS

    assert nightly(str(inbox)) == 5
    assert (settings.report / "index.html").is_file()
    assert nightly(str(inbox)) == 0
    names = ["第 1 批：2 通文字会话", "第 2 批：2 通文字会话", "第 3 批：1 通文字会话"]
    # The server writes task runs down some time after the flow has returned, later still on a busy machine.
    patience = time.monotonic() + STARTUP_SECONDS
    with get_client(sync_client=True) as client:
        while (found := sorted(run.name for run in client.read_task_runs())) != names and time.monotonic() < patience:
            time.sleep(0.2)
    assert found == names


@pytest.mark.usefixtures("_prefect")
def test_the_flow_of_retention_deletes_what_is_past_its_time(
    inbox: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.flows import retention

    finish(Nightly(inbox, settings))
    assert retention() == 0
    for kind in ("COMPLAINT", "OTHER"):
        monkeypatch.setenv(f"ZHIJIAN_RETENTION_DERIVED_{kind}", "1")
    assert retention() == 5
    assert rows(settings, "turns") == 0
    assert len(list((settings.home / "deletions").iterdir())) == 1
    assert finish(Nightly(inbox, settings)) == []


def test_a_cluster_that_cannot_be_reached_says_which_setting_names_it(inbox: Path, settings: Settings) -> None:
    from pipeline.flows import work_off

    run = settings.run.model_copy(update={"engine": "dask", "cluster": "nowhere://127.0.0.1:1"})
    planned = Nightly(inbox, settings.model_copy(update={"run": run}))
    with pytest.raises(SettingsError, match=r"Z582.*nowhere://127\.0\.0\.1:1") as raised:
        work_off(planned)
    planned.store.close()
    assert raised.value.where == "run.cluster"


@pytest.mark.usefixtures("_prefect")
def test_sharing_out_a_night_without_a_deployment_says_what_to_do(inbox: Path, settings: Settings) -> None:
    from pipeline.flows import work_off

    run = settings.run.model_copy(update={"engine": "prefect", "shards": 2})
    planned = Nightly(inbox, settings.model_copy(update={"run": run}))
    with pytest.raises(SettingsError, match=r"Z583.*shard/shard.*prefect deploy --all"):
        work_off(planned)
    planned.store.close()
