"""Asked options: what a caller's own options do to the attempts of a decision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..canonical.frozen import EMPTY
from ..canonical.options import merge_options, option_paths, option_value
from ..errors import RequestError
from .carried import takes
from .closed import closed_fields
from .decision import PlannedAttempt, Skip
from .spec import AttemptSpec, FeatureSpec
from .unfit import Unfit, unfit_together, unfit_values

_ANSWER = "max_output_tokens"
_OF_TOOLS = frozenset({"tool_choice", "parallel_tool_calls"})


def merge_asked(
    feature: FeatureSpec,
    planned: Sequence[PlannedAttempt],
    specs: Sequence[AttemptSpec],
    asked: Mapping[str, Any],
) -> tuple[tuple[PlannedAttempt, ...], tuple[Skip, ...]]:
    """Merge the options *asked* for into each attempt; later attempts that cannot carry one are skipped.

    Raises:
        RequestError: The feature does not let a caller set one of them, or the first attempt cannot carry it.
    """
    refused = sorted(asked.keys() - feature.caller_options)
    if refused:
        raise RequestError(_not_allowed(feature, refused[0]), "options")
    layer = merge_options(asked)
    kept: list[PlannedAttempt] = []
    skipped: list[Skip] = []
    for attempt, spec in zip(planned, specs, strict=True):
        options = _with_room(spec, merge_options(attempt.options, asked), layer)
        found = next(_refused(feature, spec, layer, options), None)
        if found is None:
            kept.append(replace(attempt, options=options))
        elif kept:
            skipped.append(Skip(attempt.provider, attempt.model, _why_skipped(attempt, found)))
        else:
            raise RequestError(_not_carried(feature, attempt, found), "options")
    return tuple(kept), tuple(skipped)


def _refused(
    feature: FeatureSpec, spec: AttemptSpec, layer: Mapping[str, Any], options: Mapping[str, Any]
) -> Iterator[Unfit]:
    """Yield what of the caller's *layer* cannot be sent; *options* are what it and the book's come to."""
    wanted = {path: option_value(layer, path) for path in option_paths(layer)}
    for path in sorted(path for path, value in wanted.items() if not takes(spec.carries, path, value)):
        mend = spec.wire.dropped.get(path)
        yield Unfit(path, "" if mend is None else f"has dropped it in the version spoken here: {mend}")
    for name in closed_fields(layer.get("extra_body", EMPTY), spec.wire.closed):
        yield Unfit(f"extra_body.{name}", "fills it itself")
    for name in sorted(spec.wire.own_headers.intersection(layer.get("extra_headers", ()))):
        yield Unfit(f"extra_headers.{name}", "sets it itself")
    rules = spec.wire.rules
    yield from (found for found in unfit_values(rules, options) if found.option in wanted)
    for found in unfit_together(rules, options, has_tools=feature.tools is not None):
        asked = next((path for path in (found.option, found.beside) if path in wanted), None)
        if asked is not None:
            yield replace(found, option=asked)


def _with_room(spec: AttemptSpec, options: Mapping[str, Any], asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return *options* with room for an answer after what the caller lets the model think, where nobody sets a limit.

    A limit that the API is told because nobody sets one was made without the budget that the caller asks for.
    """
    budget = asked.get("reasoning", {}).get("budget_tokens")
    if spec.told is None or _ANSWER in asked or budget is None or budget < spec.told:
        return options
    return merge_options(options, {_ANSWER: budget + spec.told})


def _why_skipped(attempt: PlannedAttempt, found: Unfit) -> str:
    why = f": api {attempt.api!r} {found.why}" if found.why else ""
    return f"it does not carry the caller's option {found.option!r}{why}"


def _not_carried(feature: FeatureSpec, attempt: PlannedAttempt, found: Unfit) -> str:
    option, why = found.option, f", which {found.why}" if found.why else ""
    if option in _OF_TOOLS and feature.tools is None:
        return f"option {option!r} is for features with tools, and feature {feature.name!r} has none"
    return f"option {option!r} is not carried by model {attempt.model!r} (api {attempt.api!r}){why}"


def _not_allowed(feature: FeatureSpec, option: str) -> str:
    allowed = ", ".join(sorted(feature.caller_options)) or "none"
    return f"feature {feature.name!r} does not let a caller set {option!r}; it may set: {allowed}"
