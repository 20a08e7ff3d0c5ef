"""CallCost: the most that one call of a model may cost, from its token limits and its prices.

Comes in: an attempt, what the book knows of its model, and the sort of call. Goes out: tokens, prices and dollars of
the dearest call that the limits allow, or why there is no such call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..decision import PlannedAttempt
from ..spec import Kind, ModelSpec, Price

_PER = 1_000_000

Gap = Literal["unpriced", "unbounded"]


@dataclass(frozen=True, slots=True)
class CallCost:
    """The dearest call. `usd` is None where there is a `gap`, and `why` says what is missing.

    `answers` is how many a call asks for, each of at most `output_tokens`. Tokens are None where nothing bounds them;
    they are free then, or there is a gap. `token_usd` is the most that any one token costs. Prices are per million.
    """

    usd: float | None
    input_tokens: int | None = None
    output_tokens: int | None = None
    answers: int = 1
    input_price: float = 0.0
    output_price: float = 0.0
    gap: Gap | None = None
    why: str | None = None

    @property
    def token_usd(self) -> float:
        """The most that any one token costs."""
        return max(self.input_price, self.output_price) / _PER


def dearest_call(attempt: PlannedAttempt, model: ModelSpec | None, kind: Kind) -> CallCost:
    """Return the most that one call of *attempt* may cost the platform."""
    if attempt.credential == "caller":
        return CallCost(0.0, why="the caller's key pays")
    if model is None or model.price is None:
        undeclared = f"model {attempt.model!r} is not declared, so what it costs is not known"
        return CallCost(None, gap="unpriced", why=undeclared if model is None else f"model {model.name!r} has no price")
    missing = _missing_price(model.price, kind)
    if missing is not None:
        return CallCost(None, gap="unpriced", why=f"model {model.name!r} has no price for its {missing}")
    output_price = 0.0 if kind == "embeddings" else model.price.output or 0.0
    return _priced(attempt, model, kind, _dearest_input(model.price), output_price)


def _missing_price(price: Price, kind: Kind) -> str | None:
    if price.input is None:
        return "input"
    return "output" if price.output is None and kind != "embeddings" else None


def _dearest_input(price: Price) -> float:
    """Return the price of the dearest input token: any of them may be fresh, cached or written to the cache."""
    return max(known for known in (price.input, price.cached_input, price.cache_write) if known is not None)


def _priced(attempt: PlannedAttempt, model: ModelSpec, kind: Kind, input_price: float, output_price: float) -> CallCost:
    answers = attempt.options.get("n", 1)
    input_tokens, output_tokens = _tokens(attempt, model, kind, input_price, output_price * answers)
    why = None
    if output_tokens is None and output_price > 0:
        why = f"model {model.name!r} declares no max_output_tokens, so its output is not bounded"
    if input_tokens is None and input_price > 0:
        why = f"model {model.name!r} declares no context_window, so its input is not bounded"
        why = "a call may embed any number of texts" if kind == "embeddings" else why
    usd = None if why else (input_price * (input_tokens or 0) + output_price * answers * (output_tokens or 0)) / _PER
    gap: Gap | None = "unbounded" if why else None
    return CallCost(usd, input_tokens, output_tokens, answers, input_price, output_price, gap, why)


def _tokens(
    attempt: PlannedAttempt, model: ModelSpec, kind: Kind, input_price: float, output_price: float
) -> tuple[int | None, int | None]:
    """Return the tokens in and out of the dearest call; None is no bound."""
    if kind == "embeddings":
        return None, 0
    if kind == "image":
        return model.context_window, model.max_output_tokens
    return _dearest_tokens(attempt, model, input_price, output_price)


def _dearest_tokens(
    attempt: PlannedAttempt, model: ModelSpec, input_price: float, output_price: float
) -> tuple[int | None, int | None]:
    """Return the tokens in and out of the dearest call of a chat: an answer shares the window with what is asked.

    The cost is linear in the tokens of the answer, so it is highest where these are as many or as few as can be.
    """
    window = model.context_window
    limits = [attempt.options.get("max_output_tokens"), model.max_output_tokens, window]
    longest = min((limit for limit in limits if limit is not None), default=None)
    if window is None or longest is None:
        return window, longest
    output_tokens = longest if output_price >= input_price else 0
    return window - output_tokens, output_tokens
