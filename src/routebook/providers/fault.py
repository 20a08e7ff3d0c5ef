"""Fault: a provider's refusal as data, and what the refusals of all APIs have in common.

Pure: statuses, headers and words come in, the clock too. What only one API says (its codes, its shapes) is in that
API's `faults.py`; the words of a body are found in `sentence`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from ..canonical.redact import redact
from ..canonical.usage import Usage
from ..errors import FaultKind

LONGEST_MESSAGE = 500
_BY_STATUS: dict[int, FaultKind] = {
    401: "authentication",
    402: "quota_exceeded",
    403: "permission_denied",
    404: "not_found",
    408: "timeout",
    413: "context_window_exceeded",
    429: "rate_limit",
    504: "timeout",
    529: "overloaded",
}
_DECIMAL = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no answer. `message` is a sentence for people, `retry_after` seconds to wait, if it was said,
    `usage` what the provider counts all the same.
    """

    kind: FaultKind
    message: str
    retry_after: float | None = None
    usage: Usage | None = None


def kind_of_status(status: int) -> FaultKind:
    """Return what *status* means when nothing better is known; a redirect is a malformed answer."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 300 <= status < 400:
        return "malformed_response"
    return "bad_request" if 400 <= status < 500 else "server_error"


def read_retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return how many seconds the provider asks to wait, or None where it does not say so in earnest.

    `retry-after-ms`, then `retry-after` as seconds or as an HTTP date; *now* is seconds since the epoch. A date in
    the past is 0; negative numbers, `nan`, `inf` and rubbish count as not said.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after", "")
    seconds = _number(text)
    return _seconds_until(text, now) if seconds is None else seconds


def say(text: str, secrets: Iterable[str] = ()) -> str:
    """Return *text* as a message: on one line, *secrets* taken out, at most 500 characters."""
    line = " ".join(redact(text, secrets).split())
    return line if len(line) <= LONGEST_MESSAGE else line[: LONGEST_MESSAGE - 1].rstrip() + "…"


def status_phrase(status: int) -> str:
    """Return the status in words, for an answer that has none of its own."""
    try:
        return f"the provider gave no reason ({HTTPStatus(status).phrase})"
    except ValueError:
        return f"the provider gave no reason (HTTP {status})"


def redirect(headers: Mapping[str, str]) -> str:
    """Return what to say of an answer that only points elsewhere."""
    try:
        host = urlsplit(headers.get("location", "")).hostname
    except ValueError:
        host = None
    to = f"host {host!r}" if host else "another path"
    return f"the provider redirects to {to}, which is not followed; set base_url to the address that answers"


def _number(text: str) -> float | None:
    text = text.strip()
    if not _DECIMAL.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def _seconds_until(text: str, now: float) -> float | None:
    try:
        date = parsedate_to_datetime(text)
        moment = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, TypeError):
        return None
    return max(0.0, moment - now)
