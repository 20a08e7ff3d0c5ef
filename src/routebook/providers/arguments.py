"""Arguments: what a model sent as a tool call's arguments → an object, or the raw text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


def read_arguments(raw: Any) -> tuple[Mapping[str, Any] | None, str | None]:
    """Return *raw* as (`arguments`, `arguments_json`) of a ToolCall: one of the two is None.

    *raw* is JSON text, or plain data that a server did not make text of. JSON null, nothing and blank text are
    `{}`. What is no object stays raw text.
    """
    if isinstance(raw, str):
        return _read_text(raw)
    if raw is None:
        return {}, None
    if isinstance(raw, Mapping):
        return raw, None
    return None, msgspec.json.encode(raw, enc_hook=dict).decode()


def _read_text(text: str) -> tuple[Mapping[str, Any] | None, str | None]:
    if not text.strip():
        return {}, None
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None, text
    if value is None:
        return {}, None
    return (value, None) if isinstance(value, dict) else (None, text)
