"""TensorZero's gateway, embedded: written in Rust, in the process of its caller. It stores nothing, and has prices."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from tensorzero import AsyncTensorZeroGateway

from contenders.asked import MODEL, MOST_TOKENS, PRICE_INPUT, PRICE_OUTPUT, TEMPERATURE, TEXT, Contender

_CONFIGURATION = f"""
[gateway]
observability.enabled = false
disable_pseudonymous_usage_analytics = true

[models.bench]
routing = ["house"]

[models.bench.providers.house]
type = "openai"
model_name = "{MODEL}"
api_base = "URL/v1/"
api_key_location = "env::HOUSE_KEY"
cost = [
  {{ pointer = "/usage/prompt_tokens", cost_per_million = {PRICE_INPUT} }},
  {{ pointer = "/usage/completion_tokens", cost_per_million = {PRICE_OUTPUT} }},
]
"""
_FIELDS: dict[str, Any] = {
    "model_name": "bench",
    "input": {"messages": [{"role": "user", "content": TEXT}]},
    "params": {"chat_completion": {"temperature": TEMPERATURE, "max_tokens": MOST_TOKENS}},
}


@asynccontextmanager
async def opened(name: str, url: str) -> AsyncIterator[Contender]:
    """Open the gateway; it has no other *name*."""
    with _written(_CONFIGURATION.replace("URL", url)) as file:
        gateway = await AsyncTensorZeroGateway.build_embedded(config_file=file)

    async def stream() -> int:
        return len([chunk async for chunk in await gateway.inference(**_FIELDS, stream=True)])

    yield Contender(lambda: gateway.inference(**_FIELDS), stream)
    await gateway.close()


@contextmanager
def _written(text: str) -> Iterator[str]:
    """Yield the path of a file with *text*, which is gone after the block."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tensorzero.toml"
        file.write_text(text, encoding="utf-8")
        yield str(file)
