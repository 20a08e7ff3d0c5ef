"""Single: one request and one answer, for embeddings or images, along a decision's attempts.

Resolved, paid for, bounded and recorded as a run is; there are no turns, no tools and no output contract.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..canonical.embedding import EmbeddingRequest, EmbeddingResponse
from ..canonical.image import ImageRequest, ImageResponse
from ..errors import RequestError, RoutebookError
from ..routing.context import Facts
from ..routing.decision import PlannedAttempt
from ..routing.resolve import find_feature
from ..routing.spec import FeatureSpec
from .attempt import Call, Calling, Progress, Q, R, malformed
from .deadline import deadline
from .facts import facts_of_texts
from .fallback import call_along
from .result import EmbeddingResult, ImageResult, RunResult
from .start import FeatureAsked, RunAsked, RunMeans, account_of, feature_of_kind, start_run, with_result


async def start_embedding(asked: FeatureAsked, inputs: str | Sequence[str], means: RunMeans) -> EmbeddingResult:
    """Turn *inputs* into vectors, in their order; a string is a list of one. Errors carry `.result`."""
    feature, texts = feature_of_kind(means.table, asked.feature, "embeddings"), _texts(inputs)

    def request_for(planned: PlannedAttempt) -> EmbeddingRequest:
        return EmbeddingRequest(planned.id, texts, planned.options, feature.name, planned.model)

    async def call(planned: PlannedAttempt, request: EmbeddingRequest, _: Progress) -> EmbeddingResponse:
        response = await (await means.client_of(planned)).embed(request)
        if len(response.vectors) != len(texts):
            raise malformed(planned, f"{len(response.vectors)} vectors came for {len(texts)} texts", response)
        return response

    facts = facts_of_texts(texts, "inputs", asked.options, asked.model)
    response, paid = await _answered(asked, feature, facts, means, request_for, call)
    return EmbeddingResult(
        response.vectors, paid.run_id, paid.decision, paid.usage, paid.cost_microusd, paid.attempts, paid.warnings
    )


async def start_image(asked: FeatureAsked, prompt: str, means: RunMeans) -> ImageResult:
    """Make images of what *prompt* says, at least one. Errors carry `.result`."""
    feature = feature_of_kind(means.table, asked.feature, "image")
    if not isinstance(prompt, str) or not prompt.strip():
        raise RequestError("prompt must be a string that says what to draw", "prompt")

    def request_for(planned: PlannedAttempt) -> ImageRequest:
        model = means.table.models.get(planned.model)
        # A model that only draws may do so in a chat all the same: that is the preset's to say.
        by_chat = True if model is not None and model.serves_chat else None
        return ImageRequest(planned.id, prompt, planned.options, by_chat, feature.name, planned.model)

    async def call(planned: PlannedAttempt, request: ImageRequest, _: Progress) -> ImageResponse:
        response = await (await means.client_of(planned)).generate_image(request)
        if not response.images:
            raise malformed(planned, "the answer has no image", response)
        return response

    facts = facts_of_texts((prompt,), "prompt", asked.options, asked.model)
    response, paid = await _answered(asked, feature, facts, means, request_for, call)
    return ImageResult(
        response.images,
        response.text,
        paid.run_id,
        paid.decision,
        paid.usage,
        paid.cost_microusd,
        paid.attempts,
        paid.warnings,
    )


async def start_by_kind(asked: RunAsked, means: RunMeans) -> object:
    """Start what *asked* is by the kind of its feature; only a chat takes inputs, and only a chat is streamed.

    Raises:
        RequestError: What is asked does not go with the kind.
    """
    feature, _ = find_feature(means.table, asked.feature)
    if feature.kind == "chat":
        return await start_run(asked, means)
    if means.tell is not None or asked.inputs:
        field = "inputs" if asked.inputs else "stream"
        raise RequestError(f"feature {feature.name!r} is of kind {feature.kind!r}, which has no {field}", field)
    content: Any = asked.messages
    if feature.kind == "embeddings":
        return await start_embedding(asked, content, means)
    return await start_image(asked, content, means)


async def _answered(
    asked: FeatureAsked,
    feature: FeatureSpec,
    facts: Facts,
    means: RunMeans,
    request_for: Callable[[PlannedAttempt], Q],
    call: Call[Q, R],
) -> tuple[R, RunResult]:
    """Return the answer, and what a run leaves behind."""
    account = account_of(asked, feature, facts, [], means)
    decision = account.record.decision
    with account:
        try:
            account.check_budget()
            async with deadline(feature) as end:
                if decision.shadow is not None:
                    means.mirror(account.record, request_for(decision.shadow))
                calling = Calling(means.table, request_for, call, means.limits, account.note, end)
                response, _ = await call_along(decision.attempts, 0, calling)
        except RoutebookError as error:
            raise with_result(error, account.record) from error.__cause__
    account.warn_of_budget()
    return response, account.record.result()


def _texts(inputs: str | Sequence[str]) -> tuple[str, ...]:
    listed = (inputs,) if isinstance(inputs, str) else inputs
    if not isinstance(listed, Sequence) or not listed:
        raise RequestError("inputs must be a list of texts, at least one", "inputs")
    for index, text in enumerate(listed):
        if not isinstance(text, str) or not text:
            raise RequestError(f"inputs[{index}] is no text, or an empty one", "inputs")
    return tuple(listed)
