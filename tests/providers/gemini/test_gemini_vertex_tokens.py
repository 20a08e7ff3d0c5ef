"""The life of a token of Vertex: it is used by all, renewed in time, and replaced once it is refused."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time

import pytest
from token_server import REQUEST, UNAUTHENTICATED, account, answer, bearer, fault_of

from routebook.errors import ProviderError


async def test_a_token_is_used_again_until_shortly_before_its_end(tokens, signer):
    tokens.lifetime = 2
    assert [await bearer(signer) for _ in range(3)] == [f"Bearer {tokens.token(1)}"] * 3
    await asyncio.sleep(1.85)  # a tenth of its life is left at 1.8 s
    assert await bearer(signer) == f"Bearer {tokens.token(2)}"
    assert tokens.asked == 2


async def test_a_token_is_renewed_beside_the_calls_that_can_still_use_it(tokens, signer):
    tokens.lifetime = 5
    await bearer(signer)
    tokens.wait_s = 0.3
    await asyncio.sleep(4.1)  # a fifth of its life is left at 4 s, a tenth at 4.5 s
    began = time.monotonic()
    assert [await bearer(signer) for _ in range(3)] == [f"Bearer {tokens.token(1)}"] * 3
    assert time.monotonic() - began < 0.2
    await tokens.server.wait_for(2)
    await asyncio.sleep(0.5)
    assert await bearer(signer) == f"Bearer {tokens.token(2)}"
    assert tokens.asked == 2


async def test_twenty_calls_at_once_make_one_exchange(tokens, signer):
    tokens.wait_s = 0.05
    found = await asyncio.gather(*(bearer(signer) for _ in range(20)))
    assert (set(found), tokens.asked) == ({f"Bearer {tokens.token(1)}"}, 1)


async def test_the_event_loop_goes_on_while_a_token_is_waited_for(tokens, signer):
    tokens.wait_s = 0.3
    waiting = asyncio.create_task(bearer(signer))
    longest, last = 0.0, time.monotonic()
    while not waiting.done():
        await asyncio.sleep(0.005)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    await waiting
    assert longest < 0.25


async def test_a_call_that_is_cancelled_does_not_stop_the_exchange_for_the_others(tokens, signer):
    tokens.wait_s = 0.2
    calls = [asyncio.create_task(bearer(signer)) for _ in range(3)]
    await tokens.server.wait_for(1)
    calls[0].cancel()
    assert await calls[1] == await calls[2] == f"Bearer {tokens.token(1)}"
    with pytest.raises(asyncio.CancelledError):
        await calls[0]
    assert tokens.asked == 1


async def test_an_exchange_that_nobody_waits_for_any_more_is_of_use_to_the_next(tokens, signer):
    tokens.wait_s = 0.1
    call = asyncio.create_task(bearer(signer))
    await tokens.server.wait_for(1)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert await bearer(signer) == f"Bearer {tokens.token(1)}"
    assert tokens.asked == 1


def test_the_interpreter_ends_though_a_token_server_hangs(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        path = tmp_path / "key.json"
        path.write_text(json.dumps(account(f"http://127.0.0.1:{deaf.getsockname()[1]}/token")))
        program = f"""
import asyncio
from routebook.providers.gemini.vertex import VertexSigner
from routebook.providers.http.exchange import HttpRequest
from routebook.providers.protocol import ClientConfig

environment = {{"GOOGLE_APPLICATION_CREDENTIALS": {str(path)!r}}}
signer = VertexSigner(ClientConfig("house", "http://127.0.0.1:9", finds_credentials=True, environment=environment))

async def give_up():
    try:
        await asyncio.wait_for(signer.sign(HttpRequest("POST", "http://127.0.0.1:9", {{}}, b"")), 0.5)
    except TimeoutError:
        print("gave up")

asyncio.run(give_up())
"""
        began = time.monotonic()
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == (b"gave up\n", b"")
    assert time.monotonic() - began < 15


async def test_a_token_that_the_provider_refuses_is_replaced_at_the_next_call(loopback, tokens, client_of):
    refusing = await loopback.start(loopback.answer(401, UNAUTHENTICATED))
    client = client_of(refusing.url)
    for _ in range(2):
        with pytest.raises(ProviderError) as caught:
            await client.complete(REQUEST)
        assert (caught.value.kind, caught.value.status) == ("authentication", 401)
    sent = [received.header("authorization") for received in refusing.received]
    assert sent == [[f"Bearer {tokens.token(1)}"], [f"Bearer {tokens.token(2)}"]]


async def test_a_token_that_was_refused_meanwhile_is_in_no_message_either(tokens, signer):
    await bearer(signer)
    signer.refused()
    await bearer(signer)
    assert {tokens.token(1), tokens.token(2)} <= set(signer.secrets)


async def test_an_old_token_is_used_to_its_end_while_there_is_no_new_one(tokens, signer):
    tokens.lifetime = 3
    await bearer(signer)
    tokens.instead = b"HTTP/1.1 400 X\r\ncontent-length: 0\r\n\r\n"
    await asyncio.sleep(2.5)
    assert await bearer(signer) == f"Bearer {tokens.token(1)}"
    await asyncio.sleep(0.6)
    assert (await fault_of(signer)).kind == "authentication"


async def test_a_refused_token_is_not_used_while_there_is_no_new_one(tokens, signer):
    await bearer(signer)
    signer.refused()
    tokens.instead = b"HTTP/1.1 400 X\r\ncontent-length: 0\r\n\r\n"
    assert (await fault_of(signer)).kind == "authentication"
    tokens.instead = None
    assert await bearer(signer) == f"Bearer {tokens.token(2)}"


async def test_a_token_server_that_fails_for_now_is_asked_again_by_the_library(tokens, signer):
    tokens.instead = answer(503, {"error": "temporarily_unavailable"})
    call = asyncio.create_task(bearer(signer))
    await tokens.server.wait_for(1)
    tokens.instead = None
    assert await call == f"Bearer {tokens.token(1)}"
