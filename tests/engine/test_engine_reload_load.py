"""Reload under load: what an edit of the book leaves to the runs under way, to their connections and to the limits."""

from __future__ import annotations

import asyncio

import pytest

from routebook import Context, Engine, ProviderError
from routebook.state.gate import GateState

HALF = 16
UNTOLD = GateState(0, 0, None, None, 0.0, None, None)


class Slow:
    """A provider that answers each request when it is let: `free` lets so many go, `open` lets all go."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self._turns = asyncio.Semaphore(0)

    def free(self, number: int) -> None:
        for _ in range(number):
            self._turns.release()

    def open(self) -> None:
        self.free(10_000)

    async def __call__(self, _) -> bytes:
        await self._turns.acquire()
        return self.answer


@pytest.fixture
async def pair(fake, wire):
    """Two slow providers."""
    return [await fake(Slow(wire.text("ok"))) for _ in range(2)]


@pytest.fixture
def house(books, tmp_path, pair):
    """A book on disk over the two providers, a feature `chat0`, `chat1` for each; called again, it is edited."""

    def write(p0=None, p1=None, **sections):
        book = books.over(*(provider.url for provider in pair))
        for name, change in {"p0": p0 or {}, "p1": p1 or {}}.items():
            book["providers"][name] |= change
        book["features"] = {f"chat{number}": {"use": {"model": f"m{number}"}} for number in (0, 1)}
        return books.write(tmp_path / "routes", {**book, **sections})

    return write


async def taken(engine) -> None:
    """Take an edit that is good."""
    before = engine.table.digest
    assert [one for one in await engine.reload() if one.severity == "error"] == []
    assert engine.table.digest != before


def gate_of(engine, provider, model=None, credential="platform"):
    """The state of a gate as the engine tells it; of one that it does not tell of, that nobody is in it."""
    states = {(one.provider, one.model, one.credential): one.gate for one in engine.status.limits}
    return states.get((provider, model, credential), UNTOLD)


def asking(engine, feature, times, context=None):
    return [asyncio.create_task(engine.run(feature, "hello", context=context)) for _ in range(times)]


async def test_an_edit_keeps_the_connections_of_a_provider_that_it_does_not_touch_and_drains_the_others(
    house, pair, keys, eventually
):
    kept, edited = pair
    async with Engine(house(), environment=keys) as engine:
        old = engine.table.digest
        runs = [*asking(engine, "chat0", HALF), *asking(engine, "chat1", HALF)]
        await kept.wait_for(HALF)
        await edited.wait_for(HALF)
        house(p1={"timeout": {"idle": "9s"}})
        await taken(engine)
        assert (engine.status.runs, engine.status.digest) == (2 * HALF, engine.table.digest)
        assert (kept.open, edited.open) == (HALF, HALF)

        kept.reply.free(HALF)
        edited.reply.free(HALF - 1)
        await eventually(lambda: engine.status.runs == 1)
        assert edited.open >= 1, "the last run's connection is closed under it"
        edited.reply.free(1)
        results = await asyncio.gather(*runs)
        await eventually(lambda: edited.open == 0)
        assert {result.decision.table for result in results} == {old}
        assert (kept.open, kept.connections, edited.connections) == (HALF, HALF, HALF)

        kept.reply.open()
        edited.reply.open()
        later = await asyncio.gather(*asking(engine, "chat0", HALF), *asking(engine, "chat1", 1))
        assert {result.decision.table for result in later} == {engine.table.digest}
        assert (kept.connections, edited.connections) == (HALF, HALF + 1)
        assert engine.status.runs == 0


async def test_a_run_keeps_its_table_for_its_repairs_its_retries_and_its_fallbacks(house, pair, wire, keys):
    """Between its first call and the later ones, everything that it was decided by changes."""
    first, second = pair
    asked = asyncio.Event()

    async def fails_later(_):
        if len(first.requests) == 1:
            return wire.text("no JSON")
        await asked.wait()
        return wire.error(500)

    first.reply, second.reply = fails_later, wire.text('{"a": 1}')
    shape = {"schema": {"type": "object"}, "strategy": "prompt", "repair": {"attempts": 1}}
    feature = {"use": {"model": "m0"}, "fallbacks": [{"model": "m1"}], "output": "shape", "options": {"seed": 1}}
    sections = {"features": {"chat": feature}, "outputs": {"shape": shape}}
    retried = {"retry": {"attempts": 2, "backoff": "1ms"}}

    async with Engine(house(p0=retried, **sections), environment=keys) as engine:
        old = engine.table.digest
        run = asyncio.create_task(engine.run("chat", "hello"))
        await first.wait_for(2)
        house(features={"chat": {"use": {"model": "m1"}, "options": {"seed": 2}}}, outputs={})
        await taken(engine)
        asked.set()
        result = await run

    tried = [(attempt.provider, attempt.kind, attempt.retry) for attempt in result.attempts]
    assert tried == [
        ("p0", None, False),
        ("p0", "server_error", False),
        ("p0", "server_error", True),
        ("p1", None, False),
    ]
    assert {received.json["seed"] for received in first.requests + second.requests} == {1}
    assert (result.output, result.decision.table) == ({"a": 1}, old)


async def test_a_concurrency_that_fell_stays_low_over_edits_and_climbs_to_the_new_limit(house, pair, wire, keys):
    provider, _ = pair
    limits = {"concurrency": 8, "requests_per_minute": 100_000}
    async with Engine(house(p0={"limits": limits}), environment=keys) as engine:
        provider.reply = wire.error(429, "no", "retry-after: 0")
        burst = await asyncio.gather(*asking(engine, "chat0", 8), return_exceptions=True)
        assert {type(error) for error in burst} == {ProviderError}
        assert (gate_of(engine, "p0").concurrency, gate_of(engine, "p0").most) == (6, 8)

        for change in ({"queue_timeout": "9s"}, {"concurrency": 32}, {"concurrency": 7}):
            limits |= change
            house(p0={"limits": limits})
            await taken(engine)
            assert (gate_of(engine, "p0").concurrency, gate_of(engine, "p0").most) == (6, limits["concurrency"])
        house(p0={"limits": limits | {"concurrency": 4}})
        await taken(engine)
        assert (gate_of(engine, "p0").concurrency, gate_of(engine, "p0").most) == (4, 4)
        house(p0={"limits": limits | {"concurrency": 5}})
        await taken(engine)
        assert gate_of(engine, "p0").most == 5

        provider.reply = wire.text("ok")
        for _ in range(26):
            await engine.run("chat0", "hello")
        assert gate_of(engine, "p0").concurrency == 5


async def test_what_was_spent_of_a_minute_stays_spent_over_edits(house, pair, wire, keys):
    provider, _ = pair
    provider.reply = wire.text("ok", usage=(900, 100))
    limits = {"requests_per_minute": 20, "tokens_per_minute": 60_000, "queue_timeout": "10ms"}

    async with Engine(house(p0={"limits": limits}), environment=keys) as engine:

        async def left_after(change):
            house(p0={"limits": {**limits, **change}})
            await taken(engine)
            return gate_of(engine, "p0")

        for _ in range(20):
            await engine.run("chat0", "hello")
        spent = gate_of(engine, "p0")
        assert spent.requests_left < 10
        assert spent.tokens_left < 50_000
        for change in ({"queue_timeout": "20ms"}, {"requests_per_minute": 10}, {"tokens_per_minute": 50_000}):
            state = await left_after(change)
            assert state.requests_left < 10
            assert state.tokens_left < 50_000
        assert (await left_after({"requests_per_minute": 40})).requests_left < 35
        await left_after({"requests_per_minute": 1})
        with pytest.raises(ProviderError, match="used up") as caught:
            await engine.run("chat0", "hello")

    assert (caught.value.kind, caught.value.sent) == ("queue_timeout", False)
    assert len(provider.requests) == 20


@pytest.mark.parametrize("of", ["provider", "model"])
async def test_a_limit_that_is_added_counts_the_calls_that_are_under_way(house, pair, books, keys, eventually, of):
    provider, _ = pair
    limits = {"limits": {"concurrency": 6}}
    models = books.over("a", "b")["models"]
    async with Engine(house(), environment=keys) as engine:
        runs = asking(engine, "chat0", 5)
        await provider.wait_for(5)
        assert engine.status.limits == ()
        if of == "provider":
            house(p0=limits)
        else:
            house(models={**models, "m0": {**models["m0"], **limits}})
        await taken(engine)
        key = ("p0", None if of == "provider" else "vendor/m0")
        assert (gate_of(engine, *key).running, gate_of(engine, *key).concurrency) == (5, 6)

        runs += asking(engine, "chat0", 3)
        await eventually(lambda: gate_of(engine, *key).waiting == 2)
        await provider.wait_for(6)
        assert (gate_of(engine, *key).running, len(provider.requests)) == (6, 6)
        provider.reply.open()
        results = await asyncio.gather(*runs)
        assert (gate_of(engine, *key).running, gate_of(engine, *key).waiting) == (0, 0)

    assert len(results) == 8


async def test_raised_and_lowered_limits_take_effect_for_those_who_wait(house, pair, keys, eventually):
    provider, _ = pair

    async def edited(limits):
        house(p0={"limits": limits} if limits else {})
        await taken(engine)

    async with Engine(house(p0={"limits": {"concurrency": 2}}), environment=keys) as engine:
        runs = asking(engine, "chat0", 12)
        await eventually(lambda: gate_of(engine, "p0").waiting == 10)
        await edited({"concurrency": 6})
        await provider.wait_for(6)
        assert (gate_of(engine, "p0").running, gate_of(engine, "p0").waiting) == (6, 6)

        await edited({"concurrency": 1})
        provider.reply.free(5)
        await eventually(lambda: sum(run.done() for run in runs) == 5)
        assert (gate_of(engine, "p0").running, gate_of(engine, "p0").waiting, len(provider.requests)) == (1, 6, 6)
        provider.reply.free(1)
        await provider.wait_for(7)
        assert (gate_of(engine, "p0").running, gate_of(engine, "p0").waiting) == (1, 5)

        await edited(None)
        await provider.wait_for(12)
        assert engine.status.limits == ()
        provider.reply.open()
        assert [result.text for result in await asyncio.gather(*runs)] == ["ok"] * 12


async def test_the_runs_of_a_provider_that_is_removed_end_well_and_it_is_told_of_no_longer(
    house, pair, books, tmp_path, keys, eventually
):
    left, removed = pair
    limits = {"limits": {"concurrency": 2}}
    root = house(p0=limits, p1=limits)
    async with Engine(root, environment=keys) as engine:
        runs = asking(engine, "chat1", 4)
        await eventually(lambda: gate_of(engine, "p1").waiting == 2)
        book = books.over(left.url, provider=limits)
        books.write(root, {**book, "features": {"chat0": {"use": {"model": "m0"}}}})
        await taken(engine)
        assert (gate_of(engine, "p1").running, gate_of(engine, "p1").waiting, engine.status.runs) == (2, 2, 4)

        removed.reply.open()
        results = await asyncio.gather(*runs)
        await eventually(lambda: removed.open == 0)
        assert {state.provider for state in engine.status.limits} == set()
        left.reply.open()
        await engine.run("chat0", "hello")
        assert gate_of(engine, "p0").running == 0

    assert [result.text for result in results] == ["ok"] * 4
    assert removed.connections <= 4


async def test_a_breaker_stays_open_over_an_edit_and_goes_with_its_provider(house, pair, books, wire, keys):
    failing, other = pair
    failing.reply, other.reply = wire.error(500), wire.text("ok")
    feature = {"use": {"model": "m0"}, "fallbacks": [{"model": "m1"}]}
    breaker = {"breaker": {"failures": 2, "open": "60s"}}
    root = house(p0=breaker, features={"chat": feature})
    async with Engine(root, environment=keys) as engine:
        for _ in range(2):
            await engine.run("chat", "hello")
        house(p0=breaker, features={"chat": {**feature, "options": {"seed": 1}}})
        await taken(engine)
        result = await engine.run("chat", "hello")
        assert [attempt.outcome for attempt in result.attempts] == ["passed_over", "answered"]
        [open_one] = engine.status.breakers
        assert (open_one.provider, open_one.model, open_one.failures) == ("p0", "vendor/m0", 2)

        alone = books.over(failing.url, other.url)
        del alone["providers"]["p0"], alone["models"]["m0"]
        books.write(root, {**alone, "features": {"chat": {"use": {"model": "m1"}}}})
        await taken(engine)
        assert engine.status.breakers == ()
        assert (await engine.run("chat", "hello")).text == "ok"
    assert len(failing.requests) == 2


async def test_a_callers_limits_connections_and_key_live_through_edits_as_the_platforms_do(
    house, pair, keys, eventually
):
    provider, _ = pair
    context = Context(credentials={"p0": "sk-caller"})
    async with Engine(house(p0={"limits": {"concurrency": 1}}), environment=keys) as engine:
        callers, platforms = asking(engine, "chat0", 3, context), asking(engine, "chat0", 2)
        await eventually(lambda: gate_of(engine, "p0", None, "caller").waiting == 2)
        assert (gate_of(engine, "p0").running, gate_of(engine, "p0").waiting) == (1, 1)
        house(p0={"limits": {"concurrency": 2}})
        await taken(engine)
        await provider.wait_for(4)
        state = gate_of(engine, "p0", None, "caller")
        assert (state.running, state.waiting, gate_of(engine, "p0").running) == (2, 1, 2)
        provider.reply.open()
        await asyncio.gather(*callers, *platforms)
        assert provider.connections == provider.open == 4

    sent = sorted(received.headers["authorization"] for received in provider.requests)
    assert sent == ["Bearer sk-caller"] * 3 + ["Bearer sk-platform-0"] * 2
