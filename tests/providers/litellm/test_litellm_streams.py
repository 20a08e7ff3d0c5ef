"""Streams of the real library, from servers on loopback that speak as the providers behind it."""

from __future__ import annotations

import asyncio
import json

import pytest
from library_answers import (
    ANSWERS,
    CHUNKS,
    CLAUDE,
    CLOCK,
    GEMINI,
    MESSAGE,
    MODELS,
    STREAMS,
    ask,
    chunk,
    events_of,
    last_of,
    message_events,
)

from routebook.canonical.event import TextDelta
from routebook.canonical.tool import ToolCall
from routebook.errors import ProviderError
from routebook.routing.provider_spec import Timeouts


@pytest.mark.parametrize("model", MODELS)
async def test_a_call_is_streamed_and_ends_with_what_the_whole_answer_says(loopback, client_of, model):
    server = await loopback.start(
        loopback.answer(200, STREAMS[model], "content-type: text/event-stream", "request-id: req_1")
    )
    seen = [event async for event in client_of(server.url).stream(ask(model))]
    assert "".join(event.text for event in seen[:-1]) == "Noon."
    assert all(isinstance(event, TextDelta) for event in seen[:-1])
    response = seen[-1].response
    whole = await loopback.start(loopback.answer(200, ANSWERS[model], "content-type: application/json"))
    same = await client_of(whole.url).complete(ask(model))
    assert (response.message, response.finish_reason, response.usage) == (same.message, same.finish_reason, same.usage)
    assert response.request_id in ("req_1", None)


async def test_a_stream_that_stalls_is_a_timeout_and_a_slow_reader_is_not(loopback, client_of):
    async def stall(writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + events_of(CHUNKS[:2]))
        await asyncio.sleep(30)

    server = await loopback.start(stall)
    bounds = Timeouts(first_token=5, idle=0.15, total=10)
    with pytest.raises(ProviderError, match=r"no further byte within 0\.15 s"):
        await last_of(client_of(server.url, timeout=bounds).stream(ask()))
    await server.wait_until_open(0)

    good = await loopback.start(loopback.answer(200, events_of(CHUNKS)))
    seen = []
    async for event in client_of(good.url, timeout=bounds).stream(ask()):
        await asyncio.sleep(0.2)
        seen.append(event)
    assert seen[-1].response.message.text == "Noon."


@pytest.mark.parametrize("model", [model for model in MODELS if model != GEMINI])
async def test_a_stream_that_ends_without_a_reason_is_cut_off(loopback, client_of, model):
    """The library would say `stop` by itself; of Gemini it says so in every chunk, and nobody can tell."""
    cut = message_events(MESSAGE).partition(b"event: message_delta")[0] if model == CLAUDE else events_of(CHUNKS[:3])
    server = await loopback.start(loopback.answer(200, cut, "content-type: text/event-stream"))
    with pytest.raises(ProviderError) as caught:
        await last_of(client_of(server.url).stream(ask(model)))
    assert (caught.value.kind, "cut off" in caught.value.message) == ("connection", True)


async def test_usage_that_the_provider_did_not_say_is_not_made_up(loopback, client_of):
    server = await loopback.start(
        loopback.answer(200, events_of([*CHUNKS[:4], "[DONE]"]), "content-type: text/event-stream")
    )
    response = (await last_of(client_of(server.url).stream(ask()))).response
    assert (response.message.text, response.usage) == ("Noon.", None)


async def test_an_error_in_the_middle_of_a_stream_is_one(loopback, client_of):
    events = message_events(MESSAGE).partition(b"event: content_block_stop")[0]
    events += (
        b'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error", "message": "Full house"}}\n\n'
    )
    server = await loopback.start(loopback.answer(200, events, "content-type: text/event-stream"))
    with pytest.raises(ProviderError) as caught:
        await last_of(client_of(server.url).stream(ask(CLAUDE)))
    assert "Full house" in caught.value.message
    assert caught.value.kind in ("overloaded", "server_error")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("how", ["closed", "cancelled", "left", "dropped"])
async def test_a_stream_that_is_left_closes_its_connection(loopback, client_of, model, how):
    async def endless(writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        writer.write(STREAMS[model].partition(b"event: content_block_stop")[0].partition(b"[DONE]")[0])
        await writer.drain()
        await asyncio.sleep(30)

    server = await loopback.start(endless)
    stream = client_of(server.url).stream(ask(model))
    if how == "left":
        async for _ in stream:
            break
    else:
        await anext(stream)
    if how == "closed":
        await stream.aclose()
    elif how == "cancelled":
        rest = asyncio.create_task(last_of(stream))
        await asyncio.sleep(0.05)
        rest.cancel()
        with pytest.raises(asyncio.CancelledError):
            await rest
    del stream
    await server.wait_until_open(0)


async def test_tool_calls_are_streamed_by_their_numbers(loopback, client_of):
    def piece(index: int, **fields: object) -> dict:
        return chunk(tool_calls=[{"index": index, "type": "function", **fields}])

    chunks = [
        piece(0, id="c1", function={"name": "clock__now", "arguments": ""}),
        piece(0, function={"arguments": '{"zone": "UTC"}'}),
        piece(1, id="c2", function={"name": "clock__now", "arguments": "{}"}),
        chunk(finish_reason="tool_calls"),
        "[DONE]",
    ]
    server = await loopback.start(loopback.answer(200, events_of(chunks), "content-type: text/event-stream"))
    response = (await last_of(client_of(server.url).stream(ask(tools=(CLOCK,))))).response
    assert response.message.tool_calls == (
        ToolCall("c1", "clock__now", {"zone": "UTC"}),
        ToolCall("c2", "clock__now", {}),
    )
    assert response.finish_reason == "tool_calls"


@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "boom", "code": 500}, "server_error"),
        ({"message": "boom", "code": "rate_limit_exceeded", "type": "requests"}, "rate_limit"),
        ({"message": "boom", "code": "context_length_exceeded"}, "context_window_exceeded"),
    ],
)
async def test_an_error_that_a_provider_says_in_a_stream_is_read_as_its_own(loopback, client_of, begun, error, kind):
    """The library has one class for all of them, which says that the connection failed."""
    said = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    chunk = {**said, "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": None}]}
    events = [*([chunk] if begun else []), {"error": error}]
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    server = await loopback.start(loopback.answer(200, body, "content-type: text/event-stream"))
    with pytest.raises(ProviderError) as caught:
        _ = [event async for event in client_of(server.url).stream(ask("openai/gpt-x"))]
    assert (caught.value.kind, caught.value.message) == (kind, "boom")
