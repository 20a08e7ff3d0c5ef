"""Vendor types: whether plain JSON data is what Google's own models of requests allow.

Comes in: a body as `json.loads` gives it. Goes out: what is wrong with it, a sentence each. Strict: keys that a model
does not name are wrong, in snake case too, and so is a word that an enumeration does not know.
"""

from __future__ import annotations

import json
import warnings
from typing import Any

from google.genai import types
from pydantic import BaseModel, ConfigDict, ValidationError


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class _Config(types.GenerationConfig):
    """The vendor's model of this field lacks what only one of its two servers takes."""

    imageConfig: types.ImageConfig | None = None  # noqa: N815


class ChatBody(_Strict):
    contents: list[types.Content]
    systemInstruction: types.Content | None = None  # noqa: N815
    tools: list[types.Tool] | None = None
    toolConfig: types.ToolConfig | None = None  # noqa: N815
    generationConfig: _Config | None = None  # noqa: N815
    serviceTier: types.ServiceTier | None = None  # noqa: N815
    safetySettings: list[types.SafetySetting] | None = None  # noqa: N815
    cachedContent: str | None = None  # noqa: N815


class EmbedOne(_Strict):
    model: str | None = None
    content: types.Content
    outputDimensionality: int | None = None  # noqa: N815
    embedContentConfig: types.EmbedContentConfig | None = None  # noqa: N815


class EmbedSeveral(_Strict):
    requests: list[EmbedOne]


def problems(body: dict[str, Any], model: type[BaseModel] = ChatBody) -> list[str]:
    """Return what keeps *body* from being *model*; an empty list where nothing does."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            read = model.model_validate_json(json.dumps(body))
        except ValidationError as error:
            return [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
    unknown_words = [str(warning.message) for warning in said]
    back = json.loads(read.model_dump_json(by_alias=True, exclude_unset=True))
    return unknown_words + list(_differences(back, body, "body"))


def _differences(back: Any, body: Any, place: str) -> Any:
    """Yield where *body*, read and written again, is another: a key in snake case, a type that was mended."""
    if isinstance(body, dict) and isinstance(back, dict):
        for key in body.keys() | back.keys():
            if key not in body or key not in back:
                yield f"{place}: {key!r} is written in another way"
            else:
                yield from _differences(back[key], body[key], f"{place}.{key}")
    elif isinstance(body, list) and isinstance(back, list) and len(body) == len(back):
        for index, (one, other) in enumerate(zip(back, body, strict=True)):
            yield from _differences(one, other, f"{place}[{index}]")
    elif back != body and not _is_same_text(back, body):
        yield f"{place}: {body!r} is read as {back!r}"


def _is_same_text(back: Any, body: Any) -> bool:
    """Tell whether two texts are the same base64, in its two alphabets."""
    if not isinstance(back, str) or not isinstance(body, str):
        return False
    return back.translate(str.maketrans("-_", "+/")).rstrip("=") == body.translate(str.maketrans("-_", "+/")).rstrip(
        "="
    )
