"""A tool server by hand, of the handshake era: quick to start, and able to answer what a library would refuse to."""

import json
import os
import sys
from pathlib import Path

ANY_OBJECT = {"type": "object"}


def note_pid():
    """Leave this process's id where the test asked for it."""
    if "PID_FILE" in os.environ:
        Path(os.environ["PID_FILE"]).write_text(str(os.getpid()))


def text(value):
    return {"content": [{"type": "text", "text": value}]}


def send(**message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def serve(list_tools, call):
    """Answer until the input ends; *list_tools* takes a cursor, *call* a tool's name and its arguments."""
    note_pid()
    for line in sys.stdin:
        message = json.loads(line)
        method, params = message.get("method"), message.get("params") or {}
        if "id" not in message:
            continue
        if method == "initialize":
            result = {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "raw", "version": "1"},
            }
        elif method == "tools/list":
            result = list_tools(params.get("cursor"))
        elif method == "tools/call":
            result = call(params["name"], params.get("arguments"))
        else:
            send(id=message["id"], error={"code": -32601, "message": f"no method {method}"})
            continue
        if result is not None:
            send(id=message["id"], **(result if "error" in result else {"result": result}))
