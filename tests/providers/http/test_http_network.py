from __future__ import annotations

import ssl

import pytest
from httpcore2 import AsyncNetworkStream

from routebook.providers.http.network import _MOST_JOINED_BYTES, _Socket

HEAD = b"POST / HTTP/1.1\r\n\r\n"


class Recorded(AsyncNetworkStream):
    """A socket of the library's that goes nowhere; `written` holds what each call wrote."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.is_closed = False

    async def read(self, max_bytes: int, *_rest: object) -> bytes:
        return b"answer"

    async def write(self, buffer: bytes, *_rest: object) -> None:
        self.written += [buffer] if buffer else []

    async def aclose(self) -> None:
        self.is_closed = True

    async def start_tls(self, ssl_context: ssl.SSLContext, *_rest: object) -> AsyncNetworkStream:
        if ssl_context is REFUSED:
            raise ssl.SSLError("no")
        return Recorded()

    def get_extra_info(self, info: str) -> object:
        return None


REFUSED = ssl.create_default_context()


@pytest.mark.parametrize(
    ("writes", "written"),
    [
        ([HEAD, b"body", b""], [HEAD + b"body"]),
        ([HEAD, b""], [HEAD]),
        ([HEAD, HEAD, b""], [HEAD + HEAD]),
        ([b"body", b""], [b"body"]),
        ([HEAD, b"x" * (_MOST_JOINED_BYTES + 1), b""], [HEAD, b"x" * (_MOST_JOINED_BYTES + 1)]),
    ],
)
async def test_a_head_is_written_with_what_comes_next(writes: list[bytes], written: list[bytes]):
    inner = Recorded()
    outer = _Socket(inner)
    for each in writes:
        await outer.write(each)
    assert inner.written == written


async def test_nothing_is_read_before_all_is_written():
    inner = Recorded()
    outer = _Socket(inner)
    await outer.write(HEAD)
    assert inner.written == []
    assert (await outer.read(10), inner.written) == (b"answer", [HEAD])


async def test_what_is_written_over_tls_goes_out_together_as_well():
    outer = await _Socket(Recorded()).start_tls(ssl.create_default_context())
    await outer.write(HEAD)
    await outer.write(b"body")
    assert outer._inner.written == [HEAD + b"body"]


async def test_a_socket_is_closed_where_the_handshake_fails():
    inner = Recorded()
    with pytest.raises(ssl.SSLError):
        await _Socket(inner).start_tls(REFUSED)
    assert inner.is_closed


def test_a_socket_that_is_gone_has_something_to_read():
    assert _Socket(Recorded()).get_extra_info("is_readable") is True
