"""Thoughts: the reasoning items of the responses API ↔ canonical reasoning.

Pure. The item is kept whole, as JSON in the signature of its part, and goes back as it came, its encrypted content
byte for byte, under its own id, to which that content is bound. Left out on the way back are its status, which the API
gives and does not take, and nulls. An item that holds nothing of the thought but its id is only a reference: without
`store: true` the API would look for it in vain, so it stays here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from ...canonical.part import ReasoningPart
from ..body import ENCODER, Malformed
from ..fault import NoPlace
from ..openai.fields import Body
from .traits import TRAITS
from .wire import WireItem

BETWEEN = "\n\n"
"""What stands between the parts of a thought: each has its own heading."""
_ITEM = msgspec.json.Decoder(dict[str, Any])
_NOT_TAKEN = frozenset({"status"})


def read_thought(item: WireItem, plain: Mapping[str, Any]) -> ReasoningPart:
    """Return the thought in *item*, *plain* as it came.

    Raises:
        Malformed: A text in it is none.
    """
    text = BETWEEN.join(words for words in _words(item) if words)
    is_hidden = not text and bool(item.encrypted_content)
    return ReasoningPart(text, ENCODER.encode(plain).decode(), redacted=is_hidden, api=TRAITS.name)


def thought_item(index: int, part: ReasoningPart, is_stored: bool) -> Body | None:
    """Return the item of a thought in message *index*; None where the API can make nothing of it.

    Raises:
        NoPlace: The signature is none that this API gave.
    """
    if part.api != TRAITS.name or part.signature is None:
        return None
    try:
        kept = _ITEM.decode(part.signature)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        what = f"messages[{index}]: the signature of the reasoning is none that api {TRAITS.name!r} gave"
        raise NoPlace("bad_request", what) from error
    item = {name: value for name, value in kept.items() if value is not None and name not in _NOT_TAKEN}
    if item.get("content") == []:
        del item["content"]
    if not (item.get("encrypted_content") or item.get("content") or is_stored):
        return None
    return {"summary": [], **item}


def _words(item: WireItem) -> Iterator[str]:
    for part in (*(item.summary or ()), *(item.content or ())):
        text = part.get("text")
        if text is not None and not isinstance(text, str):
            raise Malformed(f"the answer has a text that is none, but {text!r}")
        yield text or ""
