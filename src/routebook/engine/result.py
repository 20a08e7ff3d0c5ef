"""RunResult: all that a run leaves behind, and the ledger it is written from while the run goes on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..canonical.chat import Choice
from ..canonical.frozen import thaw
from ..canonical.message import Message
from ..canonical.part import ImagePart
from ..canonical.tool import ToolCall, ToolResult
from ..canonical.usage import NO_USAGE, Usage
from ..outputs.checks.outcome import CheckOutcome
from ..records.attempt import Attempt
from ..routing.decision import Decision
from ..routing.price import dollars
from .partial import Partial


@dataclass(frozen=True, slots=True)
class RunWarning:
    """Something that did not stop a run, but should be known: `code` for programs, `subject` what it is about."""

    code: str
    subject: str
    message: str

    def to_dict(self) -> dict[str, str]:
        """Return the warning as plain data."""
        return {"code": self.code, "subject": self.subject, "message": self.message}


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run returned, and everything that led to it.

    `output` is the validated value (None without an output contract, or where no answer kept it), `message` the
    model's last one and `text` its text, `messages` the whole transcript. `choices` are the answers of the last model
    call: several with the option `n`; the first is the `message`, and the only one held to an output contract.
    `turns` is the number of model calls that answered, `tool_results` are the whole, uncut results. `usage` sums all
    turns; `cost_microusd` is what the platform pays, in millionths of a US dollar (None: unpriced).
    `absorbed` are the attempts in vain that others made up for (of a run that failed, all in vain), answers that broke
    the output contract among them.
    `finish_reason` is stop, length, tool_calls (the run ended in an error before they were answered), content_filter,
    refusal, max_turns, max_calls, or error (the run failed, or a check chose in place of a failed run; where an answer
    broke off, `message` is what was received).
    """

    run_id: str
    decision: Decision
    output: Any = None
    message: Message | None = None
    messages: tuple[Message, ...] = ()
    choices: tuple[Choice, ...] = ()
    turns: int = 0
    tool_calls: tuple[ToolCall, ...] = ()
    tool_results: tuple[ToolResult, ...] = ()
    checks: tuple[CheckOutcome, ...] = ()
    usage: Usage = NO_USAGE
    cost_microusd: int | None = None
    attempts: tuple[Attempt, ...] = ()
    finish_reason: str = "stop"
    warnings: tuple[RunWarning, ...] = ()
    absorbed: tuple[Attempt, ...] = ()

    @property
    def text(self) -> str:
        """The text of the model's last message."""
        return "" if self.message is None else self.message.text

    @property
    def cost_usd(self) -> float | None:
        """What the platform pays in US dollars (None: unpriced)."""
        return None if self.cost_microusd is None else dollars(self.cost_microusd)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data, ready for JSON."""
        return {
            "run_id": self.run_id,
            "output": thaw(self.output),
            "text": self.text,
            "message": None if self.message is None else self.message.to_dict(),
            "messages": [message.to_dict() for message in self.messages],
            "choices": [choice.to_dict() for choice in self.choices],
            "turns": self.turns,
            "tool_calls": [call.to_dict() for call in self.tool_calls],
            "tool_results": [result.to_dict() for result in self.tool_results],
            "checks": [check.to_dict() for check in self.checks],
            "usage": self.usage.to_dict(),
            "cost_usd": self.cost_usd,
            "cost_microusd": self.cost_microusd,
            "attempts": [attempt.to_dict() for attempt in self.attempts],
            "decision": self.decision.to_dict(),
            "finish_reason": self.finish_reason,
            "warnings": [warning.to_dict() for warning in self.warnings],
        }


@dataclass(frozen=True, slots=True)
class EmbeddingResult:
    """Vectors, in the order of the inputs, and how they came about: as in a RunResult."""

    vectors: tuple[tuple[float, ...], ...]
    run_id: str
    decision: Decision
    usage: Usage = NO_USAGE
    cost_microusd: int | None = None
    attempts: tuple[Attempt, ...] = ()
    warnings: tuple[RunWarning, ...] = ()

    @property
    def cost_usd(self) -> float | None:
        """What the platform pays in US dollars (None: unpriced)."""
        return None if self.cost_microusd is None else dollars(self.cost_microusd)

    @property
    def absorbed(self) -> tuple[Attempt, ...]:
        """The attempts in vain that others made up for."""
        return tuple(attempt for attempt in self.attempts if attempt.kind is not None)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data, ready for JSON."""
        return {"vectors": [list(vector) for vector in self.vectors], **_account(self)}


@dataclass(frozen=True, slots=True)
class ImageResult:
    """Images, at least one, what the model said beside them, and how they came about: as in a RunResult."""

    images: tuple[ImagePart, ...]
    text: str
    run_id: str
    decision: Decision
    usage: Usage = NO_USAGE
    cost_microusd: int | None = None
    attempts: tuple[Attempt, ...] = ()
    warnings: tuple[RunWarning, ...] = ()

    @property
    def cost_usd(self) -> float | None:
        """What the platform pays in US dollars (None: unpriced)."""
        return None if self.cost_microusd is None else dollars(self.cost_microusd)

    @property
    def absorbed(self) -> tuple[Attempt, ...]:
        """The attempts in vain that others made up for."""
        return tuple(attempt for attempt in self.attempts if attempt.kind is not None)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data, ready for JSON."""
        return {"images": [image.to_dict() for image in self.images], "text": self.text, **_account(self)}


def _account(result: EmbeddingResult | ImageResult) -> dict[str, Any]:
    return {
        "run_id": result.run_id,
        "usage": result.usage.to_dict(),
        "cost_usd": result.cost_usd,
        "cost_microusd": result.cost_microusd,
        "attempts": [attempt.to_dict() for attempt in result.attempts],
        "decision": result.decision.to_dict(),
        "warnings": [warning.to_dict() for warning in result.warnings],
    }


def new_run_id() -> str:
    """Return an id that no other run has: 32 hexadecimal digits."""
    return os.urandom(16).hex()


@dataclass(slots=True)
class RunRecord:
    """A run in progress: what it has said, called and paid so far.

    `answer` is the model's last message, `made_by` the target that gave each answer, by its index in `messages`.
    `sent_calls` counts the tool calls sent to a server, `tool_turns` the model calls that made some; `limited` tells
    that no more tools are offered; `received` is what the caller has seen of an answer that is not whole yet,
    `spoiled` the answers that broke the output contract, by their index in `attempts`.
    """

    decision: Decision
    messages: list[Message]
    answer: Message | None = None
    choices: tuple[Choice, ...] = ()
    run_id: str = field(default_factory=new_run_id)
    turns: int = 0
    tool_calls: list[ToolCall] = field(default_factory=list)
    tool_results: list[ToolResult] = field(default_factory=list)
    checks: list[CheckOutcome] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    warnings: list[RunWarning] = field(default_factory=list)
    finish_reason: str = "stop"
    sent_calls: int = 0
    tool_turns: int = 0
    limited: bool = False
    received: Partial | None = None
    spoiled: set[int] = field(default_factory=set)

    def spoil(self) -> None:
        """Note that the last answer breaks the output contract."""
        self.spoiled.add(len(self.attempts) - 1)

    def break_off(self) -> None:
        """Note that the run failed; what was received of an answer that broke off is the answer."""
        message = None if self.received is None else self.received.message()
        if message is not None:
            self.answer = message
        if message is not None or self.finish_reason == "stop":
            self.finish_reason = "error"

    def result(self, output: Any = None) -> RunResult:
        """Return what there is by now as a result."""
        return RunResult(
            run_id=self.run_id,
            decision=self.decision,
            output=output,
            message=self.answer,
            messages=tuple(self.messages),
            choices=self.choices,
            turns=self.turns,
            tool_calls=tuple(self.tool_calls),
            tool_results=tuple(self.tool_results),
            checks=tuple(self.checks),
            usage=self._usage(),
            cost_microusd=self._cost_microusd(),
            attempts=tuple(self.attempts),
            finish_reason=self.finish_reason,
            warnings=tuple(self.warnings),
            absorbed=tuple(self._in_vain()),
        )

    def _in_vain(self) -> Iterator[Attempt]:
        for index, attempt in enumerate(self.attempts):
            if attempt.kind is not None or index in self.spoiled:
                yield attempt

    def _usage(self) -> Usage:
        first, *others = [attempt.usage for attempt in self.attempts if attempt.usage] or (NO_USAGE,)
        return sum(others, first)

    def _cost_microusd(self) -> int | None:
        total = 0
        for attempt in self.attempts:
            if attempt.payer == "caller" or (attempt.usage is None and not _is_billed(attempt)):
                continue
            if attempt.cost_microusd is None:
                return None
            total += attempt.cost_microusd
        return total


def _is_billed(attempt: Attempt) -> bool:
    """Tell whether a call is paid for though it may not say what it took: it answered, or was cut off under way."""
    was_cut_off = attempt.outcome == "cancelled" or attempt.first_token_s is not None
    return attempt.kind is None or (attempt.sent and was_cut_off)
