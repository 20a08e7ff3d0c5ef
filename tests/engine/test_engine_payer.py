"""Who pays: in a run with a caller's keys no platform key leaves the house, and no caller's key goes anywhere else.

Every kind of failure is driven through features of every kind, over every API, with retries, fallbacks to a provider
that the caller has a key for and to one that he has none for, and a shadow. The fake providers' logs tell.
"""

from __future__ import annotations

import asyncio
import random
import re
from typing import get_args

import pytest
from wire_apis import APIS, KINDS_ON_THE_WIRE

from routebook import Context, Engine, ProviderError
from routebook.errors import FaultKind

EVERY_KIND = list(get_args(FaultKind))
CALLERS_OWN = {"authentication", "permission_denied"}
RETRIED = {"rate_limit", "overloaded", "timeout", "connection", "server_error"}
PLATFORM = {f"P{number}_KEY": f"sk-platform-{number}" for number in range(4)} | {
    "GATE": "platform-gate-pass",
    "AWS_ACCESS_KEY_ID": "platform-aws-id",
    "AWS_SECRET_ACCESS_KEY": "platform-aws-secret",
    "AWS_SESSION_TOKEN": "platform-aws-session",
    "AWS_BEARER_TOKEN_BEDROCK": "platform-aws-bearer",
    **{f"{name}_API_KEY": f"platform-{name}" for name in ("OPENAI", "ANTHROPIC", "GEMINI", "GOOGLE")},
}
NONSENSE = "no JSON at all"
ANSWER = {"noon": True}
SHAPE = {"schema": {"type": "object", "required": ["noon"]}, "strategy": "prompt", "repair": {"attempts": 1}}
WAYS = {
    "openai-chat": ["run", "stream", "tools", "repair", "embed", "image"],
    "openai-responses": ["run", "stream", "tools", "repair"],
    "anthropic": ["run", "stream", "tools", "repair"],
    "gemini": ["run", "stream", "tools", "repair", "embed", "image"],
    "bedrock": ["run", "stream", "tools", "repair", "embed"],
    "litellm": ["run", "stream", "tools", "repair", "embed"],
}
SAID_OTHERWISE = {("litellm", "stream", "malformed_response"): "connection"}
"""To the library, a stream without an event has broken off."""


def credentials_of(who: str) -> dict[str, str]:
    """The keys of a caller: he has one for the first provider and for the third, and none for the others."""
    return {"p0": f"sk-{who}-0", "p2": f"sk-{who}-2"}


def book_of(books, api, *urls, limits=None, tries=2, breaker=None):
    """Four providers: the first, the one the caller has no key for, the one he has, and the shadow's."""
    provider = {
        "api": api,
        "headers": {"X-Gate-Key": {"env": "GATE"}, "X-Title": "Demo"},
        "retry": {"attempts": tries, "backoff": "1ms"},
        "breaker": breaker or {"failures": 1000},
        **({"region": "eu-central-1"} if api == "bedrock" else {}),
    }
    book = books.over(*urls, provider=provider)
    book["providers"]["p0"] |= {"limits": limits} if limits else {}
    targets = {}
    kinds = {"chat": "tools", "embed": "embeddings", "image": "image_output"}
    for kind, capability in kinds.items():
        if kind != "chat" and kind not in WAYS[api]:
            continue
        for number in range(4):
            model = {"provider": f"p{number}", "id": APIS[api].model, "capabilities": [capability]}
            book["models"][f"{kind}{number}"] = model
        fallbacks = [{"model": f"{kind}{number}", "on": EVERY_KIND} for number in (1, 2)]
        shadow = {"model": f"{kind}3", "percent": 100}
        targets[kind] = {"use": {"model": f"{kind}0"}, "fallbacks": fallbacks, "shadow": shadow}
    book["mcp_servers"] = {"plain": books.tools()}
    book["outputs"] = {"shape": SHAPE}
    book["features"] = {
        "run": targets["chat"],
        "stream": targets["chat"],
        "tools": {**targets["chat"], "tools": {"servers": ["plain"]}},
        "repair": {**targets["chat"], "output": "shape"},
    }
    for kind in targets.keys() - {"chat"}:
        book["features"][kind] = {**targets[kind], "needs": [kinds[kind]]}
    return book


async def ask(engine, way, context=None, said="hello"):
    """Make a call of one kind; return its result."""
    if way == "stream":
        return [event async for event in engine.stream("stream", said, context=context)][-1].result
    if way == "embed":
        return await engine.embed("embed", said, context=context)
    if way == "image":
        return await engine.generate_image("image", said, context=context)
    return await engine.run(way, said, context=context)


def good(wire_api, way):
    """What a provider answers that is well."""
    answers = {"stream": wire_api.streamed, "embed": wire_api.embedded, "image": wire_api.drawn}
    if way in answers:
        return answers[way]()
    return wire_api.said('{"noon": true}')


def failing(wire_api, way, refusal):
    """A provider that fails; in a run of several turns only with the second, when the first was good."""

    async def answer(received):
        if way == "tools" and "dentist" not in received.text:
            return wire_api.called("dentist")
        if way == "repair" and NONSENSE not in received.text:
            return wire_api.said(NONSENSE)
        return refusal

    return answer


def check_callers_requests(wire_api, providers, who):
    """No request shows anything of the platform's, and each has the key that the caller has for its provider."""
    first, uncovered, last, shadow = providers
    assert (uncovered.connections, shadow.connections) == (0, 0), who
    for number, provider in ((0, first), (2, last)):
        for received in provider.requests:
            assert not [secret for secret in PLATFORM.values() if secret in received.text], (who, received.text)
            assert "x-gate-key" not in received.headers
            assert wire_api.key_of(received) == f"sk-{who}-{number}"
            assert received.text.count("sk-") == 1


@pytest.mark.parametrize(("api", "way"), [(api, way) for api, ways in WAYS.items() for way in ways])
async def test_no_platform_key_leaves_the_house_in_a_callers_run_whatever_fails(fake, books, monkeypatch, api, way):
    for name, value in PLATFORM.items():
        monkeypatch.setenv(name, value)
    wire_api = APIS[api]
    providers = [await fake(good(wire_api, way)) for _ in range(4)]
    first, _, last, shadow = providers
    table = books.table(book_of(books, api, *(provider.url for provider in providers)))

    async with Engine(table, environment=PLATFORM) as engine:
        for kind in KINDS_ON_THE_WIRE:
            first.reply = failing(wire_api, way, wire_api.refused(kind))
            context = Context(credentials=credentials_of(kind))
            try:
                attempts = (await ask(engine, way, context)).attempts
                error = None
            except ProviderError as raised:
                attempts, error = raised.attempts, raised
            assert (error is not None) == (kind in CALLERS_OWN), (kind, error)
            begun = way in {"tools", "repair"}
            told = SAID_OTHERWISE.get((api, way, kind), kind)
            tries = [None] * begun + [told] * (2 if told in RETRIED else 1)
            assert [attempt.kind for attempt in attempts] == tries + [None] * (error is None), kind
            assert {attempt.payer for attempt in attempts} == {"caller"}
            assert (len(first.requests), len(last.requests)) == (len(tries), int(error is None)), kind
            check_callers_requests(wire_api, providers, kind)
            first.requests.clear()
            last.requests.clear()

        first.reply = good(wire_api, way)
        result = await ask(engine, way)
        await shadow.wait_for(1)

    assert [attempt.payer for attempt in result.attempts] == ["platform"]
    for number, provider in ((0, first), (3, shadow)):
        [received] = provider.requests
        assert wire_api.key_of(received) == f"sk-platform-{number}"
        assert received.headers["x-gate-key"] == PLATFORM["GATE"]
        assert received.headers["x-title"] == "Demo"


@pytest.mark.parametrize("way", ["run", "stream", "tools"])
async def test_a_provider_without_any_key_may_fail_in_every_kind_that_there_is(fake, books, way):
    """A scripted provider says each of them; nobody pays for it, so it serves a caller's run too."""
    wire_api = APIS["openai-chat"]
    providers = [await fake(good(wire_api, way)) for _ in range(4)]
    last = providers[2]
    calls = [{"name": "plain.echo", "arguments": {"text": "a"}}]
    begun = [{"when": {"turn": 1}, "reply": {"tool_calls": calls}}] if way == "tools" else []
    refusals = [{"when": {"contains": f"<{kind}>"}, "reply": {"error": {"kind": kind}}} for kind in EVERY_KIND]
    book = book_of(books, "openai-chat", *(provider.url for provider in providers))
    stage = {"api": "scripted", "script": begun + refusals}
    book["providers"]["p0"] = {**stage, "retry": {"attempts": 2, "backoff": "1ms"}, "breaker": {"failures": 1000}}

    async with Engine(books.table(book), environment=PLATFORM) as engine:
        for kind in EVERY_KIND:
            context = Context(credentials={"p2": f"sk-{kind}-2"})
            result = await ask(engine, way, context, f"<{kind}>")
            failed = [attempt for attempt in result.attempts if attempt.kind is not None]
            assert {(attempt.kind, attempt.payer) for attempt in failed} == {(kind, "none")}
            assert (result.attempts[-1].payer, result.attempts[-1].provider) == ("caller", "p2")
            check_callers_requests(wire_api, providers, kind)
            assert len(last.requests) == 1
            last.requests.clear()


@pytest.mark.parametrize("why", ["breaker", "cooldown", "queue"])
@pytest.mark.parametrize(
    ("api", "way"),
    [
        *(("openai-chat", way) for way in ("run", "stream", "embed", "image")),
        ("anthropic", "run"),
        ("anthropic", "stream"),
    ],
)
async def test_a_target_that_is_passed_over_sends_a_callers_run_to_none_but_the_callers_own(fake, books, why, api, way):
    """An open breaker, a cooldown and a full queue are his own; the platform's runs know nothing of them."""
    wire_api, held = APIS[api], asyncio.Event()

    async def hold(_):
        await held.wait()
        return good(wire_api, way)

    providers = [await fake(good(wire_api, way)) for _ in range(4)]
    first, _, _, shadow = providers
    bounds = {
        "breaker": {"breaker": {"failures": 1, "open": "60s"}},
        "cooldown": {"limits": {"concurrency": 4, "adaptive": True}},
        "queue": {"limits": {"concurrency": 1, "queue_timeout": "50ms"}},
    }
    book = book_of(books, api, *(provider.url for provider in providers), tries=1, **bounds[why])
    first.reply = {
        "breaker": wire_api.refused("server_error"),
        "cooldown": wire_api.refused("rate_limit", "retry-after: 60"),
        "queue": hold,
    }[why]
    context = Context(credentials=credentials_of("caller"))

    async with Engine(books.table(book), environment=PLATFORM) as engine:
        before = asyncio.create_task(ask(engine, way, context))
        await first.wait_for(1)
        if why != "queue":
            await before
        result = await ask(engine, way, context)
        check_callers_requests(wire_api, providers, "caller")
        passed, answered = result.attempts
        assert (passed.provider, passed.outcome, passed.sent) == ("p0", "passed_over", False)
        assert (answered.provider, answered.payer) == ("p2", "caller")
        assert {state.credential for state in engine.status.breakers} == ({"caller"} if why == "breaker" else set())

        first.requests.clear()
        first.reply = good(wire_api, way)
        platforms = await ask(engine, way)
        held.set()
        await before
        await shadow.wait_for(1)

    assert [(attempt.provider, attempt.payer) for attempt in platforms.attempts] == [("p0", "platform")]
    assert [wire_api.key_of(received) for received in first.requests] == ["sk-platform-0"]
    assert [wire_api.key_of(received) for received in shadow.requests] == ["sk-platform-3"]


async def test_two_hundred_runs_of_two_callers_and_the_platform_mix_nothing_up(fake, books):
    """Each request's key is that of the run whose marker stands in its message, whatever fails on the way."""
    chance = random.Random(7)
    ways = ["run", "stream", "embed", "image"]

    async def answer(received):
        await asyncio.sleep(chance.random() * 0.02)
        way = next(way for way in ways if f"{way}-" in received.text)
        if chance.random() < 0.4:
            return wire_api.refused(chance.choice(["rate_limit", "server_error", "connection", "malformed_response"]))
        return good(wire_api, way)

    wire_api = APIS["openai-chat"]
    providers = [await fake(answer) for _ in range(4)]
    book = book_of(
        books, "openai-chat", *(provider.url for provider in providers), limits={"concurrency": 20, "adaptive": False}
    )
    keys = {"ann": {"p0": "sk-ann-0", "p2": "sk-ann-2"}, "bob": {"p0": "sk-bob-0", "p1": "sk-bob-1"}}

    async with Engine(books.table(book), environment=PLATFORM) as engine:

        async def one(number):
            who = ("ann", "bob", "house")[number % 3]
            context = Context(credentials=keys[who]) if who in keys else None
            way = chance.choice(ways)
            try:
                return await ask(engine, way, context, f"[{way}-{number}-{who}]")
            except ProviderError as error:
                return error

        outcomes = await asyncio.gather(*(one(number) for number in range(200)))

    seen = [
        (number, re.search(r"\[\w+-\d+-(\w+)\]", received.text)[1], received)
        for number, provider in enumerate(providers)
        for received in provider.requests
    ]
    own = keys | {"house": {f"p{number}": f"sk-platform-{number}" for number in range(4)}}
    for number, who, received in seen:
        assert wire_api.key_of(received) == own[who][f"p{number}"]
        assert received.text.count("sk-") == 1
        assert ("x-gate-key" in received.headers) == (who == "house")
    sent = sum(attempt.sent for outcome in outcomes for attempt in outcome.attempts)
    assert len([one for one in seen if one[0] != 3]) == sent >= 200
    assert {who for _, who, _ in seen} == {"ann", "bob", "house"}
    assert len(set(map(type, outcomes))) > 1
