"""Start: from what the caller asks to a run that is played to its end, and what an error leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from ..canonical.message import Message
from ..errors import OutputError, ProviderError, RequestError, RoutebookError
from ..routing.context import Context
from ..routing.table import RoutingTable
from .attempt import Complete
from .contract import Contract
from .facts import facts_of
from .messages import MessagesLike, read_messages
from .result import RunRecord, RunResult, RunWarning
from .run import Run, leading_system
from .toolbox import ServerPool, Toolbox, open_toolbox


@dataclass(frozen=True, slots=True)
class RunAsked:
    """What a caller asks of `Engine.run`.

    Raises:
        RequestError: The inputs are no mapping, or the context is no Context.
    """

    feature: str
    messages: MessagesLike
    inputs: Mapping[str, Any]
    context: Context
    options: Mapping[str, Any] | None
    model: str | None

    def __post_init__(self) -> None:
        if not isinstance(self.inputs, Mapping):
            raise RequestError(f"inputs must be a mapping, not {type(self.inputs).__name__}", "inputs")
        if not isinstance(self.context, Context):
            raise RequestError(f"context must be a Context, not {type(self.context).__name__}", "context")


async def start_run(
    table: RoutingTable,
    asked: RunAsked,
    complete: Complete,
    servers: ServerPool,
    environment: Mapping[str, str],
    stack: AsyncExitStack,
) -> RunResult:
    """Resolve, open the tools, play the run; *stack* gives the tool servers back. Errors carry `.result`."""
    messages = read_messages(asked.messages)
    known = table.features.get(asked.feature)
    has_tools = known is not None and known.tools is not None
    decision = table.resolve(asked.feature, asked.context, facts_of(messages, has_tools, asked.options, asked.model))
    feature = table.features[decision.feature]
    contract = None if feature.output is None else Contract(table.outputs[feature.output], asked.inputs)
    record = RunRecord(decision, list(messages))
    if contract is not None:
        record.checks = list(contract.without_a_model())
        if record.checks:
            return record.result()
        candidates = contract.candidates_text()
        if candidates:
            record.messages.insert(leading_system(messages), Message("system", candidates))
    try:
        toolbox = (
            None if feature.tools is None else await open_toolbox(feature.tools, table, servers, environment, stack)
        )
        _warn_of_missing(record, toolbox)
        return record.result(await Run(table, record, complete, contract, toolbox).play())
    except (ProviderError, OutputError) as error:
        outcomes = () if contract is None else contract.after_failure(str(error))
        if not outcomes:
            raise _with_result(error, record) from error.__cause__
        record.checks, record.finish_reason = list(outcomes), "error"
        record.warnings.append(RunWarning("run_failed", decision.feature, str(error)))
        return record.result()
    except RoutebookError as error:
        raise _with_result(error, record) from error.__cause__


def _warn_of_missing(record: RunRecord, toolbox: Toolbox | None) -> None:
    for server, reason in (toolbox.failures if toolbox else {}).items():
        record.warnings.append(RunWarning("tool_server_missing", server, reason))


def _with_result(error: RoutebookError, record: RunRecord) -> RoutebookError:
    error.result = record.result()
    if isinstance(error, ProviderError):
        error.attempts = error.result.attempts
    return error
