"""What every transport promises, over each library that carries one."""

from __future__ import annotations

import asyncio
import gzip
import time
import traceback

import pytest
from http_calls import FAST, fault_of, post, writes

from routebook.providers.http.alarm import Alarm
from routebook.providers.http.exchange import ExchangeFault, HttpStream
from routebook.routing.provider_spec import Timeouts


async def test_a_request_arrives_as_it_was_made_and_its_answer_comes_back_whole(loopback, transport):
    server = await loopback.start(loopback.answer(201, b"pong", "X-Request-ID: r1"))
    response = await transport.send(post(server.url + "/v1/x", {"a": "b"}, b"ping"), FAST)
    assert (response.status, response.body, response.headers["x-request-id"]) == (201, b"pong", "r1")
    (received,) = server.received
    assert (received.line, received.header("a"), received.body) == ("POST /v1/x HTTP/1.1", ["b"], b"ping")


async def test_only_the_headers_that_were_asked_for_and_those_http_needs_are_sent_in_their_order(loopback, transport):
    server = await loopback.start(loopback.answer(200, b""))
    given = {"user-agent": "routebook/1", "zeta": "1", "alpha": "2", "accept": "application/json"}
    await transport.send(post(server.url, given), FAST)
    own = (("accept-encoding", "gzip, deflate"), ("content-length", "2"))
    assert server.received[0].headers == (("host", f"127.0.0.1:{server.port}"), *given.items(), *own)


async def test_cookies_are_not_kept(loopback, transport):
    server = await loopback.start(loopback.answer(200, b"", "set-cookie: a=b"))
    for _ in range(2):
        await transport.send(post(server.url), FAST)
    assert server.received[1].header("cookie") == []


async def test_a_redirect_is_an_answer_and_is_not_followed(loopback, transport):
    other = await loopback.start(loopback.answer(200, b"stolen"))
    server = await loopback.start(loopback.answer(307, b"", f"location: {other.url}/x"))
    response = await transport.send(post(server.url, {"authorization": "Bearer sk-secret"}), FAST)
    assert response.status == 307
    assert other.received == []


@pytest.mark.parametrize(
    ("timeouts", "sentence"),
    [
        (Timeouts(first_token=0.1, total=5), "no answer within 0.1 s"),
        (Timeouts(first_token=5, total=0.1), "no complete answer within 0.1 s"),
    ],
)
async def test_a_server_that_never_answers_is_a_timeout_in_bounded_time(loopback, transport, timeouts, sentence):
    async def stall(_writer):
        await asyncio.sleep(30)

    server = await loopback.start(stall)
    began = time.monotonic()
    fault = await fault_of(transport, server.url, timeouts)
    assert (fault.kind, fault.message, fault.sent) == ("timeout", sentence, True)
    assert time.monotonic() - began < 2


async def test_an_answer_that_stalls_in_the_middle_is_a_timeout(loopback, transport):
    async def half(writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")
        await writer.drain()
        await asyncio.sleep(30)

    server = await loopback.start(half)
    fault = await fault_of(transport, server.url, Timeouts(idle=0.1))
    assert (fault.kind, fault.message) == ("timeout", "the answer stalled: no further byte within 0.1 s")


async def test_an_answer_that_drips_ends_with_the_whole_call(loopback, transport):
    async def drip(writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        for _ in range(1000):
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.02)

    server = await loopback.start(drip)
    fault = await fault_of(transport, server.url, Timeouts(idle=1, total=0.3))
    assert (fault.kind, fault.message) == ("timeout", "no complete answer within 0.3 s")


async def test_a_slow_answer_within_its_bounds_is_no_fault(loopback, transport):
    async def slow(writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n")
        for _ in range(6):
            await asyncio.sleep(0.05)
            writer.write(b".")
            await writer.drain()

    server = await loopback.start(slow)
    response = await transport.send(post(server.url), Timeouts(first_token=0.2, idle=0.2, total=5))
    assert response.body == b"......"


async def test_a_timed_out_or_cancelled_call_closes_its_connection(loopback, transport):
    async def stall(_writer):
        await asyncio.sleep(30)

    server = await loopback.start(stall)
    await fault_of(transport, server.url, Timeouts(first_token=0.05))
    call = asyncio.create_task(transport.send(post(server.url), FAST))
    await server.wait_for(2)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await server.wait_until_open(0)


async def test_a_cancellation_is_never_lost_though_the_next_piece_is_just_there(loopback, transport):
    async def pour(writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n")
        while True:
            writer.write(b"x")
            await asyncio.sleep(0)

    server = await loopback.start(pour)
    for number in range(40):
        call = asyncio.create_task(transport.send(post(server.url), FAST))
        await asyncio.sleep(0.005 + number % 7 / 5000)
        call.cancel()
        await asyncio.wait([call], timeout=0.5)
        assert call.cancelled()
    await server.wait_until_open(0)


async def _reset(writer):
    writer.transport.abort()


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (writes(b""), "connection", "broke (server disconnected"),
        (_reset, "connection", "broke ("),
        (writes(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"), "connection", "broke (peer closed"),
        (writes(b"SSH-2.0-OpenSSH\r\n\r\n"), "malformed_response", "does not speak HTTP"),
        (writes(b"HTTP/1.1 200 OK\r\na: " + b"b" * 900_000), "malformed_response", "does not speak HTTP"),
        (
            writes(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-encoding: gzip\r\n\r\nabc"),
            "malformed_response",
            "compression is broken",
        ),
    ],
)
async def test_a_broken_answer_is_a_fault_of_its_kind(loopback, transport, reply, kind, words):
    server = await loopback.start(reply)
    fault = await fault_of(transport, server.url)
    assert (fault.kind, fault.sent) == (kind, True)
    assert words in fault.message


async def test_a_compressed_answer_is_unpacked(loopback, transport):
    packed = gzip.compress(b"hello" * 1000)
    server = await loopback.start(loopback.answer(200, packed, "content-encoding: gzip"))
    assert (await transport.send(post(server.url), FAST)).body == b"hello" * 1000


async def test_a_compression_bomb_is_refused(loopback, transport):
    server = await loopback.start(loopback.answer(200, gzip.compress(bytes(2**27)), "content-encoding: gzip"))
    fault = await fault_of(transport, server.url)
    assert (fault.kind, fault.message) == ("malformed_response", "the answer is larger than 64 MiB")


@pytest.mark.parametrize("value", ["sk-secret\n", "sk-sécret", "a\r\nx-evil: 1", "\x00", "sk-secret "])
async def test_a_header_that_http_cannot_carry_is_refused_without_showing_it(loopback, transport, value):
    server = await loopback.start(loopback.answer(200, b""))
    fault = await fault_of(transport, server.url, headers={"authorization": f"Bearer {value}"})
    assert (fault.kind, fault.sent, server.received) == ("bad_request", False, [])
    assert "'authorization'" in fault.message
    assert "cret" not in "".join(traceback.format_exception(fault))


async def test_a_closed_transport_refuses(loopback, make):
    server = await loopback.start(loopback.answer(200, b""))
    transport = make()
    await transport.send(post(server.url), FAST)
    await transport.close()
    fault = await fault_of(transport, server.url)
    assert (fault.kind, fault.message, fault.sent) == ("connection", "the client is closed", False)
    for _ in range(100):
        if server.open_connections == 0:
            break
        await asyncio.sleep(0.01)
    assert server.open_connections == 0


async def test_hundreds_of_calls_at_once_get_their_own_connections(loopback, transport):
    gate = asyncio.Event()

    async def wait(writer):
        await gate.wait()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await writer.drain()

    server = await loopback.start(wait)
    calls = [asyncio.create_task(transport.send(post(server.url), Timeouts())) for _ in range(300)]
    await server.wait_for(300)
    gate.set()
    assert {(await call).body for call in calls} == {b"ok"}


async def test_an_answer_of_http_1_0_without_a_length_ends_with_its_connection(loopback, transport):
    server = await loopback.start(writes(b"HTTP/1.0 200 OK\r\n\r\nall there is"))
    assert (await transport.send(post(server.url), FAST)).body == b"all there is"
    await server.wait_until_open(0)


async def test_interim_answers_are_passed_over(loopback, transport):
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
    server = await loopback.start(interim + loopback.answer(200, b"ok"))
    assert (await transport.send(post(server.url), FAST)).body == b"ok"


async def test_a_header_that_comes_twice_has_both_values(loopback, transport):
    server = await loopback.start(loopback.answer(200, b"", "X-A: 1", "x-a: 2"))
    assert (await transport.send(post(server.url), FAST)).headers["x-a"] == "1, 2"


async def test_headers_that_belong_to_the_transport_are_its_own(loopback, transport):
    server = await loopback.start(loopback.answer(200, b""))
    not_its_own = {"accept-encoding": "br", "content-length": "9", "transfer-encoding": "chunked"}
    await transport.send(post(server.url, not_its_own), FAST)
    (received,) = server.received
    assert received.header("transfer-encoding") == []
    assert (received.header("accept-encoding"), received.header("content-length")) == (["gzip, deflate"], ["2"])


async def test_a_closed_transport_leaves_no_timer(loopback, transport):
    """Alarms that rest between exchanges, and those of exchanges that end when it is closed already."""
    server = await loopback.start(loopback.answer(200, b"ok"))
    await asyncio.gather(*(transport.send(post(server.url), FAST) for _ in range(3)))
    async with transport.stream(post(server.url), FAST):
        await transport.close()
    timers = asyncio.get_running_loop()._scheduled
    assert not any(isinstance(getattr(timer._callback, "__self__", None), Alarm) for timer in timers)


async def test_closing_breaks_off_what_is_under_way(loopback, make):
    async def stall(_writer):
        await asyncio.sleep(30)

    server = await loopback.start(stall)
    transport = make()
    call = asyncio.create_task(transport.send(post(server.url), FAST))
    await server.wait_for(1)
    await transport.close()
    with pytest.raises(ExchangeFault):
        await call
    await server.wait_until_open(0)


async def test_a_small_answer_that_unpacks_to_much_leaves_time_for_others(loopback, transport):
    server = await loopback.start(loopback.answer(200, gzip.compress(bytes(2**25)), "content-encoding: gzip"))
    async with transport.stream(post(server.url), FAST) as http:
        first = await http.next_piece()
        others: list[str] = []
        asyncio.get_running_loop().call_soon(others.append, "ran")
        await http.next_piece()
        assert (others, len(first)) == (["ran"], 2**18)


async def test_the_whole_of_what_a_small_answer_unpacks_to_is_bounded_in_time(loopback, transport):
    server = await loopback.start(loopback.answer(200, gzip.compress(bytes(2**25)), "content-encoding: gzip"))
    async with transport.stream(post(server.url), Timeouts(first_token=0.2)) as http:
        with pytest.raises(ExchangeFault, match="no answer within") as caught:
            await _read_slowly(http)
    assert caught.value.kind == "timeout"


async def _read_slowly(http: HttpStream) -> None:
    while await http.next_piece() is not None:
        time.sleep(0.05)  # noqa: ASYNC251, whoever reads it is busy with it
