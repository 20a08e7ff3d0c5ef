"""Template: text with variables → text, in Jinja's sandbox.

Comes in: a template and plain variables. Goes out: the rendered text, or one TemplateProblem that says what is
wrong and on which line. The same two give the same text everywhere: nothing random, no files, no includes.
Undefined variables are errors, values are never interpreted as templates, and what a template can blow up
(ranges, repeated text, the whole output) is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError
from jinja2.meta import find_undeclared_variables
from jinja2.nodes import Extends, FromImport, Import, Include
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

_LONGEST_OUTPUT = 4 * 1024 * 1024
_LARGEST_EXPONENT = 64
_UNPREDICTABLE_FILTERS = ("random",)
_COMPILED = "<template>"
_PLACEHOLDER = re.compile(r"\{\{ *([A-Za-z_][A-Za-z0-9_]*) *\}\}")
_REACHES_OUT = (Extends, FromImport, Import, Include)


class TemplateProblem(ValueError):
    """A template cannot be rendered; `message` says why, `line` where (1-based, None where nobody can tell)."""

    def __init__(self, message: str, line: int | None = None) -> None:
        self.message = message
        self.line = line
        super().__init__(message if line is None else f"line {line}: {message}")


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, which also bounds what `*` and `**` make."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" and (abs(left) > _LONGEST_OUTPUT or abs(right) > _LARGEST_EXPONENT):
            raise OverflowError("the power is too large")
        if operator == "*" and _repeated_size(left, right) > _LONGEST_OUTPUT:
            raise OverflowError("the repeated text is too long")
        return super().call_binop(context, operator, left, right)


def render(template: str, variables: Mapping[str, Any]) -> str:
    """Render *template* with *variables*; line breaks at its end are kept.

    Raises:
        TemplateProblem: A syntax error, an undefined variable, something that the sandbox forbids, or more than
            four million characters of output.
    """
    compiled = _compile(template)
    pieces: list[str] = []
    size = 0
    try:
        for piece in compiled.generate(dict(variables)):
            size += len(piece)
            if size > _LONGEST_OUTPUT:
                raise TemplateProblem(f"the template renders to more than {_LONGEST_OUTPUT:,} characters")
            pieces.append(piece)
    except TemplateProblem:
        raise
    except RecursionError as error:
        raise TemplateProblem("a macro calls itself without end", _line_of(error)) from error
    except (TemplateError, ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError) as error:
        raise TemplateProblem(_sentence(error), _line_of(error)) from error
    return "".join(pieces)


@lru_cache(maxsize=4096)
def variables_of(template: str) -> frozenset[str]:
    """Return the names that *template* reads from its variables.

    Raises:
        TemplateProblem: A syntax error, or a template that asks for another one.
    """
    names = _plain_variables(template)
    if names is not None:
        return names
    try:
        tree = _SANDBOX.parse(template)
        for node in tree.find_all(_REACHES_OUT):
            raise TemplateProblem("a template stands alone: no include, import or extends", node.lineno)
        return frozenset(find_undeclared_variables(tree) - _SANDBOX.globals.keys())
    except TemplateSyntaxError as error:
        raise TemplateProblem(_sentence(error), error.lineno) from error
    except RecursionError as error:
        raise TemplateProblem("the template is nested too deeply") from error


def _plain_variables(template: str) -> frozenset[str] | None:
    """Return the names that *template* reads where it only puts them in; None where it does more than that.

    Most templates do no more, and Jinja takes a hundred times as long to say so.
    """
    if "{%" in template or "{#" in template:
        return None
    rest = _PLACEHOLDER.sub("", template)
    if "{{" in rest or "}}" in rest:
        return None
    names = frozenset(_PLACEHOLDER.findall(template))
    return None if names & _NO_VARIABLES else names


@lru_cache(maxsize=1024)
def _compile(template: str) -> Template:
    try:
        return _SANDBOX.from_string(template)
    except TemplateSyntaxError as error:
        raise TemplateProblem(_sentence(error), error.lineno) from error
    except RecursionError as error:
        raise TemplateProblem("the template is nested too deeply") from error


def _make_sandbox() -> _Sandbox:
    sandbox = _Sandbox(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
    del sandbox.globals["lipsum"]
    for name in _UNPREDICTABLE_FILTERS:
        del sandbox.filters[name]
    return sandbox


def _repeated_size(left: Any, right: Any) -> int:
    sized, times = (right, left) if isinstance(left, int) else (left, right)
    return len(sized) * times if isinstance(times, int) and isinstance(sized, (str, list, tuple)) else 0


def _sentence(error: BaseException) -> str:
    text = getattr(error, "message", None) or str(error) or type(error).__name__
    return text.removesuffix(".")


def _line_of(error: BaseException) -> int | None:
    """Return the template's line that raised: the last frame that Jinja compiled from it."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == _COMPILED:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


_SANDBOX = _make_sandbox()
_NO_VARIABLES = frozenset({*_SANDBOX.globals, "true", "false", "none", "True", "False", "None", "not", "self"})
