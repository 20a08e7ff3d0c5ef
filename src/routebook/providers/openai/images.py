"""Images: a canonical request ↔ a call of `/images/generations`.

Pure. An answer without an image is a fault. Quirk: `image_format` is the `response_format` that is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from ...canonical.image import ImageRequest, ImageResponse
from ...canonical.part import ImagePart
from ...canonical.usage import Usage
from ...routing.traits import ApiTraits
from ..answer import Answer
from ..body import Malformed, lacking, malformed, read_body, write_body
from ..fault import Fault
from ..rate_limit_headers import read_rate_limits
from .fields import ELSEWHERE, Body, option_fault, place
from .media import check_base64, image_at, image_type
from .refusals import LEXICON, RATE_LIMITS


class WireImage(msgspec.Struct):
    b64_json: str | None = None
    url: str | None = None
    revised_prompt: str | None = None
    content_filter_results: dict[str, Any] | None = None
    respect_moderation: bool | None = None
    mime_type: str | None = None


class WireImageUsage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None


class WireImages(msgspec.Struct):
    data: list[WireImage] | None = None
    model: str | None = None
    output_format: str | None = None
    usage: WireImageUsage | None = None
    error: Any = None


_DECODER = msgspec.json.Decoder(WireImages)


def encode_image(request: ImageRequest, traits: ApiTraits, quirks: Mapping[str, Any]) -> bytes | Fault:
    """Return the body as JSON, or what keeps *request* from being sent; *traits* are those of its API."""
    fault = option_fault(request.options, traits.image_options, traits.name, quirks)
    if fault is not None:
        return fault
    body: Body = {"model": request.model, "prompt": request.prompt}
    if "image_format" in quirks:
        body["response_format"] = quirks["image_format"]
    return write_image(body, request.options, quirks)


def write_image(body: Body, options: Mapping[str, Any], quirks: Mapping[str, Any]) -> bytes | Fault:
    """Return *body* as JSON, *options* of an image in their places."""
    for name, value in options.items():
        if name not in ELSEWHERE:
            place(body, quirks.get("fields", {}).get(name, name), value)
    return write_body({**body, **options.get("extra_body", {})})


def decode_image(answer: Answer) -> ImageResponse | Fault:
    """Return the images that *answer*, a success of `/images/generations`, has, or why it has none."""
    wire = read_body(_DECODER, answer)
    if isinstance(wire, Fault):
        return wire
    if wire.error:
        return LEXICON.fault_of_error(wire.error, answer)
    usage = None if wire.usage is None else Usage(wire.usage.input_tokens or 0, wire.usage.output_tokens or 0)
    found = wire.data or ()
    try:
        images = tuple(part for image in found if (part := _image(image, wire.output_format)) is not None)
    except Malformed as error:
        return replace(malformed(str(error), answer), usage=usage)
    if not images:
        return _none(wire, usage, answer)
    return ImageResponse(
        images=images,
        text="\n".join(image.revised_prompt for image in found if image.revised_prompt),
        usage=usage,
        request_id=answer.headers.get("x-request-id"),
        model=wire.model or None,
        rate_limits=read_rate_limits(answer.headers, RATE_LIMITS, answer.now),
    )


def _image(image: WireImage, output_format: str | None) -> ImagePart | None:
    if image.b64_json and image.b64_json.startswith("data:"):
        return image_at(image.b64_json)
    if image.b64_json:
        check_base64(image.b64_json)
        return ImagePart(data=image.b64_json, media_type=image.mime_type or _media_type(image.b64_json, output_format))
    return image_at(image.url) if image.url else None


def _media_type(data: str, output_format: str | None) -> str:
    if not output_format:
        return image_type(data)
    return "image/svg+xml" if output_format == "svg" else f"image/{output_format}"


def _none(wire: WireImages, usage: Usage | None, answer: Answer) -> Fault:
    if any(_is_filtered(image) for image in wire.data or ()):
        return Fault("content_filter", "the provider's content filter withholds the image", None, usage)
    return replace(lacking("image", answer), usage=usage)


def _is_filtered(image: WireImage) -> bool:
    results = (image.content_filter_results or {}).values()
    filtered = any(isinstance(result, Mapping) and result.get("filtered") is True for result in results)
    return filtered or image.respect_moderation is False
