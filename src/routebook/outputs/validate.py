"""Validate: does a value keep a schema that `check_schema` found good.

Goes out: what is wrong, as sentences; empty where nothing is. Nothing is fetched, and nothing that a model writes can
make this hang: patterns are matched in linear time, what is said is bounded. `format` is an annotation only.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from ..canonical.frozen import thaw
from .compiled import compile_schema
from .problem import explained, located

_MOST_PROBLEMS = 20


def validate(schema: Mapping[str, Any], value: Any) -> tuple[str, ...]:
    """Return what keeps *value* from being valid under *schema*, which `check_schema` found good and nobody changes.

    At most 20 sentences, each with the place in the value as a JSON pointer: `/folder_id: 7 is not of type 'string'`.
    """
    try:
        errors = list(islice(compile_schema(schema).iter_errors(thaw(value)), _MOST_PROBLEMS + 1))
    except RecursionError:
        return ("the value is nested too deeply to be checked",)
    except OverflowError:
        return ("the value holds a number too large to be checked",)
    problems = [located(error.absolute_path, explained(error)) for error in errors]
    if len(problems) > _MOST_PROBLEMS:
        problems[_MOST_PROBLEMS - 1 :] = ["there are further problems"]
    return tuple(dict.fromkeys(problems))
