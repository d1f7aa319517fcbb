"""The tables of `zhijian.toml`, one class each; `pipeline.settings` puts them together."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_core import PydanticCustomError

from pipeline.conversation import Channel

_FROZEN = ConfigDict(frozen=True, extra="forbid")


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
