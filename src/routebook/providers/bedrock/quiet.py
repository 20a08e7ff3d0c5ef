"""Quiet: at level DEBUG `botocore` logs what it signs, sends and is given, with a session's token and a role's keys.

Those records are dropped while it works for us; what the application's own use of it logs is not touched.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_LOGGERS = ("botocore.auth", "botocore.endpoint", "botocore.parsers", "botocore.utils")
_IS_OURS = ContextVar("_IS_OURS", default=False)


@contextmanager
def quiet() -> Iterator[None]:
    """Let the package log no details meanwhile, in this thread or task."""
    token = _IS_OURS.set(True)
    try:
        yield
    finally:
        _IS_OURS.reset(token)


def _is_shown(record: logging.LogRecord) -> bool:
    return record.levelno > logging.DEBUG or not _IS_OURS.get()


for _name in _LOGGERS:
    logging.getLogger(_name).addFilter(_is_shown)
