"""Routebook: every LLM call your application makes, routed by plain files that are checked like code.

The public names are loaded at their first use, so that `import routebook` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .book import compile_book as compile  # noqa: A004, F401
    from .book import compile_mapping as compile_mapping
    from .canonical.chat import ChatRequest as ChatRequest
    from .canonical.chat import ChatResponse as ChatResponse
    from .canonical.message import Message as Message
    from .canonical.part import ImagePart as ImagePart
    from .canonical.part import ReasoningPart as ReasoningPart
    from .canonical.part import RefusalPart as RefusalPart
    from .canonical.part import TextPart as TextPart
    from .canonical.tool import ToolCall as ToolCall
    from .canonical.tool import ToolDefinition as ToolDefinition
    from .canonical.tool import ToolResult as ToolResult
    from .canonical.usage import Usage as Usage
    from .diagnostics.diagnostic import Diagnostic as Diagnostic
    from .engine.attempt import Attempt as Attempt
    from .engine.changes import Change as Change
    from .engine.engine import Engine as Engine
    from .engine.engine import EngineStatus as EngineStatus
    from .engine.reload import Reload as Reload
    from .engine.result import RunResult as RunResult
    from .engine.sync import SyncEngine as SyncEngine
    from .errors import BudgetError as BudgetError
    from .errors import DeadlineError as DeadlineError
    from .errors import EngineClosed as EngineClosed
    from .errors import LimitError as LimitError
    from .errors import MissingExtra as MissingExtra
    from .errors import OutputError as OutputError
    from .errors import ProviderError as ProviderError
    from .errors import RequestError as RequestError
    from .errors import ResolveError as ResolveError
    from .errors import RoutebookError as RoutebookError
    from .errors import RouteFileError as RouteFileError
    from .errors import ToolError as ToolError
    from .routing.context import Context as Context
    from .routing.context import Facts as Facts
    from .routing.decision import Decision as Decision
    from .routing.table import RoutingTable as RoutingTable

__version__ = "0.1.0"

_PUBLIC = {
    "Attempt": "routebook.engine.attempt",
    "BudgetError": "routebook.errors",
    "Change": "routebook.engine.changes",
    "ChatRequest": "routebook.canonical.chat",
    "ChatResponse": "routebook.canonical.chat",
    "Context": "routebook.routing.context",
    "DeadlineError": "routebook.errors",
    "Decision": "routebook.routing.decision",
    "Diagnostic": "routebook.diagnostics.diagnostic",
    "Engine": "routebook.engine.engine",
    "EngineClosed": "routebook.errors",
    "EngineStatus": "routebook.engine.engine",
    "Facts": "routebook.routing.context",
    "ImagePart": "routebook.canonical.part",
    "LimitError": "routebook.errors",
    "Message": "routebook.canonical.message",
    "MissingExtra": "routebook.errors",
    "OutputError": "routebook.errors",
    "ProviderError": "routebook.errors",
    "ReasoningPart": "routebook.canonical.part",
    "RefusalPart": "routebook.canonical.part",
    "Reload": "routebook.engine.reload",
    "RequestError": "routebook.errors",
    "ResolveError": "routebook.errors",
    "RouteFileError": "routebook.errors",
    "RoutebookError": "routebook.errors",
    "RoutingTable": "routebook.routing.table",
    "RunResult": "routebook.engine.result",
    "SyncEngine": "routebook.engine.sync",
    "TextPart": "routebook.canonical.part",
    "ToolCall": "routebook.canonical.tool",
    "ToolDefinition": "routebook.canonical.tool",
    "ToolError": "routebook.errors",
    "ToolResult": "routebook.canonical.tool",
    "Usage": "routebook.canonical.usage",
    "compile": "routebook.book",
    "compile_mapping": "routebook.book",
}
"""Each public name and the module it is loaded from."""

_ELSEWHERE = {"compile": "compile_book"}
"""Public names that their module knows under another, since they would hide a builtin there."""

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    module = _PUBLIC.get(name)
    if module is None:
        raise AttributeError(f"module 'routebook' has no attribute {name!r}")
    value = getattr(import_module(module), _ELSEWHERE.get(name, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
