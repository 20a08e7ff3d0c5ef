"""Encode: a canonical request → the arguments of a call of `litellm.acompletion`, as JSON.

Pure. The library speaks chat completions inwards, so what is said is said as there; see `..openai_chat.encode`. Where
options stand is in `TRAITS.wire`; where the provider is comes from the configuration, as `where_of` tells it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from ...canonical.chat import ChatRequest
from ..body import to_json
from ..fault import Fault, NoPlace
from ..openai.fields import Body, option_fault, wire_name
from ..openai_chat.encode import encode_body
from ..protocol import ClientConfig
from ..tool_choice import choice_fault
from .arguments import ALWAYS, WHERE
from .messages import QUIRKS, give_back, renamed
from .traits import TRAITS

_WANTS_TOOLS = ("anthropic/", "bedrock/")
_KNOWS_NO_NONE = "bedrock/"
_FIELDS = MappingProxyType({**QUIRKS, "fields": TRAITS.wire})


def where_of(config: ClientConfig) -> Mapping[str, str]:
    """Return the arguments that say where the provider is."""
    written = {name: getattr(config, name) for name in WHERE}
    return MappingProxyType({WHERE[name]: value for name, value in written.items() if value})


def encode(request: ChatRequest, where: Mapping[str, str]) -> bytes | Fault:
    """Return the arguments as JSON, or what keeps *request* from being sent."""
    return _encoded(request, where, {})


def encode_stream(request: ChatRequest, where: Mapping[str, str]) -> bytes | Fault:
    """Return the arguments as `encode`, for an answer in chunks."""
    return _encoded(request, where, {"stream": True, "stream_options": {"include_usage": True}})


def _encoded(request: ChatRequest, where: Mapping[str, str], more: Body) -> bytes | Fault:
    fault = option_fault(request.options, TRAITS.options, TRAITS.name, {}) or choice_fault(
        request.options.get("tool_choice", "auto"), request.tools
    )
    if fault is not None:
        return fault
    try:
        return to_json({**_body(request), **more, **where, **ALWAYS})
    except NoPlace as none:
        return none.fault


def _body(request: ChatRequest) -> Body:
    body = encode_body(replace(request, messages=tuple(map(renamed, request.messages))), _FIELDS)
    give_back(request.messages, body["messages"])
    if "thinking" in body:
        body["thinking"] = {"type": "enabled", **body["thinking"]}
    if not request.tools:
        body |= _tools_of_the_past(request)
    return body


def _tools_of_the_past(request: ChatRequest) -> Body:
    """Return the tools that were called, as names only, and a choice of none.

    These models are refused a conversation with calls and no tools, as the last call of a tool loop has it.
    """
    if not request.model.startswith(_WANTS_TOOLS) and "claude" not in request.model:
        return {}
    names = dict.fromkeys(wire_name(call.name or "") for message in request.messages for call in message.tool_calls)
    tools = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in names]
    if not tools or request.model.startswith(_KNOWS_NO_NONE):
        return {"tools": tools} if tools else {}
    return {"tools": tools, "tool_choice": "none"}
