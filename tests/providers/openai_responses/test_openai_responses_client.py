from __future__ import annotations

import asyncio
import json
import logging
import socket
import time
import traceback

import pytest

from routebook.canonical.chat import ChatRequest
from routebook.canonical.embedding import EmbeddingRequest
from routebook.canonical.event import ResponseFinished, TextDelta
from routebook.canonical.image import ImageRequest
from routebook.canonical.message import Message
from routebook.canonical.part import ImagePart
from routebook.errors import ProviderError
from routebook.providers.http.exchange import ExchangeFault, HttpRequest, HttpResponse
from routebook.providers.openai_responses.client import OpenAIResponsesClient
from routebook.providers.protocol import ClientConfig
from routebook.routing.provider_spec import Timeouts

KEY = "sk-test-0123456789abcdef"
ANSWER = {
    "status": "completed",
    "output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Noon."}]}],
    "usage": {"input_tokens": 3, "output_tokens": 2},
}


def ask(**fields: object) -> ChatRequest:
    return ChatRequest(**{"model": "m-1", "messages": (Message("user", "When?"),), "target": "luna", **fields})


@pytest.fixture
async def client_of():
    clients = []

    def make(url: str, **fields: object) -> OpenAIResponsesClient:
        config = ClientConfig(**{"provider": "house", "base_url": f"{url}/v1", "api_key": KEY, **fields})
        clients.append(OpenAIResponsesClient(config))
        return clients[-1]

    yield make
    for client in clients:
        await client.close()


async def error_of(client: OpenAIResponsesClient, request: ChatRequest | None = None) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await client.complete(request or ask())
    return caught.value


async def test_a_call_is_posted_with_its_key_and_answered(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER, "x-request-id: req_1"))
    response = await client_of(server.url).complete(ask(options={"temperature": 0.2}))
    assert response.message.text == "Noon."
    assert (response.usage.input, response.usage.output, response.request_id) == (3, 2, "req_1")
    (received,) = server.received
    assert received.line == "POST /v1/responses HTTP/1.1"
    assert received.header("authorization") == [f"Bearer {KEY}"]
    assert received.header("content-type") == ["application/json"]
    assert received.header("user-agent")[0].startswith("routebook/0.")
    assert received.json == {
        "model": "m-1",
        "input": [{"role": "user", "content": "When?"}],
        "store": False,
        "temperature": 0.2,
    }


async def test_a_preset_may_have_parameters_of_every_request_and_a_header_of_its_own_for_the_key(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER))
    quirks = {"query": {"api-version": "2026-10-01"}, "key_header": "api-key"}
    await client_of(server.url, quirks=quirks).complete(ask())
    (received,) = server.received
    assert received.line == "POST /v1/responses?api-version=2026-10-01 HTTP/1.1"
    assert (received.header("api-key"), received.header("authorization")) == ([KEY], [])


@pytest.mark.parametrize(
    ("suffix", "path"),
    [("", "/responses"), ("/v1", "/v1/responses"), ("/v1///", "/v1/responses")],
)
async def test_the_address_is_taken_as_the_vendors_own_sdk_takes_it(loopback, client_of, suffix, path):
    server = await loopback.start(loopback.answer(200, ANSWER))
    await client_of(server.url, base_url=server.url + suffix).complete(ask())
    assert server.received[0].line == f"POST {path} HTTP/1.1"


async def test_without_a_key_there_is_no_authorization(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER))
    await client_of(server.url, api_key=None).complete(ask())
    assert server.received[0].header("authorization") == []


@pytest.mark.parametrize("name", ["authorization", "Authorization", "AUTHORIZATION"])
async def test_an_authorization_header_replaces_the_key_and_is_the_only_one(loopback, client_of, name):
    server = await loopback.start(loopback.answer(200, ANSWER))
    await client_of(server.url, headers={name: "Basic abc"}).complete(ask())
    assert server.received[0].header("authorization") == ["Basic abc"]


async def test_a_calls_extra_headers_win_over_the_providers_whatever_their_case(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER))
    client = client_of(server.url, headers={"X-Title": "book", "X-Other": "kept"})
    await client.complete(ask(options={"extra_headers": {"x-title": "call"}}))
    await client.complete(ask())
    assert [received.header("x-title") for received in server.received] == [["call"], ["book"]]
    assert server.received[0].header("x-other") == ["kept"]


async def test_no_variable_of_another_sdk_is_picked_up(loopback, client_of, monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "picked-up")
    server = await loopback.start(loopback.answer(200, ANSWER))
    await client_of(server.url, api_key=None).complete(ask())
    assert "picked-up" not in str(server.received)


async def test_a_wrong_key_is_an_authentication_error_that_names_provider_and_model(loopback, client_of):
    body = {"error": {"message": f"Incorrect API key provided: {KEY}.", "code": "invalid_api_key"}}
    server = await loopback.start(loopback.answer(401, body, "x-request-id: req_9"))
    error = await error_of(client_of(server.url))
    assert (error.kind, error.status, error.request_id) == ("authentication", 401, "req_9")
    assert (error.provider, error.model) == ("house", "luna")
    assert error.message == "Incorrect API key provided: [redacted]."


@pytest.mark.parametrize("status", [200, 302, 400, 401, 500])
@pytest.mark.parametrize(
    "body",
    [
        KEY.encode(),
        f"<title>no {KEY}</title>".encode(),
        json.dumps({"error": {"message": f"no {KEY}", "code": KEY}}).encode(),
        json.dumps({"error": {"message": "x" * 490 + KEY}}).encode(),
        json.dumps({"detail": f"no {KEY}"}).encode(),
        json.dumps({"output": [], "status": KEY}).encode(),
        json.dumps({"output": [], "status": "failed", "error": {"message": f"no {KEY}"}}).encode(),
    ],
)
async def test_the_key_is_in_no_error_even_when_the_server_echoes_it(loopback, client_of, status, body):
    headers = (f"x-request-id: {KEY}", f"location: https://{KEY}.example.com/{KEY}")
    server = await loopback.start(loopback.answer(status, body, *headers))
    error = await error_of(client_of(server.url))
    shown = f"{error} {error!r} {error.__dict__} {''.join(traceback.format_exception(error))}"
    assert KEY not in shown
    assert KEY[:10] not in shown


async def test_the_key_is_in_no_log_not_even_the_librarys(loopback, client_of, caplog):
    caplog.set_level(logging.DEBUG)
    server = await loopback.start(loopback.answer(200, ANSWER))
    await client_of(server.url).complete(ask())
    assert "send_request_headers" in caplog.text
    assert KEY not in caplog.text


async def test_a_secret_headers_value_is_in_no_error(loopback, client_of):
    server = await loopback.start(loopback.answer(403, {"error": {"message": "token tok-12345 is not allowed"}}))
    error = await error_of(client_of(server.url, api_key=None, headers={"Authorization": "Bearer tok-12345"}))
    assert error.message == "token [redacted] is not allowed"


async def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER))
    error = await error_of(client_of(server.url, api_key="sk-line\nbreak"))
    assert (error.kind, server.received) == ("bad_request", [])
    assert "sk-line" not in "".join(traceback.format_exception(error))


async def test_a_redirect_is_refused_and_the_key_goes_nowhere_else(loopback, client_of):
    thief = await loopback.start(loopback.answer(200, ANSWER))
    server = await loopback.start(loopback.answer(307, b"", f"location: {thief.url}/v1/responses"))
    error = await error_of(client_of(server.url))
    assert (error.kind, error.status, thief.received) == ("malformed_response", 307, [])
    assert "redirects to host '127.0.0.1'" in error.message


async def test_an_unreachable_provider_is_a_connection_error_that_says_where(client_of):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    error = await error_of(client_of(f"http://127.0.0.1:{port}"))
    assert (error.kind, error.status) == ("connection", None)
    assert error.message == f"could not connect to http://127.0.0.1:{port} (connection refused)"
    assert "help: check that base_url is right" in str(error)


@pytest.mark.parametrize(
    ("configured", "option", "sentence"),
    [
        (Timeouts(first_token=0.1), None, "no answer within 0.1 s"),
        (Timeouts(total=0.1), None, "no complete answer within 0.1 s"),
        (Timeouts(), 0.1, "no complete answer within 0.1 s"),
        (Timeouts(total=0.1), 0.2, "no complete answer within 0.2 s"),
        (Timeouts(), {"first_token": 0.1}, "no answer within 0.1 s"),
        (Timeouts(first_token=0.1), {"connect": 3.0}, "no answer within 0.1 s"),
    ],
)
async def test_a_stall_is_a_timeout_within_the_bounds_that_hold(loopback, client_of, configured, option, sentence):
    async def stall(_writer):
        await asyncio.sleep(30)

    server = await loopback.start(stall)
    options = {} if option is None else {"timeout": option}
    began = time.monotonic()
    error = await error_of(client_of(server.url, timeout=configured), ask(options=options))
    assert (error.kind, error.message) == ("timeout", sentence)
    assert time.monotonic() - began < 2


async def test_how_long_to_wait_is_in_the_error(loopback, client_of):
    server = await loopback.start(loopback.answer(429, {"error": {"message": "Slow down"}}, "retry-after: 7"))
    error = await error_of(client_of(server.url))
    assert (error.kind, error.retry_after) == ("rate_limit", 7.0)


@pytest.mark.parametrize("body", [b"", b"<html>hi</html>", b'{"output": [{"mess', b'{"output": []}', b'{"ok": true}'])
async def test_a_success_that_is_no_answer_is_malformed(loopback, client_of, body):
    server = await loopback.start(loopback.answer(200, body))
    error = await error_of(client_of(server.url))
    assert (error.kind, error.status) == ("malformed_response", 200)


async def test_what_cannot_be_encoded_is_refused_before_any_connection(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER))
    error = await error_of(client_of(server.url), ask(options={"top_k": 4}))
    assert (error.kind, error.provider, error.model) == ("unsupported_option", "house", "luna")
    assert server.received == []


async def test_what_the_preset_says_of_chats_does_not_reach_the_wire(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER))
    quirks = {"fields": {"max_output_tokens": "max_tokens"}, "stream_usage": False, "reasoning_field": "reasoning"}
    await client_of(server.url, quirks=quirks).complete(ask(options={"max_output_tokens": 99}))
    assert server.received[0].json["max_output_tokens"] == 99


async def test_a_call_is_streamed_and_ends_with_the_whole_answer(loopback, client_of):
    chunks = [
        {"type": "response.created", "response": {**ANSWER, "status": "in_progress", "output": []}},
        {"type": "response.output_text.delta", "output_index": 0, "delta": "No"},
        {"type": "response.output_text.delta", "output_index": 0, "delta": "on."},
        {"type": "response.completed", "response": ANSWER},
    ]
    events = "".join(f"event: {chunk['type']}\ndata: {json.dumps(chunk)}\n\n" for chunk in chunks)
    server = await loopback.start(loopback.answer(200, events.encode(), "content-type: text/event-stream"))
    seen = [event async for event in client_of(server.url).stream(ask())]
    assert seen[:2] == [TextDelta("No"), TextDelta("on.")]
    whole = await loopback.start(loopback.answer(200, ANSWER))
    assert seen[2:] == [ResponseFinished(await client_of(whole.url).complete(ask()))]
    assert server.received[0].json["stream"] is True


async def test_a_stream_that_fails_is_an_error_that_says_why(loopback, client_of):
    chunks = [
        {"type": "response.output_text.delta", "output_index": 0, "delta": "No"},
        {"type": "response.failed", "response": {"error": {"code": "rate_limit_exceeded", "message": f"no {KEY}"}}},
    ]
    events = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
    server = await loopback.start(loopback.answer(200, events.encode(), "content-type: text/event-stream"))
    stream = client_of(server.url).stream(ask())
    assert await anext(stream) == TextDelta("No")
    with pytest.raises(ProviderError) as caught:
        await anext(stream)
    assert (caught.value.kind, caught.value.message) == ("rate_limit", "no [redacted]")


async def test_an_answer_to_a_stream_that_comes_whole_is_read(loopback, client_of):
    server = await loopback.start(loopback.answer(200, ANSWER))
    seen = [event async for event in client_of(server.url).stream(ask())]
    assert seen[0] == TextDelta("Noon.")
    assert seen[-1].response.message.text == "Noon."


async def test_texts_become_vectors(loopback, client_of):
    body = {"data": [{"index": 1, "embedding": [2.0]}, {"index": 0, "embedding": [1.0]}]}
    server = await loopback.start(loopback.answer(200, body))
    response = await client_of(server.url).embed(EmbeddingRequest("e-1", ("a", "b"), target="memory"))
    assert response.vectors == ((1.0,), (2.0,))
    assert server.received[0].line == "POST /v1/embeddings HTTP/1.1"


@pytest.mark.parametrize("by_chat", [None, True])
async def test_images_are_made_by_the_call_for_images_whatever_else_the_model_can(loopback, client_of, by_chat):
    server = await loopback.start(loopback.answer(200, {"data": [{"b64_json": "iVBORw0KGgo="}]}))
    client = client_of(server.url, quirks={"images": "chat"})
    response = await client.generate_image(ImageRequest("i-1", "a box", {"size": "1024x1024"}, by_chat))
    assert response.images == (ImagePart(data="iVBORw0KGgo=", media_type="image/png"),)
    assert server.received[0].line == "POST /v1/images/generations HTTP/1.1"
    assert server.received[0].json == {"model": "i-1", "prompt": "a box", "size": "1024x1024"}


async def test_an_image_call_without_an_image_is_an_error_that_names_the_target(loopback, client_of):
    server = await loopback.start(loopback.answer(200, {"data": []}))
    with pytest.raises(ProviderError) as caught:
        await client_of(server.url).generate_image(ImageRequest("i-1", "a box", target="cover"))
    assert (caught.value.kind, caught.value.model, caught.value.status) == ("malformed_response", "cover", 200)


async def test_without_a_target_the_error_names_the_model_on_the_wire(loopback, client_of):
    server = await loopback.start(loopback.answer(404, b""))
    assert (await error_of(client_of(server.url), ask(target=""))).model == "m-1"


class Recorded:
    """A Transport that answers from memory."""

    def __init__(self, outcome: HttpResponse | ExchangeFault) -> None:
        self.outcome = outcome
        self.requests: list[HttpRequest] = []
        self.closed = False

    async def send(self, request: HttpRequest, timeouts: Timeouts) -> HttpResponse:
        self.requests.append(request)
        if isinstance(self.outcome, ExchangeFault):
            raise self.outcome
        return self.outcome

    async def close(self) -> None:
        self.closed = True


async def test_any_transport_may_carry_the_calls():
    transport = Recorded(HttpResponse(200, {}, json.dumps(ANSWER).encode()))
    client = OpenAIResponsesClient(ClientConfig("house", "https://llm.test/v1", KEY, transport=transport))
    assert (await client.complete(ask())).message.text == "Noon."
    await client.close()
    assert transport.closed
    assert transport.requests[0].url == "https://llm.test/v1/responses"


async def test_a_transports_fault_is_a_provider_error_without_the_key():
    transport = Recorded(ExchangeFault("timeout", f"no answer from {KEY}"))
    error = await error_of(
        OpenAIResponsesClient(ClientConfig("house", "https://llm.test/v1", KEY, transport=transport))
    )
    assert (error.kind, error.message, error.provider) == ("timeout", "no answer from [redacted]", "house")


def test_secrets_do_not_show_in_the_repr_of_what_holds_them():
    config = ClientConfig("house", "https://llm.test/v1", KEY, headers={"x-key": KEY})
    request = HttpRequest("POST", "https://llm.test", {"authorization": KEY}, KEY.encode())
    assert KEY not in repr(config) + repr(request)


def test_a_provider_without_an_address_is_refused():
    with pytest.raises(ValueError, match="'house' has no base_url"):
        OpenAIResponsesClient(ClientConfig("house"))
