"""Clients and their connections: who shares them, how many there are, and when they go. On real sockets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import routebook
from routebook import Engine, ProviderError
from routebook.canonical.chat import ChatRequest
from routebook.canonical.message import Message
from routebook.engine.clients import Clients
from routebook.engine.pool import Leases

REQUEST = ChatRequest("m-1", (Message("user", "hello"),))
ENVIRONMENT = {"HOUSE_KEY": "sk-platform"}
SETTINGS: dict[str, str] = {}


@pytest.fixture(params=["httpx2", "fast"], autouse=True)
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every book of this file say what carries its requests."""
    monkeypatch.setitem(SETTINGS, "transport", request.param)


def table_of(url: str, **provider: Any) -> routebook.RoutingTable:
    house = {"api": "openai-chat", "base_url": url, "api_key": {"env": "HOUSE_KEY"}, **provider}
    return routebook.compile_mapping(
        {"settings": SETTINGS, "providers": {"house": house}, "features": {"chat": {"use": {"model": "house/m-1"}}}}
    )


async def call(clients: Clients, table: routebook.RoutingTable, key: str | None = None, times: int = 1) -> None:
    """Make calls at the same time, as one run, with the platform's key or a caller's."""
    with Leases() as run:
        provider, digest = table.providers["house"], table.digests["providers", "house"]
        client = clients.lease(provider, digest, clients.http_of(table), key, run)
        await asyncio.gather(*(client.complete(REQUEST) for _ in range(times)))


async def settled(provider, most: int) -> None:
    """Wait until only so many connections are open, as the other side sees it."""
    for _ in range(500):
        if provider.open <= most:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{provider.open} connections are open")


class Gate:
    """Answers once so many requests wait at the same time."""

    def __init__(self, answer: bytes, waiting: int) -> None:
        self.answer, self.waiting, self.opened, self.highest, self.now = answer, waiting, asyncio.Event(), 0, 0

    async def __call__(self, _received) -> bytes:
        self.now += 1
        self.highest = max(self.highest, self.now)
        if self.now >= self.waiting:
            self.opened.set()
        await self.opened.wait()
        self.now -= 1
        return self.answer


@pytest.mark.parametrize(
    "edit",
    [
        {"retry": {"attempts": 5}},
        {"breaker": {"failures": 9}},
        {"limits": {"requests_per_minute": 60}},
        {"limits": {"concurrency": 5, "queue_timeout": "7s"}},
    ],
)
async def test_an_edit_of_how_often_a_provider_is_called_keeps_its_connection(fake, wire, edit):
    provider = await fake(wire.text("ok"))
    clients = Clients(ENVIRONMENT)
    before, after = table_of(provider.url), table_of(provider.url, **edit)
    assert before.digests["providers", "house"] != after.digests["providers", "house"]

    await call(clients, before)
    clients.keep_only(after)
    await call(clients, after)

    assert (len(provider.requests), provider.connections) == (2, 1)
    await clients.close()


@pytest.mark.parametrize(
    "edit",
    [
        {"timeout": {"first_token": "5s"}},
        {"headers": {"X-Pass": {"env": "HOUSE_KEY"}}},
        {"api_key": {"env": "OTHER_KEY"}},
        {"limits": {"concurrency": 2000}},  # more connections than there are at a time by default
    ],
)
async def test_an_edit_of_how_a_provider_is_called_makes_a_new_client_and_closes_the_old_one(fake, wire, edit):
    provider = await fake(wire.text("ok"))
    clients = Clients({**ENVIRONMENT, "OTHER_KEY": "sk-other"})
    before, after = table_of(provider.url), table_of(provider.url, **edit)

    await call(clients, before)
    clients.keep_only(after)
    await settled(provider, 0)
    await call(clients, after)

    assert provider.connections == 2
    await clients.close()


async def test_a_client_that_left_the_table_closes_after_its_last_user(fake, wire):
    provider = await fake(wire.text("ok"))
    clients = Clients(ENVIRONMENT)
    table = table_of(provider.url)
    with Leases() as run:
        provider_spec, digest = table.providers["house"], table.digests["providers", "house"]
        client = clients.lease(provider_spec, digest, clients.http_of(table), None, run)
        await client.complete(REQUEST)
        clients.keep_only(table_of(provider.url, timeout={"idle": "9s"}))
        await client.complete(REQUEST)
        assert provider.connections == provider.open == 1
    await settled(provider, 0)


async def test_a_limit_of_three_hundred_gives_three_hundred_connections_and_one_more_waits_its_time(fake, wire):
    gate = Gate(wire.text("ok"), 301)
    provider = await fake(gate)
    table = table_of(provider.url, limits={"concurrency": 300, "queue_timeout": "100ms"})
    async with Engine(table, environment=ENVIRONMENT) as engine:
        runs = [asyncio.create_task(engine.run("chat", "hello")) for _ in range(300)]
        await provider.wait_for(300)

        with pytest.raises(ProviderError, match="300 calls may be under way at a time") as caught:
            await engine.run("chat", "hello")
        gate.opened.set()
        await asyncio.gather(*runs)

    assert caught.value.kind == "queue_timeout"
    assert (provider.connections, gate.highest) == (300, 300)


async def test_bursts_use_the_connections_of_the_burst_before(fake, wire):
    provider = await fake(wire.text("ok"))
    clients = Clients(ENVIRONMENT)
    table = table_of(provider.url, limits={"concurrency": 300})
    for _ in range(3):
        provider.reply = Gate(wire.text("ok"), 300)
        await call(clients, table, times=300)

    assert (len(provider.requests), provider.connections) == (900, 300)
    await clients.close()
    await settled(provider, 0)


async def test_calls_that_wait_for_their_turn_use_the_connections_of_those_before(fake, wire):
    provider = await fake(wire.text("ok"))
    async with Engine(table_of(provider.url, limits={"concurrency": 2}), environment=ENVIRONMENT) as engine:
        await asyncio.gather(*(engine.run("chat", "hello") for _ in range(50)))

    assert (len(provider.requests), provider.connections) == (50, 2)


async def test_three_hundred_callers_keys_stay_bounded(fake, wire):
    provider = await fake(wire.text("ok"))
    clients = Clients(ENVIRONMENT)
    table = table_of(provider.url)
    await call(clients, table)
    for number in range(240):
        await call(clients, table, f"sk-caller-{number}")
    provider.reply = Gate(wire.text("ok"), 300)
    await asyncio.gather(*(call(clients, table, f"sk-caller-{number}", 5) for number in range(240, 300)))

    await settled(provider, 257)
    assert len(clients._callers._entries) <= 64
    provider.reply = wire.text("ok")
    opened = provider.connections
    await call(clients, table)
    assert provider.connections == opened, "the platform's own connection went for callers'"
    await clients.close()
    await settled(provider, 0)


async def test_callers_share_no_connection_and_no_key_of_theirs_is_kept_as_one_of_a_cache(fake, wire):
    provider = await fake(wire.text("ok"))
    clients = Clients(ENVIRONMENT)
    table = table_of(provider.url)
    for key in ("sk-caller-1", "sk-caller-2", "sk-caller-1"):
        await call(clients, table, key)

    sent = [received.headers["authorization"] for received in provider.requests]
    assert sent == ["Bearer sk-caller-1", "Bearer sk-caller-2", "Bearer sk-caller-1"]
    assert provider.connections == 2
    assert "sk-caller" not in repr(list(clients._callers._entries))
    await clients.close()


async def test_a_new_value_of_a_variable_is_read_when_its_client_is_next_made(fake, wire):
    provider = await fake(wire.text("ok"))
    environment = dict(ENVIRONMENT)
    clients = Clients(environment)
    table = table_of(provider.url)
    await call(clients, table)
    environment["HOUSE_KEY"] = "sk-new"
    await call(clients, table)
    changed = table_of(provider.url, timeout={"idle": "9s"})
    clients.keep_only(changed)
    await call(clients, changed)

    sent = [received.headers["authorization"] for received in provider.requests]
    assert sent == ["Bearer sk-platform", "Bearer sk-platform", "Bearer sk-new"]
    await clients.close()


async def test_the_api_version_of_the_files_reaches_the_wire(fake, wire):
    provider = await fake(wire.text("ok"))
    table = table_of(provider.url, api="anthropic", api_version="2023-06-01")
    clients = Clients(ENVIRONMENT)
    with pytest.raises(ProviderError):
        await call(clients, table)
    assert provider.requests[0].headers["anthropic-version"] == "2023-06-01"
    await clients.close()


async def test_another_transport_makes_new_clients_and_closes_the_old_ones(fake, wire, monkeypatch):
    provider = await fake(wire.text("ok"))
    clients = Clients(ENVIRONMENT)
    before = table_of(provider.url)
    await call(clients, before)
    monkeypatch.setitem(SETTINGS, "transport", "fast" if SETTINGS["transport"] == "httpx2" else "httpx2")
    after = table_of(provider.url)
    assert before.digest != after.digest

    clients.keep_only(after)
    await settled(provider, 0)
    await call(clients, after)

    assert provider.connections == 2
    await clients.close()
