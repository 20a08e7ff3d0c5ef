"""Encode: a canonical request → the body of a call of the responses API.

Pure. What the API has no place for is a Fault, never dropped. Where options stand is in `TRAITS.wire`; a provider's
preset may say by its quirk `lacks` that some are not taken there. Nothing of a conversation is kept by the API unless
`extra_body` says `store: true`: every request has all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...canonical.chat import ChatRequest, OutputFormat
from ...canonical.options import option_paths, option_value
from ...canonical.tool import ToolDefinition
from ..body import joined, to_json
from ..fault import Fault, NoPlace
from ..openai.fields import ELSEWHERE, Body, option_fault, place, wire_name
from ..openai.strict import allows_strict
from ..tool_choice import choice_fault, chosen_tool
from .messages import encode_messages
from .traits import TRAITS

_RETENTIONS: dict[float, tuple[str, str]] = {
    1800.0: ("prompt_cache_options.ttl", "30m"),
    43200.0: ("prompt_cache_options.ttl", "12h"),
    86400.0: ("prompt_cache_retention", "24h"),
}
"""How long a prompt may be kept: newer models know the first two, older ones the last."""
# Without tools the API refuses these, and they would say nothing: the last call of a tool loop has none.
_WITH_TOOLS = frozenset({"tool_choice", "parallel_tool_calls"})


def encode(request: ChatRequest, quirks: Mapping[str, Any]) -> bytes | Fault:
    """Return the body as JSON, or what keeps *request* from being sent."""
    return _encoded(request, quirks, {})


def encode_stream(request: ChatRequest, quirks: Mapping[str, Any]) -> bytes | Fault:
    """Return the body as `encode`, for an answer in events."""
    return _encoded(request, quirks, {"stream": True})


def _encoded(request: ChatRequest, quirks: Mapping[str, Any], more: Body) -> bytes | Fault:
    fault = (
        option_fault(request.options, TRAITS.options, TRAITS.name, quirks)
        or _retention_fault(request)
        or choice_fault(request.options.get("tool_choice", "auto"), request.tools)
    )
    if fault is not None:
        return fault
    try:
        return to_json({**_body(request), **more})
    except NoPlace as none:
        return none.fault


def _body(request: ChatRequest) -> Body:
    extra = request.options.get("extra_body", {})
    is_stored = extra.get("store") is True
    body: Body = {"model": request.model, "input": encode_messages(request.messages, is_stored), "store": False}
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.output is not None:
        body["text"] = {"format": _text_format(request.output)}
    _add_options(body, request)
    return joined(body, extra)


def _retention_fault(request: ChatRequest) -> Fault | None:
    seconds = request.options.get("prompt_cache", {}).get("retention")
    if seconds is None or seconds in _RETENTIONS:
        return None
    words = f"`prompt_cache.retention` is 30m, 12h or 24h in api {TRAITS.name!r}, nothing else"
    return Fault("unsupported_option", words)


def _tool(tool: ToolDefinition) -> Body:
    """Return a function; the API would make a schema strict that does not say whether it is."""
    parameters = tool.parameters or {"type": "object", "properties": {}}
    function: Body = {"type": "function", "name": tool.name, "parameters": parameters}
    if tool.description:
        function["description"] = tool.description
    return {**function, "strict": allows_strict(parameters)}


def _text_format(output: OutputFormat) -> Body:
    if output.schema is None:
        return {"type": "json_object"}
    schema = {"name": wire_name(output.name), "schema": output.schema, "strict": allows_strict(output.schema)}
    return {"type": "json_schema", **schema}


def _add_options(body: Body, request: ChatRequest) -> None:
    include: list[str] = []
    for path in option_paths(request.options):
        if path in ELSEWHERE or (path in _WITH_TOOLS and not request.tools):
            continue
        value, field = option_value(request.options, path), TRAITS.wire[path]
        if path == "prompt_cache.retention":
            field, value = _RETENTIONS[value]
        elif path == "tool_choice":
            value = _tool_choice(value, request.tools)
        elif path == "logprobs":
            include.append("message.output_text.logprobs")
        elif path == "reasoning.effort" and value != "none":
            include.append("reasoning.encrypted_content")
        place(body, field, value)
    if include:
        body["include"] = include


def _tool_choice(choice: str, tools: Sequence[ToolDefinition]) -> str | Body:
    chosen = chosen_tool(choice, tools)
    return choice if chosen is None else {"type": "function", "name": chosen.name}
