"""Transfer: what every transport does alike, whatever library carries the bytes: connections are taken and given back,
each wait is bounded, a body is unpacked and counted, and what goes wrong is an ExchangeFault.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol, TypeVar

from ...routing.provider_spec import Timeouts
from .address import Address, read_address
from .alarm import Alarm
from .clock import Clock
from .connections import Connection, Connections
from .decompress import Body
from .exchange import (
    DEFAULT_CONNECTIONS,
    ConnectionLimits,
    ExchangeFault,
    HttpRequest,
    HttpResponse,
    HttpStream,
    client_is_closed,
)
from .idle_room import IdleRoom
from .unsent import note_unsent

C = TypeVar("C", bound=Connection)
Q = TypeVar("Q")


class Answer(Protocol):
    """An answer as a library has it: its head is there, `end` has to be called."""

    status: int
    headers: Mapping[str, str]

    @property
    def is_ready(self) -> bool:
        """Whether `next_bytes` is known not to wait."""
        ...

    async def next_bytes(self) -> bytes | None:
        """Wait for more of the body as it is on the wire; None at its end."""
        ...

    async def end(self) -> None:
        """Leave the connection fit for another request, if the body was read to its end, else close it."""
        ...


class PooledTransport(ABC, Generic[C, Q]):
    """A Transport over connections that are made at the first request to an address, and kept.

    A library gives it connections of type C, its own form Q of a request, and what it raises.
    """

    foreign: ClassVar[tuple[type[Exception], ...]]
    """What the library raises when an exchange fails."""

    def __init__(self, limits: ConnectionLimits = DEFAULT_CONNECTIONS) -> None:
        self._limits = limits
        self._room: IdleRoom[C] = IdleRoom(limits.most_idle) if limits.room is None else limits.room
        self._connections: dict[str, Connections[C]] = {}
        self._alarms: list[Alarm] = []
        self._closed = False

    async def send(self, request: HttpRequest, timeouts: Timeouts) -> HttpResponse:
        """Send *request* and read the whole answer; see `Transport.send`."""
        exchange = await self._begin(request, timeouts)
        try:
            exchange.begin_content()
            content = bytearray()
            while (piece := await exchange.next_piece()) is not None:
                content += piece
            return HttpResponse(exchange.status, exchange.headers, bytes(content))
        finally:
            await exchange.end()

    @asynccontextmanager
    async def stream(self, request: HttpRequest, timeouts: Timeouts) -> AsyncGenerator[HttpStream, None]:
        """Send *request*, and read the answer while it comes; see `Transport.stream`."""
        exchange = await self._begin(request, timeouts)
        try:
            yield exchange
        finally:
            await exchange.end()

    async def close(self) -> None:
        """Close every connection; later requests are refused."""
        self._closed = True
        for connections in self._connections.values():
            await connections.close()
        self._connections.clear()
        while self._alarms:
            self._alarms.pop().end()

    @abstractmethod
    def _maker(self, address: Address) -> Callable[[], C]:
        """Return what makes connections to the server of *address*; nothing is connected yet."""

    @abstractmethod
    def _written(self, request: HttpRequest, address: Address, timeouts: Timeouts) -> Q:
        """Return *request* in the library's own form."""

    @abstractmethod
    async def _ask(self, connection: C, written: Q) -> Answer:
        """Send a request and wait for the head of its answer."""

    @abstractmethod
    def fault_of(self, error: Exception, address: Address, timeouts: Timeouts) -> ExchangeFault:
        """Return the fault that *error*, one of `foreign`, stands for."""

    async def _begin(self, request: HttpRequest, timeouts: Timeouts) -> Exchange[C, Q]:
        """Send *request* and wait for the head of the answer."""
        if self._closed:
            raise client_is_closed()
        address = read_address(request.url)
        written = self._written(request, address, timeouts)
        connections = self._connections_to(address)
        clock = Clock(timeouts)
        try:
            connection = await connections.take(min(self._limits.queue_timeout_s, timeouts.total))
        except asyncio.CancelledError as error:
            note_unsent(error)
            raise
        alarm = self._alarm(clock)
        try:
            clock.begin()
            with alarm:
                answer = await self._ask(connection, written)
        except BaseException as error:
            self._rest(alarm)
            has_sent = connection.has_sent
            await connections.give_back(connection)
            told = self.fault_of(error, address, timeouts) if isinstance(error, self.foreign) else error
            if isinstance(told, ExchangeFault):
                told.sent &= has_sent
            elif not has_sent:
                note_unsent(told)
            if told is error:
                raise
            raise told from error
        return Exchange(self, _Call(address, timeouts, clock, alarm), answer, connections, connection)

    def _alarm(self, clock: Clock) -> Alarm:
        """Return an alarm that rings by *clock*: one that rests, whose timer runs already, or a new one."""
        if not self._alarms:
            return Alarm(clock)
        alarm = self._alarms.pop()
        alarm.clock = clock
        return alarm

    def _rest(self, alarm: Alarm) -> None:
        """Keep *alarm* for another exchange."""
        if self._closed:
            alarm.end()
        else:
            self._alarms.append(alarm)

    def _connections_to(self, address: Address) -> Connections[C]:
        connections = self._connections.get(address.server)
        if connections is None:
            connections = Connections(address.server, self._maker(address), self._limits.most, self._room)
            self._connections[address.server] = connections
        return connections


@dataclass(slots=True)
class _Call:
    """What bounds one exchange, and where it goes."""

    address: Address
    timeouts: Timeouts
    clock: Clock
    alarm: Alarm


class Exchange(Generic[C, Q]):
    """An answer whose head is there, as an HttpStream; `end` has to be called."""

    def __init__(
        self, transport: PooledTransport[C, Q], call: _Call, answer: Answer, connections: Connections[C], connection: C
    ) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self._transport = transport
        self._call = call
        self._answer = answer
        self._connections = connections
        self._connection = connection
        self._body = Body(answer.headers.get("content-encoding", ""))

    def begin_content(self) -> None:
        """Say that the first content is there."""
        self._call.clock.begin_content()

    async def next_piece(self) -> bytes | None:
        """Wait for more of the body; see `HttpStream.next_piece`. The clock rests while nobody waits."""
        try:
            piece = await self._packed_piece()
            if piece is not None:
                return self._body.take(piece)
            self._body.end()
        except ExchangeFault as fault:
            fault.head = self._head()
            raise
        except self._transport.foreign as error:
            told = self._transport.fault_of(error, self._call.address, self._call.timeouts)
            told.head = self._head()
            raise told from error
        return None

    async def _packed_piece(self) -> bytes | None:
        if self._answer.is_ready and not self._body.has_more:
            return await self._answer.next_bytes()
        with self._call.alarm:
            if not self._body.has_more:
                return await self._answer.next_bytes()
            await asyncio.sleep(0)
            return b""

    def _head(self) -> HttpResponse:
        return HttpResponse(self.status, self.headers, b"")

    async def end(self) -> None:
        """Keep the connection, if the body was read to its end, or close it."""
        self._transport._rest(self._call.alarm)
        try:
            await self._answer.end()
        finally:
            await self._connections.give_back(self._connection)
