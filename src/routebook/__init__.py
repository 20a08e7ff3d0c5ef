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
    from .canonical.chat import Choice as Choice
    from .canonical.chat import TokenLogprob as TokenLogprob
    from .canonical.embedding import EmbeddingRequest as EmbeddingRequest
    from .canonical.embedding import EmbeddingResponse as EmbeddingResponse
    from .canonical.event import ReasoningDelta as ReasoningDelta
    from .canonical.event import RefusalDelta as RefusalDelta
    from .canonical.event import ResponseFinished as ResponseFinished
    from .canonical.event import TextDelta as TextDelta
    from .canonical.event import ToolCallDelta as ToolCallDelta
    from .canonical.image import ImageRequest as ImageRequest
    from .canonical.image import ImageResponse as ImageResponse
    from .canonical.message import Message as Message
    from .canonical.part import AudioPart as AudioPart
    from .canonical.part import Citation as Citation
    from .canonical.part import FilePart as FilePart
    from .canonical.part import ImagePart as ImagePart
    from .canonical.part import NativePart as NativePart
    from .canonical.part import ReasoningPart as ReasoningPart
    from .canonical.part import RefusalPart as RefusalPart
    from .canonical.part import TextPart as TextPart
    from .canonical.rate_limits import RateLimits as RateLimits
    from .canonical.tool import ToolCall as ToolCall
    from .canonical.tool import ToolDefinition as ToolDefinition
    from .canonical.tool import ToolResult as ToolResult
    from .canonical.usage import Usage as Usage
    from .diagnostics.diagnostic import Diagnostic as Diagnostic
    from .engine.changes import Change as Change
    from .engine.dump import WireRequest as WireRequest
    from .engine.engine import Engine as Engine
    from .engine.engine import EngineStatus as EngineStatus
    from .engine.events import AttemptFailed as AttemptFailed
    from .engine.events import RunFinished as RunFinished
    from .engine.events import RunStarted as RunStarted
    from .engine.events import StreamEvent as StreamEvent
    from .engine.events import ToolCallRequested as ToolCallRequested
    from .engine.events import ToolFinished as ToolFinished
    from .engine.events import TurnStarted as TurnStarted
    from .engine.limits import BreakerState as BreakerState
    from .engine.limits import LimitState as LimitState
    from .engine.reload import Reload as Reload
    from .engine.result import EmbeddingResult as EmbeddingResult
    from .engine.result import ImageResult as ImageResult
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
    from .providers.protocol import Api as Api
    from .providers.protocol import ClientConfig as ClientConfig
    from .providers.protocol import ModelClient as ModelClient
    from .records.attempt import Attempt as Attempt
    from .records.ended import AttemptEnded as AttemptEnded
    from .records.ended import EngineRecord as EngineRecord
    from .records.ended import RunEnded as RunEnded
    from .records.ended import ToolCallEnded as ToolCallEnded
    from .records.ended import TurnEnded as TurnEnded
    from .routing.context import Context as Context
    from .routing.context import Facts as Facts
    from .routing.decision import Decision as Decision
    from .routing.table import RoutingTable as RoutingTable
    from .routing.traits import ApiTraits as ApiTraits
    from .state.gate import GateState as GateState
    from .telemetry.runlog import RunLog as RunLog

__version__ = "0.1.0"

_PUBLIC = {
    "Api": "routebook.providers.protocol",
    "ApiTraits": "routebook.routing.traits",
    "Attempt": "routebook.records.attempt",
    "AttemptEnded": "routebook.records.ended",
    "AttemptFailed": "routebook.engine.events",
    "AudioPart": "routebook.canonical.part",
    "BreakerState": "routebook.engine.limits",
    "BudgetError": "routebook.errors",
    "Change": "routebook.engine.changes",
    "ChatRequest": "routebook.canonical.chat",
    "ChatResponse": "routebook.canonical.chat",
    "Choice": "routebook.canonical.chat",
    "Citation": "routebook.canonical.part",
    "ClientConfig": "routebook.providers.protocol",
    "Context": "routebook.routing.context",
    "DeadlineError": "routebook.errors",
    "Decision": "routebook.routing.decision",
    "Diagnostic": "routebook.diagnostics.diagnostic",
    "EmbeddingRequest": "routebook.canonical.embedding",
    "EmbeddingResponse": "routebook.canonical.embedding",
    "EmbeddingResult": "routebook.engine.result",
    "Engine": "routebook.engine.engine",
    "EngineClosed": "routebook.errors",
    "EngineRecord": "routebook.records.ended",
    "EngineStatus": "routebook.engine.engine",
    "Facts": "routebook.routing.context",
    "FilePart": "routebook.canonical.part",
    "GateState": "routebook.state.gate",
    "ImagePart": "routebook.canonical.part",
    "ImageRequest": "routebook.canonical.image",
    "ImageResponse": "routebook.canonical.image",
    "ImageResult": "routebook.engine.result",
    "LimitError": "routebook.errors",
    "LimitState": "routebook.engine.limits",
    "Message": "routebook.canonical.message",
    "MissingExtra": "routebook.errors",
    "ModelClient": "routebook.providers.protocol",
    "NativePart": "routebook.canonical.part",
    "OutputError": "routebook.errors",
    "ProviderError": "routebook.errors",
    "RateLimits": "routebook.canonical.rate_limits",
    "ReasoningDelta": "routebook.canonical.event",
    "ReasoningPart": "routebook.canonical.part",
    "RefusalDelta": "routebook.canonical.event",
    "RefusalPart": "routebook.canonical.part",
    "Reload": "routebook.engine.reload",
    "RequestError": "routebook.errors",
    "ResolveError": "routebook.errors",
    "ResponseFinished": "routebook.canonical.event",
    "RouteFileError": "routebook.errors",
    "RoutebookError": "routebook.errors",
    "RoutingTable": "routebook.routing.table",
    "RunEnded": "routebook.records.ended",
    "RunFinished": "routebook.engine.events",
    "RunLog": "routebook.telemetry.runlog",
    "RunResult": "routebook.engine.result",
    "RunStarted": "routebook.engine.events",
    "StreamEvent": "routebook.engine.events",
    "SyncEngine": "routebook.engine.sync",
    "TextDelta": "routebook.canonical.event",
    "TextPart": "routebook.canonical.part",
    "TokenLogprob": "routebook.canonical.chat",
    "ToolCall": "routebook.canonical.tool",
    "ToolCallDelta": "routebook.canonical.event",
    "ToolCallEnded": "routebook.records.ended",
    "ToolCallRequested": "routebook.engine.events",
    "ToolDefinition": "routebook.canonical.tool",
    "ToolError": "routebook.errors",
    "ToolFinished": "routebook.engine.events",
    "ToolResult": "routebook.canonical.tool",
    "TurnEnded": "routebook.records.ended",
    "TurnStarted": "routebook.engine.events",
    "Usage": "routebook.canonical.usage",
    "WireRequest": "routebook.engine.dump",
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
