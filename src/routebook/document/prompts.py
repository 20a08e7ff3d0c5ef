"""A feature's `prompt`: templates, each text or a content file."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.functional_validators import model_validator
from pydantic_core import PydanticCustomError

from .entry import Entry, at_least_one
from .environment import from_environment, text
from .scalars import ContentFile, ContentReference, content_file


def _reference(value: Any) -> Any:
    return content_file(value) or value


Template = Annotated[
    str | ContentFile,
    BeforeValidator(_reference, json_schema_input_type=str | ContentReference),
    from_environment(text, "text", str | ContentReference),
]


def _whole_file(value: Any) -> Any:
    """A prompt that is one file is the user's template."""
    return {"user": value} if content_file(value) else value


class Prompt(Entry):
    """Templates (Jinja, in a sandbox) over the caller's inputs; an undefined variable is an error."""

    model_config = ConfigDict(json_schema_extra=at_least_one("system", "user"))

    system: Template | None = Field(None, examples=["You file conversations.", {"file": "_prompts/folders.md"}])
    """Stands before the caller's messages."""
    user: Template | None = Field(None, examples=["File this: {{ text }}"])
    """The user's message. A string that the caller passes is its variable `text`."""

    @model_validator(mode="after")
    def _something(self) -> Prompt:
        if self.system is None and self.user is None:
            raise PydanticCustomError("one_of", "a prompt has `system`, `user` or both")
        return self


PromptSetting = Annotated[Prompt, BeforeValidator(_whole_file, json_schema_input_type=Prompt | ContentReference)]
