"""Keep alive: how long a connection may be idle, by what its server says of itself. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .idle_room import IDLE_S

_MARGIN_S = 1.0
_TIMEOUT = re.compile(r'(?:^|[,;])\s*timeout\s*=\s*"?([0-9]{1,9})', re.IGNORECASE).search


def idle_s(headers: Mapping[str, str]) -> float:
    """Return for how many seconds a connection can be used again after an answer with *headers*.

    A server that says when it will close (`keep-alive: timeout=5`) is believed, less a margin for the way there: else
    a request may meet the end of the connection, and nobody could tell whether it was read.
    """
    said = headers.get("keep-alive")
    found = None if said is None else _TIMEOUT(said)
    if found is None:
        return IDLE_S
    promised_s = float(found[1])
    return min(promised_s - min(_MARGIN_S, promised_s / 2), IDLE_S)
