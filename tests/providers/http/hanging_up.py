"""A server that answers once on each connection and then ends it, in a thread of its own: what it does to a connection
is done though the client's loop is busy.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


def _close(connection: socket.socket) -> None:
    connection.close()


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _close_half(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)


ENDS: dict[str, Callable[[socket.socket], None]] = {"closes": _close, "resets": _reset, "closes its half": _close_half}


class HangingUp:
    """Ends its connections by *end*: each after its answer, or, where *late*, when the second request begins to come.

    `connections` counts; `ended` is released once for each that was ended.
    """

    def __init__(self, end: str, header: str, *, late: bool) -> None:
        self.connections = 0
        self.ended = threading.Semaphore(0)
        self._end = ENDS[end]
        self._answer = f"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n{header}\r\nok".encode()
        self._late = late
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def serve(self) -> None:
        with suppress(OSError):  # the listener is shut at the end
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve_once, args=(connection,), daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve_once(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        with connection, suppress(OSError):
            while not connection.recv(65536).endswith(b"{}"):
                continue
            connection.sendall(self._answer)
            if self._late:
                connection.recv(100)
            self._end(connection)
            self.ended.release()
            while connection.recv(65536):  # where it still can be read
                continue


@contextmanager
def hanging_up(end: str, header: str = "", *, late: bool = False) -> Iterator[HangingUp]:
    """Serve."""
    server = HangingUp(end, header, late=late)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    yield server
    server.close()
    thread.join(5)
