"""Events: the chunks of a streamed `litellm.acompletion` → canonical events, and the response that they add up to.

Pure. They are read as those of chat completions, see `..openai_chat.events`; what is to be given back with the answer
is put together beside, and joins the rest before the end. An error among them is told by what the library raised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ...canonical.chat import ChatResponse
from ...canonical.event import ModelEvent
from ...canonical.frozen import EMPTY
from ..answer import Answer
from ..body import ENCODER
from ..fault import Fault
from ..openai_chat import events as chat
from ..sentence import parse_json
from .decode import as_own
from .faults import fault_of_error
from .kept import CALLS, FIELDS, Keeping

DONE = b"[DONE]"
_ERROR = b'{"error":'


class Events:
    """Reads the chunks of one answer; *answer* has its headers."""

    def __init__(self, answer: Answer) -> None:
        self.is_finished = False
        self._answer = answer
        self._chat = chat.Events(answer, EMPTY)
        self._keeping: dict[int, Keeping] = {}

    def read(self, data: bytes) -> Sequence[ModelEvent] | Fault:
        """Take the next chunk; return what is new in it. See `StreamReader.read`."""
        if data.startswith(_ERROR):
            return fault_of_error(_error(data), self._answer)
        if data == DONE and self._keeping:
            self._join()
        elif any(field in data for field in (*FIELDS, CALLS)):
            data = self._keep(data)
        events = self._chat.read(data)
        self.is_finished = self._chat.is_finished
        return events

    def response(self) -> ChatResponse | Fault:
        """Return the whole answer; see `StreamReader.response`."""
        response = self._chat.response()
        return response if isinstance(response, Fault) else as_own(response)

    def _keep(self, data: bytes) -> bytes:
        """Take what is to be kept out of a chunk; return what is left of it."""
        chunk, _ = parse_json(data)
        choices = chunk.get("choices") if isinstance(chunk, dict) else None
        for choice in choices if isinstance(choices, list) else ():
            delta = choice.get("delta") if isinstance(choice, dict) else None
            if isinstance(delta, dict):
                self._keeping.setdefault(choice.get("index", 0), Keeping()).add(delta)
                delta.pop("reasoning_details", None)
        return ENCODER.encode(chunk) if choices else data

    def _join(self) -> None:
        """Give what was kept of each choice to the reader of the rest, as its last piece."""
        wholes = {index: keeping.whole() for index, keeping in self._keeping.items()}
        pieces = [{"index": i, "delta": {"reasoning_details": [kept]}} for i, kept in wholes.items() if kept]
        self._chat.read(ENCODER.encode({"choices": pieces}))


def _error(data: bytes) -> Mapping[str, Any]:
    parsed: Any = msgspec.json.decode(data)
    error = parsed["error"]
    return error if isinstance(error, Mapping) else {"message": error}
