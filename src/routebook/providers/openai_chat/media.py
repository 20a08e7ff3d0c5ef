"""Media: the pictures and the sound in a chat completions answer → canonical parts.

Pure; nothing is downloaded. The kind of sound is told by its first bytes.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...canonical.part import AudioPart, ImagePart
from ..body import Malformed
from ..openai.media import first_bytes, image_at
from .wire import WireAudio

_SOUNDS = (
    (b"RIFF", "audio/wav"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf1", "audio/aac"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
)


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


def read_audio(audio: WireAudio | None) -> Iterator[AudioPart]:
    """Yield what the model spoke; sound without a head is raw samples."""
    if audio is not None and (audio.data or audio.id):
        data = audio.data or ""
        first = first_bytes(data)
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
