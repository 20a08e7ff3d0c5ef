"""Excludes: options and capabilities that a model cannot use together, against what a target uses (RB402)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ..canonical.options import option_paths
from ..routing.output_spec import OutputSpec
from .targets import LinkedTarget

_OF_STRATEGY = {"native": "json_schema", "tool": "tools"}


def broken_excludes(
    linked: LinkedTarget, needs: Collection[str], output: OutputSpec | None
) -> Iterator[tuple[str, ...]]:
    """Yield each set of things that the model excludes and the target uses all the same, in order."""
    if not linked.model.excludes:
        return
    options = linked.attempt.platform.options
    used = {*needs, *options, *option_paths(options), *_of_output(linked, output)}
    for together in linked.model.excludes:
        if together <= used:
            yield tuple(sorted(together))


def _of_output(linked: LinkedTarget, output: OutputSpec | None) -> Iterator[str]:
    """Yield the capability that the output will use: what the strategy says, or the best that the model declares."""
    if output is None:
        return
    declared = linked.model.capabilities
    if output.strategy in _OF_STRATEGY:
        yield _OF_STRATEGY[output.strategy]
    elif output.strategy == "auto" and declared is not None:
        yield next((name for name in _OF_STRATEGY.values() if name in declared), "")
