"""Inputs: which of the caller's inputs an output contract reads."""

from __future__ import annotations

from ..routing.output_spec import ChoiceSpec, OutputSpec, SubsetSpec


def inputs_of(spec: OutputSpec) -> frozenset[str]:
    """Return the names of the inputs that *spec*'s checks read, needed or not.

    They are what a choice picks `from`, what its alternatives hold, and what a subset is taken `from`. A `python`
    check may read any other.
    """
    alternatives = {
        alternative.input
        for check in spec.checks
        if isinstance(check, ChoiceSpec)
        for alternative in check.otherwise
        if alternative.input is not None
    }
    members = {check.members for check in spec.checks if isinstance(check, SubsetSpec)}
    return candidate_inputs_of(spec) | alternatives | members


def candidate_inputs_of(spec: OutputSpec) -> frozenset[str]:
    """Return the names of the inputs whose candidates the model has to be shown: a prompt must name each of them."""
    return frozenset(check.candidates for check in spec.checks if isinstance(check, ChoiceSpec))
