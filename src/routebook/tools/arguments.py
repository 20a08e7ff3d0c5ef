"""What is wrong with the arguments of a tool call, in words that let a model mend them.

Pure. Arguments are tested against the tool's own JSON Schema before a server is asked. A schema that is broken,
refers to another document or has a pattern that no linear-time engine takes is left to the server: nothing is ever
fetched, and no pattern of a server makes this hang.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from jsonschema.exceptions import ValidationError
from referencing.exceptions import Unresolvable

from ..canonical.frozen import thaw
from ..canonical.tool import ToolCall
from ..outputs.compiled import compile_foreign_schema

_MOST_MISFITS = 5
_MISFIT_LENGTH = 300
_JSON_KINDS: Final = {list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}


def problem_with_arguments(call: ToolCall, parameters: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the arguments of *call*, to be read after `the arguments`, or None.

    *parameters* is the tool's JSON Schema: of the draft that its `$schema` names, else 2020-12. It is
    compiled once for as long as it is the same object.
    """
    if call.arguments is None:
        return _why_no_object(call.arguments_json)
    misfits = _misfits(call.arguments, parameters)
    return f"do not fit its parameters: {'; '.join(misfits)}" if misfits else None


def _why_no_object(raw: str | None) -> str:
    try:
        value = json.loads(raw or "", parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        return f"are no valid JSON: {error.msg} at line {error.lineno}, column {error.colno}"
    except ValueError as error:
        return f"are no valid JSON: {error}"
    except RecursionError:
        return "are nested too deeply"
    kind = _JSON_KINDS.get(type(value))
    return "are no valid JSON" if kind is None else f"are {kind}, not an object"


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")


def _misfits(arguments: Mapping[str, Any], parameters: Mapping[str, Any]) -> list[str]:
    validator = compile_foreign_schema(parameters)
    if validator is None:
        return []
    try:
        return [_sentence(error) for error in islice(validator.iter_errors(thaw(arguments)), _MOST_MISFITS)]
    except (Unresolvable, OverflowError, RecursionError):
        return []


def _sentence(error: ValidationError) -> str:
    place = "".join(f"/{step}" for step in error.absolute_path)
    message = error.message if len(error.message) <= _MISFIT_LENGTH else f"{error.message[:_MISFIT_LENGTH]}..."
    return f"{place}: {message}" if place else message
