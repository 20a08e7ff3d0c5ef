"""Media: pictures and documents → the blocks of the wire. What the API cannot take raises NoPlace."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from ...canonical.part import FilePart, ImagePart
from ..fault import NoPlace

Body = dict[str, Any]

_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^;,]*)*?(;base64)?,(.*)", re.S | re.I)
_PDF = "application/pdf"
_IMAGE_TYPES = {"image/jpg": "image/jpeg"} | {
    name: name for name in ("image/jpeg", "image/png", "image/gif", "image/webp")
}


def image_block(index: int, part: ImagePart) -> Body:
    """Return the block of a picture in message *index*; an address that holds its data itself is sent as data.

    How closely to look at it is no matter of this API: it does so as closely as it can.
    """
    url, media_type, data = _unfolded(index, part)
    if url is not None:
        return {"type": "image", "source": {"type": "url", "url": url}}
    if not data or not media_type:
        raise NoPlace("bad_request", f"messages[{index}]: an image needs a url, or data and its media_type")
    known = _IMAGE_TYPES.get(_bare(media_type))
    if known is None:
        what = f"messages[{index}]: this API takes images as JPEG, PNG, GIF and WebP, not as {media_type!r}"
        raise NoPlace("unsupported_capability", what)
    return {"type": "image", "source": {"type": "base64", "media_type": known, "data": data}}


def file_block(index: int, part: FilePart) -> Body:
    """Return the block of a document in message *index*; an address as with a picture."""
    title = {"title": part.name} if part.name else {}
    return {"type": "document", "source": _file_source(index, part), **title}


def _file_source(index: int, part: FilePart) -> Body:
    url, media_type, data = _unfolded(index, part)
    kind = None if media_type is None else _bare(media_type)
    if url is not None:
        if kind in (None, _PDF):
            return {"type": "url", "url": url}
        what = f"messages[{index}]: by its address this API takes a file as PDF only, not as {kind!r}"
        raise NoPlace("unsupported_capability", what)
    if not data or not kind:
        raise NoPlace("bad_request", f"messages[{index}]: a file needs a url, or data and its media_type")
    if kind == _PDF:
        return {"type": "base64", "media_type": _PDF, "data": data}
    if kind.startswith("text/"):
        return {"type": "text", "media_type": "text/plain", "data": _text_of(index, data)}
    what = f"messages[{index}]: this API takes files as PDF and as text, not as {kind!r}"
    raise NoPlace("unsupported_capability", what)


def _unfolded(index: int, part: ImagePart | FilePart) -> tuple[str | None, str | None, str | None]:
    """Return the address, the media type and the data of *part*: no address where it holds the data itself."""
    inline = None if part.url is None else _DATA_URL.match(part.url)
    if inline is None:
        return part.url, part.media_type, part.data
    if not inline[2]:
        raise NoPlace("bad_request", f"messages[{index}]: an address that holds its data holds it as base64 only")
    return None, inline[1] or part.media_type, inline[3]


def _bare(media_type: str) -> str:
    """Return *media_type* in lower case, without parameters."""
    return media_type.partition(";")[0].strip().lower()


def _text_of(index: int, data: str) -> str:
    try:
        text = base64.b64decode(data, validate=True).decode("utf-8-sig")
    except (binascii.Error, ValueError):
        what = f"messages[{index}]: a text file is no text in UTF-8, or its data is no base64"
        raise NoPlace("bad_request", what) from None
    if not text.strip():
        raise NoPlace("bad_request", f"messages[{index}]: a text file holds no text")
    return text
