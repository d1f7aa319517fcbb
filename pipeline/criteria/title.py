"""Names that people read, in both languages."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from pipeline.criteria.base import Strict
from pipeline.i18n import Language


class Title(Strict):
    """A name in both languages; a plain text stands for both."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _same(cls, value: Any) -> Any:
        return {"zh": value, "en": value} if isinstance(value, str) else value

    def text(self, language: Language) -> str:
        """The name in `language`."""
        return self.zh if language == "zh" else self.en
