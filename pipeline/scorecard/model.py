"""The YAML schema of a scorecard, as immutable pydantic models. docs/scorecards.md is its manual."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, PrivateAttr, Tag, model_validator

from pipeline.conversation import Channel
from pipeline.criteria import Expression
from pipeline.criteria.base import Names, PatternList, Settings, Share, Strict, wrong
from pipeline.criteria.expression import ExpressionBase, operator_names
from pipeline.criteria.terms import Term
from pipeline.criteria.title import Title
from pipeline.i18n import Language

if TYPE_CHECKING:
    from pipeline.criteria.base import Embed


def _identifier(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", value):
        raise wrong("identifier", value=value)
    return value


def _percent(value: Any) -> Any:
    match = re.fullmatch(r"\s*([\d.]+)\s*%\s*", value) if isinstance(value, str) else None
    return float(match[1]) / 100 if match else value


def _severity(value: Any) -> Any:
    if isinstance(value, bool) or value not in (*SEVERITIES, 0, 1, 2):
        raise wrong("severity", given=str(value))
    return SEVERITIES[value] if isinstance(value, int) else value


def _section(value: Any) -> Any:
    """A section's name alone, or with `title` and `weight`."""
    return value if isinstance(value, Mapping) and ("title" in value or "weight" in value) else {"title": value}


def _shares(value: Any) -> Any:
    """A share, or one for each stratum; a per cent sign may be used."""
    if isinstance(value, Mapping):
        return {key: _percent(share) for key, share in value.items()}
    return _percent(value)


def _some(value: Any) -> Any:
    return (value,) if isinstance(value, Mapping | str) else value


def _lines(value: Any) -> Any:
    """Dialogues: each a text with line breaks, or a list of lines."""
    if not isinstance(value, list | tuple):
        return value
    return tuple("\n".join(map(str, item)) if isinstance(item, list | tuple) else item for item in value)


SEVERITIES = ("minor", "major", "critical")
"""How grave it is when a criterion is not met: 0, 1, 2."""
OTHER = "other"
"""Stands for every stratum that has no share of its own."""
Severity: TypeAlias = Annotated[Literal["minor", "major", "critical"], BeforeValidator(_severity)]
Shares: TypeAlias = Annotated[
    Annotated[Share, Tag("share")] | Annotated[dict[str, Share], Tag("strata")],
    Discriminator(lambda value: "strata" if isinstance(value, Mapping) else "share"),
    BeforeValidator(_shares),
]
Stratum: TypeAlias = Literal["queue", "band", "team", "agent", "channel"]
Identifier: TypeAlias = Annotated[str, AfterValidator(_identifier)]
Dialogues: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_lines)]


def _gather_operator(value: Any) -> Any:
    """Move the operator that stands among a mapping's other keys into one key of its own."""
    if not isinstance(value, Mapping) or "operator" in value:
        return value
    names = operator_names(Expression)
    return {k: v for k, v in value.items() if k not in names} | {
        "operator": {k: v for k, v in value.items() if k in names}
    }


class Condition(Strict):
    """A situation with a name: an expression and what to call it."""

    title: Title | None = None
    operator: Expression  # type: ignore[valid-type]

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, value: Any) -> Any:
        return _gather_operator({"condition": value} if isinstance(value, str) else value)


class Examples(Strict):
    """Little dialogues and the verdict that each must get."""

    met: Dialogues = ()
    partial: Dialogues = ()
    unmet: Dialogues = ()
    not_applicable: Dialogues = ()
    unsure: Dialogues = ()


class Each(Strict):
    """A deduction (or a bonus) for every hit, at most `cap` together."""

    cap: Annotated[float, Field(gt=0)] | None = None


class Criterion(Strict):
    """One line of the scorecard: a duty (`points`), a fault (`deduct`, `fatal`) or a `bonus`, and what decides it."""

    id: Identifier
    title: Title
    advice: Title | None = None
    source: str = ""
    section: str
    points: Annotated[float, Field(gt=0)] | None = None
    deduct: Annotated[float, Field(gt=0)] | None = None
    bonus: Annotated[float, Field(gt=0)] | None = None
    each: Each | None = None
    severity: Severity = "major"
    fatal: Literal["card", "section"] | None = None
    fault: bool = False
    operator: Expression  # type: ignore[valid-type]
    partial: Expression | None = None  # type: ignore[valid-type]
    partial_share: Share | None = None
    applies_when: Expression | None = None  # type: ignore[valid-type]
    if_unknown: Literal["applies", "not_applicable", "unsure"] | None = None
    unless: Annotated[tuple[Expression, ...], BeforeValidator(_some)] = ()  # type: ignore[valid-type]
    least_confidence: Share | None = None
    review: Literal["when_unsure", "always", "never"] = "when_unsure"
    examples: Examples = Examples()

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        raw = dict(_gather_operator(value))
        if raw.get("each") is True:
            raw["each"] = {}
        raw.setdefault("fault", raw.get("deduct") is not None or raw.get("fatal") is not None)
        return raw

    @model_validator(mode="after")
    def _consistent(self) -> Criterion:
        if self.points is None and self.deduct is None and self.bonus is None and self.fatal is None:
            raise wrong("no_worth")
        if self.points is not None and self.deduct is not None:
            raise wrong("points_and_deduct")
        if self.points is not None and self.bonus is not None:
            raise wrong("points_and_bonus")
        if self.bonus is not None and (self.fault or self.deduct is not None or self.fatal is not None):
            raise wrong("bonus_is_no_fault")
        if self.each is not None and self.deduct is None and self.bonus is None:
            raise wrong("each_without_deduct")
        if self.if_unknown is not None and self.applies_when is None:
            raise wrong("if_unknown_alone")
        if self.deduct is not None and not self.fault:
            raise wrong("deduct_is_fault")
        return self

    @property
    def expression(self) -> ExpressionBase:
        """The operator that decides the criterion."""
        operator: ExpressionBase = self.operator
        return operator

    @property
    def expressions(self) -> tuple[ExpressionBase, ...]:
        """All expressions: what decides, what makes it partial, when it applies, and the exceptions."""
        parts = (self.operator, self.partial, self.applies_when, *self.unless)
        return tuple(part for part in parts if part is not None)


class Section(Strict):
    """A part of the card: its name, and what it weighs in the total where sections are weighed."""

    title: Title
    weight: Annotated[float, Field(gt=0)] | None = None


class Band(Strict):
    """A named range of totals, from `least` up to the next band."""

    least: Annotated[float, Field(ge=0, le=100, alias="from")]
    title: Title | None = None

    @model_validator(mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        return {"from": value} if isinstance(value, int | float) else value


class FlagRule(Strict):
    """One rule of `flag`: exactly one trigger, and how urgent it is."""

    id: str | None = None
    title: Title | None = None
    priority: Share
    below_pass: Literal[True] | None = None
    total_below: float | None = None
    critical_below: Annotated[float, Field(gt=0, le=100)] | None = None
    fatal: Literal[True] | None = None
    unmet: Names | Literal[True] | None = None
    severity: Severity | None = None
    partial: bool = False
    unsure: Names | Literal[True] | None = None
    low_confidence: Share | None = None
    of: Names = ()
    when: Expression | None = None  # type: ignore[valid-type]
    random: Shares | None = None
    by: Stratum | None = None
    at_least: Annotated[int, Field(ge=1)] | None = None
    per: Stratum | None = None
    every: Literal["day", "week", "month"] = "month"

    @model_validator(mode="after")
    def _one_trigger(self) -> FlagRule:
        given = [name for name in TRIGGERS if getattr(self, name) is not None]
        if len(given) != 1:
            raise wrong("flag_trigger", allowed=", ".join(TRIGGERS), given=", ".join(given) or "–")
        if self.when is not None and not self.id:
            raise wrong("flag_id")
        if self.severity is not None and self.unmet is not True:
            raise wrong("unmet_severity")
        sampling = self.by or self.at_least or self.per or "every" in self.model_fields_set
        if (sampling and self.random is None) or (self.at_least is None) is not (self.per is None):
            raise wrong("random_only")
        if (self.by is not None) is not isinstance(self.random, dict):
            raise wrong("random_by")
        return self

    def share(self, stratum: str | None) -> float:
        """The random share of `stratum`; of one that is not named, that of `other`."""
        if isinstance(self.random, dict):
            return self.random.get(stratum or OTHER, self.random.get(OTHER, 0.0))
        return self.random or 0.0


TRIGGERS = (
    "below_pass", "total_below", "critical_below", "fatal", "unmet", "unsure", "low_confidence", "when", "random",
)  # fmt: skip


class Scorecard(Strict):
    """A whole scorecard. `digest` names its content; comments, layout and examples do not count."""

    id: Identifier
    version: Annotated[str, BeforeValidator(lambda v: str(v) if isinstance(v, int | float) else v)]
    title: Title
    channels: tuple[Channel, ...] = ()
    pass_mark: Annotated[float, Field(ge=0, le=100, alias="pass")]
    bands: dict[str, Band] = Field(default_factory=dict)
    sections: dict[str, Annotated[Section, BeforeValidator(_section)]] = Field(default_factory=dict)
    settings: Settings = Settings()
    lists: dict[str, PatternList] = Field(default_factory=dict)
    terms: dict[str, Term] = Field(default_factory=dict)
    conditions: dict[str, Condition] = Field(default_factory=dict)
    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1)]
    flag: tuple[FlagRule, ...] = ()

    _digest: str = PrivateAttr("")
    _compiled: dict[str, Any] = PrivateAttr(default_factory=dict)
    _source: str = PrivateAttr("")
    _text: str = PrivateAttr("")
    _embed: Embed | None = PrivateAttr(None)

    @model_validator(mode="before")
    @classmethod
    def _one_channel(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and isinstance(value.get("channels"), str):
            return dict(value) | {"channels": [value["channels"]]}
        return value

    @model_validator(mode="after")
    def _terms_known(self) -> Scorecard:
        """Criteria and conditions that look for terms find them in a table."""
        parts = [part for criterion in self.criteria for part in criterion.expressions]
        parts += [condition.operator for condition in self.conditions.values()]
        while parts:
            part = parts.pop()
            parts.extend(part.children())
            if part.operator == "terms":
                known = (*self.terms, *part.params.table)
                if not known:
                    raise wrong("no_terms")
                for name in part.params.only:
                    if name not in known:
                        raise wrong("unknown_term", term=name, allowed=", ".join(known))
        return self

    @model_validator(mode="after")
    def _weighed(self) -> Scorecard:
        """Sections are weighed all or none, as far as something in them has points."""
        with_points = dict.fromkeys(criterion.section for criterion in self.criteria if criterion.points)
        without = [name for name in with_points if name not in self.sections or self.sections[name].weight is None]
        if without and any(section.weight for section in self.sections.values()):
            raise wrong("section_weights", names=", ".join(without))
        return self

    @cached_property
    def weights(self) -> Mapping[str, float] | None:
        """What each section weighs in the total; `None` where the points alone decide."""
        weights = {name: section.weight for name, section in self.sections.items() if section.weight is not None}
        return weights or None

    @property
    def digest(self) -> str:
        """`sha256:…` over the content."""
        return self._digest

    @property
    def compiled(self) -> dict[str, Any]:
        """What the steps that use the card make of it once and for all conversations."""
        return self._compiled

    @property
    def source(self) -> str:
        """The file the card was read from."""
        return self._source

    @property
    def text(self) -> str:
        """YAML that says all of the card, without any other file."""
        return self._text

    @property
    def embed(self) -> Embed | None:
        """What compares meanings for this card; `None` where wording is compared."""
        return self._embed

    def compare_meanings(self, embed: Embed) -> None:
        """Let `similar` compare meanings by these vectors from now on. What the card says stays as it is."""
        self._embed = embed

    def criterion(self, criterion_id: str) -> Criterion:
        """The criterion of that id.

        Raises:
            KeyError: the card has none.
        """
        for criterion in self.criteria:
            if criterion.id == criterion_id:
                return criterion
        raise KeyError(criterion_id)

    def section_title(self, section: str, language: Language) -> str:
        """The section's name; its key where the card gives none."""
        known = self.sections.get(section)
        return known.title.text(language) if known else section

    def band_title(self, band: str, language: Language) -> str:
        """The band's name; its key where the card gives none."""
        found = self.bands.get(band)
        return found.title.text(language) if found and found.title else band

    def band_of(self, total: float) -> str | None:
        """The key of the band that `total` falls into."""
        reached = [(band.least, key) for key, band in self.bands.items() if total >= band.least]
        return max(reached, key=lambda pair: pair[0])[1] if reached else None

    def applies_to(self, channel: Channel) -> bool:
        """Whether conversations of `channel` may be scored by this card."""
        return not self.channels or channel in self.channels
