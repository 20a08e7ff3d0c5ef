"""What tests of providers have in common: servers on loopback, no proxies, and a request with everything in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from loopback_server import Loopback

from routebook.canonical.chat import ChatRequest, OutputFormat
from routebook.canonical.message import Message
from routebook.canonical.tool import ToolDefinition


@pytest.fixture
async def loopback() -> AsyncIterator[Loopback]:
    running = Loopback()
    yield running
    await running.stop()


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the machine's proxies out of the tests; the ones about proxies set their own."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def full_request() -> ChatRequest:
    """A request with everything that this version can ask of a provider, save `extra_body`."""
    return ChatRequest(
        model="vendor/model-1",
        messages=(Message("system", "Be brief."), Message("user", "What time is it?")),
        tools=(ToolDefinition("clock__now", "clock.now", "The time.", {"type": "object", "properties": {}}),),
        options={
            "temperature": 0.2,
            "top_p": 0.9,
            "max_output_tokens": 100,
            "stop": ["END"],
            "seed": 7,
            "presence_penalty": 0.5,
            "frequency_penalty": -0.5,
            "reasoning": {"effort": "low"},
            "tool_choice": "clock.now",
            "parallel_tool_calls": True,
            "prompt_cache": {"key": "agent", "retention": 86400.0},
            "service_tier": "flex",
            "extra_headers": {"X-Title": "Demo"},
            "timeout": 5.0,
        },
        output=OutputFormat("answer", {"type": "object", "properties": {"a": {"type": "string"}}}),
        feature="chat_agent",
        target="luna",
    )
