"""Test: a check that finds an answer fine or not, made ready for one run.

Comes in: the check and the caller's inputs. Goes out: a function from an answer to its problems, and an outcome.
Problems are fed back to the model; the outcome tells a result what was looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import islice
from typing import Any

from ...routing.output_spec import (
    CheckSpec,
    ChoiceSpec,
    FieldTest,
    MaxLengthSpec,
    PatternSpec,
    PythonSpec,
    RangeSpec,
    SubsetSpec,
    Test,
    UniqueSpec,
)
from .choice import choice_misfits
from .fit import Misfit
from .found import at_field
from .max_length import max_length_misfits, max_length_problems
from .outcome import CheckOutcome, Status
from .pattern import pattern_misfits, pattern_problems
from .range import range_misfits, range_problems
from .subset_of import read_members, subset_misfits, subset_problems
from .unique import unique_misfits, unique_problems

_MOST_PROBLEMS = 20

Examine = Callable[[Any], Iterable[str]]
"""From an answer to what is wrong with it."""

_PROBLEMS: Mapping[type, Callable[..., Iterable[str]]] = {
    RangeSpec: range_problems,
    PatternSpec: pattern_problems,
    UniqueSpec: unique_problems,
    MaxLengthSpec: max_length_problems,
}
_MISFITS: Mapping[type, Callable[..., Iterable[Misfit]]] = {
    ChoiceSpec: choice_misfits,
    RangeSpec: range_misfits,
    PatternSpec: pattern_misfits,
    UniqueSpec: unique_misfits,
    SubsetSpec: subset_misfits,
    MaxLengthSpec: max_length_misfits,
}


def ready(spec: FieldTest, inputs: Mapping[str, Any]) -> Examine:
    """Make *spec* ready for a run with *inputs*.

    Raises:
        RequestError: The inputs do not hold what the check needs.
    """
    if isinstance(spec, SubsetSpec):
        return partial(subset_problems, spec, read_members(spec, inputs))
    return partial(_PROBLEMS[type(spec)], spec)


def run_test(spec: Test, examine: Examine, value: Any) -> tuple[CheckOutcome, tuple[str, ...]]:
    """Return the outcome of one test of the answer *value*, and its problems, at most 20."""
    problems = tuple(islice(examine(value), _MOST_PROBLEMS))
    seen = value if isinstance(spec, PythonSpec) else at_field(value, spec.field)
    status: Status = "failed" if problems else "accepted"
    outcome = CheckOutcome(spec.kind, status, seen, "model", seen, reason="; ".join(problems) or None)
    return outcome, problems


def misfits(spec: CheckSpec, schema: Mapping[str, Any]) -> list[Misfit]:
    """Return why *spec* does not go with the valid JSON Schema *schema*; empty where it does."""
    find = _MISFITS.get(type(spec))
    return [] if find is None else list(find(spec, schema))
