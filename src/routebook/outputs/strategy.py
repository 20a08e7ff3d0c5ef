"""Strategy: how a model is asked to keep an output contract, and how its answer is taken out of what it sends.

Comes in: an output, what the model can do, and the tools that it is offered besides. Goes out: `native` (the API
itself holds the model to the schema), `tool` (the model answers by calling a tool whose input has the schema),
`prompt` (the schema is part of the instructions) or `json_object` (so it is, and the API sees to it that the answer is
a JSON object), and the wording of each.

Whatever the strategy, an answer ends as text of its message: so a transcript shows no trace of the strategy, goes on
at another model that is asked in another way, and is validated alike.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..canonical.chat import ChatResponse, Choice, OutputFormat
from ..canonical.frozen import thaw
from ..canonical.message import Message
from ..canonical.part import TextPart
from ..canonical.tool import ToolCall, ToolDefinition
from ..routing.output_spec import OutputSpec
from .answer import read_answer
from .wrapper import VALUE, wrapped

Means = Literal["native", "tool", "json_object", "prompt"]

_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Asked:
    """How a model is asked for an answer; at most one of `format` and `tool` is set.

    `tool_choice` is the name of `tool` where the model is made to call it. `instructions` is system text, empty where
    none is needed. `is_wrapped` tells that the model is asked for an object that holds the answer under one key.
    """

    means: Means
    format: OutputFormat | None = None
    tool: ToolDefinition | None = None
    tool_choice: str | None = None
    instructions: str = ""
    is_wrapped: bool = False

    def take(self, response: ChatResponse) -> ChatResponse:
        """Return *response* with the answer as the text of its message.

        A call of the answer's tool becomes text, and the response one that stopped. Where other tools are called in
        the same breath, they come first: the early answer is left out. Of several choices each is taken so.
        """
        taken = self._take(response)
        if not response.alternatives:
            return taken
        return replace(taken, alternatives=tuple(self._take_choice(choice) for choice in response.alternatives))

    def _take_choice(self, choice: Choice) -> Choice:
        taken = self._take(ChatResponse(choice.message, choice.finish_reason))
        return replace(choice, message=taken.message, finish_reason=taken.finish_reason)

    def _take(self, response: ChatResponse) -> ChatResponse:
        if self.tool is not None:
            response = _without_answer_calls(response, self.tool.name)
        if self.is_wrapped and not response.message.tool_calls:
            response = _unwrapped(response)
        return response


def choose_strategy(output: OutputSpec, capabilities: frozenset[str] | None) -> Means:
    """Return how a model with *capabilities* is asked for *output*.

    What the route file says stands. `auto` is `native` for a model that has `json_schema` and for one that declares
    no capabilities (None: nothing is held against it), else `tool` for one that has `tools`, `json_object` for one that
    has that, and `prompt` for others.
    """
    if output.strategy != "auto":
        return output.strategy
    if capabilities is None or "json_schema" in capabilities:
        return "native"
    if "tools" in capabilities:
        return "tool"
    return "json_object" if "json_object" in capabilities else "prompt"


def ask(output: OutputSpec, means: Means, offered: Iterable[str] = ()) -> Asked:
    """Return how a model is asked for *output* by *means*, beside the tools that it is *offered*, by name.

    Only where no other tool is offered is the model made to call the answer's.
    """
    if means == "prompt":
        return Asked(means, instructions=instructions(output.schema))
    is_wrapped = output.schema.get("type") != "object"
    schema = wrapped(output.schema) if is_wrapped else output.schema
    if means == "native":
        return Asked(means, format=OutputFormat(output.name, schema), is_wrapped=is_wrapped)
    if means == "json_object":
        return Asked(means, OutputFormat(output.name), instructions=instructions(schema), is_wrapped=is_wrapped)
    names = frozenset(offered)
    tool = ToolDefinition(_free_name(output.name, names), f"output.{output.name}", _description(output), schema)
    if names:
        return Asked(means, tool=tool, instructions=_beside_others(tool.name), is_wrapped=is_wrapped)
    return Asked(means, tool=tool, tool_choice=tool.name, is_wrapped=is_wrapped)


def instructions(schema: Mapping[str, Any]) -> str:
    """Return the system text that asks for an answer of *schema* where the API knows no schemas; it shows it."""
    shown = json.dumps(thaw(schema), ensure_ascii=False)
    return (
        "Answer with one JSON value and nothing else: no text before or after it, no markdown fence. "
        f"The value must be valid under this JSON Schema:\n{shown}"
    )


def _beside_others(name: str) -> str:
    return (
        f"Use the other tools as you need them. Give your final answer by calling the tool {name} once, "
        "by itself, and write no text beside it."
    )


def _description(output: OutputSpec) -> str:
    said = output.schema.get("description")
    about = f" {said}" if isinstance(said, str) and said else ""
    return f"Gives your final answer: call it once, with the whole answer.{about}"


def _free_name(name: str, taken: frozenset[str]) -> str:
    """Return *name* as every API takes it for a tool's, changed where another tool has it."""
    plain = name.replace(".", "_")
    free, number = plain, 2
    while free in taken:
        end = f"_{number}"
        free, number = plain[: _LONGEST_NAME - len(end)] + end, number + 1
    return free


def _without_answer_calls(response: ChatResponse, name: str) -> ChatResponse:
    calls = [call for call in response.message.tool_calls if call.name == name]
    if not calls:
        return response
    kept = [part for part in response.message.content if not (isinstance(part, ToolCall) and part.name == name)]
    if any(isinstance(part, ToolCall) for part in kept):
        return replace(response, message=Message(response.message.role, kept))
    answers = dict.fromkeys(_arguments(call) for call in calls)
    message = _with_text(response.message, "\n".join(answers))
    finish_reason = "stop" if response.finish_reason == "tool_calls" else response.finish_reason
    return replace(response, message=message, finish_reason=finish_reason)


def _with_text(message: Message, text: str) -> Message:
    """Return *message* with *text* in place of its text and its tool calls."""
    kept = [part for part in message.content if not isinstance(part, (TextPart, ToolCall))]
    return Message(message.role, [*kept, TextPart(text)])


def _arguments(call: ToolCall) -> str:
    if call.arguments is None:
        return call.arguments_json or ""
    return json.dumps(thaw(call.arguments), ensure_ascii=False)


def _unwrapped(response: ChatResponse) -> ChatResponse:
    """Take the answer out of its wrapper; an answer that came without one is left as it is."""
    value: Any = read_answer(response.message.answer_text).value
    if not isinstance(value, Mapping) or value.keys() != {VALUE}:
        return response
    return replace(response, message=_with_text(response.message, json.dumps(value[VALUE], ensure_ascii=False)))
