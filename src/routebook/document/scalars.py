"""Scalars of route files: text, numbers, durations, sizes, references to secrets and to content.

Durations become seconds, sizes bytes. Each scalar but a secret may also be `{env: NAME, default: VALUE}`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from reprlib import repr as short_repr
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from .entry import Entry
from .environment import boolean, from_environment, integer, text

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_SIZE = re.compile(r"([0-9]+)(B|KiB|MiB|GiB|kB|MB|GB)?")
_SIZE_UNITS = {None: 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "kB": 10**3, "MB": 10**6, "GB": 10**9}
_BROKEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OWN_HEADERS = frozenset(
    {
        # of the exchange: its body, and the answers that can be read
        *("accept", "accept-encoding", "content-encoding", "content-length", "content-type", "expect", "host"),
        # of the connection
        *("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"),
    }
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def seconds(value: str) -> float | None:
    """Read a duration such as `250ms`, `30s`, `5m`, `1h` as seconds; None where it is none."""
    match = _DURATION.fullmatch(value)
    return None if match is None else float(match[1]) * _DURATION_UNITS[match[2]]


def duration_text(value: float) -> str:
    """Write *value*, in seconds, as a duration."""
    return f"{value * 1000:g}ms" if value < 1 else f"{value:g}s"


def size_bytes(value: str) -> int | None:
    """Read a size such as `64KiB`, `1MiB`, `500kB` as bytes; None where it is none."""
    match = _SIZE.fullmatch(value)
    return None if match is None else int(match[1]) * _SIZE_UNITS[match[2]]


def _duration(value: Any) -> float:
    read = seconds(value) if isinstance(value, str) else None
    if read is None:
        raise PydanticCustomError(
            "duration", "expected a duration such as 250ms, 30s or 5m, not {value}", {"value": short_repr(value)}
        )
    return read


def one_or_many(value: Any) -> Any:
    """Take a bare text for a list of one."""
    return [value] if isinstance(value, str) else value


def _positive(value: float) -> float:
    if value <= 0:
        raise PydanticCustomError("too_small", "expected a duration above zero")
    return value


def _size(value: Any) -> int:
    read = size_bytes(value) if isinstance(value, str) else value
    if not isinstance(read, int) or isinstance(read, bool):
        raise PydanticCustomError(
            "size", "expected a size such as 64KiB or 1MiB, not {value}", {"value": short_repr(value)}
        )
    return read


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise PydanticCustomError("finite", "expected a finite number")
    return value


def _env_number(value: str) -> float:
    if not _NUMBER.fullmatch(value):
        raise ValueError(value)
    return float(value)


def _env_duration(value: str) -> str:
    if seconds(value) is None:
        raise ValueError(value)
    return value


def _env_size(value: str) -> str:
    if size_bytes(value) is None:
        raise ValueError(value)
    return value


DURATION_PATTERN = f"^(?=.*[1-9]){_DURATION.pattern}$"
_DurationText = Annotated[str, Field(pattern=DURATION_PATTERN)]
_Bytes = Annotated[int, Field(ge=1)]
_SizeText = Annotated[str, Field(pattern=f"^(?=.*[1-9]){_SIZE.pattern}$")]

Text = Annotated[str, from_environment(text, "text", str)]
Integer = Annotated[int, from_environment(integer, "a whole number", int)]
Number = Annotated[float, AfterValidator(_finite), from_environment(_env_number, "a number", float)]
Boolean = Annotated[bool, from_environment(boolean, "true or false", bool)]
Duration = Annotated[
    float,
    AfterValidator(_finite),
    AfterValidator(_positive),
    BeforeValidator(_duration),
    from_environment(_env_duration, "a duration such as 30s", _DurationText),
]
Size = Annotated[
    _Bytes, BeforeValidator(_size), from_environment(_env_size, "a size such as 64KiB", _SizeText | _Bytes)
]


class Secret(Entry):
    """Where a secret's value is found when a client is made: `{env: NAME}` or `{file: PATH}`, never the value."""

    env: str | None = None
    """Name of the environment variable that holds the secret."""
    file: str | None = None
    """Path of the file that holds the secret."""

    @property
    def reference(self) -> tuple[Literal["env", "file"], str]:
        """The kind and the name of the reference."""
        return ("env", self.env) if self.env is not None else ("file", str(self.file))


class SecretVariable(TypedDict):
    """A secret that an environment variable holds."""

    __pydantic_config__ = ConfigDict(extra="forbid", use_attribute_docstrings=True)  # type: ignore[misc]
    env: Annotated[str, Field(pattern=f"^{_VARIABLE.pattern}$", examples=["HOUSE_KEY"])]
    """Name of the variable that holds the secret; it is read when a client is made."""


class SecretFile(TypedDict):
    """A secret that a file holds."""

    __pydantic_config__ = ConfigDict(extra="forbid", use_attribute_docstrings=True)  # type: ignore[misc]
    file: Annotated[str, Field(min_length=1, examples=["/run/secrets/house-key"])]
    """Path of the file that holds the secret, inside the book or not; it is read when a client is made."""


def _reference_only(value: Any) -> Any:
    if not isinstance(value, dict):
        raise PydanticCustomError("secret_literal", "a secret must not stand in a route file")
    if value.keys() not in ({"env"}, {"file"}) or not all(isinstance(name, str) and name for name in value.values()):
        raise PydanticCustomError("secret_form", "a secret is either {env: NAME} or {file: PATH}, and nothing else")
    if "env" in value and not _VARIABLE.fullmatch(value["env"]):
        raise PydanticCustomError("secret_literal", "`env` takes the name of an environment variable, not the secret")
    return value


_LITERAL, _REFERENCE = "[literal]", "[reference]"
ONE, SEVERAL, OPERATORS, FILE = "[one]", "[several]", "[operators]", "[file]"
FORM_TAGS = frozenset({_LITERAL, _REFERENCE, ONE, SEVERAL, OPERATORS, FILE})
"""Steps that pydantic puts into an error's path for the form of a value; no one wrote them."""


def _form(value: Any) -> str:
    return _REFERENCE if isinstance(value, (dict, Secret)) else _LITERAL


SecretReference = Annotated[
    Secret, BeforeValidator(_reference_only, json_schema_input_type=SecretVariable | SecretFile)
]
TextOrSecret = Annotated[
    Annotated[str, Tag(_LITERAL)] | Annotated[SecretReference, Tag(_REFERENCE)], Discriminator(_form)
]

_CREDENTIAL_HEADER = re.compile(r"(?:proxy-)?authorization|cookie|(?:.*[-_])?(?:key|token|secret|password)", re.I)
_IN_ANY_CASE = re.sub("[a-z]", lambda letter: f"[{letter[0].upper()}{letter[0]}]", _CREDENTIAL_HEADER.pattern)


def carries_credential(header: str) -> bool:
    """Tell whether a header's name says that its value is a credential."""
    return _CREDENTIAL_HEADER.fullmatch(header) is not None


def no_literal_credentials(headers: dict[str, Any] | None) -> dict[str, Any] | None:
    """Refuse headers that carry a credential in plain text; references pass."""
    _check_carried(headers or {})
    names = [name for name, value in (headers or {}).items() if isinstance(value, str) and carries_credential(name)]
    if names:
        raise PydanticCustomError("secret_header", "a header that carries a credential is no literal", {"names": names})
    return headers


def _check_carried(headers: dict[Any, Any]) -> None:
    """Refuse what would forge a header of its own, what HTTP cannot carry, and what each request says itself."""
    written = {str(name): value if isinstance(value, str) else "" for name, value in headers.items()}
    broken = [name for name, value in written.items() if _BROKEN.search(name + value)]
    if broken:
        raise PydanticCustomError("header_break", "a header is one line of text", {"names": broken})
    foreign = [name for name, value in written.items() if not _HEADER_NAME.fullmatch(name) or not value.isascii()]
    if foreign:
        raise PydanticCustomError(
            "header_text", "a header's name has letters, digits and `-`, and its value is ASCII", {"names": foreign}
        )
    own = [name for name in written if name.lower() in _OWN_HEADERS]
    if own:
        raise PydanticCustomError("header_own", "this header is set by the request itself", {"names": own})


def no_credentials(headers: Any) -> Any:
    """Refuse headers that carry a credential, in plain text or by reference; null, which removes one, passes."""
    written = headers.items() if isinstance(headers, dict) else ()
    _check_carried(dict(written))
    names = [name for name, value in written if value is not None and carries_credential(str(name))]
    if names:
        raise PydanticCustomError("secret_header", "a header that carries a credential is no option", {"names": names})
    return headers


REFERENCES_ONLY = Field(json_schema_extra={"patternProperties": {f"^(?:{_IN_ANY_CASE})$": {"not": {"type": "string"}}}})
"""What the JSON Schema of headers says of `no_literal_credentials`."""


class ContentReference(TypedDict):
    """Content in a file of its own, below the book's root."""

    __pydantic_config__ = ConfigDict(extra="forbid", use_attribute_docstrings=True)  # type: ignore[misc]
    file: Annotated[str, Field(examples=["_schemas/folder_assignment.json"])]
    """Path below the book's root. What the file holds is part of the table's digest."""


@dataclass(frozen=True, slots=True)
class ContentFile:
    """`{file: PATH}`: content that lies in a file of its own, below the book's root."""

    path: str


def content_file(value: Any) -> ContentFile | None:
    """Return the reference if *value* is `{file: PATH}` and nothing else, or None."""
    if isinstance(value, dict) and value.keys() == {"file"} and isinstance(value["file"], str):
        return ContentFile(value["file"])
    return None


JsonSchema = Annotated[
    dict[str, Any] | bool,
    BeforeValidator(lambda value: value, json_schema_input_type=dict[str, Any] | bool | ContentReference),
]
"""A JSON Schema as written, or the reference to one; the compiler reads it."""
