"""Citations: what a generateContent answer rests on → canonical citations.

Pure. Sources stand beside the content of a candidate, found by the API's own search (`groundingMetadata`) or recited
(`citationMetadata`); they belong to the text. Where in it, only the candidate's own fields say, which are kept whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...canonical.frozen import EMPTY
from ...canonical.message import Part
from ...canonical.part import Citation, TextPart
from .traits import TRAITS
from .wire import WireCandidate

_PLACES = ("web", "retrievedContext", "maps", "image")


def read_citations(parts: Sequence[Part], candidate: WireCandidate) -> list[Part]:
    """Return *parts* with the sources on the last of its texts; sources without a text are pieces by themselves."""
    found = list(parts)
    cited = tuple(_citations(candidate))
    if not cited:
        return found
    last = max((index for index, part in enumerate(found) if isinstance(part, TextPart)), default=None)
    if last is None:
        return [*found, TextPart("", cited)]
    text = found[last]
    assert isinstance(text, TextPart)
    found[last] = TextPart(text.text, cited)
    return found


def _citations(candidate: WireCandidate) -> Iterator[Citation]:
    grounding, recited = candidate.grounding_metadata, candidate.citation_metadata
    for chunk in () if grounding is None else grounding.grounding_chunks or ():
        places = (chunk[name] for name in _PLACES if isinstance(chunk.get(name), Mapping))
        yield _citation(chunk, next(places, EMPTY))
    for source in () if recited is None else recited.citations or ():
        yield _citation(source, source)


def _citation(data: Mapping[str, Any], place: Mapping[str, Any]) -> Citation:
    url = _text(place.get("uri")) or _text(place.get("sourceUri"))
    return Citation(TRAITS.name, data, url, _text(place.get("title")), _text(place.get("text")))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
