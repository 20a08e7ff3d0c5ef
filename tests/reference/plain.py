"""Plain: a book as a person wrote it → the same with every `{env: ...}` read and every option in the form it runs in.

Only what random books hold is known here. Secrets stay references.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

READ_AS: Mapping[str, Callable[[str], Any]] = {
    "weight": float,
    "percent": float,
    "temperature": float,
    "max_output_tokens": int,
    "seed": int,
    "gt": float,
    "lt": float,
    "stream": lambda text: text.lower() == "true",
    "has_images": lambda text: text.lower() == "true",
}
SECRETS = ("api_key", "headers")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}


def plain(value: Any, environment: Mapping[str, str], key: str = "") -> Any:
    """Return *value*, which stands under *key*, with its references to the environment read."""
    if isinstance(value, dict):
        if "env" in value and value.keys() <= {"env", "default"}:
            read = environment.get(value["env"])
            return value["default"] if read is None else READ_AS.get(key, str)(read)
        return {name: item if name in SECRETS else plain(item, environment, name) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item, environment, key) for item in value]
    return value


def settled(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return *options* as they run: lists of stops, timeouts in seconds, headers in lower case."""
    layer = dict(options)
    if isinstance(layer.get("stop"), str):
        layer["stop"] = [layer["stop"]]
    if isinstance(layer.get("timeout"), str):
        layer["timeout"] = {"total": layer["timeout"]}
    if isinstance(layer.get("timeout"), Mapping):
        layer["timeout"] = {name: _seconds(value) for name, value in layer["timeout"].items()}
    if isinstance(layer.get("extra_headers"), Mapping):
        layer["extra_headers"] = {name.lower(): value for name, value in layer["extra_headers"].items()}
    return layer


def merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Merge *layers*, weakest first: mappings by key (extra_body in depth), the rest replaces, null removes."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for name, value in settled(layer).items():
            depth = 99 if name == "extra_body" else 1
            merged = _with(merged, name, value, depth)
    return {name: value for name, value in merged.items() if value != {}}


def typed(value: Any) -> Any:
    """Return *value* so that equal means the same: 1 is 1.0 and not true."""
    if isinstance(value, Mapping):
        return tuple(sorted((name, typed(item)) for name, item in value.items()))
    if isinstance(value, (list, tuple)):
        return ("list", *(typed(item) for item in value))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return repr(value)
    return repr(float(value))


def _with(earlier: Mapping[str, Any], name: str, value: Any, depth: int) -> dict[str, Any]:
    rest = {key: item for key, item in earlier.items() if key != name}
    if value is None:
        return rest
    if isinstance(value, Mapping) and depth > 0:
        below = earlier.get(name)
        inner = dict(below) if isinstance(below, Mapping) else {}
        for key, item in value.items():
            inner = _with(inner, key, item, depth - 1)
        return {**rest, name: inner}
    return {**rest, name: value}


def _seconds(text: Any) -> Any:
    """A duration in seconds; what is in seconds already stays."""
    if not isinstance(text, str):
        return text
    unit = next(unit for unit in ("ms", "s", "m") if text.endswith(unit))
    return float(text.removesuffix(unit)) * UNITS[unit]
