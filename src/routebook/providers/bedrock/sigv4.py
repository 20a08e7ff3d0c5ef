"""SigV4: the signature of a request by AWS's rules, version 4, as `botocore` makes it, an optional package.

Signed are the method, the path and the query, the body, the host, the type of the body, and the headers of AWS's own:
what a proxy may add or change is not.
"""

from __future__ import annotations

from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import ReadOnlyCredentials  # type: ignore[import-untyped]

from ..http.exchange import HttpRequest
from .quiet import quiet

_SERVICE = "bedrock"
_OWN_PREFIX = "x-amz"


class SigningKey:
    """Signs requests to one region with the same credentials; see `Credentials`. A session's have a *token*."""

    def __init__(self, access_key: str, secret_key: str, token: str | None, region: str) -> None:
        self._auth = SigV4Auth(ReadOnlyCredentials(access_key, secret_key, token), _SERVICE, region)
        self.secrets = tuple(text for text in (secret_key, token) if text)

    def sign(self, request: HttpRequest) -> HttpRequest:
        """Return *request* with its signature, which holds for some minutes from now."""
        told = {name: value for name, value in request.headers.items() if _is_signed(name)}
        made = AWSRequest(request.method, request.url, headers=told, data=request.body)
        with quiet():
            self._auth.add_auth(made)
        signed = {name.lower(): value for name, value in made.headers.items()}
        return HttpRequest(request.method, request.url, {**request.headers, **signed}, request.body)


def _is_signed(name: str) -> bool:
    return name == "content-type" or name.startswith(_OWN_PREFIX)
