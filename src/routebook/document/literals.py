"""Literals that look like secrets, in places where any text may stand: `extra_body`, headers, arguments (RB505).

Where only a secret belongs, a literal is refused (RB206). Here it is a guess, so it is a warning; the text itself is
never repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..diagnostics.diagnostic import Diagnostic, diagnose
from ..source.node import MappingNode, Node, ScalarNode, SequenceNode
from .entry import Definition

_SHORTEST = 15
_VENDORS = ("sk", "pk", "rk", "xai", "gsk", "ghp", "hf")
# By what a secret has in it, a pattern that begins with it: both are looked for at the speed of a text search.
_SIGNS = {"AIza": re.compile(r"AIza[\w-]{20}"), "@": re.compile("@")} | {
    f"{vendor}{dash}": re.compile(rf"{vendor}{dash}[\w-]{{12}}") for vendor in _VENDORS for dash in "-_"
}
_ADDRESSES = frozenset({"base_url", "url"})  # what they must not hold is refused elsewhere
_SECRET = re.compile(
    rf"\b(?:{'|'.join(_VENDORS)})[-_](?=[\w-]*\d)[\w-]{{12,}}|\bAIza[\w-]{{20,}}|://[^/\s\"'@:]+:[^/\s\"'@]+@"
)


def may_hold_secret(text: str) -> bool:
    """Tell whether anything in a file's *text* may look like a secret; sure where it says no."""
    return any(sign in text and pattern.search(text) is not None for sign, pattern in _SIGNS.items())


def literals_of(definition: Definition[Any]) -> list[Diagnostic]:
    """Return a warning for each value of one definition that looks like a secret."""
    message = f"{definition.name!r} has a value that looks like a secret, in plain text"
    mend = "name the variable that holds it: `{env: NAME}`; replace a key that has been committed"
    return [diagnose("RB505", scalar.span, message, help=mend) for scalar in _secrets(definition.node)]


def _secrets(node: Node) -> Iterator[ScalarNode]:
    if isinstance(node, MappingNode):
        for key, value in node.entries:
            if key.value not in _ADDRESSES:
                yield from _secrets(value)
    elif isinstance(node, SequenceNode):
        for item in node.items:
            yield from _secrets(item)
    elif isinstance(node.value, str) and len(node.value) >= _SHORTEST and _SECRET.search(node.value):
        yield node
