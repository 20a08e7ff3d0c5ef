"""Media: pictures, documents, films and sound → the blocks of the wire. What the API cannot take raises NoPlace."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...canonical.part import AudioPart, FilePart, ImagePart
from ..fault import NoPlace

Body = dict[str, Any]

_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^;,]*)*?(;base64)?,(.*)", re.S | re.I)
_IN_S3 = "s3://"
_FOREIGN_LETTER = re.compile(r"[^0-9A-Za-z()\[\]-]+")
_ENDING = re.compile(r"\.[0-9A-Za-z]{1,5}\Z")
_LONGEST_NAME = 190
_UNNAMED = "document"
_OFFICE = "application/vnd.openxmlformats-officedocument"
_IMAGES = {"image/jpg": "jpeg", "image/jpeg": "jpeg", "image/png": "png", "image/gif": "gif", "image/webp": "webp"}
_DOCUMENTS = {
    "application/pdf": "pdf",
    "application/msword": "doc",
    f"{_OFFICE}.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    f"{_OFFICE}.spreadsheetml.sheet": "xlsx",
    "text/csv": "csv",
    "text/html": "html",
    "text/markdown": "md",
    "text/plain": "txt",
}
_FILMS = {
    "video/x-matroska": "mkv",
    "video/quicktime": "mov",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "video/x-flv": "flv",
    "video/mpeg": "mpeg",
    "video/x-ms-wmv": "wmv",
    "video/3gpp": "three_gp",
}
_SOUNDS = {
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/opus": "opus",
    "audio/aac": "aac",
    "audio/flac": "flac",
    "audio/mp4": "mp4",
    "audio/m4a": "m4a",
    "audio/x-m4a": "m4a",
    "audio/ogg": "ogg",
    "audio/x-matroska": "mka",
    "audio/webm": "webm",
    "audio/pcm": "pcm",
}


def image_block(index: int, part: ImagePart) -> Body:
    """Return the block of a picture in message *index*; an address that holds its data itself is sent as data.

    How closely to look at it is no matter of this API: it does so as closely as it can.
    """
    media_type, source = _source(index, "an image", part)
    known = _IMAGES.get(media_type)
    if known is None:
        what = f"messages[{index}]: this API takes images as JPEG, PNG, GIF and WebP, not as {media_type!r}"
        raise NoPlace("unsupported_capability", what)
    return {"image": {"format": known, "source": source}}


def file_block(index: int, part: FilePart) -> Body:
    """Return the block of a document or a film in message *index*; an address as with a picture."""
    media_type, source = _source(index, "a file", part)
    if media_type in _FILMS:
        return {"video": {"format": _FILMS[media_type], "source": source}}
    if media_type in _SOUNDS:
        return {"audio": {"format": _SOUNDS[media_type], "source": source}}
    known = _DOCUMENTS.get(media_type) or ("txt" if media_type.startswith("text/") else None)
    if known is None:
        what = f"messages[{index}]: this API takes no file as {media_type!r}; documents are PDF, Office, or text"
        raise NoPlace("unsupported_capability", what)
    return {"document": {"format": known, "name": _plain_name(part.name or ""), "source": source}}


def audio_block(index: int, part: AudioPart) -> Body:
    """Return the block of a sound in message *index*."""
    known = _SOUNDS.get(_bare(part.media_type))
    if known is None or not part.data:
        what = f"messages[{index}]: this API takes sound as data of {', '.join(sorted(set(_SOUNDS.values())))}"
        raise NoPlace("unsupported_capability", f"{what}, not as {part.media_type!r}")
    return {"audio": {"format": known, "source": {"bytes": part.data}}}


def free_name(name: str, taken: set[str]) -> str:
    """Return the name of a document that is none of *taken*, as the API wants it, and add it there."""
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name} ({number})"
    taken.add(free)
    return free


def image_type(image_format: str) -> str:
    """Return the media type of a picture of the format that an answer names."""
    return f"image/{image_format}"


def _source(index: int, what: str, part: ImagePart | FilePart) -> tuple[str, Mapping[str, Any]]:
    """Return the media type of *part*, in lower case and without parameters, and where its data is."""
    inline = None if part.url is None else _DATA_URL.match(part.url)
    if inline is not None and not inline[2]:
        raise NoPlace("bad_request", f"messages[{index}]: an address that holds its data holds it as base64 only")
    media_type = _bare((inline[1] if inline else None) or part.media_type or "")
    data = inline[3] if inline else part.data
    if part.url is not None and inline is None:
        return _placed(index, what, part.url, media_type)
    if not data or not media_type:
        raise NoPlace("bad_request", f"messages[{index}]: {what} needs an s3:// url, or data, and its media_type")
    return media_type, {"bytes": data}


def _placed(index: int, what: str, url: str, media_type: str) -> tuple[str, Mapping[str, Any]]:
    if not url.startswith(_IN_S3):
        words = f"messages[{index}]: this API takes {what} as data or by an s3:// address, and fetches no other"
        raise NoPlace("unsupported_capability", words)
    if not media_type:
        raise NoPlace("bad_request", f"messages[{index}]: {what} by its address needs its media_type")
    return media_type, {"s3Location": {"uri": url}}


def _bare(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def _plain_name(name: str) -> str:
    """Return a document's name without its ending, in the letters that the API takes: its format is said beside."""
    words = _FOREIGN_LETTER.sub(" ", _ENDING.sub("", name)).split()
    return " ".join(words)[:_LONGEST_NAME].strip() or _UNNAMED
