"""What tests of limits share: a provider that counts, the gates of an engine, and what became of many calls."""

from __future__ import annotations

import asyncio

import yaml

from routebook import ProviderError


class Busy:
    """A reply that counts how many calls are under way, now and at most; it answers while `open` is set."""

    def __init__(self, answer, seconds=0.005):
        self.answer = answer
        self.seconds = seconds
        self.now = self.most = 0
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self, received):
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self.open.wait()
            await asyncio.sleep(self.seconds)
            return self.answer(received) if callable(self.answer) else self.answer
        finally:
            self.now -= 1


def limit_states(engine):
    return {(state.provider, state.model, state.credential): state.gate for state in engine.status.limits}


async def settled(tasks):
    """Wait for *tasks*, and return what became of each."""
    return await asyncio.gather(*tasks, return_exceptions=True)


def kinds(outcomes):
    return [outcome.kind if isinstance(outcome, ProviderError) else None for outcome in outcomes]


async def edit_providers(engine, root, book):
    """Write the providers of *book*, and have the engine take them."""
    (root / "providers.yaml").write_text(yaml.safe_dump({"providers": book["providers"]}))
    assert not [diagnostic for diagnostic in await engine.reload() if diagnostic.severity == "error"]
