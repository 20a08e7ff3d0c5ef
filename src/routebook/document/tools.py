"""A feature's `tools`: which tools it offers, and the bounds of its tool loop."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .entry import Entry
from .environment import one_of
from .scalars import Duration, Integer, Size, Text

_OnLimit = Literal["finish", "fail"]
OnLimit = Annotated[_OnLimit, one_of(_OnLimit)]
_OnError = Literal["report", "fail"]
OnError = Annotated[_OnError, one_of(_OnError)]
Bound = Annotated[Integer, Field(ge=1)]


class Tools(Entry):
    """Which tools a feature offers, and the bounds of its tool loop."""

    servers: Annotated[list[Text], Field(min_length=1)] = Field(examples=[["clock", "files"]])
    """Names from `mcp_servers`."""
    allow: list[Text] | None = Field(None, examples=[["clock.*", "files.read_*"]])
    """Globs over `server.tool`. Default: all; `[]` is none."""
    deny: list[Text] | None = Field(None, examples=[["files.delete_*"]])
    """Globs that beat `allow`."""
    approve: list[Text] | None = Field(None, examples=[["files.write_*"]])
    """Globs over tools whose calls need the host's approval; without one they are refused."""
    max_turns: Bound = Field(8, examples=[8])
    """Model calls in one run, the last tool-less one not counted."""
    max_calls: Bound = Field(32, examples=[32])
    """Tool calls in one run."""
    parallel: Bound = Field(8, examples=[1])
    """Tool calls at the same time; 1 is strictly in order."""
    timeout: Duration = Field(30.0, examples=["30s"])
    """For one tool call."""
    result_limit: Size = Field(65536, examples=["16KiB"], json_schema_extra={"default": "64KiB"})
    """The most bytes of one result that the model is shown."""
    on_error: OnError = Field("report", examples=["fail"])
    """A tool that fails: `report` tells the model; `fail`: a ToolError."""
    on_limit: OnLimit = Field("finish", examples=["fail"])
    """`finish`: one last call without tools; `fail`: a LimitError."""
    repeat_limit: Bound = Field(3, examples=[3])
    """Equal calls (same tool, same arguments) in one run; what comes on top is answered with a note."""
