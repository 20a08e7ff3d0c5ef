"""Thoughts: what a model may be shown of the answers before its own.

A thought is signed for the model that had it, and so is a piece that only one API knows. They go back, unchanged, to
the target that made them; another target gets the same answer without them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..canonical.message import Message
from ..canonical.part import NativePart, ReasoningPart
from ..routing.decision import PlannedAttempt

Target = tuple[str, str]
"""A provider's name, and a model's id on its wire."""

_OWN = (ReasoningPart, NativePart)


def target_of(planned: PlannedAttempt) -> Target:
    """Return which target *planned* calls."""
    return planned.provider, planned.id


def shown_to(planned: PlannedAttempt, messages: Sequence[Message], made_by: Mapping[int, Target]) -> list[Message]:
    """Return *messages* as *planned* is sent them; *made_by* tells which target gave an answer, by its index.

    Of answers that came with the request nobody knows: they stay whole, and the adapter looks at their `api`.
    """
    shown, own = list(messages), target_of(planned)
    for index in _of_others(made_by, own):
        kept = [part for part in shown[index].content if not isinstance(part, _OWN)]
        if len(kept) < len(shown[index].content):
            shown[index] = Message(shown[index].role, kept)
    return shown


def _of_others(made_by: Mapping[int, Target], own: Target) -> Iterable[int]:
    return (index for index, target in made_by.items() if target != own)
