"""Problems as sentences: bounded in length, each with its place as a JSON pointer."""

from __future__ import annotations

from collections.abc import Iterable

from jsonschema.exceptions import ValidationError

_LONGEST = 200


def explained(error: ValidationError) -> str:
    """Return the error's sentence, with what up to three alternatives had to say where it is about alternatives."""
    why = [
        located(cause.relative_path, bounded(cause.message)) if cause.relative_path else bounded(cause.message)
        for cause in error.context[:3]
    ]
    return bounded(error.message) + (f" ({'; '.join(why)})" if why else "")


def located(path: Iterable[str | int], message: str) -> str:
    """Return *message* with the place it is about in front."""
    place = bounded(pointer(path)) or "/"
    return f"{place if place.isprintable() else repr(place)[1:-1]}: {message}"


def pointer(path: Iterable[str | int]) -> str:
    """Return *path* as a JSON pointer; empty for the top."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def bounded(text: str) -> str:
    """Return *text*, its middle left out where it is long: what is wrong stands at the end of a sentence."""
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST - 80]} ... {text[-75:]}"
