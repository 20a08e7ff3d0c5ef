"""Patterns: matched by an engine that never backtracks, so that no text, however made, takes longer than linear."""

from __future__ import annotations

import re
from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, core_schema

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_CLASS = re.compile(r"\[\^?([^\]]*)\]")
# One item of a pattern, and how often it is counted out.
_ITEM = re.compile(
    r"(\\[pP](?:\{[^}]*\}|.)|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.)(?:\{([0-9]+)(?:,([0-9]*))?\})?", re.DOTALL
)
_LARGE_CLASS = re.compile(r"\\[pPwWdDsS]")
_DEAREST = 400

LONGEST_PATTERN = 1000
"""How many characters a pattern may have."""


def pattern_problem(pattern: str) -> str | None:
    """Return why *pattern* cannot be matched in linear time, or would not mean here what it means elsewhere."""
    if len(pattern) > LONGEST_PATTERN:
        return f"it is longer than {LONGEST_PATTERN} characters"
    if any(char in "<>" for char in _ESCAPE.findall(pattern)):
        return "write < and > without a backslash"
    for inside in _CLASS.findall(_ESCAPE.sub("x", pattern)):
        if not inside or any(sign in inside for sign in ("[", "&&", "--", "~~")):
            return "inside [...], escape each of [ ] & - ~ that stands for itself"
    try:
        _matcher(pattern)
    except SchemaError as error:
        lines = [line.strip().removeprefix("SchemaError: ") for line in str(error).splitlines()]
        said = next((line.removeprefix("error: ") for line in lines if line.startswith("error: ")), lines[-1])
        return said[:1].lower() + said[1:]
    return None


def pattern_cost(pattern: str) -> int:
    """Return about how many classes of letters *pattern* is made of when its repetitions are counted out, from 1.

    Testing a pattern takes a quarter of a millisecond for each, 400 at most: larger ones are refused soon.
    """
    if len(pattern) > LONGEST_PATTERN:
        return 1
    total, times = len(pattern) / 50, 1
    for item, least, most in _ITEM.findall(pattern):
        count = max(_count(least), _count(most)) or 1
        if item == ")":
            times = min(times * count, _DEAREST)
        else:
            total += count * (len(_LARGE_CLASS.findall(item)) + (0.02 if item in ".(" or item[0] == "[" else 0.005))
    return min(int(total * times) + 1, _DEAREST)


def _count(digits: str) -> int:
    return int(digits) if 0 < len(digits) < 6 else 0 if not digits else 10**6


@lru_cache(maxsize=256)
def _matcher(pattern: str) -> SchemaValidator:
    return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))


def matches(pattern: str, text: str) -> bool:
    """Tell whether *pattern* is found in *text*."""
    return _matcher(pattern).isinstance_python(text)
