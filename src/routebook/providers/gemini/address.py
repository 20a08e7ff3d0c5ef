"""Address: where a model stands at Google AI, or at Vertex, in the API's own way of naming.

Pure. A version that the base address ends in, or a project and a location, are not said twice. Vertex's version `v1`
is behind: its function calls have no ids.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from ..fault import Fault
from ..protocol import ClientConfig

_GOOGLE_AI = "v1beta"
_VERTEX = "v1beta1"
_WITHOUT_CALL_IDS = "v1"
_ENDS_IN_VERSION = re.compile(r"/(v[0-9]+[a-z0-9]*)/*\Z")
_ENDS_IN_PLACE = re.compile(r"/(v[0-9]+[a-z0-9]*)/projects/[^/]+/locations/[^/]+/*\Z")
_VERTEX_HOST = re.compile(r"(?:\A|-)aiplatform(?:\.\w+\.rep)?\.googleapis\.com\Z")
_WHOLE_NAMES = ("models/", "tunedModels/", "publishers/", "endpoints/")


@dataclass(frozen=True, slots=True)
class Address:
    """What stands before the names of models, whether it is Vertex's, and which version of the API."""

    prefix: str
    is_vertex: bool
    version: str

    @property
    def has_call_ids(self) -> bool:
        """Whether function calls and their results have ids there."""
        return not (self.is_vertex and self.version == _WITHOUT_CALL_IDS)

    def path(self, model: str, method: str) -> str:
        """Return the path of *method* of *model*; the model's name may be whole (`models/...`, `publishers/...`)."""
        if model.startswith("projects/"):  # the whole name of a resource, at any place
            prefix = f"/{self.version}" if self.prefix else ""
            return f"{prefix}/{_quoted(model)}:{method}"
        return f"{self.prefix}/{_quoted(self.whole_name(model))}:{method}"

    def whole_name(self, model: str) -> str:
        """Return *model* as the API names it: `models/ID`, at Vertex `publishers/google/models/ID`."""
        if model.startswith(_WHOLE_NAMES):
            return model if not self.is_vertex or not model.startswith("models/") else f"publishers/google/{model}"
        if not self.is_vertex:
            return f"models/{model}"
        publisher, slash, rest = model.partition("/")
        return f"publishers/{publisher}/models/{rest}" if slash else f"publishers/google/models/{model}"


def address_of(config: ClientConfig) -> Address:
    """Return what *config* says of where its models stand."""
    base = (config.base_url or "").rstrip("/")
    is_vertex = bool(config.project) or _VERTEX_HOST.search(urlsplit(base).hostname or "") is not None
    whole = _ENDS_IN_PLACE.search(base)
    if whole is not None:
        return Address("", True, whole[1])
    said = _ENDS_IN_VERSION.search(base)
    version = said[1] if said else config.api_version or (_VERTEX if is_vertex else _GOOGLE_AI)
    prefix = "" if said else f"/{version}"
    if config.project:
        prefix += f"/projects/{quote(config.project, safe=':')}/locations/{quote(config.location or 'global', safe='')}"
    return Address(prefix, is_vertex, version)


def model_fault(model: str) -> Fault | None:
    """Return what is wrong with the name of a model, if anything is: it is part of a path."""
    if all(segment not in ("", ".", "..") for segment in model.split("/")):
        return None
    return Fault("bad_request", f"model {model!r} cannot stand in an address; write its id as the provider names it")


def _quoted(model: str) -> str:
    return quote(model, safe="/@")
