from __future__ import annotations

import gzip
import zlib
from functools import partial

import pytest

from routebook.providers.http.decompress import Body
from routebook.providers.http.exchange import ExchangeFault

_gzip = partial(gzip.compress, mtime=0)  # the same bytes at each import, as they name the tests
TEXT = b"Noon. " * 1000
PACKED = {
    "gzip": _gzip(TEXT),
    "x-gzip": _gzip(TEXT),
    "GZIP": _gzip(TEXT[:70]) + _gzip(b"") + _gzip(TEXT[70:]),
    "deflate": zlib.compress(TEXT),
    " Deflate ": zlib.compress(TEXT)[2:-4],
    "identity": TEXT,
    "": TEXT,
}


def unpacked(encoding: str, packed: bytes, size: int, most: int = 2**20) -> bytes:
    body = Body(encoding, most)
    plain = bytearray()
    for start in range(0, len(packed), size):
        plain += body.take(packed[start : start + size])
        while body.has_more:
            plain += body.take(b"")
    body.end()
    return bytes(plain)


@pytest.mark.parametrize("size", [2, 3, 50, 10_000])
@pytest.mark.parametrize("encoding", list(PACKED))
def test_a_body_is_unpacked_in_pieces_of_any_size(encoding: str, size: int):
    assert unpacked(encoding, PACKED[encoding], size) == TEXT


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_an_empty_body_is_no_broken_one(encoding: str):
    assert unpacked(encoding, b"", 1) == b""


def test_what_follows_a_packed_body_is_passed_over():
    assert unpacked("gzip", _gzip(TEXT) + b"\0" * 512, 100) == TEXT


@pytest.mark.parametrize(
    ("encoding", "packed", "words"),
    [
        ("gzip", _gzip(TEXT)[:-9], "its compression is broken"),
        ("gzip", TEXT, "its compression is broken"),
        ("deflate", TEXT, "its compression is broken"),
        ("gzip", _gzip(bytes(2**21)), "larger than 1 MiB"),
        ("gzip", _gzip(TEXT) + _gzip(bytes(2**21)), "larger than 1 MiB"),
        ("", bytes(2**20 + 1), "larger than 1 MiB"),
        ("br", TEXT, "in a way that was not asked for"),
        ("gzip, gzip", _gzip(_gzip(TEXT)), "in a way that was not asked for"),
    ],
)
def test_what_cannot_be_unpacked_is_malformed(encoding: str, packed: bytes, words: str):
    with pytest.raises(ExchangeFault, match=words) as caught:
        unpacked(encoding, packed, 4096)
    assert caught.value.kind == "malformed_response"


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate"])
@pytest.mark.parametrize("size", [2**18, 2**19, 2**19 + 1, 3_000_000])
def test_what_unpacks_to_much_comes_in_pieces(encoding: str, size: int):
    plain = bytes(size)
    packed = zlib.compress(plain) if encoding == "deflate" else _gzip(plain[:7]) + _gzip(plain[7:])
    assert unpacked(encoding, packed, len(packed), most=size) == plain
    assert len(Body(encoding).take(packed)) == 2**18
