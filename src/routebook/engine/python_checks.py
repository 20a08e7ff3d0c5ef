"""Python checks: the functions that a book names as `package.module:function`, found by their name.

A lazy door: what it imports is the application's, and the book is its table. It is opened when a run's contract is
made, never while a book compiles.
"""

from __future__ import annotations

from importlib import import_module
from inspect import iscoroutinefunction

from ..errors import RequestError
from ..outputs.checks.python import Function
from ..routing.output_spec import PythonSpec


def find_function(spec: PythonSpec, output: str) -> Function:
    """Return the function that *spec*, a check of *output*, names.

    Raises:
        RequestError: `field` is `output`. Its module cannot be imported, or has no such function, or it is `async`.
    """
    module_name, _, name = spec.function.partition(":")
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        raise _refusal(spec, output, f"there is no module {error.name!r}") from error
    except Exception as error:
        raise _refusal(spec, output, f"importing {module_name!r} raised {type(error).__name__}") from error
    found = getattr(module, name, None)
    if not callable(found):
        raise _refusal(spec, output, f"module {module_name!r} has no function {name!r}")
    if iscoroutinefunction(found):
        raise _refusal(spec, output, "the function is async; a check is a plain function")
    function: Function = found
    return function


def _refusal(spec: PythonSpec, output: str, why: str) -> RequestError:
    return RequestError(f"check {spec.function!r} of output {output!r} cannot be used: {why}", "output")
