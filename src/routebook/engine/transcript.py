"""Transcript: what a run's messages begin as, from the caller's messages and inputs and the feature's prompt.

A string is the variable `text` where the prompt has a user's template, and a user's message otherwise. A list of
messages follows the prompt's system message and leaves the user's template unrendered. Candidates stand where a
template names them, else after the system messages.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..canonical.frozen import EMPTY
from ..canonical.message import Message
from ..errors import RequestError
from ..outputs.validate import validate
from ..prompts.inputs import declared_inputs
from ..prompts.template import TemplateProblem, render
from ..routing.spec import FeatureSpec, PromptSpec
from .contract import Contract
from .messages import MessagesLike, leading_system, read_messages

_THE_MESSAGE = "text"
_NO_PROMPT = PromptSpec()


def begin(
    feature: FeatureSpec, messages: MessagesLike, inputs: Mapping[str, Any], contract: Contract | None
) -> list[Message]:
    """Return the messages that a run of *feature* begins with.

    Raises:
        RequestError: The messages cannot be read, the inputs do not keep the feature's `input` schema, or a template
            cannot be rendered with them.
    """
    prompt = _NO_PROMPT if feature.prompt is None else feature.prompt
    text = messages if isinstance(messages, str) and prompt.user is not None else None
    if messages == "" and text is None:
        raise RequestError(f"feature {feature.name!r} needs a message: it has no user's template", "messages")
    given = read_messages(messages) if text is None else ()
    candidates = EMPTY if contract is None else contract.candidate_variables()
    _check_inputs(feature, _with_text(feature, inputs, text), candidates)
    variables = {**inputs, **candidates} if candidates else inputs
    named: frozenset[str] = frozenset()
    begun: list[Message] = []
    if prompt.system is not None:
        begun.append(Message("system", _rendered(feature, "system", prompt.system, variables)))
        named |= prompt.system_variables
    if text is not None and prompt.user is not None:
        begun.append(_users(feature, prompt, variables, text))
        named |= prompt.user_variables
    begun += given
    unnamed = "" if contract is None else contract.candidates_text(named)
    if unnamed:
        begun.insert(leading_system(begun), Message("system", unnamed))
    return begun


def _users(feature: FeatureSpec, prompt: PromptSpec, variables: Mapping[str, Any], text: str) -> Message:
    if text and _THE_MESSAGE not in prompt.user_variables:
        message = (
            f"the prompt of feature {feature.name!r} has no place for a message: its template does not read `text`"
        )
        raise RequestError(message, "messages")
    return Message("user", _rendered(feature, "user", prompt.user or "", {**variables, _THE_MESSAGE: text}))


def _rendered(feature: FeatureSpec, part: str, template: str, variables: Mapping[str, Any]) -> str:
    try:
        return render(template, variables)
    except TemplateProblem as problem:
        message = f"the {part} prompt of feature {feature.name!r} cannot be rendered with these inputs: {problem}"
        raise RequestError(message, "inputs") from problem


def _with_text(feature: FeatureSpec, inputs: Mapping[str, Any], text: str | None) -> Mapping[str, Any]:
    """Return *inputs* with the message as `text`, where it is rendered and the schema knows it."""
    if text is None:
        return inputs
    if _THE_MESSAGE in inputs:
        raise RequestError(f"input {_THE_MESSAGE!r} is the message itself; pass it only once", "inputs")
    declared = None if feature.input is None else declared_inputs(feature.input)
    return inputs if declared is not None and _THE_MESSAGE not in declared else {**inputs, _THE_MESSAGE: text}


def _check_inputs(feature: FeatureSpec, inputs: Mapping[str, Any], checked: Collection[str]) -> None:
    """Check *inputs* against the schema; those that the output's checks read may be left out of it."""
    if not all(isinstance(name, str) for name in inputs):
        raise RequestError("inputs must have text for their names", "inputs")
    if feature.input is None:
        return
    declared = declared_inputs(feature.input) or frozenset()
    seen = {name: value for name, value in inputs.items() if name in declared or name not in checked}
    problems = validate(feature.input, seen)
    if problems:
        message = f"the inputs do not keep the `input` schema of feature {feature.name!r}: {'; '.join(problems)}"
        raise RequestError(message, "inputs")
