"""Call: a model's tool calls go in, each one's answer comes out, in the order of the calls.

Every call is answered, whatever it looks like: what no server can be asked is answered with what was wrong and how to
do it right, and one call's failure is no other call's. What the model is shown is cut to the feature's
`result_limit`; the whole answer stays beside it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..canonical.frozen import thaw
from ..canonical.part import TextPart
from ..canonical.tool import ResultPart, ToolCall, ToolResult
from ..diagnostics.suggest import near_names
from ..routing.tool_spec import ToolsSpec
from .arguments import problem_with_arguments
from .catalog import Catalog, CatalogEntry
from .protocol import Server, ToolAnswer, ToolFailure

UNNAMED = "unnamed_tool"
"""What a result says of a call without a name."""

_MOST_NAMES = 50
_NAME_LENGTH = 100


@dataclass(frozen=True, slots=True)
class AnsweredCall:
    """How a call was answered: what the model is `shown`, and the `whole`.

    `sent` tells that a server was asked; `failed` that it was, in vain; `over_limit` that it was not, because the run
    may make no more calls. `started_at` is in seconds since the epoch; `duration_s` runs from asking the server.
    """

    shown: ToolResult
    whole: ToolResult
    sent: bool = False
    failed: bool = False
    over_limit: bool = False
    started_at: float = field(default_factory=time.time)
    duration_s: float = 0.0


Finished = Callable[[AnsweredCall], Awaitable[None]]
"""Is told of a call's answer as soon as it is there."""

CutOff = Callable[[AnsweredCall], None]
"""Is told of a call that was cancelled before its answer came."""


async def answer_calls(
    calls: Sequence[ToolCall],
    catalog: Catalog,
    servers: Mapping[str, Server],
    spec: ToolsSpec,
    most: int,
    made: Counter[str],
    finished: Finished | None = None,
    cut_off: CutOff | None = None,
) -> tuple[AnsweredCall, ...]:
    """Answer *calls*: one answer for each, in their order.

    At most *most* calls are sent to *servers* (by the book's name), the first ones; at most `spec.parallel` are under
    way at once, and with 1 each begins when the one before has ended. *made* counts the run's calls by what they ask,
    these included: what was asked `spec.repeat_limit` times is not asked again. *finished* is told of each answer when
    it is there, in any order. Cancelling cancels every call; *cut_off* is told of each that was not answered by then.
    """
    room = asyncio.Semaphore(spec.parallel)
    answers: list[AnsweredCall | asyncio.Task[AnsweredCall]] = []
    sent = 0
    async with asyncio.TaskGroup() as group:
        for call in calls:
            target = _target(call, catalog)
            if isinstance(target, CatalogEntry) and made[_asked(call, target)] >= spec.repeat_limit:
                target = _repeated(call, target, spec)
            elif isinstance(target, CatalogEntry) and sent >= most:
                target = _over_limit(call, target, spec)
            if isinstance(target, AnsweredCall):
                answers.append(target)
                if finished is not None:
                    await finished(target)
                continue
            sent += 1
            made[_asked(call, target)] += 1
            sending = _send(call, target, servers[target.server], spec, room, finished, cut_off)
            answers.append(group.create_task(sending))
    return tuple(answer if isinstance(answer, AnsweredCall) else answer.result() for answer in answers)


def _target(call: ToolCall, catalog: Catalog) -> CatalogEntry | AnsweredCall:
    """Return the tool that *call* means, or the answer that says why it means none."""
    if not call.name:
        return _refused(call, UNNAMED, f"this call names no tool, so nothing was called. {_on_offer(catalog)}")
    entry = catalog.find(call.name)
    if entry is None:
        near = near_names(call.name, catalog.names, limit=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        shortened = call.name[:_NAME_LENGTH]
        return _refused(call, call.name, f"there is no tool named {shortened!r}. {hint}{_on_offer(catalog)}")
    problem = problem_with_arguments(call, entry.parameters)
    if problem is not None:
        mend = "Call it again with one JSON object that fits."
        return _refused(call, entry.definition.tool, f"the arguments of {call.name!r} {problem}. {mend}")
    if entry.needs_approval:
        refusal = f"a call of {call.name!r} needs approval, and this run has nobody to give it. Do without it."
        return _refused(call, entry.definition.tool, refusal)
    return entry


def _asked(call: ToolCall, entry: CatalogEntry) -> str:
    """Return what a call asks, so that equal calls are equal text."""
    arguments = json.dumps(thaw(call.arguments or {}), sort_keys=True, ensure_ascii=False)
    return f"{entry.definition.tool} {arguments}"


def _on_offer(catalog: Catalog) -> str:
    if not catalog.names:
        return "No tools are available: answer without one."
    names = ", ".join(catalog.names[:_MOST_NAMES])
    more = len(catalog.names) - _MOST_NAMES
    return f"The tools are: {names}{f' and {more} more' if more > 0 else ''}."


def _refused(call: ToolCall, name: str, sentence: str) -> AnsweredCall:
    result = ToolResult(call.id, name, (TextPart(f"Error: {sentence}"),), is_error=True)
    return AnsweredCall(result, result)


def _repeated(call: ToolCall, entry: CatalogEntry, spec: ToolsSpec) -> AnsweredCall:
    times = "once" if spec.repeat_limit == 1 else f"{spec.repeat_limit} times"
    sentence = f"this call was not made: it was made {times} before, with these arguments. Use what you were answered."
    return _refused(call, entry.definition.tool, sentence)


def _over_limit(call: ToolCall, entry: CatalogEntry, spec: ToolsSpec) -> AnsweredCall:
    sentence = (
        f"this call was not made: the limit of {spec.max_calls} tool calls is reached. Answer with what you have."
    )
    return replace(_refused(call, entry.definition.tool, sentence), over_limit=True)


async def _send(
    call: ToolCall,
    entry: CatalogEntry,
    server: Server,
    spec: ToolsSpec,
    room: asyncio.Semaphore,
    finished: Finished | None,
    cut_off: CutOff | None,
) -> AnsweredCall:
    name, sent = entry.definition.tool, False
    started_at, began = time.time(), time.perf_counter()
    try:
        async with room:
            sent, started_at, began = True, time.time(), time.perf_counter()
            try:
                answer = await server.call(entry.name, call.arguments or {}, spec.timeout_s)
            except ToolFailure as failure:
                answer = ToolAnswer((TextPart(f"Error: {failure}"),), is_error=True)
            duration_s = time.perf_counter() - began
    except asyncio.CancelledError:
        if cut_off is not None:
            unanswered = _refused(call, name, "the run ended before this call was answered")
            duration_s = time.perf_counter() - began
            cut_off(replace(unanswered, sent=sent, failed=sent, started_at=started_at, duration_s=duration_s))
        raise
    whole = ToolResult(call.id, name, answer.content, answer.is_error, answer.structured)
    answered = AnsweredCall(
        shown=cut_to(whole, spec.result_limit_bytes),
        whole=whole,
        sent=True,
        failed=answer.is_error,
        started_at=started_at,
        duration_s=duration_s,
    )
    if finished is not None:
        await finished(answered)
    return answered


def cut_to(result: ToolResult, limit_bytes: int) -> ToolResult:
    """Return *result* with at most *limit_bytes* of text, counted in UTF-8 over all its text parts.

    It is cut between characters; a line that says how much is shown comes on top of the limit. Images stay.
    """
    total = sum(len(_utf8(part.text)) for part in result.content if isinstance(part, TextPart))
    if total <= limit_bytes:
        return result
    content: list[ResultPart] = []
    shown, cut = 0, False
    for part in result.content:
        if isinstance(part, TextPart) and not cut:
            kept = _utf8(part.text)[: limit_bytes - shown].decode("utf-8", "ignore")
            shown += len(_utf8(kept))
            cut = len(kept) < len(part.text)
            marker = f"[truncated: {shown} of {total} bytes shown]"
            content.append(TextPart(f"{kept}\n{marker}" if kept else marker) if cut else part)
        elif not isinstance(part, TextPart):
            content.append(part)
    return replace(result, content=tuple(content), truncated=True)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")
