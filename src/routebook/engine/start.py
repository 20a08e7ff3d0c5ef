"""Start: from what the caller asks to a run that is played to its end, and what an error leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..canonical.frozen import EMPTY
from ..canonical.message import Message
from ..canonical.plain import type_of
from ..errors import BudgetError, DeadlineError, OutputError, ProviderError, RequestError, RoutebookError
from ..routing.context import Context, ContextLike, Facts, context_of
from ..routing.resolve import find_feature
from ..routing.settled import Settled
from ..routing.spec import FeatureSpec, Kind
from ..routing.table import RoutingTable
from .account import Account
from .attempt import ClientOf
from .budget import RunBudget, Spending
from .contract import Contract
from .deadline import deadline
from .events import RunStarted, Tell
from .facts import AnyRequest, facts_of, has_tools
from .messages import MessagesLike
from .observe import Observe, Watch
from .pool import Leases
from .result import RunRecord, RunResult, RunWarning, new_run_id
from .run import Run
from .run_limits import RunLimits
from .shadow import Shadows
from .toolbox import ServerPool, Toolbox, open_toolbox
from .transcript import begin

_METHODS: dict[Kind, tuple[str, ...]] = {
    "chat": ("run", "stream"),
    "embeddings": ("embed",),
    "image": ("generate_image",),
}


@dataclass(slots=True)
class FeatureAsked:
    """What a caller asks of a feature, whatever its kind."""

    feature: str
    context: Context
    options: Mapping[str, Any] | None
    model: str | None


@dataclass(slots=True)
class RunAsked(FeatureAsked):
    """What a caller asks of `Engine.run`.

    Raises:
        RequestError: The inputs are no mapping.
    """

    messages: MessagesLike
    inputs: Mapping[str, Any]

    def __post_init__(self) -> None:
        if not isinstance(self.inputs, Mapping):
            raise RequestError(f"inputs must be a mapping, not {type_of(self.inputs)}", "inputs")


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
    return RunAsked(feature, context_of(context), options, model, messages, given)


@dataclass(frozen=True, slots=True)
class Shared:
    """What all runs of an engine share: tool servers, the environment, what was spent today. Without `shadows`, nothing
    is mirrored.
    """

    servers: ServerPool
    environment: Mapping[str, str]
    spending: Spending
    shadows: Shadows | None


@dataclass(slots=True)
class RunMeans:
    """What one run works with: what its table decides, who calls a provider, within which limits; `leases` gives back
    what it takes of pools. `tell` hears what goes on, `observe` what is over; without it, nobody does.
    """

    settled: Settled
    client_of: ClientOf
    limits: RunLimits
    leases: Leases
    shared: Shared
    tell: Tell | None = None
    observe: Observe | None = None

    @property
    def table(self) -> RoutingTable:
        """The run's table."""
        return self.settled.table

    def mirror(self, record: RunRecord, request: AnyRequest) -> None:
        """Send *request* to the shadow of the decision of *record*, beside the run."""
        if self.shared.shadows is not None:
            self.shared.shadows.start(self.table, record, request, self.observe)


async def start_run(asked: RunAsked, means: RunMeans) -> RunResult:
    """Resolve, open the tools, play the run. Errors carry `.result`."""
    feature = feature_of_kind(means.table, asked.feature, "chat")
    contract = None if feature.output is None else Contract(means.table.outputs[feature.output], asked.inputs)
    messages = begin(feature, asked.messages, asked.inputs, contract)
    facts = facts_of(messages, has_tools(feature), asked.options, asked.model, stream=means.tell is not None)
    with account_of(asked, feature, facts, messages, means) as account:
        return await _play(feature, means, account, contract)


def account_of(
    asked: FeatureAsked, feature: FeatureSpec, facts: Facts, messages: list[Message], means: RunMeans
) -> Account:
    """Decide what serves *asked*, and begin the account of its run."""
    run_id = new_run_id()
    decision = means.settled.resolve(asked.feature, asked.context, facts, run_id)
    record = RunRecord(decision, messages, run_id=run_id)
    watch = None if means.observe is None else Watch(means.observe, record, feature.kind)
    budget = None if feature.budget is None else RunBudget(feature.name, feature.budget, means.shared.spending)
    return Account(record, watch, budget)


async def _play(feature: FeatureSpec, means: RunMeans, account: Account, contract: Contract | None) -> RunResult:
    record = account.record
    try:
        async with deadline(feature) as end:
            if means.tell is not None:
                await means.tell(RunStarted(record.run_id, record.decision))
            if contract is not None:
                record.checks = list(contract.without_a_model())
                if record.checks:
                    return record.result()
            toolbox = await _toolbox(feature, means)
            _warn(record, toolbox)
            run = Run(means.table, account, means.client_of, means.limits, contract, toolbox, means.tell, end)
            if record.decision.shadow is not None:
                means.mirror(record, run.request_for(record.decision.shadow))
            return record.result(await run.play())
    except (ProviderError, OutputError, DeadlineError, BudgetError) as error:
        outcomes = () if contract is None else contract.after_failure(str(error))
        if not outcomes:
            raise with_result(error, record) from error.__cause__
        record.checks, record.finish_reason = list(outcomes), "error"
        record.warnings.append(RunWarning("run_failed", record.decision.feature, str(error)))
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


async def _toolbox(feature: FeatureSpec, means: RunMeans) -> Toolbox | None:
    if feature.tools is None or not has_tools(feature):
        return None  # a feature that allows none of its servers' tools starts no server
    shared = means.shared
    return await open_toolbox(feature.tools, means.table, shared.servers, shared.environment, means.leases)


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
