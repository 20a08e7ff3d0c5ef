"""Routes of one feature: the attempts of each, in order, and fallbacks that differ from what they follow (RB403)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..canonical.frozen import canonical_json
from ..diagnostics.span import Span
from ..document.entry import Definition
from ..document.features import Feature
from ..document.rules import Rule
from ..document.targets import Fallback, Target, Use
from ..routing.decision import Skip
from ..routing.spec import DEFAULT_FALLBACK_ON, ArmSpec, AttemptSpec, RouteSpec, RuleSpec
from ..source.node import Node, locate_key, value_at
from .build import Build
from .rules import check_profiles, conditions
from .targets import FeatureCall, LinkedTarget, answering, link_target

Path = tuple[str | int, ...]
Check = Callable[[LinkedTarget], None]

Fallbacks = list[tuple[Path, Fallback]]

_STICKS_TO = ("user", "tenant", "region", "metadata.KEY")


class FeatureRoutes:
    """Links the routes of one feature; *check* is asked about every target, and finds what the feature lacks in it."""

    def __init__(self, build: Build, definition: Definition[Feature], call: FeatureCall, check: Check) -> None:
        self.build = build
        self.definition = definition
        self.call = call
        self.check = check
        self.nodes: dict[Path, Node] = {(): definition.node}
        self.linked: dict[Path, AttemptSpec | None] = {}
        self.live: set[Path] = set()
        self.dropped: dict[Path, tuple[AttemptSpec, AttemptSpec]] = {}

    def pin(self) -> RouteSpec | None:
        """Link the pin."""
        target = self.definition.value.pin
        return None if target is None else self._route("pin", ("pin",), [(("pin",), target)], None)

    def rules(self) -> tuple[RuleSpec, ...]:
        """Link the rules, in order."""
        rules: dict[str, RuleSpec] = {}
        for index, rule in enumerate(self.definition.value.rules or ()):
            spec = self._rule(("rules", index), rule)
            if rule.name in rules:
                place = self.definition.span("rules", index, "name")
                message = f"rule {rule.name!r} of {self.call.subject} is defined twice"
                first = f"first defined at {rules[rule.name].span}"
                self.build.report("RB302", place, message, notes=(first,), help="rename or remove one")
            elif spec is not None:
                rules[rule.name] = spec
        return tuple(rules.values())

    def profiles(self) -> dict[str, RouteSpec]:
        """Link the profiles' entries."""
        routes: dict[str, RouteSpec] = {}
        for name, entry in (self.definition.value.profiles or {}).items():
            known = name in self.build.profiles
            if not known:
                self.build.refer("profiles", name, self.definition.key_span("profiles", name), self.call.subject)
            route = self._use(f"profile:{name}", ("profiles", name), entry, entry.fallbacks)
            if known and route is not None:
                routes[name] = route
        return routes

    def use(self) -> RouteSpec | None:
        """Link where the feature goes otherwise."""
        use = self.definition.value.use
        return None if use is None else self._use("use", ("use",), use, None)

    def shadow(self) -> AttemptSpec | None:
        """Link the target that is mirrored to."""
        shadow = self.definition.value.shadow
        return None if shadow is None else self._attempt(("shadow",), shadow)

    def report_useless(self) -> None:
        """Report fallbacks that no route of the feature can use, and those that none follows."""
        for index, fallback in enumerate(self.definition.value.fallbacks or ()):
            path: Path = ("fallbacks", index)
            if path not in self.linked:
                self._attempt(path, fallback)
                message = f"no route of {self.call.subject} follows this fallback"
                mend = "remove it; an entry's own `fallbacks` replace the feature's"
                self.build.report("RB502", self.definition.span(*path, "model"), message, help=mend)
        for path, (attempt, twin) in self.dropped.items():
            if path not in self.live:
                self.build.report(
                    "RB403",
                    self.definition.span(*path, "model"),
                    f"fallback {attempt.platform.model!r} equals an attempt before it on every route",
                    notes=() if twin.span is None else (f"the same target stands at {twin.span}",),
                    help="name another model, or remove the fallback",
                )

    def _rule(self, path: Path, rule: Rule) -> RuleSpec | None:
        when = conditions(rule.when.matchers(), lambda field: self._key_span(*path, "when", field))
        check_profiles(self.build, when, f"rule {rule.name!r} of {self.call.subject}")
        route = self._use(f"rule:{rule.name}", (*path, "use"), rule.use, rule.fallbacks, path)
        return None if route is None else RuleSpec(rule.name, when, route, self._span(*path, "name"))

    def _use(
        self, name: str, path: Path, use: Use, own: list[Fallback] | None, owner: Path | None = None
    ) -> RouteSpec | None:
        """Link a target or a split; *own* are the fallbacks written beside it, at *owner* (default: *path*)."""
        base = (*(path if owner is None else owner), "fallbacks")
        if use.split is None:
            return self._route(name, path, [(path, use.as_target())], own, base)
        self._check_split(path, use)
        written: list[tuple[Path, Target]] = [((*path, "split", index), arm) for index, arm in enumerate(use.split)]
        route = self._route(name, path, written, own, base)
        if route is None or len(route.arms) != len(use.split):
            return None
        arms = zip(route.arms, use.split, strict=True)
        named = tuple(replace(spec, name=arm.name, weight=arm.weight) for spec, arm in arms)
        return replace(route, arms=named, key=use.key or "user")

    def _check_split(self, path: Path, use: Use) -> None:
        arms = use.split or []
        if not any(arm.weight > 0 for arm in arms):
            place = self._key_span(*path, "split")
            self.build.report("RB410", place, "no arm of this split has a weight above 0", help="give one a weight")
        names = [arm.name for arm in arms]
        for index, arm in enumerate(arms):
            if arm.name in names[:index]:
                place = self._span(*path, "split", index, "name")
                self.build.report("RB410", place, f"arm {arm.name!r} stands twice in this split", help="rename one")
            elif arm.weight == 0 and any(arm.weight > 0 for arm in arms):
                place = self._span(*path, "split", index, "weight")
                message = f"arm {arm.name!r} has weight 0 and is never taken"
                self.build.report("RB502", place, message, help="remove the arm, or give it a weight")
        if use.key is not None and use.key not in _STICKS_TO[:3] and not use.key.startswith("metadata."):
            place = self._span(*path, "key")
            message = f"a split cannot stick to {use.key!r}"
            self.build.report("RB410", place, message, help=f"one of: {', '.join(_STICKS_TO)}")

    def _route(
        self,
        name: str,
        path: Path,
        targets: list[tuple[Path, Target]],
        own: list[Fallback] | None,
        base: Path = ("fallbacks",),
    ) -> RouteSpec | None:
        written, at = (self.definition.value.fallbacks or [], ("fallbacks",)) if own is None else (own, base)
        fallbacks: Fallbacks = [((*at, index), fallback) for index, fallback in enumerate(written)]
        arms = [arm for place, target in targets if (arm := self._arm(place, target, fallbacks)) is not None]
        return RouteSpec(name, tuple(arms), span=self._key_span(*path)) if arms else None

    def _arm(
        self, path: Path, target: Target, fallbacks: list[tuple[tuple[str | int, ...], Fallback]]
    ) -> ArmSpec | None:
        primary = self._attempt(path, target)
        attempts, dropped = [] if primary is None else [primary], []
        for at, fallback in fallbacks:
            attempt = self._attempt(at, fallback)
            if attempt is None:
                continue
            twin = next((earlier for earlier in attempts if _same_target(earlier, attempt)), None)
            if twin is None:
                self.live.add(at)
                on = DEFAULT_FALLBACK_ON if fallback.on is None else tuple(dict.fromkeys(fallback.on))
                attempts.append(answering(self.build, attempt, on))
            else:
                self.dropped[at] = (attempt, twin)
                dropped.append(
                    Skip(attempt.platform.provider, attempt.platform.model, "it equals an attempt before it")
                )
        if primary is None:
            return None
        return ArmSpec(tuple(attempts), tuple(dropped), span=self._key_span(*path))

    def _attempt(self, path: Path, target: Target) -> AttemptSpec | None:
        """Link the target at *path*, once for all the routes that it stands in."""
        if path not in self.linked:
            linked = link_target(
                self.build,
                self.call,
                target,
                lambda *rest: self._span(*path, *rest),
                lambda *rest: self._key_span(*path, *rest),
            )
            if linked is not None:
                self.check(linked)
            self.linked[path] = None if linked is None else linked.attempt
        return self.linked[path]

    def _node(self, path: Path) -> Node:
        """Return the node at *path*, found once from the one above it, or the nearest there is."""
        node = self.nodes.get(path)
        if node is None:
            node = self.nodes[path] = value_at(self._node(path[:-1]), path[-1:])
        return node

    def _span(self, *path: str | int) -> Span:
        return self._node(path).span

    def _key_span(self, *path: str | int) -> Span:
        return locate_key(self._node(path[:-1]), path[-1:])


def _same_target(one: AttemptSpec, other: AttemptSpec) -> bool:
    first, second = one.platform, other.platform
    if (first.provider, first.id) != (second.provider, second.id) or first.options != second.options:
        return False
    return canonical_json(first.options) == canonical_json(second.options)  # true is not 1
