"""Patterns: matched by an engine that never backtracks, so that no text, however made, takes longer than linear."""

from __future__ import annotations

import re
from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, core_schema

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_CLASS = re.compile(r"\[\^?([^\]]*)\]")


def pattern_problem(pattern: str) -> str | None:
    """Return why *pattern* cannot be matched in linear time, or would not mean here what it means elsewhere."""
    if any(char in "<>" for char in _ESCAPE.findall(pattern)):
        return "write < and > without a backslash"
    for inside in _CLASS.findall(_ESCAPE.sub("x", pattern)):
        if not inside or any(sign in inside for sign in ("[", "&&", "--", "~~")):
            return "inside [...], escape each of [ ] & - ~ that stands for itself"
    try:
        _matcher(pattern)
    except SchemaError as error:
        lines = [line.strip() for line in str(error).splitlines()]
        said = next((line.removeprefix("error: ") for line in lines if line.startswith("error: ")), lines[-1])
        return said[:1].lower() + said[1:]
    return None


@lru_cache(maxsize=256)
def _matcher(pattern: str) -> SchemaValidator:
    return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))


def matches(pattern: str, text: str) -> bool:
    """Tell whether *pattern* is found in *text*."""
    return _matcher(pattern).isinstance_python(text)
