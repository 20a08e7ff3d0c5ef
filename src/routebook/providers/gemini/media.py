"""Media: pictures, sound and documents → the parts of the wire. What the API cannot take raises NoPlace.

An address is passed on, and the API fetches it: `https://` of any server, `gs://`, or what was uploaded to its files.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from ...canonical.part import AudioPart, FilePart, ImagePart
from ..fault import NoPlace

Body = dict[str, Any]

_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^;,]*)*?(;base64)?,(.*)", re.S | re.I)
_FETCHED = ("https", "http", "gs")
_IMAGE_TYPES = {"image/jpg": "image/jpeg"}
_RESOLUTIONS = {word: f"MEDIA_RESOLUTION_{word.upper()}" for word in ("low", "medium", "high", "ultra_high")}
_BY_EXTENSION = {
    extension: f"{family}/{kind}"
    for family, kinds in (
        ("image", "jpeg:jpg jpeg:jpeg png:png webp:webp gif:gif heic:heic heif:heif avif:avif bmp:bmp"),
        ("audio", "wav:wav mpeg:mp3 ogg:ogg flac:flac m4a:m4a aac:aac"),
        ("video", "mp4:mp4 quicktime:mov webm:webm mpeg:mpeg"),
        ("text", "plain:txt markdown:md csv:csv html:html xml:xml"),
        ("application", "pdf:pdf json:json"),
    )
    for kind, _, extension in (pair.partition(":") for pair in kinds.split())
}


def image_part(index: int, part: ImagePart) -> Body:
    """Return the part of a picture in message *index*; an address that holds its data itself is sent as data."""
    return _medium(index, part, "an image", {})


def resolution(part: ImagePart) -> Body:
    """Return what newer models are told of how closely to look at a picture; of other words than theirs, nothing."""
    level = _RESOLUTIONS.get(part.detail or "")
    return {"mediaResolution": {"level": level}} if level else {}


def file_part(index: int, part: FilePart) -> Body:
    """Return the part of a document, a film or another file in message *index*; an address as with a picture."""
    return _medium(index, part, "a file", {"displayName": part.name} if part.name else {})


def audio_part(index: int, part: AudioPart) -> Body:
    """Return the part of sound in message *index*."""
    if not part.data or not part.media_type:
        raise NoPlace("bad_request", f"messages[{index}]: sound needs data and its media_type")
    return {"inlineData": {"mimeType": part.media_type, "data": part.data}}


def _medium(index: int, part: ImagePart | FilePart, what: str, named: Body) -> Body:
    url, media_type, data = _unfolded(index, part)
    kind = None if not media_type else _bare(media_type)
    if url is not None:
        return {"fileData": {**_fetched(index, url, kind), **named}}
    if not data or not kind:
        raise NoPlace("bad_request", f"messages[{index}]: {what} needs a url, or data and its media_type")
    return {"inlineData": {"mimeType": kind, "data": data, **named}}


def _fetched(index: int, url: str, media_type: str | None) -> Body:
    try:
        scheme, path = urlsplit(url).scheme.lower(), urlsplit(url).path
    except ValueError:
        scheme, path = "", ""
    if scheme not in _FETCHED:
        what = f"messages[{index}]: this API fetches addresses that begin with https:// or gs:// only"
        raise NoPlace("unsupported_capability", what)
    kind = media_type or _BY_EXTENSION.get(PurePosixPath(path).suffix[1:].lower())
    return {"fileUri": url, "mimeType": kind} if kind else {"fileUri": url}


def _unfolded(index: int, part: ImagePart | FilePart) -> tuple[str | None, str | None, str | None]:
    """Return the address, the media type and the data of *part*: no address where it holds the data itself."""
    inline = None if part.url is None else _DATA_URL.match(part.url)
    if inline is None:
        return part.url, part.media_type, part.data
    if not inline[2]:
        raise NoPlace("bad_request", f"messages[{index}]: an address that holds its data holds it as base64 only")
    return None, inline[1] or part.media_type, inline[3]


def _bare(media_type: str) -> str:
    """Return *media_type* in lower case, without parameters, as the API spells it."""
    kind = media_type.partition(";")[0].strip().lower()
    return _IMAGE_TYPES.get(kind, kind)
