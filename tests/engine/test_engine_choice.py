"""An output that is asked for by a tool: the model is made to call it where the provider can make it."""

from __future__ import annotations

import json

import pytest

from routebook import Engine


@pytest.mark.parametrize(
    ("preset", "forced"),
    [("openai", {"type": "function", "function": {"name": "folder"}}), ("ollama", None)],
)
async def test_a_tool_is_only_offered_where_the_preset_says_that_no_choice_is_taken(
    fake, wire, books, keys, preset: str, forced: object
):
    answer = json.dumps({"folder_id": "f-work"})
    provider = await fake(wire.calls(("call_1", "folder", answer)))
    book = books.over(provider.url, output="folder")
    book["providers"] = {"p": {"preset": preset, "base_url": provider.url, "auth": "none"}}
    book["models"] = {"m": {"provider": "p", "capabilities": ["tools"]}}
    book["features"] = {"chat": {"use": {"model": "m"}, "output": "folder"}}
    book["outputs"] = {"folder": {"schema": {"type": "object"}, "strategy": "tool"}}

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "Where does it belong?")

    assert result.output == {"folder_id": "f-work"}
    assert provider.requests[0].json.get("tool_choice") == forced


@pytest.mark.parametrize(
    ("reasoning", "choice"),
    [({"budget_tokens": 2048}, None), ({"effort": "low"}, {"type": "tool", "name": "folder"})],
)
async def test_a_tool_is_only_offered_where_the_api_thinks_on_a_budget_before_no_forced_call(
    fake, wire, books, keys, reasoning: dict, choice: object
):
    use = {"type": "tool_use", "id": "toolu_1", "name": "folder", "input": {"folder_id": "f-work"}}
    answer = {"type": "message", "role": "assistant", "content": [use], "stop_reason": "tool_use"}
    provider = await fake(wire.http(200, answer))
    book = {
        "providers": {"anthropic": {"base_url": provider.url, "auth": "none"}},
        "models": {"m": {"provider": "anthropic", "capabilities": ["tools", "reasoning"]}},
        "features": {"chat": {"use": {"model": "m", "options": {"reasoning": reasoning}}, "output": "folder"}},
        "outputs": {"folder": {"schema": {"type": "object"}}},
    }

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "Where does it belong?")

    assert result.output == {"folder_id": "f-work"}
    assert provider.requests[0].json.get("tool_choice") == choice
