"""Events: the chunks of a streamed chat completions call → canonical events, and the response that they add up to.

Pure. The pieces are put together as the wire's own answer, and that is decoded as one that came whole: so a stream
folds to exactly the response of the same call without streaming. Quirk: with `stream_end: finish_reason` a stream is
whole once every choice has its reason, though no `[DONE]` comes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from ...canonical.chat import ChatResponse
from ...canonical.event import ModelEvent
from ..answer import CUT_OFF, Answer
from ..body import Malformed, lacking, malformed, read_json
from ..fault import Fault
from ..sentence import parse_json
from .decode import HAS_A_PLACE, read_fields, response_of
from .faults import fault_of_error
from .pieces import Pieces
from .usage import read_usage
from .wire import WireAnswer, WireChunk

_DECODER = msgspec.json.Decoder(WireChunk)
_DONE = b"[DONE]"
_NULL = msgspec.Raw(b"null")


class Events:
    """Reads the chunks of one answer; *answer* has its status and headers."""

    def __init__(self, answer: Answer, quirks: Mapping[str, Any]) -> None:
        self.is_finished = False
        self._answer = answer
        self._ends_by_reason = quirks.get("stream_end") == "finish_reason"
        self._whole = WireAnswer()
        self._rest: dict[str, msgspec.Raw] = {}
        self._choices: dict[int, Pieces] = {}

    def read(self, data: bytes) -> Sequence[ModelEvent] | Fault:
        """Take the next chunk; return what is new in it. See `StreamReader.read`."""
        if not data.startswith(b"{") and data.strip() == _DONE:
            self.is_finished = True
            return ()
        chunk = read_json(_DECODER, data, self._answer)
        if isinstance(chunk, Fault):
            return chunk
        error = chunk.error or (chunk.x_groq and chunk.x_groq.error)
        if error or chunk.object == "error":
            return fault_of_error(error or parse_json(data)[0], self._answer)
        if chunk.choices is None and (chunk.message or chunk.detail):
            return lacking("choices", replace(self._answer, body=data))
        events: list[ModelEvent] = []
        try:
            self._keep(chunk, read_fields(data))
            for choice in chunk.choices or ():
                pieces = self._choices.get(choice.index)
                if pieces is None:
                    pieces = self._choices[choice.index] = Pieces(choice.index)
                pieces.add(choice, events)
        except Malformed as error:
            return malformed(str(error), self._answer)
        except RecursionError:
            return malformed("the answer is nested too deeply", self._answer)
        return events

    def response(self) -> ChatResponse | Fault:
        """Return the whole answer; see `StreamReader.response`."""
        has_reasons = all(pieces.finish_reason is not None for pieces in self._choices.values())
        if not self.is_finished and not (self._ends_by_reason and self._choices and has_reasons):
            fault = CUT_OFF if self._choices else malformed("the stream has no events", self._answer)
            return replace(fault, usage=read_usage(self._whole.usage))
        self._whole.choices = [self._choices[index].whole() for index in sorted(self._choices)]
        return response_of(self._whole, self._rest, self._answer)

    def _keep(self, chunk: WireChunk, fields: Mapping[str, msgspec.Raw]) -> None:
        """Keep what *chunk* says of the answer as a whole; what a later one says holds."""
        whole = self._whole
        whole.id = chunk.id or whole.id
        whole.model = chunk.model or whole.model
        whole.service_tier = chunk.service_tier or whole.service_tier
        whole.usage = chunk.usage or whole.usage
        whole.citations = chunk.citations or whole.citations
        whole.search_results = chunk.search_results or whole.search_results
        for name, raw in fields.items():
            if name not in HAS_A_PLACE and raw != _NULL:
                self._rest[name] = raw
