"""Decompress: what a server packed → plain bytes, never more than a bound.

Pure. Knows gzip and deflate, one of them at a time: what requests ask for. A small answer that unpacks to a huge one
(a bomb) is found before it is whole.
"""

from __future__ import annotations

import zlib

from .exchange import LARGEST_BODY_BYTES, ExchangeFault

_GZIP = 16 + zlib.MAX_WBITS
_EITHER_DEFLATE = (zlib.MAX_WBITS, -zlib.MAX_WBITS)
_NAMES = frozenset({"gzip", "x-gzip", "deflate"})


class Body:
    """Takes the pieces of one body as they came; gives them plain, and counts them.

    Raises:
        ExchangeFault: The encoding is none that was asked for, it is broken, or the body is larger than *most* bytes.
    """

    def __init__(self, content_encoding: str, most: int = LARGEST_BODY_BYTES) -> None:
        encoding = content_encoding.strip().lower()
        self._most = most
        self._size = 0
        self._is_packed = encoding not in ("", "identity")
        if self._is_packed and encoding not in _NAMES:
            raise ExchangeFault("malformed_response", "the answer is compressed in a way that was not asked for")
        self._is_deflate = encoding == "deflate"
        self._inflater = zlib.decompressobj(_EITHER_DEFLATE[0] if self._is_deflate else _GZIP)
        self._is_fresh = True

    def take(self, piece: bytes) -> bytes:
        """Return *piece*, plain; it may be empty."""
        plain = self._inflated(piece) if self._is_packed else piece
        self._size += len(plain)
        if self._size > self._most:
            raise ExchangeFault("malformed_response", f"the answer is larger than {self._most / 2**20:g} MiB")
        return plain

    def end(self) -> None:
        """Say that the last piece was taken."""
        if self._is_packed and not self._is_fresh and not self._inflater.eof:
            raise _broken()

    def _inflated(self, piece: bytes) -> bytes:
        room = self._most - self._size + 1
        try:
            plain = self._inflater.decompress(piece, room)
        except zlib.error as error:
            if not (self._is_deflate and self._is_fresh):
                raise _broken() from error
            # Some servers send deflate without the header that the standard asks for.
            self._inflater, self._is_deflate = zlib.decompressobj(_EITHER_DEFLATE[1]), False
            return self._inflated(piece)
        self._is_fresh = False
        return plain


def _broken() -> ExchangeFault:
    return ExchangeFault("malformed_response", "the answer is compressed, and its compression is broken")
