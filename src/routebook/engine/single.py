"""Single: one request and one answer, for embeddings or images, along a decision's attempts.

Resolved, paid for, bounded and recorded as a run is; there are no turns, no tools and no output contract.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from ..canonical.embedding import EmbeddingRequest, EmbeddingResponse
from ..canonical.image import ImageRequest, ImageResponse
from ..errors import RequestError, RoutebookError
from ..records.attempt import Attempt
from ..routing.context import Context
from ..routing.decision import PlannedAttempt
from ..routing.resolve import find_feature
from ..routing.spec import FeatureSpec
from ..routing.table import RoutingTable
from .attempt import Call, Calling, Progress, Q, R, malformed
from .budget import RunBudget
from .deadline import deadline
from .facts import facts_of_texts
from .fallback import call_along
from .observe import Watch
from .pool import Leases
from .result import EmbeddingResult, ImageResult, RunRecord, new_run_id
from .start import RunAsked, RunMeans, feature_of_kind, start_run, with_result


@dataclass(frozen=True, slots=True)
class SingleAsked:
    """What a caller asks of `Engine.embed` and `Engine.generate_image`, beside the texts."""

    feature: str
    context: Context
    options: Mapping[str, Any] | None
    model: str | None


async def start_embedding(
    table: RoutingTable, asked: SingleAsked, inputs: str | Sequence[str], means: RunMeans
) -> EmbeddingResult:
    """Turn *inputs* into vectors, in their order; a string is a list of one. Errors carry `.result`."""
    feature, texts = feature_of_kind(table, asked.feature, "embeddings"), _texts(inputs)

    def request_for(planned: PlannedAttempt) -> EmbeddingRequest:
        return EmbeddingRequest(planned.id, texts, planned.options, feature.name, planned.model)

    async def call(planned: PlannedAttempt, request: EmbeddingRequest, _: Progress) -> EmbeddingResponse:
        response = await (await means.client_of(planned)).embed(request)
        if len(response.vectors) != len(texts):
            raise malformed(planned, f"{len(response.vectors)} vectors came for {len(texts)} texts", response)
        return response

    response, record = await _answered(table, asked, feature, texts, means, request_for, call)
    paid = record.result()
    return EmbeddingResult(
        response.vectors, paid.run_id, paid.decision, paid.usage, paid.cost_microusd, paid.attempts, paid.warnings
    )


async def start_image(table: RoutingTable, asked: SingleAsked, prompt: str, means: RunMeans) -> ImageResult:
    """Make images of what *prompt* says, at least one. Errors carry `.result`."""
    feature = feature_of_kind(table, asked.feature, "image")
    if not isinstance(prompt, str) or not prompt.strip():
        raise RequestError("prompt must be a string that says what to draw", "prompt")

    def request_for(planned: PlannedAttempt) -> ImageRequest:
        model = table.models.get(planned.model)
        # A model that only draws may do so in a chat all the same: that is the preset's to say.
        by_chat = True if model is not None and model.serves_chat else None
        return ImageRequest(planned.id, prompt, planned.options, by_chat, feature.name, planned.model)

    async def call(planned: PlannedAttempt, request: ImageRequest, _: Progress) -> ImageResponse:
        response = await (await means.client_of(planned)).generate_image(request)
        if not response.images:
            raise malformed(planned, "the answer has no image", response)
        return response

    response, record = await _answered(table, asked, feature, (prompt,), means, request_for, call)
    paid = record.result()
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


async def start_by_kind(table: RoutingTable, asked: RunAsked, means: RunMeans, leases: Leases) -> object:
    """Start what *asked* is by the kind of its feature; only a chat takes inputs, and only a chat is streamed.

    Raises:
        RequestError: What is asked does not go with the kind.
    """
    feature, _ = find_feature(table, asked.feature)
    if feature.kind == "chat":
        return await start_run(table, asked, means, leases)
    if means.tell is not None or asked.inputs:
        field = "inputs" if asked.inputs else "stream"
        raise RequestError(f"feature {feature.name!r} is of kind {feature.kind!r}, which has no {field}", field)
    single = SingleAsked(asked.feature, asked.context, asked.options, asked.model)
    content: Any = asked.messages
    if feature.kind == "embeddings":
        return await start_embedding(table, single, content, means)
    return await start_image(table, single, content, means)


async def _answered(
    table: RoutingTable,
    asked: SingleAsked,
    feature: FeatureSpec,
    texts: Sequence[str],
    means: RunMeans,
    request_for: Callable[[PlannedAttempt], Q],
    call: Call[Q, R],
) -> tuple[R, RunRecord]:
    facts = facts_of_texts(texts, asked.options, asked.model)
    run_id = new_run_id()
    decision = means.settled.resolve(asked.feature, asked.context, facts, run_id)
    record = RunRecord(decision, [], run_id=run_id)
    budget = None if feature.budget is None else RunBudget(feature.name, feature.budget, means.spending)
    watch = None if means.observe is None else Watch(means.observe, record, feature.kind)

    def note(attempt: Attempt) -> None:
        record.attempts.append(attempt)
        if watch is not None:
            watch.attempt(attempt)
        if budget is not None:
            budget.count(attempt)

    with watch or nullcontext():
        try:
            if budget is not None:
                budget.check(record)
            async with deadline(feature) as end:
                if decision.shadow is not None and means.shadows is not None:
                    means.shadows.start(table, record, request_for(decision.shadow), means.observe)
                calling = Calling(table, request_for, call, means.limits, note, end)
                response, _ = await call_along(decision.attempts, 0, calling)
        except RoutebookError as error:
            raise with_result(error, record) from error.__cause__
    if budget is not None:
        budget.warn(record)
    return response, record


def _texts(inputs: str | Sequence[str]) -> tuple[str, ...]:
    listed = (inputs,) if isinstance(inputs, str) else inputs
    if not isinstance(listed, Sequence) or not listed:
        raise RequestError("inputs must be a list of texts, at least one", "inputs")
    for index, text in enumerate(listed):
        if not isinstance(text, str) or not text:
            raise RequestError(f"inputs[{index}] is no text, or an empty one", "inputs")
    return tuple(listed)
