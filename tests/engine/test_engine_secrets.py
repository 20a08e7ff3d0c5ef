"""Secrets: canaries planted everywhere show nowhere, on the good paths and on the bad."""

from __future__ import annotations

import json
import logging
import traceback

import pytest
from click.testing import CliRunner

from routebook import Context, Engine, RoutebookError
from routebook.cli.run import command
from routebook.telemetry.runlog import RunLog

CANARY = "canary-7f3a"
ENVIRONMENT = {
    "P0_KEY": f"sk-{CANARY}-platform",
    "P1_KEY": f"sk-{CANARY}-second",
    "GATE": f"{CANARY}-header",
    "LEDGER": f"{CANARY}-ledger",
}
CALLER = {"p0": f"sk-{CANARY}-caller", "p1": f"sk-{CANARY}-caller-2"}


def shown(thing) -> str:
    """All that a person can get to see of a result or an error, by way of its attributes too."""
    if isinstance(thing, BaseException):
        parts = [repr(thing), *traceback.format_exception(thing), repr(vars(thing))]
        return "\n".join([*parts, shown(thing.result)] if thing.result else parts)
    return f"{thing!r}{thing}{json.dumps(thing.to_dict())}"


def echoes_headers(wire, status):
    """A provider that puts every header it got into its answer, as some do."""

    async def answer(received):
        text = f"you sent {dict(received.headers)}"
        return wire.text("ok") if status == 200 else wire.error(status, text, f"x-request-id: {text}")

    return answer


def logged(caplog) -> str:
    """All that was logged, save what the HTTP library's own trace shows of the headers that it receives."""
    lines = [record.getMessage() for record in caplog.records]
    return "\n".join(line for line in lines if not line.startswith("receive_response_headers.complete"))


class Observed(logging.Handler):
    """What an engine tells its listeners: the records, and the lines that both kinds of loggers write of them."""

    def __init__(self) -> None:
        super().__init__()
        self.told = []
        self.lines = []
        logger = logging.Logger("alone")
        logger.addHandler(self)
        self.listeners = [self.told.append, RunLog(logger), RunLog(self)]

    def emit(self, record):
        self.lines.append(f"{self.format(record)} {vars(record)}")

    def info(self, event, **fields):
        self.lines.append(f"{event} {fields}")

    warning = info

    @property
    def types(self) -> set[str]:
        return {record.type for record in self.told}

    @property
    def text(self) -> str:
        assert len(self.lines) == 2 * len(self.told)
        return "\n".join([*(shown(record) for record in self.told), *self.lines])


@pytest.fixture
def observed():
    return Observed()


@pytest.mark.parametrize("status", [200, 400, 401, 403, 429, 500, "broken", "refused", "unset", "no server"])
@pytest.mark.parametrize("paid_by", ["platform", "caller"])
async def test_no_secret_shows_in_a_result_an_error_or_a_log(
    fake, wire, books, caplog, observed, status, paid_by, unused_tcp_port
):
    caplog.set_level(logging.DEBUG)
    provider = await fake(None if status == "broken" else echoes_headers(wire, status if status in range(999) else 200))
    url = f"http://127.0.0.1:{unused_tcp_port}/v1" if status == "refused" else provider.url
    book = books.over(url, url, provider={"headers": {"X-Gate-Key": {"env": "GATE"}}}, tools={"servers": ["ledger"]})
    ledger = books.tools(*(["fail"] if status == "no server" else []), env={"LEDGER_TOKEN": {"env": "LEDGER"}})
    book["mcp_servers"] = {"ledger": ledger}
    environment = {"LEDGER": ENVIRONMENT["LEDGER"]} if status == "unset" else ENVIRONMENT
    context = Context(credentials=CALLER) if paid_by == "caller" else Context()
    table = books.table(book)

    async with Engine(table, environment=environment, listeners=observed.listeners) as engine:
        try:
            outcome = await engine.run("chat", "hello", context=context)
        except RoutebookError as error:
            outcome = error
        seen = [shown(outcome), repr(engine), repr(engine.status), repr(table), repr(context), logged(caplog)]
    seen.append(observed.text)

    succeeded = status == 200 or (status == "unset" and paid_by == "caller")
    assert isinstance(outcome, RoutebookError) != succeeded
    assert [text for text in seen if CANARY in text] == []
    assert ("[redacted]" in seen[0]) == (status in {400, 401, 403, 429, 500, "no server"})
    assert ("[redacted]" in observed.text) == (status in {400, 401, 403, 429, 500})
    assert {"run"} <= observed.types
    assert caplog.records or status in {"unset", "no server"}


async def test_a_broken_edit_with_a_literal_secret_shows_it_neither_in_the_log_nor_in_the_status(
    books, tmp_path, caplog
):
    caplog.set_level(logging.DEBUG)
    root = books.write(tmp_path / "routes", books.scripted({"reply": {"text": "ok"}}))

    async with Engine(root) as engine:
        (root / "more.yaml").write_text(
            f"providers:\n  house: {{api: openai-chat, base_url: https://house.example.com, api_key: sk-{CANARY}}}\n"
        )
        diagnostics = await engine.reload()
        assert any(d.severity == "error" for d in diagnostics)
        assert CANARY not in repr(engine.status) + repr(diagnostics) + caplog.text

    assert "more.yaml:2" in caplog.text


ECHOING = ("x-request-id", "request-id", "retry-after", "x-ratelimit-reset", "x-ratelimit-limit-requests")
SSE = "content-type: text/event-stream"
SAID = {
    "openai-chat": [
        {"choices": [{"index": 0, "delta": {"content": "Well"}}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        "[DONE]",
    ],
    "anthropic": [
        {"type": "message_start", "message": {"role": "assistant", "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Well"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
        {"type": "message_stop"},
    ],
}
"""A good stream of each API, whose last two events end it."""


def sent(received) -> str:
    """What a provider got, on one line: the key is in it, after its scheme and alone, and so is the secret header."""
    return f"you sent {dict(received.headers)}, that is {' '.join(received.headers.values())}"


def key_of(received) -> str:
    return received.headers.get("x-api-key") or received.headers["authorization"].removeprefix("Bearer ")


def events(*datas) -> bytes:
    lines = [data if isinstance(data, str) else json.dumps(data) for data in datas]
    return "".join(f"data: {line}\n\n" for line in lines).encode()


def echoing_error(received) -> dict:
    echo = sent(received)
    raw = json.dumps({"error": {"message": echo, "code": key_of(received)}})
    metadata = {"raw": raw, "provider_name": key_of(received), "headers": {"retry-after": echo}}
    return {"type": key_of(received), "code": key_of(received), "message": echo, "param": echo, "metadata": metadata}


# What a provider says, by the API, where it puts all that it got into its answer.
REFUSALS = {
    "json": lambda wire, api, got: wire.http(401, {"type": "error", "error": echoing_error(got)}),
    "text": lambda wire, api, got: wire.http(500, sent(got).encode(), "content-type: text/plain"),
    "page": lambda wire, api, got: wire.http(403, f"<html><title>{sent(got)}</title>{sent(got)}</html>".encode()),
    "detail": lambda wire, api, got: wire.http(422, {"detail": [{"loc": ["header", key_of(got)], "msg": sent(got)}]}),
    "cut": lambda wire, api, got: wire.error(400, "x" * 490 + key_of(got)),
    "headers": lambda wire, api, got: wire.http(429, b"", *(f"{name}: {sent(got)}" for name in ECHOING)),
    "redirect": lambda wire, api, got: wire.http(302, b"", f"location: https://{key_of(got)}.example.com/{sent(got)}"),
    "success with an error": lambda wire, api, got: wire.http(200, {"type": "error", "error": echoing_error(got)}),
    "success of another shape": lambda wire, api, got: wire.http(200, {key_of(got): sent(got)}),
    "success with a page": lambda wire, api, got: wire.http(200, f"<html>{sent(got)}</html>".encode()),
    "event": lambda wire, api, got: wire.http(200, events({"type": "error", "error": echoing_error(got)}), SSE),
    "late event": lambda wire, api, got: wire.http(
        200, events(*SAID[api][:-2], {"type": "error", "error": echoing_error(got)}), SSE
    ),
    "broken event": lambda wire, api, got: wire.http(200, events(*SAID[api][:-2], "{" + sent(got)), SSE),
    "cut stream": lambda wire, api, got: wire.http(200, events(*SAID[api][:-2], sent(got))[:-1], SSE),
    "hangs up": lambda wire, api, got: None,
}
WAYS = {"openai-chat": ["run", "listened", "stream", "embed", "image"], "anthropic": ["run", "listened", "stream"]}


def every_kind(books, api, *urls) -> dict:
    """A book of two providers with a feature of each kind that *api* has."""
    gate = {"X-Gate-Key": {"env": "GATE"}}
    book = books.over(*urls, provider={"api": api, "headers": gate, "retry": {"attempts": 1}})
    kinds = {"index": "embeddings", "cover": "image_output"} if api == "openai-chat" else {}
    for feature, capability in kinds.items():
        book["models"] |= {f"{feature}{n}": {"provider": f"p{n}", "capabilities": [capability]} for n in (0, 1)}
        use, fallback = {"model": f"{feature}0"}, {"model": f"{feature}1"}
        book["features"][feature] = {"needs": [capability], "use": use, "fallbacks": [fallback]}
    return book


async def told_by(engine, way, context) -> list:
    """All that the engine tells of one call: results, events, and the error at last."""
    told = []
    try:
        if way == "stream":
            async for event in engine.stream("chat", "hello", context=context):
                told.append(event)  # noqa: PERF401, what came before an error counts
        elif way == "embed":
            told.append(await engine.embed("index", "hello", context=context))
        elif way == "image":
            told.append(await engine.generate_image("cover", "a box", context=context))
        else:
            on_event = told.append if way == "listened" else None
            told.append(await engine.run("chat", "hello", context=context, on_event=on_event))
    except RoutebookError as error:
        told.append(error)
    return told


@pytest.mark.parametrize("api", SAID)
@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("paid_by", ["platform", "caller"])
async def test_no_refusal_brings_a_secret_back_whatever_is_called(
    fake, wire, books, caplog, observed, api, refusal, paid_by
):
    caplog.set_level(logging.DEBUG)

    async def answer(received):
        return REFUSALS[refusal](wire, api, received)

    provider = await fake(answer)
    book = every_kind(books, api, provider.url, provider.url)
    context = Context(credentials=CALLER) if paid_by == "caller" else Context()

    async with Engine(books.table(book), environment=ENVIRONMENT, listeners=observed.listeners) as engine:
        told = {way: await told_by(engine, way, context) for way in WAYS[api]}

    seen = {way: "\n".join(map(shown, things)) for way, things in told.items()}
    assert [way for way, text in seen.items() if CANARY in text] == []
    assert CANARY not in logged(caplog)
    assert CANARY not in observed.text
    assert observed.types == {"run", "attempt"}
    assert all(isinstance(things[-1], RoutebookError) for things in told.values())
    assert all(CANARY in request.text for request in provider.requests)
    assert {"attempt_failed"} <= {event.type for event in told["stream"][:-1]}
    if refusal in {"json", "text", "page", "detail", "redirect", "success with an error", "event", "late event"}:
        assert "[redacted]" in seen["stream"]
        assert "[redacted]" in observed.text


@pytest.mark.parametrize("api", SAID)
@pytest.mark.parametrize("paid_by", ["platform", "caller"])
async def test_a_good_answer_shows_no_secret_though_its_headers_do(fake, wire, books, caplog, observed, api, paid_by):
    caplog.set_level(logging.DEBUG)

    async def answer(received):
        echo = [f"{name}: {sent(received)}" for name in ECHOING]
        body = json.loads(received.body)
        if "input" in body:
            return wire.http(200, {"data": [{"index": 0, "embedding": [0.5]}]}, *echo)
        if "prompt" in body:
            return wire.http(200, {"data": [{"b64_json": "iVBORw0KGgo="}]}, *echo)
        return wire.http(200, events(*SAID[api]), SSE, *echo) if body.get("stream") else whole(wire, api, *echo)

    provider = await fake(answer)
    context = Context(credentials=CALLER) if paid_by == "caller" else Context()
    table = books.table(every_kind(books, api, provider.url, provider.url))

    async with Engine(table, environment=ENVIRONMENT, listeners=observed.listeners) as engine:
        told = {way: await told_by(engine, way, context) for way in WAYS[api]}
        assert CANARY not in repr(engine) + repr(engine.status)

    assert [way for way, things in told.items() if isinstance(things[-1], RoutebookError)] == []
    assert [way for way, things in told.items() if CANARY in "\n".join(map(shown, things))] == []
    assert CANARY not in logged(caplog)
    assert CANARY not in observed.text
    assert observed.types == {"run", "turn", "attempt"}


def whole(wire, api, *headers):
    if api == "anthropic":
        message = {"type": "message", "role": "assistant", "stop_reason": "end_turn"}
        return wire.http(200, {**message, "content": [{"type": "text", "text": "Well"}]}, *headers)
    choice = {"message": {"role": "assistant", "content": "Well"}, "finish_reason": "stop"}
    return wire.http(200, {"choices": [choice]}, *headers)


@pytest.mark.parametrize("api", SAID)
async def test_the_log_at_info_tells_of_a_shadow_without_its_providers_secrets(
    fake, wire, books, caplog, observed, eventually, api
):
    caplog.set_level(logging.INFO)

    async def answer(received):
        return wire.http(401, {"error": echoing_error(received)}, f"request-id: {sent(received)}")

    good, shadow = await fake(whole(wire, api)), await fake(answer)
    book = books.over(good.url, shadow.url, provider={"api": api, "headers": {"X-Gate-Key": {"env": "GATE"}}})
    del book["features"]["chat"]["fallbacks"]
    book["features"]["chat"]["shadow"] = {"model": "m1", "percent": 100}

    async with Engine(books.table(book), environment=ENVIRONMENT, listeners=observed.listeners) as engine:
        await engine.run("chat", "hello")
        await eventually(lambda: "shadow of" in caplog.text)

    [loaded, line] = [record.getMessage() for record in caplog.records if record.name == "routebook"]
    assert loaded.startswith("loaded ")
    assert "[redacted]" in line
    assert CANARY not in caplog.text
    assert CANARY not in observed.text
    assert any("[redacted]" in shown(record) for record in observed.told if getattr(record, "shadow", False))


@pytest.mark.parametrize("api", SAID)
@pytest.mark.parametrize("paid_by", ["platform", "caller"])
@pytest.mark.parametrize("more", [[], ["--json"], ["--stream"]])
def test_no_dump_shows_a_secret_as_text_or_as_json(books, tmp_path, api, paid_by, more):
    root = books.write(tmp_path / "routes", every_kind(books, api, "http://127.0.0.1:1", "http://127.0.0.1:2"))
    variables = {**ENVIRONMENT, "MINE": CALLER["p0"]}
    keys = ["--key", "p0=MINE"] if paid_by == "caller" else []
    said = f"my keys are {' and '.join(variables[name] for name in ('P0_KEY', 'GATE', 'MINE')[: 2 + len(keys)])}"

    done = CliRunner().invoke(
        command, ["chat", "--routes", str(root), "--message", said, "--dump", *keys, *more], env=variables
    )

    assert done.exit_code == 0, done.output
    assert "my keys are [redacted] and [redacted]" in done.output
    assert CANARY not in done.output + done.stderr


@pytest.mark.parametrize("paid_by", ["platform", "caller"])
@pytest.mark.parametrize("feature", ["index", "cover"])
async def test_no_dump_of_texts_and_images_shows_a_secret(books, feature, paid_by):
    book = every_kind(books, "openai-chat", "http://127.0.0.1:1", "http://127.0.0.1:2")
    context = Context(credentials=CALLER) if paid_by == "caller" else Context()

    async with Engine(books.table(book), environment=ENVIRONMENT) as engine:
        key = CALLER["p0"] if paid_by == "caller" else ENVIRONMENT["P0_KEY"]
        dumped = await engine.dump(feature, f"my key is {key}", context=context)

    assert "my key is [redacted]" in dumped.body
    assert CANARY not in shown(dumped)
