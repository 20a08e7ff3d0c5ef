"""The section `providers`: where models are served."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from .entry import Entry
from .environment import one_of
from .limits import Limits
from .options import TimeoutSetting
from .scalars import (
    REFERENCES_ONLY,
    ContentReference,
    Duration,
    Integer,
    SecretReference,
    Text,
    TextOrSecret,
    no_literal_credentials,
)
from .scripts import ScriptItem

_Auth = Literal["none"]
Place = Annotated[Text, Field(min_length=1)]
Auth = Annotated[_Auth, one_of(_Auth)]
Headers = Annotated[dict[str, TextOrSecret], AfterValidator(no_literal_credentials), REFERENCES_ONLY]


def _as_written(script: Any) -> Any:
    """Leave a script as it is: the compiler shapes it, wherever it stands."""
    return script


Script = Annotated[Any, BeforeValidator(_as_written, json_schema_input_type=list[ScriptItem] | ContentReference | None)]


class Retry(Entry):
    """Tries on one target before the next one takes over."""

    attempts: Annotated[Integer, Field(ge=1)] = Field(3, examples=[3])
    """Calls of one target, the first one counted."""
    backoff: Duration = Field(0.5, examples=["500ms"])
    """The first pause between two calls; the next ones are longer."""
    max_backoff: Duration = Field(20.0, examples=["20s"])
    """The longest pause."""


class Breaker(Entry):
    """Leaves a target alone that fails again and again."""

    failures: Annotated[Integer, Field(ge=1)] = Field(5, examples=[5])
    """Failures in a row after which the target is left alone."""
    open: Duration = Field(30.0, examples=["30s"])
    """For how long."""


APIS = ["openai-chat", "openai-responses", "anthropic", "gemini", "bedrock", "litellm", "scripted"]
PRESETS = [
    *("openai", "anthropic", "gemini", "vertex", "bedrock", "azure", "openrouter", "perplexity", "mistral", "groq"),
    *("deepseek", "together", "fireworks", "xai", "cerebras", "nvidia", "ollama", "vllm", "lmstudio", "litellm-proxy"),
]
"""What an editor offers; which there are, the compiler is told."""


def _offer(words: list[str]) -> Callable[[dict[str, Any]], None]:
    return lambda schema: schema.update(examples=words)


class Provider(Entry):
    """Where models are served: wire API, address, credential, bounds on calling it."""

    preset: Text | None = Field(None, examples=["openai"], json_schema_extra=_offer(PRESETS))
    """Name of a shipped preset to start from. Default: the preset with the provider's own name, if there is one
    and `api` is not given."""
    api: Text | None = Field(None, examples=["openai-chat"], json_schema_extra=_offer(APIS))
    """The wire API: openai-chat, openai-responses, anthropic, gemini, bedrock, litellm or scripted."""
    base_url: Text | None = Field(None, examples=["https://llm.example.com/v1"])
    """The address, as the vendor's own SDK takes it (with `/v1` for the OpenAI dialects)."""
    api_key: SecretReference | None = Field(None, examples=[{"env": "HOUSE_KEY"}])
    """Reference to the platform's key."""
    auth: Auth | None = Field(None, examples=["none"])
    """`none`: the provider takes no key."""
    headers: Headers | None = Field(None, examples=[{"X-Title": "Demo", "X-Key": {"env": "HOUSE_KEY"}}])
    """Headers of every request. One that carries a credential must be a reference."""
    extra_body: dict[str, Any] | None = Field(None, examples=[{"user": "routebook"}])
    """Fields added to every request; merges like the option of that name."""
    region: Place | None = Field(None, examples=["eu-central-1"])
    """The vendor's region, where the API needs one."""
    project: Place | None = Field(None, examples=["my-project"])
    """The vendor's project, where the API needs one."""
    location: Place | None = Field(None, examples=["europe-west4"])
    """The vendor's location, where the API needs one."""
    api_version: Place | None = Field(None, examples=["2026-10-21"])
    """The version of the API. Default: the newest."""
    deployment: Place | None = Field(None, examples=["gpt-eu"])
    """The deployment that every call goes to, where the vendor has such a thing."""
    timeout: TimeoutSetting | None = Field(None, examples=["30s", {"connect": "5s", "first_token": "30s"}])
    """A duration (the whole call), or a mapping of connect, first_token, idle and total."""
    limits: Limits | None = Field(None, examples=[{"concurrency": 64, "requests_per_minute": 6000}])
    """How much may be asked at once and in a minute, of the provider in total."""
    retry: Retry | None = Field(None, examples=[{"attempts": 3, "backoff": "500ms", "max_backoff": "20s"}])
    """Tries on one target before the next one takes over."""
    breaker: Breaker | None = Field(None, examples=[{"failures": 5, "open": "30s"}])
    """Leaves a target alone that fails again and again."""
    script: Script = Field(None, examples=[{"file": "_scripts/stage.yaml"}])
    """For `api: scripted`: the script, or `{file: PATH}`."""
