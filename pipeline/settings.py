"""Settings: `zhijian.toml` in the working directory, overridden by `ZHIJIAN_…` environment variables.

The environment name of a setting is `ZHIJIAN_` and its key path in capitals with underscores: `asr.model` is
`ZHIJIAN_ASR_MODEL`, `run.calls_per_batch` is `ZHIJIAN_RUN_CALLS_PER_BATCH`. An unknown key is an error, never ignored.
docs/settings.md lists them all, and a test holds that page to this module.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError, field_validator
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from pipeline.errors import SettingsError
from pipeline.i18n import LANGUAGES, Language, t
from pipeline.settings_tables import (
    Alerts,
    Asr,
    Cost,
    Embedding,
    Privacy,
    Question,
    Reading,
    Reports,
    Retention,
    Run,
    Schedule,
    Scorecards,
    Store,
)

FILE = "zhijian.toml"
PREFIX = "ZHIJIAN_"
PRIVATE = 0o700
"""Rights of a folder that holds what people said: it is for its owner alone."""
SECRET = (
    "question.key", "privacy.key", "alerts.smtp_password", "alerts.webhook", "alerts.wecom", "alerts.dingtalk",
    "alerts.feishu",
)  # fmt: skip
"""Settings that come from the environment only."""


class Settings(BaseSettings):
    """All settings, frozen. `load_settings` is the way to get them: it tells file, line and key of a wrong one."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        env_ignore_empty=True,
    )
    home: Path = Path(".zhijian")
    language: Language = "zh"
    time_zone: str = "Asia/Shanghai"
    scorecards: Scorecards = Scorecards()
    store: Store = Store()
    asr: Asr = Asr()
    reading: Reading = Reading()
    run: Run = Run()
    schedule: Schedule = Schedule()
    question: Question = Question()
    embedding: Embedding = Embedding()
    privacy: Privacy = Privacy()
    retention: Retention = Retention()
    alerts: Alerts = Alerts()
    cost: Cost = Cost()
    reports: Reports = Reports()

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise PydanticCustomError("time_zone", "unknown time zone") from error
        return value

    @field_validator(
        "scorecards",
        "store",
        "asr",
        "reading",
        "run",
        "schedule",
        "question",
        "embedding",
        "privacy",
        "retention",
        "alerts",
        "cost",
        "reports",
        mode="before",
    )
    @classmethod
    def _a_table(cls, value: object) -> object:
        if not isinstance(value, Mapping | BaseModel):
            raise PydanticCustomError("table", "not a table")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the values given, which are the content of the file."""
        return env_settings, init_settings

    @property
    def store_url(self) -> str:
        """The SQLAlchemy URL of the store."""
        return self.store.url or f"sqlite:///{self.home / 'zhijian.sqlite'}"

    @property
    def media(self) -> str | Path:
        """The folder of recordings copied out of inboxes, by content: a path, or an address."""
        return self.store.media or self.home / "media"

    @property
    def report(self) -> Path:
        """The folder of the report that `zhijian run` writes."""
        return self.home / "report"

    @property
    def nights(self) -> Path:
        """The folder of night reports, one folder a run."""
        return self.home / "nights"

    @property
    def cards(self) -> Path:
        """The folder where zhijian 0.1.0 kept scorecards that evaluations were made by; the store keeps them now."""
        return self.home / "scorecards"

    @property
    def answers(self) -> Path:
        """The folder of answers that a language model gave, by content."""
        return self.home / "answers"

    @property
    def models(self) -> Path:
        """The folder of speech models fetched by name, and of readers learnt here."""
        return self.home / "models"


def keys(model: type[BaseModel] = Settings, prefix: str = "") -> tuple[str, ...]:
    """Key paths of all settings, such as `asr.model`."""
    found: list[str] = []
    for name, field in model.model_fields.items():
        nested = field.annotation
        if isinstance(nested, type) and issubclass(nested, BaseModel):
            found += keys(nested, f"{prefix}{name}.")
        else:
            found.append(prefix + name)
    return tuple(found)


def environment_name(key: str) -> str:
    """The environment variable that overrides the setting `key`."""
    return PREFIX + key.upper().replace(".", "_")


def language_from_environment() -> Language:
    """The reader's language before settings are loaded: `ZHIJIAN_LANGUAGE`, else the file's, else Chinese.

    Never raises: a wrong value is told by `load_settings`.
    """
    wanted = os.environ.get(environment_name("language"))
    if not wanted:
        try:
            wanted = tomllib.loads(Path(FILE).read_text(encoding="utf-8-sig")).get("language")
        except (OSError, ValueError):
            wanted = None
    return next((language for language in LANGUAGES if language == wanted), "zh")


def load_settings(file: Path | None = None) -> Settings:
    """Settings from `file` (default `zhijian.toml` in the working directory, if there is one) and the environment.

    Raises:
        SettingsError: Z501 the file cannot be read or is not TOML, Z502 an unknown key, Z503 a wrong value.
    """
    language = language_from_environment()
    path = file or Path(FILE)
    text = _read(path, language) if file is not None or path.exists() else ""
    try:
        content: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            "Z501",
            t(language, "settings.not_toml", detail=str(error)),
            where=str(path),
            hint=t(language, "settings.not_toml_hint"),
        ) from error
    _refuse_unknown_variables(language)
    _refuse_keys(content, path, text, language)
    try:
        return Settings(**content)
    except ValidationError as error:
        raise _first_problem(error.errors()[0], path, text, language) from error


def _read(path: Path, language: Language) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "UTF-8"
        raise SettingsError("Z501", t(language, "settings.unreadable", detail=reason or ""), where=str(path)) from error


def _refuse_unknown_variables(language: Language) -> None:
    known = {environment_name(key) for key in keys()}
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known:
            raise SettingsError(
                "Z502",
                t(language, "settings.unknown_variable", name=name),
                hint=_suggestion(name, known, language),
            )


def _refuse_keys(content: Mapping[str, Any], path: Path, text: str, language: Language) -> None:
    """Secrets do not belong into a file that is copied and kept under version control."""
    for key in SECRET:
        area, name = key.split(".")
        table = content.get(area)
        if isinstance(table, Mapping) and name in table:
            raise SettingsError(
                "Z503",
                t(language, "settings.key_in_file", key=key),
                where=_place(path, text, key),
                hint=t(language, "settings.key_in_file_hint", name=environment_name(key)),
            )


def _first_problem(problem: ErrorDetails, path: Path, text: str, language: Language) -> SettingsError:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return SettingsError(
            "Z502",
            t(language, "settings.unknown_key", key=key),
            where=_place(path, text, key),
            hint=_suggestion(key, {*keys(), *(k.split(".")[0] for k in keys())}, language),
        )
    variable = environment_name(key)
    from_environment = bool(os.environ.get(variable))
    return SettingsError(
        "Z503",
        t(
            language,
            "settings.wrong_value",
            key=key,
            value=repr(os.environ[variable]) if from_environment else repr(problem["input"]),
            expected=_expected(problem, language),
        ),
        where=variable if from_environment else _place(path, text, key),
        hint=t(language, "settings.see_manual"),
    )


def _expected(problem: ErrorDetails, language: Language) -> str:
    context = problem.get("ctx", {})
    match problem["type"]:
        case "literal_error":
            return t(language, "settings.expected.one_of", allowed=context["expected"].replace(" or ", ", "))
        case "int_parsing" | "int_type" | "int_from_float":
            return t(language, "settings.expected.integer")
        case "bool_parsing" | "bool_type":
            return t(language, "settings.expected.boolean")
        case "float_parsing" | "float_type":
            return t(language, "settings.expected.number")
        case "greater_than_equal":
            return t(language, "settings.expected.at_least", limit=context["ge"])
        case "less_than_equal":
            return t(language, "settings.expected.at_most", limit=context["le"])
        case "string_pattern_mismatch":
            return t(language, "settings.expected.address")
        case "greater_than":
            return t(language, "settings.expected.above", limit=context["gt"])
        case "string_type" | "string_too_short" | "path_type":
            return t(language, "settings.expected.text")
        case "cron":
            return t(language, "settings.expected.cron")
        case "time_zone":
            return t(language, "settings.expected.time_zone")
        case "table":
            return t(language, "settings.expected.table")
        case _:
            return problem["msg"]


def _suggestion(name: str, known: set[str], language: Language) -> str:
    near = get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    if near:
        return t(language, "settings.did_you_mean", name=near[0])
    return t(language, "settings.see_manual")


def _place(path: Path, text: str, key: str) -> str:
    """`file:line` of `key` in the TOML `text`, or the file alone where the line cannot be told."""
    *tables, name = key.split(".")
    table: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.fullmatch(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(#.*)?", line):
            table = header[1].split(".")
            if table == [*tables, name]:
                return f"{path}:{number}"
        elif (entry := re.match(r"\s*([\w.\-\"']+)\s*=", line)) and [*table, *entry[1].split(".")] == [*tables, name]:
            return f"{path}:{number}"
    return str(path)
