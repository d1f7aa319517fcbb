"""Kinds of criteria. One module is one kind; to add one, write the module and add its line to `KINDS`."""

from __future__ import annotations

from pipeline.criteria import (
    act,
    attribute,
    channel,
    classes,
    criterion,
    emoji,
    ending,
    entity,
    flow,
    hold,
    interruption,
    loudness,
    manual,
    measure,
    pace,
    pattern,
    phrase,
    privacy,
    question,
    repetition,
    response,
    sequence,
    silence,
    similar,
    speaks,
    talk_ratio,
    terms,
    tone,
)
from pipeline.criteria.expression import Kind, expression_type

KINDS: dict[str, Kind] = {
    "phrase": Kind(phrase.Params, phrase.evaluate, phrase.__doc__),
    "pattern": Kind(pattern.Params, pattern.evaluate, pattern.__doc__),
    "similar": Kind(similar.Params, similar.evaluate, similar.__doc__),
    "sequence": Kind(sequence.Params, sequence.evaluate, sequence.__doc__),
    "flow": Kind(flow.Params, flow.evaluate, flow.__doc__),
    "act": Kind(act.Params, act.evaluate, act.__doc__),
    "tone": Kind(tone.Params, tone.evaluate, tone.__doc__),
    "pace": Kind(pace.Params, pace.evaluate, pace.__doc__),
    "silence": Kind(silence.Params, silence.evaluate, silence.__doc__),
    "response": Kind(response.Params, response.evaluate, response.__doc__),
    "ending": Kind(ending.Params, ending.evaluate, ending.__doc__),
    "interruption": Kind(interruption.Params, interruption.evaluate, interruption.__doc__),
    "loudness": Kind(loudness.Params, loudness.evaluate, loudness.__doc__),
    "talk_ratio": Kind(talk_ratio.Params, talk_ratio.evaluate, talk_ratio.__doc__),
    "repetition": Kind(repetition.Params, repetition.evaluate, repetition.__doc__),
    "emoji": Kind(emoji.Params, emoji.evaluate, emoji.__doc__),
    "terms": Kind(terms.Params, terms.evaluate, terms.__doc__),
    "privacy": Kind(privacy.Params, privacy.evaluate, privacy.__doc__),
    "hold": Kind(hold.Params, hold.evaluate, hold.__doc__),
    "speaks": Kind(speaks.Params, speaks.evaluate, speaks.__doc__),
    "class": Kind(classes.Params, classes.evaluate, classes.__doc__),
    "measure": Kind(measure.Params, measure.evaluate, measure.__doc__),
    "attribute": Kind(attribute.Params, attribute.evaluate, attribute.__doc__),
    "entity": Kind(entity.Params, entity.evaluate, entity.__doc__),
    "channel": Kind(channel.Params, channel.evaluate, channel.__doc__),
    "question": Kind(question.Params, question.evaluate, question.__doc__),
    "manual": Kind(manual.Params, manual.evaluate, manual.__doc__),
    "criterion": Kind(criterion.Params, criterion.evaluate, criterion.__doc__),
}
"""The literal registry: name in the YAML file → kind."""

Expression = expression_type(KINDS)
"""The pydantic model of an expression in a scorecard."""
