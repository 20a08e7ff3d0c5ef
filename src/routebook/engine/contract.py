"""Contract: a feature's output contract at work in one run.

What the model is told beforehand, how its answer is judged, and what stands where no answer can be had.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..canonical.chat import ChatResponse, OutputFormat
from ..canonical.part import RefusalPart
from ..errors import OutputError
from ..outputs.answer import read_answer
from ..outputs.checks.choice import (
    Candidates,
    apply,
    check_choice,
    confidence_problems,
    failed_choice,
    no_candidates,
    read_candidates,
    render_candidates,
)
from ..outputs.checks.outcome import CheckOutcome
from ..outputs.strategy import choose_strategy, instructions, output_format
from ..outputs.validate import validate
from ..routing.output_spec import ChoiceSpec, OutputSpec


@dataclass(frozen=True, slots=True)
class Judgement:
    """An answer judged: its value and the checks' outcomes, or the problems that keep it from being one."""

    value: Any = None
    outcomes: tuple[CheckOutcome, ...] = ()
    problems: tuple[str, ...] = ()


class Contract:
    """The output contract of one run, with the caller's candidates read and found in order.

    Raises:
        RequestError: The inputs do not hold what a check needs; raised before any call.
    """

    def __init__(self, spec: OutputSpec, inputs: Mapping[str, Any]) -> None:
        self.spec = spec
        self._inputs = inputs
        self._checks: list[tuple[ChoiceSpec, Candidates]] = [
            (check, read_candidates(check, inputs)) for check in spec.checks
        ]

    def candidates_text(self) -> str:
        """Return what the model is shown of the caller's candidates; empty without a check."""
        return "\n\n".join(render_candidates(check, candidates) for check, candidates in self._checks)

    def asked_of(self, capabilities: frozenset[str] | None) -> tuple[OutputFormat | None, str]:
        """Return how a model with *capabilities* is asked: by its API's own means, or by the instructions returned."""
        if choose_strategy(self.spec, capabilities) == "native":
            return output_format(self.spec), ""
        return None, instructions(self.spec)

    def without_a_model(self) -> tuple[CheckOutcome, ...]:
        """Return an outcome for each check that has nothing to choose from; then no model is called."""
        return tuple(no_candidates(check) for check, candidates in self._checks if not candidates.ids)

    def judge(self, response: ChatResponse) -> Judgement:
        """Judge an answer: is it JSON, does it keep the schema, is every choice one of the candidates."""
        refusals = [part.text for part in response.message.content if isinstance(part, RefusalPart)]
        if refusals:
            return Judgement(problems=(f"the model declined: {' '.join(refusals)}",))
        answer = read_answer(response.message.text)
        if answer.problem is not None:
            cut = " (the answer was cut off by its token limit)" if response.finish_reason == "length" else ""
            return Judgement(problems=(answer.problem + cut,))
        problems = list(validate(self.spec.schema, answer.value))
        for check, _ in self._checks:
            problems += confidence_problems(check, answer.value)
        if problems:
            return Judgement(problems=tuple(problems))
        return self._checked(answer.value)

    def _checked(self, value: Any) -> Judgement:
        outcomes = []
        for check, candidates in self._checks:
            outcome = check_choice(check, value, candidates, self._inputs)
            outcomes.append(outcome)
            value = apply(outcome, check.field, value)
        return Judgement(value, tuple(outcomes))

    def broken_by(self, judgement: Judgement, text: str) -> OutputError | None:
        """Return the error of an answer that a check with `if_none: fail` refuses, or that has problems."""
        problems = list(judgement.problems)
        for (check, _), outcome in zip(self._checks, judgement.outcomes, strict=False):
            if outcome.status == "low_confidence" and outcome.source is None and check.if_none == "fail":
                problems.append(f"/{check.field}: the confidence is too low, and no alternative is valid")
        if not problems:
            return None
        message = f"the answer does not keep output {self.spec.name!r}: {'; '.join(problems)}"
        return OutputError(message, self.spec.name, problems, text)

    def after_failure(self, reason: str) -> tuple[CheckOutcome, ...]:
        """Return what stands in for the answer of a failed run; empty where its error is to be raised."""
        outcomes = [failed_choice(check, candidates, self._inputs, reason) for check, candidates in self._checks]
        found = tuple(outcome for outcome in outcomes if outcome is not None)
        return found if len(found) == len(self._checks) else ()
