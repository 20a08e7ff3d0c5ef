"""SigV4: the signature of a request by AWS's rules, version 4. Pure: the time comes in.

Signed are the method, the path and the query, the body, the host, the type of the body, and every header of AWS's own.
The signing key depends on the day, the region and the secret alone: it is made once a day.
"""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from ..http.exchange import HttpRequest

_ALGORITHM = "AWS4-HMAC-SHA256"
_SERVICE = "bedrock"
_OWN_PREFIX = "x-amz"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Credentials:
    """As whom requests are signed; the `token` is that of a session."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


class _Address(NamedTuple):
    host: str
    path: str
    query: str


class Signature:
    """Signs requests to one region with the same *credentials*."""

    def __init__(self, credentials: Credentials, region: str) -> None:
        self.credentials = credentials
        self._region = region
        self._day = ""
        self._key = b""

    def sign(self, request: HttpRequest, now: float) -> HttpRequest:
        """Return *request* with its signature; *now* is seconds since the epoch."""
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        address = _address(request.url)
        headers = {**request.headers, "x-amz-date": moment}
        if self.credentials.token:
            headers["x-amz-security-token"] = self.credentials.token
        told = {name: " ".join(headers[name].split()) for name in headers if _is_signed(name)}
        told["host"] = address.host
        names = sorted(told)
        signed, body = ";".join(names), sha256(request.body).hexdigest()
        lines = "".join(f"{name}:{told[name]}\n" for name in names)
        whole = f"{request.method}\n{address.path}\n{address.query}\n{lines}\n{signed}\n{body}"
        scope = f"{moment[:8]}/{self._region}/{_SERVICE}/aws4_request"
        text = f"{_ALGORITHM}\n{moment}\n{scope}\n{sha256(whole.encode()).hexdigest()}"
        signature = hmac.digest(self._key_of(moment[:8]), text.encode(), "sha256").hex()
        who = f"Credential={self.credentials.access_key}/{scope}"
        headers["authorization"] = f"{_ALGORITHM} {who}, SignedHeaders={signed}, Signature={signature}"
        return HttpRequest(request.method, request.url, headers, request.body)

    def _key_of(self, day: str) -> bytes:
        if day != self._day:
            key = f"AWS4{self.credentials.secret_key}".encode()
            for part in (day, self._region, _SERVICE, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._key, self._day = key, day
        return self._key


def _is_signed(name: str) -> bool:
    return name == "content-type" or name.startswith(_OWN_PREFIX)


@lru_cache(maxsize=256)
def _address(url: str) -> _Address:
    """Return the host as its header has it, the path quoted once more, and the query in order."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, _PORTS.get(parts.scheme)) else f":{parts.port}"
    pairs = sorted(pair.partition("=")[::2] for pair in parts.query.split("&") if pair)
    query = "&".join(f"{name}={value}" for name, value in pairs)
    return _Address(host + port, quote(parts.path or "/", safe="/~"), query)
