"""Embeddings: a canonical request ↔ a call of `litellm.aembedding`.

Pure. The library gives vectors as lists of numbers; where it has a place for that, `mapping` says so. They are read as
those of OpenAI's copies; see `..openai.embeddings`.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...canonical.embedding import EmbeddingRequest, EmbeddingResponse
from ...canonical.frozen import EMPTY
from ..answer import Answer
from ..body import write_body
from ..fault import Fault
from ..openai import embeddings
from ..openai.fields import ELSEWHERE, Body, option_fault
from .arguments import ALWAYS
from .traits import TRAITS


def encode_embedding(request: EmbeddingRequest, where: Mapping[str, str]) -> bytes | Fault:
    """Return the arguments as JSON, or what keeps *request* from being sent."""
    fault = option_fault(request.options, TRAITS.embedding_options, TRAITS.name, EMPTY)
    if fault is not None:
        return fault
    body: Body = {"model": request.model, "input": request.inputs}
    body |= {name: value for name, value in request.options.items() if name not in ELSEWHERE}
    return write_body({**body, **request.options.get("extra_body", {}), **where, **ALWAYS})


def decode_embedding(answer: Answer, inputs: int) -> EmbeddingResponse | Fault:
    """Return the vectors that *answer*, a success, has for so many *inputs*, or why it is none."""
    return embeddings.decode_embedding(answer, inputs, EMPTY)
