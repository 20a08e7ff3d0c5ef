"""How a model's tool calls are answered, the well made and the others."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from routebook.canonical.part import ImagePart, TextPart
from routebook.canonical.tool import ToolCall, ToolResult
from routebook.routing.tool_spec import ToolsSpec
from routebook.tools.call import answer_calls, cut_to
from routebook.tools.catalog import build_catalog
from routebook.tools.protocol import ServerTool, ToolAnswer, ToolFailure

ZONE = {
    "type": "object",
    "properties": {"zone": {"type": "string"}, "at": {"type": "integer"}},
    "required": ["zone"],
    "additionalProperties": False,
}


class EchoServer:
    """A server in this process: answers what *reply* gives, and remembers what it was asked."""

    def __init__(self, reply: Callable[[Mapping[str, Any]], Awaitable[ToolAnswer]] | None = None) -> None:
        self.asked: list[tuple[str, Mapping[str, Any], float]] = []
        self._reply = reply

    async def call(self, name: str, arguments: Mapping[str, Any], timeout_s: float) -> ToolAnswer:
        self.asked.append((name, arguments, timeout_s))
        if self._reply is not None:
            return await self._reply(arguments)
        return ToolAnswer((TextPart(f"{name} {dict(arguments)}"),), structured={"n": 1})


def call(name: str | None, arguments: Any = None, raw: str | None = None, call_id: str = "call_1") -> ToolCall:
    return ToolCall(call_id, name, arguments, raw)


async def answer(
    *calls: ToolCall,
    server: EchoServer,
    schema: Any = ZONE,
    most: int = 99,
    made: Counter[str] | None = None,
    **spec: Any,
):
    tools_spec = ToolsSpec(servers=("clock",), **spec)
    tools = [ServerTool("clock", "now", "", schema), ServerTool("clock", "any", "", {"type": "object"})]
    made = Counter() if made is None else made
    return await answer_calls(calls, build_catalog(tools, tools_spec), {"clock": server}, tools_spec, most, made)


async def test_a_call_reaches_its_server_and_comes_back_as_a_result():
    server = EchoServer()

    (answered,) = await answer(call("clock__now", {"zone": "UTC"}), server=server, timeout_s=7.0)

    assert server.asked == [("now", {"zone": "UTC"}, 7.0)]
    assert answered.sent
    assert answered.shown == answered.whole
    assert answered.shown == ToolResult(
        "call_1", "clock.now", (TextPart("now {'zone': 'UTC'}"),), is_error=False, structured={"n": 1}
    )


@pytest.mark.parametrize(
    ("made", "name", "sentence"),
    [
        (
            call(None, {}),
            "unnamed_tool",
            "this call names no tool, so nothing was called. The tools are: clock__now, clock__any.",
        ),
        (
            call("", {}),
            "unnamed_tool",
            "this call names no tool, so nothing was called. The tools are: clock__now, clock__any.",
        ),
        (
            call("clock.now", {}),
            "clock.now",
            "there is no tool named 'clock.now'. Did you mean 'clock__now'? The tools are: clock__now, clock__any.",
        ),
        (
            call("weather", {}),
            "weather",
            "there is no tool named 'weather'. The tools are: clock__now, clock__any.",
        ),
        (
            call("clock__now", raw='{"zone": "UTC"'),
            "clock.now",
            "the arguments of 'clock__now' are no valid JSON: Expecting ',' delimiter at line 1, column 15. "
            "Call it again with one JSON object that fits.",
        ),
        (
            call("clock__now", raw='["UTC"]'),
            "clock.now",
            "the arguments of 'clock__now' are a list, not an object. Call it again with one JSON object that fits.",
        ),
        (
            call("clock__now", raw="true"),
            "clock.now",
            "the arguments of 'clock__now' are a boolean, not an object. Call it again with one JSON object that fits.",
        ),
        (
            call("clock__now", raw='{"zone": NaN}'),
            "clock.now",
            "the arguments of 'clock__now' are no valid JSON: NaN is no JSON value. "
            "Call it again with one JSON object that fits.",
        ),
        (
            call("clock__now", {"at": "nine", "zon": 1}),
            "clock.now",
            "the arguments of 'clock__now' do not fit its parameters: /at: 'nine' is not of type 'integer'; "
            "'zone' is a required property; additional properties are not allowed ('zon'). "
            "Call it again with one JSON object that fits.",
        ),
    ],
)
async def test_a_call_that_cannot_be_made_is_answered_with_what_is_wrong_and_no_server_is_asked(made, name, sentence):
    server = EchoServer()

    (answered,) = await answer(made, server=server)

    assert server.asked == []
    assert not answered.sent
    assert answered.shown == answered.whole
    assert (answered.shown.name, answered.shown.is_error) == (name, True)
    assert answered.shown.text.removeprefix("Error: ") == sentence


async def test_a_denied_tool_is_as_unknown_as_one_that_never_was():
    server = EchoServer()

    (answered,) = await answer(call("clock__now", {"zone": "UTC"}), server=server, deny=("clock.now",))

    assert server.asked == []
    assert answered.shown.text.startswith("Error: there is no tool named 'clock__now'. ")
    assert answered.shown.text.endswith("The tools are: clock__any.")


async def test_without_any_tool_the_model_is_told_to_answer():
    (answered,) = await answer(call("clock__now", {}), server=EchoServer(), allow=())

    assert answered.shown.text.endswith("No tools are available: answer without one.")


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"zone": {"type": "nonsense"}}},
        {"type": "object", "properties": {"zone": {"$ref": "https://example.invalid/zone.json"}}},
        {"type": "object", "properties": {"zone": {"$ref": "#/$defs/absent"}}},
        {"type": "object", "properties": {"zone": {"pattern": "\\p{L}+("}}},
        {"type": "object", "$ref": "#"},
        {"type": "object", "properties": {"zone": {"pattern": "^(?=never)"}}},
        {"type": "object", "patternProperties": {"(?=z)": False}},
        {"type": "object", "patternProperties": {"^y": {}}, "unevaluatedProperties": False},
        {"type": "object", "properties": {"zone": {"pattern": "x" * 1001}}},
        {"$schema": 7, "type": "object", "required": ["x"]},
        {
            "$schema": "http://json-schema.org/draft-03/schema#",
            "type": "object",
            "properties": {"x": {"required": True}},
        },
    ],
)
async def test_a_schema_that_cannot_be_tested_here_is_left_to_the_server(schema):
    server = EchoServer()

    (answered,) = await answer(call("clock__now", {"zone": "UTC"}), server=server, schema=schema)

    assert answered.sent
    assert not answered.shown.is_error


async def test_a_schema_of_an_older_draft_is_read_by_its_own_rules():
    pair = {"type": "array", "items": [{"type": "string"}, {"type": "integer"}]}
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {"pair": pair},
    }

    (answered,) = await answer(call("clock__now", {"pair": ["a", "b"]}), server=EchoServer(), schema=schema)

    assert "/pair/1: 'b' is not of type 'integer'" in answered.shown.text


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"zone": {"pattern": "^(a+)+$"}}},
        {"patternProperties": {"^(a+)+$": {}}, "additionalProperties": {"pattern": "^(a+)+$"}},
        {"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"zone": {"pattern": "^(a+)+$"}}},
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "properties": {"zone": {"anyOf": [{"$ref": "#"}, {"pattern": "^(a+)+$"}]}},
            "pattern": "^(a+)+$",
        },
    ],
)
async def test_no_pattern_of_a_server_holds_up_the_event_loop(schema):
    began = time.perf_counter()

    (answered,) = await answer(call("clock__now", {"zone": f"{'a' * 28}!"}), server=EchoServer(), schema=schema)

    assert not answered.sent
    assert time.perf_counter() - began < 2


async def test_a_subschema_with_a_dialect_of_its_own_is_left_to_the_server():
    zone = {"$schema": "https://json-schema.org/draft/2020-12/schema", "pattern": "^(a+)+$"}
    schema = {"type": "object", "properties": {"zone": zone}}

    (answered,) = await answer(call("clock__now", {"zone": "b"}), server=EchoServer(), schema=schema)

    assert answered.sent


async def test_a_number_too_large_to_be_tested_is_left_to_the_server():
    schema = {"type": "object", "properties": {"n": {"multipleOf": 0.5}}}

    (answered,) = await answer(call("clock__now", {"n": 10**400}), server=EchoServer(), schema=schema)

    assert answered.sent


async def test_answers_keep_the_order_of_the_calls_whatever_ends_first():
    async def sooner_the_later(arguments: Mapping[str, Any]) -> ToolAnswer:
        await asyncio.sleep(0.02 * (4 - arguments["n"]))
        return ToolAnswer((TextPart(str(arguments["n"])),))

    calls = [call("clock__any", {"n": n}, call_id=f"c{n}") for n in range(4)]

    answered = await answer(*calls, call("nope", {}, call_id="c4"), server=EchoServer(sooner_the_later))

    assert [a.shown.call_id for a in answered] == ["c0", "c1", "c2", "c3", "c4"]
    assert [a.shown.text for a in answered[:4]] == ["0", "1", "2", "3"]


@pytest.mark.parametrize("parallel", [1, 2])
async def test_no_more_calls_than_allowed_are_under_way_at_once(parallel):
    under_way, most, order = 0, 0, []

    async def count(arguments: Mapping[str, Any]) -> ToolAnswer:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        order.append(arguments["n"])
        await asyncio.sleep(0.01)
        under_way -= 1
        return ToolAnswer(())

    await answer(*(call("clock__any", {"n": n}) for n in range(6)), server=EchoServer(count), parallel=parallel)

    assert most == parallel
    assert order == [0, 1, 2, 3, 4, 5]


async def test_one_calls_failure_is_no_other_calls():
    async def fail_the_second(arguments: Mapping[str, Any]) -> ToolAnswer:
        if arguments["n"] == 1:
            raise ToolFailure("clock.any did not answer within 30 s")
        await asyncio.sleep(0.01)
        return ToolAnswer((TextPart("fine"),))

    answered = await answer(*(call("clock__any", {"n": n}) for n in range(3)), server=EchoServer(fail_the_second))

    assert [a.shown.text for a in answered] == ["fine", "Error: clock.any did not answer within 30 s", "fine"]
    assert [a.shown.is_error for a in answered] == [False, True, False]
    assert all(a.sent for a in answered)


async def test_only_the_first_calls_are_sent_where_the_run_may_make_no_more():
    server = EchoServer()
    calls = [call("nope", {}), *(call("clock__any", {"n": n}) for n in range(3))]

    answered = await answer(*calls, server=server, most=2, max_calls=32)

    assert [arguments["n"] for _, arguments, _ in server.asked] == [0, 1]
    assert [a.sent for a in answered] == [False, True, True, False]
    assert [a.over_limit for a in answered] == [False, False, False, True]
    assert answered[3].shown.is_error
    assert "the limit of 32 tool calls is reached" in answered[3].shown.text


async def test_cancelling_cancels_every_call_under_way():
    cancelled = []

    async def wait(arguments: Mapping[str, Any]) -> ToolAnswer:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.append(arguments["n"])
            raise
        return ToolAnswer(())

    task = asyncio.create_task(answer(*(call("clock__any", {"n": n}) for n in range(2)), server=EchoServer(wait)))
    await asyncio.sleep(0.01)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(cancelled) == [0, 1]


async def test_what_the_model_is_shown_is_cut_and_the_whole_is_kept():
    async def huge(arguments: Mapping[str, Any]) -> ToolAnswer:
        return ToolAnswer((TextPart("x" * 70_000),), structured={"n": 1})

    (answered,) = await answer(call("clock__any", {}), server=EchoServer(huge), result_limit_bytes=12_345)

    assert answered.shown.text == "x" * 12_345 + "\n[truncated: 12345 of 70000 bytes shown]"
    assert answered.shown.truncated
    assert answered.whole.text == "x" * 70_000
    assert not answered.whole.truncated


def result(*parts: TextPart | ImagePart) -> ToolResult:
    return ToolResult("call_1", "clock.now", parts)


@pytest.mark.parametrize(
    ("limit", "parts", "shown"),
    [
        (6, ["abc", "def"], ["abc", "def"]),
        (5, ["abc", "def"], ["abc", "de\n[truncated: 5 of 6 bytes shown]"]),
        (3, ["abc", "def", "ghi"], ["abc", "[truncated: 3 of 9 bytes shown]"]),
        (3, ["ää"], ["ä\n[truncated: 2 of 4 bytes shown]"]),
        (4, ["ää"], ["ää"]),
        (3, ["🦊"], ["[truncated: 0 of 4 bytes shown]"]),
        (0, ["", "a"], ["", "[truncated: 0 of 1 bytes shown]"]),
        (2, ["\n\nabc"], ["\n\n\n[truncated: 2 of 5 bytes shown]"]),
    ],
)
def test_text_is_cut_between_characters_over_all_parts_together(limit, parts, shown):
    cut = cut_to(result(*map(TextPart, parts)), limit)

    assert [part.text for part in cut.content] == shown
    assert cut.truncated == (parts != shown)


def test_images_stay_where_text_is_cut():
    image = ImagePart(data="AAAA", media_type="image/png")

    cut = cut_to(result(TextPart("abc"), image, TextPart("def"), image), 1)

    assert cut.content == (TextPart("a\n[truncated: 1 of 6 bytes shown]"), image, image)


async def test_a_call_that_needs_approval_is_refused_where_nobody_can_give_it():
    server = EchoServer()

    asked, free = await answer(
        call("clock__now", {"zone": "UTC"}), call("clock__any", {}), server=server, approve=("clock.n*",)
    )

    assert server.asked == [("any", {}, 30.0)]
    assert (asked.sent, asked.shown.is_error, free.sent) == (False, True, True)
    assert asked.shown.text == (
        "Error: a call of 'clock__now' needs approval, and this run has nobody to give it. Do without it."
    )


async def test_an_equal_call_is_not_made_more_often_than_the_run_may():
    server, made = EchoServer(), Counter()
    equal = [call("clock__any", {"a": 1, "b": [2]}), call("clock__any", {"b": [2], "a": 1})]

    first = await answer(*equal, server=server, made=made, repeat_limit=3)
    later = await answer(*equal, call("clock__any", {"a": 1}), server=server, made=made, repeat_limit=3)

    assert [one.sent for one in (*first, *later)] == [True, True, True, False, True]
    assert later[1].shown.text == (
        "Error: this call was not made: it was made 3 times before, with these arguments. Use what you were answered."
    )
    assert len(server.asked) == 4


async def test_a_call_has_failed_if_there_was_no_answer_or_the_tool_says_so():
    async def fail(arguments: Mapping[str, Any]) -> ToolAnswer:
        if "lost" in arguments:
            raise ToolFailure("gone")
        return ToolAnswer((TextPart("no such day"),), is_error="bad" in arguments)

    answers = await answer(
        call("clock__any", {"lost": 1}),
        call("clock__any", {"bad": 1}),
        call("clock__any", {}),
        call("clock__nothing", {}),
        server=EchoServer(fail),
    )

    assert [one.failed for one in answers] == [True, True, False, False]
