"""Thoughts: what a model may be shown of the answers before its own.

A thought is signed for the model that had it, and so is a piece that only one API knows. They go back, unchanged, to
the target that made them, in the same run or in a later one; another target gets the same answer without them. Of a
thought that does not say who had it, as one that came in from elsewhere, the adapter looks at the `api` alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..canonical.message import Message, Part
from ..canonical.part import NativePart, ReasoningPart
from ..routing.decision import PlannedAttempt

_OWN = (ReasoningPart, NativePart)


def signed(message: Message, planned: PlannedAttempt) -> Message:
    """Return *message*, an answer of *planned*, whose thoughts say who had them."""
    if not any(isinstance(part, _OWN) for part in message.content):
        return message
    maker = _target(planned)
    parts = (replace(part, made_by=maker) if isinstance(part, _OWN) else part for part in message.content)
    return Message(message.role, tuple(parts))


def shown_to(planned: PlannedAttempt, messages: Sequence[Message]) -> list[Message]:
    """Return *messages* as *planned* is sent them."""
    own = (None, _target(planned))
    return [_without_others(message, own) if message.role == "assistant" else message for message in messages]


def _without_others(message: Message, own: tuple[str | None, ...]) -> Message:
    kept = [part for part in message.content if _is_shown(part, own)]
    return message if len(kept) == len(message.content) else Message(message.role, kept)


def _is_shown(part: Part, own: tuple[str | None, ...]) -> bool:
    return not isinstance(part, _OWN) or part.made_by in own


def _target(planned: PlannedAttempt) -> str:
    return f"{planned.provider}/{planned.id}"
