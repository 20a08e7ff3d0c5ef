"""Contract: a feature's output contract at work in one run.

What the model is told beforehand, how its answer is judged, and what stands where no answer can be had.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..canonical.chat import ChatResponse
from ..canonical.part import RefusalPart
from ..canonical.tool import ToolDefinition
from ..errors import OutputError
from ..outputs.answer import read_answer
from ..outputs.checks.candidates import Candidates, read_candidates, render_candidates
from ..outputs.checks.choice import apply, check_choice, confidence_problems, failed_choice, no_candidates
from ..outputs.checks.examine import Examine, ready, run_test
from ..outputs.checks.outcome import CheckOutcome
from ..outputs.checks.python import python_problems
from ..outputs.strategy import Asked, Means, ask, choose_strategy
from ..outputs.validate import validate
from ..routing.output_spec import ChoiceSpec, OutputSpec, PythonSpec, Test
from .python_checks import find_function


@dataclass(frozen=True, slots=True)
class Judgement:
    """An answer judged: its value and the checks' outcomes, or the problems that keep it from being one.

    With problems there is no value; the outcomes are then those of the tests, where the answer came as far as them.
    """

    value: Any = None
    outcomes: tuple[CheckOutcome, ...] = ()
    problems: tuple[str, ...] = ()


class Contract:
    """The output contract of one run, with the caller's inputs read and found in order.

    Raises:
        RequestError: The inputs do not hold what a check needs, or a check's function cannot be found; raised before
            any call.
    """

    def __init__(self, spec: OutputSpec, inputs: Mapping[str, Any]) -> None:
        self.spec = spec
        self._inputs = inputs
        self._choices: dict[int, tuple[ChoiceSpec, Candidates]] = {}
        self._tests: dict[int, tuple[Test, Examine]] = {}
        for index, check in enumerate(spec.checks):
            if isinstance(check, ChoiceSpec):
                self._choices[index] = (check, read_candidates(check, inputs))
            else:
                self._tests[index] = (check, self._ready(check))
        self._asked: dict[tuple[Means, tuple[str, ...]], Asked] = {}

    def _ready(self, test: Test) -> Examine:
        if isinstance(test, PythonSpec):
            return partial(python_problems, test, find_function(test, self.spec.name), inputs=self._inputs)
        return ready(test, self._inputs)

    def candidates_text(self, named: Collection[str] = ()) -> str:
        """Return what the model is shown of the caller's candidates, save those of the inputs *named* in its prompt.

        Empty where there is nothing to show.
        """
        return "\n\n".join(
            render_candidates(check, candidates)
            for check, candidates in self._choices.values()
            if check.candidates not in named
        )

    def candidate_variables(self) -> dict[str, str]:
        """Return the text of the candidates by the name of their input, to render a prompt with that names it."""
        texts: dict[str, list[str]] = {}
        for check, candidates in self._choices.values():
            texts.setdefault(check.candidates, []).append(render_candidates(check, candidates))
        return {name: "\n\n".join(parts) for name, parts in texts.items()}

    def asked_of(self, capabilities: frozenset[str] | None, offered: Iterable[ToolDefinition] = ()) -> Asked:
        """Return how a model with *capabilities* is asked that is *offered* these tools besides.

        Its answer is taken out of the response by `Asked.take`, before anything else looks at the response.
        """
        means = choose_strategy(self.spec, capabilities)
        names = tuple(tool.name for tool in offered) if means == "tool" else ()
        if (means, names) not in self._asked:
            self._asked[means, names] = ask(self.spec, means, names)
        return self._asked[means, names]

    def without_a_model(self) -> tuple[CheckOutcome, ...]:
        """Return an outcome for each choice that has nothing to choose from; then no model is called."""
        return tuple(no_candidates(check) for check, candidates in self._choices.values() if not candidates.ids)

    def judge(self, response: ChatResponse) -> Judgement:
        """Judge an answer: is it JSON, does it keep the schema and the tests, is every choice one of the candidates."""
        refusals = [part.text for part in response.message.content if isinstance(part, RefusalPart)]
        if refusals:
            return Judgement(problems=(f"the model declined: {' '.join(refusals)}",))
        answer = read_answer(response.message.answer_text)
        if answer.problem is not None:
            cut = " (the answer was cut off by its token limit)" if response.finish_reason == "length" else ""
            return Judgement(problems=(answer.problem + cut,))
        problems = list(validate(self.spec.schema, answer.value))
        for check, _ in self._choices.values():
            problems += confidence_problems(check, answer.value)
        if problems:
            return Judgement(problems=tuple(problems))
        return self._tested(answer.value)

    def _tested(self, value: Any) -> Judgement:
        """Judge *value*, which keeps the schema. Tests see what the model answered, not what a choice makes of it."""
        outcomes: dict[int, CheckOutcome] = {}
        problems: list[str] = []
        for index, (test, examine) in self._tests.items():
            outcomes[index], found = run_test(test, examine, value)
            problems += found
        if problems:
            return Judgement(outcomes=tuple(outcomes.values()), problems=tuple(problems))
        for index, (choice, candidates) in self._choices.items():
            outcomes[index] = check_choice(choice, value, candidates, self._inputs)
            value = apply(outcomes[index], choice.field, value)
        return Judgement(value, tuple(outcomes[index] for index in sorted(outcomes)))

    def broken_by(self, judgement: Judgement, text: str) -> OutputError | None:
        """Return the error of an answer that a check with `if_none: fail` refuses, or that has problems."""
        problems = list(judgement.problems)
        if not problems:
            for check, outcome in zip(self.spec.checks, judgement.outcomes, strict=True):
                if _is_unsure(outcome) and isinstance(check, ChoiceSpec) and check.if_none == "fail":
                    problems.append(f"/{check.field}: the confidence is too low, and no alternative is valid")
        if not problems:
            return None
        message = f"the answer does not keep output {self.spec.name!r}: {'; '.join(problems)}"
        return OutputError(message, self.spec.name, problems, text)

    def after_failure(self, reason: str) -> tuple[CheckOutcome, ...]:
        """Return what stands in for the answer of a failed run; empty where its error is to be raised."""
        outcomes = [
            failed_choice(check, candidates, self._inputs, reason) for check, candidates in self._choices.values()
        ]
        found = tuple(outcome for outcome in outcomes if outcome is not None)
        return found if len(found) == len(outcomes) else ()


def _is_unsure(outcome: CheckOutcome) -> bool:
    return outcome.status == "low_confidence" and outcome.source is None
