"""Turn: one model call and the answers to its tool calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ..canonical.frozen import freeze_mapping
from ..canonical.message import Message, Part
from ..canonical.part import TextPart
from ..canonical.tool import ToolCall, ToolResult
from ..errors import ToolError
from ..tools.call import AnsweredCall
from .account import Account
from .events import Tell, ToolCallRequested, ToolFinished
from .toolbox import Toolbox

_FREE_CHOICES = frozenset({"auto", "none"})
_CUT = "Error: your answer was cut off by its token limit, so this call was not made. Make it again, shorter."
_NO_MORE = "Error: this call was not made: no more tools can be used. Answer with what you have."


def with_unique_ids(message: Message, taken: Iterable[str]) -> Message:
    """Return *message* with call ids that are unique over the whole transcript; missing and repeated ones are new."""
    if not message.tool_calls:
        return message
    used = set(taken)
    parts: list[Part] = []
    number = 0
    for part in message.content:
        if isinstance(part, ToolCall):
            number = max(number, len(used) + 1)
            fresh = part.id
            while not fresh or fresh in used:
                fresh, number = f"call_{number}", number + 1
            used.add(fresh)
            part = part if fresh == part.id else replace(part, id=fresh)
        parts.append(part)
    return Message(message.role, parts)


async def answer_tools(account: Account, message: Message, toolbox: Toolbox, tell: Tell | None, *, cut: bool) -> bool:
    """Answer every tool call of *message*; return whether the run's limit on calls was reached.

    Each call gets exactly one result in the transcript before the next model call; *tell* and who watches hear of it
    once it is there.

    Raises:
        ToolError: A tool failed, and the feature says `on_error: fail`.
    """
    calls, record, watch = message.tool_calls, account.record, account.watch
    if cut:
        await _refuse(account, calls, toolbox, tell, _CUT)
        return False
    record.tool_calls += calls
    await _tell_of(calls, tell)
    finished = None if tell is None and watch is None else partial(_tell_answer, account, tell)
    cut_off = None if watch is None else watch.tool_call
    answered = await toolbox.answer(calls, toolbox.spec.max_calls - record.sent_calls, finished, cut_off)
    record.sent_calls += sum(answer.sent for answer in answered)
    record.tool_results += [answer.whole for answer in answered]
    record.messages += [Message("tool", (answer.shown,)) for answer in answered]
    if toolbox.spec.on_error == "fail":
        _raise_first_failure(calls, answered)
    return any(answer.over_limit for answer in answered)


def options_of_turn(options: Mapping[str, Any], turn: int) -> Mapping[str, Any]:
    """Return *options* as they hold for *turn*, from 1: a forced tool choice is for the first turn only."""
    if turn == 1 or options.get("tool_choice", "auto") in _FREE_CHOICES:
        return options
    return freeze_mapping({name: value for name, value in options.items() if name != "tool_choice"})


def _raise_first_failure(calls: Iterable[ToolCall], answered: Iterable[AnsweredCall]) -> None:
    for call, answer in zip(calls, answered, strict=True):
        if answer.failed:
            words = answer.shown.text.removeprefix("Error: ")
            raise ToolError(f"tool {answer.shown.name!r} failed: {words}", answer.shown.name, call)


async def refuse_tools(account: Account, message: Message, toolbox: Toolbox, tell: Tell | None) -> None:
    """Answer the calls of a model that may use no tools any more, so that the transcript stays whole."""
    await _refuse(account, message.tool_calls, toolbox, tell, _NO_MORE)


async def _refuse(account: Account, calls: Iterable[ToolCall], toolbox: Toolbox, tell: Tell | None, why: str) -> None:
    record = account.record
    await _tell_of(calls, tell)
    for call in calls:
        record.tool_calls.append(call)
        result = ToolResult(call.id, toolbox.spoken_name(call), (TextPart(why),), is_error=True)
        record.tool_results.append(result)
        record.messages.append(Message("tool", (result,)))
        await _tell_answer(account, tell, AnsweredCall(result, result))


async def _tell_of(calls: Iterable[ToolCall], tell: Tell | None) -> None:
    if tell is not None:
        for call in calls:
            await tell(ToolCallRequested(call))


async def _tell_answer(account: Account, tell: Tell | None, answer: AnsweredCall) -> None:
    if account.watch is not None:
        account.watch.tool_call(answer)
    if tell is not None:
        await tell(ToolFinished(answer.whole))
