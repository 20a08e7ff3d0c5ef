"""Fields: where the options of a request stand in its body, and the names in it that people chose.

Pure. What an API carries and where is in its traits; a provider's preset may lack some of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...canonical.options import option_paths
from ..fault import Fault

Body = dict[str, Any]

ELSEWHERE = frozenset({"extra_body", "extra_headers", "timeout"})
"""Options that stand in no field of their own."""
UNNAMED_TOOL = "unnamed_tool"
_FOREIGN_LETTER = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_NAME = 64


def option_fault(
    options: Mapping[str, Any], carried: frozenset[str], api: str, quirks: Mapping[str, Any]
) -> Fault | None:
    """Return what is wrong with *options*, if anything is: *api* takes *carried*, but for what the provider lacks."""
    for path in option_paths(options):
        if path in quirks.get("lacks", ()):
            return Fault("unsupported_option", f"option {path!r} is none that this provider takes")
        if path not in carried:
            return Fault("unsupported_option", f"option {path!r} has no place in api {api!r}")
    return None


def place(body: Body, path: str, value: Any) -> None:
    """Put *value* at *path* of *body*, dots for nesting."""
    outer, dot, last = path.partition(".")
    if dot:
        place(body.setdefault(outer, {}), last, value)
    else:
        body[outer] = value


def wire_name(name: str) -> str:
    """Return *name* as the API takes it: letters, digits, `_` and `-`, at most 64 of them."""
    return _FOREIGN_LETTER.sub("_", name)[:_LONGEST_NAME] or UNNAMED_TOOL
