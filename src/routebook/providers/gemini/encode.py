"""Encode: a canonical request → the body of a generateContent call.

Pure. What the API has no place for is a Fault, never dropped. Where options stand is in `TRAITS.wire`; `address` says
whether it is Vertex, and which version of the API.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...canonical.chat import ChatRequest, OutputFormat
from ...canonical.options import option_paths, option_value
from ...canonical.tool import ToolDefinition
from ..body import joined, to_json
from ..fault import Fault, NoPlace
from ..tool_choice import choice_fault, chosen_tool
from .address import Address, model_fault
from .media import Body
from .messages import encode_messages, encode_system, is_old_gemini, wire_name
from .schemas import held_schema
from .traits import TRAITS

ELSEWHERE = frozenset({"extra_body", "extra_headers", "timeout"})
"""Options that stand in no field of their own."""

_MOST_STOPS = 5
_CHOICES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}
_LEVELS = {
    "minimal": "MINIMAL",
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "xhigh": "XHIGH",
    "max": "XHIGH",
}
_BUDGETS = {
    "minimal": 1024,
    "low": 1024,
    "medium": 8192,
    "high": 24576,
    "xhigh": 24576,
    "max": 24576,
}
"""What efforts are to models that know no levels: as Google's own chat completions have it."""


def encode(request: ChatRequest, address: Address) -> bytes | Fault:
    """Return the body as JSON, or what keeps *request* from being sent; for an answer in events it is the same."""
    fault = (
        option_fault(request.options, TRAITS.options)
        or model_fault(request.model)
        or _stop_fault(request.options)
        or choice_fault(request.options.get("tool_choice", "auto"), request.tools)
        or _reasoning_fault(request.options)
    )
    if fault is not None:
        return fault
    try:
        return to_json(_body(request, address))
    except NoPlace as none:
        return none.fault


def option_fault(options: Mapping[str, Any], carried: frozenset[str]) -> Fault | None:
    """Return what is wrong with *options*, if anything is: the API has a place for *carried*."""
    for path in option_paths(options):
        if path not in carried:
            return Fault("unsupported_option", f"option {path!r} has no place in api {TRAITS.name!r}")
    return None


def place(body: Body, path: str, value: Any) -> None:
    """Put *value* at *path* of *body*, dots for nesting."""
    *outer, last = path.split(".")
    for name in outer:
        body = body.setdefault(name, {})
    body[last] = value


def _body(request: ChatRequest, address: Address) -> Body:
    body: Body = {"contents": encode_messages(request.messages, request.model, has_ids=address.has_call_ids)}
    system = encode_system(request.messages)
    if system is not None:
        body["systemInstruction"] = system
    if request.tools:
        body["tools"] = [{"functionDeclarations": [_tool(tool) for tool in request.tools]}]
    _add_options(body, request)
    if request.output is not None:
        body.setdefault("generationConfig", {}).update(_response_format(request.output))
    return joined(body, request.options.get("extra_body", {}))


def _stop_fault(options: Mapping[str, Any]) -> Fault | None:
    stops = options.get("stop", ())
    if isinstance(stops, str) or len(stops) <= _MOST_STOPS:
        return None
    return Fault("unsupported_option", f"`stop` has {len(stops)} texts; api {TRAITS.name!r} takes {_MOST_STOPS}")


def _reasoning_fault(options: Mapping[str, Any]) -> Fault | None:
    reasoning = options.get("reasoning", {})
    if reasoning.get("effort") is None or reasoning.get("budget_tokens") is None:
        return None
    words = f"api {TRAITS.name!r} takes `reasoning.effort` or `reasoning.budget_tokens`, not both at once"
    return Fault("unsupported_option", words)


def _tool(tool: ToolDefinition) -> Body:
    function: Body = {"name": wire_name(tool.name)}
    if tool.description:
        function["description"] = tool.description
    schema = tool.parameters
    if schema.keys() - {"type", "properties", "additionalProperties"} or schema.get("properties"):
        function["parametersJsonSchema"] = held_schema({**schema, "type": "object"})
    return function


def _response_format(output: OutputFormat) -> Body:
    json: Body = {"responseMimeType": "application/json"}
    return json if output.schema is None else {**json, "responseJsonSchema": held_schema(output.schema)}


def _add_options(body: Body, request: ChatRequest) -> None:
    for path in option_paths(request.options):
        if path in ELSEWHERE:
            continue
        value = option_value(request.options, path)
        if path == "tool_choice":
            if request.tools:  # the last call of a tool loop has none, and then it says nothing
                body["toolConfig"] = {"functionCallingConfig": _tool_choice(value, request.tools)}
        elif path == "reasoning.effort":
            place(body, "generationConfig.thinkingConfig", _effort(value, request.model))
        elif path == "reasoning.budget_tokens":
            place(body, "generationConfig.thinkingConfig", _budget(value))
        else:
            if path == "logprobs":
                place(body, "generationConfig.responseLogprobs", True)
            place(body, TRAITS.wire[path], [value] if path == "stop" and isinstance(value, str) else value)


def _tool_choice(choice: str, tools: Sequence[ToolDefinition]) -> Body:
    chosen = chosen_tool(choice, tools)
    if chosen is None:
        return {"mode": _CHOICES[choice]}
    return {"mode": "ANY", "allowedFunctionNames": [wire_name(chosen.name)]}


def _effort(effort: str, model: str) -> Body:
    if effort == "none":
        return {"thinkingBudget": 0}
    if is_old_gemini(model):
        return _budget(_BUDGETS[effort])
    return {"thinkingLevel": _LEVELS[effort], "includeThoughts": True}


def _budget(tokens: int) -> Body:
    return {"thinkingBudget": tokens, "includeThoughts": True} if tokens else {"thinkingBudget": 0}
