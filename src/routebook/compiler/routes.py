"""Features: a route for every profile (RB401), fallbacks that differ from what they follow (RB403)."""

from __future__ import annotations

from dataclasses import replace

from ..canonical.frozen import freeze_mapping
from ..document.entry import Definition
from ..document.features import Fallback, Feature, Target
from ..routing.decision import Skip
from ..routing.spec import DEFAULT_FALLBACK_ON, AttemptSpec, FeatureSpec, RouteSpec
from .build import Build
from .capabilities import Needs, check_capabilities, needs_of
from .targets import link_target, report_refused
from .tools import link_tools

Path = tuple[str | int, ...]


def link_features(build: Build) -> None:
    """Link each feature: its routes with their attempts, its tools and its output."""
    for definition in build.document.features.values():
        value = definition.value
        if value.output is not None:
            build.refer("outputs", value.output, definition.span("output"), f"feature {definition.name!r}")
        tools = link_tools(build, definition)
        pin, profiles, use = _FeatureRoutes(build, definition, needs_of(build, definition, tools)).link()
        _check_every_profile(build, definition)
        build.features[definition.name] = FeatureSpec(
            name=definition.name,
            pin=pin,
            profiles=freeze_mapping(profiles),
            use=use,
            credentials=value.credentials,
            needs=frozenset(value.needs or ()),
            tags=tuple(value.tags or ()),
            tools=tools,
            output=value.output,
            description=value.description,
            credentials_span=None if value.credentials is None else definition.key_span("credentials"),
            span=definition.key,
        )
    report_refused(build)


class _FeatureRoutes:
    """Links the routes of one feature, and finds fallbacks that no route of it can use."""

    def __init__(self, build: Build, definition: Definition[Feature], needs: Needs) -> None:
        self.build = build
        self.definition = definition
        self.needs = needs
        self.linked: set[Path] = set()
        self.live: set[Path] = set()
        self.dropped: dict[Path, tuple[AttemptSpec, AttemptSpec]] = {}

    def link(self) -> tuple[RouteSpec | None, dict[str, RouteSpec], RouteSpec | None]:
        value = self.definition.value
        pin = None if value.pin is None else self._route("pin", ("pin",), value.pin, None)
        profiles: dict[str, RouteSpec] = {}
        for name, entry in (value.profiles or {}).items():
            subject = f"feature {self.definition.name!r}"
            known = name in self.build.profiles
            if not known:
                self.build.refer("profiles", name, self.definition.key_span("profiles", name), subject)
            route = self._route(f"profile:{name}", ("profiles", name), entry, entry.fallbacks)
            if known and route is not None:
                profiles[name] = route
        use = None if value.use is None else self._route("use", ("use",), value.use, None)
        self._link_unused_fallbacks()
        self._report_useless()
        return pin, profiles, use

    def _route(self, name: str, path: Path, target: Target, own: list[Fallback] | None) -> RouteSpec | None:
        primary = self._attempt(path, target)
        base: Path = ("fallbacks",) if own is None else (*path, "fallbacks")
        fallbacks = (self.definition.value.fallbacks or []) if own is None else own
        attempts, dropped = [] if primary is None else [primary], []
        for index, fallback in enumerate(fallbacks):
            self.linked.add((*base, index))
            attempt = self._attempt((*base, index), fallback)
            if attempt is None:
                continue
            twin = next((earlier for earlier in attempts if _same_target(earlier, attempt)), None)
            if twin is None:
                self.live.add((*base, index))
                attempts.append(_answering(attempt, fallback))
            else:
                self.dropped[(*base, index)] = (attempt, twin)
                target_ = attempt.platform
                dropped.append(Skip(target_.provider, target_.model, "it equals an attempt before it"))
        if primary is None:
            return None
        return RouteSpec(name, tuple(attempts), tuple(dropped), self.definition.key_span(*path))

    def _attempt(self, path: Path, target: Target) -> AttemptSpec | None:
        linked = link_target(self.build, self.definition, path, target)
        if linked is None:
            return None
        model, attempt = linked
        check_capabilities(self.build, self.definition, self.needs, model, attempt)
        return attempt

    def _link_unused_fallbacks(self) -> None:
        """Find the mistakes of fallbacks that no route follows, and say so."""
        for index, fallback in enumerate(self.definition.value.fallbacks or ()):
            path: Path = ("fallbacks", index)
            if path not in self.linked:
                self._attempt(path, fallback)
                message = f"no route of feature {self.definition.name!r} follows this fallback"
                mend = "remove it; an entry's own `fallbacks` replace the feature's"
                self.build.report("RB502", self.definition.span(*path, "model"), message, help=mend)

    def _report_useless(self) -> None:
        for path, (attempt, twin) in self.dropped.items():
            if path not in self.live:
                self.build.report(
                    "RB403",
                    self.definition.span(*path, "model"),
                    f"fallback {attempt.platform.model!r} equals an attempt before it on every route",
                    notes=() if twin.span is None else (f"the same target stands at {twin.span}",),
                    help="name another model, or remove the fallback",
                )


def _same_target(one: AttemptSpec, other: AttemptSpec) -> bool:
    first, second = one.platform, other.platform
    return (first.provider, first.id, first.options) == (second.provider, second.id, second.options)


def _answering(attempt: AttemptSpec, fallback: Fallback) -> AttemptSpec:
    on = DEFAULT_FALLBACK_ON if fallback.on is None else tuple(dict.fromkeys(fallback.on))
    caller = None if attempt.caller is None else replace(attempt.caller, on=on)
    return replace(attempt, platform=replace(attempt.platform, on=on), caller=caller)


def _check_every_profile(build: Build, definition: Definition[Feature]) -> None:
    value = definition.value
    if value.pin is not None or value.use is not None or build.document.unread or build.document.broken.get("profiles"):
        return
    entries = value.profiles or {}
    if any(name not in build.profiles for name in entries):
        return  # it may be the missing one, misspelt
    without = [name for name, spec in build.profiles.items() if not any(step in entries for step in spec.lineage)]
    if not without:
        return
    names = ", ".join(map(repr, without))
    noun = "profile" if len(without) == 1 else "profiles"
    verb = "leaves" if len(without) == 1 else "leave"
    build.report(
        "RB401",
        definition.key,
        f"{noun} {names} {verb} feature {definition.name!r} without a route",
        notes=(f"the feature has entries for {', '.join(map(repr, entries)) or 'no profile'}, and no `use`",),
        help=f"add `use: {{model: ...}}` to the feature, or an entry for {names}",
    )
