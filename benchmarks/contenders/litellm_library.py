"""LiteLLM: `acompletion`, and its Router with one deployment. The model has a price, as it has with ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import litellm

from contenders.asked import FIELDS, KEY, MODEL, PRICE_INPUT, PRICE_OUTPUT, Contender

_PRICE = {
    "input_cost_per_token": PRICE_INPUT / 1e6,
    "output_cost_per_token": PRICE_OUTPUT / 1e6,
    "litellm_provider": "openai",
    "mode": "chat",
}

Complete = Callable[..., Awaitable[Any]]


@asynccontextmanager
async def opened(name: str, url: str) -> AsyncIterator[Contender]:
    """Open `acompletion` or `Router`."""
    litellm.register_model({MODEL: _PRICE})
    where = {"api_base": f"{url}/v1", "api_key": KEY}
    if name == "Router":
        deployment = {"model_name": MODEL, "litellm_params": {"model": f"openai/{MODEL}", **where}}
        router = litellm.Router(model_list=[deployment])
        yield _contender(router.acompletion, FIELDS)
    else:
        yield _contender(litellm.acompletion, {**FIELDS, "model": f"openai/{MODEL}", **where})


def _contender(complete: Complete, fields: dict[str, Any]) -> Contender:
    async def stream() -> int:
        return len([chunk async for chunk in await complete(**fields, stream=True)])

    return Contender(lambda: complete(**fields), stream)
