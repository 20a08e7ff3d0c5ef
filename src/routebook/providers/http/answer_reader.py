"""Answer reader: the bytes of one answer → its head, and its body in pieces; by a parser in C.

Pure: bytes are handed in as they come, and what they hold is taken out. What is no HTTP is the library's exception
that says so, in the words of the other library where both mean the same; `causes` reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from httpcore2 import RemoteProtocolError
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from .headers import read_headers

_MOST_WITHOUT_BODY_BYTES = 100 * 1024
_NOTHING: Mapping[str, str] = MappingProxyType({})


class AnswerReader:
    """Reads one answer. `waiting_bytes` of its body can be taken; `is_over` once all of it came, and `keeps_alive`
    then tells whether another may follow.
    """

    __slots__ = (
        *("_bare_bytes", "_body_bytes", "_objection", "_parser", "_pieces", "_raw", "has_head", "headers", "is_over"),
        *("keeps_alive", "status", "waiting_bytes"),
    )

    def __init__(self) -> None:
        self.status = 0
        self.headers = _NOTHING
        self.has_head = False
        self.is_over = False
        self.keeps_alive = False
        self.waiting_bytes = 0
        self._raw: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []
        self._body_bytes = 0
        self._bare_bytes = 0
        self._objection = ""
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        # As the other library: some servers pad sizes with blanks, or end lines with a line feed alone.
        self._parser.set_dangerous_leniencies(lenient_spaces_after_chunk_size=True, lenient_optional_cr_before_lf=True)

    def feed(self, received: bytes) -> None:
        """Take the next bytes; those behind the answer's end only mean that no other may follow.

        Raises:
            RemoteProtocolError: They are no HTTP, or of heads, trailers and sizes there is no end.
        """
        assert self._parser is not None
        self._bare_bytes += len(received)
        try:
            self._parser.feed_data(received)
        except (HttpParserError, HttpParserUpgrade) as error:
            if not self.is_over:
                raise RemoteProtocolError(self._objection or str(error)) from error
            self.keeps_alive = False
        if self._bare_bytes > _MOST_WITHOUT_BODY_BYTES and not self.is_over:
            raise RemoteProtocolError("Receive buffer too long")

    def feed_end(self) -> None:
        """Take the end of the connection, which is the answer's where nothing else tells its length.

        Raises:
            RemoteProtocolError: The answer was not over.
        """
        if not self.has_head:
            raise RemoteProtocolError("Server disconnected without sending a response.")
        if not self.is_over and "transfer-encoding" in self.headers:
            raise RemoteProtocolError(f"{_CUT_OFF} (incomplete chunked read)")
        if not self.is_over and "content-length" in self.headers:
            received = f"received {self._body_bytes} bytes, expected {self.headers['content-length']}"
            raise RemoteProtocolError(f"{_CUT_OFF} ({received})")
        self.is_over = True

    def take(self) -> bytes:
        """Return what is there of the body."""
        taken = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self.waiting_bytes = 0
        return taken

    def close(self) -> None:
        """Let go of the parser: the two hold each other, and only the garbage collector would part them."""
        self._parser = None

    # What the parser calls; an exception stops it.

    def on_message_begin(self) -> None:
        if self.is_over:
            raise ValueError("something follows the answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.has_head:  # those behind a body are passed over
            self._raw.append((name, value.rstrip()))

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        status = self._parser.get_status_code()
        headers, self._raw = read_headers(self._raw), []
        if status == 101:
            self._object("it changes to a protocol that was not asked for")
        if status < 100:
            self._object(f"there is no status {status:03}")
        if status < 200:
            return
        if headers.get("transfer-encoding", "chunked").lower() != "chunked":
            self._object("Only Transfer-Encoding: chunked is supported")
        self.status, self.headers, self.has_head = status, headers, True
        self.keeps_alive = self._parser.should_keep_alive()

    def on_body(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self.waiting_bytes += len(piece)
        self._body_bytes += len(piece)
        self._bare_bytes = 0

    def on_message_complete(self) -> None:
        self.is_over = self.has_head
        if not self.has_head:  # an interim answer, of which as many may come as there is time for
            self._bare_bytes = 0

    def _object(self, why: str) -> None:
        self._objection = why
        raise ValueError(why)


_CUT_OFF = "peer closed connection without sending complete message body"
