"""A language model in memory that gives the replies it was given, in order."""

import json
from collections.abc import AsyncGenerator
from typing import Any

from shared.application.language_model import Completed, Completion, Delta, ModelUsage


class Scripted:
    """Fits LanguageModel. An exception is raised, a text or a Completed is the reply as it is, and
    anything else is replied as JSON. What it was asked is in `asked`."""

    def __init__(self, *replies: Any, configured: bool = True) -> None:
        self.configured = configured
        self.asked: list[Completion] = []
        self._replies = list(replies)

    async def complete(self, request: Completion) -> Completed:
        self.asked.append(request)
        reply = self._replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, Completed):
            return reply
        usage = ModelUsage(input_tokens=100, output_tokens=10, cost=0.5)
        text = reply if isinstance(reply, str) else json.dumps(reply)
        return Completed(text=text, model="wordsmith", parsed=reply, usage=usage)

    async def stream(self, request: Completion) -> AsyncGenerator[Delta | Completed, None]:
        completed = await self.complete(request)
        yield Delta(completed.text)
        yield completed
