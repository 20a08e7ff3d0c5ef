"""Thoughts go back to the target that had them, byte for byte, and to no other."""

from __future__ import annotations

import json

import pytest

from routebook import Engine, Message

SIGNATURE = "EqQBCgIYAhIM/+=é\n"
THOUGHT = {"type": "thinking", "thinking": "A clock helps. ", "signature": SIGNATURE}
HIDDEN = {"type": "redacted_thinking", "data": "b64+/="}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "plain__echo", "input": {"text": "noon"}}


def message(wire, *blocks, stop="end_turn"):
    return wire.http(
        200,
        {
            "type": "message",
            "role": "assistant",
            "content": list(blocks),
            "stop_reason": stop,
            "usage": {"input_tokens": 10, "output_tokens": 5},
        },
    )


@pytest.fixture
def thinking(wire, books):
    """A book on Anthropic's API with a tool, and the answer of a model that thinks and then calls it."""

    def make(*urls):
        book = books.over(*urls, tools={"servers": ["plain"]})
        for n, url in enumerate(urls):
            book["providers"][f"p{n}"] |= {"api": "anthropic", "base_url": url.removesuffix("/v1")}
        return books.table({**book, "mcp_servers": {"plain": books.tools()}})

    return make, message(wire, THOUGHT, HIDDEN, CALL, stop="tool_use")


def blocks_of(received):
    return [block for turn in received.json["messages"] if turn["role"] == "assistant" for block in turn["content"]]


async def test_thoughts_go_back_to_the_model_that_had_them_as_they_came(fake, wire, keys, thinking):
    table, thought = thinking
    provider = await fake([thought, message(wire, {"type": "text", "text": "Noon."})])

    async with Engine(table(provider.url), environment=keys) as engine:
        result = await engine.run("chat", "What time is it?")

    assert result.text == "Noon."
    assert blocks_of(provider.requests[1]) == [THOUGHT, HIDDEN, CALL]


async def test_another_provider_of_the_same_api_gets_the_answer_without_its_thoughts(fake, wire, keys, thinking):
    table, thought = thinking
    first = await fake([thought, wire.http(529, {"type": "error", "error": {"type": "overloaded_error"}})])
    second = await fake(message(wire, {"type": "text", "text": "Noon."}))

    async with Engine(table(first.url, second.url), environment=keys) as engine:
        result = await engine.run("chat", "What time is it?")

    assert result.text == "Noon."
    assert blocks_of(first.requests[1]) == [THOUGHT, HIDDEN, CALL]
    assert blocks_of(second.requests[0]) == [CALL]
    assert SIGNATURE not in second.requests[0].text


async def test_a_transcript_that_a_caller_brings_keeps_its_thoughts(fake, wire, keys, thinking):
    table, thought = thinking
    provider = await fake([thought, message(wire, {"type": "text", "text": "Noon."})])

    async with Engine(table(provider.url), environment=keys) as engine:
        earlier = await engine.run("chat", "What time is it?")
        await engine.run("chat", [*earlier.messages, {"role": "user", "content": "Sure?"}])

    assert blocks_of(provider.requests[2])[:3] == [THOUGHT, HIDDEN, CALL]


async def test_a_later_run_at_another_provider_of_the_same_api_gets_no_thoughts(fake, wire, keys, thinking):
    table, thought = thinking
    done = message(wire, {"type": "text", "text": "Noon."})
    first, second = await fake([thought, done]), await fake(done)

    async with Engine(table(first.url), environment=keys) as engine:
        earlier = await engine.run("chat", "What time is it?")
    kept = [Message.from_dict(json.loads(json.dumps(said.to_dict()))) for said in earlier.messages]
    other = table("http://127.0.0.1:1/v1", second.url)
    async with Engine(other, environment=keys) as engine:
        await engine.run("chat", [*kept, {"role": "user", "content": "Sure?"}])

    assert blocks_of(second.requests[0])[0] == CALL
    assert SIGNATURE not in second.requests[0].text
