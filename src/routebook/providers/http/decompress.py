"""Decompress: what a server packed → plain bytes, never more than a bound.

Pure. Knows gzip and deflate, one of them at a time: what requests ask for. A small answer that unpacks to a huge one
(a bomb) is found before it is whole, and comes in pieces, so that whoever reads it has time for others in between.
"""

from __future__ import annotations

import zlib

from .exchange import LARGEST_BODY_BYTES, ExchangeFault

_LARGEST_PIECE_BYTES = 256 * 1024
_GZIP = 16 + zlib.MAX_WBITS
_WINDOWS = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": zlib.MAX_WBITS}
_GZIP_BEGINS = b"\x1f"


class Body:
    """Takes the pieces of one body as they came; gives them plain, and counts them.

    Raises:
        ExchangeFault: The encoding is none that was asked for, it is broken, or the body is larger than *most* bytes.
    """

    def __init__(self, content_encoding: str, most: int = LARGEST_BODY_BYTES) -> None:
        encoding = content_encoding.strip().lower()
        self._most = most
        self._size = 0
        self._inflater = None if encoding in ("", "identity") else _Inflater(encoding)

    @property
    def has_more(self) -> bool:
        """Whether `take` has more to give of what it was given, before the next piece."""
        return self._inflater is not None and self._inflater.has_more

    def take(self, piece: bytes) -> bytes:
        """Return *piece*, plain, or the beginning of it; it may be empty."""
        room = min(_LARGEST_PIECE_BYTES, self._most - self._size + 1)
        plain = piece if self._inflater is None else self._inflater.take(piece, room)
        self._size += len(plain)
        if self._size > self._most:
            raise ExchangeFault("malformed_response", f"the answer is larger than {self._most / 2**20:g} MiB")
        return plain

    def end(self) -> None:
        """Say that the last piece was taken."""
        if self._inflater is not None:
            self._inflater.end()


class _Inflater:
    """Unpacks one body. One of gzip may have several members; what follows its end is passed over, as browsers do."""

    def __init__(self, encoding: str) -> None:
        self._is_known = encoding in _WINDOWS
        self._window = _WINDOWS.get(encoding, _GZIP)
        self._member = zlib.decompressobj(self._window)
        self._is_fresh = True
        self._is_over = False
        self._rest = b""
        self.has_more = False

    def take(self, piece: bytes, room: int) -> bytes:
        """Return what was left and *piece* unpacked, at most *room* bytes of it; the rest is left."""
        if not self._is_known:
            raise ExchangeFault("malformed_response", "the answer is compressed in a way that was not asked for")
        piece = self._rest + piece
        plain, has_more = b"", self.has_more
        while (piece or has_more) and not self._is_over and len(plain) < room:
            plain += self._inflated(piece, room - len(plain))
            piece, has_more = self._member.unconsumed_tail or self._member.unused_data, False
            if self._member.eof and piece:
                self._begin_member(piece)
        self._rest = b"" if self._is_over else piece
        self.has_more = len(plain) == room and not self._is_over
        return plain

    def end(self) -> None:
        if not self._is_fresh and not self._member.eof:
            raise _broken()

    def _inflated(self, piece: bytes, room: int) -> bytes:
        try:
            plain = self._member.decompress(piece, room)
        except zlib.error as error:
            if not (self._is_fresh and self._window == zlib.MAX_WBITS):
                raise _broken() from error
            # Some servers send deflate without the header that the standard asks for.
            self._window = -zlib.MAX_WBITS
            self._member = zlib.decompressobj(self._window)
            return self._inflated(piece, room)
        self._is_fresh = False
        return plain

    def _begin_member(self, following: bytes) -> None:
        if self._window == _GZIP and following.startswith(_GZIP_BEGINS):
            self._member = zlib.decompressobj(_GZIP)
        else:
            self._is_over = True


def _broken() -> ExchangeFault:
    return ExchangeFault("malformed_response", "the answer is compressed, and its compression is broken")
