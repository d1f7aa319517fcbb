"""channel: the conversation came in by this channel.

```yaml
channel: [call, chat]
```

`is`: `call`, `chat`, `email`; a name or a list alone stands for it.

Met (`channel: chat`): a chat. Unmet: a call.
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
