"""Strategy: how a model is asked to keep an output contract.

Comes in: an output and what the model can do. Goes out: `native` (the API itself holds the model to the schema) or
`prompt` (the schema is part of the instructions), and the wording of each. An answer is validated alike under both.
"""

from __future__ import annotations

import json
from typing import Literal

from ..canonical.chat import OutputFormat
from ..canonical.frozen import thaw
from ..routing.output_spec import OutputSpec


def choose_strategy(output: OutputSpec, capabilities: frozenset[str] | None) -> Literal["native", "prompt"]:
    """Return how a model with *capabilities* is asked for *output*.

    What the route file says stands. `auto` is `native` for a model that has `json_schema` and for one that declares
    no capabilities (None: nothing is held against it), and `prompt` for every other.
    """
    if output.strategy != "auto":
        return output.strategy
    return "native" if capabilities is None or "json_schema" in capabilities else "prompt"


def instructions(output: OutputSpec) -> str:
    """Return the system text that asks for *output* where the API has no means of its own; it shows the schema."""
    schema = json.dumps(thaw(output.schema), ensure_ascii=False)
    return (
        "Answer with one JSON value and nothing else: no text before or after it, no markdown fence. "
        f"The value must be valid under this JSON Schema:\n{schema}"
    )


def output_format(output: OutputSpec) -> OutputFormat:
    """Return *output* as a request carries it to an API that holds the model to a schema."""
    return OutputFormat(output.name, output.schema)
