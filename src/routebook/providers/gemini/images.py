"""Images: a canonical request ↔ a generateContent call that is answered with images, or a `:predict` of Imagen.

Pure. Which of the two it is, the model's id says. An answer without an image is a fault.
"""

from __future__ import annotations

import binascii
from dataclasses import replace
from typing import Any

import msgspec

from ...canonical.chat import ChatResponse
from ...canonical.image import ImageRequest, ImageResponse
from ...canonical.part import ImagePart
from ..answer import Answer
from ..body import Malformed, lacking, malformed, read_body, write_body
from ..fault import Fault, say
from .address import model_fault
from .decode import REQUEST_ID, decode
from .encode import option_fault
from .faults import fault_of_error
from .media import Body
from .sizes import read_size
from .traits import TRAITS


class WireImage(msgspec.Struct, rename="camel"):
    bytes_base64_encoded: str | None = None
    gcs_uri: str | None = None
    mime_type: str | None = None
    prompt: str | None = None
    rai_filtered_reason: str | None = None


class WireImages(msgspec.Struct):
    predictions: list[WireImage] | None = None
    error: Any = None


_DECODER = msgspec.json.Decoder(WireImages)


def is_by_predict(request: ImageRequest) -> bool:
    """Tell whether the images are asked for as predictions: so are Imagen's."""
    return request.model.rpartition("/")[2].startswith("imagen")


def encode_image(request: ImageRequest) -> bytes | Fault:
    """Return the body as JSON, or what keeps *request* from being sent."""
    fault = option_fault(request.options, TRAITS.image_options) or model_fault(request.model)
    if fault is not None:
        return fault
    is_imagen = is_by_predict(request)
    size = read_size(request.options["size"], is_imagen=is_imagen) if "size" in request.options else {}
    if isinstance(size, Fault):
        return size
    body = _prediction(request, size) if is_imagen else _chat(request, size)
    return write_body({**body, **request.options.get("extra_body", {})})


def decode_image(answer: Answer) -> ImageResponse | Fault:
    """Return the images that *answer*, a success of `:predict`, has, or why it has none."""
    wire = read_body(_DECODER, answer)
    if isinstance(wire, Fault):
        return wire
    if wire.error:
        return fault_of_error(wire.error, answer)
    found = wire.predictions or ()
    try:
        images = tuple(part for image in found if (part := _image(image)) is not None)
    except Malformed as error:
        return malformed(str(error), answer)
    if not images:
        return _none(wire, answer)
    return ImageResponse(
        images=images,
        text="\n".join(image.prompt for image in found if image.prompt),
        request_id=answer.headers.get(REQUEST_ID),
    )


def decode_chat_image(answer: Answer) -> ImageResponse | Fault:
    """Return the images that *answer*, a success of generateContent, has, or why it has none."""
    response = decode(answer)
    if isinstance(response, Fault):
        return response
    parts = [part for choice in response.choices for part in choice.message.content]
    images = tuple(part for part in parts if isinstance(part, ImagePart))
    if not images:
        return _none_said(response, answer)
    try:
        for image in images:
            _check(image.data)
    except Malformed as error:
        return replace(malformed(str(error), answer), usage=response.usage)
    return ImageResponse(
        images=images,
        text=response.message.text,
        usage=response.usage,
        request_id=response.request_id,
        model=response.model,
    )


def _chat(request: ImageRequest, size: Body) -> Body:
    config: Body = {"responseModalities": ["TEXT", "IMAGE"]}
    if size:
        config["imageConfig"] = size
    if "n" in request.options:
        config["candidateCount"] = request.options["n"]
    return {"contents": [{"role": "user", "parts": [{"text": request.prompt}]}], "generationConfig": config}


def _prediction(request: ImageRequest, size: Body) -> Body:
    parameters: Body = {"sampleImageSize" if key == "imageSize" else key: value for key, value in size.items()}
    if "n" in request.options:
        parameters["sampleCount"] = request.options["n"]
    body: Body = {"instances": [{"prompt": request.prompt}]}
    return {**body, "parameters": parameters} if parameters else body


def _image(image: WireImage) -> ImagePart | None:
    if image.bytes_base64_encoded:
        _check(image.bytes_base64_encoded)
        return ImagePart(data=image.bytes_base64_encoded, media_type=image.mime_type or "image/png")
    return ImagePart(url=image.gcs_uri, media_type=image.mime_type) if image.gcs_uri else None


def _check(data: str | None) -> None:
    try:
        binascii.a2b_base64(data or "", strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("the answer has an image that is no base64") from error


def _none(wire: WireImages, answer: Answer) -> Fault:
    reasons = [image.rai_filtered_reason for image in wire.predictions or () if image.rai_filtered_reason]
    # Where everything was filtered, and no reason was asked for, the list is simply empty.
    if reasons or wire.predictions == []:
        words = "; ".join(dict.fromkeys(reasons)) or "it gave no reason"
        message = say(f"the provider's content filter withholds the image: {words}", answer.secrets)
        return Fault("content_filter", message)
    return lacking("image", answer)


def _none_said(response: ChatResponse, answer: Answer) -> Fault:
    said = response.message.text
    message = say("the answer has no image" + (f", only words: {said}" if said else ""), answer.secrets)
    if response.finish_reason == "content_filter":
        return Fault("content_filter", message, None, response.usage)
    return Fault("malformed_response", message, None, response.usage)
