"""Reading: one streamed answer while it comes.

First, pure, from bytes in any pieces to the events that its API makes of them. Then what is read of the connection
before and after: enough to tell a stream from an answer in one piece, that piece, and what follows the end.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

from ..canonical.chat import ChatResponse
from ..canonical.event import ModelEvent
from ..canonical.usage import Usage
from .answer import CUT_OFF, Framing, StreamReader
from .fault import Fault
from .http.exchange import ExchangeFault, HttpStream

_REST_S = 0.2


class Reading:
    """The events of one answer, piece by piece. After the terminal marker or a fault it `is_over`."""

    def __init__(self, reader: StreamReader, framing: Framing) -> None:
        self.is_over = False
        self._reader = reader
        self._framing = framing
        self._fault: Fault | None = None

    def take(self, piece: bytes) -> list[ModelEvent]:
        """Return what is new in *piece*, up to the terminal marker or a fault."""
        new: list[ModelEvent] = []
        for event in self._framing.feed(piece):
            found = event if isinstance(event, Fault) else self._reader.read(event)
            if isinstance(found, Fault):
                self._fault, self.is_over = found, True
                break
            new += found
            if self._reader.is_finished:
                self.is_over = True
                break
        return new

    def end(self) -> ChatResponse | Fault:
        """Return the whole answer, or the first fault in it. One that breaks off in its first event was cut off."""
        answer = self._fault or self._reader.response()
        if self._fault is not None or not isinstance(answer, Fault) or answer.kind != "malformed_response":
            return answer
        return replace(CUT_OFF, usage=answer.usage) if self._framing.is_within_event() else answer

    @property
    def usage(self) -> Usage | None:
        """What the provider has counted by now, of an answer that breaks off here."""
        return self.end().usage


def is_whole(first: bytes) -> bool:
    """Tell an answer in one piece (JSON, a page, nothing at all) from a stream of events, whatever it says it is."""
    return not first.strip() or first.lstrip()[:1] in (b"{", b"[", b"<")


async def first_words(http: HttpStream) -> bytes:
    """Read until there is more than blanks, or to the end."""
    read = bytearray()
    while (piece := await http.next_piece()) is not None:
        read += piece
        if piece and not piece.isspace():
            break
    return bytes(read)


async def whole_body(first: bytes, http: HttpStream) -> bytes:
    """Read to the end of an answer in one piece that begins with *first*."""
    http.begin_content()
    read = bytearray(first)
    while (piece := await http.next_piece()) is not None:
        read += piece
    return bytes(read)


async def drain(http: HttpStream) -> None:
    """Read what follows the terminal marker, which is nothing, so that the connection can be used again."""
    with suppress(TimeoutError, ExchangeFault):
        async with asyncio.timeout(_REST_S):
            await http.next_piece()
