"""The tool loop: a scripted model, and tool servers that are real processes."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from routebook import Engine, LimitError, Message, ToolCall, ToolError, ToolResult
from routebook.engine import toolbox as toolbox_module
from routebook.engine.pool import Leases, Pool
from routebook.engine.toolbox import open_toolbox
from routebook.engine.turn import options_of_turn

DONE = {"when": {"turn": 2}, "reply": {"text": "done"}}


def calls(*listed, **when):
    """An entry in which the model calls tools, each given as a name and its arguments."""
    tool_calls = [{"name": name, "arguments": arguments} for name, arguments in listed]
    return {"when": when, "reply": {"tool_calls": tool_calls}} if when else {"reply": {"tool_calls": tool_calls}}


@pytest.fixture
def tool_book(books):
    """A book whose feature `chat` plays *entries* with the tool server `plain`."""

    def make(*entries, tools=None, **server):
        settings = {"servers": ["plain"], **(tools or {})}
        return {**books.scripted(*entries, tools=settings), "mcp_servers": {"plain": books.tools(**server)}}

    return make


@pytest.fixture
def run(tool_book, books):
    """Run a feature that plays *entries* with the tool server `plain`."""

    async def once(*entries, tools=None, messages="go"):
        async with Engine(books.table(tool_book(*entries, tools=tools)), environment={}) as engine:
            return await engine.run("chat", messages)

    return once


def is_whole(messages) -> bool:
    """Whether each call has exactly one result, in the order of the calls, right after them; and ids are unique."""
    every_id = [call.id for message in messages for call in message.tool_calls]
    for index, message in enumerate(messages):
        asked = [call.id for call in message.tool_calls]
        given = [r.call_id for later in messages[index + 1 : index + 1 + len(asked)] for r in later.tool_results]
        if asked != given:
            return False
    results = sum(len(message.tool_results) for message in messages)
    return len(set(every_id)) == len(every_id) == results


async def test_a_model_calls_the_tools_of_two_servers_at_once_reads_their_results_and_answers(books):
    book = books.scripted(
        calls(
            ("clock.days_between", {"start": "2026-11-21", "end": "2026-11-24"}),
            ("plain.echo", {"text": "dentist"}),
            turn=1,
        ),
        {"when": {"tool_result": "clock.days_between"}, "reply": {"text": "Then: {{ tool_result.text }}."}},
        tools={"servers": ["clock", "plain"]},
    )
    book["mcp_servers"] = {
        "clock": {"command": sys.executable, "args": ["-m", "routebook.demo.clock"]},
        "plain": books.tools(),
    }

    async with Engine(books.table(book), environment={}) as engine:
        result = await engine.run("chat", "When is it?")

    assert result.text == "Then: 3 days from 2026-11-21 to 2026-11-24."
    assert (result.turns, result.finish_reason) == (2, "stop")
    assert [message.role for message in result.messages] == ["user", "assistant", "tool", "tool", "assistant"]
    assert is_whole(result.messages)
    assert [call.name for call in result.tool_calls] == ["clock__days_between", "plain__echo"]
    assert [(r.name, r.text, r.is_error) for r in result.tool_results] == [
        ("clock.days_between", "3 days from 2026-11-21 to 2026-11-24", False),
        ("plain.echo", "dentist", False),
    ]
    assert len(result.attempts) == 2
    json.dumps(result.to_dict())


async def test_calls_of_one_turn_run_at_the_same_time_and_with_parallel_1_one_after_the_other(run):
    two = calls(("plain.wait", {"seconds": 0.4}), ("plain.wait", {"seconds": 0.4}), turn=1)

    clock = time.perf_counter()
    together = await run(two, DONE)
    at_once = time.perf_counter() - clock
    apart = await run(two, DONE, tools={"parallel": 1})
    in_order = time.perf_counter() - clock - at_once

    assert together.text == apart.text == "done"
    assert at_once < in_order
    assert in_order > 0.8


async def test_the_model_is_shown_a_cut_result_and_the_whole_one_is_kept(run):
    result = await run(calls(("plain.long", {}), turn=1), DONE, tools={"result_limit": "1KiB"})

    [shown] = result.messages[2].tool_results
    [whole] = result.tool_results
    assert shown.truncated
    assert shown.text == "x" * 1024 + "\n[truncated: 1024 of 5000 bytes shown]"
    assert whole.text == "x" * 5000
    assert not whole.truncated


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ({"arguments": {}}, "this call names no tool"),
        ({"name": "plain.ecco"}, "there is no tool named 'plain.ecco'. Did you mean 'plain__echo'?"),
        ({"name": "plain.echo", "arguments": '{"text": '}, "the arguments of 'plain__echo' are no valid JSON"),
        ({"name": "plain.echo", "arguments": ["a"]}, "the arguments of 'plain__echo' are a list, not an object"),
        ({"name": "plain.echo", "arguments": {"text": 7}}, "/text: 7 is not of type 'string'"),
    ],
    ids=["no name", "unknown name", "broken JSON", "a list", "unfit"],
)
async def test_a_bad_call_is_answered_with_what_was_wrong_and_the_loop_goes_on(run, call, says):
    bad = {"when": {"turn": 1}, "reply": {"tool_calls": [call, {"name": "plain.echo", "arguments": {"text": "ok"}}]}}

    result = await run(bad, DONE)

    refused, answered = result.tool_results
    assert refused.is_error
    assert says in refused.text
    assert (answered.text, answered.is_error) == ("ok", False)
    assert result.text == "done"
    assert is_whole(result.messages)


async def test_ids_that_a_model_repeats_or_leaves_out_are_made_unique_over_the_whole_transcript(run):
    again = {"tool_calls": [{"name": "plain.echo", "arguments": {"text": t}, "id": "same"} for t in "ab"]}
    earlier = [
        {"role": "user", "content": "first"},
        Message("assistant", [ToolCall("same", "plain__echo", {"text": "0"})]),
        Message("tool", [ToolResult("same", "plain.echo", ())]),
        {"role": "user", "content": "go"},
    ]

    result = await run(
        {"when": {"turn": 1}, "reply": again},
        {"when": {"turn": 2}, "reply": again},
        {"reply": {"text": "done"}},
        messages=earlier,
    )

    assert is_whole(result.messages)
    assert [r.text for r in result.tool_results] == ["a", "b", "a", "b"]
    assert [r.call_id for r in result.tool_results] == [call.id for call in result.tool_calls]


async def test_after_the_last_turn_with_tools_the_model_is_asked_once_without(fake, wire, books, keys):
    provider = await fake([wire.calls(("c1", "plain__echo", '{"text": "a"}'))] * 2 + [wire.text("enough")])
    book = books.over(provider.url, tools={"servers": ["plain"], "max_turns": 2})
    book["mcp_servers"] = {"plain": books.tools()}

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "go")

    assert (result.text, result.finish_reason, result.turns) == ("enough", "max_turns", 3)
    assert [r.text for r in result.tool_results] == ["a", "a"]
    assert ["tools" in request.json for request in provider.requests] == [True, True, False]
    assert is_whole(result.messages)


async def test_a_model_that_still_calls_tools_when_it_has_none_is_answered_and_noted(run):
    result = await run(calls(("plain.echo", {"text": "a"})), tools={"max_turns": 1})

    assert (result.finish_reason, result.turns) == ("max_turns", 2)
    assert result.message.tool_calls
    assert [warning.code for warning in result.warnings] == ["tool_call_ignored"]
    assert [(r.name, r.is_error) for r in result.tool_results] == [("plain.echo", False), ("plain.echo", True)]
    assert is_whole(result.messages)


async def test_with_on_limit_fail_the_last_turn_is_an_error_with_what_there_was(run):
    with pytest.raises(LimitError, match="turn 2") as caught:
        await run(calls(("plain.echo", {"text": "a"})), tools={"max_turns": 2, "on_limit": "fail"})

    assert caught.value.limit == "turns"
    result = caught.value.result
    assert result.turns == 2
    assert [r.is_error for r in result.tool_results] == [False, True]
    assert is_whole(result.messages)


async def test_no_more_than_max_calls_are_sent_to_a_server(run):
    three = calls(("plain.echo", {"text": "a"}), ("plain.nothing", {}), ("plain.echo", {"text": "b"}))
    result = await run(three, three, tools={"max_calls": 3})

    sent = [r.text for r in result.tool_results if not r.is_error]
    assert sent == ["a", "b", "a"]
    assert result.finish_reason == "max_calls"
    assert "the limit of 3 tool calls" in result.tool_results[5].text
    assert is_whole(result.messages)


async def test_exactly_max_calls_is_no_limit_reached(run):
    result = await run(calls(("plain.echo", {"text": "a"}), turn=1), DONE, tools={"max_calls": 1, "on_limit": "fail"})

    assert (result.text, result.finish_reason) == ("done", "stop")


async def test_with_on_limit_fail_one_call_too_many_is_an_error(run):
    with pytest.raises(LimitError, match="1 tool call") as caught:
        await run(
            calls(("plain.echo", {"text": "a"}), ("plain.echo", {"text": "b"})),
            tools={"max_calls": 1, "on_limit": "fail"},
        )

    assert caught.value.limit == "calls"
    assert [r.is_error for r in caught.value.result.tool_results] == [False, True]
    assert is_whole(caught.value.result.messages)


async def test_the_calls_of_a_reply_that_was_cut_off_are_not_made(fake, wire, books, keys):
    cut = wire.calls(("c1", "plain__echo", '{"text": "a"}'), ("c2", "plain__echo", '{"te'), finish="length")
    provider = await fake([cut, wire.text("shorter")])
    book = books.over(provider.url, tools={"servers": ["plain"], "max_calls": 1, "on_limit": "fail"})
    book["mcp_servers"] = {"plain": books.tools()}

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "go")

    assert (result.text, result.finish_reason) == ("shorter", "stop")
    assert all(r.is_error and "cut off by its token limit" in r.text for r in result.tool_results)
    assert [r.name for r in result.tool_results] == ["plain.echo", "plain.echo"]
    assert is_whole(result.messages)


async def test_the_second_turn_is_on_the_wire_what_the_api_expects(fake, wire, books, keys):
    first = wire.calls(("c1", "plain__echo", '{"text": "ä"}'), ("c2", "", "[]"))
    provider = await fake([first, wire.text("done")])
    book = books.over(provider.url, tools={"servers": ["plain"], "allow": ["plain.echo"]})
    book["mcp_servers"] = {"plain": books.tools()}

    async with Engine(books.table(book), environment=keys) as engine:
        await engine.run("chat", [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "go"}])

    first, second = (request.json for request in provider.requests)
    assert [tool["function"]["name"] for tool in first["tools"]] == ["plain__echo"]
    assert first["tools"] == second["tools"]
    system, user, assistant, *results = second["messages"]
    assert (system, user) == ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "go"})
    assert assistant == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "plain__echo", "arguments": '{"text":"ä"}'}},
            {"id": "c2", "type": "function", "function": {"name": "unnamed_tool", "arguments": "{}"}},
        ],
    }
    assert results[0] == {"role": "tool", "tool_call_id": "c1", "content": "ä"}
    assert results[1]["tool_call_id"] == "c2"
    assert results[1]["content"].startswith("Error: this call names no tool")
    assert len(results) == 2


async def test_later_turns_begin_with_the_attempt_that_answered_the_one_before(fake, wire, books, keys):
    bad = await fake(wire.error(503))
    good = await fake([wire.calls(("c1", "plain__echo", '{"text": "a"}')), wire.text("done")])
    book = books.over(bad.url, good.url, tools={"servers": ["plain"]})
    book["mcp_servers"] = {"plain": books.tools()}

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "go")

    assert [(attempt.provider, attempt.kind) for attempt in result.attempts] == [
        ("p0", "server_error"),
        ("p1", None),
        ("p1", None),
    ]
    assert not any(attempt.retry for attempt in result.attempts)


async def test_a_required_server_that_cannot_start_is_one_error_before_any_model_call(
    fake, wire, books, keys, tmp_path, alive, eventually
):
    provider = await fake(wire.text("ok"))
    book = books.over(provider.url, tools={"servers": ["plain", "ledger"]})
    noted = {"env": {"PID_DIR": str(tmp_path)}}
    book["mcp_servers"] = {"plain": books.tools(**noted), "ledger": books.tools("fail", **noted)}

    async with Engine(books.table(book), environment=keys) as engine:
        with pytest.raises(ToolError, match="'ledger' cannot start") as caught:
            await engine.run("chat", "go")

    assert caught.value.tool == "ledger"
    assert "status 4" in str(caught.value)
    assert "cannot open the ledger" in str(caught.value)
    assert caught.value.result.attempts == ()
    assert provider.requests == []
    assert len(list(tmp_path.iterdir())) == 2
    await eventually(lambda: not alive(tmp_path))


@pytest.mark.parametrize(
    "server", [{"command": "no-such-program-anywhere"}, {"command": sys.executable, "env": {"TOKEN": {"env": "UNSET"}}}]
)
async def test_without_an_optional_server_the_run_goes_on_and_says_so(books, server):
    book = books.scripted({"reply": {"text": "done"}}, tools={"servers": ["gone"]})
    book["mcp_servers"] = {"gone": {**server, "required": False}}

    async with Engine(books.table(book), environment={}) as engine:
        result = await engine.run("chat", "go")

    [warning] = result.warnings
    assert (result.text, warning.code, warning.subject) == ("done", "tool_server_missing", "gone")
    assert "tool server 'gone' cannot start" in warning.message


async def test_an_unset_secret_of_a_required_server_is_told_by_the_variables_name(tool_book, books):
    book = tool_book({"reply": {"text": "done"}}, env={"LEDGER_TOKEN": {"env": "LEDGER"}})

    async with Engine(books.table(book), environment={}) as engine:
        with pytest.raises(ToolError, match="'plain' cannot start: environment variable LEDGER is not set"):
            await engine.run("chat", "go")


async def test_runs_of_one_engine_share_a_server_which_ends_with_the_engine(tool_book, books, tmp_path, alive):
    book = tool_book(calls(("plain.pid", {}), turn=1), DONE, env={"PID_DIR": str(tmp_path)})

    async with Engine(books.table(book), environment={}) as engine:
        pids = {(await engine.run("chat", "go")).tool_results[0].text for _ in range(3)}
        assert alive(tmp_path) == [int(pid) for pid in pids]

    assert alive(tmp_path) == []


async def test_a_later_run_with_the_same_tools_imports_nothing_and_names_no_tool_again(tool_book, books, monkeypatch):
    def again(*args):
        raise AssertionError("it was done before")

    async with Engine(books.table(tool_book({"reply": {"text": "done"}})), environment={}) as engine:
        await engine.run("chat", "go")
        monkeypatch.setattr(toolbox_module, "import_module", again)
        monkeypatch.setattr(toolbox_module, "build_catalog", again)
        assert (await engine.run("chat", "go")).text == "done"


async def test_a_call_that_needs_approval_is_answered_with_a_refusal_and_the_run_goes_on(run):
    result = await run(
        calls(("plain.echo", {"text": "a"}), ("plain.pid", {}), turn=1), DONE, tools={"approve": ["plain.e*"]}
    )

    refused, answered = result.tool_results
    assert (refused.is_error, answered.is_error) == (True, False)
    assert "needs approval" in refused.text
    assert result.text == "done"
    assert is_whole(result.messages)


async def test_the_fourth_equal_call_of_a_run_is_answered_with_a_note(run):
    same = calls(("plain.echo", {"text": "a"}), ("plain.echo", {"text": "a"}))

    result = await run({**same, "when": {"turn": 1}}, {**same, "when": {"turn": 2}}, {"reply": {"text": "done"}})

    assert [r.is_error for r in result.tool_results] == [False, False, False, True]
    assert "made 3 times before" in result.tool_results[3].text
    assert is_whole(result.messages)


async def test_with_on_error_fail_a_failed_tool_ends_the_run_with_what_there_was(run):
    failing = calls(("plain.wait", {"seconds": 9}), ("plain.echo", {"text": "a"}), turn=1)

    with pytest.raises(ToolError, match=r"tool 'plain.wait' failed: .* within 0.2 s") as caught:
        await run(failing, DONE, tools={"timeout": "200ms", "on_error": "fail"})

    assert caught.value.tool == "plain.wait"
    assert caught.value.call.name == "plain__wait"
    assert [r.is_error for r in caught.value.result.tool_results] == [True, False]
    assert is_whole(caught.value.result.messages)


async def test_what_is_odd_about_tools_is_known_to_their_toolbox(books):
    book = books.scripted(DONE, tools={"servers": ["pages", "plain"], "allow": ["pages.*", "plain.ecco"]})
    pages = Path(__file__).parents[1] / "tools" / "servers" / "pages.py"
    book["mcp_servers"] = {
        "pages": {"command": sys.executable, "args": [str(pages), "bad"]},
        "plain": books.tools(),
    }
    table, pool = books.table(book), Pool(8)

    with Leases() as leases:
        toolbox = await open_toolbox(table.features["chat"].tools, table, pool, {}, leases)
    await pool.close()

    codes = [(warning.code, warning.subject) for warning in toolbox.warnings]
    assert codes == [*[("tool_unusable", "pages")] * 4, ("tool_pattern_unused", "plain.ecco")]


def test_a_forced_tool_choice_holds_for_the_first_turn_only():
    for forced in ("required", "clock.now"):
        options = {"tool_choice": forced, "temperature": 0}
        assert options_of_turn(options, 1) == options
        assert options_of_turn(options, 2) == {"temperature": 0}
    for free in ({"tool_choice": "none"}, {"tool_choice": "auto"}, {}):
        assert options_of_turn(free, 2) == free
