"""Raised: an exception of the library → plain data, and what it was about.

Pure, and without the library: it tells by the names of classes, so that no foreign object goes further. The library
makes up statuses and answers where there were none; what counts is the provider's own answer at the root of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Cause = Literal["timeout", "connect", "connection", "foreign"]

_LIBRARY = "litellm"
_DEFAULTS = (422, 500)
"""What the library says where it knows of none."""
_AN_OBJECT = re.compile(r"[{<\[]")
_MADE_UP = (f"{_LIBRARY}.exceptions",)
_TIMEOUTS = frozenset({"TimeoutException", "APITimeoutError", "TimeoutError"})
_CONNECTING = frozenset({"ConnectTimeout", "ConnectionTimeoutError"})
_NOT_CONNECTED = _CONNECTING | {
    "ConnectError",
    "ClientConnectorError",
    "ProxyError",
    "ConnectionRefusedError",
    "gaierror",
}
"""What is raised where there is no connection to send anything over."""
_NETWORK = frozenset(
    {
        *("TransportError", "APIConnectionError", "ClientError", "OSError", "ConnectionError"),
        *("NetworkError", "ProtocolError"),  # httpcore's own, where httpx's are not the root
    }
)
_NO_HTTP = frozenset({"ClientResponseError", "HttpProcessingError"})
"""What was answered, and is no HTTP."""
_CUT_OFF = frozenset({"PayloadEncodingError"})
_MOST_CAUSES = 20


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception as data: the names of its classes, the nearest first, and its words.

    `status`, `headers` and `body` are those of the provider's own answer, where there was one. `cause` tells that the
    network was at fault, `why` what the system says of it; `foreign`, that the library itself stumbled. `connected` is
    false where there was no connection to the provider.
    """

    classes: tuple[str, ...]
    message: str = field(repr=False)
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Any = field(default=None, repr=False)
    cause: Cause | None = None
    why: str = field(default="", repr=False)
    connected: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, as `faults` reads it."""
        return {
            "classes": list(self.classes),
            "message": self.message,
            "status": self.status,
            "body": self.body,
            "foreign": self.why if self.cause == "foreign" else None,
        }


def raised(error: BaseException) -> Raised:
    """Return *error* as data."""
    chain = list(_chain(error))
    response = next((found for link in chain if (found := _response(link)) is not None), None)
    classes = _classes(error)
    message = str(getattr(error, "message", "") or error)
    if response is not None:
        return Raised(classes, message, response.status_code, _headers(response), _body(chain, response))
    root = chain[-1]
    if _is_network(root):
        names = _foreign_names(chain)
        return Raised(classes, message, cause=_cause(names), why=_why(root), connected=_was_connected(names))
    said = _said_in_stream(root)
    if said is not None:
        return Raised((), message, body=said)  # the library's classes are made up: any error in a stream has the same
    if not _is_of_library(root):
        name, why = type(root).__name__, _why(root)
        return Raised(classes, message, cause="foreign", why=name if why == name else f"{name}: {why}")
    status = _own_status(root)
    return Raised(classes, message, status, _own_headers(root) if status else {}, _told(root) if status else None)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield *error* and what led to it, the root last; who waited no longer is no cause."""
    link: BaseException | None = error
    seen: set[int] = set()
    while isinstance(link, Exception) and id(link) not in seen and len(seen) < _MOST_CAUSES:
        seen.add(id(link))
        yield link
        inner = getattr(link, "original_exception", None)
        before = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
        link = inner if isinstance(inner, BaseException) else before


def _classes(error: BaseException) -> tuple[str, ...]:
    names = [kind.__name__ for kind in type(error).__mro__ if kind.__module__.partition(".")[0] == _LIBRARY]
    original = getattr(error, "original_exception", None)
    return (*names, *_classes(original)) if isinstance(original, BaseException) else tuple(names)


def _is_of_library(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] == _LIBRARY


def _response(error: BaseException) -> Any:
    """Return the answer of HTTP that *error* tells of, None where there is none, or the library made it up."""
    response = getattr(error, "response", None)
    if not isinstance(getattr(response, "status_code", None), int):
        return None
    is_status_error = any(kind.__name__ == "HTTPStatusError" for kind in type(error).__mro__)
    return response if is_status_error or not _is_of_library(error) else None


def _headers(response: Any) -> Mapping[str, str]:
    headers = getattr(response, "headers", None) or {}
    return {str(name).lower(): str(value) for name, value in headers.items()}


def _body(chain: list[BaseException], response: Any) -> Any:
    """Return what the provider said, as text or as data; None where that was not read."""
    try:
        text = response.text
    except Exception:  # noqa: BLE001, a body that was not read, in whatever way the library of HTTP says so
        text = ""
    if text:
        return text
    found = (getattr(link, name, None) for link in chain for name in ("body", "text"))
    return next((body for body in found if body and isinstance(body, (str, dict))), None)


def _said_in_stream(error: BaseException) -> Any:
    """Return the error that a provider said in the middle of a stream, where OpenAI's package read one."""
    body = getattr(error, "body", None)
    is_said = type(error).__name__ == "APIError" and not _is_of_library(error) and isinstance(body, dict)
    return body if is_said else None


def _is_network(error: BaseException) -> bool:
    names = {kind.__name__ for kind in type(error).__mro__}
    if _is_of_library(error) or (names & _NO_HTTP and not names & _CUT_OFF):
        return False
    return bool(names & (_TIMEOUTS | _NETWORK | _CUT_OFF))


def _foreign_names(chain: list[BaseException]) -> set[str]:
    """Return the names of all classes in *chain* that are not the library's own."""
    return {kind.__name__ for link in chain if not _is_of_library(link) for kind in type(link).__mro__}


def _was_connected(names: set[str]) -> bool:
    """Tell whether there was a connection; of aiohttp, the library calls one that broke `ConnectError` as well."""
    told = names - {"ConnectError"} if "ClientOSError" in names else names
    return told.isdisjoint(_NOT_CONNECTED)


def _cause(names: set[str]) -> Cause:
    if names & _CONNECTING:
        return "connect"
    return "timeout" if names & _TIMEOUTS else "connection"


def _why(error: BaseException) -> str:
    strerror = getattr(error, "strerror", None)
    text = strerror if isinstance(strerror, str) and strerror else str(error)
    # What follows a brace or a bracket is the answer itself, or a piece of it.
    text = _AN_OBJECT.split(text, maxsplit=1)[0].strip(" :,.\n")
    return text[:1].lower() + text[1:] if text else type(error).__name__


def _own_status(error: BaseException) -> int | None:
    """Return the status that a provider's part of the library read itself; what only its errors say is made up."""
    status = getattr(error, "status_code", None)
    is_told = isinstance(status, int) and not isinstance(status, bool) and 300 <= status < 600
    is_made_up = type(error).__module__ in _MADE_UP or (status in _DEFAULTS and not _own_headers(error))
    return status if is_told and _is_of_library(error) and not is_made_up else None


def _own_headers(error: BaseException) -> Mapping[str, str]:
    headers: Any = getattr(error, "headers", None)
    return {str(name).lower(): str(value) for name, value in headers.items()} if hasattr(headers, "items") else {}


def _told(error: BaseException) -> Any:
    message = getattr(error, "message", None)
    return message if isinstance(message, str) else None
