"""The exchanges that Google's library makes, by itself."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from google.auth.exceptions import TransportError

from routebook.providers.http.google_tokens import TokenRequests


def requests(total_s: float = 5.0) -> TokenRequests:
    return TokenRequests(2.0, total_s)


async def ask(made: TokenRequests, url: str, **fields: Any) -> Any:
    return await asyncio.to_thread(made, url, **fields)


async def test_a_request_is_sent_as_the_library_says_and_its_answer_is_read_whole(loopback):
    server = await loopback.start(loopback.answer(418, b"\xffno text", "X-House: a"))
    answer = await ask(requests(), f"{server.url}/t?a=b", method="POST", body=b"x=1", headers={"Content-Type": "y/z"})
    (received,) = server.received
    assert (received.line, received.body) == ("POST /t?a=b HTTP/1.1", b"x=1")
    assert received.header("content-type") == ["y/z"]
    assert (answer.status, answer.headers["x-house"], answer.data) == (418, "a", b"\xffno text")


async def test_a_redirect_is_an_answer(loopback):
    server = await loopback.start(loopback.answer(302, b"", "location: http://127.0.0.1:9/"))
    assert (await ask(requests(), server.url)).status == 302


async def test_the_proxy_of_the_environment_is_not_asked_for_loopback(loopback, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server = await loopback.start(loopback.answer(200, b"ok"))
    assert (await ask(requests(), server.url)).data == b"ok"


async def test_an_answer_that_drips_is_cut_off_as_a_whole(loopback):
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    server = await loopback.start(drip)
    began = time.monotonic()
    with pytest.raises(TransportError, match=r"no answer from 127\.0\.0\.1 within 0\.3 s"):
        await ask(requests(0.3), server.url)
    assert time.monotonic() - began < 2
    with pytest.raises(TransportError, match=r"within 0\.1 s"):
        await ask(requests(), server.url, timeout=0.1)


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://127.0.0.1/", "http://", "http://[", "http://127.0.0.1:9/"])
async def test_an_address_where_nobody_answers_is_the_librarys_error(url: str):
    with pytest.raises(TransportError, match="no answer from"):
        await ask(requests(), url)


async def test_what_was_sent_as_proof_is_known(loopback):
    server = await loopback.start(loopback.answer(200, b"{}"))
    made = requests()
    await ask(made, server.url, method="POST", body=b"grant_type=x&assertion=s3cret%2Bkey&client_id=c")
    assert made.take_secrets() == ("s3cret+key",)
    await ask(made, server.url)
    assert made.take_secrets() == ("s3cret+key",)
