"""Start: from what the caller asks to a run that is played to its end, and what an error leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from ..canonical.frozen import EMPTY
from ..errors import BudgetError, DeadlineError, OutputError, ProviderError, RequestError, RoutebookError
from ..routing.context import Context, ContextLike, context_of
from ..routing.resolve import find_feature
from ..routing.settled import Settled
from ..routing.spec import FeatureSpec, Kind
from ..routing.table import RoutingTable
from .attempt import ClientOf
from .budget import RunBudget, Spending
from .contract import Contract
from .deadline import deadline
from .events import RunStarted, Tell
from .facts import facts_of, has_tools
from .limits import RunLimits
from .messages import MessagesLike
from .observe import Observe, Watch
from .pool import Leases
from .result import RunRecord, RunResult, RunWarning, new_run_id
from .run import Run
from .shadow import Shadows
from .toolbox import ServerPool, Toolbox, open_toolbox
from .transcript import begin

_METHODS: dict[Kind, tuple[str, ...]] = {
    "chat": ("run", "stream"),
    "embeddings": ("embed",),
    "image": ("generate_image",),
}


@dataclass(slots=True)
class RunAsked:
    """What a caller asks of `Engine.run`.

    Raises:
        RequestError: The inputs are no mapping.
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


def asked_of(
    feature: str,
    messages: MessagesLike,
    inputs: Mapping[str, Any] | None,
    context: ContextLike | None,
    options: Mapping[str, Any] | None,
    model: str | None,
) -> RunAsked:
    """Return what a caller asks, with nothing for the inputs and the context that are not given.

    Raises:
        RequestError: The inputs are no mapping, or the context is neither a Context nor a mapping of its fields.
    """
    given = EMPTY if inputs is None else inputs
    return RunAsked(feature, messages, given, context_of(context), options, model)


@dataclass(slots=True)
class RunMeans:
    """What a run works with: what its table decides, who calls a provider, within which limits, tool servers, the
    environment, what was spent today, who is told.

    Without `shadows`, nothing is mirrored; without `observe`, nobody hears of its parts.
    """

    settled: Settled
    client_of: ClientOf
    limits: RunLimits
    servers: ServerPool
    environment: Mapping[str, str]
    spending: Spending
    shadows: Shadows | None
    tell: Tell | None = None
    observe: Observe | None = None


async def start_run(table: RoutingTable, asked: RunAsked, means: RunMeans, leases: Leases) -> RunResult:
    """Resolve, open the tools, play the run; *leases* gives the tool servers back. Errors carry `.result`."""
    feature = feature_of_kind(table, asked.feature, "chat")
    contract = None if feature.output is None else Contract(table.outputs[feature.output], asked.inputs)
    messages = begin(feature, asked.messages, asked.inputs, contract)
    facts = facts_of(messages, has_tools(feature), asked.options, asked.model, stream=means.tell is not None)
    run_id = new_run_id()
    decision = means.settled.resolve(asked.feature, asked.context, facts, run_id)
    record = RunRecord(decision, messages, run_id=run_id)
    watch = None if means.observe is None else Watch(means.observe, record, feature.kind)
    with watch or nullcontext():
        return await _play(table, feature, means, leases, record, contract, watch)


async def _play(
    table: RoutingTable,
    feature: FeatureSpec,
    means: RunMeans,
    leases: Leases,
    record: RunRecord,
    contract: Contract | None,
    watch: Watch | None,
) -> RunResult:
    decision = record.decision
    budget = None if feature.budget is None else RunBudget(feature.name, feature.budget, means.spending)
    try:
        async with deadline(feature) as end:
            if means.tell is not None:
                await means.tell(RunStarted(record.run_id, decision))
            if contract is not None:
                record.checks = list(contract.without_a_model())
                if record.checks:
                    return record.result()
            toolbox = await _toolbox(feature, table, means, leases)
            _warn(record, toolbox)
            run = Run(table, record, means.client_of, means.limits, contract, toolbox, budget, means.tell, watch, end)
            if decision.shadow is not None and means.shadows is not None:
                means.shadows.start(table, record, run.request_for(decision.shadow), means.observe)
            return record.result(await run.play())
    except (ProviderError, OutputError, DeadlineError, BudgetError) as error:
        outcomes = () if contract is None else contract.after_failure(str(error))
        if not outcomes:
            raise with_result(error, record) from error.__cause__
        record.checks, record.finish_reason = list(outcomes), "error"
        record.warnings.append(RunWarning("run_failed", decision.feature, str(error)))
        return record.result()
    except RoutebookError as error:
        raise with_result(error, record) from error.__cause__


def feature_of_kind(table: RoutingTable, name: str, kind: Kind) -> FeatureSpec:
    """Return the feature that serves *name*.

    Raises:
        RequestError: It is of another kind.
    """
    feature, _ = find_feature(table, name)
    if feature.kind != kind:
        methods = " or ".join(_METHODS[feature.kind])
        raise RequestError(f"feature {feature.name!r} is of kind {feature.kind!r}; call {methods}", "feature")
    return feature


async def _toolbox(feature: FeatureSpec, table: RoutingTable, means: RunMeans, leases: Leases) -> Toolbox | None:
    if feature.tools is None or not has_tools(feature):
        return None  # a feature that allows none of its servers' tools starts no server
    return await open_toolbox(feature.tools, table, means.servers, means.environment, leases)


def _warn(record: RunRecord, toolbox: Toolbox | None) -> None:
    """Pass on what the tools have to say: servers that did not start, tools that cannot be used."""
    if toolbox is not None:
        record.warnings += (RunWarning("tool_server_missing", name, why) for name, why in toolbox.failures.items())
        record.warnings += toolbox.warnings


def with_result(error: RoutebookError, record: RunRecord) -> RoutebookError:
    """Return *error* with what there was until then, what was received of an answer that broke off included."""
    record.break_off()
    error.result = record.result()
    if isinstance(error, (ProviderError, DeadlineError)):
        error.attempts = error.result.attempts
    return error
