"""Logline: a record as one line for people: what happened, then `key=value` pairs that programs can split.

Values are quoted where they hold blanks, quotes or `=`; what does not print is escaped, so that no word of a provider's
or a model's can begin a line of its own, or pass for another field. Fields that are not set are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..canonical.record import Record
from ..records.ended import AttemptEnded, EngineRecord, RunEnded, ToolCallEnded, TurnEnded

_LONGEST = 500
_WORD = re.compile(r'[^\s"=\\]+')


def line_of(record: EngineRecord) -> str:
    """Return *record* as one line."""
    return " ".join((_what_happened(record), *_pairs(record)))


def _what_happened(record: EngineRecord) -> str:
    match record:
        case RunEnded(error=None):
            return "run ended:"
        case RunEnded(error="CancelledError"):
            return "run cancelled:"
        case RunEnded():
            return "run failed:"
        case TurnEnded():
            return "turn ended:"
        case ToolCallEnded(is_error=is_error):
            return "tool call failed:" if is_error else "tool call answered:"
        case AttemptEnded(attempt=attempt):
            return f"attempt {attempt.outcome.replace('_', ' ')}:"


def _pairs(record: Record, under: str = "") -> Iterator[str]:
    for name in names_of(record):
        value = getattr(record, name)
        if value is None:
            continue
        if not isinstance(value, Record):
            yield f"{under}{name}={_shown(value)}"
        else:
            yield from _pairs(value, "" if name == "attempt" else f"{under}{name}.")


def names_of(record: Record) -> tuple[str, ...]:
    """Return the names of the fields of *record*, in their order; `dataclasses.fields` takes much longer."""
    return record.__slots__


def _shown(value: Any) -> str:
    kind = type(value)
    if kind is str:
        return quoted(value)
    if kind is float:
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return str(value).lower()


def quoted(text: str) -> str:
    """Return *text* as a value on a line: as it stands where it is one plain word, else in quotes, cut and escaped."""
    shown = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    if _WORD.fullmatch(shown) and shown.isprintable():
        return shown
    return '"' + "".join(map(_escaped, shown)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
