"""Sizes: the option `size` → the ratio and the size of a picture, as the API says them.

Pure. The API makes pictures of a few ratios in a few sizes. What is asked for by width and height must be one of those
that come of it; anything else is refused, because nothing would say that the picture is another.
"""

from __future__ import annotations

import re

from ..fault import Fault
from .media import Body

_RATIO_AND_SIZE = re.compile(r"(?:([0-9]{1,2}:[0-9]{1,2}))?(?: ?(512|[124]K))?")
# What Gemini makes of each ratio at 1K; twice and four times as wide and as high at 2K and 4K.
_OF_GEMINI = {
    "1:1": ("1024x1024",),
    "2:3": ("848x1264", "832x1248"),
    "3:2": ("1264x848", "1248x832"),
    "3:4": ("896x1200", "864x1184"),
    "4:3": ("1200x896", "1184x864"),
    "4:5": ("928x1152", "896x1152"),
    "5:4": ("1152x928", "1152x896"),
    "9:16": ("768x1376", "768x1344"),
    "16:9": ("1376x768", "1344x768"),
    "21:9": ("1584x672", "1536x672"),
}
# And Imagen, which has no 4K.
_OF_IMAGEN = {
    "1:1": ("1024x1024",),
    "3:4": ("896x1280",),
    "4:3": ("1280x896",),
    "9:16": ("768x1408",),
    "16:9": ("1408x768",),
}


def read_size(size: str, *, is_imagen: bool) -> Body | Fault:
    """Return *size* as `aspectRatio` and `imageSize`, one of them or both, or why it is none."""
    said = _RATIO_AND_SIZE.fullmatch(size)
    if said is not None and any(said.groups()):
        return {key: value for key, value in (("aspectRatio", said[1]), ("imageSize", said[2])) if value}
    table, sizes = (_OF_IMAGEN, ("1K", "2K")) if is_imagen else (_OF_GEMINI, ("1K", "2K", "4K"))
    for ratio, made in table.items():
        for factor, name in zip((1, 2, 4), sizes, strict=False):
            if any(size == _times(one, factor) for one in made):
                return {"aspectRatio": ratio} if factor == 1 else {"aspectRatio": ratio, "imageSize": name}
    ratios = ", ".join(table)
    words = f"no picture of size {size!r} is made here; write a ratio ({ratios}), a size ({', '.join(sizes)}), or both"
    return Fault("unsupported_option", words)


def _times(size: str, factor: int) -> str:
    return "x".join(str(int(side) * factor) for side in size.split("x"))
