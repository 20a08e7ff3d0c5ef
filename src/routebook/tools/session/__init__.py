"""Session: a configured tool server goes in; its tools and their answers come out.

The one room that uses the Model Context Protocol's package; its exceptions end here. `server` is what the others see,
`connection` one life of a server, and a `peer` is how it is reached: a process (`stdio`) or an address (`remote`).
"""

from __future__ import annotations

from .server import ToolServer

__all__ = ["ToolServer"]
