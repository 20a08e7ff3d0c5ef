"""What every contender asks the model, and what a contender is. Nothing but the standard library is needed here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

MODEL = "bench-model"
KEY_NAME = "HOUSE_KEY"
KEY = "sk-bench-bench-bench"
TEXT = "The dentist can see me on Monday at nine. I should bring the X-ray from last year."
TEMPERATURE = 0.2
MOST_TOKENS = 100
# US dollars for a million tokens.
PRICE_INPUT = 1.0
PRICE_OUTPUT = 2.0
FIELDS: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": TEXT}],
    "temperature": TEMPERATURE,
    "max_tokens": MOST_TOKENS,
}
"""The request as OpenAI's API has it."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One call, awaited, and one stream, read to its end; `stream` returns how many pieces came, of whatever kind."""

    call: Callable[[], Awaitable[object]]
    stream: Callable[[], Awaitable[int]]
