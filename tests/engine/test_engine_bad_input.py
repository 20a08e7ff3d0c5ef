"""What a caller asks wrongly: one typed error that names the argument, before anybody is called, and with no secret."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from routebook import (
    Context,
    Engine,
    ImagePart,
    Message,
    ReasoningPart,
    RequestError,
    ResolveError,
    SyncEngine,
    TextPart,
    ToolCall,
    ToolResult,
)

KEY = "sk-caller-4d5e6f708192a3b4c5d6e7f8"
MINE = Context(credentials={"p0": KEY})
FOLDERS = {
    "type": "object",
    "properties": {
        "folders": {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "string"}}}},
        "language": {"type": "string"},
    },
    "required": ["folders"],
    "additionalProperties": False,
}
GOOD = {"folders": [{"id": "work"}]}
SAID = {"role": "user", "content": "hello"}
RESULT = ToolResult("call_9", "plain.echo", (TextPart("ä"),))


def user(*parts: Any) -> list[Message]:
    return [Message("user", parts)]


def assistant(*parts: Any) -> list[Message]:
    return [Message("assistant", parts)]


MESSAGES = [
    (None, "messages must be a string or a list with at least one message, not None"),
    (5, "not of type 'int'"),
    ([], "not an empty one"),
    (b"hello", "not of type 'bytes'"),
    ((text for text in ["hello"]), "not of type 'generator'"),
    (SAID, "not of type 'dict'"),
    ([5], "message 0 is neither a Message nor a mapping, but of type 'int'"),
    ([SAID, None], "message 1 is neither a Message nor a mapping, but None"),
    ([{"role": "x"}], "message 0 has the role 'x'; roles are system, developer, user, assistant, tool"),
    ([{"content": "no role"}], "message 0 has the role None; roles are"),
    ([Message("narrator", "once")], "message 0 has the role 'narrator'"),
    ([{"role": "user"}], "message 0 has no content"),
    ([Message("user", ())], "message 0 has no content"),
    ([{"role": "user", "content": [{"type": "video"}]}], "message 0 has a part of type 'video' that cannot be read"),
    ([{"role": "user", "content": [{"type": "refusal", "refusal": "no"}]}], "'user', which cannot hold a RefusalPart"),
    ([SAID, {"role": "tool", "tool_call_id": "call_9", "content": "ä"}], "answers the tool call 'call_9', which no"),
    ([SAID, Message("tool", [RESULT])], "message 1 answers the tool call 'call_9', which no message before it makes"),
    ([SAID, Message("tool", [TextPart("ä")])], "is of role 'tool', which cannot hold a TextPart"),
    (user(RESULT), "is of role 'user', which cannot hold a ToolResult"),
    (user(ReasoningPart("hm")), "is of role 'user', which cannot hold a ReasoningPart"),
    (user(5), "message 0 has a part of type 'int', which is no part"),
    (user(TextPart(5)), "message 0 has a text of type 'int' in its text; give text"),
    (user(ImagePart(data=b"png", media_type="image/png")), "has data of type 'bytes' in its image; give base64"),
    (user(ImagePart()), "message 0 has an image without a url, or data and media_type"),
    (user(ImagePart(data="iVBORw0KGgo=")), "message 0 has an image without a url, or data and media_type"),
    (assistant(ToolCall(5, "plain.echo", {})), "message 0 has an id of type 'int' in its tool_call; give text"),
    (assistant(ToolCall("c", "f", {"a": [KEY.encode()]})), "cannot be sent: arguments['a'][0] is of type 'bytes'"),
    (
        [*assistant(ToolCall("c", "f", {})), Message("tool", [ToolResult("c", "f", (RESULT,))])],
        "message 1 has a part of type 'ToolResult' in its tool result; results hold TextPart and ImagePart",
    ),
    (
        [{"role": "assistant", "content": "a", "reasoning_details": [{"a": KEY.encode()}]}],
        "message 0 has reasoning_details that are not JSON",
    ),
]
OPTIONS = [
    ([("temperature", 1)], "the caller's options must be a mapping, not of type 'list'"),
    ("temperature=1", "the caller's options must be a mapping, not of type 'str'"),
    ({5: 1}, "the caller's options have a name of type 'int'; names are text"),
    ({"temprature": 1}, "temprature: there is no such option; did you mean 'temperature'?"),
    ({"reasoning": {"efort": "low"}}, "reasoning.efort: there is no such option; did you mean 'effort'?"),
    ({"temperature": KEY}, "the caller's options do not fit: temperature: must be a number"),
    ({"temperature": 3}, "temperature: must be at most 2"),
    ({"temperature": float("nan")}, "temperature: expected a finite number"),
    ({"temperature": {"env": "P0_KEY"}}, "temperature: must be a value, since only route files refer to variables"),
    ({"reasoning": {"effort": "hihg"}}, "reasoning.effort: did you mean 'high'?"),
    ({"stop": "x"}, "does not let a caller set 'stop'; it may set: extra_body, reasoning, temperature, top_k"),
    ({"extra_headers": {"authorization": f"Bearer {KEY}"}}, "extra_headers: a header that carries a credential is no"),
    ({"top_k": 3}, "option 'top_k' is not carried by model 'm0' (api 'openai-chat')"),
    ({"extra_body": {"model": "other"}}, "option 'extra_body.model' is not carried"),
    ({"extra_body": {"a": [KEY.encode()]}}, "the caller's option extra_body['a'][0] is of type 'bytes'; give text, "),
]
MODELS = [
    ("m0", "feature 'chat' does not let a caller choose the model ('m0')"),
    ("nope", "feature 'chat' does not let a caller choose the model ('nope')"),
    ("", "does not let a caller choose the model"),
    (5, "model must be a model's name, not of type 'int'"),
    (["m0"], "model must be a model's name, not of type 'list'"),
]
CONTEXTS = [
    (5, "context must be a Context or a mapping of its fields, not of type 'int'"),
    (KEY, "context must be a Context or a mapping of its fields, not of type 'str'"),
    ([], "not of type 'list'"),
    ({5: 1}, "a context's fields must have text for their names"),
    ({"usr": "u1"}, "context has no field 'usr'; did you mean 'user'?"),
    ({"user": 5}, "context field 'user' must be text, not of type 'int'"),
    ({"credentials": KEY}, "must map providers' names to the caller's keys, not be of type 'str'"),
    (
        {"credentials": {"p0": f" {KEY}"}},
        "the caller's key for provider 'p0' is empty or has characters that no key has",
    ),
    ({"metadata": {"a": KEY.encode()}}, "context field 'metadata'['a'] is of type 'bytes'; give text, "),
]
INPUTS = [
    ([], "inputs must be a mapping, not of type 'list'"),
    ("folders", "inputs must be a mapping, not of type 'str'"),
    ({5: 1}, "inputs must have text for their names"),
    (None, "the inputs do not keep the `input` schema of feature 'chat': /: 'folders' is a required property"),
    ({"folders": "x"}, "/folders: 'x' is not of type 'array'"),
    ({"folders": [{"id": "a"}, {"id": 5}]}, "/folders/1/id: 5 is not of type 'string'"),
    ({"folders": [], "langauge": "en"}, "/: additional properties are not allowed ('langauge')"),
]
FEATURES = [
    (5, "feature must be the name of a feature, not of type 'int'"),
    (None, "feature must be the name of a feature, not None"),
    (["chat"], "feature must be the name of a feature, not of type 'list'"),
]
CASES = [
    *(({"messages": value}, "messages", says) for value, says in MESSAGES),
    *(({"options": value}, "options", says) for value, says in OPTIONS),
    *(({"model": value}, "override", says) for value, says in MODELS),
    ({"feature": "pinned", "model": "m0"}, "override", "feature 'pinned', which is pinned, does not let a caller"),
    ({"feature": "open", "model": "m1"}, "override", "model 'm1' is not one that a caller may choose"),
    ({"feature": "open", "model": "m9"}, "override", "model 'm9' is no model of the book"),
    *(({"context": value}, "context", says) for value, says in CONTEXTS),
    *(({"inputs": value}, "inputs", says) for value, says in INPUTS),
    ({"feature": "asks", "inputs": {}}, "inputs", "cannot be rendered with these inputs: line 1: 'name' is undefined"),
    ({"feature": "asks", "inputs": {"text": "x"}}, "inputs", "input 'text' is the message itself; pass it only once"),
    *(({"feature": value}, "feature", says) for value, says in FEATURES),
]
SINGLE_CASES = [
    *(({"options": value}, "options", says) for value, says in OPTIONS[:4]),
    (
        {"options": {"extra_body": {"a": 1}}},
        "options",
        "feature 'vectors' does not let a caller set 'extra_body'; it may",
    ),
    *(({"model": value}, "override", says.replace("chat", "vectors")) for value, says in MODELS),
    *(({"context": value}, "context", says) for value, says in CONTEXTS),
]
CONTENT = {
    "vectors": (
        "inputs",
        [
            (None, "inputs must be a list of texts"),
            ([], "at least one"),
            (["a", 5], "inputs[1] is no text"),
            (b"a", "is no text"),
            ([b"a"], "inputs[0] is no text"),
            ((text for text in "a"), "inputs must be a list of texts"),
        ],
    ),
    "picture": ("prompt", [(None, "prompt must be a string"), (" ", "says what to draw"), (["a"], "must be a string")]),
}


class House:
    """A provider that must hear nothing, and a book whose one tool server must not start."""

    def __init__(self, provider: Any, table: Any, keys: dict[str, str], started: Any) -> None:
        self.provider, self.table, self.keys, self.started = provider, table, keys, started

    def untouched(self) -> bool:
        return not self.provider.connections and not self.provider.requests and not list(self.started.iterdir())


@pytest.fixture
async def house(fake, wire, books, keys, tmp_path) -> House:
    provider = await fake(wire.text("ok"))
    asked = ["temperature", "reasoning", "top_k", "extra_body"]
    book = books.over(provider.url, provider.url, tools={"servers": ["plain"]}, caller_options=asked, input=FOLDERS)
    book["mcp_servers"] = {"plain": books.tools(env={"PID_DIR": str(tmp_path)})}
    book["models"] |= {
        "embeds": {"provider": "p0", "capabilities": ["embeddings"]},
        "draws": {"provider": "p0", "capabilities": ["image_output"]},
    }
    book["features"] |= {
        "pinned": {"pin": {"model": "m0"}},
        "open": {"use": {"model": "m0"}, "allow_override": ["m0"]},
        "asks": {"use": {"model": "m0"}, "prompt": {"user": "{{ name }} says: {{ text }}"}},
        "vectors": {"needs": ["embeddings"], "use": {"model": "embeds"}},
        "picture": {"needs": ["image_output"], "use": {"model": "draws"}},
    }
    return House(provider, books.table(book), keys, tmp_path)


async def to_end(events: Any) -> None:
    async for _ in events:
        pass


async def refusals(house: House, calls: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]]) -> dict[str, Any]:
    """Return what each of *calls*, by name a method with its arguments, raises from both kinds of engine."""
    raised: dict[str, Any] = {}

    def sync() -> None:
        with SyncEngine(house.table, environment=house.keys) as engine:
            for name, (method, positional, named) in calls.items():
                try:
                    done = getattr(engine, method)(*positional, **named)
                    raised[f"sync {name}"] = list(done) if method == "stream" else done
                except Exception as error:  # noqa: BLE001, what it is, the test says
                    raised[f"sync {name}"] = error

    async with Engine(house.table, environment=house.keys) as engine:
        for name, (method, positional, named) in calls.items():
            try:
                call = getattr(engine, method)(*positional, **named)
                raised[name] = await (to_end(call) if method == "stream" else call)
            except Exception as error:  # noqa: BLE001, what it is, the test says
                raised[name] = error
    await asyncio.to_thread(sync)
    return raised


def chat_calls(**arguments: Any) -> dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]]:
    inputs = GOOD if arguments.get("feature", "chat") == "chat" else {}
    asked = {"feature": "chat", "messages": "hello", "context": MINE, "inputs": inputs, **arguments}
    content = (asked.pop("feature"), asked.pop("messages"))
    return {
        "run": ("run", content, asked),
        "listened": ("run", content, {**asked, "on_event": lambda event: None}),
        "stream": ("stream", content, asked),
        "dump": ("dump", content, asked),
        "dump of a stream": ("dump", content, {**asked, "stream": True}),
    }


def assert_refused(raised: dict[str, Any], field: str, says: str) -> None:
    for name, error in raised.items():
        assert isinstance(error, RequestError), (name, error)
        assert (name, error.field) == (name, field)
        assert says in str(error), name
        assert KEY not in f"{error!r}{error.__cause__!r}", name
        assert error.result is None, name


@pytest.mark.parametrize(("arguments", "field", "says"), CASES)
async def test_a_chat_that_is_asked_wrongly_is_refused_by_its_argument_before_any_call(
    house, arguments: dict[str, Any], field: str, says: str
):
    raised = await refusals(house, chat_calls(**arguments))

    assert len(raised) == 10
    assert_refused(raised, field, says)
    assert house.untouched()


@pytest.mark.parametrize(("arguments", "field", "says"), SINGLE_CASES)
@pytest.mark.parametrize("feature", ["vectors", "picture"])
async def test_embeddings_and_images_that_are_asked_wrongly_are_refused_alike(
    house, feature: str, arguments: dict[str, Any], field: str, says: str
):
    asked, method = {"context": MINE, **arguments}, {"vectors": "embed", "picture": "generate_image"}[feature]
    raised = await refusals(
        house, {"call": (method, (feature, "hello"), asked), "dump": ("dump", (feature, "hello"), asked)}
    )

    assert len(raised) == 4
    assert_refused(raised, field, says.replace("vectors", feature))
    assert house.untouched()


@pytest.mark.parametrize(
    ("feature", "field", "content", "says"),
    [(feature, field, *case) for feature, (field, cases) in CONTENT.items() for case in cases],
)
async def test_what_is_no_text_to_embed_or_draw_is_refused_before_any_call(
    house, feature: str, field: str, content: Any, says: str
):
    method = {"vectors": "embed", "picture": "generate_image"}[feature]
    raised = await refusals(house, {"call": (method, (feature, content), {}), "dump": ("dump", (feature, content), {})})

    assert_refused(raised, field, says)
    assert house.untouched()


async def test_a_call_of_the_wrong_kind_is_refused_and_names_the_right_one(house):
    calls = {
        "call embed": [("run", "vectors"), ("stream", "vectors"), ("generate_image", "vectors")],
        "call generate_image": [("run", "picture"), ("stream", "picture"), ("embed", "picture")],
        "call run or stream": [("embed", "chat"), ("generate_image", "chat")],
    }

    for says, wrong in calls.items():
        raised = await refusals(house, {method: (method, (feature, "hello"), {}) for method, feature in wrong})
        assert_refused(raised, "feature", says)
    dumped = {"stream": {"stream": True}, "inputs": {"inputs": GOOD}}
    for field, asked in dumped.items():
        raised = await refusals(house, {"dump": ("dump", ("vectors", "hello"), asked)})
        assert_refused(raised, field, f"is of kind 'embeddings', which has no {field}")
    assert house.untouched()


@pytest.mark.parametrize(
    ("arguments", "kind", "near"),
    [
        ({"feature": "chta"}, "unknown_feature", ("chat",)),
        ({"feature": ""}, "unknown_feature", ()),
        ({"context": {"profile": "defualt"}}, "unknown_profile", ("default",)),
        ({"context": Context(profile="")}, "unknown_profile", ()),
        ({"context": {"credentials": {"p7": KEY}}}, "missing_credential", ("p0", "p1")),
    ],
)
async def test_names_that_the_book_has_not_are_told_with_near_ones(
    house, arguments: dict[str, Any], kind: str, near: Any
):
    for name, error in (await refusals(house, chat_calls(**arguments))).items():
        assert isinstance(error, ResolveError), (name, error)
        assert (name, error.kind, error.near) == (name, kind, near)
        assert KEY not in str(error)
    assert house.untouched()


async def listen_late(event: Any) -> None:
    """A listener that only an event loop can call."""


@pytest.mark.parametrize("listener", [5, "print", [], {}, object()])
async def test_a_listener_that_cannot_be_called_is_refused_before_any_call(house, listener: Any):
    raised = await refusals(house, {"run": ("run", ("chat", "hello"), {"inputs": GOOD, "on_event": listener})})

    assert_refused(raised, "on_event", "on_event must be a function, not ")
    assert house.untouched()


async def test_a_coroutine_function_listens_to_an_engine_and_not_to_a_sync_one(house):
    asked = {"on_event": listen_late}
    raised = await refusals(house, {"run": ("run", ("pinned", "hello"), asked)})

    assert raised["run"].text == "ok"
    assert_refused({"sync run": raised["sync run"]}, "on_event", "on_event must be a plain function here")
    assert len(house.provider.requests) == 1


@pytest.mark.parametrize(("listener", "says"), [(5, "a function, not int"), (listen_late, "a plain function: it is")])
def test_a_listener_to_reloads_that_could_never_be_told_is_refused_at_once(root, listener: Any, says: str):
    for kind in (Engine, SyncEngine):
        with pytest.raises(RequestError, match=says) as caught:
            kind(root, watch=True, on_reload=listener)
        assert caught.value.field == "on_reload"


async def test_a_mapping_of_its_fields_is_as_good_as_a_context(house):
    asked = {"context": {"credentials": {"p0": KEY}}}
    raised = await refusals(house, {"run": ("run", ("pinned", "hello"), asked)})

    assert [result.attempts[0].payer for result in raised.values()] == ["caller", "caller"]
    assert {request.headers["authorization"] for request in house.provider.requests} == {f"Bearer {KEY}"}
