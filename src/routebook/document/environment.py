"""`{env: NAME, default: VALUE}`: scalars that are read from the environment while a book compiles.

The environment is handed in as a plain mapping, in pydantic's validation context. A value read from it is text;
it is converted to the type of the field it stands for. An unset name without a default is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_args

from pydantic import BeforeValidator, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

Environment = Mapping[str, str]


_NAME = "Name of the variable, read while the book compiles. Unset and without a default, it is an error."


class _WithoutDefault(TypedDict):
    env: Annotated[str, Field(description=_NAME, examples=["MODEL_QOS"])]


class EnvReference(_WithoutDefault, total=False):
    """A scalar read from an environment variable when the book compiles."""

    __pydantic_config__ = ConfigDict(extra="forbid", use_attribute_docstrings=True)  # type: ignore[misc]
    default: Annotated[str | int | float | bool, Field(examples=["premium"])]
    """The value where the variable is not set."""


def is_env_reference(value: Any) -> bool:
    """Tell whether *value* is `{env: NAME}` or `{env: NAME, default: VALUE}`."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("env"), str)
        and value.keys() <= {"env", "default"}
        and not isinstance(value.get("default"), (dict, list))
    )


def from_environment(convert: Callable[[str], Any], expected: str, written: Any) -> BeforeValidator:
    """Let a scalar field also be `{env: NAME}`.

    *convert* turns the variable's text into the field's type and raises ValueError where it cannot; *expected*
    says in words what the field wants; *written* is the type of the literal, for the JSON Schema.
    """

    def read(value: Any, info: ValidationInfo) -> Any:
        if not is_env_reference(value):
            return value
        name = value["env"]
        text = (info.context or {}).get(name)
        if text is None:
            if "default" in value:
                return value["default"]
            raise PydanticCustomError("env_unset", "environment variable {name} is not set", {"name": name})
        try:
            return convert(text)
        except ValueError:
            raise PydanticCustomError(
                "env_unfit", "environment variable {name} is not {expected}", {"name": name, "expected": expected}
            ) from None

    return BeforeValidator(read, json_schema_input_type=written | EnvReference)


def one_of(words: Any) -> BeforeValidator:
    """Let a field of closed *words*, a Literal, also be `{env: NAME}`."""
    known = get_args(words)

    def word(value: str) -> str:
        if value not in known:
            raise ValueError(value)
        return value

    return from_environment(word, f"one of {', '.join(known)}", words)


def text(value: str) -> str:
    """Take the variable's text as it is."""
    return value


def integer(value: str) -> int:
    """Read a whole number in decimal digits."""
    if not value.lstrip("+-").isdecimal():
        raise ValueError(value)
    return int(value)


def boolean(value: str) -> bool:
    """Read `true` or `false`, in any case."""
    known = {"true": True, "false": False}
    if value.lower() not in known:
        raise ValueError(value)
    return known[value.lower()]
