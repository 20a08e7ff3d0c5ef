"""Logprobs: how likely the tokens of a generateContent answer were → canonical log probabilities. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ...canonical.chat import TokenLogprob
from .wire import WireLogprobs, WireToken


def read_logprobs(logprobs: WireLogprobs | None) -> tuple[TokenLogprob, ...]:
    """Return the tokens with their probabilities, each with the likeliest in its place."""
    if logprobs is None:
        return ()
    tops = [_tokens(top.candidates or ()) for top in logprobs.top_candidates or ()]
    chosen = _tokens(logprobs.chosen_candidates or ())
    return tuple(
        TokenLogprob(token.token, token.logprob, tops[index] if index < len(tops) else ())
        for index, token in enumerate(chosen)
    )


def _tokens(tokens: Sequence[WireToken]) -> tuple[TokenLogprob, ...]:
    """Return tokens; the API leaves out what is nothing: an empty token, and a probability of one."""
    return tuple(TokenLogprob(token.token or "", token.log_probability or 0.0) for token in tokens)
