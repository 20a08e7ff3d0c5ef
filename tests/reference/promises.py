"""Promises: what invariants say of a decision, word for word from the design.

The bounds in seconds and dollars are the table's own: they have a reference of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from routebook import Decision

from .matching import holds
from .plain import typed
from .resolver import Reference, call

Plain = dict[str, Any]
Path = tuple[str | int, ...]


class Promises:
    """The invariants of a book, and where in it the targets of a decision stand."""

    def __init__(self, book: Plain, invariants: Plain, environment: Mapping[str, str], worst: Any) -> None:
        self.reference = Reference(book, environment)
        self.book = self.reference.book
        self.invariants = invariants
        self.worst = worst

    def selects(self, name: str, decision: Decision) -> bool:
        """Tell whether an invariant is about *decision*."""
        tags = self.book["features"][decision.feature].get("tags", [])
        said = {
            "feature": decision.feature,
            "profile": decision.profile,
            "route": decision.route,
            "credential": decision.attempts[0].credential,
        }
        where = self.invariants[name].get("where", {})
        return all(
            any_of_them(matcher, tags) if field == "tags" else holds(matcher, said[field])
            for field, matcher in where.items()
        )

    def broken(self, name: str, decision: Decision) -> Iterator[Path]:
        """Yield the place in the book of each target of *decision* that breaks an invariant, and of its route."""
        require = self.invariants[name]["require"]
        of_all = {field: matcher for field, matcher in require.items() if field.startswith("bounds.")}
        of_each = {field: matcher for field, matcher in require.items() if field not in of_all}
        feature: Path = ("features", decision.feature)
        for attempt in decision.attempts:
            if not all(self.kept(field, matcher, attempt) for field, matcher in of_each.items()):
                yield (*feature, *self.place(decision, attempt))
        shadow = decision.shadow
        if shadow is not None and not all(self.kept(field, matcher, shadow) for field, matcher in of_each.items()):
            yield (*feature, "shadow", "model")
        bounds = self.bounds(decision)
        if any(not known(matcher, bounds[field]) for field, matcher in of_all.items()):
            yield (*feature, *self.arm(decision))

    def kept(self, field: str, matcher: Any, attempt: Any) -> bool:
        model = self.book.get("models", {}).get(attempt.model, {})
        if field.startswith("price."):
            return known(matcher, model.get("price", {}).get(field[len("price.") :]))
        if field == "capabilities" and "capabilities" not in model:
            return matcher == {"exists": False}
        if field == "capabilities":
            return any_of_them(matcher, model["capabilities"])
        if field.startswith("options."):
            name, _, part = field[len("options.") :].partition(".")
            value = attempt.options.get(name)
            return holds(matcher, value.get(part) if part and value is not None else value)
        return holds(matcher, getattr(attempt, field))

    def bounds(self, decision: Decision) -> Plain:
        feature = self.book["features"][decision.feature]
        output = self.book.get("outputs", {}).get(feature.get("output"), {})
        tools = feature.get("tools")
        turns = 1 if tools is None else tools.get("max_turns", 8) + 1
        asked = turns * (1 + output.get("repair", {}).get("attempts", 0))
        providers = [self.book["providers"][attempt.provider] for attempt in decision.attempts]
        worst = self.worst(decision)
        return {
            "bounds.calls": sum(provider.get("retry", {}).get("attempts", 3) * asked for provider in providers),
            "bounds.providers": len({attempt.provider for attempt in decision.attempts}),
            "bounds.seconds": worst.seconds,
            "bounds.usd": worst.usd,
        }

    def place(self, decision: Decision, attempt: Any) -> Path:
        """Return where *attempt* stands: of several targets that are the same call, the first is taken."""
        feature = self.book["features"][decision.feature]
        if decision.route == "override":
            return self.arm(decision)
        at, base = self.arm(decision), self.entry(decision)
        owner = base[:-1] if base[0] == "rules" else base
        own = walk(feature, (*owner, "fallbacks")) if base[0] != "use" else None
        fallbacks: Path = ("fallbacks",) if own is None else (*owner, "fallbacks")
        count = len(walk(feature, fallbacks) or ())
        for place in (at, *((*fallbacks, index) for index in range(count))):
            linked = self.reference._target(feature, walk(feature, place))
            if call(linked) == (attempt.provider, attempt.id, typed(attempt.options)):
                return (*place, "model")
        raise LookupError(attempt)

    def entry(self, decision: Decision) -> Path:
        kind, _, name = decision.route.partition(":")
        if kind == "rule":
            rules = self.book["features"][decision.feature]["rules"]
            return ("rules", [rule["name"] for rule in rules].index(name), "use")
        return ("profiles", name) if kind == "profile" else (kind,)

    def arm(self, decision: Decision) -> Path:
        """Return where the arm of *decision* stands."""
        feature = self.book["features"][decision.feature]
        if decision.route == "override":
            allowed = feature["allow_override"]
            return ("allow_override", *([] if allowed is True else [allowed.index(decision.attempts[0].model)]))
        at = self.entry(decision)
        if decision.arm is None:
            return at
        return (*at, "split", [arm["name"] for arm in walk(feature, at)["split"]].index(decision.arm))


def any_of_them(matcher: Any, values: list[str]) -> bool:
    """One of several values is enough; but none may be ruled out."""
    if isinstance(matcher, Mapping):
        return all(of_operator(name, operand, values) for name, operand in matcher.items())
    return any(holds(matcher, value) for value in values)


def of_operator(name: str, operand: Any, values: list[str]) -> bool:
    if name == "exists":
        return bool(values) == operand
    if name == "not":
        return all(holds({name: operand}, value) for value in values)
    return any(holds({name: operand}, value) for value in values)


def known(matcher: Any, value: Any) -> bool:
    """What is not known breaks everything that is asked of it, save that it is not there."""
    return matcher == {"exists": False} if value is None else holds(matcher, value)


def walk(value: Any, path: Path) -> Any:
    """Return what stands at *path*, or None."""
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list):
            value = value[step]
        else:
            return None
    return value
