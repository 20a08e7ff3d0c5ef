"""A feature's `tools`: which tools it offers, and the bounds of its tool loop."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .entry import Entry
from .environment import one_of
from .scalars import Duration, Integer, Size, Text

_OnLimit = Literal["finish", "fail"]
OnLimit = Annotated[_OnLimit, one_of(_OnLimit)]


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
