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
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from pipeline.conversation import Channel
from pipeline.errors import SettingsError
from pipeline.i18n import LANGUAGES, Language, t

FILE = "zhijian.toml"
PREFIX = "ZHIJIAN_"
PRIVATE = 0o700
"""Rights of a folder that holds what people said: it is for its owner alone."""
_FROZEN = ConfigDict(frozen=True, extra="forbid")
SECRET = (
    "question.key", "privacy.key", "alerts.smtp_password", "alerts.webhook", "alerts.wecom", "alerts.dingtalk",
    "alerts.feishu",
)  # fmt: skip
"""Settings that come from the environment only."""


class Scorecards(BaseModel):
    """Which scorecard each channel gets: an id (its active version), `ID@VERSION`, a digest, or the path of a file."""

    model_config = _FROZEN
    call: str = Field("hotline", min_length=1)
    chat: str = Field("online-chat", min_length=1)
    email: str = Field("online-chat", min_length=1)

    def of(self, channel: Channel) -> str:
        """The scorecard that conversations of `channel` get."""
        return {Channel.CALL: self.call, Channel.CHAT: self.chat, Channel.EMAIL: self.email}[channel]


class Store(BaseModel):
    """Where results are kept. An empty URL means the SQLite file `zhijian.sqlite` in `home`.

    `media`: where copies of recordings go, a folder or an address such as s3://bucket/folder; empty: `media` in `home`.
    """

    model_config = _FROZEN
    url: str = ""
    media: str = ""


class Asr(BaseModel):
    """The speech model: `shipped`, a name in models/manifest.yaml, or a directory; `threads` 0 means automatic.

    `device`: where it computes; on a graphics card (`cuda`) in half precision, so that single words may differ.
    """

    model_config = _FROZEN
    model: str = Field("shipped", min_length=1)
    threads: int = Field(0, ge=0, le=64)
    device: Literal["cpu", "cuda"] = "cpu"


class Reading(BaseModel):
    """How turns are read.

    `model`: `current` (what `zhijian models learn --use` left in `home`, else the shipped reader), `shipped`, or the
    folder of a trained reader (docs/models.md). `second_opinion`: give SnowNLP a say in customers' sentiment;
    where it contradicts, confidence falls (docs/accuracy.md).
    """

    model_config = _FROZEN
    model: str = Field("current", min_length=1)
    second_opinion: bool = True


class Run(BaseModel):
    """How a night works through an inbox.

    `engine`: `local` at once, `prefect` as a flow, `dask` as a flow on several processes: `workers` of this machine
    (0: as many as it has cores), or those of the Dask cluster whose scheduler has the address `cluster`. `shards`:
    under Prefect, how many runs of the deployment `shard` a night is shared out to; 0: none.

    `tries`: after how many failures a content goes into quarantine. `progress`: bars, or one JSON object a line.
    """

    model_config = _FROZEN
    engine: Literal["local", "prefect", "dask"] = "local"
    workers: int = Field(0, ge=0, le=256)
    cluster: str = ""
    shards: int = Field(0, ge=0, le=256)
    calls_per_batch: int = Field(10, ge=1, le=1000)
    chats_per_batch: int = Field(250, ge=1, le=10000)
    settled_seconds: float = Field(5.0, ge=0, le=86400)
    tries: int = Field(3, ge=1, le=100)
    progress: Literal["bars", "lines"] = "bars"


class Schedule(BaseModel):
    """When `zhijian serve` does what: cron expressions of five fields in the zone `time_zone`; empty means never.

    `inbox` is the folder that a night takes in, `port` where the local Prefect server listens.
    """

    model_config = _FROZEN
    inbox: str = "inbox"
    nightly: str = "0 1 * * *"
    weekly: str = "0 7 * * 1"
    monthly: str = "30 7 1 * *"
    retention: str = "0 6 * * *"
    learn: str = ""
    port: int = Field(4200, ge=1, le=65535)

    @field_validator("nightly", "weekly", "monthly", "retention", "learn")
    @classmethod
    def _cron(cls, value: str) -> str:
        fields = value.split()
        if fields and (len(fields) != 5 or not all(re.fullmatch(r"[\w*/,\-#]+", one) for one in fields)):
            raise PydanticCustomError("cron", "not a cron expression")
        return value


class Question(BaseModel):
    """The language model that answers the questions of scorecards; off while `endpoint` is empty.

    `endpoint` is the base URL of an OpenAI-compatible service, such as http://127.0.0.1:8000/v1. `key` is its key, from
    the environment only. `timeout` in seconds a try, `attempts` tries where trying again can help, `parallel` questions
    at a time. Prices are per million tokens; a run that spent `cost_cap` asks no more.
    """

    model_config = _FROZEN
    endpoint: str = Field("", pattern=r"^(https?://\S+)?$")
    model: str = ""
    key: SecretStr = SecretStr("")
    timeout: float = Field(30.0, gt=0, le=600)
    attempts: int = Field(3, ge=1, le=10)
    parallel: int = Field(4, ge=1, le=64)
    price_in: float = Field(0.0, ge=0)
    price_out: float = Field(0.0, ge=0)
    cost_cap: float = Field(10.0, ge=0)


class Embedding(BaseModel):
    """The model that compares the meaning of sentences for `similar`; where `model` is empty, wording is compared.

    `model` is a folder of sentence-transformers or transformers (docs/models.md).
    """

    model_config = _FROZEN
    model: str = ""


class Alerts(BaseModel):
    """Who is told about a night and about grave cases, and what is worth telling.

    `mail_to`: addresses, separated by blanks or commas. `webhook`, `wecom`, `dingtalk`, `feishu`: addresses of
    receivers separated by blanks, each with its signing secret after `#`; like `smtp_password` from the environment
    only, for whoever knows them can write. `timeout` in seconds a try, `attempts` tries a message, `backoff` seconds
    before the second one, doubled each time. Thresholds: docs/alerts.md.
    """

    model_config = _FROZEN
    mail_to: str = ""
    mail_from: str = "zhijian@localhost"
    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(587, ge=1, le=65535)
    smtp_security: Literal["starttls", "ssl", "none"] = "starttls"
    smtp_ca: str = ""
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    webhook: SecretStr = SecretStr("")
    wecom: SecretStr = SecretStr("")
    dingtalk: SecretStr = SecretStr("")
    feishu: SecretStr = SecretStr("")
    timeout: float = Field(10.0, gt=0, le=120)
    attempts: int = Field(4, ge=1, le=10)
    backoff: float = Field(2.0, ge=0, le=300)
    nightly: bool = True
    grave: bool = True
    risk: float = Field(25.0, ge=0, le=100)
    satisfaction: float = Field(0.9, ge=0, le=1)
    least_ratings: int = Field(20, ge=1)
    nights: int = Field(14, ge=3, le=365)
    chance: float = Field(0.01, gt=0, lt=1)
    report_url: str = ""


class Cost(BaseModel):
    """What computing costs: the price of an hour of one worker, 0 where it is not known, and its currency."""

    model_config = _FROZEN
    worker_hour: float = Field(0.0, ge=0)
    currency: str = Field("CNY", min_length=1, max_length=8)


class Reports(BaseModel):
    """What reports are like.

    `pages`: up to how many interactions each has a page of its own; of more, those that people look at have one.
    """

    model_config = _FROZEN
    pages: int = Field(1000, ge=1)


class Privacy(BaseModel):
    """Personal data in what was said.

    `mask`: hide it behind placeholders before anything is stored, or `off`. `keep`: what was hidden is gone
    (`nothing`), or kept `encrypted` by `key`, which comes from the environment only.
    """

    model_config = _FROZEN
    mask: Literal["mask", "off"] = "mask"
    keep: Literal["nothing", "encrypted"] = "nothing"
    key: SecretStr = SecretStr("")


class Retention(BaseModel):
    """After how many days `zhijian retention run` deletes what, for complaints and for others; 0 = never.

    `audio`: copies of recordings. `text`: what was said and quotes of it; scores stay. `derived`: all that is left.
    """

    model_config = _FROZEN
    audio_complaint: int = Field(0, ge=0, le=36500)
    audio_other: int = Field(0, ge=0, le=36500)
    text_complaint: int = Field(0, ge=0, le=36500)
    text_other: int = Field(0, ge=0, le=36500)
    derived_complaint: int = Field(0, ge=0, le=36500)
    derived_other: int = Field(0, ge=0, le=36500)


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
