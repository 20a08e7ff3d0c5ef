"""Inexact: the schemas of a request that its API knows only as something near them, told as warnings of the run.

Schemas of outputs are told of when a book compiles, too; those of tools are known only when their servers run.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

from ..canonical.chat import ChatRequest
from ..routing.traits import NativeSchemas, SchemaGap
from .result import RunWarning

_MOST_KNOWN = 1000


class _Gaps:
    """Remembers what was found in schemas, which are frozen and come again with every turn."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, int], tuple[object, NativeSchemas, SchemaGap | None]] = OrderedDict()

    def of(self, schema: Mapping[str, Any], held: NativeSchemas) -> SchemaGap | None:
        """Return the first thing in *schema* that an API does not take as it is."""
        key = (id(schema), id(held))
        known = self._known.get(key)
        if known is None:  # what is kept keeps its id
            known = self._known[key] = (schema, held, held.gap(schema))
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        return known[2]


_GAPS = _Gaps()


def warnings_of_schemas(request: ChatRequest, api: str, held: NativeSchemas) -> Iterator[RunWarning]:
    """Yield a warning for each schema in *request* that *api*, which has its own form of schemas, takes otherwise."""
    for tool in request.tools:
        if tool.parameters and (gap := _GAPS.of(tool.parameters, held)) is not None:
            yield _warning(f"tool {tool.tool!r}", tool.tool, api, held, gap)
    output = request.output
    if output is not None and output.schema is not None and (gap := _GAPS.of(output.schema, held)) is not None:
        yield _warning(f"output {output.name!r}", output.name, api, held, gap)


def _warning(what: str, subject: str, api: str, held: NativeSchemas, gap: SchemaGap) -> RunWarning:
    place = ".".join(map(str, gap.path)) or "the top"
    text = f"api {api!r} does not take the schema of {what} as it is; it is sent {held.instead} ({place}: {gap.why})"
    return RunWarning("schema_inexact", subject, text)
