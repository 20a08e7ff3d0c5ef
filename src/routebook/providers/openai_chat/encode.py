"""Encode: a canonical request → the body of a chat completions call.

Pure. What the API has no place for is a Fault, never dropped. Where options stand is in `TRAITS.wire`; a provider's
preset may say otherwise by its quirks: `fields` moves options and adds some, `lacks` takes some away, `choices` spells
words of `tool_choice` in another way, `stream_usage: false` leaves out the wish for usage in streams.
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
    86400.0: ("prompt_cache_retention", "24h"),
}
"""How long a prompt may be kept: newer models know the first, older ones the second."""
# Without tools the API refuses these, and they would say nothing: the last call of a tool loop has none.
_WITH_TOOLS = frozenset({"tool_choice", "parallel_tool_calls"})


def encode(request: ChatRequest, quirks: Mapping[str, Any]) -> bytes | Fault:
    """Return the body as JSON, or what keeps *request* from being sent."""
    return _encoded(request, quirks, {})


def encode_stream(request: ChatRequest, quirks: Mapping[str, Any]) -> bytes | Fault:
    """Return the body as `encode`, for an answer in events."""
    usage = {"stream_options": {"include_usage": True}} if quirks.get("stream_usage", True) else {}
    return _encoded(request, quirks, {"stream": True, **usage})


def _encoded(request: ChatRequest, quirks: Mapping[str, Any], more: Body) -> bytes | Fault:
    fault = (
        option_fault(request.options, _carried(quirks), TRAITS.name, quirks)
        or _retention_fault(request)
        or choice_fault(request.options.get("tool_choice", "auto"), request.tools)
    )
    if fault is not None:
        return fault
    try:
        return to_json({**encode_body(request, quirks), **more})
    except NoPlace as none:
        return none.fault


def encode_body(request: ChatRequest, quirks: Mapping[str, Any]) -> Body:
    """Return the body as plain data, for options without a fault; read-only mappings in it stay as they are.

    Raises:
        NoPlace: As `encode_messages`.
    """
    body: Body = {"model": request.model, "messages": list(encode_messages(request.messages, quirks))}
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.output is not None:
        body["response_format"] = _response_format(request.output)
    _add_options(body, request, quirks)
    return joined(body, request.options.get("extra_body", {}))


def _carried(quirks: Mapping[str, Any]) -> frozenset[str]:
    fields = quirks.get("fields")
    return TRAITS.options | fields.keys() if fields else TRAITS.options


def _retention_fault(request: ChatRequest) -> Fault | None:
    seconds = request.options.get("prompt_cache", {}).get("retention")
    if seconds is None or seconds in _RETENTIONS:
        return None
    return Fault("unsupported_option", f"`prompt_cache.retention` is 30m or 24h in api {TRAITS.name!r}, nothing else")


def _tool(tool: ToolDefinition) -> Body:
    parameters = tool.parameters or {"type": "object", "properties": {}}
    function: Body = {"name": tool.name, "parameters": parameters}
    if tool.description:
        function["description"] = tool.description
    return {"type": "function", "function": function}


def _response_format(output: OutputFormat) -> Body:
    if output.schema is None:
        return {"type": "json_object"}
    schema = {"name": wire_name(output.name), "schema": output.schema, "strict": allows_strict(output.schema)}
    return {"type": "json_schema", "json_schema": schema}


def _add_options(body: Body, request: ChatRequest, quirks: Mapping[str, Any]) -> None:
    fields = quirks.get("fields", {})
    for path in option_paths(request.options):
        if path in ELSEWHERE or (path in _WITH_TOOLS and not request.tools):
            continue
        value = option_value(request.options, path)
        field = fields.get(path) or TRAITS.wire[path]
        if path == "prompt_cache.retention":
            field, value = _RETENTIONS[value]
        elif path == "tool_choice":
            value = _tool_choice(value, request.tools, quirks.get("choices", {}))
        elif path == "logprobs":
            body["logprobs"] = True
        place(body, field, value)


def _tool_choice(choice: str, tools: Sequence[ToolDefinition], words: Mapping[str, str]) -> str | Body:
    chosen = chosen_tool(choice, tools)
    return words.get(choice, choice) if chosen is None else {"type": "function", "function": {"name": chosen.name}}
