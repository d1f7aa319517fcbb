from pathlib import Path

import pytest

from pipeline.conversation import Channel
from pipeline.errors import SettingsError
from pipeline.settings import environment_name, keys, language_from_environment, load_settings

ROOT = Path(__file__).parents[1]


def problem_of(tmp_path: Path, text: str) -> SettingsError:
    file = tmp_path / "zhijian.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as failed:
        load_settings(file)
    return failed.value


def test_defaults_need_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ZHIJIAN_HOME")
    settings = load_settings()
    assert settings.home == tmp_path / ".zhijian"
    assert (settings.language, settings.time_zone, settings.run.engine) == ("zh", "Asia/Shanghai", "local")
    assert settings.asr.model == "shipped"
    assert settings.scorecards.of(Channel.CALL) == "hotline"
    assert settings.scorecards.of(Channel.EMAIL) == "online-chat"
    assert settings.store_url == f"sqlite:///{tmp_path}/.zhijian/zhijian.sqlite"


def test_the_file_of_the_working_directory_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "zhijian.toml").write_text('[asr]\nmodel = "large-v3"\nthreads = 2\n', encoding="utf-8")
    assert load_settings().asr.threads == 2


@pytest.mark.parametrize(
    ("name", "value", "key", "expected"),
    [
        ("ZHIJIAN_ASR_MODEL", "/srv/model", "asr", "/srv/model"),
        ("ZHIJIAN_TIME_ZONE", "UTC", "time_zone", "UTC"),
        ("ZHIJIAN_RUN_CALLS_PER_BATCH", "12", "run", 12),
        ("ZHIJIAN_READING_SECOND_OPINION", "true", "reading", True),
        ("ZHIJIAN_STORE_URL", "sqlite:////srv/x.sqlite", "store", "sqlite:////srv/x.sqlite"),
    ],
)
def test_the_environment_wins_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str, key: str, expected: object
) -> None:
    file = tmp_path / "zhijian.toml"
    file.write_text('time_zone = "Asia/Tokyo"\n[asr]\nmodel = "x"\n[run]\ncalls_per_batch = 5\n', encoding="utf-8")
    monkeypatch.setenv(name, value)
    found = getattr(load_settings(file), key)
    assert found == expected or expected in found.model_dump().values()


def test_no_two_settings_share_an_environment_variable() -> None:
    assert len({environment_name(key) for key in keys()}) == len(keys())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[asr]\n\nmodle = "x"',
            "[Z502] {file}:3: 没有名为 asr.modle 的设置 → 是不是想写 asr.model？",
        ),
        (
            'language = "fr"',
            "[Z503] {file}:1: 设置 language 的值 'fr' 不对，应为以下之一：'zh', 'en' → 全部设置见 docs/settings.md",
        ),
        (
            '[asr]\nthreads = "many"',
            "[Z503] {file}:2: 设置 asr.threads 的值 'many' 不对，应为整数 → 全部设置见 docs/settings.md",
        ),
        (
            "run.calls_per_batch = 0",
            "[Z503] {file}:1: 设置 run.calls_per_batch 的值 0 不对，应为不小于 1 的数 → 全部设置见 docs/settings.md",
        ),
        (
            'reading.second_opinion = "maybe"',
            "[Z503] {file}:1: 设置 reading.second_opinion 的值 'maybe' 不对，应为true 或 false"
            " → 全部设置见 docs/settings.md",
        ),
        (
            'time_zone = "Mars/Base"',
            "[Z503] {file}:1: 设置 time_zone 的值 'Mars/Base' 不对，应为时区名，例如 Asia/Shanghai"
            " → 全部设置见 docs/settings.md",
        ),
        (
            'asr = "large-v3"',
            "[Z503] {file}:1: 设置 asr 的值 'large-v3' 不对，应为一个表，例如 [asr] 下面写 model = \"…\""
            " → 全部设置见 docs/settings.md",
        ),
    ],
)
def test_a_wrong_setting_is_told_by_file_line_and_key(tmp_path: Path, text: str, message: str) -> None:
    assert str(problem_of(tmp_path, text)) == message.format(file=tmp_path / "zhijian.toml")


def test_a_file_that_is_not_toml_is_told(tmp_path: Path) -> None:
    assert problem_of(tmp_path, "language = zh").code == "Z501"


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Z501"):
        load_settings(tmp_path / "absent.toml")


def test_a_wrong_variable_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIJIAN_ASR_THREADS", "many")
    with pytest.raises(SettingsError, match=r"\[Z503\] ZHIJIAN_ASR_THREADS: 设置 asr\.threads 的值 'many' 不对"):
        load_settings()


def test_an_unknown_variable_is_told_with_the_nearest_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIJIAN_ASR_MODLE", "x")
    with pytest.raises(SettingsError, match=r"Z502.*是不是想写 ZHIJIAN_ASR_MODEL"):
        load_settings()


def test_messages_follow_the_language_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ZHIJIAN_LANGUAGE", "en")
    assert problem_of(tmp_path, "asr.modle = 1").hint == "did you mean asr.model?"


def test_the_language_is_known_before_settings_are_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert language_from_environment() == "zh"
    (tmp_path / "zhijian.toml").write_text('language = "en"', encoding="utf-8")
    assert language_from_environment() == "en"
    monkeypatch.setenv("ZHIJIAN_LANGUAGE", "zh")
    assert language_from_environment() == "zh"


def test_every_setting_is_in_the_manual() -> None:
    manual = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert [key for key in keys() if f"`{key}`" not in manual] == []
