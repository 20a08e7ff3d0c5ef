"""The `python` check: a function of the application judges an answer.

Comes in: the function, the answer, the caller's inputs. Goes out: the problems it found. The function gets a copy of
the answer. What it does wrong is a problem too, told without what it may hold: an exception by its type alone.
Finding the function by its name is the engine's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from inspect import iscoroutine
from types import MappingProxyType
from typing import Any

from ...canonical.frozen import thaw
from ...routing.output_spec import PythonSpec
from ..problem import bounded

Function = Callable[[Any, Mapping[str, Any]], Any]


def python_problems(spec: PythonSpec, function: Function, value: Any, inputs: Mapping[str, Any]) -> Iterator[str]:
    """Say what *function* finds wrong with *value*: None, true and an empty list are fine."""
    try:
        found = function(thaw(value), MappingProxyType(dict(inputs)))
    except Exception as error:  # noqa: BLE001, whatever the application's code raises
        yield f"check {spec.function} raised {type(error).__name__}"
        return
    if iscoroutine(found):
        found.close()
    if found is None or found is True:
        return
    if found is False:
        yield f"check {spec.function} refuses the answer"
    elif isinstance(found, str):
        yield _problem(spec, found)
    elif isinstance(found, (list, tuple)) and all(isinstance(problem, str) for problem in found):
        yield from (_problem(spec, problem) for problem in found)
    else:
        kind = type(found).__name__
        yield f"check {spec.function} returned {kind}; it must return None, True, a text or a list of texts"


def _problem(spec: PythonSpec, text: str) -> str:
    return bounded(" ".join(text.split())) or f"check {spec.function} refuses the answer"
