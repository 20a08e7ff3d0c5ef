"""Encode: a canonical request → the body of a call of the messages API.

Pure. What the API has no place for is a Fault, never dropped. Where options stand is in `TRAITS.wire`; `version` is the
API's, which says what options there are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...canonical.chat import ChatRequest
from ...canonical.frozen import thaw
from ...canonical.options import option_paths
from ...canonical.tool import ToolDefinition
from ..body import joined, to_json
from ..fault import Fault, NoPlace
from ..tool_choice import choice_fault, chosen_tool
from .media import Body
from .messages import encode_messages, encode_system, is_loop_without_thoughts, wire_name
from .schemas import held_schema
from .traits import TRAITS

_EFFORTS = {"minimal": "low"}
_CHOICES: dict[str, Body] = {"auto": {"type": "auto"}, "none": {"type": "none"}, "required": {"type": "any"}}
_FORCED = frozenset({"any", "tool"})
_RETENTIONS = {300.0: "5m", 3600.0: "1h"}
_SAME_NAME = ("temperature", "top_p", "top_k", "service_tier")


def encode(request: ChatRequest, version: str) -> bytes | Fault:
    """Return the body as JSON, or what keeps *request* from being sent."""
    return _encoded(request, version, {})


def encode_stream(request: ChatRequest, version: str) -> bytes | Fault:
    """Return the body as `encode`, for an answer in events."""
    return _encoded(request, version, {"stream": True})


def _encoded(request: ChatRequest, version: str, more: Body) -> bytes | Fault:
    fault = (
        _option_fault(request.options, version)
        or _retention_fault(request.options)
        or choice_fault(request.options.get("tool_choice", "auto"), request.tools)
        or _reasoning_fault(request)
        or _output_fault(request)
    )
    if fault is not None:
        return fault
    try:
        return to_json({**_body(request), **more})
    except NoPlace as none:
        return none.fault


def _body(request: ChatRequest) -> Body:
    body: Body = {
        "model": request.model,
        "max_tokens": _max_tokens(request.options),
        "messages": encode_messages(request.messages),
    }
    system = encode_system(request.messages)
    tools, choice = _tools(request, body["messages"])
    if tools:
        body["tools"] = tools
    if choice:
        body["tool_choice"] = choice
    body.update(_options(request.options))
    body.update(_reasoning(request.options, choice, body["messages"]))
    if request.output is not None and request.output.schema is not None:
        _hold(request.output.schema, body, system)
    if "cache_control" in body:
        _set_cache_points(tools, system, body["cache_control"])
    if system:
        body["system"] = system if len(system) > 1 or "cache_control" in system[0] else system[0]["text"]
    return joined(body, request.options.get("extra_body", {}))


def _option_fault(options: Mapping[str, Any], version: str) -> Fault | None:
    paths = option_paths(options)
    if TRAITS.options_in(version).issuperset(paths):
        return None
    path = next(path for path in paths if path not in TRAITS.options_in(version))
    if path not in TRAITS.options:
        return Fault("unsupported_option", f"option {path!r} has no place in api {TRAITS.name!r}")
    older = f"`api_version: {TRAITS.version_with(path)}` of the provider has it"
    return Fault("unsupported_option", f"version {version} of api {TRAITS.name!r} has no option {path!r}; {older}")


def _retention_fault(options: Mapping[str, Any]) -> Fault | None:
    seconds = options.get("prompt_cache", {}).get("retention")
    if seconds is None or seconds in _RETENTIONS:
        return None
    return Fault("unsupported_option", f"`prompt_cache.retention` is 5m or 1h in api {TRAITS.name!r}, nothing else")


def _reasoning_fault(request: ChatRequest) -> Fault | None:
    reasoning = request.options.get("reasoning")
    if not reasoning or reasoning.get("budget_tokens") is None:
        return None
    if reasoning.get("effort") == "none":
        return Fault("bad_request", "`reasoning.effort: none` turns thinking off, and `reasoning.budget_tokens` on")
    choice = request.options.get("tool_choice", "auto")
    if request.tools and choice not in ("auto", "none"):
        words = f"`reasoning.budget_tokens` beside `tool_choice: {choice}`: this API thinks before no forced tool call"
        return Fault("unsupported_option", words)
    budget, most = reasoning["budget_tokens"], _max_tokens(request.options)
    # In a loop of tool calls, what is thought between them counts too, and may be more than one answer.
    in_a_loop = request.tools or any(message.tool_calls for message in request.messages)
    if not in_a_loop and budget >= most:
        words = f"`reasoning.budget_tokens` ({budget}) is part of `max_output_tokens` ({most}) and must be less"
        return Fault("bad_request", words)
    return None


def _output_fault(request: ChatRequest) -> Fault | None:
    if request.output is None or request.output.schema is not None:
        return None
    return Fault("unsupported_capability", f"api {TRAITS.name!r} has no JSON mode; give the output a schema")


def _max_tokens(options: Mapping[str, Any]) -> int | None:
    limit: int | None = options.get("max_output_tokens")
    return TRAITS.default_answer(options.get("reasoning", {}).get("budget_tokens") or 0) if limit is None else limit


def _tools(request: ChatRequest, messages: Sequence[Body]) -> tuple[list[Body], Body | None]:
    """Return the tools, and the choice of one."""
    options = request.options
    if not request.tools:
        return _tools_of_the_past(messages)
    tools = [_tool(tool) for tool in request.tools]
    parallel = options.get("parallel_tool_calls")
    if "tool_choice" not in options and parallel is None:
        return tools, None
    choice = _tool_choice(options.get("tool_choice", "auto"), request.tools)
    if parallel is not None and choice["type"] != "none":
        choice = {**choice, "disable_parallel_tool_use": not parallel}
    return tools, choice


def _tools_of_the_past(messages: Sequence[Body]) -> tuple[list[Body], Body | None]:
    """Return the tools that were called, as names only, and a choice of none.

    The API refuses a conversation with calls and no tools, as the last call of a tool loop has it.
    """
    blocks = (block for message in messages if isinstance(message["content"], list) for block in message["content"])
    names = dict.fromkeys(block["name"] for block in blocks if block.get("type") == "tool_use")
    tools = [{"name": name, "input_schema": {"type": "object"}} for name in names]
    return tools, {"type": "none"} if tools else None


def _tool(tool: ToolDefinition) -> Body:
    schema: Mapping[str, Any] = tool.parameters or {"type": "object", "properties": {}}
    if schema.get("type") != "object":
        schema = {**schema, "type": "object"}
    encoded: Body = {"name": wire_name(tool.name), "input_schema": schema}
    if tool.description:
        encoded["description"] = tool.description
    return encoded


def _tool_choice(choice: str, tools: Sequence[ToolDefinition]) -> Body:
    chosen = chosen_tool(choice, tools)
    return _CHOICES[choice] if chosen is None else {"type": "tool", "name": wire_name(chosen.name)}


def _options(options: Mapping[str, Any]) -> Body:
    body: Body = {name: options[name] for name in _SAME_NAME if name in options}
    if "stop" in options:
        body["stop_sequences"] = options["stop"]
    retention = options.get("prompt_cache", {}).get("retention")
    if retention is not None:
        body["cache_control"] = {"type": "ephemeral", "ttl": _RETENTIONS[retention]}
    return body


def _set_cache_points(tools: list[Body], system: list[Body], cache_control: Body) -> None:
    """Set cache points behind what conversations have in common: the tools, the first instruction, and all of them.

    Tools come first in a prompt. With the point that the API itself sets at the end of the conversation these are four,
    as many as it takes.
    """
    for blocks, index in ((tools, -1), (system, 0), (system, -1)):
        if blocks:
            blocks[index] = {**blocks[index], "cache_control": cache_control}


def _reasoning(options: Mapping[str, Any], choice: Body | None, messages: Sequence[Body]) -> Body:
    reasoning = options.get("reasoning")
    if not reasoning:
        return {}
    body: Body = {}
    effort, budget = reasoning.get("effort"), reasoning.get("budget_tokens")
    if budget is not None:
        if not is_loop_without_thoughts(messages):
            body["thinking"] = {"type": "enabled", "budget_tokens": budget}
    elif effort == "none":
        body["thinking"] = {"type": "disabled"}
    elif choice is None or choice["type"] not in _FORCED:
        # Newer models keep their thoughts to themselves unless they are asked for them.
        body["thinking"] = {"type": "adaptive", "display": "summarized"}
    if effort not in (None, "none"):
        body["output_config"] = {"effort": _EFFORTS.get(effort, effort)}
    return body


def _hold(schema: Mapping[str, Any], body: Body, system: list[Body]) -> None:
    """Hold the model to *schema*; where the API knows no such schema, ask for it in words."""
    held = held_schema(schema)
    if held is not None:
        body["output_config"] = {**body.get("output_config", {}), "format": {"type": "json_schema", "schema": held}}
        return
    words = "Answer with one JSON object and nothing else. It must be valid under this JSON Schema:\n"
    system.append({"type": "text", "text": words + json.dumps(thaw(schema), ensure_ascii=False)})
