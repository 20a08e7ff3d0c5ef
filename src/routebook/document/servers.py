"""The section `mcp_servers`: tool servers, started as processes and spoken to over stdio."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .entry import Entry
from .scalars import Boolean, Duration, Text, TextOrSecret


class Server(Entry):
    """A tool server (Model Context Protocol) that runs as a process of its own."""

    command: Annotated[Text, Field(min_length=1)]
    """The program. A bare name is looked up beside the running Python first, then in PATH."""
    args: list[Text] | None = None
    """Its arguments."""
    cwd: Text | None = None
    """The folder it is started in. Default: that of the application."""
    env: dict[str, TextOrSecret] | None = None
    """Variables added to the few that every server gets; a reference is a secret."""
    start_timeout: Duration = 15.0
    """How long it may take until it has listed its tools."""
    required: Boolean = True
    """Whether a run fails when the server cannot start; otherwise the run goes on without its tools."""
