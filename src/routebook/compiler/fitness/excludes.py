"""Excludes: options and capabilities that a model cannot use together, against what a target uses (RB402)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...canonical.options import option_paths, option_value
from ...diagnostics.span import Span
from ...outputs.strategy import choose_strategy
from ...routing.carried import WITHOUT
from ...routing.output_spec import OutputSpec
from ..build import Build, Where
from ..options import CAPABILITY_OF, CAPABILITY_OF_MEANS, layers_of, place_of
from ..targets import FeatureCall, LinkedTarget

NAMED_OUTPUT = "output"
"""Among what a feature needs, the line that names its output."""


def broken_excludes(
    linked: LinkedTarget, needs: Mapping[str, Span], output: OutputSpec | None
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield the position of each set of things that the model excludes and the target uses all the same, and the set.

    An option that asks to do without a thing does not use it.
    """
    if not linked.model.excludes:
        return
    used = {*needs, *_options_used(linked), *_used_by_output(linked, output)}
    for index, together in enumerate(linked.model.excludes):
        if together <= used:
            yield index, tuple(sorted(together))


def report_excluded(
    build: Build,
    call: FeatureCall,
    needs: Mapping[str, Span],
    linked: LinkedTarget,
    broken: tuple[int, tuple[str, ...]],
    where: Where,
) -> None:
    """Report that the target at *where* uses together what its model excludes, with the line of each."""
    model, (index, together) = linked.model, broken
    message = f"{call.subject} uses {' and '.join(map(repr, together))} with model {model.name!r}, which excludes that"
    notes = [_why_used(build, call, needs, linked, name) for name in together]
    declared = build.document.models[model.name].span("excludes", index)
    notes.append(f"model {model.name!r} excludes them together at {declared}")
    mend = "set one of the options to null for this target, or name another model"
    build.report("RB402", where(), message, notes=notes, help=mend)


def _options_used(linked: LinkedTarget) -> dict[str, str]:
    """Return what the options of the target use, by every name that it has, with the option's path."""
    options = linked.attempt.platform.options
    used: dict[str, str] = {}
    for path in option_paths(options):
        if path not in WITHOUT or option_value(options, path) != WITHOUT[path]:
            name = path.partition(".")[0]
            for known in (path, name, CAPABILITY_OF.get(name, name)):
                used.setdefault(known, path)
    return used


def _used_by_output(linked: LinkedTarget, output: OutputSpec | None) -> Iterator[str]:
    """Yield the capability that the output uses: what its strategy says, or the best that the model declares."""
    declared = linked.model.capabilities
    if output is not None and (declared is not None or output.strategy != "auto"):
        means = choose_strategy(output, declared)
        if means in CAPABILITY_OF_MEANS:
            yield CAPABILITY_OF_MEANS[means]


def _why_used(build: Build, call: FeatureCall, needs: Mapping[str, Span], linked: LinkedTarget, name: str) -> str:
    path = _options_used(linked).get(name)
    if path is not None:
        place = place_of(path, layers_of(build, linked.model, call.layer, linked.attempt.layer))
        return f"{name!r} is set at {place}"
    if name in needs:
        return f"{name!r} is needed because of {needs[name]}"
    return f"{name!r} is how the output is asked for that is named at {needs[NAMED_OUTPUT]}"
