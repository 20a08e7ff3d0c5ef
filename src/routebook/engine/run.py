"""Run: turns until the model answers, and tries until the answer keeps its contract.

Comes in: a decision and a transcript. Goes out: the transcript, complete, and the validated output. Each model
call goes along the decision's attempts (`engine.fallback`), starting with the one that answered last.

Where somebody is told, models are asked for streams. The deltas are what the model sends, whatever comes of it: with
an output contract they are of its text as it stands, or of the call by which it answers, and a repair begins anew.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..canonical.chat import ChatRequest, ChatResponse, Choice
from ..canonical.event import ModelEvent, NoResponse, ResponseFinished, fold
from ..canonical.message import Message
from ..canonical.options import merge_options
from ..canonical.tool import ToolDefinition
from ..errors import LimitError
from ..outputs.repair import feedback
from ..outputs.strategy import Asked
from ..providers import registry
from ..routing.decision import PlannedAttempt
from ..routing.table import RoutingTable
from .account import Account
from .attempt import Calling, ClientOf, Progress, malformed
from .contract import Contract
from .deadline import Deadline
from .events import Tell, TurnStarted
from .fallback import call_along
from .inexact import warnings_of_schemas
from .messages import leading_system
from .result import RunRecord, RunWarning
from .run_limits import RunLimits
from .thoughts import shown_to, signed
from .toolbox import Toolbox
from .turn import answer_tools, options_of_turn, refuse_tools, with_unique_ids


@dataclass(slots=True)
class Run:
    """One run in progress; `at` is the index of the attempt that answered last, `tell` hears of what goes on."""

    table: RoutingTable
    account: Account
    client_of: ClientOf
    limits: RunLimits
    contract: Contract | None
    toolbox: Toolbox | None
    tell: Tell | None
    deadline: Deadline
    at: int = 0
    record: RunRecord = field(init=False)

    def __post_init__(self) -> None:
        self.record = self.account.record

    async def play(self) -> Any:
        """Go on until there is an answer; return the validated output, or None without a contract.

        Raises:
            ProviderError, LimitError, OutputError: As their classes say.
        """
        repairs = 0
        while True:
            response = await self._answer()
            if self.contract is None:
                return None
            judgement = self.contract.judge(response)
            if judgement.problems:
                self.record.spoil()
            if judgement.problems and repairs < self.contract.spec.repair_attempts and _repairable(response):
                repairs += 1
                self.record.messages.append(feedback(judgement.problems))
                continue
            self.record.checks = list(judgement.outcomes)
            error = self.contract.broken_by(judgement, response.message.answer_text)
            if error is not None:
                raise error
            if self.record.finish_reason not in {"max_turns", "max_calls"}:
                self.record.finish_reason = "stop"
            return judgement.value

    async def _answer(self) -> ChatResponse:
        """Take turns until the model answers without calling a tool."""
        while True:
            if self.account.watch is not None:
                self.account.watch.begin_turn()
            if self.tell is not None:
                await self.tell(TurnStarted(self.record.turns + 1))
            response = await self._call_model(self._offer())
            self.record.turns += 1
            taken = (call.id for earlier in self.record.messages for call in earlier.tool_calls)
            message = signed(with_unique_ids(response.message, taken), self.record.decision.attempts[self.at])
            self.record.messages.append(message)
            self.record.answer, self.record.received = message, None
            first = Choice(message, response.finish_reason, response.raw_finish_reason, response.logprobs)
            self.record.choices = (first, *response.alternatives)
            if self.account.watch is not None:
                self.account.watch.end_turn(response.finish_reason, len(message.tool_calls))
            if not self.record.limited:
                self.record.finish_reason = response.finish_reason
            if self.toolbox is None or not message.tool_calls:
                return response
            if self.record.limited:
                await self._ignore_calls(message, self.toolbox)
                return response
            await self._use_tools(message, self.toolbox, cut=response.finish_reason == "length")

    def _offer(self) -> tuple[ToolDefinition, ...]:
        return () if self.toolbox is None or self.record.limited else self.toolbox.definitions

    async def _use_tools(self, message: Message, toolbox: Toolbox, *, cut: bool) -> None:
        self.record.tool_turns += 1
        last = self.record.tool_turns >= toolbox.spec.max_turns
        if last and toolbox.spec.on_limit == "fail":
            await refuse_tools(self.account, message, toolbox, self.tell)
            raise LimitError(f"the model still called tools in turn {toolbox.spec.max_turns}, the last", "turns")
        over = await answer_tools(self.account, message, toolbox, self.tell, cut=cut)
        if over and toolbox.spec.on_limit == "fail":
            raise LimitError(f"the run made {toolbox.spec.max_calls} tool calls, the most it may", "calls")
        if over or last:
            self.record.limited = True
            self.record.finish_reason = "max_calls" if over else "max_turns"

    async def _ignore_calls(self, message: Message, toolbox: Toolbox) -> None:
        await refuse_tools(self.account, message, toolbox, self.tell)
        text = "the model called a tool again after the last turn that had any; the call was not made"
        self.record.warnings.append(RunWarning("tool_call_ignored", self.record.decision.feature, text))

    async def _call_model(self, offer: Sequence[ToolDefinition]) -> ChatResponse:
        async def call(planned: PlannedAttempt, request: ChatRequest, progress: Progress) -> ChatResponse:
            self._warn_of_schemas(planned, request)
            return self._checked(planned, await self._exchange(planned, request, progress), offer)

        self.account.check_budget()
        request_for = partial(self.request_for, offer=offer)
        calling = Calling(self.table, request_for, call, self.limits, self.account.note, self.deadline)
        response, self.at = await call_along(self.record.decision.attempts, self.at, calling, self.tell)
        return response

    async def _exchange(self, planned: PlannedAttempt, request: ChatRequest, progress: Progress) -> ChatResponse:
        client = await self.client_of(planned)
        if self.tell is None:
            return await client.complete(request)
        try:
            async with aclosing(client.stream(request)) as events:
                return await fold(_told(events, progress, self.tell))
        except NoResponse as error:
            raise malformed(planned, str(error)) from error
        finally:
            self.record.received = progress.partial

    def _checked(
        self, planned: PlannedAttempt, response: ChatResponse, offer: Sequence[ToolDefinition]
    ) -> ChatResponse:
        if self.contract is not None:
            response = self._asked(self.contract, planned, offer).take(response)
        if self.toolbox is None and response.message.tool_calls:
            names = ", ".join(repr(call.name) for call in response.message.tool_calls)
            raise malformed(planned, f"the model called a tool ({names}), but the feature has none", response)
        return response

    def request_for(self, planned: PlannedAttempt, offer: Sequence[ToolDefinition] = ()) -> ChatRequest:
        """Return what *planned* is sent now, with the tools of *offer*."""
        messages = shown_to(planned, self.record.messages)
        tools, output = list(offer), None
        options = options_of_turn(planned.options, self.record.turns + 1)
        if self.contract is not None:
            asked = self._asked(self.contract, planned, offer)
            output = asked.format
            if asked.tool is not None:
                tools.append(asked.tool)
            if asked.tool_choice is not None and self._takes_choice(planned):
                options = merge_options(options, {"tool_choice": asked.tool_choice})
            if asked.instructions:
                messages.insert(leading_system(messages), Message("system", asked.instructions))
        return ChatRequest(
            model=planned.id,
            messages=tuple(messages),
            tools=tuple(tools),
            options=options,
            output=output,
            feature=self.record.decision.feature,
            target=planned.model,
            turn=self.record.turns + 1,
        )

    def _warn_of_schemas(self, planned: PlannedAttempt, request: ChatRequest) -> None:
        held = registry.traits()[planned.api].tool_schemas
        if held is not None:
            warnings = warnings_of_schemas(request, planned.api, held)
            self.record.warnings += (warning for warning in warnings if warning not in self.record.warnings)

    def _takes_choice(self, planned: PlannedAttempt) -> bool:
        model = self.table.models.get(planned.model)
        rejects = () if model is None else model.rejects
        lacks = self.table.providers[planned.provider].quirks.get("lacks", ())
        if "tool_choice" in rejects or "tool_choice" in lacks:
            return False
        budget = planned.options.get("reasoning", {}).get("budget_tokens")
        return budget is None or not registry.traits()[planned.api].rules.budget_unforced

    def _asked(self, contract: Contract, planned: PlannedAttempt, offer: Sequence[ToolDefinition]) -> Asked:
        model = self.table.models.get(planned.model)
        return contract.asked_of(None if model is None else model.capabilities, offer)


def _repairable(response: ChatResponse) -> bool:
    return response.finish_reason not in {"refusal", "content_filter"}


async def _told(events: AsyncIterable[ModelEvent], progress: Progress, tell: Tell) -> AsyncIterator[ModelEvent]:
    """Yield *events*, and pass on what a caller may see of them; no words are no content."""
    async for event in events:
        if not isinstance(event, ResponseFinished) and getattr(event, "text", None) != "":
            progress.begin_content().add(event)
            await tell(event)
        yield event
