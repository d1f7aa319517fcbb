"""Evaluations in the public output format, and reasons in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from pipeline.conversation import Evaluation, Finding, Hearing, Json, Reason, ReviewItem, Turn, Verdict
from pipeline.i18n import Language, area, t
from pipeline.quotes import readable
from pipeline.scorecard import Scorecard

SHARE_DECIMALS = 4
"""Of shares, tone and sentiments."""

SECOND_DECIMALS = 3
"""Of times: milliseconds."""

_CATALOGUE = ("@criteria.", "@scorecard.verdict.")
"""Beginnings of arguments that are themselves keys of the catalogue."""

_DECIMALS = {
    **dict.fromkeys(("longest_silence", "overlap_seconds", "first_response", "duration"), SECOND_DECIMALS),
    "agent_chars_per_minute": 1,
    "interruptions_by_agent": 0,
}


def explain(reason: Reason, language: Language) -> str:
    """The sentence of `reason`; an argument `@key` is itself taken from the catalogue."""
    args = {
        name: t(language, value[1:]) if isinstance(value, str) and value.startswith(_CATALOGUE) else value
        for name, value in reason.args.items()
        if name != "partly"
    }
    sentence = t(language, reason.key, **args)
    return sentence[:1].upper() + sentence[1:]


def why(finding: Finding, language: Language, turns: Sequence[Turn] = ()) -> str:
    """The sentence that explains `finding`; of a partial one it says that it only half fits.

    With the turns of its conversation a quote of a single character is told within its clause.
    """
    sentence = explain(Reason(finding.why.key, readable(finding, turns)), language)
    if finding.verdict is not Verdict.PARTIAL:
        return sentence
    return t(language, "scoring.partial_fault" if finding.fault else "scoring.partial_duty", sentence=sentence)


def evaluation_record(
    evaluation: Evaluation,
    review: ReviewItem,
    scorecard: Scorecard,
    language: Language = "zh",
    turns: Sequence[Turn] = (),
) -> dict[str, Json]:
    """One evaluation as the documented JSON object; sentences in `language`, ids and keys always the same.

    `scorecard` must be the card that made the evaluation. `turns` are those of the conversation, for the sentences.

    Raises:
        ValueError: the evaluation was made by another card.
    """
    if scorecard.digest != evaluation.scorecard_digest:
        raise ValueError(
            f"{evaluation.interaction} was scored by {evaluation.scorecard_digest}, not {scorecard.digest}"
        )
    models: dict[str, Json] = dict(evaluation.models)
    measures: dict[str, Json] = {
        name: _rounded(value, _DECIMALS.get(name, SHARE_DECIMALS))
        for name, value in asdict(evaluation.measures).items()
    }
    classes: dict[str, Json] = {k: v for k, v in asdict(evaluation.classes).items() if k != "need"}
    return {
        "interaction": evaluation.interaction,
        "scorecard": {
            "id": evaluation.scorecard_id,
            "version": evaluation.scorecard_version,
            "digest": evaluation.scorecard_digest,
        },
        "engine": {"version": evaluation.engine_version, "models": models},
        "total": evaluation.total,
        "max": _number(evaluation.max),
        "passed": evaluation.passed,
        "band": evaluation.band,
        "fatal": list(evaluation.fatal),
        **({} if evaluation.critical is None else {"critical": _number(evaluation.critical)}),
        "criteria": [_criterion(finding, scorecard, language, turns) for finding in evaluation.findings],
        "measures": measures,
        "classes": classes,
        "review": {"flagged": review.flagged, "priority": review.priority, "reasons": list(review.reasons)},
    }


def _criterion(finding: Finding, scorecard: Scorecard, language: Language, turns: Sequence[Turn]) -> dict[str, Json]:
    """One finding; `advice` and `section_fatal` are there only where there is something to say."""
    advice = scorecard.criterion(finding.criterion).advice if finding.lost else None
    return {
        "id": finding.criterion,
        "section": finding.section,
        "verdict": finding.verdict.value,
        "points": _number(finding.points),
        "max_points": _number(finding.max_points),
        "confidence": finding.confidence,
        "why": why(finding, language, turns),
        "evidence": [
            {
                "turn": e.turn,
                "start": _rounded(e.start, SECOND_DECIMALS),
                "end": _rounded(e.end, SECOND_DECIMALS),
                "span": list(e.span),
                "quote": e.quote,
            }
            for e in finding.evidence
        ],
        **({"section_fatal": True} if finding.section_fatal else {}),
        **({"advice": advice.text(language)} if advice else {}),
    }


def _rounded(value: float | None, decimals: int) -> float | int | None:
    """A number without the digits that nobody measured; a count stays a whole number."""
    if value is None:
        return None
    return round(float(value), decimals) if decimals else round(value)


def _number(value: float) -> int | float:
    return int(value) if value == int(value) else value


def heard_warnings(hearing: Hearing, language: Language) -> tuple[str, ...]:
    """The warnings of a hearing in words; a key that the catalogue does not have stays as it is."""
    keys = (f"hearing.warning.{warning}" for warning in hearing.warnings)
    known = area("hearing")
    return tuple(t(language, key) if key in known else key.removeprefix("hearing.warning.") for key in keys)


def flag_sentence(reason: str, scorecard: Scorecard, language: Language = "zh") -> str:
    """A reason of a review item (`fatal:rudeness`) in words; a rule of the card's own by its title."""
    name, _, detail = reason.partition(":")
    titles = {criterion.id: criterion.title.text(language) for criterion in scorecard.criteria}
    if f"flag.{name}" in area("flag"):
        return t(language, f"flag.{name}", detail=titles.get(detail, detail))
    rule = next((rule for rule in scorecard.flag if rule.id == reason), None)
    if rule is None:
        return reason
    if rule.title is not None:
        return rule.title.text(language)
    condition = scorecard.conditions.get(rule.when.params) if rule.when and rule.when.operator == "condition" else None
    return condition.title.text(language) if condition and condition.title else reason
