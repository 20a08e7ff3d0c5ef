"""Chaos: four providers that fail by script, one of them down for a while, edits of the book, and 64 runs at a time.

The large size is `make stress`: 20,000 runs over each transport.
"""

from __future__ import annotations

import time
from collections import Counter
from itertools import islice

import pytest
from chaos_book import (
    CONCURRENCY,
    KEYS,
    NAMES,
    PROVIDER_CONCURRENCY,
    RAISED_CONCURRENCY,
    chaos_book,
    wire_ids,
    write,
)
from chaos_ledger import Heard, connections_shared, crowds, disagreements, rushes, wrong_keys
from chaos_providers import fake_providers
from chaos_run import Chaos, Size, until
from leftovers import children, sockets, tasks
from provider_deeds import KINDS

from routebook import Engine
from stress import IS_STRESS

SIZE = Size(20_000, 30.0, 120) if IS_STRESS else Size(200, 0.4, 2)
MOST_GROWN_MIB = 40.0
"""What the test itself keeps of ten thousand runs takes about half of it."""
MOST_GROWN_OBJECTS = 1000


@pytest.mark.parametrize("transport", ["fast", "httpx2"])
async def test_whatever_the_providers_do_each_run_ends_well_or_in_an_error_of_ours_and_leaves_nothing_behind(
    transport, tmp_path, record_property
):
    heard, pids = Heard(), tmp_path / "pids"
    pids.mkdir()
    with fake_providers(**dict.fromkeys(NAMES, "chaos")) as providers:
        urls = {name: provider.url for name, provider in providers.items()}
        book = chaos_book(urls, transport, SIZE.most_a_minute, pids)
        write(tmp_path / "routes", book)
        held, began = (sockets(), children()), time.monotonic()
        async with Engine(tmp_path / "routes", environment=KEYS, watch=True, listeners=[heard]) as engine:
            chaos = Chaos(engine, providers, tmp_path / "routes", book, SIZE, heard)
            await chaos.play()
            status = engine.status
        await until(lambda: not any(provider.open for provider in providers.values()))
        assert not sockets() - held[0], "what was there before may go, but nothing may stay"
        assert not children() - held[1]
        assert tasks() == set()
        logs = {name: provider.log() for name, provider in providers.items()}
    record_property("figures", _figures(chaos, logs, time.monotonic() - began))

    assert chaos.complaints[:10] == []
    assert len(chaos.shorts) == SIZE.runs
    assert (status.runs, status.dropped_records) == (0, 0)
    assert not any(limit.gate.running or limit.gate.waiting for limit in status.limits)
    assert len(chaos.digests) == 5  # the first, and one after each edit but the broken one
    assert heard.refused_connections

    assert list(islice(disagreements(chaos.shorts, heard, logs, wire_ids(book)), 10)) == []
    assert list(islice(wrong_keys(chaos.shorts, logs), 10)) == []
    for name, model, bounds in (
        ("alpha", "vendor/alpha", {0.0: CONCURRENCY, chaos.raised_at: RAISED_CONCURRENCY}),
        ("beta", "vendor/beta", {0.0: PROVIDER_CONCURRENCY}),
        ("gamma", "vendor/gamma", {0.0: CONCURRENCY}),
        ("delta", "vendor/narrow", {0.0: 1}),
    ):
        assert list(islice(crowds(logs[name], model, bounds, PROVIDER_CONCURRENCY), 10)) == []
    assert list(islice(rushes(logs["delta"], "vendor/meter", SIZE.most_a_minute), 10)) == []

    assert connections_shared(chaos.shorts, logs["delta"])[1] == 0  # its client was made anew
    if IS_STRESS:
        assert connections_shared(chaos.shorts, logs["alpha"])[1] > 0  # that of others was kept
        assert {entry["deed"] for log in logs.values() for entry in log} == set(KINDS)
        assert chaos.grown_mib < MOST_GROWN_MIB
        assert chaos.grown_objects < MOST_GROWN_OBJECTS


def _figures(chaos, logs, took_s):
    """Say in a line how it went."""
    outcomes = Counter(attempt.outcome for attempts in chaos.heard.attempts.values() for attempt in attempts)
    requests = sum(map(len, logs.values()))
    ended = dict(Counter(run.ended for run in chaos.shorts).most_common())
    high = {name: max(entry["open_of_model"] for entry in log) for name, log in logs.items() if log}
    told = f"{len(chaos.shorts)} runs in {took_s:.1f} s, {requests} requests, {dict(outcomes)}, ended {ended}"
    return f"{told}, most open {high}, grown {chaos.grown_mib:.1f} MiB and {chaos.grown_objects} objects"
