"""Programs that use a SyncEngine, each in a process of its own, and how they end."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

LONGEST_S = 40
"""Far longer than any of them takes, and shorter than the runs that they leave behind."""

TOOLS = str(Path(__file__).parent / "servers" / "plain_tools.py")
BEGINNING = f"""
import atexit, gc, multiprocessing, os, signal, sys, threading, time
import routebook
from routebook import EngineClosed, SyncEngine

# A shell's background jobs are started deaf to Ctrl-C, and so is what they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

table = routebook.compile_mapping(
    {{
        "providers": {{
            "stage": {{
                "api": "scripted",
                "script": [
                    {{"when": {{"contains": "wait"}}, "reply": {{"text": "late", "delay": "120s"}}}},
                    {{"when": {{"contains": "slow"}}, "reply": {{"text": "slow", "delay": "500ms"}}}},
                    {{"reply": {{"text": "You said {{{{ text }}}}."}}}},
                ],
            }}
        }},
        "models": {{"actor": {{"provider": "stage", "capabilities": ["tools"]}}}},
        "mcp_servers": {{
            "plain": {{
                "command": sys.executable,
                "args": [{TOOLS!r}],
                "env": {{"PID_DIR": os.environ["PID_DIR"]}},
            }}
        }},
        "features": {{
            "chat": {{"use": {{"model": "actor"}}}},
            "tooled": {{"use": {{"model": "actor"}}, "tools": {{"servers": ["plain"]}}}},
        }},
    }},
    {{}},
)

def opened():
    return SyncEngine(table, environment={{}}).__enter__()

"""


def command_of(folder: Path, program: str) -> list[str]:
    """Write *program* and return what starts it; every warning but one is shown, which Python has for all forks."""
    file = folder / "program.py"
    file.write_text(BEGINNING + textwrap.dedent(program))
    return [sys.executable, "-W", "default", "-W", "ignore:This process:DeprecationWarning", str(file)]


def environment_of(folder: Path) -> dict[str, str]:
    """Return what *program* finds in its environment: its tool servers leave their ids in `folder/servers`."""
    (folder / "servers").mkdir(exist_ok=True)
    return {**os.environ, "PID_DIR": str(folder / "servers")}


def ended(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Return how *program* ended by itself, and what it printed."""
    return subprocess.run(
        command_of(folder, program),
        env=environment_of(folder),
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
