from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import dataclass, field

import pytest

from routebook.providers.http.reach import reach

V4, V6 = socket.AF_INET, socket.AF_INET6


@dataclass
class Network:
    """Names with scripted addresses: `refuses…`, `silent…`, and others, which are reached at once."""

    addresses: list[tuple[int, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    sockets: list[socket.socket] = field(default_factory=list)

    async def getaddrinfo(self, _name: str, port: int, **_rest: object) -> list[tuple]:
        return [(family, socket.SOCK_STREAM, 0, "", (address, port)) for family, address in self.addresses]

    async def sock_connect(self, reached: socket.socket, address: tuple[str, int]) -> None:
        self.asked.append(address[0])
        self.sockets.append(reached)
        if address[0].startswith("refuses"):
            raise ConnectionRefusedError(111, f"Connect call failed {address}")
        if address[0].startswith("silent"):
            await asyncio.sleep(30)

    @property
    def open_sockets(self) -> int:
        return sum(each.fileno() >= 0 for each in self.sockets)


@pytest.fixture
async def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    made, loop = Network(), asyncio.get_running_loop()
    monkeypatch.setattr(loop, "getaddrinfo", made.getaddrinfo)
    monkeypatch.setattr(loop, "sock_connect", made.sock_connect)
    return made


async def test_addresses_are_tried_by_turns_and_the_next_at_once_where_one_refuses(network):
    network.addresses = [(V4, "refuses-1"), (V4, "refuses-2"), (V4, "good"), (V4, "never"), (V6, "refuses-6")]
    began = time.monotonic()
    with await reach("llm.test", 80) as reached:
        assert network.asked == ["refuses-1", "refuses-6", "refuses-2", "good"]
        assert reached is network.sockets[-1]
    assert time.monotonic() - began < 0.2
    assert network.open_sockets == 0


async def test_another_address_is_tried_where_one_is_silent_and_the_silent_one_is_left(network):
    network.addresses = [(V6, "silent"), (V4, "good")]
    began = time.monotonic()
    with await reach("llm.test", 80):
        await asyncio.sleep(0)
        assert network.open_sockets == 1
    assert 0.2 < time.monotonic() - began < 2


@pytest.mark.parametrize("addresses", [["refuses"], ["refuses-1", "refuses-2"]])
async def test_where_all_refuse_the_first_says_why_in_the_systems_words(network, addresses):
    network.addresses = [(V4, address) for address in addresses]
    with pytest.raises(ConnectionRefusedError) as caught:
        await reach("llm.test", 80)
    assert caught.value.strerror == "Connection refused"
    assert network.open_sockets == 0


async def test_a_socket_that_was_just_connected_is_closed_when_the_wait_for_it_is_cancelled(network):
    for turns in range(8):
        network.addresses = [(V6, "good-6"), (V4, "good-4")]
        call = asyncio.create_task(reach("llm.test", 80))
        for _ in range(turns):
            await asyncio.sleep(0)
        call.cancel()
        (outcome,) = await asyncio.gather(call, return_exceptions=True)
        if isinstance(outcome, socket.socket):
            outcome.close()
        await asyncio.sleep(0)
        assert network.open_sockets == 0
