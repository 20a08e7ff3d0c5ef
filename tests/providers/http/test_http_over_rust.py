from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator

import pytest

from routebook.providers.http import rust_line, severing
from routebook.providers.http.exchange import ConnectionLimits, ExchangeFault, HttpRequest
from routebook.providers.http.idle_room import IdleRoom
from routebook.providers.http.over_rust import RustTransport
from routebook.routing.provider_spec import Timeouts

FAST = Timeouts(connect=2, first_token=5, idle=5, total=5)


@pytest.fixture
async def transport() -> AsyncIterator[RustTransport]:
    transport = RustTransport()
    yield transport
    await transport.close()


def post(url: str, headers: dict | None = None) -> HttpRequest:
    return HttpRequest("POST", url, headers or {}, b"{}")


def answers_when(gate: asyncio.Event):
    async def reply(writer):
        await gate.wait()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await writer.drain()

    return reply


async def stall(_writer):
    await asyncio.sleep(30)


def _show_no_sockets(monkeypatch):
    monkeypatch.setattr(severing, "_DESCRIPTORS", "/nowhere")


async def test_the_library_adds_two_headers_where_nobody_gives_them(loopback, transport):
    """Endpoints give both; the library leaves them out for nobody."""
    server = await loopback.start(loopback.answer(200, b""))
    await transport.send(post(server.url), FAST)
    (received,) = server.received
    assert (received.header("accept"), received.header("user-agent")) == (["*/*"], [""])


async def test_headers_that_change_are_sent_as_they_are_now(loopback, transport):
    server = await loopback.start(loopback.answer(200, b""))
    for value in ("1", "1", "2"):
        await transport.send(post(server.url, {"a": value}), FAST)
    assert [received.header("a") for received in server.received] == [["1"], ["1"], ["2"]]
    assert server.connections == 1


async def test_a_header_outside_ascii_is_left_out_and_the_others_are_read(loopback, transport):
    text = b"HTTP/1.1 200 OK\r\nx-city: Z\xfcrich\r\nx-id: r1\r\nX-ID: r2\r\ncontent-length: 2\r\n\r\nok"
    server = await loopback.start(text)
    response = await transport.send(post(server.url), FAST)
    assert response.headers == {"x-id": "r1, r2", "content-length": "2"}
    assert response.body == b"ok"


async def test_a_call_that_is_cancelled_before_its_answer_takes_no_other_with_it(loopback, transport):
    gate = asyncio.Event()
    server = await loopback.start(answers_when(gate))
    calls = [asyncio.create_task(transport.send(post(server.url), FAST)) for _ in range(10)]
    await server.wait_for(10)
    for call in calls[::2]:
        call.cancel()
    await server.wait_until_open(5)
    gate.set()
    assert [(await call).body for call in calls[1::2]] == [b"ok"] * 5


async def test_a_call_that_is_cancelled_at_whatever_moment_leaves_no_connection(loopback, transport):
    """While the name is looked up, while it connects, and when the request is on its way."""
    server = await loopback.start(stall)
    url = server.url.replace("127.0.0.1", "localhost")
    for moment in range(30):
        call = asyncio.create_task(transport.send(post(url), FAST))
        await asyncio.sleep(moment * 0.0002)
        call.cancel()
        await asyncio.wait([call], timeout=1)
        assert call.cancelled()
    await server.wait_until_open(0)


async def test_a_connection_that_is_made_after_its_call_was_cancelled_is_closed(loopback, transport, monkeypatch):
    """As where looking up a name takes its time."""
    server = await loopback.start(stall)
    monkeypatch.setattr(rust_line, "_LOOKS", 0)
    call = asyncio.create_task(transport.send(post(server.url), FAST))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await asyncio.sleep(0.1)
    await server.wait_until_open(0)


async def test_where_no_socket_is_found_a_cancelled_call_still_ends_at_once(loopback, transport, monkeypatch):
    """As on Windows: the connection is closed when its answer begins."""
    _show_no_sockets(monkeypatch)
    gate = asyncio.Event()
    server = await loopback.start(answers_when(gate))
    call = asyncio.create_task(transport.send(post(server.url), FAST))
    await server.wait_for(1)
    began = time.monotonic()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert time.monotonic() - began < 1
    gate.set()
    await server.wait_until_open(0)


async def test_where_no_socket_is_found_nothing_outlives_its_time_by_much(loopback, transport, monkeypatch):
    _show_no_sockets(monkeypatch)
    monkeypatch.setattr(rust_line, "_GRACE_S", 0.1)
    server = await loopback.start(stall)
    with pytest.raises(ExchangeFault, match=r"no complete answer within 0\.2 s"):
        await transport.send(post(server.url), Timeouts(total=0.2))
    await server.wait_until_open(0)


async def test_a_line_that_is_closed_while_its_client_is_built_sends_nothing(loopback, monkeypatch):
    server = await loopback.start(loopback.answer(200, b""))
    line = rust_line.Line(rust_line.Route("http://llm.test", False, None))
    built = line._connected_by

    async def closed_meanwhile(connect_s: float):
        await line.aclose()
        return await built(connect_s)

    monkeypatch.setattr(line, "_connected_by", closed_meanwhile)
    written = rust_line.Written("POST", rust_line.Url(server.url), [], b"", 1, 1)
    with pytest.raises(ExchangeFault, match="the client is closed"):
        await line.ask(written)
    assert server.received == []


async def test_another_bound_on_connecting_holds_for_the_call_that_has_it(loopback, transport):
    server = await loopback.start(stall)
    address = server.url.replace("http:", "https:")
    for bound in (0.1, 0.2):
        with pytest.raises(ExchangeFault, match=rf"no connection to {address} within {bound:g} s"):
            await transport.send(post(address), Timeouts(connect=bound))


async def test_transports_that_share_a_room_keep_no_more_idle_than_it_holds(loopback):
    server = await loopback.start(loopback.answer(200, b"ok"))
    limits = ConnectionLimits(room=IdleRoom(3))
    transports = [RustTransport(limits) for _ in range(8)]
    for transport in transports:
        assert (await transport.send(post(server.url), FAST)).body == b"ok"
    await server.wait_until_open(3)
    assert (server.connections, server.open_connections) == (8, 3)
    for transport in transports:
        await transport.close()
    await server.wait_until_open(0)


async def test_names_are_resolved_behind_a_socks_proxy(transport, monkeypatch):
    asked = asyncio.get_running_loop().create_future()

    async def refuse(reader, writer):
        await reader.readexactly(3)
        writer.write(b"\x05\x00")
        asked.set_result(await reader.readexactly(18))
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"socks5://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
        with pytest.raises(ExchangeFault, match=r"could not connect to http://llm\.invalid"):
            await transport.send(post("http://llm.invalid/"), FAST)
    assert (await asked)[4:] == b"\x0bllm.invalid"[:14] + b"\x00\x50"


_IN_A_FORK = """
import asyncio, os, sys
from routebook.providers.http.exchange import ExchangeFault, HttpRequest
from routebook.providers.http.over_rust import RustTransport
from routebook.routing.provider_spec import Timeouts

async def ask():
    try:
        await RustTransport().send(HttpRequest("POST", "http://127.0.0.1:1/", {}, b""), Timeouts())
    except ExchangeFault as fault:
        return fault.message

asyncio.run(ask())
child = os.fork()
if not child:
    print(asyncio.run(ask()), flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX") or sys.platform == "win32", reason="Windows does not fork")
def test_a_forked_process_says_that_it_cannot_use_the_library():
    command = [sys.executable, "-c", _IN_A_FORK]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout
    assert "forked off" in said
    assert "transport: httpx2" in said


_LEFT_RUNNING = """
import asyncio, sys
from routebook.providers.http.exchange import HttpRequest
from routebook.providers.http.over_rust import RustTransport
from routebook.routing.provider_spec import Timeouts

async def main():
    transport = RustTransport()
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


def test_loops_in_several_threads_use_the_library_at_once():
    def ask() -> str:
        async def send() -> str:
            transport = RustTransport()
            with pytest.raises(ExchangeFault) as caught:
                await transport.send(post("http://127.0.0.1:1/"), FAST)
            await transport.close()
            return caught.value.message

        return asyncio.run(send())

    async def together() -> list[str]:
        return await asyncio.gather(*(asyncio.to_thread(ask) for _ in range(4)))

    assert set(asyncio.run(together())) == {"could not connect to http://127.0.0.1:1 (connection refused)"}
