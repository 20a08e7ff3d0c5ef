"""Options: the names a route or a caller may set, and their one merge.

Options travel as frozen mappings from a name to a value. They merge in the order provider, model, feature,
target, caller; later wins. Mappings merge key by key (`extra_body` in depth), lists and scalars replace, and
null removes what an earlier layer set. Names of `extra_headers` become lower-case here, because headers that differ in
spelling alone are one header.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .frozen import Frozen, freeze_mapping

OPTION_NAMES = (
    "temperature",
    "top_p",
    "max_output_tokens",
    "stop",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "reasoning",
    "parallel_tool_calls",
    "service_tier",
    "extra_body",
    "extra_headers",
    "timeout",
)

REASONING_OPTIONS = ("reasoning.effort", "reasoning.budget_tokens")

_MERGED_IN_DEPTH = frozenset({"extra_body"})


def merge_options(*layers: Mapping[str, Any]) -> Frozen:
    """Merge *layers*, weakest first, into one frozen mapping without nulls."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            if name == "extra_headers" and isinstance(value, Mapping):
                value = {header.lower(): text for header, text in value.items()}
            _merge_into(merged, name, value, in_depth=name in _MERGED_IN_DEPTH)
    return freeze_mapping(merged)


def _merge_into(merged: dict[str, Any], name: str, value: Any, *, in_depth: bool) -> None:
    if value is None:
        merged.pop(name, None)
        return
    if not isinstance(value, Mapping):
        merged[name] = value
        return
    earlier = merged.get(name)
    target: dict[str, Any] = dict(earlier) if isinstance(earlier, Mapping) else {}
    for key, item in value.items():
        if in_depth:
            _merge_into(target, key, item, in_depth=True)
        elif item is None:
            target.pop(key, None)
        else:
            target[key] = item
    merged[name] = target


def option_paths(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Name what *options* set, one level into `reasoning`: `("temperature", "reasoning.effort")`."""
    paths: list[str] = []
    for name, value in options.items():
        if name == "reasoning" and isinstance(value, Mapping):
            paths.extend(f"reasoning.{key}" for key in value)
        else:
            paths.append(name)
    return tuple(paths)
