"""Whose key is sent where: the platform's is never lent, callers' keys never cross, and an unset one is told."""

from __future__ import annotations

import asyncio

import pytest

from routebook import Context, Engine, ProviderError, ResolveError

ERRORS = {
    "authentication": 401,
    "permission_denied": 403,
    "quota_exceeded": 402,
    "rate_limit": 429,
    "not_found": 404,
    "bad_request": 400,
    "timeout": 504,
    "server_error": 500,
    "overloaded": 529,
    "context_window_exceeded": 413,
}
ALL_KINDS = [*ERRORS, "connection", "malformed_response"]
PLATFORM = {f"P{number}_KEY": f"sk-platform-{number}" for number in range(4)} | {"GATE": "platform-gate-pass"}


@pytest.mark.parametrize("kind", ["authentication", "permission_denied"])
async def test_a_callers_refused_key_never_falls_back_whatever_on_says(fake, wire, books, kind):
    bad, good = await fake(wire.error(ERRORS[kind])), await fake(wire.text("ok"))
    book = books.over(bad.url, good.url, fallbacks=[{"model": "m1", "on": ALL_KINDS}])
    context = Context(credentials={"p0": "sk-caller-0", "p1": "sk-caller-1"})

    async with Engine(books.table(book), environment=PLATFORM) as engine:
        with pytest.raises(ProviderError) as caught:
            await engine.run("chat", "hello", context=context)
        assert good.requests == []
        mine = await engine.run("chat", "hello")

    assert caught.value.kind == kind
    assert [attempt.payer for attempt in caught.value.attempts] == ["caller"]
    assert [attempt.kind for attempt in mine.attempts] == [kind, None]


async def test_no_platform_key_or_secret_header_leaves_the_house_in_a_run_with_a_callers_key(fake, wire, books):
    """Every kind of failure is driven through two covered providers and past one that the caller has no key for."""
    replies = {kind: wire.error(status) for kind, status in ERRORS.items()}
    replies |= {"connection": None, "malformed_response": wire.http(200, b"<html>")}
    providers = []
    for kind, reply in replies.items():
        first, uncovered, last = await fake(reply), await fake(wire.text("ok")), await fake(reply)
        providers += [first, uncovered, last]
        book = books.over(
            *(provider.url for provider in (first, uncovered, last)),
            provider={"headers": {"X-Gate-Key": {"env": "GATE"}, "X-Title": "Demo"}},
            fallbacks=[{"model": "m1", "on": ALL_KINDS}, {"model": "m2", "on": ALL_KINDS}],
        )
        context = Context(credentials={"p0": f"sk-caller-{kind}", "p2": f"sk-caller-{kind}-2"})
        async with Engine(books.table(book), environment=PLATFORM) as engine:
            with pytest.raises(ProviderError) as caught:
                await engine.run("chat", "hello", context=context)
        assert caught.value.kind == kind
        assert uncovered.requests == []
        assert len(last.requests) == (kind not in {"authentication", "permission_denied"})

    sent = [request for provider in providers for request in provider.requests]
    assert len(sent) == 2 * len(replies) - 2
    for request in sent:
        assert not any(secret in request.text for secret in PLATFORM.values())
        assert request.headers["authorization"].startswith("Bearer sk-caller-")
        assert "x-gate-key" not in request.headers
        assert request.headers["x-title"] == "Demo"


async def test_the_platforms_secret_headers_go_with_the_platforms_own_runs(fake, wire, books):
    provider = await fake(wire.text("ok"))
    book = books.over(provider.url, provider={"headers": {"X-Gate-Key": {"env": "GATE"}}})

    async with Engine(books.table(book), environment=PLATFORM) as engine:
        await engine.run("chat", "hello")

    assert provider.requests[0].headers["x-gate-key"] == "platform-gate-pass"
    assert provider.requests[0].headers["authorization"] == "Bearer sk-platform-0"


async def test_callers_keys_never_cross_when_many_run_at_once(fake, wire, books):
    async def echo_key(received):
        await asyncio.sleep(0.01)
        return wire.text(received.headers["authorization"])

    provider = await fake(echo_key)
    callers = [f"sk-caller-{number % 20}" for number in range(100)] + [None] * 20

    async with Engine(books.table(books.over(provider.url)), environment=PLATFORM) as engine:

        async def answer(key):
            context = Context(credentials={"p0": key}) if key else None
            return (await engine.run("chat", "hello", context=context)).text

        answers = await asyncio.gather(*map(answer, callers))

    assert answers == [f"Bearer {key or 'sk-platform-0'}" for key in callers]


async def test_with_credentials_platform_a_callers_key_stays_here(fake, wire, books):
    provider = await fake(wire.text("ok"))
    book = books.over(provider.url, credentials="platform")

    async with Engine(books.table(book), environment=PLATFORM) as engine:
        await engine.run("chat", "hello", context=Context(credentials={"p0": "sk-caller"}))

    assert provider.requests[0].headers["authorization"] == "Bearer sk-platform-0"
    assert "sk-caller" not in provider.requests[0].text


async def test_a_caller_whose_keys_fit_no_target_is_told_which_are_needed_and_nothing_is_sent(fake, wire, books):
    provider = await fake(wire.text("ok"))

    async with Engine(books.table(books.over(provider.url)), environment=PLATFORM) as engine:
        with pytest.raises(ResolveError, match="'p0'") as caught:
            await engine.run("chat", "hello", context=Context(credentials={"elsewhere": "sk-caller"}))

    assert caught.value.kind == "missing_credential"
    assert provider.requests == []


async def test_an_unset_key_is_an_authentication_error_that_names_the_variable_and_nothing_is_sent(fake, wire, books):
    provider = await fake(wire.text("ok"))

    async with Engine(books.table(books.over(provider.url)), environment={"P0_KEY": ""}) as engine:
        with pytest.raises(ProviderError, match="environment variable P0_KEY is not set") as caught:
            await engine.run("chat", "hello")

    error = caught.value
    assert (error.kind, error.provider, error.model, error.sent) == ("authentication", "p0", "m0", False)
    assert [attempt.sent for attempt in error.attempts] == [False]
    assert provider.requests == []


async def test_an_unset_secret_header_is_told_like_an_unset_key(fake, wire, books, keys):
    provider = await fake(wire.text("ok"))
    book = books.over(provider.url, provider={"headers": {"X-Gate-Key": {"env": "GATE"}}})

    async with Engine(books.table(book), environment=keys) as engine:
        with pytest.raises(ProviderError, match="environment variable GATE is not set"):
            await engine.run("chat", "hello")

    assert provider.requests == []


async def test_an_unset_key_may_fall_back_where_the_route_says_so(fake, wire, books):
    bad, good = await fake(wire.text("no")), await fake(wire.text("ok"))
    book = books.over(bad.url, good.url, fallbacks=[{"model": "m1", "on": ["authentication"]}])

    async with Engine(books.table(book), environment={"P1_KEY": "sk-platform-1"}) as engine:
        result = await engine.run("chat", "hello")

    assert [(attempt.kind, attempt.sent) for attempt in result.attempts] == [("authentication", False), (None, True)]


async def test_a_key_is_read_from_a_file_when_the_first_run_needs_it(fake, wire, books, tmp_path):
    provider = await fake(wire.text("ok"))
    secret = tmp_path / "key"
    book = books.over(provider.url, provider={"api_key": {"file": str(secret)}})

    async with Engine(books.table(book), environment={}) as engine:
        with pytest.raises(ProviderError, match="is missing"):
            await engine.run("chat", "hello")
        secret.write_text("sk-from-file\n")
        await engine.run("chat", "hello")

    assert provider.requests[0].headers["authorization"] == "Bearer sk-from-file"
