"""Options: the names a route or a caller may set, and their one merge.

Options travel as frozen mappings from a name to a value. They merge in the order provider, model, feature,
target, caller; later wins. Mappings merge key by key (`extra_body` in depth), lists and scalars replace, and
null removes what an earlier layer set; an option of which nothing is left is not set. Names of `extra_headers` become
lower-case here, because headers that differ in spelling alone are one header.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .frozen import Frozen, freeze_mapping

OPTION_NAMES = (
    "temperature",
    "top_p",
    "top_k",
    "n",
    "max_output_tokens",
    "stop",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "reasoning",
    "tool_choice",
    "parallel_tool_calls",
    "prompt_cache",
    "service_tier",
    "logprobs",
    "dimensions",
    "size",
    "quality",
    "extra_body",
    "extra_headers",
    "timeout",
)

SUB_OPTIONS = ("reasoning.effort", "reasoning.budget_tokens", "prompt_cache.key", "prompt_cache.retention")
"""Options that are carried, rejected and refused by themselves, though they stand inside another."""

OPTION_PATHS = tuple(
    path for name in OPTION_NAMES for path in ([sub for sub in SUB_OPTIONS if sub.startswith(f"{name}.")] or [name])
)
"""Every option once, those that have parts in their parts: what an API can say that it carries."""

_IN_PARTS = frozenset(path.partition(".")[0] for path in SUB_OPTIONS)
_MERGED_IN_DEPTH = frozenset({"extra_body"})


def merge_options(*layers: Mapping[str, Any]) -> Frozen:
    """Merge *layers*, weakest first, into one frozen mapping without nulls."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            if name == "extra_headers" and isinstance(value, Mapping):
                value = {header.lower(): text for header, text in value.items()}
            _merge_into(merged, name, value, in_depth=name in _MERGED_IN_DEPTH)
    return freeze_mapping(_without_empty(merged))


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


def _without_empty(merged: dict[str, Any]) -> dict[str, Any]:
    """Leave out options whose every key was removed; an empty mapping inside `extra_body` is a value like any other."""
    return {name: value for name, value in merged.items() if value != {}}


def option_paths(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Name what *options* set, one level into `reasoning` and `prompt_cache`: `("temperature", "reasoning.effort")`."""
    paths: list[str] = []
    for name, value in options.items():
        if name in _IN_PARTS and isinstance(value, Mapping):
            paths.extend(f"{name}.{key}" for key in value)
        else:
            paths.append(name)
    return tuple(paths)


def option_value(options: Mapping[str, Any], path: str) -> Any:
    """Return what *options* hold at *path*, one that `option_paths` names."""
    name, _, part = path.partition(".")
    return options[name][part] if part else options[name]
