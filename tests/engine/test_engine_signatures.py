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


def results_in(received: Any) -> list[list[dict[str, Any]]]:
    turns = [turn["parts"] for turn in received.json["contents"] if "functionResponse" in turn["parts"][0]]
    return [[part["functionResponse"] for part in parts] for parts in turns]


async def play(engine: Engine, answer: Any) -> Any:
    if answer is whole:
        return await engine.run("chat", "Echo.")
    return [event async for event in engine.stream("chat", "Echo.")][-1].result


@pytest.mark.parametrize("model", ["gemini-3-pro-preview", "gemini-2.5-flash"])
@pytest.mark.parametrize("answer", [whole, streamed])
async def test_signatures_go_back_on_the_parts_that_they_came_on(fake, wire, keys, table, answer, model: str):
    provider = await fake([answer(wire, parts) for parts in TURNS])

    async with Engine(table(provider.url, model), environment=keys) as engine:
        result = await play(engine, answer)
        provider.reply = whole(wire, TURNS[-1])
        await engine.run("chat", [*result.messages, {"role": "user", "content": "Sure?"}])

    assert result.text == "Done."
    assert (result.usage.input, result.usage.output, result.usage.reasoning) == (15, 15, 6)
    assert answered(provider.requests[1]) == TURNS[:1]
    first, second = answered(provider.requests[2])
    assert first == TURNS[0]
    assert without_ids(second) == without_ids(TURNS[1])
    both, one = results_in(provider.requests[2])
    assert [(item["id"], item["response"]) for item in both] == [("c1", {"output": "a"}), ("c2", {"output": "b"})]
    assert [(item["id"], item["response"]) for item in one] == [(second[2]["functionCall"]["id"], {"output": "c"})]
    assert answered(provider.requests[3])[2] == [{"text": "Done."}, TURNS[2][-1]]
