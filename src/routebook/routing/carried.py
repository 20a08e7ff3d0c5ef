"""Carried: whether a target takes an option with the value that it is given.

A model that cannot do a thing is still asked to do without it: for such a model the one value that says so is carried,
and no other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

WITHOUT: Mapping[str, Any] = MappingProxyType({"reasoning.effort": "none", "parallel_tool_calls": False})
"""The value of an option that asks for less than any model does."""


def only_without(path: str) -> str:
    """Return what stands for *path* among the options that a target carries if it takes its value `WITHOUT` alone."""
    return f"{path} without"


def takes(carries: Collection[str], path: str, value: Any) -> bool:
    """Tell whether a target that *carries* these options takes *value* as the option *path*."""
    if path in carries:
        return True
    return path in WITHOUT and value == WITHOUT[path] and only_without(path) in carries
