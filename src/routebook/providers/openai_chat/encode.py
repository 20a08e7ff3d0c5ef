"""Encode: a canonical request → the body of a chat completions call.

Pure. What the API has no place for is a Fault, never dropped: see `find_fault`. Quirks, all optional, come from the
provider's preset: `max_tokens_field` and `seed_field` rename a field; `reasoning_field` names the one in which the
model wants its own reasoning back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from ...canonical.chat import ChatRequest, OutputFormat
from ...canonical.message import Message
from ...canonical.options import option_paths
from ...canonical.part import ImagePart, ReasoningPart, RefusalPart, TextPart
from ...canonical.tool import ToolCall, ToolDefinition, ToolResult
from ..fault import Fault
from .strict import allows_strict
from .traits import TRAITS

Body = dict[str, Any]

UNNAMED_TOOL = "unnamed_tool"
_ENCODER = msgspec.json.Encoder(enc_hook=dict)
_FOREIGN_LETTER = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_NAME = 64
_EFFORTS = {"max": "xhigh"}
_CHOICES = frozenset({"auto", "none", "required"})
_RETENTIONS: dict[float, Body] = {
    1800.0: {"prompt_cache_options": {"ttl": "30m"}},
    86400.0: {"prompt_cache_retention": "24h"},
}
"""How long a prompt may be kept: newer models know the first, older ones the second."""
_SAME_NAME = ("temperature", "top_p", "stop", "presence_penalty", "frequency_penalty", "service_tier")
_PARTS: dict[str, tuple[type, ...]] = {
    "system": (TextPart,),
    "user": (TextPart, ImagePart),
    "assistant": (TextPart, ReasoningPart, RefusalPart, ToolCall),
    "tool": (ToolResult,),
}


def encode(request: ChatRequest, quirks: Mapping[str, Any]) -> bytes | Fault:
    """Return the body as JSON, or what keeps *request* from being sent."""
    return _encoded(request, quirks, {})


def encode_stream(request: ChatRequest, quirks: Mapping[str, Any]) -> bytes | Fault:
    """Return the body as `encode`, for an answer in events."""
    usage = {"stream_options": {"include_usage": True}} if quirks.get("stream_usage", True) else {}
    return _encoded(request, quirks, {"stream": True, **usage})


def _encoded(request: ChatRequest, quirks: Mapping[str, Any], more: Body) -> bytes | Fault:
    fault = find_fault(request)
    if fault is not None:
        return fault
    try:
        return _ENCODER.encode({**encode_body(request, quirks), **more})
    except UnicodeEncodeError:
        return Fault("bad_request", "the request holds half a surrogate pair, which is no character and no UTF-8")


def find_fault(request: ChatRequest) -> Fault | None:
    """Return what this API has no place for, if *request* holds any."""
    for path in option_paths(request.options):
        if path not in TRAITS.options:
            return Fault("unsupported_option", f"option {path!r} has no place in api {TRAITS.name!r}")
    fault = _retention_fault(request) or _choice_fault(request)
    if fault is not None:
        return fault
    for index, message in enumerate(request.messages):
        for part in message.content:
            fault = _part_fault(message.role, index, part)
            if fault is not None:
                return fault
    return None


def encode_body(request: ChatRequest, quirks: Mapping[str, Any]) -> Body:
    """Return the body as plain data, for a *request* without a fault; read-only mappings in it stay as they are."""
    body: Body = {"model": request.model, "messages": list(_messages(request.messages, quirks))}
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.output is not None:
        body["response_format"] = _response_format(request.output)
    body.update(_options(request, quirks))
    body.update(request.options.get("extra_body", {}))
    return body


def _retention_fault(request: ChatRequest) -> Fault | None:
    seconds = request.options.get("prompt_cache", {}).get("retention")
    if seconds is None or seconds in _RETENTIONS:
        return None
    return Fault("unsupported_option", f"`prompt_cache.retention` is 30m or 24h in api {TRAITS.name!r}, nothing else")


def _choice_fault(request: ChatRequest) -> Fault | None:
    choice = request.options.get("tool_choice", "auto")
    names = sorted({tool.tool for tool in request.tools})
    if not request.tools or choice in _CHOICES or _chosen(choice, request.tools) is not None:
        return None
    return Fault("bad_request", f"`tool_choice` names {choice!r}, which is none of the tools: {', '.join(names)}")


def _part_fault(role: str, index: int, part: object) -> Fault | None:
    if not isinstance(part, _PARTS[role]):
        kind = type(part).__name__
        if isinstance(part, ImagePart):
            return Fault("unsupported_capability", f"messages[{index}]: this API takes images from users only")
        return Fault("bad_request", f"messages[{index}]: a message of role {role!r} cannot hold a {kind}")
    images = part.content if isinstance(part, ToolResult) else (part,)
    for image in images:
        if isinstance(image, ImagePart) and image.url is None and not (image.data and image.media_type):
            return Fault("bad_request", f"messages[{index}]: an image needs a url, or data and its media_type")
    return None


def _messages(messages: Sequence[Message], quirks: Mapping[str, Any]) -> Iterator[Body]:
    shown: list[Body] = []
    for message in messages:
        # The API wants all results of a turn in a row; their images come after the last one.
        if message.role != "tool" and shown:
            yield {"role": "user", "content": shown}
            shown = []
        if message.role == "assistant":
            yield _assistant(message, quirks)
        elif message.role == "tool":
            for result in message.tool_results:
                yield {"role": "tool", "tool_call_id": result.call_id, "content": _result_text(result)}
                shown += _result_images(result)
        else:
            yield {"role": message.role, "content": _content(message)}
    if shown:
        yield {"role": "user", "content": shown}


def _content(message: Message) -> str | list[Body]:
    parts = [part for part in message.content if isinstance(part, (TextPart, ImagePart))]
    if message.role == "system" or (len(parts) <= 1 and not any(isinstance(part, ImagePart) for part in parts)):
        return message.text
    return [{"type": "text", "text": part.text} if isinstance(part, TextPart) else _image(part) for part in parts]


def _image(part: ImagePart) -> Body:
    url = part.url if part.url is not None else f"data:{part.media_type};base64,{part.data}"
    return {"type": "image_url", "image_url": {"url": url}}


def _assistant(message: Message, quirks: Mapping[str, Any]) -> Body:
    calls = [_call(call) for call in message.tool_calls]
    encoded: Body = {"role": "assistant", "content": message.text or (None if calls else "")}
    refusal = "".join(part.text for part in message.content if isinstance(part, RefusalPart))
    if refusal:
        encoded["refusal"] = refusal
    if calls:
        encoded["tool_calls"] = calls
    if "reasoning_field" in quirks:
        own = (part for part in message.content if isinstance(part, ReasoningPart) and part.api == TRAITS.name)
        reasoning = "".join(part.text for part in own)
        if reasoning:
            encoded[quirks["reasoning_field"]] = reasoning
    return encoded


def _call(call: ToolCall) -> Body:
    arguments = _ENCODER.encode(call.arguments).decode() if call.arguments is not None else "{}"
    function = {"name": _wire_name(call.name or ""), "arguments": arguments}
    return {"id": call.id, "type": "function", "function": function}


def _wire_name(name: str) -> str:
    return _FOREIGN_LETTER.sub("_", name)[:_LONGEST_NAME] or UNNAMED_TOOL


def _result_text(result: ToolResult) -> str:
    text = result.text
    if not text and any(isinstance(part, ImagePart) for part in result.content):
        text = "The result is shown as an image below."
    return f"Error: {text}" if result.is_error and not text.startswith("Error: ") else text


def _result_images(result: ToolResult) -> list[Body]:
    images = [_image(part) for part in result.content if isinstance(part, ImagePart)]
    return [{"type": "text", "text": f"From the result of {result.name}:"}, *images] if images else []


def _tool(tool: ToolDefinition) -> Body:
    parameters = tool.parameters or {"type": "object", "properties": {}}
    function: Body = {"name": tool.name, "parameters": parameters}
    if tool.description:
        function["description"] = tool.description
    return {"type": "function", "function": function}


def _response_format(output: OutputFormat) -> Body:
    if output.schema is None:
        return {"type": "json_object"}
    schema = {"name": _wire_name(output.name), "schema": output.schema, "strict": allows_strict(output.schema)}
    return {"type": "json_schema", "json_schema": schema}


def _options(request: ChatRequest, quirks: Mapping[str, Any]) -> Body:
    options = request.options
    body: Body = {name: options[name] for name in _SAME_NAME if name in options}
    if "max_output_tokens" in options:
        body[quirks.get("max_tokens_field", "max_completion_tokens")] = options["max_output_tokens"]
    if "seed" in options:
        body[quirks.get("seed_field", "seed")] = options["seed"]
    effort = options.get("reasoning", {}).get("effort")
    if effort is not None:
        body["reasoning_effort"] = _EFFORTS.get(effort, effort)
    cache = options.get("prompt_cache", {})
    if "key" in cache:
        body["prompt_cache_key"] = cache["key"]
    if "retention" in cache:
        body.update(_RETENTIONS[cache["retention"]])
    # Without tools the API refuses these fields, and they would say nothing: the last call of a tool loop has none.
    if request.tools and "parallel_tool_calls" in options:
        body["parallel_tool_calls"] = options["parallel_tool_calls"]
    if request.tools and "tool_choice" in options:
        body["tool_choice"] = _tool_choice(options["tool_choice"], request.tools)
    return body


def _tool_choice(choice: str, tools: Sequence[ToolDefinition]) -> str | Body:
    chosen = None if choice in _CHOICES else _chosen(choice, tools)
    return choice if chosen is None else {"type": "function", "function": {"name": chosen.name}}


def _chosen(choice: str, tools: Sequence[ToolDefinition]) -> ToolDefinition | None:
    return next((tool for tool in tools if choice in (tool.tool, tool.name)), None)
