"""Credentials: references to secrets → their values, read when a client is made and never kept in a table.

An environment variable that is empty counts as unset; a file's value is its text without surrounding white space.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from .diagnostics.diagnostic import Diagnostic, diagnose
from .diagnostics.span import Span
from .routing.secret import SecretRef
from .routing.table import RoutingTable

_PRINTABLE = re.compile(r"[\x20-\x7e]+")
_LONGEST = 64 * 1024


class SecretUnavailable(LookupError):
    """A secret cannot be read; the message names the reference and says why, never the value."""


def read_secret(ref: SecretRef, environment: Mapping[str, str]) -> str:
    """Return the value that *ref* stands for.

    Raises:
        SecretUnavailable: The variable is unset, the file unreadable, or the value not printable ASCII.
    """
    value = environment.get(ref.name, "") if ref.kind == "env" else _read_file(ref.name)
    value = value.strip()
    if not value:
        what = "environment variable {} is not set" if ref.kind == "env" else "secret file {} is empty"
        raise SecretUnavailable(what.format(ref.name))
    if not _PRINTABLE.fullmatch(value):
        raise SecretUnavailable(f"the secret at {ref} has characters that no header can carry")
    return value


def _read_file(name: str) -> str:
    path = Path(name)
    try:
        if not path.is_file() or path.stat().st_size > _LONGEST:
            raise SecretUnavailable(f"secret file {name} is missing, no regular file, or too large")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SecretUnavailable(f"secret file {name} cannot be read ({type(error).__name__})") from error


def missing_secrets(table: RoutingTable, environment: Mapping[str, str]) -> list[Diagnostic]:
    """Return a diagnostic (RB703) for each secret of *table* that cannot be read now, at the definition naming it."""
    found: list[Diagnostic] = []
    for subject, span, ref in secrets_of(table):
        try:
            read_secret(ref, environment)
        except SecretUnavailable as error:
            mend = f"export {ref.name}=..." if ref.kind == "env" else f"put the secret into {ref.name}"
            found.append(diagnose("RB703", span, f"{subject}: {error}", help=mend))
    return found


def secrets_of(table: RoutingTable) -> Iterator[tuple[str, Span, SecretRef]]:
    """Yield each secret that *table* refers to, with who needs it and where that is defined."""
    for provider in table.providers.values():
        span = provider.span or Span("")
        refs: Iterable[SecretRef] = provider.headers.values()
        for ref in (*((provider.credential,) if provider.credential else ()), *refs):
            yield f"provider {provider.name!r}", span, ref
    for server in table.servers.values():
        oauth = () if server.oauth is None else (server.oauth.client_secret,)
        for value in (*server.env.values(), *server.headers.values(), server.token, *oauth):
            if isinstance(value, SecretRef):
                yield f"tool server {server.name!r}", server.span or Span(""), value
