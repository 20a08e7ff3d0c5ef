"""Media: the pictures and the sound in a chat completions answer → canonical parts.

Pure; nothing is downloaded. The type of what comes as bare base64 is told by its first bytes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...canonical.part import AudioPart, ImagePart
from ..body import Malformed
from .wire import WireAudio

_IMAGES = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"<svg", "image/svg+xml"),
    (b"<?xml", "image/svg+xml"),
)
_SOUNDS = (
    (b"RIFF", "audio/wav"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf1", "audio/aac"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
)
_SNIFFED_LETTERS = 24


def read_images(images: Sequence[str | Mapping[str, Any]] | None) -> Iterator[ImagePart]:
    """Yield the images beside a message."""
    for image in images or ():
        yield read_image(image)


def read_image(image: str | Mapping[str, Any]) -> ImagePart:
    """Return an image: an address (`data:` included), or a mapping that holds one, as `image_url` or `url`."""
    found: Any = image
    while isinstance(found, Mapping):
        found = found.get("image_url") or found.get("url")
    if not isinstance(found, str) or not found:
        raise Malformed("the answer has an image without data and without a url")
    return image_at(found)


def check_base64(data: str) -> None:
    """Look whether *data* can be the bytes of an image.

    Raises:
        Malformed: They are no base64.
    """
    try:
        binascii.a2b_base64(data, strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("the answer has an image that is no base64") from error


def image_at(url: str) -> ImagePart:
    """Return the image at *url*, its data where the address holds them."""
    head, comma, data = url.partition(",")
    if not url.startswith("data:") or not comma or not head.endswith(";base64"):
        return ImagePart(url=url)
    return ImagePart(data=data, media_type=head[5:].partition(";")[0] or image_type(data))


def image_type(data: str) -> str:
    """Return the type of an image by its first bytes; `image/png` where they tell nothing."""
    first = _first_bytes(data)
    if first[:4] == b"RIFF" and first[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _IMAGES if first.startswith(start)), "image/png")


def read_audio(audio: WireAudio | None) -> Iterator[AudioPart]:
    """Yield what the model spoke; sound without a head is raw samples."""
    if audio is not None and (audio.data or audio.id):
        data = audio.data or ""
        first = _first_bytes(data)
        kind = next((kind for start, kind in _SOUNDS if first.startswith(start)), "audio/pcm")
        yield AudioPart(data, kind, audio.transcript or None, audio.id)


def join_base64(pieces: Sequence[str]) -> str:
    """Return *pieces* as one text of base64, whether they were cut from one or each is one by itself."""
    if not any(piece.endswith("=") for piece in pieces[:-1]):
        return "".join(pieces)
    try:
        return base64.b64encode(b"".join(base64.b64decode(piece) for piece in pieces)).decode()
    except ValueError:
        return "".join(pieces)


def _first_bytes(data: str) -> bytes:
    try:
        return base64.b64decode(data[:_SNIFFED_LETTERS])
    except (binascii.Error, ValueError):
        return b""
