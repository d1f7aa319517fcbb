import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline import __version__
from pipeline.cli import main
from pipeline.cli.tables import _reasons
from pipeline.doctor import disk, home, packages, versions
from pipeline.i18n import t
from pipeline.night import card_text
from pipeline.reports.words import Words
from pipeline.scorecard import find_scorecard
from tests.material import GREETED, RUDE, dialogue

ROOT = Path(__file__).parents[1]
Run = Callable[..., "Finished"]
WriteJson = Callable[[Path, object], Path]


@dataclass(frozen=True)
class Finished:
    status: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def zhijian(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("COLUMNS", "300")

    def run(*words: object) -> Finished:
        monkeypatch.setattr(sys, "argv", ["zhijian", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        return Finished(int(left.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def inbox(tmp_path: Path, write_json: WriteJson) -> Path:
    folder = tmp_path / "inbox"
    write_json(folder / "a.json", dialogue("T2", GREETED))
    write_json(folder / "b.json", dialogue("T1", RUDE, agent={"id": "7", "name": "小王", "team": "售后二组"}))
    return folder


def test_run_prints_the_table_and_the_path_of_the_report(zhijian: Run, inbox: Path) -> None:
    done = zhijian("run", inbox)
    assert done.status == 0
    assert [word in done.out for word in ("T1", "T2", "小李 (1024)", "小王 (7)")] == [True] * 4
    report = done.out.strip().splitlines()[-1].removeprefix("报告：")
    assert Path(report).is_file()
    assert "新评分 2 通，已评过 0 通，未能处理 0 个文件，重复 0 份。" in done.err


def test_run_sets_bad_files_aside_and_goes_on_with_status_1(zhijian: Run, inbox: Path) -> None:
    (inbox / "broken.wav").write_bytes(b"no sound at all")
    done = zhijian("run", inbox)
    assert done.status == 1
    assert "T1" in done.out
    assert "broken.wav" in done.err
    assert "[Z102] 不是录音" in done.err


def test_run_does_nothing_twice(zhijian: Run, inbox: Path) -> None:
    first = zhijian("run", inbox)
    again = zhijian("run", inbox)
    assert "新评分 0 通，已评过 2 通" in again.err
    assert again.out == first.out


def test_run_without_an_inbox_cannot_run(zhijian: Run, tmp_path: Path) -> None:
    done = zhijian("run", tmp_path / "nowhere")
    assert (done.status, done.out) == (2, "")
    assert "[Z113]" in done.err


def test_run_of_an_empty_inbox_is_done(zhijian: Run, tmp_path: Path) -> None:
    done = zhijian("run", tmp_path)
    assert done.status == 0
    assert "收件夹里没有可以评分的会话。" in done.err


def test_run_of_an_empty_inbox_leaves_the_report_of_what_was_scored(zhijian: Run, inbox: Path, tmp_path: Path) -> None:
    home = Path(os.environ["ZHIJIAN_HOME"])
    assert zhijian("run", inbox).status == 0
    report = (home / "report" / "index.html").read_text(encoding="utf-8")
    (tmp_path / "empty").mkdir()
    assert zhijian("run", tmp_path / "empty").status == 0
    assert (home / "report" / "index.html").read_text(encoding="utf-8") == report


def test_run_of_a_file_says_that_it_is_no_folder(zhijian: Run, inbox: Path) -> None:
    done = zhijian("run", inbox / "a.json")
    assert done.status == 2
    assert "是文件，不是文件夹" in done.err


def test_nobody_else_may_look_into_home(zhijian: Run, inbox: Path) -> None:
    home = Path(os.environ["ZHIJIAN_HOME"])
    home.rmdir()
    assert zhijian("run", inbox).status == 0
    assert home.stat().st_mode & 0o077 == 0


def test_score_prints_one_object_an_interaction_in_the_order_given(zhijian: Run, inbox: Path) -> None:
    done = zhijian("score", inbox / "b.json", inbox / "a.json", "--format", "json")
    assert done.status == 0
    assert [record["interaction"] for record in done.records] == ["T1", "T2"]
    assert set(done.records[0]) == {
        "interaction", "scorecard", "engine", "total", "max", "passed", "band", "fatal", "criteria", "measures",
        "classes", "review",
    }  # fmt: skip


def test_score_prints_no_empty_table(zhijian: Run, write_json: WriteJson, tmp_path: Path) -> None:
    done = zhijian("score", write_json(tmp_path / "broken.json", {"id": "T1"}))
    assert (done.status, done.out, "Z107" in done.err) == (1, "", True)


def test_score_takes_the_card_it_is_told(zhijian: Run, inbox: Path) -> None:
    by_channel = zhijian("score", inbox / "a.json", "--format", "json").records[0]["scorecard"]
    told = zhijian("score", inbox / "a.json", "--scorecard", "hotline", "--format", "json").records[0]["scorecard"]
    assert isinstance(by_channel, dict)
    assert isinstance(told, dict)
    assert (by_channel["id"], told["id"]) == ("online-chat", "hotline")


def test_score_by_a_card_for_another_channel_scores_and_warns(zhijian: Run, inbox: Path) -> None:
    done = zhijian("score", inbox / "a.json", inbox / "b.json", "--scorecard", "hotline", "--format", "json")
    assert done.status == 0
    assert [record["interaction"] for record in done.records] == ["T2", "T1"]
    told = [line for line in done.err.splitlines() if "评分卡 hotline" in line]
    assert [Path(line.partition("：")[0]).name for line in told] == ["a.json", "b.json"]
    assert told[0].endswith("a.json：渠道是在线聊天，而评分卡 hotline 是为电话写的；已照此评分，分数请慎用")
    assert "评分卡" not in zhijian("score", inbox / "a.json", "--scorecard", "online-chat", "--format", "json").err


def test_run_warns_of_cards_for_another_channel_a_few_times(
    zhijian: Run, inbox: Path, write_json: WriteJson, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        write_json(inbox / f"more{number}.json", dialogue(f"T{3 + number}", GREETED))
    assert "评分卡" not in zhijian("run", inbox).err
    monkeypatch.setenv("ZHIJIAN_SCORECARDS_CHAT", "hotline")
    done = zhijian("run", inbox)
    assert done.status == 0
    assert done.err.count("渠道是在线聊天，而评分卡 hotline 是为电话写的") == 3
    assert "另有 2 通会话的渠道也与评分卡不符" in done.err


def test_score_keeps_its_output_clean_of_what_went_wrong(zhijian: Run, inbox: Path) -> None:
    bad = inbox / "bad.json"
    bad.write_text("{", encoding="utf-8")
    done = zhijian("score", bad, inbox / "a.json", "--format", "json")
    assert done.status == 1
    assert [record["interaction"] for record in done.records] == ["T2"]
    assert "[Z105]" in done.err


def test_score_prints_a_table_too(zhijian: Run, inbox: Path) -> None:
    done = zhijian("score", inbox / "a.json", "--format", "table")
    assert (done.status, "T2" in done.out, "小李 (1024)" in done.out) == (0, True, True)


@pytest.mark.parametrize(
    ("words", "code"),
    [(["--scorecard", "hotlin"], "Z201"), (["--scorecard", "absent.yaml"], "Z201")],
)
def test_score_without_a_card_cannot_run(zhijian: Run, inbox: Path, words: list[str], code: str) -> None:
    done = zhijian("score", inbox / "a.json", *words)
    assert (done.status, done.out) == (2, "")
    assert f"[{code}]" in done.err


def test_score_of_a_missing_file_cannot_run(zhijian: Run, tmp_path: Path) -> None:
    done = zhijian("score", tmp_path / "absent.json")
    assert done.status == 2
    assert "[Z113] 找不到文件" in done.err


def test_validate_accepts_the_shipped_cards(zhijian: Run) -> None:
    done = zhijian("validate", *sorted((ROOT / "scorecards").glob("*.yaml")))
    assert (done.status, "错误" in done.out) == (0, False)


def test_validate_tells_line_and_key_of_a_bad_card(zhijian: Run, tmp_path: Path) -> None:
    card = tmp_path / "card.yaml"
    text = (ROOT / "scorecards" / "hotline.yaml").read_text(encoding="utf-8")
    card.write_text(text.replace("pass:", "pas:", 1), encoding="utf-8")
    line = next(number for number, content in enumerate(text.splitlines(), 1) if content.startswith("pass:"))
    done = zhijian("validate", card, ROOT / "scorecards" / "online-chat.yaml")
    assert done.status == 1
    assert f"{card}:{line}" in done.out
    assert "online-chat.yaml：可以使用" in done.out


CHEERFUL = """
id: mood
version: "1"
title: 语气
pass: 60
criteria:
  - id: cheerful
    section: tone
    title: 客户情绪不错
    points: 5
    tone: {of: sentiment, by: customer, at: any, above: 0.1}
    examples:
      unmet: ["客户: 等了三天还没修好，你们到底管不管"]
      met: ["客户: 太好了，非常感谢你，你的服务真好"]
"""


def test_validate_reads_examples_as_the_settings_say(
    zhijian: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = tmp_path / "card.yaml"
    card.write_text(CHEERFUL, encoding="utf-8")
    assert zhijian("validate", card).status == 0
    monkeypatch.setenv("ZHIJIAN_READING_MODEL", str(tmp_path / "nowhere"))
    done = zhijian("validate", card)
    assert done.status == 2
    assert "nowhere" in done.err


def test_validate_opens_no_reader_for_examples_that_need_none(
    zhijian: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = tmp_path / "card.yaml"
    said = CHEERFUL.replace(
        "tone: {of: sentiment, by: customer, at: any, above: 0.1}", "phrase: {any: [太好了], by: customer}"
    )
    card.write_text(said, encoding="utf-8")
    monkeypatch.setenv("ZHIJIAN_READING_MODEL", str(tmp_path / "nowhere"))
    assert zhijian("validate", card).status == 0


def test_validate_prints_findings_for_other_programs(zhijian: Run, tmp_path: Path) -> None:
    card = tmp_path / "card.yaml"
    card.write_text(CHEERFUL.replace("points: 5", "points: 5分"), encoding="utf-8")
    done = zhijian("validate", card, tmp_path / "none.yaml", "--format", "json")
    first, second = (json.loads(line) for line in done.out.splitlines())
    assert done.status == 1
    assert (first["card"], first["usable"]) == (str(card), False)
    assert first["findings"] == [
        {
            "severity": "error",
            "rule": "float",
            "file": str(card),
            "line": 10,
            "column": 5,
            "path": "criteria[cheerful].points",
            "message": "points 应为数字，现在是“5分”",
            "fix": "写成“points: 5”",
        }
    ]
    assert [(finding["rule"], finding["line"]) for finding in second["findings"]] == [("no_file", None)]


def test_report_shows_the_whole_store(zhijian: Run, inbox: Path, tmp_path: Path) -> None:
    zhijian("run", inbox)
    done = zhijian("report", "--out", tmp_path / "out")
    assert done.status == 0
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "T1" in index
    assert "T2" in index


def test_agent_writes_the_page_and_prints_the_figures(zhijian: Run, inbox: Path, tmp_path: Path) -> None:
    zhijian("run", inbox)
    done = zhijian("agent", "7", "--out", tmp_path / "out")
    assert done.status == 0
    assert "坐席 小王" in done.out
    page = Path(done.out.strip().splitlines()[-1].removeprefix("评分页："))
    assert "小王" in page.read_text(encoding="utf-8")


def test_an_unknown_agent_is_told_with_the_known_ones(zhijian: Run, inbox: Path) -> None:
    zhijian("run", inbox)
    done = zhijian("agent", "99")
    assert done.status == 2
    assert "1024" in done.err


def test_restore_of_a_missing_file_makes_no_store(zhijian: Run, tmp_path: Path) -> None:
    done = zhijian("restore", tmp_path / "nowhere.backup")
    assert (done.status, "[Z113]" in done.err) == (2, True)
    assert not (Path(os.environ["ZHIJIAN_HOME"]) / "zhijian.sqlite").exists()


@pytest.mark.parametrize(
    ("words", "key"), [(["--help"], "flows.serve_help"), (["review", "--help"], "cli.review.verdict")]
)
def test_help_cuts_no_words_on_a_narrow_terminal(
    zhijian: Run, monkeypatch: pytest.MonkeyPatch, words: list[str], key: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    told, shown = (re.sub(r"[^\u3400-\u9fff]", "", text) for text in (t("zh", key), zhijian(*words).out))
    assert told[-12:] in shown


def test_export_prints_what_score_prints_by_id(zhijian: Run, inbox: Path) -> None:
    zhijian("run", inbox)
    scored = zhijian("score", inbox / "b.json", inbox / "a.json", "--format", "json")
    assert zhijian("export", "--format", "jsonl").records == scored.records


def test_export_explains_old_evaluations_by_their_own_card(
    zhijian: Run, inbox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = tmp_path / "card.yaml"
    shutil.copyfile(ROOT / "scorecards" / "online-chat.yaml", card)
    monkeypatch.setenv("ZHIJIAN_SCORECARDS_CHAT", str(card))
    zhijian("run", inbox)
    text = card.read_text(encoding="utf-8")
    card.write_text(text.replace('version: "1.1"', 'version: "1.2"', 1), encoding="utf-8")
    assert "新评分 2 通" in zhijian("run", inbox).err
    versions_ = [(r["interaction"], r["scorecard"]["version"]) for r in zhijian("export").records]  # type: ignore[index]
    assert versions_ == [("T1", "1.1"), ("T1", "1.2"), ("T2", "1.1"), ("T2", "1.2")]


def test_models_list_names_the_published_figures(zhijian: Run) -> None:
    done = zhijian("models", "list")
    assert done.status == 0
    line = next(line for line in done.out.splitlines() if line.startswith("belle-large-v3-zh"))
    assert "17.2%" in line


def test_models_fetch_without_network_says_how_to_do_it_by_hand(zhijian: Run) -> None:
    done = zhijian("models", "fetch", "large-v3")
    assert done.status == 2
    assert "[Z522]" in done.err
    assert "https://huggingface.co/Systran/faster-whisper-large-v3" in done.err


def test_a_model_that_was_not_fetched_is_told_with_the_command(zhijian: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIJIAN_ASR_MODEL", "large-v3")
    done = zhijian("models", "check")
    assert done.status == 2
    assert "zhijian models fetch large-v3" in done.err


def test_models_check_names_missing_files(zhijian: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.bin").touch()
    monkeypatch.setenv("ZHIJIAN_ASR_MODEL", str(tmp_path))
    done = zhijian("models", "check")
    assert done.status == 1
    assert "缺少文件" in done.out
    assert "tokenizer.json" in done.out


def test_version_is_that_of_the_package(zhijian: Run) -> None:
    assert zhijian("version").out.strip() == __version__


def test_a_wrong_setting_stops_every_command(zhijian: Run, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIJIAN_RUN_ENGINE", "cluster")
    done = zhijian("run", inbox)
    assert done.status == 2
    assert "[Z503] ZHIJIAN_RUN_ENGINE" in done.err


def help_in(language: str) -> str:
    program = "import sys; sys.argv[0] = 'zhijian'; from pipeline.cli import main; main()"
    environment = {"ZHIJIAN_LANGUAGE": language, "COLUMNS": "200", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-c", program, "--help"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_help_is_chinese_unless_told_otherwise() -> None:
    assert "处理收件夹里的录音和聊天记录" in help_in("zh")
    assert "Work through an inbox of recordings and chats" in help_in("en")


def test_doctor_looks_at_everything(zhijian: Run) -> None:
    done = zhijian("doctor")
    assert "没有别的软件包占用 pipeline、models、scorecards 这几个名字" in done.out
    assert "依赖的版本都合适" in done.out
    assert "语音模型 shipped 可以使用" in done.out
    assert done.status == 0


def test_doctor_finds_another_distribution_with_our_packages() -> None:
    (check,) = packages({"pipeline": ["zhijian"], "models": ["zhijian", "someones-models"]}, "zh")
    assert not check.sound
    assert check.text == "软件包 someones-models 也带有名为 models 的模块，会互相覆盖"


def test_doctor_finds_a_version_that_does_not_work() -> None:
    (check,) = versions(["rich>=9999", "typer>=0.1", "absent-package; extra == 'dev'"], "zh")
    assert not check.sound
    assert check.text.startswith("rich 的版本是 ")


def test_doctor_finds_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not home(tmp_path / "file", "zh").sound
    assert home(tmp_path / "new", "zh").sound


def test_doctor_finds_a_full_disk(tmp_path: Path) -> None:
    assert not disk(tmp_path / "not" / "there", "zh", least=10**18).sound
    assert disk(tmp_path, "zh", least=1).sound


def test_reasons_of_one_kind_are_told_together() -> None:
    card = find_scorecard("online-chat")
    names = [f"unsure:{criterion.id}" for criterion in card.criteria[:5]]
    (told,) = _reasons(names, card_text(card), Words("zh"))
    titles = [criterion.title.zh for criterion in card.criteria]
    assert "、".join(titles[:3]) + "等 5 项" in told
    assert titles[3] not in told
