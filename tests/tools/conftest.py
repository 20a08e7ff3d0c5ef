"""Tool servers as real processes, closed after each test."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from routebook.routing.tool_spec import ServerSpec
from routebook.tools.protocol import ServerSecrets
from routebook.tools.session import ToolServer

SERVERS = Path(__file__).parent / "servers"
MakeServer = Callable[..., ToolServer]


@pytest.fixture
async def make_server() -> AsyncIterator[MakeServer]:
    """Make a ToolServer for a script in `servers/`; what it started is gone after the test."""
    before = asyncio.all_tasks()
    made = []

    def make(script: str, *args: str, env: dict[str, str] | None = None, start_timeout_s: float = 10.0) -> ToolServer:
        command = (str(SERVERS / f"{script}.py"), *args)
        spec = ServerSpec(script, sys.executable, command, start_timeout_s=start_timeout_s)
        made.append(ToolServer(spec, ServerSecrets(env=env or {})))
        return made[-1]

    yield make
    for server in made:
        await server.close()
    assert asyncio.all_tasks() <= before | {asyncio.current_task()}
