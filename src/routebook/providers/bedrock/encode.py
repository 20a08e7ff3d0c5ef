"""Encode: a canonical request → the body of a call of the converse API.

Pure. What the API has no place for is a Fault, never dropped. Where options stand is in `TRAITS.wire`. An answer in
events is asked for at another path, with the same body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ...canonical.chat import ChatRequest, OutputFormat
from ...canonical.frozen import thaw
from ...canonical.options import option_paths
from ...canonical.tool import ToolDefinition
from ..anthropic.schemas import held_schema
from ..body import joined, to_json
from ..fault import Fault, NoPlace
from ..tool_choice import choice_fault, chosen_tool
from .media import Body
from .messages import encode_messages, encode_system, wire_name
from .model_ids import is_of
from .traits import TRAITS

_EFFORTS = {"minimal": "low"}
_CHOICES: dict[str, Body] = {"auto": {"auto": {}}, "required": {"any": {}}}
_RETENTIONS: dict[float, Body] = {300.0: {}, 3600.0: {"ttl": "1h"}}
_INFERENCE = {"max_output_tokens": "maxTokens", "temperature": "temperature", "top_p": "topP", "stop": "stopSequences"}
_FOREIGN_LETTER = re.compile(r"[^a-zA-Z0-9_-]")
_OF_MODELS = frozenset({"top_k", "seed", "reasoning.budget_tokens", "presence_penalty", "frequency_penalty"})
_NO_CACHED_TOOLS = "amazon.nova-"


def encode(request: ChatRequest) -> bytes | Fault:
    """Return the body as JSON, or what keeps *request* from being sent."""
    fault = (
        _option_fault(request.options)
        or _value_fault(request.options)
        or choice_fault(request.options.get("tool_choice", "auto"), request.tools)
        or _output_fault(request)
    )
    if fault is not None:
        return fault
    try:
        return to_json(_body(request))
    except NoPlace as none:
        return none.fault


def _body(request: ChatRequest) -> Body:
    options = request.options
    tools, choice = _tools(request)
    body: Body = {"messages": encode_messages(request.messages, with_tools=bool(tools))}
    system = encode_system(request.messages)
    inference = {field: options[name] for name, field in _INFERENCE.items() if name in options}
    if inference:
        body["inferenceConfig"] = inference
    if "service_tier" in options:
        body["serviceTier"] = {"type": options["service_tier"]}
    effort = options.get("reasoning", {}).get("effort")
    if effort is not None:
        body["outputConfig"] = {"effort": _EFFORTS.get(effort, effort)}
    if request.output is not None and request.output.schema is not None:
        _hold(request.output, request.output.schema, body, system)
    retention = options.get("prompt_cache", {}).get("retention")
    if retention is not None:
        point = {"cachePoint": {"type": "default", **_RETENTIONS[retention]}}
        _set_cache_points([] if is_of(request.model, _NO_CACHED_TOOLS) else tools, system, body["messages"], point)
    if system:
        body["system"] = system
    if tools:
        body["toolConfig"] = {"tools": tools, **({"toolChoice": choice} if choice else {})}
    return joined(body, options.get("extra_body", {}))


def _option_fault(options: Mapping[str, Any]) -> Fault | None:
    path = next((path for path in option_paths(options) if path not in TRAITS.options), None)
    if path is None:
        return None
    words = f"option {path!r} has no place in api {TRAITS.name!r}"
    own = "; a model that knows it takes it in `extra_body: {additionalModelRequestFields: {...}}`, under its own name"
    return Fault("unsupported_option", words + (own if path in _OF_MODELS else ""))


def _value_fault(options: Mapping[str, Any]) -> Fault | None:
    if options.get("prompt_cache", {}).get("retention", 300.0) not in _RETENTIONS:
        return Fault("unsupported_option", f"`prompt_cache.retention` is 5m or 1h in api {TRAITS.name!r}, nothing else")
    known = TRAITS.rules.values["reasoning.effort"]
    if options.get("reasoning", {}).get("effort", known[0]) not in known:
        words = f"`reasoning.effort` is one of {', '.join(known)} in api {TRAITS.name!r}, nothing else"
        return Fault("unsupported_option", words)
    return None


def _output_fault(request: ChatRequest) -> Fault | None:
    if request.output is None or request.output.schema is not None:
        return None
    return Fault("unsupported_capability", f"api {TRAITS.name!r} has no JSON mode; give the output a schema")


def _tools(request: ChatRequest) -> tuple[list[Body], Body | None]:
    """Return the tools, and the choice of one. The API cannot be told to call none: there are none then."""
    choice = request.options.get("tool_choice", "auto")
    if not request.tools or choice == "none":
        return [], None
    tools = [_tool(tool) for tool in request.tools]
    return tools, _tool_choice(choice, request.tools) if "tool_choice" in request.options else None


def _tool(tool: ToolDefinition) -> Body:
    schema: Mapping[str, Any] = tool.parameters or {"type": "object", "properties": {}}
    if schema.get("type") != "object":
        schema = {**schema, "type": "object"}
    encoded: Body = {"name": wire_name(tool.name), "inputSchema": {"json": schema}}
    if tool.description:
        encoded["description"] = tool.description
    return {"toolSpec": encoded}


def _tool_choice(choice: str, tools: Sequence[ToolDefinition]) -> Body:
    chosen = chosen_tool(choice, tools)
    return _CHOICES[choice] if chosen is None else {"tool": {"name": wire_name(chosen.name)}}


def _set_cache_points(tools: list[Body], system: list[Body], messages: Sequence[Body], point: Body) -> None:
    """Set cache points behind what conversations have in common: the tools, the first instruction, and all of them;
    and behind what users have said until now. These are four, as many as the API takes.
    """
    if tools:
        tools.append(point)
    if system:
        system.append(point)
    if len(system) > 2:
        system.insert(1, point)
    last = next(message for message in reversed(messages) if message["role"] == "user")
    last["content"].append(point)


def _hold(output: OutputFormat, schema: Mapping[str, Any], body: Body, system: list[Body]) -> None:
    """Hold the model to *schema*; where the API knows no such schema, ask for it in words."""
    held = held_schema(schema)
    if held is not None:
        named = {"name": _FOREIGN_LETTER.sub("_", output.name), "schema": json.dumps(held, ensure_ascii=False)}
        text_format = {"type": "json_schema", "structure": {"jsonSchema": named}}
        body["outputConfig"] = {**body.get("outputConfig", {}), "textFormat": text_format}
        return
    words = "Answer with one JSON object and nothing else. It must be valid under this JSON Schema:\n"
    system.append({"text": words + json.dumps(thaw(schema), ensure_ascii=False)})
