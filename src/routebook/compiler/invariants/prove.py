"""Proved: every invariant, over every decision that the table can make (RB601, RB603), and those that select
none (RB602).

Most features are proved without a decision being made (`prover`); the decisions of the others are looked at one by one
(`examine`). What was found of a feature holds for as long as the feature and all invariants are the same.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ...diagnostics.span import Span
from ...routing.linked import LinkedBook
from ...routing.spec import FeatureSpec
from ..build import Build
from .broken import Broken, line_of, report_broken, report_unproved, span_of
from .examine import Examined, examine
from .prover import FeatureProof, Prover, Suspect
from .selecting import Bits, indices

LIMIT_BROKEN = 20
"""Lines that are reported of one invariant."""


@dataclass(slots=True)
class Proofs:
    """What proving gave before, by the name of the feature: its proof, and, where its decisions were looked at, for
    which suspects, and what came of it. `invariants` are the digests that all of it depends on.
    """

    invariants: tuple[tuple[str, str], ...] = ()
    features: dict[str, tuple[FeatureSpec, FeatureProof]] = field(default_factory=dict)
    examined: dict[str, tuple[FeatureSpec, tuple[Suspect, ...], Examined]] = field(default_factory=dict)

    def begin(self, table: LinkedBook) -> None:
        """Forget what holds no more."""
        invariants = tuple((name, table.digests["invariants", name]) for name in table.invariants)
        if invariants != self.invariants:
            self.features.clear()
            self.examined.clear()
            self.invariants = invariants
        for gone in self.features.keys() - table.features.keys():
            del self.features[gone]
            self.examined.pop(gone, None)

    def proof(self, prover: Prover, feature: FeatureSpec) -> FeatureProof:
        """Return what is known of *feature*, from before if it is the same."""
        known = self.features.get(feature.name)
        if known is None or known[0] is not feature:
            known = self.features[feature.name] = (feature, prover.prove_feature(feature))
        return known[1]

    def examine(self, prover: Prover, feature: FeatureSpec, suspects: tuple[Suspect, ...]) -> Examined:
        """Return what the decisions of *feature* break, from before if it is the same and was asked the same."""
        known = self.examined.get(feature.name)
        if known is None or known[0] is not feature or known[1] != suspects:
            known = self.examined[feature.name] = (feature, suspects, examine(prover, feature, suspects))
        return known[2]


class Proved(NamedTuple):
    """How many invariants hold, how many do not or are not proved, and how many select nothing."""

    proved: int
    broken: int
    idle: int


def prove(build: Build, table: LinkedBook, proofs: Proofs, names: Collection[str]) -> Proved:
    """Prove the invariants of *table* over its features *names*; report those that do not hold.

    Over all features, those that select nothing are reported, too.
    """
    proofs.begin(table)
    if not table.invariants:
        return Proved(0, 0, 0)
    prover = Prover(table)
    sure: Bits = 0
    suspicious, candidates = [], []
    for name in names:
        feature = table.features[name]
        proof = proofs.proof(prover, feature)
        sure |= proof.sure
        if proof.suspects:
            suspicious.append((feature, proof))
        if proof.may:
            candidates.append((feature, proof))
    broken, seen = _report_broken(build, prover, proofs, suspicious)
    is_all = len(names) == len(build.document.names("features"))
    idle = _report_idle(build, prover, candidates, sure | seen) if is_all else 0
    return Proved(len(table.invariants) - broken - idle, broken, idle)


def _report_broken(
    build: Build, prover: Prover, proofs: Proofs, suspicious: Sequence[tuple[FeatureSpec, FeatureProof]]
) -> tuple[int, Bits]:
    """Report each broken invariant once a line; return how many are broken, and those that were seen to select."""
    found: list[dict[object, Broken]] = [{} for _ in prover.invariants]
    left = [0 for _ in prover.invariants]
    unproved: dict[tuple[int, Span], FeatureSpec] = {}
    open_, seen = (1 << len(found)) - 1, 0
    for feature, proof in sorted(suspicious, key=lambda each: build.document.features[each[0].name].key):
        suspects = tuple((place, bits & open_) for place, bits in proof.suspects if bits & open_)
        for index in {index for _, bits in proof.suspects for index in indices(bits & ~open_)}:
            left[index] += 1
        if not suspects:
            continue
        examined = proofs.examine(prover, feature, suspects)
        seen |= examined.selecting
        definition = build.document.features[feature.name]
        for finding in examined.found.values():
            span, lines = line_of(build, prover, definition, feature, finding), found[finding.invariant]
            if len(lines) < LIMIT_BROKEN:
                lines.setdefault(span, Broken(feature, finding, span))
        for index, place in examined.unproved:
            unproved.setdefault((index, span_of(definition, feature, place)), feature)
        full = [index for index, lines in enumerate(found) if len(lines) == LIMIT_BROKEN]
        open_ &= ~sum(1 << index for index in full)
    for lines, more in zip(found, left, strict=True):
        for number, broken in enumerate(lines.values(), start=1):
            report_broken(build, prover, broken, more if number == len(lines) else 0)
    unproved = {key: feature for key, feature in unproved.items() if key[1] not in found[key[0]]}
    for (index, span), feature in unproved.items():
        report_unproved(build, feature, prover.invariants[index], span)
    return len({*(index for index, lines in enumerate(found) if lines), *(index for index, _ in unproved)}), seen


def _report_idle(
    build: Build, prover: Prover, candidates: Sequence[tuple[FeatureSpec, FeatureProof]], selecting: Bits
) -> int:
    """Report each invariant that selects no decision; return how many there are."""
    idle = (1 << len(prover.invariants)) - 1 & ~selecting
    for feature, proof in candidates:
        if proof.may & idle:
            examined = examine(prover, feature, (), proof.may & idle)
            idle &= ~(examined.selecting | examined.perhaps)
    for index in indices(idle):
        invariant = prover.invariants[index]
        place = build.document.invariants[invariant.name].key
        message = f"invariant {invariant.name!r} selects no decision that the table can make"
        build.report("RB602", place, message, help="mend `where`, or remove the invariant")
    return idle.bit_count()
