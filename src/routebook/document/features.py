"""The section `features`: what the application asks for by name."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..errors import FaultKind
from .entry import Entry
from .environment import one_of
from .models import ChatCapability
from .options import Options
from .profiles import CredentialMode
from .scalars import Duration, Integer, Size, Text

_OnLimit = Literal["finish", "fail"]
OnLimit = Annotated[_OnLimit, one_of(_OnLimit)]


class Target(Entry):
    """A model and its options."""

    model: Text
    """A name from `models`, or `provider/model-id`, split at the first slash."""
    options: Options | None = None
    """Options of calls to this target; win over the provider's, the model's and the feature's."""


class Fallback(Target):
    """A target that takes over when an earlier one fails."""

    on: Annotated[list[FaultKind], Field(min_length=1)] | None = None
    """The failures it answers. Default: rate_limit, quota_exceeded, overloaded, timeout, connection, server_error,
    malformed_response."""


class ProfileEntry(Target):
    """Where a feature goes under one profile."""

    fallbacks: list[Fallback] | None = None
    """Replaces the feature's fallbacks."""


class Tools(Entry):
    """Which tools a feature offers, and the bounds of its tool loop."""

    servers: Annotated[list[Text], Field(min_length=1)]
    """Names from `mcp_servers`."""
    allow: list[Text] | None = None
    """Globs over `server.tool`. Default: all; `[]` is none."""
    deny: list[Text] | None = None
    """Globs that beat `allow`."""
    max_turns: Annotated[Integer, Field(ge=1)] = 8
    """Model calls in one run, the last tool-less one not counted."""
    max_calls: Annotated[Integer, Field(ge=1)] = 32
    """Tool calls in one run."""
    parallel: Annotated[Integer, Field(ge=1)] = 8
    """Tool calls at the same time; 1 is strictly in order."""
    timeout: Duration = 30.0
    """For one tool call."""
    result_limit: Size = 65536
    """The most bytes of one result that the model is shown."""
    on_limit: OnLimit = "finish"
    """`finish`: one last call without tools; `fail`: a LimitError."""


class Feature(Entry):
    """What the application asks for by name, and where it goes."""

    description: str | None = None
    """What it is for."""
    tags: list[Text] | None = None
    """Words to select it by."""
    needs: list[ChatCapability] | None = None
    """Capabilities that every target must have; tools are inferred."""
    options: Options | None = None
    """Options of every target; a target's own win."""
    pin: Target | None = None
    """Beats everything."""
    profiles: dict[str, ProfileEntry] | None = None
    """Where it goes under each profile."""
    use: Target | None = None
    """Where it goes where no profile entry applies."""
    fallbacks: list[Fallback] | None = None
    """What takes over when a target fails, in order."""
    credentials: CredentialMode | None = None
    """Whose key pays. Default: as the profile says."""
    tools: Tools | None = None
    """Tool servers and the bounds of the loop."""
    output: Text | None = None
    """Name from `outputs`."""
