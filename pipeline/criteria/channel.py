"""channel: the conversation came in by this channel. / 会话来自这个渠道。

English: `is` lists channels: `call`, `chat`, `email`; a name or a list alone stands for it. It is always decided.

中文：`is` 里写渠道：`call` 电话、`chat` 在线聊天、`email` 邮件；也可以直接写一个渠道或一列渠道。总能判定。

```yaml
channel: [chat, email]
```

```met
@channel chat
客户: 在吗？
坐席: 您好，在的。
```

```unmet
@channel call
坐席: 您好，请讲。
```
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from pipeline.conversation import Channel, Conversation, Reason
from pipeline.criteria.base import Context, Outcome, State, Strict


class Params(Strict):
    """Which channels."""

    is_: Annotated[tuple[Channel, ...], Field(alias="is", min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"is": [value]}
        return {"is": value} if isinstance(value, list | tuple) else value


def evaluate(params: Params, conversation: Conversation, context: Context) -> Outcome:
    """Whether the conversation's channel is one of those asked for."""
    channel = conversation.interaction.channel
    state = State.YES if channel in params.is_ else State.NO
    return Outcome(state, 1.0, Reason("criteria.channel.is", {"channel": f"@criteria.channel.{channel.value}"}))
