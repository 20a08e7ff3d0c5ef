from __future__ import annotations

import asyncio
import time

import pytest

from routebook.canonical.chat import ChatRequest, ChatResponse
from routebook.canonical.event import ReasoningDelta, ResponseFinished, TextDelta, ToolCallDelta
from routebook.canonical.message import Message
from routebook.canonical.part import ReasoningPart, TextPart
from routebook.canonical.tool import ToolCall, ToolDefinition, ToolResult
from routebook.canonical.usage import Usage
from routebook.errors import ProviderError
from routebook.providers.protocol import ClientConfig
from routebook.providers.scripted import ScriptedClient, scripted_client
from routebook.routing.script import ScriptedCall, ScriptedFault, ScriptEntry, ScriptReply, ScriptWhen

CLOCK = ToolDefinition("clock__now", "clock.now", "The time.", {})
ANY = ScriptEntry(ScriptReply(text="any"))


def ask(text: str = "Dentist on Monday", *more: Message, **fields: object) -> ChatRequest:
    messages = (Message("system", "Be brief."), Message("user", text), *more)
    return ChatRequest(**{"model": "vendor/m-1", "messages": messages, "target": "luna", "feature": "f", **fields})


def result(name: str, text: str, **fields: object) -> Message:
    return Message("tool", [ToolResult("c1", name, (TextPart(text),), **fields)])


async def answer(reply: ScriptReply, request: ChatRequest | None = None, **when: object) -> ChatResponse:
    return await ScriptedClient((ScriptEntry(reply, ScriptWhen(**when)),)).complete(request or ask())


async def error_of(script: tuple[ScriptEntry, ...], request: ChatRequest | None = None) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await ScriptedClient(script, "stage").complete(request or ask())
    return caught.value


async def test_the_first_entry_that_matches_answers_and_later_ones_never():
    script = (
        ScriptEntry(ScriptReply(text="other"), ScriptWhen(feature="g")),
        ScriptEntry(ScriptReply(text="first"), ScriptWhen(feature="f")),
        ANY,
    )
    assert (await ScriptedClient(script).complete(ask())).message.text == "first"


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({}, True),
        ({"feature": "f"}, True),
        ({"feature": "g"}, False),
        ({"model": "luna"}, True),
        ({"model": "vendor/m-1"}, True),
        ({"model": "other"}, False),
        ({"turn": 1}, True),
        ({"turn": 2}, False),
        ({"contains": "Dentist"}, True),
        ({"contains": "dentist"}, False),
        ({"contains": "Be brief"}, False),
        ({"matches": r"on \w+day$"}, True),
        ({"matches": r"^on"}, False),
        ({"feature": "f", "contains": "Lawyer"}, False),
        ({"tool_result": "clock.now"}, False),
    ],
)
async def test_everything_that_an_entry_waits_for_must_hold(when: dict, holds: bool):
    script = (ScriptEntry(ScriptReply(text="special"), ScriptWhen(**when)), ANY)
    assert (await ScriptedClient(script).complete(ask())).message.text == ("special" if holds else "any")


async def test_contains_looks_at_the_last_user_message():
    request = ask("Dentist", Message("assistant", "ok"), Message("user", "Lawyer"))
    script = (ScriptEntry(ScriptReply(text="old"), ScriptWhen(contains="Dentist")), ANY)
    assert (await ScriptedClient(script).complete(request)).message.text == "any"


@pytest.mark.parametrize(
    ("more", "holds"),
    [
        ((result("clock.now", "noon"),), True),
        ((result("clock.now", "noon"), result("notes.read", "text")), True),
        ((result("notes.read", "text"),), False),
        ((result("clock.now", "noon"), Message("assistant", "so")), False),
        ((result("clock.now", "noon"), Message("user", "and?")), False),
    ],
)
async def test_a_tool_result_is_waited_for_among_those_that_end_the_conversation(more: tuple, holds: bool):
    script = (ScriptEntry(ScriptReply(text="special"), ScriptWhen(tool_result="clock.now")), ANY)
    assert (await ScriptedClient(script).complete(ask("x", *more))).message.text == ("special" if holds else "any")


async def test_a_template_has_the_result_that_its_entry_waits_for_even_if_it_is_not_the_last():
    request = ask("x", result("clock.now", "noon"), result("notes.read", "text"))
    reply = ScriptReply(text="It is {{ tool_result.text }}.")
    assert (await answer(reply, request, tool_result="clock.now")).message.text == "It is noon."
    assert (await answer(reply, request)).message.text == "It is text."


async def test_a_template_has_the_users_text_the_turn_and_the_feature_and_all_of_a_result():
    request = ask("hello", result("clock.now", "noon", structured={"h": 12}, is_error=True), turn=2)
    reply = ScriptReply(
        text="{{ text }} {{ turn }} {{ feature }} {{ tool_result.name }} {{ tool_result.structured.h }}"
        " {{ tool_result.is_error }}"
    )
    assert (await answer(reply, request)).message.text == "hello 2 f clock.now 12 True"


async def test_a_users_text_is_not_taken_for_a_template():
    assert (await answer(ScriptReply(text="{{ text }}"), ask("{{ turn }}"))).message.text == "{{ turn }}"


async def test_a_json_reply_is_text_with_the_templates_in_it_rendered():
    reply = ScriptReply(json={"folder": "{{ feature }}-é", "sure": 0.9, "tags": ["{{ turn }}", None]}, has_json=True)
    assert (await answer(reply)).message.text == '{"folder": "f-é", "sure": 0.9, "tags": ["1", null]}'


async def test_a_json_null_is_a_reply():
    assert (await answer(ScriptReply(has_json=True))).message.text == "null"


async def test_reasoning_comes_before_the_text():
    content = (await answer(ScriptReply(text="x", reasoning="hm"))).message.content
    assert content == (ReasoningPart("hm", api="scripted"), TextPart("x"))


async def test_calls_go_out_under_the_names_the_model_was_given_with_ids_of_their_own():
    calls = (
        ScriptedCall("clock.now", {"zone": "{{ text }}", "deep": [{"x": "{{ turn }}"}], "n": 1}),
        ScriptedCall("clock__now"),
        ScriptedCall("clock_now", id="given"),
        ScriptedCall(None),
    )
    response = await answer(ScriptReply(tool_calls=calls), ask("UTC", tools=(CLOCK,), turn=2))
    assert response.finish_reason == "tool_calls"
    assert response.message.tool_calls == (
        ToolCall("call_2_1", "clock__now", {"zone": "UTC", "deep": [{"x": "2"}], "n": 1}),
        ToolCall("call_2_2", "clock__now", {}),
        ToolCall("given", "clock_now", {}),
        ToolCall("call_2_4", None, {}),
    )


@pytest.mark.parametrize(
    ("arguments", "read", "raw"),
    [
        ("{broken", None, "{broken"),
        (("a", 1), None, '["a",1]'),
        (7, None, "7"),
        (None, {}, None),
        ("", {}, None),
        ('{"a": 1}', {"a": 1}, None),
    ],
)
async def test_arguments_that_are_no_mapping_are_read_as_a_models_are(arguments: object, read: object, raw: object):
    response = await answer(ScriptReply(tool_calls=(ScriptedCall("t", arguments),)))
    assert response.message.tool_calls == (ToolCall("call_1_1", "t", read, raw),)


async def test_usage_is_what_the_script_says_or_bytes_by_four_rounded_up():
    given = Usage(210, 18)
    assert (await answer(ScriptReply(text="x", usage=given))).usage == given
    request = ChatRequest("m", (Message("user", "äöü"), result("t", "abc")))
    assert (await answer(ScriptReply(text="12345"), request)).usage == Usage(input=3, output=2)


async def test_a_delay_is_waited_out_and_can_be_cancelled():
    began = time.monotonic()
    await answer(ScriptReply(text="x", delay=0.05))
    assert time.monotonic() - began >= 0.05
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(answer(ScriptReply(text="x", delay=30)), 0.05)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (ScriptedFault(), "server_error"),
        (ScriptedFault(status=429), "rate_limit"),
        (ScriptedFault(status=529), "overloaded"),
        (ScriptedFault(kind="quota_exceeded"), "quota_exceeded"),
        (ScriptedFault(status=429, kind="quota_exceeded"), "quota_exceeded"),
    ],
)
async def test_a_scripted_refusal_has_its_kind_else_what_its_status_says(fault: ScriptedFault, kind: str):
    error = await error_of((ScriptEntry(ScriptReply(error=fault)),))
    assert (error.kind, error.status, error.provider, error.model) == (kind, fault.status, "stage", "luna")


async def test_a_scripted_refusal_has_its_words_and_how_long_to_wait():
    fault = ScriptedFault(status=429, retry_after=2, message="Slow down")
    error = await error_of((ScriptEntry(ScriptReply(error=fault)),))
    assert (error.message, error.retry_after) == ("Slow down", 2)


async def test_a_request_that_no_entry_matches_is_an_error_that_shows_it():
    request = ask("Dentist " * 100, result("clock.now", "noon"), turn=3)
    error = await error_of((ScriptEntry(ScriptReply(text="x"), ScriptWhen(feature="g")),), request)
    assert error.kind == "bad_request"
    for shown in ("feature 'f'", "model 'luna'", "turn 3", "'Dentist Dentist", "'clock.now' 'noon'", "add an entry"):
        assert shown in error.message
    assert len(error.message) < 600


async def test_a_reply_that_does_not_render_is_an_error_with_the_reason():
    error = await error_of((ScriptEntry(ScriptReply(text="{{ tool_result.text }}")),))
    assert (error.kind, error.model) == ("bad_request", "luna")
    assert error.message == "the script's reply does not render: line 1: 'tool_result' is undefined"


async def test_a_client_keeps_nothing_of_what_it_was_asked():
    client = ScriptedClient((ANY,))
    before = repr(vars(client))
    await client.complete(ask("one"))
    assert repr(vars(client)) == before
    await client.close()


async def test_a_client_is_made_from_a_provider_that_has_a_script():
    client = scripted_client(ClientConfig("stage", script=(ScriptEntry(ScriptReply(error=ScriptedFault())),)))
    with pytest.raises(ProviderError) as caught:
        await client.complete(ask())
    assert caught.value.provider == "stage"


async def streamed(reply: ScriptReply, request: ChatRequest | None = None) -> list:
    return [event async for event in ScriptedClient((ScriptEntry(reply),)).stream(request or ask())]


@pytest.mark.parametrize(
    ("chunks", "pieces"),
    [(None, ["abcde"]), (1, ["abcde"]), (2, ["ab", "cde"]), (5, list("abcde")), (9, list("abcde"))],
)
async def test_a_streamed_text_comes_in_as_many_pieces_as_the_script_says(chunks: int | None, pieces: list):
    *deltas, finished = await streamed(ScriptReply(text="abcde", chunks=chunks))
    assert deltas == [TextDelta(piece) for piece in pieces]
    assert finished == ResponseFinished(await answer(ScriptReply(text="abcde")))


async def test_a_stream_thinks_speaks_and_calls_in_this_order():
    reply = ScriptReply(reasoning="hm", text="so", tool_calls=(ScriptedCall("clock.now", {"zone": "UTC"}),))
    *deltas, _ = await streamed(reply, ask(tools=(CLOCK,)))
    call = ToolCallDelta(0, "call_1_1", "clock__now", '{"zone": "UTC"}')
    assert deltas == [ReasoningDelta("hm"), TextDelta("so"), call]


@pytest.mark.parametrize(("chunks", "seen"), [(None, "ab"), (4, "ab"), (1, "")])
async def test_a_cut_stream_breaks_after_the_first_half_of_its_pieces(chunks: int | None, seen: str):
    came = []
    client = ScriptedClient((ScriptEntry(ScriptReply(text="abcd", chunks=chunks, cut=True)),), "stage")

    async def read() -> None:
        async for event in client.stream(ask()):
            came.append(event.text)  # noqa: PERF401, those before the break count

    with pytest.raises(ProviderError) as caught:
        await read()
    assert ("".join(came), caught.value.kind, caught.value.provider) == (seen, "connection", "stage")


async def test_a_cut_answer_never_comes_where_it_is_not_streamed():
    error = await error_of((ScriptEntry(ScriptReply(text="abcd", cut=True)),))
    assert error.kind == "connection"
