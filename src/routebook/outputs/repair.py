"""Repair: what a model is told when its answer does not keep the output contract.

Comes in: the problems that reading, validating or a check found. Goes out: the message that asks for another try.
How many tries there are is the run's business.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..canonical.message import Message


def feedback(problems: Iterable[str]) -> Message:
    """Return the user message that names *problems*, one a line, and asks for the whole corrected answer."""
    listed = "\n".join(f"- {' '.join(problem.splitlines())}" for problem in problems)
    return Message(
        "user",
        f"Your last answer does not keep the required form:\n{listed}\n"
        "Answer again with the whole corrected JSON value, not only the parts that change, and with nothing else.",
    )
