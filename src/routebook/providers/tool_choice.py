"""Tool choice: which of the tools the option `tool_choice` names, if it is none of the words. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..canonical.tool import ToolDefinition
from .fault import Fault

WORDS = frozenset({"auto", "none", "required"})


def chosen_tool(choice: str, tools: Sequence[ToolDefinition]) -> ToolDefinition | None:
    """Return the tool that *choice* names, as people say it or as the model sees it; None for a word."""
    if choice in WORDS:
        return None
    return next((tool for tool in tools if choice in (tool.tool, tool.name)), None)


def choice_fault(choice: str, tools: Sequence[ToolDefinition]) -> Fault | None:
    """Return what is wrong with *choice*, if anything is; without tools it is not sent, and so nothing is."""
    if not tools or choice in WORDS or chosen_tool(choice, tools) is not None:
        return None
    names = sorted({tool.tool for tool in tools})
    return Fault("bad_request", f"`tool_choice` names {choice!r}, which is none of the tools: {', '.join(names)}")
