"""Images: a canonical request ↔ a call of `/images/generations`, or of a chat that answers with images.

Pure. Which of the two it is, the request says, else the preset (`images: chat`). An answer without an image is a
fault. In a chat, images and text are asked for, unless `extra_body` names other `modalities`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from ...canonical.chat import ChatResponse
from ...canonical.image import ImageRequest, ImageResponse
from ...canonical.part import ImagePart, RefusalPart
from ...canonical.usage import Usage
from ..answer import Answer
from ..body import Malformed, lacking, malformed, read_body, write_body
from ..fault import Fault, say
from ..rate_limit_headers import read_rate_limits
from .decode import decode
from .encode import ELSEWHERE, option_fault, place
from .faults import RATE_LIMITS, fault_of_error
from .media import check_base64, image_at, image_type
from .messages import Body
from .traits import TRAITS


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


def is_by_chat(request: ImageRequest, quirks: Mapping[str, Any]) -> bool:
    """Tell whether the images are asked for in a chat."""
    return quirks.get("images") == "chat" if request.by_chat is None else request.by_chat


def encode_image(request: ImageRequest, quirks: Mapping[str, Any]) -> bytes | Fault:
    """Return the body as JSON, or what keeps *request* from being sent."""
    by_chat = is_by_chat(request, quirks)
    in_chat = TRAITS.image_options - (TRAITS.image_apart - quirks.get("fields", {}).keys())
    fault = option_fault(request.options, in_chat if by_chat else TRAITS.image_options, quirks)
    if fault is not None:
        return fault
    body = _chat(request) if by_chat else _generation(request, quirks)
    for name, value in request.options.items():
        if name not in ELSEWHERE:
            place(body, quirks.get("fields", {}).get(name, name), value)
    return write_body({**body, **request.options.get("extra_body", {})})


def decode_image(answer: Answer) -> ImageResponse | Fault:
    """Return the images that *answer*, a success of `/images/generations`, has, or why it has none."""
    wire = read_body(_DECODER, answer)
    if isinstance(wire, Fault):
        return wire
    if wire.error:
        return fault_of_error(wire.error, answer)
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


def decode_chat_image(answer: Answer) -> ImageResponse | Fault:
    """Return the images that *answer*, a success of a chat, has, or why it has none."""
    response = decode(answer)
    if isinstance(response, Fault):
        return response
    parts = [part for choice in response.choices for part in choice.message.content]
    images = tuple(part for part in parts if isinstance(part, ImagePart))
    if not images:
        return _none_said(response, answer)
    return ImageResponse(
        images=images,
        text=response.message.text,
        usage=response.usage,
        request_id=response.request_id,
        model=response.model,
        rate_limits=response.rate_limits,
    )


def _chat(request: ImageRequest) -> Body:
    messages = [{"role": "user", "content": request.prompt}]
    return {"model": request.model, "messages": messages, "modalities": ["image", "text"]}


def _generation(request: ImageRequest, quirks: Mapping[str, Any]) -> Body:
    body: Body = {"model": request.model, "prompt": request.prompt}
    if "image_format" in quirks:
        body["response_format"] = quirks["image_format"]
    return body


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


def _none_said(response: ChatResponse, answer: Answer) -> Fault:
    refusal = "".join(part.text for part in response.message.content if isinstance(part, RefusalPart))
    said = refusal or response.message.text
    message = say("the answer has no image" + (f", only words: {said}" if said else ""), answer.secrets)
    if response.finish_reason == "content_filter":
        return Fault("content_filter", message, None, response.usage)
    return Fault("refusal" if refusal else "malformed_response", message, None, response.usage)
