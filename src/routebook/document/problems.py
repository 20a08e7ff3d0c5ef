"""pydantic's errors → located diagnostics, each with the sentence a person can act on (RB2xx, RB7xx)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from reprlib import repr as short_repr
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from ..diagnostics.diagnostic import Diagnostic, diagnose
from ..diagnostics.span import Span
from ..diagnostics.suggest import did_you_mean
from ..source.node import Node, existing, locate, locate_key, to_plain, value_at
from .environment import is_env_reference
from .matchers import AnyMatcher, OpenMatchers
from .scalars import FORM_TAGS, carries_credential

_CODES = {
    "extra_forbidden": "RB201",
    "unknown_fields": "RB201",
    "misplaced": "RB203",
    "no_target": "RB204",
    "null": "RB202",
    "null_matcher": "RB202",
    "string_pattern_mismatch": "RB205",
    "missing": "RB204",
    "env_unset": "RB701",
    "env_unfit": "RB702",
    "secret_literal": "RB206",
    "secret_header": "RB206",
    "header_break": "RB203",
    "header_text": "RB203",
    "header_own": "RB203",
    "secret_form": "RB206",
    "too_small": "RB203",
    "finite": "RB203",
    "duration": "RB203",
    "size": "RB203",
    "one_of": "RB203",
    "regex": "RB203",
    "literal_error": "RB203",
    "greater_than_equal": "RB203",
    "less_than_equal": "RB203",
    "too_short": "RB203",
    "too_long": "RB203",
    "string_too_short": "RB203",
}
_SPLITS = "a `split` stands in `use`, in a rule's `use` or in a profile's entry, and nowhere else"

Wanted = dict[tuple[str | int, ...], list[str]]
"""By place, the types that a value there may have."""

NAME_RULE = "a name is a lower-case letter, then up to 63 lower-case letters, digits, dots, `_` or `-`"

_OF_MODELS = (["use"], ["pin"], ["shadow"])
_UNKNOWN = frozenset({"extra_forbidden", "unknown_fields"})
_NAMES_ITS_VARIABLE = frozenset({"RB206", "RB701", "RB702"})
_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dataclass_exact_type": "a reference `{file: PATH}`",
}
_BOUNDS = {
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "too_long": "shorter: at most {max_length} items",
    "too_short": "longer: at least {min_length} item",
    "string_too_short": "longer: at least {min_length} character",
}
_HELP = {
    "env_unset": "set the variable, or give it a default: {{env: {name}, default: ...}}",
    "secret_literal": "name the variable that holds it: {{env: NAME}}; replace a key that has been committed",
    "string_pattern_mismatch": NAME_RULE,
    "header_own": "remove it",
    "secret_header": "put it into the provider's `headers` as a reference: {{env: NAME}}",
}


def read_problems(found: Iterable[ErrorDetails], model: type[BaseModel], node: Node, key: Span) -> list[Diagnostic]:
    """Turn what was *found* when *node* was shaped as *model* into diagnostics; *key* is where its name stands."""
    problems, wanted = _one_a_place(found, node)
    unknown = {tuple(path[:-1]) for problem in problems for path in places_of(problem) if problem["type"] in _UNKNOWN}
    missing: dict[tuple[str | int, ...], list[str]] = {}
    for problem in problems:
        if problem["type"] == "missing":
            *parent, name = _written(problem["loc"])
            missing.setdefault(tuple(parent), []).append(str(name))
    return [
        _diagnostic(problem, path, model, node, key, missing.get(tuple(path[:-1]), []), wanted)
        for problem in problems
        for path in places_of(problem)
        # An unknown key beside a missing one is that one misspelt, or stands in its place: one mistake.
        # Several missing keys of one mapping are one, too.
        if problem["type"] != "missing"
        or (tuple(path[:-1]) not in unknown and path[-1] == missing[tuple(path[:-1])][0])
    ]


def refusal_of(problem: ErrorDetails, model: type[BaseModel]) -> str:
    """Say what is wrong with a value that stands in no file, by its path below *model*, without repeating it."""
    kind, path = problem["type"], _written(problem["loc"])
    name = ".".join(str(step) for step in path if step != "[key]")
    if kind in _UNKNOWN:
        near = did_you_mean(str(path[-1]), known_keys(model, path[:-1]))
        return f"{name}: there is no such option" + (f"; {near}" if near else "")
    if kind in {"env_unset", "env_unfit"}:
        return f"{name}: must be a value, since only route files refer to variables"
    if kind in _WANTED:
        return f"{name}: must be {_WANTED[kind]}"
    if kind == "literal_error":
        return f"{name}: {_mend(problem, path)}"
    if kind in _BOUNDS:
        return f"{name}: must be {_BOUNDS[kind].format(**problem['ctx'])}"
    message = problem["msg"]
    return f"{name}: {message[0].lower()}{message[1:]}"


def _one_a_place(problems: Iterable[ErrorDetails], node: Node) -> tuple[list[ErrorDetails], Wanted]:
    """Return *problems* without repeats, and what types each place may have: a value that may have several types is
    refused by each of them, and is one mistake.
    """
    left: list[ErrorDetails] = []
    wanted: Wanted = {}
    for problem in problems:
        place = tuple(existing(node, _written(problem["loc"])))
        word = _WANTED.get(problem["type"])
        if word is None or place not in wanted:
            left.append(problem)
        if word is not None and word not in wanted.setdefault(place, []):
            wanted[place].append(word)
    return left, wanted


def _written(location: Iterable[str | int]) -> list[str | int]:
    """Return *location* without the steps that no one wrote."""
    return [step for step in location if step not in FORM_TAGS]


def places_of(problem: ErrorDetails) -> list[list[str | int]]:
    """Return the paths that *problem* is about: one, or one for each key that it names."""
    if problem["type"] == "extra_forbidden":
        *parent, name = problem["loc"]
        return [[*_written(parent), name]]
    path = _written(problem["loc"])
    names = problem.get("ctx", {}).get("names")
    return [path] if names is None else [[*path, name] for name in names]


def _diagnostic(
    problem: ErrorDetails,
    path: list[str | int],
    model: type[BaseModel],
    node: Node,
    key: Span,
    missing: list[str],
    wanted: Wanted,
) -> Diagnostic:
    kind = problem["type"]
    code = _CODES.get(kind, "RB202")
    context = {name: str(value) for name, value in problem.get("ctx", {}).items()}
    if kind in _UNKNOWN:
        return _unknown_key(path, model, node, missing)
    if kind == "misplaced":
        return diagnose(code, locate_key(node, path), problem["msg"], help=f"remove `{path[-1]}`")
    if kind not in {"missing", "no_target"}:
        path = existing(node, path)
    if kind in {"missing", "no_target"}:
        place = locate_key(node, path[:-1]) if path[:-1] else key
        names = missing or [str(path[-1])]
        what = f"key {names[0]!r} is" if len(names) == 1 else f"keys {', '.join(map(repr, names))} are"
        mend = "add " + ", ".join(f"`{name}: ...`" for name in names)
        mend += ", or a `split` of several" if kind == "no_target" else ""
        return diagnose(code, place, f"required {what} missing", help=mend)
    if kind == "null_matcher":
        mend = "leave it out; that a field is absent is `{exists: false}`"
        return diagnose(code, locate(node, path), f"{path[-1]!r} is compared with nothing", help=mend)
    if kind == "null":
        return diagnose(code, locate(node, path), f"{path[-1]!r} must be text, not nothing")
    help_text = _HELP[kind].format(**context) if kind in _HELP else None
    notes = () if code in _NAMES_ITS_VARIABLE else _where_from(node, path)
    sentence = _sentence(problem, path, wanted.get(tuple(path), []))
    return diagnose(code, locate(node, path), sentence, notes=notes, help=help_text or _mend(problem, path))


def _unknown_key(path: list[str | int], model: type[BaseModel], node: Node, missing: list[str]) -> Diagnostic:
    """Report the key at *path*; *missing* are required keys that its mapping lacks, one of which may be meant."""
    name, known = str(path[-1]), known_keys(model, path[:-1])
    if name == "split":
        return diagnose("RB201", locate_key(node, path), f"unknown key {name!r}", help=_SPLITS)
    near = did_you_mean(name, missing) or did_you_mean(name, known)
    needed = f"required: {', '.join(missing)}" if missing else None
    mend = near or needed or f"known keys: {', '.join(sorted(known))}"
    return diagnose("RB201", locate_key(node, path), f"unknown key {name!r}", help=mend)


def _where_from(node: Node, path: Sequence[str | int]) -> tuple[str, ...]:
    """Say where the value at *path* comes from, if it does not stand there."""
    written = to_plain(value_at(node, path))
    if not is_env_reference(written):
        return ()
    default = ", or its default" if "default" in written else ""
    return (f"the value is that of environment variable {written['env']}{default}",)


def _sentence(problem: ErrorDetails, path: Sequence[str | int], wanted: Sequence[str]) -> str:
    kind, value = problem["type"], problem["input"]
    if kind in _WANTED:
        found = _kind(value) if "a mapping" in wanted else _described(value, path)
        words = [word for word in wanted if word != "a whole number" or "a number" not in wanted]
        types = words[0] if len(words) == 1 else f"{', '.join(words[:-1])}, or {words[-1]}"
        return f"{_subject(path)} must be {types}, not {found}"
    if kind == "literal_error":
        return f"{_subject(path)} cannot be {_described(value, path).removeprefix('the text ')}"
    if kind == "string_pattern_mismatch":
        return f"bad name {value!r}"
    if kind == "too_short" and isinstance(value, str):
        kind = "string_too_short"
    if kind in _BOUNDS:
        return f"{_subject(path)} must be {_BOUNDS[kind].format(**problem['ctx'])}"
    message = problem["msg"]
    return f"{_subject(path)}: {message[0].lower()}{message[1:]}"


def _subject(path: Sequence[str | int]) -> str:
    named = [step for step in path if isinstance(step, str)]
    if not named:
        return "this definition"
    return f"an item of {named[-1]!r}" if isinstance(path[-1], int) else repr(named[-1])


def _may_be_secret(path: Sequence[str | int]) -> bool:
    """Tell whether somebody would put a secret at *path*."""
    return bool(path) and (path[-1] == "auth" or carries_credential(str(path[-1])))


def _described(value: Any, path: Sequence[str | int]) -> str:
    if value is None or isinstance(value, (dict, list, bool)) or _may_be_secret(path):
        return _kind(value)
    return f"the {'number' if isinstance(value, (int, float)) else 'text'} {short_repr(value)}"


def _kind(value: Any) -> str:
    """Say what sort of thing *value* is, without repeating it: text in a mapping's place may hold a secret."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else "text"


def _mend(problem: ErrorDetails, path: Sequence[str | int]) -> str | None:
    kind, value = problem["type"], problem["input"]
    if kind == "literal_error":
        expected = str(problem.get("ctx", {}).get("expected", ""))
        words = [word for word in expected.replace("' or '", "', '").strip("'").split("', '") if word]
        near = did_you_mean(value, words) if isinstance(value, str) else None
        return near or f"one of: {', '.join(words)}"
    if kind == "string_type" and isinstance(value, (int, float)) and not _may_be_secret(path):
        return "put it in quotes"
    if (
        kind in {"model_type", "dict_type", "model_attributes_type"}
        and isinstance(value, str)
        and path[-1:] in _OF_MODELS
    ):
        return f"write `{{model: {value}}}`"
    if kind == "list_type" and isinstance(value, str) and not _may_be_secret(path):
        return f"write `[{value}]`"
    if kind in {"model_type", "dict_type"} and value is None:
        return "an empty mapping is written `{}`"
    return None


def known_keys(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """Return the keys that the model at *path* below *model* knows."""
    annotation: Any = model
    for step in path:
        annotation = _step(annotation, step)
    found = _model_in(annotation)
    if found is None:
        return []
    extra = [f"{found.prefix}KEY"] if issubclass(found, OpenMatchers) else []
    return [*(info.alias or name for name, info in found.model_fields.items()), *extra]


def _step(annotation: Any, step: str | int) -> Any:
    found = _model_in(annotation)
    if found is not None:
        fields = {info.alias or name: info.annotation for name, info in found.model_fields.items()}
        return fields.get(str(step), AnyMatcher if issubclass(found, OpenMatchers) else None)
    for option in _options(annotation):
        if get_origin(option) in {list, dict}:
            return get_args(option)[-1]
    return None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for option in _options(annotation):
        if isinstance(option, type) and issubclass(option, BaseModel):
            return option
    return None


def _options(annotation: Any) -> list[Any]:
    """Open unions and Annotated: return the plain types that *annotation* allows."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _options(get_args(annotation)[0])
    if origin is None or origin in {list, dict}:
        return [annotation]
    return [option for argument in get_args(annotation) for option in _options(argument)]
