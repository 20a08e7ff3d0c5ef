"""Payable: which attempts of a route somebody pays for.

The platform, or, once the context holds a key, the caller alone: no attempt of such a run ever uses a platform
credential. Targets that need no key at all stay in either case.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from ..errors import ResolveError
from .context import Context
from .decision import Because, PlannedAttempt, Skip
from .spec import ArmSpec, AttemptSpec, FeatureSpec, ProfileSpec

_NOBODY = "nobody pays, no target takes a key"


class Payable(NamedTuple):
    """The attempts that are left, each with its spec; why the others are not; and who pays."""

    planned: tuple[PlannedAttempt, ...]
    specs: tuple[AttemptSpec, ...]
    reason: Because
    skipped: tuple[Skip, ...] = ()
    by_caller: bool = False


def payable(feature: FeatureSpec, profile: ProfileSpec, arm: ArmSpec, context: Context) -> Payable:
    """Keep the attempts of *arm* that someone pays for.

    Raises:
        ResolveError: None is left, or the feature is served with a caller's key only and there is none.
    """
    mode = feature.mode(profile)
    place = feature.credentials_span or profile.credentials_span or feature.span
    if mode == "platform" or (mode == "prefer_caller" and not context.credentials):
        ignored = ", the caller's keys are ignored" if context.credentials else ""
        payer = "the platform pays" if any(attempt.caller for attempt in arm.attempts) else _NOBODY
        return Payable(arm.planned, arm.attempts, ("credentials", f"{mode}: {payer}{ignored}", place))
    if not context.credentials:
        raise _missing_credential(feature, arm, f"feature {feature.name!r} is served with a caller's key only")
    planned, specs, skipped = _callers_own(arm, context)
    if not planned:
        raise _missing_credential(
            feature, arm, f"no target of feature {feature.name!r} takes the keys that the caller brought"
        )
    payer = "the caller pays" if any(spec.caller for spec in specs) else _NOBODY
    if planned[0].on:
        planned[0] = replace(planned[0], on=())
    reason = ("credentials", f"{mode}: {payer}", place)
    return Payable(tuple(planned), tuple(specs), reason, tuple(skipped), by_caller=True)


def _callers_own(arm: ArmSpec, context: Context) -> tuple[list[PlannedAttempt], list[AttemptSpec], list[Skip]]:
    planned, specs, skipped = [], [], []
    for spec in arm.attempts:
        if spec.caller is None:
            planned.append(spec.platform)
            specs.append(spec)
        elif spec.caller.provider in context.credentials:
            planned.append(spec.caller)
            specs.append(spec)
        else:
            target = spec.platform
            why = f"the caller has no key for provider {target.provider!r}, and the platform's is not lent"
            skipped.append(Skip(target.provider, target.model, why))
    return planned, specs, skipped


def _missing_credential(feature: FeatureSpec, arm: ArmSpec, why: str) -> ResolveError:
    providers = tuple(dict.fromkeys(a.platform.provider for a in arm.attempts if a.caller is not None))
    names = ", ".join(map(repr, providers))
    message = f"{why}; a key for one of these providers is needed: {names}" if names else why
    return ResolveError(message, "missing_credential", feature.name, providers)
