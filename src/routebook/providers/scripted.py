"""Scripted: plays a script instead of calling anybody.

Comes in: a request. Goes out: what the first entry says whose `when` holds, as a provider would have answered it.
The same request gets the same answer, in any order. A request that no entry matches is an error that shows it.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from typing import Any, cast

from ..canonical.chat import ChatRequest, ChatResponse
from ..canonical.embedding import EmbeddingRequest, EmbeddingResponse
from ..canonical.event import ModelEvent, ResponseFinished, deltas_of
from ..canonical.frozen import thaw
from ..canonical.image import ImageRequest, ImageResponse
from ..canonical.message import Message, Part
from ..canonical.part import ReasoningPart, TextPart
from ..canonical.tool import ToolCall, ToolResult
from ..canonical.usage import Usage
from ..errors import FaultKind, ProviderError
from ..prompts.template import TemplateProblem, render
from ..routing.script import Script, ScriptedCall, ScriptedFault, ScriptEntry, ScriptReply, ScriptWhen
from .answer import CUT_OFF
from .arguments import read_arguments
from .fault import kind_of_status
from .protocol import ClientConfig
from .scripted_traits import TRAITS

_BYTES_PER_TOKEN = 4
_SHOWN = 200


class ScriptedClient:
    """A ModelClient that plays *script* as *provider*, and keeps nothing of what it was asked."""

    def __init__(self, script: Script, provider: str = "scripted") -> None:
        self._script = script
        self._provider = provider

    async def complete(self, request: ChatRequest) -> ChatResponse:
        """Answer *request* as the first entry says that matches it.

        Raises:
            ProviderError: The entry says so, its template does not render, or no entry matches (`bad_request`).
        """
        entry = self._entry(request)
        response = await self._play(entry.reply, entry.when, request)
        if entry.reply.cut:
            raise self._cut_off(request)
        return response

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ModelEvent, None]:
        """Answer *request* as `complete`, in the pieces that the entry says.

        Raises:
            ProviderError: As `complete`; with `cut`, after the first half of the pieces.
        """
        entry = self._entry(request)
        response = await self._play(entry.reply, entry.when, request)
        events = list(deltas_of(response.message, pieces=entry.reply.chunks or (2 if entry.reply.cut else 1)))
        for event in events[: len(events) // 2] if entry.reply.cut else events:
            yield event
            await asyncio.sleep(0)
        if entry.reply.cut:
            raise self._cut_off(request)
        yield ResponseFinished(response)

    async def embed(self, request: EmbeddingRequest) -> EmbeddingResponse:
        """Refuse: scripts have no vectors."""
        raise self._refuse(request, "embeddings")

    async def generate_image(self, request: ImageRequest) -> ImageResponse:
        """Refuse: scripts have no images."""
        raise self._refuse(request, "images")

    async def close(self) -> None:
        """Return at once: nothing is open."""

    def _entry(self, request: ChatRequest) -> ScriptEntry:
        for entry in self._script:
            if _holds(entry.when, request):
                return entry
        raise self._error(request, "bad_request", _unmatched(request))

    async def _play(self, reply: ScriptReply, when: ScriptWhen, request: ChatRequest) -> ChatResponse:
        if reply.delay:
            await asyncio.sleep(reply.delay)
        if reply.error is not None:
            raise self._refusal(reply.error, request)
        variables = _variables(when, request)
        try:
            parts = tuple(_parts(reply, request, lambda text: render(text, variables)))
        except TemplateProblem as problem:
            message = f"the script's reply does not render: {problem}"
            raise self._error(request, "bad_request", message) from problem
        answer = Message("assistant", parts)
        return ChatResponse(
            message=answer,
            finish_reason="tool_calls" if answer.tool_calls else "stop",
            usage=reply.usage or Usage(_estimate(request.messages), _estimate((answer,))),
        )

    def _refuse(self, request: EmbeddingRequest | ImageRequest, what: str) -> ProviderError:
        message = f"a script plays no {what}"
        return ProviderError(
            message, "unsupported_capability", provider=self._provider, model=request.target or request.model
        )

    def _refusal(self, fault: ScriptedFault, request: ChatRequest) -> ProviderError:
        kind = fault.kind or ("server_error" if fault.status is None else kind_of_status(fault.status))
        error = self._error(request, cast(FaultKind, kind), fault.message or "the script answers with an error")
        error.status, error.retry_after = fault.status, fault.retry_after
        return error

    def _cut_off(self, request: ChatRequest) -> ProviderError:
        return self._error(request, CUT_OFF.kind, CUT_OFF.message)

    def _error(self, request: ChatRequest, kind: FaultKind, message: str) -> ProviderError:
        return ProviderError(message, kind, provider=self._provider, model=request.target or request.model)


def scripted_client(config: ClientConfig) -> ScriptedClient:
    """Make the client of a provider whose `api` is `scripted`."""
    return ScriptedClient(config.script, config.provider)


def _holds(when: ScriptWhen, request: ChatRequest) -> bool:
    asked = _last_user_text(request)
    return (
        when.feature in (None, request.feature)
        and when.model in (None, request.target, request.model)
        and when.turn in (None, request.turn)
        and (when.contains is None or when.contains in asked)
        and (when.matches is None or re.search(when.matches, asked) is not None)
        and (when.tool_result is None or _awaited_result(when.tool_result, request) is not None)
    )


def _last_user_text(request: ChatRequest) -> str:
    return next((message.text for message in reversed(request.messages) if message.role == "user"), "")


def _awaited_result(tool: str, request: ChatRequest) -> ToolResult | None:
    """Return the last result of *tool* among the results that end the conversation."""
    names = {tool, *(definition.tool for definition in request.tools if definition.name == tool)}
    for message in reversed(request.messages):
        if message.role != "tool":
            return None
        for result in reversed(message.tool_results):
            if result.name in names:
                return result
    return None


def _last_result(request: ChatRequest) -> ToolResult | None:
    results = (result for message in reversed(request.messages) for result in reversed(message.tool_results))
    return next(results, None)


def _variables(when: ScriptWhen, request: ChatRequest) -> dict[str, Any]:
    """Return what templates may name; `tool_result` only where there is one, so that its absence is an error."""
    awaited = None if when.tool_result is None else _awaited_result(when.tool_result, request)
    result = awaited or _last_result(request)
    variables = {"text": _last_user_text(request), "turn": request.turn, "feature": request.feature}
    return variables if result is None else {**variables, "tool_result": result}


def _parts(reply: ScriptReply, request: ChatRequest, fill: Callable[[str], str]) -> Iterator[Part]:
    if reply.reasoning:
        yield ReasoningPart(fill(reply.reasoning), api=TRAITS.name)
    if reply.text is not None:
        yield TextPart(fill(reply.text))
    if reply.has_json or reply.json is not None:
        yield TextPart(json.dumps(_filled(reply.json, fill), ensure_ascii=False))
    for index, call in enumerate(reply.tool_calls):
        yield _call(call, f"call_{request.turn}_{index + 1}", request, fill)


def _call(call: ScriptedCall, fresh_id: str, request: ChatRequest, fill: Callable[[str], str]) -> ToolCall:
    raw = call.arguments if isinstance(call.arguments, str) else _filled(call.arguments, fill)
    arguments, text = read_arguments(raw)
    return ToolCall(call.id or fresh_id, _wire_name(call.name, request), arguments, text)


def _wire_name(name: str | None, request: ChatRequest) -> str | None:
    """Return the name that the model was given for the tool *name*; what is no tool is sent as written."""
    return next((tool.name for tool in request.tools if name in (tool.tool, tool.name)), name)


def _filled(value: Any, fill: Callable[[str], str]) -> Any:
    """Return *value* as plain data, each text in it rendered."""
    if isinstance(value, str):
        return fill(value)
    if isinstance(value, Mapping):
        return {key: _filled(item, fill) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_filled(item, fill) for item in value]
    return value


def _estimate(messages: tuple[Message, ...]) -> int:
    """Return the tokens that *messages* would be: the UTF-8 bytes of what is said in them by four, rounded up."""
    size = sum(len(text.encode("utf-8", "replace")) for message in messages for text in _texts(message))
    return -(-size // _BYTES_PER_TOKEN)


def _texts(message: Message) -> Iterator[str]:
    for part in message.content:
        if isinstance(part, (TextPart, ReasoningPart, ToolResult)):
            yield part.text
        elif isinstance(part, ToolCall):
            yield part.name or ""
            yield part.arguments_json or json.dumps(thaw(part.arguments), ensure_ascii=False)


def _unmatched(request: ChatRequest) -> str:
    result = _last_result(request)
    shown = [
        f"feature {request.feature!r}",
        f"model {request.target or request.model!r}",
        f"turn {request.turn}",
        f"last user message {_shortened(_last_user_text(request))!r}",
    ]
    if result is not None:
        shown.append(f"last tool result {result.name!r} {_shortened(result.text)!r}")
    return f"no entry of the script matches this request: {', '.join(shown)}; add an entry to the script"


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
