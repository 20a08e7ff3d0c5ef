"""Asked options: what a caller's own options do to the attempts of a decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..canonical.options import merge_options, option_paths, option_value
from ..errors import RequestError
from .carried import takes
from .decision import PlannedAttempt, Skip
from .spec import AttemptSpec, FeatureSpec

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
    wanted = {path: option_value(layer, path) for path in option_paths(layer)}
    kept: list[PlannedAttempt] = []
    skipped: list[Skip] = []
    for attempt, spec in zip(planned, specs, strict=True):
        lacking = sorted(path for path, value in wanted.items() if not takes(spec.carries, path, value))
        lacking += sorted(f"extra_body.{name}" for name in layer.get("extra_body", ()) if name.lower() in spec.closed)
        if not lacking:
            kept.append(replace(attempt, options=_with_room(spec, merge_options(attempt.options, asked), layer)))
        elif kept:
            why = f"it does not carry the caller's option {lacking[0]!r}"
            skipped.append(Skip(attempt.provider, attempt.model, why))
        else:
            raise RequestError(_not_carried(feature, attempt, lacking[0]), "options")
    return tuple(kept), tuple(skipped)


def _with_room(spec: AttemptSpec, options: Mapping[str, Any], asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return *options* with room for an answer after what the caller lets the model think, where nobody sets a limit.

    A limit that the API is told because nobody sets one was made without the budget that the caller asks for.
    """
    budget = asked.get("reasoning", {}).get("budget_tokens")
    if spec.told is None or _ANSWER in asked or budget is None or budget < spec.told:
        return options
    return merge_options(options, {_ANSWER: budget + spec.told})


def _not_carried(feature: FeatureSpec, attempt: PlannedAttempt, option: str) -> str:
    if option in _OF_TOOLS and feature.tools is None:
        return f"option {option!r} is for features with tools, and feature {feature.name!r} has none"
    return f"option {option!r} is not carried by model {attempt.model!r} (api {attempt.api!r})"


def _not_allowed(feature: FeatureSpec, option: str) -> str:
    allowed = ", ".join(sorted(feature.caller_options)) or "none"
    return f"feature {feature.name!r} does not let a caller set {option!r}; it may set: {allowed}"
