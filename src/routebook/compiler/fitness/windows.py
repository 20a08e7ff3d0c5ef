"""Windows: what is sent to a target in any case, and the answer asked for, against its context window (RB414).

What is sent is at least the fixed text of the prompt, and as much as the rule asks for that leads there. Both are
counted as `input_tokens` are: UTF-8 bytes divided by four, rounded up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...document.entry import Definition
from ...document.features import Feature
from ...prompts.fixed import fixed_bytes
from ...routing.matcher import When
from ...routing.spec import OptionLayer, PromptSpec
from ..build import Build, Where
from ..options import place_of
from ..prompts import LIMIT_TEMPLATE
from ..targets import LinkedTarget
from .implied import SIZE, least_input

_BYTES_PER_TOKEN = 4
_ANSWER = "max_output_tokens"


@dataclass(frozen=True, slots=True)
class Sent:
    """The least that is sent, in tokens, and the lines that say so."""

    tokens: int = 0
    notes: tuple[str, ...] = ()


def sent_by_prompt(definition: Definition[Feature], prompt: PromptSpec | None) -> Sent:
    """Return what the prompt of the feature *definition* sends whatever its variables are."""
    parts = () if prompt is None else (("system", prompt.system), ("user", prompt.user))
    sizes = {name: fixed_bytes(text) for name, text in parts if text is not None and len(text) <= LIMIT_TEMPLATE}
    tokens = -(-sum(sizes.values()) // _BYTES_PER_TOKEN)
    if not tokens:
        return Sent()
    places = " and ".join(str(definition.key_span("prompt", name)) for name in sizes if sizes[name])
    return Sent(tokens, (f"the fixed text of the prompt is {tokens} tokens, at {places}",))


def sent_under(when: When, sent: Sent) -> Sent | None:
    """Return what is sent where *when* holds, and *sent* in any case; None where no request can be of such a size."""
    tokens = least_input(when, sent.tokens)
    if tokens is None or tokens == sent.tokens:
        return None if tokens is None else sent
    place = next(test.span for test in when if test.field == SIZE)
    return Sent(tokens, (*sent.notes, f"`input_tokens` is at least {tokens} here, because of {place}"))


def overflows(linked: LinkedTarget, sent: Sent) -> bool:
    """Tell whether *sent*, with the answer that is asked for, is more than the context window of a target's model."""
    window = linked.model.context_window
    return window is not None and sent.tokens + _answer(linked) > window


def _answer(linked: LinkedTarget) -> int:
    """Return how long an answer is asked for; that it is longer than the model answers is said elsewhere."""
    limit = linked.model.max_output_tokens
    return linked.answer if limit is None else min(linked.answer, limit)


def report_overflow(
    build: Build,
    subject: str,
    linked: LinkedTarget,
    layers: Sequence[OptionLayer],
    sent: Sent,
    where: Where,
) -> None:
    """Report that *sent*, with the answer asked for, is too much for the target at *where*."""
    model, answer = linked.model, _answer(linked)
    asked = place_of(_ANSWER, layers)
    notes = list(sent.notes)
    if answer:
        notes.append(f"`{_ANSWER}` is {answer}" + ("" if asked is None else f", set at {asked}"))
    declared = build.document.models[model.name].key_span("context_window")
    notes.append(f"the context window of model {model.name!r} is {model.context_window} tokens, at {declared}")
    total = f"{sent.tokens} + {answer} = {sent.tokens + answer}" if sent.tokens and answer else sent.tokens + answer
    message = f"{subject} needs at least {total} tokens of model {model.name!r}, which holds {model.context_window}"
    mend = f"name a model with a wider window, shorten the prompt, or lower `{_ANSWER}`"
    build.report("RB414", where(), message, notes=notes, help=mend)
