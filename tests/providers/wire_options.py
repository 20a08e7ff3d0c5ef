"""A value for each option, and where a body holds something, for the tests of what reaches the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routebook.canonical.chat import ChatRequest
from routebook.canonical.message import Message
from routebook.canonical.tool import ToolDefinition

ELSEWHERE = {"extra_body", "extra_headers", "timeout"}
"""The options that stand in no field of their own."""

VALUES: dict[str, Any] = {
    "temperature": 0.25,
    "top_p": 0.75,
    "top_k": 40,
    "n": 2,
    "max_output_tokens": 5000,
    "stop": ("END",),
    "seed": 7,
    "presence_penalty": 0.5,
    "frequency_penalty": -0.5,
    "reasoning.effort": "high",
    "reasoning.budget_tokens": 2000,
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "prompt_cache.key": "agent",
    "service_tier": "auto",
    "logprobs": 3,
    "dimensions": 256,
    "size": "1024x1024",
    "quality": "high",
}
CLOCK = ToolDefinition("clock__now", "clock.now", "The time.", {"type": "object", "properties": {}})
MISSING = object()


def options_of(*paths: str, **values: Any) -> dict[str, Any]:
    """The options at *paths*, nested, each with the value of this page or the one given by its last name."""
    options: dict[str, Any] = {}
    for path in paths:
        name, _, part = path.partition(".")
        value = values.get(part or name, VALUES.get(path))
        if part:
            options.setdefault(name, {})[part] = value
        else:
            options[name] = value
    return options


def request_with(options: Mapping[str, Any], *messages: Message) -> ChatRequest:
    """A request with a tool, so that options about tools mean something."""
    return ChatRequest(
        model="vendor/model-1", messages=messages or (Message("user", "Hi"),), tools=(CLOCK,), options=options
    )


def open_fields(body: Mapping[str, Any], closed: frozenset[str], outer: str = "") -> set[str]:
    """The paths in *body*, dots for nesting, that are not *closed*, where an `extra_body` could change what is sent."""
    found: set[str] = set()
    for name, value in body.items():
        path = outer + name
        if any(each.startswith(f"{path}.") for each in closed) and isinstance(value, dict):
            found |= open_fields(value, closed, f"{path}.")
        elif path not in closed:
            found.add(path)
    return found


def at(body: Any, place: str) -> Any:
    """What *body* holds at *place*, dots for nesting, or MISSING. In a list, the last item that has it."""
    for name in place.split("."):
        if isinstance(body, list):
            body = next((item for item in reversed(body) if isinstance(item, dict) and name in item), None)
        if not isinstance(body, dict) or name not in body:
            return MISSING
        body = body[name]
    return body
