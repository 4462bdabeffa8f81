"""The client of a server of models, made when it is needed first."""

import asyncio
import importlib
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

import httpx2

from shared.application.language_model import ModelServer
from shared.infrastructure.language_model.capped import capped
from shared.infrastructure.language_model.wire import Reply, read_reply, read_stream

if TYPE_CHECKING:
    from openai import AsyncOpenAI

OPENAI = "https://api.openai.com/v1"


class Connection:
    def __init__(self, server: ModelServer, connect_seconds: float, max_reply_bytes: int) -> None:
        self._server = server
        self._connect_seconds = connect_seconds
        self._max_reply_bytes = max_reply_bytes
        self._made: AsyncOpenAI | None = None
        self._making = asyncio.Lock()
        self._nothing: Any = None
        """What a header is set to that is not to be sent."""

    async def replies(self, body: dict[str, Any], until: float) -> AsyncGenerator[Reply, None]:
        """The pieces of a streamed reply, else the one that is all of it. Closing this hangs up.

        Whoever reads sees to it that `until`, a time of the event loop, is not passed. Raise what
        `fault` knows.
        """
        client = await self._client()
        left = max(0.001, until - asyncio.get_running_loop().time())
        completions: Any = client.chat.completions.with_streaming_response
        headers = {} if self._server.api_key else {"Authorization": self._nothing}
        async with completions.create(
            **body,
            extra_headers=headers,
            timeout=httpx2.Timeout(left, connect=min(left, self._connect_seconds)),
        ) as response:
            if body.get("stream"):
                async for reply in read_stream(response.iter_lines()):
                    yield reply
            else:
                yield read_reply(await response.read())

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()
            self._made = None

    async def _client(self) -> "AsyncOpenAI":
        async with self._making:
            if self._made is None:
                # Half a second of importing, away from the requests that are being answered.
                openai = await asyncio.to_thread(importlib.import_module, "openai")
                self._nothing = openai.Omit()
                self._made = openai.AsyncOpenAI(
                    api_key=self._server.api_key or "none",
                    base_url=self._server.base_url or OPENAI,
                    max_retries=0,
                    http_client=httpx2.AsyncClient(
                        headers={"accept-encoding": "identity"},
                        event_hooks={"response": [capped(self._max_reply_bytes)]},
                        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=8),
                    ),
                )
            return self._made
