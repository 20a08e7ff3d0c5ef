"""What an API cannot hold a model to in a schema is a warning of the run, told once."""

from __future__ import annotations

import routebook
from routebook import Engine
from routebook.canonical.chat import ChatRequest, OutputFormat
from routebook.canonical.message import Message
from routebook.canonical.tool import ToolDefinition
from routebook.engine.inexact import warnings_of_schemas
from routebook.providers import registry

PLAIN = {"type": "object", "properties": {"text": {"type": "string"}}}
BOUND = {"type": "object", "properties": {"text": {"type": "string", "pattern": "^a+$"}}}
HELD = registry.traits()["gemini"].tool_schemas


def asked(tools: dict, output: dict | None = None) -> ChatRequest:
    definitions = tuple(ToolDefinition(name, f"local.{name}", "", schema) for name, schema in tools.items())
    form = None if output is None else OutputFormat("answer", output)
    return ChatRequest("g", (Message("user", "x"),), definitions, output=form)


def test_each_schema_that_is_sent_otherwise_is_told_of_with_the_place():
    warnings = list(warnings_of_schemas(asked({"plain": PLAIN, "bound": BOUND}, BOUND), "gemini", HELD))
    assert [(warning.code, warning.subject) for warning in warnings] == [
        ("schema_inexact", "local.bound"),
        ("schema_inexact", "answer"),
    ]
    assert "properties.text.pattern: keyword 'pattern'" in warnings[0].message


def test_only_an_api_with_a_form_of_its_own_for_tools_has_such_warnings():
    assert [name for name, traits in registry.traits().items() if traits.tool_schemas] == ["gemini"]


async def test_a_run_tells_of_it_once_over_all_its_turns(fake, wire):
    def answer(text: str) -> bytes:
        part = {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP"}
        return wire.http(200, {"candidates": [part]})

    provider = await fake([answer('{"text": "b"}'), answer('{"text": "aa"}')])
    book = {
        "providers": {"house": {"api": "gemini", "base_url": provider.url.removesuffix("/v1"), "auth": "none"}},
        "models": {"g": {"provider": "house", "id": "gemini-3-x", "capabilities": ["json_schema"]}},
        "outputs": {"answer": {"schema": BOUND, "repair": {"attempts": 1}}},
        "features": {"chat": {"use": {"model": "g"}, "output": "answer"}},
    }
    async with Engine(routebook.compile_mapping(book)) as engine:
        result = await engine.run("chat", "say it")

    assert (result.output, len(provider.requests)) == ({"text": "aa"}, 2)
    assert [(warning.code, warning.subject) for warning in result.warnings] == [("schema_inexact", "answer")]
