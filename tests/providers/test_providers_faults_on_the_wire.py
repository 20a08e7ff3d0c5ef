"""Servers that fail, on real sockets, met by every API's client: each ends in time, in its kind, and leaves nothing."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable

import pytest
from fault_server import CUTS_STREAMS_OFF, HANGS_UP, TAKES_TOO_LONG, TALKS_NONSENSE, Fault
from loopback_server import Loopback
from wire_clients import APIS, CALLS, KEY, REQUEST, TRANSPORTS, Api

from routebook.canonical.event import ResponseFinished
from routebook.errors import ProviderError
from routebook.providers.http.exchange import ConnectionLimits, Transport
from routebook.providers.protocol import ClientConfig, ModelClient
from routebook.routing.provider_spec import Timeouts

BRIEF = Timeouts(connect=2, first_token=0.1, idle=0.1, total=0.3)
LONG = Timeouts(connect=2, first_token=10, idle=10, total=10)
FOREIGN_VARIABLES = (
    *("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "OPENAI_ORG_ID", "OPENAI_ORGANIZATION"),
    *("OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY", "OPENAI_CUSTOM_HEADERS", "OPENAI_WEBHOOK_SECRET"),
    *("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN", "AZURE_OPENAI_ENDPOINT", "OPENAI_API_VERSION"),
    *("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "ANTHROPIC_CUSTOM_HEADERS"),
    *("HF_TOKEN", "GROQ_API_KEY", "MISTRAL_API_KEY", "AWS_BEARER_TOKEN_BEDROCK", "GOOGLE_API_KEY"),
)


@pytest.fixture(params=list(APIS))
def api(request: pytest.FixtureRequest) -> Api:
    return APIS[request.param]


@pytest.fixture(params=list(TRANSPORTS))
def transport_of(request: pytest.FixtureRequest) -> Callable[..., Transport]:
    return TRANSPORTS[request.param]


@pytest.fixture
async def client_of(transport_of: Callable[..., Transport], api: Api) -> AsyncIterator[Callable[..., ModelClient]]:
    clients = []

    def make(url: str, timeout: Timeouts = LONG) -> ModelClient:
        transport = transport_of()
        clients.append(api.client(ClientConfig("house", f"{url}/v1", KEY, timeout=timeout, transport=transport)))
        return clients[-1]

    yield make
    for client in clients:
        await client.close()


@pytest.fixture(params=list(CALLS))
def how(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def body(api: Api, how: str) -> bytes:
    return api.whole if how == "complete" else api.stream


async def fails(loopback, client_of, fault: Fault, body: bytes, how: str, bounds: Timeouts) -> ProviderError:
    """Meet *fault*; return the error. Nothing of the call is left then: no connection that broke, no task, no key."""
    server = await loopback.start(fault(body))
    client = client_of(server.url, bounds)
    tasks, began = asyncio.all_tasks(), time.monotonic()
    with pytest.raises(ProviderError) as caught:
        await CALLS[how](client)
    assert time.monotonic() - began < bounds.total + 1
    if caught.value.kind in ("timeout", "connection"):
        await server.wait_until_open(0)
    await client.close()
    await server.wait_until_open(0)
    assert asyncio.all_tasks() - server.tasks <= tasks
    assert KEY not in str(caught.value)
    assert (caught.value.provider, caught.value.model, caught.value.sent) == ("house", "luna", True)
    return caught.value


async def test_a_good_server_is_understood(loopback, client_of, body, how):
    server = await loopback.start(loopback.answer(200, body))
    assert await CALLS[how](client_of(server.url)) == "Noon."


@pytest.mark.parametrize("fault", list(HANGS_UP))
async def test_a_server_that_hangs_up_is_a_broken_connection(loopback, client_of, body, how, fault):
    error = await fails(loopback, client_of, HANGS_UP[fault], body, how, LONG)
    assert error.kind == "connection"


@pytest.mark.parametrize("fault", list(TAKES_TOO_LONG))
async def test_a_server_that_takes_too_long_is_a_timeout(loopback, client_of, body, how, fault):
    error = await fails(loopback, client_of, TAKES_TOO_LONG[fault], body, how, BRIEF)
    assert error.kind == "timeout"


@pytest.mark.parametrize("fault", list(TALKS_NONSENSE))
async def test_a_server_that_talks_nonsense_gave_a_malformed_answer(loopback, client_of, body, how, fault):
    error = await fails(loopback, client_of, TALKS_NONSENSE[fault], body, how, LONG)
    assert error.kind == ("connection" if how == "stream" and fault in CUTS_STREAMS_OFF else "malformed_response")


async def test_a_server_that_is_not_there_is_a_failed_connection(loopback, client_of, how):
    server = await loopback.start(b"")
    await loopback.stop()
    with pytest.raises(ProviderError) as caught:
        await CALLS[how](client_of(server.url))
    assert (caught.value.kind, caught.value.status, caught.value.sent) == ("connection", None, False)


async def test_tls_to_a_server_that_speaks_without_is_a_failed_connection(client_of, how):
    async def speak_plainly(reader, writer):
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(speak_plainly, "127.0.0.1", 0) as server:
        client = client_of(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(ProviderError) as caught:
            await CALLS[how](client)
    assert (caught.value.kind, caught.value.sent) == ("connection", False)


async def test_nothing_was_sent_to_a_server_whose_handshake_never_ends(loopback, client_of, how):
    server = await loopback.start(b"")
    client = client_of(server.url.replace("http:", "https:"), BRIEF)
    with pytest.raises(ProviderError) as caught:
        await CALLS[how](client)
    assert (caught.value.kind, caught.value.sent) == ("timeout", False)
    assert server.received == []


async def test_what_no_connection_comes_free_for_and_what_a_closed_client_is_asked_were_not_sent(
    loopback, api, how, transport_of
):
    server = await loopback.start(TAKES_TOO_LONG["stalls before its answer"](b""))
    transport = transport_of(ConnectionLimits(most=1, queue_timeout_s=0.05))
    client = api.client(ClientConfig("house", f"{server.url}/v1", KEY, timeout=LONG, transport=transport))
    first = asyncio.create_task(CALLS[how](client))
    await server.wait_for(1)
    with pytest.raises(ProviderError) as queued:
        await CALLS[how](client)
    await client.close()
    with pytest.raises(ProviderError) as broken_off:
        await first
    with pytest.raises(ProviderError) as closed:
        await CALLS[how](client)
    told = [(error.value.kind, error.value.sent) for error in (queued, broken_off, closed)]
    assert told == [("queue_timeout", False), ("connection", True), ("connection", False)]
    assert len(server.received) == 1


async def test_a_header_that_cannot_be_written_was_not_sent(loopback, api, how, transport_of):
    server = await loopback.start(b"")
    config = ClientConfig("house", f"{server.url}/v1", f"{KEY}\n", timeout=LONG, transport=transport_of())
    client = api.client(config)
    with pytest.raises(ProviderError) as caught:
        await CALLS[how](client)
    await client.close()
    assert (caught.value.kind, caught.value.sent, server.connections) == ("bad_request", False, 0)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("ends", ["cancelled", "at its deadline"])
async def test_a_handshake_that_stalls_leaves_no_connection(loopback, client_of, how, ends):
    server = await loopback.start(b"")
    bounds = LONG if ends == "cancelled" else BRIEF
    call = asyncio.create_task(CALLS[how](client_of(server.url.replace("http:", "https:"), bounds)))
    async with asyncio.timeout(2):
        while not server.open_connections:  # noqa: ASYNC110, a connection tells nobody
            await asyncio.sleep(0.005)
    if ends == "cancelled":
        call.cancel()
    with pytest.raises((asyncio.CancelledError, ProviderError)):
        await call
    await server.wait_until_open(0)


async def test_a_stream_that_is_closed_after_its_first_event_closes_its_connection_at_once(loopback, client_of, api):
    server = await loopback.start(TAKES_TOO_LONG["sends events without end"](api.stream))
    stream = client_of(server.url).stream(REQUEST)
    await anext(stream)
    await stream.aclose()
    await server.wait_until_open(0)


async def test_a_stream_that_nobody_holds_any_more_closes_its_connection(loopback, client_of, api):
    server = await loopback.start(TAKES_TOO_LONG["sends events without end"](api.stream))
    stream = client_of(server.url).stream(REQUEST)
    await anext(stream)
    del stream
    await server.wait_until_open(0)


async def test_a_loop_that_is_left_closes_its_connection(loopback, client_of, api):
    server = await loopback.start(TAKES_TOO_LONG["sends events without end"](api.stream))
    async for _ in client_of(server.url).stream(REQUEST):
        break
    await server.wait_until_open(0)


async def test_a_call_that_is_cancelled_is_cancelled_and_closes_its_connection(loopback, client_of, body, how):
    server = await loopback.start(TAKES_TOO_LONG["stalls in the middle"](body))
    call = asyncio.create_task(CALLS[how](client_of(server.url)))
    await server.wait_for(1)
    await asyncio.sleep(0.02)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await server.wait_until_open(0)


async def test_a_call_that_is_cancelled_as_its_time_runs_out_is_still_cancelled(loopback, client_of, body, how):
    """Whichever comes first within the same turn of the loop, the caller's cancellation is never lost."""
    server = await loopback.start(TAKES_TOO_LONG["stalls before its answer"](body))
    bounds = Timeouts(connect=2, first_token=0.05, idle=0.05, total=0.05)
    loop = asyncio.get_running_loop()
    for early_s in (0.001, 0.0005, 0.0002, 0.0001, 0.0):
        call = asyncio.create_task(CALLS[how](client_of(server.url, bounds)))
        was_cancelled = loop.create_future()
        loop.call_later(0.05 - early_s, lambda call=call, told=was_cancelled: told.set_result(call.cancel()))
        (outcome,) = await asyncio.gather(call, return_exceptions=True)
        assert isinstance(outcome, asyncio.CancelledError if await was_cancelled else ProviderError)


async def test_a_slow_reader_of_a_stream_is_not_taken_for_a_slow_server(loopback, client_of, api):
    server = await loopback.start(loopback.answer(200, api.stream))
    stream = client_of(server.url, Timeouts(connect=2, first_token=0.1, idle=0.1, total=5)).stream(REQUEST)
    events = []
    async for event in stream:
        await asyncio.sleep(0.15)
        events.append(event)
    assert events[-1].response.message.text == "Noon."


async def test_comments_do_not_stop_the_wait_for_the_first_content(loopback, client_of, api):
    server = await loopback.start(TAKES_TOO_LONG["sends comments without end"](api.stream))
    bounds = Timeouts(connect=2, first_token=0.15, idle=0.1, total=5)
    with pytest.raises(ProviderError, match=r"no answer within 0\.15 s"):
        await CALLS["stream"](client_of(server.url, bounds))


async def test_two_streams_one_after_the_other_share_a_connection(loopback, client_of, api):
    body = api.stream
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    server = await loopback.start(chunked)
    client = client_of(server.url)
    assert [await CALLS["stream"](client) for _ in range(3)] == ["Noon."] * 3
    assert server.connections == 1


async def test_a_stream_whose_body_never_ends_is_over_at_its_terminal_marker(loopback, client_of, api):
    async def reply(writer):
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n" % len(api.stream))
        writer.write(api.stream + b"\r\n")
        await asyncio.sleep(30)

    server = await loopback.start(reply)
    if not api.has_terminal_marker:
        with pytest.raises(ProviderError, match="no further byte"):
            await CALLS["stream"](client_of(server.url, BRIEF))
        return
    began = time.monotonic()
    stream = client_of(server.url).stream(REQUEST)
    while (await anext(stream)).__class__ is not ResponseFinished:
        pass
    assert time.monotonic() - began < 0.15
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    await server.wait_until_open(0)


async def test_bytes_behind_an_answer_are_not_the_next_one(loopback, client_of, body, how):
    answer = loopback.answer(200, body)
    server = await loopback.start(answer + b"HTTP/1.1 500 Stolen\r\ncontent-length: 0\r\n\r\n")
    client = client_of(server.url)
    assert [await CALLS[how](client) for _ in range(3)] == ["Noon."] * 3


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else(loopback, client_of, how, status):
    other = await loopback.start(loopback.answer(200, b"{}"))
    server = await loopback.start(loopback.answer(status, b"", f"location: {other.url}/v1/stolen"))
    with pytest.raises(ProviderError) as caught:
        await CALLS[how](client_of(server.url))
    assert (caught.value.kind, caught.value.status) == ("malformed_response", status)
    assert (len(server.received), other.received) == (1, [])


async def test_nothing_of_the_environment_or_of_netrc_is_sent(loopback, client_of, body, how, monkeypatch, tmp_path):
    for name in FOREIGN_VARIABLES:
        monkeypatch.setenv(name, "http://canary.invalid" if name.endswith(("URL", "BASE")) else "canary")
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login canary password canary", encoding="utf-8")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    server = await loopback.start(loopback.answer(200, body))
    assert await CALLS[how](client_of(server.url)) == "Noon."
    assert "canary" not in repr(server.received)


@pytest.mark.parametrize(
    "fault", ["sends a compression bomb", "sends a header without end", "sends a line without end"]
)
@pytest.mark.parametrize("transport", list(TRANSPORTS))
def test_what_never_ends_takes_bounded_memory(api, how, fault, transport):
    name = next(name for name, known in APIS.items() if known is api)
    command = [sys.executable, __file__, name, how, fault, transport]
    grown_mib = float(subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout)
    assert grown_mib < 400


async def _meet(api: Api, how: str, fault: str, transport: str) -> float:
    """Return how many MiB the process grew by at its highest, while a call met *fault*."""
    loopback = Loopback()
    server = await loopback.start(TALKS_NONSENSE[fault](api.whole if how == "complete" else api.stream))
    client = api.client(ClientConfig("house", server.url, KEY, timeout=LONG, transport=TRANSPORTS[transport]()))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ProviderError):
        await CALLS[how](client)
    await client.close()
    await loopback.stop()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


UNREADABLE = {
    "is cut off": b"content-length: 500\r\n\r\n{",
    "is packed in a way that nobody asked for": b"content-length: 3\r\ncontent-encoding: br\r\n\r\nabc",
    "is broken gzip": b"content-length: 3\r\ncontent-encoding: gzip\r\n\r\nabc",
}


@pytest.mark.parametrize("body", list(UNREADABLE))
async def test_a_refusal_whose_body_cannot_be_read_is_told_by_its_head(loopback, client_of, how, body):
    async def refuse(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 429 X\r\nretry-after: 7\r\n" + UNREADABLE[body])
        await writer.drain()

    server = await loopback.start(refuse)
    with pytest.raises(ProviderError) as caught:
        await CALLS[how](client_of(server.url))
    assert (caught.value.kind, caught.value.status, caught.value.retry_after) == ("rate_limit", 429, 7)


async def test_a_refusal_whose_body_stalls_is_told_by_its_head(loopback, client_of, how):
    async def stall(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 401 X\r\ncontent-length: 500\r\n\r\n{")
        await writer.drain()
        await asyncio.sleep(5)

    server = await loopback.start(stall)
    with pytest.raises(ProviderError) as caught:
        await CALLS[how](client_of(server.url, BRIEF))
    assert (caught.value.kind, caught.value.status) == ("authentication", 401)


if __name__ == "__main__":
    print(asyncio.run(_meet(APIS[sys.argv[1]], *sys.argv[2:])))  # noqa: T201, the process that asked reads it
