"""Endpoint: what it adds to a body on its way, and what it makes of errors, whatever the API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from routebook.canonical.chat import ChatRequest, ChatResponse
from routebook.canonical.event import ResponseFinished, TextDelta
from routebook.canonical.message import Message
from routebook.canonical.usage import Usage
from routebook.errors import ProviderError
from routebook.providers.answer import Answer
from routebook.providers.endpoint import Dialect, Endpoint
from routebook.providers.fault import Fault
from routebook.providers.http.exchange import HttpRequest, HttpResponse
from routebook.providers.protocol import ClientConfig
from routebook.routing.provider_spec import Timeouts

KEY = "sk-very-secret"
KEY_ALONE = {"key_header": "x-api-key", "key_prefix": ""}
BEARER = {"key_header": "authorization", "key_prefix": "Bearer "}


class Played:
    """An HttpStream of a body's lines; `begun_after` is how many were read when the content was said to begin."""

    def __init__(self, response: HttpResponse) -> None:
        self.status, self.headers = response.status, response.headers
        self.begun_after: int | None = None
        self._lines = response.body.splitlines(keepends=True)
        self._read = 0

    async def next_piece(self) -> bytes | None:
        self._read += 1
        return self._lines[self._read - 1] if self._read <= len(self._lines) else None

    def begin_content(self) -> None:
        if self.begun_after is None:
            self.begun_after = self._read


class Words:
    """A StreamReader: an event is a word of the answer, save `hm`, which says nothing; `END` is the terminal marker."""

    def __init__(self, answer: Answer) -> None:
        self.is_finished = False
        self._words: list[str] = []

    def read(self, data: bytes) -> list[TextDelta]:
        self.is_finished = data == b"END"
        if self.is_finished or data == b"hm":
            return []
        self._words.append(data.decode())
        return [TextDelta(data.decode())]

    def response(self) -> ChatResponse:
        return said(" ".join(self._words))


def said(text: str) -> ChatResponse:
    return ChatResponse(Message("assistant", text), "stop")


class Recorded:
    """A Transport that answers from memory."""

    def __init__(self, response: HttpResponse) -> None:
        self.response = response
        self.sent: list[tuple[HttpRequest, Timeouts]] = []

    async def send(self, request: HttpRequest, timeouts: Timeouts) -> HttpResponse:
        self.sent.append((request, timeouts))
        return self.response

    @asynccontextmanager
    async def stream(self, request: HttpRequest, timeouts: Timeouts) -> AsyncIterator[Played]:
        self.sent.append((request, timeouts))
        self.played = Played(self.response)
        yield self.played

    async def close(self) -> None:
        self.sent.clear()


def refusal(answer: Answer) -> Fault:
    return Fault("rate_limit", "too much", retry_after=answer.now, usage=Usage(3, 0))


async def call(options=None, *, key=BEARER, status=200, headers=None, body=b"{}", of_provider=None, **config):
    """Make a call; return what was sent, and with which bounds."""
    transport = Recorded(HttpResponse(status, headers or {}, b"fine"))
    dialect = Dialect(request_id_header="x-request-id", read_fault=refusal, headers={"x-version": "1"}, **key)
    given = {
        "base_url": "https://llm.test/v1/",
        "api_key": KEY,
        "transport": transport,
        "headers": of_provider or {},
        **config,
    }
    endpoint = Endpoint(ClientConfig("house", **given), dialect, clock=lambda: 7.0)
    request = ChatRequest("m-1", (Message("user", "hi"),), options=options or {}, target="luna")
    assert await endpoint.call(request, "/chat", body, lambda answer: answer.body) == b"fine"
    return transport.sent[0]


async def test_a_body_goes_to_its_path_with_the_key_and_the_dialects_headers():
    request, _ = await call()
    assert (request.method, request.url, request.body) == ("POST", "https://llm.test/v1/chat", b"{}")
    assert (request.headers["authorization"], request.headers["x-version"]) == (f"Bearer {KEY}", "1")


async def test_a_query_of_the_preset_stands_behind_the_path():
    request, _ = await call(quirks={"query": {"api-version": "2026-01-01", "a": "b c"}})
    assert request.url == "https://llm.test/v1/chat?api-version=2026-01-01&a=b+c"


async def test_the_id_of_an_answered_request_holds_no_secret():
    """A proxy may put what it got into every header; the adapter passes this one on."""
    headers = {"x-request-id": f"req-1 for {KEY}", "x-other": "seen"}
    dialect = Dialect(request_id_header="x-request-id", read_fault=refusal, headers={}, **BEARER)
    config = ClientConfig("house", "https://llm.test", KEY, transport=Recorded(HttpResponse(200, headers, b"")))
    request = ChatRequest("m-1", (Message("user", "hi"),))

    seen = await Endpoint(config, dialect).call(request, "/chat", b"{}", lambda answer: answer.headers)

    assert seen == {"x-request-id": "req-1 for [redacted]", "x-other": "seen"}


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
@pytest.mark.parametrize("key", [BEARER, KEY_ALONE])
async def test_an_authorization_of_the_provider_replaces_its_key(name, key):
    request, _ = await call(key=key, of_provider={name: "Token t"})
    assert request.headers["authorization"] == "Token t"
    assert KEY not in str(dict(request.headers))


@pytest.mark.parametrize("key", [BEARER, KEY_ALONE])
async def test_an_authorization_among_the_options_replaces_the_key_as_well(key):
    request, _ = await call({"extra_headers": {"Authorization": "Token t", "X-Title": "Demo"}}, key=key)
    assert (request.headers["authorization"], request.headers["x-title"]) == ("Token t", "Demo")
    assert KEY not in str(dict(request.headers))


async def test_header_names_are_in_lower_case_and_come_once():
    request, _ = await call({"extra_headers": {"ACCEPT": "a/b", "User-Agent": "mine"}})
    assert (request.headers["accept"], request.headers["user-agent"]) == ("a/b", "mine")
    assert all(name == name.lower() for name in request.headers)


@pytest.mark.parametrize(
    ("option", "bounds"),
    [
        (None, Timeouts(total=30)),
        (9.0, Timeouts(total=9)),
        ({"idle": 2.0, "first_token": 1.0}, Timeouts(first_token=1, idle=2, total=30)),
    ],
)
async def test_a_requests_own_bounds_change_the_providers(option, bounds):
    _, sent = await call({} if option is None else {"timeout": option}, timeout=Timeouts(total=30))
    assert sent == bounds


async def test_a_refusal_carries_status_wait_and_request_id_without_a_secret():
    with pytest.raises(ProviderError) as caught:
        await call(status=429, headers={"x-request-id": f"req-{KEY}"})
    error = caught.value
    assert (error.kind, error.status, error.retry_after, error.model) == ("rate_limit", 429, 7.0, "luna")
    assert (error.request_id, error.usage) == ("req-[redacted]", Usage(3, 0))


async def stream(body: bytes, status: int = 200):
    """Stream a call that *body* answers; return the events, and after how many lines the content began."""
    transport = Recorded(HttpResponse(status, {}, body))
    dialect = Dialect(request_id_header="x-request-id", read_fault=refusal, headers={}, **BEARER)
    endpoint = Endpoint(ClientConfig("house", "https://llm.test", KEY, transport=transport), dialect)
    request = ChatRequest("m-1", (Message("user", "hi"),))
    events = endpoint.stream(request, "/chat", b"{}", Words, lambda answer: said(answer.body.decode()))
    return [event async for event in events], transport.played.begun_after


async def test_a_streams_content_begins_with_the_first_event_that_says_something():
    events, begun_after = await stream(
        b": still here\n\ndata: hm\n\ndata: Good\n\ndata: day\n\ndata: END\n\ndata: more\n\n"
    )
    assert events == [TextDelta("Good"), TextDelta("day"), ResponseFinished(said("Good day"))]
    assert begun_after == 6


@pytest.mark.parametrize("body", ["{\n}", "[\n]", "<html>\n", " \n {}", "\n"])
async def test_an_answer_that_is_no_stream_is_read_whole_and_has_begun(body: str):
    events, begun_after = await stream(body.encode())
    assert events[-1] == ResponseFinished(said(body))
    assert begun_after is not None


async def test_a_refusal_of_a_stream_is_read_as_one_of_a_call():
    with pytest.raises(ProviderError) as caught:
        await stream(b"data: Good\n\n", status=429)
    assert (caught.value.kind, caught.value.status, caught.value.usage) == ("rate_limit", 429, Usage(3, 0))


async def test_what_cannot_be_encoded_is_not_sent():
    with pytest.raises(ProviderError) as caught:
        await call(body=Fault("unsupported_option", "no such option"))
    assert (caught.value.kind, caught.value.sent) == ("unsupported_option", False)


class Endless:
    """A Signer that never has credentials."""

    shown = "signed"
    secrets = ()

    async def sign(self, request):
        await asyncio.sleep(60)

    def refused(self):
        raise AssertionError("nothing was sent")


async def test_credentials_are_not_waited_for_longer_than_the_option_timeout_says():
    config = ClientConfig("house", "https://llm.test", None, transport=Recorded(HttpResponse(200, {}, b"")))
    dialect = Dialect(request_id_header="x-request-id", read_fault=refusal, headers={}, **BEARER)
    request = ChatRequest("m-1", (Message("user", "hi"),), options={"timeout": 0.01}, target="luna")
    with pytest.raises(ProviderError, match=r"no credentials within 0\.01 s") as caught:
        await Endpoint(config, dialect, Endless()).call(request, "/chat", b"{}", lambda answer: answer.body)
    assert (caught.value.kind, caught.value.sent, caught.value.model) == ("timeout", False, "luna")
