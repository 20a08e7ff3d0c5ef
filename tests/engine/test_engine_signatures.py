"""Signatures of Gemini, one on each of the parts that the API puts them on: turn for turn they go back as they came."""

from __future__ import annotations

import json
from typing import Any

import pytest

from routebook import Engine

FIRST = "CqYBAVSo/+=="
SECOND = "EpIBCo8BAb4+"
LAST = "AVSoXO/last=="


def echo(text: str, call_id: str | None = None, **beside: Any) -> dict[str, Any]:
    named = {"id": call_id} if call_id else {}
    return {"functionCall": {**named, "name": "plain__echo", "args": {"text": text}}, **beside}


TURNS: list[list[dict[str, Any]]] = [
    [
        {"text": "Two at once.", "thought": True},
        echo("a", "c1", thoughtSignature=FIRST),
        echo("b", "c2"),
    ],
    [
        {"text": "And one more.", "thought": True, "thoughtSignature": SECOND},
        {"text": "Wait: ü😀 "},
        echo("c", thoughtSignature=SECOND),
    ],
    [{"text": "Done"}, {"text": "."}, {"text": "", "thoughtSignature": LAST}],
]
USAGE = {"promptTokenCount": 5, "candidatesTokenCount": 3, "thoughtsTokenCount": 2, "totalTokenCount": 10}


def whole(wire: Any, parts: list[dict[str, Any]]) -> bytes:
    content = {"role": "model", "parts": parts}
    return wire.http(200, {"candidates": [{"content": content, "finishReason": "STOP"}], "usageMetadata": USAGE})


def streamed(wire: Any, parts: list[dict[str, Any]]) -> bytes:
    """A chunk for each part, the end apart."""
    chunks = [{"candidates": [{"content": {"role": "model", "parts": [part]}, "index": 0}]} for part in parts]
    chunks.append({"candidates": [{"finishReason": "STOP", "index": 0}], "usageMetadata": USAGE})
    body = b"".join(f"data: {json.dumps(chunk, ensure_ascii=False)}\r\n\r\n".encode() for chunk in chunks)
    return wire.http(200, body, "content-type: text/event-stream")


@pytest.fixture
def table(books):
    def make(url: str, model: str):
        book = books.over(url, tools={"servers": ["plain"]})
        book["providers"]["p0"] |= {"api": "gemini", "base_url": url.removesuffix("/v1")}
        book["models"]["m0"]["id"] = model
        return books.table({**book, "mcp_servers": {"plain": books.tools()}})

    return make


def answered(received: Any) -> list[list[dict[str, Any]]]:
    return [turn["parts"] for turn in received.json["contents"] if turn["role"] == "model"]


def without_ids(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**part, "functionCall": {key: value for key, value in part["functionCall"].items() if key != "id"}}
        if "functionCall" in part
        else part
        for part in parts
    ]


@pytest.mark.parametrize("model", ["gemini-3-pro-preview", "gemini-2.5-flash"])
@pytest.mark.parametrize("answer", [whole, streamed])
async def test_signatures_go_back_on_the_parts_that_they_came_on(fake, wire, keys, table, answer, model: str):
    provider = await fake([answer(wire, parts) for parts in (*TURNS, TURNS[-1])])

    async with Engine(table(provider.url, model), environment=keys) as engine:
        if answer is whole:
            result = await engine.run("chat", "Echo.")
        else:
            events = [event async for event in engine.stream("chat", "Echo.")]
            result = events[-1].result
        await engine.run("chat", [*result.messages, {"role": "user", "content": "Sure?"}]) if answer is whole else None

    assert result.text == "Done."
    assert (result.usage.input, result.usage.output, result.usage.reasoning) == (15, 15, 6)
    assert answered(provider.requests[1]) == TURNS[:1]
    second = answered(provider.requests[2])
    assert second[0] == TURNS[0]
    assert without_ids(second[1]) == without_ids(TURNS[1])
    results = [turn["parts"] for turn in provider.requests[2].json["contents"] if "functionResponse" in turn["parts"][0]]
    assert [[part["functionResponse"]["response"] for part in parts] for parts in results] == [
        [{"output": "a"}, {"output": "b"}],
        [{"output": "c"}],
    ]
    assert [part["functionResponse"]["id"] for part in results[0]] == ["c1", "c2"]
    assert results[1][0]["functionResponse"]["id"] == second[1][2]["functionCall"]["id"]
    if answer is whole:
        assert "".join(part["text"] for part in answered(provider.requests[3])[2]) == "Done."
        assert answered(provider.requests[3])[2][-1] == TURNS[2][-1]
