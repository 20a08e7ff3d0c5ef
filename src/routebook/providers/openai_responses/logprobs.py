"""Logprobs: how likely the tokens of a responses answer were → canonical log probabilities. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...canonical.chat import TokenLogprob
from .wire import WireLogprob, WireTopLogprob


def read_logprobs(logprobs: Sequence[WireLogprob] | None) -> Iterator[TokenLogprob]:
    """Yield the tokens of a text with their probabilities."""
    for item in logprobs or ():
        yield TokenLogprob(item.token, item.logprob, tuple(_likeliest(item.top_logprobs)), _bytes(item.bytes))


def _likeliest(tops: Sequence[WireTopLogprob] | None) -> Iterator[TokenLogprob]:
    for top in tops or ():
        if top.token is not None and top.logprob is not None:
            yield TokenLogprob(top.token, top.logprob, (), _bytes(top.bytes))


def _bytes(given: list[int] | None) -> tuple[int, ...] | None:
    return None if given is None else tuple(given)
