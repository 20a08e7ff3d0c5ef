"""The section `mcp_servers`: tool servers, started as processes or reached at an address."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from .entry import Entry
from .environment import one_of
from .providers import Headers
from .scalars import ONE, SEVERAL, Boolean, Duration, Integer, SecretReference, Text, TextOrSecret

_Transport = Literal["streamable-http", "sse"]
Transport = Annotated[_Transport, one_of(_Transport)]
_Start = Literal["lazy", "eager"]
Start = Annotated[_Start, one_of(_Start)]


def _form(value: object) -> str:
    return SEVERAL if isinstance(value, list) else ONE


Globs = Annotated[Annotated[Boolean, Tag(ONE)] | Annotated[list[Text], Tag(SEVERAL)], Discriminator(_form)]


class OAuth(Entry):
    """How a token is got: by the client credentials grant, from where the server says."""

    client_id: Annotated[Text, Field(min_length=1)] = Field(examples=["routebook"])
    """The client's id."""
    client_secret: SecretReference = Field(examples=[{"env": "FILES_CLIENT_SECRET"}])
    """Reference to the client's secret."""
    issuer: Text | None = Field(None, examples=["https://auth.example.com"])
    """The authorization server that knows the client; it alone is asked. Default: the one that the server names."""
    scopes: list[Text] | None = Field(None, examples=[["files.read"]])
    """What the token is asked for."""


class Server(Entry):
    """A tool server (Model Context Protocol): a process of its own (`command`), or one that runs elsewhere (`url`)."""

    command: Annotated[Text, Field(min_length=1)] | None = Field(None, examples=["python"])
    """The program. A bare name is looked up beside the running Python first, then in PATH."""
    args: list[Text] | None = Field(None, examples=[["-m", "routebook.demo.clock"]])
    """Its arguments."""
    cwd: Text | None = Field(None, examples=["/srv/notes"])
    """The folder it is started in. Default: that of the application."""
    env: dict[str, TextOrSecret] | None = Field(
        None, examples=[{"NOTES_DIR": "/srv/notes", "KEY": {"env": "NOTES_KEY"}}]
    )
    """Variables added to the few that every server gets; a reference is a secret."""
    url: Annotated[Text, Field(min_length=1)] | None = Field(None, examples=["https://tools.example.com/mcp"])
    """The address of a server that runs elsewhere, instead of `command`."""
    transport: Transport | None = Field(None, examples=["sse"], json_schema_extra={"default": "streamable-http"})
    """How a server at a `url` is spoken to."""
    headers: Headers | None = Field(None, examples=[{"X-Team": "search", "X-Key": {"env": "FILES_KEY"}}])
    """Headers of every request to a `url`. One that carries a credential must be a reference."""
    token: SecretReference | None = Field(None, examples=[{"env": "FILES_TOKEN"}])
    """Reference to a token, sent to a `url` as `authorization: Bearer`."""
    oauth: OAuth | None = Field(
        None, examples=[{"client_id": "routebook", "client_secret": {"env": "FILES_CLIENT_SECRET"}}]
    )
    """How a token for a `url` is got, instead of `token`."""
    start: Start = Field("lazy", examples=["eager"])
    """`lazy`: with the first run that uses it; `eager`: with the engine."""
    start_timeout: Duration = Field(15.0, examples=["15s"])
    """How long it may take until it has listed its tools."""
    required: Boolean = Field(True, examples=[False])
    """Whether a run fails when the server cannot start; otherwise the run goes on without its tools."""
    parallel: Annotated[Integer, Field(ge=1)] | None = Field(None, examples=[4])
    """Calls under way at the same time, over all runs. Default: no bound but each feature's."""
    idempotent: Globs = Field(False, examples=[True, ["get_*", "list_*"]])
    """Tools whose calls may be made twice without harm: all of them, none, or globs over their names."""
    timeout: Duration | None = Field(None, examples=["10s"])
    """For one call of its tools, where the feature's own `timeout` is longer."""
    roots: list[Text] | None = Field(None, examples=[["/srv/notes"]])
    """Folders that the server is told it may work in."""
