from __future__ import annotations

import socket

import pytest

from routebook.providers.http import dialing
from routebook.providers.http.exchange import ExchangeFault, HttpRequest
from routebook.providers.http.over_httpx2 import HttpxTransport
from routebook.routing.provider_spec import Timeouts

FAST = Timeouts(connect=2, first_token=2, idle=2, total=4)


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def test_plain_http_makes_no_tls_context_and_https_shares_one(loopback, monkeypatch):
    made = []
    dialing._trusting_context.cache_clear()
    original = dialing.httpcore2.default_ssl_context
    monkeypatch.setattr(dialing.httpcore2, "default_ssl_context", lambda: made.append(1) or original())
    server = await loopback.start(loopback.answer(200, b""))
    plain = HttpxTransport()
    await plain.send(HttpRequest("POST", server.url, {}, b""), FAST)
    await plain.close()
    assert made == []
    for _ in range(2):
        with pytest.raises(ExchangeFault):
            await HttpxTransport().send(HttpRequest("POST", f"https://127.0.0.1:{unused_port()}", {}, b""), FAST)
    assert made == [1]


async def test_a_large_request_arrives_whole_behind_its_head(loopback):
    server = await loopback.start(loopback.answer(200, b"ok"))
    transport = HttpxTransport()
    for size in (2**18, 2**18 + 1, 2**23):
        body = b"x" * (size - 4) + b"last"
        assert (await transport.send(HttpRequest("POST", server.url, {}, body), FAST)).body == b"ok"
        assert server.received[-1].body == body
    assert server.connections == 1
    await transport.close()
