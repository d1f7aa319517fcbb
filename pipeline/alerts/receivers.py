"""Who is told, from the settings. A receiver's name is safe to store and to print: it holds no key and no address."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from pipeline.errors import SettingsError
from pipeline.i18n import Language, t
from pipeline.settings import Settings, environment_name


class Kind(StrEnum):
    """How a receiver is reached, and which form its messages have."""

    MAIL = "mail"
    WEBHOOK = "webhook"
    WECOM = "wecom"
    DINGTALK = "dingtalk"
    FEISHU = "feishu"


@dataclass(frozen=True, slots=True)
class Receiver:
    """One mail box or robot. `secret` signs what is sent; `shown` is the part of the address that is no secret."""

    kind: Kind
    address: str = field(repr=False)
    secret: str = field(repr=False, default="")
    shown: str = ""

    @property
    def name(self) -> str:
        """Kind and a digest of the address: the same in every run, and nobody can write to it."""
        return f"{self.kind}:{hashlib.sha256(self.address.encode()).hexdigest()[:16]}"


def receivers(settings: Settings) -> tuple[Receiver, ...]:
    """Everybody whom the settings name, each once.

    Raises:
        SettingsError: Z570, an address is none, or somebody is to log in without encryption.
    """
    alerts, language = settings.alerts, settings.language
    found = [_mail(address, language) for address in alerts.mail_to.replace(",", " ").split()]
    if found and alerts.smtp_user and alerts.smtp_security == "none":
        raise _wrong("alerts.smtp_security", "alerts.open_password", language)
    for kind in (Kind.WEBHOOK, Kind.WECOM, Kind.DINGTALK, Kind.FEISHU):
        addresses = getattr(alerts, kind.value).get_secret_value().split()
        found += [_robot(kind, address, language) for address in addresses]
    return tuple({receiver.name: receiver for receiver in found}.values())


def _mail(address: str, language: Language) -> Receiver:
    box, _, host = address.rpartition("@")
    if not box or not host:
        raise _wrong("alerts.mail_to", "alerts.no_mail_address", language)
    return Receiver(Kind.MAIL, address, shown=f"{box[:1]}…@{host}")


def _robot(kind: Kind, address: str, language: Language) -> Receiver:
    url, _, secret = address.partition("#")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _wrong(f"alerts.{kind}", "alerts.no_address", language)
    return Receiver(kind, url, secret, parts.hostname)


def _wrong(key: str, sentence: str, language: Language) -> SettingsError:
    hint = t(language, f"{sentence}_hint", name=environment_name(key))
    return SettingsError("Z570", t(language, sentence, key=key), where=environment_name(key), hint=hint)
