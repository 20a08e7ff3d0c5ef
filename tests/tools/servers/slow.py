"""A server on the package's own server side, whose tool notes in a file how its wait ended."""

import asyncio
from pathlib import Path

from mcp.server import MCPServer
from raw import note_pid

server = MCPServer("slow", version="1", log_level="WARNING")


def write(note: str, text: str) -> None:
    Path(note).write_text(text)


@server.tool()
async def wait(seconds: float, note: str) -> str:
    """Wait."""
    write(note, "waiting")
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        write(note, "cancelled")
        raise
    write(note, "done")
    return "done"


note_pid()
server.run("stdio")
