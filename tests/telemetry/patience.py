"""Waiting for what happens in other threads, and a listener that makes others wait."""

from __future__ import annotations

import logging
import threading
import time

LONG_S = 10
"""As long as a busy machine may take; no test waits for it."""


def warnings_of(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def until(condition) -> None:
    """Wait until it holds."""
    ends_at = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < ends_at, "it never came to hold"
        time.sleep(0.002)


class Stuck:
    """A listener that stays in its first call until it is let go."""

    def __init__(self) -> None:
        self.heard: list[object] = []
        self.entered = threading.Event()
        self.go = threading.Event()

    def __call__(self, record: object) -> None:
        self.heard.append(record)
        self.entered.set()
        self.go.wait(LONG_S)
