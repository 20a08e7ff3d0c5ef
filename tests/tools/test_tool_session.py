"""Tool servers as real processes: the good, and the many ways to be bad."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from routebook.canonical.part import ImagePart, TextPart
from routebook.errors import ToolError
from routebook.routing.tool_spec import ServerSpec
from routebook.tools.process import ServerProcess, find_program
from routebook.tools.protocol import ServerSecrets, ToolFailure
from routebook.tools.session import ToolServer, connection

SERVERS = Path(__file__).parent / "servers"


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat")
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


async def written(note: Path) -> None:
    """Wait until the server has written *note*."""
    async with asyncio.timeout(10):
        while not content(note):  # noqa: ASYNC110, another process writes it
            await asyncio.sleep(0.01)


def content(note: Path) -> str:
    return note.read_text() if note.exists() else ""


async def why_it_cannot_start(server: ToolServer) -> str:
    with pytest.raises(ToolError) as caught:
        await server.list_tools()
    return str(caught.value)


async def test_a_server_that_crashes_is_one_error_with_the_end_of_its_standard_error(make_server, tmp_path):
    note = tmp_path / "pid"
    server = make_server("crashes", env={"API_KEY": "sk-very-secret", "PID_FILE": str(note)})

    with pytest.raises(ToolError) as caught:
        await server.list_tools()

    message = str(caught.value)
    assert caught.value.tool == "crashes"
    assert message.startswith("tool server 'crashes' cannot start: ")
    assert " exited with status 3; its standard error ends with:\nline 21\n" in message
    assert message.endswith("key [redacted] is refused")
    assert "line 20\n" not in message
    assert not is_alive(int(note.read_text()))


async def test_a_silent_server_is_given_up_after_its_start_timeout_and_ended(make_server, tmp_path):
    note = tmp_path / "pid"
    began = time.monotonic()

    message = await why_it_cannot_start(make_server("silent", env={"PID_FILE": str(note)}, start_timeout_s=1))

    assert "spoke no MCP within 1 s; it wrote nothing to its standard error" in message
    assert time.monotonic() - began < 5
    assert not is_alive(int(note.read_text()))


async def test_a_server_that_speaks_something_else_is_quoted(make_server, tmp_path):
    note = tmp_path / "pid"

    message = await why_it_cannot_start(make_server("garbage", env={"PID_FILE": str(note)}, start_timeout_s=1))

    assert "spoke no MCP within 1 s; it wrote what is no MCP message: 'Welcome to the garbage server!'" in message
    assert not is_alive(int(note.read_text()))


async def test_a_server_that_never_lists_its_tools_is_told_from_one_that_never_speaks(make_server):
    message = await why_it_cannot_start(make_server("pages", "never", start_timeout_s=1))

    assert " listed no tools within 1 s" in message


async def test_a_server_that_greets_before_it_speaks_is_put_up_with(make_server):
    answer = await make_server("chatty").call("hello", {}, 5)

    assert answer.content == (TextPart("hello"),)


@pytest.mark.parametrize(
    ("command", "cwd", "problem"),
    [
        ("no-such-program", None, "no program of this name beside the running Python or in PATH: 'no-such-program'"),
        ("/no/such/program", None, "No such file or directory: '/no/such/program'"),
        (__file__, None, "Permission denied"),
        (sys.executable, "/no/such/folder", "No such file or directory: '/no/such/folder'"),
        ("/null\0byte", None, "null byte"),
    ],
)
async def test_a_command_that_cannot_be_run_is_named_with_the_reason(command, cwd, problem):
    server = ToolServer(ServerSpec("notes", command, cwd=cwd))

    message = await why_it_cannot_start(server)

    assert message.startswith("tool server 'notes' cannot start: ")
    assert problem in message
    await server.close()


async def test_those_who_wait_for_the_same_start_share_one_process(make_server):
    server = make_server("dies")

    answers = await asyncio.gather(server.list_tools(), *(server.call("pid", {}, 5) for _ in range(5)))

    assert len(set(answers[1:])) == 1


async def test_a_failed_start_answers_for_a_while_at_once_and_is_then_tried_again(make_server, monkeypatch, tmp_path):
    monkeypatch.setattr(connection, "FAILURE_KEPT_S", 1.0)
    note = tmp_path / "pid"
    server = make_server("silent", env={"PID_FILE": str(note)}, start_timeout_s=0.5)
    message = await why_it_cannot_start(server)
    first = note.read_text()
    began = time.monotonic()

    assert [await why_it_cannot_start(server) for _ in range(3)] == [message] * 3
    assert time.monotonic() - began < 0.3
    assert note.read_text() == first
    await asyncio.sleep(1)
    assert await why_it_cannot_start(server) == message
    assert note.read_text() != first


async def test_giving_up_waiting_for_a_start_does_not_stop_it_for_others(make_server):
    server = make_server("dies")
    impatient = asyncio.create_task(server.list_tools())
    patient = asyncio.create_task(server.list_tools())
    await asyncio.sleep(0)
    impatient.cancel()

    assert [tool.name for tool in await patient] == ["die", "pid"]
    assert impatient.cancelled()


async def test_a_server_gets_its_own_variables_and_a_few_harmless_ones_only(monkeypatch):
    monkeypatch.setenv("OTHER_SECRET", "hidden")
    code = "import os, sys; print(sorted(os.environ), file=sys.stderr)"
    server = ToolServer(ServerSpec("env", "python", ("-c", code)), ServerSecrets(env={"MINE": "1"}))

    message = await why_it_cannot_start(server)

    assert "'MINE'" in message
    assert "'PATH'" in message
    assert "OTHER_SECRET" not in message


def test_a_bare_command_is_looked_up_beside_the_running_python_first(tmp_path, monkeypatch):
    for folder in ("beside", "path"):
        (tmp_path / folder).mkdir()
        program = tmp_path / folder / "tool"
        program.touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "beside" / "python"))

    assert find_program("tool", str(tmp_path / "path")) == str(tmp_path / "beside" / "tool")
    (tmp_path / "beside" / "tool").unlink()
    assert find_program("tool", str(tmp_path / "path")) == str(tmp_path / "path" / "tool")
    assert find_program("./tool", None) == "./tool"


async def test_tools_come_from_every_page_in_the_servers_order(make_server):
    tools = await make_server("pages").list_tools()

    assert [(tool.server, tool.name, tool.description) for tool in tools] == [
        ("pages", "tool_1", "Number 1."),
        ("pages", "tool_2", "Number 2."),
        ("pages", "tool_3", "Number 3."),
    ]


async def test_a_list_that_comes_round_again_is_an_error(make_server):
    message = await why_it_cannot_start(make_server("pages", "again"))

    assert "speaks no MCP: its list of tools comes round to the same page again" in message


async def test_a_list_that_never_ends_is_an_error(make_server):
    assert "its list of tools has more than 100 pages" in await why_it_cannot_start(make_server("pages", "endless"))


async def test_bad_tools_do_not_cost_the_good_ones(make_server, caplog):
    tools = await make_server("pages", "bad").list_tools()

    assert [tool.name for tool in tools] == ["tool_1", "untyped", "schemaless", "tool_2", "tool_3"]
    assert tools[1].parameters["type"] == "object"
    assert sum("lists a tool that cannot be used" in message for message in caplog.messages) == 4


async def test_text_images_and_errors_are_what_the_server_says(make_server):
    server = make_server("odd")

    image = await server.call("image", {}, 5)
    failed = await server.call("failed", {}, 5)
    nothing = await server.call("nothing", {}, 5)

    assert image.content == (TextPart("a dot"), ImagePart(data="iVBORw0KGgo=", media_type="image/png"))
    assert not image.is_error
    assert (failed.content, failed.is_error) == ((TextPart("the shop is closed"),), True)
    assert nothing.content == ()


async def test_structure_is_shown_as_json_only_where_there_is_no_text(make_server):
    server = make_server("odd")

    alone = await server.call("structured", {}, 5)
    both = await server.call("both", {}, 5)

    assert alone.content == (TextPart('{"name":"Jürgen","age":7}'),)
    assert alone.structured == {"name": "Jürgen", "age": 7}
    assert both.content == (TextPart("seven"),)
    assert both.structured == {"value": 7}


async def test_a_result_that_breaks_the_tools_output_schema_is_kept(make_server):
    answer = await make_server("odd").call("mismatch", {}, 5)

    assert answer.content == (TextPart("seven"),)
    assert answer.structured == {"value": "seven"}


async def test_resources_become_text_and_sound_a_note(make_server):
    answer = await make_server("odd").call("resources", {}, 5)

    assert [part.text for part in answer.content] == [
        "file:///notes/1",
        "two",
        "[resource file:///notes/3: bytes, left out]",
        "[audio audio/wav: left out]",
    ]


async def test_arguments_arrive_as_they_were_given(make_server):
    answer = await make_server("odd").call("echo", {"a": None, "b": (1, {"c": "ü\n"})}, 5)

    assert answer.content == (TextPart(repr({"a": None, "b": [1, {"c": "ü\n"}]})),)


async def test_a_big_answer_arrives_whole(make_server):
    answer = await make_server("odd").call("huge", {}, 5)

    assert answer.content == (TextPart("ä" * 50_000),)


@pytest.mark.parametrize(
    ("tool", "sentence"),
    [
        ("refused", "odd.refused was refused by its server: not on a Sunday"),
        ("indiscreet", "odd.indiscreet was refused by its server: the key [redacted] is refused"),
        ("nonsense", "odd.nonsense answered with something that is no tool result"),
    ],
)
async def test_a_call_without_a_result_is_a_failure_in_words(make_server, tool, sentence):
    server = make_server("odd", env={"API_KEY": "sk-very-secret"})

    with pytest.raises(ToolFailure) as caught:
        await server.call(tool, {}, 5)

    assert str(caught.value) == sentence
    assert (await server.call("both", {}, 5)).content == (TextPart("seven"),)


async def test_a_server_that_dies_fails_its_calls_at_once_and_starts_anew_with_the_next(make_server):
    server = make_server("dies")
    first = await server.call("pid", {}, 5)

    failures = await asyncio.gather(*(server.call("die", {}, 30) for _ in range(3)), return_exceptions=True)
    again = await asyncio.gather(*(server.call("pid", {}, 5) for _ in range(3)))

    assert {str(failure) for failure in failures} == {
        "tool server 'dies' exited with status 7 during the call of dies.die; whether it took effect is unknown"
    }
    assert len(set(again)) == 1
    assert again[0] != first


async def test_an_error_out_of_the_protocols_package_is_logged_and_the_next_call_starts_anew(
    make_server, monkeypatch, caplog
):
    server = make_server("dies")
    first = await server.call("pid", {}, 5)

    async def broken(process: ServerProcess) -> bytes | None:
        raise KeyError("a mistake of the package")

    with monkeypatch.context() as patched:
        patched.setattr(ServerProcess, "read_line", broken)
        with pytest.raises(ToolFailure):
            await asyncio.gather(*(server.call("pid", {}, 1) for _ in range(2)))
        async with asyncio.timeout(10):
            while not caplog.records:  # noqa: ASYNC110, the life ends in a task of its own
                await asyncio.sleep(0.01)
    lives = [await server.call("pid", {}, 5) for _ in range(2)]

    assert lives[0] == lives[1] != first
    (record,) = caplog.records
    assert record.getMessage() == "tool server 'dies': its connection broke"
    assert "a mistake of the package" in caplog.text
    await server.close()


@pytest.mark.parametrize("name", ["mcp", "client"])
def test_what_the_package_logs_does_not_reach_a_terminal_without_logging(name):
    code = f"import logging, routebook.tools.session; logging.getLogger({name!r}).error('a traceback')"

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ended.stderr == ""


async def test_a_server_that_no_longer_starts_fails_the_call_with_the_reason(tmp_path):
    for script in ("raw.py", "dies.py"):
        shutil.copy(SERVERS / script, tmp_path)
    server = ToolServer(ServerSpec("dies", sys.executable, (str(tmp_path / "dies.py"),)))
    await server.list_tools()
    (tmp_path / "dies.py").unlink()
    with pytest.raises(ToolFailure):
        await server.call("die", {}, 5)

    with pytest.raises(ToolFailure, match=r"(?s)tool server 'dies' cannot start: .*can't open file"):
        await server.call("pid", {}, 5)

    await server.close()


async def test_a_server_that_reads_no_more_holds_up_nobody(make_server):
    server = make_server("deaf")
    await server.list_tools()

    outcomes = await asyncio.gather(
        *(server.call("any", {"text": "x" * 1_000_000}, 0.3) for _ in range(3)), return_exceptions=True
    )

    assert {str(outcome) for outcome in outcomes} == {"deaf.any did not answer within 0.3 s"}


async def test_a_slow_call_fails_at_its_timeout_is_cancelled_at_the_server_and_costs_no_other(make_server, tmp_path):
    server, slow, quick = make_server("slow"), tmp_path / "slow", tmp_path / "quick"
    await server.list_tools()

    other = asyncio.create_task(server.call("wait", {"seconds": 0.8, "note": str(quick)}, 5))
    with pytest.raises(ToolFailure) as caught:
        await server.call("wait", {"seconds": 30, "note": str(slow)}, 0.5)

    assert str(caught.value) == "slow.wait did not answer within 0.5 s"
    assert (await other).content == (TextPart("done"),)
    assert slow.read_text() == "cancelled"


async def test_cancelling_a_call_cancels_the_servers_work_and_keeps_the_server(make_server, tmp_path):
    server, note = make_server("slow"), tmp_path / "note"
    await server.list_tools()
    call = asyncio.create_task(server.call("wait", {"seconds": 30, "note": str(note)}, 30))
    await written(note)

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert (await server.call("wait", {"seconds": 0, "note": str(tmp_path / "next")}, 5)).content == (TextPart("done"),)
    assert note.read_text() == "cancelled"


async def test_closing_from_another_task_ends_the_process_and_the_calls_under_way(make_server, tmp_path):
    pid, note = tmp_path / "pid", tmp_path / "note"
    server = make_server("slow", env={"PID_FILE": str(pid)})
    await server.list_tools()
    call = asyncio.create_task(server.call("wait", {"seconds": 30, "note": str(note)}, 30))
    await written(note)

    await asyncio.gather(asyncio.create_task(server.close()), asyncio.create_task(server.close()))

    with pytest.raises(ToolFailure, match=r"tool server 'slow' was closed during the call of slow\.wait"):
        await call
    with pytest.raises(ToolError, match="tool server 'slow' was closed"):
        await server.list_tools()
    assert not is_alive(int(pid.read_text()))


async def test_closing_a_server_that_is_still_starting_ends_it(make_server, tmp_path):
    note = tmp_path / "pid"
    server = make_server("silent", env={"PID_FILE": str(note)})
    starting = asyncio.create_task(server.list_tools())
    await written(note)

    await server.close()

    with pytest.raises(ToolError, match="was closed"):
        await starting
    assert not is_alive(int(note.read_text()))


async def test_closing_a_server_that_never_started_is_nothing():
    server = ToolServer(ServerSpec("notes", "no-such-program"))

    await server.close()

    with pytest.raises(ToolError, match="tool server 'notes' was closed"):
        await server.list_tools()


@pytest.mark.parametrize("kind", ["plain", "stubborn"])
async def test_closing_ends_the_servers_children_too_within_a_few_seconds(make_server, tmp_path, kind):
    note = tmp_path / "pid"
    server = make_server("family", kind, env={"PID_FILE": str(note)})
    child = int((await server.call("child", {}, 5)).content[0].text)
    began = time.monotonic()

    await server.close()

    assert time.monotonic() - began < 6
    assert not is_alive(int(note.read_text()))
    assert not is_alive(child)


async def test_a_server_killed_from_outside_leaves_no_children(make_server, tmp_path):
    note = tmp_path / "pid"
    server = make_server("family", env={"PID_FILE": str(note)})
    child = int((await server.call("child", {}, 5)).content[0].text)

    call = asyncio.create_task(server.call("wait", {}, 30))
    await asyncio.sleep(0.05)

    os.kill(int(note.read_text()), 9)
    with pytest.raises(ToolFailure, match="was ended by signal 9"):
        await call

    await server.close()
    assert not is_alive(child)


def test_a_loop_that_ends_without_closing_ends_the_server(tmp_path):
    note = tmp_path / "pid"
    script = SERVERS / "dies.py"

    async def forgetful() -> None:
        await ToolServer(
            ServerSpec("dies", sys.executable, (str(script),)), ServerSecrets(env={"PID_FILE": str(note)})
        ).list_tools()

    asyncio.run(forgetful())

    assert not is_alive(int(note.read_text()))


async def test_a_server_takes_only_so_many_calls_at_once_over_all_who_call(tmp_path):
    spec = ServerSpec("slow", sys.executable, (str(SERVERS / "slow.py"),), parallel=1)
    server = ToolServer(spec)
    await server.list_tools()

    began = time.monotonic()
    await asyncio.gather(*(server.call("wait", {"seconds": 0.3, "note": str(tmp_path / "note")}, 5) for _ in range(3)))
    await server.close()

    assert time.monotonic() - began >= 0.9


async def test_a_servers_own_time_for_a_call_holds_where_it_is_the_shorter(tmp_path):
    server = ToolServer(ServerSpec("slow", sys.executable, (str(SERVERS / "slow.py"),), timeout_s=0.2))

    with pytest.raises(ToolFailure, match=r"did not answer within 0\.2 s"):
        await server.call("wait", {"seconds": 5, "note": str(tmp_path / "note")}, 30)
    await server.close()


async def test_a_server_that_asks_is_told_the_folders_it_may_work_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spec = ServerSpec("rooted", sys.executable, (str(SERVERS / "rooted.py"),), roots=("/srv/files", "notes"))
    server = ToolServer(spec)

    answer = await server.call("roots", {}, 5)
    await server.close()

    assert json.loads(answer.content[0].text) == [{"uri": "file:///srv/files"}, {"uri": f"file://{tmp_path}/notes"}]
