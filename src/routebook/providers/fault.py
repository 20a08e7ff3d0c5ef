"""Fault: a provider's refusal as data, and what the refusals of all APIs have in common.

Pure: statuses, headers and words come in, the clock too. What only one API says (its codes, its shapes) is in that
API's `faults.py`; the words of a body are found in `sentence`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from ..canonical.redact import redact
from ..canonical.usage import Usage
from ..errors import FaultKind

LONGEST_MESSAGE = 500
LONGEST_MATCHED = 4000
"""How many characters of a sentence are matched against words."""
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
_TOO_MUCH = (429, 503, 529)
_EARLIEST_EPOCH_S = 1e9  # September 2001; nobody is asked to wait 30 years
_UNITS_S = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_DECIMAL = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+")
_SPAN_PART = re.compile(r"([0-9]{1,18}(?:\.[0-9]*)?)(ms|us|µs|ns|d|h|m|s)")
_SPAN = re.compile(rf"(?:{_SPAN_PART.pattern})+")
# One limit in the header `ratelimit`, used up: `"default";r=0;t=30`, or `limit=9, remaining=0, reset=30` in old drafts.
_USED_UP = re.compile(r"\b(?:r=0;\s*t|remaining=0,\s*reset)=([0-9]{1,18})\b")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no answer. `message` is a sentence for people, `retry_after` seconds to wait, if it was said,
    `usage` what the provider counts all the same.
    """

    kind: FaultKind
    message: str
    retry_after: float | None = None
    usage: Usage | None = None


class NoPlace(Exception):
    """An API has no place for what was to be sent; `fault` says so."""

    def __init__(self, kind: FaultKind, what: str) -> None:
        self.fault = Fault(kind, what)
        super().__init__(what)


def kind_of_status(status: int) -> FaultKind:
    """Return what *status* means when nothing better is known; a redirect is a malformed answer."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 300 <= status < 400:
        return "malformed_response"
    return "bad_request" if 400 <= status < 500 else "server_error"


def read_retry_after(headers: Mapping[str, str], now: float, status: int = 0) -> float | None:
    """Return how many seconds the provider asks to wait, or None where it does not say so in earnest.

    `retry-after-ms`, then `retry-after` as seconds or as a date; where *status* says that too much was asked, also
    when a used-up rate limit begins anew. *now* is seconds since the epoch. The past is 0; negative numbers, `nan`,
    `inf` and rubbish count as not said. How long is too long is for the caller to say.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after", "")
    seconds = _number(text)
    if seconds is None:
        seconds = _seconds_until(text, now)
    return _seconds_to_reset(headers, now) if seconds is None and status in _TOO_MUCH else seconds


def say(text: str, secrets: Iterable[str] = ()) -> str:
    """Return *text* as a message: on one line, *secrets* taken out, at most 500 characters."""
    line = " ".join(redact(text, secrets).split())
    return line if len(line) <= LONGEST_MESSAGE else line[: LONGEST_MESSAGE - 1].rstrip() + "…"


def status_phrase(status: int) -> str:
    """Return the status in words, for a refusal that has none of its own; a success says nothing of why."""
    if 200 <= status < 300:
        return "the provider gave no reason"
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


def _seconds_to_reset(headers: Mapping[str, str], now: float) -> float | None:
    """Return when the last of the used-up limits begins anew; where none says that it is used up, of all that may be.

    `x-ratelimit-reset`, `anthropic-ratelimit-tokens-reset` and the like, each with its `remaining` beside it.
    """
    used_up: list[float] = []
    unsaid: list[float] = []
    for name, text in headers.items():
        if "ratelimit" in name and "reset" in name:
            remaining = _number(headers.get(name.replace("reset", "remaining"), ""))
            seconds = seconds_to(text.strip(), now)
            if seconds is not None and not remaining:
                (unsaid if remaining is None else used_up).append(seconds)
    used_up += [float(seconds) for seconds in _USED_UP.findall(headers.get("ratelimit", ""))]
    return max(used_up or unsaid, default=None)


def seconds_to(text: str, now: float) -> float | None:
    """Read a number (from now, or since the epoch, there also in milliseconds), a span like `6m0s`, or a date."""
    number = _number(text)
    if number is None:
        return _seconds_in(text) if _SPAN.fullmatch(text) else _seconds_until(text, now)
    if number < _EARLIEST_EPOCH_S:
        return number
    return max(0.0, (number if number < _EARLIEST_EPOCH_S * 1000 else number / 1000) - now)


def _seconds_in(span: str) -> float:
    return sum(float(number) * _UNITS_S[unit] for number, unit in _SPAN_PART.findall(span))


def _number(text: str) -> float | None:
    text = text.strip()
    if not _DECIMAL.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def _seconds_until(text: str, now: float) -> float | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            date = read(text.strip())
            moment = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError, TypeError, IndexError):
            continue
        return max(0.0, moment - now)
    return None
