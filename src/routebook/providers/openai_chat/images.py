"""Images: a canonical request ↔ a call of `/images/generations`, or of a chat that answers with images.

Pure. Which of the two it is, the request says, else the preset (`images: chat`). An answer without an image is a
fault. In a chat, images and text are asked for, unless `extra_body` names other `modalities`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...canonical.chat import ChatResponse
from ...canonical.image import ImageRequest, ImageResponse
from ...canonical.part import ImagePart, RefusalPart
from ..answer import Answer
from ..fault import Fault, say
from ..openai import images
from ..openai.fields import Body, option_fault
from .decode import decode
from .traits import TRAITS


def is_by_chat(request: ImageRequest, quirks: Mapping[str, Any]) -> bool:
    """Tell whether the images are asked for in a chat."""
    return quirks.get("images") == "chat" if request.by_chat is None else request.by_chat


def encode_image(request: ImageRequest, quirks: Mapping[str, Any]) -> bytes | Fault:
    """Return the body as JSON, or what keeps *request* from being sent."""
    if not is_by_chat(request, quirks):
        return images.encode_image(request, TRAITS, quirks)
    in_chat = TRAITS.image_options - (TRAITS.image_apart - quirks.get("fields", {}).keys())
    fault = option_fault(request.options, in_chat, TRAITS.name, quirks)
    return fault or images.write_image(_chat(request), request.options, quirks)


def decode_chat_image(answer: Answer) -> ImageResponse | Fault:
    """Return the images that *answer*, a success of a chat, has, or why it has none."""
    response = decode(answer)
    if isinstance(response, Fault):
        return response
    parts = [part for choice in response.choices for part in choice.message.content]
    found = tuple(part for part in parts if isinstance(part, ImagePart))
    if not found:
        return _none_said(response, answer)
    return ImageResponse(
        images=found,
        text=response.message.text,
        usage=response.usage,
        request_id=response.request_id,
        model=response.model,
        rate_limits=response.rate_limits,
    )


def _chat(request: ImageRequest) -> Body:
    messages = [{"role": "user", "content": request.prompt}]
    return {"model": request.model, "messages": messages, "modalities": ["image", "text"]}


def _none_said(response: ChatResponse, answer: Answer) -> Fault:
    refusal = "".join(part.text for part in response.message.content if isinstance(part, RefusalPart))
    said = refusal or response.message.text
    message = say("the answer has no image" + (f", only words: {said}" if said else ""), answer.secrets)
    if response.finish_reason == "content_filter":
        return Fault("content_filter", message, None, response.usage)
    return Fault("refusal" if refusal else "malformed_response", message, None, response.usage)
