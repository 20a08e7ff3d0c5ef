"""Session: a configured tool server goes in; its tools and the answers of its tools come out.

One task owns each connection: it starts the process, speaks the handshake, and takes both down again, so that callers
in other tasks may come, go and be cancelled. A server starts with its first use, once for all who wait for it; one
that was lost starts anew with its next use, and no call is ever sent twice. This is the one place that knows the
Model Context Protocol's package; its exceptions end here.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shlex
import shutil
import sys
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from mcp import Client, MCPError
from mcp.client.session import ClientSession
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage
from mcp.types import (
    AudioContent,
    BlobResourceContents,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    ContentBlock,
    ImageContent,
    Implementation,
    InputRequiredResult,
    JSONRPCResponse,
    ListToolsRequest,
    ListToolsResult,
    PaginatedRequestParams,
    ResourceLink,
    TextContent,
    TextResourceContents,
    jsonrpc_message_adapter,
)
from pydantic import TypeAdapter

from ..canonical.frozen import thaw
from ..canonical.part import ImagePart, TextPart
from ..canonical.redact import redact
from ..canonical.tool import ResultPart
from ..errors import ToolError
from ..routing.spec import ServerSpec
from .process import ServerProcess
from .protocol import ServerTool, ToolAnswer, ToolFailure

_log = logging.getLogger(__name__)
