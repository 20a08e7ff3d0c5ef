"""Listener: a function of the application's own that is handed the records, and what becomes of its failures."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..errors import RequestError
from ..records.ended import EngineRecord
from .seldom import Clock, Seldom

_LOG = logging.getLogger("routebook")

RecordListener = Callable[[EngineRecord], object]
"""Takes a record, in a thread that is not the engine's; what it returns is not looked at."""


class Ear:
    """One listener that was added; the same function may have two."""

    def __init__(self, listener: RecordListener, clock: Clock) -> None:
        check_listener(listener)
        self._listener = listener
        self._failures = Seldom(clock)
        self.name = name_of(listener)

    def hear(self, record: EngineRecord) -> None:
        """Hand *record* to the listener; where it raises, that is logged once a minute at most, and changes nothing."""
        try:
            self._listener(record)
        except BaseException:  # noqa: BLE001, a host's mistake is no reason to stop, nor is its `sys.exit()`
            self._tell_of_failure()

    def _tell_of_failure(self) -> None:
        count = self._failures.count()
        if not count:
            return
        more = "" if count == 1 else f" (and {count - 1} times before, since that was last said)"
        # Where the log fails as well, nobody is left to be told.
        with suppress(Exception):
            _LOG.exception("the listener %s failed, which changes nothing%s", self.name, more)


def check_listener(listener: Any) -> None:
    """Raise where *listener* cannot be called, or would have to be awaited then.

    Raises:
        RequestError: It is such a one.
    """
    if not callable(listener):
        raise RequestError(f"a listener must be a function, not {type(listener).__name__}", "listeners")
    if is_awaited(listener):
        what = f"the listener {name_of(listener)} must be a plain function: it is called in a thread, and not awaited"
        raise RequestError(what, "listeners")


def is_awaited(function: Any) -> bool:
    """Tell whether what *function* returns has to be awaited."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def name_of(listener: Any) -> str:
    """Return what to call *listener* in a sentence: a function's own name, else the name of its class."""
    name = getattr(listener, "__qualname__", None)
    return name if isinstance(name, str) else type(listener).__qualname__
