"""Unfit: what of merged options an API refuses for a value, or for what stands beside it.

Pure. A book's own options are asked about when it compiles, a caller's when a request is resolved. Whether the API has
a place for an option at all is not asked here: see `carried`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .traits import OptionRules

_BUDGET = "reasoning.budget_tokens"
_ANSWER = "max_output_tokens"
_FREE_CHOICES = (None, "auto", "none")


@dataclass(frozen=True, slots=True)
class Unfit:
    """An option that an API refuses: `why` goes on after the API's name, `beside` is the option it does not go with."""

    option: str
    why: str
    beside: str | None = None


def unfit_values(rules: OptionRules, options: Mapping[str, Any]) -> Iterator[Unfit]:
    """Yield each of the merged *options* whose value the API refuses, whatever stands beside it."""
    for path, known in rules.values.items():
        value = _at(options, path)
        if value is not None and value not in known:
            yield Unfit(path, f"knows only the values {', '.join(map(_as_written, known))}")
    for path, least in rules.least.items():
        value = _at(options, path)
        if value is not None and value < least:
            yield Unfit(path, f"takes {least} at the least")
    for path in rules.unblank:
        if not all(text.strip() for text in _texts(_at(options, path))):
            yield Unfit(path, "takes no text of blanks alone")


def unfit_together(rules: OptionRules, options: Mapping[str, Any], *, has_tools: bool) -> Iterator[Unfit]:
    """Yield each of the merged *options* that the API refuses beside another one of them: a budget for thinking."""
    budget, limit = _at(options, _BUDGET), options.get(_ANSWER)
    if budget is None:
        return
    if rules.budget_below_output and not has_tools and limit is not None and budget >= limit:
        # With tools, what is thought between the calls counts too, and may be more than one answer.
        yield Unfit(_BUDGET, f"takes `{_BUDGET}` below `{_ANSWER}` only, {limit} here", _ANSWER)
    if rules.budget_unforced and _at(options, "reasoning.effort") == "none":
        yield Unfit(_BUDGET, f"takes no `{_BUDGET}` beside `reasoning.effort: none`", "reasoning.effort")
    if rules.budget_unforced and has_tools and options.get("tool_choice") not in _FREE_CHOICES:
        yield Unfit("tool_choice", f"forces no tool call beside `{_BUDGET}`", _BUDGET)
    for path, bounds in rules.beside_budget.items():
        value = _at(options, path)
        if value is not None and (bounds is None or not bounds[0] <= value <= bounds[1]):
            yield Unfit(path, f"takes {_within(path, bounds)} beside `{_BUDGET}`", _BUDGET)


def may_be_unfit(rules: OptionRules) -> frozenset[str]:
    """Return the names of the options that the API may refuse for a value, or for what stands beside it."""
    paths = [*rules.values, *rules.least, *rules.unblank, *rules.beside_budget]
    paths += [_BUDGET] if rules.beside_budget else []
    paths += [_BUDGET, _ANSWER] if rules.budget_below_output else []
    paths += [_BUDGET, "tool_choice"] if rules.budget_unforced else []
    return frozenset(path.partition(".")[0] for path in paths)


def _at(options: Mapping[str, Any], path: str) -> Any:
    name, _, part = path.partition(".")
    value = options.get(name)
    if not part:
        return value
    return value.get(part) if isinstance(value, Mapping) else None


def _texts(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _within(path: str, bounds: tuple[float, float] | None) -> str:
    if bounds is None:
        return f"no `{path}`"
    least, most = bounds
    return f"`{path}: {least:g}` only" if least == most else f"`{path}` from {least:g} to {most:g} only"


def _as_written(value: Any) -> str:
    """Return *value*, one that an option may have, as a route file has it: fractional numbers are durations."""
    if not isinstance(value, float):
        return str(value)
    if value % 60:
        return f"{value:g}s" if value >= 1 else f"{value * 1000:g}ms"
    return f"{value / 60:g}m" if value % 3600 else f"{value / 3600:g}h"
