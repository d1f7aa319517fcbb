"""flow: the conversation goes through the steps of a process. / 会话按流程一步一步走完。

English: `steps` names the steps in the order in which they are walked. A step has `expect` (an operator or the name
of a condition), `title`, `points` (default 1; 0 = it may be left out), `required` (default false), `within` (how soon
after the step before it: `3 turns`, `30 s`) and `next`. `next` is the name of a step, `end`, or a list of branches
`{to: STEP, when: OPERATOR}`: the first whose `when` holds is taken, a plain name at the end of the list is taken
otherwise. Without `next` comes the step written below, without a branch that fits the walk ends. A step counts only
after the one before it; `in_order: false` drops that. `first_missed` says what follows when the very first step is
missing: `go_on` (default), `stop` (the rest is skipped and earns nothing) or `not_applicable` (the process was never
begun). The operator holds when no step with points is missing. A duty earns the share of the points of the steps on
the path that were done, and nothing if a `required` step is missing. The finding tells the path. Unsure where a step
or a branch could not be heard; steps that cannot be judged do not count.

中文：`steps` 按先后写出流程的各个步骤。每一步有 `expect`（判定方式或情况的名字）、`title`、`points`（默认 1，写 0 表示
可有可无）、`required`（必做，默认否）、`within`（距上一步多近，如 `3 turns`、`30 s`）和 `next`。`next` 可以是某一步的名
字、`end`，也可以是一列分支 `{to: 步骤, when: 判定方式}`：走第一个 `when` 成立的分支；列表最后只写名字的，表示其余情况走
它。不写 `next` 就走写在下面的一步；分支都不成立，流程到此为止。后一步要出现在前一步之后才算，`in_order: false` 则不论先
后。第一步就缺时，`first_missed` 决定怎么办：`go_on`（默认，照常往下看）、`stop`（其余步骤跳过、不得
分）、`not_applicable`（流程没有开始，此项不适用）。有分值的步骤一步不缺才算走完；作为应做项，按走到的步骤里做到的分值占
比给分，缺了 `required` 的步骤不给分。结论会写明走的是哪条路、缺了哪一步。某一步或某个分支听不清时判为“拿不准”；判断不了
的步骤不计入。

```yaml
flow:
  first_missed: stop
  steps:
    verify: {title: {zh: 核实身份, en: verify}, expect: {phrase: ["核对…(姓名|手机号)"]}, required: true}
    ask:
      title: {zh: 问清诉求, en: ask}
      expect: {phrase: ["(退货|换货)还是(退货|换货)"]}
      next: [{to: refund, when: {phrase: {any: ["(要|想|给我)退"], by: customer}}}, exchange]
    refund: {title: {zh: 说明退款时间, en: refund time}, expect: {phrase: ["<time>…到账"]}, points: 2, next: close}
    exchange: {title: {zh: 说明换货办法, en: how to exchange}, expect: {phrase: [上门取件, 寄回]}}
    close: {title: {zh: 致谢道别, en: close}, expect: {phrase: [再见]}}
```

```met
坐席: 先跟您核对一下姓名和手机号。
客户: 王先生，尾号八八六六。
坐席: 好的王先生，您是想退货还是换货？
客户: 我要退货。
坐席: 收到后三天内退款到账。
客户: 行。
坐席: 感谢来电，再见。
```

```unmet
坐席: 您是想退货还是换货？
客户: 我要退货。
坐席: 收到后三天内退款到账，再见。
```
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from pipeline.conversation import Conversation, Evidence, Reason
from pipeline.criteria.base import Context, Hit, Limit, Outcome, State, Strict, unavailable, wrong
from pipeline.criteria.sequence import in_order
from pipeline.criteria.title import Title
from pipeline.criteria.window import Distance

if TYPE_CHECKING:
    from pipeline.criteria.expression import Expression

END = "end"
"""What `next` says where the process is over."""


class Branch(Strict):
    """Where the walk goes if `when` holds; without `when`, otherwise."""

    to: str
    when: Expression | None = None

    @model_validator(mode="before")
    @classmethod
    def _name(cls, value: Any) -> Any:
        return {"to": value} if isinstance(value, str) else value


def _some(value: Any) -> Any:
    return value if isinstance(value, list | tuple) or value is None else (value,)


class Step(Strict):
    """One step: what must be found, what it is worth, and where the walk goes from it."""

    expect: Expression
    title: Title | None = None
    points: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    required: bool = False
    within: Distance | None = None
    next: Annotated[tuple[Branch, ...] | None, BeforeValidator(_some)] = None

    @property
    def counts(self) -> bool:
        """Whether something is lost without this step."""
        return self.required or self.points > 0


class Params(Strict):
    """The steps by name, whether their order counts, and what follows where the first is missing."""

    steps: Annotated[dict[str, Step], Field(min_length=1)]
    in_order: bool = True
    first_missed: Literal["go_on", "stop", "not_applicable"] = "go_on"

    @model_validator(mode="after")
    def _a_graph(self) -> Params:
        allowed = ", ".join([*self.steps, END])
        if END in self.steps:
            raise wrong("flow_end")
        for name, step in self.steps.items():
            for branch in step.next or ():
                if branch.to != END and branch.to not in self.steps:
                    raise wrong("flow_unknown_step", step=name, to=branch.to, allowed=allowed)
        round_trip = _circle(self)
        if round_trip:
            raise wrong("flow_circle", path=" → ".join(round_trip))
        return self


def unreachable(params: Params) -> tuple[str, ...]:
    """Names of the steps that no walk comes to, because nothing leads there or only a branch behind a plain name."""
    reached, waiting = set(), [next(iter(params.steps))]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting.extend(_following(params, name))
    return tuple(name for name in params.steps if name not in reached)


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether no step of the path that fits this conversation is missing; `share` is what the steps done are worth."""
    walk = _walk(params, conversation, context)
    names = [name for name, _ in walk.passed]
    states = dict(walk.passed)
    first = states[names[0]]
    if first.state is State.NO and params.first_missed == "not_applicable":
        return unavailable("criteria.flow.not_begun", _told(params, names, states))
    judged = [name for name in names if states[name].state is not State.UNAVAILABLE and params.steps[name].counts]
    unread = next((o for n, o in walk.passed if o.needs_reader and params.steps[n].counts), None)
    missing = [name for name in judged if states[name].state is State.NO]
    required = [name for name in missing if params.steps[name].required]
    args = _told(params, names, states)
    if not required:
        doubtful = [name for name in judged if states[name].state is State.UNSURE]
        if doubtful:
            return _unheard(states[doubtful[0]], args | _titles(params, doubtful[:1], "step"))
        if walk.undecided is not None:
            return walk.undecided
        if unread is not None or not judged:
            return unread or first
    if not missing:
        return Outcome(
            State.YES,
            min(states[name].confidence for name in judged),
            Reason("criteria.flow.done", args),
            tuple(walk.hits),
        )
    stopped = first.state is State.NO and params.first_missed == "stop"
    worth = sum(params.steps[name].points for name in judged)
    earned = worth - sum(params.steps[name].points for name in missing)
    return Outcome(
        State.NO,
        max(states[name].confidence for name in required or missing),
        Reason("criteria.flow.stopped" if stopped else "criteria.flow.missing", args | {"count": len(missing)}),
        tuple(walk.hits),
        share=None if required or stopped or not earned else earned / worth,
    )


@dataclass(frozen=True, slots=True)
class _Walk:
    """The steps of the path with what was found, the places, and the branch that could not be decided."""

    passed: tuple[tuple[str, Outcome], ...]
    hits: tuple[Hit, ...]
    undecided: Outcome | None


def _walk(params: Params, conversation: Conversation, context: Context) -> _Walk:
    passed: list[tuple[str, Outcome]] = []
    hits: list[Hit] = []
    place: Evidence | None = None
    name: str | None = next(iter(params.steps))
    while name is not None:
        step = params.steps[name]
        outcome, hit = _search(step, place if params.in_order or step.within else None, conversation, context)
        passed.append((name, outcome))
        if hit is not None:
            place = hit.evidence[0]
            hits.append(hit)
        if len(passed) == 1 and outcome.state is State.NO and params.first_missed != "go_on":
            break
        following = _branch(params, name, place, conversation, context)
        if isinstance(following, Outcome):
            return _Walk(tuple(passed), tuple(hits), following)
        name, turning = following
        hits.extend(turning)
    return _Walk(tuple(passed), tuple(hits), None)


def _search(
    step: Step, place: Evidence | None, conversation: Conversation, context: Context
) -> tuple[Outcome, Hit | None]:
    """What the step's operator says after `place`, and where it was found first."""
    near = context if place is None else context.near(place, Limit("after", step.within))
    outcome = step.expect.plan(conversation, near)
    if outcome.state is not State.YES or not outcome.hits:
        return outcome, None
    fitting = [hit for hit in outcome.hits if place is None or in_order(place, hit.evidence[0], "after")]
    if not fitting:
        return Outcome(State.NO, outcome.confidence, outcome.reason), None
    return outcome, min(fitting, key=lambda hit: (hit.turn, hit.evidence[0].span))


def _branch(
    params: Params, name: str, place: Evidence | None, conversation: Conversation, context: Context
) -> tuple[str | None, tuple[Hit, ...]] | Outcome:
    """The next step (`None` = the walk is over) and what decided it, or what could not be decided."""
    branches = params.steps[name].next
    if branches is None:
        return next(iter(_following(params, name)), None), ()
    for branch in branches:
        to = None if branch.to == END else branch.to
        if branch.when is None:
            return to, ()
        outcome = branch.when.plan(conversation, context if place is None else context.near(place))
        if outcome.state is State.YES:
            return to, outcome.hits[:1]
        if outcome.state is State.UNSURE or outcome.needs_reader:
            return outcome
    return None, ()


def _following(params: Params, name: str) -> tuple[str, ...]:
    """The steps that may come directly after `name`."""
    branches = params.steps[name].next
    if branches is None:
        names = list(params.steps)
        return tuple(names[names.index(name) + 1 :][:1])
    return tuple(branch.to for branch in _open(branches) if branch.to != END)


def _open(branches: tuple[Branch, ...]) -> Iterator[Branch]:
    """The branches that can be taken: none behind one without `when`."""
    for branch in branches:
        yield branch
        if branch.when is None:
            return


def _circle(params: Params) -> list[str]:
    """Steps that lead back to themselves, the first of them at both ends; empty where there are none."""
    left = {name: _following(params, name) for name in params.steps}
    while over := [name for name, following in left.items() if not any(to in left for to in following)]:
        for name in over:
            del left[name]
    path = list(left)[:1]
    while path:
        to = next(step for step in left[path[-1]] if step in left)
        if to in path:
            return [*path[path.index(to) :], to]
        path.append(to)
    return []


def _unheard(outcome: Outcome, args: dict[str, str | int | float]) -> Outcome:
    return Outcome(State.UNSURE, outcome.confidence, Reason("criteria.flow.unsure", args), outcome.hits)


def _told(params: Params, names: list[str], states: dict[str, Outcome]) -> dict[str, str | int | float]:
    """The path and its missing steps in words."""
    missing = [name for name in names if states[name].state is State.NO and params.steps[name].counts]
    return _titles(params, names, "path") | _titles(params, missing, "missing")


def _titles(params: Params, names: list[str], key: str) -> dict[str, str | int | float]:
    titles = [params.steps[name].title or Title(zh=name, en=name) for name in names]
    sign, comma = (" → ", " → ") if key == "path" else ("、", ", ")
    return {
        f"{key}_zh": sign.join(title.zh for title in titles),
        f"{key}_en": comma.join(title.en for title in titles),
    }
