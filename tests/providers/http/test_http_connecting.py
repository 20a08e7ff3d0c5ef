"""Where no connection comes to be, over each library: what is said of it, and that nothing was sent."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from http_calls import FAST, fault_of, post, unused_port, url_of

from routebook.providers.http import dialing
from routebook.providers.http.exchange import ExchangeFault
from routebook.routing.provider_spec import Timeouts


async def test_a_refused_connection_says_where_and_why(transport):
    url = f"http://127.0.0.1:{unused_port()}"
    fault = await fault_of(transport, url + "/v1/chat/completions")
    assert (fault.kind, fault.message) == ("connection", f"could not connect to {url} (connection refused)")
    assert not fault.sent


async def test_an_unknown_host_is_a_connection_fault(transport):
    fault = await fault_of(transport, "http://nowhere.invalid/")
    assert (fault.kind, fault.sent) == ("connection", False)
    assert fault.message.startswith("could not connect to http://nowhere.invalid (")


async def test_tls_to_a_server_without_it_is_a_connection_fault(transport):
    async def speak_plainly(reader, writer):
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(speak_plainly, "127.0.0.1", 0) as server:
        address = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        fault = await fault_of(transport, address)
    assert (fault.kind, fault.sent) == ("connection", False)
    assert fault.message.startswith(f"could not connect to {address} (")


async def test_a_handshake_that_stalls_is_a_timeout_of_connecting(loopback, transport):
    async def stall(_writer):
        await asyncio.sleep(30)

    server = await loopback.start(stall)
    address = server.url.replace("http://", "https://")
    fault = await fault_of(transport, address, Timeouts(connect=0.1))
    assert (fault.kind, fault.message, fault.sent) == ("timeout", f"no connection to {address} within 0.1 s", False)


@pytest.mark.parametrize("bounds", [Timeouts(first_token=0.1, total=5), Timeouts(first_token=5, total=0.1)])
async def test_nothing_was_sent_where_the_time_for_the_answer_ends_while_it_still_connects(loopback, transport, bounds):
    server = await loopback.start(b"")
    fault = await fault_of(transport, server.url.replace("http://", "https://"), bounds)
    assert (fault.kind, fault.sent, server.received) == ("timeout", False, [])


async def test_what_is_closed_while_it_connects_is_not_sent(transport, trusted):
    """The handshake goes on when the transport was closed already: the request stays behind it."""
    came, received = asyncio.Event(), []

    async def shake_hands_late(reader, writer):
        writer.transport.pause_reading()
        came.set()
        await asyncio.sleep(0.1)
        with suppress(OSError):
            await writer.start_tls(trusted)
            received.append(await reader.read(1))
        writer.close()

    async with await asyncio.start_server(shake_hands_late, "127.0.0.1", 0) as server:
        call = asyncio.create_task(transport.send(post(url_of(server, "https")), FAST))
        await came.wait()
        await transport.close()
        with pytest.raises(ExchangeFault) as caught:
            await call
    assert (caught.value.kind, caught.value.sent) == ("connection", False)
    assert set(received) <= {b""}


@pytest.mark.parametrize("url", ["ftp://x/", "nonsense", "http://", "http://[::1", "http://u:hidden@127.0.0.1/"])
async def test_an_address_that_is_none_is_a_connection_fault(transport, url):
    fault = await fault_of(transport, url)
    assert (fault.kind, fault.sent) == ("connection", False)
    assert "address" in fault.message
    assert "hidden" not in fault.message


async def test_where_nothing_is_trusted_only_tls_is_refused(loopback, transport, monkeypatch):
    dialing._trusting_context.cache_clear()
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/file")
    monkeypatch.setenv("SSL_CERT_DIR", "/nowhere")
    server = await loopback.start(loopback.answer(200, b"ok"))
    assert (await transport.send(post(server.url), FAST)).body == b"ok"
    fault = await fault_of(transport, "https://127.0.0.1:1")
    dialing._trusting_context.cache_clear()
    assert (fault.kind, "no certificates to trust" in fault.message, fault.sent) == ("connection", True, False)
