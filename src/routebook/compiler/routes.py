"""Routes of one feature: the attempts of each, in order, and fallbacks that differ from what they follow (RB403)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial

from ..diagnostics.span import Span
from ..document.entry import Definition
from ..document.features import Feature
from ..document.rules import Rule
from ..document.targets import Fallback, Target, Use
from ..routing.decision import Skip
from ..routing.spec import DEFAULT_FALLBACK_ON, ArmSpec, AttemptSpec, Place, RouteSpec, RuleSpec
from ..source.node import Node, locate_key, value_at
from .build import Build, Findings, Where
from .rules import check_profiles, conditions
from .targets import FeatureCall, LinkedTarget, answering, link_target, note_refused

Check = Callable[[LinkedTarget, Where], None]

Targeted = Target | Use
LinkedFallback = tuple[Place, tuple[str, str, str], AttemptSpec]
"""A fallback: where it stands, what it calls, and the attempt that answers its failures."""

_STICKS_TO = ("user", "tenant", "region", "metadata.KEY")


class FeatureRoutes:
    """Links the routes of one feature; *check* is asked about every target that a request can reach, unless it is one
    that *serves* the feature for certain.
    """

    def __init__(
        self,
        build: Build,
        definition: Definition[Feature],
        call: FeatureCall,
        needs: Iterable[str],
        check: Check,
        serves: Callable[[LinkedTarget], bool],
    ) -> None:
        self.build = build
        self.definition = definition
        self.call = call
        self.check = check
        self.serves = serves
        self.signature = (call.call, call.key, frozenset(needs))
        self.nodes: dict[Place, Node] = {(): definition.node}
        self.linked: dict[Place, LinkedTarget | None] = {}
        self.unchecked: dict[Place, tuple[str, Findings]] = {}
        self.shared: list[LinkedFallback] | None = None
        self.live: set[Place] = set()
        self.dropped: dict[Place, Place] = {}

    def pin(self) -> RouteSpec | None:
        """Link the pin."""
        target = self.definition.value.pin
        return None if target is None else self._route("pin", ("pin",), [(("pin",), target)], None)

    def rules(self) -> tuple[RuleSpec, ...]:
        """Link the rules, in order."""
        rules: list[RuleSpec] = []
        places: dict[str, Span] = {}
        for index, rule in enumerate(self.definition.value.rules or ()):
            place = self._span("rules", index, "name")
            if rule.name in places:
                message = f"rule {rule.name!r} of {self.call.subject} is defined twice"
                first = f"first defined at {places[rule.name]}"
                self.build.report("RB302", place, message, notes=(first,), help="rename or remove one")
            places.setdefault(rule.name, place)
            spec = self._rule(("rules", index), rule)
            if spec is not None:
                rules.append(spec)
        return tuple(rules)

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
        linked = None if shadow is None else self._target(("shadow",), shadow)
        return None if linked is None else linked.attempt

    def report_useless(self) -> None:
        """Report fallbacks that no route of the feature can use, and those that none follows."""
        value = self.definition.value
        if value.pin is None and value.use is None and not value.profiles and not value.rules:
            return  # that it has no route at all is reported already
        for index, fallback in enumerate(self.definition.value.fallbacks or ()):
            path: Place = ("fallbacks", index)
            if path not in self.linked:
                self._target(path, fallback)
                message = f"no route of {self.call.subject} follows this fallback"
                mend = "remove it; an entry's own `fallbacks` replace the feature's"
                self.build.report("RB502", self.definition.span(*path, "model"), message, help=mend)
        for path, twin in self.dropped.items():
            if path not in self.live:
                place, note = self._span(*path, "model"), f"the same target stands at {self._span(*twin, 'model')}"
                message = f"fallback {self._name(path)!r} equals an attempt before it on every route"
                self.build.report("RB403", place, message, notes=(note,), help="name another model, or remove it")

    def _rule(self, path: Place, rule: Rule) -> RuleSpec | None:
        written = self._node((*path, "when"))
        when = conditions(rule.when.matchers(), lambda field: locate_key(written, (field,)))
        check_profiles(self.build, when, f"rule {rule.name!r} of {self.call.subject}")
        route = self._use(f"rule:{rule.name}", (*path, "use"), rule.use, rule.fallbacks, path)
        return None if route is None else RuleSpec(rule.name, when, route, self._span(*path, "name"))

    def _use(
        self, name: str, path: Place, use: Use, own: list[Fallback] | None, owner: Place | None = None
    ) -> RouteSpec | None:
        """Link a target or a split; *own* are the fallbacks written beside it, at *owner* (default: *path*)."""
        base = (*(path if owner is None else owner), "fallbacks")
        if use.split is None:
            return self._route(name, path, [(path, use)], own, base)
        self._check_split(path, use)
        written = [((*path, "split", index), arm) for index, arm in enumerate(use.split)]
        route = self._route(name, path, written, own, base)
        if route is None or len(route.arms) != len(use.split):
            return None
        named = tuple(
            replace(spec, name=arm.name, weight=arm.weight, span=self._key_span(*path, "split", index))
            for index, (spec, arm) in enumerate(zip(route.arms, use.split, strict=True))
        )
        return replace(route, arms=named, key=use.key or "user")

    def _check_split(self, path: Place, use: Use) -> None:
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
        path: Place,
        targets: Sequence[tuple[Place, Targeted]],
        own: list[Fallback] | None,
        base: Place = ("fallbacks",),
    ) -> RouteSpec | None:
        if own is None:
            if self.shared is None:
                self.shared = self._fallbacks(("fallbacks",), self.definition.value.fallbacks or ())
            fallbacks = self.shared
        else:
            fallbacks = self._fallbacks(base, own)
        span = self._key_span(*path)
        arms = [self._arm(place, target, fallbacks, span) for place, target in targets]
        linked = tuple(arm for arm in arms if arm is not None)
        return RouteSpec(name, linked, span=span) if linked else None

    def _fallbacks(self, base: Place, written: Iterable[Fallback]) -> list[LinkedFallback]:
        """Link the fallbacks at *base*; those whose model cannot be found are left out."""
        found: list[LinkedFallback] = []
        for index, fallback in enumerate(written):
            at = (*base, index)
            linked = self._target(at, fallback)
            if linked is not None:
                on = DEFAULT_FALLBACK_ON if fallback.on is None else tuple(dict.fromkeys(fallback.on))
                found.append((at, linked.identity, answering(self.build, linked.attempt, on)))
        return found

    def _arm(self, path: Place, target: Targeted, fallbacks: Sequence[LinkedFallback], span: Span) -> ArmSpec | None:
        primary = self._target(path, target)
        if primary is None:
            self.live.update(at for at, _, _ in fallbacks)  # whether they differ from it cannot be told
            return None
        attempts, places, dropped, seen = [primary.attempt], [path], [], {primary.identity: path}
        for at, identity, attempt in fallbacks:
            twin = seen.setdefault(identity, at)
            if twin is at:
                self.live.add(at)
                attempts.append(attempt)
                places.append(at)
            else:
                self.dropped[at] = twin
                same = attempt.platform
                dropped.append(Skip(same.provider, same.model, "it equals an attempt before it"))
        return ArmSpec(tuple(attempts), tuple(dropped), places=tuple(places), span=span)

    def check_all(self, reached: Collection[Place]) -> None:
        """Check each target whose place is among those *reached*.

        Where some target could not be linked, what is reached is not known, and all others are checked.
        """
        if None in self.linked.values():
            reached = self.linked.keys()
        for path in self.linked:
            if path in reached:
                self._check(path)

    def _target(self, path: Place, target: Targeted) -> LinkedTarget | None:
        """Link the target at *path*, once for all the routes that it stands in."""
        if path not in self.linked:
            self.linked[path] = self._known_good(target) or self._link(path, target)
        return self.linked[path]

    def _known_good(self, target: Targeted) -> LinkedTarget | None:
        """Return what *target* comes to, if a feature that makes the same sort of call found nothing wrong in it."""
        if target.options is not None:
            return None
        good: tuple[LinkedTarget, set[tuple[str, str]]] | None = self.build.known.get((target.model, *self.signature))
        if good is None:
            return None
        self.build.used.update(good[1])
        return good[0]

    def _link(self, path: Place, target: Targeted) -> LinkedTarget | None:
        place, key_span = partial(self._span, *path, "model"), partial(self._key_span, *path)
        with self.build.apart() as found:
            linked = link_target(self.build, self.call, str(target.model), target.options, place, key_span)
        self.build.found.add(found)
        if linked is not None:
            self.unchecked[path] = (str(target.model), found)
        return linked

    def _check(self, path: Place) -> None:
        """Check the target at *path*, unless it is known to be good; if it is, remember that."""
        linked = self.linked[path]
        if linked is None or path not in self.unchecked:
            return
        name, linking = self.unchecked[path]
        is_good = not (linking.diagnostics or linking.unknown)
        if linked.refused or not self.serves(linked):
            place = partial(self._span, *path, "model")
            with self.build.apart() as found:
                note_refused(self.build, self.call, linked, place)
                self.check(linked, place)
            self.build.found.add(found)
            is_good = is_good and not (found.diagnostics or found.refused)
        if linked.attempt.layer is None and is_good:
            self.build.known[name, *self.signature] = (linked, linking.used)

    def _name(self, path: Place) -> str:
        linked = self.linked[path]
        return "" if linked is None else linked.model.name

    def _node(self, path: Place) -> Node:
        """Return the node at *path*, found once from the one above it, or the nearest there is."""
        node = self.nodes.get(path)
        if node is None:
            node = self.nodes[path] = value_at(self._node(path[:-1]), path[-1:])
        return node

    def _span(self, *path: str | int) -> Span:
        return self._node(path).span

    def _key_span(self, *path: str | int) -> Span:
        return locate_key(self._node(path[:-1]), path[-1:])
