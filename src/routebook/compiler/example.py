"""Example: a decision and what leads to it in words, the request as a command line that shows it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator
from typing import Any

from ..canonical.frozen import thaw
from ..routing.decision import Decision, Witness
from ..routing.spec import ProfileSpec

_FIELDS = ("user", "tenant", "region", "key")
_FACTS = ("input_tokens", "has_images", "has_tools", "stream")


def command_of(feature: str, witness: Witness, profiles: Iterable[ProfileSpec]) -> str:
    """Return the command that shows what *feature* does for the request *witness*, in a book with these *profiles*."""
    return " ".join(map(_quoted, ["routebook", "explain", feature, *_arguments(witness, profiles)]))


def _quoted(word: str) -> str:
    """Return *word* as a shell reads it; what cannot be printed is escaped, so that it changes no terminal."""
    if word.isprintable():
        return shlex.quote(word)
    return f"$'{''.join(map(_escaped, word))}'"


def _escaped(character: str) -> str:
    if character.isprintable():
        return f"\\{character}" if character in "\\'" else character
    number = ord(character)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def outcome_of(decision: Decision) -> str:
    """Return the route of *decision* and its attempts, in order."""
    arm = f" (arm {decision.arm})" if decision.arm else ""
    attempts = ", then ".join(f"{attempt.model} at {attempt.provider}" for attempt in decision.attempts)
    shadow = decision.shadow
    mirrored = "" if shadow is None else f"; mirrored to {shadow.model} at {shadow.provider}"
    return f"{decision.route}{arm}: {attempts}{mirrored}"


def _arguments(witness: Witness, profiles: Iterable[ProfileSpec]) -> Iterator[str]:
    context, facts = witness.context, witness.facts
    if context.profile is not None and any(profile.span is not None for profile in profiles):
        yield from ("--profile", context.profile)
    for name in _FIELDS:
        value = getattr(context, name)
        if value is not None:
            yield from ("--set", f"{name}={value}")
    for name, value in context.metadata.items():
        yield from ("--set", f"metadata.{name}={_written(value)}")
    for name in _FACTS:
        value = getattr(facts, name)
        if value:
            yield from ("--set", f"{name}={_written(value)}")
    if facts.model is not None:
        yield from ("--model", facts.model)
    for provider in sorted(context.credentials):
        yield from ("--key", provider)


def _written(value: Any) -> str:
    """Return *value* as the command line reads it: JSON, or else text."""
    if isinstance(value, str) and not _is_json(value):
        return value
    return json.dumps(thaw(value), ensure_ascii=False)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
