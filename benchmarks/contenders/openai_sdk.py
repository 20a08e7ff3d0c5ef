"""OpenAI's own client, as its users make it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import openai

from contenders.asked import FIELDS, KEY, Contender


@asynccontextmanager
async def opened(name: str, url: str) -> AsyncIterator[Contender]:
    """Open the client; it has no other *name*."""
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=KEY) as client:

        async def stream() -> int:
            coming = await client.chat.completions.create(**FIELDS, stream=True)
            return len([chunk async for chunk in coming])

        yield Contender(lambda: client.chat.completions.create(**FIELDS), stream)
