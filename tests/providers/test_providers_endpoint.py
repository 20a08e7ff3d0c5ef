"""Endpoint: what it adds to a body on its way, and what it makes of errors, whatever the API."""

from __future__ import annotations

import pytest

from routebook.canonical.chat import ChatRequest
from routebook.canonical.message import Message
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


class Recorded:
    """A Transport that answers from memory."""

    def __init__(self, response: HttpResponse) -> None:
        self.response = response
        self.sent: list[tuple[HttpRequest, Timeouts]] = []

    async def send(self, request: HttpRequest, timeouts: Timeouts) -> HttpResponse:
        self.sent.append((request, timeouts))
        return self.response

    def stream(self, request, timeouts):
        raise AssertionError("nothing is streamed here")

    async def close(self) -> None:
        self.sent.clear()


def refusal(answer: Answer) -> Fault:
    return Fault("rate_limit", "too much", retry_after=answer.now)


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
    assert error.request_id == "req-[redacted]"


async def test_what_cannot_be_encoded_is_not_sent():
    with pytest.raises(ProviderError) as caught:
        await call(body=Fault("unsupported_option", "no such option"))
    assert (caught.value.kind, caught.value.sent) == ("unsupported_option", False)
