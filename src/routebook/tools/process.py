"""A server's process: started in a group of its own, spoken to in lines, ended together with its children.

What it writes to its standard error is kept, the end of it, and never reaches the user's terminal. Once `ended` is
set there are no more lines: the process has exited, has closed its output, or somebody hung up. What the lines mean
is not known here: see `session`.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from ..canonical.redact import redact

GRACE_S = 1.5
"""How long a process may take to exit once its input is closed, and again after SIGTERM."""

LINE_LIMIT_BYTES = 64 * 2**20
_ERRORS_KEPT_BYTES = 64 * 2**10
_TAIL_LINES = 20
_TAIL_LENGTH = 2000
_SETTLE_S = 0.5
_POLL_S = 0.01
_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class ServerProcess(asyncio.SubprocessProtocol):
    """One process, from its start to the end of its group."""

    _transport: asyncio.SubprocessTransport

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self._exited = asyncio.Event()
        self._disconnected = asyncio.Event()
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._partial = bytearray()
        self._errors = bytearray()
        self._errors_cut = False
        self._reason: str | None = None
        self._group_gone = False

    @classmethod
    async def start(cls, command: Sequence[str], env: Mapping[str, str], cwd: str | None) -> ServerProcess:
        """Start *command* with exactly the variables *env*, in the folder *cwd* (None: this process's own).

        Raises:
            OSError: The program cannot be executed.
            ValueError: The command or a variable holds a null byte.
        """
        loop = asyncio.get_running_loop()
        _, process = await loop.subprocess_exec(cls, *command, env=dict(env), cwd=cwd, start_new_session=True)
        return process

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to the process; called by the event loop, as the next four are."""
        self._transport = cast("asyncio.SubprocessTransport", transport)

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        """Take in what the process wrote."""
        raw = data.encode() if isinstance(data, str) else data
        if fd == 1:
            self._take(raw)
        else:
            self._errors += raw
            self._errors_cut = self._errors_cut or len(self._errors) > _ERRORS_KEPT_BYTES
            del self._errors[:-_ERRORS_KEPT_BYTES]

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Note that the process closed its output."""
        if fd == 1:
            self.hang_up()

    def process_exited(self) -> None:
        """Note that the process is gone, though its children may not be."""
        self._exited.set()
        # A child that inherited the pipes can hold them open for ever.
        asyncio.get_running_loop().call_later(_SETTLE_S, self.hang_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the process is gone and every pipe is closed."""
        self._disconnected.set()

    async def read_line(self) -> bytes | None:
        """Return the next line of the process's output, without its end, or None when there are no more."""
        return await self._lines.get()

    def write_line(self, line: bytes) -> None:
        """Hand *line* to the process's input; it is dropped where the process no longer reads.

        It does not wait: a server that stops reading must not hold up the one who calls it. What piles up is bounded
        by the calls under way, each of which has a time limit.
        """
        stdin = self._stdin()
        if not stdin.is_closing():
            stdin.write(line + b"\n")

    def hang_up(self, reason: str | None = None) -> None:
        """Let there be no more lines. The first *reason* given is how it `ending` is told."""
        if not self.ended.is_set():
            self._reason = reason
            self.ended.set()
            self._lines.put_nowait(None)

    async def ending(self) -> str:
        """Say how it ended, to be read after the server's name: `exited with status 3`."""
        if self._reason is not None:
            return self._reason
        if not await _within(_SETTLE_S, self._exited):
            return "closed its standard output"
        status = self._transport.get_returncode() or 0
        return f"exited with status {status}" if status >= 0 else f"was ended by signal {-status}"

    def errors_tail(self, secrets: Iterable[str]) -> str:
        """Return the last lines of the standard error, at most 20 and 2000 characters, without *secrets*."""
        text = self._errors.decode("utf-8", "replace")
        if self._errors_cut:
            text = text.partition("\n")[2]
        text = _TERMINAL_CODES.sub("", redact(text, secrets)).strip()
        return "\n".join(text.splitlines()[-_TAIL_LINES:])[-_TAIL_LENGTH:]

    async def stop(self, patience_s: float = GRACE_S) -> None:
        """End the process and all of its group: by closing its input, after *patience_s* seconds by SIGTERM, then
        by SIGKILL. It takes a few seconds at most.
        """
        self.hang_up("was closed")
        try:
            self._stdin().close()
            if not await _within(patience_s, self._exited):
                self._signal_group(signal.SIGTERM)
                await _within(GRACE_S, self._exited)
            self._signal_group(signal.SIGTERM)
            await self._group_ends()
        finally:
            self._signal_group(getattr(signal, "SIGKILL", signal.SIGTERM))
            await self._group_ends()
            await _within(_SETTLE_S, self._exited)
            await _within(_SETTLE_S, self._disconnected)
            self._transport.close()

    def _stdin(self) -> asyncio.WriteTransport:
        return cast("asyncio.WriteTransport", self._transport.get_pipe_transport(0))

    async def _group_ends(self) -> None:
        """Give the process and its children a moment to be gone."""
        for _ in range(int(_SETTLE_S / _POLL_S)):
            self._signal_group(0)
            if self._group_gone:
                break
            await asyncio.sleep(_POLL_S)

    def _signal_group(self, number: int) -> None:
        """Send signal *number* (0: only look) to the process and its children, unless none is left."""
        if self._group_gone:
            return
        try:
            if sys.platform != "win32":
                # The group's id is the first process's; it stays taken as long as the group has members.
                os.killpg(self._transport.get_pid(), number)
            elif number:
                self._transport.terminate()
        except (ProcessLookupError, PermissionError):
            # Not permitted: on macOS, only zombies are left.
            self._group_gone = True

    def _take(self, data: bytes) -> None:
        if self.ended.is_set():
            return
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._lines.put_nowait(bytes(self._partial + line))
            self._partial.clear()
        self._partial += rest
        if len(self._partial) > LINE_LIMIT_BYTES:
            self.hang_up(f"wrote a line of more than {LINE_LIMIT_BYTES // 2**20} MiB")


def find_program(command: str, path: str | None) -> str:
    """Return what to execute for *command*: a bare name is looked up beside the running Python, then in *path*.

    So `python`, and what is installed with it, is found without activating its environment.

    Raises:
        FileNotFoundError: A bare name that is in neither place.
    """
    if os.path.dirname(command):
        return command
    beside = os.path.dirname(sys.executable)
    found = shutil.which(command, path=beside) or shutil.which(command, path=path)
    if found is None:
        raise FileNotFoundError(f"no program of this name beside the running Python or in PATH: {command!r}")
    return found


async def _within(seconds: float, event: asyncio.Event) -> bool:
    """Wait for *event*; return whether it happened within *seconds*."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
