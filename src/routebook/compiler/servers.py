"""Tool servers: as written, with secrets as references."""

from __future__ import annotations

from ..canonical.frozen import freeze_mapping
from ..document.scalars import Secret
from ..routing.tool_spec import ServerSpec
from .build import Build
from .providers import secret_ref


def link_servers(build: Build) -> None:
    """Link each tool server."""
    for definition in build.document.mcp_servers.values():
        value = definition.value
        env = {k: secret_ref(item) if isinstance(item, Secret) else item for k, item in (value.env or {}).items()}
        build.servers[definition.name] = ServerSpec(
            name=definition.name,
            command=value.command,
            args=tuple(value.args or ()),
            cwd=value.cwd,
            env=freeze_mapping(env),
            start_timeout_s=value.start_timeout,
            required=value.required,
            span=definition.key,
        )
