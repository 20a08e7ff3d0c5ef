"""Decode: what a tool server sends → tools and answers, canonical.

Pure; on plain data, as it is on the wire. A server's mistakes cost as little as possible: an unusable tool is left
out of the list, not the list. An answer is said once: as text where the server gave text, else as its structure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ..canonical.part import ImagePart, TextPart
from ..canonical.tool import ResultPart
from .protocol import ToolAnswer


def usable_tools(listed: Iterable[Any]) -> tuple[list[dict[str, Any]], list[Any]]:
    """Part the *listed* tools into the usable ones, reduced to name, description and inputSchema, and the others.

    A tool is usable if it has a name and its arguments are an object; no schema at all is any object.
    """
    usable, others = [], []
    for tool in listed:
        name, schema = (tool.get("name"), tool.get("inputSchema")) if isinstance(tool, Mapping) else (None, None)
        schema = {} if schema is None else schema
        if isinstance(name, str) and name and isinstance(schema, Mapping) and schema.get("type", "object") == "object":
            description = tool.get("description")
            kept = {"name": name, "inputSchema": {"type": "object", **schema}}
            usable.append({**kept, "description": description} if isinstance(description, str) else kept)
        else:
            others.append(tool)
    return usable, others


def decode_answer(result: Mapping[str, Any]) -> ToolAnswer:
    """Return the result of a tool call as an answer.

    Text, images and the text of embedded resources stay what they are; a link to a resource is its address; of sound
    and other bytes only a note remains. `structuredContent` becomes text where there is neither text nor image.
    """
    blocks = result.get("content") or []
    structured = result.get("structuredContent")
    parts = [_part(block) for block in blocks]
    if structured is not None and not any(_speaks(part) for part in parts):
        parts.append(TextPart(json.dumps(structured, ensure_ascii=False, separators=(",", ":"))))
    return ToolAnswer(tuple(parts), structured, bool(result.get("isError")))


def _speaks(part: ResultPart) -> bool:
    return isinstance(part, ImagePart) or bool(part.text.strip())


def _part(block: Mapping[str, Any]) -> ResultPart:
    match block:
        case {"type": "text", "text": str(text)}:
            return TextPart(text)
        case {"type": "image", "data": str(data), "mimeType": str(media_type)}:
            return ImagePart(data=data, media_type=media_type)
        case {"type": "resource_link", "uri": uri}:
            return TextPart(str(uri))
        case {"type": "resource", "resource": {"text": str(text)}}:
            return TextPart(text)
        case {"type": "resource", "resource": {"uri": uri}}:
            return TextPart(f"[resource {uri}: bytes, left out]")
    return TextPart(f"[{block.get('type', 'content')} {block.get('mimeType', 'of unknown type')}: left out]")
