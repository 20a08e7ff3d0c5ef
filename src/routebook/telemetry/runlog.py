"""RunLog: a listener that writes one line for each record, to a logger of the standard library or of structlog.

What went well is written at one level, what did not as a warning. The fields are the records' own; an attempt's stand
beside those of its record. Costs are whole millionths of a US dollar, and so exact.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ..canonical.record import Record
from ..errors import RequestError
from ..records.ended import AttemptEnded, EngineRecord, RunEnded, ToolCallEnded, TurnEnded
from .logline import line_of, names_of

_METHODS = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warning",
    logging.ERROR: "error",
    logging.CRITICAL: "critical",
}
_ASKING = ("is_enabled_for", "isEnabledFor")


class RunLog:
    """Writes the records of runs to *logger*, by default the one named `routebook.runs` of the standard library.

    A logger of the standard library gets a sentence with `key=value` pairs, and all fields as `extra={"routebook":
    {...}}`. Any other is called as structlog's are: `logger.info("run", run_id=..., feature=..., ...)`. *level* is that
    of what went well, one of the five of `logging`; what failed is logged as a warning at least. A run or a call that
    was cancelled did not fail.

    Raises:
        RequestError: The logger has no such methods, or the level is none of the five.
    """

    def __init__(self, logger: Any = None, *, level: int = logging.INFO) -> None:
        if type(level) is not int or level not in _METHODS:
            levels = ", ".join(f"logging.{name.upper()}" for name in _METHODS.values())
            raise RequestError(f"level must be one of {levels}, not {level!r}", "level")
        self._levels = (level, max(level, logging.WARNING))
        self._logger = logging.getLogger("routebook.runs") if logger is None else logger
        self._is_plain = isinstance(self._logger, (logging.Logger, logging.LoggerAdapter))
        if not self._is_plain:
            for method in {_METHODS[level] for level in self._levels}:
                _check_method(self._logger, method)

    def __call__(self, record: EngineRecord) -> None:
        """Write *record*, unless its level is not logged."""
        level = self._levels[has_failed(record)]
        if self._is_plain:
            if self._logger.isEnabledFor(level):
                _write(self._logger, level, line_of(record), {"routebook": fields_of(record)})
            return
        logger = _bound(self._logger)
        if _is_enabled(logger, level):
            getattr(logger, _METHODS[level])(record.type, **fields_of(record))


def has_failed(record: EngineRecord) -> bool:
    """Tell whether what *record* tells of went wrong. What was cancelled did not, unless its time was over."""
    match record:
        case RunEnded(error=error):
            return error is not None and error != "CancelledError"
        case AttemptEnded(attempt=attempt):
            return attempt.outcome != "answered" and attempt.kind != "cancelled"
        case ToolCallEnded(is_error=is_error):
            return is_error
        case TurnEnded():
            return False


def fields_of(record: Record) -> dict[str, Any]:
    """Return all fields of *record* as plain data, unset ones as None; an attempt's stand beside the others."""
    plain: dict[str, Any] = {}
    for name in names_of(record):
        value = getattr(record, name)
        if not isinstance(value, Record):
            plain[name] = value
        elif name == "attempt":
            plain |= fields_of(value)
        else:
            plain[name] = fields_of(value)
    return plain


def _write(logger: Any, level: int, line: str, fields: Mapping[str, Any]) -> None:
    """Log *line* with *fields* as extra ones; an adapter adds its own, and by itself would leave out these."""
    given: dict[str, Any] = {"extra": fields}
    while isinstance(logger, logging.LoggerAdapter):
        extra = given["extra"]
        line, changed = logger.process(line, given)
        given = {**changed, "extra": {**(changed.get("extra") or {}), **extra}}
        logger = logger.logger
    logger.log(level, "%s", line, **given)


def _bound(logger: Any) -> Any:
    """Return the logger that structlog's stand-in stands for, which knows its level; any other is itself."""
    bind = getattr(type(logger), "bind", None)
    return logger if bind is None else bind(logger)


def _is_enabled(logger: Any, level: int) -> bool:
    # The instance is not asked: to some, every name is that of a method that logs.
    for name in _ASKING:
        asked = getattr(type(logger), name, None)
        if asked is not None:
            # structlog's wrapper for the standard library answers only where it wraps one of its loggers.
            with suppress(AttributeError):
                return bool(asked(logger, level))
    return True


def _check_method(logger: Any, name: str) -> None:
    method = getattr(logger, name, None)
    if not callable(method) or inspect.iscoroutinefunction(method):
        what = f"the logger needs a plain method {name!r}, as those of `logging` and structlog have"
        raise RequestError(f"{what}; {type(logger).__name__} has none", "logger")
