"""Callers at a gate: each a task that waits for its turn, and keeps it until it is told to leave."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from virtual_time import now, settle

from routebook.routing.provider_spec import Limits
from routebook.state.gate import Gate, QueueTimeout

PATIENT_S = 1e6


def gate(concurrency: int | None = None, *, adaptive: bool = False, **limits: Any) -> Gate:
    """Return a gate on the running loop's clock."""
    return Gate(Limits(concurrency, adaptive=adaptive, **limits), now)


@dataclass(eq=False)
class Caller:
    """Someone at a gate: `entered` is what the gate said when the turn came."""

    at: Gate
    name: object = None
    tokens: int = 0
    patience_s: float = PATIENT_S
    log: list[Any] = field(default_factory=list)
    entered: int | None = None
    refused: str | None = None
    came_at: float | None = None

    def __post_init__(self) -> None:
        self._task = asyncio.create_task(self._wait())

    async def _wait(self) -> None:
        try:
            self.entered = await self.at.enter(self.tokens, self.patience_s)
        except QueueTimeout as error:
            self.refused = str(error)
            return
        self.came_at = now()
        self.log.append(self.name)

    @property
    def is_in(self) -> bool:
        return self.entered is not None

    @property
    def waits(self) -> bool:
        return not self._task.done()

    def give_up(self) -> None:
        self._task.cancel()

    async def until_in(self) -> None:
        await self._task

    def leave(self) -> None:
        self.at.leave()


async def callers(at: Gate, count: int, **each: Any) -> list[Caller]:
    """Let *count* callers come, one after the other, named by their number."""
    log: list[Any] = []
    come = []
    for name in range(count):
        come.append(Caller(at, name, log=log, **each))
        await settle()
    return come
