"""Tool servers that run elsewhere, reached over HTTP: real ones, in processes of their own."""

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from routebook.canonical.part import TextPart
from routebook.errors import ToolError
from routebook.routing.secret import SecretRef
from routebook.routing.tool_spec import OAuthSpec, ServerSpec
from routebook.tools.protocol import ServerSecrets, ToolFailure
from routebook.tools.session import ToolServer, connection

SCRIPT = Path(__file__).parent / "servers" / "remote.py"
TRANSPORTS = ("streamable-http", "sse")


class Elsewhere:
    """A listening server process that a test starts and ends."""

    def __init__(self, transport: str, token: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}{'/sse' if transport == 'sse' else '/mcp'}"
        self._command = (sys.executable, str(SCRIPT), transport, str(self.port), *([token] if token else []))
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(*self._command)
        async with asyncio.timeout(20):
            while not await self._listens():  # noqa: ASYNC110, another process
                await asyncio.sleep(0.05)

    async def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True


@pytest.fixture
async def elsewhere() -> AsyncIterator[Callable[..., Elsewhere]]:
    made: list[Elsewhere] = []

    def make(transport: str = "streamable-http", token: str = "") -> Elsewhere:
        made.append(Elsewhere(transport, token))
        return made[-1]

    yield make
    for one in made:
        await one.stop()


@pytest.fixture
async def reach() -> AsyncIterator[Callable[..., ToolServer]]:
    before = asyncio.all_tasks()
    made: list[ToolServer] = []

    def make(url: str, secrets: ServerSecrets | None = None, **spec) -> ToolServer:
        made.append(ToolServer(ServerSpec("far", url=url, **spec), secrets or ServerSecrets()))
        return made[-1]

    yield make
    for server in made:
        await server.close()
    assert asyncio.all_tasks() <= before | {asyncio.current_task()}


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_server_at_an_address_lists_its_tools_and_answers_calls(elsewhere, reach, transport):
    there = elsewhere(transport, "t-secret-token")
    await there.start()
    secrets = ServerSecrets(headers={"x-team": "search"}, token="t-secret-token")
    server = reach(there.url, secrets, transport=transport)

    tools = await server.list_tools()
    answers = await asyncio.gather(*(server.call("echo", {"text": str(n)}, 10) for n in range(5)))

    assert [tool.name for tool in tools] == ["echo", "wait", "seen"]
    assert [answer.content for answer in answers] == [(TextPart(str(n)),) for n in range(5)]
    assert (await server.call("seen", {}, 10)).content == (TextPart("search"),)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_server_that_refuses_the_token_is_told_by_its_status_and_the_token_is_not_shown(
    elsewhere, reach, transport
):
    there = elsewhere(transport, "t-right")
    await there.start()

    with pytest.raises(ToolError) as caught:
        await reach(there.url, ServerSecrets(token="t-wrong-token"), transport=transport).list_tools()

    assert str(caught.value).startswith(f"tool server 'far' cannot start: `{there.url}` ")
    assert "401" in str(caught.value)
    assert "t-wrong-token" not in str(caught.value)


async def test_a_client_gets_its_token_from_the_authorization_server(elsewhere, reach):
    there = elsewhere("streamable-http", "t-granted")
    await there.start()
    oauth = OAuthSpec("demo", SecretRef("env", "SECRET"), issuer=f"http://127.0.0.1:{there.port}", scopes=("files",))

    answer = await reach(there.url, ServerSecrets(client_secret="s3cret"), oauth=oauth).call("echo", {"text": "a"}, 10)
    with pytest.raises(ToolError, match="tool server 'far' cannot start: ") as caught:
        await reach(there.url, ServerSecrets(client_secret="wrong-secret"), oauth=oauth).list_tools()

    assert answer.content == (TextPart("a"),)
    assert "wrong-secret" not in str(caught.value)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_nobody_at_the_address_is_one_error(elsewhere, reach, transport):
    there = elsewhere(transport)

    with pytest.raises(ToolError, match=r"tool server 'far' cannot start: .* cannot be reached: "):
        await reach(there.url, transport=transport).list_tools()


async def test_an_address_that_never_answers_is_given_up_after_the_start_timeout(reach):
    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(swallow, "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        began = time.monotonic()
        server = reach(f"http://127.0.0.1:{port}/mcp", start_timeout_s=0.5)
        with pytest.raises(ToolError, match=r"spoke no MCP within 0\.5 s"):
            await server.list_tools()
        assert time.monotonic() - began < 5
        await server.close()


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_call_that_takes_too_long_is_given_up_and_the_next_one_is_answered(elsewhere, reach, transport):
    there = elsewhere(transport)
    await there.start()
    server = reach(there.url, transport=transport, timeout_s=0.3)

    with pytest.raises(ToolFailure, match=r"far\.wait did not answer within 0\.3 s"):
        await server.call("wait", {"seconds": 30}, 10)

    assert (await server.call("echo", {"text": "still here"}, 10)).content == (TextPart("still here"),)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_server_that_went_away_fails_the_call_and_is_reached_anew_by_the_next(
    elsewhere, reach, transport, monkeypatch
):
    monkeypatch.setattr(connection, "FAILURE_KEPT_S", 0.0)
    there = elsewhere(transport)
    await there.start()
    server = reach(there.url, transport=transport)
    await server.list_tools()
    waiting = asyncio.create_task(server.call("wait", {"seconds": 30}, 20))
    await asyncio.sleep(0.5)

    await there.stop()
    with pytest.raises(ToolFailure, match=r"during the call of far\.wait; whether it took effect is unknown"):
        await waiting
    await there.start()

    answers = [await _answer_or_failure(server) for _ in range(2)]
    assert answers[-1] == "back"


async def _answer_or_failure(server: ToolServer) -> str:
    try:
        return (await server.call("echo", {"text": "back"}, 10)).content[0].text
    except ToolFailure as failure:
        return str(failure)
