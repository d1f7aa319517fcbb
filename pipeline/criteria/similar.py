"""similar: something is said that is like one of the example sentences. / 说了与例句相近的话。

English: `to` lists example sentences; a text or a list alone stands for it. Each sentence of a turn, and each clause
between commas, is held against them; it counts where it is at least `at_least` alike (0…1, default 0.55; likeness of
wording: the mean of shared characters and pairs of characters and of edit similarity). `unlike` lists sentences that
only look alike: what is nearer to one of them than to any example does not count. `min_chars` (default 4) is the
length from which a sentence is compared. Where the setting `embedding.model` names a model, meaning is compared
instead, and `meaning` (cosine, default 0.75) is the least. `by` (default `agent`), `window`, `times` (default 1) as
everywhere. Unsure where the turns were badly heard or their speaker is unknown; not applicable where the role says
nothing.

中文：`to` 是一组例句；只写一句或一个列表就等于 `to`。每一句话、以及逗号之间的每个分句都与例句比较，相似度不低于
`at_least`（0 到 1，默认 0.55）就算。默认比的是字面：相同的字和相邻两字的比例，与编辑相似度取平均。`unlike` 里放字面相
近但意思不同的句子：更像其中某一句而不是例句的，不算。`min_chars`（默认 4）以下的短句不比。设置项 `embedding.model` 配
了向量模型时改比语义，此时以 `meaning`（余弦相似度，默认 0.75）为下限。`by`（默认 `agent`）、`window`、`times`（默认
1）与其他判定方式相同。录音听不清或分不清是谁说的，判为“拿不准”；该角色没有发言，则不适用。

```yaml
similar: {to: [本次通话可能会被录音], unlike: [您可以把录音发给我吗], at_least: 0.55}
```

```met
坐席: 您好，为了保证服务质量，这次通话可能会录音。
```

```unmet
坐席: 您好，麻烦您把录音发给我。
```
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from pipeline.conversation import Conversation
from pipeline.criteria.base import Context, Hit, Outcome, Role, Share, Strict, flat, wrong
from pipeline.criteria.likeness import likeness, plain
from pipeline.criteria.lookup import hit, looked_up
from pipeline.criteria.sentences import sentences_and_clauses
from pipeline.criteria.window import Window


def _said(sentence: str) -> str:
    if not plain(sentence):
        raise wrong("similar_empty", sentence=sentence)
    return sentence


Sentences: TypeAlias = Annotated[tuple[Annotated[str, AfterValidator(_said)], ...], BeforeValidator(flat)]


class Params(Strict):
    """Examples, how alike at least, whose turns, how often."""

    to: Annotated[Sentences, Field(min_length=1)]
    unlike: Sentences = ()
    at_least: Annotated[Share, Field(gt=0)] = 0.55
    meaning: Annotated[Share, Field(gt=0)] = 0.75
    min_chars: Annotated[int, Field(ge=1)] = 4
    by: Role = "agent"
    window: Window | None = None
    times: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"to": value} if isinstance(value, str | list | tuple) else value


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether a sentence is alike enough; its confidence is how alike it is."""
    compare = _by_wording if context.rules.embed is None else _by_meaning

    def find(turns: tuple[int, ...]) -> tuple[Hit, ...]:
        spans = [
            (turn, span)
            for turn in turns
            for span in sentences_and_clauses(conversation.turns[turn].text)
            if len(plain(conversation.turns[turn].text[slice(*span)])) >= params.min_chars
        ]
        said = tuple(conversation.turns[turn].text[slice(*span)] for turn, span in spans)
        scored = [
            (score, turn, span)
            for (turn, span), score in zip(spans, compare(params, said, context), strict=True)
            if score
        ]
        return tuple(hit(conversation, turn, span, score) for score, turn, span in _apart(scored))

    return looked_up(
        find,
        conversation,
        context,
        by=params.by,
        window=params.window,
        times=params.times,
        area="criteria.similar",
        args={"example": params.to[0]},
    )


def _apart(scored: list[tuple[float, int, tuple[int, int]]]) -> list[tuple[float, int, tuple[int, int]]]:
    """Of places that overlap (a sentence and its clauses) the one most alike, in order of the conversation."""
    kept: list[tuple[float, int, tuple[int, int]]] = []
    for score, turn, span in sorted(scored, key=lambda place: (-place[0], place[1], place[2])):
        if not any(turn == other and span[0] < end and start < span[1] for _, other, (start, end) in kept):
            kept.append((score, turn, span))
    return sorted(kept, key=lambda place: place[1:])


def _by_wording(params: Params, said: tuple[str, ...], context: Context) -> list[float]:
    examples, others = [plain(text) for text in params.to], [plain(text) for text in params.unlike]
    scores = []
    for text in map(plain, said):
        best = max(likeness(example, text, least=params.at_least) for example in examples)
        nearer = best and any(likeness(other, text, least=best) > best for other in others)
        scores.append(best if best >= params.at_least and not nearer else 0.0)
    return scores


def _by_meaning(params: Params, said: tuple[str, ...], context: Context) -> list[float]:
    if context.rules.embed is None or not said:
        return []
    vectors = context.rules.embed((*params.to, *params.unlike, *said))
    known = len(params.to) + len(params.unlike)
    alike = vectors[known:] @ vectors[:known].T
    scores = []
    for row in alike.tolist():
        best = max(row[: len(params.to)])
        nearer = any(score > best for score in row[len(params.to) :])
        scores.append(round(min(1.0, best), 4) if best >= params.meaning and not nearer else 0.0)
    return scores
