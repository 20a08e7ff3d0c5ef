"""Scalars of route files: text, numbers, durations, sizes, references to secrets and to content.

Durations become seconds, sizes bytes. Each scalar but a secret may also be `{env: NAME, default: VALUE}`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from .entry import Entry
from .environment import boolean, from_environment, integer, text

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_SIZE = re.compile(r"(\d+)(B|KiB|MiB|GiB|kB|MB|GB)?")
_SIZE_UNITS = {None: 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "kB": 10**3, "MB": 10**6, "GB": 10**9}


def seconds(value: str) -> float | None:
    """Read a duration such as `250ms`, `30s`, `5m`, `1h` as seconds; None where it is none."""
    match = _DURATION.fullmatch(value)
    return None if match is None else float(match[1]) * _DURATION_UNITS[match[2]]


def size_bytes(value: str) -> int | None:
    """Read a size such as `64KiB`, `1MiB`, `500kB` as bytes; None where it is none."""
    match = _SIZE.fullmatch(value)
    return None if match is None else int(match[1]) * _SIZE_UNITS[match[2]]


def _duration(value: Any) -> float:
    read = seconds(value) if isinstance(value, str) else value
    if not isinstance(read, float):
        raise PydanticCustomError(
            "duration", "expected a duration such as 250ms, 30s or 5m, not {value}", {"value": repr(value)}
        )
    return read


def _positive(value: float) -> float:
    if value <= 0:
        raise PydanticCustomError("too_small", "expected a duration above zero")
    return value


def _size(value: Any) -> int:
    read = size_bytes(value) if isinstance(value, str) else value
    if not isinstance(read, int) or isinstance(read, bool):
        raise PydanticCustomError("size", "expected a size such as 64KiB or 1MiB, not {value}", {"value": repr(value)})
    return read


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise PydanticCustomError("finite", "expected a finite number")
    return value


def _number(value: str) -> float:
    return _finite(float(value))


Text = Annotated[str, from_environment(text, "text", str)]
Integer = Annotated[int, from_environment(integer, "a whole number", int)]
Number = Annotated[float, AfterValidator(_finite), from_environment(_number, "a number", float)]
Boolean = Annotated[bool, from_environment(boolean, "true or false", bool)]
Duration = Annotated[
    float, AfterValidator(_positive), BeforeValidator(_duration), from_environment(text, "a duration", str)
]
Size = Annotated[int, Field(ge=1), BeforeValidator(_size), from_environment(text, "a size", str | int)]


class Secret(Entry):
    """Where a secret's value is found when a client is made: `{env: NAME}` or `{file: PATH}`, never the value."""

    env: str | None = Field(default=None, min_length=1)
    """Name of the environment variable that holds the secret."""
    file: str | None = Field(default=None, min_length=1)
    """Path of the file that holds the secret."""

    @property
    def reference(self) -> tuple[Literal["env", "file"], str]:
        """The kind and the name of the reference."""
        return ("env", self.env) if self.env is not None else ("file", str(self.file))


def _reference_only(value: Any) -> Any:
    if isinstance(value, dict):
        if len(value.keys() & {"env", "file"}) == 2 or not value:
            raise PydanticCustomError("secret_form", "a secret is either {{env: NAME}} or {{file: PATH}}")
        return value
    raise PydanticCustomError("secret_literal", "a secret must not stand in a route file")


def _form(value: Any) -> str:
    return "[reference]" if isinstance(value, (dict, Secret)) else "[literal]"


SecretReference = Annotated[Secret, BeforeValidator(_reference_only, json_schema_input_type=Secret)]
TextOrSecret = Annotated[
    Annotated[str, Tag("[literal]")] | Annotated[SecretReference, Tag("[reference]")], Discriminator(_form)
]

_CREDENTIAL_HEADER = re.compile(r"(?:proxy-)?authorization|cookie|(?:.*[-_])?(?:key|token|secret|password)", re.I)


def carries_credential(header: str) -> bool:
    """Tell whether a header's name says that its value is a credential."""
    return _CREDENTIAL_HEADER.fullmatch(header) is not None


def no_literal_credentials(headers: dict[str, Any] | None) -> dict[str, Any] | None:
    """Refuse a header that carries a credential in plain text; references pass."""
    for name, value in (headers or {}).items():
        if isinstance(value, str) and carries_credential(name):
            raise PydanticCustomError("secret_header", "header {name} carries a credential", {"name": name})
    return headers


@dataclass(frozen=True, slots=True)
class ContentFile:
    """`{file: PATH}`: content that lies in a file of its own, below the book's root."""

    path: str


def content_file(value: Any) -> ContentFile | None:
    """Return the reference if *value* is `{file: PATH}` and nothing else, or None."""
    if isinstance(value, dict) and value.keys() == {"file"} and isinstance(value["file"], str):
        return ContentFile(value["file"])
    return None
