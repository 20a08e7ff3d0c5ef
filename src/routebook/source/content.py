"""Content: the path that a route file names with `{file: PATH}` → the real place of that file inside the book."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from ..diagnostics.span import Span
from ..diagnostics.suggest import near_names
from .place import Refused, is_inside, is_printable, reason, shown


def content_place(root: Path, path: str, span: Span) -> str:
    """Find the place of the content file at *path* below *root*; *path* itself is checked before anything is touched.

    Raises:
        Refused: It is not inside the book, or is not there; *span*, which names it, helps to say what may be meant.
    """
    pure = PurePosixPath(path)
    if not path or not is_printable(path) or pure.is_absolute() or ".." in pure.parts:
        help_text = "name a file below the book's root, relative to it, such as `_schemas/answer.json`"
        raise Refused("RB107", f"content file {shown(path)!r} is not inside the book", help_text)
    base = os.path.realpath(root)
    named = os.path.join(base, path)
    try:
        place = os.path.realpath(named, strict=True)
    except FileNotFoundError as error:
        is_link = os.path.lexists(named)
        message = (
            f"content file {path!r} is a link that leads nowhere" if is_link else f"no such content file: {path!r}"
        )
        raise Refused("RB107", message, "mend the link" if is_link else _near_file(base, pure, span)) from error
    except OSError as error:
        raise Refused("RB107", f"content file {path!r} cannot be read: {reason(error)}", "make it readable") from error
    if not is_inside(base, place):
        help_text = "copy the file into the book"
        raise Refused("RB107", f"content file {path!r} is a link that leads out of the book", help_text)
    return place


def _near_file(base: str, path: PurePosixPath, span: Span) -> str:
    """Say what may have been meant by *path*, which does not exist."""
    rule = "paths are relative to the book's root"
    beside = PurePosixPath(span.path).parent / path
    if beside != path and os.path.isfile(os.path.join(base, beside)):
        return f"{rule}: write {str(beside)!r}"
    folder = os.path.realpath(os.path.join(base, path.parent))
    if not (os.path.isdir(folder) and is_inside(base, folder)):
        return f"{rule}, and the book has no folder {str(path.parent)!r}"
    near = near_names(path.name, _names_in(folder), limit=1)
    return f"did you mean {str(path.parent / near[0])!r}?" if near else rule


def _names_in(folder: str) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if is_printable(name)]
    except OSError:
        return []  # it only means that no help can be offered
