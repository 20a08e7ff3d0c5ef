"""Call ids: a name for a tool call to which its model gave none, unlike every other of the answer. Pure."""

from __future__ import annotations


def free_id(index: int, taken: set[str | None]) -> str:
    """Return an id for the call at *index* that is none of *taken*, and add it there."""
    name = f"call_{index}"
    while name in taken:
        name += "_"
    taken.add(name)
    return name
