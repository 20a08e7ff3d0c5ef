"""The section `providers`: where models are served."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator

from .entry import Entry
from .environment import one_of
from .options import TimeoutSetting
from .scalars import (
    REFERENCES_ONLY,
    ContentReference,
    SecretReference,
    Text,
    TextOrSecret,
    no_literal_credentials,
)
from .scripts import ScriptItem

_Auth = Literal["none"]
Auth = Annotated[_Auth, one_of(_Auth)]
Headers = Annotated[dict[str, TextOrSecret], AfterValidator(no_literal_credentials), REFERENCES_ONLY]


def _as_written(script: Any) -> Any:
    """Leave a script as it is: the compiler shapes it, wherever it stands."""
    return script


Script = Annotated[Any, BeforeValidator(_as_written, json_schema_input_type=list[ScriptItem] | ContentReference | None)]


class Provider(Entry):
    """Where models are served: wire API, address, credential."""

    preset: Text | None = None
    """Name of a shipped preset to start from. Default: the preset with the provider's own name, if there is one
    and `api` is not given."""
    api: Text | None = None
    """The wire API: openai-chat or scripted."""
    base_url: Text | None = None
    """The address, as the vendor's own SDK takes it (with `/v1` for the OpenAI dialects)."""
    api_key: SecretReference | None = None
    """Reference to the platform's key."""
    auth: Auth | None = None
    """`none`: the provider takes no key."""
    headers: Headers | None = None
    """Headers of every request. One that carries a credential must be a reference."""
    extra_body: dict[str, Any] | None = None
    """Fields added to every request; merges like the option of that name."""
    timeout: TimeoutSetting | None = None
    """A duration (the whole call), or a mapping of connect, first_token, idle and total."""
    script: Script = None
    """For `api: scripted`: the script, or `{file: PATH}`."""
