"""Unreached: rules, entries and the rest of a feature that no request comes to, and what takes their place.

RB502 for what a pin, a weight, a payer or earlier rules leave nothing, RB508 and RB509 for rules, RB512 where it could
not be told. Nothing is said where the profiles are not all known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...diagnostics.span import Span
from ...document.entry import Definition
from ...document.features import Feature
from ...routing.context import Context, Facts
from ...routing.decision import Witness
from ...routing.matcher import first_failing
from ...routing.reach.live import Live
from ...routing.reach.witness import Requests
from ...routing.spec import FeatureSpec, RuleSpec
from ...routing.sticky import Sticky
from ..build import Build
from ..example import command_of
from .touched import profiles_in

_MOST_NAMED = 8
_MOST_TRIES = 2_000
_LONGEST_COMMAND = 1_000


def report_unreached(build: Build, definition: Definition[Feature], live: Live) -> None:
    """Warn of each part of a feature that no request comes to."""
    feature = live.feature
    if build.document.unread or build.document.broken.get("profiles"):
        return
    if feature.pin is not None:
        _report_hidden(build, definition)
    else:
        _report_rules(build, definition, live)
        _report_rests(build, definition, live)
    if feature.shadow is not None and live.shadow is None:
        why = "its share is 0 percent" if feature.shadow.percent <= 0 else "a call that its caller pays for has none"
        message = f"the shadow of feature {feature.name!r} is never called: {why}"
        build.report("RB502", definition.key_span("shadow"), message, help="remove it")


def _report_hidden(build: Build, definition: Definition[Feature]) -> None:
    """Warn of the routes that a pin hides."""
    value, notes = definition.value, (f"pinned at {definition.span('pin')}",)
    hidden = [
        (f"the entry of profile {name!r} is", definition.key_span("profiles", name)) for name in value.profiles or {}
    ]
    hidden += [
        (f"rule {rule.name!r} is", definition.span("rules", index, "name"))
        for index, rule in enumerate(value.rules or ())
    ]
    if value.use is not None:
        hidden.append(("`use` is", definition.key_span("use")))
    for what, place in hidden:
        message = f"{what} never taken: feature {definition.name!r} is pinned"
        build.report("RB502", place, message, notes=notes, help="remove it, or the pin")


def _report_rules(build: Build, definition: Definition[Feature], live: Live) -> None:
    feature = live.feature
    for index, (rule, reached) in enumerate(zip(feature.rules, live.reach.rules, strict=True)):
        if reached.verdict == "contradiction":
            _report_contradiction(build, index, live)
        elif reached.verdict == "covered":
            takers = [feature.rules[taker] for taker in live.reach.takers(index)]
            message = f"rule {rule.name!r} of feature {feature.name!r} is never taken"
            notes = (_taken_by(takers), *_shown(build, index, live))
            mend = f"move it before {_listed([repr(taker.name) for taker in takers])}, or remove it"
            build.report("RB508", _place(rule, definition), message, notes=notes, help=mend)
        elif reached.verdict == "not proved":
            message = f"whether rule {rule.name!r} of feature {feature.name!r} is ever taken is not proved"
            note = "the rules before it leave more pieces of it than are looked at"
            build.report("RB512", _place(rule, definition), message, notes=(note,))


def _report_contradiction(build: Build, index: int, live: Live) -> None:
    rule = live.feature.rules[index]
    conflict = live.reach.conflict(index)
    first = conflict[0]
    if any(name not in build.profiles for name in profiles_in(conflict)):
        return  # the name is reported
    if first.span is not None:
        message = f"rule {rule.name!r} of feature {live.feature.name!r} is never taken: no request has "
        build.report(
            "RB509", first.span, message + " and ".join(map(str, conflict)), help="mend it, or remove the rule"
        )


def _report_rests(build: Build, definition: Definition[Feature], live: Live) -> None:
    """Warn of the entries, and the `use`, that nothing is left for."""
    feature = live.feature
    heirs: dict[str, set[str]] = {f"profile:{name}": set() for name in feature.profiles}
    if feature.use is not None:
        heirs["use"] = set()
    for profile in build.profiles.values():
        route = feature.rest(profile)
        if route is not None:
            heirs[route.name].add(profile.name)
    for name, profiles in heirs.items():
        if not profiles & live.reach.rest.profiles:
            entry = name.partition(":")[2]
            what = f"the entry of profile {entry!r}" if entry else "`use`"
            place = definition.key_span("profiles", entry) if entry else definition.key_span("use")
            message = f"{what} is never taken in feature {feature.name!r}"
            notes = _why_rest(build, definition, live, profiles)
            build.report("RB502", place, message, notes=notes, help="remove it, or narrow what takes its place")
    if live.reach.rest.verdict == "not proved":
        message = f"whether feature {feature.name!r} ever goes past its rules is not proved"
        note = "the rules leave more pieces than are looked at"
        build.report("RB512", definition.key_span("rules"), message, notes=(note,))


def _why_rest(build: Build, definition: Definition[Feature], live: Live, profiles: set[str]) -> Iterator[str]:
    """Yield what leaves nothing for what holds under *profiles* where no rule does, and a request that shows it."""
    feature = live.feature
    if not profiles:
        entries = [f"{name!r} ({definition.key_span('profiles', name)})" for name in feature.profiles]
        yield f"every profile has an entry, or extends one that has: {_listed(entries)}"
        return
    mask = sum(1 << live.reach.profiles.index(profile) for profile in profiles)
    rules = feature.rules
    yield _taken_by([rules[taker] for taker in live.reach.takers(len(rules), mask)])
    profile = build.default_profile if build.default_profile in profiles else min(profiles)
    yield from _goes_to(build, feature, Context(profile=profile), Facts())


def _taken_by(takers: Sequence[RuleSpec]) -> str:
    places = _listed([f"rule {taker.name!r} ({taker.span})" for taker in takers])
    return f"{places} together take its place" if len(takers) > 1 else f"{places} takes its place"


def _listed(parts: Sequence[str]) -> str:
    """Join *parts*, of which only the first few are said."""
    first, rest = parts[:_MOST_NAMED], len(parts) - _MOST_NAMED
    if rest > 0:
        return f"{', '.join(first)} and {rest} more"
    return " and ".join(filter(None, (", ".join(first[:-1]), first[-1])))


def _shown(build: Build, index: int, live: Live) -> Iterator[str]:
    """Yield a request that rule *index* fits, and the rule that it goes to."""
    feature = live.feature
    found = Requests(feature, live.reach, _MOST_TRIES).fitting(index)
    if found is None:
        return
    profile, request = found
    yield from _goes_to(build, feature, *request.ask(profile))


def _goes_to(build: Build, feature: FeatureSpec, context: Context, facts: Facts) -> Iterator[str]:
    """Yield the command that shows a request, and the rule that it goes to."""
    profile = context.profile or build.default_profile
    sticky = Sticky(feature.name, context.key, None)
    for rule in feature.rules:
        if first_failing(rule.when, profile, context, facts, sticky) is None:
            command = command_of(feature.name, Witness(context, facts), build.profiles.values())
            if len(command) <= _LONGEST_COMMAND:
                yield f"`{command}` goes to rule {rule.name!r}"
            return


def _place(rule: RuleSpec, definition: Definition[Feature]) -> Span:
    return definition.key if rule.span is None else rule.span
