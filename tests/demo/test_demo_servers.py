"""The two demonstration servers, as the processes that a book starts."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator

import pytest

from routebook.routing.tool_spec import ServerSpec
from routebook.tools.session import ToolServer


@pytest.fixture
async def clock() -> AsyncIterator[ToolServer]:
    server = ToolServer(ServerSpec("clock", "python", ("-m", "routebook.demo.clock")))
    yield server
    await server.close()


@pytest.fixture
async def notebook() -> AsyncIterator[ToolServer]:
    server = ToolServer(ServerSpec("notebook", "python", ("-m", "routebook.demo.notebook")))
    yield server
    await server.close()


async def said(server: ToolServer, tool: str, **arguments: object) -> str:
    answer = await server.call(tool, arguments, 10)
    assert not answer.is_error, answer
    (part,) = answer.content
    return part.text


async def refused(server: ToolServer, tool: str, **arguments: object) -> str:
    answer = await server.call(tool, arguments, 10)
    assert answer.is_error
    return answer.content[0].text


async def test_the_clock_tells_the_time_in_a_zone(clock):
    assert [tool.name for tool in await clock.list_tools()] == ["now", "days_between"]
    assert re.fullmatch(
        r"\w+day, (\d{4}-\d\d-\d\d) (\d\d:\d\d) in Asia/Tokyo \(\1T\2:\d\d\+09:00\)",
        await said(clock, "now", zone="Asia/Tokyo"),
    )
    assert " in UTC (" in await said(clock, "now")
    assert "there is no time zone 'Mars/Base'; give a name such as UTC" in await refused(clock, "now", zone="Mars/Base")
    assert "there is no time zone '../etc'" in await refused(clock, "now", zone="../etc")


async def test_the_clock_counts_days(clock):
    assert await said(clock, "days_between", start="2026-11-21", end="2026-12-24") == (
        "33 days from 2026-11-21 to 2026-12-24"
    )
    assert await said(clock, "days_between", start="2026-11-21", end="2026-11-20") == (
        "-1 day from 2026-11-21 to 2026-11-20"
    )
    problem = await refused(clock, "days_between", start="tomorrow", end="2026-11-20")
    assert "'tomorrow' is no date; write it as YYYY-MM-DD" in problem


async def test_the_notebook_finds_and_reads_conversations(notebook):
    found = json.loads(await said(notebook, "search", query="promised", limit=2))

    assert found["total"] == 3
    assert len(found["matches"]) == 2
    assert all("promised" in match["excerpt"] for match in found["matches"])
    read = json.loads(await said(notebook, "read", conversation_id=found["matches"][0]["id"]))
    assert found["matches"][0]["excerpt"] in read["text"]
    assert json.loads(await said(notebook, "search", query="zeppelin")) == {"total": 0, "matches": []}
    assert "there is no conversation 'c-0'" in await refused(notebook, "read", conversation_id="c-0")


async def test_the_notebook_puts_the_best_match_first(notebook):
    found = json.loads(await said(notebook, "search", query="promised Thursday notes"))

    assert found["matches"][0]["title"] == "Weekly planning with Amara"


async def test_the_notebooks_folders_hold_every_conversation_once(notebook):
    folders = json.loads(await said(notebook, "list_folders"))["folders"]

    assert {folder["name"] for folder in folders} == {"Health", "Work", "Family", "Home", None}
    assert sum(folder["conversations"] for folder in folders) == 8


@pytest.mark.parametrize("name", ["clock", "notebook"])
def test_a_demonstration_server_ends_at_ctrl_c_without_a_traceback(name):
    with subprocess.Popen(
        [sys.executable, "-m", f"routebook.demo.{name}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        discover = {"jsonrpc": "2.0", "id": 1, "method": "nonsense"}
        process.stdin.write(json.dumps(discover).encode() + b"\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == 1

        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        output, errors = process.communicate(timeout=10)

    assert time.monotonic() - began < 5
    assert output == b""
    assert errors == b""


@pytest.mark.parametrize("name", ["clock", "notebook"])
def test_a_demonstration_server_ends_with_its_input_and_says_nothing_else(name):
    ended = subprocess.run([sys.executable, "-m", f"routebook.demo.{name}"], input=b"", capture_output=True, timeout=20)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
