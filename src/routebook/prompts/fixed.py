"""Fixed: the text of a template that stands in whatever it renders to.

Comes in: a template. Goes out: how many bytes of UTF-8 it renders to at least, whatever the variables are. What a
condition may leave out, a loop may not enter, or a variable brings, is not counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from jinja2 import Environment, TemplateSyntaxError
from jinja2.nodes import If, Node, Output, TemplateData

_VARIABLE = re.compile(r"\{\{ *[A-Za-z_][A-Za-z0-9_]* *\}\}")
_BEGINS = re.compile(r"\{[{%#]")
_READER = Environment(keep_trailing_newline=True)  # it reads, and renders nothing


@lru_cache(maxsize=4096)
def fixed_bytes(template: str) -> int:
    """Return the least that *template* renders to, in bytes of UTF-8; 0 where it is no template."""
    text = _VARIABLE.sub("", template)
    if not _BEGINS.search(text):  # most templates only put variables in, and Jinja takes long to say so
        return _size(text.replace("\r\n", "\n"))
    try:
        return _of_all(_READER.parse(template).body)
    except (TemplateSyntaxError, RecursionError):
        return 0


def _of_all(nodes: Iterable[Node]) -> int:
    return sum(map(_of, nodes))


def _of(node: Node) -> int:
    if isinstance(node, Output):
        return sum(_size(part.data) for part in node.nodes if isinstance(part, TemplateData))
    if isinstance(node, If):
        branches = (node.body, *(branch.body for branch in node.elif_), node.else_)
        return min(map(_of_all, branches))
    return 0


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
