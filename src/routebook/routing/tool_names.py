"""Tool names: `server.tool`, as people say it → the wire name, as every API takes it.

Pure: the same tools get the same names, in whatever order they come. A wire name is never taken apart again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256

NAME_LIMIT = 64
"""Characters of a wire name that every API takes."""

_HASH_LENGTH = 8
_NOT_FOR_THE_WIRE = re.compile(r"[^a-zA-Z0-9_-]")


def plain_wire_name(spoken: str) -> str:
    """Return what `server.tool` is called on the wire where nothing has to be changed: `server__tool`."""
    server, _, tool = spoken.partition(".")  # the name of a server has no dot
    return f"{server}__{tool}"


def wire_names(tools: Iterable[str]) -> dict[str, str]:
    """Map each `server.tool` of *tools* to its wire name.

    One that is too long, or that several tools would share, is shortened and gets a hash of its `server.tool`: all
    that share it do, so that no name depends on the order of the tools.
    """
    clean = {spoken: _NOT_FOR_THE_WIRE.sub("_", plain_wire_name(spoken)) for spoken in tools}
    uses = Counter(clean.values())
    names = {spoken: name for spoken, name in clean.items() if uses[name] == 1 and len(name) <= NAME_LIMIT}
    taken = set(names.values())
    for spoken in sorted(clean.keys() - names.keys()):
        names[spoken] = _hashed(clean[spoken], spoken, taken)
        taken.add(names[spoken])
    return names


def _hashed(name: str, spoken: str, taken: set[str]) -> str:
    digest = sha256(spoken.encode("utf-8", "surrogatepass")).hexdigest()
    length = _HASH_LENGTH
    while True:
        hashed = f"{name[: NAME_LIMIT - length - 1]}_{digest[:length]}"
        if hashed not in taken:
            return hashed
        length += 1
