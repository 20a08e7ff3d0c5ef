"""Matching: `when`, and what sticks, word for word from the design."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from routebook import Context, Facts

FIELDS = ("profile", "user", "tenant", "region", "stream", "has_images", "has_tools", "input_tokens")


def field_value(name: str, profile: str, context: Context, facts: Facts) -> Any:
    """Return what a request has under the field *name*; None is absent."""
    if name.startswith("metadata."):
        return context.metadata.get(name[len("metadata.") :])
    if name == "profile":
        return profile
    if name in ("user", "tenant", "region"):
        return getattr(context, name)
    return getattr(facts, name)


def same(one: Any, other: Any) -> bool:
    """Types count: true is never 1, text is never a number; 1 is 1.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return (type(one) is type(other) is str and one == other) or (is_number(one) and is_number(other) and one == other)


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def fraction(feature: str, purpose: str, value: str) -> float:
    """SHA-256 of (feature, purpose, value), as a fraction."""
    hashed = hashlib.sha256(f"{feature}\x00{purpose}\x00{value}".encode()).digest()
    return int.from_bytes(hashed[:8], "big") / 2**64


def sticky_value(context: Context, value: Any, run_id: str | None) -> str | None:
    """The context's key, else the field's value as text, else the run's id."""
    if context.key is not None:
        return context.key
    if value is not None:
        return value if isinstance(value, str) else json.dumps(value)
    return run_id


def holds(matcher: Any, value: Any) -> bool:
    """Tell whether a matcher without a percent holds for *value*."""
    if isinstance(matcher, list):
        return value is not None and any(same(item, value) for item in matcher)
    if not isinstance(matcher, Mapping):
        return value is not None and same(matcher, value)
    return all(_operator(name, operand, value) for name, operand in matcher.items() if name != "percent")


def _operator(name: str, operand: Any, value: Any) -> bool:
    if name == "exists":
        return (value is not None) == operand
    if name == "not":
        return value is None or not any(
            same(item, value) for item in (operand if isinstance(operand, list) else [operand])
        )
    if value is None:
        return False
    if name == "in":
        return any(same(item, value) for item in operand)
    if name == "prefix":
        return isinstance(value, str) and value.startswith(operand)
    if not is_number(value):
        return False
    return {"gt": value > operand, "gte": value >= operand, "lt": value < operand, "lte": value <= operand}[name]
