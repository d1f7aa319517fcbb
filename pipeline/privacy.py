"""What the settings ask of personal data: whether it is masked, and whether what was masked is kept, encrypted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from pipeline.conversation import Conversation
from pipeline.errors import SettingsError
from pipeline.i18n import Language, t
from pipeline.redact import Hidden, masked_seconds, redact
from pipeline.settings import Settings, environment_name
from pipeline.waveform import silenced

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

KEY = environment_name("privacy.key")
"""The environment variable of the key; it is never read from a file."""


@dataclass(frozen=True, slots=True)
class Seal:
    """Encrypts and decrypts by one key (Fernet: AES-128-CBC with HMAC-SHA-256).

    Args:
        key: 32 bytes in URL-safe base64, as `cryptography.fernet.Fernet.generate_key` makes them.
        language: of errors.

    Raises:
        SettingsError: Z560, it is no key.
    """

    key: str
    language: Language = "zh"

    def __post_init__(self) -> None:
        self._box()

    def close(self, hidden: Sequence[Hidden]) -> str:
        """What was hidden, as a token that only the key opens; empty where nothing was."""
        if not hidden:
            return ""
        plain = json.dumps([asdict(one) for one in hidden], ensure_ascii=False, separators=(",", ":"))
        token: bytes = self._box().encrypt(plain.encode())
        return token.decode()

    def open(self, token: str) -> tuple[Hidden, ...]:
        """What a token holds.

        Raises:
            SettingsError: Z561, it was made by another key, or was changed.
        """
        from cryptography.fernet import InvalidToken

        try:
            plain = self._box().decrypt(token.encode())
        except InvalidToken as error:
            what, hint = t(self.language, "privacy.other_key"), t(self.language, "privacy.other_key_hint", name=KEY)
            raise SettingsError("Z561", what, where=KEY, hint=hint) from error
        return tuple(Hidden(**one) for one in json.loads(plain)) if token else ()

    def _box(self) -> Fernet:
        from cryptography.fernet import Fernet

        try:
            return Fernet(self.key.encode())
        except ValueError as error:
            what, hint = t(self.language, "privacy.bad_key"), t(self.language, "privacy.key_hint", name=KEY)
            raise SettingsError("Z560", what, where=KEY, hint=hint) from error


def seal_of(settings: Settings) -> Seal | None:
    """The seal that the settings ask for; `None` where nothing is kept.

    Raises:
        SettingsError: Z560, `privacy.keep` asks for a key and there is none, or it is no key.
    """
    if settings.privacy.keep == "nothing" or settings.privacy.mask == "off":
        return None
    return Seal(_key(settings), settings.language)


def opener(settings: Settings) -> Seal:
    """A seal to open what was kept earlier.

    Raises:
        SettingsError: Z560, there is no key, or it is none.
    """
    return Seal(_key(settings), settings.language)


def _key(settings: Settings) -> str:
    key = settings.privacy.key.get_secret_value()
    if not key:
        language = settings.language
        what, hint = t(language, "privacy.no_key"), t(language, "privacy.key_hint", name=KEY)
        raise SettingsError("Z560", what, where=KEY, hint=hint)
    return key


def masked(conversation: Conversation, settings: Settings, seal: Seal | None) -> Conversation:
    """The conversation as the settings want it kept: masked unless that is off; with what was hidden, if it is kept."""
    if settings.privacy.mask == "off":
        return conversation
    told, hidden = redact(conversation)
    told = _unseen(told)
    return told if seal is None or not hidden else replace(told, sealed=seal.close(hidden))


def _unseen(conversation: Conversation) -> Conversation:
    """The conversation with nothing in its waveform where personal data is said."""
    hearing = conversation.hearing
    if hearing is None or not hearing.waveform or not (spans := masked_seconds(conversation.turns)):
        return conversation
    return replace(conversation, hearing=replace(hearing, waveform=silenced(hearing.waveform, spans, hearing.duration)))
