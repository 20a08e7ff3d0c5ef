"""Tool servers: a process or an address, with secrets as references (RB206, RB407, RB503)."""

from __future__ import annotations

from collections.abc import Mapping

from ..canonical.frozen import freeze_mapping
from ..document.entry import Definition
from ..document.scalars import Secret
from ..document.servers import OAuth, Server
from ..routing.secret import SecretRef
from ..routing.tool_spec import OAuthSpec, ServerSpec
from .addresses import read_address, warn_unencrypted
from .build import Build
from .providers import secret_ref

_OF_COMMAND = ("args", "cwd", "env")
_OF_URL = ("transport", "headers", "token", "oauth")


def link_servers(build: Build) -> None:
    """Link each tool server; report those that cannot be reached as they stand."""
    for definition in build.document.mcp_servers.values():
        _check_kind(build, definition)
        _check_url(build, definition)
        build.servers[definition.name] = _spec(definition)


def _spec(definition: Definition[Server]) -> ServerSpec:
    value = definition.value
    globs = (("*",) if value.idempotent else ()) if isinstance(value.idempotent, bool) else tuple(value.idempotent)
    return ServerSpec(
        name=definition.name,
        command=value.command,
        args=tuple(value.args or ()),
        cwd=value.cwd,
        env=_references(value.env),
        url=value.url,
        transport=value.transport or "streamable-http",
        headers=_references(value.headers),
        token=None if value.token is None else secret_ref(value.token),
        oauth=None if value.oauth is None else _oauth(value.oauth),
        start=value.start,
        start_timeout_s=value.start_timeout,
        required=value.required,
        parallel=value.parallel,
        idempotent=globs,
        timeout_s=value.timeout,
        roots=tuple(value.roots or ()),
        span=definition.key,
    )


def _references(written: Mapping[str, str | Secret] | None) -> Mapping[str, str | SecretRef]:
    return freeze_mapping(
        {k: secret_ref(item) if isinstance(item, Secret) else item for k, item in (written or {}).items()}
    )


def _oauth(oauth: OAuth) -> OAuthSpec:
    return OAuthSpec(oauth.client_id, secret_ref(oauth.client_secret), oauth.issuer, tuple(oauth.scopes or ()))


def _check_kind(build: Build, definition: Definition[Server]) -> None:
    """Report a server that is neither process nor address, or both, and keys that the other kind has."""
    value, name = definition.value, definition.name
    if (value.command is None) == (value.url is None):
        both = value.url is not None
        message = f"tool server {name!r} has {'both `command` and `url`' if both else 'neither `command` nor `url`'}"
        mend = "remove one of the two" if both else "add `command: ...` for a process, or `url: https://...`"
        build.report("RB407", definition.key_span("url") if both else definition.key, message, help=mend)
        return
    kind, other, foreign = ("command", "url", _OF_URL) if value.url is None else ("url", "command", _OF_COMMAND)
    for key in foreign:
        if getattr(value, key) is not None:
            message = f"tool server {name!r} has a `{kind}`, and `{key}` is for servers with a `{other}`"
            build.report("RB407", definition.key_span(key), message, help=f"remove `{key}`")


def _check_url(build: Build, definition: Definition[Server]) -> None:
    value, name = definition.value, definition.name
    if value.url is None:
        return
    place, url = definition.span("url"), read_address(value.url, query=True)
    if url is None:
        message = f"the `url` of tool server {name!r} is no address of a server"
        build.report("RB407", place, message, help="it looks like https://tools.example.com/mcp")
        return
    if url.username or url.password:
        build.report("RB206", place, "a secret must not stand in a `url`", help="use `token: {env: NAME}` or a header")
    given = [key for key in ("token", "oauth") if getattr(value, key) is not None]
    if any(header.lower() == "authorization" for header in value.headers or {}):
        given.append("headers")
    if len(given) > 1:
        message = f"tool server {name!r} is told who calls it by {' and '.join(f'`{key}`' for key in given)}"
        build.report("RB407", definition.key_span(given[-1]), message, help="keep one of them")
    if given or any(isinstance(header, Secret) for header in (value.headers or {}).values()):
        warn_unencrypted(build, f"tool server {name!r}", place, url)
