"""The clock: a real tool server over stdio, `python -m routebook.demo.clock`, with the time and the days between."""

from __future__ import annotations

import signal
from datetime import UTC, date, datetime, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

server = MCPServer("routebook-clock", version="1", log_level="WARNING")


@server.tool(structured_output=False)
def now(
    zone: Annotated[str, Field(description="A time zone's name, such as Europe/Berlin or UTC.")] = "UTC",
) -> str:
    """Tell the current date, weekday and time in a time zone."""
    moment = datetime.now(_zone(zone))
    return f"{moment:%A}, {moment:%Y-%m-%d %H:%M} in {zone} ({moment.isoformat(timespec='seconds')})"


@server.tool(structured_output=False)
def days_between(
    start: Annotated[str, Field(description="The first day, as YYYY-MM-DD.")],
    end: Annotated[str, Field(description="The last day, as YYYY-MM-DD.")],
) -> str:
    """Count the days from one date to another; negative if the second is earlier."""
    days = (_day(end) - _day(start)).days
    return f"{days} {'day' if abs(days) == 1 else 'days'} from {start} to {end}"


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC  # needs no time zone database
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ToolError(
            f"there is no time zone {name!r}; give a name such as UTC, Europe/Berlin, America/New_York or Asia/Tokyo"
        ) from error


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ToolError(f"{text!r} is no date; write it as YYYY-MM-DD, such as 2026-11-21") from error


def main() -> None:
    """Serve until the input ends, or until Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    server.run("stdio")


if __name__ == "__main__":
    main()
