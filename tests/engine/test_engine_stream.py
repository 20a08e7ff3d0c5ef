"""A run as a stream of events: their order, when they come, fallback, cancellation, and the same result as without."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import replace

import pytest

from routebook import (
    AttemptFailed,
    DeadlineError,
    Engine,
    EngineClosed,
    OutputError,
    ProviderError,
    ReasoningDelta,
    RequestError,
    RunFinished,
    RunStarted,
    TextDelta,
    ToolCallDelta,
    ToolCallRequested,
    ToolFinished,
    TurnStarted,
)
from routebook.engine.clients import Clients

FALLS_BACK = ["server_error", "connection", "malformed_response", "rate_limit"]


async def collect(engine, *asked, into=None):
    events = [] if into is None else into
    async for event in engine.stream(*asked):
        events.append(event)
    return events


def text_of(events):
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def kinds(events):
    return [event.type for event in events]


async def test_a_stream_begins_with_the_decision_and_ends_with_the_result(fake, wire, books, keys):
    provider = await fake(wire.stream("Good ", "morning."))

    async with Engine(books.table(books.over(provider.url)), environment=keys) as engine:
        events = await collect(engine, "chat", "hello")

    started, turn, one, two, finished = events
    assert isinstance(started, RunStarted)
    assert (turn, one, two) == (TurnStarted(1), TextDelta("Good "), TextDelta("morning."))
    assert isinstance(finished, RunFinished)
    assert (finished.result.text, finished.result.usage.input) == ("Good morning.", 100)
    assert (started.run_id, started.decision) == (finished.result.run_id, finished.result.decision)
    assert provider.requests[0].json["stream"] is True


async def test_the_events_come_while_the_answer_does(fake, wire, books, keys):
    go = asyncio.Event()
    provider = await fake(lambda _: asyncio.sleep(0, wire.dripping(wire.chunk("one"), go, wire.stream("two"))))

    async with Engine(books.table(books.over(provider.url)), environment=keys) as engine:
        seen = []
        async for event in engine.stream("chat", "hello"):
            seen.append(event)
            if event == TextDelta("one"):
                assert not go.is_set()
                go.set()

    assert TextDelta("one") in seen


async def test_a_streamed_run_gives_the_result_of_the_same_run_without(fake, wire, books, keys):
    provider = await fake([wire.stream("Good ", "morning."), wire.text("Good morning.")])
    table = books.table(books.over(provider.url))

    async with Engine(table, environment=keys) as engine:
        streamed = (await collect(engine, "chat", "hello"))[-1].result
        whole = await engine.run("chat", "hello")

    [attempt] = streamed.attempts
    assert 0 < attempt.first_token_s <= attempt.duration_s
    assert whole.attempts[0].first_token_s is None
    same = {"run_id": "", "attempts": (), "decision": whole.decision}
    assert replace(streamed, **same) == replace(whole, **same)


async def test_what_a_model_thinks_is_told_apart_from_what_it_says(books):
    book = books.scripted({"reply": {"reasoning": "hm", "text": "abcdef", "chunks": 3}})

    async with Engine(books.table(book), environment={}) as engine:
        events = await collect(engine, "chat", "x")

    assert events[2:-1] == [ReasoningDelta("hm"), TextDelta("ab"), TextDelta("cd"), TextDelta("ef")]


async def test_each_turn_and_each_tool_call_is_told_when_it_begins_and_ends(fake, wire, books, keys):
    provider = await fake([wire.streamed_calls(("c1", "tools__echo", '{"text": "hi"}')), wire.stream("done")])
    book = books.over(provider.url, tools={"servers": ["tools"]})
    book["mcp_servers"] = {"tools": books.tools()}

    async with Engine(books.table(book), environment=keys) as engine:
        events = await collect(engine, "chat", "go")

    assert kinds(events) == [
        "run_started",
        "turn_started",
        "tool_call_delta",
        "tool_call_requested",
        "tool_finished",
        "turn_started",
        "text_delta",
        "run_finished",
    ]
    assert events[2] == ToolCallDelta(0, "c1", "tools__echo", '{"text": "hi"}')
    result = events[-1].result
    assert events[3] == ToolCallRequested(result.tool_calls[0])
    assert events[4] == ToolFinished(result.tool_results[0])


async def test_the_fast_one_of_two_calls_is_finished_before_the_slow_one(fake, wire, books, keys):
    calls = [("c1", "tools__wait", '{"seconds": 0.4}'), ("c2", "tools__echo", '{"text": "hi"}')]
    provider = await fake([wire.streamed_calls(*calls), wire.stream("done")])
    book = books.over(provider.url, tools={"servers": ["tools"]})
    book["mcp_servers"] = {"tools": books.tools(parallel=4)}

    async with Engine(books.table(book), environment=keys) as engine:
        events = await collect(engine, "chat", "go")

    finished = [event.result.call_id for event in events if isinstance(event, ToolFinished)]
    assert finished == ["c2", "c1"]


async def test_a_call_that_is_refused_is_told_like_any_other(books):
    call = {"tool_calls": [{"name": "tools.echo", "arguments": {"text": "hi"}}]}
    book = books.scripted(
        {"when": {"turn": 1}, "reply": call},
        {"when": {"turn": 2}, "reply": {**call, "text": "so"}},
        tools={"servers": ["tools"], "max_turns": 1, "on_limit": "finish"},
    )
    book["mcp_servers"] = {"tools": books.tools()}

    async with Engine(books.table(book), environment={}) as engine:
        events = await collect(engine, "chat", "go")

    requested = [event.call.id for event in events if isinstance(event, ToolCallRequested)]
    finished = [event.result for event in events if isinstance(event, ToolFinished)]
    assert requested == [result.call_id for result in finished]
    assert tuple(finished) == events[-1].result.tool_results
    assert len(finished) == 2


async def test_a_stream_falls_back_before_its_first_content_and_says_so(fake, wire, books, keys):
    bad = await fake(wire.error(503, "closed"))
    cut = await fake(lambda _: asyncio.sleep(0, wire.dripping(b": ping\n\n")))
    good = await fake(wire.stream("here"))
    book = books.over(bad.url, cut.url, good.url)

    async with Engine(books.table(book), environment=keys) as engine:
        events = await collect(engine, "chat", "x")

    failed = [event.attempt for event in events if isinstance(event, AttemptFailed)]
    assert [(attempt.model, attempt.first_token_s) for attempt in failed] == [("m0", None), ("m1", None)]
    assert failed[0].kind == "server_error"
    assert text_of(events) == "here"
    assert events[-1].result.attempts[:2] == tuple(failed)


async def test_a_stream_that_breaks_after_its_first_content_falls_back_no_more(fake, wire, books, keys):
    cut = await fake(lambda _: asyncio.sleep(0, wire.dripping(wire.chunk("half"))))
    spare = await fake(wire.stream("whole"))
    events = []

    async with Engine(books.table(books.over(cut.url, spare.url)), environment=keys) as engine:
        with pytest.raises(ProviderError) as caught:
            await collect(engine, "chat", "x", into=events)

    assert caught.value.kind == "connection"
    assert kinds(events) == ["run_started", "turn_started", "text_delta", "attempt_failed"]
    [attempt] = caught.value.attempts
    assert attempt.first_token_s is not None
    assert spare.requests == []


async def test_a_later_turn_may_fall_back_though_an_earlier_one_was_seen(books):
    book = books.scripted(
        {"when": {"model": "actor", "turn": 1}, "reply": {"tool_calls": [{"name": "no.tool"}]}},
        {"when": {"model": "actor"}, "reply": {"error": {"status": 503}}},
        {"reply": {"text": "rescued"}},
        tools={"servers": ["tools"]},
        fallbacks=[{"model": "extra"}],
    )
    book["models"]["extra"] = {"provider": "stage", "capabilities": ["tools"]}
    book["mcp_servers"] = {"tools": books.tools()}

    async with Engine(books.table(book), environment={}) as engine:
        events = await collect(engine, "chat", "go")

    assert text_of(events) == "rescued"
    assert "attempt_failed" in kinds(events)


async def test_closing_a_stream_closes_its_connection_at_once_and_ends_the_run(fake, wire, books, keys, eventually):
    never = asyncio.Event()
    provider = await fake(lambda _: asyncio.sleep(0, wire.dripping(wire.chunk("one"), never)))

    async with Engine(books.table(books.over(provider.url)), environment=keys) as engine:
        async with aclosing(engine.stream("chat", "x")) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    break
        began = time.perf_counter()
        await eventually(lambda: provider.open == 0)
        assert time.perf_counter() - began < 1
        assert [task for task in asyncio.all_tasks() if task.get_name() == "routebook-run"] == []


async def test_cancelling_the_reader_of_a_stream_cancels_the_run(fake, wire, books, keys, eventually):
    never = asyncio.Event()
    provider = await fake(lambda _: asyncio.sleep(0, wire.dripping(wire.chunk("one"), never)))

    async with Engine(books.table(books.over(provider.url)), environment=keys) as engine:
        reading = asyncio.create_task(collect(engine, "chat", "x"))
        await provider.wait_for(1)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await eventually(lambda: provider.open == 0)


async def test_closing_the_engine_ends_a_stream_with_an_error(fake, wire, books, keys):
    never = asyncio.Event()
    provider = await fake(lambda _: asyncio.sleep(0, wire.dripping(wire.chunk("one"), never)))
    book = {**books.over(provider.url), "settings": {"drain": "50ms"}}

    async with Engine(books.table(book), environment=keys) as engine:
        reading = asyncio.create_task(collect(engine, "chat", "x"))
        await provider.wait_for(1)
        await engine.close()
        with pytest.raises(EngineClosed):
            await reading


async def test_a_deadline_ends_a_stream(fake, wire, books, keys):
    never = asyncio.Event()
    provider = await fake(lambda _: asyncio.sleep(0, wire.dripping(wire.chunk("one"), never)))
    events = []

    async with Engine(books.table(books.over(provider.url, deadline="200ms")), environment=keys) as engine:
        with pytest.raises(DeadlineError):
            await collect(engine, "chat", "x", into=events)

    assert text_of(events) == "one"


async def test_a_reader_that_rests_keeps_few_events_waiting(books):
    chunks = 1000
    book = books.scripted({"reply": {"text": "x" * chunks, "chunks": chunks}})

    async with Engine(books.table(book), environment={}) as engine:
        events = engine.stream("chat", "x")
        await anext(events)
        await asyncio.sleep(0.2)
        unfinished = [task for task in asyncio.all_tasks() if task.get_name() == "routebook-run"]
        rest = [event async for event in events]

    assert len(unfinished) == 1
    assert len(text_of(rest)) == chunks


async def test_a_stream_is_a_fact_that_rules_may_ask(books):
    book = books.scripted(
        {"when": {"model": "actor"}, "reply": {"text": "whole"}},
        {"reply": {"text": "streamed"}},
        rules=[{"name": "live", "when": {"stream": True}, "use": {"model": "extra"}}],
    )
    book["models"]["extra"] = {"provider": "stage", "capabilities": ["streaming"]}

    async with Engine(books.table(book), environment={}) as engine:
        assert (await engine.run("chat", "x")).text == "whole"
        assert text_of(await collect(engine, "chat", "x")) == "streamed"
        assert (await engine.run("chat", "x", on_event=lambda _: None)).text == "streamed"


async def test_an_output_by_tool_flows_as_the_call_that_carries_it(fake, wire, books, keys):
    provider = await fake(wire.streamed_calls(("c1", "answer", '{"n": 1}')))
    book = books.over(provider.url, output="answer")
    book["models"]["m0"]["capabilities"] = ["tools"]
    book["outputs"] = {"answer": {"schema": {"type": "object", "properties": {"n": {"type": "integer"}}}}}

    async with Engine(books.table(book), environment=keys) as engine:
        events = await collect(engine, "chat", "go")

    assert kinds(events)[2:] == ["tool_call_delta", "run_finished"]
    assert events[-1].result.output == {"n": 1}


async def test_a_repair_begins_a_new_turn_and_an_answer_that_stays_wrong_is_raised(books):
    book = books.scripted({"when": {"turn": 1}, "reply": {"text": "no"}}, {"reply": {"text": "nor this"}}, output="n")
    book["outputs"] = {"n": {"schema": {"type": "integer"}, "repair": {"attempts": 1}}}
    events = []

    async with Engine(books.table(book), environment={}) as engine:
        with pytest.raises(OutputError):
            await collect(engine, "chat", "x", into=events)

    assert kinds(events) == ["run_started", "turn_started", "text_delta", "turn_started", "text_delta"]


async def test_a_script_may_cut_a_stream_in_the_middle(books):
    book = books.scripted({"reply": {"text": "abcd", "chunks": 4, "cut": True}})
    events = []

    async with Engine(books.table(book), environment={}) as engine:
        with pytest.raises(ProviderError) as caught:
            await collect(engine, "chat", "x", into=events)

    assert (text_of(events), caught.value.kind) == ("ab", "connection")


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_listener_hears_what_a_stream_yields(fake, wire, books, keys, is_async):
    provider = await fake(wire.stream("Good ", "morning."))
    heard = []

    async def listen(event):
        await asyncio.sleep(0)
        heard.append(event)

    async with Engine(books.table(books.over(provider.url)), environment=keys) as engine:
        result = await engine.run("chat", "hello", on_event=listen if is_async else heard.append)

    assert kinds(heard) == ["run_started", "turn_started", "text_delta", "text_delta", "run_finished"]
    assert heard[-1] == RunFinished(result)


@pytest.mark.parametrize("listener", ["print", 0, []])
async def test_a_listener_that_is_no_function_is_refused_before_any_call(fake, wire, books, keys, listener):
    provider = await fake(wire.stream("ok"))

    async with Engine(books.table(books.over(provider.url)), environment=keys) as engine:
        with pytest.raises(RequestError, match="on_event must be a function, not") as caught:
            await engine.run("chat", "x", on_event=listener)

    assert (caught.value.field, provider.connections) == ("on_event", 0)


async def test_a_listener_that_raises_is_logged_and_ignored(books, caplog):
    def listen(event):
        raise ValueError("the host's mistake")

    async with Engine(books.table(books.scripted({"reply": {"text": "fine"}})), environment={}) as engine:
        result = await engine.run("chat", "x", on_event=listen)

    assert result.text == "fine"
    assert caplog.records[0].getMessage() == "on_event failed, which changes nothing"


async def test_mistakes_in_a_call_are_raised_before_any_event(books):
    async with Engine(books.table(books.scripted({"reply": {"text": "fine"}})), environment={}) as engine:
        with pytest.raises(RequestError):
            await anext(engine.stream("chat", []))
        with pytest.raises(RequestError):
            engine.stream("chat", "x", context="me")


async def test_every_event_is_plain_data_with_its_type(fake, wire, books, keys):
    provider = await fake([wire.error(503), wire.stream("x")])
    book = books.over(provider.url, provider.url)

    async with Engine(books.table(book), environment=keys) as engine:
        events = await collect(engine, "chat", "hello")

    assert kinds(events) == ["run_started", "turn_started", "attempt_failed", "text_delta", "run_finished"]
    assert [sorted(event.to_dict()) for event in events[:-1]] == [
        ["decision", "run_id"],
        ["turn"],
        ["attempt"],
        ["choice", "text"],
    ]
    assert events[-1].to_dict()["result"]["text"] == "x"


async def test_of_several_choices_every_one_is_in_the_result_and_the_first_is_the_message(fake, wire, books, keys):
    choices = [
        {"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        for index, text in enumerate(["one", "two"])
    ]
    provider = await fake(wire.http(200, {"choices": choices}))
    book = books.over(provider.url)
    book["models"]["m0"]["options"] = {"n": 2}

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "x")

    assert [choice.message.text for choice in result.choices] == ["one", "two"]
    assert result.choices[0].message == result.message
    assert [choice["finish_reason"] for choice in result.to_dict()["choices"]] == ["stop", "stop"]


class _WithoutEnd:
    """A client of another package whose stream just ends."""

    async def stream(self, request):
        yield TextDelta("No")


async def test_a_stream_that_ends_without_its_response_is_malformed(books, keys, monkeypatch):
    def lease(*_):
        return _WithoutEnd()

    monkeypatch.setattr(Clients, "lease", lease)
    async with Engine(books.table(books.over("http://127.0.0.1:1/v1")), environment=keys) as engine:
        with pytest.raises(ProviderError, match="without its response") as caught:
            _ = [event async for event in engine.stream("chat", "x")]
    assert caught.value.kind == "malformed_response"
