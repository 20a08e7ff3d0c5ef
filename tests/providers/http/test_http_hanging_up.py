"""Servers that end a kept connection, at whatever moment: no fault where it is seen in time, else always the same."""

from __future__ import annotations

import asyncio
import random
import time

import pytest
from hanging_up import ENDS, hanging_up
from http_calls import FAST, fault_of, post, url_of

from routebook.providers.http import over_httpx2, socket_line
from routebook.providers.http.exchange import ExchangeFault

LARGE = b"x" * 8_000_000


@pytest.fixture(params=list(ENDS))
def end(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that a server does to a kept connection is seen before the next request is written."""
    monkeypatch.setattr(socket_line, "has_news", lambda _descriptor: False)
    monkeypatch.setattr(over_httpx2._Line, "has_expired", lambda _line: False)


@pytest.mark.parametrize("header", ["", "connection: close\r\n", "connection: keep-alive\r\nkeep-alive: timeout=9\r\n"])
async def test_a_connection_that_was_ended_is_not_used_again(transport, end, header):
    """The loop is busy meanwhile, and hears of it only when the next request is to be sent."""
    with hanging_up(end, header) as server:
        for _ in range(5):
            assert (await transport.send(post(server.url), FAST)).body == b"ok"
            server.ended.acquire(timeout=5)
            time.sleep(0.005)  # noqa: ASYNC251, the loop is busy
        assert server.connections == 5


@pytest.mark.parametrize("body", [b"{}", LARGE], ids=["small", "large"])
@pytest.mark.parametrize("late", [False, True], ids=["before the request", "as the request comes"])
async def test_a_request_on_a_connection_that_just_ends_is_a_broken_connection_and_may_have_been_sent(
    transport, end, sees_nothing, body, late, caplog
):
    with hanging_up(end, late=late) as server:
        assert (await transport.send(post(server.url), FAST)).body == b"ok"
        if not late:
            server.ended.acquire(timeout=5)
            time.sleep(0.005)  # noqa: ASYNC251, the loop is busy
        began = time.monotonic()
        fault = await fault_of(transport, server.url, body=body)
        assert (fault.kind, fault.sent, server.connections) == ("connection", True, 1)
        assert time.monotonic() - began < FAST.first_token
        assert caplog.messages == []  # asyncio would say that somebody writes on
        assert (await transport.send(post(server.url), FAST)).body == b"ok"


@pytest.mark.parametrize("ends", ["close", "abort"])
async def test_whenever_it_happens_a_call_is_answered_or_its_connection_broke(transport, ends):
    """The server ends each connection a random while after an answer; the next request goes out at any moment of it."""
    dice = random.Random(7)
    loop = asyncio.get_running_loop()

    async def serve(reader, writer):
        try:
            while await reader.readuntil(b"{}"):
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                loop.call_later(dice.random() / 1000, getattr(writer.transport, ends))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def call(url: str) -> str:
        await asyncio.sleep(dice.random() / 1000)
        try:
            return (await transport.send(post(url), FAST)).body.decode()
        except ExchangeFault as fault:
            return f"{fault.kind}, {fault.sent}"

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        outcomes = {await call(url_of(server)) for _ in range(400)}
    assert "ok" in outcomes
    assert outcomes <= {"ok", "connection, True"}


@pytest.mark.parametrize(("header", "connections"), [("timeout=600, max=9", 1), ("timeout=0", 3), ("max=9", 1)])
async def test_a_connection_is_used_no_longer_than_its_server_says(loopback, transport, header, connections):
    server = await loopback.start(loopback.answer(200, b"ok", f"Keep-Alive: {header}"))
    for _ in range(3):
        assert (await transport.send(post(server.url), FAST)).body == b"ok"
    assert server.connections == connections


async def test_a_connection_whose_server_is_about_to_close_it_is_not_used_again(loopback, transport):
    server = await loopback.start(loopback.answer(200, b"ok", "keep-alive: timeout=1"))
    assert (await transport.send(post(server.url), FAST)).body == b"ok"
    await asyncio.sleep(0.6)
    assert (await transport.send(post(server.url), FAST)).body == b"ok"
    assert server.connections == 2
