from __future__ import annotations

import json
import os
from unittest.mock import patch

import pytest

from routebook.canonical.chat import ChatRequest
from routebook.canonical.embedding import EmbeddingRequest
from routebook.canonical.event import ResponseFinished, TextDelta
from routebook.canonical.image import ImageRequest
from routebook.canonical.message import Message
from routebook.errors import ProviderError
from routebook.providers.anthropic.client import AnthropicClient
from routebook.providers.protocol import ClientConfig

KEY = "sk-ant-test-0123456789"
ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x-1",
    "content": [{"type": "text", "text": "Noon."}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 3, "output_tokens": 2},
}
START = {"type": "message_start", "message": {**ANSWER, "content": [], "stop_reason": None}}
EVENTS = [
    START,
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Noon."}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
    {"type": "message_stop"},
]
OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": f"Overloaded ({KEY})"}}


def ask(**options: object) -> ChatRequest:
    return ChatRequest("claude-x", (Message("user", "When?"),), options=options, target="luna")


def sse(events: list[dict]) -> bytes:
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


@pytest.fixture
async def client_of():
    clients = []

    def make(url: str, **fields: object) -> AnthropicClient:
        clients.append(
            AnthropicClient(ClientConfig(**{"provider": "house", "base_url": url, "api_key": KEY, **fields}))
        )
        return clients[-1]

    yield make
    for client in clients:
        await client.close()


async def error_of(call) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await call
    return caught.value


async def all_of(client: AnthropicClient) -> list:
    return [event async for event in client.stream(ask())]


async def test_a_call_is_posted_with_its_key_and_version_and_answered(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER, "request-id: req_1"))
    response = await client_of(server.url).complete(ask(max_output_tokens=64))
    assert (response.message.text, response.request_id) == ("Noon.", "req_1")
    (received,) = server.received
    assert received.line == "POST /v1/messages HTTP/1.1"
    assert received.header("x-api-key") == [KEY]
    assert received.header("authorization") == []
    assert received.header("anthropic-version") == ["2026-10-21"]
    assert received.json == {
        "model": "claude-x",
        "max_tokens": 64,
        "messages": [{"role": "user", "content": "When?"}],
    }


@pytest.mark.parametrize(
    ("suffix", "path"),
    [
        ("", "/v1/messages"),
        ("/", "/v1/messages"),
        ("/v1", "/v1/messages"),
        ("/v1/", "/v1/messages"),
        ("/v1beta2", "/v1beta2/messages"),
        ("/anthropic", "/anthropic/v1/messages"),
        ("/v1/anthropic", "/v1/anthropic/v1/messages"),
    ],
)
async def test_a_version_in_the_address_is_not_doubled(loopback, client_of, suffix: str, path: str):
    server = await loopback.start(loopback.answer(200, ANSWER))
    await client_of(server.url + suffix).complete(ask())
    assert server.received[0].line == f"POST {path} HTTP/1.1"


async def test_a_provider_may_speak_an_older_version_which_has_more_options(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER))
    await client_of(server.url, api_version="2023-06-01").complete(ask(temperature=0.5))
    (received,) = server.received
    assert (received.header("anthropic-version"), received.json["temperature"]) == (["2023-06-01"], 0.5)


async def test_an_option_that_the_version_dropped_is_refused_before_anything_is_sent(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER))
    error = await error_of(client_of(server.url).complete(ask(temperature=0.5)))
    assert (error.kind, error.status, server.received) == ("unsupported_option", None, [])


async def test_a_providers_authorization_replaces_its_key(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER))
    await client_of(server.url, headers={"Authorization": "Bearer token-1"}).complete(ask())
    (received,) = server.received
    assert (received.header("authorization"), received.header("x-api-key")) == (["Bearer token-1"], [])


async def test_no_variable_of_the_vendors_own_package_is_picked_up(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER))
    names = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "ANTHROPIC_CUSTOM_HEADERS")
    with patch.dict(os.environ, dict.fromkeys(names, "http://127.0.0.1:1")):
        await client_of(server.url, api_key=None).complete(ask())
    (received,) = server.received
    assert (received.header("authorization"), received.header("x-api-key")) == ([], [])


async def test_a_refusal_has_its_kind_and_its_request_and_no_key(loopback, client_of):
    server = await loopback.start(loopback.answer(529, OVERLOADED, "request-id: req_9", "retry-after: 3"))
    error = await error_of(client_of(server.url).complete(ask()))
    assert (error.kind, error.status, error.request_id, error.retry_after) == ("overloaded", 529, "req_9", 3)
    assert (error.provider, error.model) == ("house", "luna")
    assert KEY not in str(error)


async def test_a_stream_yields_its_words_and_folds_to_the_response_of_a_whole_answer(loopback, client_of):
    whole = await loopback.start(loopback.answer(200, ANSWER, "request-id: req_1"))
    streamed = await loopback.start(loopback.answer(200, sse(EVENTS), "request-id: req_1"))
    events = await all_of(client_of(streamed.url))
    assert events[0] == TextDelta("Noon.")
    assert events[1:] == [ResponseFinished(await client_of(whole.url).complete(ask()))]
    (received,) = streamed.received
    assert received.json["stream"] is True
    assert received.header("accept") == ["text/event-stream"]


async def test_a_whole_answer_to_a_streamed_call_is_read(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER))
    events = await all_of(client_of(server.url))
    assert [type(event) for event in events] == [TextDelta, ResponseFinished]


async def test_an_error_in_a_stream_of_status_200_has_its_own_kind(loopback, client_of):
    server = await loopback.start(loopback.answer(200, sse([*EVENTS[:3], OVERLOADED])))
    error = await error_of(all_of(client_of(server.url)))
    assert (error.kind, error.status, KEY in str(error)) == ("overloaded", 200, False)


async def test_a_stream_that_ends_before_its_last_event_was_cut_off(loopback, client_of):
    server = await loopback.start(loopback.answer(200, sse(EVENTS[:-1])))
    error = await error_of(all_of(client_of(server.url)))
    assert error.kind == "connection"


async def test_there_are_no_embeddings_and_no_images(loopback, client_of):
    client = client_of("http://127.0.0.1:9")
    for call in (client.embed(EmbeddingRequest("m", ("a",))), client.generate_image(ImageRequest("m", "a dusk"))):
        error = await error_of(call)
        assert (error.kind, "api 'anthropic'" in str(error)) == ("unsupported_capability", True)
