"""Connections that are kept between exchanges, over each library: used again while they are good, and never after."""

from __future__ import annotations

import asyncio

from http_calls import FAST, fault_of, post, writes

from routebook.providers.http.exchange import ConnectionLimits
from routebook.routing.provider_spec import Timeouts


async def test_a_connection_is_used_again(loopback, transport):
    server = await loopback.start(loopback.answer(200, b"ok"))
    for _ in range(3):
        await transport.send(post(server.url), FAST)
    assert (len(server.received), server.open_connections) == (3, 1)


async def test_there_are_never_more_connections_than_calls_at_a_time(loopback, make):
    server = await loopback.start(loopback.answer(200, b"ok"))
    transport = make(ConnectionLimits(most=8))
    for _ in range(40):
        answers = await asyncio.gather(*(transport.send(post(server.url), FAST) for _ in range(12)))
        assert {answer.body for answer in answers} == {b"ok"}
    assert server.connections <= 8


async def test_bytes_behind_an_answer_close_its_connection(loopback, transport):
    server = await loopback.start(loopback.answer(200, b"ok") + b"rubbish")
    for _ in range(2):
        assert (await transport.send(post(server.url), FAST)).body == b"ok"
    assert server.connections == 2


async def test_a_connection_that_the_server_closed_meanwhile_is_not_used_again(loopback, transport):
    server = await loopback.start(writes(loopback.answer(200, b"ok")))
    for _ in range(3):
        assert (await transport.send(post(server.url), FAST)).body == b"ok"
        await server.wait_until_open(0)
    assert server.connections == 3


async def test_a_request_that_may_have_been_read_is_not_sent_again(loopback, transport):
    """The server hangs up on the second request over a connection, as one does that was just about to close it."""
    received = []

    async def serve(reader, writer):
        while head := await reader.readuntil(b"\r\n\r\n"):
            received.append((head, await reader.readexactly(2)))
            if len(received) == 2:
                break
            writer.write(loopback.answer(200, b"ok"))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert (await transport.send(post(url), FAST)).body == b"ok"
        fault = await fault_of(transport, url)
    assert (fault.kind, fault.sent, len(received)) == ("connection", True, 2)


async def test_a_wait_for_a_connection_is_no_wait_for_an_answer(loopback, make):
    async def slow(writer):
        await asyncio.sleep(0.15)
        writer.write(loopback.answer(200, b"ok", "connection: close"))
        await writer.drain()

    server = await loopback.start(slow)
    transport = make(ConnectionLimits(most=1))
    bounds = Timeouts(first_token=0.25, total=5)
    answers = await asyncio.gather(*(transport.send(post(server.url), bounds) for _ in range(3)))
    assert [answer.body for answer in answers] == [b"ok"] * 3
    await transport.close()


async def test_a_cancelled_wait_for_a_connection_takes_none_away(loopback, make):
    gate = asyncio.Event()

    async def wait(writer):
        await gate.wait()
        writer.write(loopback.answer(200, b"ok", "connection: close"))
        await writer.drain()

    server = await loopback.start(wait)
    transport = make(ConnectionLimits(most=1))
    first, *waiting = [asyncio.create_task(transport.send(post(server.url), FAST)) for _ in range(4)]
    await server.wait_for(1)
    for call in waiting[:2]:
        call.cancel()
    gate.set()
    assert [(await call).body for call in (first, waiting[2])] == [b"ok"] * 2
    assert (await transport.send(post(server.url), FAST)).body == b"ok"
    await transport.close()


async def test_what_waits_for_a_connection_is_not_sent_once_the_transport_is_closed(loopback, make):
    async def stall(_writer):
        await asyncio.sleep(30)

    server = await loopback.start(stall)
    transport = make(ConnectionLimits(most=1))
    calls = [asyncio.create_task(transport.send(post(server.url), FAST)) for _ in range(3)]
    await server.wait_for(1)
    await transport.close()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [getattr(outcome, "kind", None) for outcome in outcomes] == ["connection"] * 3
    assert [outcome.sent for outcome in outcomes] == [True, False, False]
    assert len(server.received) == 1
