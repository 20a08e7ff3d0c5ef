"""Core: an unquoted scalar → the value that YAML 1.2's core schema gives it.

Only `null`, booleans and numbers are not text: `no`, `on`, `2026-11-21`, `1_000` and `.nan` are. Also converts JSON's
numbers, so that both readers agree.
"""

from __future__ import annotations

import math
import re

_CONSTANTS: dict[str, bool | None] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_FIRST_OF_NUMBERS = frozenset("+-.0123456789")
_LARGEST = 2**64 - 1
_SMALLEST = -(2**63)
_MOST_DIGITS = 22  # of the largest, in base 8


def plain_value(text: str) -> str | int | float | bool | None:
    """Return what the unquoted *text* means.

    Raises:
        OverflowError: An integer of more than 64 bits, or a float beyond the largest; the message says which.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in _FIRST_OF_NUMBERS:
        return text
    if _INTEGER.fullmatch(text):
        return read_integer(text)
    if _FLOAT.fullmatch(text):
        return read_float(text)
    return text


def read_integer(text: str) -> int:
    """Return the integer that *text* writes in base 10, or after `0o` or `0x` in base 8 or 16."""
    sign, base, digits = _parts(text)
    digits = digits.lstrip("0") or "0"
    if len(digits) <= _MOST_DIGITS:
        value = sign * int(digits, base)
        if _SMALLEST <= value <= _LARGEST:
            return value
    raise OverflowError("integer has more than 64 bits")


def _parts(text: str) -> tuple[int, int, str]:
    if text[:2] == "0x":
        return 1, 16, text[2:]
    if text[:2] == "0o":
        return 1, 8, text[2:]
    return -1 if text[0] == "-" else 1, 10, text.lstrip("+-")


def read_float(text: str) -> float:
    """Return the finite float that *text* writes."""
    value = float(text)
    if math.isinf(value):
        raise OverflowError("number is too large")
    return value
