from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
from http_calls import post, url_of

from routebook.providers.http import dialing, keep_alive, socket_line
from routebook.providers.http.exchange import ConnectionLimits, ExchangeFault
from routebook.providers.http.idle_room import IdleRoom
from routebook.providers.http.over_httptools import HttptoolsTransport
from routebook.providers.http.over_httpx2 import HttpxTransport
from routebook.providers.http.socket_line import SocketLine
from routebook.routing.provider_spec import Timeouts

FAST = Timeouts(connect=2, first_token=5, idle=5, total=5)
MANY = 32 * 1024 * 1024
PIECE = 64 * 1024


@pytest.fixture
async def transport() -> AsyncIterator[HttptoolsTransport]:
    transport = HttptoolsTransport()
    yield transport
    await transport.close()


async def stall(_writer):
    await asyncio.sleep(30)


async def test_headers_that_change_are_sent_as_they_are_now(loopback, transport):
    server = await loopback.start(loopback.answer(200, b""))
    headers: dict[str, str] = {}
    for value in ("1", "1", "2"):
        headers["a"] = value  # the caller's mapping stays the caller's
        await transport.send(post(server.url, headers, b"x" * int(value)), FAST)
    assert [received.header("a") for received in server.received] == [["1"], ["1"], ["2"]]
    assert [received.body for received in server.received] == [b"x", b"x", b"xx"]
    assert server.connections == 1


async def test_faults_of_the_same_cause_are_told_in_the_same_words(loopback, transport):
    other = HttpxTransport()
    payloads = (
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\na: " + b"b" * 900_000,
    )
    for payload in payloads:

        async def reply(writer, payload=payload):
            writer.write(payload)
            await writer.drain()

        server = await loopback.start(reply)
        told = []
        for each in (transport, other):
            with pytest.raises(ExchangeFault) as caught:
                await each.send(post(server.url), FAST)
            told.append((caught.value.kind, caught.value.message))
        assert told[0] == told[1]
    for url in ("http://localhost:1/", "http://127.0.0.1:1/", "http://nowhere.invalid/"):
        told = []
        for each in (transport, other):
            with pytest.raises(ExchangeFault) as caught:
                await each.send(post(url), FAST)
            told.append((caught.value.kind, caught.value.message))
        assert told[0] == told[1]
    await other.close()


@pytest.mark.parametrize("name", ["a..b", "x" * 70])
async def test_a_name_that_is_none_is_a_fault_of_connecting(transport, name):
    with pytest.raises(ExchangeFault, match="could not connect to") as caught:
        await transport.send(post(f"http://{name}/"), FAST)
    assert caught.value.kind == "connection"


async def test_a_call_that_is_cancelled_at_whatever_moment_leaves_no_connection_and_no_task(loopback, transport):
    """While the name is looked up, while it connects, and when the request is on its way."""
    server = await loopback.start(stall)
    tasks = asyncio.all_tasks()
    for scheme in ("http:", "https:"):
        url = server.url.replace("127.0.0.1", "localhost").replace("http:", scheme)
        for moment in range(30):
            call = asyncio.create_task(transport.send(post(url), FAST))
            await asyncio.sleep(moment * 0.0002)
            call.cancel()
            await asyncio.wait([call], timeout=1)
            assert call.cancelled()
    await server.wait_until_open(0)
    assert asyncio.all_tasks() - server.tasks <= tasks


async def test_a_large_request_arrives_whole(transport):
    async def count(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        received = await reader.readexactly(MANY)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n" + received[-4:])

    async with await asyncio.start_server(count, "127.0.0.1", 0) as server:
        answer = await transport.send(post(url_of(server), body=bytes(MANY - 4) + b"last"), FAST)
    assert answer.body == b"last"


async def test_no_more_of_a_request_is_held_than_a_bound_while_the_server_does_not_read(transport):
    asked = asyncio.Event()

    async def ignore(_reader, _writer):
        asked.set()
        await asyncio.sleep(30)

    async with await asyncio.start_server(ignore, "127.0.0.1", 0) as server:
        call = asyncio.create_task(transport.send(post(url_of(server), body=bytes(MANY)), FAST))
        await asked.wait()
        await asyncio.sleep(0.1)
        (connections,) = transport._connections.values()
        (line,) = connections._busy
        assert 0 < line._transport.get_write_buffer_size() < 1024 * 1024
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


async def test_an_answer_that_comes_before_the_request_is_whole_is_read_and_the_connection_closed(transport):
    async def refuse(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 8\r\n\r\ntoo much")
        gone.set_result(await asyncio.wait_for(reader.read(-1), 5))

    gone = asyncio.get_running_loop().create_future()
    async with await asyncio.start_server(refuse, "127.0.0.1", 0, limit=1024) as server:
        answer = await transport.send(post(url_of(server), body=bytes(MANY)), FAST)
        assert (answer.status, answer.body) == (413, b"too much")
        assert len(await gone) < MANY


async def test_no_more_of_an_answer_is_held_than_a_bound_while_nobody_reads_it(transport):
    sent = 0

    async def pour(reader, writer):
        nonlocal sent
        while await reader.readuntil(b"{}"):
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % MANY)
            for sent in range(0, MANY, PIECE):  # noqa: B007
                writer.write(bytes(PIECE))
                await writer.drain()

    async with await asyncio.start_server(pour, "127.0.0.1", 0) as server:
        async with transport.stream(post(url_of(server)), FAST) as http:
            await asyncio.sleep(0.2)
            (connections,) = transport._connections.values()
            (line,) = connections._busy
            assert line._reader.waiting_bytes <= 2 * socket_line._MOST_WAITING_BYTES
            assert sent < MANY - PIECE
            received = 0
            while (piece := await http.next_piece()) is not None:
                received += len(piece)
        assert received == MANY
        assert (await transport.send(post(url_of(server)), FAST)).status == 200


async def test_an_answer_that_nobody_asked_for_is_not_taken_for_that_to_the_next_request(transport):
    async def answer_twice(reader, writer):
        while await reader.readuntil(b"{}"):
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood")
            await asyncio.sleep(0.05)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad")

    async with await asyncio.start_server(answer_twice, "127.0.0.1", 0) as server:
        for _ in range(3):
            assert (await transport.send(post(url_of(server)), FAST)).body == b"good"
            await asyncio.sleep(0.1)


class _OtherLoops:
    """A transport as another event loop has it: it does what asyncio's does, and is no heir of it."""

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def __getattr__(self, name: str):
        return getattr(self._transport, name)


async def test_the_loop_may_be_another_than_asyncios(loopback, transport, monkeypatch):
    made = SocketLine.connection_made
    monkeypatch.setattr(SocketLine, "connection_made", lambda line, carrier: made(line, _OtherLoops(carrier)))
    server = await loopback.start(loopback.answer(200, b"ok"))
    for _ in range(2):
        assert (await transport.send(post(server.url), FAST)).body == b"ok"
    assert server.connections == 1


async def test_a_connection_that_was_idle_for_too_long_is_not_used_again(loopback, transport, monkeypatch):
    monkeypatch.setattr(keep_alive, "IDLE_S", 0.05)
    server = await loopback.start(loopback.answer(200, b""))
    for _ in range(2):
        await transport.send(post(server.url), FAST)
    assert server.connections == 1
    await asyncio.sleep(0.1)
    await transport.send(post(server.url), FAST)
    await server.wait_until_open(1)
    assert server.connections == 2


async def test_the_time_that_a_server_says_begins_with_the_end_of_its_answer_not_of_its_reading(loopback, transport):
    """A stream whose consumer is slow: the server counts from when it had sent all."""
    server = await loopback.start(loopback.answer(200, b"ok", "keep-alive: timeout=1"))
    async with transport.stream(post(server.url), FAST) as http:
        await asyncio.sleep(0.6)
        while await http.next_piece() is not None:
            continue
    assert (await transport.send(post(server.url), FAST)).body == b"ok"
    assert server.connections == 2


async def test_transports_that_share_a_room_keep_no_more_idle_than_it_holds(loopback):
    server = await loopback.start(loopback.answer(200, b"ok"))
    limits = ConnectionLimits(room=IdleRoom(3))
    transports = [HttptoolsTransport(limits) for _ in range(8)]
    for transport in transports:
        assert (await transport.send(post(server.url), FAST)).body == b"ok"
    await server.wait_until_open(3)
    assert (server.connections, server.open_connections) == (8, 3)
    for transport in transports:
        await transport.close()
    await server.wait_until_open(0)


async def test_what_is_proxied_goes_over_httpx2_and_nothing_else_does(loopback, transport, monkeypatch):
    proxy = await loopback.start(loopback.answer(200, b"by proxy"))
    server = await loopback.start(loopback.answer(200, b"direct"))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    assert (await transport.send(post("http://llm.invalid/v1"), FAST)).body == b"by proxy"
    assert (await transport.send(post(server.url), FAST)).body == b"direct"
    assert (list(transport._by_proxy._connections), list(transport._connections)) == (
        ["http://llm.invalid"],
        [server.url],
    )
    await transport.close()
    await proxy.wait_until_open(0)


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while head := await reader.readuntil(b"\r\n\r\n"):
        body = await reader.readexactly(int(head.rpartition(b"content-length: ")[2]))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()


@pytest.mark.parametrize("is_trusted", [True, False])
async def test_over_tls_a_server_is_spoken_to_if_it_is_trusted(transport, certificate, monkeypatch, is_trusted):
    offered = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    offered.load_cert_chain(certificate)
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    dialing._trusting_context.cache_clear()
    async with await asyncio.start_server(_echo, "127.0.0.1", 0, ssl=offered) as server:
        if is_trusted:
            for size in (10, 5_000_000, 10):
                answer = await transport.send(post(url_of(server, "https"), body=b"x" * size), FAST)
                assert answer.body == b"x" * size
            (connections,) = transport._connections.values()
            assert len(connections._shelf) == 1
        else:
            with pytest.raises(ExchangeFault, match="its certificate is not trusted: ") as caught:
                await transport.send(post(url_of(server, "https")), FAST)
            assert caught.value.kind == "connection"
        await transport.close()
    dialing._trusting_context.cache_clear()


async def test_what_tls_holds_behind_an_answer_is_not_taken_for_that_to_the_next_request(transport, trusted):
    many = socket_line._MOST_WAITING_BYTES + 1

    async def answer(reader, writer):
        await reader.readuntil(b"{}")
        if second.is_set():
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood")
            return
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % many + bytes(many))
        await asyncio.sleep(0.1)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad")
        second.set()

    second = asyncio.Event()
    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=trusted) as server:
        async with transport.stream(post(url_of(server, "https")), FAST) as http:
            await second.wait()
            await asyncio.sleep(0.1)
            received = 0
            while (piece := await http.next_piece()) is not None:
                received += len(piece)
        assert received == many
        assert (await transport.send(post(url_of(server, "https")), FAST)).body == b"good"
        await transport.close()


_LEFT_RUNNING = """
import asyncio, sys
from routebook.providers.http.exchange import HttpRequest
from routebook.providers.http.over_httptools import HttptoolsTransport
from routebook.routing.provider_spec import Timeouts

async def main():
    transport = HttptoolsTransport()
    calls = [asyncio.create_task(transport.send(HttpRequest("POST", sys.argv[1], {}, b""), Timeouts())) for _ in "ab"]
    await asyncio.sleep(0.2)

asyncio.run(main())
"""


async def test_an_interpreter_ends_at_once_though_calls_are_under_way(loopback):
    server = await loopback.start(stall)
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", _LEFT_RUNNING, server.url]
    ended = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=20)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert len(server.received) == 2
    await server.wait_until_open(0)


async def test_a_server_is_reached_by_whichever_address_of_its_name_answers(loopback, transport, monkeypatch):
    server = await loopback.start(loopback.answer(200, b"ok"))
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo("127.0.0.1", server.port, type=socket.SOCK_STREAM)
    dead = [(*found[0][:4], ("127.0.0.1", 1))]

    async def both(*_args, **_rest):
        return dead + found

    monkeypatch.setattr(loop, "getaddrinfo", both)
    assert (await transport.send(post(f"http://llm.test:{server.port}/"), FAST)).body == b"ok"
