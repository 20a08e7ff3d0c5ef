"""Media: pictures and files as OpenAI's APIs give and take them.

Pure; nothing is downloaded. The type of what comes as bare base64 is told by its first bytes.
"""

from __future__ import annotations

import base64
import binascii

from ...canonical.part import FilePart, ImagePart
from ..body import Malformed
from ..fault import NoPlace
from .fields import Body

_IMAGES = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"<svg", "image/svg+xml"),
    (b"<?xml", "image/svg+xml"),
)
_SNIFFED_LETTERS = 24
_EXTENSIONS = {"text/plain": "txt", "text/markdown": "md"}


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
    first = first_bytes(data)
    if first[:4] == b"RIFF" and first[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _IMAGES if first.startswith(start)), "image/png")


def first_bytes(data: str) -> bytes:
    """Return the first bytes of *data*, base64; none where it is none."""
    try:
        return base64.b64decode(data[:_SNIFFED_LETTERS])
    except (binascii.Error, ValueError):
        return b""


def image_address(index: int, part: ImagePart) -> str:
    """Return where the image of message *index* is: its url, or an address that holds its data.

    Raises:
        NoPlace: It has neither.
    """
    if part.url is not None:
        return part.url
    if not (part.data and part.media_type):
        raise NoPlace("bad_request", f"messages[{index}]: an image needs a url, or data and its media_type")
    return f"data:{part.media_type};base64,{part.data}"


def file_fields(index: int, part: FilePart) -> Body:
    """Return the data of the file of message *index* under its name, or one that tells its type.

    Raises:
        NoPlace: It has no data, or no type.
    """
    if not (part.data and part.media_type):
        raise NoPlace("bad_request", f"messages[{index}]: a file needs data and its media_type")
    extension = _EXTENSIONS.get(part.media_type) or part.media_type.rpartition("/")[2]
    data = f"data:{part.media_type};base64,{part.data}"
    return {"filename": part.name or f"file.{extension}", "file_data": data}
