"""The section `features`: what the application asks for by name, and where it goes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from .entry import Entry
from .environment import boolean, from_environment, one_of
from .models import CapabilityName, Tokens
from .options import Options
from .profiles import CredentialMode
from .prompts import PromptSetting
from .rules import Rule
from .scalars import ONE, SEVERAL, Duration, JsonSchema, Number, Text
from .targets import Fallbacks, ProfileEntry, Shadow, Target, Use
from .tools import Tools

_CallerWord = Literal["any", "none"]


def _one_or_several(value: Any) -> str:
    return SEVERAL if isinstance(value, list) else ONE


CallerOptions = Annotated[
    Annotated[_CallerWord, one_of(_CallerWord), Tag(ONE)] | Annotated[list[Text], Tag(SEVERAL)],
    Discriminator(_one_or_several),
]
AllowOverride = Annotated[
    Annotated[bool, from_environment(boolean, "true or false", bool), Tag(ONE)]
    | Annotated[list[Text], Field(min_length=1), Tag(SEVERAL)],
    Discriminator(_one_or_several),
]
Dollars = Annotated[Number, Field(ge=0)]


_RULE = {"name": "long-input", "when": {"input_tokens": {"gt": 100000}}, "use": {"model": "gemini-flash"}}


class Budget(Entry):
    """The most that runs may spend; what a caller's own key pays is not counted."""

    usd_per_run: Dollars | None = Field(None, examples=[0.05])
    """US dollars of one run."""
    usd_per_day: Dollars | None = Field(None, examples=[20])
    """US dollars of all runs of this feature in one day (UTC)."""
    tokens_per_run: Tokens | None = Field(None, examples=[50000])
    """Tokens of one run, input and output together."""


class Feature(Entry):
    """What the application asks for by name, and where it goes."""

    description: Text | None = Field(None, examples=["Put a conversation into one of the user's folders."])
    """What it is for."""
    tags: list[Text] | None = Field(None, examples=[["conversation", "pii"]])
    """Words to select it by."""
    needs: list[CapabilityName] | None = Field(None, examples=[["json_schema"], ["embeddings"]])
    """Capabilities that every target must have; those of its tools, output and prompt are inferred. `embeddings` or
    `image_output` makes it a feature of that kind."""
    options: Options | None = Field(None, examples=[{"temperature": 0.2}])
    """Options of every target; win over the provider's and the model's, a target's own win over them."""
    caller_options: CallerOptions = Field("any", examples=["none", ["temperature", "stop"]])
    """Which options a caller may set: any (extra_body and extra_headers left out), none, or those named."""
    pin: Target | None = Field(None, examples=[{"model": "luna"}])
    """Beats everything, also the caller's model."""
    rules: Annotated[list[Rule], Field(max_length=500)] | None = Field(None, examples=[[_RULE]])
    """Conditions in order; the first that holds is taken."""
    profiles: dict[str, ProfileEntry] | None = Field(None, examples=[{"premium": {"model": "luna"}}])
    """Where it goes under each profile."""
    use: Use | None = Field(None, examples=[{"model": "luna"}])
    """Where it goes where no profile entry applies."""
    fallbacks: Fallbacks | None = Field(None, examples=[[{"model": "gemini-flash"}]])
    """What takes over when a target fails, in order."""
    shadow: Shadow | None = Field(None, examples=[{"model": "candidate", "percent": 5}])
    """A target that is mirrored to and recorded, never returned; it runs no tools."""
    credentials: CredentialMode | None = Field(None, examples=["platform"])
    """Whose key pays: `platform` (callers' keys are ignored), `prefer_caller` (the caller's where one is brought), or
    `caller` (without one, a run is refused). Default: as the active profile says."""
    deadline: Duration | None = Field(None, examples=["20s"])
    """One clock over every queue, retry, fallback, tool and repair of a run."""
    allow_override: AllowOverride = Field(False, examples=[True, ["luna"]])
    """Whether a caller may choose the model: false, true (any entry of `models`), or a list of them."""
    prompt: PromptSetting | None = Field(None, examples=[{"user": "Summarise this: {{ text }}"}])
    """Templates of the system's and the user's message; `{file: PATH}` alone is the user's."""
    input: JsonSchema | None = Field(None, examples=[{"type": "object", "properties": {"text": {"type": "string"}}}])
    """JSON Schema (2020-12) of the inputs, which are the prompt's variables; or `{file: PATH}`."""
    tools: Tools | None = Field(None, examples=[{"servers": ["clock"]}])
    """Tool servers and the bounds of the loop."""
    output: Text | None = Field(None, examples=["folder_assignment"])
    """Name from `outputs`."""
    budget: Budget | None = Field(None, examples=[{"usd_per_run": 0.05}])
    """The most that it may spend."""
