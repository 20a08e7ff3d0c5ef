"""Fitness: can a target serve what reaches it; each thing that keeps it from that is said once for the target.

Two questions are asked. What every request of the feature needs and uses (`check`) is the same wherever the target
stands, so features that need the same share the answer. What the way adds (`check_live`) is the prompt, what the
conditions of a rule imply, and how much the least request is that the rule takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from ...diagnostics.span import Span
from ...routing.matcher import When
from ...routing.output_spec import OutputSpec
from ...routing.reach.live import Live
from ...routing.spec import AttemptSpec, Place, RouteSpec
from ..build import Build, Where
from ..options import layers_of
from ..targets import FeatureCall, LinkedTarget
from .capabilities import CHAT, Needs, check_capabilities, lacking
from .excludes import broken_excludes, report_excluded
from .expressible import oddities_of
from .implied import TELLING, implied_needs
from .windows import Sent, overflows, report_overflow, sent_under

Linked = Mapping[Place, LinkedTarget | None]


@dataclass(slots=True)
class Fitness:
    """Asks about the targets of one feature: what all its requests need, and what is sent in any case."""

    build: Build
    call: FeatureCall
    needs: Needs
    output: OutputSpec | None
    sent: Sent
    said: set[tuple[Span, str]] = field(default_factory=set)

    def serves(self, linked: LinkedTarget) -> bool:
        """Tell whether a target has all that every request of the feature needs, and excludes nothing."""
        return self._serves(linked, self.needs)

    def check(self, linked: LinkedTarget, where: Where) -> None:
        """Report what the target at *where* lacks and excludes of what every request of the feature needs and uses."""
        check_capabilities(self.build, self.call.subject, self.needs, linked, where)
        for broken in broken_excludes(linked, self.needs, self.output):
            report_excluded(self.build, self.call, self.needs, linked, broken, where)

    def check_live(self, live: Live, targets: Linked, span: Callable[..., Span]) -> None:
        """Report what else keeps one of *targets* from the requests that come to it; *span* finds a place."""
        if self.call.call.kind != "chat":
            return
        reached = live.places()
        fits: dict[int, bool] = {}
        for place, linked in targets.items():
            if linked is None or place not in reached or fits.get(id(linked)):
                continue
            fits[id(linked)] = self._fits(linked)
            if not fits[id(linked)]:
                self.check_sent(linked, partial(span, *place, "model"))
        routes = {id(route) for route, _ in live.routes}
        for rule in live.feature.rules:
            if id(rule.route) in routes and any(condition.field in TELLING for condition in rule.when):
                self._check_rule(rule.when, rule.route, targets, span)

    def _fits(self, linked: LinkedTarget) -> bool:
        """Tell whether nothing is to be said of what is sent to a target in any case."""
        return self.output is None and not overflows(linked, self.sent)

    def check_sent(self, linked: LinkedTarget, where: Where) -> None:
        """Report that what is sent in any case is too much for the target at *where*; note what is sent otherwise."""
        if overflows(linked, self.sent):
            self._report_overflow(self.sent, linked, where)
        self.note_inexact(linked.attempt, where)

    def note_inexact(self, attempt: AttemptSpec, where: Where) -> None:
        """Note what of the feature's output is not sent as it is written to the target *attempt*, named at *where*."""
        if self.output is not None:
            for oddity in oddities_of(self.build, self.output, attempt.platform):
                self.build.found.inexact.setdefault((self.output.name, *oddity), (attempt.platform, where))

    def _check_rule(self, when: When, route: RouteSpec, targets: Linked, span: Callable[..., Span]) -> None:
        implied = {need: place for need, place in implied_needs(when).items() if need not in self.needs}
        sent = sent_under(when, self.sent)
        is_longer = sent is not None and sent is not self.sent
        if not implied and not is_longer:
            return
        for place in _tried(route):
            linked = targets[place]
            if linked is None:
                continue
            if implied and not self._serves(linked, implied):
                self._check_implied(implied, linked, partial(span, *place, "model"))
            if sent is not None and overflows(linked, sent):
                self._report_overflow(sent, linked, partial(span, *place, "model"))

    def _serves(self, linked: LinkedTarget, implied: Needs) -> bool:
        """Tell whether a target has all that is *implied*, and excludes nothing; features share the answer."""
        key = ("serves", linked.model.name, linked.attempt.platform.api, *implied)
        known: bool | None = self.build.known.get(key)
        if known is None:
            known = self.build.known[key] = not linked.model.excludes and not lacking(self.build, linked, implied)
        return known

    def _check_implied(self, implied: Needs, linked: LinkedTarget, where: Where) -> None:
        lacks = lacking(self.build, linked, implied)
        if lacks and CHAT not in lacking(self.build, linked, self.needs):
            new = {need: implied[need] for need in lacks if self._is_new(where, need)}
            check_capabilities(self.build, self.call.subject, new, linked, where)
        if linked.model.excludes:
            needs = {**self.needs, **implied}
            for broken in broken_excludes(linked, needs, self.output):
                together = broken[1]
                if not implied.keys().isdisjoint(together) and self._is_new(where, " ".join(together)):
                    report_excluded(self.build, self.call, needs, linked, broken, where)

    def _report_overflow(self, sent: Sent, linked: LinkedTarget, where: Where) -> None:
        if self._is_new(where, "window"):
            layers = layers_of(self.build, linked.model, self.call.layer, linked.attempt.layer)
            report_overflow(self.build, self.call.subject, linked, layers, sent, where)

    def _is_new(self, where: Where, what: str) -> bool:
        key = (where(), what)
        is_new = key not in self.said
        self.said.add(key)
        return is_new


def _tried(route: RouteSpec) -> Iterable[Place]:
    return dict.fromkeys(place for arm in route.arms if arm.weight > 0 for place in arm.places)
