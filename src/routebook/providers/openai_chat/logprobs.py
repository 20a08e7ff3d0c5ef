"""Logprobs: how likely the tokens of a chat completions answer were → canonical log probabilities.

Pure. Together says them in the lists of the API before this one, and in a stream as one number for each token.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...canonical.chat import TokenLogprob
from .wire import WireLogprob, WireLogprobs, WireTopLogprob


def read_logprobs(logprobs: WireLogprobs | None) -> tuple[TokenLogprob, ...]:
    """Return the tokens with their probabilities; those of a refusal come last."""
    if logprobs is None:
        return ()
    items = items_of(logprobs, "")
    return tuple(_token(item, tuple(_token(top, ()) for top in item.top_logprobs or ())) for item in items)


def items_of(logprobs: WireLogprobs | float, said: str) -> list[WireLogprob]:
    """Return the tokens in *logprobs* in this API's form; a number is that of *said*, if anything was."""
    if not isinstance(logprobs, WireLogprobs):
        return [WireLogprob(said, logprobs)] if said else []
    return [*(logprobs.content or ()), *(logprobs.refusal or ()), *_of_lists(logprobs)]


def _of_lists(logprobs: WireLogprobs) -> Iterator[WireLogprob]:
    tops = logprobs.top_logprobs if isinstance(logprobs.top_logprobs, list) else []
    for index, (token, logprob) in enumerate(zip(logprobs.tokens or (), logprobs.token_logprobs or (), strict=False)):
        if logprob is not None:
            yield WireLogprob(token, logprob, _top(tops[index]) if index < len(tops) else None)


def _top(likeliest: object) -> list[WireTopLogprob] | None:
    if not isinstance(likeliest, Mapping):
        return None
    return [WireTopLogprob(token, number) for token, number in likeliest.items() if isinstance(number, (int, float))]


def _token(item: WireLogprob | WireTopLogprob, top: tuple[TokenLogprob, ...]) -> TokenLogprob:
    return TokenLogprob(item.token, item.logprob, top, None if item.bytes is None else tuple(item.bytes))
