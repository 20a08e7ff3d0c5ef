"""What the tool loop knows of a tool server: its tools, its answers, its failures. How it is reached is `session`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..canonical.frozen import EMPTY, freeze, freeze_mapping
from ..canonical.tool import ResultPart


@dataclass(frozen=True, slots=True)
class ServerTool:
    """A tool as its server lists it; `server` is the book's name, `parameters` the JSON Schema of the arguments."""

    server: str
    name: str
    description: str
    parameters: Mapping[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", freeze_mapping(self.parameters))


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a server answered, uncut; `is_error` where the tool itself says that it failed."""

    content: tuple[ResultPart, ...]
    structured: Any = None
    is_error: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "structured", freeze(self.structured))


@dataclass(frozen=True, slots=True)
class ServerSecrets:
    """What a server is given that must not show: the values of its variables and headers, its token. None of it is in
    the repr.
    """

    env: Mapping[str, str] = field(default=EMPTY, repr=False)
    headers: Mapping[str, str] = field(default=EMPTY, repr=False)
    token: str | None = field(default=None, repr=False)
    client_secret: str | None = field(default=None, repr=False)

    @property
    def values(self) -> tuple[str, ...]:
        """Every text that no message may hold."""
        single = (value for value in (self.token, self.client_secret) if value is not None)
        return (*self.env.values(), *self.headers.values(), *single)


NO_SECRETS = ServerSecrets()


class ToolFailure(Exception):
    """A call that got no answer; the message is a sentence for the model and for people."""


class Server(Protocol):
    """A tool server that can be called."""

    async def call(self, name: str, arguments: Mapping[str, Any], timeout_s: float) -> ToolAnswer:
        """Call the tool *name*, as the server itself names it.

        Raises:
            ToolFailure: No answer within *timeout_s* seconds, or none at all.
        """
        ...
