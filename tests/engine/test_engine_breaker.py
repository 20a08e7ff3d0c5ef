"""Breaker: a target that failed several times in a row is left alone, until one call finds that it is back."""

from __future__ import annotations

import asyncio

import pytest

import routebook
from routebook import Context, DeadlineError, Engine, ProviderError

OPEN_S = 0.4


async def slow(_):
    await asyncio.sleep(30)


COUNTED = {
    "server_error": lambda wire: wire.error(500),
    "timeout": lambda wire: wire.error(504),
    "connection": lambda wire: None,
}


def over(books, *urls, failures=3, open_="10m", **feature):
    return books.over(*urls, provider={"breaker": {"failures": failures, "open": open_}}, **feature)


async def fail(engine, times, **asked):
    for _ in range(times):
        with pytest.raises(ProviderError):
            await engine.run("chat", "x", **asked)


def outcomes(result):
    return [(attempt.provider, attempt.outcome) for attempt in result.attempts]


@pytest.mark.parametrize("kind", COUNTED)
async def test_a_target_that_is_down_is_passed_over_after_so_many_failures(fake, wire, books, keys, kind):
    down, spare = await fake(COUNTED[kind](wire)), await fake(wire.text("spare"))

    async with Engine(books.table(over(books, down.url, spare.url)), environment=keys) as engine:
        results = [await engine.run("chat", "x") for _ in range(5)]
        [breaker] = engine.status.breakers

    assert [outcomes(result)[0] for result in results] == [("p0", "failed")] * 3 + [("p0", "passed_over")] * 2
    assert len(down.requests) == 3
    assert {result.text for result in results} == {"spare"}
    passed = results[-1].attempts[0]
    assert (passed.kind, passed.sent, passed.retry, passed.usage) == (kind, False, False, None)
    assert "passed over: it is left alone for " in passed.reason
    assert f"since it failed 3 times in a row ({kind})" in passed.reason
    assert results[-1].absorbed == (passed,)
    assert (breaker.provider, breaker.model, breaker.credential) == ("p0", "vendor/m0", "platform")
    assert (breaker.kind, breaker.failures) == (kind, 3)
    assert 500 < breaker.open_s <= 600


@pytest.mark.parametrize("status", [400, 401, 404, 413, 429, 529])
async def test_refusals_and_too_much_asked_say_nothing_of_a_target_that_is_down(fake, wire, books, keys, status):
    provider = await fake(wire.error(status))

    async with Engine(books.table(over(books, provider.url)), environment=keys) as engine:
        await fail(engine, 6)
        assert engine.status.breakers == ()

    assert len(provider.requests) == 6


@pytest.mark.parametrize("answer", ["text", "refusal", "unusable"])
async def test_any_answer_between_begins_the_count_anew(fake, wire, books, keys, answer):
    between = {"text": wire.text("ok"), "refusal": wire.error(400), "unusable": wire.http(200, b"<html>")}[answer]
    provider = await fake([wire.error(500), wire.error(500), between, wire.error(500), wire.error(500), between])

    async with Engine(books.table(over(books, provider.url)), environment=keys) as engine:
        for _ in range(6):
            await asyncio.gather(engine.run("chat", "x"), return_exceptions=True)
        assert engine.status.breakers == ()

    assert len(provider.requests) == 6


async def test_what_never_left_the_house_counts_neither_way(fake, wire, books):
    """A key that cannot be read is no failure of the target, and no sign of life either."""
    provider = await fake(wire.error(500))
    book = over(books, provider.url)
    keys = {"P0_KEY": "sk-platform-0"}
    book["features"]["keyless"] = {"use": {"model": "m1"}}
    book["models"]["m1"] = {"provider": "p1", "id": "vendor/m1"}
    book["providers"]["p1"] = {**book["providers"]["p0"], "api_key": {"env": "NO_SUCH_KEY"}}

    async with Engine(books.table(book), environment=keys) as engine:
        for _ in range(6):
            with pytest.raises(ProviderError, match="nothing was sent"):
                await engine.run("keyless", "x")
        assert engine.status.breakers == ()


async def test_the_last_target_is_called_all_the_same(fake, wire, books, keys):
    provider = await fake(wire.error(500))

    async with Engine(books.table(over(books, provider.url)), environment=keys) as engine:
        await fail(engine, 5)
        assert len(engine.status.breakers) == 1
        provider.reply = wire.text("back")
        assert (await engine.run("chat", "x")).text == "back"
        assert engine.status.breakers == ()

    assert len(provider.requests) == 6


async def test_where_no_other_attempt_answers_its_kind_it_is_called_all_the_same(fake, wire, books, keys):
    provider, spare = await fake(wire.error(500)), await fake(wire.text("spare"))
    book = over(books, provider.url, spare.url, fallbacks=[{"model": "m1", "on": ["rate_limit"]}])

    async with Engine(books.table(book), environment=keys) as engine:
        await fail(engine, 5)

    assert len(provider.requests) == 5
    assert spare.requests == []


async def test_where_all_are_down_the_last_is_called(fake, wire, books, keys):
    first, second = await fake(wire.error(500, "first")), await fake(wire.error(500, "second"))

    async with Engine(books.table(over(books, first.url, second.url, failures=1)), environment=keys) as engine:
        for _ in range(3):
            with pytest.raises(ProviderError, match="second"):
                await engine.run("chat", "x")
        assert len(engine.status.breakers) == 2

    assert (len(first.requests), len(second.requests)) == (1, 3)


async def test_a_breaker_that_opens_between_two_tries_ends_them(fake, wire, books, keys):
    down, spare = await fake(wire.error(500)), await fake(wire.text("spare"))
    book = books.over(
        down.url,
        spare.url,
        provider={"breaker": {"failures": 2, "open": "10m"}, "retry": {"attempts": 5, "backoff": "1ms"}},
    )

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "x")

    assert outcomes(result) == [("p0", "failed"), ("p0", "failed"), ("p1", "answered")]


class Held:
    """A reply that waits for `go`, then answers; it counts how many are under way at most."""

    def __init__(self, answer):
        self.answer = answer
        self.go = asyncio.Event()
        self.now = self.most = 0

    async def __call__(self, _):
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self.go.wait()
            return self.answer
        finally:
            self.now -= 1


@pytest.mark.parametrize("limits", [None, {"concurrency": 2}])
@pytest.mark.parametrize("is_back", [True, False])
async def test_of_many_runs_at_once_one_alone_tries_a_target_again(fake, wire, books, keys, is_back, limits):
    down, spare = await fake(wire.error(500)), await fake(wire.text("spare"))
    book = over(books, down.url, spare.url, open_=f"{int(OPEN_S * 1000)}ms")
    if limits is not None:
        book["providers"]["p0"]["limits"] = limits

    async with Engine(books.table(book), environment=keys) as engine:
        for _ in range(3):
            await engine.run("chat", "x")
        down.reply = held = Held(wire.text("back") if is_back else wire.error(500))
        await asyncio.sleep(OPEN_S + 0.1)
        assert engine.status.breakers[0].open_s == 0

        runs = [asyncio.create_task(engine.run("chat", "x")) for _ in range(32)]
        await down.wait_for(4)
        others = [await run for run in runs[1:]]
        assert (held.most, len(down.requests)) == (1, 4)
        assert {outcomes(result)[0] for result in others} == {("p0", "passed_over")}
        assert "while one call tries it" in others[0].attempts[0].reason
        held.go.set()
        probe = await runs[0]

        if is_back:
            assert probe.text == "back"
            assert engine.status.breakers == ()
            assert (await engine.run("chat", "x")).text == "back"
        else:
            assert outcomes(probe) == [("p0", "failed"), ("p1", "answered")]
            assert engine.status.breakers[0].failures == 4


async def test_a_probe_that_is_cancelled_leaves_its_place_to_the_next_run(fake, wire, books, keys):
    down, spare = await fake(wire.error(500)), await fake(wire.text("spare"))
    book = over(books, down.url, spare.url, open_=f"{int(OPEN_S * 1000)}ms")

    async with Engine(books.table(book), environment=keys) as engine:
        for _ in range(3):
            await engine.run("chat", "x")
        down.reply = Held(wire.text("never"))
        await asyncio.sleep(OPEN_S + 0.1)
        probe = asyncio.create_task(engine.run("chat", "x"))
        await down.wait_for(4)
        probe.cancel()
        await asyncio.wait([probe])
        down.reply = wire.text("back")

        assert (await engine.run("chat", "x")).text == "back"
        assert engine.status.breakers == ()


async def test_a_probe_that_the_deadline_ends_leaves_its_place_to_the_next_run(fake, wire, books, keys):
    down, spare = await fake(wire.error(500)), await fake(wire.text("spare"))
    book = over(books, down.url, spare.url, open_=f"{int(OPEN_S * 1000)}ms", deadline="700ms")

    async with Engine(books.table(book), environment=keys) as engine:
        for _ in range(3):
            await engine.run("chat", "x")
        down.reply = slow
        await asyncio.sleep(OPEN_S + 0.1)
        with pytest.raises(DeadlineError):
            await engine.run("chat", "x")
        down.reply = wire.text("back")

        texts = set()
        while "back" not in texts:
            texts.add((await engine.run("chat", "x")).text)
        assert engine.status.breakers == ()


async def test_calls_that_waited_for_their_turn_go_elsewhere_once_it_has_opened(fake, wire, books, keys):
    async def reply(_):
        await asyncio.sleep(0.01)
        return wire.error(500)

    down, spare = await fake(reply), await fake(wire.text("spare"))
    book = over(books, down.url, spare.url)
    book["providers"]["p0"]["limits"] = {"concurrency": 1, "requests_per_minute": 1000, "tokens_per_minute": 10_000}

    async with Engine(books.table(book), environment=keys) as engine:
        results = await asyncio.gather(*(engine.run("chat", "x") for _ in range(20)))
        gates = {state.model: state.gate for state in engine.status.limits}

    assert {result.text for result in results} == {"spare"}
    assert len(down.requests) == 3
    passed = [result.attempts[0] for result in results if result.attempts[0].outcome == "passed_over"]
    assert len(passed) == 17
    assert all(attempt.queued_s > 0.01 and not attempt.sent for attempt in passed)
    # What was not sent was not asked.
    assert gates[None].requests_left >= 997
    assert gates[None].running == 0


async def test_the_breaker_is_the_targets_and_not_its_providers(fake, wire, books, keys):
    async def reply(received):
        return wire.error(500) if received.json["model"] == "vendor/m0" else wire.text("ok")

    provider = await fake(reply)
    book = over(books, provider.url, failures=1, fallbacks=[{"model": "other"}])
    book["models"]["other"] = {"provider": "p0"}

    async with Engine(books.table(book), environment=keys) as engine:
        results = [await engine.run("chat", "x") for _ in range(2)]

    assert [outcomes(result) for result in results] == [
        [("p0", "failed"), ("p0", "answered")],
        [("p0", "passed_over"), ("p0", "answered")],
    ]
    assert not results[1].attempts[1].retry


async def test_one_callers_failures_open_nobody_elses_breaker(fake, wire, books, keys):
    async def reply(received):
        return wire.error(500) if "sk-unlucky" in received.headers["authorization"] else wire.text("ok")

    provider, spare = await fake(reply), await fake(wire.text("spare"))
    book = over(books, provider.url, spare.url, failures=1)
    unlucky = Context(credentials={"p0": "sk-unlucky", "p1": "sk-u"})
    lucky = Context(credentials={"p0": "sk-lucky", "p1": "sk-l"})

    async with Engine(books.table(book), environment=keys) as engine:
        for _ in range(2):
            assert (await engine.run("chat", "x", context=unlucky)).text == "spare"
        [breaker] = engine.status.breakers
        assert (await engine.run("chat", "x", context=lucky)).text == "ok"
        assert (await engine.run("chat", "x")).text == "ok"

    assert breaker.credential == "caller"
    assert "sk-" not in repr(breaker)
    assert len(provider.requests) == 3


async def test_a_breaker_stays_open_over_an_edit(fake, wire, books, keys, tmp_path):
    down, spare = await fake(wire.error(500)), await fake(wire.text("spare"))
    book = over(books, down.url, spare.url)
    root = books.write(tmp_path / "routes", book)

    async with Engine(root, environment=keys) as engine:
        for _ in range(3):
            await engine.run("chat", "x")
        book["features"]["chat"]["description"] = "edited"
        books.write(root, book)
        await engine.reload()
        result = await engine.run("chat", "x")

    assert result.decision.table == routebook.compile(root).digest
    assert outcomes(result)[0] == ("p0", "passed_over")


async def test_a_target_on_which_run_after_run_spends_its_deadline_is_down(fake, wire, books, keys):
    down, spare = await fake(slow), await fake(wire.text("spare"))
    book = over(books, down.url, spare.url, failures=2, deadline="500ms")

    async with Engine(books.table(book), environment=keys) as engine:
        for _ in range(2):
            with pytest.raises(DeadlineError):
                await engine.run("chat", "x")
        [breaker] = engine.status.breakers
        result = await engine.run("chat", "x")

    assert (breaker.kind, breaker.failures) == ("timeout", 2)
    assert outcomes(result) == [("p0", "passed_over"), ("p1", "answered")]


async def test_a_reader_who_lets_the_deadline_go_by_says_nothing_of_the_target(fake, wire, books, keys):
    async def rest(event):
        if event.type == "text_delta":
            await slow(event)

    provider, spare = await fake(wire.stream("a", "b")), await fake(wire.stream("spare"))
    book = over(books, provider.url, spare.url, failures=2, deadline="500ms")

    async with Engine(books.table(book), environment=keys) as engine:
        for _ in range(3):
            with pytest.raises(DeadlineError):
                await engine.run("chat", "x", on_event=rest)
        assert engine.status.breakers == ()


async def test_a_run_that_is_cancelled_says_nothing_of_the_target(fake, books, keys):
    provider = await fake(slow)

    async with Engine(books.table(over(books, provider.url, failures=1)), environment=keys) as engine:
        running = asyncio.create_task(engine.run("chat", "x"))
        await provider.wait_for(1)
        running.cancel()
        await asyncio.wait([running])
        assert engine.status.breakers == ()


async def test_a_provider_that_is_edited_is_tried_anew(fake, wire, books, keys, tmp_path):
    bad, good = await fake(wire.error(500)), await fake(wire.text("mended"))
    book = books.over(bad.url, bad.url, provider={"breaker": {"failures": 1}})
    root = books.write(tmp_path / "routes", book)

    async with Engine(root, environment=keys) as engine:
        with pytest.raises(ProviderError):
            await engine.run("chat", "hello")
        assert {breaker.provider for breaker in engine.status.breakers} == {"p0", "p1"}
        book["providers"]["p0"]["base_url"] = good.url
        books.write(root, book)
        await engine.reload()

        assert [breaker.provider for breaker in engine.status.breakers] == ["p1"]
        assert (await engine.run("chat", "hello")).text == "mended"
