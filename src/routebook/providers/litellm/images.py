"""Images: a canonical request ↔ a call of `litellm.aimage_generation`, or of a chat that answers with images.

Pure. Which of the two it is, the request says. Both are said and read as by OpenAI's copies; see `..openai.images` and
`..openai_chat.images`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ...canonical.frozen import EMPTY
from ...canonical.image import ImageRequest, ImageResponse
from ..answer import Answer
from ..fault import Fault
from ..openai import images
from ..openai.fields import Body, option_fault
from ..openai_chat import images as chat
from .arguments import ALWAYS
from .decode import with_kept
from .traits import TRAITS

_HAS_IMAGES = re.compile(rb'"data":\[[^\]]')


def is_by_chat(request: ImageRequest) -> bool:
    """Tell whether the images are asked for in a chat."""
    return bool(request.by_chat)


def encode_image(request: ImageRequest, where: Mapping[str, str]) -> bytes | Fault:
    """Return the arguments as JSON, or what keeps *request* from being sent."""
    carried = TRAITS.image_options - (TRAITS.image_apart if is_by_chat(request) else frozenset())
    fault = option_fault(request.options, carried, TRAITS.name, {})
    if fault is not None:
        return fault
    body: Body = chat_body(request) if is_by_chat(request) else {"model": request.model, "prompt": request.prompt}
    return images.write_image({**body, **where, **ALWAYS}, request.options, EMPTY)


def chat_body(request: ImageRequest) -> Body:
    """Return the arguments of a chat that asks for images."""
    messages = [{"role": "user", "content": request.prompt}]
    return {"model": request.model, "messages": messages, "modalities": ["image", "text"]}


def decode_image(answer: Answer) -> ImageResponse | Fault:
    """Return the images that *answer*, a success of `aimage_generation`, has, or why it has none."""
    found = images.decode_image(answer)
    if not isinstance(found, Fault) or _HAS_IMAGES.search(answer.body):
        return found
    return replace(found, message=f"{found.message}; litellm answers so, too, for a provider without such a call")


def decode_chat_image(answer: Answer) -> ImageResponse | Fault:
    """Return the images that *answer*, a success of a chat, has, or why it has none."""
    return chat.decode_chat_image(replace(answer, body=with_kept(answer.body)))
